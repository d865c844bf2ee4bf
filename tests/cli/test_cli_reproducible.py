"""The same seed gives the same run; another spec gives other boundary cases."""

import base64
import json
import shutil
from pathlib import Path

from conformance.mock.server import MockServer

SPEC = Path(__file__).resolve().parents[2] / "spec"


def bodies(command) -> list[tuple[str, int, str, bytes]]:
    """Case, probe, purpose and body of every request in the record, sorted."""
    sent = []
    for line in command.record():
        if line["kind"] == "exchange":
            exchange = line["exchange"]
            body = exchange["request"]["body"]
            content = body.encode() if isinstance(body, str) else base64.b64decode(body["base64"])
            sent.append((exchange["case"], exchange["probe"], line["purpose"], content))
    return sorted(sent)


def test_one_seed_gives_the_same_cases_bytes_and_outcomes(command):
    """With a trip that may be used again, since fresh trips are the only thing that may differ."""
    runs = []
    for name in ("first", "second"):
        with MockServer() as server:
            command.out = command.folder / name
            profile = command.profile(server.url, trips='reuse = ["5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11"]')
            ran = command.run("--profile", profile, "--seed", "7", "-k", "generated or accept or code or provoked")
        assert ran.returncode == 0, ran.stdout
        results = command.results()
        outcomes = [(row["id"], row["outcome"]) for row in results["cases"] + results["requirements"]]
        header, plan = command.record()[:2]
        runs.append((plan["cases"], header["seed"], outcomes, bodies(command)))
        assert set(header["versions"]) == {"python", "hypothesis", "schemathesis"}
    assert runs[0][3] == runs[1][3]
    assert runs[0] == runs[1]
    assert runs[0][1] == 7


def changed_spec(folder: Path, old: str, new: str) -> str:
    shutil.copytree(SPEC, folder / "spec")
    file = folder / "spec" / "openapi.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    return str(folder / "spec")


def store_lengths(command, *arguments: str) -> set[int]:
    command.run("-k", "store-id", *arguments)
    lengths = set()
    for _, _, _, body in bodies(command):
        try:
            store = json.loads(body)["storeId"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(store, str):
            lengths.add(len(store))
    return lengths


def test_the_boundary_cases_follow_the_spec(command):
    around = {62, 63, 64, 65, 66, 253, 254, 255, 256, 257}
    assert store_lengths(command) & around == {254, 255, 256}
    command.out = command.folder / "with-64"
    spec = changed_spec(command.folder, "maxLength: 255", "maxLength: 64")
    assert store_lengths(command, "--spec", spec) & around == {63, 64, 65}


def test_a_broken_spec_is_a_usage_error(command):
    spec = changed_spec(command.folder, "maxLength: 255", "maxLength: wide")
    for arguments, message in (
        (("run", "--spec", spec), "openapi.yaml: maxLength of storeId is 'wide'; it must be a whole number, 1 or more"),
        (("plan", "--spec", "nowhere"), "nowhere/openapi.yaml: cannot be read (No such file or directory)"),
    ):
        ran = command(*arguments)
        assert ran.returncode == 2
        assert ran.stderr.startswith("--spec: ")
        assert message in ran.stderr
        assert "Traceback" not in ran.stderr
