"""The review page in a real browser, worked by keys alone."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import afet_video
from afet_video.pairs.rows import read_rows
from tests.pairs.conftest import PairSet

pytestmark = pytest.mark.needs("browser")

PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    downloads = tmp_path_factory.mktemp("downloads")
    options = webdriver.ChromeOptions()
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    # Chromium has no sandbox for root; shared memory is small in containers.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,900"):
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver"))) as driver:
        driver.downloads = downloads
        yield driver


def keys(driver: Any, *pressed: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    for key in pressed:
        ActionChains(driver).send_keys(key).perform()


def text(driver: Any, name: str) -> str:
    return str(driver.find_element("id", name).text)


def downloaded(driver: Any) -> Path:
    path: Path = driver.downloads / "decisions.json"
    end = time.monotonic() + PATIENCE_S
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return path


def test_keys_decide_and_the_saved_file_is_applied(pair_set: PairSet, driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    folder = Path(shutil.copytree(pair_set.folder, tmp_path / "set"))
    count = len(read_rows(folder))
    driver.get((folder / "review.html").as_uri())
    assert text(driver, "counts") == f"1 of {count}: 0 accepted, 0 rejected"
    assert text(driver, "state") == "Pair 000001: undecided"
    for role in ("neutral", "expression"):
        assert driver.execute_script(f"return document.getElementById('{role}').naturalWidth") == 256
    keys(driver, "r")
    assert text(driver, "counts") == f"2 of {count}: 0 accepted, 1 rejected, not saved"
    keys(driver, "a", Keys.HOME)
    assert text(driver, "state") == "Pair 000001: rejected"
    keys(driver, "u")
    assert text(driver, "state") == "Pair 000001: undecided"
    keys(driver, "r", Keys.ARROW_LEFT, Keys.ARROW_RIGHT)
    assert text(driver, "state") == "Pair 000002: accepted"
    driver.refresh()  # what was decided is still there
    keys(driver, Keys.HOME)
    assert text(driver, "state") == "Pair 000001: rejected"
    keys(driver, "s")
    saved = json.loads(downloaded(driver).read_text(encoding="utf-8"))
    assert saved["decisions"] == {"000001": "reject", "000002": "accept"}
    report = afet_video.apply_review(downloaded(driver), folder)
    assert (report.rejected, report.accepted, report.undecided) == (1, 1, count - 2)
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_one_picture_over_the_other_and_focus_that_is_seen(pair_set: PairSet, driver: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get((pair_set.folder / "review.html").as_uri())
    shown = [driver.find_element("id", f"{role}-figure").is_displayed for role in ("neutral", "expression")]
    assert [is_shown() for is_shown in shown] == [True, True]
    keys(driver, "o")
    assert [is_shown() for is_shown in shown] == [False, True]
    keys(driver, " ")
    assert [is_shown() for is_shown in shown] == [True, False]
    keys(driver, "o", Keys.TAB)
    style = "const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)]"
    kind, width = driver.execute_script(style)
    assert kind == "solid"
    assert width >= 2


def test_it_follows_the_colours_that_the_reader_prefers(pair_set: PairSet, driver: Any) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        driver.get((pair_set.folder / "review.html").as_uri())
        color = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        grounds.append(sum(int(part) for part in color[4:-1].split(",")))
    assert grounds[0] > 600 > 200 > grounds[1]
