"""`provenance sources import`."""

import pytest


@pytest.fixture(autouse=True)
def data(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "provenance-labels" / "news-sources-cn.json"


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "名单.csv"
    path.write_text("稿源单位,网址\n人民网,www.people.com.cn\n", encoding="gbk")
    return path


def test_a_list_is_imported_and_where_it_lies_is_said(run, listed, data):
    done = run("sources", "import", listed)
    assert done.code == 0
    assert "1 units from 名单.csv (gb18030, column 稿源单位), 2 names" in done.out
    assert str(data) in done.out
    assert data.is_file()


def test_an_older_list_is_named(run, listed):
    run("sources", "import", listed)
    assert "takes the place of 名单.csv" in run("sources", "import", listed).out


def test_the_summary_is_json_where_asked_for(run, listed, data):
    done = run("sources", "import", listed, "--json")
    assert done.json["units"] == 1
    assert done.json["columns"] == {"name": "稿源单位", "website": "网址"}
    assert done.json["path"] == str(data)


@pytest.fixture
def reposted(write_post, post_data):
    post_data["facts"]["reposted"] = True
    post_data["labels"][0]["publisher"] = "成都速报"
    return write_post(post_data)


def test_reposted_news_are_checked_against_the_imported_list(run, listed, reposted, tmp_path):
    run("attach", reposted, "-o", tmp_path / "out")
    before = run("check", tmp_path / "out", "--json").json
    assert [each["rule"] for each in before["not_evaluated"]] == ["reposted-news-from-unlisted-source"]
    run("sources", "import", listed)
    after = run("check", tmp_path / "out", "--json").json
    assert after["not_evaluated"] == []
    assert "reposted-news-from-unlisted-source" in [each["rule"] for each in after["findings"]]


def test_so_are_those_checked_right_after_labelling(run, listed, reposted, tmp_path):
    run("sources", "import", listed)
    assert "reposted-news-from-unlisted-source" in run("attach", reposted, "-o", tmp_path / "out", "--check").out


def test_a_file_that_is_no_list_exits_2_and_keeps_the_older_one(run, listed, data, tmp_path):
    run("sources", "import", listed)
    before = data.read_bytes()
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = run("sources", "import", tmp_path / "bad.csv")
    assert done.code == 2
    assert "--column" in done.err
    assert data.read_bytes() == before


def test_a_damaged_older_list_does_not_stop_an_import(run, listed, data):
    data.parent.mkdir(parents=True)
    data.write_text("{", encoding="utf-8")
    assert run("sources", "import", listed).code == 0


def test_a_folder_that_cannot_be_written_exits_4(run, listed, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    assert run("sources", "import", listed).code == 4
