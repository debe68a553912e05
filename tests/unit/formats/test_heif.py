import io
import itertools
import random
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten, ProvenanceError, UnsupportedFormat
from provenance.formats import bmff, heif_edit
from provenance.formats.handlers import heif

HEIC, HEIF, AVIF = heif.HANDLERS
PICTURE, TILE, OTHER = b"picture " * 40, b"tile " * 30, b"depth map " * 20
TIFF = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
EXIF = b"\0\0\0\6Exif\0\0" + TIFF
XMP = b"application/rdf+xml"
C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def number(value, size):
    return value.to_bytes(size, "big")


def box(kind, *parts):
    content = b"".join(parts)
    return number(8 + len(content), 4) + kind + content


def full(kind, version, flags, *parts):
    return box(kind, number(version, 1), number(flags, 3), *parts)


def infe(item, kind, content_type=b"", encoding=b""):
    rest = b"\0" + content_type + b"\0" + (encoding + b"\0" if encoding else b"") if kind == b"mime" else b"\0"
    return full(b"infe", 2, 0, number(item, 2), b"\0\0", kind, rest)


def iloc(places, version=1, sizes=(4, 4, 0, 0), based=False):
    """`places`: item → (method, data reference, [(offset, length), …]); `based`: offsets count from the first one."""
    wide = 4 if version == 2 else 2
    out = number(sizes[0] << 4 | sizes[1], 1) + number(sizes[2] << 4 | (sizes[3] if version else 0), 1)
    out += number(len(places), wide)
    for item, (method, source, extents) in places.items():
        base = extents[0][0] if based and extents else 0
        out += number(item, wide) + (number(method, 2) if version else b"") + number(source, 2)
        out += number(base, sizes[2]) + number(len(extents), 2)
        for offset, length in extents:
            out += number(0, sizes[3] if version else 0) + number(offset - base, sizes[0]) + number(length, sizes[1])
    return full(b"iloc", version, 0, out)


def iref(*references, version=0):
    wide = 4 if version else 2
    return full(
        b"iref",
        version,
        0,
        *(
            box(kind, number(source, wide), number(len(to), 2), *(number(each, wide) for each in to))
            for kind, source, *to in references
        ),
    )


def iprp(*properties, width=97, height=61, primary=1):
    ipco = box(b"ipco", full(b"ispe", 0, 0, number(width, 4), number(height, 4)), *properties)
    links = bytes(range(1, len(properties) + 2))
    return box(b"iprp", ipco, full(b"ipma", 0, 0, number(1, 4), number(primary, 2), number(len(links), 1), links))


STILL = {1: (b"grid", PICTURE), 2: (b"hvc1", TILE), 3: (b"hvc1", OTHER)}
FULL = {**STILL, 4: (b"Exif", EXIF), 5: (b"mime", b"<old/>")}
LINKS = ((b"dimg", 1, 2), (b"auxl", 3, 1))
CDSC = ((b"cdsc", 4, 1), (b"cdsc", 5, 1))


def file_of(  # each keyword is one way in which writers differ
    items=STILL,
    *,
    references=LINKS,
    brand=b"heic",
    in_idat=(),
    cut=(),
    meta_last=False,
    mdat_head=None,
    before=b"",
    after=b"",
    children=b"",
    properties=(),
    handler=b"pict",
    iinf_version=0,
    iref_version=0,
    change=lambda places: None,
    **table,
):
    ftyp = box(b"ftyp", brand, bytes(4), b"mif1", brand)
    data = b"".join(content for item, (_, content) in items.items() if item not in in_idat)
    idat = b"".join(content for item, (_, content) in items.items() if item in in_idat)
    mdat = (mdat_head or number(8 + len(data), 4) + b"mdat") + data

    def meta(start):
        places, inner = {}, 0
        for item, (_, content) in items.items():
            at, length = (inner, len(content)) if item in in_idat else (start, len(content))
            half = length // 2
            extents = [(at, half), (at + half, length - half)] if item in cut else [(at, length)]
            places[item] = (int(item in in_idat), 0, extents)
            inner, start = (inner + length, start) if item in in_idat else (inner, start + length)
        change(places)
        entries = [infe(item, kind, XMP if kind == b"mime" else b"") for item, (kind, _) in items.items()]
        parts = [
            full(b"hdlr", 0, 0, bytes(4), handler, bytes(13)),
            full(b"pitm", 0, 0, number(1, 2)),
            iloc(places, **table),
            full(b"iinf", iinf_version, 0, number(len(entries), 4 if iinf_version else 2), *entries),
            iref(*references, version=iref_version) if references else b"",
            iprp(*properties),
            box(b"idat", idat) if in_idat else b"",
        ]
        return full(b"meta", 0, 0, *parts, children)

    length = len(meta(0))
    head = len(mdat) - len(data)
    if meta_last:
        return ftyp + before + mdat + meta(len(ftyp) + len(before) + head) + after
    return ftyp + before + meta(len(ftyp) + len(before) + length + head) + mdat + after


