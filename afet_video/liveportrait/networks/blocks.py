"""The building blocks that several of the networks share.

in: channel counts -> out: modules.  Must not: know which network they are part of.

Attribute names are those of the published weights, which are looked up by name.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvNorm(nn.Module):
    """3 x 3 (x 3) convolution, batch normalization, activation.

    Parameters
    ----------
    channels_in, channels_out : of the convolution.
    dimensions : 2 for pictures (B, C, H, W), 3 for volumes (B, C, D, H, W).
    leak : slope of the activation below zero.
    rows_columns : "keep", "halve" (averaged after the activation) or "double" (nearest, before the convolution);
        the depth of a volume stays.
    """

    def __init__(
        self, channels_in: int, channels_out: int, *, dimensions: int, leak: float = 0.0, rows_columns: str = "keep"
    ) -> None:
        super().__init__()
        conv, norm = {2: (nn.Conv2d, nn.BatchNorm2d), 3: (nn.Conv3d, nn.BatchNorm3d)}[dimensions]
        self.conv = conv(channels_in, channels_out, kernel_size=3, padding=1)
        self.norm = norm(channels_out)
        self.leak = leak
        self.rows_columns = rows_columns
        self.pool = F.avg_pool2d if dimensions == 2 else F.avg_pool3d
        self.factors = (2, 2) if dimensions == 2 else (1, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, channels_out, ...)."""
        if self.rows_columns == "double":
            x = F.interpolate(x, scale_factor=tuple(float(factor) for factor in self.factors))
        x = self.norm(self.conv(x))
        x = F.leaky_relu(x, self.leak) if self.leak else F.relu(x)
        return self.pool(x, self.factors) if self.rows_columns == "halve" else x


class ResidualVolume(nn.Module):
    """Two normalized and activated 3 x 3 x 3 convolutions, added to what came in.

    Parameters
    ----------
    channels : in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm3d(channels)
        self.conv1 = nn.Conv3d(channels, channels, kernel_size=3, padding=1)
        self.norm2 = nn.BatchNorm3d(channels)
        self.conv2 = nn.Conv3d(channels, channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the shape that came in."""
        change = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(change)))


def lattice(shape: tuple[int, int, int], like: Tensor) -> Tensor:
    """Return the places of a volume's cells, (D, H, W, 3): x to the right, y down, z inwards, each from -1 to 1."""
    axes = [torch.arange(n, device=like.device, dtype=like.dtype) * 2 / (n - 1) - 1 for n in shape]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack((x, y, z), dim=-1)
