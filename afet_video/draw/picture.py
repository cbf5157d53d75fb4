"""What all drawing shares: a color, and a picture that may be drawn on.

in: RGB pictures -> out: copies of them.  Must not: draw.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from afet_video.datatypes import ByteArray

Color: TypeAlias = tuple[int, int, int]
"""Red, green, blue, 0..255."""


def copied(rgb: ByteArray) -> ByteArray:
    """Return a writable, contiguous copy of a picture (H, W, 3) uint8; any other shape or type is a `ValueError`."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"expected an RGB picture (H, W, 3) uint8, got {rgb.shape} {rgb.dtype}")
    return np.array(rgb, np.uint8, order="C")
