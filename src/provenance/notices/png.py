"""Draw on a PNG file: the scanlines under the notice are filtered again, every other byte of them stays.

Chunks that are not the picture's own stay as they are. An animation is a matter of its own: see `apng`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from provenance.formats import png_chunks
from provenance.formats.png_chunks import SIGNATURE, Chunk, pack
from provenance.model.notice import Notice
from provenance.notices import png_picture
from provenance.notices.apng import draw_frames, is_animated
from provenance.notices.overlay import Drawing, patches
from provenance.notices.place import displayed_size
from provenance.notices.png_lines import inflate
from provenance.notices.png_picture import COLOURS
from provenance.notices.png_pixels import blend, filtered_size
from provenance.notices.refusal import check_picture_size


def draw_png(data: bytes, notices: Sequence[Notice], orientation: int) -> Drawing:
    """Return the new file; see `provenance.notices.draw` for the errors."""
    file = io.BytesIO(data)
    parts = list(png_chunks.chunks(file))
    header = png_chunks.header(file, parts[0])
    check_picture_size(header.width, header.height)
    painted = patches(notices, *displayed_size(header.width, header.height, orientation), orientation)
    # Of several, the first one counts.
    colours = {part.kind: png_chunks.content(file, part) for part in reversed(parts) if part.kind in COLOURS}
    if is_animated(parts):
        return draw_frames(data, parts, header, colours, painted)
    meant = png_picture.meaning(colours, header)
    places = [(part.data, part.data + part.length) for part in parts if part.kind == b"IDAT"]
    lines = inflate(data, places, filtered_size(header))
    if meant.table is None and not header.interlaced:
        return Drawing(_file(data, parts, {}, png_picture.in_place(lines, header, painted, meant.key)), "blocks", "png")
    plain = png_picture.plain(header, meant.table)
    picture = png_picture.samples(lines, header, meant.table)
    blend(picture, plain, painted, 0, meant.key if meant.table is None else ())
    new = {} if meant.table is None else png_picture.matching(colours, header, meant.table)
    pieces = _file(data, parts, {**new, b"IHDR": plain.chunk()}, png_picture.stream(picture, plain))
    return Drawing(pieces, "blocks", "png, rewritten")


def _file(data: bytes, parts: Sequence[Chunk], new: Mapping[bytes, bytes], picture: Sequence[bytes]) -> list[bytes]:
    pieces = [SIGNATURE]
    waiting = [pack(b"IDAT", piece) for piece in picture]
    for part in parts:
        if part.kind == b"IDAT":
            pieces += waiting
            waiting = []
        else:
            pieces.append(new.get(part.kind, data[part.start : part.end]))
    return [*pieces, data[parts[-1].end :]]
