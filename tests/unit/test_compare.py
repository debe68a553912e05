"""What counts as lost, altered and added, carrier by carrier."""

import pytest

from provenance import compare as comparing
from provenance.model.observation import AigcElement, AigcReading, Evidence, Manifest, Observation

CODE = "001191510100MA0EXAMP0D10001"
TEXTS = {
    "Label": "1",
    "ContentProducer": CODE,
    "ProduceID": "img-1",
    "ReservedCode1": "",
    "ContentPropagator": CODE,
    "PropagateID": "img-1",
    "ReservedCode2": "",
}


def said(*evidence, **fields):
    found = [
        Evidence(kind=kind, carrier=carrier, location=location, value=value)
        for kind, carrier, location, value in evidence
    ]
    return Observation(path="file", evidence=tuple(found), **fields)


def labels(before, after):
    changes = comparing._label_changes(said(*before), said(*after))
    return [(each.kind, each.carrier, each.change, each.before, each.after) for each in changes]


def capture(carrier="xmp", location="photoshop:DateCreated", **value):
    return ("capture", carrier, location, value)


def source(**value):
    return ("source", "xmp", "pvl:Labels", value)


TIME = "2026-05-01T08:30:00"


def test_what_stayed_is_no_change():
    assert labels([capture(time=TIME)], [capture(time=TIME)]) == []
    assert labels([], []) == []


def test_a_time_that_agrees_at_its_precision_stayed():
    assert labels([capture(time=TIME + "+08:00")], [capture(time="2026-05-01T00:30:00Z")]) == []


def test_a_label_that_moved_is_lost_in_one_carrier_and_added_in_the_other():
    assert labels([capture("exif", time=TIME)], [capture("xmp", time=TIME)]) == [
        ("capture", "exif", "lost", {"time": TIME}, None),
        ("capture", "xmp", "added", None, {"time": TIME}),
    ]


def test_a_place_in_the_same_carrier_is_no_matter():
    before = [capture(location="photoshop:DateCreated", time=TIME)]
    assert labels(before, [capture(location="pvl:Labels", time=TIME)]) == []


def test_another_value_is_altered():
    assert labels([capture(time=TIME)], [capture(time="2020")]) == [
        ("capture", "xmp", "altered", {"time": TIME}, {"time": "2020"})
    ]


def test_a_field_that_went_is_altered_and_one_that_came_is_added():
    both = {"time": TIME, "place": {"name": "成都"}}
    assert labels([capture(**both)], [capture(time=TIME)]) == [("capture", "xmp", "altered", both, {"time": TIME})]
    assert labels([capture(time=TIME)], [capture(**both)]) == [("capture", "xmp", "added", {"time": TIME}, both)]


def test_one_of_several_sources_lost_is_lost_and_not_altered():
    one, other = {"publisher": "新华社"}, {"publisher": "人民日报"}
    assert labels([source(**one), source(**other)], [source(**other)]) == [("source", "xmp", "lost", one, None)]
    assert labels([source(**one)], [source(**one), source(**other)]) == [("source", "xmp", "added", None, other)]


def test_the_nearest_source_is_the_one_that_was_altered():
    one = {"publisher": "新华社", "title": "甲", "author": "张三"}
    near, far = {"publisher": "新华社", "title": "甲", "author": "李四"}, {"publisher": "新华社", "title": "乙"}
    assert labels([source(**one)], [source(**far), source(**near)]) == [
        ("source", "xmp", "altered", one, near),
        ("source", "xmp", "added", None, far),
    ]


def test_another_propagator_survives_and_one_that_went_does_not():
    def passed_on(**value):
        return ("ai-generated", "xmp", "pvl:Labels", {"grade": "confirmed", **value})

    first, second = {"propagator": "a", "propagate_id": "1"}, {"propagator": "b", "propagate_id": "2"}
    assert [change for _, _, change, _, _ in labels([passed_on(**first)], [passed_on(**second)])] == ["added"]
    assert [change for _, _, change, _, _ in labels([passed_on(**first)], [passed_on()])] == ["altered"]


