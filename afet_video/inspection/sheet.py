"""Every stage of one frame on a contact sheet.

in: a seen frame -> out: one picture.  Must not: compute what it shows.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ByteArray, FloatArray
from afet_video.draw import (
    Tile,
    View,
    contact_sheet,
    draw_arrows,
    draw_heat,
    draw_landmarks,
    draw_mesh,
    draw_midline,
)
from afet_video.inspection.seen import SeenFace, SeenFrame

_COLUMNS, _TILE_PX = 4, 400
_RED, _GREEN, _YELLOW, _GRAY = (255, 80, 70), (80, 230, 120), (255, 210, 60), (150, 154, 162)
_AFFECTED, _COVERED = (70, 120, 255), (255, 70, 70)
_DIFFERENCE_GAIN = 4


def stage_sheet(seen: SeenFrame, *, name: str) -> ByteArray:
    """Return the sheet of a frame that holds its pictures; `name` is that of the clip.

    Parameters
    ----------
    seen : with `source` and `result`.
    """
    assert seen.source is not None
    assert seen.result is not None
    face = seen.main_face
    title = f"{name}, frame {seen.index}, {seen.seconds:.3f} s"
    if face is None:
        tiles = [Tile(seen.source, "source"), Tile(seen.result, "result: no face, so it is the source")]
        return contact_sheet([tiles], title=f"{title}: no face")
    row = face.stages.row
    title += f": {row.status}, strength {row.strength:.2f}, {row.side} side affected (the subject's own)"
    view = View.around(np.concatenate([row.source_xyz, row.output_xyz]), _size_wh(seen.source), width=_TILE_PX)
    tiles = [*_face_tiles(view, seen.source, face), *_splice_tiles(view, seen.source, seen.result, face)]
    rows = [tiles[start : start + _COLUMNS] for start in range(0, len(tiles), _COLUMNS)]
    size_wh = (_TILE_PX, round(_TILE_PX * view.size_wh[1] / view.size_wh[0]))
    return contact_sheet(rows, title=title, tile_wh=size_wh)


def _face_tiles(view: View, source: ByteArray, face: SeenFace) -> list[Tile]:
    """Return source, landmarks, mesh, rest, midline, alpha."""
    stages = face.stages
    xyz = stages.moment.xyz
    plain = view.picture(source)
    dim = (plain * 0.55).astype(np.uint8)
    points = view.points(xyz)
    marks = draw_landmarks(plain, view.points(face.detected), color=_RED, radius=1.6)
    marks = draw_landmarks(marks, points, color=_GREEN, radius=1.6)
    middle = draw_midline(plain, view.midline(stages.moment.midline), color=_YELLOW, thickness=3)
    if face.raw_midline is not None:
        middle = draw_midline(middle, view.midline(face.raw_midline), color=_RED)
    rest = view.points(stages.rest.xyz)
    arrows = draw_arrows(dim, points, rest, color=_YELLOW, least_px=1.0)
    away = stages.rest.excursion
    yaw, pitch = stages.rest.turn_deg
    rows, columns = np.mgrid[: source.shape[0], : source.shape[1]].astype(np.float32)
    lost = np.float32(1.0) - stages.alpha.at(columns, rows)
    lost[~_outline(points_of=xyz, shape=source.shape)] = 0.0
    return [
        Tile(plain, "source"),
        Tile(marks, f"detected (red), followed (green): {100 * face.corrected_iod:.1f} % iod apart"),
        Tile(draw_mesh(dim, points, face.model.triangles), f"mesh, {len(face.model.triangles)} triangles"),
        Tile(arrows, f"way to rest, at most {100 * float(away.max()):.1f} % iod; turn {yaw:+.0f}, {pitch:+.0f} deg"),
        Tile(middle, f"midline: this frame alone (red), smoothed: {100 * face.midline_moved_iod:.2f} % iod"),
        Tile(draw_heat(plain, view.share(lost), color=_AFFECTED), "1 - alpha: what shows the affected side"),
    ]


def _splice_tiles(view: View, source: ByteArray, result: ByteArray, face: SeenFace) -> list[Tile]:
    """Return neutral, its share, cover, difference, result, landmarks of the result."""
    stages = face.stages
    splice, row = stages.splice, stages.row
    shown = view.picture(result)
    difference = np.abs(result.astype(np.int16) - source).max(axis=2, keepdims=True)
    amplified = np.repeat(np.minimum(_DIFFERENCE_GAIN * difference, 255), 3, axis=2)
    truth = draw_landmarks(shown, view.points(row.source_xyz), color=_GRAY, radius=1.4)
    truth = draw_landmarks(truth, view.points(row.output_xyz), color=_GREEN, radius=1.6)
    last = [
        Tile(view.picture(amplified), f"difference x {_DIFFERENCE_GAIN}, largest {int(difference.max())} levels"),
        Tile(shown, "result"),
        Tile(truth, "landmarks: source (gray), result (green)"),
    ]
    if splice is None:
        return [Tile(None, "neutral: not used, nothing is changed"), Tile(None), Tile(None), *last]
    texture = splice.texture
    neutral = View.around(texture.xy, _size_wh(texture.rgb), width=_TILE_PX)
    name = f"neutral as used, frame {splice.neutral}" if splice.neutral >= 0 else "neutral, from a picture"
    if splice.second is not None:
        name += f"; {100 * texture.mix:.0f} % frame {splice.second}"
    share = _neutral_share(view, face)
    covered = np.zeros((1, 1), np.float32) if splice.cover.mask is None else np.float32(1.0) - splice.cover.mask
    box = splice.box if splice.cover.mask is not None else None
    cover = draw_heat(
        view.picture(source), view.share(covered, box) if box else np.zeros(view.size_wh[::-1], np.float32),
        color=_COVERED,
    )  # fmt: skip
    for hand in stages.moment.hands:
        cover = draw_landmarks(cover, view.points(hand), color=_YELLOW, radius=3.0)
    hands = f", {len(stages.moment.hands)} hand(s)" if len(stages.moment.hands) else ""
    return [
        Tile(neutral.picture(texture.rgb), name),
        Tile(draw_heat(view.picture(source), share, color=_GREEN), f"share of the neutral's pixels, {share.max():.2f}"),
        Tile(cover, f"cover: {100 * face.covered_share():.1f} % of the part that may change{hands}"),
        *last,
    ]


def _neutral_share(view: View, face: SeenFace) -> FloatArray:
    """Return where (h, w) the neutral's pixels come in: the triangles' mean weight, times 1 - alpha at their middle."""
    stages = face.stages
    assert stages.splice is not None
    xy = stages.row.output_xyz[:, :2]
    triangles = face.model.triangles[face.model.textured]
    middles = xy[triangles].mean(axis=1)
    lost = 1.0 - stages.alpha.at(middles[:, 0], middles[:, 1])
    shares = stages.splice.texture.weight[triangles].mean(axis=1) * lost
    width, height = view.size_wh
    result = np.zeros((height, width), np.float32)
    points = np.round(view.points(xy)).astype(np.int32)
    for triangle, share in zip(triangles, shares.tolist(), strict=True):
        cv2.fillConvexPoly(result, points[triangle], share)
    return result


def _outline(*, points_of: FloatArray, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(points_of[list(facemesh.FACE_OVAL), :2]).astype(np.int32)], 1)
    return mask > 0


def _size_wh(picture: NDArray[np.generic]) -> tuple[int, int]:
    return int(picture.shape[1]), int(picture.shape[0])
