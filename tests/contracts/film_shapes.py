"""Films made at run time by ffmpeg, one for each shape of stream that players and encoders are known to differ in."""

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

WIDTH, HEIGHT, RATE, SECONDS = 480, 360, 20, 5
_GOP = RATE  # one second

_SUBTITLE = "1\n00:00:00,500 --> 00:00:02,000\n字幕\n\n2\n00:00:04,000 --> 00:00:04,800\nsubtitle\n"
_FINE = "noise=alls=5:allf=t:all_seed=7"
_HEARD = ("-f", "lavfi", "-i", f"sine=f=440:d={SECONDS}:r=48000", "-c:a", "aac", "-b:a", "64k")
_TWO_HEARD = (*_HEARD[:4], "-f", "lavfi", "-i", f"sine=f=300:d={SECONDS}:r=48000", "-i", "{folder}/spoken.srt")
_LANGUAGES = ("-metadata:s:a:0", "language=zho", "-metadata:s:a:1", "language=eng", "-metadata", "title=两条音轨")
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", str(_GOP), "-sc_threshold", "0")
_BASELINE = ("-profile:v", "baseline", "-bf", "0")
_X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "22", "-tag:v", "hvc1", "-x265-params")
_CLOSED = f"log-level=error:keyint={_GOP}:min-keyint={_GOP}:open-gop=0:scenecut=0:bframes=3"
_OPEN = f"log-level=error:keyint={_GOP}:min-keyint={_GOP}:open-gop=1:scenecut=0:bframes=3"
_HDR = (
    ":colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:repeat-headers=1:max-cll=1000,400"
    ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
)
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1500k", "-g", str(_GOP))
_AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-crf", "30", "-g", str(_GOP), "-loglevel", "quiet")


def _seen(rate=RATE):
    """Return a moving test pattern under fine noise, which no encoder guesses."""
    return ("-f", "lavfi", "-i", f"testsrc2=s={WIDTH}x{HEIGHT}:r={rate}:d={SECONDS},{_FINE}")


class Shape(NamedTuple):
    """One way to store a film.

    Attributes:
        suffix: Of its name.
        told: What ffmpeg is told; `{folder}` holds the other shapes.
        change: What drawing the default notice must do to it.
        needs: The shape it is made from.
    """

    suffix: str
    told: tuple[str, ...]
    change: str = "head"
    needs: str | None = None


SHAPES = {
    "h264-high": Shape("mp4", (*_seen(), *_HEARD, *_X264, "-movflags", "+faststart")),
    "h264-plain": Shape("mp4", (*_seen(), *_HEARD, *_X264, *_BASELINE)),
    "h264-rotated": Shape(
        "mov", ("-i", "{h264-plain}", "-c", "copy", "-metadata:s:v", "rotate=90"), needs="h264-plain"
    ),
    "h264-two-sounds-and-text": Shape(
        "mp4",
        (
            *_seen(),
            *_TWO_HEARD,
            *_HEARD[4:],
            *("-map", "0", "-map", "1", "-map", "2", "-map", "3"),
            "-c:s",
            "mov_text",
            *_LANGUAGES,
            *_X264,
        ),
    ),
    "h264-variable-rate": Shape(
        "mp4", (*_seen(), *_HEARD, "-vf", "select='not(eq(mod(n,7),3))*not(between(n,30,38))'", "-vsync", "vfr", *_X264)
    ),
    "h264-edit-list": Shape("mp4", ("-ss", "0.65", "-i", "{h264-high}", "-c", "copy"), needs="h264-high"),
    "h264-matroska": Shape("mkv", (*_seen(), *_HEARD, *_X264)),
    "h264-long-gop": Shape("mp4", (*_seen(60), *_HEARD, *_X264, "-g", "250")),
    "h264-interlaced": Shape(
        "mp4",
        (*_seen(2 * RATE), *_HEARD, "-vf", "tinterlace=mode=interleave_top", *_X264, "-flags", "+ildct+ilme"),
    ),
    "h264-open-gop": Shape("mp4", (*_seen(), *_HEARD, *_X264, "-x264-params", "open-gop=1:bframes=3"), "full"),
    "hevc-main": Shape("mp4", (*_seen(), *_HEARD, *_X265, _CLOSED)),
    "hevc-main10-hdr10": Shape("mp4", (*_seen(), *_HEARD, *_X265, _CLOSED + _HDR, "-pix_fmt", "yuv420p10le")),
    "hevc-open-gop": Shape("mp4", (*_seen(), *_HEARD, *_X265, _OPEN), "full"),
    "vp9": Shape("webm", (*_seen(), *_HEARD[:4], "-c:a", "libopus", "-b:a", "64k", *_VP9)),
    "av1": Shape("mp4", (*_seen(), *_HEARD, *_AV1)),
}


class Films:
    """Makes each shape once."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "spoken.srt").write_text(_SUBTITLE, encoding="utf-8")

    @functools.cache  # noqa: B019 -- one for a whole run
    def __call__(self, name: str) -> Path:
        """Return the film; a test that needs it is not run where ffmpeg is missing."""
        need_ffmpeg()
        shape = SHAPES[name]
        if shape.needs:
            self(shape.needs)
        path = self.path(name)
        names = {other: str(self.path(other)) for other in SHAPES}
        told = [each.format(folder=self.folder, **names) for each in shape.told]
        command = ["ffmpeg", "-v", "error", "-nostdin", *told, "-fflags", "+bitexact", "-y", str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return path

    def path(self, name: str) -> Path:
        """Return where a shape lies, made or not."""
        return self.folder / f"{name}.{SHAPES[name].suffix}"


def need_ffmpeg() -> None:
    """Report the test as not run where ffmpeg is missing; under CI it fails."""
    if shutil.which("ffmpeg") is None:
        if os.environ.get("CI"):
            pytest.fail("ffmpeg is missing: make deps installs it")
        pytest.skip("not run: ffmpeg is not installed")
