"""All measurements, on the sample clip, as `make bench` runs them; off by default.

Figures depend on the machine and on what else it does, so none is compared with its target.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from afet_video.bench import PARTS, BenchSettings, run_bench
from afet_video.bench.process import can_tell_memory

pytestmark = pytest.mark.bench


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_measured_in_full(part: str, sample_clip: Path) -> None:
    report = run_bench(BenchSettings(clip=sample_clip, only=part))
    if part == "memory" and not can_tell_memory():
        assert len(report.skipped) == 1
        return
    assert report.skipped == ()
    assert report.figures
    assert {figure.part.split()[0] for figure in report.figures} == {part}
    assert all(figure.median > 0 for figure in report.figures)
    assert any(figure.target is not None for figure in report.figures) or part == "naive"  # others' ways have no target


def test_memory_does_not_grow_with_the_length_of_the_video(sample_clip: Path) -> None:
    if not can_tell_memory():
        pytest.skip("Windows does not tell a process its peak memory")
    short, long = run_bench(BenchSettings(clip=sample_clip, only="memory")).figures
    assert long.median < short.median * 1.25
