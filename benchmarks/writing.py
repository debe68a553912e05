"""Writing metadata, against a plain copy and against ExifTool; drawing a notice, against jpegtran."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from provenance import _files, notices
from provenance.formats import registry
from provenance.metadata import aigc, exif, iptc, xmp
from provenance.metadata.xmp_values import PVL, TC260
from provenance.model.record import Record
from subjects import CAPTURE, CAPTURED_AT, COORDINATES, GENERATED, MEGAPIXELS_12, PLACE, PRODUCER, SOURCE
from timing import Row, in_turns, milliseconds

LABELS = tuple({"on": "asset", **label} for label in (CAPTURE, SOURCE, GENERATED))
RECORD = Record(labels=LABELS).text()
FIELDS = iptc.StandardFields(
    captured_at=CAPTURED_AT,
    place=iptc.Location(**PLACE),
    source=SOURCE["publisher"],
    credit=SOURCE["publisher"],
    creators=(SOURCE["author"],),
    copyright_owners=(SOURCE["copyright_owner"],),
    digital_source_type=iptc.SOURCE_TYPE_BASE + "digitalCapture",
)
ELEMENT = aigc.encode(aigc.from_label("confirmed", PRODUCER, "img-1"), pointer="")
COPY = "copy_file_range + fsync"
EXIFTOOL_CONFIG = f"""%Image::ExifTool::UserDefined = ('Image::ExifTool::XMP::Main' => {{
  pvl => {{ SubDirectory => {{ TagTable => 'Image::ExifTool::UserDefined::pvl' }} }},
  TC260 => {{ SubDirectory => {{ TagTable => 'Image::ExifTool::UserDefined::TC260' }} }},
}});
%Image::ExifTool::UserDefined::pvl = (GROUPS => {{ 0 => 'XMP', 1 => 'XMP-pvl' }}, NAMESPACE => {{ 'pvl' => '{PVL}' }},
  WRITABLE => 'string', Labels => {{ }});
%Image::ExifTool::UserDefined::TC260 = (GROUPS => {{ 0 => 'XMP', 1 => 'XMP-TC260' }},
  NAMESPACE => {{ 'TC260' => '{TC260}' }}, WRITABLE => 'string', AIGC => {{ }});
