from __future__ import annotations

import dataclasses
import json
import sys
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afet_video.datatypes import ZONES, FaceStatus, Pose, Timestamp
from afet_video.errors import OutputError, TrackFileError
from afet_video.facemesh import BLENDSHAPES, IBUG68
from afet_video.tracks import TRACK_SUFFIXES, Tracks, load_tracks, open_track_writer, track_rows
from afet_video.tracks.table import COLUMNS, SCHEMA_VERSION

EXACT = (".parquet", ".npz")
CSV_PX = 1e-3
"""A CSV keeps four decimals; float32 itself is good to 1e-4 px at 1920."""


def save(path, rows):
    with open_track_writer(path) as writer:
        for row in rows:
            writer.write(row)
    return load_tracks(path)


def names(folder):
    return {path.name for path in folder.iterdir()}


def stack(rows, name):
    return np.array([getattr(row, name) for row in rows])


@pytest.mark.parametrize("suffix", TRACK_SUFFIXES)
def test_scalars_come_back(tmp_path, rows, suffix):
    tracks = save(tmp_path / f"track{suffix}", rows)
    assert len(tracks) == len(rows)
    assert tracks.time_base == Fraction(1, 90_000)
    for name in ("index", "face_id", "shot", "neutral_index"):
        assert getattr(tracks, name).tolist() == [getattr(row, name) for row in rows]
        assert getattr(tracks, name).dtype == np.int64
    assert tracks.pts.tolist() == [row.timestamp.pts for row in rows]
    assert tracks.seconds.tolist() == [float(row.timestamp.seconds) for row in rows]
    assert tracks.status.tolist() == [row.status.value for row in rows]
    assert set(tracks.side.tolist()) == {"right"}
    assert tracks.status.dtype.kind == tracks.side.dtype.kind == "U"
    np.testing.assert_allclose(tracks.movement_kept, 0.1, atol=1e-6)
    assert tracks.strength.tolist() == [row.strength for row in rows]
    assert tracks.kept.dtype == np.float32
    np.testing.assert_allclose(tracks.kept, stack(rows, "kept"), atol=1e-6 if suffix == ".csv" else 0)
    pose = [dataclasses.astuple(row.pose) for row in rows]
    np.testing.assert_allclose(tracks.pose_deg, pose, atol=1e-6 if suffix == ".csv" else 0)


@pytest.mark.parametrize("suffix", EXACT)
def test_arrays_come_back_bit_for_bit(tmp_path, rows, suffix):
    tracks = save(tmp_path / f"track{suffix}", rows)
    for name in ("source_xyz", "output_xyz", "alpha", "blendshapes", "midline_y", "midline_x"):
        array = getattr(tracks, name)
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, stack(rows, name))  # NaN equals NaN here
    subset = list(IBUG68)
    np.testing.assert_array_equal(tracks.source_xy68, tracks.source_xyz[:, subset, :2])
    np.testing.assert_array_equal(tracks.output_xy68, tracks.output_xyz[:, subset, :2])


@pytest.mark.parametrize("suffix", TRACK_SUFFIXES)
def test_rows_read_back_make_the_very_same_file(tmp_path, rows, suffix):
    first, again = tmp_path / f"first{suffix}", tmp_path / f"again{suffix}"
    save(first, rows)
    parts = [save(tmp_path / f"{number}.parquet", rows[start:][:100]) for number, start in enumerate((0, 100, 200))]
    save(again, [row for part in parts for row in track_rows(part)])
    assert again.read_bytes() == first.read_bytes()


def test_csv_keeps_the_68_points(tmp_path, rows):
    tracks = save(tmp_path / "track.csv", rows)
    subset = list(IBUG68)
    np.testing.assert_allclose(tracks.source_xy68, stack(rows, "source_xyz")[:, subset, :2], atol=CSV_PX, rtol=0)
    np.testing.assert_allclose(tracks.output_xy68, stack(rows, "output_xyz")[:, subset, :2], atol=CSV_PX, rtol=0)
    assert tracks.source_xyz is tracks.output_xyz is tracks.alpha is tracks.blendshapes is tracks.midline_y is None


@pytest.mark.parametrize("suffix", TRACK_SUFFIXES)
def test_a_missing_row_has_no_numbers(tmp_path, rows, suffix):
    tracks = save(tmp_path / f"track{suffix}", rows)
    for index in (0, 1, 150, 299):
        assert tracks.status[index] == "missing"
        for name in ("source_xy68", "output_xy68", "pose_deg"):
            assert np.isnan(getattr(tracks, name)[index]).all()
        assert np.isfinite(tracks.output_xy68[2]).all()


