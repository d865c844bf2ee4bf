"""Every fault and benign difference over HTTP: the server keeps running, and the faults cover the contract."""

import http.client
import json
import re
import time
from pathlib import Path

import pytest
import yaml

from conformance.mock.exchange import PATH
from conformance.mock.faults import BENIGN, FAULTS
from conformance.mock.server import MockServer

TRIP = "5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11"
GOOD = '{"storeId":"store-001","shoppingTripId":"' + TRIP + '","amount":{"amount":10.00,"code":"USD"}}'
SPEC = Path(__file__).parents[2] / "spec" / "requirements.yaml"
REQUIREMENTS = yaml.safe_load(SPEC.read_text(encoding="utf-8"))["requirements"]


class Quick(MockServer):
    hang_s = 0.05


@pytest.fixture(scope="module")
def server():
    with Quick() as running:
        yield running


def ask(server, body=GOOD, method="POST", path=PATH, **headers):
    """Status, headers and body of the answer; the name of the exception if it cannot be read."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    sent = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    try:
        connection.request(method, path, body if isinstance(body, bytes) else body.encode(), sent)
        answer = connection.getresponse()
        names = [(k, v) for k, v in answer.getheaders() if k.lower() not in ("date", "x-request-id")]
        return answer.status, names, answer.read()
    except (http.client.HTTPException, OSError) as error:
        return type(error).__name__
    finally:
        connection.close()


def test_names_are_slugs_and_violated_requirements_exist():
    assert not FAULTS.keys() & BENIGN.keys()
    for fault in [*FAULTS.values(), *BENIGN.values()]:
        assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", fault.name)
        assert fault.breaks <= REQUIREMENTS.keys()
        assert bool(fault.breaks) is not fault.benign, fault.name


def test_every_must_and_should_has_a_fault_that_violates_it_alone():
    alone = {next(iter(fault.breaks)) for fault in FAULTS.values() if len(fault.breaks) == 1}
    assert {name for name, row in REQUIREMENTS.items() if row["level"] != "MAY"} - alone == set()


@pytest.mark.parametrize("name", BENIGN)
def test_a_benign_difference_serves_a_good_request(server, name):
    server.use(name)
    status, _, body = ask(server)
    assert (status, body) == (200, b"")
    server.use()
    assert ask(server)[0] == 200


def test_the_document_of_the_last_measurement_covers_nearly_all_faults():
    text = (SPEC.parents[1] / "docs" / "detection.md").read_text(encoding="utf-8")
    faults, found = re.search(r"\| (\d+) faults \| (\d+), each with exactly the set", text).groups()
    benign, silent = re.search(r"\| (\d+) benign differences \| no finding on (\d+) \|", text).groups()
    assert faults == found
    assert benign == silent
    assert 0 <= len(FAULTS) - int(faults) <= len(FAULTS) / 20
    assert 0 <= len(BENIGN) - int(benign) <= len(BENIGN) / 10


BODIES = {
    "missing store": GOOD.replace('"storeId":"store-001",', ""),
    "missing trip": GOOD.replace(f'"shoppingTripId":"{TRIP}",', ""),
    "missing amount": f'{{"storeId":"store-001","shoppingTripId":"{TRIP}"}}',
    **{
        f"{v} for {original}": GOOD.replace(original, v)
        for original in ('"store-001"', f'"{TRIP}"', "10.00", '"USD"', '{"amount":10.00,"code":"USD"}')
        for v in ("null", "7", "true", '["store-001"]', '""', '{"a":1}', '"10"')
    },
    **{
        f"value {v}": GOOD.replace("10.00", v)
        for v in ("NaN", "0", "0e10", "-0", "-1", "19.99", "25", "1e1", "1e400", "9" * 5000)
    },
    **{
        f"code {v!r}": GOOD.replace("USD", v)
        for v in ("usd", "USDX", "US1", "US", "ＵＳＤ", "ＵＳd", " USD", "JPY", "ZZZ")
    },
    **{
        f"store {v!r}": GOOD.replace("store-001", v)
        for v in (
            "store-001\\n",
            " store-001",
            "störe-001",
            "stor^e-001",
            "ｓtore-001",
            "store-001!",
            "!store-001",
            "store-001.",
            "store-999",
            "store-002",
            "L" * 255,
            "L" * 256,
            "S",
        )
    },
    **{
        f"trip {v!r}": GOOD.replace(TRIP, v)
        for v in (
            TRIP + "\\n",
            TRIP + " ",
            TRIP + "é",
            TRIP + "^",
            "５" + TRIP[1:],
            TRIP + "!",
            "!" + TRIP,
            TRIP + ".",
            TRIP.upper(),
            "0" * 8 + "-0000-0000-0000-" + "0" * 12,
            "T" * 255,
            "T" * 256,
        )
    },
    "no code": GOOD.replace(',"code":"USD"', ""),
    "no value": GOOD.replace('"amount":10.00,', ""),
    "empty": "",
    "cut": GOOD[:-2],
    "more": GOOD + "{}",
    "list": f"[{GOOD}]",
    "null": "null",
    "good": GOOD,
    "bad utf-8": GOOD.encode().replace(b"store-001", b"store-001\xff"),
    "bad utf-8 elsewhere": GOOD[:-1].encode() + b',"note":"\xff"}',
    "comma": GOOD[:-1] + ",}",
    "comment": "/* x */" + GOOD,
    "quotes": GOOD.replace('"', "'"),
    "nan elsewhere": GOOD[:-1] + ',"note":NaN}',
    "utf-16": GOOD.encode("utf-16-le"),
    "bom": "\ufeff" + GOOD,
    "order": json.dumps(dict(reversed(json.loads(GOOD).items()))),
    "escape": GOOD.replace("USD", "\\u0055SD"),
    "blanks": json.dumps(json.loads(GOOD), indent=1),
    "nul": GOOD[:-1] + ',"n":"\\u0000"}',
    "surrogate": GOOD[:-1] + ',"n":"\\ud800"}',
    "deep": "[" * 20000,
    "deep and closed": GOOD[:-1] + ',"n":' + "[" * 5000 + "]" * 5000 + "}",
    "zeros": GOOD.replace("10.00", "10.000"),
    "big": GOOD[:-1] + ',"n":"' + "a" * 10**6 + '"}',
    "twice": GOOD[:-1] + ',"storeId":"store-001"}',
}
REQUESTS = [
    *({"body": body} for body in BODIES.values()),
    *({"method": method} for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE")),
    {"path": "/v1/nothing"},
    *(
        {"Content_Type": value}
        for value in (
            "application/json;charset=utf-8",
            'application/json; charset="utf-8"',
            "application/json; charset=UTF-8",
            "Application/JSON",
            "text/plain",
        )
    ),
    {"Accept": "application/json"},
    {"Accept": "*/*"},
    {"Expect": "100-continue"},
]
CHUNKED = {"body": b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD.encode()), "Transfer_Encoding": "chunked"}
PROVOKED = [{"X_Provoke": status, "X_Client": status} for status in ("429", "500", "503")]


# All other bodies are refused.
SERVED = {
    "7 for 10.00", "value 19.99", "value 25", "value 1e1", "value 1e400", "value " + "9" * 5000, "code 'JPY'",
    "store 'store-002'", f"store {'L' * 255!r}", "store 'S'", f"trip {TRIP.upper()!r}", f"trip {'T' * 255!r}", "good",
    "order", "escape", "blanks", "nul", "surrogate", "zeros", "big", "twice",
}  # fmt: skip


def test_the_clean_mock_reads_strictly(server):
    server.use()
    answers = {name: ask(server, body)[0] for name, body in BODIES.items()}
    assert {name for name, status in answers.items() if status == 200} == SERVED
    assert set(answers.values()) == {200, 400}
    without_body = [request for request in REQUESTS if "body" not in request]
    statuses = [405] * 5 + [404] + [200] * 4 + [415] + [200] * 3
    assert [ask(server, **request)[0] for request in [*without_body, CHUNKED, *PROVOKED]] == [
        *statuses,
        200,
        429,
        500,
        503,
    ]


def test_a_window_ends_when_announced(server):
    server.use()
    status, headers, _ = ask(server, X_Provoke="429", X_Client="w")
    announced = time.monotonic() + int(dict(headers)["retry-after"])
    assert status == 429
    while time.monotonic() < announced:
        assert ask(server, X_Client="other")[0] == 200
    assert ask(server, X_Provoke="429", X_Client="w")[0] == 200


def test_faults_are_chosen_by_header_and_by_administration(server):
    server.use()
    assert ask(server, X_Fault="success-201")[0] == 201
    assert ask(server, '["success-202"]', "PUT", "/admin/faults")[0] == 204
    assert ask(server)[0] == 202
    assert ask(server, '["no-such"]', "PUT", "/admin/faults")[0] == 400
    server.use()


def test_the_real_limiter_announces_when_it_serves_again():
    with MockServer(rate="2/s") as limited:
        assert [ask(limited)[0] for _ in range(3)] == [200, 200, 429]