def boxes(content, start=0, end=None):
    end = len(content) if end is None else end
    while start < end:
        size, kind = struct.unpack_from(">I4s", content, start)
        head = 16 if size == 1 else 8
        size = struct.unpack_from(">Q", content, start + 8)[0] if size == 1 else size or end - start
        yield kind, start, start + head, start + size
        start += size


def items_of(content):
    """Item → its data, found as a reader that knows nothing of our code would."""
    (meta,) = (each for each in boxes(content) if each[0] == b"meta")
    inner = {kind: (payload, end) for kind, _, payload, end in boxes(content, meta[2] + 4, meta[3])}
    at = inner[b"iloc"][0]
    version, first, second = content[at], content[at + 4], content[at + 5]
    at += 6

    def take(size):
        nonlocal at
        at += size
        return int.from_bytes(content[at - size : at], "big")

    found = {}
    for _ in range(take(4 if version == 2 else 2)):
        item, method = take(4 if version == 2 else 2), take(2) if version else 0
        take(2)
        start = take(second >> 4) + (inner.get(b"idat", (0,))[0] if method & 15 == 1 else 0)
        data = b""
        for _ in range(take(2)):
            take(second & 15 if version else 0)
            offset, length = take(first >> 4), take(first & 15)
            # Other methods count in what is not looked up here: the numbers themselves must stay.
            known = method & 15 < 2
            data += content[start + offset : start + offset + length] if known else b"%d %d " % (start + offset, length)
        found[item] = data
    return found


def read(content, handler=HEIC):
    return handler.read(io.BytesIO(content))


def write(content, *, exif=None, xmp=None):
    out = io.BytesIO()
    HEIC.write(io.BytesIO(content), out, exif=exif, xmp=xmp)
    return out.getvalue()


def kinds(content):
    return [kind for kind, *_ in boxes(content)]


