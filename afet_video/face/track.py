"""What is known of one person in every frame of a video.

in: what the tracker saw -> out: landmarks of any range of frames, short gaps filled.  Must not: choose, smooth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FaceStatus, FloatArray, Timestamp
from afet_video.row_file import RowFile


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """One row for every decoded frame (T of them); NaN = nothing known.

    `blendshapes` (T, 52) and `transforms` (T, 4, 4) float32; `face_id` (T,) int32 counts persons, -1 = none: it grows
    where the track jumps (a cut, or another person), and rows of two ids have nothing to do with each other.
    """

    timestamps: tuple[Timestamp, ...]
    status: tuple[FaceStatus, ...]
    blendshapes: FloatArray
    transforms: FloatArray
    face_id: NDArray[np.int32]
    _spool: RowFile
    _before: NDArray[np.int64]
    _after: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.timestamps)

    def __repr__(self) -> str:
        return f"FaceTrack({len(self)} frames, {dict(self.counts())})"

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Presentation times (T,)."""
        return np.array([float(timestamp.seconds) for timestamp in self.timestamps])

    def counts(self) -> Mapping[str, int]:
        """Return how many frames have each status; those of no frame are 0.

        None is `reduced` here: how much of the palsy a frame shows is not yet known.
        """
        found = Counter(self.status)
        return {str(status): found[status] for status in FaceStatus if status is not FaceStatus.REDUCED}

    def xyz(self, start: int, stop: int) -> FloatArray:
        """Return the landmarks of frames `start` to `stop`, (n, 478, 3) float32 pixels, NaN where missing.

        Raises
        ------
        IndexError
            If the range is not within the track.
        """
        rows = self._spool.read(start, stop)
        for frame in range(start, stop):
            before, after = int(self._before[frame]), int(self._after[frame])
            if before < 0:
                continue
            first = self._spool.read(before, before + 1)[0]
            last = first if after == before else self._spool.read(after, after + 1)[0]
            rows[frame - start] = first + np.float32(share_of_way(self.timestamps, before, frame, after)) * (
                last - first
            )
        return rows

    def held(self) -> FaceTrack:
        """Return the same track where missing frames after the first sighting repeat the last known row.

        It reads the same temporary file: close one of the two, when both are done with.
        """
        status, before, after = list(self.status), self._before.copy(), self._after.copy()
        source = np.arange(len(self))
        last = -1
        for frame, state in enumerate(status):
            if state is not FaceStatus.MISSING:
                last = frame if state is FaceStatus.DETECTED else last
            elif last >= 0:
                status[frame] = FaceStatus.HELD
                before[frame] = after[frame] = source[frame] = last
        return replace(
            self,
            status=tuple(status),
            blendshapes=self.blendshapes[source],
            transforms=self.transforms[source],
            face_id=self.face_id[source],
            _before=before,
            _after=after,
        )

    def close(self) -> None:
        """Delete the temporary file; landmarks cannot be read any more."""
        self._spool.close()


def share_of_way(timestamps: Sequence[Timestamp], before: int, frame: int, after: int) -> float:
    """Return how far `frame` is on the way from `before` to `after`, 0 to 1."""
    if before == after:
        return 0.0
    start = timestamps[before].seconds
    return float((timestamps[frame].seconds - start) / (timestamps[after].seconds - start))
