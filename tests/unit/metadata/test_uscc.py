"""The unified social credit code and the service provider code built on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.metadata.uscc import looks_like_provider_code, provider_code_defect, uscc_valid

# Found in public files of generating services.
REAL = [
    "001191110102MACQD9K64010000",
    "001191110102MAD55U9H0F10002",
    "001191440300708461136T1XGW3",
    "001191310104MACE0YX63918020",
    "001191440300MA5G49LC9K1YO01",
]
CONTRACT = "001191510100MA0EXAMP0D10001"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize("code", [*REAL, CONTRACT])
def test_real_codes_are_valid(code):
    assert looks_like_provider_code(code)
    assert provider_code_defect(code) is None
    assert uscc_valid(code[4:22])


@given(st.sampled_from([code[4:22] for code in REAL]), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_any_single_mistake_is_found(code, place, other):
    mistaken = code[:place] + other + code[place + 1 :]
    assert uscc_valid(mistaken) == (mistaken == code)


@given(st.sampled_from([code[4:22] for code in REAL]), st.integers(0, 16))
def test_swapped_neighbours_are_found(code, place):
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert uscc_valid(swapped) == (swapped == code)


@pytest.mark.parametrize(
    "code",
    ["", "91510100MA0EXAMP0", "91510100MA0EXAMP0DD", "91510100ma0examp0d", "91510100MA0EXAMPOI", "９1510100MA0EXAMP0D"],
)
def test_another_form_is_no_code(code):
    assert not uscc_valid(code)


@pytest.mark.parametrize(
    ("code", "defect"),
    [
        ("011191510100MA0EXAMP0D10001", "aigc-code-format"),
        ("001211010519491231002X00000", "aigc-code-binding"),
        ("001191510100MA0EXAMP0E10001", "aigc-code-check-character"),
    ],
)
def test_a_defect_is_named(code, defect):
    assert looks_like_provider_code(code)
    assert provider_code_defect(code) == defect


@pytest.mark.parametrize("text", ["doubao", "", CONTRACT[:-1], CONTRACT + "0", CONTRACT.lower(), "0" * 26 + "\n"])
def test_another_text_does_not_look_like_a_provider_code(text):
    assert not looks_like_provider_code(text)
