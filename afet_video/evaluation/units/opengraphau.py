"""Action units by OpenGraphAU, the detector that the paper uses (through facetorch).

in: mirrored half faces, a TorchScript file of the user's -> out: scores from 0 to 1.  Must not: download anything.

Facts behind it: the file is facetorch's `model.pt` (Hugging Face: tomas-gajarsky/facetorch-au-opengraph, 382 MB); input
(B, 3, 224, 224), normalized by ImageNet's mean and deviation; output (B, 41), active from 0.5 on. Of its 14 one-sided
outputs, the pair called "nasolabial deepener" is the lip-corner puller (AU12): upstream wired that pair to the node of
AU11. Since halves are mirrored, the 27 two-sided outputs are what is read.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from afet_video.datatypes import ByteArray
from afet_video.errors import ModelFileError
from afet_video.evaluation.units.faces import SIDES, HalfFaces, ScoreArray, UnitScores
from afet_video.evaluation.units.names import UNITS

OUTPUTS = 41
COLUMNS = {1: 0, 2: 1, 4: 2, 6: 4, 7: 5, 10: 7, 12: 9, 14: 11, 15: 12, 17: 14, 23: 19, 24: 20}
"""Output by unit."""

ONE_SIDED = {1: (27, 28), 2: (29, 30), 4: (31, 32), 6: (33, 34), 10: (35, 36), 12: (37, 38), 14: (39, 40)}
"""The outputs called left and right of a whole face; 37 and 38 are named "nasolabial deepener" and are AU12."""

_SIDE_PX = 224
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_THRESHOLD = 0.5
_FLIP_TOLERANCE = 0.2


class OpenGraphAU:
    """Scores mirrored halves by a TorchScript model on the CPU.

    Raises
    ------
    ModelFileError
        If torch is not installed, or the file is missing, no TorchScript, or answers in another shape.
    """

    title = "AU"

    def __init__(self, model: Path) -> None:
        self._torch = _torch()
        self._model = self._load(model)
        self._path = model
        self._unlike = 0.0
        self._looked = 0

    @property
    def note(self) -> str:
        """What was used, and what the flip check says once pictures were looked at."""
        text = f"AUs by OpenGraphAU ({self._path.name}) on mirrored half faces, active from 0.5 on."
        if self._looked:
            mean = self._unlike / self._looked
            verdict = "as it should" if mean <= _FLIP_TOLERANCE else "too much: its scores are not to be trusted"
            text += f" Flip check: a mirrored picture changes its scores by {mean:.3f} on average, {verdict}."
        return text

    def scores(self, source: HalfFaces, result: HalfFaces) -> tuple[UnitScores, UnitScores]:
        """Return the scores of both videos."""
        return self._of(source), self._of(result)

    def _of(self, video: HalfFaces) -> UnitScores:
        scores = np.full((len(video.frames), len(SIDES), len(UNITS)), np.nan)
        columns = [COLUMNS[unit.number] for unit in UNITS]
        for place, halves in video:
            plain = self.run([halves[side] for side in SIDES])
            flipped = self.run([np.ascontiguousarray(halves[side][:, ::-1]) for side in SIDES])
            both = np.stack([plain[:, columns], flipped[:, columns]])
            self._unlike += float(np.abs(both[0] - both[1]).mean())
            self._looked += 1
            scores[place] = both.mean(axis=0)
        return UnitScores(scores, np.full(len(UNITS), _THRESHOLD))

    def run(self, pictures: list[ByteArray]) -> ScoreArray:
        """Return the raw outputs (B, 41) of square RGB pictures of any size."""
        small = [cv2.resize(rgb, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA) for rgb in pictures]
        batch = (np.stack(small).astype(np.float32) / 255.0 - _MEAN) / _DEVIATION
        with self._torch.inference_mode():
            answer = self._model(self._torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2))))
        answer = answer[-1] if isinstance(answer, tuple | list) else answer
        values = np.asarray(answer.numpy(), np.float64)
        if values.shape != (len(pictures), OUTPUTS):
            raise ModelFileError(
                f"{self._path} answers in shape {values.shape}, not ({len(pictures)}, {OUTPUTS}): give OpenGraphAU's "
                "model.pt as facetorch distributes it"
            )
        return values

    def _load(self, model: Path) -> Any:
        if not model.is_file():
            raise ModelFileError(f"{model}: no such model file; give the path of OpenGraphAU's TorchScript model.pt")
        try:
            with warnings.catch_warnings():
                # TorchScript is deprecated, but it is what the file is
                warnings.simplefilter("ignore", DeprecationWarning)
                loaded = self._torch.jit.load(str(model), map_location="cpu")
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelFileError(f"{model} is no TorchScript file (damaged?): {reason}") from error
        return loaded.eval()


def one_sided_reading(plain: ScoreArray, flipped: ScoreArray) -> tuple[dict[int, tuple[float, float]], float]:
    """Return left and right by unit from the one-sided outputs of a whole face, and how well the flip check goes.

    Parameters
    ----------
    plain, flipped : (41,) outputs for a picture and for its mirror image.

    Notes
    -----
    Left is the mean of left in the picture and right in its mirror image, and the other way round. The check is the
    share of the difference between the sides that changes sign with the picture: 1 = all as it should, 0 = the model
    does not know sides, negative = left and right do not follow the picture.
    """
    pairs = {unit: (plain[a], plain[b], flipped[a], flipped[b]) for unit, (a, b) in ONE_SIDED.items()}
    reading = {unit: (float(a + d) / 2, float(b + c) / 2) for unit, (a, b, c, d) in pairs.items()}
    before = np.array([a - b for a, b, _, _ in pairs.values()])
    after = np.array([d - c for _, _, c, d in pairs.values()])
    power = float((before**2).sum() + (after**2).sum())
    return reading, float(2 * (before @ after) / power) if power > 0 else 1.0


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ModelFileError(
            "OpenGraphAU needs PyTorch, which is not installed: pip install torch, or use --units proxy"
        ) from error
    return torch
