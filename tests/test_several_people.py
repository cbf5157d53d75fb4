"""Whole conversions with several people and several shots, made of the sample: the man, and others made out of him."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from test_pipeline import FRAMES, LOSSLESS, Result, clip_of, run

from afet_video.errors import NoNeutralError
from afet_video.face.landmarker import RECHECK_ALL_S
from afet_video.face.neutral import NeutralSettings
from afet_video.face.tracker import TrackerSettings
from afet_video.tracks import load_tracks

Pictures = NDArray[np.uint8]
ALL = replace(LOSSLESS, tracker=TrackerSettings(face="all"))
COUNT = len(FRAMES)
WIDTH = 340


@pytest.fixture(scope="session")
def moving(sample_pictures: Pictures) -> Pictures:
    return sample_pictures[FRAMES]


@pytest.fixture(scope="session")
def twin(moving: Pictures) -> Pictures:
    """Somebody else: in a mirror, fairer, with light hair and clothes, a longer face, and a bit smaller."""
    changed = 255 - ((255 - moving[:, :, ::-1].astype(np.float32)) * (0.75, 0.85, 0.6))
    return np.array([cv2.resize(p, (WIDTH, 300), interpolation=cv2.INTER_AREA) for p in changed.astype(np.uint8)])


@pytest.fixture(scope="session")
def pair(moving: Pictures, twin: Pictures) -> Pictures:
    """Both, side by side."""
    return np.concatenate([moving, twin], axis=2)


@pytest.fixture(scope="session")
def both(pair: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("both")
    return run(clip_of(folder / "in.mp4", pair), folder / "out.mp4", ALL, contact_sheet=folder / "sheet.png")


def columns_of(result: Result, face_id: int) -> NDArray[np.float32]:
    """Columns of the middle of one person's face, by row."""
    tracks = result.tracks
    assert tracks.source_xyz is not None
    return np.asarray(tracks.source_xyz[tracks.face_id == face_id, :, 0].mean(axis=1))


def test_both_have_a_row_in_every_frame(both: Result) -> None:
    tracks, report = both.tracks, both.report
    assert tracks.shot is not None
    assert tracks.index.tolist() == [index for index in range(COUNT) for _ in range(2)]
    assert tracks.face_id.tolist() == [0, 1] * COUNT
    assert set(tracks.shot.tolist()) == {0}
    assert (columns_of(both, 0) < 400).all()
    assert (columns_of(both, 1) > 400).all()
    assert report.frames == COUNT
    assert report.frames_by_status["detected"] == sum(report.frames_by_status.values()) == COUNT
    assert [person.face_id for person in report.people] == [0, 1]
    assert [person.frames_by_status["detected"] for person in report.people] == [COUNT] * 2
    assert report.shots == (0,)


def test_both_are_changed_and_the_rest_stays_bit_for_bit(both: Result) -> None:
    tracks = both.tracks
    assert tracks.source_xyz is not None
    assert tracks.output_xyz is not None
    changed = (both.before != both.after).any(axis=3)
    for index in range(COUNT):
        allowed = np.zeros((300, 400 + WIDTH), bool)
        for row in np.flatnonzero(tracks.index == index):
            xy = np.concatenate([tracks.source_xyz[row], tracks.output_xyz[row]])[:, :2]
            (x0, y0), (x1, y1) = np.floor(xy.min(axis=0)).astype(int) - 4, np.ceil(xy.max(axis=0)).astype(int) + 5
            allowed[y0:y1, x0:x1] = True
        assert not changed[index][~allowed].any()
    smiling = changed[20:]
    assert smiling[:, :, :400].sum() > 3000
    assert smiling[:, :, 400:].sum() > 3000


def test_each_has_their_own_neutral(both: Result) -> None:
    tracks = both.tracks
    content = json.loads(both.report.sidecar.read_text()) if both.report.sidecar else {}
    assert content["shots"] == [0]
    for person in both.report.people:
        assert set(person.neutrals) == {0}
        used = set(tracks.neutral_index[tracks.face_id == person.face_id].tolist())
        assert used == {person.neutrals[0].index}
        said = content["people"][str(person.face_id)]
        assert said["neutral_by_shot"]["0"]["frame"] == person.neutrals[0].index < 18
        assert said["frames_by_status"]["detected"] == COUNT


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".parquet"])
def test_every_format_holds_several_people_and_shots(pair: Pictures, tmp_path: Path, suffix: str) -> None:
    source = clip_of(tmp_path / "in.mp4", [*pair[:5], *np.ascontiguousarray(pair[5:10, ::-1, :, ::-1])])
    tracks = load_tracks(run(source, tmp_path / "out.mp4", ALL, tracks=tmp_path / f"t{suffix}").report.tracks or "")
    assert tracks.index.tolist() == [*np.repeat(np.arange(5), 2).tolist(), *range(5, 10)]
    assert tracks.shot is not None
    assert tracks.shot.tolist() == [0] * 10 + [1] * 5
    assert tracks.face_id.tolist() == [0, 1] * 5 + [-1] * 5
    assert {str(value) for value in tracks.status[10:]} == {"missing"}
    assert np.isnan(tracks.source_xy68[10:]).all()


