"""Between the passes: which frame shows each person's neutral, in each shot.

in: pass 1's tracks and measures -> out: choices by person and shot.  Must not: look at pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FaceStatus, NeutralChoice
from afet_video.errors import NoNeutralError
from afet_video.face.neutral import FaceMeasures, choose_neutral, is_at_rest
from afet_video.passes.analyze import Analysis, Lane
from afet_video.passes.settings import ConvertSettings

NeutralChoices = Mapping[tuple[int, int], NeutralChoice]
"""The best neutral by `face_id` and shot."""


def choose_neutrals(analysis: Analysis) -> NeutralChoices:
    """Return the best neutral of every person in every shot that shows them."""
    return {
        (face_id, shot): choice
        for lane in analysis.lanes
        for face_id in lane.track.people
        for shot, choice in _person_choices(lane, face_id).items()
    }


def user_choice(lane: Lane, frame: int) -> NeutralChoice:
    """Return the choice of a frame that the user named."""
    same = choose_neutral(_only(lane.measures, np.arange(len(lane.track)) == frame))
    return replace(same, origin="user", reasons={}, explanation="chosen by the user", bank=())


def _person_choices(lane: Lane, face_id: int) -> dict[int, NeutralChoice]:
    """Return a person's best neutral for each shot they are detected in, by shot; it may lie in another one."""
    track = lane.track
    theirs = track.face_id == face_id
    own = _only(lane.measures, theirs)
    # What is usual for others in the same lane is not what is usual for them.
    own = replace(own, blendshapes=np.where(theirs[:, None], own.blendshapes, np.float32(np.nan)))
    shots = [int(shot) for shot in np.unique(track.shot[own.detected])]
    choices = {shot: choose_neutral(own, within=track.shot == shot) for shot in shots}
    rested = [choice for choice in choices.values() if is_at_rest(choice)]
    if not rested:
        return choices
    best = max(rested, key=lambda choice: choice.score)
    for shot, choice in choices.items():
        if not is_at_rest(choice):
            home = int(track.shot[best.index])
            note = f"from shot {home}, as shot {shot} shows this person nowhere at rest; {best.explanation}"
            choices[shot] = replace(best, explanation=note)
    return choices


def wished_frame(analysis: Analysis, settings: ConvertSettings) -> int | None:
    """Return the frame that the user named as neutral by number or time, or None."""
    wish, count = settings.neutral, len(analysis.timestamps)
    seconds = analysis.lanes[0].track.seconds
    if wish.frame_index is not None:
        frame = wish.frame_index
        if frame >= count:
            raise NoNeutralError(f"neutral frame {frame} is outside the video: it has frames 0 to {count - 1}")
    elif wish.seconds is not None:
        start, end = seconds[0], seconds[-1]
        if not start <= wish.seconds <= end + 0.5 * _usual_step(seconds):
            raise NoNeutralError(f"neutral time {wish.seconds:g} s is outside the video: {start:.2f} to {end:.2f} s")
        frame = int(np.searchsorted(seconds, wish.seconds + 1e-6, side="right")) - 1
    else:
        return None
    if analysis.status[frame] is not FaceStatus.DETECTED:
        raise NoNeutralError(f"neutral frame {frame} ({seconds[frame]:.2f} s) shows no face: choose another")
    return frame


def _usual_step(seconds: NDArray[np.float64]) -> float:
    return float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0


def _only(measures: FaceMeasures, frames: NDArray[np.bool_]) -> FaceMeasures:
    return replace(measures, detected=measures.detected & frames)
