"""Judge one exchange step by step; the first violation ends the steps. Pure: no socket, no clock, no pytest."""

from __future__ import annotations

from dataclasses import replace

from conformance.cases.model import Expectation, Probe
from conformance.contract.load import Contract
from conformance.exchange.content import codings, decoded_body
from conformance.exchange.model import AUTHENTICATION, BUSY, LATE, Answer, Exchange, Request, field_values
from conformance.judge.error_body import PREFIXES, judge_error_body, judge_retry_after, judge_unavailable
from conformance.judge.leak import judge_leak
from conformance.judge.model import Judgement, breaks, holds, observed
from conformance.judge.text import text_of

_UNJUDGED_BODY = frozenset({411, 413, 415})
LARGE = 1_000_000
"""Bytes of content from which on a server may close the connection, or reset it, in place of an answer."""
_FAILURES = {
    "timeout": ("answer.in-time", "an answer within the time limit"),
    "closed": ("answer.connection", "an answer"),
    "reset": ("answer.connection", "an answer"),
    "garbled": ("answer.framing", "an HTTP answer"),
}


def judge_exchange(
    contract: Contract, probe: Probe, exchange: Exchange, time_limit: float | None = None
) -> list[Judgement]:
    """Judge `exchange` by what `probe` expects; `time_limit` in seconds. Empty where nothing can be decided."""
    answer, expectation = exchange.answer, probe.expectation
    if answer is None:
        return [] if exchange.unsent else _judge_failure(expectation, exchange)
    if answer.status in AUTHENTICATION:
        return []
    found = _judge_delivery(exchange, time_limit)
    if found[-1].kind == "breaks":
        return found
    if not _labelled_json(exchange.request):
        expectation = replace(expectation, admits=expectation.admits | {415})
        probe = replace(probe, expectation=expectation)
    if probe.path != "operation" or probe.method != "POST":
        return [*found, *_judge_other(contract, expectation, answer)]
    found += _judge_answer(contract, probe, exchange, answer)
    unknown = answer.cut and not answer.body
    if answer.status not in expectation.admits & _UNJUDGED_BODY and not unknown:
        found += judge_leak(answer)
    return found


def _labelled_json(request: Request) -> bool:
    """Whether the request is labelled as JSON, with any parameters."""
    values = field_values(request.headers, "Content-Type")
    return len(values) == 1 and values[0].partition(";")[0].strip(" \t").lower() == "application/json"


def framing_of(method: str) -> str:
    """The requirement about the framing of an answer: no caller sends other methods than POST."""
    return "answer.framing" if method == "POST" else "method.framing"


def _judge_failure(expectation: Expectation, exchange: Exchange) -> list[Judgement]:
    """Judge a connection that gave no answer. Where there was no connection at all, nothing is decided."""
    failure, request = exchange.failure, exchange.request
    if failure is None or failure.kind not in _FAILURES:
        return []
    if failure.kind in ("closed", "reset") and len(request.body) >= LARGE:
        return _observe(expectation, f"no answer ({failure.kind})") if expectation.nature == "either" else []
    requirement, expected = _FAILURES[failure.kind]
    requirement = framing_of(request.method) if requirement == "answer.framing" else requirement
    received = f"{failure.kind}: {text_of(failure.detail)}"
    found = [] if failure.kind == "timeout" else [holds("answer.in-time")]
    if failure.kind == "garbled":
        found.append(holds("answer.connection"))
    return [*found, breaks(requirement, at="connection", expected=expected, received=received)]


def judge_late_bytes(method: str, defect: str) -> Judgement:
    """Judge bytes that came after an answer, to a request with this method, that looked complete."""
    return breaks(framing_of(method), at="after the answer", expected="nothing", received=defect)


def _judge_delivery(exchange: Exchange, time_limit: float | None) -> list[Judgement]:
    elapsed = exchange.elapsed
    too_long = time_limit is not None and elapsed is not None and elapsed > time_limit
    if too_long or LATE in exchange.defects:
        expected = "an answer within the time limit" if time_limit is None else f"an answer within {time_limit:g} s"
        received = LATE if elapsed is None else f"after {elapsed:.1f} s"
        return [breaks("answer.in-time", at="connection", expected=expected, received=received)]
    in_time = [holds("answer.in-time")] if elapsed is not None or exchange.bytes_known else []
    found = [*in_time, holds("answer.connection")]
    if not exchange.bytes_known:
        return found
    framing = framing_of(exchange.request.method)
    if exchange.defects:
        received = text_of("; ".join(exchange.defects))
        return [*found, breaks(framing, at="answer", expected="a well-framed answer", received=received)]
    return [*found, holds(framing)]


def _judge_other(contract: Contract, expectation: Expectation, answer: Answer) -> list[Judgement]:
    """Judge the answer to another method or path; a request to wait decides nothing."""
    status, requirement = answer.status, expectation.requirement
    if status in BUSY:
        return []
    if expectation.nature == "method":
        return _judge_method(answer)
    if expectation.nature == "unknown-path":
        return _required(requirement or "path.unknown", "404", answer, good=status == 404)[0]
    observable = requirement is not None and contract.level(requirement) == "MAY"
    return _observe(expectation, f"answered {status}") if observable else []