# --- the AIGC element ------------------------------------------------------------------------------------------------


def element(slot="xmp", form="bare", problems=(), **texts):
    return AigcElement(slot=slot, form=form, problems=problems, value={**TEXTS, **texts})


UNREADABLE = AigcElement(slot="xmp", form="unreadable", problems=("aigc-not-json",))


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ([], [], []),
        ([element()], [element()], []),
        ([element()], [element(slot="png-text", form="wrapped")], []),
        ([element()], [], ["lost"]),
        ([element()], [element(ProduceID="img-2")], ["altered"]),
        ([element()], [element(Label="2")], ["altered"]),
        ([element()], [element(ReservedCode1="x")], ["altered"]),
        ([element()], [element(slot="png-text", problems=("aigc-bare-in-slot",))], ["altered"]),
        ([element(problems=("aigc-key-case",))], [element()], []),
        ([element()], [element(ContentPropagator="b", PropagateID="2", ReservedCode2="s")], ["added"]),
        ([element()], [UNREADABLE], ["altered"]),
        ([UNREADABLE], [UNREADABLE], []),
        ([], [element()], ["added"]),
        ([element()], [element(), element(slot="png-text")], ["altered"]),
        ([element()], [element(), element(ProduceID="img-2")], ["altered"]),
        ([element(), element(slot="png-text")], [element()], []),
        ([element(), element(ProduceID="img-2")], [element()], ["lost"]),
        ([], [element(), element()], ["added", "added"]),
    ],
)
def test_the_element(before, after, changes):
    first, second = (said(aigc=AigcReading(count=len(each), elements=each)) for each in (before, after))
    found = list(comparing._aigc_changes(first, second))
    assert [each.change for each in found] == changes
    assert {each.what for each in found} <= {"aigc"}


def test_a_repeated_element_is_told_by_counts():
    first = said(aigc=AigcReading(count=1, elements=(element(),)))
    second = said(aigc=AigcReading(count=2, elements=(element(), element(slot="png-text"))))
    (change,) = comparing._aigc_changes(first, second)
    assert (change.before, change.after) == ({"count": 1}, {"count": 2})


# --- the manifest ----------------------------------------------------------------------------------------------------


def signed(state, active=None, parents=()):
    ingredients = tuple({"manifest": name, "state": parent} for name, parent in parents)
    return said(manifest=Manifest(state=state, ingredients=ingredients), active_manifest=active)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (signed("absent"), signed("absent"), None),
        (signed("absent"), signed("valid", "a"), "added"),
        (signed("valid", "a"), signed("absent"), "lost"),
        (signed("invalid", "a"), signed("absent"), "lost"),
        (signed("valid", "a"), signed("valid", "a"), None),
        (signed("valid", "a"), signed("invalid", "a"), "altered"),
        (signed("trusted", "a"), signed("expired", "a"), "altered"),
        (signed("invalid", "a"), signed("invalid", "a"), None),
        (signed("valid", "a"), signed("unreadable"), "altered"),
        (signed("unreadable"), signed("unreadable"), None),
        (signed("valid", "a"), signed("valid", "b"), "lost"),
        (signed("valid", "a"), signed("valid", "b", [("a", "valid")]), "added"),
        (signed("valid", "a"), signed("valid", "b", [("a", "invalid")]), "altered"),
        (signed("valid", "a"), signed("invalid", "b", [("a", "valid")]), "altered"),
        (signed("trusted", "a"), signed("trusted", "b", [("a", "valid")]), "added"),
        (signed("invalid", "a"), signed("valid", "b", [("a", "invalid")]), "added"),
        (signed("valid", "a"), signed("valid", "c", [("b", "valid"), ("a", "valid")]), "added"),
    ],
)
def test_the_manifest(before, after, change):
    found = list(comparing._manifest_changes(before, after))
    assert [each.change for each in found] == ([change] if change else [])
    assert all((each.what, each.kind, each.carrier) == ("manifest", None, "manifest") for each in found)
