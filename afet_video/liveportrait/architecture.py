"""The measures of LivePortrait's networks.

in: nothing -> out: `Architecture`, and `PUBLISHED`, that of the published weights.  Must not: import torch.

The networks are described in Guo et al., "LivePortrait: Efficient Portrait Animation with Stitching and Retargeting
Control" (arXiv:2407.03168): F finds an appearance volume, M the motion (keypoints, pose, expression), W carries the
volume along the motion, G paints the picture, S and R are small networks that correct keypoints.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Architecture:
    """Widths and depths of the five networks; the defaults are those of the published weights.

    Parameters
    ----------
    keypoints : latent points in space that carry the motion.
    input_px : width and height of the picture that F and M read; G paints one of twice that size.
    width : channels of the first convolution of F; doubled at each of the `halvings` of the resolution.
    max_width : channels of the appearance volume, seen as a picture: `volume_channels` times `volume_depth`.
    residual_blocks : of F.
    motion_depths, motion_widths : blocks and channels of the four stages of M, a ConvNeXt V2.
    angle_bins : of 3 degrees each, into which M sorts pitch, yaw and roll.
    flow_width, flow_blocks, max_flow_width, flow_channels : of the hourglass in W that finds the dense motion.
    middle_blocks : of G, before the two that double the resolution.
    label_width : hidden channels of each spatially adaptive normalization in G.

    Raises
    ------
    ValueError
        If the numbers do not fit each other.
    """

    keypoints: int = 21
    input_px: int = 256
    width: int = 64
    halvings: int = 2
    max_width: int = 512
    volume_channels: int = 32
    volume_depth: int = 16
    residual_blocks: int = 6
    motion_depths: tuple[int, int, int, int] = (3, 3, 9, 3)
    motion_widths: tuple[int, int, int, int] = (96, 192, 384, 768)
    angle_bins: int = 66
    flow_width: int = 32
    flow_blocks: int = 5
    max_flow_width: int = 1024
    flow_channels: int = 4
    middle_blocks: int = 6
    label_width: int = 128

    def __post_init__(self) -> None:
        if self.volume_channels * self.volume_depth != self.max_width:
            raise ValueError("max_width must be volume_channels times volume_depth")
        if self.input_px % (2 ** (self.halvings + self.flow_blocks)):
            raise ValueError("input_px must allow all halvings of F and of the hourglass in W")
        if self.input_px % 32:
            raise ValueError("input_px must be a multiple of 32, by which M shrinks it")

    @property
    def feature_width(self) -> int:
        """Channels of what W gives to G."""
        return min(self.max_width, self.width << self.halvings)

    @property
    def output_px(self) -> int:
        """Width and height of the picture that G paints: two doublings and a pixel shuffle after the halvings."""
        return 8 * self.input_px // (1 << self.halvings)


PUBLISHED = Architecture()
"""What the weights that the authors published need."""
