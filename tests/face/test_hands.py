"""Hands before the face are found, from the moment they come in, and none where there is none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.face.hands import HandFinder, HandTrack
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def hand() -> NDArray[np.float32]:
    picture = cv2.imread(str(ROOT / "samples" / "hand.png"), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return np.asarray(cv2.cvtColor(cv2.resize(picture, (132, 176)), cv2.COLOR_BGRA2RGBA), np.float32)


def over(face: Any, hand: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The hand before the subject's left cheek."""
    rgb = face.rgb.astype(np.float32)
    x0, y0 = (np.round(face.xyz[280, :2]) - (66, 62)).astype(int)
    part = rgb[y0 : y0 + 176, x0 : x0 + 132]
    cutout = hand[: part.shape[0], : part.shape[1]]
    part += cutout[..., 3:] / 255 * (cutout[..., :3] - part)
    return rgb.round().astype(np.uint8)


def look(pictures: list[NDArray[np.uint8]], face: Any, *, enabled: bool = True) -> HandTrack:
    with HandFinder(enabled=enabled) as finder:
        for index, rgb in enumerate(pictures):
            finder.look(index, rgb, seconds=index / 25, size_wh=(400, 300), face=face.landmarks)
        return finder.track


def test_a_hand_is_found_from_the_moment_it_comes_in(real_faces: Mapping[str, Any], hand: NDArray[np.float32]) -> None:
    face = real_faces["smile"]
    with_hand = over(face, hand)
    track = look([face.rgb] * 7 + [with_hand] * 8 + [face.rgb] * 5, face)
    assert [len(track.at(index)) for index in range(20)] == [0] * 7 + [1] * 8 + [0] * 5
    box = track.at(10)[0]
    assert (np.abs(box.mean(axis=0) - face.xyz[280, :2]) < 70).all()


def test_faces_alone_have_no_hands(real_faces: Mapping[str, Any]) -> None:
    for face in real_faces.values():
        track = look([face.rgb], face)
        assert track.points[0].shape == (0, 21, 2)


def test_between_two_looks_a_hand_moves_in_a_straight_line() -> None:
    hand = np.zeros((1, 21, 2), np.float32)
    track = HandTrack({4: hand, 6: hand + 8, 20: hand}, {4: 0.16, 6: 0.24, 20: 0.8})
    np.testing.assert_array_equal(track.at(5), hand + 4)
    assert track.at(10).shape == (0, 21, 2)
    assert track.at(3).shape == (0, 21, 2)


def test_a_find_that_no_other_look_confirms_is_none() -> None:
    hand, nothing = np.zeros((1, 21, 2), np.float32), np.zeros((0, 21, 2), np.float32)
    track = HandTrack({4: nothing, 6: hand, 8: nothing, 16: hand, 18: hand}, {i: i / 25 for i in (4, 6, 8, 16, 18)})
    assert [len(track.at(index)) for index in (4, 5, 6, 7, 16, 17, 18)] == [0, 0, 0, 0, 1, 1, 1]


def test_off_loads_no_model(real_faces: Mapping[str, Any]) -> None:
    assert look([real_faces["smile"].rgb], real_faces["smile"], enabled=False).points == {}


def test_the_model_file_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from afet_video import model_files
    from afet_video.errors import ModelFileError

    monkeypatch.setattr(model_files.resources, "files", lambda _: tmp_path)
    with pytest.raises(ModelFileError, match=r"hand_landmarker\.task.*install afet-video again"):
        HandFinder()
