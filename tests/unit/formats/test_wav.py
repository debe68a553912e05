import io
import json
import shutil
import struct
import subprocess

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats.handlers import wav

AIGC = '{"Label":"1","ContentProducer":"001191510100MA0EXAMP0D10001","ProduceID":"snd-1"}'
PACKET = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
UNKNOWN = 0xFFFFFFFF


def chunk(kind, data, size=None):
    return kind + struct.pack("<I", len(data) if size is None else size) + data + bytes(len(data) % 2)


def wave(*chunks, kind=b"RIFF", size=None):
    body = b"WAVE" + b"".join(chunks)
    return kind + struct.pack("<I", len(body) if size is None else size) + body


def ds64(riff, data, *table):
    entries = b"".join(struct.pack("<4sQ", *each) for each in table)
    return chunk(b"ds64", struct.pack("<QQQI", riff, data, data // 2, len(table)) + entries)


FORMAT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
SAMPLES = bytes(range(256)) * 10
SOUND = chunk(b"data", SAMPLES)
BARE = wave(FORMAT, SOUND)
ELEMENT = chunk(b"AIGC", AIGC.encode())
XMP = chunk(b"_PMX", PACKET)


def read(content, **options):
    return wav.read(io.BytesIO(content), **options)


def write(content, *, xmp=None, **fields):
    out = io.BytesIO()
    wav.write(io.BytesIO(content), out, exif=None, xmp=xmp, fields=fields)
    return out.getvalue()


def refusal(content, kind=MalformedMedia, **changes):
    with pytest.raises(kind) as caught:
        write(content, **(changes or {"aigc": AIGC}))
    return caught.value.code


def elements(content):
    return [(each.value, each.slot, each.location) for each in read(content).fields]


def test_the_element_and_the_packet_stand_behind_the_sound():
    assert write(BARE, aigc=AIGC, xmp=PACKET) == wave(FORMAT, SOUND, ELEMENT, XMP)


def test_the_element_is_read_with_or_without_a_zero_behind_it_and_in_any_case():
    for kind, data in ((b"AIGC", AIGC), (b"aigc", AIGC + "\0")):
        assert elements(wave(FORMAT, chunk(kind, data.encode()), SOUND)) == [(AIGC, "riff-chunk", "RIFF:AIGC")]


def test_an_element_in_the_list_of_texts_is_read_and_moves_to_its_chunk():
    texts = chunk(b"IART", b"kept\0")
    content = wave(FORMAT, chunk(b"LIST", b"INFO" + texts + chunk(b"AIGC", b"old\0")), SOUND)
    assert elements(content) == [("old", "riff-info", "LIST INFO:AIGC")]
    assert write(content, aigc=AIGC) == wave(FORMAT, chunk(b"LIST", b"INFO" + texts), SOUND, ELEMENT)
    assert write(content, aigc=None) == wave(FORMAT, chunk(b"LIST", b"INFO" + texts), SOUND)


def tag(*frames, padding=0, flags=0):
    body = b"".join(name + struct.pack(">I", len(data)) + bytes(2) + data for name, data in frames) + bytes(padding)
    return b"ID3\4\0" + bytes([flags]) + bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def test_an_element_in_a_tag_in_a_chunk_is_read_and_moves_to_its_own():
    title, stated = (b"TIT2", b"\3kept"), (b"TXXX", b"\3AIGC\0{}")
    content = wave(FORMAT, chunk(b"id3 ", tag(title, stated) + b"?"), SOUND)
    assert elements(content) == [("{}", "id3-text", "ID3v2:TXXX:AIGC")]
    cleaned = chunk(b"id3 ", tag(title, padding=10 + len(stated[1])) + b"?")
    assert write(content, aigc=AIGC) == wave(FORMAT, cleaned, SOUND, ELEMENT)
    assert write(content, aigc=None) == wave(FORMAT, cleaned, SOUND)
    assert write(content, xmp=PACKET) == wave(FORMAT, chunk(b"id3 ", tag(title, stated) + b"?"), SOUND, XMP)


@pytest.mark.parametrize(
    "content",
    [tag((b"TIT2", b"\3kept"))[:-1], tag((b"TXXX", b"\3AIGC\0{}"), flags=0x10), b"ID3\4\0\0\x7f\x7f\x7f\x7f", b""],
)
def test_a_tag_that_cannot_be_changed_in_its_chunk_is_left_alone(content):
    original = wave(FORMAT, SOUND, chunk(b"ID3 ", content))
    assert elements(original) == []
    assert write(original, aigc=AIGC) == wave(FORMAT, SOUND, chunk(b"ID3 ", content), ELEMENT)


def test_of_several_elements_one_is_left():
    content = wave(FORMAT, SOUND, chunk(b"AIGC", b"one"), chunk(b"cue ", bytes(4)), chunk(b"AIGC", b"two"))
    assert write(content, aigc=AIGC) == wave(FORMAT, SOUND, ELEMENT, chunk(b"cue ", bytes(4)))
    assert write(content, aigc=None) == wave(FORMAT, SOUND, chunk(b"cue ", bytes(4)))


def test_what_is_there_already_changes_nothing():
    zero_ended = wave(FORMAT, chunk(b"AIGC", AIGC.encode() + b"\0\0"), SOUND)
    assert write(zero_ended, aigc=AIGC) == zero_ended
    assert write(BARE, aigc=None) == BARE


@pytest.mark.parametrize("last", [b"odd", b"odd\0"])
def test_a_last_chunk_of_odd_length_gets_the_padding_it_lacks(last):
    content = wave(FORMAT, SOUND, b"note\3\0\0\0" + last)
    assert write(content, aigc=AIGC) == wave(FORMAT, SOUND, chunk(b"note", b"odd"), ELEMENT)


def test_data_behind_the_riff_stay_there_and_forbid_a_manifest_inside():
    assert write(BARE + b"TAG", aigc=AIGC) == wave(FORMAT, SOUND, ELEMENT) + b"TAG"
    assert read(BARE + b"TAG").unsignable == "riff-trailer-would-be-lost"
    assert read(BARE).unsignable is None


@pytest.mark.parametrize("kind", [b"RF64", b"BW64"])
def test_sizes_of_64_bits_are_kept_up(kind):
    def whole(*more, size):
        return wave(ds64(size, len(SAMPLES)), FORMAT, chunk(b"data", SAMPLES, UNKNOWN), *more, kind=kind, size=UNKNOWN)

    size = len(whole(size=0)) - 8
    assert write(whole(size=size), aigc=AIGC) == whole(ELEMENT, size=size + len(ELEMENT))
    assert read(whole(size=size)).unsignable == "wav-manifest-needs-plain-sizes"


def test_a_size_of_32_bits_that_an_rf64_states_is_kept_up_too():
    def whole(*more):
        body = (FORMAT, SOUND, *more)
        size = len(wave(ds64(0, 0), *body)) - 8
        return wave(ds64(size, len(SAMPLES)), *body, kind=b"RF64")

    assert write(whole(), aigc=AIGC) == whole(ELEMENT)


def test_another_chunk_of_an_rf64_may_have_64_bits_too():
    noise = chunk(b"levl", b"levels", UNKNOWN)
    parts = (FORMAT, chunk(b"data", SAMPLES, UNKNOWN), noise)
    size = len(wave(ds64(0, 0, (b"levl", 6)), *parts)) - 8
    content = wave(ds64(size, len(SAMPLES), (b"levl", 6)), *parts, kind=b"RF64", size=UNKNOWN)
    assert write(content, aigc=AIGC)[80 + 12 :] == content[80 + 12 :] + ELEMENT


@pytest.mark.parametrize("riff", [0, UNKNOWN])
@pytest.mark.parametrize("data", [0, UNKNOWN])
def test_before_a_sound_without_a_stated_end_is_the_place_for_what_is_new(riff, data):
    streamed = chunk(b"data", SAMPLES, data)
    content = wave(FORMAT, streamed, size=riff)
    labelled = write(content, aigc=AIGC, xmp=PACKET)
    assert labelled == wave(FORMAT, ELEMENT, XMP, streamed, size=riff)
    assert (elements(labelled)[0][0], read(labelled).xmp) == (AIGC, PACKET)
    assert write(labelled, aigc=AIGC, xmp=PACKET) == labelled


def test_a_plain_file_of_4_gib_is_refused_before_anything_is_written(tmp_path):
    path, size = tmp_path / "large.wav", UNKNOWN - 41
    with path.open("xb") as file:
        file.write(struct.pack("<4sI", b"RIFF", size + 36) + b"WAVE" + FORMAT + struct.pack("<4sI", b"data", size))
        file.truncate(44 + size)
    out = io.BytesIO()
    with path.open("rb") as file, pytest.raises(MetadataNotWritten) as caught:
        wav.write(file, out, exif=None, xmp=None, fields={"aigc": AIGC})
    assert (caught.value.code, out.getvalue()) == ("wav-full", b"")
    assert "RF64" in caught.value.diagnostics("zh-CN")


def test_a_packet_is_replaced_where_it_stands_and_two_are_refused():
    content = wave(FORMAT, chunk(b"_PMX", b"<old/>"), SOUND)
    assert write(content, xmp=PACKET) == wave(FORMAT, XMP, SOUND)
    twice = wave(FORMAT, XMP, SOUND, XMP)
    assert (read(twice).xmp_count, read(twice).warnings) == (2, ("xmp-repeated",))
    assert refusal(twice, MetadataNotWritten, xmp=PACKET) == "xmp-repeated"


def test_a_manifest_is_seen():
    assert read(wave(FORMAT, SOUND, chunk(b"C2PA", b"jumb"))).has_manifest
    assert not read(BARE).has_manifest


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (BARE[:10], "riff-truncated"),
        (BARE[:-1], "riff-truncated"),
        (wave(SOUND), "wav-damaged"),
        (wave(FORMAT), "wav-damaged"),
        (wave(FORMAT, chunk(b"data", SAMPLES, len(SAMPLES) + 2)), "riff-truncated"),
        (wave(FORMAT, chunk(b"data", SAMPLES, UNKNOWN)), "riff-truncated"),
        (wave(FORMAT, chunk(b"data", SAMPLES, 0)), "riff-damaged"),
        (wave(FORMAT, SOUND, kind=b"RF64"), "wav-damaged"),
        (wave(kind=b"RF64"), "wav-damaged"),
        (wave(chunk(b"ds64", bytes(20)), FORMAT, SOUND, kind=b"RF64"), "wav-damaged"),
        (wave(ds64(1 << 40, 8), FORMAT, SOUND, kind=b"RF64", size=UNKNOWN), "riff-truncated"),
        (wave(chunk(b"ds64", struct.pack("<QQQI", 0, 0, 0, UNKNOWN)), FORMAT, SOUND, kind=b"RF64"), "wav-damaged"),
        (b"RIFF\4\0\0\0WEBP", "wav-damaged"),
        (wave(FORMAT, SOUND, b"cut"), "riff-truncated"),
        (wave(FORMAT, SOUND, chunk(b"many", b"") * 200_000), "riff-damaged"),
    ],
)
def test_a_damaged_file_is_refused(content, code):
    assert refusal(content) == code
    with pytest.raises(MalformedMedia):
        read(content)


