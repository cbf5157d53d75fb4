"""Two faces in memory become one with a palsy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import PalsyProfile, Side
from afet_video.errors import NoFaceError, SettingsError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.pose import interocular_px
from afet_video.image_files import Picture
from afet_video.passes.settings import ConvertSettings
from afet_video.stills import Face, SplicedStill, find_face, splice_faces
from afet_video.stills.frame import PictureFrame
from afet_video.stills.splicer import _turn_warning

LEFT, RIGHT = facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE


def settings(**profile: object) -> ConvertSettings:
    return ConvertSettings(profile=PalsyProfile(**profile))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def smile(faces: Mapping[str, Face]) -> SplicedStill:
    return splice_faces(faces["neutral"], faces["smile"], ConvertSettings())


def moved(still: SplicedStill) -> NDArray[np.float32]:
    """How far each landmark went, in inter-ocular distances."""
    size: NDArray[np.float32] = np.linalg.norm((still.output_xyz - still.source_xyz)[:, :2], axis=1)
    return size / float(interocular_px(still.source_xyz))


def test_the_affected_corner_of_the_mouth_goes_back_and_the_healthy_one_stays(smile: SplicedStill) -> None:
    assert moved(smile)[LEFT] > 0.05
    assert moved(smile)[RIGHT] == 0.0
    assert smile.strength == pytest.approx(1.0)
    assert smile.warnings == ()


def test_the_healthy_half_and_what_lies_beyond_the_face_keep_their_pixels(
    smile: SplicedStill, faces: Mapping[str, Face]
) -> None:
    before, after = faces["smile"].picture.rgb, smile.picture.rgb
    changed = np.argwhere((before != after).any(axis=2))
    assert len(changed) > 500
    low, high = smile.source_xyz[:, :2].min(axis=0) - 8, smile.source_xyz[:, :2].max(axis=0) + 8
    assert (changed[:, ::-1] >= low).all()
    assert (changed[:, ::-1] <= high).all()
    ramp = 0.2 * (high - low)[0]
    assert (changed[:, 1] > smile.midline.x_at(changed[:, 0]) - ramp).all()


def test_the_affected_half_looks_like_the_neutral(smile: SplicedStill, faces: Mapping[str, Face]) -> None:
    """Detected again, the affected corner lies nearer to its rest than in the source: the pixels moved as well."""
    with FaceLandmarker() as landmarker:
        seen = find_face(smile.picture, landmarker).landmarks.xyz
    source, truth = smile.source_xyz[LEFT, :2], smile.output_xyz[LEFT, :2]
    way = (truth - source) / np.linalg.norm(truth - source)
    assert (seen[LEFT, :2] - source) @ way > 0.3 * np.linalg.norm(truth - source)


def test_other_side(faces: Mapping[str, Face]) -> None:
    still = splice_faces(faces["neutral"], faces["smile"], settings(side=Side.RIGHT))
    assert moved(still)[RIGHT] > 0.05
    assert moved(still)[LEFT] == 0.0


def test_nothing_changes_without_an_expression_or_with_all_movement_kept(faces: Mapping[str, Face]) -> None:
    same = splice_faces(faces["neutral"], faces["neutral"], ConvertSettings())
    assert moved(same).max() < 0.005
    assert np.abs(same.picture.rgb.astype(int) - faces["neutral"].picture.rgb).max() <= 2
    kept = splice_faces(faces["neutral"], faces["smile"], settings(movement_kept=1.0))
    assert np.array_equal(kept.picture.rgb, faces["smile"].picture.rgb)


def test_half_of_the_movement_kept_is_half_of_the_way(smile: SplicedStill, faces: Mapping[str, Face]) -> None:
    half = splice_faces(faces["neutral"], faces["smile"], settings(movement_kept=0.5))
    assert moved(half)[LEFT] == pytest.approx(0.5 * moved(smile)[LEFT], rel=0.02)


def test_the_neutral_may_be_larger_and_lie_elsewhere(smile: SplicedStill, faces: Mapping[str, Face]) -> None:
    neutral = faces["neutral"]
    wide = cv2.copyMakeBorder(neutral.picture.rgb, 30, 0, 50, 0, cv2.BORDER_REPLICATE)
    rgb = np.asarray(cv2.resize(wide, None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC), np.uint8)
    shift = np.array([50, 30, 0], np.float32)
    xyz = (neutral.landmarks.xyz + shift + 0.5) * 2 - 0.5
    larger = Face(Picture(rgb), replace(neutral.landmarks, xyz=xyz.astype(np.float32)))
    still = splice_faces(larger, faces["smile"], ConvertSettings())
    assert still.picture.rgb.shape == faces["smile"].picture.rgb.shape
    assert np.abs(still.output_xyz - smile.output_xyz)[:, :2].max() < 1.0
    difference = np.abs(still.picture.rgb.astype(int) - smile.picture.rgb)
    assert difference.mean() < 0.5


def test_transparency_of_the_expression_is_kept(faces: Mapping[str, Face]) -> None:
    picture = faces["smile"].picture
    alpha = np.full(picture.rgb.shape[:2], 255, np.uint8)
    alpha[:20] = 0
    still = splice_faces(
        faces["neutral"], Face(replace(picture, alpha=alpha), faces["smile"].landmarks), ConvertSettings()
    )
    assert still.picture.alpha is alpha


def test_interchanged_pictures_are_noticed(faces: Mapping[str, Face]) -> None:
    still = splice_faces(faces["smile"], faces["neutral"], ConvertSettings())
    assert any("interchanged" in warning for warning in still.warnings)


def test_a_neutral_that_smiles_is_warned_of(faces: Mapping[str, Face]) -> None:
    still = splice_faces(faces["smile"], faces["smile"], ConvertSettings())
    assert any("no face at rest, it smiles" in warning for warning in still.warnings)
    still = splice_faces(faces["neutral"], faces["smile"], ConvertSettings())
    assert not any("at rest" in warning for warning in still.warnings)


def test_a_face_cut_by_the_edge_is_refused(faces: Mapping[str, Face]) -> None:
    face = faces["smile"]
    cut = int(face.landmarks.xyz[:, 0].mean())
    narrow = Face(Picture(np.ascontiguousarray(face.picture.rgb[:, :cut]), name="cut.png"), face.landmarks)
    with pytest.raises(NoFaceError, match=r"cut\.png: this view cannot carry a palsy"):
        splice_faces(faces["neutral"], narrow, ConvertSettings())


def test_which_face(still_pictures: Mapping[str, Picture], landmarker: FaceLandmarker) -> None:
    both = np.concatenate([still_pictures["neutral"].rgb, still_pictures["smile"].rgb], axis=1)
    two = Picture(both, name="two.png")
    with pytest.raises(NoFaceError, match=r"two\.png: 2 faces \(at .*\): say which one with --face"):
        find_face(two, landmarker)
    middle = {which: find_face(two, landmarker, which=which).landmarks.xyz[:, 0].mean() for which in ("0", "1")}
    assert middle["0"] < 400 < middle["1"]
    assert find_face(two, landmarker, which="600,150").landmarks.xyz[:, 0].mean() == middle["1"]
    with pytest.raises(NoFaceError, match="there is no face 2, it shows 2"):
        find_face(two, landmarker, which="2")
    with pytest.raises(SettingsError, match="give largest"):
        find_face(two, landmarker, which="all")


def test_no_face_and_a_tiny_one(still_pictures: Mapping[str, Picture], landmarker: FaceLandmarker) -> None:
    with pytest.raises(NoFaceError, match=r"grey\.png: no face found"):
        find_face(Picture(np.full((200, 200, 3), 128, np.uint8), name="grey.png"), landmarker)
    rgb = np.asarray(cv2.resize(still_pictures["smile"].rgb, (80, 60), interpolation=cv2.INTER_AREA), np.uint8)
    with pytest.raises(NoFaceError, match=r"tiny\.png: the face is too small"):
        find_face(Picture(rgb, name="tiny.png"), landmarker)


def test_a_picture_behaves_as_a_frame() -> None:
    rgb = np.arange(20 * 30 * 3, dtype=np.uint32).reshape(20, 30, 3).astype(np.uint8)
    frame = PictureFrame(rgb)
    from afet_video.datatypes import Box

    box = Box(3, 4, 9, 12)
    before = frame.read_box(box)
    assert np.array_equal(before, rgb[4:12, 3:9].astype(np.float32))
    frame.write_box(box, before, before + 0.4)
    assert np.array_equal(frame.rgb(), rgb)
    frame.write_box(box, before, before + 1.6)
    expected = rgb.copy()
    expected[4:12, 3:9] = np.minimum(rgb[4:12, 3:9].astype(int) + 2, 255)
    assert np.array_equal(frame.rgb(), expected)
    assert frame.rgb(max_side=15).shape == (10, 15, 3)
    assert np.array_equal(
        PictureFrame(np.full((4, 4, 3), 77, np.uint8)).read_luma(Box(0, 0, 4, 4)).round(), np.full((4, 4), 77)
    )


def test_a_head_that_is_turned_far_against_the_neutral_is_worth_a_look() -> None:
    assert _turn_warning((3.0, -4.0)) == []
    (warning,) = _turn_warning((-9.0, 12.0))
    assert "turned by 15 degrees" in warning
