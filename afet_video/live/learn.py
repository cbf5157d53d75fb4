"""From the frames kept: the neutrals, the rest shape, what landmarks are corrected by.

in: sightings -> out: `Learned`.  Must not: know of threads or processes.

The same steps as between the passes of `convert`, on the few frames that a session keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from afet_video.datatypes import FloatArray, NeutralChoice, VideoFrame
from afet_video.face.neutral import BANK_APART_DEG, choose_neutral, rest_weights
from afet_video.face.register import FaceRegistration, luma_around
from afet_video.filters import OneEuroSettings
from afet_video.live.pool import Sighting, measures_of
from afet_video.live.smooth import LandmarkFilter
from afet_video.passes.prepare import FaceModel, Neutral, face_model, resting
from afet_video.passes.register import Reference, corrected
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.mesh import build_mesh
from afet_video.video.frame import StoredFrame

STAYS = 0.85
"""Share of the best score that the neutral in use must have to stay: a change of it is seen, a hair's breadth is not
worth it."""

GAP_S = 0.25
"""Time between two frames across which nothing is smoothed."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What is to be learnt from: `number` tells lessons apart; `neutral` is the frame in use, -1 = none."""

    number: int
    sightings: tuple[Sighting, ...]
    settings: ConvertSettings
    smoothing: OneEuroSettings
    neutral: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """All that is known of a person: the model, made for `settings`; its neutrals, the best one first."""

    number: int
    model: FaceModel
    neutrals: tuple[Neutral, ...]
    references: tuple[Reference, ...]
    settings: ConvertSettings


class Learner:
    """Learns one lesson after the other; what the same frames were before is not computed again."""

    def __init__(self) -> None:
        self._references: dict[tuple[int, int], Reference] = {}
        self._exact: dict[tuple[int, ...], FloatArray] = {}
        self._neutral = -1

    def learn(self, lesson: Lesson) -> Learned:
        """Return what a lesson teaches."""
        sightings = lesson.sightings
        choice = _choice(sightings, lesson.neutral)
        chosen = [sightings[place] for place in (choice.index, *choice.bank)]
        if chosen[0].index != self._neutral:
            self._references, self._exact, self._neutral = {}, {}, chosen[0].index
        references = self._laid_over(chosen)
        exact = self._corrected(sightings, references, tuple(one.index for one in chosen))
        smooth = dict(zip((one.index for one in sightings), _smoothed(sightings, exact, lesson.smoothing), strict=True))
        named = replace(choice, index=chosen[0].index, bank=tuple(one.index for one in chosen[1:]))
        neutrals = [_neutral(one, smooth[one.index], named) for one in chosen]
        weights = rest_weights(np.array([one.blendshapes for one in sightings]), chosen[0].blendshapes)
        frames = resting(weights)
        samples = np.array([smooth[sightings[frame].index] for frame in frames], np.float32).reshape(-1, 478, 3)
        model = face_model(neutrals[0], neutrals[1:], samples, weights[frames], lesson.settings)
        return Learned(lesson.number, model, tuple(neutrals), tuple(references), lesson.settings)

    def _laid_over(self, chosen: Sequence[Sighting]) -> list[Reference]:
        """Return the neutral and the further ones of its bank; those are laid over the first, so that all agree."""
        triangles = build_mesh(chosen[0].xyz)
        references: list[Reference] = []
        for one in chosen:
            key = (chosen[0].index, one.index)
            if key not in self._references:
                frame, xyz = _frame(one), one.xyz_in_picture
                if references:
                    xyz = corrected(frame, xyz, one.turn, references[:1])
                face = FaceRegistration(luma_around(frame, xyz), xyz, triangles)
                self._references[key] = Reference(face, one.turn)
            references.append(self._references[key])
        # a bank changes from lesson to lesson; what has left it would be kept as long as the neutral stays
        self._references = {(chosen[0].index, one.index): known for one, known in zip(chosen, references, strict=True)}
        return references

    def _corrected(
        self, sightings: Sequence[Sighting], references: list[Reference], names: tuple[int, ...]
    ) -> list[FloatArray]:
        """Return the landmarks (478, 3) of every sighting, pixels of its frame; `names` are the references'."""
        found: dict[tuple[int, ...], FloatArray] = {}
        for one in sightings:
            key = (*names, one.index)
            if key in self._exact:
                found[key] = self._exact[key]
            else:
                local = corrected(_frame(one), one.xyz_in_picture, one.turn, references)
                found[key] = local + np.array([*one.origin, 0], np.float32)
        self._exact = found
        return list(found.values())


def _choice(sightings: Sequence[Sighting], in_use: int) -> NeutralChoice:
    """Return the neutral by its place among the sightings; the one in use stays if it is nearly the best."""
    measures = measures_of(sightings)
    best = choose_neutral(measures)
    is_in_use = np.array([one.index == in_use for one in sightings])
    if not is_in_use.any() or sightings[best.index].index == in_use:
        return best
    same = choose_neutral(measures, within=is_in_use)
    if same.score < STAYS * best.score:
        return best
    turns = measures.angles_deg
    apart = [
        other
        for other in (best.index, *best.bank)
        if np.linalg.norm(turns[other] - turns[same.index]) >= BANK_APART_DEG
    ]
    return replace(best, index=same.index, timestamp=same.timestamp, score=same.score, bank=tuple(apart))


def _frame(sighting: Sighting) -> VideoFrame:
    return StoredFrame.from_rgb(sighting.picture, index=sighting.index, timestamp=sighting.timestamp)


def _neutral(sighting: Sighting, xyz: FloatArray, choice: NeutralChoice) -> Neutral:
    own = replace(choice, index=sighting.index, timestamp=sighting.timestamp)
    return Neutral(own, xyz, sighting.blendshapes, sighting.picture.astype(np.float32), sighting.origin)


def _smoothed(
    sightings: Sequence[Sighting], exact: Sequence[FloatArray], settings: OneEuroSettings
) -> list[FloatArray]:
    """Return landmarks (478, 3) smoothed over stretches of neighbouring frames, as the session does with its own."""
    smoothing = LandmarkFilter(settings)
    last_s, result = -np.inf, []
    for one, xyz in zip(sightings, exact, strict=True):
        if one.seconds - last_s > GAP_S:
            smoothing.reset()
        result.append(smoothing.update(xyz, one.seconds))
        last_s = one.seconds
    return result
