"""Tiny networks of LivePortrait's architecture.

in: nothing -> out: their measures, weights that do something, files of them.  Must not: import torch unasked.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from afet_video.liveportrait.architecture import Architecture
from afet_video.liveportrait.weights import WeightSet
from afet_video.model_files import ModelFile

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


def build_tiny() -> Any:
    """The five networks, tiny, with random weights that are always the same."""
    import torch

    from afet_video.liveportrait.torch_backend import build

    torch.set_num_threads(1)  # these networks are too small to gain from more, and CI's cores are few
    with torch.random.fork_rng():
        torch.manual_seed(1)
        modules = build(TINY)
        for module in modules.by_part().values():
            stir(module)
        # Fresh networks paint nearly grey pictures that hardly follow the keypoints: turn both up.
        modules.generator.conv_img[0].weight *= 12
        modules.warping.dense_motion_network.mask.weight *= 4
    return modules


def put(folder: Path, name: str, content: bytes) -> ModelFile:
    """Write a file into the models folder and describe it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return ModelFile(name, len(content), hashlib.sha256(content).hexdigest(), "MIT", "a test", f"https://x/{name}")


def put_weights(folder: Path, modules: Any, published: WeightSet) -> WeightSet:
    """Write the networks' weights into the models folder in a published form, and describe them."""
    import torch
    from safetensors.torch import save_file

    files = {}
    for part, module in modules.by_part().items():
        path = folder / published.files[part].name
        path.parent.mkdir(parents=True, exist_ok=True)
        state: Any = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
        if path.suffix == ".safetensors":
            save_file(state, path)
        else:
            torch.save(_as_published(state) if "stitching" in part else state, path)
        files[part] = put(folder, published.files[part].name, path.read_bytes())
    return WeightSet(published.name, "torch", files, "")


def _as_published(state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the weights of S and R as the authors' checkpoint nests and names them."""
    nested: dict[str, dict[str, Any]] = {}
    for name, tensor in state.items():
        part, _, rest = name.partition("_module.")
        nested.setdefault(part, {})[f"module.{rest}"] = tensor
    return nested
