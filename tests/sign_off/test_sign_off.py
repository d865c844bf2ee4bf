"""What is fit to sign, the page, and the verification of bundles, by the real commands."""

import json
import re
import shutil
import zipfile
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from conformance.contract import load_contract
from conformance.report.bundle import SUMS, sums, write_bundle
from conformance.report.sign_off import SignOff, Statement
from tests.sign_off.conftest import written_run

CONTRACT = load_contract()


def test_a_conformant_run_is_fit_to_sign_and_verified(folder, command):
    status, text = command("sign-off", folder, "--tested-by", "Retailer Ltd", "--provider", "Payments Inc")
    assert status == 0, text
    assert text.startswith("Fit to sign: conformant, ")
    status, text = command("verify", folder / "sign-off.zip")
    assert (status, "The files fit together" in text, "not signed" in text) == (0, True, True)
    page = (folder / "sign-off.html").read_text("utf-8")
    assert '<p class="word">Conformant</p>' in page
    assert "Retailer Ltd" in page
    assert "Payments Inc" in page


def test_the_results_are_made_again_to_the_byte(folder):
    made = SignOff(folder, CONTRACT, Statement())
    assert made.contents()["results.json"] == (folder / "results.json").read_bytes()


def test_the_same_run_gives_the_same_bundle(folder, command):
    for name in ("a.zip", "b.zip"):
        assert command("sign-off", folder, "--out", folder / name)[0] == 0
    assert (folder / "a.zip").read_bytes() == (folder / "b.zip").read_bytes()


def test_a_violation_is_not_fit_to_sign(faulty_run, tmp_path, command):
    shutil.copytree(faulty_run, tmp_path / "run")
    status, text = command("sign-off", tmp_path / "run")
    assert status == 1
    assert "  code.pattern is violated, and no waiver covers it: " in text
    assert not (tmp_path / "run" / "sign-off.zip").exists()
    page = (tmp_path / "run" / "sign-off.html").read_text("utf-8")
    assert '<p class="word">Not fit to sign</p>' in page
    assert "How to fix it:" in page


def obstacles(folder, **statement):
    return SignOff(folder, CONTRACT, Statement(**statement)).obstacles


def changed(folder, change):
    """The record of the run, with its header and footer changed and its chain made again."""
    lines = [json.loads(line) for line in (folder / "record.jsonl").read_bytes().splitlines()]
    change(lines)
    previous, written = sha256(b"").hexdigest(), []
    for number, line in enumerate(lines):
        line.pop("digest", None)
        rest = {name: value for name, value in line.items() if name not in ("number", "previous", "kind")}
        head = {"number": number, "previous": previous, "kind": line["kind"]}
        text = json.dumps({**head, **rest}, separators=(",", ":")).encode()
        if line["kind"] == "footer":
            text = text[:-1] + b',"digest":"' + sha256(text).hexdigest().encode() + b'"}'
        previous = sha256(text).hexdigest()
        written.append(text)
    (folder / "record.jsonl").write_bytes(b"\n".join(written) + b"\n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: lines.pop(), "The record is cut off"),
        (lambda lines: lines[-1].update(stop="the server is gone"), "The run ended early: the server is gone."),
        (lambda lines: lines[-1].update(interrupted=True), "The run ended early: it was interrupted."),
        (lambda lines: lines[-1].update(errors=["out of memory"]), "The test suite itself failed: out of memory."),
        (lambda lines: lines[0].update(depth="smoke"), "Depth smoke tests too little to sign."),
        (lambda lines: lines[0].update(selection="code"), "Only selected cases were run."),
        (
            lambda lines: lines[0].update(selection="x", deselected=[{"id": "y", "requirements": ["store-id.type"]}]),
            "Only selected cases were run.",
        ),
    ],
)
def test_a_run_that_is_not_whole_is_not_fit_to_sign(folder, change, reason):
    changed(folder, change)
    assert any(line.startswith(reason) for line in obstacles(folder)), obstacles(folder)


def waiver(**subject):
    return {"reason": "agreed", "owner": "Team", **subject}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (waiver(requirement="value.zero", expires="2020-01-01"), "The waiver of requirement value.zero expired"),
        (waiver(requirement="value.zero", expires="2999-01-01"), "is no longer needed"),
    ],
)
def test_a_waiver_that_is_out_of_date_is_not_fit_to_sign(faulty_run, tmp_path, command, entry, reason):
    folder = shutil.copytree(faulty_run, tmp_path / "run")
    changed(folder, lambda lines: lines[0]["profile"].update(waiver=[entry]))
    assert any(reason in line for line in obstacles(folder))
    assert command("sign-off", folder)[0] == 2


