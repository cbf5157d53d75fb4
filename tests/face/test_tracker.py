"""One person through a video: whom to follow, when to let go, which gaps to fill."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.datatypes import FaceStatus, Landmarks, Timestamp
from afet_video.errors import SettingsError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.look import Look
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


def look_of(face: Landmarks) -> Look:
    """The look of a made-up face: its person is written in its first blendshape."""
    colors = np.zeros((3, 576), np.float32)
    colors[:, round(float(face.blendshapes[0]) * 10)] = 1.0
    return Look(colors, np.zeros(20, np.float32))


A, B, C = 0.1, 0.2, 0.3


def follow_all(
    frames: Sequence[Sequence[Landmarks]],
    made: list[FaceTrack],
    *,
    cuts: Sequence[int] = (),
    face: str = "all",
    hints: bool = True,
) -> tuple[FaceTrack, ...]:
    tracker = FaceTracker(TrackerSettings(face=face))
    shots = np.zeros(len(frames), np.int32)
    for cut in cuts:
        shots[cut:] += 1
    for index, faces in enumerate(frames):
        tracker.update(index, Timestamp(index, TICK), faces, look_of, maybe_cut=hints and index in cuts)
    found = tracker.finish(shots)
    made.extend(found)
    return found


def people(tracks: Sequence[FaceTrack]) -> dict[int, NDArray[np.float32]]:
    """Which look each person has in the frames in which they are seen; by id."""
    found: dict[int, list[float]] = {}
    for track in tracks:
        for face_id, shape in zip(track.face_id.tolist(), track.blendshapes[:, 0].tolist(), strict=True):
            if face_id >= 0:
                found.setdefault(face_id, []).append(shape)
    return {face_id: np.array(shapes, np.float32) for face_id, shapes in sorted(found.items())}


def test_everybody_has_a_track_of_their_own(tracks: list[FaceTrack]) -> None:
    frames = [[face(100.0, smile=A), face(500.0, smile=B)]] * 5 + [[face(500.0, smile=B)]] * 5
    found = follow_all(frames, tracks)
    assert [track.face_id.tolist() for track in found] == [[0] * 5 + [-1] * 5, [1] * 10]
    assert [track.counts(track.people[0])["detected"] for track in found] == [5, 10]
    np.testing.assert_allclose(found[1].xyz(7, 8)[0], face(500.0, smile=B).xyz)


@pytest.mark.parametrize("hidden", [0, 3, 8, 15])
@pytest.mark.parametrize("mover", [A, B])
def test_nobody_changes_places_when_one_passes_behind_the_other(
    tracks: list[FaceTrack], hidden: int, mover: float
) -> None:
    """One walks past, hidden for some frames behind the other, who stands or comes towards them."""
    other = B if mover == A else A
    frames = []
    for n in range(50):
        walker, stander = face(100.0 + 12 * n, smile=mover), face(390.0 - 2 * n, y=310.0, smile=other)
        frames.append([stander] if abs(n - 20) < hidden / 2 else [walker, stander])
    found = people(follow_all(frames, tracks))
    assert sorted(found) == [0, 1]
    for looks in found.values():
        assert np.ptp(looks) < 1e-6, "one id, two people"


def test_two_people_cross_at_one_height(tracks: list[FaceTrack]) -> None:
    frames = [[face(100.0 + 15 * n, smile=A), face(700.0 - 15 * n, smile=B)][:: 1 if n % 2 else -1] for n in range(40)]
    found = people(follow_all(frames, tracks))
    assert {face_id: len(looks) for face_id, looks in found.items()} == {0: 40, 1: 40}
    assert all(np.ptp(looks) < 1e-6 for looks in found.values())


@pytest.mark.parametrize("hints", [True, False])
def test_a_cut_between_two_people_and_back(tracks: list[FaceTrack], hints: bool) -> None:
    one, other = [face(300.0, smile=A)], [face(700.0, size=180.0, smile=B)]
    frames = [one] * 6 + [other] * 6 + [one] * 6
    for choice in ("all", "largest"):
        (track,) = follow_all(frames, tracks, cuts=(6, 12), face=choice, hints=hints)
        assert track.face_id.tolist() == [0] * 6 + [1] * 6 + [0] * 6
        assert track.shot.tolist() == [0] * 6 + [1] * 6 + [2] * 6
        assert len(set(track.run.tolist())) == 3


def test_a_cut_to_somebody_at_the_same_place(tracks: list[FaceTrack]) -> None:
    frames = [[face(300.0, smile=A)]] * 6 + [[face(302.0, smile=B)]] * 6
    (track,) = follow_all(frames, tracks, cuts=(6,))
    assert track.face_id.tolist() == [0] * 6 + [1] * 6


def test_the_one_who_is_followed_is_found_again_after_a_cut(tracks: list[FaceTrack]) -> None:
    frames = [[face(300.0, smile=A)]] * 6 + [[face(300.0, size=150.0, smile=B), face(800.0, smile=A)]] * 6
    (track,) = follow_all(frames, tracks, cuts=(6,), face="largest")
    assert track.face_id.tolist() == [0] * 12
    assert place(track, 8) == pytest.approx(800.0, abs=1e-3)


def test_no_gap_is_filled_and_no_row_held_across_a_cut(tracks: list[FaceTrack]) -> None:
    frames = [[face(300.0, smile=A)]] * 5 + [[]] * 4 + [[face(300.0, smile=A)]] * 5
    (track,) = follow_all(frames, tracks, cuts=(7,))
    assert [str(s) for s in track.status[5:9]] == ["missing"] * 4
    assert [str(s) for s in track.held().status[5:9]] == ["held", "held", "missing", "missing"]
    assert track.face_id[-1] == 0


def test_a_false_hint_of_a_cut_breaks_nothing(tracks: list[FaceTrack]) -> None:
    tracker = FaceTracker()
    for index in range(10):
        faces = [] if index in (4, 5) else [face(300.0 + index, smile=A)]
        tracker.update(index, Timestamp(index, TICK), faces, look_of, maybe_cut=index in (4, 6))
    tracks.append(only(tracker))
    assert [str(s) for s in tracks[-1].status] == ["detected"] * 4 + ["interpolated"] * 2 + ["detected"] * 4
    assert set(tracks[-1].run.tolist()) == {0}


def test_people_who_never_meet_share_a_track(tracks: list[FaceTrack]) -> None:
    frames = [[face(300.0, smile=A)]] * 4 + [[face(300.0, smile=B), face(600.0, smile=C)]] * 4
    found = follow_all([*frames, *frames], tracks, cuts=(4, 8, 12))
    assert [track.people for track in found] == [(0, 1), (2,)]
    assert found[0].face_id.tolist() == ([0] * 4 + [1] * 4) * 2


def test_within_one_shot(tracks: list[FaceTrack]) -> None:
    (track,) = follow_all([[face(300.0, smile=A)]] * 8, tracks, cuts=(4,))
    assert track.within(1).face_id.tolist() == [-1] * 4 + [0] * 4
    assert track.face_id.tolist() == [0] * 8


def test_nobody_at_all_in_all(tracks: list[FaceTrack]) -> None:
    (track,) = follow_all([[], []], tracks)
    assert track.people == ()
    assert track.counts()["missing"] == 2


def test_a_glimpse_is_nobody_where_everybody_counts(tracks: list[FaceTrack]) -> None:
    frames = [[face(300.0, smile=A), *([face(700.0, smile=B)] if n in (4, 5) else [])] for n in range(10)]
    (track,) = follow_all(frames, tracks)
    assert track.people == (0,)
    assert track.counts()["detected"] == 10
    first = [[face(700.0, smile=B)]] * 2 + [[face(300.0, smile=A)]] * 8
    (track,) = follow_all(first, tracks)
    assert track.face_id.tolist() == [-1] * 2 + [0] * 8
    np.testing.assert_allclose(track.xyz(5, 6)[0], face(300.0, smile=A).xyz)
    (track,) = follow_all(frames[4:6], tracks)[:1]
    assert track.people == (0,), "where nobody is seen for longer a glimpse counts"
