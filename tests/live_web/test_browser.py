"""The page in a real browser, which takes the sample clip for its camera."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from afet_video.live.session import LiveSession
from afet_video.live.settings import LiveSettings
from tests.browser import chromium
from tests.live_web.fake_session import FakeSession
from tests.live_web.serving import Running, serving

pytestmark = pytest.mark.needs("browser")

PATIENCE_S = 120.0
CAMERA_FRAMES = 240
"""Of the sample: at rest, brows up, a smile."""

WATCH_S = 2 * CAMERA_FRAMES / 25
CALIBRATIONS = 4
MUCH = 12_000
"""Of change, as below: raised brows and the smile come to 30 000, the face at rest to 5 000 at most."""

CHANGE = """
// Mean change from source to result: left and right half of the picture's middle, and its rim.
const pixels = (id) => {
  const {width, height} = document.getElementById(id);
  return document.getElementById(id).getContext('2d').getImageData(0, 0, width, height);
};
const a = pixels('source'), b = pixels('result'), sums = {left: 0, right: 0, rim: 0};
for (let y = 0; y < a.height; y += 2) for (let x = 0; x < a.width; x += 2) {
  const i = 4 * (y * a.width + x), u = x / a.width, v = y / a.height;
  const change = Math.abs(a.data[i] - b.data[i]) + Math.abs(a.data[i + 1] - b.data[i + 1]);
  if (u < 0.2 || u > 0.8 || v < 0.15) sums.rim += change;
  else if (u < 0.45) sums.left += change;
  else if (u > 0.55) sums.right += change;
}
return sums;
"""


@pytest.fixture(scope="module")
def camera_file(sample_pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Motion JPEG, which Chromium's fake camera plays over and over."""
    path = tmp_path_factory.mktemp("camera") / "sample.mjpeg"
    with path.open("wb") as file:
        for rgb in sample_pictures[:CAMERA_FRAMES]:
            picture = cv2.cvtColor(cv2.resize(rgb, (640, 480)), cv2.COLOR_RGB2BGR)
            file.write(cv2.imencode(".jpg", picture)[1].tobytes())
    return path


class Browser:
    """A page in Chromium, as a user sees it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        self.driver.get(url)
        self.until(lambda: self.state != "" and self.text("status") != "Connecting…")

    def element(self, name: str) -> Any:
        return self.driver.find_element("id", name)

    def text(self, name: str) -> str:
        return str(self.driver.execute_script("return document.getElementById(arguments[0]).textContent", name))

    def value(self, name: str) -> Any:
        return self.element(name).get_property("value")

    def click(self, name: str) -> None:
        self.element(name).click()

    def press(self, keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(keys)

    def change(self) -> dict[str, float]:
        sums: dict[str, float] = self.driver.execute_script(CHANGE)
        return sums

    @property
    def state(self) -> str:
        return self.text("figure-state")

    @property
    def figures(self) -> str:
        return str(self.element("figures").text)

    @property
    def side(self) -> Any:
        return self.driver.execute_script("return document.querySelector('input[name=side]:checked')?.value")

    def until(self, is_so: Callable[[], Any]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < end, (self.state, self.text("status"), self.figures, self.complaints())
            time.sleep(0.05)

    def complaints(self) -> list[str]:
        """What scripts, policies and styles went wrong; a server that has ended is part of some tests."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if entry["source"] not in ("network", "rendering")]


@pytest.fixture(scope="module")
def driver(camera_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    arguments = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_file}",
        "--window-size=1400,900",
    )
    with chromium(tmp_path_factory.mktemp("probe"), arguments) as driver:
        yield driver


@pytest.fixture
def browser(driver: webdriver.Chrome) -> Iterator[Browser]:
    """The browser at an empty page; it must have nothing to complain of in the end (scripts, policy, files)."""
    browser = Browser(driver)
    browser.complaints()
    yield browser
    complaints = browser.complaints()
    driver.get("about:blank")
    assert complaints == []


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def running(session: FakeSession) -> Iterator[Running]:
    with serving(lambda: session) as running:
        yield running


@pytest.fixture
def live(browser: Browser, running: Running) -> Browser:
    """The page after a calibration by the fake session."""
    browser.open(running.url)
    browser.click("start")
    browser.until(lambda: browser.state == "live")
    return browser


