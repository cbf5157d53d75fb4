"""The pairs of one video: pass 1, expressions and rest, then the light of the frames that may be taken.

in: a video, settings -> out: `FoundPair`s.  Must not: write files.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from afet_video.datatypes import FloatArray, NeutralChoice, Progress, ProgressCallback, Timestamp
from afet_video.face.activity import activity
from afet_video.face.neutral import is_at_rest, rest_weights
from afet_video.face.rest import RestModel, fit_rest
from afet_video.pairs.episodes import SAME_EXPRESSION, Episode, find_episodes
from afet_video.pairs.labels import ActionUnit, action_units, expression_name
from afet_video.pairs.light import light_gap, light_on
from afet_video.pairs.resting import Candidate, candidates, rest_scores, rest_stretch
from afet_video.pairs.settings import PairSettings
from afet_video.pairs.traces import ZONE_SIDES, Trace, trace_of
from afet_video.passes.analyze import Analysis, Lane, analyze
from afet_video.passes.neutrals import NeutralChoices, choose_neutrals
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.cover import MaskSettings
from afet_video.threads import prefetch
from afet_video.video.decode import VideoReader

_CALM, _REST_SAMPLES = 0.4, 200
"""Activity against the neutral up to which a frame says how the person's blendshapes are at rest."""

_LIGHT_SCALE = 0.12
_QUALITY_POSE_DEG, _QUALITY_LIGHT, _QUALITY_GAZE, _QUALITY_EFFORT, _QUALITY_MOTION = 8.0, 0.25, 0.35, 1.5, 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One frame of a pair: its number and time, landmarks (478, 3) in its pixels, sharpness against the person's
    usual one, and the head's yaw, pitch and roll in degrees against the person's neutral.
    """

    frame: int
    timestamp: Timestamp
    xyz: FloatArray
    sharpness: float
    pose_deg: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class FoundPair:
    """A neutral and an apex of one person in one shot, and what is to be said of them.

    Times in seconds. `is_whole`: the expression begins and ends within the shot. `effort`: 1 is a slight smile.
    `movement_iod`: mean way of the landmarks of each zone and side, in inter-ocular distances. `gaze_gap` in eye
    widths, None where the eyes are shut; `light_gap` as in `light.light_gap`. `rest_score`, `quality` 0..1.
    """

    face_id: int
    shot: int
    neutral: Shown
    expression: Shown
    onset_s: float
    offset_s: float
    is_whole: bool
    rest_start_s: float
    rest_end_s: float
    name: str
    action_units: tuple[ActionUnit, ...]
    movement_iod: Mapping[str, float]
    effort: float
    pose_gap_deg: float
    gaze_gap: float | None
    light_gap: float
    rest_score: float
    quality: float
    direction: FloatArray


@dataclass(frozen=True, slots=True)
class Found:
    """The pairs of one video in the order of time; `expressions` counts apexes, `without_neutral` those that found
    no neutral near enough; `notes` say what was not possible.
    """

    pairs: tuple[FoundPair, ...]
    expressions: int
    without_neutral: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Open:
    """An apex whose neutral is not chosen yet: light decides between the candidates."""

    lane: Lane
    trace: Trace
    scores: FloatArray
    episode: Episode
    candidates: list[Candidate]


def find_pairs(reader: VideoReader, settings: PairSettings, on_progress: ProgressCallback) -> Found:
    """Return the pairs of a video.

    Raises
    ------
    InputError, NoFaceError
        If the video cannot be decoded, or shows nobody.
    """
    general = replace(
        ConvertSettings(),
        landmarker=settings.landmarker,
        tracker=settings.tracker,
        mask=MaskSettings("off"),  # hands are not looked for
    )
    analysis = analyze(reader, general, on_progress)
    try:
        choices = choose_neutrals(analysis)
        opened, notes, expressions = _expressions(analysis, choices, settings)
        lights = _lights(reader, opened, len(analysis.timestamps), on_progress)
        pairs = [_pair(one, lights) for one in opened if one.candidates]
    finally:
        analysis.close()
    kept = _best_of_each(pairs, settings.per_expression)
    without = sum(not one.candidates for one in opened)
    return Found(tuple(kept), expressions, without, tuple(notes))


def _expressions(
    analysis: Analysis, choices: NeutralChoices, settings: PairSettings
) -> tuple[list[_Open], list[str], int]:
    """Return every expression with its candidates for a neutral, what to tell the user, and how many there are."""
    opened: list[_Open] = []
    notes: list[str] = []
    for lane in analysis.lanes:
        for face_id in lane.track.people:
            own = {shot: choice for (person, shot), choice in choices.items() if person == face_id}
            if not own:
                continue
            best = max(own.values(), key=lambda choice: choice.score)
            if not is_at_rest(best):
                notes.append(f"person {face_id} is nowhere at rest: no pairs of theirs")
                continue
            rest, model = _rest_of(lane, face_id, best)
            for shot in sorted(own):
                trace = trace_of(lane, face_id, shot, rest, model)
                scores = rest_scores(trace)
                episodes = find_episodes(trace, min_activity=settings.min_activity, speech=settings.speech)
                for episode in episodes:
                    fitting = candidates(trace, scores, episode.apex, max_pose_gap_deg=settings.max_pose_gap_deg)
                    opened.append(_Open(lane, trace, scores, episode, fitting))
    return opened, notes, len(opened)


def _rest_of(lane: Lane, face_id: int, choice: NeutralChoice) -> tuple[FloatArray, RestModel]:
    """Return a person's blendshapes (52,) and landmarks at rest, from all frames that look like the best neutral."""
    scores = np.where((lane.track.face_id == face_id)[:, None], lane.measures.blendshapes, np.nan)
    calm = np.nan_to_num(activity(scores, scores[choice.index]), nan=np.inf) < _CALM
    calm[choice.index] = True
    rest = np.median(scores[calm], axis=0).astype(np.float32)
    weights = rest_weights(scores, rest)
    frames = np.flatnonzero(weights > 0.2)
    if len(frames) > _REST_SAMPLES:
        frames = frames[np.linspace(0, len(frames) - 1, _REST_SAMPLES).astype(int)]
    samples = np.array([_xyz(lane, int(frame)) for frame in frames], np.float32).reshape(-1, 478, 3)
    usable = np.isfinite(samples).all(axis=(1, 2))
    return rest, fit_rest(_xyz(lane, choice.index), samples[usable], weights[frames][usable])


