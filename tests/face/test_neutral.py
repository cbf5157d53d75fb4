from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import afet_video
from afet_video import facemesh
from afet_video.datatypes import Timestamp
from afet_video.errors import NoFaceError, SettingsError
from afet_video.face.neutral import FaceMeasures, NeutralSettings, choose_neutral, criteria, is_at_rest, rest_weights

FRAMES = 100
CALM = slice(40, 70)


def measures() -> FaceMeasures:
    """A person who moves, but for the frames 40 to 69: each of them is as good a neutral as the others."""
    blendshapes = np.full((FRAMES, 52), 0.1, np.float32)
    smile = facemesh.BLENDSHAPES.index("mouthSmileLeft")
    blendshapes[:, smile : smile + 2] = 0.8
    blendshapes[CALM, smile : smile + 2] = 0.1
    return FaceMeasures(
        timestamps=[Timestamp(i, Fraction(1, 25)) for i in range(FRAMES)],
        blendshapes=blendshapes,
        angles_deg=np.tile(np.array([1.0, 8.0], np.float32), (FRAMES, 1)),
        lid_aperture=np.full(FRAMES, 0.1, np.float32),
        mouth_gap=np.full(FRAMES, 0.01, np.float32),
        sharpness=np.full(FRAMES, 0.5, np.float32),
        motion=np.full(FRAMES, 0.05, np.float32),
        inside=np.ones(FRAMES, np.float32),
        detected=np.ones(FRAMES, bool),
    )


def spoiled(criterion: str) -> FaceMeasures:
    """All calm frames but 52 have one thing wrong."""
    good = measures()
    wrong = [i for i in range(FRAMES)[CALM] if i != 52]
    field, value = {
        "lids_open": ("lid_aperture", 0.02),
        "mouth_closed": ("mouth_gap", 0.3),
        "frontal": ("angles_deg", (35.0, 8.0)),
        "sharp": ("sharpness", 0.1),
        "still": ("motion", 2.0),
        "whole": ("inside", 0.3),
    }[criterion]
    values = getattr(good, field).copy()
    values[wrong] = value
    return replace(good, **{field: values})


def test_a_calm_frame_is_chosen() -> None:
    choice = choose_neutral(measures())
    assert 40 <= choice.index < 70
    assert choice.origin == "auto"
    assert choice.timestamp == Timestamp(choice.index, Fraction(1, 25))
    assert choice.score > 0.5
    assert set(choice.reasons) == {"calm", "lids_open", "mouth_closed", "relaxed", "frontal", "sharp", "still", "whole"}
    assert choice.score == pytest.approx(np.prod(list(choice.reasons.values())), abs=0.01)


@pytest.mark.parametrize("criterion", ["lids_open", "mouth_closed", "frontal", "sharp", "still", "whole"])
def test_blinks_open_mouths_turned_heads_blur_and_motion_are_avoided(criterion: str) -> None:
    assert choose_neutral(spoiled(criterion)).index == 52


def test_who_smiles_nearly_throughout_is_at_rest_in_the_rest_of_the_time() -> None:
    """The habit of this face is a smile; the 5 frames without are further from it, and yet the only ones at rest."""
    good = measures()
    smile = facemesh.BLENDSHAPES.index("mouthSmileLeft")
    blendshapes = np.full((FRAMES, 52), 0.1, np.float32)
    blendshapes[:, smile : smile + 2] = 0.8
    blendshapes[50:55, smile : smile + 2] = 0.1
    choice = choose_neutral(replace(good, blendshapes=blendshapes))
    assert choice.index == 52
    assert choice.shows == ()
    blendshapes[50:55] = 0.1
    blendshapes[50:55, smile : smile + 2] = 0.8
    throughout = choose_neutral(replace(good, blendshapes=blendshapes))
    assert throughout.shows == ("smiles",)
    assert not is_at_rest(throughout)


def test_rest_must_last() -> None:
    """On its way from one expression to the next a face passes through rest for a moment."""
    good = measures()
    blendshapes = good.blendshapes.copy()
    blendshapes[20] = 0.1
    sharper = good.sharpness.copy()
    sharper[[*range(40), *range(70, FRAMES)]] = 0.6
    assert choose_neutral(replace(good, blendshapes=blendshapes, sharpness=sharper)).index != 20


def test_a_person_who_always_holds_the_head_low_has_a_neutral_too() -> None:
    low = measures()
    choice = choose_neutral(replace(low, angles_deg=np.tile(np.array([0.0, -25.0], np.float32), (FRAMES, 1))))
    assert choice.reasons["frontal"] > 0.9


def test_frames_without_the_face_are_never_chosen() -> None:
    good = measures()
    detected = good.detected.copy()
    detected[40:60] = False
    lids = good.lid_aperture.copy()
    lids[40:60] = np.nan
    assert choose_neutral(replace(good, detected=detected, lid_aperture=lids)).index in range(60, 70)
    with pytest.raises(NoFaceError, match="no face in any frame"):
        choose_neutral(replace(good, detected=np.zeros(FRAMES, bool)))


def test_a_single_frame_is_its_own_neutral() -> None:
    good = measures()
    one = FaceMeasures(
        good.timestamps[:1],
        *(
            getattr(good, n)[:1]
            for n in ("blendshapes", "angles_deg", "lid_aperture", "mouth_gap", "sharpness", "motion", "inside")
        ),
        good.detected[:1],
    )
    assert choose_neutral(one).index == 0


def test_every_criterion_is_a_share() -> None:
    for values in criteria(spoiled("still")).values():
        assert values.shape == (FRAMES,)
        assert ((values >= 0) & (values <= 1)).all()


def test_the_samples_neutral_is_a_calm_frame(converted: afet_video.RunReport) -> None:
    """Seen in the sample: 0 to 60, 105, 130 to 145, 265 to 280 and 310 to 335 are rest."""
    calm = [*range(8, 63), *range(92, 104), *range(128, 148), *range(268, 282), *range(312, 332), *range(376, 390)]
    assert converted.neutral.index in calm
    assert converted.neutral.score > 0.3


def test_rest_weights_fall_with_activity() -> None:
    neutral = np.full(52, 0.1, np.float32)
    frames = np.tile(neutral, (4, 1))
    frames[1, facemesh.BLENDSHAPES.index("jawOpen")] += 0.3
    frames[2] += 0.2
    frames[3] = np.nan
    weights = rest_weights(frames, neutral)
    assert weights[0] == 1
    assert 1 > weights[1] > weights[2] > weights[3] == 0


@pytest.mark.parametrize(
    ("text", "frame", "seconds"),
    [("auto", None, None), ("frame:12", 12, None), ("3.5", None, 3.5), ("-1", None, -1.0), ("rest.png", None, None)],
)
def test_how_the_choice_is_read(text: str, frame: int | None, seconds: float | None) -> None:
    assert NeutralSettings(text).frame_index == frame
    assert NeutralSettings(text).seconds == seconds


@pytest.mark.parametrize("text", ["", "  ", "frame:", "frame:-1", "frame:x", "frame:1.5"])
def test_a_choice_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"neutral\.choice"):
        NeutralSettings(text)
