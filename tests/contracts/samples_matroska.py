"""Matroska and WebM made at run time: with chapters, attachments, subtitles, foreign tags, and indices in front."""

import functools
import tempfile
from pathlib import Path

from provenance.metadata import aigc

from .media import SOUND, VIDEO, ffmpeg, packets

# What the contract writes: where readers show it, they show the same before and after.
SAME = aigc.encode(aigc.from_label("confirmed", "001191510100MA0EXAMP0D10001", "img-1"))
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "5")
VP8 = ("-c:v", "libvpx", "-b:v", "50k", "-g", "5", "-deadline", "realtime")
VP9 = ("-c:v", "libvpx-vp9", "-b:v", "50k", "-g", "5", "-deadline", "realtime", "-cpu-used", "8")
OPUS = ("-c:a", "libopus", "-b:a", "16k")
SHORT_CLUSTERS = ("-cluster_time_limit", "300")
TAGS = ("-metadata", "title=标题", "-metadata", "comment=kept", "-metadata:s:v", "note=of the track")
OURS = ("-metadata", f"AIGC={SAME}", "-metadata", "PUBLISHER=新华社")


@functools.cache
def folder():
    """Return a folder of what ffmpeg takes in, which lives as long as the tests run."""
    made = tempfile.TemporaryDirectory()
    files = {
        "chapters.txt": ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=one\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=1000\ntitle=two\n",
        "words.srt": "1\n00:00:00,100 --> 00:00:00,800\nwords\n",
        "kept.txt": "attached and kept\n" * 20,
    }
    for name, text in files.items():
        Path(made.name, name).write_text(text, encoding="utf-8")
    return made


def path(name):
    return str(Path(folder().name, name))


def mkv_samples():
    extras = ("-i", path("words.srt"), "-i", path("chapters.txt"), "-map_metadata", "3", "-map", "0", "-map", "1")
    attached = ("-map", "2", "-attach", path("kept.txt"), "-metadata:s:t", "mimetype=text/plain")
    yield "bare", ffmpeg(".mkv", *VIDEO, *H264)
    yield (
        "full",
        ffmpeg(".mkv", *VIDEO, *SOUND, *extras, *attached, *H264, *OPUS, *SHORT_CLUSTERS, *TAGS, *OURS),
    )
    yield "index in front", ffmpeg(".mkv", *VIDEO, *H264, *SHORT_CLUSTERS, *TAGS, "-cues_to_front", "1")
    yield "reserved room", ffmpeg(".mkv", *VIDEO, *H264, *SHORT_CLUSTERS, *TAGS, "-reserve_index_space", "4000")


def webm_samples():
    words = ("-i", path("words.srt"), "-c:s", "webvtt", "-map", "0", "-map", "1", "-map", "2")
    yield "bare", ffmpeg(".webm", *VIDEO, *VP8)
    yield "full", ffmpeg(".webm", *VIDEO, *SOUND, *words, *VP9, *OPUS, *SHORT_CLUSTERS, *TAGS, *OURS)
    yield "index in front", ffmpeg(".webm", *VIDEO, *VP8, *SHORT_CLUSTERS, "-cues_to_front", "1")


def live_samples():
    """Return WebM as it is streamed: nothing says where the segment ends, so a cut may go unseen."""
    yield "live", ffmpeg(".webm", *VIDEO, *SOUND, *VP8, "-c:a", "libvorbis", *SHORT_CLUSTERS, "-live", "1")


def sound_samples():
    yield "opus", ffmpeg(".mka", *SOUND, *OPUS, *TAGS[:4])


SAMPLES = {"mkv": mkv_samples, "webm": webm_samples}
DECODED = {"mkv": lambda content: packets(content, ".mkv"), "webm": lambda content: packets(content, ".webm")}
