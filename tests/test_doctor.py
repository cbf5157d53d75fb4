"""The doctor and the list of licences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import Message
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from afet_video.cli import app
from afet_video.doctor import Finding, examine, licences, machine, packages
from afet_video.doctor.licences import named_licence, verdict
from afet_video.model_files import FACE_LANDMARKER
from afet_video.video.camera import CameraName


def by_name(found: Iterator[Finding] | list[Finding]) -> dict[str, Finding]:
    return {one.name: one for one in found}


def test_every_part_is_examined_and_whatever_is_not_well_has_advice() -> None:
    found = examine()
    parts = ["system", "packages", "models", "encoders", "cameras", "display", "disk"]
    assert set(parts) <= {one.part for one in found}
    names = by_name(found)
    assert names["av"].found == metadata.version("av")
    assert names["face_landmarker.task"].state == names["hand_landmarker.task"].state == "ok"
    assert {names[codec].state for codec in ("h264", "hevc", "vp9", "av1", "ffv1")} == {"ok"}
    assert all(one.advice for one in found if one.state != "ok")
    assert all("\n" not in one.found + one.advice for one in found)


def test_what_breaks_while_it_is_examined_is_a_finding() -> None:
    def broken() -> Iterator[Finding]:
        yield Finding("part", "first", "ok", "fine")
        raise ImportError("libfoo.so: cannot\nopen shared object file")

    def well() -> Iterator[Finding]:
        yield Finding("part", "second", "ok", "fine")

    first, trouble, second = examine((broken, well))
    assert (first.name, second.name) == ("first", "second")
    assert trouble.state == "problem"
    assert "libfoo.so: cannot open" in trouble.found


def test_two_wheels_of_cv2_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"opencv-contrib-python": "5.1", "opencv-python": "4.9"}
    monkeypatch.setattr(packages, "version_of", there.get)
    (clash,) = packages.cv2_wheels()
    assert clash.state == "problem"
    assert "uninstall -y opencv-contrib-python opencv-python; " in clash.advice
    del there["opencv-python"]
    assert [one.state for one in packages.cv2_wheels()] == ["ok"]
    there.clear()
    assert [one.state for one in packages.cv2_wheels()] == ["problem"]


def test_missing_packages_and_extras_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "av>=18",
        "numpy (>=1.26)",
        "ray[data]>=2.40; extra == 'ray'",
        "c2pa-python>=0.3; extra == 'c2pa'",
        "afet-video[c2pa,ray]; extra == 'all'",
        "pytest; extra == 'test'",
        "!?",
    ]
    monkeypatch.setattr(packages.metadata, "requires", lambda _: lines)
    there = {"numpy": "2", "c2pa-python": "0.3", "afet-video": "0.1"}
    monkeypatch.setattr(packages, "version_of", there.get)
    needed = by_name(packages.dependencies())
    assert (needed["av"].state, needed["av"].advice) == ("problem", "python -m pip install 'av>=18'")
    assert needed["numpy"].state == "ok"
    found = by_name(packages.extras())
    assert {name: one.state for name, one in found.items()} == {"c2pa": "ok", "ray": "note", "all": "note"}
    assert found["all"].found == "c2pa-python 0.3, ray not installed"
    assert found["ray"].advice.endswith("pip install 'afet-video[ray]'")


def test_a_damaged_model_a_missing_library_and_little_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FACE_LANDMARKER.name).write_bytes(b"0" * FACE_LANDMARKER.size)
    monkeypatch.setattr("afet_video.model_files.resources.files", lambda _: tmp_path)
    face, hand = machine.models()
    assert "is damaged" in face.found and "--force-reinstall" in face.advice
    assert "cannot read" in hand.found

    def no_library(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(machine.platform, "system", lambda: "Linux")
    monkeypatch.setattr(machine.ctypes, "CDLL", no_library)
    assert [one.advice.split()[-1] for one in machine.libraries()] == ["libegl1", "libgl1", "libgles2", "libglib2.0-0"]
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    assert {one.state for one in machine.disk()} == {"problem"}
    monkeypatch.setattr(machine.os, "access", lambda *_: False)
    assert {one.state for one in machine.disk()} == {"note"}


def test_cameras_and_displays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("afet_video.video.camera.list_cameras", lambda: [CameraName(2, "a webcam")])
    assert [(one.name, one.found) for one in machine.cameras()] == [("2", "a webcam")]
    monkeypatch.setattr(machine.platform, "system", lambda: "Linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":7")
    assert [one.found for one in machine.display()] == [":7"]
    monkeypatch.delenv("DISPLAY")
    assert [one.state for one in machine.display()] == ["note"]


def test_the_command_exits_by_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["doctor", *arguments])

    state = "ok"
    monkeypatch.setattr("afet_video.doctor.examine", lambda: [Finding("part", "thing", state, "was found", "do it")])  # type: ignore[arg-type]
    assert (run().exit_code, run().stderr) == (0, "")
    assert "no problems" in run().stdout
    state = "problem"
    done = run("--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["findings"][0] == {
        "part": "part",
        "name": "thing",
        "state": "problem",
        "found": "was found",
        "advice": "do it",
    }


# --- licences ------------------------------------------------------------------------------------------------------


def test_the_licences_of_everything_installed_go_with_apache() -> None:
    found = {one.name.lower(): one for one in licences()}
    assert {"av", "numpy", "mediapipe", "opencv-contrib-python", "typer", "pillow", "llvmlite"} <= found.keys()
    assert "pytest" not in found
    unsaid = {"mlcroissant"}  # its metadata name no licence (the project says Apache-2.0)
    assert {name for name, one in found.items() if one.verdict == "check"} <= unsaid
    assert "FFmpeg" in found["av"].note
    assert "pytest" in {one.name for one in licences(with_tools=True)}
    done = CliRunner().invoke(app, ["licences", "--json"])
    assert done.exit_code == (1 if unsaid & found.keys() else 0)
    assert json.loads(done.stdout)["unclear"] == len(unsaid & found.keys())


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("Apache-2.0 OR GPL-3.0-only", "compatible"),
        ("BSD-2-Clause AND Apache-2.0 WITH LLVM-exception", "compatible"),
        ("MIT AND GPL-2.0-or-later", "check"),
        ("GNU General Public License v3 (GPLv3)", "check"),
        ("AGPL-3.0", "check"),
        ("LGPL-2.1-or-later", "as a library"),
        ("GNU Lesser General Public License v3", "as a library"),
        ("Proprietary", "check"),
        ("not named", "check"),
        ("", "check"),
    ],
)
def test_verdicts(licence: str, expected: str) -> None:
    assert verdict(licence) == expected


def test_where_a_licence_is_named() -> None:
    def about(**fields: str) -> Any:
        message = Message()
        for key, value in fields.items():
            message[key.replace("_", "-")] = value
        return message

    assert named_licence(about(License_Expression="MIT", License="x")) == "MIT"
    assert named_licence(about(Classifier="License :: OSI Approved :: BSD License")) == "BSD License"
    text = "Copyright me\n\nRedistribution and use in source\nand binary forms, with or without"
    assert named_licence(about(License=text)) == "BSD"
    assert named_licence(about(License="Strange\nthing")) == "Strange"
    assert named_licence(about()) == "not named"
