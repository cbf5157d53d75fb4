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
from tests.browser import chromium
from tests.pairs.conftest import PairSet

pytestmark = pytest.mark.needs("browser")

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    downloads = tmp_path_factory.mktemp("downloads")
    with chromium(tmp_path_factory.mktemp("probe"), ("--window-size=1200,900",), downloads) as driver:
        driver.downloads = downloads
        yield driver


def keys(driver: Any, *pressed: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    for key in pressed:
        ActionChains(driver).send_keys(key).perform()


def text(driver: Any, name: str) -> str:
    return str(driver.find_element("id", name).text)


def shows(driver: Any, name: str, wanted: str, patience_s: float = PATIENCE_S) -> bool:
    """Whether an element comes to show a text: Chromium carries what is stored from page to page in the background."""
    end = time.monotonic() + patience_s
    while text(driver, name) != wanted:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def shows_when_opened_again(driver: Any, name: str, wanted: str) -> bool:
    """Whether the page shows a text at the first pair, once it was left for another page."""
    from selenium.webdriver.common.keys import Keys

    page = driver.current_url
    end = time.monotonic() + PATIENCE_S
    while True:
        driver.get("about:blank")
        driver.get(page)
        keys(driver, Keys.HOME)
        if shows(driver, name, wanted, patience_s=5) or time.monotonic() > end:
            return text(driver, name) == wanted


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
    assert shows_when_opened_again(driver, "counts", f"1 of {count}: 1 accepted, 1 rejected")
    assert text(driver, "state") == "Pair 000001: rejected"
    keys(driver, "s")
    saved = json.loads(downloaded(driver).read_text(encoding="utf-8"))
    assert saved["decisions"] == {"000001": "reject", "000002": "accept"}
    report = afet_video.apply_review(downloaded(driver), folder)
    assert (report.rejected, report.accepted, report.undecided) == (1, 1, count - 2)
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_what_is_decided_in_another_tab_shows_up(pair_set: PairSet, driver: Any) -> None:
    page = (pair_set.folder / "review.html").as_uri()
    count = len(pair_set.rows)
    driver.get(page)
    driver.execute_script("localStorage.clear()")
    driver.get(page)
    assert shows(driver, "counts", f"1 of {count}: 0 accepted, 0 rejected")
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    second = driver.current_window_handle
    driver.get(page)
    keys(driver, "r")
    driver.switch_to.window(first)
    assert shows(driver, "counts", f"1 of {count}: 0 accepted, 1 rejected")
    assert text(driver, "state") == "Pair 000001: rejected"
    keys(driver, "a")
    driver.switch_to.window(second)
    assert shows(driver, "counts", f"2 of {count}: 1 accepted, 0 rejected, not saved")
    driver.execute_script("localStorage.clear()")
    driver.switch_to.window(first)
    assert shows(driver, "counts", f"2 of {count}: 0 accepted, 0 rejected, not saved")
    driver.switch_to.window(second)
    driver.close()
    driver.switch_to.window(first)


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
