"""Films made at run time: index first and last, fragments of each kind, chapters, subtitles, timecode, cover art."""

import tempfile
from pathlib import Path

from .media import SOUND, VIDEO, ffmpeg, packets
from .samples_sound import SAME, XMP

CODED = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-pix_fmt", "yuv420p")
# With a time of their own in the headers, as encoders set it.
MADE = ("-metadata", "creation_time=2026-04-30T00:00:00Z")
FILM = (*VIDEO, *SOUND, *CODED, "-c:a", "aac", "-b:a", "32k", *MADE)
TAGS = ("-metadata", "title=标题", "-metadata", "comment=kept")
PACKET = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
CHAPTERS = """;FFMETADATA1
title=chapters
[CHAPTER]
TIMEBASE=1/10
START=0
END=5
title=first
[CHAPTER]
TIMEBASE=1/10
START=5
END=10
title=second
"""
SUBTITLES = "1\n00:00:00,100 --> 00:00:00,700\nkept\n\n"


def box(kind, *content):
    body = b"".join(content)
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def keyed(pairs, *, plain=False):
    """A list with keys; `plain` leaves out version and flags, as phones do."""
    keys = b"".join(box(b"mdta", key.encode()) for key, _ in pairs)
    items = (
        box(number.to_bytes(4, "big"), box(b"data", (1).to_bytes(4, "big"), bytes(4), text.encode()))
        for number, (_, text) in enumerate(pairs, 1)
    )
    head = b"" if plain else bytes(4)
    handler = box(b"hdlr", bytes(8), b"mdta", bytes(13))
    return box(
        b"meta", head, handler, box(b"keys", bytes(4), len(pairs).to_bytes(4, "big"), keys), box(b"ilst", *items)
    )


def boxes(content):
    """Kind and bytes of every box of a file or of what a box holds."""
    found, at = [], 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        size = int.from_bytes(content[at + 8 : at + 16], "big") if size == 1 else size or len(content) - at
        found.append((content[at + 4 : at + 8], content[at : at + size]))
        at += size
    return found


def in_index(content, *new):
    """A film whose index is its last box, with more boxes in it."""
    *others, (kind, moov) = boxes(content)
    assert kind == b"moov"
    return b"".join(raw for _, raw in others) + box(b"moov", moov[8:], *new)


def told():
    with tempfile.TemporaryDirectory() as folder:
        chapters, subtitles = Path(folder, "chapters.txt"), Path(folder, "subtitles.srt")
        chapters.write_text(CHAPTERS, encoding="utf-8")
        subtitles.write_text(SUBTITLES, encoding="utf-8")
        inputs = (*VIDEO, *SOUND, "-i", str(subtitles), "-i", str(chapters))
        streams = (
            "-map",
            "0",
            "-map",
            "1",
            "-map",
            "2",
            "-map_metadata",
            "3",
            *CODED,
            "-c:a",
            "aac",
            "-c:s",
            "mov_text",
        )
        return ffmpeg(".mp4", *inputs, *streams, "-movflags", "+faststart", *TAGS, *MADE)


def mp4_samples():
    last = ffmpeg(".mp4", *FILM, *TAGS)
    yield "bare", ffmpeg(".mp4", *VIDEO, *CODED, *MADE)
    yield "last", last
    yield "full", told() + box(b"uuid", PACKET, XMP)
    yield "keyed", in_index(ffmpeg(".mp4", *FILM), box(b"udta", keyed([("AIGC", SAME.decode()), ("kept", "text")])))
    yield "phone", in_index(last, keyed([("com.android.version", "14")], plain=True))
    for name, flags in {
        "fragments": "frag_keyframe+empty_moov",
        "based": "frag_keyframe+empty_moov+default_base_moof",
        "dash": "dash+global_sidx+frag_keyframe+default_base_moof",
    }.items():
        yield name, ffmpeg(".mp4", *FILM, "-movflags", flags)


def mov_samples():
    timed = (*FILM, "-timecode", "01:00:00:00", *TAGS)
    yield "bare", ffmpeg(".mov", *FILM)
    yield (
        "full",
        in_index(
            ffmpeg(".mov", *timed),
            keyed([("com.apple.quicktime.make", "Apple"), ("com.apple.quicktime.software", "12.3")], plain=True),
            bytes(4),
        ),
    )
    yield "first", ffmpeg(".mov", *timed, "-movflags", "+faststart")
    old = ffmpeg(".mov", *FILM)
    yield "old", b"".join(box(b"free", raw[8:]) if kind == b"ftyp" else raw for kind, raw in boxes(old))


def m4a_samples():
    picture = ("-map", "0", "-map", "1", "-c:v", "png", "-frames:v", "1", "-disposition:v", "attached_pic")
    yield "bare", ffmpeg(".m4a", *SOUND, "-c:a", "aac", *MADE)
    yield "full", ffmpeg(".m4a", *SOUND, *VIDEO, *picture, "-c:a", "aac", "-movflags", "+faststart", *TAGS, *MADE)


def phone_samples():
    yield "full", ffmpeg(".3gp", *VIDEO, *SOUND, "-c:v", "mpeg4", "-c:a", "aac", "-ar", "16000", *TAGS, *MADE)


SAMPLES = {"mp4": mp4_samples, "mov": mov_samples, "m4a": m4a_samples, "3gp": phone_samples}
DECODED = {name: lambda content, name=name: packets(content, f".{name}") for name in SAMPLES}
# What follows the index may be cut off at the end of a box.
OPEN_ENDED = set(SAMPLES)
