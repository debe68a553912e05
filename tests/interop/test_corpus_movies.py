"""Real clips of phones: labelled, signed, and the same to every reader but for what was written."""

import io
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from provenance.formats import registry

CORPUS = os.environ.get("PROVENANCE_CORPUS")
CLIPS = sorted(Path(CORPUS, "video").glob("*")) if CORPUS else []
FIELDS = {
    "aigc": '{"Label":"1","ContentProducer":"somebody","ProduceID":"1"}',
    "captured_at": "2026-05-01T08:30:00+08:00",
    "place": "成都",
    "position": "+30.2741+120.1551/",
}
WRITTEN = re.compile("Keys:(AIGC|CreationDate|LocationName|GPSCoordinates)|UserData:GPSCoordinates|Composite:GPS.*")
# What exiftool tells of the file itself.
OWN = re.compile("SourceFile|(System|ExifTool):.*|QuickTime:HandlerType|Composite:AvgBitrate")

pytestmark = pytest.mark.skipif(
    not (CLIPS and shutil.which("ffmpeg")), reason="no clips (PROVENANCE_CORPUS) or no ffmpeg"
)
by_clip = pytest.mark.parametrize("clip", CLIPS, ids=lambda path: path.name)


def write(content, **fields):
    film = next(each for each in registry.handlers() if each.sniff(content[:512]))
    out = io.BytesIO()
    film.write_fields(io.BytesIO(content), out, exif=None, xmp=None, fields=fields)
    return out.getvalue()


def packets(path):
    command = ["ffmpeg", "-v", "error", "-copy_unknown", "-i", path, "-map", "0", "-c", "copy", "-f", "framehash", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


@by_clip
@pytest.mark.parametrize(
    "fields", [FIELDS, {"aigc": FIELDS["aigc"]}, {"position": None}], ids=["all", "element", "no-position"]
)
def test_only_what_was_written_changes(clip, fields, exiftool, tmp_path):
    after = tmp_path / clip.name
    after.write_bytes(write(clip.read_bytes(), **fields))
    assert packets(after) == packets(clip)
    options = ("-ee", "-G1", "-a", "-n")
    tags = [exiftool(each, options=options) for each in (clip, after)]
    kept = [{k: v for k, v in each.items() if not WRITTEN.fullmatch(k) and not OWN.fullmatch(k)} for each in tags]
    assert kept[0] == kept[1]
    stated = {each.name: each.value for each in registry.read(after).fields}
    assert {name: stated.get(name) for name in fields} == fields
    assert (fields.get("position", "") is None) == (not any("GPS" in tag for tag in tags[1]))


@by_clip
def test_a_signed_clip_holds_and_says_it_all(clip, sdk, trust, tmp_path):
    place = {"name": "成都"}
    labels = [
        {"kind": "capture", "place": place},
        {"kind": "ai-generated", "grade": "confirmed", "producer": "001191510100MA0EXAMP0D10001", "produce_id": "1"},
    ]
    target = tmp_path / clip.name
    sdk.attach_media(clip, {"origin": "self-shot", "draw": [], "labels": labels}, into=target)
    (found,) = sdk.verify(target, trust=trust).files
    assert (found.clean, found.manifest.state, found.aigc.count) == (True, "trusted", 1)
    assert packets(target) == packets(clip)
