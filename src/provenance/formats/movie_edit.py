"""Put labels into a film: by a copy in which nothing moves that need not, or in place.

In a copy, what grows takes its room from a ``free`` box behind it. Where there is none, one is added that makes all
that follows move by whole pages, which the kernel copies as they are; it is the room for the next change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats import bmff, bmff_offsets, quicktime
from provenance.formats.base import FieldName, Fields, check_carrier_size
from provenance.formats.bmff import Box
from provenance.formats.movie import EMPTY, XMP_UUID, Holder, Movie
from provenance.formats.quicktime import Change, Key, Statement
from provenance.formats.quicktime_values import native_time, seconds_of
from provenance.formats.splice import Edit

_PAGE: Final = 4096
_HEAD: Final = 8
_APPLE: Final = "moov.meta"


@dataclass(slots=True)
class Plan:
    """What changes: edits within the index, its own size aside, and boxes beside it.

    Attributes:
        inside: Edits within the index, in the order in which they apply at one place.
        growth: How much the index grows by them.
        packet: A new ``uuid`` box of XMP; None where that stays as it is.
        replaced: The box that it replaces; None where it comes behind the index.
        silenced: Boxes beside the index that are to say nothing any more.
    """

    inside: list[Edit] = field(default_factory=list)
    growth: int = 0
    packet: bytes | None = None
    replaced: Box | None = None
    silenced: list[Box] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether anything changes at all."""
        return bool(self.inside or self.packet is not None or self.silenced)


def plan(file: BinaryIO, movie: Movie, *, xmp: bytes | None, fields: Fields, packet_inside: bool) -> Plan:
    """Return what must change for a film to state `fields` and hold a packet, each once.

    Args:
        file: The film.
        movie: Its structure.
        xmp: The packet; None leaves it as it is.
        fields: See `base.WriteFields`.
        packet_inside: Whether a first packet goes into user data, as in QuickTime files.

    Raises:
        MetadataNotWritten: ``xmp-repeated``: readers would not agree on one of several packets; or see
            `quicktime.changed_user_data`.
        MalformedMedia: ``movie-index-repeated``: what else follows a second index; or a list of keys is damaged.
        MediaTooLarge: A new carrier is larger than any may be.
        OSError: Reading failed.
    """
    if movie.tail is not None and not movie.is_ours and (fields or xmp is not None):
        raise MalformedMedia("movie-index-repeated", offset=movie.tail)
    planned = Plan()
    packet = _packet(movie, planned, xmp, packet_inside=packet_inside)
    statements = list(movie.statements(file))
    changed = {name: text for name, text in fields.items() if not _says(statements, name, text)}
    for text in changed.values():
        check_carrier_size(len(text or ""), movie.moov.start)
    _change_holders(movie, planned, changed, packet, statements)
    if "aigc" in changed:
        for box in movie.literal:
            _silence(movie, planned, box)
    if changed.get("captured_at"):
        _set_clocks(file, movie, planned, changed["captured_at"] or "", statements)
    return planned


def _packet(movie: Movie, planned: Plan, xmp: bytes | None, *, packet_inside: bool) -> bytes | None:
    """Plan the ``uuid`` box of a new packet, or return the packet where it goes into user data."""
    if xmp is None:
        return None
    check_carrier_size(len(xmp), movie.moov.start)
    if len(movie.packets) > 1:
        raise MetadataNotWritten("xmp-repeated", offset=movie.packets[1].box.start)
    present = movie.packets[0] if movie.packets else None
    if present and present.data == xmp:
        return None
    if present.box.kind == b"udta" if present else packet_inside:
        return xmp
    planned.packet = bmff.pack(b"uuid", XMP_UUID + xmp)
    planned.replaced = present.box if present else None
    return None


def _says(statements: Sequence[Statement], name: FieldName, text: str | None) -> bool:
    """Say whether a film states a field as wanted already: once, in its native place, or nowhere."""
    found = [each for each in statements if each.name == name]
    told = [each for each in found if not each.beside]
    if text is None:
        return not found
    return len(told) == 1 and told[0].native and told[0].value == text


