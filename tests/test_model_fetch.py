"""A model is fetched whole and verified, or nothing is there; and the command line around it."""

from __future__ import annotations

import _socket
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from afet_video.cli import app
from afet_video.errors import ModelFileError
from afet_video.liveportrait import weights
from afet_video.liveportrait.weights import PARTS, WeightSet
from afet_video.model_fetch import fetch
from afet_video.model_files import ModelFile

CONTENT = b"weights" * 100_000


class Files(BaseHTTPRequestHandler):
    """Serves `CONTENT`, and what is wrong with it by name."""

    def do_GET(self) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        name = self.path.rsplit("/", 1)[-1]
        if name == "gone.bin":
            self.send_error(404)
            return
        body = {"long.bin": CONTENT + b"!", "short.bin": CONTENT[:-1], "other.bin": CONTENT[::-1]}.get(name, CONTENT)
        self.send_response(200)
        # A connection that breaks: more is announced than comes.
        self.send_header("Content-Length", str(len(body) + (9 if name == "broken.bin" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server on this machine, the only one that may be reached."""

    def connect(self: socket.socket, address: Any) -> None:
        assert address[0] in ("127.0.0.1", "localhost"), address
        _socket.socket.connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as http:
        http.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield http
        http.shutdown()
        thread.join()


def model(server: Any, name: str, *, folder: str = "part") -> ModelFile:
    url = f"http://127.0.0.1:{server.server_address[1]}/files/{name}"
    return ModelFile(f"{folder}/{name}", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "MIT", "a test", url)


def leftovers(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def test_a_model_is_fetched_once(server: Any, tmp_path: Path) -> None:
    seen: list[int] = []
    path = fetch(model(server, "good.bin"), tmp_path / "models", on_bytes=seen.append)
    assert path == tmp_path / "models" / "part" / "good.bin"
    assert path.read_bytes() == CONTENT
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)
    assert fetch(model(server, "good.bin"), tmp_path / "models") == path
    assert len(server.seen) == 1
    assert leftovers(tmp_path) == ["models/part/good.bin"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other.bin", r"sent is not part/other\.bin .*nothing was kept"),
        ("long.bin", r"sends more than the 700000 bytes expected"),
        ("short.bin", r"sent 699999 of 700000 bytes"),
        ("gone.bin", r"answers 404 \(Not Found\)"),
    ],
)
def test_what_is_not_right_is_not_kept(server: Any, tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        fetch(model(server, name), tmp_path)
    assert leftovers(tmp_path) == []


def test_a_connection_that_breaks(server: Any, tmp_path: Path) -> None:
    wanted = model(server, "broken.bin")
    with pytest.raises(ModelFileError, match=r"cannot fetch|sent"):
        fetch(ModelFile(wanted.name, len(CONTENT) + 9, wanted.sha256, "MIT", "a test", wanted.url), tmp_path)
    assert leftovers(tmp_path) == []


def test_nobody_answers(server: Any, tmp_path: Path) -> None:
    with socket.socket() as taken:  # a port on which nobody listens
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ModelFileError, match=r"cannot fetch http://127.* check the network"):
            fetch(model(server, "good.bin"), tmp_path, source=f"http://127.0.0.1:{port}")
    assert leftovers(tmp_path) == []


def test_a_wrong_file_that_is_there_is_not_replaced_in_silence(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "part" / "good.bin"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.raises(ModelFileError, match=r"delete it and fetch it again"):
        fetch(model(server, "good.bin"), tmp_path)
    assert path.read_bytes() == b"mine"


def test_only_the_web_and_only_what_can_be_verified(server: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no web address"):
        fetch(model(server, "good.bin"), tmp_path, source="file:///etc")
    with pytest.raises(ModelFileError, match="no published hash"):
        fetch(ModelFile("a.onnx", 0, "", "MIT", "someone", "https://x/a.onnx"), tmp_path)
    assert server.seen == []


# --- the commands --------------------------------------------------------------------------------------------------


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["models", *arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AFET_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def small_set(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> WeightSet:
    files = {part: model(server, f"{part}.bin", folder="small") for part in PARTS}
    small = WeightSet("safetensors", "torch", files, "for a test")
    monkeypatch.setattr(weights, "WEIGHT_SETS", (small,))
    return small


def test_path(folder: Path) -> None:
    assert run("path").stdout == f"{folder}\n"


def test_list_says_what_from_where_how_large_and_under_which_licence(folder: Path) -> None:
    text = run("list").stdout
    for words in (
        str(folder),
        "221.8 MB",
        "ca04fbec7657",
        "huggingface.co/Kijai",
        "licence MIT",
        "InsightFace",
        "missing",
    ):
        assert words in text
    listed = json.loads(run("list", "--json").stdout)
    assert listed["folder"] == str(folder)
    assert [one["name"] for one in listed["sets"]] == ["safetensors", "checkpoints", "facefusion", "fasterliveportrait"]
    first = listed["sets"][0]["files"][0]
    assert first["sha256"].startswith("38bef5de")
    assert first["is_there"] is False


def test_fetch_then_verify(small_set: WeightSet, folder: Path, server: Any) -> None:
    assert run("verify").exit_code == 1
    fetched = run("fetch")
    assert fetched.exit_code == 0, fetched.output
    assert len(fetched.stdout.splitlines()) == len(PARTS) == len(server.seen)
    verified = run("verify")
    assert verified.exit_code == 0
    assert verified.stdout.count("right ") == len(PARTS)
    (folder / "small" / f"{PARTS[0]}.bin").write_bytes(b"x")
    broken = run("verify", "--json")
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["files"]["safetensors"][f"small/{PARTS[0]}.bin"] == "wrong"


def test_fetch_from_a_mirror(small_set: WeightSet, server: Any) -> None:
    result = run("fetch", "--quiet", "--from", f"http://127.0.0.1:{server.server_address[1]}/mirror/")
    assert (result.exit_code, result.stdout) == (0, "")
    assert all(path.startswith("/mirror/") for path in server.seen)


def test_what_cannot_be_fetched_is_said(folder: Path) -> None:
    result = run("fetch", "--set", "facefusion")
    assert result.exit_code == 1
    assert 'the set "facefusion" cannot be fetched: choose safetensors or checkpoints' in result.stderr
