"""LivePortrait in PyTorch: the default back-end.

in: weights -> out: `Networks`.  Must not: import torch before it is used, unpickle.

Why the default: its weights are published with hashes, so that they can be fetched and verified, and without pickle;
the networks are tested to the last bit against an independent port of the authors' code; and it runs on GPUs at half
precision, which pictures at 13 s each on a processor call for. The ONNX files (`onnx_backend`) need a smaller package,
but come without hashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from afet_video.datatypes import ByteArray, FloatArray
from afet_video.errors import ModelFileError, SettingsError
from afet_video.liveportrait.algebra import Motion, angle_from_bins, shifted
from afet_video.liveportrait.architecture import PUBLISHED, Architecture
from afet_video.liveportrait.backend import as_input, as_picture, motion_of
from afet_video.liveportrait.weights import PARTS, locate_weights

if TYPE_CHECKING:
    import torch

_CHECKPOINT_PARTS = ("retarget_shoulder", "retarget_mouth", "retarget_eye")


@dataclass(frozen=True, slots=True, eq=False)
class Modules:
    """The five modules, in evaluation mode: F, M, W, G, and S with R."""

    appearance: Any
    motion: Any
    warping: Any
    generator: Any
    retargeting: Any

    def by_part(self) -> dict[str, Any]:
        """Return them by the names of `weights.PARTS`."""
        modules = (self.appearance, self.motion, self.warping, self.generator, self.retargeting)
        return dict(zip(PARTS, modules, strict=True))


def build(arch: Architecture, *, device: str = "cpu") -> Modules:
    """Return the modules with random weights; on the device "meta" without any (for their names and shapes).

    Raises
    ------
    ModelFileError
        If torch is not installed.
    """
    torch = import_torch()
    from afet_video.liveportrait.networks.appearance import AppearanceExtractor
    from afet_video.liveportrait.networks.generator import Generator
    from afet_video.liveportrait.networks.motion import MotionExtractor
    from afet_video.liveportrait.networks.retargeting import Retargeting
    from afet_video.liveportrait.networks.warping import WarpingModule

    with torch.device(device):
        kinds = (AppearanceExtractor, MotionExtractor, WarpingModule, Generator, Retargeting)
        return Modules(*(kind(arch).eval().requires_grad_(False) for kind in kinds))


def load(
    folder: Path | None = None, *, device: str = "auto", half: bool | None = None, arch: Architecture = PUBLISHED
) -> TorchNetworks:
    """Return the networks with the weights in the models folder, which are verified first.

    Parameters
    ----------
    folder : the models folder; default: that of this machine.
    device : "auto" (CUDA if there is a GPU), "cpu" or "cuda" (also "cuda:1" and so on).
    half : whether to compute at half precision; default: on CUDA. Not possible on the processor.
    arch : measures of the networks.

    Raises
    ------
    ModelFileError
        If torch or weights are missing, or weights are not the expected ones.
    SettingsError
        If the device cannot be had.
    """
    torch = import_torch()
    where = _device(torch, device)
    weights, paths = locate_weights("torch", folder)
    modules = build(arch, device="meta")
    for part, module in modules.by_part().items():
        fill(module, read_state(paths[part]), paths[part])
    return TorchNetworks(modules, arch, device=where, half=half, name=f"LivePortrait ({weights.name}, torch)")


def read_state(path: Path) -> dict[str, Any]:
    """Return names and tensors of a weights file, .safetensors or .pth, under the names of our modules.

    Raises
    ------
    ModelFileError
        If it cannot be read, holds anything but tensors, or the package safetensors is missing.
    """
    torch = import_torch()
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except ModuleNotFoundError as error:
        raise ModelFileError(f"{path.name} needs the package safetensors: {_INSTALL}") from error
    except Exception as error:
        raise ModelFileError(f"{path} cannot be read as weights ({type(error).__name__}: {error})") from error
    if set(content) == set(_CHECKPOINT_PARTS):
        return {
            f"{part}_module.{name.removeprefix('module.')}": tensor
            for part, state in content.items()
            for name, tensor in state.items()
        }
    return dict(content)


def fill(module: Any, state: Mapping[str, Any], path: Path) -> None:
    """Give a module its weights; names and shapes must be its own.

    Raises
    ------
    ModelFileError
        If they are not.
    """
    wanted = module.state_dict()
    odd = sorted(wanted.keys() ^ state.keys())
    odd = odd or [name for name, tensor in wanted.items() if tensor.shape != state[name].shape]
    if odd:
        raise ModelFileError(f"{path} does not hold the weights of {path.stem}: {odd[0]} differs")
    module.load_state_dict(state, assign=True)
    module.float().eval().requires_grad_(False)


class TorchNetworks:
    """`Networks` in PyTorch.

    Parameters
    ----------
    modules : with their weights.
    arch : their measures.
    device : "auto", "cpu" or "cuda".
    half : whether to compute at half precision; default: on CUDA.
    name : for the record.
    """

    def __init__(
        self,
        modules: Modules,
        arch: Architecture,
        *,
        device: str = "auto",
        half: bool | None = None,
        name: str = "LivePortrait (torch)",
    ) -> None:
        self._torch = import_torch()
        self._device = _device(self._torch, device)
        self._half = self._device.startswith("cuda") if half is None else half
        if self._half and self._device == "cpu":
            raise SettingsError("half precision needs a GPU: leave it out, or choose the device cuda")
        self._modules = Modules(*(module.to(self._device) for module in modules.by_part().values()))
        self.name = name
        self.input_px = arch.input_px
        self.output_px = arch.output_px
        self.keypoints = arch.keypoints

    def appearance(self, picture: ByteArray) -> torch.Tensor:
        """Return F's volume of a picture (1, channels, depth, h, w)."""
        return self._run(self._modules.appearance, self._tensor(as_input(picture))).float()

    def motion(self, picture: ByteArray) -> Motion:
        """Return what M says of a picture."""
        raw = self._run(self._modules.motion, self._tensor(as_input(picture)))
        answers = [answer.float().cpu().numpy()[0] for answer in raw]
        pitch, yaw, roll, translation, expression, scale, keypoints = answers
        angles = (angle_from_bins(pitch), angle_from_bins(yaw), angle_from_bins(roll))
        return motion_of(angles, translation, expression, float(scale[0]), keypoints)

    def paint(self, appearance: Any, source: FloatArray, driving: FloatArray) -> ByteArray:
        """Return W and G's picture (output_px, output_px, 3)."""
        features = self._run(self._modules.warping, appearance, self._batch(driving), self._batch(source))
        painted = self._run(self._modules.generator, features)
        return as_picture(painted.float().cpu().numpy())

    def stitch(self, source: FloatArray, driving: FloatArray) -> FloatArray:
        """Return the driving keypoints (K, 3), corrected by S."""
        pair = np.concatenate((source.ravel(), driving.ravel()))
        return shifted(driving, self._small("retarget_shoulder_module", pair))

    def eye_shift(self, source: FloatArray, openings: FloatArray, target: float) -> FloatArray:
        """Return R's shift (K, 3) that opens eyes from `openings` to `target`."""
        told = np.concatenate((source.ravel(), openings, [target]))
        return self._small("retarget_eye_module", told).reshape(source.shape)

    def lip_shift(self, source: FloatArray, opening: float, target: float) -> FloatArray:
        """Return R's shift (K, 3) that opens lips from `opening` to `target`."""
        told = np.concatenate((source.ravel(), [opening, target]))
        return self._small("retarget_mouth_module", told).reshape(source.shape)

    def _small(self, name: str, told: Any) -> FloatArray:
        """Run S or R, which are too small to gain from half precision."""
        with self._torch.inference_mode():
            answer = getattr(self._modules.retargeting, name)(self._batch(told))
        return np.asarray(answer.cpu().numpy()[0], np.float32)

    def _run(self, module: Any, *inputs: Any) -> Any:
        kind = self._device.partition(":")[0]
        with (
            self._torch.inference_mode(),
            self._torch.autocast(kind, dtype=self._torch.float16, enabled=self._half),
        ):
            return module(*inputs)

    def _tensor(self, values: Any) -> Any:
        return self._torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self._device)

    def _batch(self, values: Any) -> Any:
        return self._tensor(np.asarray(values)[None])


_INSTALL = "run `pip install 'afet-video[liveportrait]'`"


def import_torch() -> Any:
    """Return the package torch.

    Raises
    ------
    ModelFileError
        If it is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ModelFileError(f"LivePortrait needs the package torch: {_INSTALL}") from error
    return torch


def _device(torch: Any, wanted: str) -> str:
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise SettingsError("there is no CUDA device that torch can use: choose the device cpu, or leave it to auto")
    if wanted != "cpu" and not wanted.startswith("cuda"):
        raise SettingsError(f'the device is "{wanted}": give auto, cpu or cuda')
    return wanted
