"""``afet-video live --browser`` as a user starts and ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from afet_video.errors import SettingsError
from afet_video.live.settings import LiveSettings
from afet_video.live_web import serve

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="a process gets no Ctrl-C from another one there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_an_address_that_answers_until_it_is_ended(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "cli.py", "live", "--browser", "--record", tmp_path / "session.mp4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("open http://127.0.0.1:")
            url = line.split()[1]
            with urllib.request.urlopen(url, timeout=60) as answer:
                assert b"afet-video" in answer.read()
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(url.rsplit("/", 2)[0] + "/", timeout=60)
            refused.value.close()
            assert refused.value.code == 403
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert (tmp_path / "session.afet.json").exists()


def test_without_aiohttp_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("afet_video.live_web.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(SettingsError, match=r'pip install "afet-video\[live\]"'):
        serve(LiveSettings(), on_ready=lambda url: None)
