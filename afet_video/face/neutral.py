"""Which frame of a video shows the person's neutral face, and which frames are at rest at all.

in: per-frame measures of a track -> out: `NeutralChoice`, rest weights.  Must not: read pixels or files.

The smallest sum of blendshapes alone picks half-closed eyes, turned heads and motion blur; so every criterion has a
score of its own, relative to the person's habit in this video, and the product decides. Only `relaxed` knows no habits:
who smiles throughout is not at rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray, NeutralChoice, Timestamp
from afet_video.errors import NoFaceError, SettingsError
from afet_video.face.activity import activity, baseline
from afet_video.face.shown import plainly_shown, relaxed

REST_SPREAD = 0.7
"""Activity (sum of blendshape changes) at which a frame counts as resting by 60 %."""

_ACTIVITY_SCALE, _ANGLE_SCALE_DEG, _MOTION_SCALE_IOD_S = 0.6, 14.0, 0.5
BANK_APART_DEG = 8.0
"""How far apart the heads of two neutrals are turned."""

_BANK_SIZE, _BANK_SHARE = 4, 0.6
"""Most neutrals of a person in a shot, and their quality against the best."""

_GAP_SCALE_IOD, _LEAST_GAP_IOD = 0.05, 0.02
_STABLE_WINDOW_S = 0.2
_BROW_QUANTILES = (0.2, 0.5)
"""Where the brows' rest may lie among all frames: some people raise them now and then, some hold them raised and frown
now and then. The guess under which the best frame fits all criteria better is taken."""

_AT_REST, _LEAST_REST = ("calm", "lids_open", "mouth_closed", "relaxed"), 0.15
"""Criteria that say whether a face is at rest, and the product below which it is not. `calm` is 0.15 where the
blendshapes' changes sum to 1.4: a slight smile."""


_PLAINLY_FREE, _LEAST_PLAIN = 0.5, 5
"""From how much of `relaxed` on a face is free of expression, and how many such frames tell what is usual."""


@dataclass(frozen=True, slots=True)
class NeutralSettings:
    """How the neutral is chosen: `choice` is `auto`, a time in seconds, `frame:N`, or the path of an image."""

    choice: str = "auto"

    def __post_init__(self) -> None:
        if not self.choice.strip():
            raise SettingsError("neutral.choice is empty: give auto, a time in seconds, frame:N or an image file")
        if self.choice.startswith("frame:") and not self.choice[6:].isdigit():
            raise SettingsError(
                f'neutral.choice "{self.choice}": after "frame:" comes a frame number such as frame:120'
            )

    @property
    def frame_index(self) -> int | None:
        """Frame number asked for, or None."""
        return int(self.choice[6:]) if self.choice.startswith("frame:") else None

    @property
    def seconds(self) -> float | None:
        """Time asked for, or None."""
        try:
            value = float(self.choice)
        except ValueError:
            return None
        return value if np.isfinite(value) else None


@dataclass(frozen=True, slots=True, eq=False)
class FaceMeasures:
    """What the choice of the neutral looks at; arrays of length T, NaN where there is no face.

    `lid_aperture` and `mouth_gap` in inter-ocular distances; `angles_deg` (T, 2) yaw and pitch; `sharpness` in any
    unit; `motion`: speed of the landmarks in inter-ocular distances a second; `inside`: 0..1, how much of the face the
    picture holds, see `in_picture`; `detected`: bool.
    """

    timestamps: list[Timestamp]
    blendshapes: FloatArray
    angles_deg: FloatArray
    lid_aperture: FloatArray
    mouth_gap: FloatArray
    sharpness: FloatArray
    motion: FloatArray
    inside: FloatArray
    detected: NDArray[np.bool_]


def choose_neutral(measures: FaceMeasures, *, within: NDArray[np.bool_] | None = None) -> NeutralChoice:
    """Return the best neutral frame of a video with its score and the score of each criterion.

    `within` (T,): frames that may be chosen, at least one of them with a face; the person's habits are those of all.

    Raises
    ------
    NoFaceError
        If no frame shows a face.
    """
    if not measures.detected.any():
        raise NoFaceError("no face in any frame: nothing to convert")
    scores, total = max((_scored(measures, q) for q in _BROW_QUANTILES), key=lambda scored: float(scored[1].max()))
    allowed = measures.detected if within is None else measures.detected & within
    total = np.where(allowed, total, 0.0)
    best = int(total.argmax()) if total.max() > 0 else int(allowed.argmax())
    reasons = {name: round(float(np.nan_to_num(values[best])), 3) for name, values in scores.items()}
    weakest = min(reasons, key=lambda name: reasons[name])
    explanation = f"best of {int(allowed.sum())} frames; weakest point: {weakest} {reasons[weakest]:.2f}"
    others = _bank(measures, scores, total, best)
    score = round(float(total[best]), 4)
    shows = plainly_shown(measures.blendshapes[best])
    return NeutralChoice(best, measures.timestamps[best], score, "auto", reasons, explanation, others, shows=shows)


