"""Signing adds a manifest and nothing else, keeps the one that was there, and leaves nothing behind when it fails."""

import dataclasses
import io
import json
import multiprocessing
import os
import resource
import struct
import subprocess
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import c2pa
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from provenance.errors import AssetNotFound, InvalidPost, OutputNotWritten, OutputRefused, SigningFailed
from provenance.manifests import binding, native
from provenance.manifests.read import read
from provenance.manifests.write import Action, Claim, Ingredient, plan_actions, sign

CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
CREATED = plan_actions(CAPTURE, has_manifest=False, notice_drawn=False)
OPENED = plan_actions(None, has_manifest=False, notice_drawn=False)


def store_of(path: Path, mime="image/jpeg") -> dict:
    """The manifest store as the binding itself tells it."""
    with path.open("rb") as file, binding.context() as context, c2pa.Reader(mime, file, context=context) as reader:
        return json.loads(reader.json())


def active_of(path: Path) -> dict:
    store = store_of(path)
    return store["manifests"][store["active_manifest"]]


def inserted(before: bytes, after: bytes) -> bytes:
    """The one run of bytes that `after` has more; fails when anything else differs."""
    extra = len(after) - len(before)
    at = next(
        (at for at in range(len(before) + 1) if after[at + extra :] == before[at:] and after[:at] == before[:at]), None
    )
    assert extra > 0
    assert at is not None, "bytes other than one insertion differ"
    return after[at : at + extra]


def leftovers(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


# --- what the file holds besides ------------------------------------------------------------------------------------


def test_a_jpeg_gains_one_run_of_app11_segments_and_changes_nowhere_else(photo, signed):
    segments = inserted(photo.read_bytes(), signed.read_bytes())
    assert segments.startswith(b"\xff\xeb")
    assert b"c2pa" in segments


def test_a_multi_picture_jpeg_keeps_its_second_picture_reachable(tmp_path, signer, make_jpeg):
    first, second = (Image.open(io.BytesIO(make_jpeg(seed))) for seed in (1, 2))
    source, target = tmp_path / "two.jpg", tmp_path / "signed.jpg"
    with warnings.catch_warnings(action="ignore"):
        first.save(source, "MPO", save_all=True, append_images=[second], exif=first.getexif())
    sign(source, target, Claim({}, CREATED), mime="image/jpeg", signer=signer)
    inserted(source.read_bytes(), target.read_bytes())

    def second_picture(path):
        return subprocess.run(["exiftool", "-b", "-MPImage2", path], capture_output=True, check=True).stdout

    assert second_picture(source).startswith(b"\xff\xd8")
    assert second_picture(target) == second_picture(source)


def test_what_follows_the_picture_survives(photo, tmp_path, signer):
    photo.write_bytes(photo.read_bytes() + b"SEFT trailer of a motion photo" * 9)
    target = tmp_path / "signed.jpg"
    sign(photo, target, Claim({}, CREATED), mime="image/jpeg", signer=signer)
    inserted(photo.read_bytes(), target.read_bytes())
    assert read(target, mime="image/jpeg").state == "valid"


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        found.append((kind, data[at : at + 12 + length]))
        at += 12 + length
    return found


def test_a_png_gains_one_chunk_and_keeps_the_others_byte_for_byte(tmp_path, signer):
    source, target = tmp_path / "a.png", tmp_path / "b.png"
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "<x/>")
    Image.new("RGB", (64, 48), "teal").save(source, pnginfo=info)
    sign(source, target, Claim({}, CREATED), mime="image/png", signer=signer)
    after = chunks(target.read_bytes())
    assert [kind for kind, _ in after].count(b"caBX") == 1
    assert [chunk for chunk in after if chunk[0] != b"caBX"] == chunks(source.read_bytes())


@pytest.mark.skipif("PROVENANCE_CORPUS" not in os.environ, reason="PROVENANCE_CORPUS is not set")
def test_real_photographs_gain_one_run_of_bytes_and_validate(tmp_path, signer, trust):
    photographs = [path for path in Path(os.environ["PROVENANCE_CORPUS"], "jpg").rglob("*.jpg") if path.is_file()]
    assert photographs
    for number, path in enumerate(photographs):
        target = tmp_path / f"{number}.jpg"
        sign(path, target, Claim({}, CREATED), mime="image/jpeg", signer=signer)
        inserted(path.read_bytes(), target.read_bytes())
        assert read(target, mime="image/jpeg", trust=trust).state == "trusted", path.name


