"""The real server and a real client; the session is a fake one."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from afet_video.datatypes import PalsyProfile, Side
from afet_video.errors import ModelFileError, OutputError, SettingsError
from afet_video.live_web.messages import MAX_FRAME_BYTES, MAX_TEXT
from afet_video.live_web.preview import BUSY
from afet_video.profiles import PRESETS
from afet_video.tracks import load_tracks
from afet_video.video.decode import VideoReader
from tests.live_web.fake_session import CALIBRATION_FRAMES, FakeSession
from tests.live_web.serving import Answer, Running, open_page, packed, serving

GREY = np.full((48, 64, 3), 100, np.uint8)


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def running(session: FakeSession) -> Iterator[Running]:
    with serving(lambda: session) as running:
        yield running


async def fetch(url: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    async with aiohttp.ClientSession() as client, client.get(url, headers=headers) as response:
        return response.status, await response.text(), dict(response.headers)


async def handshake(running: Running, url: str, **headers: str) -> int:
    """Return the status with which an attempt to open a WebSocket ends."""
    async with aiohttp.ClientSession() as client:
        try:
            async with client.ws_connect(url, headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


def test_the_page_is_complete_and_names_nothing_outside(running: Running) -> None:
    status, html, headers = asyncio.run(fetch(running.url))
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "://" not in html
    for name in ("style.css", "main.js", "camera.js", "link.js", "view.js", "controls.js", "meter.js"):
        status, text, _ = asyncio.run(fetch(running.url + name))
        assert (status, "://" in text) == (200, False), name
    assert asyncio.run(fetch(running.url + "nothing.js"))[0] == 404


@pytest.mark.parametrize(
    "path", ["", "x", "main.js", "wrong-token/", "wrong-token/main.js", "wrong-token/socket", "é/"]
)
def test_without_the_token_everything_is_forbidden(running: Running, path: str) -> None:
    status, text, _ = asyncio.run(fetch(f"{running.origin}/{path}"))
    assert status == 403
    assert "token" in text


def test_a_foreign_name_that_points_here_is_forbidden(running: Running) -> None:
    assert asyncio.run(fetch(running.url, Host=f"evil.example:{running.port}"))[0] == 403
    assert asyncio.run(fetch(running.url, Host="["))[0] in (400, 403)
    assert asyncio.run(fetch(running.url, Host=f"localhost:{running.port}"))[0] == 200


def test_a_websocket_of_another_site_is_forbidden(running: Running) -> None:
    url = running.url + "socket"
    assert asyncio.run(handshake(running, url, Origin="http://evil.example")) == 403
    assert asyncio.run(handshake(running, url, Origin=f"http://127.0.0.1:{running.port + 1}")) == 403
    assert asyncio.run(handshake(running, url, Origin="null")) == 403
    assert asyncio.run(handshake(running, url)) == 403
    assert asyncio.run(handshake(running, running.origin + "/wrong/socket", Origin=running.origin)) == 403
    assert asyncio.run(handshake(running, url, Origin=running.origin)) == 101


def test_frames_come_back_with_what_changed(running: Running, session: FakeSession) -> None:
    async def scenario() -> list[Answer]:
        async with open_page(running) as page:
            await page.receive()
            return [await page.show(GREY, number) for number in range(CALIBRATION_FRAMES + 1)]

    *calibration, live = asyncio.run(scenario())
    assert [answer.about["number"] for answer in calibration] == list(range(CALIBRATION_FRAMES))
    assert all(answer.about["state"] == "calibrating" and answer.patch == b"" for answer in calibration)
    assert calibration[0].about["countdown_s"] > calibration[-1].about["countdown_s"] > 0
    assert (live.about["state"], live.about["box"]) == ("live", [32, 12, 48, 36])  # the subject's left, in the picture
    patch = np.frombuffer(live.patch, np.uint8).reshape(24, 16, 4)
    assert (patch == [50, 50, 50, 255]).all()
    times = [timestamp.seconds for timestamp in session.timestamps]
    assert times[0] == 0
    assert all(a < b for a, b in itertools.pairwise(times))
    assert session.shapes == [(48, 64, 3)] * len(times)


def test_the_latest_frame_wins() -> None:
    gate = threading.Event()
    session = FakeSession(gate=gate)

    async def scenario(running: Running) -> list[tuple[str, int]]:
        async with open_page(running) as page:
            await page.receive()
            heard: list[tuple[str, int]] = []
            for number in range(5):
                await page.socket.send_bytes(packed(GREY, number, 1000.0 * number))
                if number == 0:
                    assert await asyncio.to_thread(session.has_begun.wait, 60)
            while len(heard) < 5:
                if len(heard) == 3:
                    gate.set()
                answer = await page.receive()
                heard.append(
                    ("result", answer.about["number"])
                    if isinstance(answer, Answer)
                    else (answer["type"], answer["number"])
                )
            return heard

    with serving(lambda: session) as running:
        heard = asyncio.run(scenario(running))
    assert heard == [("dropped", 1), ("dropped", 2), ("dropped", 3), ("result", 0), ("result", 4)]


def test_controls_reach_the_session(running: Running, session: FakeSession) -> None:
    async def scenario() -> None:
        async with open_page(running) as page:
            welcome = await page.receive()
            assert isinstance(welcome, dict)
            assert welcome["presets"] == {name: preset.shows for name, preset in PRESETS.items()}
            assert welcome["profile"]["preset"] == "complete"
            assert (await page.ask("side", "right"))["profile"]["side"] == "right"
            answer = await page.ask("preset", "flaccid")  # its values are those of hb6
            assert answer["profile"]["preset"] == "flaccid"
            answer = await page.ask("kept", {"eye": 0.5})
            assert (answer["profile"]["preset"], answer["profile"]["kept"]["eye"]) == (None, 0.5)
            answer = await page.ask("kept", {"nose": 0.5})
            assert (answer["type"], "nose" in answer["text"]) == ("refused", True)
            assert (await page.ask("preset", "hb9"))["type"] == "refused"
            await page.ask("points", True)
            answer = await page.show(GREY, 1)
            assert len(answer.about["points"]["result"]) == 2 * 478
            await page.ask("points", False)
            assert "points" not in (await page.show(GREY, 2)).about
            before = session.calibrations
            await page.ask("recalibrate")
            assert session.calibrations == before + 1

    asyncio.run(scenario())
    assert session.profile == PalsyProfile(
        Side.RIGHT, 0, brow=0, eye=0.5, cheek=0, commissure=0, lower_lip=0, droop=1, bell=0.8
    )


TOO_LARGE = bytes(MAX_FRAME_BYTES + 1)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no JSON", 1008),
        ("[" * 1500, 1008),
        ("[]", 1008),
        ('{"type": "unheard-of"}', 1008),
        ('{"type": "side", "value": "up"}', 1008),
        ('{"type": "kept", "value": [1]}', 1008),
        ('{"type": "preset", "value": {}}', 1008),
        ('{"type": "points", "value": "' + "x" * MAX_TEXT + '"}', 1008),
        (b"short", 1008),
        (packed(GREY, 0, 0.0)[:-1], 1008),
        (packed(GREY, 0, float("nan")), 1008),
        (packed(GREY[:8], 0, 0.0), 1008),
        (TOO_LARGE, 1009),
    ],
    ids=lambda value: repr(value)[:24] if not isinstance(value, int) else "",
)
def test_what_the_page_never_sends_ends_the_connection(
    running: Running, session: FakeSession, message: bytes | str, code: int
) -> None:
    async def scenario() -> tuple[int | None, str]:
        async with open_page(running) as page:
            await page.receive()
            with contextlib.suppress(ConnectionError):  # the server need not hear all of it
                await (page.socket.send_bytes(message) if isinstance(message, bytes) else page.socket.send_str(message))
            return await page.closed()

    # A message of which much is still under way when the server hangs up can drown the reason in a reset.
    assert asyncio.run(scenario())[0] in ({code, 1006} if message is TOO_LARGE else {code})
    assert session.timestamps == []

    async def anew() -> None:
        async with open_page(running) as page:
            assert isinstance(await page.receive(), dict)

    asyncio.run(anew())


def test_a_second_page_is_told_so_and_may_come_later(running: Running) -> None:
    async def scenario() -> None:
        async with open_page(running) as first:
            await first.receive()
            async with open_page(running, name="other") as second:
                code, reason = await second.closed()
                assert (code, reason) == (BUSY, "another page shows the preview")
            assert isinstance(await first.show(GREY, 1), Answer)
        async with open_page(running, name="other") as second:
            assert isinstance(await second.receive(), dict)

    asyncio.run(scenario())


def test_a_page_that_comes_back_goes_on_and_another_calibrates_anew(running: Running, session: FakeSession) -> None:
    async def scenario(name: str) -> None:
        async with open_page(running, name=name) as page:
            await page.receive()
            await page.show(GREY, 1)

    asyncio.run(scenario("a"))
    assert session.calibrations == 1
    asyncio.run(scenario("a"))
    assert session.calibrations == 1
    asyncio.run(scenario("b"))
    assert session.calibrations == 2
    assert len(set(session.timestamps)) == 3


def test_a_page_whose_old_connection_hangs_takes_its_own_place(running: Running) -> None:
    async def scenario() -> None:
        async with open_page(running) as old, open_page(running) as new:
            await old.receive()
            closing = asyncio.create_task(old.closed())
            assert isinstance(await new.receive(), dict)
            await closing

    asyncio.run(scenario())


def test_who_does_not_say_hello_is_sent_away(running: Running) -> None:
    async def scenario() -> int | None:
        async with open_page(running, says_hello=False) as page:
            await page.socket.send_json({"type": "side", "value": "left"})
            return (await page.closed())[0]

    assert asyncio.run(scenario()) == 1008


def test_a_snapshot_is_the_last_result_with_the_synthetic_mark(running: Running) -> None:
    async def scenario() -> tuple[int, int, str, bytes]:
        before = (await fetch(running.url + "snapshot.png"))[0]
        async with open_page(running) as page:
            await page.receive()
            await page.show(GREY, 1)
        async with aiohttp.ClientSession() as client, client.get(running.url + "snapshot.png") as response:
            name = response.headers["Content-Disposition"]
            return before, response.status, name, await response.read()

    before, after, name, png = asyncio.run(scenario())
    assert (before, after) == (409, 200)
    assert ".png" in name
    assert b"compositeSynthetic" in png


def test_a_recording_holds_the_cameras_own_times(session: FakeSession, tmp_path: Path) -> None:
    path = tmp_path / "session.mp4"

    async def scenario(running: Running) -> list[dict[str, Any]]:
        async with open_page(running) as page:
            await page.receive()
            told = []
            for number, ms in enumerate((0, 40, 73, 140)):
                await page.socket.send_bytes(packed(GREY, number, 1e12 + ms))
                answer = await page.receive()
                assert isinstance(answer, Answer)
                told.append(answer.about["recording"])
            await page.ask("record")
            answer = await page.show(GREY, 4)
            return [*told, answer.about["recording"]]

    with serving(lambda: session, record=path) as running:
        told = asyncio.run(scenario(running))
    assert [one["is_on"] for one in told] == [True, True, True, True, False]
    assert "4 frames" in told[-1]["text"]
    assert [float(frame.timestamp.seconds) for frame in VideoReader(path)] == [0, 0.04, 0.073, 0.14]
    assert len(load_tracks(tmp_path / "session.tracks.parquet")) == 4
    sidecar = json.loads((tmp_path / "session.afet.json").read_text())
    assert (sidecar["source"]["name"], sidecar["finished"]) == ("camera of a browser", True)


def test_a_recording_that_cannot_be_written_is_an_error_at_once(session: FakeSession, tmp_path: Path) -> None:
    with serving(lambda: session, record=tmp_path / "nowhere" / "session.mp4") as running:
        pass
    assert isinstance(running.failure, OutputError)
    assert session.is_closed


def test_the_end_tells_the_page_and_closes_the_session(session: FakeSession) -> None:
    async def scenario(running: Running) -> tuple[int | None, str]:
        async with open_page(running) as page:
            await page.receive()
            running.stop()
            return await page.closed()

    with serving(lambda: session) as running:
        code, _ = asyncio.run(scenario(running))
    assert code == 1001
    assert session.is_closed
    assert running.failure is None


def test_a_session_that_breaks_ends_the_preview_with_its_error(session: FakeSession) -> None:
    async def scenario(running: Running) -> int | None:
        async with open_page(running) as page:
            await page.receive()
            session.fails = True
            await page.socket.send_bytes(packed(GREY, 1, 0.0))
            return (await page.closed())[0]

    with serving(lambda: session) as running:
        assert asyncio.run(scenario(running)) == 1011
    assert isinstance(running.failure, RuntimeError)
    assert session.is_closed


def test_a_session_that_cannot_be_made_is_an_error_before_there_is_an_address() -> None:
    def make() -> FakeSession:
        raise ModelFileError("no model")

    with serving(make) as running:
        pass
    assert isinstance(running.failure, ModelFileError)
    assert running.url == ""


def test_a_port_that_is_taken_is_one_clear_line(session: FakeSession) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serving(lambda: session, port=port) as running:
            pass
    assert isinstance(running.failure, SettingsError)
    assert f"127.0.0.1, port {port}" in str(running.failure)
    assert "\n" not in str(running.failure)
    assert session.is_closed


def test_only_an_address_for_others_is_warned_of(session: FakeSession) -> None:
    with serving(lambda: session) as running:
        assert running.warnings == []
        assert running.url.startswith("http://127.0.0.1:")
    with serving(lambda: FakeSession(), host="0.0.0.0") as running:
        (warning,) = running.warnings
        assert "other computers" in warning
        assert asyncio.run(fetch(running.url))[0] == 200
        assert asyncio.run(fetch(running.url, Host=f"evil.example:{running.port}"))[0] == 403
