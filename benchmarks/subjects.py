"""What the benchmarks work on: drawn pictures, the labels of one photograph, a post of four assets."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
from PIL import Image

MEGAPIXELS_12 = (4000, 3000)
SIX_MB = 6_000_000
FIVE_MB = 5_000_000
PRODUCER = "001191510100MA0EXAMP0D10001"
CAPTURED_AT = "2026-05-01T08:30:00+08:00"
COORDINATES = (30.7396, 104.1428)
PLACE = {"name": "四川省成都市", "country_code": "CHN", "province": "四川省", "city": "成都市", "county": "成华区"}
CAPTURE = {
    "kind": "capture",
    "time": CAPTURED_AT,
    "place": {**PLACE, "coordinates": {"latitude": COORDINATES[0], "longitude": COORDINATES[1], "datum": "wgs84"}},
}
SOURCE = {
    "kind": "source",
    "publisher": "新华社",
    "title": "成都大熊猫基地客流回升",
    "url": "https://example.com/news/20260501",
    "published_at": "2026-05-01",
    "copyright_owner": "新华社",
    "author": "张三",
}
GENERATED = {"kind": "ai-generated", "grade": "confirmed", "producer": PRODUCER, "produce_id": "img-1", "tool": "示例"}


def picture(size: tuple[int, int], grain: float = 6) -> Image.Image:
    """Draw soft colour with grain, which compresses as a photograph does."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)], axis=-1)
    noise = np.random.default_rng(1).normal(0, grain, (height, width, 3))
    return Image.fromarray(np.clip(base + noise, 0, 255).astype(np.uint8))


def photograph(path: Path, size: int = SIX_MB) -> Path:
    """Write a JPEG of 12 megapixels and at least `size` bytes with a camera's EXIF, without time and place."""
    drawn = picture(MEGAPIXELS_12, grain=9)
    for quality in range(80, 100):
        drawn.save(path, "JPEG", quality=quality, exif=_camera())
        if path.stat().st_size >= size:
            break
    return path


def _camera() -> Image.Exif:
    camera = Image.Exif()
    camera[0x010F], camera[0x0110] = "Bench Camera", "BC-1"
    return camera


def screenshot(path: Path) -> Path:
    """Write a PNG of some 20 MB with EXIF."""
    picture(MEGAPIXELS_12, grain=3).save(path, "PNG", compress_level=1, exif=_camera())
    return path


def avif(path: Path) -> Path:
    """Write an AVIF of 12 megapixels with EXIF."""
    picture(MEGAPIXELS_12).save(path, "AVIF", quality=80, speed=10, exif=_camera())
    return path


def post_of_four(folder: Path) -> tuple[Path, Path]:
    """Write a post of two photographs and two generated pictures, and the same post without labels."""
    small = picture((1280, 960))
    assets = []
    for number in range(1, 5):
        generated = number > 2
        name = f"{number}.png" if generated else f"{number}.jpg"
        small.save(folder / name)
        labels = [GENERATED] if generated else [CAPTURE]
        origin = "ai-generated" if generated else "self-shot"
        assets.append({"id": str(number), "path": name, "origin": origin, "labels": labels})
    post = {
        "schema": "provenance/post/1",
        "id": "p-20260501-001",
        "kind": "image-text",
        "acting_as": "author",
        "title": "五一假期成都大熊猫基地客流回升",
        "body": "五一假期首日,成都大熊猫基地客流回升。信息来源:新华社",
        "body_format": "text",
        "language": "zh-CN",
        "account": {
            "id": "a-1024",
            "name": "成都观察员",
            "anonymous": False,
            "self_media": True,
            "domains": [],
            "mcn_managed": True,
            "mcn": {"name": "星河文化传媒(成都)有限公司", "as_of": "2026-05-01"},
        },
        "facts": {"topics": ["social-event"], "contains": [], "reposted": False},
        "labels": [SOURCE],
        "assets": assets,
        "declaration": {"platform": "douyin", "option": "ai"},
    }
    draft = copy.deepcopy(post)
    del draft["labels"]
    for asset in draft["assets"]:
        del asset["labels"]
    for name, data in (("post.json", post), ("draft.json", draft)):
        (folder / name).write_text(json.dumps(data, ensure_ascii=False, indent=2), encoding="utf-8")
    return folder / "post.json", folder / "draft.json"