def test_results_that_do_not_follow_from_the_record_are_not_fit_to_sign(folder):
    file = folder / "results.json"
    file.write_text(file.read_text().replace('"outcome": "passed"', '"outcome": "failed"', 1))
    assert obstacles(folder)[0].startswith("results.json does not follow from the record: better: requirement")


def test_gaps_need_somebody_who_accepts_them(tmp_path, command):
    run = written_run(tmp_path / "run", "retry-after-600", whole=True)
    gaps = obstacles(run)
    assert gaps
    assert all("was not tested: " in line for line in gaps), gaps
    assert command("sign-off", run)[0] == 3
    untested = [line.split(" ")[0] for line in gaps]
    waivers = [waiver(requirement=name, expires="2999-01-01") for name in untested]
    shutil.copytree(run, tmp_path / "waived")
    changed(tmp_path / "waived", lambda lines: lines[0]["profile"].update(waiver=waivers))
    assert obstacles(tmp_path / "waived") == ()
    status, _ = command("sign-off", run, "--accept-gaps", "A. Manager")
    assert status == 0
    page = (run / "sign-off.html").read_text()
    assert "accepted by A. Manager" in page
    assert "Conformant, with exclusions" in page
    assert '<div class="verdict amber">' in page


def test_what_changed_since_another_run_is_on_the_page(folder, faulty_run, command):
    assert command("sign-off", folder, "--since", faulty_run, "--out", folder / "a.zip")[0] == 0
    assert "better: requirement code.pattern: failed before, passed now" in (folder / "sign-off.html").read_text()
    assert command("verify", folder / "a.zip")[0] == 0
    assert command("sign-off", folder, "--since", folder / "a.zip", "--out", folder / "b.zip")[0] == 0
    assert "No outcome changed." in (folder / "sign-off.html").read_text()
    assert command("sign-off", folder, "--since", folder / "report.html")[0] == 2


