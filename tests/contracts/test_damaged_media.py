"""A damaged file is refused, or labelled so that it decodes as before: a label never makes it worse."""

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from provenance.errors import ProvenanceError
from provenance.formats import registry
from provenance.metadata import exif

PILLOW = [each for each in registry.handlers() if each.name in {"jpeg", "png", "webp", "gif", "tiff"}]


def decoded(content):
    """Every frame as far as Pillow gets, and whether it got to the end."""
    found = []
    try:
        with Image.open(io.BytesIO(content)) as image:
            found.extend((frame.size, frame.mode, frame.tobytes()) for frame in ImageSequence.Iterator(image))
    except Exception:  # Pillow raises whatever its input makes it raise
        return found, False
    return found, True


@pytest.mark.parametrize("handler", PILLOW, ids=lambda handler: handler.name)
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_refused_or_does_not_grow(handler, samples, xmp, data):
    content = bytearray(data.draw(st.sampled_from(list(samples[handler.name].values()))))
    # Structure lies at the start of most formats: damage there is the interesting one.
    where = st.one_of(st.integers(0, min(600, len(content) - 1)), st.integers(0, len(content) - 1))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(where)] = data.draw(
            st.one_of(st.sampled_from([0, 1, 2, 0x7F, 0x80, 0xFF]), st.integers(0, 255))
        )
    source = bytes(content)
    target = io.BytesIO()
    try:
        block = handler.read(io.BytesIO(source)).exif
        if handler.holds_exif:
            block = exif.write(block, captured_at="2026-05-01T08:30:00", coordinates=(1.0, 2.0), erase_position=True)
        handler.write(io.BytesIO(source), target, exif=block, xmp=xmp(b"new"))
    except ProvenanceError:
        return
    before, complete = decoded(source)
    after, _ = decoded(target.getvalue())
    assert (after if complete else after[: len(before)]) == before
    assert handler.read(io.BytesIO(target.getvalue())).xmp == xmp(b"new")
