"""A picture in memory.

in: pixels -> out: `Picture`.  Must not: read or write files.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from afet_video.datatypes import ByteArray, FloatArray

_BEHIND = 128.0
"""Grey level that stands behind what is transparent, where a whole picture is needed."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An upright picture.

    `rgb` (H, W, 3) uint8. `alpha` (H, W) uint8, 255 = opaque, or None: all of it is. `icc_profile`: what its colours
    mean, None = sRGB. `name`: the file it comes from, for messages. `notes`: what was changed in reading it.
    """

    rgb: ByteArray
    alpha: ByteArray | None = None
    icc_profile: bytes | None = field(default=None, repr=False)
    name: str = "picture"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rgb.dtype != np.uint8 or self.rgb.ndim != 3 or self.rgb.shape[2] != 3:
            raise ValueError(f"Picture.rgb: expected (H, W, 3) uint8, got {self.rgb.shape} {self.rgb.dtype}")
        if self.alpha is not None and self.alpha.shape != self.rgb.shape[:2]:
            raise ValueError(f"Picture.alpha: expected shape {self.rgb.shape[:2]}, got {self.alpha.shape}")

    def __repr__(self) -> str:
        return f"Picture({self.name!r}, rgb{self.rgb.shape}, {'no alpha' if self.alpha is None else 'with alpha'})"

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]

    @property
    def opaque(self) -> ByteArray:
        """The picture (H, W, 3) on a grey ground: what is transparent often hides any colour at all."""
        if self.alpha is None:
            return self.rgb
        share: FloatArray = self.alpha[..., None].astype(np.float32) / np.float32(255.0)
        return np.asarray(np.rint(_BEHIND + share * (self.rgb - np.float32(_BEHIND))), np.uint8)

    def with_rgb(self, rgb: ByteArray) -> Picture:
        """Return the same picture with other colours."""
        return replace(self, rgb=rgb)
