"""What pass 2 remembers from one frame to the next, kept on disk so that it can go on in the middle of a video.

in: the models of pass 2 <-> out: a file of arrays.  Must not: know how anything is remembered, or unpickle.

Three things remember: what covers the face (the frame before), the affected eye (as it last was open), and how far the
lids followed the gaze. Everything else in pass 2 depends on its own frame and on what was known before pass 2 began.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from afet_video.face.track import FaceTrack
from afet_video.passes.prepare import FaceModels


class Remembers(Protocol):
    """Something with a state that can be taken out and put back; `splice.cover.FaceCover` is one."""

    def remembered(self) -> dict[str, NDArray[Any]]:
        """Return the state, empty if there is none."""
        ...

    def recall(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        ...


@dataclass(slots=True, eq=False)
class _Kept:
    owner: Remembers
    last_frame: int


class RenderMemory:
    """The state of all models of a video.

    Parameters
    ----------
    models : of every person in every shot; two shots can share one.
    tracks : where everybody is, to know which models are no longer needed.
    """

    def __init__(self, models: FaceModels, tracks: Sequence[FaceTrack]) -> None:
        last_frame: dict[tuple[int, int], int] = {}
        for track in tracks:
            for frame, key in enumerate(zip(track.face_id.tolist(), track.shot.tolist(), strict=True)):
                last_frame[key] = max(frame, last_frame.get(key, -1))
        self._kept: dict[str, _Kept] = {}
        by_owner: dict[int, _Kept] = {}
        for key, model in sorted(models.items()):
            owners: list[Remembers] = [model.cover, *(entry.eye for entry in model.bank), model.gaze]
            for number, owner in enumerate(owners):
                frame = last_frame.get(key, -1)
                known = by_owner.get(id(owner))
                if known is None:
                    known = by_owner[id(owner)] = _Kept(owner, frame)
                    self._kept[f"{key[0]}-{key[1]}-{number}"] = known
                known.last_frame = max(known.last_frame, frame)

    def save(self, path: Path, stop: int) -> None:
        """Write what the frames from `stop` on may need; call it when the frame before has been changed.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        arrays = {
            f"{name}/{what}": array
            for name, kept in self._kept.items()
            if kept.last_frame >= stop
            for what, array in kept.owner.remembered().items()
        }
        np.savez(path, allow_pickle=False, **arrays)

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote.

        Raises
        ------
        OSError, ValueError, zipfile.BadZipFile
            If the file is missing or damaged.
        """
        found: dict[str, dict[str, NDArray[Any]]] = {name: {} for name in self._kept}
        with np.load(path, allow_pickle=False) as loaded:
            for full_name in loaded.files:
                name, what = full_name.split("/")
                found[name][what] = loaded[full_name]
        for name, arrays in found.items():
            self._kept[name].owner.recall(arrays)
