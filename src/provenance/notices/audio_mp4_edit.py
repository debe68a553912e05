"""Put packets into M4A files: into the media data, among those of the content, and into every table that counts them.

Sources: ISO/IEC 14496-12, 8.6 and 8.7; ISO/IEC 14496-3, 1.6.2 (what a decoder of AAC must know).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from provenance.formats import bmff, bmff_offsets, movie_edit
from provenance.formats.bmff import Box
from provenance.formats.splice import Edit, splice
from provenance.notices import audio_codec
from provenance.notices.audio_codec import Encoded, Setting
from provenance.notices.audio_job import Job, Put, Written
from provenance.notices.audio_mp4 import Numbers, Track, numbers, read
from provenance.notices.audio_stream import Samples, Sound
from provenance.notices.refusal import does_not_fit

_SAME_SPEED: Final = 1 << 16
_ALAC_SAME: Final = (slice(12, 22), slice(32, 36))  # of its record: all but how large packets are
_ALAC_BITS: Final = 17  # where in that record
_AAC_SAME: Final = 2  # bytes: kind, rate, channels, length of a packet
_LEAST_RATE: Final = 32_000  # bits a second and channel
_TABLES: Final = {b"stco": 4, b"co64": 8}  # of chunks, and bytes of an offset there
_GAPLESS: Final = re.compile(rb"iTunSMPB.{1,64}? [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{8} ([0-9A-F]{16})", re.DOTALL)


class _Part(NamedTuple):
    """Packets put in before one of the source's, each so many ticks long."""

    before: int
    packets: list[bytes]
    ticks: int

    @property
    def data(self) -> bytes:
        """All of them."""
        return b"".join(self.packets)

    @property
    def length(self) -> int:
        """How long they are together, in ticks."""
        return self.ticks * len(self.packets)


def insert(job: Job, target: BinaryIO) -> Written:
    """Append the source to `target` with the notice at each position.

    Raises:
        MalformedMedia: A table breaks its form.
        MetadataNotWritten: An offset or a size does not fit its field.
        NoticeDoesNotFit: ``audio-profile``: the encoder does not write such packets; ``audio-positions``: another track
            would no longer go with the sound; ``audio-encoder``; or see `read`.
        OSError: Reading or writing failed.
    """
    track, others = read(job.file)
    if job.at != ("end",):
        _refuse_positions(job.file, track, others)
    shown, skipped = _shown(job.file, track)
    parts, starts, before = [], [], 0
    for position in job.at:
        number = _packet_at(job, position, track, skipped)
        label, silence = job.framed(position)
        made = _encoded(job.sound, label)
        part = _Part(number, made.packets, _ticks(track, made, job.sound))
        begin = (int(track.durations[:number].sum()) + before - skipped) / track.rate
        starts.append(shown + begin + (made.delay + silence) / job.sound.rate)
        before += part.length
        parts.append(part)
    splice(job.file, target, _edits(job.file, track, parts))
    return Written(starts, f"packets {job.sound.codec}", [Put(each.before, len(each.packets)) for each in parts])


def _refuse_positions(file: BinaryIO, track: Track, others: Sequence[bytes]) -> None:
    """Refuse what goes with the sound by its times, which a notice before its end moves."""
    for kind in others:
        raise does_not_fit("audio-positions", name=kind.decode("ascii", "backslashreplace"))
    for udta in bmff.find(file, track.moov, b"udta"):
        if any(True for _ in bmff.find(file, udta, b"chpl")):
            raise does_not_fit("audio-positions", name="chpl")


def _packet_at(job: Job, position: str, track: Track, skipped: int) -> int:
    if position != "middle":
        return 0 if position == "start" else len(track.sizes)
    ends = np.cumsum(track.durations)
    wanted = job.quiet() * track.rate + skipped
    return int(np.clip(np.searchsorted(ends, wanted, side="right"), 1, len(track.sizes)))


def _encoded(sound: Sound, label: Samples) -> Encoded:
    """Return the notice in packets that the decoder of the content takes."""
    if sound.codec == "alac":
        bits = sound.config[_ALAC_BITS]
        made = audio_codec.encoded(sound, Setting(sample_format="s16p" if bits == 16 else "s32p"), label)  # noqa: PLR2004
        if any(made.config[same] != sound.config[same] for same in _ALAC_SAME):
            raise does_not_fit("audio-profile", profile="ALAC")
        return made
    rate = max(sound.bit_rate, _LEAST_RATE * sound.channels)
    # Noise that a decoder makes up would leave its mark on the noise of the content.
    made = audio_codec.encoded(sound, Setting(rate, options={"aac_pns": "0"}), label)
    if made.config[:_AAC_SAME] != sound.config[:_AAC_SAME]:
        raise does_not_fit("audio-profile", profile=sound.profile)
    return made


