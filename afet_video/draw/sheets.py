"""Contact sheets: many pictures on one, with words.

in: pictures, captions, landmarks -> out: one picture.  Must not: change its input, open a window or a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import Box, ByteArray
from afet_video.draw.picture import Color, copied
from afet_video.facemesh import FACE_OVAL, LEFT_EYE_OUTER, LIPS_OUTER, RIGHT_EYE_OUTER

BACKGROUND: Color = (26, 27, 30)
PLATE: Color = (38, 39, 43)
"""Behind a picture that does not fill its tile."""

_TEXT: Color = (222, 224, 228)
_FAINT_TEXT: Color = (150, 154, 162)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MARGIN_PX, _GAP_PX, _CAPTION_PX, _TITLE_PX, _LABEL_PX, _MOST_LABEL_PX = 18, 6, 26, 40, 74, 220


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One picture of a sheet, (h, w, 3) uint8 of any size (None = an empty plate), and the words under it."""

    rgb: ByteArray | None
    caption: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SheetSample:
    """One column of a before/after sheet.

    `source` and `result` are the same frame before and after, (H, W, 3); `source_xyz` (478, 2 or 3) are the landmarks
    of the source in its pixels, or None where there is no face (NaN counts as none).
    """

    source: ByteArray
    result: ByteArray
    source_xyz: NDArray[Any] | None
    caption: str = ""


def contact_sheet(
    rows: Sequence[Sequence[Tile]],
    *,
    title: str = "",
    row_labels: Sequence[str] = (),
    tile_wh: tuple[int, int] | None = None,
) -> ByteArray:
    """Return one picture with all tiles on a grid.

    Parameters
    ----------
    rows : tiles of each row; rows may differ in length.
    title : words above the grid.
    row_labels : words left of each row.
    tile_wh : width and height of every tile in pixels; by default 320 wide, in the shape of the first picture. Pictures
        are scaled to fit and centered.
    """
    if tile_wh is None:
        shape = next((tile.rgb.shape for row in rows for tile in row if tile.rgb is not None), (3, 4))
        tile_wh = _tile_size(shape, 320)
    labels = [*row_labels, *[""] * (len(rows) - len(row_labels))]
    bands = [_Band(row, tile_wh[1], label) for row, label in zip(rows, labels, strict=True)]
    return _compose(bands, tile_wh[0], title)


def before_after_sheet(samples: Sequence[SheetSample], *, title: str = "", tile_width: int = 320) -> ByteArray:
    """Return a sheet with one column a sample: source, result, then eyes and mouth of both, enlarged.

    The enlarged parts are cut from the same place of source and result. `tile_width` in pixels.
    """
    if not samples:
        raise ValueError("a before/after sheet needs at least one sample")
    width, height = _tile_size(samples[0].source.shape, tile_width)
    eyes, mouths = zip(*(_zoom_boxes(sample.source_xyz) for sample in samples), strict=True)
    sources, results = [sample.source for sample in samples], [sample.result for sample in samples]
    heads = _Band([Tile(None, sample.caption) for sample in samples], 0)  # no pictures: the captions head the columns
    bands = [
        *([heads] if heads.height_with_caption else []),
        _Band([Tile(rgb) for rgb in sources], height, "source"),
        _Band([Tile(rgb) for rgb in results], height, "result"),
    ]
    for boxes, aspect in ((eyes, _EYES_ASPECT), (mouths, _MOUTH_ASPECT)):
        zoom_height = round(width / aspect)
        for pictures, label in ((sources, "source"), (results, "result")):
            tiles = [Tile(_crop(rgb, box)) for rgb, box in zip(pictures, boxes, strict=True)]
            bands.append(_Band(tiles, zoom_height, label, starts_group=label == "source"))
    return _compose(bands, width, title)


_EYES_ASPECT, _EYES_WIDTH_IOD = 2.0, 1.6
"""Brows and both eyes, with the temples where crow's feet show."""

_MOUTH_ASPECT, _MOUTH_WIDTH_IOD = 1.45, 1.35
"""Lips, chin and both nasolabial folds; as wide as the face's own measure, so that a smile does not shrink the zoom."""


def _zoom_boxes(xyz: NDArray[Any] | None) -> tuple[Box | None, Box | None]:
    """Return where the eyes and the mouth are, or None twice."""
    if xyz is None or not np.isfinite(xyz[:, :2]).all():
        return None, None
    scale = _scale(xyz)
    x, y = (xyz[RIGHT_EYE_OUTER, :2] + xyz[LEFT_EYE_OUTER, :2]) / 2
    eyes = _box(x, y - 0.13 * scale, _EYES_WIDTH_IOD * scale, _EYES_ASPECT)  # up a little: the brows
    lips = xyz[list(LIPS_OUTER), :2]
    x, y = (lips.min(axis=0) + lips.max(axis=0)) / 2
    return eyes, _box(x, y, _MOUTH_WIDTH_IOD * scale, _MOUTH_ASPECT)


