"""How surely drawn notices are found again, and that nothing else is taken for one."""

import io
import itertools

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from provenance import notices
from provenance.catalog import Catalog
from provenance.model.notice import Notice
from provenance.notices.find import readings

from .conftest import FULL_PROOF

LEAST_SIDE = 540
WORDINGS = Catalog.packaged().standard_notices(["ai-generated", "fiction"])
# Longer, shorter, and with characters that differ by a stroke.
OTHERS = (
    "由AI生成内容",
    "AI生",
    "生成",
    "A1生成",
    "AI星成",
    "AI生威",
    "内容",
    "摆拍",
    "演拍摆绎",
    "虚构肉容",
    "演绎视容",
    "可能AI生成",
    "似AI生成",
)


def encoded(picture, kind, **options):
    output = io.BytesIO()
    picture.save(output, kind, **options)
    return Image.open(io.BytesIO(output.getvalue())).convert("RGB")


def resized(picture, factor):
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.LANCZOS)


def brighter(picture, factor):
    return Image.fromarray(np.clip(np.asarray(picture, np.float32) * factor, 0, 255).astype(np.uint8))


def cropped(picture, left, top, right, bottom):
    width, height = picture.size
    return picture.crop(
        (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
    )


def framed(picture):
    """Return a picture as a player of other proportions shows it, at its old height."""
    ground = Image.new("RGB", (picture.height * 2 + picture.width, picture.height))
    ground.paste(picture, (picture.height, 0))
    return ground


CHANGES = {
    "JPEG q40, 1/2": lambda picture: encoded(resized(picture, 1 / 2), "JPEG", quality=40),
    "JPEG q60, 2/3": lambda picture: encoded(resized(picture, 2 / 3), "JPEG", quality=60),
    "JPEG q75, 3/4": lambda picture: encoded(resized(picture, 3 / 4), "JPEG", quality=75),
    "WebP q30, 1/2": lambda picture: encoded(resized(picture, 1 / 2), "WEBP", quality=30),
    "AVIF q40, 2/3": lambda picture: encoded(resized(picture, 2 / 3), "AVIF", quality=40, speed=9),
    "brighter by a fifth": lambda picture: encoded(brighter(picture, 1.2), "JPEG", quality=70),
    "darker by a fifth": lambda picture: encoded(brighter(picture, 0.8), "JPEG", quality=70),
    "right and bottom 5 % off": lambda picture: encoded(cropped(picture, 0, 0, 0.05, 0.05), "JPEG", quality=70),
    "2 % off each side": lambda picture: encoded(cropped(picture, 0.02, 0.02, 0.02, 0.02), "JPEG", quality=70),
    "bars left and right": lambda picture: encoded(framed(picture), "JPEG", quality=60),
}
BAR = "JPEG q40, 1/2"
# Reported only: bars make a picture that is read whole, and a notice in it that is small for it.
NO_BAR = {"bars left and right"}


def photographs(corpus):
    """Return real photographs as displayed; a few in a reduced proof."""
    found = []
    for path in sorted(corpus.glob("jpg/**/*.jp*g")):
        with Image.open(path) as picture:
            if min(picture.size) >= LEAST_SIDE and path.name != "corrupted.jpg":
                found.append(path)
    for path in found if FULL_PROOF else found[:: len(found) // 3]:
        with Image.open(path) as picture:
            yield ImageOps.exif_transpose(picture).convert("RGB")


def colours(picture):
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])


def drawn(picture, notice, folder):
    """Return a photograph with a notice, as a camera would have written it."""
    source, target = folder / "source.jpg", folder / "target.jpg"
    picture.save(source, quality=90)
    with target.open("wb") as file:
        notices.draw(source, file, [notice], orientation=1, format="jpeg")
    with Image.open(target) as result:
        return result.convert("RGB")


def test_notices_on_photographs_are_found_again(corpus, tmp_path, report):
    tally = {name: [0, 0, 0] for name in CHANGES}
    for at, picture in enumerate(photographs(corpus)):
        for number, (kind, text) in enumerate(WORDINGS):
            # Every wording in every photograph where the bar is, the other changes with one of them.
            chosen = CHANGES if number == at % len(WORDINGS) else [BAR] if FULL_PROOF else []
            (notice,) = notices.layout([(kind, text)], *picture.size)
            shown = drawn(picture, notice, tmp_path) if chosen else None
            for name in chosen:
                changed = colours(CHANGES[name](shown))
                tally[name][0] += 1
                tally[name][1] += readings(changed, [notice])[0].found
                tally[name][2] += readings(changed, [notice.model_copy(update={"box": None})])[0].found
    for name, (count, stated, unstated) in tally.items():
        report(f"notices found again, {name}: {stated} of {count} by the record, {unstated} of {count} without one")
        assert name in NO_BAR or min(stated, unstated) >= 0.95 * count, name


