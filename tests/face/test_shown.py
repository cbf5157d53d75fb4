"""What a face plainly does, whoever it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.shown import plainly_shown, relaxed


def face(**scores: float) -> FloatArray:
    """A face at rest but for the blendshapes named, both sides of them."""
    blendshapes = np.full(52, 0.05, np.float32)
    for name, score in scores.items():
        for column, full_name in enumerate(facemesh.BLENDSHAPES):
            if full_name in (name, f"{name}Left", f"{name}Right"):
                blendshapes[column] = score
    return blendshapes


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({}, ()),
        ({"mouthSmile": 0.2}, ()),
        ({"mouthSmile": 0.9}, ("smiles",)),
        ({"jawOpen": 0.6}, ("opens the mouth",)),
        ({"mouthSmile": 0.95, "mouthUpperUp": 0.7, "mouthLowerDown": 0.5}, ("smiles", "bares the teeth")),
        ({"mouthPucker": 0.9, "browOuterUp": 0.8, "eyeSquint": 0.6}, ()),
    ],
)
def test_smiles_and_open_mouths_are_told_and_habits_are_not(scores: dict[str, float], words: tuple[str, ...]) -> None:
    assert plainly_shown(face(**scores)) == words
    assert relaxed(face(**scores)) == pytest.approx(1.0 if not words else 0.03, abs=0.03)


def test_half_a_smile_counts_by_half_and_the_unknown_is_unknown() -> None:
    faces = np.stack([face(), face(mouthSmile=0.5), face(mouthSmile=1.0), np.full(52, np.nan, np.float32)])
    shares = relaxed(faces)
    assert shares.shape == (4,)
    assert shares[0] > shares[1] > shares[2] > 0.0
    assert shares[1] == pytest.approx(0.5, abs=0.03)
    assert np.isnan(shares[3])


def test_a_real_face(sample_pictures: NDArray[np.uint8]) -> None:
    with FaceLandmarker() as landmarker:
        rest, smile = (landmarker.detect_image(sample_pictures[index])[0].blendshapes for index in (325, 184))
    assert plainly_shown(rest) == ()
    assert "smiles" in plainly_shown(smile)
