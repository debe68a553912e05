"""Certificates with any defect, pictures made at run time, and signers."""

from __future__ import annotations

import io
import json
import socket
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from inspect import signature
from pathlib import Path

import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from provenance.manifests import binding, development, pool, worker, write
from provenance.manifests.signer import Signer
from provenance.manifests.trust import trust_from_files

CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def name(common_name, organisation=None):
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    parts += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name(parts)


def usage(**allowed):
    every = signature(x509.KeyUsage).parameters
    return x509.KeyUsage(**{one: allowed.get(one, False) for one in every})


@dataclass
class Issued:
    """A signing certificate, its key and its authority."""

    leaf: x509.Certificate
    key: object
    authority: x509.Certificate

    @property
    def chain(self) -> bytes:
        return pem(self.leaf) + pem(self.authority)

    @property
    def key_pem(self) -> bytes:
        return self.private()

    def private(self, form=serialization.PrivateFormat.PKCS8, lock=None) -> bytes:
        return self.key.private_bytes(serialization.Encoding.PEM, form, lock or serialization.NoEncryption())

    @property
    def signer(self) -> Signer:
        return Signer.from_pem(self.chain, self.key_pem)

    @property
    def trust(self) -> tuple[bytes, ...]:
        return (pem(self.authority),)


def pem(certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


class Authority:
    """Issues signing certificates, good unless told otherwise."""

    def __init__(self, key=None):
        common_name = "Test CA"
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name(common_name))
            .issuer_name(name(common_name))
            .public_key(self.key.public_key())
            .serial_number(7)
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=99))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, None if isinstance(self.key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
        )

    def issue(
        self,
        *,
        key=None,
        common_name="Test signer",
        organisation=None,
        serial=None,
        since=timedelta(days=-1),
        until=timedelta(days=30),
        basic=None,
        key_usage=usage(digital_signature=True),  # noqa: B008 - a frozen value
        ekus=(ExtendedKeyUsageOID.EMAIL_PROTECTION,),
        authority_key=True,
        subject_key=True,
        extra=None,
        digest=hashes.SHA256(),  # noqa: B008 - holds no state
    ) -> Issued:
        key = key or ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common_name, organisation))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(now + since)
            .not_valid_after(now + until)
        )
        own, issuer = key.public_key(), self.key.public_key()
        extensions = [
            (basic, True),
            (key_usage, True),
            (x509.ExtendedKeyUsage(list(ekus)) if ekus else None, False),
            (x509.SubjectKeyIdentifier.from_public_key(own) if subject_key else None, False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer) if authority_key else None, False),
            (extra, True),
        ]
        for value, critical in extensions:
            if value is not None:
                builder = builder.add_extension(value, critical=critical)
        return Issued(builder.sign(self.key, digest), key, self.certificate)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def make_authority():
    return Authority


@pytest.fixture(scope="session")
def issued(authority) -> Issued:
    return authority.issue()


@pytest.fixture(scope="session")
def own(tmp_path_factory) -> development.Identity:
    return development.create(tmp_path_factory.mktemp("identity") / "dev")


@pytest.fixture(scope="session")
def signer(own) -> Signer:
    return Signer.from_pem(own.certificate, own.key)


@pytest.fixture(scope="session")
def trust(own) -> tuple[bytes, ...]:
    return trust_from_files([own.ca])


def pixels(seed=1, width=96, height=64) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def jpeg(seed=1) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0132] = "Test", "2026:05:01 08:30:00"
    out = io.BytesIO()
    pixels(seed).save(out, "JPEG", exif=exif, xmp=XMP, quality=90)
    return out.getvalue()


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg())
    return path


@pytest.fixture(scope="session")
def make_jpeg():
    return jpeg


PAYLOAD = {
    "version": 1,
    "post": "p-1",
    "asset": None,
    "labels": [
        {"kind": "capture", "on": "asset", "time": "2026-05-01", "place": {"name": "四川省成都市 “熊猫” 😀\u2028"}},
        {
            "kind": "extension",
            "on": "post",
            "numbers": [1, 2, 300, 2**53 + 1],
            "ratio": 0.1,
            "nested": {"a": [[1.5], []]},
        },
    ],
    "notices": [
        {"kind": "x", "text": "AI生成", "box": {"x": 8, "y": 0, "width": 96, "height": 384}, "seconds": None},
    ],
}


