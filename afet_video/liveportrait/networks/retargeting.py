"""S and R: small networks that correct keypoints.

in: keypoints and ratios -> out: shifts of keypoints.  Must not: see a picture.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from afet_video.liveportrait.architecture import Architecture


class Perceptron(nn.Module):
    """Fully connected layers with ReLUs between them."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.mlp = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, first width) to (B, last width)."""
        return self.mlp(x)


class Retargeting(nn.Module):
    """The three of them, under the names of the published weights."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        points = 3 * arch.keypoints
        self.retarget_shoulder_module = Perceptron(2 * points, 128, 128, 64, points + 2)
        self.retarget_mouth_module = Perceptron(points + 2, 128, 128, 64, points)
        self.retarget_eye_module = Perceptron(points + 3, 256, 256, 128, 128, 64, points)