def test_a_list_of_texts_that_is_damaged_stays_as_it_is():
    content = wave(FORMAT, chunk(b"LIST", b"INFOAIGC\xff\0\0\0"), chunk(b"LIST", b"IN"), SOUND)
    assert read(content).fields == ()
    assert write(content, aigc=AIGC)[12:] == content[12:] + ELEMENT


def test_what_is_too_large_to_hold_is_refused():
    large = bytes(10_000_001)
    for each in (chunk(b"AIGC", large), chunk(b"_PMX", large)):
        with pytest.raises(MediaTooLarge):
            read(wave(FORMAT, each, SOUND))
    assert refusal(BARE, MediaTooLarge, xmp=large) == "metadata-too-large"
    assert refusal(BARE, MediaTooLarge, aigc="x" * 10_000_001) == "metadata-too-large"


def test_there_is_no_place_for_exif():
    with pytest.raises(MetadataNotWritten) as caught:
        wav.write(io.BytesIO(BARE), io.BytesIO(), exif=b"II", xmp=None)
    assert caught.value.code == "riff-holds-no-exif"


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_the_packet_and_passes_over_the_element(tmp_path):
    # It knows no chunk of the name AIGC; the guide's own place is read by nobody but those who follow the guide.
    path = tmp_path / "out.wav"
    packet = PACKET.replace(
        b'#"/>', b'#"><rdf:Description xmlns:d="http://purl.org/dc/elements/1.1/" d:source="S"/></rdf:RDF>'
    )
    path.write_bytes(write(BARE, aigc=AIGC, xmp=packet))
    run = subprocess.run(["exiftool", "-j", "-G1", "-a", str(path)], capture_output=True, check=True)
    tags = json.loads(run.stdout)[0]
    assert tags["XMP-dc:Source"] == "S"
    assert not any("Warning" in tag or "aigc" in tag.lower() for tag in tags)


