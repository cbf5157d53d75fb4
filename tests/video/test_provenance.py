"""The mark of synthetic pictures in the file itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic import ClipSpec, make_clip, stored_planes

from afet_video.errors import InputError, OutputError, SettingsError
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.video.encoders import EncodeSettings
from afet_video.video.provenance import (
    SYNTHETIC_COMMENT,
    XMP_UUID,
    mark_synthetic,
    read_comment,
    read_mark,
    synthetic_comment,
)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_the_mark_is_read_back_and_the_file_still_plays(suffix: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / f"clip{suffix}")
    before, planes = path.read_bytes(), stored_planes(path)
    assert read_mark(path) is None
    mark_synthetic(path)
    assert read_mark(path) == "compositeSynthetic"
    after = path.read_bytes()
    assert after.startswith(before)  # nothing has moved
    box = after[len(before) :]
    assert int.from_bytes(box[:4], "big") == len(box)
    assert box[4:24] == b"uuid" + XMP_UUID
    assert b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic" in box
    assert all((a[0] == b[0]).all() for a, b in zip(stored_planes(path), planes, strict=True))


def test_a_mark_is_replaced_not_repeated(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4")
    mark_synthetic(path)
    size = path.stat().st_size
    mark_synthetic(path)
    assert path.stat().st_size == size
    mark_synthetic(path, source_type="compositeWithTrainedAlgorithmicMedia")
    assert read_mark(path) == "compositeWithTrainedAlgorithmicMedia"
    assert path.read_bytes().count(XMP_UUID) == 1


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_text("plain text, long enough to be read as a box of some kind")
    with pytest.raises(OutputError, match="cannot be marked"):
        mark_synthetic(other)
    assert read_mark(other) is None
    assert read_mark(make_clip(tmp_path / "clip.mkv")) is None
    with pytest.raises(InputError, match="cannot read"):
        read_mark(tmp_path / "missing.mp4")


def test_source_types_are_those_of_the_vocabulary() -> None:
    with pytest.raises(SettingsError, match="source_type 'drawn' is unknown: choose compositeSynthetic or composite"):
        EncodeSettings(source_type="drawn")
    assert synthetic_comment("compositeWithTrainedAlgorithmicMedia").endswith(": compositeWithTrainedAlgorithmicMedia")
    assert synthetic_comment() == SYNTHETIC_COMMENT


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_tags_that_are_not_utf8_are_no_obstacle(suffix: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / f"old{suffix}", ClipSpec(metadata={"comment": "caf# at noon", "title": "caf# at noon"}))
    path.write_bytes(path.read_bytes().replace(b"caf#", b"caf\xe9"))
    assert read_comment(path).startswith("caf\ufffd at noon")
    with VideoReader(path) as reader:
        info = reader.info
        with VideoWriter(tmp_path / f"new{suffix}", source=path, info=info, settings=EncodeSettings()) as writer:
            for frame in reader:
                writer.write(frame)
    comment = read_comment(tmp_path / f"new{suffix}")
    assert comment.startswith("caf\ufffd at noon | ") and SYNTHETIC_COMMENT in comment
