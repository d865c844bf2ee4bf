"""What a fault is: a name, one sentence, the requirements that it violates, and hooks that change an exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from conformance.mock.exchange import Inquiry, Reply
from conformance.mock.limiter import WindowRules

Hook = Callable[[Inquiry], None]
Change = Callable[[Reply], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and the requirements that it violates (`breaks`); or, where `benign`, a difference that violates none.

    Hooks for POST on the path: `receive` gets the raw request and may set a reply or change the body; `repair` may
    change the parsed document before it is validated; `accept` gets an accepted capture and may refuse it or replace
    its reply; `answer` gets every reply, also a provoked one. `other` gets the replies to other methods and paths.
    `scope` is "run" where the fault shows only in windows shared by all callers. `one_exchange`: a single request can
    show it.
    """

    name: str
    wrong: str
    breaks: frozenset[str] = frozenset()
    benign: bool = False
    one_exchange: bool = True
    scope: Literal["case", "run"] = "case"
    receive: Hook | None = None
    repair: Hook | None = None
    accept: Hook | None = None
    answer: Hook | None = None
    other: Hook | None = None
    windows: WindowRules | None = None


def violates(*requirements: str) -> frozenset[str]:
    """The requirements that a fault violates."""
    return frozenset(requirements)


def on(status: int, change: Change) -> Hook:
    """Make a hook that changes every answer with that status."""

    def answer(inquiry: Inquiry) -> None:
        if inquiry.reply and inquiry.reply.status == status:
            change(inquiry.reply)

    return answer


def on_errors(change: Change) -> Hook:
    """Make a hook that changes every error answer."""

    def answer(inquiry: Inquiry) -> None:
        if inquiry.reply and inquiry.reply.status >= 400:
            change(inquiry.reply)

    return answer