WAYS = {
    "version-0": {"version": 0},
    "version-2": {"version": 2},
    "long-fields": {"sizes": (8, 8, 8, 8)},
    "from-a-base": {"sizes": (4, 4, 4, 0), "based": True},
    "base-alone": {"version": 0, "sizes": (0, 4, 8, 0), "based": True},
    "base-field-unused": {"sizes": (4, 4, 4, 0)},
    "several-extents": {"cut": {1, 3}},
    "some-in-the-meta-box": {"in_idat": {1}},
    "meta-behind-the-data": {"meta_last": True},
    "wide-list": {"iinf_version": 1, "iref_version": 1},
    "without-references": {"references": ()},
    "free-space": {"children": box(b"free", bytes(9)), "after": box(b"free", bytes(20))},
    "long-box": {"mdat_head": number(1, 4) + b"mdat" + number(16 + len(PICTURE + TILE + OTHER), 8)},
    "open-box": {"mdat_head": bytes(4) + b"mdat"},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_however_a_file_is_laid_out_every_item_is_found_where_it_went(way):
    content = file_of(**way)
    labelled = write(content, exif=TIFF, xmp=b"<new/>")
    items = items_of(labelled)
    assert {item: items[item] for item in STILL} == {item: data for item, (_, data) in STILL.items()}
    assert (items[4], items[5]) == (EXIF, b"<new/>")
    assert (read(labelled).exif, read(labelled).xmp) == (TIFF, b"<new/>")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_is_there_is_replaced_whatever_the_layout(way):
    if len(way.get("mdat_head", b"")) > 8:
        way = {"mdat_head": way["mdat_head"][:8] + number(16 + sum(len(data) for _, data in FULL.values()), 8)}
    content = file_of(FULL, **{"references": (*LINKS, *CDSC), **way})
    for new in (b"<longer-than-the-old-one/>", b"<s/>"):
        labelled = write(content, exif=TIFF + b"more", xmp=new)
        assert items_of(labelled) == {
            **{item: data for item, (_, data) in STILL.items()},
            4: EXIF + b"more",
            5: new,
        }
        assert len(labelled) == len(content) + 4 + len(new) - len(b"<old/>") + way_growth(way)


def way_growth(way):
    """Return what the location table gains where its fields were too narrow, or loses where it had bases."""
    offset, base = way.get("sizes", (4, 4, 0, 0))[0], way.get("sizes", (4, 4, 0, 0))[2]
    return 5 * (max(offset, base, 4) - offset - base)


def test_new_items_lie_right_behind_the_meta_box_and_describe_the_primary_picture():
    content = file_of(after=box(b"mpvd", b"video"))
    labelled = write(content, exif=TIFF, xmp=b"<new/>")
    assert kinds(labelled) == [b"ftyp", b"meta", b"mdat", b"mdat", b"mpvd"]
    added = box(b"mdat", EXIF, b"<new/>")
    assert added in labelled
    assert labelled.endswith(content[content.index(b"mdat") - 4 :])
    for item, kind in ((4, b"Exif\0"), (5, b"mime\0" + XMP + b"\0")):
        assert full(b"infe", 2, 1, number(item, 2), b"\0\0", kind) in labelled
        assert box(b"cdsc", number(item, 2), number(1, 2), number(1, 2)) in labelled
    assert read(content).warnings == ("data-after-picture",)


def test_other_boxes_of_the_meta_box_stay_as_they_are():
    unknown = box(b"grpl", full(b"altr", 0, 0, number(90, 4), number(0, 4))) + box(b"wxyz", b"something")
    labelled = write(file_of(children=unknown), xmp=b"<new/>")
    assert unknown in labelled
    assert iprp() in labelled
    assert items_of(labelled)[91] == b"<new/>"  # groups and items count in one space


def test_metadata_of_an_auxiliary_picture_are_neither_read_nor_replaced():
    content = file_of(FULL, references=(*LINKS, (b"cdsc", 4, 3), (b"cdsc", 5, 3)))
    assert (read(content).exif, read(content).xmp, read(content).xmp_count) == (None, None, 0)
    items = items_of(write(content, exif=TIFF + b"!", xmp=b"<new/>"))
    assert (items[4], items[5], items[6], items[7]) == (EXIF, b"<old/>", EXIF + b"!", b"<new/>")


@pytest.mark.parametrize("references", [(), ((b"cdsc", 5, 2),), ((b"cdsc", 5, 3, 1),)])
def test_metadata_that_describe_the_file_or_its_tiles_are_those_of_the_picture(references):
    content = file_of(FULL, references=(*LINKS, *references))
    assert read(content).xmp == b"<old/>"
    assert items_of(write(content, xmp=b"<new/>"))[5] == b"<new/>"


@pytest.mark.parametrize("way", [{"in_idat": {1, 4}}, {"cut": {4}}])
def test_what_cannot_be_replaced_in_place_leaves_no_copy_behind(way):
    secret = b"\0\0\0\6Exif\0\0" + TIFF + b"position"
    content = file_of({**STILL, 4: (b"Exif", secret)}, references=(*LINKS, CDSC[0]), **way)
    labelled = write(content, exif=TIFF)
    assert items_of(labelled) == {**{item: data for item, (_, data) in STILL.items()}, 4: EXIF}
    assert b"position" not in labelled
    assert kinds(labelled) == [b"ftyp", b"meta", b"mdat", b"mdat"]


def test_data_that_another_item_shares_stay_for_it():
    def share(places):
        places[3] = places[5]

    content = file_of(FULL, references=(*LINKS, *CDSC), change=share)
    items = items_of(write(content, xmp=b"<new/>"))
    assert (items[3], items[5]) == (b"<old/>", b"<new/>")


def test_an_item_without_data_gets_some():
    def empty(places):
        places[5] = (0, 0, [])
        del places[4]

    content = file_of(FULL, references=(*LINKS, *CDSC), change=empty)
    assert (read(content).exif, read(content).xmp) == (b"", b"")
    items = items_of(write(content, exif=TIFF, xmp=b"<new/>"))
    assert (items[4], items[5]) == (EXIF, b"<new/>")


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        (b"\0\0\0\0" + TIFF, b"\0\0\0\0"),
        (b"\0\0\0\0Exif\0\0" + TIFF, b"\0\0\0\0Exif\0\0"),
        (b"\0\0\0\3abc" + TIFF, b"\0\0\0\3abc"),
        (TIFF, EXIF[:10]),
    ],
)
def test_exif_is_found_behind_whatever_a_writer_put_before_it(stored, kept):
    content = file_of({**STILL, 4: (b"Exif", stored)}, references=(*LINKS, CDSC[0]))
    assert read(content).exif == TIFF
    assert items_of(write(content, exif=TIFF + b"!"))[4] == kept + TIFF + b"!"


