"""No input makes the engine raise: what parses as a post is judged, whatever it says, and whatever its files say."""

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.errors import ProvenanceError
from provenance.model.observation import Observation
from provenance.model.post import Post
from provenance.rules import evaluate

from .cases import observed
from .test_contract import ON, POST

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 20),
    st.text(max_size=6),
    st.sampled_from(
        [
            "",
            "2026-02-30",
            "2024",
            "https://e.com/x",
            "网传",
            "AI生成",
            "ai",
            "none",
            "short-video",
            [],
            {},
            ["finance"],
        ]
    ),
)


def places(value, path=()):
    """Yield the path of everything in plain data."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in parts:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(data, path, value):
    """Return a copy with one place set, or taken out where the value is None."""
    data = copy.deepcopy(data)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    if value is None and isinstance(inner, dict):
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return data


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_post_that_parses_is_judged_and_says_so_in_both_languages(catalog, data):
    post = POST
    for _ in range(data.draw(st.integers(1, 4))):
        post = changed(post, data.draw(st.sampled_from(sorted(places(post), key=str))), data.draw(VALUES))
    try:
        parsed = Post.from_dict(post)
        catalog.require_kinds(parsed)
    except ProvenanceError:
        return
    unread = data.draw(st.booleans())
    assets = range(len(parsed.assets))
    seen = [Observation(path="x.jpg") if unread else observed(parsed, at, catalog) for at in assets]
    report = evaluate(parsed, seen, catalog, on=ON)
    assert report.publishable is not any(each.severity == "blocking" for each in report.findings)
    assert all(each.message.zh_CN and each.message.en and each.fix.en for each in report.findings)
