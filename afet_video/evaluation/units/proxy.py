"""The built-in stand-in for an action-unit detector: MediaPipe's blendshapes and landmarks against the neutral.

in: mirrored half faces -> out: scores from 0 to 1, called "AU proxy".  Must not: be called AUs.

The table from blendshape to unit follows Ozel's ARKit-to-FACS sheet and py-feat; no reviewed one exists. Blendshapes
alone say nothing on cheeks and the nose (MediaPipe gives about 0), and all of them read faces as symmetric as possible,
so each is joined by a length that must change too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from afet_video.evaluation.units.faces import SIDES, HalfFaces, ScoreArray, UnitScores
from afet_video.evaluation.units.measures import measures
from afet_video.evaluation.units.names import UNITS
from afet_video.face.landmarker import FaceLandmarker, LandmarkerSettings

Term = Sequence[tuple[str, float]]

_THRESHOLD = 0.5

TERMS: Mapping[int, tuple[Term, ...]] = {
    1: ([("browInnerUp", 0.25)], [("inner brow height", 0.04)]),
    2: ([("browOuterUp", 0.4)], [("outer brow height", 0.04)]),
    4: ([("browDown", 0.35), ("browInnerUp", -0.3)], [("inner brow height", -0.03)]),
    6: ([("eyeSquint", 0.3)], [("cheek height", 0.03)]),
    7: ([("eyeSquint", 0.4)], [("lower lid height", 0.02)]),
    10: ([("mouthUpperUp", 0.5)], [("upper lip height", 0.08)]),
    12: ([("mouthSmile", 0.5)], [("corner height", 0.06), ("mouth width", 0.08)]),
    14: ([("mouthDimple", 0.1)],),
    15: ([("mouthFrown", 0.25)], [("corner height", -0.03)]),
    17: ([("mouthShrugLower", 0.3)], [("lower lip height", 0.05)]),
    23: ([("mouthPress", 0.4), ("mouthRollLower", 0.2), ("mouthRollUpper", 0.2)], [("lip red", -0.04)]),
    24: ([("mouthPress", 0.3)], [("lip red", -0.04)]),
}
"""By unit: terms that must all be met. A term is its strongest measure; each measure stands with the change from
neutral that counts as 1 (a minus: downwards). Set on posed clips and on a rendered head with known muscles."""

NOTE = (
    "AU proxy, not AUs: MediaPipe's blendshapes and landmarks of mirrored half faces, as change from the person's "
    "neutral; a unit's score is the geometric mean of its terms and counts from 0.5 on. It hardly knows AU14, AU23 and "
    "AU24, takes the closing of the lids for AU7, and misses what is slight."
)


class ProxyBackend:
    """Scores mirrored halves by MediaPipe; see `TERMS`."""

    title = "AU proxy"
    note = NOTE

    def __init__(self, settings: LandmarkerSettings | None = None) -> None:
        self._settings = settings

    def scores(self, source: HalfFaces, result: HalfFaces) -> tuple[UnitScores, UnitScores]:
        """Return the scores of both videos against the median of the source's frames at rest, half by half."""
        with FaceLandmarker(self._settings) as landmarker:
            before, after = (self._measured(video, landmarker) for video in (source, result))
        places = [place for place, frame in enumerate(source.frames) if frame in source.neutral]
        neutral = [_median([before[place, side] for place in places if (place, side) in before]) for side in range(2)]
        return self._scored(before, neutral, source), self._scored(after, neutral, result)

    @staticmethod
    def _measured(video: HalfFaces, landmarker: FaceLandmarker) -> dict[tuple[int, int], dict[str, float]]:
        found = {}
        for place, halves in video:
            for number, side in enumerate(SIDES):
                faces = landmarker.detect_image(halves[side])
                if faces:
                    found[place, number] = measures(faces[0])
        return found

    @staticmethod
    def _scored(
        found: Mapping[tuple[int, int], Mapping[str, float]], neutral: Sequence[Mapping[str, float]], video: HalfFaces
    ) -> UnitScores:
        scores = np.full((len(video.frames), len(SIDES), len(UNITS)), np.nan)
        for (place, side), values in found.items():
            if neutral[side]:
                scores[place, side] = unit_scores(values, neutral[side])
        return UnitScores(scores, np.full(len(UNITS), _THRESHOLD))


def unit_scores(values: Mapping[str, float], neutral: Mapping[str, float]) -> ScoreArray:
    """Return the 12 scores, 0 to 1, of measures against those of the neutral."""
    return np.array([_score(TERMS[unit.number], values, neutral) for unit in UNITS])


def _score(terms: Sequence[Term], values: Mapping[str, float], neutral: Mapping[str, float]) -> float:
    met = [max((values[name] - neutral[name]) / full for name, full in term) for term in terms]
    return float(np.prod(np.clip(met, 0.0, 1.0)) ** (1.0 / len(met)))


def _median(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.median([one[name] for one in found])) for name in found[0]} if found else {}
