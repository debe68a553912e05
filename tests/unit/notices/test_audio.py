"""Notices are put into sound without changing what it holds: decoded by ffmpeg, all of it is still there."""

import contextlib
import hashlib
import itertools
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mutagen import flac, id3, mp3, mp4, oggopus

from provenance.errors import (
    MalformedMedia,
    MissingExtra,
    NoticeDoesNotFit,
    OutputRefused,
    ProvenanceError,
    UnsupportedFormat,
    UsageError,
)
from provenance.formats import registry
from provenance.model.notice import Notice, Seconds
from provenance.notices import audio_mp3, audio_xing, rhythm
from provenance.notices.audio import audio_drawable, draw_audio
from provenance.notices.audio_measure import measure_audio

from .conftest import FULL_PROOF
from .sounds import ENCODINGS, MP3, RATE, Sounds, decoded, ffmpeg, music, noise, run, talk, write_wav

pytest.importorskip("av")

TEXTS = [("ai-generated", "AI生成")]
BOTH = [*TEXTS, ("fiction", "虚构内容")]
EVERYWHERE = ("start", "middle", "end")
# How many samples about a cut in the middle may sound otherwise: what the packets at either side share with others.
SHARED = {".wav": 0, ".flac": 0, ".mp3": 3 * 1152, ".opus": 48_000, "aac.m4a": 1024, "first.m4a": 1024, "alac.m4a": 0}
FEW = ("wav16.wav", "rf64.wav", "vbr.mp3", "long.flac", "aac.m4a", "alac.m4a", "music.opus")
EXACT = [name for name in ENCODINGS if name not in {"vorbis.ogg", "layer2.mp2", "speech.opus"}] if FULL_PROOF else FEW


@pytest.fixture(scope="session")
def sounds(tmp_path_factory) -> Sounds:
    return Sounds(tmp_path_factory.mktemp("sounds"))


def drawn(source: Path, folder: Path, texts=TEXTS, **options):
    target = folder / f"out{source.suffix}"
    before = source.read_bytes()
    result = draw_audio(source, target, texts, **options)
    assert source.read_bytes() == before
    assert [each.name for each in folder.glob(".*")] == []
    return target, result


@pytest.mark.parametrize("name", EXACT)
def test_all_of_the_content_stands_between_a_notice_before_it_and_one_behind_it(sounds, tmp_path, name):
    source = sounds(name)
    target, result = drawn(source, tmp_path, at=("start", "end"))
    content, finished = decoded(source), decoded(target)
    assert content.tobytes() in finished.tobytes()
    assert result.media_change == "head"
    assert result.reason is None
    assert np.abs(finished).max() <= max(1.0, np.abs(content).max())
    assert registry.read(target).format == registry.read(source).format
    for stated, reading in zip(result.notices, measure_audio(target, result.notices), strict=True):
        assert (reading.found, reading.clear, reading.over_content, reading.form) == (True, True, False, "rhythm")
        assert float(reading.seconds.start) == pytest.approx(float(stated.seconds.start), abs=0.05)
    assert not any(each.found for each in measure_audio(source, result.notices))


@pytest.mark.parametrize("name", EXACT)
def test_a_notice_in_the_middle_parts_the_content_and_changes_none_of_it(sounds, tmp_path, name):
    source = sounds(name)
    target, result = drawn(source, tmp_path, at=("middle",))
    content, finished = decoded(source), decoded(target)
    same = (content == finished[: len(content)]).all(axis=1)
    head = len(content) if same.all() else int(np.argmin(same))
    same = (content == finished[len(finished) - len(content) :]).all(axis=1)[::-1]
    tail = len(content) if same.all() else int(np.argmin(same))
    assert len(content) - head - tail <= SHARED.get(name, SHARED.get(source.suffix, 0))
    assert 0.2 < head / len(content) < 0.8
    assert measure_audio(target, result.notices)[0].found