def test_neither_source_nor_parent_is_touched(photo, tmp_path, resign):
    before = photo.read_bytes(), photo.stat().st_mtime_ns
    resign(photo, tmp_path / "out.jpg")
    assert (photo.read_bytes(), photo.stat().st_mtime_ns) == before


def test_no_thumbnail_and_no_folder_name_is_written(signed):
    data = signed.read_bytes()
    assert b"thumbnail" not in data
    assert str(signed.parent).encode() not in data
    assert active_of(signed)["title"] == "photo.jpg"


# --- labels ---------------------------------------------------------------------------------------------------------


def test_labels_come_back_exactly(signed, payload):
    (labels,) = read(signed, mime="image/jpeg").labels
    assert labels == payload
    assert json.dumps(labels, sort_keys=True) == json.dumps(payload, sort_keys=True)


def test_labels_lie_in_the_file_as_sorted_utf_8_json(signed, payload):
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert text.encode() in signed.read_bytes()


@pytest.mark.parametrize(
    "labels",
    [{"n": 2**63}, {"n": -(2**63) - 1}, {"n": float("nan")}, {"t": "\ud800"}, {"s": {1}}, {"d": None}],
    ids=["too large", "too small", "not a number", "surrogate", "no JSON", "bottomless"],
)
def test_labels_that_would_change_in_the_manifest_are_refused(photo, tmp_path, signer, labels):
    if labels == {"d": None}:
        for _ in range(100_000):
            labels = {"d": labels}
    with pytest.raises(InvalidPost) as caught:
        sign(photo, tmp_path / "out.jpg", Claim(labels, CREATED), mime="image/jpeg", signer=signer)
    assert caught.value.code == "labels-not-signable"
    assert leftovers(tmp_path) == ["photo.jpg"]


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0.1, 1e300])
def test_numbers_at_the_limits_come_back_exactly(photo, tmp_path, signer, number):
    sign(photo, tmp_path / "out.jpg", Claim({"n": [number]}, CREATED), mime="image/jpeg", signer=signer)
    assert read(tmp_path / "out.jpg", mime="image/jpeg").labels == ({"n": [number]},)


def test_our_statements_are_the_signers_own(signed):
    with signed.open("rb") as file, c2pa.Reader("image/jpeg", file) as reader:
        (manifest,) = json.loads(reader.crjson())["manifests"]
    stated = [each["url"].rpartition("/")[2] for each in manifest["claim.v2"]["created_assertions"]]
    assert sorted(stated) == ["c2pa.actions.v2", "c2pa.hash.data", binding.LABELS]


# --- actions and parents --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source_type", "has_manifest", "notice_drawn", "names"),
    [
        (CAPTURE, False, False, ["c2pa.created"]),
        (CAPTURE, False, True, ["c2pa.created", "c2pa.edited"]),
        (CAPTURE, True, False, ["c2pa.opened"]),
        (None, False, False, ["c2pa.opened"]),
        (None, True, True, ["c2pa.opened", "c2pa.edited"]),
    ],
)
def test_actions_follow_from_the_input(source_type, has_manifest, notice_drawn, names):
    planned = plan_actions(source_type, has_manifest=has_manifest, notice_drawn=notice_drawn)
    assert [each.name for each in planned] == names
    assert planned[0].digital_source_type == (CAPTURE if names[0] == "c2pa.created" else None)


def test_a_created_file_states_its_source_type_and_has_no_ingredient(signed):
    manifest = active_of(signed)
    assert manifest["assertions"][0]["data"]["actions"] == [{"action": "c2pa.created", "digitalSourceType": CAPTURE}]
    assert "ingredients" not in manifest


def test_a_file_without_source_type_is_opened_from_its_input(photo, tmp_path, signer, trust):
    target = tmp_path / "out.jpg"
    claim = Claim({}, OPENED, Ingredient(photo, "image/jpeg", "photo.jpg"))
    sign(photo, target, claim, mime="image/jpeg", signer=signer)
    manifest = active_of(target)
    (action,) = manifest["assertions"][0]["data"]["actions"]
    (linked,) = action["parameters"]["ingredients"]
    assert linked["url"].endswith("/" + manifest["ingredients"][0]["label"])
    assert manifest["ingredients"][0]["relationship"] == "parentOf"
    found = read(target, mime="image/jpeg", trust=trust)
    assert found.state == "trusted"
    assert [(each["title"], each["state"]) for each in found.ingredients] == [("photo.jpg", "absent")]


