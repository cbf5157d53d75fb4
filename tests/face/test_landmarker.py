"""MediaPipe on real faces: left and right, pixel centres, small faces, several people, quiet."""

import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from afet_video.datatypes import ByteArray, Landmarks, Timestamp
from afet_video.errors import SettingsError
from afet_video.face.landmarker import RECHECK_ALL_S, FaceLandmarker, LandmarkerSettings
from afet_video.face.quiet import native_log_dropped
from afet_video.facemesh import LEFT_EYE_OUTER, RIGHT_EYE_OUTER

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
MILLISECOND = Fraction(1, 1000)


@pytest.fixture(scope="module")
def landmarker() -> Iterator[FaceLandmarker]:
    with FaceLandmarker() as open_landmarker:
        yield open_landmarker


@pytest.fixture(scope="module")
def astronaut() -> ByteArray:
    picture = cv2.imread(str(SAMPLES / "astronaut.png"), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.ascontiguousarray(picture[..., ::-1])


@pytest.fixture(scope="module")
def webcam() -> list[ByteArray]:
    with av.open(str(SAMPLES / "webcam.mp4")) as container:
        return [
            frame.to_ndarray(format="rgb24") for frame, _ in zip(container.decode(video=0), range(12), strict=False)
        ]


@pytest.fixture(scope="module")
def portrait(astronaut: ByteArray) -> ByteArray:
    """The astronaut's head, with a face too small in a full-HD frame for MediaPipe alone."""
    return np.ascontiguousarray(cv2.resize(astronaut[:300], None, fx=1.4, fy=1.4, interpolation=cv2.INTER_CUBIC))


def eye_distance(face: Landmarks) -> float:
    return float(np.linalg.norm(face.xyz[LEFT_EYE_OUTER, :2] - face.xyz[RIGHT_EYE_OUTER, :2]))


def on_canvas(picture: ByteArray, *, x: int, y: int, canvas: ByteArray | None = None) -> ByteArray:
    """Put `picture` on a full-HD canvas."""
    canvas = np.full((1080, 1920, 3), 100, np.uint8) if canvas is None else canvas
    canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return canvas


def test_one_face_with_all_its_values(landmarker: FaceLandmarker, astronaut: ByteArray) -> None:
    (face,) = landmarker.detect_image(astronaut)
    assert np.isfinite(face.xyz).all()
    assert np.isfinite(face.transform).all()
    assert ((face.blendshapes >= 0) & (face.blendshapes <= 1)).all()
    assert 0 < face.xyz[:, :2].min() < face.xyz[:, :2].max() < 512
    mouth_smile_left = 44
    assert face.blendshapes[mouth_smile_left] > 0.5


def test_left_is_the_subjects_left(landmarker: FaceLandmarker, astronaut: ByteArray) -> None:
    (face,) = landmarker.detect_image(astronaut)
    (mirrored,) = landmarker.detect_image(np.ascontiguousarray(astronaut[:, ::-1]))
    # An unmirrored photo shows the subject's left eye to the right.
    assert face.xyz[LEFT_EYE_OUTER, 0] > face.xyz[RIGHT_EYE_OUTER, 0]
    for one, twin in ((LEFT_EYE_OUTER, RIGHT_EYE_OUTER), (RIGHT_EYE_OUTER, LEFT_EYE_OUTER)):
        expected = (astronaut.shape[1] - 1 - face.xyz[one, 0], face.xyz[one, 1])
        assert np.linalg.norm(mirrored.xyz[twin, :2] - expected) < 0.05 * eye_distance(face)


def test_an_integer_is_a_pixel_center_at_every_scale(landmarker: FaceLandmarker, astronaut: ByteArray) -> None:
    (large,) = landmarker.detect_image(cv2.resize(astronaut, (2048, 2048), interpolation=cv2.INTER_CUBIC))
    (small,) = landmarker.detect_image(astronaut)
    expected = (large.xyz[:, :2] + 0.5) / 4 - 0.5
    # Half a pixel of either picture too much or too little would show as 0.37 px.
    assert np.abs((small.xyz[:, :2] - expected).mean(axis=0)).max() < 0.15
    assert small.xyz[:, 2].std() == pytest.approx(large.xyz[:, 2].std() / 4, rel=0.05)


def test_the_answer_is_in_pixels_of_the_full_frame(astronaut: ByteArray) -> None:
    with FaceLandmarker() as landmarker:
        whole = landmarker.detect(astronaut, timestamp=Timestamp(0, MILLISECOND), size_wh=(512, 512))
        scaled = landmarker.detect(
            cv2.resize(astronaut, (320, 320), interpolation=cv2.INTER_AREA),
            timestamp=Timestamp(40, MILLISECOND),
            size_wh=(512, 512),
        )
    distance = np.linalg.norm(scaled[0].xyz[:, :2] - whole[0].xyz[:, :2], axis=1)
    assert distance.max() < 0.05 * eye_distance(whole[0])


def test_a_small_face_in_a_large_frame(landmarker: FaceLandmarker, portrait: ByteArray) -> None:
    (near,) = landmarker.detect_image(portrait)
    frame = on_canvas(portrait, x=1200, y=500)
    (far,) = landmarker.detect_image(frame)
    assert np.ptp(near.xyz[:, 1]) < 0.14 * 1920  # Too small for MediaPipe alone.
    distance = np.linalg.norm(far.xyz[:, :2] - near.xyz[:, :2] - (1200, 500), axis=1)
    assert distance.mean() < 0.03 * eye_distance(near)


def test_a_small_face_is_followed_while_it_moves(portrait: ByteArray) -> None:
    frames = [on_canvas(portrait, x=700 + 25 * step, y=400 + 5 * step) for step in range(4)]
    with FaceLandmarker() as landmarker:
        follow, places = None, []
        for step, frame in enumerate(frames):
            (follow,) = landmarker.detect(
                frame, timestamp=Timestamp(40 * step, MILLISECOND), size_wh=(1920, 1080), follow=follow
            )
            places.append(follow.xyz[:, :2].mean(axis=0))
    steps = np.diff(places, axis=0)
    np.testing.assert_allclose(steps, [(25.0, 5.0)] * 3, atol=1.0)


def test_several_people_the_largest_first(
    landmarker: FaceLandmarker, portrait: ByteArray, webcam: list[ByteArray]
) -> None:
    frame = on_canvas(portrait, x=100, y=300)
    frame = on_canvas(webcam[0], x=1100, y=300, canvas=frame)
    faces = landmarker.detect_image(frame)
    assert len(faces) == 2
    sizes = [float(np.ptp(face.xyz[:, 1])) for face in faces]
    assert sizes == sorted(sizes, reverse=True)
    assert {face.xyz[:, 0].mean() > 1000 for face in faces} == {True, False}


def test_no_face(landmarker: FaceLandmarker) -> None:
    assert landmarker.detect_image(np.full((360, 640, 3), 128, np.uint8)) == []


def test_odd_and_tiny_pictures(landmarker: FaceLandmarker) -> None:
    for shape in ((1, 1, 3), (2, 31, 3), (97, 3, 3)):
        assert landmarker.detect_image(np.zeros(shape, np.uint8)) == []


def test_frames_within_one_millisecond(webcam: list[ByteArray]) -> None:
    with FaceLandmarker() as landmarker:
        for pts, frame in enumerate(webcam[:4]):
            timestamp = Timestamp(pts, Fraction(1, 90_000))
            assert len(landmarker.detect(frame, timestamp=timestamp, size_wh=(400, 300))) == 1


def test_a_negative_first_timestamp(webcam: list[ByteArray]) -> None:
    with FaceLandmarker() as landmarker:
        for pts in (-80, -40, 0):
            timestamp = Timestamp(pts, MILLISECOND)
            assert len(landmarker.detect(webcam[0], timestamp=timestamp, size_wh=(400, 300))) == 1


def test_a_clip_leaves_nothing_behind_for_the_next(webcam: list[ByteArray], astronaut: ByteArray) -> None:
    def run(frames: list[ByteArray]) -> list[np.ndarray]:
        with FaceLandmarker() as landmarker:
            return [
                landmarker.detect(frame, timestamp=Timestamp(40 * n, MILLISECOND), size_wh=(400, 300))[0].xyz
                for n, frame in enumerate(frames)
            ]

    alone = run(webcam[:4])
    run([astronaut] * 2)
    np.testing.assert_array_equal(run(webcam[:4]), alone)


def test_landmarks_are_not_late(webcam: list[ByteArray]) -> None:
    shifted = [np.roll(webcam[0], 8 * step, axis=1) for step in range(5)]
    with FaceLandmarker() as landmarker:
        middle = [
            landmarker.detect(frame, timestamp=Timestamp(40 * n, MILLISECOND), size_wh=(400, 300))[0].xyz[:, 0].mean()
            for n, frame in enumerate(shifted)
        ]
    # MediaPipe's own causal filter, had it run, would leave the first steps several pixels short.
    np.testing.assert_allclose(np.diff(middle), 8.0, atol=1.0)


@pytest.mark.parametrize("bad", [{"max_side": 10}, {"max_faces": 1}, {"min_detection_confidence": 1.5}])
def test_settings_out_of_range(bad: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        LandmarkerSettings(**bad)  # type: ignore[arg-type]


QUIET_RUN = """
import sys
from fractions import Fraction
import av
import numpy as np
from afet_video.datatypes import Timestamp
from afet_video.face.landmarker import FaceLandmarker

with FaceLandmarker() as landmarker, av.open(sys.argv[1]) as container:
    for frame, n in zip(container.decode(video=0), range(5)):
        rgb = frame.to_ndarray(format="rgb24")
        assert landmarker.detect(rgb, timestamp=Timestamp(frame.pts, frame.time_base), size_wh=(400, 300))
    assert landmarker.detect_image(rgb)
    assert not landmarker.detect_image(np.zeros_like(rgb))
never_closed = FaceLandmarker()
never_closed.close()
"""


def test_nothing_is_written_to_the_terminal() -> None:
    run = subprocess.run(
        [sys.executable, "-c", QUIET_RUN, str(SAMPLES / "webcam.mp4")], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_only_native_log_lines_are_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    with native_log_dropped():
        os.write(2, b"WARNING: Logging before InitGoogle() is written to STDERR\n")
        os.write(2, b"W0000 00:00:1.1 12 face_landmarker_graph.cc:181] Sets acceleration\n")
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(2, b"E0000 00:00:1.1 12 model.cc:1] broken\nreal message\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "E0000 00:00:1.1 12 model.cc:1] broken\nreal message\nafter\n"


def test_the_terminal_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="inside"), native_log_dropped():
        os.write(2, b"before the error\n")
        raise RuntimeError("inside")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "before the error\nafter\n"


def test_everybody_is_found_also_a_small_face_beside_a_large_one(astronaut: ByteArray, portrait: ByteArray) -> None:
    large = cv2.resize(portrait, None, fx=2.2, fy=2.2, interpolation=cv2.INTER_CUBIC)
    alone = on_canvas(large, x=50, y=100)
    beside = on_canvas(portrait, x=1150, y=500, canvas=alone.copy())
    known: list[Landmarks] = []
    counts = []
    with FaceLandmarker() as landmarker:
        for n in range(20):
            picture = alone if n < 3 else beside
            known = landmarker.detect_all(
                picture, timestamp=Timestamp(40 * n, MILLISECOND), size_wh=(1920, 1080), known=known
            )
            counts.append(len(known))
        assert counts[:3] == [1, 1, 1]
        first = counts.index(2)
        assert first <= 3 + RECHECK_ALL_S / 0.04 + 1
        assert set(counts[first:]) == {2}, "once found it is not lost"
        sizes = [float(np.ptp(face.xyz[:, 1])) for face in known]
        assert sizes[0] / sizes[1] == pytest.approx(2.2, rel=0.1)
        cut = np.full((1080, 1920, 3), 100, np.uint8)
        gone = landmarker.detect_all(
            cut, timestamp=Timestamp(40 * 20, MILLISECOND), size_wh=(1920, 1080), known=known, maybe_cut=True
        )
        assert gone == []
