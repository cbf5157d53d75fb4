"""A session on disk: video, landmark track and side-car, as `convert` writes them.

in: results as they come -> out: three files that hold everything up to the last moment.  Must not: hold the session
up, or lose what is recorded when the program ends.
"""

from __future__ import annotations

import datetime as dt
import queue
import threading
from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from afet_video.closing import Closing
from afet_video.datatypes import FaceStatus, NeutralChoice, Timestamp, TrackRow
from afet_video.errors import OutputError
from afet_video.live.results import LiveResult
from afet_video.live.settings import LiveSettings
from afet_video.outputs import check_target
from afet_video.passes.report import METHOD, library_versions, model_hashes, neutral_content, output_hashes
from afet_video.settings_io import settings_to_mapping
from afet_video.tracks import PartedTrackWriter, write_sidecar
from afet_video.video.record import RecordingWriter, check_record_suffix

_WAITING = 25
"""Most results that wait for the encoder: a second. Beyond that frames are left out, and counted."""


class Recorder(Closing):
    """Records a session; use it as a context manager, or call `close`.

    `put` may be called from any one thread and never waits. A picture of another size ends the recording.

    Parameters
    ----------
    path : video to write, .mp4 or .mkv; track and side-car get its name.
    source : what the camera is called, for the side-car.

    Attributes
    ----------
    problem : "" or one line on why the recording has ended early.

    Raises
    ------
    OutputError
        If a file exists already (without `overwrite`) or cannot be written.
    """

    def __init__(self, path: Path, *, settings: LiveSettings, source: str, overwrite: bool = False) -> None:
        check_record_suffix(path)
        self.path = path
        self.tracks = path.with_name(f"{path.stem}.tracks.parquet")
        self.sidecar = path.with_name(f"{path.stem}.afet.json")
        for target in (path, self.tracks, self.sidecar):
            check_target(target, overwrite=overwrite)
        self.problem = ""
        self.frames = self.dropped = 0
        self._settings, self._source = settings, source
        self._started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        self._statuses: Counter[str] = Counter()
        self._neutrals: dict[int, NeutralChoice] = {}
        self._indices = array("q")
        self._origin: Timestamp | None = None
        self._duration_s = 0.0
        self._size_wh: tuple[int, int] | None = None
        self._profile = settings.convert.profile
        self._video: RecordingWriter | None = None
        self._rows = PartedTrackWriter(self.tracks)
        self._line: queue.Queue[LiveResult | None] = queue.Queue(_WAITING)
        self._lock = threading.Lock()
        self._is_open = True
        self._failure: BaseException | None = None
        self._write_sidecar(is_finished=False)
        self._thread = threading.Thread(target=self._work, name="afet-record", daemon=True)
        self._thread.start()

    def put(self, result: LiveResult) -> None:
        """Record a result, unless the encoder is far behind."""
        if self.problem or not self._is_open:
            return
        try:
            self._line.put_nowait(result)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Finish the files; closing twice does no harm."""
        with self._lock:
            was_open, self._is_open = self._is_open, False
        if not was_open:
            return
        self._line.put(None)
        self._thread.join()
        try:
            if self._video is not None:
                self._video.close()
            self._rows.close()
        finally:
            self._write_sidecar(is_finished=True)
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while (result := self._line.get()) is not None:
            if self.problem:
                continue
            try:
                self._record(result)
            except OutputError as error:
                self.problem = str(error)
            except Exception as failure:  # noqa: BLE001 - raised by `close`; until then the line must be emptied
                self.problem, self._failure = f"the recording has ended ({type(failure).__name__})", failure

    def _record(self, result: LiveResult) -> None:
        size_wh = (result.result.shape[1], result.result.shape[0])
        stamp = result.timestamp
        if self._video is None or self._origin is None:
            encode = self._settings.convert.encode
            self._video = RecordingWriter(self.path, size_wh=size_wh, time_base=stamp.time_base, settings=encode)
            self._origin, self._size_wh = stamp, size_wh
        if size_wh != self._size_wh:
            self.problem = f"the camera's pictures are now {size_wh[0]}x{size_wh[1]}: the recording has ended"
            return
        timestamp = Timestamp(stamp.pts - self._origin.pts, stamp.time_base)
        self._video.write(result.result, timestamp)
        self._rows.write(self._as_recorded(result.row, timestamp))
        self.frames += 1
        self._duration_s = float(timestamp.seconds)

    def _as_recorded(self, row: TrackRow, timestamp: Timestamp) -> TrackRow:
        """Return the row with numbers and times of the recording, which may have begun late and lack frames."""
        self._indices.append(row.index)
        self._statuses[str(row.status)] += 1
        place = bisect_left(self._indices, row.neutral_index)
        is_recorded = place < len(self._indices) and self._indices[place] == row.neutral_index
        neutral = place if row.neutral_index >= 0 and is_recorded else -1
        return replace(row, index=self.frames, timestamp=timestamp, neutral_index=neutral)

    def know(self, neutral: NeutralChoice, face_id: int) -> None:
        """Remember for the side-car which neutral a person has; its frame is counted from the session's start."""
        self._neutrals[face_id] = neutral

    def _write_sidecar(self, *, is_finished: bool) -> None:
        write_sidecar(self.sidecar, self._content(is_finished=is_finished))

    def _content(self, *, is_finished: bool) -> dict[str, Any]:
        profile = self._profile
        left_out = [f"{self.dropped} frames were not recorded: the encoder could not keep up"] if self.dropped else []
        return {
            "method": METHOD,
            "live": True,
            "finished": is_finished,
            "recorded_at": self._started,
            "marked_in_file": self._settings.convert.encode.mark_synthetic,
            "source": {"name": self._source, "size_wh": self._size_wh},
            "outputs": {
                "video": self.path.name,
                "tracks": self.tracks.name,
                "contact_sheet": None,
                "sha256": self._hashes() if is_finished else {},
            },
            "affected_side": str(profile.side),
            "side_convention": "left and right are the subject's own",
            "frames": self.frames,
            "frames_by_status": {str(status): self._statuses[str(status)] for status in FaceStatus},
            "duration_s": self._duration_s,
            "neutral": {str(face_id): neutral_content(choice) for face_id, choice in self._neutrals.items()},
            "settings": settings_to_mapping(self._settings),
            "models": model_hashes(),
            "versions": library_versions(),
            "warnings": [*left_out, *([self.problem] if self.problem else [])],
        }

    def _hashes(self) -> dict[str, str]:
        there = {"video": self.path, "tracks": self.tracks}
        return output_hashes({name: path for name, path in there.items() if path.is_file()})


def free_name(path: Path) -> Path:
    """Return `path`, or NAME-2, NAME-3, ... if there is a recording of that name."""
    number, candidate = 1, path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate
