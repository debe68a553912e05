"""SM2 verification against the standard's own example, and against OpenSSL."""

import re
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.metadata import sm2

# GB/T 32918.5-2017, annex A.2: signature of "message digest" on the recommended curve.
X = 0x09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020
Y = 0xCCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13
SIGNATURE = (
    0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3,
    0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA,
)
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
RAW = X.to_bytes(32, "big") + Y.to_bytes(32, "big")
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200") + b"\4" + RAW


def test_the_example_of_the_standard_holds():
    assert sm2.verify((X, Y), b"message digest", SIGNATURE)


def test_the_digest_is_that_of_the_standard():
    # GB/T 32905-2016, annex A.1
    assert sm2.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_the_base_point_has_the_order_of_the_standard():
    assert sm2._multiple(N, sm2._G) is None
    assert sm2._multiple(N + 1, sm2._G) == sm2._G


@pytest.mark.parametrize("message", [b"", b"message digesT", b"message digest\0"])
def test_another_message_does_not_hold(message):
    assert not sm2.verify((X, Y), message, SIGNATURE)


r, s = SIGNATURE


@pytest.mark.parametrize(
    "signature", [(0, s), (r, 0), (N, s), (r, N), (r + N, s), (r, s + N), (r, N - r), (s, r), (r, s ^ 1), (-r, s)]
)
def test_numbers_out_of_range_and_changed_ones_do_not_hold(signature):
    assert not sm2.verify((X, Y), b"message digest", signature)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, N - 1), st.integers(1, N - 1), st.binary(max_size=40))
def test_a_guess_does_not_hold(first, second, message):
    assert not sm2.verify((X, Y), message, (first, second))


@pytest.mark.parametrize(
    "key",
    [SPKI, b"\4" + RAW, RAW, b"\3" + RAW[:32]],
    ids=["public key info", "point", "bare point", "compressed"],
)
def test_a_key_is_read_in_every_form(key):
    assert sm2.points(key) == ((X, Y),)


@pytest.mark.parametrize("key", [RAW[:32], b"\0" + RAW[:32]])
def test_a_bare_x_coordinate_means_two_points(key):
    points = sm2.points(key)
    assert len(points) == 2
    assert (X, Y) in points
    assert any(sm2.verify(each, b"message digest", SIGNATURE) for each in points)


@pytest.mark.parametrize(
    "key",
    [b"", b"\4", RAW[:31], b"\5" + RAW[:32], b"\2" + RAW, bytes(64), b"\4" + RAW[:-1] + b"\0", b"\xff" * 64, SPKI + b"\0",
     (5).to_bytes(32, "big")],
)  # fmt: skip
def test_what_is_no_point_of_the_curve_is_no_key(key):
    assert sm2.points(key) == ()


@given(st.binary(max_size=100))
def test_no_bytes_raise(key):
    for x, y in sm2.points(key):
        assert (y * y - x**3 + 3 * x - 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93) % (
            2**256 - 2**224 - 2**96 + 2**64 - 1
        ) == 0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="not run: openssl is not installed")
def test_what_openssl_signs_holds(tmp_path):
    def openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        if re.search(r"unsupported|unknown|Invalid", done.stderr):
            pytest.skip("not run: this openssl has no SM2")
        assert done.returncode == 0, done.stderr

    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", "key.pem")
    openssl("pkey", "-in", "key.pem", "-pubout", "-outform", "DER", "-out", "key.der")
    for number in range(5):
        (tmp_path / "message").write_bytes(b"label %d" % number)
        openssl("pkeyutl", "-sign", "-inkey", "key.pem", "-in", "message", "-rawin", "-digest", "sm3",
                "-pkeyopt", "distid:1234567812345678", "-out", "signature")  # fmt: skip
        (point,) = sm2.points((tmp_path / "key.der").read_bytes())
        signature = decode_dss_signature((tmp_path / "signature").read_bytes())
        assert sm2.verify(point, b"label %d" % number, signature)
        assert not sm2.verify(point, b"label %d" % (number + 1), signature)