@pytest.fixture(scope="session")
def payload():
    return PAYLOAD


@pytest.fixture
def signed(photo, tmp_path, signer) -> Path:
    """The photo, signed as newly created."""
    target = tmp_path / "signed.jpg"
    claim = write.Claim(PAYLOAD, write.plan_actions(CAPTURE, has_manifest=False, notice_drawn=False), title="photo.jpg")
    write.sign(photo, target, claim, mime="image/jpeg", signer=signer)
    return target


@pytest.fixture
def resign(signer):
    """Sign a file as opened from a parent."""

    def again(
        source: Path, target: Path, *, parent: Path | None = None, signer: Signer = signer, labels=PAYLOAD
    ) -> Path:
        opened = write.Ingredient(parent or source, "image/jpeg", (parent or source).name)
        actions = write.plan_actions(None, has_manifest=True, notice_drawn=False)
        write.sign(source, target, write.Claim(labels, actions, opened), mime="image/jpeg", signer=signer)
        return target

    return again


@pytest.fixture(scope="session")
def ed25519_key():
    return ed25519.Ed25519PrivateKey.generate()


def sign_raw(definition: dict, source, target, signer, **options):
    """Sign with the binding itself: manifests that other software could write."""
    native = c2pa.Signer.from_info(c2pa.C2paSignerInfo(signer.algorithm, signer.chain, signer.key, None))
    definition.setdefault("assertions", []).insert(
        0, {"label": "c2pa.actions.v2", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": CAPTURE}]}}
    )
    with (
        native,
        binding.context() as context,
        c2pa.Builder(json.dumps(definition), context=context) as builder,
        source.open("rb") as file,
        target.open("xb+") as out,
    ):
        if "remote" in options:
            builder.set_no_embed()
            builder.set_remote_url(options["remote"])
        manifest = builder.sign(native, "image/jpeg", file, out)
    if "remote" in options:
        target.with_suffix(".c2pa").write_bytes(manifest)
    return target


@pytest.fixture(scope="session")
def forge():
    """Sign with the binding itself: `forge(definition, source, target, signer, remote=url)`."""
    return sign_raw


def hostile_label(signed: Path) -> None:
    """Change the label ``org.example.abc`` of a signed file to one that aborts the native library."""
    before = signed.read_bytes()
    assert before.count(b"org.example.abc") > 1
    signed.write_bytes(before.replace(b"org.example.abc", "org.example.ラ".encode()))


@pytest.fixture
def hostile(photo, tmp_path, signer) -> Path:
    """A signed photo that ends the process that reads its manifest."""
    stated = {"assertions": [{"label": "org.example.abc", "data": {"a": 1}}]}
    target = sign_raw(stated, photo, tmp_path / "hostile.jpg", signer)
    hostile_label(target)
    return target


class ThreadWorker(pool._Worker):
    """A worker inside this process, where a test can replace its parts."""

    def __init__(self):
        self.connection, theirs = socket.socketpair()
        self.process, self.idle_since = self, 0.0
        self.stderr = None
        self.thread = threading.Thread(target=self._serve, args=(theirs,), daemon=True)
        self.thread.start()

    def _serve(self, connection):
        with connection:
            worker.serve(connection)

    def poll(self):
        return None if self.thread.is_alive() else 0

    def wait(self, _seconds=None):
        self.thread.join()
        return 0

    def kill(self):
        self.connection.close()


@pytest.fixture
def worker_in_thread(monkeypatch):
    """Let what a worker does happen in this process, without its limits."""
    monkeypatch.setattr(worker, "_limit", lambda *_: None)
    monkeypatch.setattr(pool, "_Worker", ThreadWorker)
    workers = pool._Pool()
    monkeypatch.setattr(pool, "_pool", workers)
    yield
    workers.close()