def test_an_offset_beyond_the_exif_item_leaves_something_that_no_reader_takes_for_exif():
    content = file_of({**STILL, 4: (b"Exif", b"\xff\0\0\0junk")}, references=(*LINKS, CDSC[0]))
    assert read(content).exif == b"junk"


def test_offsets_grow_to_64_bits_when_the_file_needs_them(monkeypatch):
    content = file_of()
    short = write(content, xmp=b"<new/>")
    monkeypatch.setattr(heif_edit, "_FOUR_BYTES", len(content))
    long = write(content, xmp=b"<new/>")
    assert items_of(long) == items_of(short)
    assert len(long) == len(short) + 4 * 4


def test_a_box_that_would_outgrow_its_size_field_is_refused():
    large = bmff.Box(b"mdat", 0, 8, (1 << 32) - 1)
    assert bmff.resized(large, 0) == []
    with pytest.raises(MetadataNotWritten) as caught:
        bmff.resized(large, 1)
    assert caught.value.code == "bmff-size-full"


def track(*tables):
    return box(b"moov", box(b"mvhd"), box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", *tables)))))


def chunks(kind, *offsets):
    return full(kind, 0, 0, number(len(offsets), 4), *(number(each, 4 if kind == b"stco" else 8) for each in offsets))


@pytest.mark.parametrize("kind", [b"stco", b"co64"])
@pytest.mark.parametrize("behind", [False, True])
def test_the_chunks_of_a_sequence_are_found_where_they_went(kind, behind):
    place = "after" if behind else "before"
    blank = file_of(**{place: track(chunks(kind, 0, 0))})
    at = blank.index(TILE), blank.index(PICTURE)
    content = file_of(**{place: track(chunks(kind, *at))})
    labelled = write(content, exif=TIFF, xmp=b"<new/>")
    start = labelled.index(kind) + 12
    size = 4 if kind == b"stco" else 8
    moved = [int.from_bytes(labelled[start + each : start + each + size], "big") for each in (0, size)]
    assert moved == [labelled.index(TILE), labelled.index(PICTURE)]
    assert all(after > before for after, before in zip(moved, at, strict=True))


@pytest.mark.parametrize(
    ("after", "code"),
    [
        (box(b"moof"), "heif-fragmented"),
        (box(b"sidx"), "heif-fragmented"),
        (box(b"moov", full(b"meta", 0, 0, iloc({}))), "bmff-offsets-unknown"),
        (track(chunks(b"stco", (1 << 32) - 1)), "bmff-offset-full"),
    ],
)
def test_a_sequence_whose_data_would_be_lost_is_refused(after, code):
    content = file_of(after=after)
    assert read(content).width == 97
    with pytest.raises(MetadataNotWritten) as caught:
        write(content, xmp=b"<new/>")
    assert caught.value.code == code
    assert write(content) == content


def test_a_chunk_table_longer_than_its_box_is_refused():
    content = file_of(after=track(full(b"stco", 0, 0, number(1 << 31, 4))))
    with pytest.raises(MalformedMedia):
        write(content, xmp=b"<new/>")


@pytest.mark.parametrize("source", [0, 1])
def test_data_in_the_meta_box_by_file_offset_or_in_another_file_stop_a_label(source):
    def point(places):
        places[2] = (0, source, [(60, 10)])

    content = file_of(change=point)
    assert read(content).width == 97
    with pytest.raises(MetadataNotWritten) as caught:
        write(content, xmp=b"<new/>")
    assert caught.value.code == "bmff-offsets-unknown"


def test_metadata_in_another_item_or_file_are_refused_rather_than_doubled():
    for place in ((2, 0), (0, 1)):
        content = file_of(
            FULL, references=(*LINKS, *CDSC), change=lambda places, place=place: places.update({5: (*place, [(0, 4)])})
        )
        with pytest.raises(UnsupportedFormat) as caught:
            read(content)
        assert caught.value.code == "heif-item-elsewhere"


def test_a_compressed_packet_is_refused_rather_than_doubled():
    content = with_encoding(file_of(FULL, references=(*LINKS, *CDSC)))
    for call in (read, lambda each: write(each, xmp=b"<new/>")):
        with pytest.raises(UnsupportedFormat) as caught:
            call(content)
        assert caught.value.code == "xmp-compressed"


def with_encoding(content):
    """Name an encoding in the entry of the packet; the data move, which does not matter here."""
    old, new = infe(5, b"mime", XMP), infe(5, b"mime", XMP, b"deflate")
    content = content.replace(old, new)
    for kind in (b"meta", b"iinf"):
        at = content.index(kind) - 4
        size = int.from_bytes(content[at : at + 4], "big") + len(new) - len(old)
        content = content[:at] + number(size, 4) + content[at + 4 :]
    return content


def test_several_packets_are_counted_and_none_is_chosen_silently():
    items = {**FULL, 6: (b"mime", b"<b/>"), 7: (b"Exif", EXIF)}
    content = file_of(items, references=(*LINKS, *CDSC, (b"cdsc", 6, 1)))
    found = read(content)
    assert (found.xmp, found.xmp_count, found.warnings) == (b"<old/>", 2, ("exif-repeated", "xmp-repeated"))
    with pytest.raises(MetadataNotWritten):
        write(content, xmp=b"<c/>")
    assert items_of(write(content, exif=TIFF + b"!"))[4] == EXIF + b"!"


def test_an_item_numbered_zero_is_one_like_the_others():
    items = {**STILL, 0: (b"mime", b"<old/>")}
    assert items_of(write(file_of(items), xmp=b"<new/>")) == {
        **{each: data for each, (_, data) in STILL.items()},
        0: b"<new/>",
    }


def test_an_item_number_is_found_between_others_when_the_last_one_is_taken():
    last = {**STILL, 65535: (b"hvc1", b"last")}
    assert items_of(write(file_of(last), exif=TIFF, xmp=b"<new/>")) == {
        **{item: data for item, (_, data) in last.items()},
        4: EXIF,
        5: b"<new/>",
    }


def test_a_file_without_a_free_item_number_is_refused():
    every = {1: (b"grid", PICTURE), **dict.fromkeys(range(2, 65535), (b"hvc1", b"")), 65535: (b"hvc1", b"")}
    with pytest.raises(MetadataNotWritten) as caught:
        write(file_of(every), xmp=b"<new/>")
    assert caught.value.code == "heif-items-full"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_that_of_the_container(orientation):
    out = io.BytesIO()
    camera = Image.Exif()
    camera[0x0112] = orientation
    Image.effect_noise((64, 48), 60).convert("RGB").save(out, "AVIF", exif=camera)
    found = read(out.getvalue(), AVIF)
    assert (found.width, found.height, found.orientation) == (64, 48, orientation)


@pytest.mark.parametrize(
    ("properties", "orientation"),
    [
        ((), 1),
        ((box(b"irot", b"\1"),), 8),
        ((box(b"imir", b"\0"),), 4),
        ((box(b"irot", b"\1"), box(b"imir", b"\1")), 7),
        ((box(b"imir", b"\1"), box(b"irot", b"\1")), 5),
    ],
)
def test_turning_and_mirroring_apply_in_their_order(properties, orientation):
    assert read(file_of(properties=properties)).orientation == orientation


@pytest.mark.parametrize(
    ("purpose", "counts"), [(b"manifest\0", True), (b"update\0", True), (b"merkle\0", False), (b"", False)]
)
def test_a_manifest_is_seen(purpose, counts):
    assert read(file_of(before=box(b"uuid", C2PA, bytes(4), purpose, bytes(8)))).has_manifest is counts
    assert not read(file_of(before=box(b"uuid", bytes(20), purpose))).has_manifest


@pytest.mark.parametrize(
    ("major", "others", "name"),
    [
        (b"heic", b"mif1heic", "heic"),
        (b"heix", b"", "heic"),
        (b"mif1", b"mif1heic", "heic"),
        (b"mif1", b"avifmif1", "avif"),
        (b"avis", b"msf1", "avif"),
        (b"mif1", b"mif1jpeg", "heif"),
        (b"vvic", b"mif1", "heif"),
        (b"isom", b"mp42", None),
        (b"crx ", b"isom", None),
    ],
)
def test_the_brands_tell_the_sisters_apart(major, others, name):
    head = box(b"ftyp", major, bytes(4), others) + bytes(400)
    assert [handler.name for handler in heif.HANDLERS if handler.sniff(head)] == ([name] if name else [])


WHOLE = file_of(FULL, references=(*LINKS, *CDSC))


def with_number(content, marker, skip, value, size=4):
    at = content.index(marker) + len(marker) + skip
    return content[:at] + number(value, size) + content[at + size :]


DAMAGED = {
    "box-longer-than-the-file": with_number(WHOLE, b"mdat", -8, 1 << 30),
    "box-shorter-than-its-head": with_number(WHOLE, b"mdat", -8, 7),
    "box-longer-than-its-parent": with_number(WHOLE, b"iprp", -8, 1 << 20),
    "open-box-in-the-middle": with_number(WHOLE, b"meta", -8, 0),
    "open-box-within-another": with_number(WHOLE, b"iinf", -8, 0),
    "stray-bytes": WHOLE + b"abc",
    "no-file-type": WHOLE[WHOLE.index(b"meta") - 4 :],
    "two-meta-boxes": file_of(after=full(b"meta", 0, 0)),
    "two-tables": file_of(children=iloc({})),
    "no-meta-box": file_of().replace(b"meta", b"free", 1),
    "no-picture-handler": file_of(handler=b"mdir"),
    "primary-of-nobody": with_number(WHOLE, b"pitm", 4, 99, 2),
    "items-without-end": with_number(WHOLE, b"iloc", 6, 0xFFFF, 2),
    "extents-without-end": file_of(
        sizes=(0, 0, 0, 0), change=lambda places: places.update(dict.fromkeys((1, 2, 3, 6), (0, 0, [(0, 0)] * 65535)))
    ),
    "unknown-field-size": with_number(WHOLE, b"iloc", 4, 0x34, 1),
    "unknown-table-version": with_number(WHOLE, b"iloc", 0, 3, 1),
    "item-beyond-the-end": file_of(change=lambda places: places.update({2: (0, 0, [(1 << 31, 8)])})),
    "item-beyond-idat": file_of(in_idat={1}, change=lambda places: places.update({1: (1, 0, [(9, 1 << 20)])})),
    "same-item-twice": WHOLE.replace(infe(2, b"hvc1"), infe(3, b"hvc1")),
    "derived-from-itself": file_of(references=((b"dimg", 1, 1),)),
    "derived-in-a-circle": file_of(references=((b"dimg", 1, 2), (b"dimg", 2, 3), (b"dimg", 3, 1))),
    "property-of-nobody": WHOLE.replace(b"\0\0\0\1\0\1\1\1", b"\0\0\0\1\0\1\1\x63"),
    "no-size": WHOLE.replace(b"ispe", b"free"),
    "no-width": file_of().replace(number(97, 4), bytes(4)),
    "reference-longer-than-its-box": with_number(WHOLE, b"dimg", 2, 0xFFFF, 2),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_broken_structure_is_refused_before_anything_is_written(content):
    out = io.BytesIO()
    for call in (read, lambda each: HEIC.write(io.BytesIO(each), out, exif=None, xmp=b"<x/>")):
        with pytest.raises(MalformedMedia) as caught:
            call(content)
        assert isinstance(caught.value.details["offset"], int)
    assert out.getvalue() == b""


def test_what_is_too_large_is_refused():
    with pytest.raises(MediaTooLarge):
        read(file_of().replace(number(97, 4) + number(61, 4), number(1 << 20, 4) + number(1 << 20, 4)))
    with pytest.raises(MediaTooLarge):
        read(file_of({**FULL, 5: (b"mime", bytes(10_000_001))}, references=(*LINKS, *CDSC)))
    with pytest.raises(MediaTooLarge):
        read(file_of(children=box(b"free", bytes(10_000_001))))
    with pytest.raises(MediaTooLarge):
        write(file_of(), xmp=bytes(10_000_001))


def test_a_million_boxes_are_refused_soon():
    with pytest.raises(MalformedMedia):
        read(file_of(after=box(b"free") * 100_001))


def test_memory_stays_flat_whatever_the_size(tmp_path):
    path = tmp_path / "large.heic"
    path.write_bytes(file_of({**STILL, 3: (b"hvc1", bytes(30_000_000))}))
    tracemalloc.start()
    try:
        with path.open("rb") as source, (tmp_path / "out").open("wb+") as target:
            HEIC.write(source, target, exif=TIFF, xmp=b"<x/>")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


LAYOUTS = [
    file_of(FULL, references=(*LINKS, *CDSC), **way)
    for way in ({}, {"meta_last": True}, {"in_idat": {4, 5}}, {"cut": {4}, "sizes": (4, 4, 4, 0), "based": True})
]


@settings(max_examples=300, deadline=None)
@given(layout=st.sampled_from(LAYOUTS), seed=st.integers(0, 1 << 32), changes=st.integers(1, 6))
def test_a_damaged_file_is_refused_or_its_pictures_survive(layout, seed, changes):
    noise = random.Random(seed)
    content = bytearray(layout)
    (meta,) = (each for each in boxes(layout) if each[0] == b"meta")
    for _ in range(changes):
        content[noise.randrange(meta[1], meta[3])] = noise.choice((0, 1, 4, 0x7F, 0xFF, noise.randrange(256)))
    try:
        found = read(bytes(content))
        # EXIF that no reader could parse is never written over.
        exif = TIFF + b"!" if found.exif in {None, TIFF} else None
        labelled = write(bytes(content), exif=exif, xmp=b"<new/>")
    except ProvenanceError:
        return
    again = read(labelled)
    assert (again.width, again.height, again.orientation) == (found.width, found.height, found.orientation)
    assert (again.exif, again.xmp) == (exif or found.exif, b"<new/>")
    before, after = items_of(bytes(content)), items_of(labelled)
    replaced = {item for item, data in after.items() if data == b"<new/>" or data.endswith(TIFF + b"!")}
    assert {item: after[item] for item in before if item not in replaced} == {
        item: data for item, data in before.items() if item not in replaced
    }


def test_every_edit_moves_what_lies_behind_it():
    noise = random.Random(3)
    for _ in range(50):
        cuts = sorted(noise.sample(range(200), 8))
        edits = [bmff.Edit(a, b, bytes(noise.randrange(30))) for a, b in itertools.pairwise(cuts)][::2]
        source = bytes(range(200))
        target, position = b"", 0
        for edit in edits:
            target += source[position : edit.start] + b"\xff" * len(edit.new)
            position = edit.end
        target += source[position:]
        move = bmff.move_by(edits)
        kept = [at for at in range(200) if not any(edit.start <= at < edit.end for edit in edits)]
        assert [target[move(at)] for at in kept] == kept
