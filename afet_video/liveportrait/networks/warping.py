"""W: the appearance volume, carried from where the keypoints are to where they shall be.

in: volume, keypoints twice -> out: features of the new picture.  Must not: paint.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from afet_video.liveportrait.architecture import Architecture
from afet_video.liveportrait.networks.blocks import ConvNorm, lattice

_KEYPOINT_VARIANCE = 0.01
"""Of the bell that stands for a keypoint, in lattice units squared."""


class _Encoder(nn.Module):
    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.down_blocks = nn.ModuleList(
            ConvNorm(before, after, dimensions=3, rows_columns="halve") for before, after in pairwise(widths)
        )


class _Decoder(nn.Module):
    def __init__(self, widths: list[int], first_width: int) -> None:
        super().__init__()
        # Every level but the deepest reads what came up from below and what the encoder had there: twice as wide.
        depth = len(widths) - 1
        self.up_blocks = nn.ModuleList(
            ConvNorm(
                widths[level] * (1 if level == depth else 2),
                first_width if level == 1 else widths[level - 1],
                dimensions=3,
                rows_columns="double",
            )
            for level in range(depth, 0, -1)
        )
        joined = first_width + widths[0]
        self.conv = nn.Conv3d(joined, joined, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm3d(joined)


class Hourglass(nn.Module):
    """Down to a small volume and up again, with a shortcut at each level.

    Parameters
    ----------
    channels : of the input.
    width, blocks, max_width : the first level has twice `width` channels, each further one double, up to `max_width`.
    """

    def __init__(self, channels: int, *, width: int, blocks: int, max_width: int) -> None:
        super().__init__()
        widths = [channels, *(min(max_width, width * 2**level) for level in range(1, blocks + 1))]
        self.encoder = _Encoder(widths)
        self.decoder = _Decoder(widths, min(max_width, width))
        self.channels_out = min(max_width, width) + channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, D, H, W) to (B, channels_out, D, H, W)."""
        levels = [x]
        for block in self.encoder.down_blocks:
            levels.append(block(levels[-1]))
        x = levels.pop()
        for block in self.decoder.up_blocks:
            x = torch.cat((block(x), levels.pop()), dim=1)
        return F.relu(self.decoder.norm(self.decoder.conv(x)))


class DenseMotion(nn.Module):
    """From the motion of a few keypoints to that of every cell of the volume."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        parts = arch.keypoints + 1  # the background, which does not move, comes first
        self.compress = nn.Conv3d(arch.volume_channels, arch.flow_channels, kernel_size=1)
        self.norm = nn.BatchNorm3d(arch.flow_channels)
        self.hourglass = Hourglass(
            parts * (arch.flow_channels + 1),
            width=arch.flow_width,
            blocks=arch.flow_blocks,
            max_width=arch.max_flow_width,
        )
        self.mask = nn.Conv3d(self.hourglass.channels_out, parts, kernel_size=7, padding=3)
        self.occlusion = nn.Conv2d(self.hourglass.channels_out * arch.volume_depth, 1, kernel_size=7, padding=3)

    def forward(self, volume: Tensor, source: Tensor, driving: Tensor) -> tuple[Tensor, Tensor]:
        """Return where each cell of the new volume comes from, and how much of it can be seen in the photo.

        Parameters
        ----------
        volume : (B, C, D, H, W) appearance.
        source, driving : (B, K, 3) keypoints in the photo, and in the new picture; lattice units.

        Returns
        -------
        (B, D, H, W, 3) places in lattice units, and (B, 1, H, W) from 0 to 1.
        """
        reduced = F.relu(self.norm(self.compress(volume)))
        cells = lattice(tuple(volume.shape[2:]), source)
        candidates = _candidates(cells, source, driving)
        moved = _sampled_each(reduced, candidates)
        heat = _bells(cells, driving) - _bells(cells, source)
        heat = torch.cat((torch.zeros_like(heat[:, :1]), heat), dim=1)
        seen = self.hourglass(torch.cat((heat.unsqueeze(2), moved), dim=2).flatten(1, 2))
        share = F.softmax(self.mask(seen), dim=1)
        places = (candidates * share.unsqueeze(-1)).sum(dim=1)
        return places, torch.sigmoid(self.occlusion(seen.flatten(1, 2)))


class WarpingModule(nn.Module):
    """The volume at its new place, flattened into a picture of features."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.dense_motion_network = DenseMotion(arch)
        self.third = ConvNorm(arch.max_width, arch.feature_width, dimensions=2, leak=0.01)
        self.fourth = nn.Conv2d(arch.feature_width, arch.feature_width, kernel_size=1)

    def forward(self, volume: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        """Map a volume (B, C, D, H, W) and keypoints (B, K, 3) to features (B, feature_width, H, W)."""
        places, seen = self.dense_motion_network(volume, source, driving)
        moved = F.grid_sample(volume, places, align_corners=False)
        return self.fourth(self.third(moved.flatten(1, 2))) * seen


def _candidates(cells: Tensor, source: Tensor, driving: Tensor) -> Tensor:
    """Return for each part where a cell would come from if all went along with it, (B, K + 1, D, H, W, 3)."""
    batch, count = source.shape[:2]
    shifted = cells - driving.view(batch, count, 1, 1, 1, 3) + source.view(batch, count, 1, 1, 1, 3)
    return torch.cat((cells.expand(batch, 1, *cells.shape), shifted), dim=1)


def _sampled_each(volume: Tensor, candidates: Tensor) -> Tensor:
    """Return the volume sampled at each part's candidates, (B, K + 1, C, D, H, W)."""
    batch, parts = candidates.shape[:2]
    copies = volume.unsqueeze(1).expand(batch, parts, *volume.shape[1:]).flatten(0, 1)
    return F.grid_sample(copies, candidates.flatten(0, 1), align_corners=False).unflatten(0, (batch, parts))


def _bells(cells: Tensor, keypoints: Tensor) -> Tensor:
    """Return a bell around each keypoint, (B, K, D, H, W)."""
    batch, count = keypoints.shape[:2]
    distance = (cells - keypoints.view(batch, count, 1, 1, 1, 3)).pow(2).sum(dim=-1)
    return torch.exp(-0.5 * distance / _KEYPOINT_VARIANCE)
