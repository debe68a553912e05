"""The signing certificate is found where it must be, and nowhere else; no bytes make the parser fail."""

import io
import json
import random
import struct

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from provenance.manifests import binding, cose


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def superbox(label: bytes, *content: bytes) -> bytes:
    return box(b"jumb", box(b"jumd", bytes(16), b"\x03", label + b"\0"), *content)


def bstr(data: bytes) -> bytes:
    return b"\x59" + struct.pack(">H", len(data)) + data


def store(protected: bytes, unprotected: bytes = b"\xa0", label: bytes = b"m") -> bytes:
    sign1 = b"\xd2\x84" + bstr(protected) + unprotected + b"\xf6" + bstr(b"signature")
    return superbox(b"c2pa", superbox(label, superbox(b"c2pa.signature", box(b"cbor", sign1))))


CHAIN = b"\xa2\x01\x26\x18\x21" + b"\x82" + bstr(b"leaf") + bstr(b"authority")


@pytest.fixture
def real(signed):
    with (
        signed.open("rb") as file,
        binding.context() as context,
        c2pa.Reader("image/jpeg", file, context=context) as it,
    ):
        active = json.loads(it.json())["active_manifest"]
        out = io.BytesIO()
        it.resource_to_stream(active, out)
    return out.getvalue(), active


def test_the_certificate_of_a_real_store_is_the_signers(real, own):
    leaf = x509.load_pem_x509_certificates(own.certificate.read_bytes())[0]
    assert cose.signing_certificate(*real) == leaf.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (store(CHAIN), b"leaf"),
        (store(b"\xa1\x18\x21" + bstr(b"only")), b"only"),
        (store(b"\xa1\x67x5chain" + bstr(b"named")), b"named"),
        (store(b"\xa0", b"\xa1\x18\x21" + bstr(b"outside")), b"outside"),
    ],
    ids=["chain", "one", "by name", "unprotected"],
)
def test_the_certificate_is_found_wherever_the_standard_puts_it(data, found):
    assert cose.signing_certificate(data, "m") == found


@pytest.mark.parametrize(
    "data",
    [
        store(CHAIN, b"\xa1\x18\x21" + bstr(b"second")),
        store(b"\xa2\x18\x21" + bstr(b"first") + b"\x18\x21" + bstr(b"second")),
        store(b"\xa2\x18\x21" + bstr(b"first") + b"\x67x5chain" + bstr(b"second")),
        store(CHAIN) + store(CHAIN),
        superbox(b"c2pa", *(store(CHAIN)[8 + 30 :],) * 2),
    ],
    ids=["both headers", "twice", "two names", "two stores", "two manifests"],
)
def test_two_candidates_are_none(data):
    assert cose.signing_certificate(data, "m") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 40,
        store(b"\xa0"),
        store(b"\xa1\x18\x21\x80"),
        store(b"\xa1\x18\x21\x01"),
        store(b"\x80"),
        store(b"\xbb" + b"\xff" * 8),
        store(b"\x9b" + b"\xff" * 8),
        store(b"\xa1\x18\x21\x5b" + b"\xff" * 8),
        store(b"\x81" * 5000),
        store(b"\xbf\xff"),
        store(b"\x1c"),
        store(CHAIN, label=b"other"),
        superbox(b"c2pa", superbox(b"m", superbox(b"c2pa.signature", box(b"cbor", b"\x01")))),
        superbox(b"c2pa", superbox(b"m", superbox(b"c2pa.signature"))),
        superbox(b"c2pa", box(b"jumb", b"")),
        superbox(b"c2pa", box(b"jumb", box(b"jumd", bytes(17), b"m\0"))),
        struct.pack(">I4sQ", 1, b"jumb", 2**63),
        b"\0\0\0\1jumb",
    ],
)
def test_anything_else_has_no_certificate(data):
    assert cose.signing_certificate(data, "m") is None


def test_large_and_open_ended_boxes_are_read():
    content = store(CHAIN)[8:]
    assert cose.signing_certificate(struct.pack(">I4sQ", 1, b"jumb", 16 + len(content)) + content, "m") == b"leaf"
    assert cose.signing_certificate(struct.pack(">I4s", 0, b"jumb") + content, "m") == b"leaf"


def test_no_damage_raises(real):
    data, active = real
    rng = random.Random(1)
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 6)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        found = cose.signing_certificate(bytes(damaged[: rng.randint(0, len(damaged))]), active)
        assert found is None or isinstance(found, bytes)