def test_a_real_session_calibrates_and_changes_the_affected_half_alone(browser: Browser) -> None:
    settings = LiveSettings(calibration_s=1.5, goes_on_learning=False)
    with serving(lambda: LiveSession(settings)) as running:
        browser.open(running.url)
        assert browser.text("status") == "Ready: start the camera."
        browser.click("start")
        browser.until(lambda: browser.state == "calibrating")
        browser.until(lambda: browser.element("countdown").is_displayed())
        assert browser.change() == {"left": 0, "right": 0, "rim": 0}
        browser.until(lambda: browser.state == "live")
        assert not browser.element("countdown").is_displayed()
        for side, affected, healthy in (("left", "right", "left"), ("right", "left", "right")):
            browser.until(lambda side=side: side in browser.text("status"))
            seen = watched(browser, affected)
            for _ in range(CALIBRATIONS):
                if seen[-1][affected] > MUCH:
                    break
                browser.press("c")  # what it took for rest was somewhere in the clip, a smile maybe
                browser.until(lambda: browser.state == "calibrating")
                browser.until(lambda: browser.state == "live")
                seen = watched(browser, affected)
            assert seen[-1][affected] > MUCH, max(sums[affected] for sums in seen)
            assert seen[-1][affected] > 5 * seen[-1][healthy]
            assert max(sums["rim"] for sums in seen) == 0
            browser.press("s")


def watched(browser: Browser, affected: str) -> list[dict[str, float]]:
    """Return what has changed, again and again, until it is much on one half or the clip has been played twice."""
    end, seen = time.monotonic() + WATCH_S, [browser.change()]
    while seen[-1][affected] <= MUCH and time.monotonic() < end:
        time.sleep(0.05)
        seen.append(browser.change())
    return seen


def test_start_countdown_figures_and_stop(live: Browser, session: FakeSession) -> None:
    assert session.shapes[0] == (480, 640, 3)
    times = [timestamp.seconds for timestamp in session.timestamps]
    assert 0.02 < np.median(np.diff([float(seconds) for seconds in times])) < 0.2  # the camera's, fewer if it is busy
    sums = live.change()
    assert sums["right"] > 0 == sums["left"] == sums["rim"]
    live.until(lambda: live.text("figure-delay").endswith("ms") and float(live.text("figure-fps")) > 1)
    assert 0 < int(live.text("figure-delay").split()[0]) < 1000 * PATIENCE_S
    assert [option.text for option in live.element("camera").find_elements("tag name", "option")][1] != "Camera 1"
    live.click("stop")
    live.until(lambda: live.state == "off")
    assert not live.element("stop").is_enabled()
    count = len(session.timestamps)
    time.sleep(0.3)
    assert len(session.timestamps) <= count + 3
    live.click("start")
    live.until(lambda: live.state == "live")


def test_the_controls_act(live: Browser, session: FakeSession) -> None:
    live.driver.find_element("css selector", "input[value=right]").click()
    live.until(lambda: session.profile.side == "right")
    live.until(lambda: live.change()["left"] > 0 == live.change()["right"])
    live.element("preset").send_keys("hb4")
    live.until(lambda: session.profile.eye == 0.5)
    live.until(lambda: live.value("kept-eye") == "50" and "ajar" in live.text("preset-shows"))
    live.element("kept-eye").send_keys(Keys.ARROW_RIGHT)
    live.until(lambda: session.profile.eye == 0.55 and live.value("preset") == "")
    live.click("points")
    marks = "return document.getElementById('result-marks').getContext('2d').getImageData(0,0,640,480).data.some(v=>v)"
    live.until(lambda: live.driver.execute_script(marks))
    live.click("points")
    live.until(lambda: not live.driver.execute_script(marks))
    live.click("both")
    assert not live.element("source").is_displayed()
    before = session.calibrations
    live.click("recalibrate")
    live.until(lambda: session.calibrations == before + 1)


def test_the_keys_act(live: Browser, session: FakeSession) -> None:
    live.press("s")
    live.until(lambda: live.side == session.profile.side == "right")
    live.press("p")
    live.until(lambda: live.value("preset") == "paper")
    live.press("P")
    live.until(lambda: live.value("preset") == "complete")
    for key, name in (("v", "both"), ("m", "mirror"), ("l", "points")):
        before = live.element(name).is_selected()
        live.press(key)
        assert live.element(name).is_selected() is not before
    live.press("5")
    live.press(Keys.ARROW_RIGHT)
    live.until(lambda: session.profile.lower_lip == 0.05)
    live.press("?")
    assert live.element("help").get_property("open")
    live.press(Keys.ESCAPE)
    assert not live.element("help").get_property("open")
    live.press("c")
    live.until(lambda: session.calibrations == 2)
    live.click("keys")
    live.press("s")
    time.sleep(0.2)
    assert session.profile.side == "right"
    live.click("keys")
    live.press("q")
    live.until(lambda: live.state == "off")


