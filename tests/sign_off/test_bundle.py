"""The bundle: same contents, same bytes; every tampering is found; signatures of both kinds."""

import io
import subprocess
import zipfile

import pytest
import trustme

from conformance.errors import UsageError
from conformance.report import bundle
from conformance.report.bundle import SUMS, Signer, Tampered, check_signature, read_bundle, sums, write_bundle

FILES = {"results.json": b"{}", "spec/openapi.yaml": b"openapi: 3.1.0", "record.jsonl": b"1\n" * 1000}


@pytest.fixture(scope="module")
def ssh_key(tmp_path_factory):
    key = tmp_path_factory.mktemp("keys") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return Signer("ssh", key)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    issued = authority.issue_cert("signer@example.com")
    key, chain, root = folder / "key.pem", folder / "cert.pem", folder / "ca.pem"
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(chain)
    authority.cert_pem.write_to_path(root)
    return Signer("x509", key, chain), root


def test_the_same_contents_give_the_same_bytes(tmp_path):
    for name in ("a.zip", "b.zip"):
        write_bundle(tmp_path / name, dict(reversed(FILES.items())) if name == "b.zip" else FILES)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert read_bundle(tmp_path / "a.zip") == {**FILES, SUMS: sums(FILES)}
    with pytest.raises(UsageError, match="never overwritten"):
        write_bundle(tmp_path / "a.zip", FILES)


def test_the_digests_are_those_of_sha256sum(tmp_path):
    write_bundle(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path)
    subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=tmp_path, check=True)


def zip_of(entries):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries:
            archive.writestr(name, body)
    return content.getvalue()


GOOD = [*FILES.items(), (SUMS, sums(FILES))]
TAMPERINGS = {
    "a byte of a file": (
        [(name, body + b" " * (name == "results.json")) for name, body in GOOD],
        "results.json was changed",
    ),
    "a file removed": (GOOD[1:], "results.json is missing"),
    "a file added": ([*GOOD, ("more.txt", b"x")], "more.txt was added"),
    "the digests": ([*GOOD[:-1], (SUMS, sums(FILES) + b"\n")], "SHA256SUMS was changed"),
    "no digests": (GOOD[:-1], "contains no SHA256SUMS"),
    "out of the folder": ([*GOOD, ("../x", b"")], "leads out of the folder"),
    "an absolute path": ([*GOOD, ("/etc/x", b"")], "leads out of the folder"),
    "a bomb": ([*GOOD, ("zeros", b"\0" * 4_000_000)], "unpacks to more than 3,000,000 bytes"),
    "many entries": ([(f"f{number}", b"") for number in range(60)], "60 entries"),
}


@pytest.mark.parametrize(("entries", "message"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_tampering_is_found(tmp_path, monkeypatch, entries, message):
    monkeypatch.setattr(bundle, "TOTAL_LIMIT", 3_000_000)
    (tmp_path / "a.zip").write_bytes(zip_of(entries))
    with pytest.raises(Tampered, match=message):
        read_bundle(tmp_path / "a.zip")


def test_two_entries_of_one_name_are_found(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        (tmp_path / "a.zip").write_bytes(zip_of([*GOOD, ("results.json", b"other")]))
    with pytest.raises(Tampered, match="two entries named"):
        read_bundle(tmp_path / "a.zip")


def flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


@pytest.mark.parametrize("content", [b"", b"PK", zip_of(GOOD)[:-30], flipped(zip_of(GOOD), 46)])
def test_what_is_no_sound_zip_file_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(Tampered, match="not a sound ZIP file"):
        read_bundle(tmp_path / "a.zip")


def test_a_bundle_signed_with_an_openssh_key(tmp_path, ssh_key):
    write_bundle(tmp_path / "a.zip", FILES, ssh_key)
    files = read_bundle(tmp_path / "a.zip")
    public = ssh_key.key.with_suffix(".pub")
    assert "SHA256:" in check_signature(files, None)
    assert "SHA256:" in check_signature(files, public)
    with pytest.raises(Tampered, match="the signature does not fit"):
        check_signature({**files, SUMS: files[SUMS] + b" "}, public)
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    with pytest.raises(Tampered, match="the signature does not fit"):
        check_signature(files, other.with_suffix(".pub"))
    with pytest.raises(UsageError, match="cannot be read"):
        check_signature(files, tmp_path / "none.pub")


def test_a_bundle_signed_with_a_certificate(tmp_path, certificate):
    signer, root = certificate
    write_bundle(tmp_path / "a.zip", FILES, signer)
    files = read_bundle(tmp_path / "a.zip")
    for trusted in (None, root, signer.certificate):
        assert "Fingerprint=" in check_signature(files, trusted)
    with pytest.raises(Tampered, match="the signature does not fit"):
        check_signature({**files, SUMS: files[SUMS] + b" "}, root)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    with pytest.raises(Tampered, match="the signature does not fit"):
        check_signature(files, other)


def test_an_unsigned_bundle_is_not_taken_for_a_signed_one(tmp_path, ssh_key):
    write_bundle(tmp_path / "a.zip", FILES)
    files = read_bundle(tmp_path / "a.zip")
    assert check_signature(files, None) == ""
    with pytest.raises(Tampered, match="not signed"):
        check_signature(files, ssh_key.key.with_suffix(".pub"))


def test_a_key_that_cannot_sign_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot sign"):
        write_bundle(tmp_path / "a.zip", FILES, Signer("ssh", tmp_path / "none"))
    with pytest.raises(UsageError, match="cannot sign"):
        write_bundle(tmp_path / "a.zip", FILES, Signer("x509", tmp_path / "none", tmp_path / "none"))
    assert not (tmp_path / "a.zip").exists()