def _scale(xyz: NDArray[Any]) -> float:
    """Return a length in pixels like the inter-ocular distance, but not foreshortened in a turned head."""
    iod = float(np.linalg.norm(xyz[LEFT_EYE_OUTER, :2] - xyz[RIGHT_EYE_OUTER, :2]))
    face_height = float(np.ptp(xyz[list(FACE_OVAL), 1]))
    return max(iod, 0.45 * face_height)


def _box(x: float, y: float, width: float, aspect: float) -> Box:
    height = width / aspect
    x0, y0 = round(x - width / 2), round(y - height / 2)
    return Box(x0, y0, x0 + max(round(width), 1), y0 + max(round(height), 1))


def _crop(rgb: ByteArray, box: Box | None) -> ByteArray | None:
    """Return the box's pixels; beyond the picture, the plate's color."""
    if box is None:
        return None
    height, width = rgb.shape[:2]
    out = np.full((box.y1 - box.y0, box.x1 - box.x0, 3), PLATE, np.uint8)
    x0, y0, x1, y1 = max(box.x0, 0), max(box.y0, 0), min(box.x1, width), min(box.y1, height)
    if x0 < x1 and y0 < y1:
        out[y0 - box.y0 : y1 - box.y0, x0 - box.x0 : x1 - box.x0] = rgb[y0:y1, x0:x1]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Band:
    """A row of tiles of one height."""

    tiles: Sequence[Tile]
    height: int
    label: str = ""
    starts_group: bool = False

    @property
    def height_with_caption(self) -> int:
        return self.height + (_CAPTION_PX if any(tile.caption for tile in self.tiles) else 0)


def _compose(bands: Sequence[_Band], tile_width: int, title: str) -> ByteArray:
    columns = max((len(band.tiles) for band in bands), default=0)
    room = _label_room([band.label for band in bands])
    left = _MARGIN_PX + room
    top = _MARGIN_PX + (_TITLE_PX if title else 0)
    width = left + columns * (tile_width + _GAP_PX) - _GAP_PX + _MARGIN_PX
    tops = []
    for band in bands:
        top += 2 * _GAP_PX if band.starts_group else 0
        tops.append(top)
        top += band.height_with_caption + _GAP_PX
    canvas = np.full((top - _GAP_PX + _MARGIN_PX, max(width, 2 * _MARGIN_PX), 3), BACKGROUND, np.uint8)
    if title:
        _put_text(canvas, title, _MARGIN_PX, _MARGIN_PX + 20, 0.7, _TEXT, canvas.shape[1] - 2 * _MARGIN_PX)
    for band, y in zip(bands, tops, strict=True):
        if band.label:
            _put_text(canvas, band.label, _MARGIN_PX, y + band.height // 2 + 5, 0.5, _FAINT_TEXT, room - 8)
        for column, tile in enumerate(band.tiles):
            x = left + column * (tile_width + _GAP_PX)
            canvas[y : y + band.height, x : x + tile_width] = _fitted(tile.rgb, tile_width, band.height)
            if tile.caption:
                _put_text(canvas, tile.caption, x + 2, y + band.height + 18, 0.5, _TEXT, tile_width - 4)
    return canvas


def _label_room(labels: Sequence[str]) -> int:
    """Return the width of the column of row labels, pixels; 0 without any."""
    if not any(labels):
        return 0
    widest = max(int(cv2.getTextSize(label, _FONT, 0.5, 1)[0][0]) for label in labels)
    return min(max(_LABEL_PX, widest + 12), _MOST_LABEL_PX)


def _tile_size(shape: Sequence[int], width: int) -> tuple[int, int]:
    """Return width and height of a tile for pictures of this (H, W, ...) shape; extremes are letterboxed."""
    return width, round(width * min(max(shape[0] / shape[1], 0.5), 1.8))


def _fitted(rgb: ByteArray | None, width: int, height: int) -> ByteArray:
    """Return the picture scaled into (height, width) without distortion, centered on a plate."""
    plate = np.full((height, width, 3), PLATE, np.uint8)
    if rgb is None:
        return plate
    scale = min(width / rgb.shape[1], height / rgb.shape[0])
    fitted = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    # A bar of a pixel or two would look like a fault: such a picture fills its tile.
    is_close = abs(fitted[0] - width) <= 2 and abs(fitted[1] - height) <= 2
    size_wh = (width, height) if is_close else fitted
    picture = cv2.resize(copied(rgb), size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    x, y = (width - size_wh[0]) // 2, (height - size_wh[1]) // 2
    plate[y : y + size_wh[1], x : x + size_wh[0]] = picture
    return plate


def _put_text(canvas: ByteArray, text: str, x: int, baseline: int, size: float, color: Color, room: int) -> None:
    """Write one line, cut with dots where it is wider than `room` pixels."""
    whole = text
    while text and cv2.getTextSize(text, _FONT, size, 1)[0][0] > room:
        whole = whole[:-1]
        text = f"{whole}..." if whole else ""
    cv2.putText(canvas, text, (x, baseline), _FONT, size, color, 1, cv2.LINE_AA)
