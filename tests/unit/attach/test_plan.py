"""What attach decides to write: equal is left, missing is written, different is a conflict."""

import pytest

from provenance.attach.plan import Wanted, plan
from provenance.errors import ConflictingLabels
from provenance.metadata import iptc, xmp
from provenance.model.post import Post
from provenance.observe import look


def wanted(*labels, on_post=(), **more):
    post = Post.from_dict(
        {
            "schema": "provenance/post/1",
            "id": "p",
            "kind": "article",
            "account": {"id": "a", "name": "n"},
            "labels": list(on_post),
            "assets": [{"id": "1", "path": "x", "labels": list(labels)}],
        }
    )
    return Wanted(labels=post.labels_on_asset(0), **more)


def planned(path, *labels, on_conflict="refuse", **more):
    return plan(look(path), wanted(*labels, **more), on_conflict=on_conflict)


def capture(time=None, **place):
    return {"kind": "capture", **({"time": time} if time else {}), **({"place": place} if place else {})}


def test_what_the_camera_says_is_never_written_again(media):
    made = planned(media / "camera.jpg", capture("2026-05-01T08:30:00+08:00"))
    assert made.captured_at is None
    assert made.properties[iptc.DATE_CREATED] == "2026-05-01T08:30:00+08:00"


@pytest.mark.parametrize("time", ["2026-05-01", "2026-05", "2026-05-01T08:30", "2026-05-01T00:30:00Z"])
def test_a_shorter_time_and_another_offset_of_the_same_instant_agree(media, time):
    planned(media / "camera.jpg", capture(time))


@pytest.mark.parametrize("time", ["2026-05-02", "2025", "2026-05-01T08:30:00Z", "2026-05-01T08:31"])
def test_another_time_is_a_conflict_that_names_both(media, time):
    with pytest.raises(ConflictingLabels) as caught:
        planned(media / "camera.jpg", capture(time))
    details = caught.value.details
    assert (details["value"], details["other"], details["carrier"]) == (time, "2026-05-01T08:30:00+08:00", "exif")
    assert details["pointer"] == "/assets/0/labels/0/time"


def test_a_camera_without_zone_is_compared_by_wall_clock(media):
    planned(media / "camera-without-zone.jpg", capture("2026-05-01T08:30:00-03:00"))
    with pytest.raises(ConflictingLabels):
        planned(media / "camera-without-zone.jpg", capture("2026-05-01T00:30:00Z"))


def test_coordinates_agree_within_a_thousandth_of_a_degree_whatever_their_datum(media):
    """The fixture lies at 30.7333 N, 104.1333 E in WGS-84; GCJ-02 shows it some hundred metres away."""
    near = {"latitude": 30.7338, "longitude": 104.1329, "datum": "wgs84"}
    shifted = {"latitude": 30.7308, "longitude": 104.1358, "datum": "gcj02"}
    for place in (near, shifted):
        made = planned(media / "camera-with-gps.jpg", capture(name="成都", coordinates=place))
        assert made.coordinates is None
    with pytest.raises(ConflictingLabels):
        planned(media / "camera-with-gps.jpg", capture(name="成都", coordinates={**near, "latitude": 30.8}))


def test_a_place_name_is_never_compared_with_coordinates(media):
    assert planned(media / "camera-with-gps.jpg", capture(name="拉萨")).properties


def test_coordinates_in_another_datum_are_written_as_wgs84(media):
    place = {"latitude": 30.7308, "longitude": 104.1358, "datum": "gcj02"}
    latitude, longitude = planned(media / "plain.jpg", capture(name="成都", coordinates=place)).coordinates
    assert (latitude, longitude) == (pytest.approx(30.7333, abs=2e-3), pytest.approx(104.1333, abs=2e-3))
    assert (latitude, longitude) != (30.7308, 104.1358)


def test_a_position_goes_to_xmp_where_exif_cannot_be_written(media):
    place = {"latitude": 30.7333, "longitude": 104.1333, "datum": "wgs84"}
    made = planned(media / "damaged-exif.jpg", capture("2026-05-01T08:30:00", name="成都", coordinates=place))
    assert (made.captured_at, made.coordinates) == (None, None)
    assert made.properties[iptc.GPS_LATITUDE].endswith("N")


def test_post_labels_stay_out_of_standard_fields_and_out_of_conflicts(media):
    made = planned(media / "foreign-xmp.jpg", on_post=[{"kind": "source", "publisher": "AFP"}])
    assert made.properties == {}
    assert made.record.labels == ({"kind": "source", "on": "post", "publisher": "AFP"},)


