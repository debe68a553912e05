"""Sound made at run time: WAVE in each of its sizes, MP3, FLAC, Ogg and Opus, with foreign tags and cover art."""

import struct

from .media import SOUND, ffmpeg, packets

AIGC = b'{"Label":"3","ContentProducer":"somebody","ProduceID":"old"}'
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
    yield "list", wave(bare[12:], chunk(b"LIST", b"INFO" + chunk(b"AIGC", AIGC + b"\0") + chunk(b"IART", b"kept\0")))


SAMPLES = {"wav": wav_samples}
DECODED = {"wav": lambda content: packets(content, ".wav")}
