"""What is painted for a frame lies where the head lies in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest
from fake_networks import FakeNetworks
from numpy.typing import NDArray

from afet_video.datatypes import Box, ByteArray, FloatArray
from afet_video.errors import FaceError
from afet_video.liveportrait import Portrait
from afet_video.liveportrait.algebra import Motion, resting_expression
from afet_video.liveportrait.reenactment import Reenactment, expression_change

SIDE = 400


def chart() -> ByteArray:
    """A picture that says where it is: red tells x, green tells y, blue is full."""
    ramp = np.linspace(0, 255, SIDE)
    picture = np.full((SIDE, SIDE, 3), 255.0)
    picture[..., 0], picture[..., 1] = ramp[None, :], ramp[:, None]
    return np.asarray(picture.round(), np.uint8)


@dataclass
class ChartNetworks(FakeNetworks):
    """Networks for charts: they read place, turn and size of the chart exactly, and paint it moved accordingly."""

    input_px: int = 256
    output_px: int = 256

    def motion(self, picture: ByteArray) -> Motion:
        y, x = np.nonzero(picture[..., 2] > 254)
        told = picture[y, x, :2] / 255.0
        places = np.column_stack([2 * (np.stack((x, y), axis=1) + 0.5) / self.input_px - 1, np.ones(len(x))])
        fit = np.linalg.lstsq(places, told, rcond=None)[0]
        to_lattice = np.linalg.inv(fit[:2])  # rows: (chart - fit[2]) @ to_lattice
        scale = float(np.sqrt(abs(np.linalg.det(to_lattice))))
        rotation = np.eye(3, dtype=np.float32)
        rotation[:2, :2] = to_lattice / scale
        points = np.random.default_rng(3).uniform(0.2, 0.8, (self.keypoints, 3)).astype(np.float32)
        nothing = np.zeros_like(points)
        return Motion(points, rotation, nothing, scale, np.asarray(-fit[2] @ to_lattice, np.float32))

    def paint(self, appearance: ByteArray, source: FloatArray, driving: FloatArray) -> ByteArray:
        pixels = [(points[:, :2].astype(np.float64) + 1) * self.output_px / 2 - 0.5 for points in (source, driving)]
        there = np.linalg.lstsq(np.column_stack([pixels[0], np.ones(len(source))]), pixels[1], rcond=None)[0].T
        return np.asarray(cv2.warpAffine(appearance, there, (self.output_px, self.output_px)), np.uint8)


def moved(xyz: FloatArray, turn_deg: float, scale: float) -> tuple[FloatArray, NDArray[np.float64]]:
    """Landmarks moved within the picture, and the map (2, 3) that did it."""
    move = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), turn_deg, scale)
    move[:, 2] += (11.0, -7.0)
    xy = xyz[:, :2] @ move[:, :2].T + move[:, 2]
    return np.column_stack([xy, xyz[:, 2]]).astype(np.float32), move


@pytest.mark.parametrize(("turn_deg", "scale"), [(0.0, 1.0), (18.0, 0.9), (-25.0, 1.15)])
@pytest.mark.parametrize("expression", ["neutral", "jaw"])
def test_a_head_that_moved_is_painted_where_it_is(
    real_faces: Mapping[str, Any], expression: str, turn_deg: float, scale: float
) -> None:
    """The open jaw makes the crop larger: M sees the head smaller there, and so it is painted."""
    networks, resting = ChartNetworks(), chart()
    face = Reenactment(networks, Portrait(resting, real_faces["neutral"].xyz))
    xyz, move = moved(real_faces[expression].xyz, turn_deg, scale)
    frame = cv2.warpAffine(resting, move, (SIDE, SIDE), flags=cv2.INTER_LINEAR).astype(np.uint8)
    head = face.look(Portrait(frame, xyz))
    ((_, picture),) = face.intermediates(head, [1.0])
    laid, share = head.crop.laid_in(picture, Box(0, 0, SIDE, SIDE))
    # where both the frame and the resting frame's crop have something to show
    known = (share > 0.99) & (frame[..., 2] > 254) & (laid[..., 2] > 254)
    known = cv2.erode(known.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert known.sum() > 0.12 * SIDE * SIDE
    difference = np.abs(laid[known].astype(int) - frame[known].astype(int))
    assert difference.max() <= 2  # of 255 levels for 400 pixels: about three pixels
    assert difference.mean() < 0.6


def test_the_ends_are_rest_and_the_frames_own_expression(real_faces: Mapping[str, Any]) -> None:
    networks = FakeNetworks()
    redder = real_faces["neutral"].rgb.copy()
    redder[..., 0] = 200
    face = Reenactment(networks, Portrait(real_faces["neutral"].rgb, real_faces["neutral"].xyz))
    head = face.look(Portrait(redder, real_faces["neutral"].xyz))
    pictures = [picture for _, picture in face.intermediates(head, [0.0, 0.5, 1.0])]
    rest, middle, apex = networks.painted
    np.testing.assert_allclose(apex - rest, 2 * (middle - rest), atol=1e-6)
    assert np.abs(apex - rest).min() > 0.1
    assert pictures[0].mean() > pictures[1].mean() > pictures[2].mean()
    np.testing.assert_array_equal(face.with_added(head, np.zeros_like(rest)), pictures[0])
    assert networks.asked == []  # S would fit the head into another frame's place


def test_what_a_picture_adds_is_its_difference_from_rest(real_faces: Mapping[str, Any]) -> None:
    networks = FakeNetworks()
    red = np.full_like(real_faces["jaw"].rgb, 0)
    red[..., 0] = 102
    change = expression_change(networks, Portrait(red, real_faces["jaw"].xyz))
    np.testing.assert_allclose(change, 0.4 - resting_expression(), atol=1e-6)


def test_a_face_too_small_is_refused(real_faces: Mapping[str, Any]) -> None:
    small = real_faces["neutral"].xyz / 12
    with pytest.raises(FaceError, match="pixels large"):
        Reenactment(FakeNetworks(), Portrait(real_faces["neutral"].rgb, small))


@pytest.mark.needs("torch")
def test_tiny_networks_paint_a_face_that_does_not_move_as_it_is(
    real_faces: Mapping[str, Any], tiny_modules: Any, tiny: Any
) -> None:
    from afet_video.liveportrait.torch_backend import TorchNetworks

    networks = TorchNetworks(tiny_modules, tiny, device="cpu")
    resting = Portrait(real_faces["neutral"].rgb, real_faces["neutral"].xyz)
    face = Reenactment(networks, resting)
    pictures = [picture for _, picture in face.intermediates(face.look(resting), [0.0, 0.3, 1.0])]
    for picture in pictures[1:]:
        assert np.abs(picture.astype(int) - pictures[0].astype(int)).max() <= 1
    smile = face.look(Portrait(real_faces["smile"].rgb, real_faces["smile"].xyz))
    rest, apex = (picture.astype(int) for _, picture in face.intermediates(smile, [0.0, 1.0]))
    assert np.abs(apex - rest).max() > 2
