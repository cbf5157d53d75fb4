"""Where the neutral's pixels come in, and how they are fitted to the light of the current frame.

in: excursion of each landmark, both pictures -> out: weights and colour gains per landmark.  Must not: move anything.

Warping the current frame keeps its own light, grain and blur, and at rest it changes nothing. It cannot open a shut
lid, smooth a fold or take a wrinkle away: there the neutral's pixels are needed, in proportion to how much the
expression changed the place.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side
from afet_video.splice.alpha import SpliceSettings
from afet_video.splice.blur import blur_px
from afet_video.splice.compose import NeutralTexture
from afet_video.splice.texture_kernel import fill_reached
from afet_video.vectors import gaussian, median, smoothstep, smoothsteps, squared_distances

_SKIN_RANGE_IOD = (0.005, 0.03)
"""Mean excursion around a landmark from which the neutral's skin begins to show, and is shown in full."""

_BROW_RANGE_IOD = (0.004, 0.014)
"""The same on the brows: a frown moves their landmarks by much less than the brows themselves."""

_BROW_LOST_RANGE = (0.45, 0.85)
"""Share of a brow's movement lost from which the neutral's brow begins to be mixed in, and is as elsewhere. Skin can be
a mixture of both pictures; of a brow, which the landmarks trail, that makes two."""

_LID_RANGE = (0.4, 0.65)
"""Lid closure from which the neutral's open eye begins to show, and is shown in full. A squint in a smile closes the
lids by 0.3 to 0.4 and must keep the current gaze."""

_SLIT_RANGE = (0.0, 0.3)
"""Share of a lid's closure lost from which the neutral's open eye begins to show behind it, and is shown in full."""

_SPREAD_IOD, _BROW_SPREAD_IOD = 0.12, 0.25
"""How far around a changed place the neutral's skin covers: the detector trails strong brow and cheek movements, and
what it trails by would show as a second brow or fold."""

_OPEN_RANGE_IOD = (0.03, 0.10)
"""Gap between the lips from which they begin to keep the current frame's pixels, and keep them in full, place by place:
where they meet, as at the corners of an open mouth, the frame has the dark pocket of a smile. A corner is as open as
the lips are beside it."""

_PARTED_RANGE_IOD = (0.0, 0.05)
"""The same for the lips' inner edges by themselves: the neutral's dark line between them belongs where lips nearly
touch. There the frame has darkness or teeth on them, as far as its landmarks miss their edge."""

_NEIGHBORHOOD_IOD, _EDGE_IOD, _LIGHT_RADIUS_IOD, _LIGHT_CELL_IOD = 0.10, 0.15, 0.20, 0.04
_LIGHT_OFFSET = 8.0
_NOT_SKIN_LOG = 1.0
"""Logarithmic distance from the median skin color from which a skin landmark of the neutral is taken to be covered by
hair, or to have slipped on to the background. Shading across a face stays below 0.7, hair is 1.4 and more away."""
_TINT_RANGE, _SHADE_RANGE = (0.15, 0.35), (1.0, 1.5)
"""How far tint and brightness of a place may have changed against those of all (logarithms) to count as a change of the
light on skin, in full and not at all. 98 % of the places on skin are tinted by less than 0.15 in real clips, those of a
turned face whose outline has slipped on to the background by 0.3 to 0.8."""

_LIGHT_SHARE = 0.3
"""Share of the places around a landmark whose light must be known for it to be taken from them alone."""

_GAIN_LIMITS = (0.5, 2.0)

_EYES = {
    Side.LEFT: np.array(facemesh.LEFT_EYE + facemesh.LEFT_IRIS),
    Side.RIGHT: np.array(facemesh.RIGHT_EYE + facemesh.RIGHT_IRIS),
}
_BOTH_EYES = np.concatenate(list(_EYES.values()))
_LIPS = np.array(facemesh.UPPER_LIP + facemesh.LOWER_LIP + facemesh.COMMISSURES)
_INNER_LIPS = np.array([edge for edges in facemesh.LIP_EDGES[2:] for edge in edges])
"""Inner edges of the lips (4, 9) from corner to corner."""
_LIP_EDGES = np.array([edge for edges in facemesh.LIP_EDGES for edge in edges])
_LIP_CORNERS = np.array([(row[0], row[10]) for row in facemesh.LIP_ROWS])
_FEATURES = np.concatenate([_BOTH_EYES, _LIPS])
_BROWS = np.array(facemesh.LEFT_BROW + facemesh.RIGHT_BROW)


