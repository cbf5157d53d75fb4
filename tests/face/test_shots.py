"""Cuts, and what is none."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.face.shots import ShotFinder

Pictures = Sequence[NDArray[np.uint8]]


def shots_of(pictures: Pictures) -> tuple[list[int], list[int]]:
    """The first frames of the shots, and the frames that were said to be possible cuts at once."""
    finder = ShotFinder()
    hints = [n for n, picture in enumerate(pictures) if finder.update(picture)]
    found = finder.shots()
    np.testing.assert_array_equal(found, finder.shots())
    assert found.dtype == np.int32
    return np.flatnonzero(np.diff(found, prepend=-1)).tolist(), hints


def test_a_cut_to_other_pictures_and_back(sample_pictures: NDArray[np.uint8]) -> None:
    other = np.ascontiguousarray(sample_pictures[:20, ::-1, :, ::-1])
    clip = [*sample_pictures[:12], *other, *sample_pictures[12:30]]
    starts, hints = shots_of(clip)
    assert starts == [0, 12, 32]
    assert set(starts[1:]) <= set(hints), "the tracker must hear of every cut at once"


@pytest.mark.parametrize("at", [1, 2, 38, 39])
def test_a_cut_right_at_an_end(sample_pictures: NDArray[np.uint8], at: int) -> None:
    other = np.ascontiguousarray(sample_pictures[:40, ::-1, :, ::-1])
    assert shots_of([*sample_pictures[:at], *other[at:]])[0] == [0, at]


def test_movement_is_no_cut(sample_pictures: NDArray[np.uint8]) -> None:
    assert shots_of(sample_pictures)[0] == [0]


def test_the_same_person_in_other_light(sample_pictures: NDArray[np.uint8]) -> None:
    darker = (sample_pictures[200:230] * 0.6).astype(np.uint8)
    assert shots_of([*sample_pictures[100:130], *darker])[0] == [0, 30]


@pytest.mark.parametrize("frames", [1, 2])
def test_a_flash_is_no_cut(sample_pictures: NDArray[np.uint8], frames: int) -> None:
    clip = sample_pictures[:30].copy()
    clip[14 : 14 + frames] = 250
    assert shots_of(clip)[0] == [0]


def test_a_fast_pan_is_no_cut() -> None:
    wide = np.random.default_rng(3).integers(0, 255, (64, 40, 3), np.uint8).repeat(16, axis=1)
    pan = [np.ascontiguousarray(wide[:, 12 * n : 12 * n + 128]) for n in range(30)]
    assert shots_of(pan)[0] == [0]


def test_what_is_kept_does_not_grow_with_the_frames(sample_pictures: NDArray[np.uint8]) -> None:
    other = np.ascontiguousarray(sample_pictures[:12, ::-1, :, ::-1])
    before_a_camera, of_a_clip = ShotFinder(keep=False), ShotFinder()
    sizes = []
    for _ in range(4):
        hints = [[one.update(p) for p in (*sample_pictures[:12], *other)] for one in (before_a_camera, of_a_clip)]
        assert hints[0] == hints[1] and any(hints[0])
        sizes.append((len(pickle.dumps(before_a_camera)), len(pickle.dumps(of_a_clip))))
    camera, clip = zip(*sizes, strict=True)
    assert max(camera) - min(camera) <= 8  # the digits of a count
    assert max(clip) - min(clip) <= 60  # and seven cuts
    assert of_a_clip.shots()[-1] == 7


def test_nothing_and_one_frame() -> None:
    assert shots_of([]) == ([], [])
    assert shots_of([np.zeros((4, 4, 3), np.uint8)]) == ([0], [])