def _change_holders(
    movie: Movie,
    planned: Plan,
    changed: Fields,
    packet: bytes | None,
    statements: Sequence[Statement],
) -> None:
    """Plan other contents of the boxes that hold metadata, each field at its home."""
    if not changed and packet is None:
        return
    texts: dict[str, dict[FieldName, str]] = {}
    for name, text in changed.items():
        if text is not None:
            native = native_time(text) if name == "captured_at" else text
            texts.setdefault(_home_of(movie, name, statements), {})[name] = native
    keys = _tables(movie, texts)
    grown: dict[Box, int] = {}
    waiting = packet
    present = movie.packets[0].box if movie.packets else None
    for holder in movie.holders:
        is_user_data = holder.path == quicktime.USER_DATA
        change = Change(changed.keys(), {})
        if is_user_data or _keys_of(holder) is not None:
            change = change._replace(texts=texts.pop(holder.path, {}), keys=keys.pop(holder.path, None))
        if is_user_data and present in {None, holder.box}:
            change, waiting = change._replace(xmp=waiting), None
        _change_holder(planned, holder, change, grown)
    if texts or waiting is not None:
        home = quicktime.USER_DATA
        change = Change(frozenset(), texts.get(home, {}), keys.get(home), waiting)
        new = bmff.pack(b"udta", quicktime.changed_user_data(b"", home, change))
        planned.inside.append(Edit(movie.inside, movie.inside, new))
        planned.growth += len(new)
    for box, growth in grown.items():
        planned.inside += bmff.resized(box, growth)


def _change_holder(planned: Plan, holder: Holder, change: Change, grown: dict[Box, int]) -> None:
    if holder.box.kind == b"udta":
        new = quicktime.changed_user_data(holder.payload, holder.path, change)
    else:
        new = quicktime.changed_list(holder.payload, holder.path, change)
    if new == holder.payload:
        return
    edit = Edit(holder.box.payload, holder.box.end, new)
    planned.inside.append(edit)
    planned.growth += edit.growth
    for box in (holder.box, *holder.around[1:]):
        grown[box] = grown.get(box, 0) + edit.growth


def _home_of(movie: Movie, name: FieldName, statements: Sequence[Statement]) -> str:
    """Return the path of the box that a field goes into: where it stands, or else where Apple's own keys stand."""
    for each in statements:
        if each.name == name and each.native:
            path = each.location.partition(":")[0]
            return quicktime.USER_DATA if path.startswith(quicktime.USER_DATA) else path
    keyed = any(_keys_of(holder) is not None for holder in movie.holders if holder.path == _APPLE)
    return _APPLE if keyed and name != "aigc" else quicktime.USER_DATA


def _keys_of(holder: Holder) -> list[Key] | None:
    return quicktime.keys_of(holder.payload, holder.path) if holder.path in {_APPLE, quicktime.USER_DATA} else None


def _tables(movie: Movie, texts: Mapping[str, Mapping[FieldName, str]]) -> dict[str, list[Key]]:
    """Return the keys that each list needs, by the path of its holder.

    Two lists get the same keys: ffmpeg takes the first list's for the items of both.
    """
    if not texts:
        return {}
    own: dict[str, list[Key]] = {}
    for holder in movie.holders:
        if (found := _keys_of(holder)) is not None:
            own.setdefault(holder.path, found)
    longest = max(own.values(), key=len, default=[])
    if any(table != longest[: len(table)] for table in own.values()):
        return {path: _extended(own.get(path, []), named) for path, named in texts.items()}
    shared = _extended(longest, [name for named in texts.values() for name in named])
    return dict.fromkeys([*own, *texts], shared)


def _extended(keys: Sequence[Key], names: Iterable[FieldName]) -> list[Key]:
    return [*keys, *(key for key in map(quicktime.native_key, names) if key not in keys)]


def _silence(movie: Movie, planned: Plan, box: Box) -> None:
    """Plan that a box says nothing any more, without anything moving."""
    if box in movie.top:
        planned.silenced.append(box)
    else:
        planned.inside += _silent(box)


def _silent(box: Box) -> list[Edit]:
    return [Edit(box.start + 4, box.start + 8, b"free"), Edit(box.payload, box.end, bytes(box.end - box.payload))]