def _xyz(lane: Lane, frame: int) -> FloatArray:
    xyz: FloatArray = lane.track.xyz(frame, frame + 1)[0]
    return xyz


def _lights(
    reader: VideoReader, opened: Sequence[_Open], total: int, on_progress: ProgressCallback
) -> dict[tuple[int, int], FloatArray]:
    """Return the light on the faces of all frames in question, by person and frame; one more pass over the video."""
    wanted: dict[int, dict[int, FloatArray]] = {}
    for one in opened:
        if not one.candidates:
            continue
        rows = [one.episode.apex, *(candidate.row for candidate in one.candidates)]
        for index in (int(one.trace.frame[row]) for row in rows):
            wanted.setdefault(index, {})[one.trace.face_id] = _xyz(one.lane, index)
    lights: dict[tuple[int, int], FloatArray] = {}
    if not wanted:
        return lights
    last = max(wanted)
    with contextlib.closing(prefetch(reader)) as frames:
        for frame in frames:
            faces = wanted.get(frame.index)
            if faces:
                rgb = frame.rgb()
                lights |= {(face_id, frame.index): light_on(rgb, xyz) for face_id, xyz in faces.items()}
            on_progress(Progress("light", frame.index + 1, total))
            if frame.index >= last:
                break
    return lights