TEXTS = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"odd"))
NOTES = chunk(b"LIST", b"adtl" + chunk(b"labl", b"\1\0\0\0odd\0") + chunk(b"note", b"\1\0\0\0n"))


@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"LIST", b"INFOINAM\3\0\0\0odd"),
        chunk(b"LIST", b"INFOINAM\xff\xff\0\0"),
        chunk(b"LIST", b"IN"),
        chunk(b"seqt", b"1234"),
        wave(chunk(b"abcd", b"x")),
        chunk(b"LIST", b"aaaa" + chunk(b"LIST", b"aaaa" + chunk(b"LIST", b"aaaa" + chunk(b"LIST", b"aaaa" + TEXTS)))),
    ],
)
def test_a_manifest_stays_outside_where_the_binding_would_change_chunks(odd):
    assert read(wave(FORMAT, SOUND, odd)).unsignable == "riff-would-be-rearranged"
    assert read(wave(FORMAT, SOUND, odd), whole=False).unsignable is None


def test_signing_keeps_every_byte(sdk, trust, tmp_path):
    content = write(wave(TEXTS, FORMAT, chunk(b"bext", b"odd"), SOUND, NOTES, chunk(b"AIGC", AIGC.encode()), XMP))
    source, target = tmp_path / "in.wav", tmp_path / "out.wav"
    source.write_bytes(content)
    sdk.attach_media(
        source, {"origin": "self-shot", "draw": [], "labels": [{"kind": "fiction", "form": "staged"}]}, into=target
    )
    after = target.read_bytes()
    assert sdk.verify(target, trust=trust).files[0].manifest.state == "trusted"
    assert after[8:].startswith(content[8 : content.index(b"_PMX")])
    assert read(after).has_manifest


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_an_rf64_that_others_have_made_is_opened_and_signed_beside(sdk, trust, tmp_path):
    source, target = tmp_path / "in.wav", tmp_path / "out.wav"
    sine = ("-f", "lavfi", "-i", "sine=duration=0.1")
    subprocess.run(["ffmpeg", "-v", "error", *sine, "-rf64", "always", str(source)], check=True, timeout=60)
    assert source.read_bytes().startswith(b"RF64")
    # A label that states no source of the sound: the action is that the file was opened.
    sdk.attach_media(source, {"labels": [{"kind": "source", "publisher": "新华社"}]}, into=target)
    (verified,) = sdk.verify(target, trust=trust).files
    assert verified.manifest.state == "trusted"
    assert target.with_name("out.wav.c2pa").is_file()