def test_an_assets_source_is_compared_with_what_the_file_credits(media):
    with pytest.raises(ConflictingLabels) as caught:
        planned(media / "foreign-xmp.jpg", {"kind": "source", "publisher": "AFP"})
    assert (caught.value.details["carrier"], caught.value.details["other"]) == ("xmp", "Reuters")
    kept = planned(media / "foreign-xmp.jpg", {"kind": "source", "publisher": "AFP"}, on_conflict="keep")
    assert iptc.SOURCE not in kept.properties
    assert kept.record.labels[0]["publisher"] == "AFP"
    assert planned(media / "foreign-xmp.jpg", {"kind": "source", "publisher": "Ｒeuters "}).properties[iptc.CREDIT]


def test_one_of_several_creators_is_enough(sdk, media, tmp_path):
    from provenance.formats import registry
    from provenance.metadata import xmp

    path = tmp_path / "two-creators.jpg"
    packet = xmp.merge(None, {iptc.CREATOR: xmp.Seq(("Alice", "Bob"))})
    with path.open("wb") as file:
        registry.write(media / "plain.jpg", file, exif=None, xmp=packet)
    planned(path, {"kind": "source", "publisher": "x", "author": "Bob"})
    with pytest.raises(ConflictingLabels):
        planned(path, {"kind": "source", "publisher": "x", "author": "Carol"})


def test_a_digital_source_type_that_says_otherwise_is_a_conflict(media, tmp_path):
    from provenance.formats import registry
    from provenance.metadata import xmp

    path = tmp_path / "captured.jpg"
    base = "http://cv.iptc.org/newscodes/digitalsourcetype/"
    with path.open("wb") as file:
        packet = xmp.merge(None, {iptc.DIGITAL_SOURCE_TYPE: base + "digitalCapture"})
        registry.write(media / "plain.jpg", file, exif=None, xmp=packet)
    label = {"kind": "ai-generated", "grade": "confirmed"}
    with pytest.raises(ConflictingLabels) as caught:
        planned(path, label, source_type=base + "trainedAlgorithmicMedia")
    assert caught.value.details["field"] == "digital_source_type"


def test_a_second_form_of_fiction_is_a_conflict_and_keep_records_both(sdk, media, tmp_path):
    path = tmp_path / "staged.jpg"
    sdk.attach_media(media / "plain.jpg", {"labels": [{"kind": "fiction", "form": "staged"}]}, into=path)
    other = {"kind": "fiction", "form": "fictional"}
    with pytest.raises(ConflictingLabels):
        planned(path, other)
    forms = [each["form"] for each in planned(path, other, on_conflict="keep").record.labels]
    assert forms == ["staged", "fictional"]


def test_sources_stand_side_by_side_and_one_source_grows(sdk, media, tmp_path):
    path = tmp_path / "one.jpg"
    sdk.attach_media(media / "plain.jpg", {"labels": [{"kind": "source", "publisher": "新华社"}]}, into=path)
    grown = planned(path, {"kind": "source", "publisher": "新华社", "url": "https://example.com/"}).record.labels
    assert grown == ({"kind": "source", "on": "asset", "publisher": "新华社", "url": "https://example.com/"},)
    both = planned(path, on_post=[{"kind": "source", "publisher": "人民日报"}]).record.labels
    assert [each["publisher"] for each in both] == ["新华社", "人民日报"]


def test_the_text_of_the_original_is_never_written(media):
    made = planned(media / "plain.jpg", {"kind": "source", "publisher": "x", "text": "the whole article"})
    assert "whole article" not in made.record.text()


def test_a_damaged_record_is_replaced_with_a_remark(media, tmp_path, exiftool):
    from provenance.formats import registry
    from provenance.metadata import xmp

    path = tmp_path / "damaged.jpg"
    with path.open("wb") as file:
        registry.write(media / "plain.jpg", file, exif=None, xmp=xmp.merge(None, {iptc.RECORD: '{"version": 1'}))
    made = planned(path, {"kind": "source", "publisher": "x"})
    assert [code for code, _ in made.warnings] == ["record-damaged"]
    assert len(made.record.labels) == 1


def test_only_what_changes_is_planned_the_second_time(sdk, media, tmp_path):
    path = tmp_path / "once.jpg"
    labels = [capture("2026-05-01T08:30:00+08:00", name="成都"), {"kind": "source", "publisher": "x", "author": "y"}]
    sdk.attach_media(media / "camera.jpg", {"labels": labels}, into=path)
    made = planned(path, *labels)
    assert (made.properties, made.captured_at, made.coordinates, made.draw) == ({}, None, None, ())


