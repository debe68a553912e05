"""Sound made at run time: WAVE in each of its sizes, MP3, FLAC, Ogg and Opus, with foreign tags and cover art."""

import functools
import struct

from provenance.metadata import aigc

from .media import SOUND, VIDEO, ffmpeg, packets

AIGC = b'{"Label":"3","ContentProducer":"somebody","ProduceID":"old"}'
# What the contract writes: where readers show the element, they show the same before and after.
SAME = aigc.encode(aigc.from_label("confirmed", "001191510100MA0EXAMP0D10001", "img-1")).encode()
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Source="old"/>'
    b"</rdf:RDF></x:xmpmeta>"
)
TAGS = ("-metadata", "title=标题", "-metadata", "comment=kept")


def chunk(kind, data):
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def wave(*chunks):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav_samples():
    bare = ffmpeg(".wav", *SOUND)
    tagged = ffmpeg(".wav", *SOUND, *TAGS, "-write_bext", "1", "-metadata", "description=kept")
    yield "bare", bare
    yield "full", wave(chunk(b"AIGC", AIGC), tagged[12:], chunk(b"_PMX", XMP), chunk(b"priv", b"odd"))
    yield "large", ffmpeg(".wav", *SOUND, *TAGS, "-rf64", "always")
    yield "list", wave(bare[12:], chunk(b"LIST", b"INFO" + chunk(b"AIGC", AIGC + b"\0") + chunk(b"IART", b"kept\0")))


def frames(version, *frames):
    parts = ((name, struct.pack(">I", len(data)) if version == 3 else safe(len(data)), data) for name, data in frames)
    return b"".join(name + size + bytes(2) + data for name, size, data in parts)


def safe(value):
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3(version, body, flags=0):
    return b"ID3" + bytes([version, 0, flags]) + safe(len(body)) + body


def mp3_samples():
    lame = ("-c:a", "libmp3lame", "-b:a", "32k")
    sound = ffmpeg(".mp3", *SOUND, *lame, "-id3v2_version", "0")
    cover = b"\0image/png\0\3\0" + ffmpeg(".png", *VIDEO, "-frames:v", "1")
    kept = [(b"TIT2", b"\1\xff\xfe" + "标题".encode("utf-16-le")), (b"APIC", cover), (b"XYZW", b"nobody registered it")]
    ours = [(b"TXXX", b"\0AIGC\0" + SAME), (b"PRIV", b"XMP\0" + XMP), (b"PRIV", b"WM/Provider\0kept")]
    title = b"TAG" + b"title".ljust(125, b"\0")
    # With room enough that the size of the tag, which readers tell, stays the same.
    yield "bare", sound
    yield "full", id3(3, frames(3, *kept, *ours) + bytes(2000)) + sound + title
    yield "safe", id3(4, frames(4, (b"TIT2", b"\3kept"), *ours) + bytes(2000)) + sound


def block(kind, data, *, last=False):
    return bytes([kind | (0x80 if last else 0)]) + struct.pack(">I", len(data))[1:] + data


def comments(*entries):
    parts = (b"kept encoder", *(entry if isinstance(entry, bytes) else entry.encode() for entry in entries))
    packed = [struct.pack("<I", len(part)) + part for part in parts]
    return packed[0] + struct.pack("<I", len(entries)) + b"".join(packed[1:])


def flac_samples():
    bare = ffmpeg(".flac", *SOUND, *TAGS)
    at = 8
    stream = bare[at : at + 34]
    while not bare[at - 4] & 0x80:
        at += int.from_bytes(bare[at - 3 : at], "big") + 4
    sound = bare[at + int.from_bytes(bare[at - 3 : at], "big") :]
    picture = ffmpeg(".png", *VIDEO, "-frames:v", "1")
    cover = struct.pack(">II9sIIIIII", 3, 9, b"image/png", 0, 96, 64, 24, 0, len(picture)) + picture
    ours = comments("TITLE=标题", b"AIGC=" + SAME, "Artist=记者; 甲", "TITLE=two", "no equals sign")
    points = struct.pack(">QQH", 0, 0, 576) + b"\xff" * 8 + bytes(10)
    yield "bare", bare
    yield "untagged", b"fLaC" + block(0, stream, last=True) + sound
    yield (
        "full",
        b"".join(
            (
                b"fLaC",
                block(0, stream),
                block(3, points),
                block(4, ours),
                block(2, b"kept for an application"),
                block(6, cover),
                block(1, bytes(40), last=True),
                sound,
            )
        ),
    )


def ogg_samples():
    vorbis = ("-c:a", "libvorbis", "-ar", "44100")
    yield "bare", ffmpeg(".ogg", *SOUND, *vorbis)
    yield (
        "full",
        ffmpeg(".ogg", *SOUND, *vorbis, *TAGS, "-metadata", "AIGC=" + SAME.decode(), "-metadata", "x=" + "y" * 70_000),
    )
    yield "flac", ffmpeg(".oga", *SOUND, "-c:a", "flac", *TAGS)
    yield "speex", ffmpeg(".spx", *SOUND, "-c:a", "libspeex", *TAGS)


def ogg_packets(content):
    """Every packet but the headers, without the comments that ffmpeg attaches to the first one."""
    lines = packets(content, ".ogg").splitlines()
    return [line.partition(b", S=")[0] for line in lines if not line.startswith(b"#extradata")]


def opus_samples():
    yield "bare", ffmpeg(".opus", *SOUND, "-c:a", "libopus", "-ar", "48000")
    yield "full", ffmpeg(".opus", *SOUND, "-c:a", "libopus", "-ar", "48000", *TAGS, "-metadata", "artist=记者; 甲")


SAMPLES = {
    "wav": wav_samples,
    "mp3": mp3_samples,
    "flac": flac_samples,
    "ogg": ogg_samples,
    "opus": opus_samples,
}
DECODED = {name: functools.partial(packets, suffix=f".{name}") for name in SAMPLES} | {"ogg": ogg_packets}
OPEN_ENDED = {"mp3", "flac", "ogg", "opus"}