def _pair(one: _Open, lights: Mapping[tuple[int, int], FloatArray]) -> FoundPair:
    """Return the pair of an apex with the candidate that fits best, light considered."""
    trace, apex = one.trace, one.episode.apex
    frame = trace.frame
    here = lights[trace.face_id, int(frame[apex])]
    gaps = [light_gap(here, lights[trace.face_id, int(frame[other.row])]) for other in one.candidates]
    best = min(range(len(gaps)), key=lambda k: one.candidates[k].cost + np.nan_to_num(gaps[k]) / _LIGHT_SCALE)
    chosen, light = one.candidates[best], gaps[best]
    usual_sharpness = max(float(np.quantile(trace.sharpness, 0.8)), 1e-6)
    neutral, expression = (_shown(one, row, usual_sharpness) for row in (chosen.row, apex))
    change = trace.change[apex] - trace.change[chosen.row]
    units = action_units(change)
    first, last = rest_stretch(one.scores, chosen.row)
    moved = trace.excursion[apex]
    return FoundPair(
        face_id=trace.face_id,
        shot=trace.shot,
        neutral=neutral,
        expression=expression,
        onset_s=float(trace.seconds[one.episode.onset]),
        offset_s=float(trace.seconds[one.episode.offset]),
        is_whole=one.episode.onset > 0 and one.episode.offset < len(trace) - 1,
        rest_start_s=float(trace.seconds[first]),
        rest_end_s=float(trace.seconds[last]),
        name=expression_name(units),
        action_units=units,
        movement_iod={f"{zone}_{side}": float(moved[k]) for k, (zone, side) in enumerate(ZONE_SIDES)},
        effort=float(trace.effort[apex]),
        pose_gap_deg=chosen.pose_gap_deg,
        gaze_gap=chosen.gaze_gap,
        light_gap=light,
        rest_score=float(one.scores[chosen.row]),
        quality=_quality(one, chosen, light, neutral, expression),
        direction=one.episode.direction,
    )


def _shown(one: _Open, row: int, usual_sharpness: float) -> Shown:
    frame = int(one.trace.frame[row])
    yaw, pitch, roll = (float(angle) for angle in one.trace.angles_deg[row])
    sharp = float(one.trace.sharpness[row]) / usual_sharpness
    return Shown(frame, one.lane.track.timestamps[frame], _xyz(one.lane, frame), sharp, (yaw, pitch, roll))


def _quality(one: _Open, chosen: Candidate, light: float, neutral: Shown, expression: Shown) -> float:
    """Return 0..1: a clear expression, a face at rest, both sharp, and little else that differs."""
    trace, apex = one.trace, one.episode.apex
    quality = math.sqrt(float(one.scores[chosen.row])) * min(neutral.sharpness, expression.sharpness, 1.0)
    quality *= 1.0 - math.exp(-float(trace.effort[apex]) / _QUALITY_EFFORT)
    quality *= math.exp(-float(trace.motion[apex]) / _QUALITY_MOTION)
    gaps = (
        (chosen.pose_gap_deg, _QUALITY_POSE_DEG),
        (float(np.nan_to_num(light)), _QUALITY_LIGHT),
        (chosen.gaze_gap or 0.0, _QUALITY_GAZE),
    )
    for gap, scale in gaps:
        quality *= math.exp(-0.5 * (gap / scale) ** 2)
    return quality


def _best_of_each(pairs: Sequence[FoundPair], most: int) -> list[FoundPair]:
    """Return the best pairs of each expression of a person in a shot, in the order of time."""
    kept: list[FoundPair] = []
    for pair in sorted(pairs, key=lambda pair: -pair.quality):
        alike = [
            other
            for other in kept
            if (other.face_id, other.shot) == (pair.face_id, pair.shot)
            and float(other.direction @ pair.direction) >= SAME_EXPRESSION
        ]
        if most == 0 or len(alike) < most:
            kept.append(pair)
    return sorted(kept, key=lambda pair: (pair.expression.frame, pair.face_id))