class Structure(HTMLParser):
    """The ids and the links of a page, its tags, and whether something is loaded."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags, self.loads = [], [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes["href"])
        self.loads += [value for name, value in attrs if name in ("src", "srcset", "action") or name.startswith("on")]


@pytest.mark.parametrize("run", ["clean_run", "faulty_run"])
def test_the_page_has_every_row_and_every_link_leads_somewhere(run, request):
    made = SignOff(request.getfixturevalue(run), CONTRACT, Statement())
    text = made.page
    structure = Structure(text)
    assert len(structure.ids) == len(set(structure.ids))
    assert {link for link in structure.links if link[1:] not in structure.ids} == set()
    assert {f"requirement-{name}" for name in CONTRACT.requirements} <= set(structure.ids)
    assert {f"case-{row.result.case.id}" for row in made.summary.cases} <= set(structure.ids)
    assert {f"test-plan-{number}" for number in range(1, 20)} <= set(structure.ids)
    assert (structure.loads, {"script", "img", "link", "iframe"} & structure.tags) == ([], set())
    assert "url(" not in text
    assert len(text.encode()) < 3_000_000
    for item in CONTRACT.contradictions:
        assert item.decision in text


def rewritten(source, target, change, digests=True):
    """The bundle with changed files and, unless told otherwise, fitting digests."""
    with zipfile.ZipFile(source) as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist() if name != SUMS}
    change(files)
    if digests:
        files[SUMS] = sums({name: body for name, body in files.items() if not name.startswith(SUMS)})
    with zipfile.ZipFile(target, "w") as bundle:
        for name, body in files.items():
            bundle.writestr(name, body)


def edit(name, old, new):
    def change(files):
        assert old in files[name], name
        files[name] = files[name].replace(old, new, 1)

    return change


def without_line(number):
    def change(files):
        lines = files["record.jsonl"].split(b"\n")
        del lines[number]
        files["record.jsonl"] = b"\n".join(lines)

    return change


def swapped_lines(files):
    lines = files["record.jsonl"].split(b"\n")
    lines[5], lines[6] = lines[6], lines[5]
    files["record.jsonl"] = b"\n".join(lines)


def repeated_line(files):
    lines = files["record.jsonl"].split(b"\n")
    files["record.jsonl"] = b"\n".join([*lines[:5], lines[4], *lines[5:]])


def waiver_added(files):
    value = json.loads(files["results.json"])
    value["waivers"] = [{**waiver(requirement="value.zero"), "expires": "2999-01-01", "state": "applied"}]
    files["results.json"] = json.dumps(value).encode()


def case_removed(files):
    lines = files["results.json"].split(b"\n")
    start = lines.index(b'"cases": [')
    del lines[start + 1]
    files["results.json"] = b"\n".join(lines)


TAMPERINGS = {
    "a byte of the page": (edit("sign-off.html", b"Conformant", b"conformant"), "sign-off.html does not follow"),
    "an edited verdict": (edit("results.json", b'"conformant"', b'"non-conformant"'), "results.json does not follow"),
    "an edited count": (edit("results.json", b'"passed": ', b'"passed": 1'), "results.json does not follow"),
    "an edited exit status": (edit("results.json", b'"exit_status": 0', b'"exit_status": 1'), "exit status"),
    "a removed case": (case_removed, "results.json does not follow from the record"),
    "a waiver added afterwards": (waiver_added, "results.json does not follow"),
    "a changed answer": (edit("record.jsonl", b"HTTP/1.1 400", b"HTTP/1.1 200"), "does not continue the line before"),
    "a dropped line": (without_line(7), "does not continue the line before"),
    "a reordered line": (swapped_lines, "does not continue the line before"),
    "a repeated line": (repeated_line, "does not continue the line before"),
    "the footer dropped": (without_line(-2), "The record is cut off"),
    "traffic of the HAR": (edit("evidence.har", b'"status":400', b'"status":200'), "evidence.har does not follow"),
    "the profile": (edit("profile.json", b"Mock server", b"Staging"), "profile.json does not follow"),
    "the spec": (edit("spec/requirements.yaml", b"MUST", b"MAY"), "another version of the spec"),
    "the parties": (edit("sign-off.json", b'"tester": ""', b'"tester": "Other Ltd"'), "sign-off.html does not follow"),
    "a file removed": (lambda files: files.pop("record.jsonl"), "it contains no record.jsonl"),
    "a file added": (lambda files: files.update({"note.txt": b"x"}), "note.txt does not belong to a bundle"),
    "no statement": (edit("sign-off.json", b"{", b"["), "do not fit together"),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The bundle of a small run, with gaps that somebody accepts."""
    folder = written_run(tmp_path_factory.mktemp("small") / "run", only=lambda case: case.id.startswith("store-"))
    changed(folder, lambda lines: lines[0].update(deselected=[]))
    (folder / "evidence.har").unlink()
    (folder / "results.json").write_bytes(SignOff(folder, CONTRACT, Statement()).results(0))
    made = SignOff(folder, CONTRACT, Statement(gaps_accepted_by="A. Manager"))
    assert made.obstacles == ()
    write_bundle(folder / "bundle.zip", made.contents())
    return folder / "bundle.zip"


@pytest.mark.parametrize(("change", "message"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_tampering_with_fitting_digests_is_found(bundle, tmp_path, command, change, message):
    rewritten(bundle, tmp_path / "a.zip", change)
    status, text = command("verify", tmp_path / "a.zip")
    assert status == 1
    assert re.search(message, text), text


def test_a_page_of_another_run_is_found(bundle, faulty_run, tmp_path, command):
    other = SignOff(faulty_run, CONTRACT, Statement(gaps_accepted_by="A. Manager")).page.encode()
    rewritten(bundle, tmp_path / "a.zip", lambda files: files.update({"sign-off.html": other}))
    status, text = command("verify", tmp_path / "a.zip")
    assert (status, "sign-off.html does not follow from the record" in text) == (1, True)


def test_a_bundle_of_another_version_is_compared_by_its_results(bundle, tmp_path, command):
    rewritten(bundle, tmp_path / "a.zip", edit("sign-off.json", b'"suite": "', b'"suite": "9.'))
    status, text = command("verify", tmp_path / "a.zip")
    assert (status, "so only the results were compared" in text) == (0, True)


def test_bad_input_is_a_usage_error(folder, tmp_path, command):
    for arguments in (
        ["sign-off", tmp_path / "none"],
        ["sign-off", folder, "--certificate", "c.pem"],
        ["sign-off", folder, "--key", tmp_path / "none"],
        ["verify", tmp_path / "none.zip"],
    ):
        status, text = command(*arguments)
        assert status == 2, (arguments, text)
