"""What a mirrored half shows, in numbers that grow with a unit.

in: landmarks and blendshapes of one face -> out: measures by name.  Must not: know what is neutral.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from afet_video import facemesh
from afet_video.datatypes import Landmarks
from afet_video.face.activity import lid_aperture, mouth_gap
from afet_video.splice.midline import head_frame

_HEIGHTS: Mapping[str, tuple[int, ...]] = {
    "inner brow height": (107, 336, 55, 285),
    "outer brow height": (70, 300, 63, 293, 105, 334),
    "cheek height": (50, 280, 101, 330, 118, 347),
    "lower lid height": (145, 374, 144, 373, 153, 380),
    "corner height": (61, 291),
    "upper lip height": (37, 267, 39, 269),
    "lower lip height": (17, 84, 314, 18),
}
"""Landmarks whose mean height counts, both sides alike."""

_WIDTHS: Mapping[str, tuple[int, int]] = {"mouth width": (61, 291), "brow gap": (107, 336)}
_RED = ((0, 13), (14, 17), (37, 82), (267, 312), (84, 87), (314, 317))


def measures(face: Landmarks) -> dict[str, float]:
    """Return all blendshapes (left and right averaged, by their ARKit name) and lengths in inter-ocular distances."""
    uv = head_frame(face.xyz).to_head(face.xyz[:, :2])
    found = {name: -float(uv[list(points), 1].mean()) for name, points in _HEIGHTS.items()}
    found |= {name: float(np.linalg.norm(uv[a] - uv[b])) for name, (a, b) in _WIDTHS.items()}
    found["lip red"] = float(np.mean([np.linalg.norm(uv[a] - uv[b]) for a, b in _RED]))
    found["lid opening"] = lid_aperture(face.xyz)
    found["mouth opening"] = mouth_gap(face.xyz)
    sides: dict[str, list[float]] = {}
    for name, score in zip(facemesh.BLENDSHAPES, face.blendshapes, strict=True):
        sides.setdefault(name.removesuffix("Left").removesuffix("Right"), []).append(float(score))
    return found | {name: float(np.mean(scores)) for name, scores in sides.items()}
