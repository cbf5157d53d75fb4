"""Stored values to RGB and back, against swscale and against the definition of YUV."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from synthetic import frame_planes, picture

from afet_video.datatypes import Box, Timestamp
from afet_video.video.frame import Orientation, StoredFrame, nearest_format

FORMATS = [
    *("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv420p10le", "yuv422p10le", "yuv444p12le"),
    *("yuv444p16le", "gray", "gray10le", "gbrp", "gbrp10le", "rgb24", "bgr24", "bgr0"),
]


def stored_frame(
    pixel_format: str,
    size_wh: tuple[int, int] = (96, 64),
    *,
    space: int = 6,
    color_range: int = 1,
    orientation: Orientation = Orientation(),  # noqa: B008
) -> StoredFrame:
    if pixel_format.startswith(("gbrp", "rgb", "bgr", "yuvj")):
        color_range = 2
    swscale = {1: 1, 6: 5, 9: 9}[space]
    made = av.VideoFrame.from_ndarray(picture(3, size_wh), format="rgb24").reformat(
        format=pixel_format, dst_colorspace=swscale, src_color_range=2, dst_color_range=color_range
    )
    made.colorspace, made.color_range = space, color_range
    return StoredFrame(made, index=0, timestamp=Timestamp(0, Fraction(1, 25)), duration=1, orientation=orientation)


def whole(frame: StoredFrame) -> Box:
    return Box(0, 0, *frame.size_wh)


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_read_box_gives_the_picture_that_was_stored(pixel_format: str) -> None:
    frame = stored_frame(pixel_format)
    expected = picture(3, (96, 64)).astype(np.float32)
    if pixel_format.startswith("gray"):
        expected = np.repeat((expected @ np.float32([0.299, 0.587, 0.114]))[..., None], 3, axis=2)
    error = np.abs(frame.read_box(whole(frame)) - expected)
    # chroma is stored for blocks of pixels: at the disc's edge it cannot come back exactly
    assert error.mean() < 1.0
    assert np.quantile(error, 0.9) < (1.6 if "411" not in pixel_format else 3.0)


@pytest.mark.parametrize("space", [1, 6, 9])
@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p10le"])
def test_read_box_agrees_with_swscale(pixel_format: str, space: int, color_range: int) -> None:
    frame = stored_frame(pixel_format, space=space, color_range=color_range)
    mine = frame.read_box(whole(frame))
    theirs = frame.rgb().astype(np.float32)
    # theirs is rounded to whole levels
    assert np.abs(mine - theirs).mean() < 0.5
    assert np.quantile(np.abs(mine - theirs), 0.99) < 1.5


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("size_wh", [(96, 64), (95, 63)])
def test_no_change_leaves_every_stored_value(pixel_format: str, size_wh: tuple[int, int]) -> None:
    frame = stored_frame(pixel_format, size_wh)
    planes = frame_planes(frame.stored)
    rng = np.random.default_rng(1)
    for box in (whole(frame), Box(3, 5, 40, 32), Box(10, 10, 11, 11)):
        seen = frame.read_box(box)
        frame.write_box(box, seen, seen)
        other = rng.uniform(0, 255, seen.shape).astype(np.float32)
        frame.write_box(box, other, other)
    assert all(np.array_equal(a, b) for a, b in zip(planes, frame_planes(frame.stored), strict=True))


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("size_wh", [(96, 64), (95, 63)])
def test_a_change_lands_where_it_should_and_nowhere_else(pixel_format: str, size_wh: tuple[int, int]) -> None:
    frame = stored_frame(pixel_format, size_wh)
    before_all = frame.read_box(whole(frame))
    box = Box(17, 9, size_wh[0], size_wh[1])
    before = frame.read_box(box)
    after = before + np.float32([20, -10, 15])
    frame.write_box(box, before, after)
    change = frame.read_box(whole(frame)) - before_all
    expected = np.float32([20, -10, 15])
    if pixel_format.startswith("gray"):
        expected = np.repeat(expected @ np.float32([0.299, 0.587, 0.114]), 3)
    # two chroma samples away from the border of the box all neighbors have changed alike
    inside = change[9 + 8 :, 17 + 8 :]
    assert np.abs(inside - expected).max() < 2.6
    assert np.abs(inside - expected).mean() < 1.0
    assert np.abs(change[: 9 - 4]).max() == 0
    assert np.abs(change[:, : 17 - 8]).max() == 0


def test_luma_outside_the_box_is_untouched_to_the_pixel() -> None:
    frame = stored_frame("yuv420p")
    luma = frame_planes(frame.stored)[0].astype(int)
    box = Box(11, 7, 31, 23)
    before = frame.read_box(box)
    frame.write_box(box, before, before * 0.5)
    changed = frame_planes(frame.stored)[0].astype(int) != luma
    assert changed[7:23, 11:31].all()
    changed[7:23, 11:31] = False
    assert not changed.any()


def test_a_chroma_sample_takes_the_mean_change_of_its_block() -> None:
    frame = stored_frame("yuv420p")
    cr = frame_planes(frame.stored)[2].astype(int)
    box = Box(20, 20, 21, 21)  # one pixel of the block of four
    before = np.full((1, 1, 3), 100, np.float32)
    after = before + np.float32([80, 0, 0])
    frame.write_box(box, before, after)
    moved = frame_planes(frame.stored)[2].astype(int) - cr
    assert moved[10, 10] == round(80 * 0.5 * 224 / 255 / 4)
    assert np.count_nonzero(moved) == 1


def test_values_stay_within_the_codes_of_the_depth() -> None:
    for pixel_format, top in (("yuv420p", 255), ("yuv420p10le", 1023), ("gbrp", 255)):
        frame = stored_frame(pixel_format)
        for sign in (1, -1):
            before = np.full((64, 96, 3), 100, np.float32)
            frame.write_box(whole(frame), before, before + sign * 2000)
            dtype = np.uint16 if top > 255 else np.uint8
            luma = frame_planes(frame.stored)[0].view(dtype)
            assert (luma == (top if sign > 0 else 0)).all()


def test_gray_levels_of_ten_bit_keep_their_fractions() -> None:
    frame = stored_frame("yuv444p10le")
    seen = frame.read_box(whole(frame))
    assert np.abs(seen - np.round(seen)).max() > 0.2


@pytest.mark.parametrize("orientation", [Orientation(t, c, r) for t in (0, 1) for c in (0, 1) for r in (0, 1)])
def test_boxes_are_upright_in_every_orientation(orientation: Orientation) -> None:
    plain, turned = stored_frame("yuv420p"), stored_frame("yuv420p", orientation=orientation)
    picture_upright = orientation.upright(plain.read_box(whole(plain)))
    assert turned.size_wh == picture_upright.shape[1::-1]
    box = Box(7, 11, 40, 36)
    seen = turned.read_box(box)
    np.testing.assert_array_equal(seen, picture_upright[11:36, 7:40])
    np.testing.assert_allclose(turned.rgb(), orientation.upright(plain.rgb()))
    after = seen.copy()
    after[:8] += 50  # the upper rows of the upright box only
    turned.write_box(box, seen, after)
    change = turned.read_box(whole(turned)) - picture_upright
    assert change[13:17, 10:38].mean() > 45
    assert abs(change[22:]).max() == 0


LUMA_WEIGHTS = {1: (0.2126, 0.7152, 0.0722), 6: (0.299, 0.587, 0.114), 9: (0.2627, 0.678, 0.0593)}


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("space", [1, 6, 9])
def test_read_luma_is_the_luma_of_read_box(pixel_format: str, color_range: int, space: int) -> None:
    frame = stored_frame(pixel_format, space=space, color_range=color_range)
    for box in (whole(frame), Box(11, 7, 40, 32), Box(95, 63, 96, 64)):
        luma = frame.read_luma(box)
        assert luma.dtype == np.float32
        assert luma.shape == (box.y1 - box.y0, box.x1 - box.x0)
        assert np.abs(luma - frame.read_box(box) @ np.float32(LUMA_WEIGHTS[space])).max() < 1.0


@pytest.mark.parametrize("orientation", [Orientation(t, c, r) for t in (0, 1) for c in (0, 1) for r in (0, 1)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "rgb24", "gray"])
def test_luma_is_upright_in_every_orientation(pixel_format: str, orientation: Orientation) -> None:
    turned = stored_frame(pixel_format, orientation=orientation)
    plain = stored_frame(pixel_format)
    upright = orientation.upright(plain.read_luma(whole(plain)))
    box = Box(7, 11, 40, 36)
    np.testing.assert_array_equal(turned.read_luma(box), upright[11:36, 7:40])
    assert np.abs(turned.read_luma(box) - turned.read_box(box) @ np.float32(LUMA_WEIGHTS[6])).max() < 1.0


def test_reading_luma_changes_nothing_and_sees_what_was_written() -> None:
    frame = stored_frame("yuv420p")
    planes = frame_planes(frame.stored)
    before = frame.read_luma(whole(frame))
    assert all(np.array_equal(a, b) for a, b in zip(planes, frame_planes(frame.stored), strict=True))
    box = Box(20, 20, 40, 40)
    seen = frame.read_box(box)
    frame.write_box(box, seen, seen + 30)
    change = frame.read_luma(whole(frame)) - before
    assert np.abs(change[20:40, 20:40] - 30).max() < 1.0
    change[20:40, 20:40] = 0
    assert not change.any()
    with pytest.raises(ValueError, match="rectangle"):
        frame.read_luma(Box(0, 0, 97, 10))


def test_wrong_boxes_and_shapes_are_refused() -> None:
    frame = stored_frame("yuv420p")
    with pytest.raises(ValueError, match="rectangle"):
        frame.read_box(Box(0, 0, 97, 10))
    with pytest.raises(ValueError, match="shape"):
        frame.write_box(Box(0, 0, 10, 10), np.zeros((10, 9, 3), np.float32), np.zeros((10, 9, 3), np.float32))


@pytest.mark.parametrize(
    ("odd", "held"),
    [
        *(("nv12", "yuv420p"), ("p010le", "yuv420p10le"), ("yuyv422", "yuv422p"), ("pal8", "gbrp"), ("rgba", "gbrp")),
        *(("yuva420p", "yuv420p"), ("yuv420p10be", "yuv420p10le"), ("gray", "gray"), ("yuvj422p", "yuvj422p")),
        *(("gbrp10le", "gbrp10le"), ("yuv420p9le", "yuv420p9le"), ("monob", "gray"), ("rgb48le", "gbrp16le")),
    ],
)
def test_nearest_format(odd: str, held: str) -> None:
    assert nearest_format(av.VideoFormat(odd)) == held
