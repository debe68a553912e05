"""Labelling films: a copy against a plain copy, and in place against what two waits for the disk cost."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from provenance import _files
from provenance.formats import registry
from provenance.metadata import iptc, xmp
from subjects import CAPTURED_AT
from timing import Row, in_turns, milliseconds
from writing import COPY, ELEMENT, FIELDS, RECORD, copy, fresh_names, timed

MB = 1_000_000
LARGE = 500 * MB
SIZES = (50 * MB, 2_000 * MB)
APPENDED = 100_000
WAITS = "append 100 KB, fsync, 4 bytes, fsync"
PACKET = xmp.merge(None, {**iptc.to_xmp(FIELDS, {}), iptc.RECORD: RECORD})
STATED = {"aigc": ELEMENT, "captured_at": CAPTURED_AT}
FRAME, SOUND = 208_000, 360  # bytes of a picture as phones record 4K, at 50 Mbit/s, and of an AAC frame
IDENTITY = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
PER_CHUNK = 2, 3  # pictures, and the sound that belongs to them


def movie_rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Compare labelled copies of 500 MB, and films of 50 MB and 2 GB labelled in place."""
    folder.mkdir()
    rounds = max(3, rounds // 3)
    source = folder / "film.mp4"
    for name, first in (("index first", True), ("index last", False)):
        movie(source, LARGE, first=first, sparse=False)
        os.sync()
        names = fresh_names(folder, ".mp4")
        times = in_turns(
            rounds,
            timed(lambda target: label(source, target), names),
            timed(lambda target: copy(source, target), names),
        )
        yield Row(f"metadata write, MP4 {LARGE // MB} MB, {name}", COPY, *times, bar=1.3)
    for size in SIZES:
        movie(source, size, first=True, sparse=True)
        os.sync()
        times = in_turns(rounds, _restored(source, label_in_place), _restored(source, wait_twice))
        yield Row(f"in place, MP4 {size // MB} MB", WAITS, *times, bar=3)
    source.unlink()


def label(source: Path, target: Path) -> None:
    """Read what there is and write an element, the time and a packet, as attach does."""
    registry.read(source, whole=False)
    with _files.new_file(target) as file:
        registry.write(source, file, xmp=PACKET, fields=STATED, known=True)


def label_in_place(path: Path) -> None:
    """Do the same without a copy."""
    edit = registry.handler("mp4").write_in_place
    assert edit
    with path.open("r+b") as file:
        edit(file, xmp=PACKET, fields=STATED)


def wait_twice(path: Path) -> None:
    """Append what a small index takes, wait for the disk, overwrite four bytes, and wait again."""
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(bytes(APPENDED))
        file.flush()
        os.fsync(file.fileno())
        file.seek(4)
        file.write(b"ftyp")
        file.flush()
        os.fsync(file.fileno())


def _restored(path: Path, change: Callable[[Path], None]) -> Callable[[], float]:
    """Return a call that times a change, and then makes the file what it was."""
    size = path.stat().st_size

    def one() -> float:
        with path.open("rb") as file:
            start = file.read(2 * MB)  # the index and more
        time = milliseconds(lambda: change(path))
        with path.open("r+b") as file:
            file.write(start)
            file.truncate(size)
            os.fsync(file.fileno())
        return time

    return one


def movie(path: Path, size: int, *, first: bool, sparse: bool) -> None:
    """Write an MP4 whose index is that of a film with pictures and sound; its media data are noise, or holes."""
    ftyp = box(b"ftyp", b"isom\0\0\2\0isomavc1mp41")
    pictures, sounds = PER_CHUNK
    length = pictures * FRAME + sounds * SOUND
    count = size // length
    place = len(ftyp) + (len(index(count, 0)) if first else 0) + 8
    moov = index(count, place)
    noise = random.Random(1).randbytes(length)
    with path.open("wb") as file:
        file.write(ftyp + (moov if first else b"") + struct.pack(">I4s", 8 + count * length, b"mdat"))
        if sparse:
            file.truncate(place + count * length)
        for _ in range(0 if sparse else count):
            file.write(noise)
        file.write(b"" if first else moov)
        os.fsync(file.fileno())


def index(count: int, start: int) -> bytes:
    """Return a ``moov`` box for `count` chunks of pictures and of sound in turns from offset `start`."""
    pictures, sounds = PER_CHUNK
    length = pictures * FRAME + sounds * SOUND
    starts = range(start, start + count * length, length)
    mvhd = full(b"mvhd", struct.pack(">4IIH10x", 0, 0, 1000, count * 66, 1 << 16, 256), IDENTITY, bytes(24), uint(3))
    sides = b"vide", (1920, 1080), b"avc1", struct.pack(">16x2H4I2x33xH", 1920, 1080, 72 << 16, 72 << 16, 0, 1, 24)
    tone = b"soun", (0, 0), b"mp4a", struct.pack(">8x2H4xI", 2, 16, 48_000 << 16)
    tracks = (
        track(1, sides, [FRAME] * (count * pictures), pictures, starts),
        track(2, tone, [SOUND] * (count * sounds), sounds, [at + pictures * FRAME for at in starts]),
    )
    return box(b"moov", mvhd, *tracks)


def track(
    number: int,
    kind: tuple[bytes, tuple[int, int], bytes, bytes],
    sizes: Sequence[int],
    per_chunk: int,
    starts: Sequence[int],
) -> bytes:
    handler, (width, height), coding, described = kind
    tkhd = box(b"tkhd", uint(7), struct.pack(">5I8x8x", 0, 0, number, 0, 0), IDENTITY, uint(width << 16, height << 16))
    mdhd = full(b"mdhd", uint(0, 0, 1000, 0, 0))
    hdlr = full(b"hdlr", bytes(4), handler, bytes(13))
    stbl = box(
        b"stbl",
        full(b"stsd", uint(1), box(coding, bytes(7), b"\1", described)),
        full(b"stts", uint(1, len(sizes), 33)),
        full(b"stsc", uint(1, 1, per_chunk, 1)),
        full(b"stsz", uint(0, len(sizes), *sizes)),
        full(b"stco", uint(len(starts), *starts)),
    )
    dinf = box(b"dinf", full(b"dref", uint(1), box(b"url ", uint(1))))
    head = box(b"vmhd", uint(1, 0, 0)) if handler == b"vide" else full(b"smhd", bytes(4))
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, box(b"minf", head, dinf, stbl)))


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *content: bytes) -> bytes:
    return box(kind, bytes(4), *content)


def uint(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)
