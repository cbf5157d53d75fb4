"""G: the picture, painted from features.

in: features -> out: picture of twice the size that F read.  Must not: know of keypoints.

Every normalization is told by the features what to paint where (SPADE: Park et al., arXiv:1903.07291).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from afet_video.liveportrait.architecture import Architecture

_LEAK = 0.2
_POWER_STEPS = 15


class SpectralConv(nn.Module):
    """Convolution whose weights are divided by their largest singular value.

    The published weights hold the undivided ones and the two singular vectors; dividing here, in place of
    torch.nn.utils.spectral_norm, keeps their names and needs no hook.
    """

    def __init__(self, channels_in: int, channels_out: int, *, kernel: int, bias: bool = True) -> None:
        super().__init__()
        plain = nn.Conv2d(channels_in, channels_out, kernel_size=kernel, bias=bias)
        self.weight_orig = plain.weight
        self.bias = plain.bias
        left, right = _singular_vectors(plain.weight.detach().flatten(1))
        self.register_buffer("weight_u", left)
        self.register_buffer("weight_v", right)
        self.padding = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, channels_out, H, W)."""
        with torch.autocast(self.weight_u.device.type, enabled=False):  # thousands of products: not at half precision
            largest = torch.dot(self.weight_u, torch.mv(self.weight_orig.flatten(1), self.weight_v))
            weight = self.weight_orig / largest
        return F.conv2d(x, weight, self.bias, padding=self.padding)


class AdaptiveNorm(nn.Module):
    """Instance normalization, then scaled and shifted place by place as the features say."""

    def __init__(self, channels: int, label_channels: int, hidden: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(label_channels, hidden, kernel_size=3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, channels, kernel_size=3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        """Return the shape of `x`."""
        told = self.mlp_shared(F.interpolate(label, size=x.shape[2:]))
        return F.instance_norm(x) * (1 + self.mlp_gamma(told)) + self.mlp_beta(told)


class AdaptiveBlock(nn.Module):
    """Two adaptively normalized convolutions, added to the input (or to a convolution of it, if its width changes)."""

    def __init__(self, channels_in: int, channels_out: int, label_channels: int, hidden: int) -> None:
        super().__init__()
        middle = min(channels_in, channels_out)
        self.conv_0 = SpectralConv(channels_in, middle, kernel=3)
        self.conv_1 = SpectralConv(middle, channels_out, kernel=3)
        self.norm_0 = AdaptiveNorm(channels_in, label_channels, hidden)
        self.norm_1 = AdaptiveNorm(middle, label_channels, hidden)
        self.changes_width = channels_in != channels_out
        if self.changes_width:
            self.conv_s = SpectralConv(channels_in, channels_out, kernel=1, bias=False)
            self.norm_s = AdaptiveNorm(channels_in, label_channels, hidden)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        """Return (B, channels_out, H, W)."""
        kept = self.conv_s(self.norm_s(x, label)) if self.changes_width else x
        change = self.conv_0(F.leaky_relu(self.norm_0(x, label), _LEAK))
        change = self.conv_1(F.leaky_relu(self.norm_1(change, label), _LEAK))
        return kept + change


class Generator(nn.Module):
    """G as the published weights name it."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        label, hidden = arch.feature_width, arch.label_width
        self.fc = nn.Conv2d(label, 2 * label, kernel_size=3, padding=1)
        self.middle = [f"G_middle_{index}" for index in range(arch.middle_blocks)]
        for name in self.middle:
            self.add_module(name, AdaptiveBlock(2 * label, 2 * label, label, hidden))
        self.up_0 = AdaptiveBlock(2 * label, label, label, hidden)
        self.up_1 = AdaptiveBlock(label, arch.width, label, hidden)
        self.conv_img = nn.Sequential(nn.Conv2d(arch.width, 12, kernel_size=3, padding=1), nn.PixelShuffle(2))

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, feature_width, H, W) to a picture (B, 3, 8 H, 8 W) in 0..1."""
        x = self.fc(features)
        for name in self.middle:
            x = self.get_submodule(name)(x, features)
        for block in (self.up_0, self.up_1):
            x = block(F.interpolate(x, scale_factor=2.0), features)
        return torch.sigmoid(self.conv_img(F.leaky_relu(x, _LEAK)))


def _singular_vectors(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the vectors (rows,) and (columns,) of the largest singular value, by power iteration."""
    left = F.normalize(torch.ones(matrix.shape[0], device=matrix.device), dim=0)
    right = F.normalize(matrix.T @ left, dim=0)
    for _ in range(_POWER_STEPS):
        left = F.normalize(matrix @ right, dim=0)
        right = F.normalize(matrix.T @ left, dim=0)
    return left, right
