"""How near is near enough, where more than one test file asks.

in: nothing -> out: numbers with their unit in the name.  Must not: compute.
"""

from __future__ import annotations

GRAY_LEVELS = 2.0
"""Largest difference between the kernel and the paper's algorithm..."""

SHARE_WITHIN_GRAY_LEVELS = 0.999
"""... on this share of the face's pixels: they may decide differently on the edge between two triangles."""

MIRROR_IOD = 0.05
"""The landmarker is not symmetric: landmarks of a mirrored picture against mirrored landmarks, in inter-ocular
distances (95 % of the landmarks)."""
