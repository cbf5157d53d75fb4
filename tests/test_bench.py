"""`afet-video bench` measures something, and says what."""

from __future__ import annotations

import gc
import itertools
import json
import sys
import threading
import time
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from rich.console import Console
from tolerances import SHARE_WITHIN_GRAY_LEVELS
from typer.testing import CliRunner

from afet_video.bench import PARTS, BenchReport, BenchSettings, Figure, functions, run_bench
from afet_video.bench.functions import Watch, can_tell_functions
from afet_video.bench.naive import literal_file, measure_naive
from afet_video.bench.process import can_tell_memory, in_fresh_process, peak_memory_mb
from afet_video.bench.run import sample_clip
from afet_video.cli import app
from afet_video.cli.bench import print_report
from afet_video.errors import InputError, SettingsError
from afet_video.video.decode import VideoReader
from afet_video.video.rescale import write_rescaled

FIELDS = {"part", "name", "unit", "median", "iqr", "runs", "target", "note", "frame_ms"}


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def test_the_kernel_is_timed_on_a_face_of_512_pixels(short_clip: Path) -> None:
    result = run(short_clip, "--only", "kernel", "--frames", 8, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {"date", "machine", "versions", "clip", "figures", "skipped"} == set(found)
    assert found["clip"] == short_clip.name
    assert found["machine"]["cores"] >= 1
    assert found["versions"]["numba"] != "not installed"
    figures = {figure["name"]: figure for figure in found["figures"]}
    assert {f"splice, {ramp} ramp" for ramp in ("smooth", "linear")} <= set(figures)
    assert {"rest model", "alpha field", "texture weights", "truth", "midline fit", "read_box"} <= set(figures)
    for figure in figures.values():
        assert set(figure) == FIELDS
        assert figure["part"] == "kernel"
        assert figure["unit"] == "ms"
        assert figure["runs"] >= 30
        assert 0 < figure["median"] < 1000
        assert figure["frame_ms"] == figure["median"]
        assert figure["iqr"] >= 0
    splice = figures["splice, smooth ramp"]
    assert splice["target"] == 4.0
    width, height = map(int, splice["note"].split()[1].split("x"))
    assert 512**2 * 0.8 < width * height < 512**2 * 1.25


def test_conversion_is_compared_with_its_floor(short_clip: Path) -> None:
    result = run(short_clip, "--only", "convert", "--frames", 8, "--heights", "160", "--json")
    assert result.exit_code == 0, result.output
    figures = {figure["name"]: figure for figure in json.loads(result.stdout)["figures"]}
    assert {figure["part"] for figure in figures.values()} == {"convert 160p"}
    assert figures["convert / floor"]["target"] == 1.35
    assert figures["convert / overlapped floor"]["target"] == 1.15
    assert figures["the same, processor time"]["median"] > 0
    for name in ("convert", "floor", "overlapped floor", "speed", "stage detect", "stage prepare", "stage splice"):
        assert figures[name]["median"] > 0, name
    assert figures["convert"]["note"] == "8 frames"
    for name in ("convert", "floor", "overlapped floor", "stage detect", "stage register", "stage splice"):
        assert figures[name]["unit"] == "s"
        assert figures[name]["frame_ms"] == pytest.approx(1000 * figures[name]["median"] / 8, abs=0.01), name
    for name in ("convert / floor", "speed"):
        assert figures[name]["frame_ms"] is None, name
    if can_tell_memory():
        assert figures["peak memory"]["unit"] == "MB"
        assert 50 < figures["peak memory"]["median"] < 4000


def test_large_pictures_are_converted_in_fewer_frames_unless_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int | None]] = []

    def noted(_: Path, target: Path, *, height: int, frames: int | None, repeats: int) -> int:
        asked.append((height, frames))
        return frames or 0

    monkeypatch.setattr("afet_video.bench.run.write_rescaled", noted)
    for name in ("convert", "in_fresh_process"):
        monkeypatch.setattr(f"afet_video.bench.run.{name}", lambda *_, **__: 1.0)
    monkeypatch.setattr("afet_video.bench.run.measure_against_floor", lambda *_, **__: [])
    run_bench(BenchSettings(clip=Path("any.mp4"), only="convert"))
    assert asked == [(480, 30), (480, 150), (720, 150), (1080, 150), (1440, 60), (2160, 60)]
    asked.clear()
    run_bench(BenchSettings(clip=Path("any.mp4"), only="convert", frames=200, heights=(720, 2160)))
    assert asked == [(720, 30), (720, 200), (2160, 200)]


