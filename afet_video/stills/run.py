"""Stills from files: one pair, or a folder of pairs.

in: picture files -> out: spliced pictures with their landmarks and side-cars.  Must not: parse arguments, print.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from afet_video.closing import Closing
from afet_video.datatypes import Side
from afet_video.errors import AfetError, InputError, OutputError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.image_files import READABLE, Picture, read_picture
from afet_video.passes.settings import ConvertSettings
from afet_video.passes.side import with_side_drawn
from afet_video.stills.files import StillPaths, write_still
from afet_video.stills.find import Face, find_face
from afet_video.stills.splicer import splice_faces


@dataclass(frozen=True, slots=True)
class StillReport:
    """What became of one pair: the files, the affected side, and how well the pictures went together.

    `strength` 0..1: share of the palsy that the view can carry. `turn_deg`: yaw and pitch of the head against the
    neutral's. `seconds_by_stage`: wall time of read, detect, splice, write.
    """

    neutral: Path
    expression: Path
    target: Path
    landmarks: Path
    sidecar: Path
    side: Side
    strength: float
    turn_deg: tuple[float, float]
    seconds_by_stage: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A pair that could not be made, and why, in one line."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class StillsReport:
    """What became of a folder of pairs; `ignored` files have nothing to do with pairs."""

    done: tuple[StillReport, ...]
    failed: tuple[Failure, ...]
    ignored: int = 0


class StillMaker(Closing):
    """Makes one still after the other with the models loaded once; use as a context manager.

    Parameters
    ----------
    settings : those of a conversion; what concerns time or video has no say.
    face : which face of each picture: `auto`, `largest`, `N` or `x,y`; see `stills.find`.
    """

    def __init__(self, settings: ConvertSettings | None = None, *, face: str = "auto") -> None:
        self._settings = settings or ConvertSettings()
        self._face = face
        # One for each picture of a pair, as both are looked at at once.
        self._landmarkers = tuple(FaceLandmarker(self._settings.landmarker) for _ in range(2))
        self._threads = ThreadPoolExecutor(len(self._landmarkers))

    def close(self) -> None:
        """Release the models; closing twice does no harm."""
        self._threads.shutdown()
        for landmarker in self._landmarkers:
            landmarker.close()

    def make(self, neutral: Path, expression: Path, target: Path, *, overwrite: bool = False) -> StillReport:
        """Splice the pair in two files and write the result.

        Raises
        ------
        InputError, OutputError, FaceError, SettingsError
            Each with one line that says what, where, and what to do. No file is left behind then.
        """
        paths = StillPaths.of(target)
        clock = [time.perf_counter()]
        pictures = read_picture(neutral), read_picture(expression)
        settings = with_side_drawn(self._settings, expression)
        clock.append(time.perf_counter())
        faces = list(self._threads.map(self._find, pictures, self._landmarkers))
        clock.append(time.perf_counter())
        still = splice_faces(faces[0], faces[1], settings)
        clock.append(time.perf_counter())
        sources = {"neutral": neutral, "expression": expression}
        write_still(still, paths, sources, settings, overwrite=overwrite)
        clock.append(time.perf_counter())
        spent = (round(end - start, 4) for start, end in itertools.pairwise(clock))
        return StillReport(
            neutral=neutral,
            expression=expression,
            target=target,
            landmarks=paths.landmarks,
            sidecar=paths.sidecar,
            side=settings.profile.side,
            strength=still.strength,
            turn_deg=still.turn_deg,
            seconds_by_stage=dict(zip(("read", "detect", "splice", "write"), spent, strict=True)),
            warnings=(*(f"{one.name}: {note}" for one in pictures for note in one.notes), *still.warnings),
        )

    def _find(self, picture: Picture, landmarker: FaceLandmarker) -> Face:
        return find_face(picture, landmarker, which=self._face)


def splice_still(
    neutral: str | Path,
    expression: str | Path,
    target: str | Path,
    *,
    settings: ConvertSettings | None = None,
    face: str = "auto",
    overwrite: bool = False,
) -> StillReport:
    """Make a picture of a face with a palsy from a picture at rest and one with an expression.

    Parameters
    ----------
    neutral, expression : pictures of the same person; the result has the second one's size and background.
    target : PNG or JPEG to write; its landmarks (`NAME.landmarks.json`) and side-car (`NAME.afet.json`) go beside it.
    settings : what to do; the defaults give a complete palsy of the subject's left side.
    face : which face, where a picture shows several: `auto` (the only one, or one that is clearly the largest),
        `largest`, `N` from the left (0 = leftmost), or `x,y`.
    overwrite : whether existing files may be replaced.

    Returns
    -------
    StillReport with the files written and how well the pictures went together.

    Raises
    ------
    InputError, OutputError, FaceError, SettingsError
        Each with one line that says what, where, and what to do. No file is left behind then.
    """
    with StillMaker(settings, face=face) as maker:
        return maker.make(Path(neutral), Path(expression), Path(target), overwrite=overwrite)


def splice_pairs(
    folder: str | Path,
    target: str | Path,
    *,
    settings: ConvertSettings | None = None,
    face: str = "auto",
    overwrite: bool = False,
    on_done: Callable[[StillReport | Failure], None] | None = None,
) -> StillsReport:
    """Splice every pair of a folder: ``NAME_neutral.png`` with ``NAME_expression.png`` makes ``target/NAME.png``.

    Parameters
    ----------
    folder : what `afet-video pairs` writes, its `pairs` folder, or any folder with pictures named so.
    target : folder to write to; it is created.
    settings, face, overwrite : as in `splice_still`.
    on_done : called after each pair.

    Returns
    -------
    StillsReport; a pair that fails does not stop the others.

    Raises
    ------
    InputError
        If the folder is missing or holds no pair at all.
    OutputError
        If the target folder cannot be made, or is where the pairs are.
    """
    folder, target = Path(folder), Path(target)
    names, ignored = _pairs_in(folder)
    if target.exists() and target.samefile(_home(folder)):
        raise OutputError(f"{target} is where the pairs are: choose another folder for the results")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {target}: {error.strerror or error}") from error
    done: list[StillReport] = []
    failed: list[Failure] = []
    with StillMaker(settings, face=face) as maker:
        for name, (neutral, expression) in names.items():
            try:
                result: StillReport | Failure = _one(maker, name, neutral, expression, target, overwrite)
            except AfetError as error:
                result = Failure(name, str(error))
            (failed if isinstance(result, Failure) else done).append(result)  # type: ignore[arg-type]
            if on_done is not None:
                on_done(result)
    return StillsReport(tuple(done), tuple(failed), ignored)


def _one(
    maker: StillMaker, name: str, neutral: Path | None, expression: Path | None, target: Path, overwrite: bool
) -> StillReport:
    if neutral is None or expression is None:
        missing = "neutral" if neutral is None else "expression"
        raise InputError(f"{name}: there is no {name}_{missing} picture beside it")
    return maker.make(neutral, expression, target / f"{name}.png", overwrite=overwrite)


_ENDINGS = ("_neutral", "_expression")


def _home(folder: Path) -> Path:
    return folder / "pairs" if (folder / "pairs").is_dir() else folder


def _pairs_in(folder: Path) -> tuple[dict[str, tuple[Path | None, Path | None]], int]:
    """Return both files of each pair by its name, and how many files have nothing to do with pairs."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give one with NAME_neutral and NAME_expression pictures")
    found: dict[str, list[Path | None]] = {}
    ignored = 0
    for path in _files(_home(folder)):
        which = next((k for k, ending in enumerate(_ENDINGS) if path.stem.endswith(ending)), None)
        if which is None or path.suffix.lower() not in READABLE:
            ignored += 1
            continue
        found.setdefault(path.stem.removesuffix(_ENDINGS[which]), [None, None])[which] = path
    if not found:
        raise InputError(f"{folder} holds no pair: pictures named NAME_neutral.png and NAME_expression.png make one")
    return {name: (both[0], both[1]) for name, both in sorted(found.items())}, ignored


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
