"""F: the appearance of the photo as a volume of features.

in: picture -> out: volume.  Must not: depend on the motion.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import Tensor, nn

from afet_video.liveportrait.architecture import Architecture
from afet_video.liveportrait.networks.blocks import ConvNorm, ResidualVolume


class AppearanceExtractor(nn.Module):
    """A picture becomes a volume: halved twice, folded into depth, refined in three dimensions."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        widths = [min(arch.max_width, arch.width * 2**step) for step in range(arch.halvings + 1)]
        self.first = ConvNorm(3, widths[0], dimensions=2)
        self.down_blocks = nn.ModuleList(
            ConvNorm(before, after, dimensions=2, rows_columns="halve") for before, after in pairwise(widths)
        )
        self.second = nn.Conv2d(widths[-1], arch.max_width, kernel_size=1)
        refine = [(f"3dr{index}", ResidualVolume(arch.volume_channels)) for index in range(arch.residual_blocks)]
        self.resblocks_3d = nn.Sequential(OrderedDict(refine))
        self.volume = arch.volume_channels, arch.volume_depth

    def forward(self, picture: Tensor) -> Tensor:
        """Map (B, 3, H, W) in 0..1 to (B, channels, depth, H/4, W/4)."""
        x = self.first(picture)
        for block in self.down_blocks:
            x = block(x)
        x = self.second(x)
        return self.resblocks_3d(x.unflatten(1, self.volume))
