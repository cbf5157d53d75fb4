"""The conversion of one video, from top to bottom; `passes.ready` has what comes before the first changed picture.

in: a video of expressions, settings -> out: the palsy video, its landmark track, its side-car.  Must not: parse
arguments, print, or leave a half-written file.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from afet_video.content_credentials import Signer, check_signer, sign
from afet_video.datatypes import FaceStatus, ProgressCallback, RunReport, unreported
from afet_video.errors import OutputError, SettingsError
from afet_video.outputs import Outputs, check_name
from afet_video.passes.analyze import Analysis
from afet_video.passes.cast import Cast
from afet_video.passes.checkpoint import Checkpoints
from afet_video.passes.memory import RenderMemory
from afet_video.passes.prepare import FaceModels, load_neutral_image
from afet_video.passes.ready import found_people, prepared
from afet_video.passes.report import main_neutral, neutral_warnings, people_report, sidecar_content
from afet_video.passes.second_pass import SecondPass
from afet_video.passes.segments import Segments, segments_folder
from afet_video.passes.settings import ConvertSettings
from afet_video.passes.sheet import SheetMaker
from afet_video.passes.side import with_side_drawn
from afet_video.tracks import check_track_suffix, open_track_writer, sha256_file, write_sidecar
from afet_video.video.decode import VideoReader
from afet_video.video.segments import SegmentedVideoWriter
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
    resume: bool = False,
    overwrite: bool = False,
    signer: Signer | None = None,
    source_sha256: str | None = None,
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
    checkpoints : folder that keeps the landmarks once they are found, so that another conversion of the same video, the
        same one after a kill or one with another profile or side, goes on from there; of a video of more than
        `settings.segment_frames` also what is encoded, until it is finished. Default: nothing is kept.
    resume : keep checkpoints beside `target` until it is finished, and go on from those that are there.
    overwrite : whether existing files may be replaced.
    signer : signs a C2PA manifest into the video (extra `c2pa`); None = there is none.
    source_sha256 : SHA-256 of the source in hexadecimal, by whoever has just computed it; None = it is computed.
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
    beside = _folder_beside(paths.target)
    if resume and checkpoints is not None:
        raise SettingsError("resume keeps checkpoints beside the result: give either it or a folder for checkpoints")
    kept_in = beside if resume else None if checkpoints is None else Path(checkpoints)
    signed_by = None if signer is None else check_signer(signer, paths.target)
    clock = Clock()
    image = load_neutral_image(settings)
    with Outputs(overwrite=overwrite) as outputs, contextlib.ExitStack() as stack:
        reader = stack.enter_context(VideoReader(paths.source, hwaccel=settings.hwaccel))
        content = source_sha256 or sha256_file(paths.source)
        settings = with_side_drawn(settings, paths.source, sha256=content)
        written = paths.redirected(outputs.path_for)
        writer = SegmentedVideoWriter(
            written.target,
            source=paths.source,
            info=reader.info,
            settings=settings.encode,
            hwaccel=settings.hwaccel,
            target=paths.target,
        )
        report_progress = on_progress or unreported
        kept = Checkpoints(kept_in, paths.source, settings, sha256=content)

        people = stack.enter_context(found_people(reader, settings, report_progress, stage=clock.stage, kept=kept))
        ready = stack.enter_context(prepared(reader, people, settings, image, stage=clock.stage))
        analysis, models = people.analysis, ready.models
        with clock.stage("splice"):
            cast = Cast(ready.renderers)
            main = analysis.lane_of(analysis.main_person)
            sheet = SheetMaker(main.measures, wanted=paths.contact_sheet is not None)
            source_type = source_type_url(settings.encode.source_type)
            total = len(analysis.timestamps)
            segments = _segments(kept, settings, paths, total, writer)
            memory = RenderMemory(models, [lane.track for lane in analysis.lanes])
            track_writer = open_track_writer(written.tracks, target=paths.tracks, source_type=source_type)
            second_pass = SecondPass(reader, writer, track_writer, cast, memory, sheet, total, report_progress)
            counts, found = second_pass.run(segments)
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
        if segments is not None:
            report = replace(report, segments=len(segments), segments_found=found)
        files = {"video": written.target, "tracks": written.tracks, "contact_sheet": written.contact_sheet}
        said = sidecar_content(report, settings, reader.info, files, content, signed_by)
        write_sidecar(written.sidecar, said, target=paths.sidecar)
    if segments is not None:
        segments.delete()
    shutil.rmtree(beside, ignore_errors=True)
    return report


def _segments(
    kept: Checkpoints, settings: ConvertSettings, paths: Paths, frames: int, writer: SegmentedVideoWriter
) -> Segments | None:
    """Return the segments that the video is made in; None if it is made in one go."""
    if frames <= settings.segment_frames:
        return None
    folder = segments_folder(kept, settings, paths.target, has_sheet=paths.contact_sheet is not None)
    if folder is not None and settings.hwaccel is not None:
        writer.warnings.append(
            f"with {settings.hwaccel} the video is encoded in one go: after a kill its encoding begins anew"
        )
        return None
    return None if folder is None else Segments(folder, frames, settings.segment_frames)


def _folder_beside(target: Path) -> Path:
    """Return the folder in which a conversion to `target` keeps what it needs to go on."""
    own = hashlib.sha256(str(target.name).encode()).hexdigest()[:16]
    return target.with_name(f".{own}.afet-resume")


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
    warnings = (*warnings, *neutral_warnings(people))
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