def _not_plain_skin() -> NDArray[np.bool_]:
    mask = np.zeros(478, bool)
    for part in (_LIPS, facemesh.LEFT_BROW + facemesh.RIGHT_BROW, _BOTH_EYES, facemesh.FACE_OVAL):
        mask[list(part)] = True
    return mask


@dataclass(frozen=True, slots=True, eq=False)
class TextureModel:
    """What is known of the neutral's texture for a whole clip; see `texture_model`.

    `log_light` (n, 3): the neutral's colours at the plain-skin landmarks `skin` (n,). `light_kernel` (478, n) spreads
    them over the face. `near` (478, 478) averages over the neighborhood, `spread` (478, 478) is how
    far a changed place (row) reaches around itself (column), `edge` (478,) fades towards the outline and around
    what covers the neutral's skin. `blur`: around eyes and mouth, inter-ocular distances, see `blur_px`.
    """

    rgb: FloatArray
    xy: FloatArray
    skin: NDArray[np.int64]
    log_light: FloatArray
    light_kernel: FloatArray
    near: FloatArray
    spread: FloatArray
    edge: FloatArray
    blur: float
    settings: SpliceSettings


def texture_model(
    rgb: FloatArray, xy: FloatArray, settings: SpliceSettings, *, hidden: NDArray[np.bool_] | None = None
) -> TextureModel:
    """Prepare the neutral's picture (h, w, 3) float32 with its landmarks (478, 2) in pixels of that picture.

    `hidden` (478,): which of them were covered, so that the picture may show skin there which is no lip.
    """
    xy = np.ascontiguousarray(xy[:, :2], np.float32)
    iod = facemesh.iod_px(xy)
    skin = np.flatnonzero(~_not_plain_skin())
    squared = squared_distances(xy, xy)
    near = _normalized(gaussian(squared, _NEIGHBORHOOD_IOD * iod))
    reach = np.full(478, _SPREAD_IOD * iod, np.float32)
    reach[list(facemesh.LEFT_BROW + facemesh.RIGHT_BROW)] = _BROW_SPREAD_IOD * iod
    beyond = np.maximum(np.sqrt(squared) / reach[:, None] - np.float32(1.0), np.float32(0.0))
    spread = gaussian(np.square(beyond, out=beyond), 0.5)
    light = _normalized(gaussian(squared[:, skin], _LIGHT_RADIUS_IOD * iod))
    to_edge = np.sqrt(squared[:, list(facemesh.FACE_OVAL)].min(axis=1))
    edge = np.clip(to_edge / (_EDGE_IOD * iod), 0.0, 1.0).astype(np.float32)
    log_light = _log_light(rgb, xy, skin, iod)
    covered = skin[np.abs(log_light - np.median(log_light, axis=0)).max(axis=1) > _NOT_SKIN_LOG]
    if hidden is not None:
        covered = np.concatenate([covered, _LIPS[hidden[_LIPS]]])
    if len(covered):
        edge *= 1.0 - gaussian(squared[:, covered].min(axis=1), _NEIGHBORHOOD_IOD * iod)
    return TextureModel(
        rgb, xy, skin, log_light, light, near, spread, edge.astype(np.float32), _blur(rgb, xy) / iod, settings
    )


def neutral_texture(
    model: TextureModel,
    current: FloatArray,
    current_xy: FloatArray,
    excursion: FloatArray,
    *,
    lid_closure: float,
    mouth_opening: float,
    side: Side,
    lost: FloatArray | None = None,
    lip_gaps: FloatArray | None = None,
) -> NeutralTexture:
    """Return the neutral's pixels with weights and gains for one frame.

    Parameters
    ----------
    current : (h, w, 3) rectangle of the frame.
    current_xy : (478, 2) landmarks in pixels of that rectangle.
    excursion : (478,) how much movement is taken away from each landmark, in inter-ocular distances.
    lid_closure : of the affected eye, 0 as at rest .. 1 shut.
    mouth_opening : gap between the lips in the result, in inter-ocular distances.
    side : the affected side.
    lost : (478,) share of its movement that each landmark loses; None: all. A fold that is half as deep keeps half of
        its own pixels, and a place that loses nothing keeps them all.
    lip_gaps : (9,) `mouth_opening` place by place from corner to corner; None: the same in all.
    """
    if model.settings.texture == "neutral":
        share = np.ones(478, np.float32) if lost is None else lost
        return NeutralTexture(model.rgb, model.xy, share, np.ones((478, 3), np.float32))
    around = model.near @ excursion
    changed = smoothsteps(around, *_SKIN_RANGE_IOD)
    changed[_BROWS] = smoothsteps(around[_BROWS], *_BROW_RANGE_IOD)
    weight = np.empty_like(model.edge)
    fill_reached(changed, model.spread, weight)
    weight *= model.edge
    weight[_BOTH_EYES] = 0.0
    gaps = np.full(9, mouth_opening, np.float32) if lip_gaps is None else lip_gaps
    shut = 1.0 - smoothsteps(gaps, *_OPEN_RANGE_IOD)
    weight[_LIP_EDGES] *= shut
    weight[_LIP_CORNERS] *= shut[[0, -1]]
    weight[_INNER_LIPS] *= 1.0 - smoothsteps(gaps, *_PARTED_RANGE_IOD)
    if lost is not None:
        weight *= lost
        weight[_BROWS] *= smoothsteps(lost[_BROWS], *_BROW_LOST_RANGE)
    weight[_EYES[side]] = np.float32(smoothstep(lid_closure, *_LID_RANGE)) * _eye_share(lost, side)
    if not weight.any():
        return NeutralTexture(model.rgb, model.xy, weight, np.ones((478, 3), np.float32))
    light = _log_light(current, current_xy, model.skin, facemesh.iod_px(current_xy)) - model.log_light
    gain = np.clip(np.exp(_spread_light(model.light_kernel, light)), *_GAIN_LIMITS)
    return NeutralTexture(model.rgb, model.xy, weight.astype(np.float32), gain.astype(np.float32))


