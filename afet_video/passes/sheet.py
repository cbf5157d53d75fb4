"""The before/after contact sheet: source over result at the strongest expressions.

in: measures of pass 1, frames of pass 2 -> out: a PNG.  Must not: keep more than the few frames shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ByteArray, FloatArray, TrackRow, VideoFrame
from afet_video.draw import SheetSample, before_after_sheet, write_png
from afet_video.face.activity import EXPRESSION, activity, baseline
from afet_video.face.neutral import FaceMeasures

_COLUMNS = 6
_APART_S = 0.4


class _SheetPaths(Protocol):
    @property
    def source(self) -> Path: ...
    @property
    def contact_sheet(self) -> Path | None: ...


class SheetMaker:
    """Picks the moments to show, takes their pictures as pass 2 goes by, and writes the sheet."""

    def __init__(self, measures: FaceMeasures, *, wanted: bool) -> None:
        seconds = np.array([float(stamp.seconds) for stamp in measures.timestamps])
        self._names = strongest_moments(measures.blendshapes, measures.detected, seconds) if wanted else {}
        self._before: ByteArray | None = None
        self._samples: list[SheetSample] = []

    def before(self, frame: VideoFrame) -> None:
        """Look at a frame before it is changed."""
        self._before = frame.rgb() if frame.index in self._names else None

    def after(self, frame: VideoFrame, row: TrackRow) -> None:
        """Look at it after."""
        if self._before is None:
            return
        xyz = row.source_xyz if np.isfinite(row.source_xyz).all() else None
        caption = f"{float(frame.timestamp.seconds):.2f} s  {self._names[frame.index]}"
        self._samples.append(SheetSample(self._before, frame.rgb(), xyz, caption))
        self._before = None

    def take(self) -> dict[str, NDArray[Any]]:
        """Return the pictures taken up to now, and forget them; `give` takes them back."""
        arrays: dict[str, NDArray[Any]] = {}
        for number, sample in enumerate(self._samples):
            arrays |= {f"source{number}": sample.source, f"result{number}": sample.result}
            arrays[f"caption{number}"] = np.array(sample.caption)
            if sample.source_xyz is not None:
                arrays[f"xyz{number}"] = sample.source_xyz
        self._samples = []
        return arrays

    def give(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Add the pictures that `take` gave, after those that are there."""
        for number in range(sum(name.startswith("caption") for name in arrays)):
            pictures = (arrays[f"source{number}"], arrays[f"result{number}"])
            self._samples.append(SheetSample(*pictures, arrays.get(f"xyz{number}"), str(arrays[f"caption{number}"])))

    def write(self, path: Path, paths: _SheetPaths) -> None:
        """Write the sheet to `path`.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        sheet = before_after_sheet(self._samples, title=f"{paths.source.name}: source over result (synthetic)")
        write_png(path, sheet, target=paths.contact_sheet)


def strongest_moments(
    blendshapes: FloatArray, detected: NDArray[np.bool_], seconds: NDArray[np.float64], *, count: int = _COLUMNS
) -> dict[int, str]:
    """Return up to `count` frames, far enough apart, with the most expression, each with what moves most in it.

    Parameters
    ----------
    blendshapes : (T, 52), NaN where unknown.
    detected : (T,) frames that may be chosen.
    seconds : (T,) times.
    """
    rest = baseline(blendshapes)
    strength: FloatArray = np.where(detected, activity(blendshapes, rest), -1.0)
    chosen: dict[int, str] = {}
    seen: list[int] = []
    for frame in np.argsort(-strength, kind="stable").tolist():
        if len(chosen) == count or strength[frame] < 0:
            break
        change = np.abs(blendshapes[frame] - rest)
        leading = max(EXPRESSION, key=lambda i: float(change[i]))
        # Another expression is worth more than the same one again.
        spacing = _APART_S * (4.0 if leading in seen else 1.0)
        if all(abs(seconds[frame] - seconds[other]) > spacing for other in chosen):
            chosen[frame] = facemesh.BLENDSHAPES[leading]
            seen.append(leading)
    return chosen
