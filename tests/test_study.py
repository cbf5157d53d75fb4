"""The rater study: nothing leaks, the order can be made again, what raters decided is counted right."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from synthetic import ClipSpec, make_clip
from typer.testing import CliRunner

from afet_video.cli import app
from afet_video.errors import InputError, OutputError
from afet_video.metrics.raters import agreement, sensitivity, wilson
from afet_video.study import make_study, score_study
from afet_video.study.score import PAPER
from afet_video.video.decode import VideoReader

COUNT = 4


@dataclass(frozen=True)
class Material:
    real: Path
    generated: Path


@pytest.fixture(scope="module")
def material(sample_pictures: Any, tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Three pictures and a clip of each kind, with names and tags that tell."""
    folder = tmp_path_factory.mktemp("material")
    for kind, start in (("real", 60), ("generated", 160)):
        (folder / kind).mkdir()
        for number, suffix in enumerate((".png", ".jpg", ".webp")):
            bgr = cv2.cvtColor(sample_pictures[start + 9 * number], cv2.COLOR_RGB2BGR)
            _, data = cv2.imencode(suffix, bgr)
            (folder / kind / f"{kind}-secret-{number}{suffix}").write_bytes(data.tobytes())
        spec = ClipSpec(size_wh=(400, 300), frames=6, audio="aac", metadata={"title": f"{kind}-secret"})
        make_clip(folder / kind / f"{kind}-secret-clip.mp4", spec, pictures=sample_pictures[start : start + 6])
    return Material(folder / "real", folder / "generated")


