"""How much of the palsy each frame shows: where the view cannot carry it, and where the face comes and goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic import ClipSpec, make_clip, stored_planes

import afet_video.passes.ready
from afet_video import ConvertSettings, RunReport, Tracks, convert, facemesh, load_tracks
from afet_video.face.pose import interocular_px
from afet_video.passes.strength import GAP_FADE_S, gap_fade
from afet_video.video.encoders import EncodeSettings

Pictures = NDArray[np.uint8]
LOSSLESS = ConvertSettings(encode=EncodeSettings(lossless=True))
LEFT_CHEEK = 280


@pytest.fixture(scope="module")
def smile(sample_pictures: Pictures) -> Pictures:
    """From rest into a smile, (30, 300, 400, 3) RGB."""
    return sample_pictures[[*range(134, 144), *range(174, 194)]]


def clip_of(path: Path, pictures: Pictures) -> Path:
    height, width = pictures[0].shape[:2]
    return make_clip(path, ClipSpec(size_wh=(width, height), frames=len(pictures)), pictures=pictures)


def tracks_of(report: RunReport) -> Tracks:
    assert report.tracks is not None
    return load_tracks(report.tracks)


def test_gaps_fade_and_the_clips_ends_do_not() -> None:
    seconds = np.arange(40) / 25.0
    missing = np.zeros(40, bool)
    assert (gap_fade(missing, seconds) == 1).all()
    missing[20:23] = True
    share = gap_fade(missing, seconds)
    assert (share[20:23] == 0).all()
    assert (share[:17] == 1).all()
    assert (share[26:] == 1).all()
    assert np.allclose(share[17:20], share[25:22:-1])
    assert (np.diff(share[16:21]) <= 0).all()
    assert 0 < share[19] < share[18] < share[17]
    assert seconds[20] - seconds[16] > GAP_FADE_S
    missing[:] = True
    assert (gap_fade(missing, seconds) == 0).all()


def test_the_palsy_sets_in_softly_after_a_gap(smile: Pictures, tmp_path: Path) -> None:
    covered = smile.copy()
    tracks = tracks_of(convert(clip_of(tmp_path / "all.mp4", smile), tmp_path / "seen.mp4", settings=LOSSLESS))
    low = tracks.source_xyz[..., :2].min(axis=(0, 1)).astype(int) - 12
    high = tracks.source_xyz[..., :2].max(axis=(0, 1)).astype(int) + 12
    # only the face is covered, in the colour of skin: a picture that changes as a whole would be a cut
    covered[12:20, max(low[1], 0) : high[1], max(low[0], 0) : high[0]] = (200, 160, 140)
    tracks = tracks_of(convert(clip_of(tmp_path / "in.mp4", covered), tmp_path / "out.mp4", settings=LOSSLESS))
    status = tracks.status.tolist()
    assert status[:9] == ["detected"] * 9
    assert status[9:12] == ["reduced"] * 3
    assert status[12:20] == ["missing"] * 8
    assert status[20:23] == ["reduced"] * 3
    assert status[23:] == ["detected"] * 7
    assert (tracks.strength[12:20] == 0).all()
    assert (np.diff(tracks.strength[19:24]) > 0).all()
    shift = np.linalg.norm((tracks.output_xyz - tracks.source_xyz)[..., :2], axis=2)[:, facemesh.LEFT_COMMISSURE]
    assert shift[23:].min() > 3, "the smile is taken away in full"
    assert 0 < shift[20] < 0.25 * shift[23]
    assert np.abs(np.diff(shift[20:24])).max() < 0.6 * shift[23]
    full = 1 - (1 - tracks.alpha[20:23]) / tracks.strength[20:23, None]
    assert np.abs(full[:, LEFT_CHEEK]).max() < 1e-5, "alpha is that of the warp that was made"


@pytest.mark.parametrize("texture", ["adaptive", "neutral"])
def test_half_the_strength_is_half_the_way_and_none_changes_nothing(
    smile: Pictures, texture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = clip_of(tmp_path / "in.mp4", smile)
    settings = replace(LOSSLESS, splice=replace(LOSSLESS.splice, texture=texture))
    planes, found = {}, {}
    for strength in (1.0, 0.5, 0.0):
        monkeypatch.setattr(
            afet_video.passes.ready,
            "frame_strength",
            lambda track, *_, value=strength: np.full(len(track), value, np.float32),
        )
        report = convert(source, tmp_path / f"{strength}.mp4", settings=settings)
        found[strength] = tracks_of(report)
        planes[strength] = stored_planes(report.target)
    whole, half, none = (found[strength] for strength in (1.0, 0.5, 0.0))
    assert set(half.status) == set(none.status) == {"reduced"}
    assert set(whole.status) == {"detected"}
    affected = whole.alpha.max(axis=0) == 0
    affected[facemesh.SKIN_COUNT :] = False
    assert affected.sum() > 100
    shift, wanted = ((t.output_xyz - t.source_xyz)[:, affected] for t in (half, whole))
    assert np.abs(shift - 0.5 * wanted).max() < 1e-3
    assert np.abs(half.alpha[:, affected] - 0.5).max() < 1e-4
    for mine, theirs in zip(planes[0.0], stored_planes(source), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
    assert np.array_equal(none.output_xyz, none.source_xyz)
    assert (none.alpha == 1).all()
    luma = {strength: np.array([frame[0] for frame in planes[strength]], float) for strength in planes}
    changed, changed_half = (np.abs(luma[strength] - luma[0.0]).mean() for strength in (1.0, 0.5))
    assert 0.25 * changed < changed_half < 0.8 * changed


def test_a_face_that_leaves_through_the_edge_fades_out(smile: Pictures, tmp_path: Path) -> None:
    still = smile[np.minimum(np.arange(50), 25)]
    moving = np.array([np.roll(picture, 6 * max(i - 20, 0), axis=1) for i, picture in enumerate(still)])
    for i in range(len(moving)):
        moving[i, :, : 6 * max(i - 20, 0)] = 90
    report = convert(clip_of(tmp_path / "in.mp4", moving), tmp_path / "out.mp4", settings=LOSSLESS)
    tracks = tracks_of(report)
    assert set(tracks.status[:30]) == {"detected"}
    assert report.frames_by_status["reduced"] > 0
    assert report.frames_by_status["reduced"] == (tracks.status == "reduced").sum()
    leaving = tracks.strength[30:]
    assert (np.diff(leaving[np.flatnonzero(leaving)]) <= 1e-6).all()
    assert np.abs(np.diff(tracks.strength)).max() < 0.6
    last = np.flatnonzero(tracks.status != "missing")[-1]
    iod = float(interocular_px(tracks.source_xyz[last]))
    assert np.abs(tracks.output_xyz - tracks.source_xyz)[last].max() < 0.02 * iod