1;
"""


def fresh_names(folder: Path, suffix: str = ".jpg") -> Iterator[Path]:
    """Yield names that are free."""
    return (folder / f"{number}{suffix}" for number in itertools.count())


def timed(write: Callable[[Path], object], names: Iterator[Path]) -> Callable[[], float]:
    """Return a call that times one writing to a new file and removes the file afterwards."""

    def one() -> float:
        target = next(names)
        time = milliseconds(lambda: write(target))
        target.unlink()
        return time

    return one


def copy(source: Path, target: Path) -> None:
    """Copy inside the kernel, and wait for the disk."""
    with source.open("rb") as original, target.open("xb") as file:
        left = source.stat().st_size
        while left:
            left -= os.copy_file_range(original.fileno(), file.fileno(), left)
        os.fsync(file.fileno())


def write_metadata(source: Path, target: Path, *, known: bool = True) -> None:
    """Read the carriers and write EXIF time and position, every standard field, AIGC and record, as attach does.

    Attach has read the whole file before, so that it is `known` to be sound; else the write checks its scans as well.
    """
    found = registry.read(source, whole=False)
    block = exif.write(found.exif, captured_at=CAPTURED_AT, coordinates=COORDINATES)
    properties = iptc.to_xmp(FIELDS, xmp.read(found.xmp) if found.xmp else {})
    packet = xmp.merge(found.xmp, {**properties, iptc.AIGC: ELEMENT, iptc.RECORD: RECORD})
    with _files.new_file(target) as file:
        registry.write(source, file, exif=block, xmp=packet, known=known)


def metadata_rows(photo: Path, names: Iterator[Path], rounds: int) -> Iterator[Row]:
    """Compare a metadata write with a copy, then with ExifTool."""
    ours = timed(lambda target: write_metadata(photo, target), names)
    copying = timed(lambda target: copy(photo, target), names)
    yield Row("metadata write", COPY, *in_turns(rounds, ours, copying), bar=1.5)
    checking = timed(lambda target: write_metadata(photo, target, known=False), names)
    yield Row("metadata write and scan check", COPY, *in_turns(rounds, checking, copying))
    yield exiftool_row("metadata write", photo, names, rounds)
    if shutil.which("exiftool") is None:
        return
    with _staying(_exiftool_config(photo.parent)) as exiftool:
        times = in_turns(max(3, rounds // 3), ours, timed(lambda target: exiftool(photo, target), names))
    yield Row("metadata write", "exiftool -stay_open", *times)


def exiftool_row(what: str, source: Path, names: Iterator[Path], rounds: int) -> Row:
    """Compare a metadata write with ExifTool, which starts anew for each file."""
    if shutil.which("exiftool") is None:
        return Row(what, "exiftool", bar=0.1, not_run="exiftool is not installed")
    config = _exiftool_config(source.parent)
    ours = timed(lambda target: write_metadata(source, target), names)
    times = in_turns(max(3, rounds // 3), ours, timed(lambda target: _exiftool(config, source, target), names))
    return Row(what, "exiftool, one process a file", *times, bar=0.1)


def _exiftool_config(folder: Path) -> Path:
    config = folder / "exiftool.config"
    config.write_text(EXIFTOOL_CONFIG, encoding="utf-8")
    return config


def _arguments(source: Path, target: Path) -> list[str]:
    latitude, longitude = COORDINATES
    location = (
        f"{{LocationName={PLACE['name']},CountryCode={PLACE['country_code']},ProvinceState={PLACE['province']},"
        f"City={PLACE['city']},Sublocation={PLACE['county']}}}"
    )
    fields = {
        "ExifIFD:DateTimeOriginal": "2026:05:01 08:30:00",
        "ExifIFD:OffsetTimeOriginal": "+08:00",
        "GPS:GPSLatitude": latitude,
        "GPS:GPSLatitudeRef": "N",
        "GPS:GPSLongitude": longitude,
        "GPS:GPSLongitudeRef": "E",
        "GPS:GPSMapDatum": "WGS-84",
        "XMP-photoshop:DateCreated": "2026:05:01 08:30:00+08:00",
        "XMP-photoshop:Source": SOURCE["publisher"],
        "XMP-photoshop:Credit": SOURCE["publisher"],
        "XMP-dc:Creator": SOURCE["author"],
        "XMP-plus:CopyrightOwnerName": SOURCE["copyright_owner"],
        "XMP-iptcExt:DigitalSourceType": FIELDS.digital_source_type,
        "XMP-iptcExt:LocationCreated": location,
        "XMP-TC260:AIGC": ELEMENT,
        "XMP-pvl:Labels": RECORD,
    }
    return [*(f"-{name}={value}" for name, value in fields.items()), "-o", str(target), str(source)]


def _exiftool(config: Path, source: Path, target: Path) -> None:
    subprocess.run(["exiftool", "-config", config, "-q", *_arguments(source, target)], check=True)


@contextlib.contextmanager
def _staying(config: Path) -> Iterator[Callable[[Path, Path], None]]:
    command = ["exiftool", "-config", str(config), "-stay_open", "True", "-@", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout

        def write(source: Path, target: Path) -> None:
            process.stdin.write("\n".join([*_arguments(source, target), "-execute\n"]))
            process.stdin.flush()
            while not process.stdout.readline().startswith("{ready}"):
                pass

        yield write
        process.stdin.write("-stay_open\nFalse\n")


def notice_rows(photo: Path, names: Iterator[Path], rounds: int) -> Iterator[Row]:
    """Compare drawing a notice with encoding the picture anew, then with a lossless copy of it by jpegtran."""
    placed = notices.layout([("fiction", "演绎内容")], *MEGAPIXELS_12)

    def draw(target: Path) -> None:
        with _files.new_file(target) as file:
            notices.draw(photo, file, placed, orientation=1, format="jpeg")

    def jpegtran(target: Path) -> None:
        subprocess.run(["jpegtran", "-copy", "all", "-outfile", target, photo], check=True)

    def anew(target: Path) -> None:
        with Image.open(photo) as picture, target.open("xb") as file:
            picture.save(file, "JPEG", quality="keep", exif=picture.info.get("exif", b""))
            file.flush()
            os.fsync(file.fileno())

    times = in_turns(max(3, rounds // 3), timed(draw, names), timed(anew, names))
    yield Row("notice drawn, 12 MP", "Pillow, whole picture anew + fsync", *times, bar=0.6)
    if shutil.which("jpegtran") is None:
        yield Row("notice drawn, 12 MP", "jpegtran copy", not_run="jpegtran is not installed")
        return
    times = in_turns(max(3, rounds // 3), timed(draw, names), timed(jpegtran, names))
    yield Row("notice drawn, 12 MP", "jpegtran -copy all", *times)
