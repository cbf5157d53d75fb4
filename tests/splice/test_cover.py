"""What covers the face stays, to the bit; a face that nothing covers is left to the splice."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import afet_video
from afet_video import facemesh
from afet_video.errors import SettingsError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.splice.cover import FaceCover, MaskSettings

Frame = tuple[NDArray[np.float32], NDArray[np.float32]]  # rectangle (h, w, 3), landmarks in it (478, 2)


def cut(rgb: Any, xyz: Any) -> Frame:
    """The rectangle of a face, and its landmarks there."""
    low = np.floor(xyz[:, :2].min(axis=0)).astype(int) - 3
    high = np.ceil(xyz[:, :2].max(axis=0)).astype(int) + 4
    return np.asarray(rgb[low[1] : high[1], low[0] : high[0]], np.float32), (xyz[:, :2] - low).astype(np.float32)


@pytest.fixture(scope="module")
def clip(sample_pictures: NDArray[np.uint8]) -> list[Frame]:
    """Every third frame of brow raise, smile and open jaw."""
    with FaceLandmarker() as landmarker:
        found = [(rgb, landmarker.detect_image(rgb)[0].xyz) for rgb in sample_pictures[60:330:3]]
    return [cut(rgb, xyz) for rgb, xyz in found]


@pytest.fixture
def cover(real_faces: Mapping[str, Any]) -> FaceCover:
    return FaceCover(*cut(real_faces["neutral"].rgb, real_faces["neutral"].xyz), MaskSettings())


def bar(frame: Frame, *, width: int = 9) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The picture with a dark bar over the subject's left cheek, and where it lies."""
    rgb, xy = frame
    where = np.zeros(rgb.shape[:2], np.uint8)
    start, end = (np.round(xy[i]).astype(int).tolist() for i in (347, 364))
    cv2.line(where, start, end, 1, width)
    return np.where(where[..., None] > 0, np.float32([35, 32, 38]), rgb), where > 0


def inner(frame: Frame) -> NDArray[np.bool_]:
    """The face without its outermost sixth, where hair and background begin."""
    return filled(frame, facemesh.FACE_OVAL, 0.85) > 0


def filled(frame: Frame, points: Sequence[int], share: float = 1.0) -> NDArray[np.uint8]:
    """1 inside the outline of those landmarks, drawn together towards its middle."""
    outline = frame[1][list(points)]
    middle = outline.mean(axis=0)
    picture = np.zeros(frame[0].shape[:2], np.uint8)
    cv2.fillPoly(picture, [np.round(middle + share * (outline - middle)).astype(np.int32)], 1)
    return picture


def test_expressions_are_not_taken_for_cover(clip: list[Frame], cover: FaceCover) -> None:
    for number, frame in enumerate(clip):
        found = cover.find(*frame, number * 0.12)
        if found.mask is not None:
            assert found.mask.shape == frame[0].shape[:2]
            assert found.mask.dtype == np.float32
            assert (1 - found.mask[inner(frame)]).mean() < 0.01


