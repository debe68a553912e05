"""Drawing notices into the head of a film, against decoding and encoding all of it with the same settings."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from timing import Row, in_turns, milliseconds

SIDES, RATE, GOP = "1920x1080", 30, 60
MINUTE = 60
TEXTS = (("ai-generated", "AI生成"),)
FULL = "decode, draw and encode all, libx264 veryfast qp 18"


def video_notice_rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Compare films of one and of ten minutes; the ten are ten times the one, so is the full encoding's time."""
    folder.mkdir()
    rounds = max(1, rounds // 5)
    source = film(folder / "minute.mp4")
    target = folder / "drawn.mp4"
    ours, full = in_turns(
        rounds,
        lambda: _drawn(source, target),
        lambda: milliseconds(lambda: encode_all(source, folder / "full.mp4")),
    )
    yield Row(f"notice, H.264 1080p 60 s, {_megabytes(source)}", FULL, ours, full, bar=1 / 10)
    (folder / "full.mp4").unlink()
    long = repeated(source, folder / "ten.mp4", 10)
    (ours,) = in_turns(rounds, lambda: _drawn(long, target))
    yield Row(
        f"notice, H.264 1080p 10 min, {_megabytes(long)}", f"10 × {FULL}", ours, [10 * one for one in full], 1 / 60
    )
    print(f"    peak resident memory of one drawing: {_peak(source, target):.0f} MiB")


def _peak(source: Path, target: Path) -> float:
    """Return the most memory that a process of its own takes to draw on a film, in MiB."""
    target.unlink(missing_ok=True)
    code = f"""
import resource
from pathlib import Path
from provenance.notices import layout
from provenance.notices.video import draw_video
draw_video(Path({str(source)!r}), Path({str(target)!r}), layout({TEXTS!r}, 1920, 1080))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)


def film(path: Path) -> Path:
    """Write a minute of moving shapes with grain and a sound, as phones and editors export it."""
    seen = f"testsrc2=s={SIDES}:r={RATE}:d={MINUTE},noise=alls=4:allf=t"
    told = ["-f", "lavfi", "-i", seen, "-f", "lavfi", "-i", f"sine=d={MINUTE}", "-pix_fmt", "yuv420p"]
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", str(GOP), "-c:a", "aac"]
    _ffmpeg(*told, *coded, "-movflags", "+faststart", str(path))
    return path


def repeated(source: Path, path: Path, times: int) -> Path:
    """Write a film of several times another."""
    told = ["-stream_loop", str(times - 1), "-i", str(source), "-c", "copy", "-movflags", "+faststart"]
    _ffmpeg(*told, str(path))
    return path


def _ffmpeg(*told: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *told, "-y"], check=True)


def _drawn(source: Path, target: Path) -> float:
    from provenance.notices import layout
    from provenance.notices.video import draw_video, probe

    target.unlink(missing_ok=True)
    size = probe(source)
    notices = layout(TEXTS, size.width, size.height)

    def draw() -> None:
        result = draw_video(source, target, notices)
        assert result.media_change == "head", result

    return milliseconds(draw)


def encode_all(source: Path, target: Path) -> None:
    """Do what everybody does: every picture decoded, drawn on where the notice is, and encoded; the sound copied."""
    import av
    from av.video.frame import PictureType

    from provenance.notices import layout
    from provenance.notices.overlay import patches
    from provenance.notices.video_paint import blend, look_of, stamps

    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        seen, heard = old.streams.video[0], old.streams.audio[0]
        seen.thread_type = "AUTO"
        coded = new.add_stream("libx264", rate=Fraction(RATE))
        coded.width, coded.height, coded.pix_fmt = seen.width, seen.height, "yuv420p"
        coded.options = {"preset": "veryfast", "qp": "18", "x264-params": f"bframes=0:keyint={GOP}"}
        copied = new.add_stream_from_template(heard)
        painted = patches(layout(TEXTS, seen.width, seen.height), seen.width, seen.height, 1)
        for packet in old.demux(seen, heard):
            if packet.stream is heard:
                if packet.size:
                    packet.stream = copied
                    new.mux(packet)
                continue
            for frame in packet.decode():
                if frame.time < 3:
                    frame.make_writable()
                    blend(frame, stamps(painted, look_of(frame)))
                frame.pict_type = PictureType.NONE
                new.mux(coded.encode(frame))
        new.mux(coded.encode(None))


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.0f} MB"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        for row in video_notice_rows(Path(scratch, "films"), 5):
            print(f"{row.what:44} {min(row.ours):9.0f} ms  {min(row.baseline):9.0f} ms  1/{1 / row.ratio:.1f}")