def _ticks(track: Track, made: Encoded, sound: Sound) -> int:
    ticks, rest = divmod(made.size * track.rate, sound.rate)
    if rest:
        raise does_not_fit("audio-kind", name="mdhd")
    return ticks


def _shown(file: BinaryIO, track: Track) -> tuple[float, int]:
    """Return after how many seconds the sound starts, and how many ticks of it are left out (8.6.6)."""
    if track.edits is None:
        return 0.0, 0
    fields = bmff.fields(file, track.edits)
    wide = 8 if fields.version()[0] else 4
    lengths: list[int] = []
    for _ in range(fields.number(4)):
        length = fields.number(wide)
        start = int.from_bytes(fields.raw(wide), "big", signed=True)
        if fields.number(4) != _SAME_SPEED:
            break
        if start >= 0:
            if fields.left:
                break
            return sum(lengths) / _film_rate(file, track), start
        lengths.append(length)
    raise does_not_fit("audio-kind", name="elst")


def _film_rate(file: BinaryIO, track: Track) -> int:
    for mvhd in bmff.find(file, track.moov, b"mvhd"):
        fields = bmff.fields(file, mvhd)
        fields.raw(16 if fields.version()[0] else 8)
        return fields.number(4) or 1
    raise bmff.damaged(track.moov.start)


def _edits(file: BinaryIO, track: Track, parts: Sequence[_Part]) -> list[Edit]:
    media = [Edit(track.offset(each.before), track.offset(each.before), each.data) for each in parts]
    chunks = _chunks(track, parts)
    table = next(each for kind in _TABLES for each in track.tables.get(kind, ()))
    size = _TABLES[table.kind]
    index = [*_tables(file, track, parts), _replaced(track.tables[b"stsc"][0], _runs_of_chunks(chunks))]
    # What the table of chunks will hold is known once it is known how long it is.
    unknown = _replaced(table, _four(len(chunks)) + bytes(size * len(chunks)))
    growth = sum(each.growth for each in index) + unknown.growth
    resized = [edit for box in track.around for edit in bmff.resized(box, growth)]
    resized += [*movie_edit.index_size(track.moov, growth), *_media_sizes(track, media)]
    edits = [*index, *resized, *_lengths(file, track, sum(each.length for each in parts)), *media]
    move = bmff.move_by([*edits, unknown])
    elsewhere = bmff_offsets.moved(file, track.top, track.moov, move)
    edits += [each for each in elsewhere if not table.start <= each.start < table.end]
    # What is put in ends where the packet begins that it was put before.
    places = np.array([move(each.start) - each.new for each in chunks], np.int64)
    if int(places.max(initial=0)) >= 1 << 8 * size:
        raise does_not_fit("audio-full")
    return [*edits, _replaced(table, _four(len(places)) + places.astype(f">u{size}").tobytes())]


class _Chunk(NamedTuple):
    """A chunk: where it starts in the source, how many packets it holds, and how many new bytes those take."""

    start: int
    packets: int
    new: int = 0


def _chunks(track: Track, parts: Sequence[_Part]) -> list[_Chunk]:
    """Return every chunk, those cut in two in which packets are put."""
    found: list[_Chunk] = []
    left = list(parts)
    first = 0
    for start, count in zip(track.chunks.tolist(), track.counts.tolist(), strict=True):
        done = 0
        while left and left[0].before < first + count:
            cut = left[0].before - first
            if cut > done:
                found.append(_Chunk(track.offset(first + done) if done else start, cut - done))
            found.append(_new_chunk(track, left.pop(0)))
            done = cut
        found.append(_Chunk(track.offset(first + done) if done else start, count - done))
        first += count
    return [*found, *(_new_chunk(track, part) for part in left)]


def _new_chunk(track: Track, part: _Part) -> _Chunk:
    return _Chunk(track.offset(part.before), len(part.packets), len(part.data))


def _runs_of_chunks(chunks: Sequence[_Chunk]) -> bytes:
    lengths, values = _runs_of(np.array([each.packets for each in chunks], np.int64))
    firsts = np.concatenate(([1], 1 + np.cumsum(lengths)[:-1]))
    table = np.stack((firsts, values, np.ones_like(values)), axis=1).astype(">u4")
    return _four(len(table)) + table.tobytes()


def _runs_of(values: Numbers) -> tuple[Numbers, Numbers]:
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    return np.diff(np.append(starts, len(values))), values[starts]