def _bank(measures: FaceMeasures, scores: dict[str, FloatArray], total: FloatArray, best: int) -> tuple[int, ...]:
    """Return further frames that show the face at rest, each in a pose of its own."""
    # That a head is turned is no fault here: it is what they are for.
    quality = np.where(total > 0, total / np.maximum(scores["frontal"], 1e-3), 0.0)
    good = quality >= _BANK_SHARE * quality[best]
    chosen = [best]
    while len(chosen) < _BANK_SIZE:
        apart = np.linalg.norm(measures.angles_deg[:, None] - measures.angles_deg[None, chosen], axis=2).min(axis=1)
        usable = np.where(good & (apart >= BANK_APART_DEG), quality, 0.0)
        if not usable.max(initial=0.0) > 0:
            break
        chosen.append(int(usable.argmax()))
    return tuple(chosen[1:])


def is_at_rest(choice: NeutralChoice) -> bool:
    """Whether a neutral that was chosen shows rest at all, and not merely the least of an expression."""
    return math.prod(choice.reasons.get(name, 1.0) for name in _AT_REST) >= _LEAST_REST


def _scored(measures: FaceMeasures, brow_quantile: float) -> tuple[dict[str, FloatArray], FloatArray]:
    scores = criteria(measures, brow_quantile=brow_quantile)
    total = np.prod(list(scores.values()), axis=0)
    total[~measures.detected | ~np.isfinite(total)] = 0.0
    return scores, total


def criteria(measures: FaceMeasures, *, brow_quantile: float = 0.5) -> dict[str, FloatArray]:
    """Return each criterion's score (T,) in 0..1, NaN where there is no face."""
    seconds = np.array([float(t.seconds) for t in measures.timestamps])
    free = relaxed(measures.blendshapes)
    calm = activity(measures.blendshapes, _usual_rest(measures.blendshapes, free, brow_quantile))
    usual_lids = max(float(np.nanquantile(measures.lid_aperture[measures.detected], 0.6)), 1e-6)
    usual_sharpness = max(float(np.nanquantile(measures.sharpness[measures.detected], 0.8)), 1e-6)
    usual_gap = max(float(np.nanquantile(measures.mouth_gap[measures.detected], 0.1)), _LEAST_GAP_IOD)
    usual_pitch = np.nanmedian(measures.angles_deg[measures.detected, 1])
    turn = np.hypot(measures.angles_deg[:, 0], measures.angles_deg[:, 1] - usual_pitch)
    return {
        "calm": 1.0 / (1.0 + (_local_max(calm, seconds) / _ACTIVITY_SCALE) ** 2),
        "lids_open": np.clip((measures.lid_aperture / usual_lids - 0.5) / 0.4, 0.0, 1.0),
        "mouth_closed": np.exp(-np.maximum(measures.mouth_gap - usual_gap, 0.0) / _GAP_SCALE_IOD),
        "relaxed": free,
        "frontal": np.exp(-0.5 * (turn / _ANGLE_SCALE_DEG) ** 2),
        "sharp": np.clip(measures.sharpness / usual_sharpness, 0.0, 1.0),
        "still": np.exp(-measures.motion / _MOTION_SCALE_IOD_S),
        "whole": measures.inside,
    }


def _usual_rest(blendshapes: FloatArray, free: FloatArray, brow_quantile: float) -> FloatArray:
    """Return the resting blendshapes (52,) of all frames or, if what is usual is a smile, of those without one."""
    usual = baseline(blendshapes, brow_quantile=brow_quantile)
    plain = blendshapes[free > _PLAINLY_FREE]
    if relaxed(usual) > _PLAINLY_FREE or len(plain) < _LEAST_PLAIN:
        return usual
    return baseline(plain, brow_quantile=brow_quantile)


def rest_weights(blendshapes: FloatArray, neutral: FloatArray) -> FloatArray:
    """Return how surely each frame (T,) is at rest, 0..1: Gaussian of its activity against the neutral's (52,)."""
    weights = np.exp(-0.5 * (activity(blendshapes, neutral) / REST_SPREAD) ** 2)
    return np.asarray(np.nan_to_num(weights), np.float32)


def _local_max(values: FloatArray, seconds: NDArray[np.float64]) -> FloatArray:
    """Largest value within the window around each frame: rest must last, a passing zero crossing is no rest."""
    first = np.searchsorted(seconds, seconds - _STABLE_WINDOW_S / 2, side="left")
    last = np.searchsorted(seconds, seconds + _STABLE_WINDOW_S / 2, side="right")
    return np.array(
        [np.nanmax(values[a:b], initial=0.0) if b > a else np.nan for a, b in zip(first, last, strict=True)]
    )
