"""Platform profiles, the precedence of their options, and what conduct asks: broken data is named by file and line."""

import shutil

import pytest

from provenance._resources import labels_root
from provenance.catalog import Catalog
from provenance.errors import CatalogError, UsageError


@pytest.fixture
def edition(tmp_path):
    """Return a function that copies the edition, changes one text in one file, and returns the folder."""
    folder = tmp_path / "labels"
    shutil.copytree(labels_root(), folder)

    def change(name, old, new):
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder

    return change


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("platforms/douyin.toml", 'code = "ai"', 'code = "robot"'),
        ("platforms/douyin.toml", "captured_at", "captured"),
        ("platforms/kuaishou.toml", 'names = ["快手"]', 'names = ["抖音"]'),
        ("platforms/douyin.toml", 'id = "douyin"', 'id = "tiktok"'),
        ("platforms/douyin.toml", "since = 2026-06-01", "since = 2026-06-31"),
        ("platforms/weibo.toml", 'code = "fiction"', 'code = "ai"'),
        ("notices/plate.toml", "bottom = 672", "bottom = 1672"),
        ("notices/plate.toml", "right = 192", "right = -192"),
        ("notices/plate.toml", 'certainty = "I"', 'certainty = "sure"'),
        ("vocabulary/declarations.toml", '"SV2026-6"', '"SV2026-99"'),
        ("vocabulary/declarations.toml", '"ai-generated"]', '"ai-made"]'),
        ("vocabulary/declarations.toml", 'code = "opinion"', 'code = "ai"'),
        ("vocabulary/conduct.toml", '"SM2023-09"', '"SM2023-99"'),
        ("vocabulary/conduct.toml", "shortest = 2", "shortest = 4"),
        ("vocabulary/conduct.toml", '"blacklist", "report"', '"blacklist", "pardon"'),
        ("vocabulary/conduct.toml", "months = 3", "months = 0"),
    ],
)
def test_broken_data_is_refused_by_file_and_line(edition, name, old, new):
    with pytest.raises(CatalogError) as caught:
        Catalog.from_directory(edition(name, old, new))
    assert caught.value.exit_code == 5
    assert str(caught.value.details["path"]).endswith(name)
    assert int(caught.value.details["line"]) >= 1


def test_a_word_that_is_none_of_the_options_is_named_by_its_line(edition):
    folder = edition("platforms/douyin.toml", 'code = "ai"', 'code = "robot"')
    lines = (folder / "platforms" / "douyin.toml").read_text(encoding="utf-8").splitlines()
    with pytest.raises(CatalogError) as caught:
        Catalog.from_directory(folder)
    assert caught.value.details["line"] == lines.index('code = "robot"') + 1


@pytest.mark.parametrize("name", ["vocabulary/declarations.toml", "vocabulary/conduct.toml"])
def test_an_edition_holds_both_vocabularies(edition, name):
    folder = edition("EDITION", "2026", "2026")
    (folder / name).unlink()
    with pytest.raises(CatalogError) as caught:
        Catalog.from_directory(folder)
    assert caught.value.code == "data-file-missing"


def test_a_platform_is_added_with_one_file(edition):
    folder = edition("EDITION", "2026", "2026")
    text = (folder / "platforms" / "jd.toml").read_text(encoding="utf-8")
    added = text.replace('id = "jd"', 'id = "new-platform"').replace('["京东"]', '["新平台"]')
    (folder / "platforms" / "new-platform.toml").write_text(added, encoding="utf-8")
    assert "new-platform" in Catalog.from_directory(folder).platforms


def test_a_platform_may_state_what_its_own_controls_cover(edition):
    mine = """[safe_area]
width = 1080
height = 1920
top = 200
right = 140
bottom = 400
left = 0
certainty = "P"
source = "measured on a telephone"

[title]"""
    catalog = Catalog.from_directory(edition("platforms/douyin.toml", "[title]", mine))
    assert catalog.platform("douyin").safe_area.bottom == 400
    assert catalog.platform("kuaishou").safe_area is None
    assert catalog.styles["plate"].safe_area.bottom == 672


@pytest.mark.parametrize("name", ["douyin", "抖音", " DouYin "])
def test_a_platform_goes_by_any_of_its_names(name):
    assert Catalog.packaged().platform(name).id == "douyin"


def test_an_unknown_platform_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="douyin") as caught:
        Catalog.packaged().platform("myspace")
    assert caught.value.code == "platform-unknown"
