"""The signatures in the reserved codes of an AIGC element (TC260-PG-202511A)."""

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from provenance.metadata import aigc, sm2
from provenance.metadata.aigc_security import Security, message_of, read

CODE = "001191510100MA0EXAMP0D10001"
PRODUCED = [("Label", "1"), ("ContentProducer", CODE), ("ProduceID", "img-1")]
MESSAGE = b'"Label":"1","ContentProducer":"001191510100MA0EXAMP0D10001","ProduceID":"img-1"'
SM3_WITH_SM2 = "1.2.156.10197.1.501"
SM2_SECRET = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8  # GB/T 32918.5-2017, annex A


def sm2_sign(message, nonce=0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21):
    """Sign as GB/T 32918.2-2016, 6.1 says, with the nonce of the standard's example."""
    x, y = sm2._multiple(SM2_SECRET, sm2._G)
    identity = (128).to_bytes(2, "big") + sm2.USER_ID
    z = sm2.sm3(identity + b"".join(each.to_bytes(32, "big") for each in (sm2._A, sm2._B, *sm2._G, x, y)))
    e = int.from_bytes(sm2.sm3(z + message), "big")
    r = (e + sm2._multiple(nonce, sm2._G)[0]) % sm2._N
    s = pow(1 + SM2_SECRET, -1, sm2._N) * (nonce - r * SM2_SECRET) % sm2._N
    return encode_dss_signature(r, s), sm2._SPKI + b"\4" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def security(*entries, name="PubSD", wrapper="SecurityData"):
    return json.dumps({wrapper: {"Type": "TC260PG", "Version": 1, name: list(entries)}}, separators=(",", ":"))


def signed(signature, key, algorithm=SM3_WITH_SM2, kind="Md", encode=bytes.hex, **extra):
    return (
        {"Type": "DS", "AlgID": algorithm, "TBSData": {"Type": kind}, "Signature": encode(signature), **extra},
        {"Type": "PubKey", "AlgID": algorithm, "KeyValue": encode(key), **extra},
    )


SM2 = sm2_sign(MESSAGE)


def test_the_message_is_the_three_texts_joined_by_commas():
    assert message_of(PRODUCED) == MESSAGE


@pytest.mark.parametrize(
    "code",
    [
        "e862483430d978cbf828b8b24296ef9328d843a0",
        "0b7f5f6e-6a6c-4a30-9d58-0d1ff2b4ae6b",
        "3045022100E816A5",
        "q83vEjRWeJA=",
        "{",
        "[1]",
        "null",
        '"text"',
        '{"Other":{}}',
        '{"SecurityData":[]}',
        "[" * 100_000,
    ],
)
def test_anything_else_is_opaque(code):
    assert read(code, PRODUCED) == Security("opaque")


def test_an_empty_code_is_absent():
    assert read("", PRODUCED) == Security("absent")


@pytest.mark.parametrize(
    "code",
    [
        security(*signed(*SM2)),
        security(*signed(*SM2, kind="LabelMataData")),
        security(*signed(*SM2), name="PubSd"),
        security(*signed(*SM2), name="pubSD", wrapper="securityData"),
        security(*signed(*SM2, encode=lambda data: data.hex().upper())),
        security(*signed(*SM2, encode=lambda data: base64.b64encode(data).decode())),
        security(*signed(*SM2, algorithm="sm3WithSM2")),
        security(*signed(*SM2, KeyID=3)),
        security(*signed(SM2[0], SM2[1][-65:])),
        security(*signed(SM2[0], b"\0" + SM2[1][-64:-32])),
        security(*reversed(signed(*SM2))),
        security(*signed(*SM2), {"Type": "DS", "TBSData": {"Type": "Binding", "BType": 0}, "Signature": "00"}),
        json.dumps(security(*signed(*SM2))),
        security(*signed(*sm2_sign(sm2.sm3(MESSAGE)))),
    ],
    ids=["guide", "provider's word", "PubSd", "letter case", "capitals", "base64", "named", "key id", "point", "bare x",
         "key first", "beside a binding", "text of a text", "digest signed"],
)  # fmt: skip
def test_every_known_spelling_of_an_intact_signature_is_read(code):
    assert read(code, PRODUCED) == Security("intact", "SM3withSM2")


@pytest.mark.parametrize("at", range(3))
def test_a_changed_text_breaks_the_signature(at):
    changed = [(key, value + "x" * (number == at)) for number, (key, value) in enumerate(PRODUCED)]
    assert read(security(*signed(*SM2)), changed).state == "broken"


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, SM2[0][:-1], encode_dss_signature(1, 1)])
def test_a_damaged_signature_is_broken(signature):
    assert read(security(*signed(signature, SM2[1])), PRODUCED).state == "broken"


