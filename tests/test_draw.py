from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest

from afet_video.datatypes import DIGITAL_SOURCE_TYPE, Midline
from afet_video.draw import (
    SheetSample,
    Tile,
    before_after_sheet,
    contact_sheet,
    draw_contours,
    draw_landmarks,
    draw_midline,
    write_png,
)
from afet_video.draw.sheets import BACKGROUND, PLATE
from afet_video.errors import OutputError
from afet_video.facemesh import LEFT_EYE, LEFT_EYE_OUTER, LIPS_OUTER, RIGHT_EYE_OUTER

RED = (255, 0, 0)


def plain(height, width, color=(60, 70, 80)):
    return np.full((height, width, 3), color, np.uint8)


def read_png(path):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def face(center=(320, 240), size=100.0):
    """478 points around a centre; outer canthi `size` apart, lips below."""
    rng = np.random.default_rng(0)
    xyz = np.zeros((478, 3), np.float32)
    xyz[:, :2] = center + rng.uniform(-0.8, 0.8, (478, 2)) * size
    xyz[RIGHT_EYE_OUTER, :2] = center[0] - size / 2, center[1] - 0.3 * size
    xyz[LEFT_EYE_OUTER, :2] = center[0] + size / 2, center[1] - 0.3 * size
    angle = np.linspace(0, 2 * np.pi, len(LIPS_OUTER), endpoint=False)
    xyz[list(LIPS_OUTER), :2] = np.stack([np.cos(angle) * 0.3, np.sin(angle) * 0.1 + 0.5], 1) * size + center
    return xyz


# ---- overlays


def test_a_dot_lands_on_its_point():
    rgb = plain(60, 80)
    out = draw_landmarks(rgb, np.array([[20.0, 10.0, 5.0], [np.nan, 30.0, 0.0], [50.25, 40.5, 0.0]]), color=RED)
    assert out.shape == rgb.shape and out.dtype == np.uint8
    assert tuple(out[10, 20]) == RED  # row y, column x; RGB
    weight = np.abs(out.astype(int) - rgb).sum(axis=2)[30:, :].astype(float)
    rows, columns = np.mgrid[30:60, 0:80]
    assert (columns * weight).sum() / weight.sum() == pytest.approx(50.25, abs=0.15)  # between pixels
    assert (rows * weight).sum() / weight.sum() == pytest.approx(40.5, abs=0.15)
    assert (out[:, :15] == rgb[:, :15]).all() and (out[:30, 30:] == rgb[:30, 30:]).all()


def test_the_midline_runs_through_its_samples():
    y = np.linspace(5, 55, 9)
    midline = Midline(y, 30 + 8 * np.sin(y / 15))
    out = draw_midline(plain(60, 80), midline, color=RED)
    is_drawn = out[..., 0] > 150
    for row in range(6, 55):
        assert abs(np.flatnonzero(is_drawn[row]).mean() - float(midline.x_at(row))) < 1.5
    assert not is_drawn[:4].any() and not is_drawn[57:].any()


def test_contours_are_closed():
    xy = np.full((478, 2), np.nan)
    angle = np.linspace(0, 2 * np.pi, len(LEFT_EYE), endpoint=False)
    xy[list(LEFT_EYE)] = np.stack([40 + 20 * np.cos(angle), 30 + 20 * np.sin(angle)], axis=1)
    rgb = plain(60, 80)
    out = draw_contours(rgb, xy, [LEFT_EYE, LIPS_OUTER], color=RED)  # the lips are NaN: left out
    inside = np.zeros((62, 82), np.uint8)
    cv2.floodFill((out[..., 0] > 150).astype(np.uint8), inside, (40, 30), 1)
    assert 0.8 * np.pi * 20**2 < inside[1:-1, 1:-1].sum() < np.pi * 20**2  # the fill does not leak


def test_overlays_leave_their_input_alone():
    rgb, xyz = plain(480, 640), face()
    rgb.flags.writeable = False
    midline = Midline(np.arange(10.0) * 30, np.full(10, 320.0))
    for out in (draw_landmarks(rgb, xyz), draw_contours(rgb, xyz, [LEFT_EYE]), draw_midline(rgb, midline)):
        assert (out != rgb).any()
    assert (rgb == plain(480, 640)).all()


def test_other_pictures_are_refused():
    for bad in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8)):
        with pytest.raises(ValueError, match="RGB picture"):
            draw_landmarks(bad, np.zeros((1, 2)))


# ---- sheets


def test_tiles_are_uniform_and_letterboxed():
    red, wide = plain(30, 30, RED), plain(20, 80, (0, 255, 0))
    sheet = contact_sheet([[Tile(red, "one"), Tile(wide, "two")], [Tile(None)]], tile_wh=(100, 50))
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
    is_red, is_green = (sheet == RED).all(axis=2), (sheet == (0, 255, 0)).all(axis=2)
    assert is_red.sum() == 50 * 50  # square in a 100 x 50 tile
    assert is_green.sum() == 100 * 25
    assert not (is_red.any(axis=0) & is_green.any(axis=0)).any()  # side by side
    top, bottom = np.flatnonzero(is_red.any(axis=1))[[0, -1]]
    green_rows = np.flatnonzero(is_green.any(axis=1))
    assert (top + bottom) / 2 == pytest.approx((green_rows[0] + green_rows[-1]) / 2, abs=1)  # both centered
    assert (sheet == PLATE).all(axis=2).sum() == 100 * 50 - 50 * 50 + 100 * 25 + 100 * 50
    assert tuple(sheet[0, 0]) == tuple(sheet[-1, -1]) == BACKGROUND


