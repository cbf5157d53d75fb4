"""Tiny networks of LivePortrait's architecture.

in: nothing -> out: their measures, and weights that do something.  Must not: import torch.
"""

from __future__ import annotations

from typing import Any

from afet_video.liveportrait.architecture import Architecture

TINY = Architecture(
    input_px=64,
    width=8,
    max_width=32,
    volume_channels=8,
    volume_depth=4,
    residual_blocks=1,
    motion_depths=(1, 1, 1, 1),
    motion_widths=(8, 16, 32, 64),
    flow_width=4,
    flow_blocks=3,
    max_flow_width=16,
    flow_channels=2,
    middle_blocks=2,
    label_width=8,
)


def stir(module: Any) -> None:
    """Give what fresh networks leave at 0 and 1 (normalization and its memory) values that matter."""
    for name, values in module.state_dict().items():
        if name.endswith("running_var"):
            values.uniform_(0.5, 2.0)
        elif name.endswith("running_mean") or name.endswith(("grn.gamma", "grn.beta")):
            values.normal_(0.0, 0.3)