def test_the_tool_is_named_as_iptc_does_and_read_back(sdk, media, tmp_path, exiftool):
    out = tmp_path / "out.png"
    label = {"kind": "ai-generated", "grade": "confirmed", "tool": "示例绘图"}
    sdk.attach_media(media / "poster.png", {"labels": [label]}, into=out)
    assert xmp.first(look(out).properties, iptc.AI_SYSTEM_USED) == "示例绘图"
    assert look(out).fields.ai_system == "示例绘图"
    with pytest.raises(ConflictingLabels):
        planned(out, {**label, "tool": "another"})


def test_an_owner_known_by_its_id_keeps_it(media, tmp_path):
    from provenance.formats import registry

    number = xmp.Name("http://ns.useplus.org/ldf/xmp/1.0/", "CopyrightOwnerID")
    path = tmp_path / "owner.jpg"
    with path.open("wb") as file:
        packet = xmp.merge(None, {iptc.COPYRIGHT_OWNER: xmp.Seq((xmp.Struct({number: "77"}),))})
        registry.write(media / "plain.jpg", file, exif=None, xmp=packet)
    made = planned(path, {"kind": "source", "publisher": "x", "copyright_owner": "O"})
    (owner,) = made.properties[iptc.COPYRIGHT_OWNER].items
    assert owner.fields == {number: "77", iptc.COPYRIGHT_OWNER_NAME: "O"}


def test_every_standard_field_comes_back_as_it_was_written():
    wanted_fields = iptc.StandardFields(
        captured_at="2026-05-01T08:30:00+08:00",
        place=iptc.Location(name="n", country_code="CHN", province="p", city="c", county="d"),
        coordinates=(30.5, 104.25),
        source="s",
        credit="r",
        creators=("a", "b"),
        copyright_owners=("o",),
        digital_source_type="http://example.com/t",
        ai_system="t",
    )
    assert iptc.from_xmp(xmp.read(xmp.merge(None, iptc.to_xmp(wanted_fields)))) == wanted_fields


def test_an_element_that_does_not_keep_the_standard_is_said(media, tmp_path):
    from provenance.formats import registry

    path = tmp_path / "partial.jpg"
    with path.open("wb") as file:
        registry.write(media / "plain.jpg", file, exif=None, xmp=xmp.merge(None, {iptc.AIGC: '{"Label":"1"}'}))
    label = {"kind": "ai-generated", "grade": "confirmed", "producer": "doubao", "produce_id": "5"}
    made = planned(path, label, on_conflict="keep")
    assert "aigc-not-completed" in [code for code, _ in made.warnings]
    assert iptc.AIGC not in made.properties


def test_a_second_source_of_one_post_is_said(sdk, media, tmp_path):
    path = tmp_path / "one.jpg"
    sdk.attach_media(media / "plain.jpg", {"labels": [{"kind": "source", "publisher": "新华社"}]}, into=path)
    made = planned(path, {"kind": "source", "publisher": "人民日报"}, on_conflict="keep")
    assert "label-beside-another" in [code for code, _ in made.warnings]


def test_a_broken_manifest_of_the_input_is_said(sdk, media, tmp_path):
    path = tmp_path / "signed.jpg"
    sdk.attach_media(media / "plain.jpg", {"labels": [{"kind": "source", "publisher": "x"}]}, into=path)
    content = bytearray(path.read_bytes())
    content[-500] ^= 1
    path.write_bytes(content)
    made = planned(path, {"kind": "source", "publisher": "x"})
    assert ("input-manifest-broken", {"state": "invalid"}) in made.warnings


def test_an_assets_own_label_takes_the_place_of_the_posts(sdk, media, tmp_path, write_post, post_data):
    post_data["labels"].append({"kind": "ai-generated", "grade": "confirmed"})
    done = sdk.attach(write_post(post_data), into=tmp_path / "out")
    found = sdk.verify(*(asset.path for asset in done.assets))
    assert [each.conflicts for each in found.files] == [(), ()]
    again = tmp_path / "again.jpg"
    sdk.attach_media(done.assets[0].path, {"labels": [{"kind": "source", "publisher": "本台"}]}, into=again)
    publishers = [each["publisher"] for each in look(again).record.labels if each["kind"] == "source"]
    assert publishers == ["本台"]


@pytest.mark.parametrize("option", ["Refuse", "", "win"])
def test_an_unknown_option_is_refused(sdk, media, tmp_path, option):
    from provenance.errors import UsageError

    with pytest.raises(UsageError):
        sdk.attach_media(media / "plain.jpg", {"labels": []}, into=tmp_path / "x.jpg", on_conflict=option)
    with pytest.raises(UsageError):
        sdk.verify(media / "plain.jpg", require=option)