def test_what_is_covered_stays_to_the_bit(clip: list[Frame], cover: FaceCover) -> None:
    frame = clip[40]
    rgb, where = bar(frame)
    found = cover.find(rgb, frame[1], 0.0)
    assert found.mask is not None
    assert found.mask.min() == 0
    assert found.mask.max() == 1
    assert (found.mask[where] == 0).all()
    result = found.keep(rgb, found.clean + 20)
    np.testing.assert_array_equal(result[where], rgb[where])
    near = cv2.dilate(where.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    untouched = inner(frame) & ~near
    np.testing.assert_allclose(result[untouched], rgb[untouched] + 20, atol=1e-3)


def test_the_skin_under_it_is_skin(clip: list[Frame], cover: FaceCover) -> None:
    frame = clip[40]
    rgb, where = bar(frame)
    found = cover.find(rgb, frame[1], 0.0)
    assert np.abs(found.clean[where] - frame[0][where]).mean() < 12
    assert np.abs(rgb[where] - frame[0][where]).mean() > 60


def test_what_covers_chin_and_a_part_of_the_lips_stays_there_too(clip: list[Frame], cover: FaceCover) -> None:
    frame = clip[40]
    where = np.zeros(frame[0].shape[:2], np.uint8)
    lip, chin = frame[1][17], frame[1][175]
    radius = float(np.linalg.norm(lip - chin))
    cv2.circle(where, np.round(lip + np.float32([0.3, 0.7]) * radius).astype(int).tolist(), round(radius), 1, -1)
    rgb = np.where(where[..., None] > 0, np.float32([35, 32, 38]), frame[0])
    on_lips = (where > 0) & (filled(frame, facemesh.LIPS_OUTER) > 0)
    assert on_lips.sum() > 20
    found = cover.find(rgb, frame[1], 0.0)
    assert found.mask is not None
    assert (found.mask[on_lips] == 0).all()
    assert (found.mask[(where > 0) & inner(frame)] == 0).all()
    free = (filled(frame, facemesh.LIPS_OUTER) > 0) & (cv2.dilate(where, np.ones((15, 15), np.uint8)) == 0)
    assert found.mask[free].min() == 1, "the rest of the lips is no part of it"
    hidden = found.hidden(frame[1][[17, 0]])
    assert hidden.tolist() == [True, False]


def test_a_shadow_that_touches_the_lips_does_not_cover_them(clip: list[Frame], cover: FaceCover) -> None:
    """In dim light the skin under the nose may be dark enough to be taken for something; lips are as dark as it is."""
    frame = clip[40]
    where = np.zeros(frame[0].shape[:2], np.uint8)
    under_nose = np.round(frame[1][[98, 327, 270, 269, 267, 0, 37, 39, 40]]).astype(np.int32)
    cv2.fillConvexPoly(where, cv2.convexHull(under_nose), 1)
    rgb = np.where(where[..., None] > 0, np.float32(0.6) * frame[0], frame[0])
    left, top = np.round(frame[1][164]).astype(int) - 1
    rgb[top : top + 3, left : left + 3] *= 0.4
    found = cover.find(rgb, frame[1], 0.0)
    assert found.mask is not None
    assert found.mask[top + 1, left + 1] == 0, "what is that dark is taken for cover, and the shadow around it too"
    lips = filled(frame, facemesh.LIPS_OUTER, 0.8) > 0
    assert (found.mask[lips] < 0.5).mean() < 0.05


def test_a_hair_is_found(clip: list[Frame], cover: FaceCover) -> None:
    frame = clip[40]
    rgb, where = bar(frame, width=2)
    found = cover.find(rgb, frame[1], 0.0)
    assert found.mask is not None
    assert (found.mask[where] == 0).mean() > 0.95


def test_a_hair_in_the_neutral_excuses_none(clip: list[Frame], real_faces: Mapping[str, Any]) -> None:
    neutral = cut(real_faces["neutral"].rgb, real_faces["neutral"].xyz)
    with_hair, where = bar(neutral, width=2)
    cover = FaceCover(with_hair, neutral[1], MaskSettings())
    hair = np.abs(with_hair[where] - neutral[0][where]).mean()
    assert np.abs(cover.of_neutral().clean[where] - neutral[0][where]).mean() < 0.3 * hair
    rgb, where = bar(clip[40], width=2)
    found = cover.find(rgb, clip[40][1], 0.0)
    assert found.mask is not None
    assert (found.mask[where] == 0).mean() > 0.9


def test_it_does_not_flicker(clip: list[Frame], cover: FaceCover) -> None:
    """The same face with the same bar in slightly different light and noise: the mask holds still."""
    frame = clip[40]
    rgb, where = bar(frame)
    random = np.random.default_rng(5)
    masks = []
    for number in range(12):
        noisy = rgb * np.float32(1 + 0.03 * np.sin(number)) + random.normal(0, 2, rgb.shape).astype(np.float32)
        found = cover.find(noisy, frame[1], number / 30)
        assert found.mask is not None
        masks.append(found.mask)
        assert (found.mask[where] == 0).all()
    change = np.abs(np.diff(np.array(masks), axis=0))
    assert change[:, inner(frame)].mean() < 0.002


def test_a_hand_of_the_face_s_own_colour(clip: list[Frame], cover: FaceCover) -> None:
    frame = clip[40]
    wrist = frame[1][365] - [10, 0]
    fingers = np.array([(x, -18.0 - 6 * joint) for x in (-12, -6, 0, 6, 12) for joint in range(4)])
    hand = np.concatenate([[wrist], wrist + fingers]).astype(np.float32)
    alone = cover.find(*frame, 0.0)
    found = cover.find(*frame, 5.0, hands=hand[None])
    at = np.round(hand[5:]).astype(int)
    at = at[inner(frame)[at[:, 1], at[:, 0]]]
    assert len(at) > 4
    assert alone.mask is None or alone.mask[at[:, 1], at[:, 0]].mean() > 0.9
    assert found.mask is not None
    assert (found.mask[at[:, 1], at[:, 0]] == 0).all()


def test_off_looks_for_nothing(clip: list[Frame], real_faces: Mapping[str, Any]) -> None:
    cover = FaceCover(*cut(real_faces["neutral"].rgb, real_faces["neutral"].xyz), MaskSettings("off"))
    rgb, _ = bar(clip[40])
    found = cover.find(rgb, clip[40][1], 0.0)
    assert found.mask is None
    assert found.clean is rgb
    assert found.keep(rgb, rgb + 1) is not rgb


def test_unknown_settings_are_an_error() -> None:
    with pytest.raises(SettingsError, match="choose auto or off"):
        MaskSettings("on")


def test_end_to_end(clip: list[Frame], sample_pictures: NDArray[np.uint8], tmp_path: Path) -> None:
    """A bar over the cheek of a smiling face is the same before and after; the face around it is not."""
    with FaceLandmarker() as landmarker:
        xyz = landmarker.detect_image(sample_pictures[184])[0].xyz
    where = np.zeros((300, 400), np.uint8)
    start, end = (np.round(xyz[i, :2]).astype(int).tolist() for i in (347, 364))
    cv2.line(where, start, end, 1, 9)
    frames = np.concatenate([sample_pictures[315:327], sample_pictures[176:190]])
    source, target = tmp_path / "bar.mkv", tmp_path / "palsy.mkv"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 400, 300, "yuv420p"
        for number, rgb in enumerate(frames):
            painted = np.where((where[..., None] > 0) & (number >= 12), np.uint8([35, 32, 38]), rgb)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(painted, format="rgb24")))
        container.mux(stream.encode(None))
    settings = afet_video.load_settings(afet_video.ConvertSettings, _settings(tmp_path))
    afet_video.convert(source, target, settings=settings)
    before, after = (_pictures(path)[20] for path in (source, target))
    surely = cv2.erode(where, np.ones((3, 3), np.uint8)) > 0
    np.testing.assert_array_equal(after[surely], before[surely])
    assert (before != after).any(axis=2).sum() > 300


def _settings(folder: Path) -> Path:
    path = folder / "settings.toml"
    path.write_text('[neutral]\nchoice = "frame:5"\n[encode]\nlossless = true\n')
    return path


def _pictures(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_what_it_remembers_can_be_taken_out_and_put_back(clip: list[Frame], real_faces: Mapping[str, Any]) -> None:
    one, other, fresh = (
        FaceCover(*cut(real_faces["neutral"].rgb, real_faces["neutral"].xyz), MaskSettings()) for _ in range(3)
    )
    assert one.remembered() == {}
    xy = clip[40][1]
    one.find(bar(clip[40])[0], xy, 1.0)
    other.recall(one.remembered())
    faint = (bar(clip[40])[0] + 2 * clip[40][0]) / 3  # enough where it was covered a moment ago, and else not
    after, again, alone = (cover.find(faint, xy, 1.04).mask for cover in (one, other, fresh))
    assert after is not None
    assert again is not None
    assert np.array_equal(after, again)
    assert alone is None or not np.array_equal(alone, after), "the frame before counts here"
    other.recall({})
    assert other.remembered() == {}