def test_signing_again_keeps_the_earlier_manifest(signed, tmp_path, resign, trust):
    target = resign(signed, tmp_path / "again.jpg", labels={"round": 2})
    assert len(store_of(target)["manifests"]) == 2
    found = read(target, mime="image/jpeg", trust=trust)
    assert found.state == "trusted"
    assert found.labels == ({"round": 2},)
    (parent,) = found.ingredients
    assert (parent["title"], parent["state"]) == ("signed.jpg", "trusted")
    assert parent["manifest"] == read(signed, mime="image/jpeg").active


def test_a_chain_of_five_edits_keeps_every_manifest(signed, tmp_path, resign, trust):
    for number in range(5):
        signed = resign(signed, tmp_path / f"{number}.jpg")
    found = read(signed, mime="image/jpeg", trust=trust)
    assert found.state == "trusted"
    assert [each["state"] for each in found.ingredients] == ["trusted"] * 5


def test_an_edit_is_described(photo, tmp_path, signer):
    actions = plan_actions(CAPTURE, has_manifest=False, notice_drawn=True)
    sign(photo, tmp_path / "out.jpg", Claim({}, actions), mime="image/jpeg", signer=signer)
    stated = active_of(tmp_path / "out.jpg")["assertions"][0]["data"]["actions"]
    assert [each["action"] for each in stated] == ["c2pa.created", "c2pa.edited"]
    assert stated[1]["description"]


def test_opening_without_a_parent_is_refused(photo, tmp_path, signer):
    with pytest.raises(SigningFailed):
        sign(photo, tmp_path / "out.jpg", Claim({}, OPENED), mime="image/jpeg", signer=signer)
    assert leftovers(tmp_path) == ["photo.jpg"]


def test_an_unreadable_parent_manifest_stops_the_signing(signed, tmp_path, signer):
    signed.write_bytes(signed.read_bytes().replace(b"jumdc2ma", b"jumXc2ma"))
    claim = Claim({}, OPENED, Ingredient(signed, "image/jpeg", "signed.jpg"))
    with pytest.raises(SigningFailed):
        sign(signed, tmp_path / "out.jpg", claim, mime="image/jpeg", signer=signer)
    assert "out.jpg" not in leftovers(tmp_path)


def test_a_missing_parent_is_named(photo, tmp_path, signer):
    claim = Claim({}, OPENED, Ingredient(tmp_path / "gone.jpg", "image/jpeg", "gone.jpg"))
    with pytest.raises(AssetNotFound, match=r"gone\.jpg"):
        sign(photo, tmp_path / "out.jpg", claim, mime="image/jpeg", signer=signer)
    assert leftovers(tmp_path) == ["photo.jpg"]


# --- signers --------------------------------------------------------------------------------------------------------

KEYS = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "es512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.mark.parametrize(("algorithm", "make"), KEYS.items(), ids=KEYS)
def test_every_kind_of_key_signs(photo, tmp_path, authority, algorithm, make):
    issued = authority.issue(key=make(), organisation="星河文化传媒")
    assert issued.signer.algorithm == algorithm
    sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=issued.signer)
    found = read(tmp_path / "out.jpg", mime="image/jpeg", trust=issued.trust)
    assert (found.state, found.issuer) == ("trusted", "星河文化传媒")
    assert found.signer_fingerprint == issued.signer.fingerprint


def test_a_signer_that_has_expired_since_it_was_loaded_is_refused(photo, tmp_path, authority, issued):
    old = authority.issue(since=timedelta(days=-3), until=timedelta(days=-1))
    stale = dataclasses.replace(issued.signer, chain=old.chain, key=old.key_pem)
    with pytest.raises(SigningFailed, match="not valid at time of signing"):
        sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=stale)
    assert leftovers(tmp_path) == ["photo.jpg"]


