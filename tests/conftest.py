"""Media drawn for this run, a post that uses them, and the tools tests compare with."""

import copy
import json
import os
import shutil
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FULL_PROOF = os.environ.get("PROVENANCE_PROOF") == "full"

POST = {
    "schema": "provenance/post/1",
    "id": "p-20260501-001",
    "kind": "image-text",
    "acting_as": "author",
    "title": "五一假期客流回升",
    "body": "五一假期首日,客流回升。",
    "body_format": "text",
    "language": "zh-CN",
    "account": {
        "id": "a-1024",
        "name": "成都观察员",
        "anonymous": False,
        "self_media": True,
        "domains": [],
        "mcn_managed": True,
        "mcn": {"name": "星河文化传媒(成都)有限公司", "uscc": "91510100MA0EXAMP0D", "as_of": "2026-05-01"},
    },
    "facts": {"topics": ["social-event"], "contains": [], "reposted": False},
    "labels": [{"kind": "source", "publisher": "新华社", "published_at": "2026-05-01", "copyright_owner": "新华社"}],
    "assets": [
        {
            "id": "1",
            "path": "camera.jpg",
            "origin": "self-shot",
            "labels": [
                {
                    "kind": "capture",
                    "time": "2026-05-01T08:30:00+08:00",
                    "place": {"name": "四川省成都市", "city": "成都市", "province": "四川省", "precision": "city"},
                }
            ],
        },
        {
            "id": "2",
            "path": "poster.png",
            "origin": "ai-generated",
            "labels": [
                {
                    "kind": "ai-generated",
                    "grade": "confirmed",
                    "producer": "001191510100MA0EXAMP0D10001",
                    "produce_id": "img-20260501-77",
                    "tool": "示例绘图",
                }
            ],
        },
    ],
    "declaration": {"platform": "douyin", "option": "ai"},
}


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """Return the folder with every drawn fixture; nobody writes into it."""
    spec = spec_from_file_location("generate", ROOT / "fixtures" / "generate.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("media")
    module.generate(folder)
    return folder


@pytest.fixture
def post_data():
    """Return a publishable post as plain data, free to change."""
    return copy.deepcopy(POST)


@pytest.fixture
def write_post(media, tmp_path):
    """Return a function that lays a post and the media it names into a folder, and returns the post file."""

    def write(data, name="post.json"):
        folder = tmp_path / "draft"
        folder.mkdir(exist_ok=True)
        for asset in data.get("assets", ()):
            source = media / Path(asset["path"]).name
            if source.exists() and not (folder / source.name).exists():
                shutil.copyfile(source, folder / source.name)
        path = folder / name
        path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def identity(tmp_path_factory):
    """Return a development identity."""
    from provenance.manifests.development import create

    return create(tmp_path_factory.mktemp("identity") / "dev")


@pytest.fixture(scope="session")
def signer(identity):
    from provenance.manifests.signer import Signer

    return Signer.from_pem(identity.certificate, identity.key)


@pytest.fixture
def sdk(signer):
    from provenance.sdk import Provenance

    return Provenance(signer=signer)


@pytest.fixture(scope="session")
def trust(identity):
    from provenance.manifests.trust import trust_from_files

    return trust_from_files([identity.ca])


@pytest.fixture(scope="session")
def corpus():
    """Return the folder of real media, or report the test as not run."""
    folder = os.environ.get("PROVENANCE_CORPUS")
    if not folder:
        pytest.skip("not run: PROVENANCE_CORPUS names no folder of real media")
    return Path(folder)


@pytest.fixture(scope="session")
def exiftool():
    """Return a function that dumps a file's tags with exiftool, an independent reader."""
    if shutil.which("exiftool") is None:
        if os.environ.get("CI"):
            pytest.fail("exiftool is missing: make deps installs it")
        pytest.skip("not run: exiftool is not installed")

    def tags(*paths, options=("-G1", "-a", "-struct")):
        command = ["exiftool", "-j", "-q", "-q", *options, *map(str, paths)]
        found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout or b"[]")
        return found[0] if len(paths) == 1 else found

    return tags
