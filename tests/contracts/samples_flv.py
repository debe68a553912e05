"""FLV made at run time: with and without script data, with an index of key frames, foreign values, our own."""

import struct
import subprocess
import tempfile
from pathlib import Path

from provenance.metadata import aigc

from .media import SOUND, VIDEO, ffmpeg

# What the contract writes: where readers show it, they show the same before and after, and nothing moves.
SAME = aigc.encode(aigc.from_label("confirmed", "001191510100MA0EXAMP0D10001", "img-1")).encode()
XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Source="old"/></rdf:RDF></x:xmpmeta>'
    b'<?xpacket end="w"?>'
)
CODECS = ("-c:v", "flv", "-g", "5", "-c:a", "pcm_s16le", "-ar", "11025")
SECONDS = ("-t", "0.5")


def script(name, *pairs, kind=b"\x08", end=b"\0\0\x09"):
    """Return a script tag of a message and pairs of AMF."""
    count = struct.pack(">I", len(pairs)) if kind == b"\x08" else b""
    data = b"\2" + struct.pack(">H", len(name)) + name + kind + count + b"".join(pairs) + end
    return tag(18, data)


def tag(kind, data):
    head = bytes([kind]) + len(data).to_bytes(3, "big") + bytes(7)
    return head + data + struct.pack(">I", 11 + len(data))


def pair(key, value):
    return struct.pack(">H", len(key)) + key + value


def text(value):
    return b"\2" + struct.pack(">H", len(value)) + value


def long_text(value):
    return b"\x0c" + struct.pack(">I", len(value)) + value


def flv_samples():
    plain = ffmpeg(".flv", *VIDEO, *SOUND, *SECONDS, *CODECS, "-flvflags", "no_metadata")
    foreign = pair(b"title", text("标题".encode())), pair(b"creationdate", b"\x0b" + bytes(10)), pair(b"none", b"\5")
    metadata = script(b"onMetaData", *foreign, pair(b"AIGC", text(SAME)))
    packet = script(b"onXMPData", pair(b"liveXML", long_text(XMP)), kind=b"\3")
    yield "bare", plain
    yield "full", plain[:13] + metadata + packet + script(b"onCuePoint", pair(b"kept", b"\1\1")) + plain[13:]
    yield "by ffmpeg", ffmpeg(".flv", *VIDEO, *SECONDS, *CODECS[:4], "-flvflags", "no_duration_filesize")


def packets(content):
    """Return every packet of sound and pictures: ffmpeg also shows script data as packets of a stream."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "read.flv")
        source.write_bytes(content)
        streams = ("-map", "0:v?", "-map", "0:a?", "-c", "copy", "-f", "framehash", "-")
        run = subprocess.run(["ffmpeg", "-v", "error", "-i", source, *streams], capture_output=True, check=True)
    return run.stdout


SAMPLES = {"flv": flv_samples}
DECODED = {"flv": packets}
# Between two tags a file may be cut, and nobody can tell.
OPEN_ENDED = {"flv"}