def test_somebody_who_comes_later_and_goes_again(moving: Pictures, twin: Pictures, tmp_path: Path) -> None:
    come, go = 8, 26
    beside = twin.copy()
    beside[:come] = beside[go:] = np.median(twin[:, 20:60, 10:40], axis=(0, 1, 2)).astype(np.uint8)
    result = run(clip_of(tmp_path / "in.mp4", np.concatenate([moving, beside], axis=2)), tmp_path / "out.mp4", ALL)
    tracks = result.tracks
    assert tracks.index[tracks.face_id == 0].tolist() == list(range(COUNT))
    seen = tracks.index[tracks.face_id == 1].tolist()
    assert seen == list(range(seen[0], go))
    assert come <= seen[0] <= come + RECHECK_ALL_S * 25
    assert (columns_of(result, 1) > 400).all()


def test_cuts_between_two_people_and_back(moving: Pictures, twin: Pictures, tmp_path: Path) -> None:
    """One is changed at a time; each keeps their number and the neutral of the shot."""
    other = np.array([cv2.resize(p, (400, 300)) for p in twin])
    dark = (moving * 0.55).astype(np.uint8)
    clip = [*moving[6:24], *other[6:24], *dark[6:24]]
    source = clip_of(tmp_path / "in.mp4", clip)
    for face in ("largest", "all"):
        settings = replace(LOSSLESS, tracker=TrackerSettings(face=face))
        result = run(source, tmp_path / f"{face}.mp4", settings)
        tracks = result.tracks
        assert result.report.shots == (0, 18, 36)
        assert tracks.index.tolist() == list(range(54)), "one row a frame"
        assert tracks.face_id.tolist() == [0] * 18 + [1] * 18 + [0] * 18
        assert tracks.shot is not None
        assert tracks.shot.tolist() == [0] * 18 + [1] * 18 + [2] * 18
        assert [sorted(person.neutrals) for person in result.report.people] == [[0, 2], [1]]
        np.testing.assert_array_equal(tracks.neutral_index // 18, tracks.shot)


def test_a_shot_without_rest_borrows_the_neutral_of_another(sample_pictures: Pictures, tmp_path: Path) -> None:
    smiling = (sample_pictures[178:192] * 0.65).astype(np.uint8)
    source = clip_of(tmp_path / "in.mp4", [*sample_pictures[130:160], *smiling])
    result = run(source, tmp_path / "out.mp4", LOSSLESS)
    (person,) = result.report.people
    assert result.report.shots == (0, 30)
    assert person.neutrals[1].index == person.neutrals[0].index < 30
    assert person.neutrals[1].explanation.startswith("from shot 0, as shot 1 shows this person nowhere at rest")
    tracks = result.tracks
    assert tracks.source_xyz is not None
    assert tracks.output_xyz is not None
    moved = np.linalg.norm(tracks.output_xyz - tracks.source_xyz, axis=2).max(axis=1)
    assert moved[30:].min() > 2, "taken for rest, the smile would stay"


def test_a_neutral_of_the_users_holds_for_all_it_shows(pair: Pictures, tmp_path: Path) -> None:
    source = clip_of(tmp_path / "in.mp4", pair[:14])
    report = run(source, tmp_path / "out.mp4", replace(ALL, neutral=NeutralSettings("frame:3"))).report
    assert [person.neutrals[0].index for person in report.people] == [3, 3]
    picture = tmp_path / "rest.png"
    cv2.imwrite(str(picture), pair[3, :, :400, ::-1])
    with pytest.raises(NoNeutralError, match="a picture shows one person, but 2 people are changed"):
        run(source, tmp_path / "never.mp4", replace(ALL, neutral=NeutralSettings(str(picture))))


def test_faces_that_overlap_are_changed_from_back_to_front(pair: Pictures, tmp_path: Path) -> None:
    from afet_video.passes.cast import Cast, main_row

    calls: list[str] = []

    class Painter:
        def __init__(self, name: str, size: float, row: object) -> None:
            self.name, self.size, self.row = name, size, row

        def size_at(self, index: int) -> float:
            return self.size

        def render(self, frame: object) -> object:
            calls.append(self.name)
            return self.row

    class Frame:
        index = 0

    class Row:
        def __init__(self, face_id: int, height: float) -> None:
            self.face_id = face_id
            self.source_xyz = np.array([[0, 0, 0], [0, height, 0]], np.float32)

    near, far, nobody = Row(0, 90), Row(1, 50), Row(-1, float("nan"))
    cast = Cast([Painter("near", 90, near), Painter("nobody", 0, nobody), Painter("far", 50, far)])  # type: ignore[list-item]
    rows = cast.render(Frame())  # type: ignore[arg-type]
    assert calls == ["nobody", "far", "near"]
    assert rows == [near, far]
    assert main_row(rows) is near
    alone = Painter("alone", 0, near)
    alone.size_at = None  # type: ignore[method-assign,assignment]
    assert Cast([alone]).render(Frame()) == [near]  # type: ignore[arg-type,list-item,comparison-overlap]
    assert Cast([Painter("nobody", 0, nobody)] * 2).render(Frame()) == [nobody]  # type: ignore[arg-type,list-item,comparison-overlap]