def test_no_wording_is_taken_for_another(corpus, tmp_path, report):
    taken, looked_for = [], 0
    texts = [*WORDINGS, *(("ai-generated", text) for text in OTHERS)]
    for picture, (kind, text) in zip(itertools.cycle([*photographs(corpus)][:6]), texts, strict=False):
        shown = drawn(picture, notices.layout([(kind, text)], *picture.size)[0], tmp_path)
        for change in (CHANGES[BAR], CHANGES["JPEG q75, 3/4"]):
            wanted = [Notice(kind=one, text=other) for one, other in WORDINGS if other != text]
            looked_for += len(wanted)
            taken += [(text, each.text) for each in readings(colours(change(shown)), wanted) if each.evidence]
    report(f"one wording taken for another: {len(taken)} of {looked_for}")
    assert taken == []


def test_photographs_without_notices_have_none(corpus, report):
    wanted = [Notice(kind=kind, text=text) for kind, text in WORDINGS]
    seen = [readings(colours(picture), wanted) for picture in photographs(corpus)]
    found = [each for every in seen for each in every if each.evidence]
    report(f"notices seen in photographs without any: {len(found)} of {len(seen) * len(WORDINGS)}")
    assert found == []


def scenes():
    """Yield generated pictures: noise at every scale, shapes, and lines of other text, light on dark and dark on light."""
    font_text = [text for text in OTHERS if text not in {"AI生", "生成"}]
    for seed in range(120 if FULL_PROOF else 6):
        random = np.random.default_rng(seed)
        coarse = random.integers(0, 255, (int(random.integers(3, 60)), int(random.integers(3, 60)), 3), dtype=np.uint8)
        canvas = cv2.resize(coarse, (960, 540), interpolation=[cv2.INTER_NEAREST, cv2.INTER_CUBIC][seed % 2])
        for _ in range(int(random.integers(0, 300))):
            x, y, size = (int(length) for length in random.integers(4, 960, 3))
            colour = random.integers(0, 255, 3).tolist()
            if seed % 3:
                cv2.rectangle(canvas, (x, y % 540), (x + size // 6, y % 540 + size // 12), colour, int(seed % 5) - 1)
            else:
                cv2.line(canvas, (x, y % 540), (x + size // 6 - 80, y % 540 + size // 9 - 50), colour, 1 + seed % 7)
        yield seed, canvas, font_text[seed % len(font_text)]


def test_generated_scenes_have_no_notice(tmp_path, report):
    wanted = [Notice(kind=kind, text=text) for kind, text in WORDINGS]
    found, count = [], 0
    for seed, canvas, text in scenes():
        if seed % 2:
            notice = notices.layout([("fiction", text)], 960, 540)[0]
            canvas = colours(drawn(Image.fromarray(canvas[:, :, ::-1]), notice, tmp_path))  # noqa: PLW2901
        found += [(seed, each.text) for each in readings(canvas, wanted) if each.evidence]
        count += 1
    report(f"notices seen in generated scenes without any: {len(found)} of {count * len(WORDINGS)}")
    assert found == []


def mutated(data, random):
    """Return bytes with some changed, cut or doubled."""
    out = bytearray(data)
    for _ in range(int(random.integers(1, 12))):
        out[int(random.integers(2, len(out)))] = int(random.integers(0, 256))
    if random.random() < 0.3:
        del out[int(random.integers(1, len(out))) :]
    elif random.random() < 0.2:
        at = int(random.integers(0, len(out)))
        out[at:at] = out[at : at + int(random.integers(1, 200))]
    return bytes(out)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP"])
def test_mutated_pictures_are_measured_or_refused(tmp_path, kind):
    from provenance.errors import ProvenanceError

    random = np.random.default_rng(7)
    canvas = Image.fromarray(cv2.resize(random.integers(0, 255, (9, 16, 3), dtype=np.uint8), (384, 330)))
    output = io.BytesIO()
    canvas.save(output, kind, **({"save_all": True, "append_images": [canvas.rotate(180)]} if kind != "JPEG" else {}))
    stated = notices.layout(WORDINGS[:1], 384, 330)
    outcomes = set()
    for _ in range(250 if FULL_PROOF else 15):
        (tmp_path / "mutant").write_bytes(mutated(output.getvalue(), random))
        try:
            outcomes.add(notices.measure(tmp_path / "mutant", stated, orientation=1)[0].found)
        except ProvenanceError as error:
            outcomes.add(error.code)
    assert True not in outcomes
    assert outcomes
