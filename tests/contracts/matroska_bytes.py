"""Matroska written by hand, and a second reader of it that holds every position in a file to what it leads to."""

import zlib

EBML, SEGMENT, SEEK_HEAD, SEEK, SEEK_ID, SEEK_POSITION = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
INFO, TRACKS, TAGS, CLUSTER, CUES, VOID, CRC = 0x1549A966, 0x1654AE6B, 0x1254C367, 0x1F43B675, 0x1C53BB6B, 0xEC, 0xBF
TAG, TARGETS, TRACK_UID, LEVEL, SIMPLE, NAME, STRING, BINARY = (
    0x7373,
    0x63C0,
    0x63C5,
    0x68CA,
    0x67C8,
    0x45A3,
    0x4487,
    0x4485,
)
CUE_POINT, CUE_POSITIONS, CUE_CLUSTER, CUE_REFERENCE, CUE_REF_CLUSTER = 0xBB, 0xB7, 0xF1, 0xDB, 0x97
TIMESTAMP, POSITION, SIMPLE_BLOCK = 0xE7, 0xA7, 0xA3
MASTERS = {SEGMENT, SEEK_HEAD, SEEK, TAGS, TAG, TARGETS, SIMPLE, CUES, CUE_POINT, CUE_POSITIONS, CUE_REFERENCE}
TOP = {SEEK_HEAD, INFO, TRACKS, TAGS, CLUSTER, CUES, 0x1941A469, 0x1043A770, EBML, SEGMENT}


def number(value, width=None):
    return value.to_bytes(width or max(1, (value.bit_length() + 7) // 8), "big")


def size(length, width=None):
    width = width or next(width for width in range(1, 9) if length < (1 << 7 * width) - 1)
    return (1 << 7 * width | length).to_bytes(width, "big")


def element(kind, *parts, width=None):
    body = b"".join(parts)
    return number(kind) + size(len(body), width) + body


def endless(kind, *parts, width=8):
    return (
        number(kind)
        + (0xFF >> (width - 1) << 8 * (width - 1) | (1 << 8 * (width - 1)) - 1).to_bytes(width, "big")
        + b"".join(parts)
    )


def header(doc_type="matroska", **fields):
    kinds = {"version": 0x42F7, "id_length": 0x42F2, "size_length": 0x42F3}
    return element(
        EBML,
        *(element(kinds[name], number(value)) for name, value in fields.items()),
        element(0x4282, doc_type.encode()),
    )


def simple(name, value, *nested, kind=STRING):
    return element(SIMPLE, element(NAME, name.encode()), element(kind, value.encode()), *nested)


def tag(*simples, targets=b""):
    return element(TAG, element(TARGETS, targets), *simples)


def track(kind=1, width=64, height=48):
    video = element(0xE0, element(0xB0, number(width)), element(0xBA, number(height)))
    return element(
        0xAE, element(0xD7, b"\1"), element(0x73C5, b"\1"), element(0x83, number(kind)), video if kind == 1 else b""
    )


def cluster(number_of_it, *parts, length=400):
    block = element(SIMPLE_BLOCK, b"\x81\0\0\x80", bytes([number_of_it]) * length)
    return element(CLUSTER, element(TIMESTAMP, number(number_of_it * 100)), *parts, block)


def checked(kind, *parts):
    """Return an element that starts with its checksum."""
    body = b"".join(parts)
    return element(kind, element(CRC, zlib.crc32(body).to_bytes(4, "little")), body)


def laid_out(*parts, width=8, doc_type="matroska", tail=b"", seek_width=None, endless_segment=False):
    """Return a file of named parts, some of them functions of where each of them starts in the segment.

    A part is (name, bytes) or (name, function); functions are called until nothing moves any more.
    """
    where = {name: 0 for name, _ in parts}
    for _ in range(9):
        made = [(name, part(where) if callable(part) else part) for name, part in parts]
        at, now = 0, {}
        for name, data in made:
            now[name] = at
            at += len(data)
        if now == where:
            break
        where = now
    body = b"".join(data for _, data in made)
    segment = endless(SEGMENT, body, width=width) if endless_segment else element(SEGMENT, body, width=width)
    return header(doc_type) + segment + tail


def seek_head(*entries, seek_checked=False, width=None):
    """Return a part that lists others, by name and kind."""

    def make(where):
        listed = (
            element(SEEK, element(SEEK_ID, number(kind)), element(SEEK_POSITION, number(where[name], width)))
            for name, kind in entries
        )
        return (checked if seek_checked else element)(SEEK_HEAD, *listed)

    return make


def cues(*clusters, width=None):
    def make(where):
        return element(
            CUES,
            *(
                element(
                    CUE_POINT,
                    element(0xB3, b"\0"),
                    element(CUE_POSITIONS, element(0xF7, b"\1"), element(CUE_CLUSTER, number(where[name], width))),
                )
                for name in clusters
            ),
        )

    return make


def void(length):
    return element(VOID, bytes(length - 2)) if length < 129 else element(VOID, bytes(length - 9), width=8)


def read(content, at, end):
    """Yield kind, start, data and end of each element; one without a size ends where a sibling of its parent starts."""
    while at < end:
        start = at
        id_width = 9 - content[at].bit_length()
        kind = int.from_bytes(content[at : at + id_width], "big")
        at += id_width
        width = 9 - content[at].bit_length()
        length = int.from_bytes(content[at : at + width], "big") & (1 << 7 * width) - 1
        at += width
        stop = at + length
        if length == (1 << 7 * width) - 1:
            stop = end
            if kind == CLUSTER:
                stop = next((each[1] for each in read(content, at, end) if each[0] in TOP), end)
        assert stop <= end, f"element at {start} leaves its parent"
        yield kind, start, at, stop
        at = stop
    assert at == end


def find(content, kind, within=None):
    """Return the data of every element of a kind, wherever it lies in masters that are known here."""
    found = []
    for each, start, data, end in within or read(content, 0, len(content)):
        if each == kind:
            found.append((start, data, end))
        if each in MASTERS:
            found += find(content, kind, read(content, data, end))
    return found


def check(content):
    """Hold every position and checksum of a file to what it leads to and covers; return what the segment holds."""
    _, _, base, stop = next(each for each in read(content, 0, len(content)) if each[0] == SEGMENT)
    top = {start - base: kind for kind, start, _, _ in read(content, base, stop)}
    for _, data, end in find(content, SEEK):
        fields = {kind: content[at:till] for kind, _, at, till in read(content, data, end)}
        assert top[int.from_bytes(fields[SEEK_POSITION], "big")] == int.from_bytes(fields[SEEK_ID], "big")
    for kind in (CUE_CLUSTER, CUE_REF_CLUSTER):
        for _, data, end in find(content, kind):
            assert top[int.from_bytes(content[data:end], "big")] == CLUSTER
    for kind, _, data, end in read(content, base, stop):
        if kind in {SEEK_HEAD, INFO, TRACKS, TAGS, CUES} and content[data] == CRC:
            assert int.from_bytes(content[data + 2 : data + 6], "little") == zlib.crc32(content[data + 6 : end])
    if content[base] == CRC:
        assert int.from_bytes(content[base + 2 : base + 6], "little") == zlib.crc32(content[base + 6 : stop])
    return list(top.values())