def _tables(file: BinaryIO, track: Track, parts: Sequence[_Part]) -> Iterator[Edit]:
    """Yield the tables that speak of each packet."""
    sizes = _with(track.sizes, [(each.before, [len(packet) for packet in each.packets]) for each in parts])
    yield _replaced(track.tables[b"stsz"][0], bytes(4) + _four(len(sizes)) + sizes.astype(">u4").tobytes())
    durations = _with(track.durations, [(each.before, [each.ticks] * len(each.packets)) for each in parts])
    runs = np.stack(_runs_of(durations), axis=1).astype(">u4")
    yield _replaced(track.tables[b"stts"][0], _four(len(runs)) + runs.tobytes())
    for box in track.tables.get(b"sbgp", []):
        yield _groups(file, track, box, parts)


def _with(values: Numbers, new: Sequence[tuple[int, Sequence[int]]]) -> Numbers:
    pieces, position = [], 0
    for before, added in new:
        pieces += [values[position:before], np.array(added, np.int64)]
        position = before
    return np.concatenate([*pieces, values[position:]])


def _groups(file: BinaryIO, track: Track, box: Box, parts: Sequence[_Part]) -> Edit:
    """Return a grouping of packets in which new ones are in the group of their neighbour (8.9.2).

    The groups of sound say how many packets before it one needs, which is the same for all of a track.
    """
    fields = bmff.fields(file, box)
    head = fields.raw(12 if fields.data[0] else 8)
    runs = numbers(fields, fields.number(4), 2)
    if (runs[:, 0] > len(track.sizes)).any():
        raise bmff.damaged(box.start)
    grouped = np.repeat(runs[:, 1], runs[:, 0])[: len(track.sizes)]
    groups = np.zeros(len(track.sizes), np.int64)
    groups[: len(grouped)] = grouped
    new = [(each.before, [int(groups[min(each.before, len(groups) - 1)])] * len(each.packets)) for each in parts]
    pairs = np.stack(_runs_of(_with(groups, new)), axis=1).astype(">u4")
    return Edit(box.start, box.end, bmff.pack(b"sbgp", head + _four(len(pairs)) + pairs.tobytes()))


def _replaced(box: Box, payload: bytes) -> Edit:
    return Edit(box.start, box.end, bmff.pack(box.kind, bytes(4) + payload))


def _four(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _media_sizes(track: Track, media: Sequence[Edit]) -> Iterator[Edit]:
    grown: dict[Box, int] = {}
    for each in media:
        around = next((box for box in track.top if box.payload <= each.start <= box.end and box.kind == b"mdat"), None)
        if around is None:
            raise bmff.damaged(track.moov.start)
        grown[around] = grown.get(around, 0) + each.growth
    for box, growth in grown.items():
        yield from bmff.resized(box, growth)


def _lengths(file: BinaryIO, track: Track, ticks: int) -> Iterator[Edit]:
    """Yield the edits of every length: of the media, the track, its edit and the film."""
    film = round(ticks * _film_rate(file, track) / track.rate)
    yield from _longer(file, track.header, (20, 12), ticks, rate=True)
    for tkhd in bmff.find(file, track.around[0], b"tkhd"):
        yield from _longer(file, tkhd, (24, 16), film)
    for mvhd in bmff.find(file, track.moov, b"mvhd"):
        yield from _longer(file, mvhd, (20, 12), film, rate=True)
    if track.edits is not None:
        fields = bmff.fields(file, track.edits)
        wide = 8 if fields.version()[0] else 4
        # The last entry is the one that sounds.
        at = track.edits.payload + 8 + (fields.number(4) - 1) * (2 * wide + 4)
        yield _raised(file, at, wide, film)
    for udta in bmff.find(file, track.moov, b"udta"):
        match = _GAPLESS.search(bmff.content(file, udta))
        if match:
            value = int(match.group(1), 16) + ticks
            yield Edit(udta.payload + match.start(1), udta.payload + match.end(1), f"{value:016X}".encode())


def _longer(file: BinaryIO, box: Box, places: tuple[int, int], growth: int, *, rate: bool = False) -> Iterator[Edit]:
    is_wide = bmff.fields(file, box).version()[0] == 1
    at = box.payload + (places[0] if is_wide else places[1]) + 4 * rate
    yield _raised(file, at, 8 if is_wide else 4, growth)


def _raised(file: BinaryIO, at: int, size: int, growth: int) -> Edit:
    value = int.from_bytes(bmff.span(file, at, size), "big")
    most = (1 << 8 * size) - 1
    # All ones: nobody knows.
    return Edit(at, at + size, (value if value == most else min(value + growth, most)).to_bytes(size, "big"))
