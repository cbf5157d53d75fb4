"""LivePortrait in ONNX Runtime: the back-end without torch.

in: exported networks -> out: `Networks`.  Must not: import onnxruntime before it is used.

Two exports are read, FaceFusion's and FasterLivePortrait's. They hold the same networks, but W and G as one, and differ
in what they ask for and answer: see the two classes.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from afet_video.datatypes import ByteArray, FloatArray
from afet_video.errors import ModelFileError
from afet_video.liveportrait.algebra import Motion, angle_from_bins, shifted
from afet_video.liveportrait.backend import as_input, as_picture, motion_of
from afet_video.liveportrait.weights import FACEFUSION, locate_weights

_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


def load(folder: Path | None = None) -> OnnxNetworks:
    """Return the networks of the first complete export in the models folder.

    Parameters
    ----------
    folder : the models folder; default: that of this machine.

    Raises
    ------
    ModelFileError
        If onnxruntime or files are missing, or a file is no ONNX graph.
    """
    _import_onnxruntime()
    weights, paths = locate_weights("onnx", folder)
    kind = FaceFusionNetworks if weights is FACEFUSION else FasterNetworks
    return kind({part: _Session(path) for part, path in paths.items()}, name=f"LivePortrait ({weights.name}, onnx)")


class _Session:
    """One graph; `run` takes inputs by name and returns its outputs in order."""

    def __init__(self, path: Path) -> None:
        runtime = _import_onnxruntime()
        providers = [name for name in _PROVIDERS if name in runtime.get_available_providers()]
        try:
            options = runtime.SessionOptions()
            # Threads that wait must not keep cores busy: on a shared machine that slows everybody down, us too.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self._session = runtime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:
            raise ModelFileError(f"{path} cannot be read as an ONNX graph ({type(error).__name__})") from error

    def run(self, **inputs: Any) -> list[FloatArray]:
        given = {name: np.ascontiguousarray(value, np.float32) for name, value in inputs.items()}
        return list(self._session.run(None, given))

    def run_only(self, value: Any) -> FloatArray:
        """Run a graph with a single input, whatever it is called, and return its first output."""
        return self.run(**{self.input_name: value})[0]

    @property
    def input_name(self) -> str:
        return str(self._session.get_inputs()[0].name)

    @property
    def input_shape(self) -> list[Any]:
        return list(self._session.get_inputs()[0].shape)


class OnnxNetworks(abc.ABC):
    """What both exports have in common.

    Parameters
    ----------
    sessions : by part: appearance, motion, generator, stitcher, eyes, lips.
    name : for the record.
    """

    def __init__(self, sessions: Mapping[str, _Session], *, name: str) -> None:
        self._sessions = sessions
        self.name = name
        side = sessions["motion"].input_shape[-1]
        self.input_px = side if isinstance(side, int) else 256  # an export may leave it open
        self.output_px = 2 * self.input_px
        self.keypoints = 21

    def appearance(self, picture: ByteArray) -> FloatArray:
        """Return F's volume of a picture (1, channels, depth, h, w)."""
        return self._sessions["appearance"].run_only(as_input(picture))

    @abc.abstractmethod
    def motion(self, picture: ByteArray) -> Motion:
        """Return what M says of a picture."""

    @abc.abstractmethod
    def paint(self, appearance: Any, source: FloatArray, driving: FloatArray) -> ByteArray:
        """Return W and G's picture (output_px, output_px, 3)."""

    @abc.abstractmethod
    def stitch(self, source: FloatArray, driving: FloatArray) -> FloatArray:
        """Return the driving keypoints (K, 3), corrected by S."""

    def eye_shift(self, source: FloatArray, openings: FloatArray, target: float) -> FloatArray:
        """Return R's shift (K, 3) that opens eyes from `openings` to `target`."""
        told = np.concatenate((source.ravel(), openings, [target]))[None]
        return np.asarray(self._sessions["eyes"].run_only(told), np.float32).reshape(source.shape)

    def lip_shift(self, source: FloatArray, opening: float, target: float) -> FloatArray:
        """Return R's shift (K, 3) that opens lips from `opening` to `target`."""
        told = np.concatenate((source.ravel(), [opening, target]))[None]
        return np.asarray(self._sessions["lips"].run_only(told), np.float32).reshape(source.shape)


class FaceFusionNetworks(OnnxNetworks):
    """FaceFusion's export: angles in degrees, S applied inside; its `source` is where the keypoints shall be."""

    def motion(self, picture: ByteArray) -> Motion:
        """Return what M says of a picture."""
        answers = self._sessions["motion"].run(input=as_input(picture))
        pitch, yaw, roll, scale, translation, expression, keypoints = (np.asarray(a, np.float32) for a in answers)
        angles = (float(pitch.ravel()[0]), float(yaw.ravel()[0]), float(roll.ravel()[0]))
        return motion_of(angles, translation, expression, float(scale.ravel()[0]), keypoints)

    def paint(self, appearance: Any, source: FloatArray, driving: FloatArray) -> ByteArray:
        """Return W and G's picture (output_px, output_px, 3)."""
        (painted,) = self._sessions["generator"].run(
            feature_volume=appearance, source=driving[None], target=source[None]
        )
        return as_picture(painted)

    def stitch(self, source: FloatArray, driving: FloatArray) -> FloatArray:
        """Return the driving keypoints (K, 3), corrected by S."""
        (points,) = self._sessions["stitcher"].run(source=driving[None], target=source[None])
        return np.asarray(points, np.float32).reshape(source.shape)


class FasterNetworks(OnnxNetworks):
    """FasterLivePortrait's export: M's bins and S's corrections as they are."""

    def motion(self, picture: ByteArray) -> Motion:
        """Return what M says of a picture."""
        session = self._sessions["motion"]
        answers = [
            np.asarray(answer, np.float32)[0] for answer in session.run(**{session.input_name: as_input(picture)})
        ]
        pitch, yaw, roll, translation, expression, scale, keypoints = answers
        angles = (angle_from_bins(pitch), angle_from_bins(yaw), angle_from_bins(roll))
        return motion_of(angles, translation, expression, float(scale[0]), keypoints)

    def paint(self, appearance: Any, source: FloatArray, driving: FloatArray) -> ByteArray:
        """Return W and G's picture (output_px, output_px, 3)."""
        painted = self._sessions["generator"].run(
            feature_3d=appearance, kp_driving=driving[None], kp_source=source[None]
        )[0]
        return as_picture(painted)

    def stitch(self, source: FloatArray, driving: FloatArray) -> FloatArray:
        """Return the driving keypoints (K, 3), corrected by S."""
        pair = np.concatenate((source.ravel(), driving.ravel()))[None]
        return shifted(driving, np.asarray(self._sessions["stitcher"].run_only(pair), np.float32).ravel())


def _import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ModelFileError(
            "this back-end needs the package onnxruntime: run `pip install 'afet-video[onnx]'`"
        ) from error
    return onnxruntime
