"""A long conversion that is killed while it encodes goes on after its last finished segment, to the same result."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app
from afet_video.datatypes import Progress, RunReport
from afet_video.errors import SettingsError
from afet_video.passes.render import FaceChanger
from afet_video.settings_io import replace_nested
from tests.synthetic import ClipSpec, make_clip, packets, stored_planes, video_pts

FRAMES, FACES, MOST = 26, 24, 7
BORDERS = (0, 6, 13, 19, 26)
ENDS = (".mp4", ".tracks.npz", ".afet.json", ".png")
SETTINGS = replace_nested(afet_video.ConvertSettings(), {"segment_frames": MOST, "tracker.face": "all"})
LOSSLESS = replace_nested(SETTINGS, {"encode.lossless": True})


class Stopped(Exception):
    """Stands for a kill."""


@dataclass(frozen=True)
class Run:
    """A conversion: its report, its files by their ends, and the frames in which a face was changed."""

    report: RunReport
    files: dict[str, Path]
    changed: list[int]

    @property
    def content(self) -> dict[str, bytes]:
        return {end: path.read_bytes() for end, path in self.files.items()}


@pytest.fixture(scope="module")
def clip(sample_pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """26 frames at 208x156, with a cut, sound and uneven times; in the last two there is nobody."""
    chosen = [*sample_pictures[168:183], *sample_pictures[230:241]]
    frames = [cv2.resize(rgb, (208, 156), interpolation=cv2.INTER_AREA) for rgb in chosen]
    frames[15:] = [255 - (255 - rgb) // 2 for rgb in frames[15:]]
    for rgb in frames[:15]:
        cv2.line(rgb, (96, 40), (112, 100), (20, 20, 24), 3)  # a strand of hair, which the cover remembers
    frames[FACES:] = [np.full_like(frames[0], 90)] * (FRAMES - FACES)
    steps = np.resize([40, 40, 50, 30], FRAMES - 1)
    pts = [0, *np.cumsum(steps).tolist()]
    spec = ClipSpec(size_wh=(208, 156), pts=pts, audio="aac", audio_start_s=0.1)
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mkv", spec, pictures=frames)


@pytest.fixture(scope="module")
def convert(clip: Path) -> Callable[..., Run]:
    """Return a function that converts the clip into a folder; `stop`: the frame after which pass 2 is stopped."""

    def run(
        folder: Path, kept: Path | None, settings: Any = SETTINGS, *, stop: int | None = None, **options: Any
    ) -> Run:
        changed: list[int] = []
        change = FaceChanger.change

        def noted(self: FaceChanger, frame: Any, moment: Any) -> Any:
            changed.append(frame.index)
            return change(self, frame, moment)

        def note(progress: Progress) -> None:
            if progress.stage == "splice" and progress.done == stop:
                raise Stopped

        folder.mkdir(exist_ok=True)
        files = {end: folder / f"out{end}" for end in ENDS}
        names = {"tracks": files[".tracks.npz"], "contact_sheet": files[".png"], "checkpoints": kept}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(FaceChanger, "change", noted)
            if stop is not None:
                with pytest.raises(Stopped):
                    afet_video.convert(clip, files[".mp4"], settings=settings, on_progress=note, **{**names, **options})
                return Run(None, files, changed)  # type: ignore[arg-type]
            report = afet_video.convert(
                clip, files[".mp4"], settings=settings, on_progress=note, **{**names, **options}
            )
        return Run(report, files, changed)

    return run


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of pass 1, shared: it need not be done again for each test."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def whole(convert: Callable[..., Run], kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The conversion in segments that nobody disturbed."""
    return convert(tmp_path_factory.mktemp("whole"), kept)