def test_one_signer_serves_many_threads(photo, tmp_path, signer, trust):
    def one(number):
        target = tmp_path / f"{number}.jpg"
        sign(photo, target, Claim({"n": number}, CREATED), mime="image/jpeg", signer=signer)
        found = read(target, mime="image/jpeg", trust=trust)
        return found.state, found.labels[0]["n"]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(12))) == [("trusted", number) for number in range(12)]


def test_a_forked_process_signs_too(photo, signed, tmp_path, signer, trust):
    target = tmp_path / "child.jpg"
    child = multiprocessing.get_context("fork").Process(
        target=sign, args=(photo, target, Claim({}, CREATED)), kwargs={"mime": "image/jpeg", "signer": signer}
    )
    child.start()
    child.join()
    assert read(target, mime="image/jpeg", trust=trust).state == "trusted"


# --- failures -------------------------------------------------------------------------------------------------------


def test_an_existing_output_is_refused_and_kept(photo, tmp_path, signer):
    with pytest.raises(OutputRefused):
        sign(photo, photo, Claim({}, CREATED), mime="image/jpeg", signer=signer)
    assert photo.read_bytes().startswith(b"\xff\xd8")
    assert leftovers(tmp_path) == ["photo.jpg"]


@pytest.mark.parametrize(
    ("content", "mime"),
    [(b"hello", "image/jpeg"), (b"", "image/jpeg"), (b"\xff\xd8\xff\xe0\x00", "image/jpeg"), (b"x" * 99, "video/webm")],
)
def test_what_cannot_be_signed_leaves_nothing(tmp_path, signer, content, mime):
    source = tmp_path / "in"
    source.write_bytes(content)
    with pytest.raises(SigningFailed) as caught:
        sign(source, tmp_path / "out", Claim({}, CREATED), mime=mime, signer=signer)
    assert caught.value.exit_code == 4
    assert leftovers(tmp_path) == ["in"]


def test_a_full_disk_is_an_output_error_and_leaves_nothing(tmp_path, signer, make_jpeg):
    source = tmp_path / "in.jpg"
    source.write_bytes(make_jpeg())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (source.stat().st_size, hard))
    try:
        with pytest.raises(OutputNotWritten) as caught:
            sign(source, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=signer)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.details["reason"] == "File too large"
    assert leftovers(tmp_path) == ["in.jpg"]


def test_a_folder_that_is_gone_is_refused_by_name(photo, tmp_path, signer):
    with pytest.raises(OutputRefused) as caught:
        sign(photo, tmp_path / "gone" / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=signer)
    assert caught.value.code == "output-folder-missing"


@pytest.mark.parametrize("call", range(1, 9))
def test_a_failure_at_any_write_leaves_nothing(photo, tmp_path, signer, monkeypatch, worker_in_thread, call):
    class Failing(native._Sink):
        def __init__(self, file):
            super().__init__(file)
            calls = iter(range(1, 1000))

            def write(data):
                if next(calls) == call:
                    raise OSError(28, "No space left on device")
                return file.write(data)

            self.write = self._remembering(write)

    monkeypatch.setattr(native, "_Sink", Failing)
    with pytest.raises(OutputNotWritten, match="No space left"):
        sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=signer)
    assert leftovers(tmp_path) == ["photo.jpg"]


def test_a_file_that_was_written_wrongly_never_gets_its_name(photo, tmp_path, signer, monkeypatch, worker_in_thread):
    class Lying(native._Sink):
        """Stores one wrong byte of the picture."""

        def __init__(self, file):
            super().__init__(file)

            def write(data):
                picture = data.endswith(b"\xff\xd9")
                return file.write(data[:-50] + bytes([data[-50] ^ 1]) + data[-49:] if picture else data)

            self.write = write

    monkeypatch.setattr(native, "_Sink", Lying)
    with pytest.raises(SigningFailed, match=r"dataHash\.mismatch"):
        sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=signer)
    assert leftovers(tmp_path) == ["photo.jpg"]


def test_a_missing_source_is_named(tmp_path, signer):
    with pytest.raises(AssetNotFound):
        sign(tmp_path / "none.jpg", tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=signer)


def test_an_action_the_specification_forbids_is_the_bindings_to_refuse(photo, tmp_path, signer):
    with pytest.raises(SigningFailed):
        sign(photo, tmp_path / "out.jpg", Claim({}, [Action("c2pa.edited")]), mime="image/jpeg", signer=signer)
