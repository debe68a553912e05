"""An edition whose signature is asked for is loaded only as its publisher released it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from provenance._resources import labels_root
from provenance.catalog import Catalog
from provenance.catalog.loading import read_texts
from provenance.catalog.signatures import SIGNATURE, digests, signature_of
from provenance.errors import CertificateRejected, EditionNotSigned


def private_pem(key: Ed25519PrivateKey, password: bytes | None = None) -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


KEY = Ed25519PrivateKey.generate()
PUBLIC = public_pem(KEY)


@pytest.fixture
def edition(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(labels_root(), tmp_path / "edition"))
    (folder / SIGNATURE).write_bytes(signature_of(folder, private_pem(KEY)))
    return folder


def test_a_signed_edition_is_loaded(edition: Path, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(PUBLIC)
    for key in (PUBLIC, tmp_path / "key.pem", str(tmp_path / "key.pem")):
        assert Catalog.from_directory(edition, key=key).edition == Catalog.packaged().edition


def test_the_signature_does_not_depend_on_where_or_when_the_edition_lies(edition: Path) -> None:
    assert (edition / SIGNATURE).read_bytes() == signature_of(labels_root(), private_pem(KEY))


def test_what_is_signed_lists_every_file_that_decides_something() -> None:
    texts = read_texts(labels_root())
    head, *lines = digests(texts).decode().splitlines()
    assert head == "provenance/edition/1"
    assert [line[66:] for line in lines] == sorted(texts)
    assert len(lines) == 1 + len(list(labels_root().rglob("*.toml")))


def test_prose_may_change_under_a_signature(edition: Path) -> None:
    (edition / "CHANGELOG.md").write_text("another text", "utf-8")
    Catalog.from_directory(edition, key=PUBLIC)


CHANGES: dict[str, Callable[[Path], object]] = {
    "one more space": lambda root: (root / "EDITION").write_text((root / "EDITION").read_text("utf-8") + " ", "utf-8"),
    "another text": lambda root: (root / "rules/cn/fiction-without-label.toml").write_text(
        (root / "rules/cn/fiction-without-label.toml").read_text("utf-8").replace("2023-07-05", "2033-07-05"), "utf-8"
    ),
    "a file gone": lambda root: (root / "rules/cn/fiction-without-label.toml").unlink(),
    "a file more": lambda root: (root / "kinds/odd.toml").write_text("", "utf-8"),
    "a file renamed": lambda root: (root / "kinds/mcn.toml").rename(root / "kinds/ncm.toml"),
    "no base64": lambda root: (root / SIGNATURE).write_bytes(b"!"),
    "nothing": lambda root: (root / SIGNATURE).write_bytes(b""),
    "not ASCII": lambda root: (root / SIGNATURE).write_bytes(b"\xff"),
    "another key": lambda root: (root / SIGNATURE).write_bytes(
        signature_of(root, private_pem(Ed25519PrivateKey.generate()))
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_is_refused(change: str, edition: Path) -> None:
    CHANGES[change](edition)
    with pytest.raises(EditionNotSigned) as caught:
        Catalog.from_directory(edition, key=PUBLIC)
    assert (caught.value.code, caught.value.exit_code) == ("edition-signature-wrong", 5)


def test_a_missing_signature_is_refused_only_where_one_is_asked_for(edition: Path) -> None:
    (edition / SIGNATURE).unlink()
    Catalog.from_directory(edition)
    with pytest.raises(EditionNotSigned) as caught:
        Catalog.from_directory(edition, key=PUBLIC)
    assert caught.value.code == "edition-not-signed"


EC = ec_key(SECP256R1())


@pytest.mark.parametrize(
    "key",
    [b"", b"no key", private_pem(KEY), EC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)],
)
def test_what_is_no_ed25519_public_key_is_refused(key: bytes, edition: Path) -> None:
    with pytest.raises(CertificateRejected) as caught:
        Catalog.from_directory(edition, key=key)
    assert caught.value.code == "edition-key-unusable"


@pytest.mark.parametrize(
    "key",
    [
        b"",
        PUBLIC,
        private_pem(KEY, b"secret"),
        EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
)
def test_only_a_plain_ed25519_private_key_signs(key: bytes) -> None:
    with pytest.raises(CertificateRejected) as caught:
        signature_of(labels_root(), key)
    assert caught.value.code == "edition-key-unusable"
