"""See that a sound with a notice put in is the source's, but for the notice, and that the notice is heard."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from provenance.model.notice import Notice
from provenance.notices import audio_measure
from provenance.notices.audio_job import Job, Put, Written
from provenance.notices.audio_stream import track

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet


def holds(job: Job, target: BinaryIO, written: Written, notices: Sequence[Notice]) -> bool:
    """Say whether every notice is heard alone in `target`, and every packet of the source is there in its order.

    Raises:
        MediaError: `target` cannot be read.
        OSError: Reading failed.
    """
    readings = audio_measure.measured(target, job.name, notices)
    if not all(each.found and not each.over_content for each in readings):
        return False
    return written.put is None or _same_packets(job, target, written.put)


def _same_packets(job: Job, target: BinaryIO, put: Sequence[Put]) -> bool:
    """Compare packet by packet; both files are read side by side."""
    with track(job.file, job.name) as (container, stream):
        ours = _packets(container.demux(stream))
        with track(target, job.name) as (other, other_stream):
            theirs = _packets(other.demux(other_stream))
            before = 0
            for each in put:
                wanted = each.before - before
                pairs = itertools.zip_longest(itertools.islice(ours, wanted), itertools.islice(theirs, wanted))
                if not all(one == two for one, two in pairs):
                    return False
                if sum(1 for _ in itertools.islice(theirs, each.packets)) < each.packets:
                    return False
                before = each.before
            return all(one == two for one, two in itertools.zip_longest(ours, theirs))


def _packets(demuxed: Iterator[Packet[AudioStream]]) -> Iterator[bytes]:
    return (bytes(packet) for packet in demuxed if packet.size)
