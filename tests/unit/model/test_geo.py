"""Datum conversion: measured shifts, exact inverses, nothing guessed."""

from math import cos, hypot, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.model import geo
from provenance.model.geo import to_wgs84

CITIES = {
    "Lhasa": (29.65, 91.14, 338),
    "Shenzhen": (22.54, 114.06, 607),
    "Beijing": (39.9087, 116.3975, 556),
    "Shanghai": (31.2304, 121.4737, 482),
    "Hangzhou": (30.2741, 120.1551, 520),
    "Hong Kong": (22.3193, 114.1694, 596),
}


def metres(one, other):
    return hypot((one[0] - other[0]) * 111_320, (one[1] - other[1]) * 111_320 * cos(radians(one[0])))


@pytest.mark.parametrize("city", CITIES)
def test_the_shift_is_the_one_measured_for_each_city(city):
    latitude, longitude, shift = CITIES[city]
    assert metres((latitude, longitude), geo._wgs84_to_gcj02(latitude, longitude)) == pytest.approx(shift, abs=1)


def test_a_known_point_of_the_capital():
    # Tiananmen, as Chinese map services and GPS give it.
    assert metres(to_wgs84(39.908823, 116.397470, "gcj02"), (39.907413, 116.391233)) < 5
    assert metres(to_wgs84(39.915119, 116.403963, "bd09"), (39.907413, 116.391233)) < 15


INSIDE = (st.floats(17, 54), st.floats(73, 136))


@given(*INSIDE)
def test_gcj02_comes_back_within_a_millimetre(latitude, longitude):
    shifted = geo._wgs84_to_gcj02(latitude, longitude)
    assert metres(to_wgs84(*shifted, "gcj02"), (latitude, longitude)) < 0.001


@given(*INSIDE)
def test_bd09_comes_back_within_a_millimetre(latitude, longitude):
    shifted = geo._gcj02_to_bd09(*geo._wgs84_to_gcj02(latitude, longitude))
    assert metres(to_wgs84(*shifted, "bd09"), (latitude, longitude)) < 0.001


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_wgs84_is_never_shifted(latitude, longitude):
    assert to_wgs84(latitude, longitude, "wgs84") == (latitude, longitude)


@given(st.floats(-90, 90), st.floats(-180, 180), st.sampled_from(["gcj02", "bd09"]))
def test_every_position_gives_a_position(latitude, longitude, datum):
    north, east = to_wgs84(latitude, longitude, datum)
    assert -90 <= north <= 90
    assert -180 <= east <= 180
    assert metres((north, east), (latitude, longitude)) < 3_000


@pytest.mark.parametrize("place", [(37.5665, 126.978), (21.0278, 105.8342), (25.033, 121.5654)])
def test_the_callers_word_decides_even_where_wgs84_is_usual(place):
    assert to_wgs84(*place, "wgs84") == place
    assert metres(to_wgs84(*place, "gcj02"), place) > 400


@pytest.mark.parametrize("place", [(48.8584, 2.2945), (-33.8568, 151.2153), (0.0, 0.0), (90.0, 0.0), (-90.0, 180.0)])
def test_outside_the_formulas_domain_nothing_is_shifted(place):
    assert to_wgs84(*place, "gcj02") == place == to_wgs84(*place, "bd09")
