"""The pass that lays every face of a video over its neutral."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from test_pipeline import clip_of

from afet_video import facemesh
from afet_video.datatypes import FaceStatus, FloatArray, Progress
from afet_video.face.pose import interocular_px
from afet_video.metrics.steadiness import jitter
from afet_video.passes.analyze import Analysis, analyze
from afet_video.passes.neutrals import NeutralChoices, choose_neutrals
from afet_video.passes.register import register
from afet_video.passes.settings import ConvertSettings
from afet_video.video.decode import VideoReader

Pictures = NDArray[np.uint8]
FRAMES = range(406, 430)
"""Frames of the sample at rest."""
COVERED, LAST_COVERED = 10, (22, 23)


@dataclass(frozen=True)
class Passed:
    """What pass 1 knew, read before it was closed, and what came of it."""

    before: Analysis
    xyz: FloatArray
    choices: NeutralChoices
    after: Analysis
    progress: list[Progress]

    @property
    def corrected(self) -> FloatArray:
        track = self.after.lanes[0].track
        return track.xyz(0, len(track))


@pytest.fixture(scope="module")
def covered_clip(sample_pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face at rest: covered once in between, and at the end, where nothing can be filled in."""
    pictures = sample_pictures[FRAMES].copy()
    for index in (COVERED, *LAST_COVERED):
        pictures[index, 90:260, 130:280] = (90, 110, 140)
    return clip_of(tmp_path_factory.mktemp("covered") / "clip.mp4", pictures)


@pytest.fixture(scope="module")
def passed(covered_clip: Path) -> Iterator[Passed]:
    progress: list[Progress] = []
    with VideoReader(covered_clip) as reader:
        before = analyze(reader, ConvertSettings(), lambda _: None)
        xyz = before.lanes[0].track.xyz(0, len(FRAMES))
        choices = choose_neutrals(before)
        after = register(reader, before, choices, progress.append)
    yield Passed(before, xyz, choices, after, progress)
    after.close()


def test_what_is_missing_stays_missing_and_gaps_are_filled(passed: Passed) -> None:
    status = passed.after.status
    assert [status[index] for index in LAST_COVERED] == [FaceStatus.MISSING] * 2
    assert status[COVERED] is FaceStatus.INTERPOLATED
    assert status.count(FaceStatus.DETECTED) == len(FRAMES) - 3
    corrected = passed.corrected
    assert np.isnan(corrected[list(LAST_COVERED)]).all()
    assert np.isfinite(corrected[: LAST_COVERED[0]]).all()
    # the clip has a frame every 40 ms: half-way between its corrected neighbours
    middle = (corrected[COVERED - 1] + corrected[COVERED + 1]) / 2
    np.testing.assert_allclose(corrected[COVERED], middle, atol=1e-3)


def test_all_but_the_landmarks_is_as_before(passed: Passed) -> None:
    before, after = passed.before.lanes[0], passed.after.lanes[0]
    assert after.measures is before.measures
    assert after.track.status == before.track.status
    assert after.track.timestamps == before.track.timestamps
    for name in ("face_id", "shot", "run", "blendshapes", "transforms"):
        np.testing.assert_array_equal(getattr(after.track, name), getattr(before.track, name))
    assert passed.after.hands is passed.before.hands


def test_landmarks_are_corrected_by_little(passed: Passed) -> None:
    seen = np.isfinite(passed.xyz).all(axis=(1, 2))
    iod = float(np.mean(interocular_px(passed.xyz[seen])))
    change = np.linalg.norm((passed.corrected - passed.xyz)[seen, :468, :2], axis=2) / iod
    neutral = passed.choices[0, 0].index
    assert change[neutral].max() < 1e-3, "the neutral lies on itself"
    assert 0.001 < change.mean() < 0.01
    np.testing.assert_array_equal(passed.corrected[seen, 468:], passed.xyz[seen, 468:])


@pytest.mark.parametrize(
    ("part", "share"),
    [(facemesh.LEFT_BROW + facemesh.RIGHT_BROW, 0.6), ((1, 4, 5, 98, 327), 0.45), (facemesh.FACE_OVAL, 1.01)],
    ids=["brows", "nose", "outline"],
)
def test_what_does_not_move_shakes_less(passed: Passed, part: tuple[int, ...], share: float) -> None:
    """The mouth of this face does move."""
    iod = float(np.nanmean(interocular_px(passed.xyz)))
    still = np.array([status is FaceStatus.DETECTED for status in passed.after.status])
    before, n = jitter(passed.xyz[:, list(part), :2] / iod, still)
    after, _ = jitter(passed.corrected[:, list(part), :2] / iod, still)
    assert n > 12
    assert after < share * before


def test_the_old_analysis_is_closed_and_progress_reported(passed: Passed) -> None:
    with pytest.raises(ValueError, match="closed"):
        passed.before.lanes[0].track.xyz(0, 1)
    assert passed.progress == [Progress("register", index + 1, len(FRAMES)) for index in range(len(FRAMES))]


def test_without_a_neutral_landmarks_stay_as_detected(covered_clip: Path) -> None:
    with VideoReader(covered_clip) as reader:
        before = analyze(reader, ConvertSettings(), lambda _: None)
        xyz = before.lanes[0].track.xyz(0, len(FRAMES))
        after = register(reader, before, {}, lambda _: None)
    np.testing.assert_array_equal(after.lanes[0].track.xyz(0, len(FRAMES)), xyz)
    after.close()


def test_a_head_turned_far_from_the_neutral_stays_as_detected(covered_clip: Path, passed: Passed) -> None:
    """Its pixels say nothing; between the two limits they say part of it."""
    with VideoReader(covered_clip) as reader:
        before = analyze(reader, ConvertSettings(), lambda _: None)
        choices = choose_neutrals(before)
        lane = before.lanes[0]
        xyz = lane.track.xyz(0, len(FRAMES))
        turned, partly = 3, 5
        assert choices[0, 0].index not in (turned, partly)
        transforms = lane.track.transforms.copy()
        for frame, degrees in ((turned, 45.0), (partly, 30.0)):
            angle = np.radians(degrees)
            turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
            transforms[frame, :3, :3] = turn @ transforms[choices[0, 0].index, :3, :3]
        changed = replace(before, lanes=(replace(lane, track=replace(lane.track, transforms=transforms)),))
        after = register(reader, changed, choices, lambda _: None)
    found = after.lanes[0].track.xyz(0, len(FRAMES))
    after.close()
    np.testing.assert_array_equal(found[turned], xyz[turned])
    in_full = passed.corrected[partly] - xyz[partly]
    assert np.linalg.norm(in_full[:, :2], axis=1).mean() > 0.1
    np.testing.assert_allclose(found[partly] - xyz[partly], 0.5 * in_full, atol=0.05 * np.abs(in_full).max())


def test_a_failure_leaves_the_analysis_to_its_owner(covered_clip: Path) -> None:
    def stop(_: Progress) -> None:
        raise RuntimeError("stop")

    with VideoReader(covered_clip) as reader:
        before = analyze(reader, ConvertSettings(), lambda _: None)
        with pytest.raises(RuntimeError, match="stop"):
            register(reader, before, choose_neutrals(before), stop)
    assert np.isfinite(before.lanes[0].track.xyz(0, 1)).all()
    before.close()
