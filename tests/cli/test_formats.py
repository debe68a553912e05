"""`provenance formats`: what is done to each container, as its handler declares it."""

import pytest

from provenance.formats.registry import handlers
from provenance.metadata.aigc import FORM_OF_SLOT

VIDEO_CONTAINERS = {"mp4", "mov", "3gp", "mkv", "webm"}  # see `notices.video`
by_handler = pytest.mark.parametrize("handler", handlers(), ids=lambda handler: handler.name)


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_every_container_is_listed(run, lang):
    result = run("formats", "--lang", lang)
    assert result.code == 0
    for handler in handlers():
        assert f"{handler.name.upper()} ({' '.join(handler.extensions)})" in result.out
    assert len(result.out.splitlines()) == 7 * len(handlers())


def test_the_same_is_there_as_data(run):
    told = run("formats", "--json").json
    assert told["schema"] == "provenance/formats/1"
    assert [each["format"] for each in told["formats"]] == [handler.name for handler in handlers()]
    jpeg = told["formats"][0]
    assert jpeg == {
        "format": "jpeg",
        "media": "image",
        "mime": "image/jpeg",
        "extensions": [".jpg", ".jpeg", ".jpe"],
        "reads": ["exif", "xmp", "iptc", "manifest"],
        "writes": ["exif", "xmp", "manifest"],
        "places": {"exif": "APP1", "xmp": "APP1", "iptc": "APP13", "manifest": "APP11"},
        "fields": {},
        "aigc": {"slot": "xmp", "form": "bare", "also_read": ["exif-user-comment", "exif-image-description"]},
        "manifest": "embedded",
        "notice": True,
    }


@by_handler
def test_an_element_has_a_slot_where_there_is_a_carrier_for_it(handler):
    places = handler.places
    if places.aigc:
        assert places.aigc[0] in FORM_OF_SLOT
        assert places.xmp is not None or places.aigc[0] != "xmp"
    assert places.exif is not None or not any(slot.startswith("exif") for slot in places.aigc)


@by_handler
def test_a_notice_is_declared_exactly_where_one_can_be_drawn(handler, media):
    """The declaration beside the handler and the code that draws are two: hold them equal."""
    from provenance import notices

    if handler.media == "video":
        assert handler.draws_notices == (handler.name in VIDEO_CONTAINERS)
    elif handler.media == "image":
        assert handler.draws_notices == notices.drawable(media / "plain.jpg", handler.name)