def test_everything_can_be_reached_and_is_named(browser: Browser, running: Running) -> None:
    browser.open(running.url)
    browser.until(lambda: browser.element("kept-eye").is_enabled())
    nameless = browser.driver.execute_script("""
        return [...document.querySelectorAll('button, input, select')]
          .filter((e) => !(e.labels?.length || e.textContent.trim())).map((e) => e.id)""")
    assert nameless == []
    reached = set()
    for _ in range(30):
        browser.press(Keys.TAB)
        active = browser.driver.switch_to.active_element
        reached.add(active.get_attribute("id") or active.get_attribute("name"))
    assert {"start", "camera", "side", "preset", "kept-lower_lip", "mirror", "keys", "open-help"} <= reached


def test_a_camera_that_is_refused_or_lost_is_said_clearly(browser: Browser, running: Running) -> None:
    browser.open(running.url)
    refuse = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', arguments[0]) }"
    keep = "window.kept = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)"
    browser.driver.execute_script(keep)
    for name, words in (("NotAllowedError", "not allowed"), ("NotFoundError", "No camera"), ("X", "(X: )")):
        browser.driver.execute_script(refuse.replace("arguments[0]", repr(name)))
        browser.click("start")
        browser.until(lambda words=words: words in browser.text("status"))
        assert browser.state == "off"
    browser.driver.execute_script("navigator.mediaDevices.getUserMedia = window.kept")
    browser.click("start")
    browser.until(lambda: browser.state == "live")
    browser.driver.execute_script(
        "document.getElementById('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))"
    )
    browser.until(lambda: "camera is gone" in browser.text("status"))
    assert not browser.element("stop").is_enabled()


def test_a_second_page_and_the_end_are_said_clearly(live: Browser, running: Running) -> None:
    first = live.driver.current_window_handle
    live.driver.switch_to.new_window("tab")
    try:
        live.driver.get(running.url)
        live.until(lambda: "Another page" in live.text("status"))
        assert not live.element("start").is_enabled()
    finally:
        live.driver.close()
        live.driver.switch_to.window(first)
    running.stop()
    live.until(lambda: "afet-video was stopped" in live.text("status"))
    assert not live.element("start").is_enabled()


def test_a_page_loaded_anew_is_not_taken_for_a_second_one(live: Browser, session: FakeSession) -> None:
    live.driver.refresh()
    live.until(lambda: live.text("status") == "Ready: start the camera.")
    assert session.calibrations == 2


def test_a_lost_connection_comes_back_without_a_new_calibration(
    browser: Browser, running: Running, session: FakeSession
) -> None:
    targets = [running.port]
    with relay(targets) as (port, cut):
        browser.open(running.url.replace(str(running.port), str(port), 1))
        browser.click("start")
        browser.until(lambda: browser.state == "live")
        count = len(session.timestamps)
        browser.driver.execute_script("""
            window.said = [];
            new MutationObserver(() => said.push(document.getElementById('status').textContent))
              .observe(document.getElementById('status'), {childList: true})""")
        cut()
        browser.until(lambda: browser.driver.execute_script("return said.some((text) => text.includes('is lost'))"))
        browser.until(lambda: browser.state == "live" and len(session.timestamps) > count + 5)
        assert session.calibrations == 1
        with serving(FakeSession) as anew:
            targets[0] = anew.port
            cut()
            browser.until(lambda: "started anew" in browser.text("status"))


@contextlib.contextmanager
def relay(targets: list[int]) -> Iterator[tuple[int, Callable[[], None]]]:
    """Pass connections on to the port in `targets`; gives the relay's own port, and what cuts all connections."""
    ends: set[socket.socket] = set()

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", targets[0])) as there:
                ends.update((self.request, there))
                back = threading.Thread(target=pump, args=(there, self.request), daemon=True)
                back.start()
                pump(self.request, there)
                back.join()
                ends.difference_update((self.request, there))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False  # a page goes on connecting: one that comes while all are cut would be waited for

    def cut() -> None:
        for end in tuple(ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1], cut
        finally:
            server.shutdown()
            cut()
            thread.join()
