"""What somebody may have done to a file, and the one verdict each has: every row of the threat matrix is made here."""

import io
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from PIL import Image

from provenance.errors import CertificateRejected, SigningFailed
from provenance.manifests import remote
from provenance.manifests.signer import Signer
from provenance.manifests.write import Claim, Ingredient, plan_actions, sign
from provenance.sdk import Provenance

ROOT = Path(__file__).resolve().parents[1]
CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
CREATED = plan_actions(CAPTURE, has_manifest=False, notice_drawn=False)
OPENED = plan_actions(None, has_manifest=True, notice_drawn=False)
ASSET = {"origin": "self-shot", "draw": [], "labels": [{"kind": "capture", "time": "2026-05-01"}]}
LABELS = {"version": 1, "post": "p-1", "asset": None, "labels": [], "notices": []}
XSS = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>{{7*7}}${7*7}'; DROP TABLE labels;--\u202e\x1b[31m\x07"
LONG = "长" * 10_000
BLACK_HOLE = "https://black-hole.example/m.c2pa"


@dataclass
class Kit:
    """What a threat is made with."""

    folder: Path
    signer: Signer
    forging: object
    authority: object
    sdk: Provenance

    @property
    def photo(self) -> Path:
        path = self.folder / "photo.jpg"
        if not path.exists():
            path.write_bytes(self.forging.jpeg())
        return path

    def signed(self, signer=None, labels=LABELS, title="photo.jpg") -> Path:
        target = self.folder / "signed.jpg"
        sign(self.photo, target, Claim(labels, CREATED, title=title), mime="image/jpeg", signer=signer or self.signer)
        return target

    def film(self) -> Path:
        source, target = self.folder / "film.mp4", self.folder / "signed.mp4"
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=5:d=1", "-pix_fmt", "yuv420p"]
        subprocess.run([*command, "-movflags", "+faststart", str(source)], check=True)
        self.sdk.attach_media(source, ASSET, into=target)
        return target

    def again(self, parent: Path) -> Path:
        target = self.folder / "again.jpg"
        claim = Claim(LABELS | {"post": "p-2"}, OPENED, Ingredient(parent, "image/jpeg", parent.name))
        sign(parent, target, claim, mime="image/jpeg", signer=self.signer)
        return target

    def foreign(self, definition=None, **options) -> Path:
        return self.forging.sign_raw(definition or {}, self.photo, self.folder / "foreign.jpg", self.signer, **options)


@pytest.fixture(scope="module")
def forging():
    """Return the module that makes certificates with defects and manifests that others could write."""
    spec = spec_from_file_location("manifest_forging", ROOT / "unit" / "manifests" / "conftest.py")
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def kit(tmp_path, signer, sdk, forging):
    return Kit(tmp_path, signer, forging, forging.Authority(), sdk)


def edit(path: Path, change: Callable[[bytes], bytes]) -> Path:
    before = path.read_bytes()
    after = change(before)
    assert after != before, "the row no longer finds what it changes"
    path.write_bytes(after)
    return path


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def flip_picture(data: bytes) -> bytes:
    """Flip a bit of the compressed picture that makes no marker of it."""
    at = next(at for at in range(len(data) - 100, 0, -1) if data[at] < 0xF0 and data[at - 1] != 0xFF)
    return flip(data, at)


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    assert len(old) == len(new)
    return lambda data: data.replace(old, new)


def in_mdat(data: bytes) -> bytes:
    return flip(data, data.index(b"mdat") + 200)


def box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


# --- bytes ----------------------------------------------------------------------------------------------------------


def moved_manifest(kit: Kit) -> Path:
    signed = kit.signed().read_bytes()
    manifest = signed[20 : 20 + len(signed) - kit.photo.stat().st_size]
    other = kit.forging.jpeg(2)
    target = kit.folder / "moved.jpg"
    target.write_bytes(other[:20] + manifest + other[20:])
    return target


def saved_again(kit: Kit) -> Path:
    target = kit.folder / "saved.jpg"
    with Image.open(kit.signed()) as picture:
        picture.save(target, quality=90)
    return target


def copied_by_ffmpeg(kit: Kit) -> Path:
    target = kit.folder / "copied.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(kit.film()), "-c", "copy", str(target)], check=True)
    return target


def expired(kit: Kit) -> Path:
    brief = kit.authority.issue(until=timedelta(seconds=2)).signer
    path = kit.signed(brief)
    time.sleep(max(0, brief.not_after.timestamp() - time.time()) + 1.1)
    return path


def hostile(kit: Kit) -> Path:
    path = kit.foreign({"assertions": [{"label": "org.example.abc", "data": {"a": 1}}]})
    kit.forging.hostile_label(path)
    return path


def made_identity(kit: Kit) -> Path:
    return kit.foreign({"assertions": [{"label": "cawg.identity", "data": {"signer_payload": {"sig_type": "x"}}}]})