def test_the_literal_method_and_ours_make_the_same_picture(short_clip: Path, tmp_path: Path) -> None:
    literal = literal_file()
    assert literal is not None
    small = tmp_path / "small.mp4"
    write_rescaled(short_clip, small, height=160, frames=8)
    figures = {figure.name: figure for figure in in_fresh_process(measure_naive, small, literal)}
    theirs, ours, ratio = figures["literal method"], figures["afet-video"], figures["literal / afet-video"]
    assert theirs.frame_ms == pytest.approx(1000 * theirs.median, rel=1e-3)
    assert ratio.median == pytest.approx(theirs.frame_ms / ours.median, rel=0.01)
    pictures = int(theirs.note.split()[1])
    assert 20 < pictures < 120
    differing = float(ours.note.partition("; ")[2].split()[0])
    assert differing <= 100 * (1 - SHARE_WITHIN_GRAY_LEVELS)


def test_outside_a_clone_the_papers_figure_stands_alone(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afet_video.__file__", str(tmp_path / "site-packages" / "afet_video" / "__init__.py"))
    report = run_bench(BenchSettings(clip=short_clip, only="naive"))
    (paper,) = report.figures
    assert (paper.median, paper.unit, paper.frame_ms, paper.runs) == (3.4, "s", 3400.0, 0)
    assert "tests/literal.py" in report.skipped[0]
    console = Console(width=160)
    with console.capture() as captured:
        print_report(report, console=console)
    assert "quoted" in captured.get()
    assert "3400.00 ms" in captured.get()


@pytest.mark.skipif(not can_tell_functions(), reason="this system does not tell the processor time of each thread")
def test_the_functions_of_every_pass_are_ranked(sample_clip: Path) -> None:
    # frames enough that each pass is looked at on a busy machine too
    result = run(sample_clip, "--only", "functions", "--heights", 160, "--frames", 80, "--json")
    assert result.exit_code == 0, result.output
    parts: dict[str, list[dict[str, Any]]] = {}
    for figure in json.loads(result.stdout)["figures"]:
        parts.setdefault(figure["part"], []).append(figure)
    for name in ("detect", "register", "prepare", "splice"):
        whole, *functions = parts[f"functions 160p, {name}"]
        assert whole["name"] == "all threads"
        assert functions
        assert sum(each["median"] for each in functions) == pytest.approx(whole["median"], abs=0.002)
        ranked = [each["median"] for each in functions if "others" not in each["name"]]
        assert ranked == sorted(ranked, reverse=True)
    detect = {each["name"] for each in parts["functions 160p, detect"]}
    assert any(name.startswith("face.landmarker:") for name in detect)


def _burn(seconds: float) -> None:
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass


@pytest.mark.skipif(not can_tell_functions(), reason="this system does not tell the processor time of each thread")
def test_processor_time_is_charged_to_the_function_that_spends_it_in_whatever_thread() -> None:
    inside = {**_burn.__globals__, "__name__": "afet_video.some.module"}
    little, much, idle = (FunctionType(_burn.__code__.replace(co_qualname=name), inside) for name in ("a", "b", "c"))
    with Watch() as watch:
        threads = [threading.Thread(target=much, args=(0.6,)), threading.Thread(target=idle, args=(0.0,))]
        for thread in threads:
            thread.start()
        little(0.2)
        for thread in threads:
            thread.join()
    spent = watch.spent["between"]
    assert spent["some.module:a"] == pytest.approx(0.2, abs=0.12)
    assert spent["some.module:b"] == pytest.approx(0.6, abs=0.2)
    assert spent.get("some.module:c", 0.0) < 0.05


@pytest.mark.parametrize("collects", [True, False])
def test_while_threads_are_looked_at_no_garbage_is_collected(monkeypatch: pytest.MonkeyPatch, collects: bool) -> None:
    during: list[bool] = []
    look, name = sys._current_frames, functions._function_of
    monkeypatch.setattr(sys, "_current_frames", lambda: during.append(gc.isenabled()) or look())
    monkeypatch.setattr(functions, "_function_of", lambda frame: during.append(gc.isenabled()) or name(frame))
    if not collects:
        gc.disable()
    try:
        stage, seen = functions._seen_now(threading.get_ident())
        assert gc.isenabled() is collects
    finally:
        gc.enable()
    assert (stage, len(during)) == ("between", 1 + len(seen))
    assert not any(during)


def test_start_up_is_measured() -> None:
    result = run(Path("samples/webcam.mp4"), "--only", "startup")
    assert result.exit_code == 0, result.output
    assert "afet-video --help" in result.stdout
    assert "0.3 s" in result.stdout


def _hold(megabytes: int) -> float:
    held = bytearray(megabytes * 10**6)
    held[::4096] = b"\1" * len(held[::4096])
    return peak_memory_mb()


@pytest.mark.skipif(not can_tell_memory(), reason="Windows does not tell a process its peak memory")
def test_peak_memory_is_that_of_the_process_alone() -> None:
    mine = bytearray(500 * 10**6)
    mine[::4096] = b"\1" * len(mine[::4096])
    small, large = in_fresh_process(_hold, 1), in_fresh_process(_hold, 201)
    assert 180 < large - small < 230
    assert small < 450


def test_a_copy_has_the_size_and_length_asked_for(short_clip: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    assert write_rescaled(short_clip, copy, height=150, frames=7, repeats=3) == 21
    reader = VideoReader(copy)
    assert reader.info.size_wh == (200, 150)
    seconds = [float(frame.timestamp.seconds) for frame in reader]
    assert len(seconds) == 21
    steps = [later - earlier for earlier, later in itertools.pairwise(seconds)]
    assert min(steps) > 0.03
    assert max(steps) < 0.05


def test_the_sample_is_found_in_the_clone_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sample_clip().name == "webcam.mp4"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("afet_video.__file__", str(tmp_path / "site-packages" / "afet_video" / "__init__.py"))
    with pytest.raises(InputError, match=r"name a clip, as in afet-video bench my-video\.mp4"):
        sample_clip()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--heights", "480,big"], "480,1080"),
        (["--heights", "10"], "120 to 4320"),
        (["missing.mp4", "--only", "kernel"], "missing.mp4"),
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_settings_refuse_nonsense() -> None:
    for wrong in ({"heights": ()}, {"frames": 1}, {"only": "everything"}):
        with pytest.raises(SettingsError):
            BenchSettings(**wrong)  # type: ignore[arg-type]
    assert PARTS == ("kernel", "naive", "convert", "memory", "startup")


def test_a_figure_is_median_and_spread() -> None:
    figure = Figure.of("kernel", "splice", "ms", [5.0, 1.0, 3.0, 2.0, 4.0], target=4.0)
    assert (figure.median, figure.iqr, figure.runs, figure.frame_ms) == (3.0, 2.0, 5, None)


def test_a_time_is_told_as_milliseconds_a_frame_too() -> None:
    assert Figure.of("convert 480p", "convert", "s", [3.0, 5.0, 4.0], frames=50).frame_ms == 80.0
    with pytest.raises(KeyError):
        Figure.of("memory", "peak", "MB", [3.0], frames=50)


def test_the_table_shows_figure_target_and_what_was_left_out() -> None:
    figure = Figure("convert 480p", "convert / floor", "x", 1.284, 0.02, 3, 1.35, "why")
    report = BenchReport(
        "2026-01-01T00:00+00:00",
        {"cpu": "Some CPU", "cores": 2, "system": "Linux x86_64"},
        {"numpy": "2.0"},
        "clip.mp4",
        (figure,),
        ("memory: no way to know",),
    )
    console = Console(width=160, record=True, quiet=False, file=None, force_terminal=False)
    with console.capture() as captured:
        print_report(report, console=console)
    for words in ("Some CPU, 2 cores", "numpy 2.0", "clip.mp4", "1.28 x", "1.35 x", "why", "skipped: memory"):
        assert words in captured.get(), words