def _spread_light(kernel: FloatArray, light: FloatArray) -> FloatArray:
    """Return the change of light (478, 3) over the face, from that at skin landmarks (n, 3), by their kernel (478, n).

    Places that show no skin, now or in the neutral, say nothing of the light: hair and background have colours of their
    own. Where most places around are such, the face's usual change stands in.
    """
    usual = median(light)
    change = light - usual
    shade = change.mean(axis=1)
    tint = np.abs(change - shade[:, None]).max(axis=1)
    is_skin = (1.0 - smoothsteps(tint, *_TINT_RANGE)) * (1.0 - smoothsteps(np.abs(shade), *_SHADE_RANGE))
    spread = kernel @ np.column_stack([change * is_skin[:, None], is_skin]).astype(np.float32)
    known = np.maximum(spread[:, 3:], np.float32(_LIGHT_SHARE))
    return np.asarray(usual + spread[:, :3] / known, np.float32)


def _eye_share(lost: FloatArray | None, side: Side) -> FloatArray | np.float32:
    """How much of a shut eye's opening the neutral gives: a slit of a tenth can be warped, any wider shows an eye."""
    return np.float32(1.0) if lost is None else smoothsteps(lost[_EYES[side]], *_SLIT_RANGE)


def outside_mouth(triangles: NDArray[np.int32], settings: SpliceSettings) -> NDArray[np.bool_]:
    """Return which triangles (M,) may take the neutral's pixels: all but those between the lips.

    Teeth and tongue are the current frame's: the neutral's mouth is closed and has none to give. For
    its own slit there is `cavity.slit_weight`.
    """
    if settings.texture == "neutral":
        return np.ones(len(triangles), np.bool_)
    inner = np.zeros(478, bool)
    inner[list(facemesh.LIPS_INNER)] = True
    return np.asarray(~inner[triangles].all(axis=1), np.bool_)


def _blur(rgb: FloatArray, xy: FloatArray) -> float:
    features = xy[_FEATURES]
    low = np.maximum(np.floor(features.min(axis=0)), 0).astype(int)
    high = np.ceil(features.max(axis=0)).astype(int) + 1
    part = rgb[low[1] : high[1], low[0] : high[0]]
    return blur_px(part.mean(axis=2)) if min(part.shape[:2]) > 2 else 0.0


def _log_light(rgb: FloatArray, xy: FloatArray, skin: NDArray[np.int64], iod: float) -> FloatArray:
    """Logarithm of the mean colour (n, 3) of small cells around landmarks."""
    cell = max(round(_LIGHT_CELL_IOD * iod), 1)
    small = cv2.resize(rgb, None, fx=1 / cell, fy=1 / cell, interpolation=cv2.INTER_AREA) if cell > 1 else rgb
    where = ((xy[skin, :2] + 0.5) / cell - 0.5).astype(np.float32)
    colors = cv2.remap(small, where[:, None, 0], where[:, None, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    logs: FloatArray = np.log(colors[:, 0] + np.float32(_LIGHT_OFFSET))
    return logs


def _normalized(weights: FloatArray) -> FloatArray:
    weights /= weights.sum(axis=1, keepdims=True) + np.float32(1e-6)
    return weights
