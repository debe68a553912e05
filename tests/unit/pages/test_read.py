"""A rendered page is read for what a reader sees of it, in whatever encoding, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance.errors import AssetNotFound, MalformedMedia, MediaTooLarge, UnsupportedFormat
from provenance.pages import read_page
from provenance.pages.read import LARGEST_PAGE
from provenance.text.visible import shows

NOTICE = "信息来源:新华社 2026-05-01"


def page(tmp_path: Path, content: bytes, name: str = "page.html") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", f"<p>{NOTICE}</p>".encode()),
        ("page.html", f'<meta charset="gbk"><p>{NOTICE}</p>'.encode("gbk")),
        ("page.html", f"<p>{NOTICE}</p>".encode("utf-16")),
        ("page.html", f"\ufeff<p>{NOTICE}</p>".encode()),
        ("page", "<!DOCTYPE html><p>信息来源:<b>新华社</b><br>2026-05-01".encode()),
        ("page", f" <article class=x>{NOTICE}".encode()),
        ("page", f"  <!-- saved --> <p>{NOTICE}".encode()),
        ("page.md", "> **信息来源**:新华社 2026-05-01\n".encode()),
        ("page.txt", NOTICE.encode()),
        ("page", f"1 < 2\n{NOTICE}".encode()),
        ("page.html", f"<meta charset=utf-8>\xff<p>{NOTICE}</p>".encode().replace("\xff".encode(), b"\xff")),
    ],
)
def test_a_notice_is_found_in_whatever_a_page_is(tmp_path: Path, name: str, content: bytes) -> None:
    found = read_page(page(tmp_path, content, name))
    assert shows(found.seen, NOTICE)
    assert found.path == tmp_path / name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", f"<p hidden>{NOTICE}</p>"),
        ("page", f"<html><body><!-- {NOTICE} -->"),
        ("page.md", f"<!-- {NOTICE} -->"),
        ("page", f"<x-app><template>{NOTICE}</template></x-app>"),
    ],
)
def test_what_is_not_shown_is_not_found(tmp_path: Path, name: str, content: str) -> None:
    assert not shows(read_page(page(tmp_path, content.encode(), name)).seen, NOTICE)


def test_tags_are_text_in_a_text(tmp_path: Path) -> None:
    assert not shows(read_page(page(tmp_path, f"<p hidden>{NOTICE}".encode(), "page.html")).seen, NOTICE)
    assert shows(read_page(page(tmp_path, f"<p hidden>{NOTICE}".encode(), "page.txt")).seen, NOTICE)


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"%PDF-1.7", UnsupportedFormat, "page-not-text"),
        (b"From: <Saved by Blink>\r\nMIME-Version: 1.0", UnsupportedFormat, "page-not-text"),
        (b"ab\0cd", UnsupportedFormat, "page-not-text"),
        ("信息来源".encode("gbk"), MalformedMedia, "page-encoding"),
    ],
)
def test_what_is_no_page_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, kind: type[Exception], code: str
) -> None:
    with pytest.raises(kind) as caught:
        read_page(page(tmp_path, content))
    assert caught.value.code == code  # type: ignore[attr-defined]
    for locale in ("en", "zh-CN"):
        assert str(tmp_path) in caught.value.diagnostics(locale)  # type: ignore[attr-defined]


def test_a_page_that_is_too_large_or_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaTooLarge) as caught:
        read_page(page(tmp_path, b"a" * (LARGEST_PAGE + 1)))
    assert "10 MB" in str(caught.value)
    with pytest.raises(AssetNotFound):
        read_page(tmp_path / "nowhere.html")
    with pytest.raises(AssetNotFound):
        read_page(tmp_path)
