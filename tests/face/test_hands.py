"""Hands before the face are found, from the moment they come in, and none where there is none."""

from collections.abc import Mapping
from dataclasses import replace
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


def looked_at(
    pictures: list[NDArray[np.uint8]], face: Any, monkeypatch: pytest.MonkeyPatch, hands: int = 0
) -> list[int]:
    """The pictures, eight a second, in which hands are looked for, if `hands` are found in each."""
    with HandFinder() as finder, monkeypatch.context() as patched:
        patched.setattr(finder, "find", lambda *_: np.zeros((hands, 21, 2), np.float32), raising=True)
        for index, rgb in enumerate(pictures):
            finder.look(index, rgb, seconds=index / 8, size_wh=(400, 300), face=face.landmarks)
        return sorted(finder.track.points)


def test_hands_are_looked_for_less_often_where_nothing_comes_near(
    real_faces: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    face = real_faces["smile"]
    calm = [face.rgb] * 30
    assert looked_at(calm, face, monkeypatch) == [0, 16]
    inside, low = face.rgb.copy(), face.xyz[:, :2].min(axis=0)
    middle = face.xyz[4, :2].astype(int)
    inside[middle[1] - 12 : middle[1] + 12, middle[0] - 12 : middle[0] + 12] = 255
    assert looked_at(calm[:6] + [inside] * 24, face, monkeypatch) == [0, 16]  # the face itself moves
    arm = face.rgb.copy()
    arm[200:, : int(low[0]) - 20] = 255 - arm[200:, : int(low[0]) - 20]
    assert looked_at(calm[:6] + [arm] * 24, face, monkeypatch) == [0, 8, 24]
    assert looked_at(calm, face, monkeypatch, hands=1) == list(range(0, 30, 2))  # a hand that is there is followed
    close = face.rgb[int(low[1]) : int(face.xyz[:, 1].max()), int(low[0]) : int(face.xyz[:, 0].max())]
    close = cv2.resize(close, (400, 300))
    assert looked_at([np.asarray(close, np.uint8)] * 9, whole_picture(face), monkeypatch) == [0, 4, 8]


def whole_picture(face: Any) -> Any:
    """The face as large as its picture: nothing is seen around it."""
    xyz = face.xyz.copy()
    xyz[:, :2] = (xyz[:, :2] - xyz[:, :2].min(axis=0)) / np.ptp(xyz[:, :2], axis=0) * (400, 300)
    return replace(face, landmarks=replace(face.landmarks, xyz=xyz))


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
