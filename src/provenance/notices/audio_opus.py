"""Put packets into Ogg files with Opus: in pages of their own, which only the numbers of the later ones notice.

Sources: RFC 3533 (Ogg); RFC 7845, 4 and 5 (Opus in it); RFC 6716, 3.1 (how long a packet is).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import BinaryIO, Final, NamedTuple

from provenance._files import copy_range
from provenance.errors import MalformedMedia
from provenance.formats import ogg, vorbis_comment
from provenance.formats.ogg import Page
from provenance.notices import audio_codec
from provenance.notices.audio_codec import Encoded, Setting
from provenance.notices.audio_job import Job, Put, Written, refuse_chapters
from provenance.notices.audio_stream import Samples
from provenance.notices.refusal import does_not_fit

_HEAD: Final = struct.Struct("<8sBBHIhB")  # magic, version, channels, pre-skip, rate before, gain, family
_MAGIC: Final = b"OpusHead"
_TAGS: Final = b"OpusTags"
_RATE: Final = 48_000
_LEAST_RATE, _MOST_RATE = 16_000, 128_000  # bits a second and channel
_FRAMES: Final = (480, 960, 1920, 2880)  # samples in a frame of speech, by the two lowest bits of its setting
_MIXED: Final = (480, 960)
_MUSIC: Final = (120, 240, 480, 960)
_FIRST_MIXED, _FIRST_MUSIC = 12, 16
_SEGMENT: Final = 255
_A_PAGE: Final = 25  # packets of half a second
_NUMBERS: Final = 0xFFFFFFFF


class _Stream(NamedTuple):
    """The one stream: what it says of itself, its pages of sound, and the sample at which the first one begins."""

    head: bytes
    skipped: int
    gain: float
    pages: list[Page]
    begin: int


class _Part(NamedTuple):
    """Packets put in before a page of sound."""

    page: int
    granule: int
    made: Encoded


def insert(job: Job, target: BinaryIO) -> Written:
    """Append the source to `target` with the notice at each position.

    Raises:
        MalformedMedia: ``ogg-damaged``, ``ogg-truncated``, ``ogg-checksum``.
        NoticeDoesNotFit: ``audio-several``: it holds more than one stream; ``audio-profile``: the encoder lays out its
            channels otherwise; ``audio-positions``; ``audio-encoder``.
        OSError: Reading or writing failed.
    """
    stream = _read(job.file, chapters=job.at == ("end",))
    parts, starts, put, before = [], [], [], 0
    for position in job.at:
        page, granule = _place(job, position, stream)
        label, silence = job.framed(position, 1 / stream.gain)
        made = _encoded(job, stream, label)
        begin = granule - stream.begin + before + made.delay + silence - stream.skipped
        starts.append(begin / _RATE)
        before += len(made.packets) * made.size
        parts.append(_Part(page, granule, made))
        put.append(Put(sum(_ended(each) for each in stream.pages[:page]), len(made.packets)))
    _write(job.file, target, stream, parts)
    return Written(starts, "packets opus", put)


def _read(file: BinaryIO, *, chapters: bool) -> _Stream:
    """Return the stream; see `insert` for the errors. Without `chapters` a stream that has them is refused."""
    pages = list(ogg.pages(file))
    first = pages[0]
    if len({page.serial for page in pages}) > 1 or any(page.flags & ogg.FIRST for page in pages[1:]):
        raise does_not_fit("audio-several", count=2)
    head = ogg.payload(file, first)
    if len(head) < _HEAD.size or not head.startswith(_MAGIC):
        raise does_not_fit("audio-codec", codec="Ogg")
    headers = ogg.headers(file, iter(pages[1:]), first)
    if not headers.packets[0].startswith(_TAGS):
        raise MalformedMedia("ogg-damaged", offset=headers.pages[0].start)
    if not chapters:
        refuse_chapters(vorbis_comment.parse(headers.packets[0][len(_TAGS) :], headers.pages[0].data))
    sound = [page for page in pages if page.start >= headers.pages[-1].end]
    if not sound:
        raise does_not_fit("audio-empty")
    _, _, _, skipped, _, gain, _ = _HEAD.unpack_from(head)
    begin = max(0, sound[0].granule - _length(file, sound[:1])) if sound[0].granule > 0 else 0
    return _Stream(head, skipped, 10 ** (gain / 256 / 20), sound, begin)


def _place(job: Job, position: str, stream: _Stream) -> tuple[int, int]:
    """Return before which page a position is, and how many samples are before it."""
    pages = stream.pages
    if position == "start":
        return 0, stream.begin
    if position == "end":
        return len(pages), _whole_end(job.file, stream)
    wanted = job.quiet() * _RATE + stream.skipped + stream.begin
    places = [
        (number + 1, page.granule)
        for number, page in enumerate(pages[:-1])
        if page.granule >= 0 and not pages[number + 1].flags & ogg.CONTINUED
    ]
    return min(places, key=lambda each: abs(each[1] - wanted), default=(0, stream.begin))


def _whole_end(file: BinaryIO, stream: _Stream) -> int:
    """Return how many samples there are when none is left out at the end any more (RFC 7845, 4.4)."""
    *others, last = stream.pages
    before = next((page for page in reversed(others) if page.granule >= 0), None)
    start = len(others) if before is None else others.index(before) + 1
    behind = stream.begin if before is None else before.granule
    return max(last.granule, behind + _length(file, stream.pages[max(0, start - 1) :], skip=min(start, 1)))


def _length(file: BinaryIO, pages: Sequence[Page], skip: int = 0) -> int:
    """Return how long the packets are that end in `pages`, but for those that end in the first `skip` of them."""
    total, rest = 0, b""
    for number, page in enumerate(pages):
        data, at = ogg.payload(file, page), 0
        packet = rest if page.flags & ogg.CONTINUED else b""
        for size in page.lacing:
            packet += data[at : at + size]
            at += size
            if size < _SEGMENT:
                total += _samples(packet) if number >= skip else 0
                packet = b""
        rest = packet
    return total


def _samples(packet: bytes) -> int:
    """Return how long a packet is, in samples."""
    if not packet:
        return 0
    setting, code = packet[0] >> 3, packet[0] & 3
    if setting >= _FIRST_MUSIC:
        size = _MUSIC[setting & 3]
    else:
        size = _MIXED[setting & 1] if setting >= _FIRST_MIXED else _FRAMES[setting & 3]
    several = packet[1] & 0x3F if len(packet) > 1 else 0
    return size * (1, 2, 2, several)[code]


def _ended(page: Page) -> int:
    return sum(size < _SEGMENT for size in page.lacing)


def _encoded(job: Job, stream: _Stream, label: Samples) -> Encoded:
    spent = sum(page.end - page.data for page in stream.pages) * 8 / max(job.sound.seconds, 1.0)
    channels = job.sound.channels
    rate = int(min(max(spent, _LEAST_RATE * channels), _MOST_RATE * channels))
    made = audio_codec.encoded(job.sound, Setting(rate, "flt"), label)
    config = made.config
    if (config[9], config[_HEAD.size - 1 :]) != (stream.head[9], stream.head[_HEAD.size - 1 :]):
        raise does_not_fit("audio-profile", profile=f"Opus, {channels}")
    return made


def _write(source: BinaryIO, target: BinaryIO, stream: _Stream, parts: Sequence[_Part]) -> None:
    """Append the source with the parts; pages before the first one go over as they are."""
    position, shift, longer = 0, 0, 0
    left = list(parts)
    for number, page in enumerate(stream.pages):
        if left and left[0].page == number:
            copy_range(source, target, position, page.start - position)
            position = page.start
            made = _pages(left.pop(0), page.serial, page.number + shift, longer)
            target.write(b"".join(made.pages))
            shift, longer = shift + len(made.pages), longer + made.samples
        end = left[0] if left and number + 1 == len(stream.pages) else None
        if shift or end:
            copy_range(source, target, position, page.start - position)
            target.write(ogg.packed(_renewed(page, shift, longer, end), ogg.payload(source, page)))
            position = page.end
    for part in left:
        last = stream.pages[-1]
        made = _pages(part, last.serial, last.number + 1 + shift, longer, last.flags & ogg.LAST)
        target.write(b"".join(made.pages))
    copy_range(source, target, position, source.seek(0, os.SEEK_END) - position)


def _renewed(page: Page, shift: int, longer: int, end: _Part | None) -> Page:
    """Return a page of the source that pages were put before; one that a part follows no longer ends the stream."""
    number = (page.number + shift) & _NUMBERS
    if end is not None:
        return page._replace(number=number, granule=end.granule + longer, flags=page.flags & ~ogg.LAST)
    granule = page.granule + longer if page.granule >= 0 else page.granule
    return page._replace(number=number, granule=granule)


class _Made(NamedTuple):
    pages: list[bytes]
    samples: int


def _pages(part: _Part, serial: int, number: int, longer: int, last: int = 0) -> _Made:
    made: list[bytes] = []
    done = 0
    packets = part.made.packets
    for at in range(0, len(packets), _A_PAGE):
        group = packets[at : at + _A_PAGE]
        lacing = b"".join(b"\xff" * (len(each) // _SEGMENT) + bytes([len(each) % _SEGMENT]) for each in group)
        if len(lacing) > _SEGMENT:
            raise does_not_fit("audio-profile", profile="Opus")
        done += len(group) * part.made.size
        flags = last if at + _A_PAGE >= len(packets) else 0
        page = Page(0, 0, flags, part.granule + longer + done, serial, (number + len(made)) & _NUMBERS, 0, lacing)
        made.append(ogg.packed(page, b"".join(group)))
    return _Made(made, done)