THREATS = {
    # how it is made, the state, the code that must be among the manifest's (or of the file's error)
    "nothing": (Kit.signed, "trusted", "claimSignature.validated"),
    "nothing, a film": (Kit.film, "trusted", "assertion.bmffHash.match"),
    "never signed": (lambda kit: kit.photo, "absent", None),
    "a picture byte flipped": (lambda kit: edit(kit.signed(), flip_picture), "invalid", "assertion.dataHash.mismatch"),
    "bytes appended": (lambda kit: edit(kit.signed(), lambda data: data + b"more"), "invalid", "assertion.dataHash.mismatch"),
    "another picture appended": (lambda kit: edit(kit.signed(), lambda data: data + kit.forging.jpeg(3)), "invalid", "assertion.dataHash.mismatch"),
    "a piece cut out": (lambda kit: edit(kit.signed(), lambda data: data[:-200] + data[-2:]), "invalid", "assertion.dataHash.mismatch"),
    "metadata edited": (lambda kit: edit(kit.signed(), swap(b"2026:05:01", b"2024:05:01")), "invalid", "assertion.dataHash.mismatch"),
    "the manifest of another picture": (moved_manifest, "invalid", "assertion.dataHash.mismatch"),
    "stripped by saving again": (saved_again, "absent", None),
    "stripped by copying streams": (copied_by_ffmpeg, "absent", None),
    "a film byte flipped": (lambda kit: edit(kit.film(), in_mdat), "invalid", "assertion.bmffHash.mismatch"),
    "a free box appended": (lambda kit: edit(kit.film(), lambda data: data + box(b"free", b"x" * 48)), "invalid", "assertion.bmffHash.mismatch"),
    "a skip box appended": (lambda kit: edit(kit.film(), lambda data: data + box(b"skip", b"x" * 48)), "invalid", "assertion.bmffHash.mismatch"),
    "a box appended": (lambda kit: edit(kit.film(), lambda data: data + box(b"abcd", b"x" * 48)), "invalid", "assertion.bmffHash.mismatch"),
    "an assertion byte changed": (lambda kit: edit(kit.signed(), swap(b'"p-1"', b'"p-9"')), "invalid", "assertion.hashedURI.mismatch"),
    "an action changed": (lambda kit: edit(kit.signed(), swap(b"digitalCapture", b"digitalCaptura")), "invalid", "assertion.hashedURI.mismatch"),
    "a claim byte changed": (lambda kit: edit(kit.signed(), swap(b"dc:titleiphoto", b"dc:titleiphotO")), "invalid", "claimSignature.mismatch"),
    "a certificate byte changed": (lambda kit: edit(kit.signed(), swap(b"provenance development0Y", b"provenance Development0Y")), "invalid", "claimSignature.mismatch"),
    "an authority nobody named": (lambda kit: kit.signed(kit.authority.issue().signer), "valid", "signingCredential.untrusted"),
    "a certificate run out": (expired, "expired", "signingCredential.expired"),
    "an identity made up": (made_identity, "invalid", None),
    "a damaged store": (lambda kit: edit(kit.signed(), swap(b"jumdc2ma", b"jumXc2ma")), "unreadable", None),
    "a label that aborts the library": (hostile, "unreadable", "crash"),
    "a manifest elsewhere": (lambda kit: kit.foreign(remote=BLACK_HOLE), "remote", "Remote"),
    "a manifest in a private network": (lambda kit: kit.foreign(remote="http://169.254.169.254/latest/"), "remote", "Remote"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "state", "code"), THREATS.values(), ids=THREATS)
def test_every_threat_has_its_verdict(kit, trust, make, state, code):
    verified = kit.sdk.verify(make(kit), trust=trust)
    (found,) = verified.files
    assert (found.manifest.state, found.error) == (state, None)
    assert code is None or code in found.manifest.codes, found.manifest.codes
    assert found.clean is (state in {"absent", "valid", "trusted"})
    assert json.loads(json.dumps(verified.as_json()))["files"][0]["manifest"]["state"] == state


def test_a_picture_without_its_tail_is_no_clean_picture(kit, trust):
    (found,) = kit.sdk.verify(edit(kit.signed(), lambda data: data[:-100]), trust=trust).files
    assert not found.clean
    assert found.error is not None or found.manifest.state == "invalid"


def test_junk_after_the_last_box_of_a_film_is_no_clean_film(kit, trust):
    (found,) = kit.sdk.verify(edit(kit.film(), lambda data: data + b"junk" * 9), trust=trust).files
    assert not found.clean
    assert found.error is not None or found.manifest.state in {"invalid", "unreadable"}


def test_a_tampered_ingredient_shows_beneath_a_trusted_file(kit, trust):
    parent = edit(kit.signed(), flip_picture)
    (found,) = kit.sdk.verify(kit.again(parent), trust=trust).files
    (ingredient,) = found.manifest.ingredients
    assert found.manifest.state == "trusted"
    assert (ingredient["state"], "assertion.dataHash.mismatch" in ingredient["codes"]) == ("invalid", True)