def _judge_answer(contract: Contract, probe: Probe, exchange: Exchange, answer: Answer) -> list[Judgement]:
    """Judge the answer to a POST on the path, whatever it was sent for."""
    expectation, status = probe.expectation, answer.status
    allowed = contract.statuses | expectation.admits
    if status not in allowed and not 200 <= status < 300:
        listed = ", ".join(str(each) for each in sorted(allowed))
        return [_wrong_status("answer.status-set", f"one of {listed}", answer)]
    found = [holds("answer.status-set")]
    go_on = True
    if status not in BUSY or (expectation.nature == "provoked" and status == expectation.provoked):
        judgements, go_on = _judge_status(contract, probe, answer)
        found += judgements
    return found + _judge_content(contract, expectation, exchange, answer) if go_on else found


def _judge_status(contract: Contract, probe: Probe, answer: Answer) -> tuple[list[Judgement], bool]:  # noqa: PLR0911 - one return a nature
    """Judge the status by the nature of the case; the second value tells whether the content is to be judged."""
    expectation, status = probe.expectation, answer.status
    nature, requirement = expectation.nature, expectation.requirement
    success = 200 <= status < 300
    advised = requirement is not None and contract.level(requirement) == "SHOULD"
    if nature == "accept" and not (advised and status >= 500):
        return _required(requirement, "200", answer, good=success or (status in expectation.admits and not advised))
    if nature == "reject":
        return _required(requirement, "400", answer, good=status == 400 or status in expectation.admits)
    if nature == "provoked" or probe.equal:  # what differs from its equals is found by comparing them
        return [], status < 500 or status == expectation.provoked
    if status >= 500:
        return [_wrong_status("answer.no-server-error", "no 5xx", answer)], False
    no_error = [holds("answer.no-server-error")]
    if nature == "should-reject":
        good = status == 400 or status in expectation.admits
        judgements, go_on = _required(requirement, "400", answer, good=good)
        return [*no_error, *judgements], go_on
    if nature == "either":
        return [*no_error, *_observe(expectation, f"accepted ({status})" if success else f"refused ({status})")], True
    return no_error, True


def _required(requirement: str | None, expected: str, answer: Answer, *, good: bool) -> tuple[list[Judgement], bool]:
    if requirement is None:
        return [], good
    return [holds(requirement) if good else _wrong_status(requirement, expected, answer)], good


def _observe(expectation: Expectation, behaviour: str) -> list[Judgement]:
    if expectation.requirement is None:
        return []
    return [observed(expectation.requirement, f"{expectation.label}: {behaviour}" if expectation.label else behaviour)]


def _wrong_status(requirement: str, expected: str, answer: Answer) -> Judgement:
    received = f"{answer.status} {text_of(answer.reason)}".rstrip()
    if answer.body:
        received += f", body {text_of(answer.body)}"
    return breaks(requirement, at="status", expected=expected, received=received)


def _judge_method(answer: Answer) -> list[Judgement]:
    if answer.status != 405:
        return [_wrong_status("method.not-allowed", "405", answer)]
    values = answer.values("Allow")
    listed = {part.strip(" \t") for value in values for part in value.split(",")}
    if "POST" in listed:
        return [holds("method.not-allowed"), holds("method.allow")]
    received = text_of(", ".join(values)) if values else "no Allow"
    at = "header Allow"
    return [holds("method.not-allowed"), breaks("method.allow", at=at, expected="a list with POST", received=received)]


def _judge_content(contract: Contract, expectation: Expectation, exchange: Exchange, answer: Answer) -> list[Judgement]:
    status = answer.status
    if 200 <= status < 300:
        return _judge_success(answer)
    if status not in PREFIXES:
        return []
    names = expectation.names if status == 400 else ()
    judgements, value = judge_error_body(answer, names)
    found = [*judgements]
    if status == 429:
        found += judge_retry_after(answer, exchange.wall_time)
    if status == 503 and value is not None:
        found += judge_unavailable(answer, value, contract.retry_after_seconds, exchange.wall_time)
    return found


def _judge_success(answer: Answer) -> list[Judgement]:
    if answer.status != 200:
        return [_wrong_status("success.exactly-200", "200", answer)]
    found = [holds("success.exactly-200")]
    coded = codings(answer)
    if coded:
        received = text_of(", ".join(coded))
        at = "header Content-Encoding"
        found.append(breaks("success.not-coded", at=at, expected="no content coding", received=received))
    else:
        found.append(holds("success.not-coded"))
    body = decoded_body(answer)
    if body:
        received = f"{'more than ' if answer.cut else ''}{len(body)} bytes: {text_of(body)}"
        found.append(breaks("success.empty-body", at="body", expected="0 bytes", received=received))
    elif not answer.cut:
        found.append(holds("success.empty-body"))
    values = answer.values("Content-Type")
    found.append(observed("success.content-type", text_of(", ".join(values)) if values else "no Content-Type"))
    return found
