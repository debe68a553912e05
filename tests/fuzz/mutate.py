"""Make a damaged or hostile file from a good one, the same from the same seed.

Where the structures of a file lie is found by its first bytes, by walkers that share no code with the package; a file
of any other kind is taken to pieces at random.
"""

import random
import re
import struct
import zlib
from typing import NamedTuple

PNG = b"\x89PNG\r\n\x1a\n"
HOLDERS = {
    b"moov",
    b"trak",
    b"mdia",
    b"minf",
    b"stbl",
    b"dinf",
    b"iprp",
    b"ipco",
    b"grpl",
    b"meta",
    b"iinf",
    b"iref",
    b"jumb",
}
BEFORE_BOXES = {b"meta": 4, b"iref": 4, b"iinf": 6}
VALUES = (0, 1, 2, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LONGEST_TAG = 400


class Layout(NamedTuple):
    """Spans (start, end) of chunks, boxes, segments, entries and tags; fields (offset, width, byte order) of lengths."""

    spans: list
    fields: list


def layout(content):
    """Return what a mutation can take hold of."""
    found = Layout([], [])
    walk = next((walk for knows, walk in WALKERS if knows(content)), None)
    if walk:
        walk(content, found)
    for each in re.finditer(rb"II\*\0|MM\0\*|II\+\0|MM\0\+", content):
        directories(content, each.start(), found)
    for each in re.finditer(rb"(?=(....)jumb)", content, re.DOTALL):
        boxes(content, found, each.start(), min(len(content), each.start() + int.from_bytes(each[1], "big")))
    for each in re.finditer(rb"<[^<>]{1,%d}>" % LONGEST_TAG, content):
        found.spans.append(each.span())
    return found


def segments(content, found):
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        found.spans.append((at, end))
        found.fields.append((at + 2, 2, "big"))
        if content[at + 1] == 0xDA:
            break
        at = end


def chunks(content, found):
    for start, end in png_chunks(content):
        found.spans.append((start, end))
        found.fields.append((start, 4, "big"))


def png_chunks(content):
    at = len(PNG)
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        yield at, end
        at = end


def riff_chunks(content, found):
    found.fields.append((4, 4, "little"))
    at = 12
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        found.spans.append((at, at + 8 + size + size % 2))
        found.fields.append((at + 4, 4, "little"))
        at += 8 + size + size % 2


def boxes(content, found, at=0, end=None):
    end = len(content) if end is None else end
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, at)
        stop = min(end, at + size) if size >= 8 else end
        found.spans.append((at, stop))
        found.fields.append((at, 4, "big"))
        if kind in HOLDERS:
            boxes(content, found, at + 8 + BEFORE_BOXES.get(kind, 0), stop)
        else:
            # Tables and counts of what holds no boxes.
            found.fields.extend((each, 4, "big") for each in range(at + 8, min(stop, at + 64) - 4, 2))
        at = stop


def directories(content, start, found):
    """Take hold of the entries of a TIFF stream: count and value of each, and the link to the next directory."""
    order = "little" if content[start : start + 1] == b"I" else "big"
    big = b"+" in content[start + 2 : start + 4]
    wide, head, size = (8, 8, 20) if big else (4, 2, 12)
    waiting, seen = [start + 8 if big else start + 4], set()
    found.fields.append((waiting[0], wide, order))
    while waiting:
        link = waiting.pop()
        at = start + int.from_bytes(content[link : link + wide], order)
        count = int.from_bytes(content[at : at + head], order)
        if at in seen or count > 200 or at + head + count * size > len(content):
            continue
        seen.add(at)
        found.fields.append((at, head, order))
        for entry in range(at + head, at + head + count * size, size):
            found.spans.append((entry, entry + size))
            found.fields.extend([(entry + 4, wide, order), (entry + 4 + wide, wide, order), (entry + 2, 2, order)])
            if int.from_bytes(content[entry : entry + 2], order) in {0x8769, 0x8825, 0xA005, 0x014A}:
                waiting.append(entry + 4 + wide)
        found.fields.append((at + head + count * size, wide, order))
        waiting.append(at + head + count * size)


def blocks(content, found):
    """Take hold of whatever may be a block of a GIF; walking its picture data is not worth it."""
    for each in re.finditer(rb"\x21[\xf9\xfe\xff\x01]|\x2c....", content, re.DOTALL):
        at = each.start() + 2
        found.spans.append((each.start(), at + 1 + content[at] if at < len(content) else len(content)))
        found.fields.append((at, 1, "little"))


