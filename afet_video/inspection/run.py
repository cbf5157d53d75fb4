"""One clip inspected, from top to bottom.

in: a video, settings -> out: a contact sheet, a CSV, a rerun recording.  Must not: print, or leave a half-written file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray, Progress, ProgressCallback, VideoFrame, unreported
from afet_video.draw import write_png
from afet_video.errors import InputError, OutputError, SettingsError
from afet_video.face.activity import activity, baseline
from afet_video.inspection.rerun_log import RerunLog, check_rerun
from afet_video.inspection.seen import SeenFace, SeenFrame, raw_midline
from afet_video.inspection.sheet import stage_sheet
from afet_video.inspection.stats import StatsWriter
from afet_video.outputs import Outputs
from afet_video.passes.analyze import Analysis, Lane
from afet_video.passes.cast import Cast
from afet_video.passes.prepare import FaceModels, load_neutral_image
from afet_video.passes.ready import Prepared, found_people, prepared
from afet_video.passes.render import ChangeStages, Renderer, Watch
from afet_video.passes.settings import ConvertSettings
from afet_video.passes.side import with_side_drawn
from afet_video.row_file import RowFile
from afet_video.splice.midline import MidlineSettings
from afet_video.threads import prefetch
from afet_video.video.decode import VideoReader


@dataclass(frozen=True, slots=True)
class InspectReport:
    """What was inspected: the frame on the sheet, how many frames were read to the end, the files written."""

    source: Path
    frame: int
    seconds: float
    status: str
    frames: int
    sheet: Path | None
    stats: Path | None
    rerun: Path | None


def inspect_clip(
    source: str | Path,
    *,
    sheet: str | Path | None = None,
    stats: str | Path | None = None,
    rerun: str | Path | None = None,
    frame: int | None = None,
    at: float | None = None,
    settings: ConvertSettings | None = None,
    overwrite: bool = False,
    on_progress: ProgressCallback | None = None,
) -> InspectReport:
    """Run the stages of `convert` on a clip and show what they do.

    Parameters
    ----------
    source : video with a face.
    sheet : PNG to write with every stage of one frame.
    stats : CSV to write with figures of every frame.
    rerun : .rrd file to write for the rerun viewer; needs the package rerun-sdk.
    frame, at : the frame of the sheet by number or by time in seconds; default: the strongest expression.
    settings : as for `convert`.
    overwrite : whether existing files may be replaced.
    on_progress : called with the frames done in each pass.

    Raises
    ------
    InputError, OutputError, FaceError, SettingsError
        Each with one line that says what, where, and what to do. No file is left behind then.
    """
    paths = [None if path is None else Path(path) for path in (sheet, stats, rerun)]
    _check_paths(Path(source), paths)
    if frame is not None and at is not None:
        raise SettingsError("--at and --frame both choose the frame: leave one of them out")
    if rerun is not None:
        check_rerun()
    settings = settings or ConvertSettings()
    report_progress = on_progress or unreported
    image = load_neutral_image(settings)
    with Outputs(overwrite=overwrite) as outputs, contextlib.ExitStack() as stack:
        to_sheet, to_stats, to_rerun = (None if path is None else outputs.path_for(path) for path in paths)
        reader = VideoReader(Path(source))
        settings = with_side_drawn(settings, Path(source))
        detected = stack.enter_context(contextlib.closing(_Detected()))
        people = stack.enter_context(found_people(reader, settings, report_progress, on_detected=detected.keep))
        wanted = _wanted_frame(people.analysis, frame, at)
        ready = stack.enter_context(prepared(reader, people, settings, image))
        watcher = _Watcher(people.analysis, ready.models, detected, settings.midline)
        cast = Cast(watcher.watched(ready))
        sinks: list[Callable[[SeenFrame], None]] = []
        if to_stats is not None and paths[1] is not None:
            sinks.append(stack.enter_context(StatsWriter(to_stats, target=paths[1])).write)
        if to_rerun is not None:
            sinks.append(stack.enter_context(RerunLog(to_rerun, Path(source).name)).write)
        total = len(people.analysis.timestamps) if sinks else wanted + 1
        seen, count = None, 0
        for one in _frames(reader, cast, watcher, wanted, total, pictures=to_rerun is not None):
            seen, count = (one if one.index == wanted else seen), count + 1
            for sink in sinks:
                sink(one)
            report_progress(Progress("inspect", count, total))
        if seen is None:
            raise InputError(
                f"{source}: frame {wanted} was there at the first reading only: is it still being written?"
            )
        if to_sheet is not None:
            write_png(to_sheet, stage_sheet(seen, name=Path(source).name), target=paths[0])
    face = seen.main_face
    status = "missing" if face is None else str(face.stages.row.status)
    return InspectReport(Path(source), wanted, seen.seconds, status, count, *paths)


def _check_paths(source: Path, paths: list[Path | None]) -> None:
    suffixes = ((".png", "a contact sheet"), (".csv", "the figures of every frame"), (".rrd", "a rerun recording"))
    for path, (suffix, what) in zip(paths, suffixes, strict=True):
        if path is not None and path.suffix.lower() != suffix:
            raise OutputError(f"{path}: {what} goes into a file that ends in {suffix}")
        if path is not None and path.exists() and source.exists() and path.samefile(source):
            raise OutputError(f"{path} is the source itself: choose another name")
    if all(path is None for path in paths):
        raise SettingsError("nothing to write: name a contact sheet (-o sheet.png), --stats or --rerun")


def _wanted_frame(analysis: Analysis, frame: int | None, at: float | None) -> int:
    lane = analysis.lane_of(analysis.main_person)
    count, seconds = len(lane.track), lane.track.seconds
    if frame is not None:
        if not 0 <= frame < count:
            raise InputError(f"there is no frame {frame}: the video has frames 0 to {count - 1}")
        return frame
    if at is not None:
        if not seconds[0] <= at <= seconds[-1] + 0.5:
            raise InputError(
                f"there is no frame at {at:g} s: the video runs from {seconds[0]:.2f} to {seconds[-1]:.2f} s"
            )
        return int(np.searchsorted(seconds, at + 1e-6, side="right")) - 1
    return int(np.nan_to_num(_activity(lane), nan=-1.0).argmax())


def _activity(lane: Lane) -> FloatArray:
    """Return how much the face does in each frame (T,), NaN where it is not detected."""
    shapes = lane.measures.blendshapes
    active = activity(shapes, baseline(shapes))
    return np.where(lane.measures.detected, active, np.float32(np.nan))


@dataclass(slots=True, eq=False)
class _Detected:
    """The landmarks of each lane as the detector finds them, on disk."""

    rows: list[RowFile] = field(default_factory=list)

    def keep(self, analysis: Analysis) -> None:
        for lane in analysis.lanes:
            self.rows.append(RowFile((478, 3)))
            for frame in range(len(lane.track)):
                self.rows[-1].append(lane.track.xyz(frame, frame + 1)[0])

    def close(self) -> None:
        for rows in self.rows:
            rows.close()


class _Watcher:
    """Collects the faces of a frame as they are changed."""

    def __init__(self, analysis: Analysis, models: FaceModels, detected: _Detected, midline: MidlineSettings) -> None:
        self._models, self._detected, self._midline = models, detected, midline
        self._activity = [_activity(lane) for lane in analysis.lanes]
        self._shot: NDArray[np.int32] = analysis.shot
        self._faces: list[SeenFace] = []

    def watched(self, ready: Prepared) -> list[Renderer]:
        return [replace(renderer, watch=self._watch(lane)) for lane, renderer in enumerate(ready.renderers)]

    def take(self, frame: VideoFrame) -> SeenFrame:
        """Return what was seen of a frame that has just been rendered."""
        faces, self._faces = tuple(self._faces), []
        return SeenFrame(frame.index, frame.timestamp, int(self._shot[frame.index]), faces)

    def _watch(self, lane: int) -> Watch:
        def watch(stages: ChangeStages) -> None:
            index, moment = stages.row.index, stages.moment
            self._faces.append(
                SeenFace(
                    stages,
                    self._models[moment.face_id, moment.shot],
                    self._detected.rows[lane].read(index, index + 1)[0],
                    raw_midline(self._detected.rows[lane].read(index, index + 1)[0], self._midline),
                    float(self._activity[lane][index]),
                )
            )

        return watch


def _frames(
    reader: VideoReader, cast: Cast, watcher: _Watcher, wanted: int, total: int, *, pictures: bool
) -> Iterator[SeenFrame]:
    """Yield the first `total` frames, those with pictures that need them; all of them are changed, one by one, because
    the eye and the cover remember the frames before.
    """
    with contextlib.closing(prefetch(reader)) as frames:
        for frame in frames:
            if frame.index >= total:
                return
            shown = pictures or frame.index == wanted
            before = frame.rgb() if shown else None
            cast.render(frame)
            seen = watcher.take(frame)
            yield replace(seen, source=before, result=frame.rgb()) if shown else seen
