"""The corpus of hostile inputs, and mutated clips: a correct video, or one clear line and nothing on the disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile.corpus import Case, cases
from hostile.material import Material, boxes
from hostile.run import Result, Runner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from afet_video.errors import AfetError
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.video.encoders import EncodeSettings

CASES = list(cases())


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.group}: {case.name}")
def test_an_odd_input_is_converted_or_refused_in_one_line(runner: Runner, case: Case) -> None:
    result: Result = runner.run(case)
    assert result.kind in ("converts", "refused"), f"{result.kind}: {result.line}"


def test_the_corpus_names_no_case_twice_and_its_table_is_there() -> None:
    names = [(case.group, case.name) for case in CASES]
    assert len(names) == len(set(names))
    page = (Path(__file__).resolve().parents[1] / "docs" / "inputs.md").read_text(encoding="utf-8")
    absent = [case.name for case in CASES if f"| {' '.join(case.name.split())} |" not in page]
    assert absent == [], "run `make inputs`"
    assert "| wrong |" not in page and "| hang |" not in page and "| crash |" not in page


# --- fuzz ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def originals() -> Iterator[dict[str, bytes]]:
    """Small real clips of several containers, to be mutated."""
    with tempfile.TemporaryDirectory() as folder:
        material = Material.load(Path(folder))
        made = {
            ".mp4": material.clip("a.mp4", audio="aac"),
            ".mkv": material.clip("a.mkv", audio="libopus"),
            ".webm": material.clip("a.webm", codec="libvpx-vp9"),
            ".mov": material.clip("a.mov", codec="libx265", pixel_format="yuv420p10le"),
        }
        yield {suffix: path.read_bytes() for suffix, path in made.items()}


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "zero", "huge", "drop", "repeat", "cut"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(1, 64),
        st.integers(1, 255),
    ),
    min_size=1,
    max_size=5,
)


def mutated(data: bytes, mutations: list[tuple[str, float, int, int]]) -> bytes:
    changed = bytearray(data)
    for kind, share, length, value in mutations:
        place = int(share * len(changed))
        span = slice(place, min(place + length, len(changed)))
        if kind == "flip":
            changed[span] = bytes(byte ^ value for byte in changed[span])
        elif kind == "zero":
            changed[span] = bytes(len(changed[span]))
        elif kind == "huge":
            changed[place : place + 4] = b"\xff\xff\xff\xf0"[: len(changed) - place]
        elif kind == "drop":
            del changed[span]
        elif kind == "repeat":
            changed[place:place] = changed[span]
        else:
            del changed[max(place, 64) :]
    return bytes(changed)


def read_and_write(data: bytes, suffix: str) -> None:
    """Pass a file through reader and writer: it is read whole, or refused in one line."""
    folder = Path(tempfile.mkdtemp())
    try:
        source = folder / f"in{suffix}"
        source.write_bytes(data)
        try:
            reader = VideoReader(source)
            target = folder / "out.mkv"
            with VideoWriter(target, source=source, info=reader.info, settings=EncodeSettings()) as writer:
                for frame in reader:
                    writer.write(frame)
        except AfetError as error:
            assert "\n" not in str(error)
        else:
            again = [frame.timestamp.seconds for frame in VideoReader(target)]
            assert again == sorted(set(again))
    finally:
        shutil.rmtree(folder)


def fuzz(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=20_000,
        derandomize=examples < 1000,
        phases=[Phase.explicit, Phase.generate] if examples < 1000 else tuple(Phase),
        suppress_health_check=list(HealthCheck),
    )


def test_cut_at_every_box(originals: dict[str, bytes]) -> None:
    data = originals[".mp4"]
    places = sorted({place for _, start, stop in boxes(data) for place in (start, (start + stop) // 2, stop - 1)})
    assert len(places) > 60
    for place in places:
        read_and_write(data[:place], ".mp4")


@fuzz(150)
@given(suffix=st.sampled_from([".mp4", ".mkv", ".webm", ".mov"]), mutations=MUTATIONS)
def test_a_mutated_clip_is_read_or_refused(originals, suffix, mutations):
    read_and_write(mutated(originals[suffix], mutations), suffix)


@pytest.mark.bench
@fuzz(5000)
@given(suffix=st.sampled_from([".mp4", ".mkv", ".webm", ".mov"]), mutations=MUTATIONS)
def test_many_mutated_clips_are_read_or_refused(originals, suffix, mutations):
    read_and_write(mutated(originals[suffix], mutations), suffix)
