"""Films made at run time by ffmpeg, one for each way in which streams differ, and what an independent reader sees."""

import functools
import shutil
import subprocess
from pathlib import Path

import pytest

WIDTH, HEIGHT, RATE, SECONDS = 432, 320, 24, 5
GOP = 24

_SEEN = ("-f", "lavfi", "-i", f"testsrc2=s={WIDTH}x{HEIGHT}:r={RATE}:d={SECONDS}")
_HEARD = ("-f", "lavfi", "-i", f"sine=d={SECONDS}", "-c:a", "aac")
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", str(GOP), "-sc_threshold", "0")
_X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params")
_CLOSED = f"log-level=error:keyint={GOP}:min-keyint={GOP}:open-gop=0:scenecut=0"
_HDR = (
    ":colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:repeat-headers=1:max-cll=1000,400"
    ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
)
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "800k", "-g", str(GOP))
_AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-g", str(GOP), "-loglevel", "quiet")
_OTHERS = ("-f", "lavfi", "-i", f"sine=f=300:d={SECONDS}", "-i", "{folder}/spoken.srt")
_SAID = "086f3693-b7b3-4f2c-9653-21492feee5b8+spoken"
_SUBTITLE = "1\n00:00:00,500 --> 00:00:02,000\nspoken\n"

# Name: suffix and what ffmpeg is told; `{folder}` holds the other films.
FILMS = {
    "h264": ("mp4", (*_SEEN, *_HEARD, *_X264)),
    "h264-moov-first": ("mp4", (*_SEEN, *_HEARD, *_X264, "-bf", "3", "-movflags", "+faststart")),
    "h264-grain": ("mp4", (*_SEEN, "-vf", "noise=alls=30:allf=t", *_X264, "-preset", "ultrafast", "-crf", "28")),
    "h264-baseline": ("mp4", (*_SEEN, *_HEARD, *_X264, "-profile:v", "baseline")),
    "h264-quicktime": ("mov", (*_SEEN, *_HEARD, *_X264, "-timecode", "01:00:00:00")),
    "h264-rotated": ("mov", ("-i", "{folder}/h264-baseline.mp4", "-c", "copy", "-metadata:s:v", "rotate=90")),
    "h264-two-sounds": (
        "mp4",
        (*_SEEN, *_HEARD[:4], *_OTHERS, "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:s", "mov_text", *_X264),
    ),
    "h264-variable-rate": ("mp4", (*_SEEN, *_HEARD, "-vf", "select='not(eq(mod(n,7),3))'", "-vsync", "vfr", *_X264)),
    "h264-edit-list": ("mp4", ("-ss", "0.6", "-i", "{folder}/h264-moov-first.mp4", "-c", "copy")),
    "h264-interlaced": ("mp4", (*_SEEN, *_HEARD, *_X264, "-flags", "+ildct+ilme", "-x264-params", "tff=1")),
    "h264-full-range": ("mp4", (*_SEEN, *_X264, "-pix_fmt", "yuvj420p")),
    "h264-10-bit": ("mp4", (*_SEEN, *_X264, "-pix_fmt", "yuv420p10le")),
    "h264-matroska": ("mkv", (*_SEEN, *_HEARD, *_X264)),
    "h264-cues-first": ("mkv", (*_SEEN, *_HEARD, *_X264, "-cluster_time_limit", "700", "-cues_to_front", "1")),
    "h264-one-gop": ("mp4", (*_SEEN, *_HEARD, *_X264, "-g", "500")),
    "h264-open-gop": ("mp4", (*_SEEN, *_HEARD, *_X264, "-x264-params", "open-gop=1")),
    "h264-said": (
        "mp4",
        ("-i", "{folder}/h264.mp4", "-c", "copy", "-bsf:v", f"h264_metadata=sei_user_data={_SAID}"),
    ),
    "hevc": ("mp4", (*_SEEN, *_HEARD, *_X265, _CLOSED)),
    "hevc-in-band": ("mp4", ("-i", "{folder}/hevc.mp4", "-c", "copy", "-tag:v", "hev1")),
    "hevc-matroska": ("mkv", ("-i", "{folder}/hevc.mp4", "-c", "copy")),
    "hevc-hdr10": ("mp4", (*_SEEN, *_X265, _CLOSED + _HDR, "-pix_fmt", "yuv420p10le")),
    "hevc-open-gop": ("mp4", (*_SEEN, *_X265, f"log-level=error:keyint={GOP}:min-keyint={GOP}")),
    "vp9": ("webm", (*_SEEN, "-f", "lavfi", "-i", f"sine=d={SECONDS}", "-c:a", "libopus", *_VP9)),
    "vp9-mp4": ("mp4", ("-i", "{folder}/vp9.webm", "-map", "0:v", "-c", "copy")),
    "vp9-live": ("webm", ("-i", "{folder}/vp9.webm", "-c", "copy", "-live", "1")),
    "av1": ("mp4", (*_SEEN, *_AV1)),
    "av1-matroska": ("mkv", ("-i", "{folder}/av1.mp4", "-c", "copy")),
    "fragmented": ("mp4", ("-i", "{folder}/h264.mp4", "-c", "copy", "-movflags", "frag_keyframe+empty_moov")),
    "sound-only": ("mp4", _HEARD),
    "one-picture": ("mp4", (*_SEEN, *_X264, "-frames:v", "1")),
    "short": ("mp4", (*_SEEN, *_X264, "-t", "1.5")),
    "small": ("mp4", ("-f", "lavfi", "-i", f"testsrc2=s=320x240:r={RATE}:d=3", *_X264)),
    "wide-pixels": ("mp4", (*_SEEN, *_X264, "-vf", "setsar=4/3")),
    "mpeg4": ("mp4", (*_SEEN, "-c:v", "mpeg4")),
    "prores": ("mov", (*_SEEN, "-c:v", "prores_ks")),
    "hevc-422": ("mp4", (*_SEEN, *_X265, _CLOSED, "-pix_fmt", "yuv422p10le")),
    "hevc-interlaced": ("mp4", (*_SEEN, *_X265, f"{_CLOSED}:interlace=tff")),
    "vp9-10-bit": ("webm", (*_SEEN, *_VP9, "-pix_fmt", "yuv420p10le")),
    "vp9-alpha": ("webm", (*_SEEN, *_VP9, "-pix_fmt", "yuva420p", "-auto-alt-ref", "0")),
    "two-pictures": ("mp4", (*_SEEN, *_SEEN, "-map", "0", "-map", "1", *_X264)),
}
_NEEDED = {
    name: other for name, (_, told) in FILMS.items() for other in FILMS if any(f"/{other}." in one for one in told)
}


