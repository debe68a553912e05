"""The post file: what is accepted, and what is refused with a pointer to it."""

import json

import pytest

from provenance.errors import AssetNotFound, ConflictingLabels, InvalidPost
from provenance.model.post import MAX_POST_BYTES, Post


def changed(data, pointer, value):
    *path, last = [int(step) if step.isdigit() else step for step in pointer.strip("/").split("/")]
    here = data
    for step in path:
        here = here[step]
    if isinstance(here, list) and last == len(here):
        here.append(value)
    else:
        here[last] = value
    return data


def test_a_post_comes_out_as_it_went_in(post_data):
    assert Post.from_dict(post_data).as_json() == post_data


def test_the_least_a_post_can_be():
    post = Post.from_dict(
        {"schema": "provenance/post/1", "id": "p", "kind": "article", "account": {"id": "a", "name": "n"}}
    )
    assert (post.acting_as, post.facts.topics, post.assets) == ("author", None, ())


@pytest.mark.parametrize(
    ("pointer", "value", "code"),
    [
        ("/schema", "provenance/post/2", "value-not-allowed"),
        ("/kind", "tweet", "value-not-allowed"),
        ("/colour", "red", "key-unknown"),
        ("/account/nick", "x", "key-unknown"),
        ("/assets/0/labels/0/where", "x", "key-unknown"),
        ("/assets/0/location_privacy", "blur", "value-not-allowed"),
        ("/title", 7, "value-type"),
        ("/account/anonymous", "no", "value-type"),
        ("/facts/topics", "social-event", "value-type"),
        ("/facts/topics/0", "weather", "value-not-allowed"),
        ("/assets/0", "camera.jpg", "value-type"),
        ("/assets/0/id", "a b", "value-pattern"),
        ("/assets/0/path", "../camera.jpg", "path-outside"),
        ("/assets/0/path", "/etc/passwd", "path-outside"),
        ("/assets/0/path", "a/../../b", "path-outside"),
        ("/assets/0/path", "", "path-outside"),
        ("/assets/0/path", "a\\..\\b", "path-outside"),
        ("/assets/0/path", "a\0b", "path-outside"),
        ("/assets/0/labels/0/time", "yesterday", "time-form"),
        ("/assets/0/labels/0/time", "2999-01-01", "time-in-future"),
        ("/assets/0/labels/0/place/name", "", "text-empty"),
        ("/assets/0/labels/0/place/name", "成都\u202e", "text-character"),
        ("/assets/0/labels/0/place/country_code", "china", "value-pattern"),
        ("/labels/0/publisher", "新\n华", "text-character"),
        ("/labels/0/publisher", "x" * 301, "text-too-long"),
        ("/labels/0/url", "ftp://example.com/", "url-not-absolute"),
        ("/labels/0/url", "javascript:alert(1)", "url-not-absolute"),
        ("/labels/0/url", "https://exa mple.com/", "url-not-absolute"),
        ("/labels/0/url", "https://example.com:99999/", "url-not-absolute"),
        ("/body", "a\x00b", "text-character"),
        ("/account/mcn/uscc", "123", "value-pattern"),
        ("/labels/0/publisher", "half \ud800", "text-not-unicode"),
        ("/assets/1/notices", [{"kind": "fiction", "text": "x", "box": {"x": -1, "y": 0, "width": 1, "height": 1}}], "value-limit"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_pointer(post_data, pointer, value, code):
    with pytest.raises(InvalidPost) as caught:
        Post.from_dict(changed(post_data, pointer, value))
    assert caught.value.code == code
    assert str(caught.value.details["pointer"]).startswith(pointer)
    for locale in ("en", "zh-CN"):
        assert pointer in caught.value.diagnostics(locale)


@pytest.mark.parametrize("missing", ["/schema", "/id", "/kind", "/account", "/account/name", "/assets/0/path"])
def test_a_missing_key_is_named(post_data, missing):
    *path, last = [int(step) if step.isdigit() else step for step in missing.strip("/").split("/")]
    here = post_data
    for step in path:
        here = here[step]
    del here[last]
    with pytest.raises(InvalidPost) as caught:
        Post.from_dict(post_data)
    assert (caught.value.code, caught.value.details["pointer"]) == ("key-missing", missing)


@pytest.mark.parametrize("gone", ["latitude", "longitude", "datum"])
def test_coordinates_need_all_three_keys(post_data, gone):
    coordinates = {"latitude": 30.7, "longitude": 104.1, "datum": "gcj02"}
    del coordinates[gone]
    changed(post_data, "/assets/0/labels/0/place/coordinates", coordinates)
    with pytest.raises(InvalidPost) as caught:
        Post.from_dict(post_data)
    assert caught.value.details["pointer"] == f"/assets/0/labels/0/place/coordinates/{gone}"


def test_every_problem_is_reported_at_once(post_data):
    changed(post_data, "/kind", "tweet")
    changed(post_data, "/account/anonymous", 3)
    with pytest.raises(InvalidPost) as caught:
        Post.from_dict(post_data)
    lines = caught.value.diagnostics("zh-CN").splitlines()
    assert [line.split(":")[0] for line in lines] == ["/kind", "/account/anonymous"]


@pytest.mark.parametrize(
    ("pointer", "value", "code"),
    [
        ("/labels/1", {"kind": "fiction", "form": "staged"}, None),
        ("/labels/1", {"kind": "source", "publisher": "人民日报"}, None),
        ("/labels/1", {"kind": "mcn", "name": "别的公司"}, "mcn-differs"),
        ("/assets/0/labels/1", {"kind": "mcn", "name": "别的公司"}, "mcn-differs"),
        ("/assets/0/labels/1", {"kind": "capture", "time": "2026"}, "label-repeated"),
        ("/account/mcn_managed", False, "mcn-not-managed"),
    ],
)
def test_labels_that_contradict_each_other_are_refused(post_data, pointer, value, code):
    changed(post_data, pointer, value)
    if code is None:
        Post.from_dict(post_data)
        return
    with pytest.raises(ConflictingLabels) as caught:
        Post.from_dict(post_data)
    assert caught.value.code == code
    assert str(caught.value.details["pointer"]).startswith(pointer)


def test_a_second_fiction_label_on_one_level_is_refused(post_data):
    post_data["labels"] += [{"kind": "fiction", "form": "staged"}, {"kind": "fiction", "form": "fictional"}]
    with pytest.raises(ConflictingLabels):
        Post.from_dict(post_data)


def test_capture_belongs_to_an_asset(post_data):
    changed(post_data, "/labels/1", {"kind": "capture", "time": "2026"})
    with pytest.raises(InvalidPost) as caught:
        Post.from_dict(post_data)
    assert caught.value.details["pointer"] == "/labels/1"


def test_asset_ids_are_unique_without_case(post_data):
    changed(post_data, "/assets/0/id", "A")
    changed(post_data, "/assets/1/id", "a")
    with pytest.raises(InvalidPost) as caught:
        Post.from_dict(post_data)
    assert caught.value.details["pointer"] == "/assets/1/id"


def test_a_kind_without_a_class_is_kept_for_the_edition_to_judge(post_data):
    changed(post_data, "/labels/1", {"kind": "weather", "sunny": True})
    label = Post.from_dict(post_data).labels[1]
    assert (label.kind, label.as_json()) == ("weather", {"kind": "weather", "sunny": True})


def test_an_assets_own_label_replaces_the_posts_label_of_that_kind(post_data):
    changed(post_data, "/assets/0/labels/1", {"kind": "source", "publisher": "本台"})
    post = Post.from_dict(post_data)
    own = [(each.on, each.label.publisher) for each in post.labels_on_asset(0) if each.kind == "source"]
    other = [(each.on, each.label.publisher) for each in post.labels_on_asset(1) if each.kind == "source"]
    assert (own, other) == ([("asset", "本台")], [("post", "新华社")])


def test_the_accounts_mcn_is_a_label_on_every_asset_and_completes_a_label_of_its_own(post_data):
    post = Post.from_dict(post_data)
    assert [each.pointer for each in post.labels_on_asset(0) if each.kind == "mcn"] == ["/account/mcn"]
    changed(post_data, "/labels/1", {"kind": "mcn", "name": post_data["account"]["mcn"]["name"]})
    (label,) = [each for each in Post.from_dict(post_data).labels_on_post() if each.kind == "mcn"]
    assert (label.pointer, label.value()["as_of"]) == ("/labels/1", "2026-05-01")


@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2]", '{"a": NaN}', '{"id": "1", "id": "2"}', "[" * 100_000, b"\xff\xfe\x00", "null"]
)
def test_what_is_no_post_is_an_invalid_post(text):
    with pytest.raises(InvalidPost) as caught:
        Post.from_json(text)
    assert caught.value.exit_code == 2
    assert caught.value.diagnostics("zh-CN")


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "post.json"
    path.write_text(json.dumps("x" * MAX_POST_BYTES))
    with pytest.raises(InvalidPost) as caught:
        Post.from_file(path)
    assert caught.value.code == "post-too-large"


def test_a_missing_post_file_is_an_asset_not_found(tmp_path):
    with pytest.raises(AssetNotFound):
        Post.from_file(tmp_path / "none.json")


def test_a_link_out_of_the_posts_folder_is_refused(write_post, post_data, media, tmp_path):
    path = write_post(post_data)
    (path.parent / "camera.jpg").unlink()
    (tmp_path / "secret.jpg").write_bytes((media / "camera.jpg").read_bytes())
    (path.parent / "camera.jpg").symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(InvalidPost) as caught:
        Post.from_file(path).asset_path(0)
    assert caught.value.details["pointer"] == "/assets/0/path"


CONTRACT = {
    "schema": "provenance/post/1",
    "id": "p-1",
    "kind": "short-video",
    "account": {
        "id": "a-1",
        "name": "成都观察员",
        "matrix": [{"id": "a-2", "name": "成都速报"}],
        "domains": ["finance", "education", "health", "judicial", "economy"],
        "qualifications": [{"name": "执业资格", "domain": "finance", "status": "verified", "expires": "2028-02-29"}],
    },
    "facts": {
        "topics": [
            *("current-affairs-domestic", "current-affairs-foreign", "public-policy", "social-event", "emergency"),
            *("livelihood", "other"),
        ],
        "contains": [
            *("fictional", "dramatised", "staged", "past-event", "marketing", "opinion", "disputed", "rumor"),
            *("minors-risk", "ai-text"),
        ],
        "reposted": True,
        "original": False,
    },
    "labels": [
        {"kind": "disputed", "by": "平台", "at": "2026-05-01", "reason": "说法不一", "url": "https://example.com/1"},
        {"kind": "disputed", "by": "读者", "at": "2026-05-02"},
        {
            "kind": "rumor",
            "by": "平台",
            "at": "2026-05-01T08:00+08:00",
            "claim": "某地停水",
            "debunk_url": "https://example.com/2",
            "authority": "市应急局",
        },
        {"kind": "marketing", "advertiser": "某公司"},
        {"kind": "opinion"},
        *({"kind": "minors-risk", "class": each} for each in ("imitation", "values", "image-misuse", "data-misuse")),
    ],
    "declaration": {"platform": "douyin", "option": "repost"},
}


def test_every_fact_and_every_label_of_the_contract_is_accepted_and_kept():
    assert Post.from_dict(CONTRACT).as_json() == CONTRACT


@pytest.mark.parametrize(
    ("pointer", "value", "code"),
    [
        ("/account/domains/0", "sports", "value-not-allowed"),
        ("/account/qualifications/0/status", "pending", "value-not-allowed"),
        ("/account/qualifications/0/expires", "2027-02-29", "day-unknown"),
        ("/account/qualifications/0/expires", "2027", "value-pattern"),
        ("/facts/contains/0", "gossip", "value-not-allowed"),
        ("/labels/0/at", "2999-01-01", "time-in-future"),
        ("/labels/0/url", "example.com", "url-not-absolute"),
        ("/labels/3/price", "1", "key-unknown"),
        ("/labels/5/class", "violence", "value-not-allowed"),
        ("/declaration/option", "advert", "value-not-allowed"),
        ("/retention", {"network_logs_months": -1}, "value-limit"),
        ("/retention", {"network_logs_months": "6"}, "value-type"),
    ],
)
def test_what_the_contract_does_not_know_is_refused_with_its_place(pointer, value, code):
    with pytest.raises(InvalidPost) as caught:
        Post.from_dict(changed(json.loads(json.dumps(CONTRACT)), pointer, value))
    assert caught.value.code == code
    assert caught.value.details["pointer"].startswith(pointer)


@pytest.mark.parametrize(
    ("kind", "needed"),
    [("disputed", "by"), ("disputed", "at"), ("rumor", "by"), ("rumor", "at"), ("minors-risk", "class")],
)
def test_a_label_that_lacks_what_it_needs_does_not_exist(kind, needed):
    whole = {"disputed": CONTRACT["labels"][0], "rumor": CONTRACT["labels"][2], "minors-risk": CONTRACT["labels"][5]}
    label = {key: value for key, value in whole[kind].items() if key != needed}
    with pytest.raises(InvalidPost) as caught:
        Post.from_dict({**CONTRACT, "labels": [label]})
    assert (caught.value.code, caught.value.details["pointer"]) == ("key-missing", f"/labels/0/{needed}")


@pytest.mark.parametrize("kind", ["marketing", "opinion"])
def test_a_second_label_of_a_kind_that_says_it_once_is_refused(kind):
    with pytest.raises(ConflictingLabels):
        Post.from_dict({**CONTRACT, "labels": [{"kind": kind}, {"kind": kind}]})