def test_words_need_room_and_stay_in_it():
    tile = Tile(plain(50, 100))
    bare = contact_sheet([[tile]], tile_wh=(100, 50))
    titled = contact_sheet([[tile]], tile_wh=(100, 50), title="a title much too long for so small a sheet")
    labelled = contact_sheet([[tile]], tile_wh=(100, 50), row_labels=["source"])
    captioned = contact_sheet([[Tile(tile.rgb, "0.40 s  a smile that goes on and on")]], tile_wh=(100, 50))
    assert titled.shape[0] > bare.shape[0] and titled.shape[1] == bare.shape[1]
    assert labelled.shape[1] > bare.shape[1]
    assert captioned.shape[0] > bare.shape[0]
    for sheet in (titled, labelled, captioned):
        assert (sheet.max(axis=2) > 140).any()  # bright words
        edges = np.concatenate([sheet[:, :12].reshape(-1, 3), sheet[:, -12:].reshape(-1, 3)])
        assert (edges == BACKGROUND).all()  # none over the margin


def test_zooms_show_the_same_place_before_and_after():
    xyz = face()
    source = plain(480, 640)
    mouth = xyz[list(LIPS_OUTER), :2].mean(axis=0).round().astype(int)
    result = source.copy()
    result[mouth[1] - 6 : mouth[1] + 6, mouth[0] - 6 : mouth[0] + 6] = RED
    sheet = before_after_sheet([SheetSample(source, result, xyz, "0.00 s")], title="t", tile_width=320)
    is_red = (sheet.astype(int) - RED == 0).all(axis=2)
    count, _, stats, centers = cv2.connectedComponentsWithStats(is_red.astype(np.uint8))
    small, large = sorted(range(1, count), key=lambda i: stats[i, cv2.CC_STAT_AREA])
    assert count == 3  # once in the result, once in its mouth zoom
    assert stats[large, cv2.CC_STAT_AREA] > 9 * stats[small, cv2.CC_STAT_AREA]
    assert centers[large][1] > centers[small][1]
    left = sheet.shape[1] - 18 - 320
    assert centers[large][0] == pytest.approx(left + 160, abs=3)  # the mouth is in the middle of its zoom


def test_samples_without_landmarks_and_faces_at_the_edge():
    rgb = plain(480, 640)
    samples = [
        SheetSample(rgb, rgb, None, "none"),
        SheetSample(rgb, rgb, np.full((478, 3), np.nan), "missing"),
        SheetSample(rgb, rgb, face(center=(5, 5))),
        SheetSample(rgb, rgb, face(center=(-500, 700))),
    ]
    sheet = before_after_sheet(samples, tile_width=200)
    alone = before_after_sheet(samples[2:3], tile_width=200)
    column = sheet[:, -18 - 4 * 200 - 3 * 6 : -18]
    blank = (column == PLATE).all(axis=2)
    zooms = slice(sheet.shape[0] // 2, None)
    for index, share in ((0, 0.8), (1, 0.8), (3, 0.8)):
        assert blank[zooms, index * 206 : index * 206 + 200].mean() > share
    at_edge = blank[zooms, 2 * 206 : 2 * 206 + 200]
    assert 0.2 < at_edge.mean() < 0.95
    assert alone.shape[0] < sheet.shape[0]  # no captions, no room for them
    assert (rgb == plain(480, 640)).all()
    with pytest.raises(ValueError, match="at least one sample"):
        before_after_sheet([])


# ---- files


def chunks(data):
    position = 8
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        (crc,) = struct.unpack(">I", data[position + 8 + length : position + 12 + length])
        assert crc == zlib.crc32(kind + body)
        yield kind, body
        position += 12 + length


def test_png_comes_back_and_says_it_is_synthetic(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    path = tmp_path / "önce-sonra.png"
    write_png(path, rgb)
    np.testing.assert_array_equal(read_png(path), rgb)
    found = list(chunks(path.read_bytes()))
    assert found[0][0] == b"IHDR" and found[-1][0] == b"IEND"
    (xmp,) = [body for kind, body in found if kind == b"iTXt"]
    keyword, rest = xmp.split(b"\0", 1)
    assert keyword == b"XML:com.adobe.xmp"
    text = rest[4:].decode("utf-8")
    assert rest[:4] == b"\0\0\0\0" and text.startswith("<?xpacket begin=")
    ET.fromstring(text.replace("\ufeff", ""))  # well-formed
    assert re.search("<Iptc4xmpExt:DigitalSourceType>(.*)</Iptc4xmpExt", text).group(1) == DIGITAL_SOURCE_TYPE


def test_png_errors(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write sheet\.png"):
        write_png(tmp_path / "none" / "sheet.png", plain(4, 4), target=Path("sheet.png"))
    with pytest.raises(OutputError, match="makes no PNG"):
        write_png(tmp_path / "sheet.png", plain(0, 4))
    assert not (tmp_path / "sheet.png").exists()