@pytest.mark.parametrize("suffix", EXACT)
def test_rows_without_a_midline_get_empty_samples(tmp_path, make_row, suffix):
    empty = {"midline_y": np.zeros(0, np.float32), "midline_x": np.zeros(0, np.float32)}
    kinds = [FaceStatus.MISSING, FaceStatus.MISSING, FaceStatus.DETECTED, FaceStatus.MISSING, FaceStatus.DETECTED]
    rows = [make_row(i, kind, **(empty if kind is FaceStatus.MISSING else {})) for i, kind in enumerate(kinds)]
    tracks = save(tmp_path / f"track{suffix}", rows)
    assert tracks.midline_x.shape == (5, 40)
    assert np.isnan(tracks.midline_x).all(axis=1).tolist() == [True, True, False, True, False]
    np.testing.assert_array_equal(tracks.midline_y[4], rows[4].midline_y)


@pytest.mark.parametrize("suffix", TRACK_SUFFIXES)
@pytest.mark.parametrize("kinds", [[], [FaceStatus.MISSING] * 3], ids=["no rows", "only missing"])
def test_tracks_without_a_face(tmp_path, make_row, suffix, kinds):
    tracks = save(tmp_path / f"track{suffix}", [make_row(i, kind) for i, kind in enumerate(kinds)])
    assert len(tracks) == len(kinds)
    assert tracks.source_xy68.shape == (len(kinds), 68, 2)
    assert np.isnan(tracks.source_xy68).all()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pts=st.integers(-(2**62), 2**62),
    time_base=st.fractions(Fraction(1, 10**9), 1, max_denominator=10**9),
    value=st.floats(width=32),
    yaw=st.floats(-180, 180),
)
@pytest.mark.parametrize("suffix", EXACT)
def test_any_number_survives(tmp_path, make_row, suffix, pts, time_base, value, yaw):
    base = make_row(5)
    xyz = base.source_xyz.copy()
    xyz[7, 1] = value
    row = dataclasses.replace(base, timestamp=Timestamp(pts, time_base), source_xyz=xyz, pose=Pose(yaw, 0.0, 0.0))
    tracks = save(tmp_path / f"track{suffix}", [row])
    assert tracks.pts[0] * tracks.time_base == row.timestamp.seconds
    assert tracks.pose_deg[0, 0] == yaw
    np.testing.assert_array_equal(tracks.source_xyz[0], xyz)


def test_writer_does_not_keep_the_callers_arrays(tmp_path, make_row):
    xyz = np.ones((478, 3), np.float32)
    with open_track_writer(tmp_path / "track.parquet") as writer:
        for index in range(3):
            xyz[:] = index
            writer.write(make_row(index, source_xyz=xyz))
    assert load_tracks(tmp_path / "track.parquet").source_xyz[:, 0, 0].tolist() == [0, 1, 2]


# ---- the formats, seen by other tools


def test_parquet_explains_itself_and_has_nulls(tmp_path, rows):
    path = tmp_path / "track.parquet"
    save(path, rows)
    file = pq.ParquetFile(path)
    about = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
    assert about["synthetic"] == "true"
    assert about["schema_version"] == str(SCHEMA_VERSION)
    assert (about["time_base_num"], about["time_base_den"]) == ("1", "90000")
    assert "subject's own" in about["side_convention"]
    assert BLENDSHAPES[9] in about["blendshape_names"]
    assert json.loads(about["zone_names"]) == list(ZONES)
    assert file.metadata.num_row_groups == 2
    table = file.read()
    assert table.column_names == [column.name for column in COLUMNS]
    for name in ("source_xyz", "alpha", "blendshapes", "midline_x", "yaw_deg"):
        assert table[name].null_count == 4
    assert table["seconds"].null_count == 0
    frame = pd.read_parquet(path)
    np.testing.assert_array_equal(np.reshape(frame.source_xyz[2], (478, 3)), rows[2].source_xyz)
    assert frame.source_xyz[0] is None


