"""Verification of a bundle: that its files fit together, and follow from its record. Sends nothing."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance import __version__
from conformance.contract import load_contract
from conformance.contract.load import SpecError
from conformance.errors import UsageError
from conformance.report.bundle import SIGNATURES, SUMS, Tampered, check_signature, read_bundle
from conformance.report.sign_off import PAGE, RECORD, RESULTS, SPEC, STATEMENT, SignOff, Statement

CONSISTENT = (
    "The files fit together: the results and the page follow from the recorded traffic.",
    "This does not prove that the traffic was real.",
)
UNSIGNED = "The bundle is not signed, so it does not prove who made it: anybody who has it can make another one."


def verify(path: Path, signer: Path | None) -> list[str]:
    """What the bundle proves, one sentence each. `signer`: the public key or certificate that must have signed it.

    Raises `Tampered` where something does not fit.
    """
    files = read_bundle(path)
    signed_by = check_signature(files, signer)
    with TemporaryDirectory() as folder:
        made_by = _made_again(files, Path(folder))
    lines = [*CONSISTENT, f"Signed: {signed_by}" if signed_by else UNSIGNED]
    if signed_by and signer is None:
        lines.append("The signer was not checked: name the public key or the certificate you expect with --signer.")
    if made_by != __version__:
        lines.append(f"Made with version {made_by}; this is version {__version__}, so only the results were compared.")
    return lines


def _made_again(files: dict[str, bytes], folder: Path) -> str:
    """Make all files again from record, spec and statement, and compare. Gives the version that made the bundle."""
    needed = {PAGE, STATEMENT, RESULTS, RECORD, *(f"spec/{name}" for name in SPEC)}
    if missing := needed - files.keys():
        raise Tampered(f"it contains no {min(missing)}")
    (folder / "spec").mkdir()
    for name in (RECORD, RESULTS, *(f"spec/{name}" for name in SPEC)):
        (folder / name).write_bytes(files[name])
    try:
        value = json.loads(files[STATEMENT])
        made_by = str(value.pop("suite"))
        sign_off = SignOff(
            folder, load_contract(folder / "spec"), Statement(**{**value, "changes": tuple(value["changes"])})
        )
        status = json.loads(files[RESULTS])["exit_status"]
    except (ValueError, KeyError, TypeError, AttributeError, SpecError) as error:
        raise Tampered(f"its files do not fit together: {error}") from error
    except UsageError as error:
        raise Tampered(str(error).replace(f"{folder}/", "")) from error
    if sign_off.obstacles:
        raise Tampered(f"the run is not fit to sign: {sign_off.obstacles[0]}")
    if status not in sign_off.statuses:
        raise Tampered(f"{RESULTS} names an exit status that the record does not give")
    if made_by == __version__:
        made = sign_off.contents()
        for name, content in made.items():
            if files.get(name) != content:
                raise Tampered(f"{name} does not follow from the record")
        if extra := files.keys() - made.keys() - {SUMS, *SIGNATURES.values()}:
            raise Tampered(f"{min(extra)} does not belong to a bundle")
    return made_by