@pytest.mark.parametrize("name", ["cbr.mp3", "aac.m4a", "music.opus", "speech.opus", "layer2.mp2"])
def test_every_packet_of_the_content_goes_over_byte_for_byte(sounds, tmp_path, name):
    source = sounds(name)
    target, _ = drawn(source, tmp_path, at=EVERYWHERE)
    old, new = (
        [
            line.split(",")[5].strip()
            for line in run("ffmpeg", "-v", "error", "-i", path, "-map", "a:0", "-c", "copy", "-f", "framemd5", "-")
            .decode()
            .splitlines()
            if line[0] != "#"
        ]
        for path in (source, target)
    )
    rest = iter(new)
    assert all(packet in rest for packet in old)
    assert len(new) > len(old)


def test_speech_in_opus_soon_sounds_as_before_though_its_packets_build_on_what_was_before_them(sounds, tmp_path):
    source = sounds("speech.opus")
    target, _ = drawn(source, tmp_path)
    content, finished = decoded(source), decoded(target)
    differences = np.abs(content - finished[len(finished) - len(content) :])
    assert differences.max() < 0.1
    assert differences[48_000 // 4 :].max() < 1e-4


def test_the_notice_is_as_loud_as_the_content_and_heard_where_that_is_silent(tmp_path):
    levels = {}
    for name, content in {"loud": music(3) * 4, "usual": music(3) * 0.5, "silent": music(3) * 0}.items():
        source = write_wav(tmp_path / f"{name}.wav", content)
        (tmp_path / name).mkdir()
        target, result = drawn(source, tmp_path / name)
        start = round(float(result.notices[0].seconds.start) * RATE)
        dash = decoded(target)[start + round(0.22 * RATE) : start + round(0.48 * RATE)]
        levels[name] = 20 * np.log10(np.sqrt(np.mean(dash**2)))
        assert np.abs(decoded(target)).max() <= 1
    assert levels["silent"] == pytest.approx(-23, abs=0.2)
    assert levels["loud"] == pytest.approx(-9, abs=0.2)
    assert levels["usual"] == pytest.approx(20 * np.log10(np.sqrt(np.mean((music(3) * 0.5) ** 2))), abs=3)


@pytest.mark.parametrize(
    "codec", [("-c:a", "aac", "-b:a", "128k"), ("-c:a", "aac", "-b:a", "32k"), MP3, ("-c:a", "libopus", "-b:a", "24k")]
)
def test_what_a_platform_makes_of_it_still_holds_it(tmp_path, codec):
    suffix = {"aac": "m4a", "libmp3lame": "mp3", "libopus": "opus"}[codec[1]]
    contents = {"music": music(), "talk": talk(), "noise": noise(), "soft": music() * 0.02, "silent": music() * 0}
    for name, content in contents.items() if FULL_PROOF else list(contents.items())[:2]:
        (tmp_path / name).mkdir()
        target, result = drawn(write_wav(tmp_path / f"{name}.wav", content), tmp_path / name, at=EVERYWHERE)
        again = tmp_path / name / f"again.{suffix}"
        ffmpeg("-i", target, *codec, again)
        for reading in measure_audio(again, result.notices):
            assert (reading.found, reading.clear, reading.over_content) == (True, True, False), name


def test_mixed_over_content_it_is_found_and_said_to_be_so(tmp_path):
    content = talk(6) * 0.5
    content[RATE : RATE + len(rhythm.sound(RATE))] += rhythm.sound(RATE) * 0.1
    stated = Notice(kind="ai-generated", text=rhythm.TEXT, seconds=Seconds(start=1, end=2.1))
    (reading,) = measure_audio(write_wav(tmp_path / "a.wav", content), [stated])
    assert (reading.found, reading.over_content) == (True, True)


def test_a_rhythm_that_is_not_where_it_is_stated_is_looked_for_at_both_ends(sounds, tmp_path):
    target, _ = drawn(write_wav(tmp_path / "a.wav", music(30)), tmp_path, at=("end",))
    wrong = Notice(kind="ai-generated", text=rhythm.TEXT, seconds=Seconds(start=15, end=16.1))
    unsaid = Notice(kind="ai-generated", text=rhythm.TEXT)
    for reading in measure_audio(target, [wrong, unsaid]):
        assert reading.found
        assert float(reading.seconds.start) == pytest.approx(30.5, abs=0.05)
    other = Notice(kind="ai-generated", text="短长短短", seconds=Seconds(start=30.5, end=31.6))
    assert not measure_audio(target, [other])[0].found
    assert measure_audio(target, []) == ()


def test_only_what_the_rhythm_says_is_said_by_it(sounds, tmp_path):
    _, result = drawn(sounds("wav16.wav"), tmp_path, BOTH)
    assert [(each.kind, each.text, each.box) for each in result.notices] == [("ai-generated", "短长 短短", None)]
    assert result.unsaid == (("fiction", "虚构内容"),)
    with pytest.raises(NoticeDoesNotFit) as error:
        draw_audio(sounds("wav16.wav"), tmp_path / "other.wav", BOTH[1:])
    assert error.value.code == "audio-not-sayable"
    assert not (tmp_path / "other.wav").exists()


def spoken(folder: Path, seconds: float, text: str, suffix: str = "wav") -> SimpleNamespace:
    """Return a clip in which something sounds for so long, silence around it."""
    silence = np.zeros(RATE // 2)
    plain = write_wav(folder / "plain-voice.wav", np.concatenate((silence, noise(seconds, level=0.05), silence)))
    path = folder / f"voice.{suffix}"
    ffmpeg("-i", plain, path)
    return SimpleNamespace(path=path, text=text)


@pytest.mark.parametrize(("name", "suffix"), [("wav16.wav", "mp3"), ("cbr.mp3", "wav"), ("aac.m4a", "opus")])
def test_a_recording_says_all_that_its_text_holds(sounds, tmp_path, name, suffix):
    voice = spoken(tmp_path, 6.0, "本音频由AI生成,含有虚构内容", suffix)  # fourteen syllables
    target, result = drawn(sounds(name), tmp_path, BOTH, voice=voice, at=("start", "end"))
    assert [each.kind for each in result.notices] == ["ai-generated", "fiction"] * 2
    assert result.unsaid == ()
    for reading in measure_audio(target, result.notices):
        assert (reading.found, reading.over_content, reading.form) == (True, False, "voice")
        assert reading.pace == pytest.approx(140, abs=2)
    content = decoded(sounds(name))
    assert content.tobytes() in decoded(target).tobytes()
    ffmpeg("-ss", "1", "-i", target, tmp_path / "cut.wav")
    assert not measure_audio(tmp_path / "cut.wav", result.notices)[0].found
    assert not measure_audio(sounds(name), result.notices)[0].found


@pytest.mark.parametrize(
    ("seconds", "text", "code"),
    [
        (3.0, "本音频由AI生成", "voice-pace"),  # 160 a minute, and a little more
        (2.0, "本音频由AI生成", "voice-pace"),
        (8.0, "本音频由AI生成", "voice-pace"),
        (3.4, "本音频由AI创作", "voice-elements"),
        (3.4, "本音频由智能合成", "voice-elements"),
        (31.0, "本音频由AI生成", "voice-length"),
    ],
)
def test_a_recording_that_does_not_do_is_refused(sounds, tmp_path, seconds, text, code):
    if seconds == 3.0:
        seconds = 2.9
    with pytest.raises(UsageError) as error:
        draw_audio(sounds("wav16.wav"), tmp_path / "out.wav", TEXTS, voice=spoken(tmp_path, seconds, text))
    assert error.value.code == code
    assert str(error.value.details["path"]) in str(error.value)
    assert not (tmp_path / "out.wav").exists()


def test_a_recording_that_says_nothing_or_cannot_be_read_is_refused(sounds, tmp_path):
    silent = SimpleNamespace(path=write_wav(tmp_path / "silent.wav", np.zeros(RATE)), text="由AI生成")
    no_sound = tmp_path / "no.wav"
    no_sound.write_bytes(b"RIFF")
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate((1 << 26) + 1)
    broken, huge = (SimpleNamespace(path=path, text="由AI生成") for path in (no_sound, large))
    for voice, code in ((silent, "voice-silent"), (broken, "voice-damaged"), (huge, "voice-length")):
        with pytest.raises(UsageError) as error:
            draw_audio(sounds("wav16.wav"), tmp_path / "out.wav", TEXTS, voice=voice)
        assert error.value.code == code


def chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def test_cue_points_loops_and_the_count_of_a_wave_follow_the_sound(sounds, tmp_path):
    plain = sounds.plain.read_bytes()
    count = (len(plain) - 44) // 4
    cues = struct.pack("<I", 2) + b"".join(
        struct.pack("<II4sIII", number, at, b"data", 0, 0, at) for number, at in enumerate((0, count - 10))
    )
    loop = struct.pack("<9I", *([0] * 7), 1, 0) + struct.pack("<6I", 0, 0, 5, count - 5, 0, 0)
    extra = (
        chunk(b"fact", struct.pack("<I", count)) + chunk(b"cue ", cues) + chunk(b"smpl", loop) + chunk(b"odd ", b"x")
    )
    source = tmp_path / "in.wav"
    body = plain[12:36] + extra + plain[36:]
    source.write_bytes(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body)
    target, _ = drawn(source, tmp_path, at=EVERYWHERE)
    made = target.read_bytes()
    assert struct.unpack_from("<I", made, 4)[0] == len(made) - 8
    sound = made.index(b"data" + b"", made.index(b"odd "))
    length = struct.unpack_from("<I", made, sound + 4)[0]
    assert sound + 8 + length == len(made)
    assert struct.unpack_from("<I", made, made.index(b"fact") + 8)[0] == length // 4
    at = made.index(b"cue ") + 8
    first, last = (struct.unpack_from("<II4sIII", made, at + 4 + 24 * number) for number in (0, 1))
    content = decoded(sounds.plain)
    finished = decoded(target)
    for number, old in ((first, 0), (last, count - 10)):
        assert number[1] == number[5]
        assert (finished[number[1] : number[1] + 10] == content[old : old + 10]).all()
    start, end = struct.unpack_from("<II", made, made.index(b"smpl") + 8 + 36 + 8)
    assert (finished[start] == content[5]).all()
    assert (finished[end] == content[count - 5]).all()


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wave_that_was_recorded_without_an_end_keeps_having_none(sounds, tmp_path, size):
    plain = bytearray(sounds.plain.read_bytes())
    for at in (4, 40):
        struct.pack_into("<I", plain, at, 0 if at == 40 else size)
    source = tmp_path / "in.wav"
    source.write_bytes(plain)
    target, result = drawn(source, tmp_path, at=("start", "end"))
    made = target.read_bytes()
    assert (made[4:8], made[40:44]) == (bytes(plain[4:8]), bytes(4))
    assert bytes(plain[44:]) in made
    assert all(each.found for each in measure_audio(target, result.notices))


def test_a_wave_that_would_exceed_its_format_is_refused(sounds, tmp_path, monkeypatch):
    monkeypatch.setattr("provenance.notices.audio_wav._LARGEST", 500_000)
    with pytest.raises(NoticeDoesNotFit) as error:
        draw_audio(sounds.plain, tmp_path / "out.wav", TEXTS)
    assert error.value.code == "audio-full"
    assert list(tmp_path.iterdir()) == []


def test_the_tag_that_counts_frames_stays_true(sounds, tmp_path):
    for name, at in itertools.product(("cbr.mp3", "vbr.mp3"), (("start",), EVERYWHERE)):
        (folder := tmp_path / f"{name}-{len(at)}").mkdir()
        target, _ = drawn(sounds(name), folder, at=at)
        before, after = mp3.MP3(sounds(name)), mp3.MP3(target)
        assert after.info.length == pytest.approx(len(decoded(target)) / RATE, abs=0.06)
        assert after.tags == before.tags
        with target.open("rb") as file:
            frames = audio_mp3.read(file)
            file.seek(int(frames.offsets[0]))
            whole = file.read(frames.end - int(frames.offsets[0]))
        xing = frames.xing
        numbers = struct.unpack_from(">II", whole, xing.flags_at + 4)
        assert numbers == (frames.sounding, len(whole))
        table = whole[xing.flags_at + 12 : xing.flags_at + 112]
        assert list(table) == sorted(table)
        for percent in (10, 50, 90):
            place = int(frames.offsets[1:][frames.sounding * percent // 100] - frames.offsets[0])
            assert table[percent] == pytest.approx(place * 256 / len(whole), abs=2)
        lame = xing.lame_at
        sum_of_sound, sum_of_tag = struct.unpack_from(">HH", whole, lame + 32)
        assert sum_of_sound == audio_xing.checksum(whole[int(frames.offsets[1] - frames.offsets[0]) :])
        assert sum_of_tag == audio_xing.checksum(whole[: lame + 34])


def test_chapters_of_an_mp3_follow_the_sound(sounds, tmp_path):
    source = tmp_path / "in.mp3"
    source.write_bytes(sounds("cbr.mp3").read_bytes())
    tags = id3.ID3(source)
    for name, start, end in (("a", 0, 2000), ("b", 2000, 3000)):
        tags.add(id3.CHAP(element_id=name, start_time=start, end_time=end, sub_frames=[id3.TIT2(text=name)]))
    tags.save(source)
    target, _ = drawn(source, tmp_path)
    longer = (len(decoded(target)) - len(decoded(source))) * 1000 / RATE
    chapters = {each.element_id: each for each in id3.ID3(target).getall("CHAP")}
    assert chapters["a"].start_time == 0
    assert chapters["a"].end_time == chapters["b"].start_time == pytest.approx(2000 + longer, abs=1)
    assert chapters["b"].sub_frames["TIT2"].text == ["b"]
    (tmp_path / "end").mkdir()
    target, _ = drawn(source, tmp_path / "end", at=("end",))
    assert {each.element_id: each.end_time for each in id3.ID3(target).getall("CHAP")} == {"a": 2000, "b": 3000}


def test_marks_that_cannot_follow_are_refused_by_name_but_for_a_notice_at_the_end(sounds, tmp_path):
    lyrics = tmp_path / "lyrics.mp3"
    lyrics.write_bytes(sounds("cbr.mp3").read_bytes())
    tags = id3.ID3(lyrics)
    tags.add(id3.SYLT(encoding=3, lang="zho", format=2, type=1, text=[("词", 1000)]))
    tags.save(lyrics)
    chapters = tmp_path / "chapters.flac"
    chapters.write_bytes(sounds("short.flac").read_bytes())
    comments = flac.FLAC(chapters)
    comments["CHAPTER001"] = "00:00:01.000"
    comments.save()
    cues = tmp_path / "cues.flac"
    data = sounds("short.flac").read_bytes()
    entry = struct.pack(">QB", 0, 1) + bytes(26) + b"\1" + bytes(12)
    sheet = bytes(395) + b"\2" + entry + struct.pack(">QB", 1000, 0xAA) + bytes(27)
    cues.write_bytes(data[:42] + b"\x05" + len(sheet).to_bytes(3, "big") + sheet + data[42:])
    meta = tmp_path / "meta.txt"
    meta.write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=a\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=3000\ntitle=b\n"
    )
    book = tmp_path / "book.m4a"
    ffmpeg("-i", sounds("aac.m4a"), "-i", meta, "-map_metadata", "1", "-map", "0:a", "-c", "copy", book)
    for number, (source, name) in enumerate(
        ((lyrics, "SYLT"), (chapters, "CHAPTER001"), (cues, "CUESHEET"), (book, "text"))
    ):
        with pytest.raises(NoticeDoesNotFit) as error:
            draw_audio(source, tmp_path / "refused", TEXTS, at=("start", "end"))
        assert (error.value.code, error.value.details["name"]) == ("audio-positions", name)
        (folder := tmp_path / str(number)).mkdir()
        target, _ = drawn(source, folder, at=("end",))
        assert decoded(source).tobytes() in decoded(target).tobytes()


def test_a_flac_keeps_its_blocks_and_states_its_new_digest(sounds, tmp_path):
    for name, size in (("short.flac", 2), ("long.flac", 3)):
        source = tmp_path / name
        source.write_bytes(sounds(name).read_bytes())
        tagged = flac.FLAC(source)
        picture = flac.Picture()
        picture.data, picture.mime = b"\xff\xd8 picture", "image/jpeg"
        tagged.add_picture(picture)
        tagged["TITLE"] = "标题"
        table = flac.SeekTable(b"")
        table.seekpoints += [
            flac.SeekPoint(0, 0, 4608),
            flac.SeekPoint(92160, 0, 4608),
            flac.SeekPoint(2**64 - 1, 0, 0),
        ]
        tagged.metadata_blocks.insert(1, table)
        tagged.save()
        (folder := tmp_path / f"of-{name}").mkdir()
        target, _ = drawn(source, folder, at=EVERYWHERE)
        made = flac.FLAC(target)
        assert (made["TITLE"], made.pictures[0].data) == (["标题"], picture.data)
        raw = ffmpeg("-i", target, "-f", f"s{size * 8}le", "-")
        assert made.info.md5_signature == int.from_bytes(hashlib.md5(raw).digest(), "big")
        assert made.info.total_samples * size * 2 == len(raw)
        points = made.seektable.seekpoints
        assert points[0].first_sample <= points[-2].first_sample
        data = target.read_bytes()
        frames = len(data) - len(data.split(b"\xff\xf8", 1)[1]) - 2
        for point in points[:-1]:
            if point.first_sample < 2**63:
                assert data[frames + point.byte_offset :].startswith(b"\xff\xf8")


def test_a_damaged_flac_is_refused(sounds, tmp_path):
    data = bytearray(sounds("short.flac").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    source = tmp_path / "in.flac"
    source.write_bytes(data)
    with pytest.raises(MalformedMedia) as error:
        draw_audio(source, tmp_path / "out.flac", TEXTS)
    assert error.value.code == "audio-damaged"
    assert list(tmp_path.iterdir()) == [source]


def test_tags_pictures_and_lengths_of_an_m4a_stay_true(sounds, tmp_path):
    source = tmp_path / "in.m4a"
    source.write_bytes(sounds("aac.m4a").read_bytes())
    tagged = mp4.MP4(source)
    tagged["\xa9nam"] = "标题"
    tagged["covr"] = [mp4.MP4Cover(b"\xff\xd8 picture")]
    count = len(decoded(source))
    gapless = f" 00000000 00000400 00000180 {count:016X} 00000000 00000000"
    tagged["----:com.apple.iTunes:iTunSMPB"] = gapless.encode()
    tagged.save()
    target, _ = drawn(source, tmp_path, at=EVERYWHERE)
    made = mp4.MP4(target)
    assert (made["\xa9nam"], bytes(made["covr"][0])) == (["标题"], b"\xff\xd8 picture")
    longer = len(decoded(target)) - count
    stated = bytes(made["----:com.apple.iTunes:iTunSMPB"][0]).split()[3]
    assert int(stated, 16) == count + longer
    assert made.info.length == pytest.approx(len(decoded(target)) / RATE, abs=0.06)
    shown = run("ffprobe", "-v", "error", "-show_entries", "format=duration:stream=duration", "-of", "csv=p=0", target)
    assert all(float(each) == pytest.approx(made.info.length, abs=0.06) for each in shown.decode().split())


def test_the_last_page_of_an_opus_stream_ends_it_once(sounds, tmp_path):
    target, _ = drawn(sounds("music.opus"), tmp_path, at=EVERYWHERE)
    assert registry.read(target).warnings == ()
    assert oggopus.OggOpus(target).info.length == pytest.approx(len(decoded(target)) / 48_000, abs=0.01)


def vbri(sounds: Sounds, folder: Path) -> Path:
    """Return an MP3 file whose first frame has the tag of another maker."""
    data = sounds("bare.mp3").read_bytes()
    source = folder / "in.mp3"
    source.write_bytes(data[:36] + b"VBRI" + data[40:] + b"TAG".ljust(128, b"x"))
    return source


def test_where_no_frame_can_be_put_in_all_is_encoded_anew_and_the_reason_given(sounds, tmp_path):
    source = vbri(sounds, tmp_path)
    target, result = drawn(source, tmp_path, at=EVERYWHERE)
    assert (result.media_change, result.reason) == ("full", "audio-full-kind")
    assert all(each.found and not each.over_content for each in measure_audio(target, result.notices))
    assert target.read_bytes()[-128:] == source.read_bytes()[-128:]
    content, finished = decoded(source), decoded(target)
    assert len(finished) - len(content) == pytest.approx(3 * 1.9 * RATE, rel=0.2)
    with pytest.raises(NoticeDoesNotFit) as error:
        draw_audio(source, tmp_path / "other.mp3", TEXTS, reencode=False)
    assert error.value.code == "audio-full-kind"
    assert not (tmp_path / "other.mp3").exists()


def test_layer_two_and_marks_where_all_is_encoded_anew(sounds, tmp_path):
    data = bytearray(sounds("layer2.mp2").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = b"\x55" * 3000
    source = tmp_path / "in.mp2"
    source.write_bytes(data)
    _, result = drawn(source, tmp_path, at=("end",))
    assert result.media_change == "full"
    lyrics = vbri(sounds, tmp_path)
    tags = id3.ID3()
    tags.add(id3.SYLT(encoding=3, lang="zho", format=2, type=1, text=[("词", 1000)]))
    tags.save(lyrics)
    with pytest.raises(NoticeDoesNotFit) as error:
        draw_audio(lyrics, tmp_path / "other.mp3", TEXTS)
    assert error.value.code == "audio-positions"


def test_what_does_not_read_back_as_it_must_is_not_kept(sounds, tmp_path, monkeypatch):
    monkeypatch.setattr("provenance.notices.audio_verify.holds", lambda *_: False)
    with pytest.raises(NoticeDoesNotFit) as error:
        draw_audio(sounds("aac.m4a"), tmp_path / "out.m4a", TEXTS)
    assert error.value.code == "audio-not-verified"
    assert list(tmp_path.iterdir()) == []


REFUSED = {
    "vorbis.ogg": "audio-codec",
    "he.m4a": "audio-profile",
    "protected.m4a": "audio-encrypted",
    "fragments.m4a": "audio-kind",
    "alaw.wav": "audio-codec",
    "adpcm.wav": "audio-codec",
    "empty.wav": "audio-empty",
    "many.wav": "audio-shape",
    "two.m4a": "audio-several",
}


@pytest.fixture(scope="session")
def refused(sounds, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("refused")
    aac = sounds("aac.m4a").read_bytes()
    (folder / "vorbis.ogg").write_bytes(sounds("vorbis.ogg").read_bytes())
    (folder / "protected.m4a").write_bytes(aac.replace(b"mp4a\0", b"drms\0"))
    # The record of AAC with bands made up from lower ones (14496-3, 1.6.2.1): kind 5, then that of the core.
    (folder / "he.m4a").write_bytes(aac.replace(b"\x12\x10\x56\xe5\0", b"\x2b\x92\x08\0\0"))
    ffmpeg("-i", sounds.plain, "-c:a", "aac", "-movflags", "empty_moov+frag_keyframe", folder / "fragments.m4a")
    ffmpeg("-i", sounds.plain, "-c:a", "pcm_alaw", folder / "alaw.wav")
    ffmpeg("-i", sounds.plain, "-c:a", "adpcm_ms", folder / "adpcm.wav")
    write_wav(folder / "empty.wav", np.zeros(0))
    write_wav(folder / "many.wav", np.zeros((12, RATE)))
    ffmpeg("-i", sounds.plain, "-i", sounds.plain, "-map", "0", "-map", "1", "-c:a", "aac", folder / "two.m4a")
    return folder


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_notice_can_be_put_into_is_refused_and_says_what_to_do(refused, tmp_path, name):
    source = refused / name
    with pytest.raises(ProvenanceError) as error:
        draw_audio(source, tmp_path / "out", TEXTS)
    assert error.value.code == REFUSED[name]
    assert str(source) in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["cbr.mp3", "aac.m4a", "short.flac", "music.opus", "wav16.wav"])
def test_a_file_cut_off_anywhere_is_refused_or_sound(sounds, tmp_path, name):
    whole = sounds(name).read_bytes()
    source = tmp_path / f"in.{name.rpartition('.')[2]}"
    shares = (0, 0.001, 0.01, 0.3, 0.99) if FULL_PROOF else (0, 0.01, 0.9)
    for share in shares:
        source.write_bytes(whole[: int(len(whole) * share)])
        target = tmp_path / "out"
        refused = found = None
        with contextlib.suppress(ProvenanceError):
            refused = audio_drawable(source)
            found = draw_audio(source, target, TEXTS, at=("start", "end"))
        assert target.exists() == (found is not None)
        if found is None:
            assert refused is None or str(source) in str(refused)
        else:
            assert all(each.found for each in measure_audio(target, found.notices))
            target.unlink()


def test_it_is_said_beforehand_whether_a_notice_can_be_put_in(sounds, refused, tmp_path):
    assert audio_drawable(sounds("cbr.mp3")) is None
    assert audio_drawable(refused / "vorbis.ogg").code == "audio-codec"
    picture = tmp_path / "a.png"
    ffmpeg("-f", "lavfi", "-i", "color=s=16x16", "-frames:v", "1", picture)
    assert isinstance(audio_drawable(picture), UnsupportedFormat)


@pytest.mark.parametrize("at", [(), ("begin",)])
def test_a_place_that_there_is_not_is_refused(sounds, tmp_path, at):
    with pytest.raises(UsageError) as error:
        draw_audio(sounds("wav16.wav"), tmp_path / "out.wav", TEXTS, at=at)
    assert error.value.code == "option-unknown"


def test_a_taken_name_is_refused_and_an_open_file_taken(sounds, tmp_path):
    target = tmp_path / "out.wav"
    target.write_bytes(b"mine")
    with pytest.raises(OutputRefused):
        draw_audio(sounds("wav16.wav"), target, TEXTS)
    assert target.read_bytes() == b"mine"
    with (tmp_path / "open.wav").open("xb+") as file:
        draw_audio(sounds("wav16.wav"), file, TEXTS)
    assert decoded(sounds("wav16.wav")).tobytes() in decoded(tmp_path / "open.wav").tobytes()


@pytest.mark.parametrize("name", ["short.flac", "in.mp3"])
def test_who_stops_half_way_finds_nothing_left(sounds, tmp_path, name):
    def stop(done, total, what):
        assert 0 <= done <= total
        if what == "encoding" and done:
            raise KeyboardInterrupt

    (tmp_path / "source").mkdir()
    source = vbri(sounds, tmp_path / "source") if name == "in.mp3" else sounds(name)
    (folder := tmp_path / "out").mkdir()
    with pytest.raises(KeyboardInterrupt):
        draw_audio(source, folder / "out", TEXTS, progress=stop)
    assert list(folder.iterdir()) == []


def test_without_the_extra_it_is_named(sounds, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for call in (
        lambda: draw_audio(sounds("wav16.wav"), tmp_path / "out.wav", TEXTS),
        lambda: measure_audio(sounds("wav16.wav"), [Notice(kind="ai-generated", text=rhythm.TEXT)]),
    ):
        with pytest.raises(MissingExtra):
            call()