def test_csv_reads_as_openface(tmp_path, rows):
    path = tmp_path / "track.csv"
    save(path, rows)
    frame = pd.read_csv(path)
    points = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
    assert list(frame.columns[:5]) == ["frame", "face_id", "timestamp", "confidence", "success"]
    assert list(frame.columns[5:141]) == points
    assert all(name.startswith(("afet_", "source_")) for name in frame.columns[141:])
    assert frame["frame"].tolist() == list(range(1, 301))  # OpenFace counts from 1
    assert frame.timestamp[10] == pytest.approx(float(rows[10].timestamp.seconds), abs=1e-6)
    assert frame.loc[2, "x_30"] == pytest.approx(rows[2].output_xyz[IBUG68[30], 0], abs=CSV_PX)
    assert frame.loc[2, "y_67"] == pytest.approx(rows[2].output_xyz[IBUG68[67], 1], abs=CSV_PX)
    assert frame.loc[2, "source_y_67"] == pytest.approx(rows[2].source_xyz[IBUG68[67], 1], abs=CSV_PX)
    assert [frame.loc[0, f"afet_kept_{zone}"] for zone in ZONES] == pytest.approx([1, 0.75, 0.5, 0.25, 0.1], abs=1e-6)
    assert frame.success[[2, 153, 151, 152, 150]].tolist() == [1, 1, 1, 0, 0]
    assert frame.confidence[[2, 153, 151, 152, 150]].tolist() == [1.0, 0.75, 0.5, 0.0, 0.0]
    assert frame.afet_strength[[2, 153, 150]].tolist() == [1.0, 0.375, 0.0]
    assert frame.loc[150, points].isna().all()
    assert b"e-" not in path.read_bytes() and b" " not in path.read_bytes()


def test_npz_opens_without_pickle(tmp_path, rows):
    path = tmp_path / "track.npz"
    save(path, rows)
    with np.load(path, allow_pickle=False) as archive:
        assert {column.name for column in COLUMNS} <= set(archive.files)
        assert archive["source_xyz"].shape == (300, 478, 3)
        assert archive["status"].dtype == np.dtype("<U12")
        assert bool(archive["synthetic"])
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    assert names(tmp_path) == {"track.npz"}  # no spool file is left


# ---- what goes wrong


@pytest.mark.parametrize("suffix", EXACT)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_truncated_file_is_refused(tmp_path, rows, suffix, share):
    path = tmp_path / f"track{suffix}"
    save(path, rows)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(TrackFileError, match="cannot be read as"):
        load_tracks(path)


def test_a_truncated_csv_is_refused(tmp_path, rows):
    path = tmp_path / "track.csv"
    save(path, rows)
    data = path.read_bytes()
    for size in (0, len(data) // 2):
        path.write_bytes(data[:size])
        with pytest.raises(TrackFileError, match="cannot be read as a CSV track"):
            load_tracks(path)


@pytest.mark.parametrize("suffix", TRACK_SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"\x00\xff garbage" * 40, b"a,b\n1,2\n"])
def test_other_content_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"other{suffix}"
    path.write_bytes(content)
    with pytest.raises(TrackFileError, match=r"other\.") as caught:
        load_tracks(path)
    assert "\n" not in str(caught.value)


def test_foreign_files_of_the_right_kind_are_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("other.parquet", "other.npz"):
        with pytest.raises(TrackFileError, match="not a landmark track of afet-video"):
            load_tracks(tmp_path / name)


def test_a_missing_column_is_named(tmp_path, rows):
    parquet, csv, npz = (tmp_path / f"track{suffix}" for suffix in (".parquet", ".csv", ".npz"))
    for path in (parquet, csv, npz):
        save(path, rows[:5])
    pq.write_table(pq.read_table(parquet).drop_columns(["alpha"]), parquet)
    pd.read_csv(csv).drop(columns=["source_x_3"]).to_csv(csv, index=False)
    with np.load(npz) as archive:
        kept = {name: archive[name] for name in archive.files if name != "pts"}
    np.savez(npz, **kept)
    for path, name in ((parquet, "alpha"), (csv, "source_x_3"), (npz, "pts")):
        with pytest.raises(TrackFileError, match=f"lacks 1 column.*{name}"):
            load_tracks(path)


@pytest.mark.parametrize("suffix", TRACK_SUFFIXES)
def test_a_file_from_before_there_were_shots_is_read(tmp_path, rows, suffix):
    path = tmp_path / f"track{suffix}"
    new = save(path, rows[:5])
    if suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            metadata = {key: value for key, value in file.metadata.metadata.items() if key != b"ARROW:schema"}
            table = file.read().drop_columns("shot")
        pq.write_table(table.replace_schema_metadata(metadata), path)
    elif suffix == ".csv":
        pd.read_csv(path).drop(columns="afet_shot").to_csv(path, index=False)
    else:
        with np.load(path) as archive:
            np.savez(path, **{name: archive[name] for name in archive.files if name != "shot"})
    old = load_tracks(path)
    assert old.shot is None
    np.testing.assert_array_equal(old.face_id, new.face_id)
    np.testing.assert_array_equal(old.pts, new.pts)