class Films:
    """Makes each film once."""

    def __init__(self, folder: Path, seconds: int = SECONDS):
        self.folder = folder
        self.seconds = seconds
        (folder / "spoken.srt").write_text(_SUBTITLE)

    @functools.cache  # noqa: B019 -- one for a whole run
    def __call__(self, name: str) -> Path:
        if not shutil.which("ffmpeg"):
            pytest.skip("ffmpeg is not installed")
        if name in _NEEDED:
            self(_NEEDED[name])
        suffix, told = FILMS[name]
        path = self.folder / f"{name}.{suffix}"
        told = [one.format(folder=self.folder).replace(f"d={SECONDS}", f"d={self.seconds}") for one in told]
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *told, "-y", str(path)], check=True, capture_output=True)
        return path


def pictures(path: Path) -> list[tuple[str, str]]:
    """Return time and digest of each decoded picture, in the order of presentation."""
    return _framemd5(path, "-map", "0:v:0", "-vsync", "passthrough")


def packets(path: Path) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return times, length and digest of each packet of the pictures, which these films have first, and of the rest."""
    found = _framemd5(path, "-map", "0", "-c", "copy", whole=True)
    return [each for each in found if each[0] == "0"], sorted(each for each in found if each[0] != "0")


def _framemd5(path, *told, whole=False):
    command = ["ffmpeg", "-v", "warning", "-nostdin", "-i", str(path), *told, "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [[field.strip() for field in line.split(",")] for line in done.stdout.splitlines() if line[0] != "#"]
    return [tuple(row) if whole else (row[2], row[5]) for row in rows]
