"""The two pictures of the demo, drawn at run time: a photograph as a camera would write it, and a generated poster."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

CAPTURED_AT: Final = "2026-05-01T08:30:00+08:00"
_SEED: Final = 20260501
_SIZE: Final = (1200, 900)
_EXIF_IFD: Final = 0x8769


def photograph(path: Path) -> None:
    """Draw hills at daybreak with sensor noise, and write them as a JPEG with a camera's EXIF block."""
    width, height = _SIZE
    rows = np.linspace(0, 1, height)[:, None, None]
    sky = np.array([92, 132, 190]) * (1 - rows) + np.array([244, 196, 150]) * rows
    image = Image.fromarray(np.broadcast_to(sky, (height, width, 3)).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    columns = np.arange(0, width + 20, 20)
    for depth, shade in enumerate(((74, 104, 112), (52, 84, 74), (30, 58, 44))):
        ridge = height * (0.5 + 0.14 * depth) + 46 * np.sin(columns / (150 - 30 * depth) + depth * 2)
        outline = [(0, height), *zip(columns.tolist(), ridge.tolist(), strict=True), (width, height)]
        pen.polygon(outline, fill=shade)
    noise = np.random.default_rng(_SEED).normal(0, 5, (height, width, 3))
    noisy = np.clip(np.asarray(image.filter(ImageFilter.GaussianBlur(1.2))) + noise, 0, 255).astype(np.uint8)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Demo Camera", "DC-1"
    exif.get_ifd(_EXIF_IFD).update({0x9003: "2026:05:01 08:30:00", 0x9011: "+08:00"})
    Image.fromarray(noisy).save(path, "JPEG", quality=92, exif=exif)


def poster(path: Path) -> None:
    """Draw an abstract picture, as a generator would write it: a PNG without metadata."""
    width, height = _SIZE
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / scale + y / (scale * turn)) for scale, turn in ((97, 1.7), (61, -2.3), (143, 0.9))]
    channels = np.stack([127 + 100 * wave for wave in waves], axis=-1)
    Image.fromarray(channels.astype(np.uint8)).save(path, "PNG")
