"""Chromium plays a film that was drawn on from its first to its last picture, and shows the notice."""

import json
import os

import pytest

from provenance.model.notice import Seconds
from provenance.notices import layout, measure
from provenance.notices.video import draw_video, probe

pytest.importorskip("av")

FULL_PROOF = os.environ.get("PROVENANCE_PROOF") == "full"
SPEED = 4
TEXTS = (("ai-generated", "AI生成"),)
# Chromium has no decoder for HEVC of its own.
SHAPES = ["h264-rotated", "vp9", "av1"]
MORE_SHAPES = [
    "h264-high",
    "h264-edit-list",
    "h264-matroska",
    "h264-plain",
    "h264-two-sounds-and-text",
    "h264-variable-rate",
    "h264-long-gop",
    "h264-interlaced",
    "h264-open-gop",
]
PAGE = """<!doctype html><meta charset="utf-8"><style>body {margin: 0; background: #000} video {display: block}</style>
<video muted preload="auto" src=SOURCE></video>"""
PLAY = """new Promise(done => {
  const video = document.querySelector("video"), times = [];
  const end = how => {
    const quality = video.getVideoPlaybackQuality();
    done({how, error: video.error && video.error.message, at: video.currentTime, times,
          duration: video.duration, width: video.videoWidth, height: video.videoHeight,
          pictures: quality.totalVideoFrames, dropped: quality.droppedVideoFrames});
  };
  const note = (_, picture) => { times.push(picture.mediaTime); video.requestVideoFrameCallback(note); };
  video.requestVideoFrameCallback(note);
  video.onended = () => end("ended");
  video.onerror = () => end("error");
  video.onstalled = () => end("stalled");
  video.playbackRate = SPEED;
  if (video.error) end("error");
  video.play().catch(error => end(String(error)));
})"""
SEEK = """new Promise(done => {
  const video = document.querySelector("video");
  video.pause();
  video.requestVideoFrameCallback(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true))));
  video.currentTime = AT;
})"""


@pytest.fixture(params=[*SHAPES, *(MORE_SHAPES if FULL_PROOF else ())])
def drawn(request, films, tmp_path):
    """Return a film that was drawn on, and the notices."""
    source = films(request.param)
    size = probe(source)
    notices = layout(TEXTS, size.width, size.height)
    target = tmp_path / f"drawn{source.suffix}"
    draw_video(source, target, notices)
    return target, [each.model_copy(update={"seconds": Seconds(start=0, end=3)}) for each in notices]


def test_chromium_plays_to_the_end_and_shows_the_notice(browser, drawn, readers, tmp_path):
    film, (notice,) = drawn
    size = probe(film)
    page_path = tmp_path / "page.html"
    page_path.write_text(PAGE.replace("SOURCE", json.dumps(film.name)), encoding="utf-8")
    with browser.page(page_path.as_uri(), size.width, size.height) as page:
        played = page.evaluate(PLAY.replace("SPEED", str(SPEED)))
        assert (played["how"], played["error"]) == ("ended", None)
        assert (played["width"], played["height"]) == (size.width, size.height)
        assert played["at"] == pytest.approx(played["duration"], abs=0.1)
        assert played["duration"] == pytest.approx(size.duration, abs=0.1)
        assert played["times"] == sorted(played["times"])
        # Those that a busy machine drops count as well.
        assert played["pictures"] >= 0.9 * len(readers.shown(film))
        for at, is_there in ((0.0, True), (1.0, True), (2.0, True), (4.0, False)):
            page.evaluate(SEEK.replace("AT", str(at)))
            shot = tmp_path / f"{at}.png"
            page.shot(shot)
            (reading,) = measure(shot, [notice], orientation=1)
            assert reading.found == is_there, at
