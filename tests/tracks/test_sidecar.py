from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afet_video.datatypes import NeutralChoice, Side, Timestamp
from afet_video.errors import InputError, OutputError, TrackFileError
from afet_video.tracks import OWN_HASH, content_sha256, read_sidecar, sha256_file, write_sidecar

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OURS = {"schema_version", "synthetic", "digital_source_type", OWN_HASH}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.dictionaries(st.text().filter(lambda key: key not in OURS), JSON, max_size=5))
def test_json_values_come_back(tmp_path, content):
    write_sidecar(tmp_path / "run.json", content)
    back = read_sidecar(tmp_path / "run.json")
    assert {key: value for key, value in back.items() if key not in OURS} == content


@dataclass(frozen=True)
class Settings:
    """Stand-in for a stage's settings."""

    ramp_width: float
    path: Path


def test_our_types_become_json(tmp_path):
    path = tmp_path / "run.json"
    neutral = NeutralChoice(3, Timestamp(90, Fraction(1, 30)), 0.9, "auto", {"sharp": np.float32(0.5)}, "why")
    write_sidecar(
        path,
        {
            "settings": Settings(float("nan"), Path("a/b.mp4")),
            "neutral": neutral,
            "frames_by_status": {Side.LEFT: np.int64(4)},
            "values": np.array([1.0, np.inf]),
            "warnings": ("ğ", "ü"),
            "names": {"b", "a"},
        },
    )
    text = path.read_text(encoding="utf-8")
    back = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert list(back)[:3] == ["schema_version", "synthetic", "digital_source_type"]  # the marks come first
    assert list(back)[3:-1] == ["settings", "neutral", "frames_by_status", "values", "warnings", "names"]
    assert list(back)[-1] == OWN_HASH and back[OWN_HASH] == content_sha256(back)
    assert content_sha256(back | {"names": ["a", "c"]}) != back[OWN_HASH]
    assert back["synthetic"] is True
    assert back["digital_source_type"].endswith("/compositeSynthetic")
    assert back["settings"] == {"ramp_width": None, "path": "a/b.mp4"}
    assert back["neutral"]["timestamp"] == {"pts": 90, "time_base": "1/30"}
    assert back["neutral"]["reasons"] == {"sharp": 0.5}
    assert back["frames_by_status"] == {"left": 4}
    assert back["values"] == [1.0, None]
    assert back["names"] == ["a", "b"]
    assert "ğ" in text and text.endswith("}\n") and '\n  "settings"' in text


def test_what_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(TypeError, match="object"):
        write_sidecar(tmp_path / "run.json", {"thing": object()})
    assert not (tmp_path / "run.json").exists()


def test_bad_files_are_refused(tmp_path):
    path = tmp_path / "run.json"
    with pytest.raises(TrackFileError, match="no such side-car"):
        read_sidecar(path)
    for text, reason in (("{", "JSON"), ("[1]", "no schema version"), ('{"schema_version": 99}', "newer afet-video")):
        path.write_text(text)
        with pytest.raises(TrackFileError, match=reason):
            read_sidecar(path)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write final\.json"):
        write_sidecar(tmp_path / "none" / "run.json", {}, target=Path("final.json"))


def test_sha256(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "data").write_bytes(data)
    assert sha256_file(tmp_path / "data") == hashlib.sha256(data).hexdigest()
    with pytest.raises(InputError, match="cannot read"):
        sha256_file(tmp_path / "none")