def keyframes(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [number for number, frame in enumerate(container.decode(video=0)) if frame.key_frame]


def segments(kept: Path) -> list[Path]:
    return sorted(path for path in kept.glob("*/segments-*/*") if not path.name.startswith("."))


def test_segments_change_nothing_but_where_the_encoder_begins(
    convert: Callable[..., Run], clip: Path, kept: Path, tmp_path: Path
) -> None:
    plain, cut = convert(tmp_path / "a", None, LOSSLESS), convert(tmp_path / "b", kept, LOSSLESS)
    assert (plain.report.segments, cut.report.segments, cut.report.segments_found) == (1, 4, 0)
    for end in (".tracks.npz", ".png"):
        assert cut.files[end].read_bytes() == plain.files[end].read_bytes()
    mine, theirs = cut.files[".mp4"], plain.files[".mp4"]
    assert video_pts(mine) == video_pts(theirs) == video_pts(clip)
    assert packets(mine, "audio") == packets(theirs, "audio") != []
    assert set(BORDERS[:-1]) <= set(keyframes(mine))
    for one, other in zip(stored_planes(mine), stored_planes(theirs), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert cut.report.frames_by_status == plain.report.frames_by_status
    assert not segments(kept)


@pytest.mark.parametrize("stop", [3, 15, FRAMES])
def test_what_was_killed_goes_on_to_the_same_files(
    convert: Callable[..., Run], whole: Run, kept: Path, tmp_path: Path, stop: int
) -> None:
    assert whole.changed == list(range(FACES))
    killed = convert(tmp_path / "o", kept, stop=stop)
    assert not any(path.exists() for path in killed.files.values())
    done = [border for border in BORDERS if border <= stop]
    assert len(segments(kept)) == len(done) - 1
    rest = convert(tmp_path / "o", kept)
    assert rest.changed == list(range(done[-1], FACES))
    assert rest.report.segments_found == len(done) - 1
    assert rest.content == whole.content
    assert not segments(kept)
    assert {path.name for path in (tmp_path / "o").iterdir()} == {path.name for path in rest.files.values()}


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "damage"),
    [("packets", cut_off), ("rows.parquet", flip_a_byte), ("memory.npz", Path.unlink), ("about.json", cut_off)],
)
def test_a_damaged_segment_alone_is_made_again(
    convert: Callable[..., Run], whole: Run, kept: Path, tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    convert(tmp_path / "o", kept, stop=FRAMES)
    damage(segments(kept)[1] / name)
    again = convert(tmp_path / "o", kept)
    assert again.changed == list(range(6, 13))
    assert again.report.segments_found == 3
    assert again.content == whole.content


def test_another_setting_or_another_name_begins_anew(convert: Callable[..., Run], kept: Path, tmp_path: Path) -> None:
    convert(tmp_path / "o", kept, stop=15)
    other = replace_nested(SETTINGS, {"profile.bell": 0.5})
    assert convert(tmp_path / "p", kept, other).report.segments_found == 0
    files = {"tracks": tmp_path / "o" / "other.npz", "contact_sheet": None}
    assert convert(tmp_path / "o", kept, **files).report.segments_found == 0, "there is no picture for the sheet in it"
    again = convert(tmp_path / "q", kept)
    assert again.report.segments_found == 2, "the folder does not matter"
    for folder in kept.glob("*/segments-*"):
        shutil.rmtree(folder)


def test_resume_keeps_its_things_beside_the_result(convert: Callable[..., Run], tmp_path: Path) -> None:
    killed = convert(tmp_path / "o", None, stop=15, resume=True)
    assert killed.changed == list(range(15))
    (hidden,) = (tmp_path / "o").iterdir()
    assert hidden.name.startswith(".")
    rest = convert(tmp_path / "o", None, resume=True)
    assert rest.report.segments_found == 2
    assert {path.name for path in (tmp_path / "o").iterdir()} == {path.name for path in rest.files.values()}


def test_a_device_encodes_in_one_go_and_it_is_said(
    convert: Callable[..., Run], kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afet_video.video.decode.decoder_device", lambda *_: (None, None))
    monkeypatch.setattr("afet_video.video.encode.on_device", lambda plan, *_: plan)
    report = convert(tmp_path / "o", kept, replace_nested(SETTINGS, {"hwaccel": "cuda"})).report
    assert (report.segments, report.segments_found) == (1, 0)
    assert any("in one go" in text for text in report.warnings)


def test_resume_and_a_folder_exclude_each_other(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="give either"):
        afet_video.convert(clip, tmp_path / "o.mp4", checkpoints=tmp_path, resume=True)
    with pytest.raises(SettingsError, match="segment_frames is 0"):
        replace_nested(SETTINGS, {"segment_frames": 0})


def test_the_command_line_resumes(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "few.toml").write_text("segment_frames = 7\n")
    target = tmp_path / "out.mp4"
    arguments = ["convert", str(clip), str(target), "--resume", "--settings", str(tmp_path / "few.toml"), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["segments"], report["segments_found"]) == (4, 0)
    assert json.loads((tmp_path / "out.afet.json").read_text())["encoded_in_segments"] == 4
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 1
    assert "exists already" in again.output