@pytest.fixture(scope="module")
def study(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "made"
    report = make_study(folder, real=[material.real], generated=[material.generated], seed=5)
    assert (report.real, report.generated, report.warnings) == (COUNT, COUNT, ())
    return folder


def key_of(study: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((study / "key.json").read_text(encoding="utf-8"))
    return found


def test_nothing_in_the_page_tells_what_an_item_is(study: Path) -> None:
    page = study / "page"
    files = [path for path in page.rglob("*") if path.is_file()]
    assert len(files) == 4 + 2 * COUNT
    for path in files:
        content = path.read_bytes()
        for word in (b"secret", b"sha256", b"afet-video", b"compositeSynthetic"):
            assert word not in content, (path, word)
    for name in ("items.js",):
        assert "generated" not in (page / name).read_text(encoding="utf-8")
    names = sorted(path.name for path in (page / "items").iterdir())
    assert all(name == f"item-{number:04d}{Path(name).suffix}" for number, name in enumerate(names, 1))
    assert len({path.stat().st_mtime for path in page.rglob("*")}) == 1
    for path in (page / "items").glob("*.mp4"):
        with av.open(str(path)) as container:
            assert not container.streams.audio
            assert set(container.metadata) <= {"major_brand", "minor_version", "compatible_brands", "encoder"}


def test_the_key_says_what_every_item_is_and_items_are_what_they_were(study: Path, material: Material) -> None:
    key = key_of(study)
    assert sorted(one["actual"] for one in key["items"]) == ["generated"] * COUNT + ["real"] * COUNT
    kinds = [one["actual"] for one in key["items"]]
    assert kinds != sorted(kinds)
    assert kinds != sorted(kinds, reverse=True)
    for one in key["items"]:
        source = (material.real if one["actual"] == "real" else material.generated) / one["name"]
        (shown,) = (study / "page" / "items").glob(f"item-{one['item']}.*")
        if shown.suffix == ".png":
            assert np.array_equal(cv2.imread(str(shown)), cv2.imread(str(source))), one
        else:
            before, after = (np.array([frame.rgb() for frame in VideoReader(path)], int) for path in (source, shown))
            assert np.abs(before - after).mean() < 2, "a study of coding losses would be another one"


def test_the_order_comes_from_the_content_and_the_seed_alone(study: Path, material: Material, tmp_path: Path) -> None:
    files = sorted(material.real.iterdir(), reverse=True)
    make_study(tmp_path / "same", real=files, generated=[material.generated], seed=5)
    make_study(tmp_path / "other", real=files, generated=[material.generated], seed=6)
    assert key_of(tmp_path / "same") == key_of(study)
    assert key_of(tmp_path / "other")["study"] != key_of(study)["study"]


def test_what_may_give_an_item_away_is_said(material: Material, tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), np.full((40, 60, 3), 90, np.uint8))
    report = make_study(tmp_path / "s", real=[small], generated=[material.generated])
    assert len(report.warnings) == 2
    assert "no size in common" in report.warnings[0]


def test_items_that_cannot_be_are_one_line_and_leave_nothing(material: Material, tmp_path: Path) -> None:
    broken, text = tmp_path / "broken.png", tmp_path / "notes.txt"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nno more")
    text.write_text("words")
    empty = tmp_path / "empty"
    empty.mkdir()
    (one, *_) = sorted(material.real.iterdir())
    for real, what in (
        (broken, "not a picture that can be read"),
        (text, "unknown kind"),
        (empty, "holds no picture"),
        (tmp_path / "none.png", "does not exist"),
    ):
        with pytest.raises(InputError, match=what):
            make_study(tmp_path / "s", real=[real], generated=[material.generated])
    with pytest.raises(InputError, match="the same, yet one is real"):
        make_study(tmp_path / "s", real=[one], generated=[one])
    with pytest.raises(OutputError, match="exists already"):
        make_study(empty, real=[one], generated=[material.generated])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.png", "empty", "notes.txt"]


def decisions(folder: Path, path: Path, *, rater: str, wrong: int = 0, left_out: int = 0, **changes: Any) -> Path:
    """Write the answers of a rater who errs on the first items and does not answer the last ones."""
    key = key_of(folder)
    other = {"real": "generated", "generated": "real"}
    items = key["items"][: len(key["items"]) - left_out]
    given = [
        {"item": one["item"], "answer": other[one["actual"]] if place < wrong else one["actual"], "ms": 900}
        for place, one in enumerate(items)
    ]
    whole = {"schema_version": 1, "study": key["study"], "rater": rater, "decisions": given} | changes
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def two_raters(study: Path, folder: Path, *, wrong: int) -> list[Path]:
    """Write the decisions of A, who is always right, and of B, who errs on the first items."""
    return [
        decisions(study, folder / "a.json", rater="A"),
        decisions(study, folder / "b.json", rater="B", wrong=wrong),
    ]


def test_a_table_of_raters(study: Path, tmp_path: Path) -> None:
    actual = [one["actual"] for one in key_of(study)["items"]]
    files = [
        decisions(study, tmp_path / "a.json", rater="A"),
        decisions(study, tmp_path / "b.json", rater="B", wrong=3),
    ]
    score = score_study(study, files)
    perfect, other = score.raters
    assert (perfect.generated_as_generated, perfect.real_as_real) == (COUNT, COUNT)
    assert other.generated_as_real == actual[:3].count("generated")
    assert other.real_as_generated == actual[:3].count("real")
    assert score.together.generated + score.together.real == 4 * COUNT
    assert perfect.signal()[0] > other.signal()[0]
    # two raters, eight items, agreement on five; both categories are about as frequent
    p = np.array([[a, b] for a, b in zip(*[[x == "real" for x in row] for row in _answers(files)], strict=True)])
    share = p.mean()
    chance = share**2 + (1 - share) ** 2
    assert score.kappa == pytest.approx((5 / 8 - chance) / (1 - chance))
    assert "over 8 items" in score.kappa_note


def _answers(files: list[Path]) -> list[list[str]]:
    return [[one["answer"] for one in json.loads(path.read_text())["decisions"]] for path in files]


def test_the_papers_table_gives_the_papers_finding() -> None:
    """Raters of the paper did not do better than chance; the counts are those printed there."""
    for rater in PAPER:
        assert (rater.generated, rater.real) == (139, 139)
        assert rater.signal()[0] < 0.1
    assert PAPER[0].shares()["correct"] == (140, 278)


def test_intervals_and_sensitivity_against_known_values() -> None:
    low, high = wilson(8, 10)  # as in Brown, Cai & DasGupta's formula
    z = 1.959964
    middle = (0.8 + z * z / 20) / (1 + z * z / 10)
    half = z / (1 + z * z / 10) * math.sqrt(0.8 * 0.2 / 10 + z * z / 400)
    assert (low, high) == (pytest.approx(middle - half, abs=1e-6), pytest.approx(middle + half, abs=1e-6))
    assert all(map(math.isnan, wilson(0, 0)))
    assert sensitivity(5, 10, 5, 10) == (pytest.approx(0), pytest.approx(0))
    d_prime, criterion = sensitivity(10, 10, 0, 10)
    assert 3 < d_prime < 4
    assert criterion == pytest.approx(0)
    assert all(map(math.isnan, sensitivity(0, 0, 1, 2)))
    assert agreement(np.array([[0, 0], [1, 1], [0, 0]])) == pytest.approx(1.0)
    assert "two raters" in str(agreement(np.array([[0], [1]])))
    assert "same answer" in str(agreement(np.zeros((5, 2), np.int64)))


def test_bad_files_are_a_line_each_and_the_others_count(study: Path, tmp_path: Path) -> None:
    good = decisions(study, tmp_path / "good.json", rater="A", left_out=2)
    bad = {
        "cut.json": ("cannot be read as JSON", None),
        "list.json": ("no JSON object", []),
        "other.json": ("belongs to another study", {"study": "0123456789ab"}),
        "word.json": ('is answered "maybe"', {"decisions": [{"item": "0001", "answer": "maybe"}]}),
        "item.json": ("an item that the study does not have", {"decisions": [{"item": "0999", "answer": "real"}]}),
        "twice.json": ("decided twice", {"decisions": [{"item": "0001", "answer": "real"}] * 2}),
        "none.json": ("holds no answer", {"decisions": []}),
        "nobody.json": ("rater is missing", {"rater": " "}),
    }
    for name, (_, change) in bad.items():
        changes = {"rater": name} | (change if isinstance(change, dict) else {})
        path = decisions(study, tmp_path / name, **changes)  # type: ignore[arg-type]
        if change is None:
            path.write_text(path.read_text()[:50])
        elif change == []:
            path.write_text("[]")
    again = decisions(study, tmp_path / "again.json", rater="A")
    score = score_study(study, [good, *(tmp_path / name for name in bad), tmp_path / "gone.json", again])
    assert len(score.raters) == 1
    assert score.raters[0].generated + score.raters[0].real == 2 * COUNT - 2
    assert "6 of 8 items are answered" in score.warnings[0]
    words = [*(what for what, _ in bad.values()), "does not exist", "same rater (A)"]
    for line, what in zip(score.bad, words, strict=True):
        assert what in line
    with pytest.raises(InputError, match="cannot be read as JSON"):
        score_study(study, [tmp_path / "cut.json"])
    with pytest.raises(InputError, match="no folder made by `study make`"):
        score_study(tmp_path, [good])


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["study", *map(str, arguments)])


