"""AVI made at run time: as an encoder leaves it, with foreign and our own chunks, and in parts as OpenDML has it."""

import functools
import struct

from .media import SOUND, VIDEO, ffmpeg, packets
from .samples_sound import AIGC, SAME, XMP, chunk

FILM = (*VIDEO, *SOUND, "-c:v", "mjpeg", "-c:a", "pcm_s16le")


def lists(kind, *chunks):
    return chunk(b"LIST", kind + b"".join(chunks))


def riff(kind, *chunks):
    return chunk(b"RIFF", kind + b"".join(chunks))


def children(data):
    at = 0
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def opendml(gap=0):
    """Return a film in three RIFFs, whose indexes give absolute offsets; `gap` bytes of JUNK stand before the first."""
    film = ffmpeg(".avi", *VIDEO, "-c:v", "mjpeg")
    top, header = {}, {}
    for found, data in ((top, film[12:]), (header, None)):
        for kind, each in children(data or top[b"hdrl"][4:]):
            found[each[:4] if kind == b"LIST" else kind] = each
    stream = dict(children(header[b"strl"][4:]))
    frames = [chunk(kind, data) for kind, data in children(top[b"movi"][4:]) if kind == b"00dc"]
    parts = [frames[:4], frames[4:7], frames[7:]]

    def head(entries):
        index = struct.pack("<HBBI4s12x", 4, 0, 0, len(entries), b"00dc") + b"".join(entries)
        strl = lists(b"strl", chunk(b"strh", stream[b"strh"]), chunk(b"strf", stream[b"strf"]), chunk(b"indx", index))
        total = chunk(b"dmlh", struct.pack("<I244x", len(frames)))
        return lists(b"hdrl", chunk(b"avih", header[b"avih"]), strl, lists(b"odml", total)) + chunk(b"JUNK", bytes(gap))

    start = 12 + len(head([bytes(16)] * len(parts)))
    entries, made = [], []
    for part in parts:
        base = start + 12
        at = 0
        index = struct.pack("<HBBI4sQ4x", 2, 0, 1, len(part), b"00dc", base)
        for frame in part:
            index += struct.pack("<II", at + 8, struct.unpack_from("<I", frame, 4)[0])
            at += len(frame)
        movi = lists(b"movi", *part, chunk(b"ix00", index))
        entries.append(struct.pack("<QII", base + at, 8 + len(index), len(part)))
        made.append(movi)
        start += len(movi) + 12
    return riff(b"AVI ", head(entries), made[0]) + b"".join(riff(b"AVIX", movi) for movi in made[1:])


def avi_samples():
    bare = ffmpeg(".avi", *FILM)
    tagged = ffmpeg(".avi", *FILM, "-metadata", "title=kept", "-metadata", "comment=kept too")
    texts = lists(b"INFO", chunk(b"AIGC", SAME + b"\0"), chunk(b"ICMT", b"behind the index\0"))
    yield "bare", bare
    yield "full", riff(b"AVI ", tagged[12:], texts, chunk(b"_PMX", XMP), chunk(b"priv", b"kept"))
    yield "beside", riff(b"AVI ", bare[12:], chunk(b"AIGC", AIGC))
    yield "parts", opendml(gap=600)
    yield "tight", opendml()


SAMPLES = {"avi": avi_samples}
DECODED = {"avi": functools.partial(packets, suffix=".avi")}
