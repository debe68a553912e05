"""The element of GB 45438-2025, Annex E: strict to write, lenient to read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import InvalidPost
from provenance.metadata import aigc
from provenance.metadata.aigc import KEYS, Element

CODE = "001191510100MA0EXAMP0D10001"
OTHER = "001191110102MACQD9K64010000"
ELEMENT = aigc.from_label("confirmed", CODE, "img-20260501-77")
BARE = (
    '{"Label":"1","ContentProducer":"001191510100MA0EXAMP0D10001","ProduceID":"img-20260501-77","ReservedCode1":"",'
    '"ContentPropagator":"001191510100MA0EXAMP0D10001","PropagateID":"img-20260501-77","ReservedCode2":""}'
)
WRAPPED = f'{{"AIGC":{BARE}}}'


def codes(reading_or_problems):
    problems = getattr(reading_or_problems, "problems", reading_or_problems)
    return [problem.code for problem in problems]


def changed(**values):
    return json.dumps({**json.loads(BARE), **values}, ensure_ascii=False)


# --- writing ---------------------------------------------------------------------------------------------------------


def test_the_first_write_names_the_producer_as_propagator():
    assert aigc.encode(ELEMENT) == BARE


@pytest.mark.parametrize(("grade", "label"), [("confirmed", "1"), ("possible", "2"), ("suspected", "3")])
def test_the_grade_is_the_label(grade, label):
    assert aigc.from_label(grade, CODE, "1").label == label


def test_a_named_propagator_is_written():
    element = aigc.from_label("confirmed", CODE, "1", propagator=OTHER, propagate_id="p-1")
    assert (element.content_propagator, element.propagate_id) == (OTHER, "p-1")
    assert aigc.from_label("confirmed", CODE, "1", propagator=OTHER).propagate_id == "1"


def test_an_existing_element_is_kept_unless_a_propagator_is_named():
    theirs = Element("2", OTHER, "theirs", "sig", OTHER, "theirs", "x")
    assert aigc.from_label("confirmed", CODE, "ours", existing=theirs) is theirs
    changed = aigc.from_label("confirmed", CODE, "ours", propagator=CODE, propagate_id="p-2", existing=theirs)
    assert changed == Element("2", OTHER, "theirs", "sig", CODE, "p-2", "x")


def test_a_new_propagator_of_an_existing_element_needs_its_own_id():
    with pytest.raises(InvalidPost) as caught:
        aigc.from_label("confirmed", CODE, "1", propagator=OTHER, existing=ELEMENT)
    assert caught.value.code == "aigc-propagate-id-missing"
    assert OTHER in caught.value.diagnostics("zh-CN")
    assert aigc.from_label("confirmed", CODE, "1", propagator=CODE, existing=ELEMENT) == ELEMENT


@pytest.mark.parametrize("character", [" ", '"', "\\", "豆", "\n", "\x7f", "é", "～", "\0"])
@pytest.mark.parametrize(
    ("field", "key", "name"),
    [
        ("content_producer", "ContentProducer", "producer"),
        ("produce_id", "ProduceID", "produce_id"),
        ("content_propagator", "ContentPropagator", "propagator"),
        ("propagate_id", "PropagateID", "propagate_id"),
    ],
)
def test_a_character_outside_the_standard_is_refused_by_name(field, key, name, character):
    values = {
        "label": "1",
        "content_producer": CODE,
        "produce_id": "1",
        "content_propagator": CODE,
        "propagate_id": "1",
    }
    with pytest.raises(InvalidPost) as caught:
        aigc.encode(Element(**{**values, field: f"a{character}b"}), pointer="/assets/1/labels/0")
    assert caught.value.code == "aigc-character"
    for locale in ("en", "zh-CN"):
        text = caught.value.diagnostics(locale)
        assert text.startswith("/assets/1/labels/0")
        assert key in text
        assert name in text
        assert "27" in text
        shown = character if character.isprintable() and character != " " else f"U+{ord(character):04X}"
        assert shown in text


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1, max_size=20)
)
def test_every_character_of_the_standard_is_written_and_read(text):
    element = aigc.from_label("confirmed", f"x{text}", text)
    reading = aigc.decode(aigc.encode(element))
    assert reading.element == element
    assert reading.conformant


def test_a_name_as_producer_is_accepted_with_a_warning():
    element = aigc.from_label("confirmed", "doubao", "1")
    assert codes(aigc.check(element)) == ["aigc-producer-is-a-name"] * 2
    assert {problem.severity for problem in aigc.check(element)} == {"warning"}
    assert aigc.decode(aigc.encode(element)).conformant


@pytest.mark.parametrize(
    ("code", "defect"),
    [
        ("001191510100MA0EXAMP0E10001", "aigc-code-check-character"),
        ("001211010519491231002X00000", "aigc-code-binding"),
        ("991191510100MA0EXAMP0D10001", "aigc-code-format"),
    ],
)
def test_a_mistaken_provider_code_is_refused(code, defect):
    with pytest.raises(InvalidPost) as caught:
        aigc.encode(aigc.from_label("confirmed", code, "1"))
    assert caught.value.code == defect
    assert code in str(caught.value)


@pytest.mark.parametrize("field", ["label", "content_producer", "produce_id", "content_propagator", "propagate_id"])
def test_an_empty_value_is_refused(field):
    values = {
        "label": "1",
        "content_producer": CODE,
        "produce_id": "1",
        "content_propagator": CODE,
        "propagate_id": "1",
    }
    with pytest.raises(InvalidPost) as caught:
        aigc.encode(Element(**{**values, field: ""}))
    assert caught.value.code == "aigc-value-empty"


def test_a_reserved_code_may_hold_a_signature_with_quotes():
    signed = Element("1", CODE, "1", '{"SecurityData":{"Type":"TC260PG"}}', CODE, "1")
    reading = aigc.decode(aigc.encode(signed))
    assert reading.element == signed
    assert reading.conformant


# --- reading ---------------------------------------------------------------------------------------------------------


def test_our_own_element_is_conformant():
    reading = aigc.decode(BARE)
    assert (reading.element, reading.form, reading.problems) == (ELEMENT, "bare", ())
    assert reading.conformant
    assert reading.element.as_json() == json.loads(BARE)


@pytest.mark.parametrize(
    ("text", "slot", "form", "problems"),
    [
        (BARE, "xmp", "bare", []),
        (WRAPPED, "xmp", "wrapped", ["aigc-wrapped-in-slot"]),
        (WRAPPED, "png-text", "wrapped", []),
        (WRAPPED, "exif-user-comment", "wrapped", []),
        (BARE, "png-text", "bare", ["aigc-bare-in-slot"]),
        (BARE, "exif-user-comment", "bare", ["aigc-bare-in-slot"]),
    ],
)
def test_the_form_is_judged_by_the_slot(text, slot, form, problems):
    reading = aigc.decode(text, slot)
    assert (reading.element, reading.form, codes(reading)) == (ELEMENT, form, problems)
    assert reading.conformant == (not problems)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (BARE.replace('"', "&quot;"), ["aigc-quotes-escaped"]),
        (BARE.replace('"', "&#34;"), ["aigc-quotes-escaped"]),
        (BARE.replace("Label", "label").replace("ProduceID", "produceid"), ["aigc-key-case"]),
        (BARE.replace('"1"', "1"), ["aigc-value-not-text"]),
        (BARE[:-1] + ',"Label":"2"}', ["aigc-key-repeated"]),
        (BARE[:-1] + ',"label":"2"}', ["aigc-key-repeated"]),
        (BARE[:-1] + ',"Extra":"2","More":[]}', ["aigc-key-unknown"]),
        (json.dumps({"AIGC": BARE}), ["aigc-wrapped-in-slot"]),
        (f'{{"aigc":{BARE}}}', ["aigc-key-case", "aigc-wrapped-in-slot"]),
        (f'{{"AIGC":{BARE},"x":1}}', ["aigc-key-unknown", "aigc-wrapped-in-slot"]),
        (BARE.replace('"ReservedCode1":"",', ""), ["aigc-key-missing"]),
        (BARE.replace('"ReservedCode1":""', '"ReservedCode1":null'), ["aigc-value-not-text"]),
    ],
)
def test_a_departure_is_named_and_the_element_read_on(text, problems):
    reading = aigc.decode(text)
    assert reading.element == ELEMENT
    assert codes(reading) == problems
    assert not reading.conformant


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (changed(Label="4"), "aigc-label-unknown"),
        (changed(Label="AIGC"), "aigc-label-unknown"),
        (changed(Label=""), "aigc-value-empty"),
        (changed(PropagateID=""), "aigc-value-empty"),
        (changed(ContentProducer="豆包"), "aigc-character"),
        (changed(ProduceID="a b"), "aigc-character"),
        (changed(ReservedCode1="a\\b"), "aigc-character"),
    ],
)
def test_a_value_outside_the_standard_is_not_conformant(text, problem):
    reading = aigc.decode(text)
    assert codes(reading) == [problem]
    assert reading.element is not None
    assert not reading.conformant


def test_a_mistaken_code_in_a_file_is_only_a_warning():
    reading = aigc.decode(changed(ContentProducer=CODE[:-6] + "E" + CODE[-5:]))
    assert codes(reading) == ["aigc-code-check-character"]
    assert reading.conformant


@pytest.mark.parametrize(
    ("text", "form", "problem"),
    [
        ('{"ServiceProvider":"a","ServiceUser":"b","Time":"2024","ContentId":"c"}', "legacy", "aigc-legacy-schema"),
        ("", "unreadable", "aigc-not-json"),
        ("Label=1", "unreadable", "aigc-not-json"),
        ("[1]", "unreadable", "aigc-not-json"),
        ('"1"', "unreadable", "aigc-not-json"),
        ('{"AIGC":[]}', "unreadable", "aigc-not-json"),
        ('{"AIGC":"x"}', "unreadable", "aigc-not-json"),
        (BARE[:-1], "unreadable", "aigc-not-json"),
        ("[" * 100_000, "unreadable", "aigc-not-json"),
        ('{"AIGC":' * 30_000, "unreadable", "aigc-not-json"),
        (f'{{"Label":{"9" * 5_000}}}', "unreadable", "aigc-not-json"),
        ("&lt;" * 65_000, "unreadable", "aigc-not-json"),
        (BARE + " " * aigc.MAX_CHARACTERS, "unreadable", "aigc-too-long"),
    ],
)
def test_what_is_no_element_is_said_to_be_none(text, form, problem):
    reading = aigc.decode(text)
    assert (reading.element, reading.form, codes(reading)) == (None, form, [problem])
    assert not reading.conformant


def test_a_real_element_of_a_chinese_service_is_read():
    text = (
        '{"Label":"1","ContentProducer":"001191110102MACQD9K64010000","ProduceID":"7f0c","ReservedCode1":"",'
        '"ContentPropagator":"001191110102MACQD9K64010000","PropagateID":"7f0c","ReservedCode2":""}'
    )
    assert aigc.decode(text).conformant
    assert aigc.decode('{"aigc":{"Label":1,"ContentProducer":"MiniMax"}}').element == Element("1", "MiniMax", "")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYS, "AIGC", "aigc", "label"]) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=8,
)


@given(JSON.map(json.dumps) | st.text() | JSON.map(lambda data: json.dumps({"AIGC": data})))
def test_no_text_raises_and_every_problem_can_be_told(text):
    reading = aigc.decode(text)
    for problem in reading.problems:
        for locale in ("en", "zh-CN"):
            told = problem.text(locale)
            assert told != problem.code
            assert len(told) < 1_000
    assert reading.conformant <= (reading.element is not None)


def test_half_a_surrogate_pair_never_leaves_the_reader():
    reading = aigc.decode(BARE.replace("img-20260501-77", "\\ud800"))
    assert codes(reading) == ["aigc-character", "aigc-character"]
    json.dumps(reading.element.as_json(), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BARE, True),
        (WRAPPED, True),
        ('{"aigc":1}', True),
        (BARE.replace('"', "&quot;"), True),
        (json.dumps(BARE), True),
        ('{"ServiceProvider" : "a"}', True),
        ("a holiday in Chengdu, made with AIGC", False),
        ('{"prompt":"aigc"}', False),
        ("", False),
    ],
)
def test_a_free_text_may_mention_an_element(text, expected):
    assert aigc.mentions_element(text) is expected


# --- label fields ----------------------------------------------------------------------------------------------------


def test_the_label_value_leaves_out_propagation_that_equals_production():
    assert aigc.to_label_value(ELEMENT) == {"grade": "confirmed", "producer": CODE, "produce_id": "img-20260501-77"}


def test_the_label_value_names_another_propagator():
    element = Element("3", CODE, "1", "", OTHER, "2")
    assert aigc.to_label_value(element) == {
        "grade": "suspected",
        "producer": CODE,
        "produce_id": "1",
        "propagator": OTHER,
        "propagate_id": "2",
    }


def test_the_label_value_says_only_what_is_there():
    assert aigc.to_label_value(Element("AIGC", "", "1")) == {"produce_id": "1"}