def test_the_commands(study: Path, material: Material, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    made = run("make", folder, "--real", material.real, "--generated", material.generated, "--seed", "5")
    assert made.exit_code == 0, made.output
    assert f"For you alone: {folder / 'key.json'}" in made.stdout
    files = [
        decisions(study, tmp_path / "a.json", rater="A"),
        decisions(study, tmp_path / "b.json", rater="B", wrong=2),
    ]
    shown = run("score", folder, *files, "--definitions")
    assert shown.exit_code == 0, shown.output
    for words in ("taken for real", "R3, paper", "Fleiss' kappa: 0.", "Wilson", "log-linear"):
        assert words in shown.stdout, words
    (tmp_path / "bad.json").write_text("{")
    mixed = run("score", folder, files[0], tmp_path / "bad.json", "--json")
    assert mixed.exit_code == 1
    found = json.loads(mixed.stdout)
    assert [rater["name"] for rater in found["raters"]] == ["A"]
    assert found["fleiss_kappa"] is None
    assert "error: " + str(tmp_path / "bad.json") in mixed.stderr


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path)})
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,800"):
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver")) as driver:
        yield driver
        assert driver.get_log("browser") == []


@pytest.mark.needs("browser")
def test_a_rater_goes_through_the_page_by_keyboard(study: Path, driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    def press(keys: str) -> None:
        driver.switch_to.active_element.send_keys(keys)

    def place() -> str:
        return str(driver.find_element("id", "place").text)

    driver.get((study / "page" / "index.html").as_uri())
    driver.find_element("id", "rater").send_keys("R 7" + Keys.ENTER)
    assert place() == "1 of 8"
    press(Keys.ARROW_RIGHT)
    assert place() == "1 of 8", "an item must be answered first"
    press("1")
    press("G")
    press("r")
    press(Keys.BACKSPACE)
    assert place() == "3 of 8"
    assert driver.find_element("id", "real").get_attribute("aria-pressed") == "true"
    press("2")  # the other answer after all
    assert driver.find_element("id", "bar").get_attribute("aria-valuenow") == "3"
    driver.refresh()  # a closed window loses nothing
    assert driver.find_element("id", "rater").get_property("value") == "R 7"
    driver.find_element("id", "rater").send_keys(Keys.ENTER)
    assert place() == "4 of 8"
    for _ in range(5):
        press("2")
    assert driver.find_element("id", "end").is_displayed()
    press(Keys.ENTER)  # the button to save has the focus
    saved = tmp_path / "decisions-R_7.json"
    end = time.monotonic() + 60
    while not saved.exists() and time.monotonic() < end:
        time.sleep(0.1)
    score = score_study(study, [saved])
    found = json.loads(saved.read_text(encoding="utf-8"))
    assert [one["answer"] for one in found["decisions"]] == ["real", *["generated"] * 7]
    assert all(one["ms"] >= 0 for one in found["decisions"])
    assert score.raters[0].generated + score.raters[0].real == 8


@pytest.mark.needs("browser")
def test_all_items_can_be_seen(study: Path, driver: Any) -> None:
    driver.get((study / "page" / "index.html").as_uri())
    script = """
    const done = arguments[0], seen = [];
    const look = (left) => {
      if (!left.length) return done(seen);
      const one = left[0], made = picture(one), size = () => [made.videoWidth || made.naturalWidth, made.tagName];
      made.onloadeddata = made.onload = () => { seen.push(size()); look(left.slice(1)); };
      made.onerror = () => { seen.push([0, one.file]); look(left.slice(1)); };
    };
    look(items);
    """
    seen = driver.execute_async_script(script)
    assert sorted(seen) == [[400, "IMG"]] * 6 + [[400, "VIDEO"]] * 2
