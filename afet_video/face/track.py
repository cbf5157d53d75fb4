"""What is known of a person in every frame of a video.

in: what the tracker saw -> out: landmarks of any range of frames, short gaps filled.  Must not: choose, smooth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FaceStatus, FloatArray, Timestamp
from afet_video.row_file import RowFile

_KEPT = ("blendshapes", "transforms", "face_id", "shot", "run", "sighting")


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """One row for every decoded frame (T of them), with at most one face in it; NaN = nothing known.

    `blendshapes` (T, 52) and `transforms` (T, 4, 4) float32. (T,) int32: `face_id` is the person, -1 = none; `shot` the
    shot, of every frame; `run` counts the stretches that go on without a jump, a long absence or a cut, -1 = none: rows
    of two runs may show the same person, but nothing moves from the one to the other. `sighting` (T,) int64: number of
    the detection among the rows that hold the landmarks, -1 = none. People who are never in one shot together can share
    a track.
    """

    timestamps: tuple[Timestamp, ...]
    status: tuple[FaceStatus, ...]
    blendshapes: FloatArray
    transforms: FloatArray
    face_id: NDArray[np.int32]
    shot: NDArray[np.int32]
    run: NDArray[np.int32]
    sighting: NDArray[np.int64]
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

    @property
    def people(self) -> tuple[int, ...]:
        """Everybody who is seen, by `face_id`."""
        return tuple(int(face_id) for face_id in np.unique(self.face_id) if face_id >= 0)

    def counts(self, face_id: int | None = None) -> Mapping[str, int]:
        """Return how many frames have each status, of all or of one person's; those of no frame are 0.

        None is `reduced` here: how much of the palsy a frame shows is not yet known.
        """
        frames = range(len(self)) if face_id is None else np.flatnonzero(self.face_id == face_id).tolist()
        found = Counter(self.status[frame] for frame in frames)
        return {str(status): found[status] for status in FaceStatus if status is not FaceStatus.REDUCED}

    def within(self, shot: int) -> FaceTrack:
        """Return the same track where nobody is known outside of one shot; it reads the same temporary file."""
        return replace(self, face_id=np.where(self.shot == shot, self.face_id, np.int32(-1)))

    def corrected(self, rows: RowFile) -> FaceTrack:
        """Return the same track with other landmarks; it owns `rows`, and the old one is to be closed by itself.

        `rows` has one row (478, 3) a frame; only those of detected frames are looked at.
        """
        own_row = np.arange(len(self), dtype=np.int64)
        return replace(self, sighting=np.where(self.sighting >= 0, own_row, -1), _spool=rows)

    def xyz(self, start: int, stop: int) -> FloatArray:
        """Return the landmarks of frames `start` to `stop`, (n, 478, 3) float32 pixels, NaN where missing.

        Raises
        ------
        IndexError
            If the range is not within the track.
        """
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"frames {start} to {stop} asked for, of {len(self)}")
        rows = np.full((stop - start, *self._spool.row_shape), np.nan, np.float32)
        for frame in range(start, stop):
            before, after = int(self._before[frame]), int(self._after[frame])
            if before < 0:
                before = after = frame
            if self.sighting[before] < 0:
                continue
            first = self.seen(before)
            last = first if after == before else self.seen(after)
            share = np.float32(share_of_way(self.timestamps, before, frame, after))
            rows[frame - start] = first + share * (last - first)
        return rows

    def held(self) -> FaceTrack:
        """Return the same track where missing frames after a sighting repeat the last known row of their shot.

        It reads the same temporary file: close one of the two, when both are done with.
        """
        status, before, after = list(self.status), self._before.copy(), self._after.copy()
        source = np.arange(len(self))
        last = -1
        for frame, state in enumerate(status):
            if state is not FaceStatus.MISSING:
                last = frame if state is FaceStatus.DETECTED else last
            elif last >= 0 and self.shot[last] == self.shot[frame]:
                status[frame] = FaceStatus.HELD
                before[frame] = after[frame] = source[frame] = last
        return replace(
            self,
            status=tuple(status),
            blendshapes=self.blendshapes[source],
            transforms=self.transforms[source],
            face_id=self.face_id[source],
            run=self.run[source],
            _before=before,
            _after=after,
        )

    def close(self) -> None:
        """Delete the temporary file, which tracks of one video share; landmarks cannot be read any more."""
        self._spool.close()

    def seen(self, frame: int) -> FloatArray:
        """Return the landmarks (478, 3) that were detected in a frame whose `sighting` is not -1."""
        row = int(self.sighting[frame])
        seen: FloatArray = self._spool.read(row, row + 1)[0]
        return seen

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything but the times and the landmarks; `from_arrays` takes it back."""
        arrays = {name: getattr(self, name) for name in _KEPT}
        return arrays | {"status": np.array(self.status), "before": self._before, "after": self._after}

    @classmethod
    def from_arrays(cls, times: Sequence[Timestamp], arrays: Mapping[str, NDArray[Any]], rows: RowFile) -> FaceTrack:
        """Return the track that `to_arrays` gave; `rows` are what `seen` gave, frame by frame, and it owns them."""
        is_seen = arrays["sighting"] >= 0
        return cls(
            timestamps=tuple(times),
            status=tuple(FaceStatus(state) for state in arrays["status"].tolist()),
            **{name: arrays[name] for name in _KEPT if name != "sighting"},
            sighting=np.where(is_seen, np.cumsum(is_seen) - 1, -1),
            _spool=rows,
            _before=arrays["before"],
            _after=arrays["after"],
        )


def share_of_way(timestamps: Sequence[Timestamp], before: int, frame: int, after: int) -> float:
    """Return how far `frame` is on the way from `before` to `after`, 0 to 1."""
    if before == after:
        return 0.0
    start = timestamps[before].seconds
    return float((timestamps[frame].seconds - start) / (timestamps[after].seconds - start))
