"""The conversion of one video, from top to bottom; `passes.ready` has what comes before the first changed picture.

in: a video of expressions, settings -> out: the palsy video, its landmark track, its side-car.  Must not: parse
arguments, print, or leave a half-written file.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from afet_video.content_credentials import Signer, check_signer, sign
from afet_video.datatypes import FaceStatus, Progress, ProgressCallback, RunReport, TrackRow, unreported
from afet_video.errors import InputError, OutputError
from afet_video.outputs import Outputs, check_name
from afet_video.passes.analyze import Analysis
from afet_video.passes.cast import Cast, main_row
from afet_video.passes.checkpoint import Checkpoints
from afet_video.passes.prepare import FaceModels, load_neutral_image
from afet_video.passes.ready import found_people, prepared
from afet_video.passes.report import main_neutral, people_report, sidecar_content
from afet_video.passes.settings import ConvertSettings
from afet_video.passes.sheet import SheetMaker
from afet_video.passes.side import with_side_drawn
from afet_video.threads import prefetch, run_behind
from afet_video.tracks import check_track_suffix, open_track_writer, write_sidecar
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.xmp import source_type_url

__all__ = ["ConvertSettings", "convert"]


def convert(
    source: str | Path,
    target: str | Path,
    *,
    settings: ConvertSettings | None = None,
    tracks: str | Path | None = None,
    contact_sheet: str | Path | None = None,
    checkpoints: str | Path | None = None,
    overwrite: bool = False,
    signer: Signer | None = None,
    on_progress: ProgressCallback | None = None,
) -> RunReport:
    """Turn a video of facial expressions into one of the same person with a simulated facial palsy.

    Parameters
    ----------
    source : video with a face.
    target : video to write; its suffix chooses the container (.mp4, .mov, .mkv, .webm, .avi).
    settings : what to do; the defaults give a complete palsy of the subject's left side.
    tracks : landmark track to write (.parquet, .csv or .npz); default: beside `target`, `NAME.tracks.parquet`.
    contact_sheet : PNG to write with source over result at the strongest expressions; default: none.
    checkpoints : folder that keeps the landmarks once they are found: another conversion of the same video, the same
        one after a kill or one with another profile or side, goes on from there; default: nothing is kept.
    overwrite : whether existing files may be replaced.
    signer : signs a C2PA manifest into the video (extra `c2pa`); None = there is none.
    on_progress : called with the frames done in each pass.

    Returns
    -------
    RunReport with the files written, the frames by status, the neutral chosen and why.

    Raises
    ------
    InputError, OutputError, FaceError, SettingsError, TrackFileError
        Each with one line that says what, where, and what to do. No file is left behind then.
    """
    paths = Paths.of(Path(source), Path(target), tracks, contact_sheet)
    settings = settings or ConvertSettings()
    signed_by = None if signer is None else check_signer(signer, paths.target)
    clock = Clock()
    image = load_neutral_image(settings)
    with Outputs(overwrite=overwrite) as outputs, contextlib.ExitStack() as stack:
        reader = stack.enter_context(VideoReader(paths.source, hwaccel=settings.hwaccel))
        settings = with_side_drawn(settings, paths.source)
        written = paths.redirected(outputs.path_for)
        writer = VideoWriter(
            written.target,
            source=paths.source,
            info=reader.info,
            settings=settings.encode,
            hwaccel=settings.hwaccel,
            target=paths.target,
        )
        report_progress = on_progress or unreported
        kept = Checkpoints(None if checkpoints is None else Path(checkpoints), paths.source, settings)

        people = stack.enter_context(found_people(reader, settings, report_progress, stage=clock.stage, kept=kept))
        ready = stack.enter_context(prepared(reader, people, settings, image, stage=clock.stage))
        analysis, models = people.analysis, ready.models
        with clock.stage("splice"):
            cast = Cast(ready.renderers)
            main = analysis.lane_of(analysis.main_person)
            sheet = SheetMaker(main.measures, wanted=paths.contact_sheet is not None)
            total = len(analysis.timestamps)
            source_type = source_type_url(settings.encode.source_type)
            counts = _second_pass(reader, writer, written, paths, cast, total, sheet, report_progress, source_type)
        if written.contact_sheet is not None:
            sheet.write(written.contact_sheet, paths)
        if signer is not None:
            sign(
                written.target,
                signer,
                source=paths.source,
                title=paths.target.name,
                source_type=settings.encode.source_type,
            )

        report = _report(paths, settings, analysis, models, counts, clock, (*reader.warnings, *writer.warnings))
        files = {"video": written.target, "tracks": written.tracks, "contact_sheet": written.contact_sheet}
        content = sidecar_content(report, settings, reader.info, files, signed_by)
        write_sidecar(written.sidecar, content, target=paths.sidecar)
    return report


def _second_pass(
    reader: VideoReader,
    writer: VideoWriter,
    written: Paths,
    paths: Paths,
    cast: Cast,
    total: int,
    sheet: SheetMaker,
    on_progress: ProgressCallback,
    source_type: str,
) -> Counter[str]:
    """Decode again, splice, encode and write the track; decoding runs ahead and encoding behind, in threads.

    Returns how many frames have each status, each frame counted once, by the best status of anybody in it.
    """
    counts: Counter[str] = Counter()
    with (
        open_track_writer(written.tracks, target=paths.tracks, source_type=source_type) as track_writer,
        writer,
        run_behind(writer.write) as encoder,
        contextlib.closing(prefetch(reader)) as frames,
    ):
        for frame in frames:
            sheet.before(frame)
            rows = cast.render(frame)
            sheet.after(frame, main_row(rows))
            encoder.put(frame)
            for row in rows:
                track_writer.write(row)
            counts[_status(rows)] += 1
            on_progress(Progress("splice", frame.index + 1, total))
    if counts.total() != total:
        raise InputError(
            f"{paths.source}: {total} frames at the first reading, {counts.total()} at the second: "
            "is it still being written?"
        )
    return counts


def _status(rows: list[TrackRow]) -> str:
    found = {row.status for row in rows}
    return str(next(status for status in FaceStatus if status in found))


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one conversion."""

    source: Path
    target: Path
    tracks: Path
    sidecar: Path
    contact_sheet: Path | None

    @classmethod
    def of(cls, source: Path, target: Path, tracks: str | Path | None, contact_sheet: str | Path | None) -> Paths:
        """Fill in the default names, and refuse names that cannot be right.

        Raises
        ------
        OutputError
            If two files would be the same.
        TrackFileError
            If the track's suffix is unknown.
        """
        track = Path(tracks) if tracks is not None else target.with_name(f"{target.stem}.tracks.parquet")
        check_track_suffix(track)
        sheet = Path(contact_sheet) if contact_sheet is not None else None
        if sheet is not None and sheet.suffix.lower() != ".png":
            raise OutputError(f"{sheet}: a contact sheet is a PNG file, give a name that ends in .png")
        paths = cls(source, target, track, target.with_name(f"{target.stem}.afet.json"), sheet)
        outputs = [path.absolute() for path in (target, track, paths.sidecar, sheet) if path is not None]
        for path in (source, *outputs):
            check_name(path)
        if len(set(outputs)) < len(outputs):
            raise OutputError(f"{target}: video, track, side-car and contact sheet need names of their own")
        for path in outputs:
            if path.exists() and source.exists() and path.samefile(source):
                raise OutputError(f"{path} is the source itself: choose another name for the result")
        return paths

    def redirected(self, path_for: Callable[[Path], Path]) -> Paths:
        """Return the same set with every output replaced by its temporary path."""
        sheet = None if self.contact_sheet is None else path_for(self.contact_sheet)
        return Paths(self.source, path_for(self.target), path_for(self.tracks), path_for(self.sidecar), sheet)


@dataclass(slots=True)
class Clock:
    """Wall time of each stage in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


def _report(
    paths: Paths,
    settings: ConvertSettings,
    analysis: Analysis,
    models: FaceModels,
    counts: Counter[str],
    clock: Clock,
    warnings: tuple[str, ...],
) -> RunReport:
    seconds = analysis.lanes[0].track.seconds
    people = people_report(analysis, models)
    return RunReport(
        source=paths.source,
        target=paths.target,
        tracks=paths.tracks,
        sidecar=paths.sidecar,
        contact_sheet=paths.contact_sheet,
        frames=len(seconds),
        frames_by_status={str(status): counts[str(status)] for status in FaceStatus},
        neutral=main_neutral(analysis, models),
        profile=settings.profile,
        duration_s=float(seconds[-1] - seconds[0]),
        seconds_by_stage=dict(clock.seconds),
        warnings=tuple(dict.fromkeys(warnings)),
        people=people,
        shots=tuple(int(frame) for frame in np.unique(analysis.shot, return_index=True)[1]),
    )
