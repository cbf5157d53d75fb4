"""The neutral of each person, in each shot, also where people share a lane."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from afet_video.datatypes import NeutralChoice, PersonReport, Timestamp
from afet_video.face.neutral import FaceMeasures, is_at_rest
from afet_video.passes.neutrals import choose_neutrals
from afet_video.passes.report import neutral_warnings


def test_what_is_usual_for_somebody_else_says_nothing_of_a_person() -> None:
    """Two people in one lane whose resting scores differ: each is at rest by their own, and only there."""
    count, half = 120, 60
    face_id = np.repeat([0, 1], half).astype(np.int32)
    blendshapes = np.zeros((count, 52), np.float32)
    blendshapes[half:, 30:50] = 0.15  # the second one's scores at rest: 3 in sum
    blendshapes[20:40, 44:46] = blendshapes[80:110, 44:46] = 0.9  # both smile
    timestamps = [Timestamp(i, Fraction(1, 25)) for i in range(count)]
    measures = FaceMeasures(
        timestamps=timestamps,
        blendshapes=blendshapes,
        angles_deg=np.zeros((count, 2), np.float32),
        lid_aperture=np.full(count, 0.1, np.float32),
        mouth_gap=np.zeros(count, np.float32),
        sharpness=np.ones(count, np.float32),
        motion=np.zeros(count, np.float32),
        inside=np.ones(count, np.float32),
        detected=np.ones(count, bool),
    )
    track = SimpleNamespace(people=(0, 1), face_id=face_id, shot=face_id.copy(), timestamps=tuple(timestamps))
    analysis = SimpleNamespace(lanes=(SimpleNamespace(track=track, measures=measures),))
    choices = choose_neutrals(cast(Any, analysis))
    assert set(choices) == {(0, 0), (1, 1)}
    for choice, smile in ((choices[0, 0], range(20, 40)), (choices[1, 1], range(80, 110))):
        assert is_at_rest(choice)
        assert choice.index not in smile
    assert choices[1, 1].index >= half


def test_a_neutral_that_smiles_is_warned_of() -> None:
    def choice(second: int, *shows: str) -> NeutralChoice:
        return NeutralChoice(25 * second, Timestamp(second, Fraction(1)), 0.5, "auto", shows=shows)

    rested = PersonReport(0, {}, {0: choice(1), 1: choice(2)})
    smiling = PersonReport(1, {}, {0: choice(1), 1: choice(3, "smiles", "bares the teeth"), 2: choice(4, "smiles")})
    assert neutral_warnings([rested]) == ()
    (alone,) = neutral_warnings([smiling])
    assert alone.startswith(
        "the neutral at 3.00 s, and in 1 more shot, is no face at rest, it smiles and bares the teeth"
    )
    assert "--neutral" in alone
    (among_others,) = neutral_warnings([rested, smiling])
    assert among_others == f"person 1, {alone}"
    picture = PersonReport(0, {}, {0: NeutralChoice(-1, None, 1.0, "image", shows=("smiles",))})
    assert neutral_warnings([picture])[0].startswith("the neutral is no face at rest, it smiles:")
