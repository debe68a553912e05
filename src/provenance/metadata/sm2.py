"""Verify SM2 signatures (GB/T 32918.2-2016, 7.1) on the recommended curve (GB/T 32918.5-2017).

Only verification, of public data with a public key: nothing here is secret, so nothing has to take constant time. No
permissive library with wheels offers SM2 beside what this package needs anyway; ``cryptography`` brings the digest.
"""

from __future__ import annotations

from typing import Final

Point = tuple[int, int]
"""Affine coordinates; the point at infinity is `None`."""

USER_ID: Final = b"1234567812345678"
"""The identity in every signature for which none was agreed on (GM/T 0009-2012, 10)."""

_P: Final = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
_A: Final = _P - 3
_B: Final = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
_N: Final = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123
_G: Final[Point] = (
    0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7,
    0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0,
)
_SIZE: Final = 32  # bytes of a coordinate
_SPKI: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")  # id-ecPublicKey, sm2p256v1


def points(key: bytes) -> tuple[Point, ...]:
    """Return the points of the curve that a public key can mean; none if it is no key.

    Taken are a SubjectPublicKeyInfo, a point as SEC 1 writes it with or without its first byte, and a bare x
    coordinate, zero-padded or not, which two points share.
    """
    key = key.removeprefix(_SPKI)
    form, rest = (key[0], key[1:]) if len(key) % _SIZE == 1 else (None, key)
    x, y = int.from_bytes(rest[:_SIZE], "big"), int.from_bytes(rest[_SIZE:], "big")
    if len(rest) == 2 * _SIZE and form in {None, 4}:
        return ((x, y),) if _on_curve(x, y) else ()
    if len(rest) != _SIZE or form not in {None, 0, 2, 3}:
        return ()
    root = pow(x**3 + _A * x + _B, (_P + 1) // 4, _P)  # p = 3 (mod 4)
    both = ((x, y) for y in (root, _P - root) if _on_curve(x, y))
    return tuple(point for point in both if form in {None, 0, 2 + point[1] % 2})


def verify(key: Point, message: bytes, signature: tuple[int, int]) -> bool:
    """Say whether ``(r, s)`` signs `message` with SM3 under `key`, a point of the curve; see `sm3` for the error."""
    r, s = signature
    t = (r + s) % _N
    if not (1 <= r < _N and 1 <= s < _N and t):
        return False
    coordinates = (_A, _B, *_G, *key)
    identity = (len(USER_ID) * 8).to_bytes(2, "big") + USER_ID
    z = sm3(identity + b"".join(each.to_bytes(_SIZE, "big") for each in coordinates))
    e = int.from_bytes(sm3(z + message), "big")
    point = _sum(_multiple(s, _G), _multiple(t, key))
    return point is not None and (e + point[0]) % _N == r


def sm3(data: bytes) -> bytes:
    """Return the SM3 digest of `data` (GB/T 32905-2016), 32 bytes.

    Raises:
        cryptography.exceptions.UnsupportedAlgorithm: the OpenSSL it was built with has no SM3.
    """
    from cryptography.hazmat.primitives.hashes import SM3, Hash

    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def _on_curve(x: int, y: int) -> bool:
    return x < _P and y < _P and (y * y - x**3 - _A * x - _B) % _P == 0


def _multiple(factor: int, point: Point) -> Point | None:
    result: Point | None = None
    addend: Point | None = point
    while factor:
        if factor & 1:
            result = _sum(result, addend)
        addend = _sum(addend, addend)
        factor >>= 1
    return result


def _sum(one: Point | None, other: Point | None) -> Point | None:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % _P == 0:
        return None
    rise, run = (3 * x1 * x1 + _A, 2 * y1) if one == other else (y2 - y1, x2 - x1)
    slope = rise * pow(run, -1, _P) % _P
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P
