"""Rims of glasses are found where they are, stay as they are, and leave no trace in the skin that moves behind them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from spectacles import Spectacles, carried
from synthetic import ClipSpec, make_clip

import afet_video
from afet_video import facemesh
from afet_video.face.landmarker import FaceLandmarker
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.cover import Cover
from afet_video.splice.glasses import find_glasses
from afet_video.splice.rims import Rims, without_rims
from afet_video.video.decode import VideoReader

SCALE = 3
SPECTACLES = {
    "rectangular": Spectacles(exponent=3.2, half_height=0.17),
    "round": Spectacles(exponent=2.0, half_width=0.25, half_height=0.24, lower=0.03),
    "thin and light": Spectacles(thickness=0.012, color=(232, 226, 215), half_width=0.31),
    "thick": Spectacles(thickness=0.04, color=(20, 18, 25)),
}

Face = tuple[NDArray[np.uint8], NDArray[np.float32]]


@pytest.fixture(scope="module")
def faces(real_faces: Mapping[str, Any]) -> dict[str, Face]:
    """Faces of the sample at three times their size, and a photograph."""
    large = {}
    for name, face in real_faces.items():
        rgb = cv2.resize(face.rgb, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
        large[name] = rgb.astype(np.uint8), ((face.xyz[:, :2] + 0.5) * SCALE - 0.5).astype(np.float32)
    return large


def iod_of(xy: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(xy[facemesh.LEFT_EYE_OUTER] - xy[facemesh.RIGHT_EYE_OUTER]))


def off(course: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far each place of a course lies from the nearest one of the truth."""
    return np.asarray(np.linalg.norm(course[:, None] - truth[None], axis=2).min(axis=1), np.float32)


@pytest.mark.parametrize("kind", SPECTACLES)
@pytest.mark.parametrize("face", ["neutral", "brows"])
def test_rims_are_found_where_they_are(kind: str, face: str, faces: dict[str, Face]) -> None:
    rgb, xy = faces[face]
    courses = find_glasses(SPECTACLES[kind].on(rgb, xy).astype(np.float32), xy)
    assert len(courses) >= 3
    for course, truth in zip(courses[:2], SPECTACLES[kind].lenses(xy), strict=True):
        assert course.is_ring
        assert np.percentile(off(course.xy, truth), 90) < 0.015 * iod_of(xy)


def test_a_bare_face_has_none(faces: dict[str, Face], sample_pictures: NDArray[np.uint8]) -> None:
    for name, (rgb, xy) in faces.items():
        assert find_glasses(rgb.astype(np.float32), xy) == (), name
    photo = cv2.cvtColor(cv2.imread(str(Path(__file__).parents[2] / "samples" / "astronaut.png")), cv2.COLOR_BGR2RGB)
    with FaceLandmarker() as landmarker:
        assert find_glasses(photo.astype(np.float32), landmarker.detect_image(photo)[0].xyz[:, :2]) == ()
        for rgb in sample_pictures[40:400:90]:
            assert find_glasses(rgb.astype(np.float32), landmarker.detect_image(rgb)[0].xyz[:, :2]) == ()


def test_a_dark_outline_of_the_eye_is_no_lens(faces: dict[str, Face]) -> None:
    rgb, xy = faces["neutral"]
    sockets = Spectacles(exponent=2.0, half_width=0.16, half_height=0.09, thickness=0.03)
    assert find_glasses(sockets.on(rgb, xy).astype(np.float32), xy) == ()


def turned(rgb: NDArray[np.uint8], xy: NDArray[np.float32], degrees: float, size: float) -> Face:
    """The picture turned about its middle, and its landmarks."""
    by = cv2.getRotationMatrix2D((rgb.shape[1] / 2, rgb.shape[0] / 2), degrees, size)
    return (
        np.asarray(cv2.warpAffine(rgb, by, rgb.shape[1::-1], flags=cv2.INTER_LINEAR), np.uint8),
        (xy @ by[:, :2].T + by[:, 2]).astype(np.float32),
    )


