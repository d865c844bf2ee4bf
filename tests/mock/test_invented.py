"""Every invented fault is visible in plain HTTP; without it the same requests are answered correctly."""

import gzip
import http.client
import json
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from typing import Any, NamedTuple, Self

import pytest

from benchmarks.invented import INVENTED, REPORTED
from conformance.mock.exchange import PATH
from conformance.mock.faults import BENIGN, FAULTS
from conformance.mock.server import MockServer

STORE = "store-001"
NIL = "00000000-0000-0000-0000-000000000000"
JSON = {"content-type": "application/json", "accept": "*/*"}


class Server(MockServer):
    hang_s = 0.6


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes
    seconds: float

    def message(self) -> str:
        return json.loads(self.body)["errorMsg"]


class Client:
    """One kept-alive connection to a mock."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def send(self, body: bytes | str = b"", method: str = "POST", path: str = PATH, **fields: str | None) -> Answer:
        headers = {**JSON, **{name.replace("_", "-"): value for name, value in fields.items()}}
        start = time.monotonic()
        payload = body.encode() if isinstance(body, str) else body
        self.connection.request(method, path, payload, {k: v for k, v in headers.items() if v is not None})
        answer = self.connection.getresponse()
        content = answer.read()
        return Answer(answer.status, answer.headers, content, time.monotonic() - start)

    def charge(self, **changes: Any) -> Answer:
        return self.send(body(**changes))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def once(port: int, text: str) -> int:
    """Send one body on a connection of its own; returns the status."""
    with Client(port) as client:
        return client.send(text).status


def trip() -> str:
    return str(uuid.uuid4())


def body(amount: Any = 10, code: Any = "USD", **changes: Any) -> str:
    document = {"storeId": STORE, "shoppingTripId": trip(), "amount": {"amount": amount, "code": code}, **changes}
    return json.dumps({key: value for key, value in document.items() if value is not ...}, ensure_ascii=False)


def number(text: str, code: str = "USD") -> str:
    return body("@", code).replace('"@"', text)


Check = Callable[[Client], bool]
CHECKS: dict[str, Check] = {}


def shows(name: str) -> Callable[[Check], Check]:
    """Register the check that is true exactly if the fault is on."""

    def register(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return register


def statuses(client: Client, *bodies: bytes | str) -> list[int]:
    return [client.send(content).status for content in bodies]


@shows("keys-any-case")
def _(client: Client) -> bool:
    texts = [body().replace(f'"{key}"', f'"{key.title()}"') for key in ("storeId", "shoppingTripId", "amount", "code")]
    inner = body().replace('{"amount":', '{"AMOUNT":')
    return statuses(client, *texts, inner) == [200] * 5


@shows("ids-line-anchors")
def _(client: Client) -> bool:
    bodies = body(storeId=f"{STORE}\n<b>"), body(shoppingTripId=f"!!\n{trip()}")
    return statuses(client, *bodies, body(storeId=f"{STORE}<b>")) == [200, 200, 400]


@shows("ids-invisible-dropped")
def _(client: Client) -> bool:
    bodies = body(storeId="store\u200b-001"), body(shoppingTripId=f"\u00ad{trip()}"), body(storeId=f"{STORE} ")
    return statuses(client, *bodies) == [200, 200, 400]


@shows("ids-long-crash")
def _(client: Client) -> bool:
    long = [body(**{key: "a" * size}) for size in (256, 5000) for key in ("storeId", "shoppingTripId")]
    return statuses(client, *long) == [400, 400, 500, 500]


@shows("trip-pattern-backtracks")
def _(client: Client) -> bool:
    slow, quick = client.charge(shoppingTripId=f"{trip()}!"), client.charge(shoppingTripId="short!")
    return slow.seconds >= Server.hang_s and quick.seconds < Server.hang_s


@shows("unknown-trip-in-200")
def _(client: Client) -> bool:
    answer = client.charge(shoppingTripId=NIL)
    return answer.status == 200 and answer.message() == "UnknownShoppingTrip"


@shows("value-third-decimal-refused")
def _(client: Client) -> bool:
    return statuses(client, number("1.234", "KWD"), number("1.230", "KWD")) == [400, 200]


@shows("value-single-precision")
def _(client: Client) -> bool:
    return statuses(client, number("999999.99"), number("16777217", "JPY"), number("19.99")) == [400, 400, 200]


@shows("value-scale-crashes")
def _(client: Client) -> bool:
    return statuses(client, number("10.00001"), number("10.0001"), number("10.00000")) == [500, 200, 200]


@shows("value-zero-scale")
def _(client: Client) -> bool:
    return statuses(client, number("0"), number("0.00")) == [400, 200]


@shows("code-symbol-taken")
def _(client: Client) -> bool:
    return statuses(client, *(body(code=code) for code in ("$", "US$", "€", "¥", "?"))) == [200] * 4 + [400]


@shows("code-without-minor-unit-crashes")
def _(client: Client) -> bool:
    return statuses(client, *(body(code=code) for code in ("XXX", "XAU", "ZZZ", "CHF"))) == [500, 500, 400, 400]


@shows("leading-zeros-taken")
def _(client: Client) -> bool:
    return statuses(client, number("010.00"), number("+10.00")) == [200, 400]


@shows("control-characters-taken")
def _(client: Client) -> bool:
    return statuses(client, body(note="a@b").replace("@", "\n"), body(note="a@b").replace("@", "\t")) == [200, 200]


@shows("body-double-encoded")
def _(client: Client) -> bool:
    return statuses(client, json.dumps(body()), json.dumps([body()])) == [200, 400]


@shows("overlong-utf-8-decoded")
def _(client: Client) -> bool:
    in_code = body().encode().replace(b'"USD"', b'"\xc1\x95SD"')
    in_note = body(note="@").encode().replace(b"@", b"\xc0\xaf")
    return statuses(client, in_code, in_note, body(note="@").encode().replace(b"@", b"\xff")) == [200, 200, 400]


@shows("emoji-crashes")
def _(client: Client) -> bool:
    return statuses(client, body(note="thanks \U0001f600"), body(note="Grüße €")) == [500, 200]


@shows("unknown-null-crashes")
def _(client: Client) -> bool:
    return statuses(client, body(note=None), body(note="")) == [500, 200]


@shows("charset-without-blank-refused")
def _(client: Client) -> bool:
    types = "application/json;charset=utf-8", "application/json; charset=utf-8"
    return [client.send(body(), content_type=kind).status for kind in types] == [415, 200]


@shows("accept-missing-plain-error")
def _(client: Client) -> bool:
    answers = client.send(body(storeId=...), accept=None), client.send(body(storeId=...), accept="application/json")
    return [answer.headers.get_content_type() for answer in answers] == ["text/plain", "application/json"]


@shows("allow-lower-case")
def _(client: Client) -> bool:
    return client.send(method="GET").headers["allow"] == "post"


@shows("path-prefix-routed")
def _(client: Client) -> bool:
    paths = f"{PATH}/extra", f"{PATH}/a/b", "/v1/capture/other"
    return [client.send(body(), path=path).status for path in paths] == [200, 200, 404]


@shows("retry-after-date-localised")
def _(client: Client) -> bool:
    value = client.send(body(), x_provoke="429", x_client="a").headers["retry-after"]
    return re.fullmatch(r"(Mo|Di|Mi|Do|Fr|Sa|So), \d\d \w{3} \d{4} [\d:]{8} GMT", value) is not None


@shows("retry-after-first-only")
def _(client: Client) -> bool:
    answers = [client.send(body(), x_provoke="429", x_client="a") for _ in range(2)]
    return [(a.status, "retry-after" in a.headers) for a in answers] == [(429, True), (429, False)]


@shows("window-end-crashes")
def _(client: Client) -> bool:
    wait = int(client.send(body(), x_provoke="429", x_client="a").headers["retry-after"])
    time.sleep(wait + 0.05)
    return [client.send(body(), x_client="a").status for _ in range(2)] == [500, 200]


@shows("rate-limit-false-coding")
def _(client: Client) -> bool:
    answer = client.send(body(), x_provoke="429", x_client="a")
    return answer.headers["content-encoding"] == "gzip" and answer.body.startswith(b"{")


@shows("unavailable-arabic-digits")
def _(client: Client) -> bool:
    value = json.loads(client.send(body(), x_provoke="503").body)["retryAfter"]
    return value.isdigit() and not value.isascii()


def valid(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


@shows("bad-request-echo-unescaped")
def _(client: Client) -> bool:
    ids = {"storeId": 'a"b'}, {"shoppingTripId": "a\n"}, {"storeId": "a!"}
    answers = [client.charge(**ids_changed) for ids_changed in ids]
    return [(a.status, valid(a.body)) for a in answers] == [(400, False), (400, False), (400, True)]


@shows("bad-request-mistyped-default")
def _(client: Client) -> bool:
    wrong = client.charge(storeId=7), client.charge(amount="10"), client.charge(code=["USD"]), client.charge(code="usd")
    return ["errorMsg" in json.loads(answer.body) for answer in wrong] == [False, False, False, True]


@shows("malformed-names-parser")
def _(client: Client) -> bool:
    malformed, missing = client.send("{"), client.charge(storeId=...)
    return "JsonParseException" in malformed.message() and missing.message() == "BadRequestException"


@shows("success-gzip-of-nothing")
def _(client: Client) -> bool:
    answer = client.charge()
    return (
        answer.headers["content-encoding"] == "gzip" and len(answer.body) == 20 and gzip.decompress(answer.body) == b""
    )


@shows("wire-length-and-chunked")
def _(client: Client) -> bool:
    answer = client.charge(storeId=...)
    return {"content-length", "transfer-encoding"} <= {name.lower() for name in answer.headers} and valid(answer.body)


@shows("answer-drips")
def _(client: Client) -> bool:
    text = body(shoppingTripId=...)
    head = f"POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    start, pieces = time.monotonic(), 0
    with socket.create_connection(("127.0.0.1", client.port), timeout=5) as raw:
        raw.sendall(f"{head}{text}".encode())
        data = b""
        while b"\r\n0\r\n\r\n" not in data and not data.endswith(b"}"):
            data += raw.recv(4096)
            pieces += 1
    return time.monotonic() - start > Server.hang_s and pieces > 3


@shows("big-body-reset")
def _(client: Client) -> bool:
    try:
        client.charge(note="a" * 120_000)
    except OSError:
        client.connection.close()
        return client.charge(note="a" * 90_000).status == 200
    return False


@shows("equal-at-once-refused")
def _(client: Client) -> bool:
    one_by_one = [client.charge().status for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        at_once = list(pool.map(lambda text: once(client.port, text), [body() for _ in range(6)]))
    return one_by_one == [200] * 3 and 400 in at_once


@shows("double-click-window")
def _(client: Client) -> bool:
    equal = statuses(client, body(), body(), body(amount=11))
    time.sleep(0.35)
    return equal == [200, 400, 200] and client.charge().status == 200


@shows("lookup-cached-by-store")
def _(client: Client) -> bool:
    before = statuses(client, body(), body(shoppingTripId=NIL))
    cached, elsewhere = client.charge(), client.charge(storeId="store-002")
    time.sleep(0.55)
    received = [*before, cached.status, elsewhere.status, client.charge().status]
    return received == [200, 400, 400, 200, 200] and cached.message() == "UnknownShoppingTrip"


@shows("store-remembered")
def _(client: Client) -> bool:
    alone = once(client.port, body(storeId=...))
    return [alone, client.charge().status, client.charge(storeId=...).status] == [400, 200, 200]


@shows("repeat-conflict")
def _(client: Client) -> bool:
    text = body()
    return statuses(client, text, text, body()) == [200, 409, 200]


@shows("repeat-crashes")
def _(client: Client) -> bool:
    text = body()
    return statuses(client, text, text, body()) == [200, 500, 200]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.mark.parametrize("name", INVENTED)
def test_the_fault_shows(server: Server, name: str) -> None:
    server.use(INVENTED[name])
    with Client(server.port) as client:
        assert CHECKS[name](client)


@pytest.mark.parametrize("name", INVENTED)
def test_nothing_shows_without_the_fault(server: Server, name: str) -> None:
    server.use()
    with Client(server.port) as client:
        assert not CHECKS[name](client)


@pytest.mark.parametrize("name", INVENTED)
def test_a_good_capture_is_still_served(server: Server, name: str) -> None:
    server.use(INVENTED[name])
    with Client(server.port) as client:
        answer = client.charge()
    assert answer.status == 200
    assert not answer.body or name == "success-gzip-of-nothing"


def test_there_are_forty_apart_from_the_other_faults() -> None:
    assert len(INVENTED) == 40
    assert set(CHECKS) == set(INVENTED)
    assert not set(INVENTED) & (set(FAULTS) | set(BENIGN))
    assert all(fault.breaks and not fault.benign for fault in INVENTED.values())
    assert REPORTED.keys() <= INVENTED.keys()
