"""Pictures in files: what cameras and programs write is read as a person would see it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from afet_video.errors import InputError, OutputError
from afet_video.image_files import Picture, read_mark, read_picture, write_picture


@pytest.fixture
def rgb() -> NDArray[np.uint8]:
    """40 wide, 30 high: colours that differ from corner to corner, smooth enough for JPEG."""
    y, x = np.mgrid[0:30, 0:40]
    return np.stack([40 + 5 * x, 30 + 6 * y, 200 - 3 * x], axis=2).astype(np.uint8)


def test_png_comes_back_bit_for_bit(rgb: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_picture(path, Picture(rgb), is_synthetic=True)
    back = read_picture(path)
    assert np.array_equal(back.rgb, rgb)
    assert (back.alpha, back.notes, back.name) == (None, (), "a.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg"])
def test_the_mark_is_in_the_file_if_it_is_to_be(rgb: NDArray[np.uint8], tmp_path: Path, suffix: str) -> None:
    for is_synthetic, mark in ((True, "compositeSynthetic"), (False, None)):
        path = tmp_path / f"a{suffix}"
        write_picture(path, Picture(rgb), is_synthetic=is_synthetic)
        assert read_mark(path) == mark
        with Image.open(path) as image:  # another reader finds it too, and the file is whole
            image.load()
            assert ("compositeSynthetic" in str(image.info.get("xmp", image.info))) == is_synthetic


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_carried_out(rgb: NDArray[np.uint8], tmp_path: Path, orientation: int) -> None:
    undo: dict[int, Any] = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = Image.fromarray(rgb)
    stored = image if undo[orientation] is None else image.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    back = read_picture(tmp_path / "a.png")
    assert np.array_equal(back.rgb, rgb)
    assert bool(back.notes) == (orientation != 1)


def test_sixteen_bits_become_eight(rgb: NDArray[np.uint8], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "color.png"), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR).astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "grey.png"), rgb[..., 0].astype(np.uint16) * 257)
    color, grey = read_picture(tmp_path / "color.png"), read_picture(tmp_path / "grey.png")
    assert np.array_equal(color.rgb, rgb)
    assert np.array_equal(grey.rgb, np.repeat(rgb[..., :1], 3, axis=2))
    assert color.notes == grey.notes == ("16 bits made 8",)


def test_cmyk_becomes_srgb_and_says_so(rgb: NDArray[np.uint8], tmp_path: Path) -> None:
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "a.tif")
    back = read_picture(tmp_path / "a.tif")
    assert np.abs(back.rgb.astype(int) - rgb).max() <= 1
    assert back.notes == ("CMYK made sRGB",)


def test_greys_and_palettes_become_rgb(rgb: NDArray[np.uint8], tmp_path: Path) -> None:
    image = Image.fromarray(rgb)
    image.convert("L").save(tmp_path / "grey.png")
    image.quantize(16).save(tmp_path / "palette.png")
    for name in ("grey.png", "palette.png"):
        assert read_picture(tmp_path / name).rgb.shape == (30, 40, 3)


def test_transparency_is_kept_apart_and_written_again(rgb: NDArray[np.uint8], tmp_path: Path) -> None:
    alpha = np.full((30, 40), 255, np.uint8)
    alpha[:, :10] = 0
    write_picture(tmp_path / "a.png", Picture(rgb, alpha), is_synthetic=False)
    back = read_picture(tmp_path / "a.png")
    assert back.alpha is not None
    assert np.array_equal(back.alpha, alpha)
    assert np.array_equal(back.rgb, rgb)
    assert (back.opaque[:, :10] == 128).all()
    assert np.array_equal(back.opaque[:, 10:], rgb[:, 10:])
    with pytest.raises(OutputError, match="JPEG knows no transparency"):
        write_picture(tmp_path / "a.jpg", back, is_synthetic=False)


def test_an_alpha_channel_that_hides_nothing_is_none(rgb: NDArray[np.uint8], tmp_path: Path) -> None:
    Image.fromarray(rgb).convert("RGBA").save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").alpha is None


def test_the_colour_profile_goes_along(rgb: NDArray[np.uint8], tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(rgb).save(tmp_path / "a.png", icc_profile=profile)
    for name in ("b.png", "b.jpg"):
        write_picture(tmp_path / name, read_picture(tmp_path / "a.png"), is_synthetic=True)
        assert read_picture(tmp_path / name).icc_profile == profile


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    held = io.BytesIO()
    Image.fromarray(rgb).save(held, "JPEG")
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is empty"),
        (b"just text", "is not a picture that can be read"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "is (damaged|not a picture)"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=line) as caught:
        read_picture(path)
    assert "\n" not in str(caught.value)


def test_a_picture_cut_short_is_refused(rgb: NDArray[np.uint8], tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", Picture(rgb), is_synthetic=False)
    for name, data in (("b.png", (tmp_path / "a.png").read_bytes()), ("b.jpg", _jpeg(rgb))):
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(InputError, match="is damaged or cut short"):
            read_picture(tmp_path / name)


def test_a_folder_or_nothing_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(InputError, match="cannot read"):
        read_picture(tmp_path / "none.png")


def test_other_suffixes_are_not_written(rgb: NDArray[np.uint8], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"ends in \.png"):
        write_picture(tmp_path / "a.gif", Picture(rgb), is_synthetic=False)
