"""Every code raised or reported by the metadata codecs has a text in both languages, and no text is left over."""

import re
import tomllib
from pathlib import Path

import provenance.metadata
from provenance._messages import fields_of

PACKAGE = Path(provenance.metadata.__file__).parent
OWN = ("xmp", "xmp_scan", "iptc", "iim", "aigc", "uscc", "geo")
TEXTS = tomllib.loads((PACKAGE.parent / "messages" / "metadata.toml").read_text(encoding="utf-8"))


def test_codes_and_texts_are_the_same_set():
    source = "".join((PACKAGE / f"{name}.py").read_text(encoding="utf-8") for name in OWN)
    used = set(re.findall(r'"((?:xmp|aigc|gps|iim|metadata)-[a-z0-9-]+)"', source))
    used |= {f"aigc-{form}-in-slot" for form in ("bare", "wrapped")}
    assert used == set(TEXTS)


def test_both_languages_name_the_same_fields():
    for code, texts in TEXTS.items():
        assert set(texts) == {"en", "zh-CN"}, code
        assert fields_of(texts["en"]) == fields_of(texts["zh-CN"]), code
