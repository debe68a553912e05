"""Labels in other vocabularies: what the labels say, and nothing more."""

import json

import pytest

from provenance.catalog import Catalog
from provenance.errors import UsageError
from provenance.export import claim_reviews, iptc_fields
from provenance.model.post import Post

CATALOG = Catalog.packaged()
BASE = {
    "schema": "provenance/post/1",
    "id": "p-1",
    "kind": "article",
    "title": "某地将发生地震",
    "language": "zh-CN",
    "account": {"id": "a-1", "name": "成都观察员"},
}
RUMOR = {
    "kind": "rumor",
    "by": "平台辟谣小组",
    "at": "2026-05-01T08:00:00+08:00",
    "claim": "明日地震",
    "authority": "中国地震台网",
    "debunk_url": "https://example.com/d",
}
DISPUTED = {"kind": "disputed", "by": "读者张三", "at": "2026-05-02", "reason": "时间不符"}
PLACE = {
    "name": "四川省成都市",
    "city": "成都市",
    "country_code": "CN",
    "coordinates": {"latitude": 30.6571, "longitude": 104.0659, "datum": "wgs84"},
}


def post_with(*labels, **changes):
    return Post.from_dict(BASE | {"labels": list(labels)} | changes)


def asset_with(*labels, **changes):
    return post_with(assets=[{"id": "1", "path": "a.jpg", "labels": list(labels)} | changes])


def test_a_rumor_is_a_claim_review_by_the_authority_that_found_it():
    (review,) = claim_reviews(post_with(RUMOR), catalog=CATALOG, url="https://example.com/p")
    assert review == {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "claimReviewed": "明日地震",
        "datePublished": "2026-05-01T08:00:00+08:00",
        "author": {"name": "中国地震台网"},
        "publisher": {"name": "平台辟谣小组"},
        "url": "https://example.com/d",
        "inLanguage": "zh-CN",
        "itemReviewed": {
            "@type": "Claim",
            "appearance": {
                "@type": "CreativeWork",
                "headline": "某地将发生地震",
                "url": "https://example.com/p",
                "author": {"name": "成都观察员"},
            },
        },
        "reviewRating": {"@type": "Rating", "alternateName": CATALOG.kinds["rumor"].title["zh-CN"]},
    }


def test_a_dispute_is_of_the_title_and_gives_no_verdict():
    (review,) = claim_reviews(post_with(DISPUTED), catalog=CATALOG)
    assert (review["claimReviewed"], review["reviewBody"]) == ("某地将发生地震", "时间不符")
    assert review["reviewRating"].keys() == {"@type", "alternateName"}
    assert "url" not in review
    assert "publisher" not in review


def test_every_label_on_either_level_is_exported_and_others_are_not():
    post = post_with(RUMOR, DISPUTED, {"kind": "opinion"}, assets=[{"id": "1", "path": "a.jpg", "labels": [DISPUTED]}])
    assert [each["datePublished"] for each in claim_reviews(post, catalog=CATALOG)] == [
        "2026-05-01T08:00:00+08:00",
        "2026-05-02",
        "2026-05-02",
    ]


def test_the_rating_is_in_the_language_asked_for():
    (english,) = claim_reviews(post_with(RUMOR), catalog=CATALOG, locale="en")
    assert english["reviewRating"]["alternateName"].isascii()


def test_a_claim_that_nobody_names_is_asked_for():
    post = Post.from_dict({key: value for key, value in BASE.items() if key != "title"} | {"labels": [DISPUTED]})
    with pytest.raises(UsageError) as caught:
        claim_reviews(post, catalog=CATALOG)
    assert (caught.value.code, caught.value.details["pointer"]) == ("claim-not-named", "/labels/0")


def test_an_assets_own_labels_are_iptc_fields():
    post = asset_with(
        {"kind": "capture", "time": "2026-05-01T08:30", "place": PLACE},
        {"kind": "source", "publisher": "新华社", "author": "李明", "copyright_owner": "新华社"},
        origin="self-shot",
    )
    fields = iptc_fields(post, 0, catalog=CATALOG)
    assert fields["photoshop:DateCreated"] == "2026-05-01T08:30"
    assert (fields["photoshop:Source"], fields["photoshop:Credit"]) == ("新华社", "新华社")
    assert fields["dc:creator"] == ["李明"]
    assert fields["plus:CopyrightOwner"] == [{"plus:CopyrightOwnerName": "新华社"}]
    assert fields["Iptc4xmpExt:DigitalSourceType"].endswith("/digitalCapture")
    (location,) = fields["Iptc4xmpExt:LocationCreated"]
    assert location["Iptc4xmpExt:LocationName"] == {"x-default": "四川省成都市"}
    assert location["Iptc4xmpExt:City"] == "成都市"
    json.dumps(fields)


def test_what_ai_made_names_its_tool_and_its_source_type():
    fields = iptc_fields(
        asset_with({"kind": "ai-generated", "grade": "confirmed", "tool": "示例绘图"}), 0, catalog=CATALOG
    )
    assert fields == {
        "Iptc4xmpExt:AISystemUsed": "示例绘图",
        "Iptc4xmpExt:DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    }


@pytest.mark.parametrize("grade", ["possible", "suspected"])
def test_of_what_ai_may_have_made_no_source_type_is_stated(grade):
    assert iptc_fields(asset_with({"kind": "ai-generated", "grade": grade}), 0, catalog=CATALOG) == {}


@pytest.mark.parametrize(("privacy", "latitude"), [("keep", "30,39.426"), ("coarsen", "30,42"), ("remove", None)])
def test_a_position_is_exported_as_the_author_allows(privacy, latitude):
    fields = iptc_fields(asset_with({"kind": "capture", "place": PLACE}, location_privacy=privacy), 0, catalog=CATALOG)
    found = fields.get("exif:GPSLatitude")
    assert (found or "").startswith(latitude or "")
    assert (found is None) == (latitude is None)


def test_labels_of_the_post_do_not_become_fields_of_an_asset():
    post = post_with({"kind": "source", "publisher": "新华社"}, assets=[{"id": "1", "path": "a.jpg"}])
    assert iptc_fields(post, 0, catalog=CATALOG) == {}