def test_an_ingredient_changed_after_signing_makes_the_whole_invalid(kit, trust):
    (found,) = kit.sdk.verify(edit(kit.again(kit.signed()), swap(b'"p-1"', b'"p-9"')), trust=trust).files
    assert (found.manifest.state, found.manifest.ingredients[0]["state"]) == ("invalid", "invalid")


def test_a_parent_that_aborts_the_library_is_kept_out_of_a_new_file(kit):
    source = hostile(kit)
    before, there = source.read_bytes(), set(kit.folder.iterdir())
    with pytest.raises(SigningFailed) as caught:
        kit.sdk.attach_media(source, ASSET, into=kit.folder / "out.jpg")
    assert caught.value.code == "signing-broken-off"
    assert (source.read_bytes(), set(kit.folder.iterdir())) == (before, there)


@pytest.mark.parametrize(
    ("defect", "code"),
    [
        ({"since": timedelta(days=1)}, "certificate-not-yet-valid"),
        ({"since": timedelta(days=-3), "until": timedelta(days=-1)}, "certificate-expired"),
        ({"ekus": (ExtendedKeyUsageOID.SERVER_AUTH,)}, "certificate-extended-key-usage"),
        ({"ekus": ()}, "certificate-extended-key-usage-missing"),
    ],
    ids=["future", "expired", "wrong EKU", "no EKU"],
)
def test_a_certificate_that_may_not_sign_is_refused_before_it_does(kit, defect, code):
    with pytest.raises(CertificateRejected) as caught:
        _ = kit.authority.issue(**defect).signer
    assert caught.value.code == code


@pytest.mark.parametrize("usage", ["1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.76.59.1.9"])
def test_the_official_key_usages_are_trusted_with_their_authority(kit, usage):
    issued = kit.authority.issue(ekus=(x509.ObjectIdentifier(usage),))
    (found,) = kit.sdk.verify(kit.signed(issued.signer), trust=issued.trust).files
    assert found.manifest.state == "trusted"


@pytest.mark.parametrize(
    "text", [XSS, LONG, LONG + XSS, "\x00", "ラ" * 300], ids=["XSS", "long", "both", "nul", "kana"]
)
def test_any_text_in_labels_and_names_comes_back_as_it_was(kit, trust, text):
    labels = LABELS | {"labels": [{"kind": "marketing", "on": "post", "advertiser": text, "numbers": [1, 2, 300, 2.5]}]}
    (found,) = kit.sdk.verify(kit.signed(labels=labels, title=text), trust=trust).files
    assert found.manifest.state == "trusted"
    (label,) = [each for each in found.labels if each.carrier == "manifest" and each.kind == "marketing"]
    assert label.value["advertiser"] == text


def seconds(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_a_black_hole_costs_nothing_while_fetching_is_off(kit):
    path = kit.foreign(remote="https://10.255.255.1/m.c2pa")
    assert kit.sdk.verify(path).files[0].manifest.state == "remote"
    assert min(seconds(lambda: kit.sdk.verify(path)) for _ in range(3)) < 1


@pytest.mark.parametrize("url", ["http://example.com/m.c2pa", "https://10.255.255.1/m.c2pa", "https://[fd00::1]/m"])
def test_an_address_that_may_not_be_asked_is_refused_at_once_though_fetching_is_allowed(kit, url):
    told = []
    sdk = Provenance(signer=None, remote_manifests=told.append)
    path = kit.foreign(remote=url)
    (found,) = sdk.verify(path).files
    assert (found.manifest.state, found.manifest.codes) == ("remote", ("Remote", "remote.refused"))
    assert told == [url]
    assert min(seconds(lambda: sdk.verify(path)) for _ in range(3)) < 1


def test_a_black_hole_that_may_be_asked_costs_five_seconds_and_a_half_at_most(kit, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as hole:
        monkeypatch.setattr(remote, "_resolved", lambda *_: ["127.0.0.1"])
        monkeypatch.setattr(remote, "is_public", lambda _: True)
        monkeypatch.setattr(remote, "_PORT", hole.getsockname()[1])
        path = kit.foreign(remote=f"https://black-hole.example:{hole.getsockname()[1]}/m.c2pa")
        began = time.monotonic()
        (found,) = Provenance(signer=None, remote_manifests=True).verify(path).files
    assert (found.manifest.state, found.manifest.codes) == ("remote", ("Remote", "remote.timeout"))
    assert 5 <= time.monotonic() - began <= 9


def test_one_hostile_file_among_many_spoils_no_other(kit, trust):
    good, bad = kit.signed(), hostile(kit)
    found = kit.sdk.verify(*([good, bad] * 4), trust=trust).files
    assert [each.manifest.state for each in found] == ["trusted", "unreadable"] * 4


def test_a_picture_of_nothing_but_hostile_bytes_is_answered(kit):
    path = kit.folder / "noise.jpg"
    path.write_bytes(io.BytesIO(b"\xff\xd8" + bytes(range(256)) * 400).getvalue())
    (found,) = kit.sdk.verify(path).files
    assert found.error is not None or found.manifest.state == "absent"
