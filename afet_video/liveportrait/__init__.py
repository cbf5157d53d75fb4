"""A pair of faces, at rest and with an expression, out of one photo, with LivePortrait.

in: photo with landmarks, a driving face or a named expression -> out: `ExpressionPair`.  Must not: find faces, read
pictures, splice; load torch or onnxruntime before a back-end is asked for.
"""

from __future__ import annotations

from pathlib import Path

from afet_video.errors import SettingsError
from afet_video.liveportrait.algebra import ramp_shares
from afet_video.liveportrait.backend import Networks
from afet_video.liveportrait.expressions import EXPRESSIONS, NamedExpression, expression_named
from afet_video.liveportrait.pair import (
    DrivingFace,
    LivePortraitPairs,
    PairGenerator,
    PairSettings,
    Portrait,
    pasted_back,
)

__all__ = [
    "EXPRESSIONS",
    "DrivingFace",
    "LivePortraitPairs",
    "NamedExpression",
    "Networks",
    "PairGenerator",
    "PairSettings",
    "Portrait",
    "expression_named",
    "open_networks",
    "open_pair_generator",
    "pasted_back",
    "ramp_shares",
]


def open_pair_generator(
    backend: str = "torch", *, folder: Path | None = None, device: str = "auto"
) -> LivePortraitPairs:
    """Return LivePortrait with the weights of this machine as a maker of pairs; as `open_networks` has it."""
    return LivePortraitPairs(open_networks(backend, folder=folder, device=device))


def open_networks(backend: str = "torch", *, folder: Path | None = None, device: str = "auto") -> Networks:
    """Return LivePortrait's networks with the weights of this machine.

    Parameters
    ----------
    backend : "torch" (see `torch_backend` on why it is the default) or "onnx".
    folder : the models folder; default: AFET_MODELS, or the user's cache.
    device : for torch: "auto", "cpu" or "cuda". ONNX Runtime takes CUDA if it has it.

    Raises
    ------
    ModelFileError
        If a package or weights are missing, or weights are not the expected ones.
    SettingsError
        If there is no such back-end or device.
    """
    if backend == "torch":
        from afet_video.liveportrait import torch_backend

        return torch_backend.load(folder, device=device)
    if backend == "onnx":
        from afet_video.liveportrait import onnx_backend

        return onnx_backend.load(folder)
    raise SettingsError(f'there is no back-end "{backend}": choose torch or onnx')
