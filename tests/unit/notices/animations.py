"""Animations made at run time, and what independent players show of them."""

import io
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from provenance.notices import draw

from .conftest import mask, notices_for, scene

W, H = 420, 340
DURATIONS = [100, 50, 80, 90]


def growing(number: int = 4) -> list[Image.Image]:
    """Return frames of which each changes a part of the one before, some of them under the plates."""
    frames = [scene(W, H)]
    for step in range(1, number):
        frames.append(frames[-1].copy())
        frames[-1].paste(scene(90, 60, step), (140 + 60 * step, 20 + 60 * step) if step % 2 else (30, 30))
    return frames


def sprites(number: int = 4, opacity: int = 255) -> list[Image.Image]:
    """Return frames that are transparent but for a spot that moves."""
    frames = []
    for step in range(number):
        frame = Image.new("RGBA", (W, H))
        spot = scene(90, 60, step).convert("RGBA")
        spot.putalpha(opacity)
        frame.paste(spot, (20 + 80 * step, 15 + 70 * step))
        frames.append(frame)
    return frames


def saved(frames: list[Image.Image], kind: str, **options) -> bytes:
    output = io.BytesIO()
    frames[0].save(output, kind, save_all=True, append_images=frames[1:], **options)
    return output.getvalue()


def drawn(data: bytes, folder: Path, kind: str, orientation: int = 1):
    """Return the notices, the new file and what drawing did."""
    source, target = folder / f"in.{kind}", folder / f"out.{kind}"
    source.write_bytes(data)
    notices = notices_for(W, H, orientation)
    with target.open("wb") as file:
        result = draw(source, file, notices, orientation=orientation, format=kind)
    assert source.read_bytes() == data
    return notices, target, result


def by_pillow(data: bytes) -> list[np.ndarray]:
    """Return each frame as composed, (rows, columns, 4), zero where nothing is seen."""
    frames = []
    with Image.open(io.BytesIO(data)) as picture:
        for number in range(picture.n_frames):
            picture.seek(number)
            frames.append(_cleared(np.array(picture.convert("RGBA"))))
    return frames


def by_ffmpeg(data: bytes, deep: bool = False) -> list[np.ndarray]:
    """Return each frame of an animated PNG as composed, (rows, columns, 4), zero where nothing is seen."""
    form = ["-pix_fmt", "rgba64le" if deep else "rgba", "-f", "rawvideo", "-"]
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(data)
        file.flush()
        command = ["ffmpeg", "-v", "error", "-f", "apng", "-i", file.name, "-fps_mode", "passthrough", *form]
        raw = subprocess.run(command, capture_output=True, check=True).stdout
    frames = np.frombuffer(raw, np.uint16 if deep else np.uint8).reshape(-1, H, W, 4)
    return [_cleared(frame.copy()) for frame in frames]


def assert_only_plates_changed(before, after, notices, most: int = 0) -> None:
    """Hold each frame to what it was, but for plates that are opaque and the same in all."""
    inside = mask(notices, (H, W))
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        assert np.abs(old[~inside].astype(int) - new[~inside]).max() <= most
        assert (new[inside][:, 3] == np.iinfo(new.dtype).max).all()
        assert (new[inside][:, :3] != old[inside][:, :3]).any(axis=-1).mean() > 0.3


def _cleared(frame: np.ndarray) -> np.ndarray:
    frame[frame[..., 3] == 0] = 0
    return frame
