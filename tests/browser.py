"""Chromium for tests, known to load pages.

in: options -> out: a browser that works.  Must not: wait for ever, or hide that there is none.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ATTEMPTS, PATIENCE_S = 3, 60.0

_PROBE = "<title>ready</title><script>localStorage.setItem('probe', '1'); localStorage.removeItem('probe')</script>"


@contextlib.contextmanager
def chromium(folder: Path, arguments: Sequence[str], downloads: Path | None = None) -> Iterator[Any]:
    """Give Chromium, without a window; `folder` is for a page to try it on.

    Now and then, on a busy machine, one comes up that never finishes loading any page: it is closed, and another one is
    started.
    """
    options = _options(arguments, downloads)
    page = folder / "probe.html"
    page.write_text(_PROBE)
    for attempt in range(ATTEMPTS):
        with _started(options) as driver:
            if _loads(driver, page, is_last=attempt == ATTEMPTS - 1):
                yield driver
                return


def _options(arguments: Sequence[str], downloads: Path | None) -> Any:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if downloads is not None:
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    # Chromium has no sandbox for root; shared memory is small in containers.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", *arguments):
        options.add_argument(argument)
    return options


@contextlib.contextmanager
def _started(options: Any) -> Iterator[Any]:
    """Give a browser; whatever becomes of it, its driver's process ends."""
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.service import Service
    from urllib3.exceptions import HTTPError

    service = Service(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(PATIENCE_S)
    try:
        yield driver
    finally:
        with contextlib.suppress(WebDriverException, HTTPError):
            driver.quit()
        service.process.kill()


def _loads(driver: Any, page: Path, *, is_last: bool) -> bool:
    """Return whether a page is loaded in time; of the last browser that is tried, raise what is wrong."""
    from selenium.common.exceptions import WebDriverException
    from urllib3.exceptions import HTTPError

    try:
        driver.get(page.as_uri())
    except (WebDriverException, HTTPError):
        if is_last:
            raise
        return False
    return bool(driver.title == "ready")