@pytest.mark.parametrize(
    ("algorithm", "curve", "digest"),
    [
        ("1.2.840.10045.4.3.2", ec.SECP256R1(), hashes.SHA256()),
        ("SHA384withECDSA", ec.SECP384R1(), hashes.SHA384()),
        ("1.2.840.10045.4.3.4", ec.SECP521R1(), hashes.SHA512()),
    ],
)
def test_ecdsa_is_checked(algorithm, curve, digest):
    key = ec.generate_private_key(curve)
    code = security(*signed(key.sign(MESSAGE, ec.ECDSA(digest)), spki(key), algorithm))
    assert read(code, PRODUCED).state == "intact"
    assert read(code, [("Label", "2"), *PRODUCED[1:]]).state == "broken"


@pytest.mark.parametrize(
    ("algorithm", "digest"), [("1.2.840.113549.1.1.11", hashes.SHA256()), ("SHA512withRSA", hashes.SHA512())]
)
def test_rsa_is_checked(algorithm, digest, rsa_key):
    code = security(*signed(rsa_key.sign(MESSAGE, padding.PKCS1v15(), digest), spki(rsa_key), algorithm))
    assert read(code, PRODUCED).state == "intact"
    assert read(code, [("Label", "2"), *PRODUCED[1:]]).state == "broken"


DS, KEY = signed(*SM2)


@pytest.mark.parametrize(
    "code",
    [
        security(),
        security(DS),
        security(KEY),
        security({**DS, "KeyID": 1}, {**KEY, "KeyID": 2}),
        security({**DS, "AlgID": "1.2.3"}, KEY),
        security({**DS, "AlgID": 7}, KEY),
        security({**DS, "TBSData": {"Type": "Bnd"}}, KEY),
        security({**DS, "TBSData": "Md"}, KEY),
        security(DS, {**KEY, "KeyValue": "zz"}),
        security(DS, {**KEY, "KeyValue": 7}),
        security(DS, {**KEY, "KeyValue": "00" * 91}),
        security({**DS, "AlgID": "SHA256withRSA"}, KEY),
        '{"SecurityData":{"PubSD":5}}',
        '{"SecurityData":{"PubSD":[5,null]}}',
        '{"SecurityData":{}}',
    ],
)
def test_what_cannot_be_checked_is_unsupported_and_never_broken(code):
    assert read(code, PRODUCED).state == "unsupported"


def test_a_key_of_another_kind_is_not_used(rsa_key):
    code = security(*signed(b"\0", spki(rsa_key), "SHA256withECDSA"))
    assert read(code, PRODUCED) == Security("unsupported", "SHA256withECDSA")


def test_many_signatures_and_keys_take_no_time():
    code = security(*[DS] * 1000, *[KEY] * 1000)
    start = time.process_time()
    read(code, [("Label", "2")])
    assert time.process_time() - start < 15


JSON = st.recursive(
    st.none()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["DS", "PubKey", "Md", SM3_WITH_SM2, SM2[1].hex()]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["SecurityData", "PubSD", "Type", "AlgID", "TBSData", "KeyValue", "Signature", "KeyID"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON | JSON.map(lambda data: {"SecurityData": {"PubSD": [data, data]}}))
def test_no_code_raises(data):
    assert read(json.dumps(data), PRODUCED).state in {"opaque", "unsupported", "broken"}


# --- the element -----------------------------------------------------------------------------------------------------


def element(**texts):
    base = {"label": "1", "content_producer": CODE, "produce_id": "img-1", "content_propagator": CODE}
    return aigc.Element(**{**base, "propagate_id": "img-1", **texts})


def reading(given):
    return aigc.with_security(aigc.decode(json.dumps(given.as_json())))


def test_an_intact_signature_of_the_producer_is_conformant():
    found = reading(element(reserved_code1=security(*signed(*SM2)), reserved_code2="0b7f5f6e"))
    assert found.conformant
    assert found.problems == ()
    assert found.security == (Security("intact", "SM3withSM2"), Security("opaque"))


def test_a_broken_signature_of_the_producer_is_a_problem_with_a_text():
    found = reading(element(produce_id="img-2", reserved_code1=security(*signed(*SM2))))
    assert [problem.code for problem in found.problems] == ["aigc-signature-broken"]
    assert not found.conformant
    assert all("SM3withSM2" in found.problems[0].text(locale) for locale in ("en", "zh-CN"))


def test_a_propagator_may_sign_its_own_texts_or_the_producers():
    own = sm2_sign(b'"Label":"1","ContentPropagator":"%s","PropagateID":"p-9"' % CODE.encode())
    found = reading(element(propagate_id="p-9", reserved_code2=security(*signed(*own))))
    assert found.security[1] == Security("intact", "SM3withSM2")
    found = reading(element(propagate_id="p-9", reserved_code2=security(*signed(*SM2))))
    assert found.security[1] == Security("intact", "SM3withSM2")


def test_what_a_propagator_signs_is_not_published_so_nothing_of_it_is_called_broken():
    found = reading(element(reserved_code2=security(*signed(*sm2_sign(b"something else")))))
    assert found.security[1] == Security("unsupported", "SM3withSM2")
    assert found.conformant


def test_an_unreadable_element_has_no_security():
    assert aigc.with_security(aigc.decode("{")).security == ()
