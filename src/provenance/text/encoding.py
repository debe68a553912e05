"""Which codec a page's encoding is, by the names that browsers know it by (WHATWG Encoding, 4.2)."""

from __future__ import annotations

import codecs
import re
from typing import Final

# Browsers read these names as larger or other encodings than Python does.
_AS_BROWSERS: Final = {
    **dict.fromkeys(("gbk", "gb2312", "gb_2312-80", "x-gbk", "chinese", "gb18030"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "cn-big5", "x-x-big5"), "big5hkscs"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "korean"), "cp949"),
    **dict.fromkeys(("iso-8859-1", "latin1", "ascii", "us-ascii", "windows-1252"), "cp1252"),
}
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT: Final = 1024  # bytes, where browsers look for a declaration
_DECLARED: Final = re.compile(
    rb"""<meta[^>]{0,400}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})|<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.-]{2,40})""",
    re.IGNORECASE,
)


def codec_named(name: str) -> str | None:
    """Return Python's codec for an encoding by its name in a page; None: there is none, or it is none of text."""
    wanted = name.strip().lower()
    wanted = _AS_BROWSERS.get(wanted, wanted)
    try:
        b"a".decode(wanted)
        return codecs.lookup(wanted).name
    except (LookupError, ValueError):
        return None


def codec_by_mark(data: bytes) -> str | None:
    """Return the codec that a text's byte order mark tells."""
    return next((codec for mark, codec in _BOMS if data.startswith(mark)), None)


def codec_declared(data: bytes) -> str | None:
    """Return the codec that a page declares in its first bytes; one that Python lacks counts as none."""
    found = _DECLARED.search(data, 0, _LOOKED_AT)
    return codec_named((found[1] or found[2]).decode("ascii")) if found else None
