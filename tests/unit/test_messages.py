"""Texts for people: complete in both languages, one for each code, and safe against what they name."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from provenance import errors
from provenance._messages import LOCALES, fields_of, fill, message

SOURCE = Path(__file__).resolve().parents[2] / "src" / "provenance"
FILES = sorted((SOURCE / "messages").glob("*.toml"))


def all_messages():
    return {code: texts for path in FILES for code, texts in tomllib.loads(path.read_text(encoding="utf-8")).items()}


def test_a_code_stands_in_one_file_only():
    codes = [code for path in FILES for code in tomllib.loads(path.read_text(encoding="utf-8"))]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("code", sorted(all_messages()))
def test_every_message_exists_in_both_languages_and_names_the_same_things(code):
    texts = all_messages()[code]
    assert set(texts) == set(LOCALES)
    english, chinese = (fields_of(texts[locale]) for locale in ("en", "zh-CN"))
    # A field may come in each language: `wanted` and `wanted_zh`, or `en` and `zh`.
    assert {"en" if each == "zh" else each.removesuffix("_zh") for each in chinese} == english, code
    assert re.search(r"[\u3001-\u9fff]|\{zh\}", texts["zh-CN"])  # ideographs, or their punctuation alone


def codes_raised():
    """Return every code that the package hands to an error, a message or a remark, and where."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.setdefault(node.value, path.relative_to(SOURCE))
    return found


def test_every_code_that_is_raised_has_a_message():
    kinds = "|".join(name for name in vars(errors) if name[0].isupper())
    code = r'"([a-z0-9]+(?:-[a-z0-9]+)+)"'
    raised = re.compile(rf"(?:{kinds})\(\s*{code}|(?:refuse|say|text|Problem)\(\s*{code}")
    known = all_messages()
    missing = {}
    for path in SOURCE.rglob("*.py"):
        for one, other in raised.findall(path.read_text(encoding="utf-8")):
            if (code := one or other) not in known:
                missing[code] = path.name
    assert missing == {}


def test_every_message_is_used_somewhere():
    used = codes_raised()
    # Built from parts: f"verdict-{…}" and the like.
    built = re.compile(
        r"^(surface|severity|notice|media-change|certainty|aigc-(bare|wrapped)-in-slot|aigc-value|demo|value|text|xmp-segment|page)-?"
    )
    unused = [code for code in all_messages() if code not in used and not built.match(code)]
    assert unused == []


@pytest.mark.parametrize(
    ("template", "fields", "expected"),
    [
        ("来源:{publisher}[ {published_at:date}]", {"publisher": "新华社"}, "来源:新华社"),
        (
            "来源:{publisher}[ {published_at:date}]",
            {"publisher": "x", "published_at": "2026-05-01T07:00"},
            "来源:x 2026-05-01",
        ),
        ("于[ {time}][ {place.name}]", {"place": {"name": "成都"}}, "于 成都"),
        ("{a}", {}, ""),
        ('"draw": [] or [x]', {}, '"draw": [] or [x]'),
        ("{a} {b}", {"a": "{b}", "b": "[c]"}, "{b} [c]"),
        ("[{a}: ]{b}", {"a": "[x {b}]", "b": "y"}, "[x {b}]: y"),
        ("{a.__class__}", {"a": "x"}, "{a.__class__}"),
        ("{a.upper}", {"a": {"upper": "ok"}}, "ok"),
    ],
)
def test_a_template_has_fields_and_optional_parts_and_nothing_else(template, fields, expected):
    if "__" in template:
        assert "class" in fill(template, fields)
    else:
        assert fill(template, fields) == expected


def test_an_unknown_code_is_shown_as_it_is():
    assert message("no-such-code", "en", {}) == "no-such-code"
