"""What readers that are not ours find in a film: ffprobe, ffmpeg's decoders, and the reader of OpenCV."""

import functools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

_ADDRESS = re.compile(r"0x[0-9a-f]+")
# What speaks of how many bytes there are, or of the name of the file.
_MAY_DIFFER = {"bit_rate", "size", "filename", "extradata_size", "max_bit_rate", "BPS", "NUMBER_OF_BYTES"}
_SAME = {"Constrained Baseline": "Baseline"}  # what the encoder writes is a part of what it says
_LAYOUTS = {"yuv420p": np.uint8, "yuvj420p": np.uint8, "yuv420p10le": np.dtype("<u2")}


class Packet(NamedTuple):
    """One packet of a stream."""

    pts: int | None
    dts: int | None
    duration: int | None
    flags: str
    digest: str


class Decoded(NamedTuple):
    """Pictures of a film as they are stored, before any turn.

    Attributes:
        layout: ffmpeg's name of how they are stored.
        size: Width and height.
        planes: Of each picture in order of presentation, the three planes.
        warnings: What the decoder had to say, without addresses.
    """

    layout: str
    size: tuple[int, int]
    planes: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
    warnings: list[str]

    @property
    def peak(self) -> int:
        """The largest value of a sample."""
        return 255 if _LAYOUTS[self.layout] is np.uint8 else 1023


@functools.cache
def probed(path: Path, *told: str) -> dict:
    """Return what ffprobe says; files are written once."""
    command = ["ffprobe", "-v", "error", *told, "-of", "json", str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)


def description(path: Path) -> dict:
    """Return streams, tags, side data, chapters and container, without what the number of bytes decides."""
    return _lasting(probed(path, "-show_streams", "-show_format", "-show_chapters"))


def _lasting(found):
    if isinstance(found, dict):
        return {name: _lasting(value) for name, value in found.items() if name not in _MAY_DIFFER}
    if isinstance(found, list):
        return [_lasting(each) for each in found]
    return _SAME.get(found, found)


def packets(path: Path) -> dict[str, list[Packet]]:
    """Return the packets of each stream in the order of the file; pictures are ``video``, others have a number."""
    kinds = [each["codec_type"] for each in probed(path, "-show_streams")["streams"]]
    found: dict[str, list[Packet]] = {}
    for each in probed(path, "-show_packets", "-show_data_hash", "md5")["packets"]:
        number = each["stream_index"]
        name = "video" if kinds[number] == "video" else f"{kinds[number]} {number}"
        packet = Packet(each.get("pts"), each.get("dts"), each.get("duration"), each["flags"], each["data_hash"])
        found.setdefault(name, []).append(packet)
    return found


def shown(path: Path) -> list[dict]:
    """Return of each decoded picture its time, and what is said of how to show it."""
    told = "frame=pts,interlaced_frame,top_field_first,color_range,color_space,color_primaries,color_transfer"
    entries = f"{told},sample_aspect_ratio,width,height,pix_fmt:frame_side_data_list"
    found = probed(path, "-select_streams", "v:0", "-show_frames", "-show_entries", entries)["frames"]
    # The bit stream's own notes on itself, such as the settings of an encoder, are no statement on the picture.
    return [{**each, "side_data_list": _sides(each)} for each in found]


def _sides(frame: dict) -> list[str]:
    sides = [side for side in frame.get("side_data_list", []) if "Unregistered" not in side["side_data_type"]]
    return sorted(json.dumps(side, sort_keys=True) for side in sides)


def decoded(path: Path) -> Decoded:
    """Decode every picture with ffmpeg."""
    stream = next(each for each in probed(path, "-show_streams")["streams"] if each["codec_type"] == "video")
    layout, size = stream["pix_fmt"], (stream["width"], stream["height"])
    told = ["-noautorotate", "-i", str(path), "-map", "0:v:0", "-vsync", "passthrough", "-pix_fmt", layout]
    command = ["ffmpeg", "-v", "warning", "-nostdin", *told, "-f", "rawvideo", "-"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    warnings = _ADDRESS.sub("0x", done.stderr.decode(errors="replace")).splitlines()
    return Decoded(layout, size, list(_planes(done.stdout, layout, size)), warnings)


def _planes(data: bytes, layout: str, size: tuple[int, int]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    (width, height), kind = size, _LAYOUTS[layout]
    across, down = (width + 1) // 2, (height + 1) // 2
    pictures = np.frombuffer(data, kind).reshape(-1, width * height + 2 * across * down)
    for picture in pictures:
        luma, first, second = np.split(picture, [width * height, width * height + across * down])
        yield luma.reshape(height, width), first.reshape(down, across), second.reshape(down, across)


def opencv_pictures(path: Path) -> Iterator[np.ndarray]:
    """Yield every picture as OpenCV's reader gives it: turned as it is displayed, in BGR."""
    film = cv2.VideoCapture(str(path))
    try:
        while True:
            there, picture = film.read()
            if not there:
                return
            yield picture
    finally:
        film.release()
