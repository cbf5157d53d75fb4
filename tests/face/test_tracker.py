"""One person through a video: whom to follow, when to let go, which gaps to fill."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from afet_video.datatypes import FaceStatus, Landmarks, Timestamp
from afet_video.errors import SettingsError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.track import FaceTrack
from afet_video.face.tracker import FaceTracker, TrackerSettings

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
TICK = Fraction(1, 25)
_SHAPE = np.random.default_rng(0).uniform(-0.5, 0.5, (478, 3))


def face(x: float, y: float = 300.0, size: float = 100.0, smile: float = 0.0) -> Landmarks:
    """A face of `size` around (x, y)."""
    return Landmarks(_SHAPE * size + (x, y, 0.0), np.full(52, smile), np.eye(4))


def place(track: FaceTrack, frame: int) -> float:
    """Column of the middle of the face."""
    return float(track.xyz(frame, frame + 1)[0, :, 0].mean() - _SHAPE[:, 0].mean() * 100.0)


def only(tracker: FaceTracker) -> FaceTrack:
    """The one track of a tracker that follows one person."""
    (track,) = tracker.finish()
    return track


@pytest.fixture
def tracks() -> Iterator[list[FaceTrack]]:
    made: list[FaceTrack] = []
    yield made
    for track in made:
        track.close()


def follow(
    frames: Sequence[Sequence[Landmarks]],
    tracks: list[FaceTrack],
    settings: TrackerSettings | None = None,
    pts: Sequence[int] | None = None,
) -> FaceTrack:
    tracker = FaceTracker(settings)
    for index, faces in enumerate(frames):
        tracker.update(index, Timestamp(index if pts is None else pts[index], TICK), faces)
    tracks.append(only(tracker))
    return tracks[-1]


def test_one_row_for_every_frame(tracks: list[FaceTrack]) -> None:
    track = follow([[face(100.0 + n)] for n in range(7)], tracks)
    assert len(track) == 7
    assert track.status == (FaceStatus.DETECTED,) * 7
    assert track.xyz(2, 5).shape == (3, 478, 3)
    np.testing.assert_allclose(track.xyz(3, 4)[0], face(103.0).xyz)
    np.testing.assert_allclose(track.seconds, np.arange(7) / 25)
    assert track.face_id.tolist() == [0] * 7
    assert track.blendshapes.shape == (7, 52)
    assert track.transforms.shape == (7, 4, 4)


def test_an_empty_video(tracks: list[FaceTrack]) -> None:
    track = follow([], tracks)
    assert len(track) == 0
    assert track.blendshapes.shape == (0, 52)
    assert track.xyz(0, 0).shape == (0, 478, 3)


def test_no_face_at_all(tracks: list[FaceTrack]) -> None:
    track = follow([[], [], []], tracks)
    assert track.counts() == {"detected": 0, "interpolated": 0, "held": 0, "missing": 3}
    assert np.isnan(track.xyz(0, 3)).all()
    assert track.held().counts()["held"] == 0


def test_a_short_gap_is_filled_by_time_not_by_count(tracks: list[FaceTrack]) -> None:
    frames = [[face(100.0, smile=0.2)], [], [], [face(140.0, smile=0.6)]]
    track = follow(frames, tracks, pts=[0, 1, 3, 4])
    assert [str(s) for s in track.status] == ["detected", "interpolated", "interpolated", "detected"]
    assert [place(track, n) for n in range(4)] == pytest.approx([100, 110, 130, 140], abs=1e-3)
    assert track.blendshapes[:, 0] == pytest.approx([0.2, 0.3, 0.5, 0.6])
    assert track.face_id.tolist() == [0] * 4
    np.testing.assert_array_equal(track.xyz(1, 3), track.xyz(0, 4)[1:3])


def test_a_long_gap_stays_missing(tracks: list[FaceTrack]) -> None:
    frames = [[face(100.0)], *[[]] * 7, [face(100.0)]]
    track = follow(frames, tracks, TrackerSettings(max_gap_s=0.25))
    assert track.counts() == {"detected": 2, "interpolated": 0, "held": 0, "missing": 7}
    assert np.isnan(track.xyz(1, 8)).all()
    assert np.isnan(track.blendshapes[1:8]).all()
    assert track.face_id.tolist() == [0, *[-1] * 7, 0]


def test_no_interpolation_across_a_jump(tracks: list[FaceTrack]) -> None:
    track = follow([[face(100.0)], [], [face(900.0)], [face(900.0)]], tracks)
    assert [str(s) for s in track.status] == ["detected", "missing", "detected", "detected"]
    assert track.face_id.tolist() == [0, -1, 1, 1]


def test_hold_repeats_the_last_known_row(tracks: list[FaceTrack]) -> None:
    frames = [[], [face(100.0, smile=0.3)], *[[]] * 9, [face(150.0)], []]
    track = follow(frames, tracks).held()
    assert track.counts() == {"detected": 2, "interpolated": 0, "held": 10, "missing": 1}
    assert np.isnan(track.xyz(0, 1)).all()
    np.testing.assert_array_equal(track.xyz(2, 11), np.broadcast_to(face(100.0).xyz, (9, 478, 3)))
    assert place(track, 12) == pytest.approx(150.0)
    assert track.blendshapes[5, 0] == pytest.approx(0.3)


def test_the_largest_is_followed_and_kept_when_a_larger_one_comes(tracks: list[FaceTrack]) -> None:
    frames = [[face(100.0), face(500.0, size=80.0)]] * 3 + [[face(900.0, size=300.0), face(102.0)]] * 3
    track = follow(frames, tracks)
    assert track.face_id.tolist() == [0] * 6
    assert place(track, 5) == pytest.approx(102.0)


@pytest.mark.parametrize(
    ("choice", "person"),
    [("0", 1), ("1", 2), ("2", 0), ("9", 0), ("largest", 2), ("690,310", 0), ("0,0", 1), ("430, 300", 2)],
)
def test_whom_to_follow(tracks: list[FaceTrack], choice: str, person: int) -> None:
    people = [face(700.0), face(100.0), face(400.0, size=130.0)]
    track = follow([[], people, people], tracks, TrackerSettings(face=choice))
    np.testing.assert_array_equal(track.xyz(1, 2)[0], people[person].xyz)


def test_two_people_passing_each_other_do_not_swap(tracks: list[FaceTrack]) -> None:
    frames = [[face(100.0 + 20 * n, y=300.0), face(500.0 - 20 * n, y=420.0)] for n in range(20)]
    track = follow(frames, tracks, TrackerSettings(face="0"))
    assert [place(track, n) for n in (0, 10, 19)] == pytest.approx([100, 300, 480], abs=1e-3)


def test_a_bystander_is_not_taken_for_a_short_absence(tracks: list[FaceTrack]) -> None:
    ours, other = face(100.0), face(500.0, size=80.0)
    track = follow([[ours, other]] * 3 + [[other]] * 10 + [[ours, other]] * 2, tracks)
    assert [str(s) for s in track.status] == ["detected"] * 3 + ["missing"] * 10 + ["detected"] * 2
    assert set(track.face_id.tolist()) == {0, -1}


def test_a_bystander_is_taken_after_a_long_absence(tracks: list[FaceTrack]) -> None:
    track = follow([[face(100.0), face(500.0, size=80.0)]] + [[face(500.0, size=80.0)]] * 30, tracks)
    assert track.status[25] is FaceStatus.MISSING
    assert track.status[26] is FaceStatus.DETECTED
    assert track.face_id[26] == 1


def test_the_first_frame_after_a_cut_is_not_lost(tracks: list[FaceTrack]) -> None:
    track = follow([[face(100.0)]] * 5 + [[face(600.0, size=220.0)]] * 5, tracks)
    assert track.counts()["detected"] == 10
    assert track.face_id.tolist() == [0] * 5 + [1] * 5


@pytest.mark.parametrize("bad", ["biggest", "-1", "1,2,3", "1,", "nan,2", "", "1.5"])
def test_a_choice_that_means_nothing(bad: str) -> None:
    with pytest.raises(SettingsError, match="give largest, all, a number"):
        TrackerSettings(face=bad)


def test_negative_times_are_refused() -> None:
    with pytest.raises(SettingsError, match="max_gap_s"):
        TrackerSettings(max_gap_s=-0.1)


def test_frames_must_come_in_order() -> None:
    tracker = FaceTracker()
    tracker.update(0, Timestamp(5, TICK), [])
    with pytest.raises(ValueError, match="was due"):
        tracker.update(2, Timestamp(6, TICK), [])
    with pytest.raises(ValueError, match="time must grow"):
        tracker.update(1, Timestamp(5, TICK), [])
    tracker.close()


def test_landmarks_lie_on_disk_and_go_with_the_track(tmp_path: Path) -> None:
    tracker = FaceTracker(directory=tmp_path)
    tracker.update(0, Timestamp(0, TICK), [face(100.0)])
    track = only(tracker)
    track.close()
    track.close()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="closed"):
        track.xyz(0, 1)


def test_a_real_gap_is_filled_near_the_truth(tracks: list[FaceTrack]) -> None:
    covered = range(10, 13)
    tracker, truth = FaceTracker(), []
    with FaceLandmarker() as landmarker, av.open(str(SAMPLES / "webcam.mp4")) as container:
        for index, frame in zip(range(20), container.decode(video=0), strict=False):
            timestamp = Timestamp(frame.pts, frame.time_base)
            size_wh = (frame.width, frame.height)
            faces = landmarker.detect(
                frame.to_ndarray(format="rgb24"), timestamp=timestamp, size_wh=size_wh, follow=tracker.following
            )
            truth.append(faces[0].xyz)
            tracker.update(index, timestamp, [] if index in covered else faces)
    track = only(tracker)
    tracks.append(track)
    assert [n for n, status in enumerate(track.status) if status is FaceStatus.INTERPOLATED] == list(covered)
    error = np.linalg.norm((track.xyz(10, 13) - truth[10:13])[..., :2], axis=-1).mean()
    assert error < 2.0  # A still face of 100 px between the eyes: the noise of the landmarks themselves.