def test_a_newer_schema_is_refused(tmp_path, rows, monkeypatch):
    paths = [tmp_path / f"track{suffix}" for suffix in TRACK_SUFFIXES]
    monkeypatch.setattr("afet_video.tracks.table.SCHEMA_VERSION", SCHEMA_VERSION + 1)
    monkeypatch.setattr("afet_video.tracks.openface_csv.SCHEMA_VERSION", SCHEMA_VERSION + 1)
    for path in paths:
        save(path, rows[:2])
    monkeypatch.undo()
    for path in paths:
        with pytest.raises(TrackFileError, match="newer afet-video"):
            load_tracks(path)


def test_unknown_suffix_names_the_three(tmp_path):
    for call in (open_track_writer, load_tracks):
        (tmp_path / "track.txt").touch()
        with pytest.raises(TrackFileError, match=r"\.parquet, \.csv or \.npz"):
            call(tmp_path / "track.txt")
    with open_track_writer(tmp_path / "TRACK.CSV"):
        pass
    assert len(load_tracks(tmp_path / "TRACK.CSV")) == 0


def test_missing_file(tmp_path):
    with pytest.raises(TrackFileError, match="no such track file"):
        load_tracks(tmp_path / "none.parquet")


@pytest.mark.parametrize("suffix", TRACK_SUFFIXES)
def test_a_folder_that_is_not_there(tmp_path, suffix):
    with pytest.raises(OutputError, match=r"cannot write .*final"):
        open_track_writer(tmp_path / "none" / f"track{suffix}", target=tmp_path / f"final{suffix}")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".npz"])
def test_full_disk(tmp_path, rows, suffix):
    path = tmp_path / f"track{suffix}"
    path.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="full"), open_track_writer(path) as writer:
        for row in rows:
            writer.write(row)
    assert names(tmp_path) == {path.name}


@pytest.mark.parametrize("suffix", TRACK_SUFFIXES)
def test_an_error_inside_leaves_no_track_and_no_spool(tmp_path, rows, suffix):
    path = tmp_path / f"track{suffix}"
    with pytest.raises(KeyboardInterrupt), open_track_writer(path) as writer:
        writer.write(rows[5])
        raise KeyboardInterrupt
    assert names(tmp_path) <= {path.name}
    if suffix in EXACT:
        with pytest.raises(TrackFileError):
            load_tracks(path)


@pytest.mark.parametrize("suffix", TRACK_SUFFIXES)
def test_rows_must_agree(tmp_path, make_row, suffix):
    with open_track_writer(tmp_path / f"track{suffix}") as writer:
        writer.write(make_row(0))
        with pytest.raises(TrackFileError, match="frame 1 has time base"):
            writer.write(make_row(1, timestamp=Timestamp(1, Fraction(1, 25))))
        with pytest.raises(TrackFileError, match="frame 1 has 3 midline samples, not 40"):
            writer.write(make_row(1, midline_y=np.arange(3.0), midline_x=np.arange(3.0)))
    with pytest.raises(ValueError, match="closed"):
        writer.write(make_row(1))
    writer.close()
    assert len(load_tracks(tmp_path / f"track{suffix}")) == 1


def test_tracks_checks_lengths_and_shows_shapes(tmp_path, rows):
    tracks = save(tmp_path / "track.npz", rows[:4])
    assert "source_xyz(4, 478, 3)" in repr(tracks) and "time_base=1/90000" in repr(tracks)
    values = {field.name: getattr(tracks, field.name) for field in dataclasses.fields(tracks)}
    with pytest.raises(ValueError, match="expected 4 rows"):
        Tracks(**{**values, "alpha": np.zeros((3, 478))})
    with pytest.raises(ValueError, match="read-only"):
        tracks.pts[0] = 0


# ---- memory


@pytest.mark.skipif(sys.platform != "linux", reason="resident size means something else elsewhere")
@pytest.mark.parametrize("suffix", TRACK_SUFFIXES)
def test_memory_does_not_grow_with_length(tmp_path, make_row, suffix):
    row = make_row(3)
    process = psutil.Process()
    with open_track_writer(tmp_path / f"track{suffix}") as writer:
        for index in range(600):
            writer.write(dataclasses.replace(row, index=index))
        before = process.memory_info().rss
        for index in range(600, 2400):
            writer.write(dataclasses.replace(row, index=index))
        grown = process.memory_info().rss - before
    held = 1800 * 2 * 478 * 3 * 4  # what a writer that kept its rows would need, and more
    assert grown < held / 3
