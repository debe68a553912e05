"""A text that is labelled says so itself, and the gate reads it there; one that does not is refused."""

import pytest

from provenance.sdk import Provenance

TEXTS = {
    "a.md": "---\ntitle: 标题\n---\n\n# 标题\n\n正文。\n",
    "a.html": '<!doctype html><html><head><meta charset="gbk"><title>题</title></head><body><p>正文。</p></body></html>',
    "a.txt": "\ufeff第一段。\r\n\r\n第二段。\r\n",
}
RULE = "generated-document-undeclared"


@pytest.fixture(params=TEXTS)
def post(request, tmp_path, write_post, post_data):
    """Return a function that writes a post whose one asset is a text made with AI, and that declares nothing."""

    def write(**asset):
        del post_data["declaration"]
        label = {"kind": "ai-generated", "grade": "confirmed"}
        text = {"id": "1", "path": request.param, "origin": "ai-generated", "labels": [label], **asset}
        path = write_post({**post_data, "kind": "article", "assets": [text]})
        codec = "gb18030" if request.param == "a.html" else "utf-8"
        (path.parent / request.param).write_bytes(TEXTS[request.param].encode(codec))
        return path

    return write


@pytest.fixture
def unsigned():
    return Provenance(signer=None)


def judged(sdk, item):
    report = sdk.check(item)
    statuses = [each.status for each in report.notices if each.kind == "ai-generated"]
    return [each.severity for each in report.findings if each.rule == RULE], statuses


def test_a_labelled_text_says_so_and_passes(unsigned, post, tmp_path):
    done = unsigned.attach(post(), into=tmp_path / "out")
    (asset,) = done.assets
    (notice,) = asset.notices
    assert (notice.text, notice.box, notice.seconds, asset.media_change) == ("AI生成", None, None, "blocks")
    assert judged(unsigned, done) == ([], ["present"])
    (file,) = unsigned.verify(asset.path).files
    assert [(each.text, each.found) for each in file.notices] == [("AI生成", True)]


def test_attaching_twice_equals_once(unsigned, post, tmp_path):
    once = unsigned.attach(post(), into=tmp_path / "once")
    twice = unsigned.attach(once.folder, into=tmp_path / "twice")
    assert twice.assets[0].media_change == "none"
    assert twice.assets[0].sha256 == once.assets[0].sha256


def test_a_text_that_does_not_say_so_is_refused(unsigned, post, tmp_path):
    assert judged(unsigned, unsigned.attach(post(draw=[]), into=tmp_path / "out")) == (["blocking"], ["missing"])


def test_a_notice_that_was_taken_out_again_is_missing(unsigned, post, tmp_path):
    done = unsigned.attach(post(), into=tmp_path / "out")
    path = done.assets[0].path
    codec = "gb18030" if path.suffix == ".html" else "utf-8"
    record, mark, text = path.read_bytes().decode(codec).rpartition("AI生成")
    assert mark
    path.write_bytes((record + text).encode(codec))
    assert judged(unsigned, done) == (["blocking"], ["missing"])
