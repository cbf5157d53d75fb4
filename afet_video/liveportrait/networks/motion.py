"""M: where the keypoints are, how the head is turned, what the face does.

in: picture -> out: `RawMotion`.  Must not: decode angles (that is algebra).

The trunk is a ConvNeXt V2 (Woo et al., arXiv:2301.00808).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from afet_video.liveportrait.architecture import Architecture

_EPSILON = 1e-6


class RawMotion(NamedTuple):
    """What M says of a picture: scores of the angle bins (B, bins), and numbers (B, 3), (B, 3 K), (B, 1), (B, 3 K)."""

    pitch: Tensor
    yaw: Tensor
    roll: Tensor
    translation: Tensor
    expression: Tensor
    scale: Tensor
    keypoints: Tensor


class ChannelNorm(nn.Module):
    """Layer normalization over the channels of (B, C, H, W), place by place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the shape that came in."""
        centered = x - x.mean(dim=1, keepdim=True)
        spread = torch.sqrt(centered.pow(2).mean(dim=1, keepdim=True) + _EPSILON)
        return self.weight[:, None, None] * (centered / spread) + self.bias[:, None, None]


class ResponseNorm(nn.Module):
    """Global response normalization of (B, H, W, C): channels that answer strongly are strengthened."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the shape that came in."""
        strength = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
        relative = strength / (strength.mean(dim=-1, keepdim=True) + _EPSILON)
        return self.gamma * (x * relative) + self.beta + x


class Block(nn.Module):
    """Depthwise 7 x 7 convolution, then each place by itself through a layer four times as wide; added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, kernel_size=7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=_EPSILON)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.grn = ResponseNorm(4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the shape that came in, (B, C, H, W)."""
        change = self.dwconv(x).permute(0, 2, 3, 1)
        change = self.grn(F.gelu(self.pwconv1(self.norm(change))))
        return x + self.pwconv2(change).permute(0, 3, 1, 2)


class Detector(nn.Module):
    """The trunk and its seven answers."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        widths = arch.motion_widths
        shrink = [nn.Sequential(nn.Conv2d(3, widths[0], kernel_size=4, stride=4), ChannelNorm(widths[0]))]
        shrink += [
            nn.Sequential(ChannelNorm(before), nn.Conv2d(before, after, kernel_size=2, stride=2))
            for before, after in pairwise(widths)
        ]
        self.downsample_layers = nn.ModuleList(shrink)
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(depth)))
            for width, depth in zip(widths, arch.motion_depths, strict=True)
        )
        self.norm = nn.LayerNorm(widths[-1], eps=_EPSILON)
        for name, length in (
            ("kp", 3 * arch.keypoints),
            ("scale", 1),
            ("pitch", arch.angle_bins),
            ("yaw", arch.angle_bins),
            ("roll", arch.angle_bins),
            ("t", 3),
            ("exp", 3 * arch.keypoints),
        ):
            self.add_module(f"fc_{name}", nn.Linear(widths[-1], length))

    def forward(self, picture: Tensor) -> RawMotion:
        """Map (B, 3, H, W) in 0..1 to `RawMotion`."""
        x = picture
        for shrink, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(shrink(x))
        x = self.norm(x.mean(dim=(-2, -1)))
        names = ("pitch", "yaw", "roll", "t", "exp", "scale", "kp")
        return RawMotion(*(self.get_submodule(f"fc_{name}")(x) for name in names))


class MotionExtractor(nn.Module):
    """M as the published weights name it."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.detector = Detector(arch)

    def forward(self, picture: Tensor) -> RawMotion:
        """Map (B, 3, H, W) in 0..1 to `RawMotion`."""
        return self.detector(picture)
