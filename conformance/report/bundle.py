"""The bundle of a sign-off: a ZIP of all files, their digests, and a signature of these. Knows no verdict.

The same contents give the same bytes. `ssh-keygen` and `openssl` make and check signatures.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from conformance.errors import UsageError

SUMS = "SHA256SUMS"
SIGNATURES = {"ssh": "SHA256SUMS.sig", "x509": "SHA256SUMS.p7s"}
NAMESPACE = "capture-charge-sign-off"
"""The purpose of a signature, as OpenSSH asks for one: a signature for another purpose is not valid here."""
TOTAL_LIMIT = 300_000_000
"""Bytes of all files of a bundle when unpacked. A larger bundle is not read."""
ENTRIES_LIMIT = 50

Kind = Literal["ssh", "x509"]


class Tampered(Exception):
    """The file is not a bundle as this suite writes it. The message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs a bundle: the private key of OpenSSH, or a certificate of X.509 with its key."""

    kind: Kind
    key: Path
    certificate: Path | None = None


def sums(files: Mapping[str, bytes]) -> bytes:
    """The digests of the files, in the form that `sha256sum --check` reads."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def write_bundle(path: Path, files: Mapping[str, bytes], signer: Signer | None = None) -> None:
    """Write the files, their digests and the signature. Raises `UsageError` where it cannot be signed or written."""
    listed = sums(files)
    signed = {SUMS: listed, **({SIGNATURES[signer.kind]: signature(listed, signer)} if signer else {})}
    try:
        with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
            for name, content in sorted({**files, **signed}.items()):
                entry = zipfile.ZipInfo(name)  # its time is that of 1980, the same in every bundle
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                bundle.writestr(entry, content)
    except FileExistsError:
        raise UsageError(f"{path}: already exists; a bundle is never overwritten, so name another file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); name another file") from error


def read_bundle(path: Path) -> dict[str, bytes]:
    """All files of a bundle, digests and signature included, checked against the digests.

    Raises `Tampered` where it is not sound, `UsageError` where it is not a ZIP file.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            files = _unpacked(bundle)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error}); name a bundle") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error) as error:
        raise Tampered(f"it is not a sound ZIP file: {error}") from error
    if SUMS not in files:
        raise Tampered(f"it contains no {SUMS}")
    content = {name: body for name, body in files.items() if name != SUMS and name not in SIGNATURES.values()}
    if files[SUMS] != sums(content):
        raise Tampered(_difference(files[SUMS], content))
    return files


def _unpacked(bundle: zipfile.ZipFile) -> dict[str, bytes]:
    entries = bundle.infolist()
    names = [entry.filename for entry in entries]
    if len(names) > ENTRIES_LIMIT:
        raise Tampered(f"it has {len(names)} entries, more than a bundle can have")
    for name in names:
        if names.count(name) > 1:
            raise Tampered(f"it has two entries named {name}")
        if name.startswith("/") or ".." in name.split("/") or "\\" in name or ":" in name:
            raise Tampered(f"the name {name} leads out of the folder")
    left = TOTAL_LIMIT
    files = {}
    for entry in entries:
        with bundle.open(entry) as stream:
            files[entry.filename] = stream.read(left + 1)
        left -= len(files[entry.filename])
        if left < 0:
            raise Tampered(f"it unpacks to more than {TOTAL_LIMIT:,} bytes")
    return files


def _difference(listed: bytes, files: Mapping[str, bytes]) -> str:
    """Where the digests and the files differ."""
    digests: dict[str, str] = {}
    for line in listed.decode("utf-8", "replace").split("\n"):
        digest, _, name = line.partition("  ")
        digests[name] = digest
    digests.pop("", None)
    for name in sorted({*digests, *files}):
        if name not in files:
            return f"{name} is missing, which {SUMS} lists"
        if name not in digests:
            return f"{name} was added: {SUMS} does not list it"
        if hashlib.sha256(files[name]).hexdigest() != digests[name]:
            return f"{name} was changed: its digest is not that of {SUMS}"
    return f"{SUMS} was changed"


def signature(content: bytes, signer: Signer) -> bytes:
    """The detached signature of `content`. Raises `UsageError` with what the tool said where it failed."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / SUMS
        file.write_bytes(content)
        made = Path(folder) / SIGNATURES[signer.kind]
        if signer.kind == "ssh":
            command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(signer.key), "-n", NAMESPACE, str(file)]
        else:
            command = ["openssl", "cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER", "-in", str(file)]
            command += ["-signer", str(signer.certificate), "-inkey", str(signer.key), "-out", str(made)]
        done = _called(command)
        if done.returncode or not made.exists():
            raise UsageError(f"{signer.key}: cannot sign: {_said(done)}")
        return made.read_bytes()


def check_signature(files: Mapping[str, bytes], trusted: Path | None) -> str:
    """Check the signature of the digests, and say who signed.

    `trusted`: the public key of OpenSSH (`.pub`), or the certificates of X.509, that the signature must come from. Without it
    only the signature itself is checked, not who made it. Raises `Tampered` where it does not fit.
    """
    kind: Kind | None = next((kind for kind, name in SIGNATURES.items() if name in files), None)  # type: ignore[misc]
    if kind is None:
        if trusted is not None:
            raise Tampered("it is not signed, although a signature was asked for")
        return ""
    with TemporaryDirectory() as folder:
        made = Path(folder) / SIGNATURES[kind]
        made.write_bytes(files[SIGNATURES[kind]])
        return (_signed_by_ssh if kind == "ssh" else _signed_by_x509)(made, files[SUMS], trusted)


def _signed_by_ssh(made: Path, content: bytes, trusted: Path | None) -> str:
    command = ["ssh-keygen", "-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(made)]
    if trusted is not None:
        signers = made.with_name("signers")
        signers.write_text(f"signer {_read(trusted).strip()}\n", encoding="utf-8")
        command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "signer", "-n", NAMESPACE, "-s", str(made)]
    return _good(_called(command, content))


def _signed_by_x509(made: Path, content: bytes, trusted: Path | None) -> str:
    """Whether the certificate was valid on the day of signing is not checked: nothing proves that day."""
    file, signed_with = made.with_name(SUMS), made.with_name("signer.pem")
    file.write_bytes(content)
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(made), "-content", str(file)]
    command += ["-out", str(made.with_name("out")), "-signer", str(signed_with)]
    if trusted is not None:
        _read(trusted)
        command += ["-CAfile", str(trusted), "-no-CApath", "-partial_chain", "-purpose", "any", "-no_check_time"]
    else:
        command += ["-noverify"]
    _good(_called(command))
    return _good(_called(["openssl", "x509", "-in", str(signed_with), "-noout", "-subject", "-fingerprint", "-sha256"]))


def _good(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode:
        raise Tampered(f"the signature does not fit: {_said(done)}")
    return _said(done)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file}: cannot be read ({error}); name the public key or the certificate of the signer"
        ) from error


def _called(command: list[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    if shutil.which(command[0]) is None:
        raise UsageError(f"{command[0]} is needed for signatures of this kind, and is not installed")
    return subprocess.run(command, input=given, capture_output=True, check=False)  # noqa: S603  fixed commands


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """What the tool printed, in one line."""
    return " ".join((done.stdout + b"\n" + done.stderr).decode("utf-8", "replace").split())
