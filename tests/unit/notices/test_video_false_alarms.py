"""No notice is seen in a film that has none, whatever moves in it."""

import shutil
import subprocess

import cv2
import numpy as np
import pytest

from provenance.model.notice import Seconds
from provenance.notices import layout
from provenance.notices.video_measure import measure_video

from .conftest import FULL_PROOF

av = pytest.importorskip("av")

WIDTH, HEIGHT, RATE, SECONDS = 960, 540, 4, 6
SIZE = f"s={WIDTH}x{HEIGHT}:r={RATE}"
TEXTS = (("ai-generated", "AI生成"), ("fiction", "摆拍演绎"), ("ai-generated", "可能为AI生成"))
SCENES = {
    "pattern": f"testsrc2={SIZE}",
    "numbers": f"testsrc={SIZE}:decimals=3",
    "fractal": f"mandelbrot={SIZE}:start_scale=0.2",
    "life": f"life=s={WIDTH // 3}x{HEIGHT // 3}:r={RATE}:seed=1:ratio=0.2:mold=10,scale={WIDTH}:{HEIGHT}:flags=neighbor",
    "gradients": f"gradients={SIZE}:seed=7:n=8",
    "automaton": f"cellauto={SIZE}:seed=3:rule=110",
    "bars": f"smptehdbars={SIZE}",
    "carpet": f"sierpinski={SIZE}:seed=5",
}


def written(rng):
    """Return a picture full of small strokes on dark plates, as subtitles and signs are."""
    picture = cv2.resize(
        rng.integers(0, 255, (9, 16, 3), dtype=np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
    )
    for _ in range(40):
        x, y, high = int(rng.integers(0, WIDTH - 200)), int(rng.integers(0, HEIGHT - 60)), int(rng.integers(14, 50))
        cv2.rectangle(picture, (x, y), (x + 5 * high, y + high + 12), (30, 30, 30), -1)
        for at in range(4):
            for _ in range(int(rng.integers(4, 9))):
                ends = rng.integers(0, high, 4)
                left = x + 6 + at * (high + 4)
                one, other = (left + int(ends[0]), y + 6 + int(ends[1])), (left + int(ends[2]), y + 6 + int(ends[3]))
                if rng.integers(0, 2):
                    other = (other[0], one[1]) if rng.integers(0, 2) else (one[0], other[1])
                cv2.line(picture, one, other, (245, 245, 245), max(1, high // 12), cv2.LINE_AA)
    return picture


def latin(rng):
    """Return a picture full of words in another script."""
    picture = np.full((HEIGHT, WIDTH, 3), int(rng.integers(0, 90)), np.uint8)
    for line in range(12):
        words = "".join(map(chr, rng.integers(48, 123, 40)))
        face = int(rng.integers(0, 8))
        cv2.putText(
            picture, words, (8, 40 + line * 44), face, float(rng.uniform(0.6, 1.6)), (250, 250, 250), 2, cv2.LINE_AA
        )
    return picture


DRAWN = {"strokes": written, "words": latin}


def film_of(name, folder):
    path = folder / "scene.mkv"
    if name in DRAWN:
        rng = np.random.default_rng(11)
        with av.open(str(path), "w") as file:
            stream = file.add_stream("mjpeg", rate=RATE, width=WIDTH, height=HEIGHT, pix_fmt="yuvj420p")
            for _ in range(RATE * SECONDS):
                frame = av.VideoFrame.from_ndarray(DRAWN[name](rng), format="bgr24")
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        return path
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    told = ["-f", "lavfi", "-i", SCENES[name], "-t", str(SECONDS), "-c:v", "mpeg4", "-q:v", "2", "-g", "1"]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *told, str(path)], check=True, timeout=60)
    return path


@pytest.mark.parametrize("name", [*SCENES, *DRAWN])
def test_nothing_is_found_where_nothing_was_drawn(name, tmp_path):
    path = film_of(name, tmp_path)
    for text in TEXTS if FULL_PROOF else TEXTS[:1]:
        (notice,) = layout([text], WIDTH, HEIGHT)
        stated = notice.model_copy(update={"seconds": Seconds(start=0, end=SECONDS)})
        # Half a second apart: 13 pictures of each scene, 130 in all.
        (found,) = measure_video(path, [stated])
        assert not found.found, (text, found)
