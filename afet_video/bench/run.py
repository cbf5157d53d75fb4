"""One run of all measurements.

in: settings -> out: `BenchReport`.  Must not: print, or leave a file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import afet_video
from afet_video.bench.against_floor import measure_against_floor
from afet_video.bench.figures import BenchReport, Figure, describe_run
from afet_video.bench.functions import can_tell_functions, measure_functions
from afet_video.bench.kernel import measure_kernel
from afet_video.bench.live import measure_live
from afet_video.bench.naive import literal_file, measure_naive, paper_figure
from afet_video.bench.process import (
    blas_of_one_thread,
    can_tell_memory,
    in_fresh_process,
    peak_of_convert_mb,
    startup_s,
)
from afet_video.bench.scene import FACE_PX, face_side_px
from afet_video.datatypes import unreported
from afet_video.errors import InputError, SettingsError
from afet_video.pipeline import convert
from afet_video.video.decode import VideoReader
from afet_video.video.rescale import write_rescaled

PARTS = ("kernel", "naive", "convert", "memory", "startup")
"""What is measured if nothing else is said."""

ON_REQUEST = ("live", "functions")
"""What is measured only if it is named: it takes its time, or many lines."""

HEIGHTS = (480, 720, 1080, 1440, 2160)
"""Rows of the pictures that are converted if nothing else is said."""

_SAMPLE = Path("samples") / "webcam.mp4"
_KERNEL_RUNS, _STARTUP_RUNS, _ROUNDS = 41, 7, 3
_MEMORY_HEIGHT, _MEMORY_FRAMES, _MEMORY_TIMES = 1080, 75, 4
_MEMORY_TARGET_MB, _STARTUP_TARGET_S = 1200.0, 0.3
_FUNCTIONS_HEIGHTS = (1080,)
_WARM_FRAMES = 30
_ROWS = (120, 4320)
_FRAMES, _LARGE_ROWS, _LARGE_FRAMES = 150, 1080, 60
"""Frames that are converted at each height, and of pictures with more rows: the whole shall stay within minutes."""
_NO_MEMORY = "Windows does not tell a process its peak memory in a standard way"

OnStep = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """What to measure.

    `clip`: a video of a face that moves, None = the sample of the clone. `heights`: rows of the pictures that are
    converted, None = `HEIGHTS`, and 1080 for the functions. `frames`: only the first ones of the clip; None = as many
    as a part needs: all for the kernel, 150 for conversions, 60 for those above 1080 rows. `only`: one of `PARTS` or
    `ON_REQUEST`, None = all of `PARTS`. `seconds`: how long a live session runs.
    """

    clip: Path | None = None
    heights: tuple[int, ...] | None = None
    frames: int | None = None
    only: str | None = None
    seconds: float = 30.0

    def __post_init__(self) -> None:
        heights = HEIGHTS if self.heights is None else self.heights
        if not heights or not all(_ROWS[0] <= height <= _ROWS[1] for height in heights):
            raise SettingsError(f"heights {heights}: give rows from {_ROWS[0]} to {_ROWS[1]}, as in 480,1080")
        if self.frames is not None and self.frames < 2:
            raise SettingsError(f"frames {self.frames}: at least 2 are needed")
        if self.only not in (None, *PARTS, *ON_REQUEST):
            raise SettingsError(f'only "{self.only}" is unknown: choose {", ".join(PARTS + ON_REQUEST)}')
        if not 1 <= self.seconds <= 86_400:
            raise SettingsError(f"seconds {self.seconds}: give 1 to 86400")


def run_bench(settings: BenchSettings, *, on_step: OnStep | None = None) -> BenchReport:
    """Measure, and return the figures in the order of `PARTS`.

    Parameters
    ----------
    settings : what to measure.
    on_step : called with what is measured next.

    Raises
    ------
    AfetError
        If there is no clip, or it cannot be converted.
    """
    clip = settings.clip or sample_clip()
    with tempfile.TemporaryDirectory(prefix="afet-bench-") as folder:
        bench = _Bench(settings, clip, Path(folder), on_step or unreported)
        steps = (
            *(bench.kernel, bench.naive, bench.convert, bench.memory, bench.startup),
            *(bench.live, bench.functions),
        )
        methods = dict(zip(PARTS + ON_REQUEST, steps, strict=True))
        for part in PARTS if settings.only is None else (settings.only,):
            methods[part]()
    return describe_run(clip, bench.figures, bench.skipped)


def sample_clip() -> Path:
    """Return the clip of the clone that this is run in, or that the package was installed from.

    Raises
    ------
    InputError
        If there is none: it does not ship with the package.
    """
    roots = (Path(), Path(afet_video.__file__).resolve().parent.parent)
    for path in (root / _SAMPLE for root in roots):
        if path.is_file():
            return path
    raise InputError(f"no {_SAMPLE.as_posix()} here to measure with: name a clip, as in afet-video bench my-video.mp4")


@dataclass(slots=True)
class _Bench:
    """The measurements, each of which adds its figures; `folder` is for temporary files."""

    settings: BenchSettings
    clip: Path
    folder: Path
    on_step: OnStep
    figures: list[Figure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def kernel(self) -> None:
        """Time the method's steps on one core."""
        self.on_step("kernel: one frame on one core")
        large = self._with_large_face()
        with blas_of_one_thread():
            self.figures += in_fresh_process(measure_kernel, large, _KERNEL_RUNS)

    def naive(self) -> None:
        """Time the literal method on one core, where it is there, beside the paper's own figure."""
        literal = literal_file()
        if literal is None:
            self.skipped.append("naive: the literal method is tests/literal.py of the clone, not part of the package")
        else:
            self.on_step("naive: one frame, the paper's way, on one core (a minute or two)")
            large = self._with_large_face()
            with blas_of_one_thread():
                self.figures += in_fresh_process(measure_naive, large, literal)
        self.figures.append(paper_figure())

    def convert(self) -> None:
        """Time whole conversions against their floor, and tell the most memory that each size takes."""
        self.on_step("convert: warming up")
        heights = self.settings.heights or HEIGHTS
        warm = self._rescaled(min(heights), frames=self._at_most(_WARM_FRAMES))
        convert(warm, self.folder / "palsy.mp4", overwrite=True)
        for height in heights:
            self.on_step(f"convert: {height} rows")
            scaled = self._rescaled(height, frames=self._frames_at(height))
            part = f"convert {height}p"
            self.figures += measure_against_floor(scaled, self.folder, part=part, rounds=_ROUNDS)
            if can_tell_memory():
                peak = in_fresh_process(peak_of_convert_mb, scaled, self.folder / "palsy.mp4")
                note = "one conversion in a process of its own"
                self.figures.append(Figure.of(part, "peak memory", "MB", [peak], note=note))
        if not can_tell_memory():
            self.skipped.append(f"peak memory of each height: {_NO_MEMORY}")

    def memory(self) -> None:
        """Tell the peak memory of a short and of a long conversion."""
        if not can_tell_memory():
            self.skipped.append(f"memory: {_NO_MEMORY}")
            return
        frames = self._at_most(_MEMORY_FRAMES)
        for times in (1, _MEMORY_TIMES):
            self.on_step(f"memory: {frames * times} frames")
            source = self._rescaled(_MEMORY_HEIGHT, frames=frames, repeats=times)
            peak = in_fresh_process(peak_of_convert_mb, source, self.folder / "palsy.mp4")
            name = f"peak, {frames * times} frames of {_MEMORY_HEIGHT} rows"
            self.figures.append(Figure.of("memory", name, "MB", [peak], target=_MEMORY_TARGET_MB))

    def startup(self) -> None:
        """Time the shortest command."""
        self.on_step("startup")
        samples = startup_s(_STARTUP_RUNS)
        self.figures.append(Figure.of("startup", "afet-video --help", "s", samples, target=_STARTUP_TARGET_S))

    def live(self) -> None:
        """Run a live session on the clip, over and over."""
        self.on_step(f"live: {self.settings.seconds:g} s after the calibration")
        with blas_of_one_thread():
            self.figures += in_fresh_process(measure_live, self.clip, self.settings.seconds)

    def functions(self) -> None:
        """Tell which functions take the processor's time in whole conversions."""
        if not can_tell_functions():
            self.skipped.append("functions: this system does not tell the processor time of each thread, as Linux does")
            return
        heights = self.settings.heights or _FUNCTIONS_HEIGHTS
        warm = self._rescaled(min(heights), frames=self._at_most(_WARM_FRAMES), name="warm.mp4")
        for height in heights:
            self.on_step(f"functions: {height} rows")
            scaled = self._rescaled(height, frames=self._frames_at(height))
            part, target = f"functions {height}p", self.folder / "palsy.mp4"
            self.figures += in_fresh_process(measure_functions, warm, scaled, target, part=part)

    def _frames_at(self, height: int) -> int:
        return self.settings.frames or (_FRAMES if height <= _LARGE_ROWS else _LARGE_FRAMES)

    def _at_most(self, frames: int) -> int:
        return min(self.settings.frames or frames, frames)

    def _with_large_face(self) -> Path:
        """Return a copy of the clip in which the face has `FACE_PX`."""
        scale = FACE_PX / face_side_px(self.clip)
        return self._rescaled(round(VideoReader(self.clip).info.size_wh[1] * scale))

    def _rescaled(self, height: int, *, frames: int | None = None, repeats: int = 1, name: str = "clip.mp4") -> Path:
        """Return a copy of the clip of that height, which replaces the one of that name before it."""
        copy = self.folder / name
        write_rescaled(self.clip, copy, height=height, frames=frames or self.settings.frames, repeats=repeats)
        return copy
