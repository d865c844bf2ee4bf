"""What a fault is: a name, one sentence, the requirements it breaks, and where it takes hold of an exchange."""

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
    """One way to be wrong (`breaks` names what it turns red), or, where `benign`, to be different and right.

    Hooks, all for POST on the path save `other`: `receive` sees the raw request and may set a reply or change the
    body; `repair` may mend the parsed document before it is validated; `accept` sees an accepted capture and may refuse
    it or replace its reply; `answer` sees every reply, provoked ones included. `other` sees the replies to
    other methods and paths. `scope` is "run" where it shows only in windows that everybody shares.
    `one_exchange` says that a single request can show it.
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


def on(status: int, change: Change) -> Hook:
    """Make a hook that changes every answer of that status."""

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