def test_rims_go_with_the_head_and_stay_as_they_are(faces: dict[str, Face]) -> None:
    rgb, xy = faces["neutral"]
    glasses = SPECTACLES["rectangular"]
    rims = Rims.of(glasses.on(rgb, xy).astype(np.float32), xy)
    assert rims is not None
    frame, there = turned(glasses.on(rgb, xy), xy, 4.0, 0.95)
    current = frame.astype(np.float32)
    drift = np.float32([0.02, -0.015]) * iod_of(there)  # the landmarks are never quite where the glasses are
    cover = rims.over(Cover(None, current), current, there + drift)
    assert cover.mask is not None
    core = np.zeros(frame.shape[:2], np.uint8)
    for lens in glasses.lenses(there):
        cv2.polylines(core, [np.rint(lens).astype(np.int32)], True, 1, 1)
    assert np.mean(cover.mask[core > 0]) < 0.1  # the rims are what stays
    assert np.mean(cover.mask < 0.5) < 0.04  # and little else does
    dark = current[core > 0].mean()
    assert cover.clean[core > 0].mean() > dark + 40  # under them there is skin
    brighter = cover.keep(current, cover.clean + 20)
    assert np.abs(brighter[core > 0] - current[core > 0]).mean() < 3
    far = cv2.dilate(core, np.ones((41, 41), np.uint8)) == 0
    assert np.array_equal(cover.clean[far], current[far])


def test_glasses_that_were_taken_off_leave_nothing(faces: dict[str, Face]) -> None:
    rgb, xy = faces["neutral"]
    rims = Rims.of(SPECTACLES["round"].on(rgb, xy).astype(np.float32), xy)
    assert rims is not None
    bare = rgb.astype(np.float32)
    cover = Cover(None, bare)
    assert rims.over(cover, bare, xy) is cover


def test_a_neutral_is_shown_without_them(faces: dict[str, Face]) -> None:
    rgb, xy = faces["neutral"]
    worn = SPECTACLES["thick"].on(rgb, xy).astype(np.float32)
    rims = Rims.of(worn, xy)
    clean = without_rims(rims, worn, worn, xy)
    around = np.zeros(rgb.shape[:2], np.uint8)
    for lens in SPECTACLES["thick"].lenses(xy):
        cv2.polylines(around, [np.rint(lens).astype(np.int32)], True, 1, round(0.04 * iod_of(xy)))
    bare = np.abs(clean - rgb)[around > 0].mean()
    assert bare < 0.25 * np.abs(worn - rgb)[around > 0].mean()
    assert find_glasses(clean, xy) == ()
    assert without_rims(None, worn, worn, xy) is worn


def test_rims_do_not_sag_with_a_brow(sample_pictures: NDArray[np.uint8], tmp_path: Path) -> None:
    pictures = sample_pictures[40:80:4]
    with FaceLandmarker() as landmarker:
        landmarks = [landmarker.detect_image(rgb)[0].xyz[:, :2] for rgb in pictures]
    glasses = Spectacles(exponent=3.0, thickness=0.03, half_height=0.16)
    places = [carried(landmarks[0], xy) for xy in landmarks]
    worn = np.array([glasses.on(rgb, xy) for rgb, xy in zip(pictures, places, strict=True)])
    source = make_clip(tmp_path / "worn.mp4", ClipSpec(size_wh=(400, 300), frames=len(worn)), pictures=worn)
    before = [frame.rgb().astype(np.int16) for frame in VideoReader(source)]

    def change_at_rims(mask: str) -> float:
        settings = afet_video.replace_nested(ConvertSettings(), {"encode.lossless": True, "mask.kind": mask})
        settings = afet_video.replace_nested(settings, {"profile": afet_video.preset("hb6", side="left")})
        afet_video.convert(source, tmp_path / f"{mask}.mkv", settings=settings)
        change = []
        for old, frame, xy in zip(before, VideoReader(tmp_path / f"{mask}.mkv"), places, strict=True):
            core = np.zeros(old.shape[:2], np.uint8)
            cv2.polylines(core, [np.rint(glasses.lenses(xy)[0]).astype(np.int32)], True, 1, 1)
            change.append(np.abs(frame.rgb() - old)[core > 0].mean())
        return float(np.mean(change))

    assert change_at_rims("auto") < 0.35 * change_at_rims("off")
