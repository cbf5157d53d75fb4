"""The report: one file that needs nothing else, with hostile names in it, opened in a real browser."""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import av
import numpy as np
import pytest

import afet_video
from afet_video.datatypes import ZONES
from afet_video.errors import EncodeError, OutputError
from afet_video.evaluation import EvaluationReport, Figure, write_report
from afet_video.evaluation.asymmetry import ClinicalRow
from afet_video.evaluation.series import best_frames, worst_frames
from afet_video.evaluation.unit_figures import UnitReport
from afet_video.metrics.agreement import Agreement
from afet_video.video.preview import preview_film

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&"
FRAMES = 60


@pytest.fixture(scope="module")
def report(short_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> EvaluationReport:
    """A made-up report of a real conversion, so that nothing has to be measured."""
    folder = tmp_path_factory.mktemp("report")
    run = afet_video.convert(short_clip, folder / "out.mp4")
    assert run.tracks is not None
    time = np.arange(FRAMES) / 30
    wave = np.abs(np.sin(time * 3))
    series = {name: wave.copy() for name in ("off", "seam", "healthy half", "found again")}
    series |= {"seconds": time, "asymmetry, source": wave * 0.1, "asymmetry, result": wave * 0.4}
    series |= {f"{which}, {zone}": wave * 0.2 for which in ("healthy", "source", "result") for zone in ZONES}
    series["seam"][5:9] = np.nan
    series["healthy half"][31] = 9.0
    figures = (
        Figure("seam", "line", 1.234, "x", 60, "frames", "How strong a seam is.", (None, 1.05), floor=1.0),
        Figure("seam", HOSTILE, None, "", 0, "frames", HOSTILE, note=HOSTILE),
        Figure("rest", "PSNR", float("inf"), "dB", 3, "frames", "Equal.", (40, None)),
    )
    units = UnitReport("AU proxy", HOSTILE, (Agreement(4, 5, 3), *[None] * 11), 60, 20, ())
    clinical = (ClinicalRow("brow height", "iod", "rest", (0.3, 0.31), (0.3, None), 9, "Height."),)
    return EvaluationReport(
        short_clip,
        folder / "out.mp4",
        run.tracks,
        run.profile,
        dict.fromkeys(ZONES, 0.0),
        FRAMES,
        figures,
        (HOSTILE,),
        units,
        clinical,
        series,
    )


@pytest.fixture(scope="module")
def written(report: EvaluationReport) -> Path:
    path = report.result.with_name("report.html")
    write_report(report, path)
    return path


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_needs_nothing_else_and_trusts_nobody(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    for tag, attributes in tags.found:
        for name in ("src", "href", "xlink:href"):
            value = attributes.get(name) or ""
            assert value.startswith(("data:", "#")) or not value, (tag, value[:80])
        assert not any(name.startswith("on") for name in attributes), tag
    assert sum(tag == "script" for tag, _ in tags.found) == 2
    assert "&lt;img src=x onerror" in text
    policy = next(a["content"] for tag, a in tags.found if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    for words in ("Synthetic:", "prefers-color-scheme: dark", "@media print", "1.234 x", "missed", "∞", "0.797", "n/a"):
        assert words in text, words
    assert "1 of 2 targets are met; 1 figures could not be measured" in text
    assert "#0b0c" not in text, "all of the plot's colors are the page's"


def test_the_film_has_every_frame_of_both_videos(written: Path) -> None:
    found = re.search(r'src="data:video/mp4;base64,([^"]+)"', written.read_text(encoding="utf-8"))
    assert found is not None
    with av.open(io.BytesIO(base64.b64decode(found[1]))) as film:
        pictures = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    assert len(pictures) == FRAMES
    assert pictures[0].shape == (300, 808)
    source, result = pictures[0][:, :400].astype(int), pictures[0][:, 408:].astype(int)
    assert np.abs(source - result).mean() < 6, "the same moment of both"


def test_a_report_is_not_replaced_unasked(report: EvaluationReport, written: Path) -> None:
    before = written.stat().st_size
    with pytest.raises(OutputError, match="exists already"):
        write_report(report, written)
    with pytest.raises(OutputError, match=r"ends in \.html"):
        write_report(report, written.with_suffix(".pdf"))
    assert written.stat().st_size == before
    write_report(report, written, overwrite=True)


def test_frames_are_chosen_by_what_is_worst(report: EvaluationReport) -> None:
    worst = worst_frames(report.series, 4)
    assert len({frame for frame, _ in worst}) == 4
    assert [why for _, why in worst][:3] == ["off", "seam", "healthy half"]
    assert (31, "healthy half") in worst
    assert (16, "seam") in worst, "not where the seam is unknown"
    assert 31 not in {frame for frame, _ in best_frames(report.series, 2)}


@pytest.mark.needs("browser")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it(written: Path, tmp_path: Path, scheme: str) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("this test drives Chromium")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--virtual-time-budget=9000"]
    flags += [f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}", f"--user-data-dir={tmp_path}"]
    flags += ["--window-size=1100,900", f"--screenshot={tmp_path / 'page.png'}", "--dump-dom"]
    address = f"{written.as_uri()}#frame=44"
    done = subprocess.run([browser, *flags, address], capture_output=True, text=True, timeout=120, check=True)
    assert "frame 44, 1.467 s" in done.stdout, "the script ran under its own policy, and knows the frame asked for"
    with av.open(str(tmp_path / "page.png")) as picture:
        shown = next(picture.decode(video=0)).to_ndarray(format="rgb24")
    corner = shown[5, 5].mean()
    assert corner > 200 if scheme == "light" else corner < 60


def test_a_preview_needs_pictures() -> None:
    with pytest.raises(EncodeError, match="at least one picture"):
        preview_film([])