def _set_clocks(file: BinaryIO, movie: Movie, planned: Plan, captured_at: str, statements: Sequence[Statement]) -> None:
    """Plan the times of creation in the headers, where they are not set or say what the film said before.

    Encoders put their own time there, which nobody may take for that of the capture or overwrite with it.
    """
    seconds = seconds_of(captured_at)
    stated = next((each.value for each in statements if each.name == "captured_at" and each.native), None)
    ours = {0, (seconds_of(stated) if stated else None) or 0}
    edits = []
    for header in movie.headers:
        version, *_ = bmff.content(file, header, limit=1) or b"\0"
        start, size = header.payload + 4, 8 if version else 4
        if start + size > header.end:
            raise bmff.damaged(header.start)
        fits = seconds is not None and 0 < seconds < 1 << 8 * size
        is_ours = int.from_bytes(bmff.span(file, start, size), "big") in ours
        if header.kind == b"mvhd" and not (fits and is_ours):
            return
        if seconds is not None and fits and is_ours:
            edits.append(Edit(start, start + size, seconds.to_bytes(size, "big")))
    planned.inside += edits


def edits(file: BinaryIO, movie: Movie, planned: Plan) -> list[Edit]:
    """Return the edits of a copy; `splice` applies them.

    Raises:
        MetadataNotWritten: A size or an offset does not fit, or an offset cannot be moved: see `bmff.resized` and
            `bmff_offsets.moved`.
        MalformedMedia: A table breaks its form.
        MediaTooLarge: A table is larger than any metadata may be.
        OSError: Reading failed.
    """
    out = [*planned.inside, *index_size(movie.moov, planned.growth)]
    for box in planned.silenced:
        out += _silent(box)
    growth = {movie.moov: planned.growth}
    if planned.packet is not None:
        old = planned.replaced
        place = (old.start, old.end) if old else (movie.moov.end, movie.moov.end)
        edit = Edit(*place, planned.packet)
        out.append(edit)
        growth[old or movie.moov] = growth.get(old or movie.moov, 0) + edit.growth
    out += _paddings(file, movie, growth)
    if movie.tail is not None:
        out.append(Edit(movie.tail, movie.size, b""))
    move = bmff.move_by(out)
    if any(move(box.start) != box.start for box in movie.top if box.kind not in EMPTY):
        out += bmff_offsets.moved(file, movie.top, movie.moov, move)
    return out


def index_size(moov: Box, growth: int) -> list[Edit]:
    """Return the edit of the index's size field; see `bmff.resized` for the error."""
    # One that reached to the end of the file gets a size, since something may follow it now.
    if moov.open:
        return bmff.resized(moov._replace(open=False), growth) or [_sized(moov)]
    return bmff.resized(moov, growth)


def _sized(box: Box) -> Edit:
    return Edit(box.start, box.start + 4, (box.end - box.start).to_bytes(4, "big"))


def _paddings(file: BinaryIO, movie: Movie, growth: Mapping[Box, int]) -> Iterator[Edit]:
    """Yield edits of ``free`` boxes that keep what follows where it is, or at the same place of a later page."""
    carried = 0
    for number, box in enumerate(movie.top):
        if box not in growth:
            continue
        carried += growth[box]
        behind = movie.top[number + 1 :]
        if behind and behind[0] in growth:
            continue
        if carried and any(each.kind not in EMPTY for each in behind):
            free = behind[0]
            usable = free.kind == b"free" and not free.open and free.payload - free.start == _HEAD
            if usable and bmff_offsets.points_into(file, movie.moov, free.start, free.end):
                usable = False
            yield _padding(box.end, free if usable else None, carried)
        carried = 0


def _padding(place: int, free: Box | None, growth: int) -> Edit:
    """Return the edit of a free box at `place`, old or new, behind what has grown."""
    room = free.end - free.start if free else 0
    size = room - growth
    if size and size < _HEAD:
        size += -(-(_HEAD - size) // _PAGE) * _PAGE
    if free is None or not size:
        return Edit(place, place + room, bmff.pack(b"free", bytes(size - _HEAD)) if size else b"")
    head = size.to_bytes(4, "big") + b"free"
    if size > room:
        return Edit(free.start, free.payload, head + bytes(size - room))
    return Edit(free.start, free.end - (size - _HEAD), head)
