from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"mediapipe", "torch", "ray", "numba", "cv2", "av", "scipy", "statsmodels", "pyarrow", "pandas"}


def _loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_loads_nothing_heavy() -> None:
    assert not _loaded_after("import afet_video") & (HEAVY | {"numpy", "rich", "typer"})


def test_the_command_line_loads_nothing_heavy_until_a_command_runs() -> None:
    assert not _loaded_after("import afet_video.cli") & (HEAVY | {"numpy"})


def test_settings_and_data_types_need_no_model() -> None:
    assert not _loaded_after("import afet_video; afet_video.PalsyProfile, afet_video.load_settings") & HEAVY


@pytest.mark.parametrize(
    "statement",
    [
        "import afet_video.pipeline",
        "from afet_video import *",
        "import afet_video.liveportrait.torch_backend, afet_video.liveportrait.onnx_backend, afet_video.stills.photo",
    ],
)
def test_no_import_loads_a_model_runtime(statement: str) -> None:
    assert not _loaded_after(statement) & {"mediapipe", "torch", "onnxruntime", "safetensors", "ray"}


def test_the_browser_preview_loads_nothing_until_it_serves() -> None:
    assert not _loaded_after("import afet_video.live_web") & (HEAVY | {"aiohttp", "numpy"})


def test_every_folder_is_a_package() -> None:
    package = Path(__file__).resolve().parent.parent / "afet_video"
    folders = {path.parent for path in package.rglob("*.py")}
    assert [folder.name for folder in folders if not (folder / "__init__.py").exists()] == []
