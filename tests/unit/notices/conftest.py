"""Pictures made at run time, and short ways to draw and look."""

import io
import itertools
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from provenance.model.notice import Notice
from provenance.notices import DrawResult, draw, layout

FULL_PROOF = os.environ.get("PROVENANCE_PROOF") == "full"
TEXTS = (("ai-generated", "AI生成"), ("fiction", "摆拍演绎"))


def combined(*axes):
    """Return every combination in a full proof, else as few as show each value of each axis."""
    if FULL_PROOF:
        return list(itertools.product(*axes))
    return [tuple(axis[number % len(axis)] for axis in axes) for number in range(max(map(len, axes)))]


def scene(width: int = 701, height: int = 541, seed: int = 1) -> Image.Image:
    """Return a picture of coloured clouds: no flat ground, no text, no edge on a block border."""
    coarse = np.random.default_rng(seed).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    return Image.fromarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    output = io.BytesIO()
    picture.save(output, kind, **{"compress_level": 1, **options})  # of PNG; the others have no such option
    return output.getvalue()


def drawn(
    data: bytes, notices: tuple[Notice, ...], folder: Path, *, orientation: int = 1, blocks: bool = True
) -> tuple[Path, DrawResult]:
    kind = "png" if data.startswith(b"\x89") else "jpeg"
    source, target = folder / f"in.{kind}", folder / f"out.{kind}"
    source.write_bytes(data)
    with target.open("wb") as file:
        result = draw(source, file, notices, orientation=orientation, format=kind, blocks=blocks)
    assert source.read_bytes() == data
    return target, result


def notices_for(width: int, height: int, orientation: int = 1, texts=TEXTS) -> tuple[Notice, ...]:
    if orientation >= 5:
        width, height = height, width
    return layout(texts, width, height)


def pixels(file: Path | bytes) -> np.ndarray:
    """Return what Pillow decodes, as (rows, columns, channels)."""
    with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as picture:
        return np.atleast_3d(np.asarray(picture))


def mask(notices: tuple[Notice, ...], shape: tuple[int, int]) -> np.ndarray:
    """Return where plates lie in displayed pixels."""
    inside = np.zeros(shape, bool)
    for box in (notice.box for notice in notices):
        inside[box.y : box.y + box.height, box.x : box.x + box.width] = True
    return inside


@pytest.fixture(scope="session")
def corpus() -> Path:
    folder = os.environ.get("PROVENANCE_CORPUS")
    if not folder:
        pytest.skip("PROVENANCE_CORPUS is not set")
    return Path(folder)
