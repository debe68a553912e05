"""The picture that viewers would see: an image as it would be drawn on, a film's first picture with its notices."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from provenance._files import open_input
from provenance.attach import drawing
from provenance.attach.options import DEFAULT, DrawOptions, resolved
from provenance.attach.plan import OnConflict, Plan, Wanted, plan
from provenance.attach.post import one_file
from provenance.catalog import Catalog
from provenance.catalog.data import SafeArea
from provenance.errors import MalformedMedia, ProvenanceError, UnsupportedFormat
from provenance.model.notice import Notice
from provenance.observe import Look, look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

LONGEST_SIDE: Final = 1600  # pixels; as large as a page shows it
_JPEG_QUALITY: Final = 88
_MOST_BEFORE_START: Final = 1000  # pictures that a film holds from before it starts


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would look like.

    Attributes:
        path: The file, which is not changed.
        media: Whether it is an image or a film.
        width: Of its pictures as displayed, in pixels; `height`: the same.
        notices: Those it would show, in pixels of that size.
        pixels: The picture, no larger than a screen: (rows, columns, 3) in the order blue, green, red.
        area: What the controls of the platform that was asked for cover, where that is known.
        warnings: What `attach` would warn of.
    """

    path: Path
    media: Literal["image", "video"]
    width: int
    height: int
    notices: tuple[Notice, ...]
    pixels: Picture
    area: SafeArea | None
    warnings: tuple[ProvenanceError, ...]

    def encoded(self, form: Literal["PNG", "JPEG"]) -> bytes:
        """Return the picture as a file, without any metadata."""
        import cv2

        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if form == "JPEG" else []
        _, data = cv2.imencode(f".{form.lower()}", self.pixels, options)
        return data.tobytes()


def preview(
    source: Path,
    asset: Mapping[str, Any],
    *,
    catalog: Catalog,
    options: DrawOptions = DEFAULT,
    on_conflict: OnConflict = "refuse",
) -> Preview:
    """Return what one file would look like if `attach` labelled it so.

    An image is drawn on as `attach` does it, in a folder of its own that is gone afterwards. Of a film only the first
    picture is made.

    Args:
        source: The file; it is not changed.
        asset: ``labels`` and, where known, ``origin`` and ``draw``, as an asset of a post file has them.
        catalog: The rule edition.
        options: How notices are put in.
        on_conflict: As for `attach`.

    Raises:
        UsageError: a label, the platform or the font is wrong, or the file contradicts a label.
        MediaError: the file shows nothing, cannot be read, or is too small for its notices.
    """
    chosen = resolved(options, catalog)

    def seen(wanted: Wanted) -> Preview:
        found = look(source)
        planned = plan(found, wanted, on_conflict=on_conflict)
        if found.container.media == "video":
            return _of_film(source, found, planned, chosen)
        if found.container.media == "image":
            return _of_image(source, found, planned, chosen)
        raise UnsupportedFormat("preview-shows-nothing", path=source, format=found.handler.name)

    return one_file(asset, catalog, seen)


def _of_image(source: Path, found: Look, planned: Plan, options: DrawOptions) -> Preview:
    from provenance.notices.decode import frames

    with (
        tempfile.TemporaryDirectory(prefix="provenance-") as folder,
        drawing.drawn(source, Path(folder), found, planned, options, None) as (result, warnings),
    ):
        pixels = next(frames(result.path, found.observation.orientation))
    height, width = pixels.shape[:2]
    return Preview(
        path=source,
        media="image",
        width=width,
        height=height,
        notices=(*planned.record.notices, *result.notices),
        pixels=_scaled(pixels),
        area=options.area,
        warnings=tuple(warnings),
    )


def _of_film(source: Path, found: Look, planned: Plan, options: DrawOptions) -> Preview:
    from provenance.notices import video

    pixels = _first_picture(source, found.observation.orientation)
    height, width = pixels.shape[:2]
    placed: tuple[Notice, ...] = ()
    warnings: list[Any] = []
    if planned.draw and not found.handler.draws_notices:
        warnings = [drawing.not_drawn(source, found, planned)]
    elif planned.draw:
        if why := video.video_drawable(source):
            raise why
        bare, warnings = drawing.laid_out(source, planned, (width, height), options)
        shown = video.shown_at(video.probe(source).duration, ("start", *options.at), options.seconds)
        placed = tuple(notice.model_copy(update={"seconds": each}) for each in shown for notice in bare)
        _draw(pixels, bare)
    return Preview(
        path=source,
        media="video",
        width=width,
        height=height,
        notices=(*planned.record.notices, *placed),
        pixels=_scaled(pixels),
        area=options.area,
        warnings=tuple(warnings),
    )


def _first_picture(source: Path, orientation: int) -> Picture:
    """Return the picture that a film shows at its start, as it is displayed."""
    import numpy as np

    from provenance.formats.base import check_picture_size
    from provenance.notices.place import to_displayed
    from provenance.notices.refusal import WAY_ON
    from provenance.notices.video_codec import av

    library = av()
    try:
        with open_input(source) as file, library.open(file, mode="r", metadata_errors="replace") as container:
            if not container.streams.video:
                raise MalformedMedia("video-no-pictures", path=source, way_on=WAY_ON)
            frames = itertools.islice(container.decode(container.streams.video[0]), _MOST_BEFORE_START)
            frame = next((each for each in frames if each.time is None or each.time >= 0), None)
            if frame is None:
                raise MalformedMedia("video-no-pictures", path=source, way_on=WAY_ON)
            check_picture_size(frame.width, frame.height)
            stored = np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
    except library.FFmpegError as error:
        raise MalformedMedia("video-damaged", path=source, offset=0) from error
    return np.ascontiguousarray(to_displayed(stored, orientation))


def _draw(pixels: Picture, notices: tuple[Notice, ...]) -> None:
    """Draw notices on a picture as displayed, in place."""
    import numpy as np

    from provenance.notices.overlay import patches

    height, width = pixels.shape[:2]
    for patch in patches(notices, width, height, 1):
        rows, columns = patch.ink.shape
        area = pixels[patch.y : patch.y + rows, patch.x : patch.x + columns]
        for channel in range(area.shape[2]):
            area[:, :, channel] = np.rint(patch.over(area[:, :, channel].astype(np.float32), 255, 0))


def _scaled(pixels: Picture) -> Picture:
    import cv2
    import numpy as np

    height, width = pixels.shape[:2]
    scale = LONGEST_SIDE / max(width, height)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def without_pixels(found: Preview) -> dict[str, Any]:
    """Return what a preview says, as JSON data."""
    return {
        "schema": "provenance/preview/1",
        "path": str(found.path),
        "media": found.media,
        "width": found.width,
        "height": found.height,
        "notices": [notice.as_json() for notice in found.notices],
        "warnings": [{"code": each.code, "message": each.diagnostics()} for each in found.warnings],
    }