WALKERS = (
    (lambda content: content.startswith(b"\xff\xd8"), segments),
    (lambda content: content.startswith(PNG), chunks),
    (lambda content: content.startswith(b"RIFF"), riff_chunks),
    (lambda content: content[4:8] in {b"ftyp", b"JXL "}, boxes),
    (lambda content: content.startswith(b"GIF8"), blocks),
)


def span(chance, content, found):
    if found.spans and chance.random() < 0.8:
        return chance.choice(found.spans)
    start = chance.randrange(len(content) + 1)
    return start, start + chance.randrange(200)


def position(chance, content):
    """Return an offset: two of three lie where structure does, at the start of the file, its EXIF or manifest."""
    start = max(content.find(chance.choice((b"Exif\0\0", b"jumb"))), 0) if chance.random() < 1 / 2 else 0
    end = len(content) if chance.random() < 1 / 3 else min(start + 600, len(content))
    return chance.randrange(start, end)


def flip_bytes(chance, content, found, other):
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        changed[position(chance, content)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(changed)


def flip_bits(chance, content, found, other):
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        changed[position(chance, content)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def change_length(chance, content, found, other):
    at, width, order = chance.choice(found.fields) if found.fields else (position(chance, content), 4, "big")
    true = int.from_bytes(content[at : at + width], order)
    value = chance.choice((*VALUES, true + 1, true - 1, true * 2, len(content) - at, len(content), at))
    return content[:at] + (value % (1 << 8 * width)).to_bytes(width, order) + content[at + width :]


def truncate(chance, content, found, other):
    end = span(chance, content, found)[chance.randrange(2)]
    return content[: end if chance.random() < 0.5 else chance.randrange(len(content) + 1)]


def remove(chance, content, found, other):
    start, end = span(chance, content, found)
    return content[:start] + content[end:]


def repeat(chance, content, found, other):
    start, end = span(chance, content, found)
    times = 1 if end - start > 10_000 else chance.choice((1, 1, 2, 50))
    return content[:end] + content[start:end] * times + content[end:]


def exchange(chance, content, found, other):
    (start, end), (begin, stop) = sorted((span(chance, content, found), span(chance, content, found)))
    if begin < end:
        return content
    return content[:start] + content[begin:stop] + content[end:begin] + content[start:end] + content[stop:]


def overwrite(chance, content, found, other):
    start, end = span(chance, content, found)
    begin, stop = span(chance, content, found)
    new = content[begin:stop][: end - start]
    return content[:start] + new.ljust(end - start, chance.choice((b" ", b"\0"))) + content[end:]


def graft(chance, content, found, other):
    start, end = span(chance, other, layout(other))
    at = span(chance, content, found)[chance.randrange(2)]
    return content[:at] + other[start:end] + content[at:]


def splice(chance, content, found, other):
    return content[: span(chance, content, found)[0]] + other[span(chance, other, layout(other))[0] :]


def swap_order(chance, content, found, other):
    starts = [each.start() for each in re.finditer(rb"II[*+]\0|MM\0[*+]", content)]
    if starts and chance.random() < 0.5:
        at, width = chance.choice(starts), chance.choice((2, 4))
        mark = content[at : at + 4]
        other_mark = (b"MM" if mark[:1] == b"I" else b"II") + mark[:1:-1]
        return content[:at] + other_mark[:width] + content[at + width :]
    at, width, _ = chance.choice(found.fields) if found.fields else (position(chance, content), 2, "")
    return content[:at] + content[at : at + width][::-1] + content[at + width :]


MUTATIONS = (
    *(flip_bytes, flip_bits, change_length, change_length, change_length, truncate, remove, repeat),
    *(exchange, overwrite, graft, splice, swap_order),
)


LARGEST = 1 << 25  # a length that was changed may ask for gigabytes


def mutant(seed, pool):
    """Return the name of what was mutated how, and the bytes; `pool` is name → bytes."""
    chance = random.Random(seed)
    name = chance.choice(sorted(pool))
    content, done = pool[name], []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        mutate = chance.choice(MUTATIONS)
        other = pool[chance.choice(sorted(pool))]
        content = mutate(chance, content, layout(content), other)[:LARGEST] or b"\0"
        done.append(mutate.__name__)
    if content.startswith(PNG) and chance.random() < 0.8:
        content = with_checksums(content)
        done.append("with_checksums")
    return f"{name}: {', '.join(done)}", content


def with_checksums(content):
    """Return a PNG whose chunks have right checksums, as somebody who means harm would write it."""
    fixed = bytearray(content)
    for start, end in png_chunks(content):
        if end <= len(content):
            struct.pack_into(">I", fixed, end - 4, zlib.crc32(fixed[start + 4 : end - 4]))
    return bytes(fixed)
