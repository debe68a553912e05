"""Encodings by the names of browsers."""

from __future__ import annotations

import pytest

from provenance.text.encoding import codec_by_mark, codec_declared, codec_named


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("UTF-8", "utf-8"),
        (" gb2312 ", "gb18030"),
        ("GBK", "gb18030"),
        ("latin1", "cp1252"),
        ("shift_jis", "cp932"),
        ("koi8-r", "koi8-r"),
        ("no-such", None),
        ("base64", None),
        ("zip", None),
        ("a\0b", None),
        ("undefined", None),
    ],
)
def test_a_name_gives_the_codec_that_browsers_read_it_with(name: str, codec: str | None) -> None:
    assert codec_named(name) == codec


@pytest.mark.parametrize(
    ("page", "codec"),
    [
        (b"<meta charset=gbk>", "gb18030"),
        (b'<META http-equiv="Content-Type" content="text/html; charset=big5">', "big5hkscs"),
        (b'<?xml version="1.0" encoding="koi8-r"?>', "koi8-r"),
        (b"<meta charset=nonsense>", None),
        (b" " * 2000 + b"<meta charset=gbk>", None),
        (b"<p>", None),
    ],
)
def test_a_page_declares_its_encoding_in_its_first_bytes(page: bytes, codec: str | None) -> None:
    assert codec_declared(page) == codec


def test_a_byte_order_mark_tells() -> None:
    assert codec_by_mark("\ufeffx".encode()) == "utf-8-sig"
    assert codec_by_mark("x".encode("utf-16")) == "utf-16"
    assert codec_by_mark(b"x") is None
