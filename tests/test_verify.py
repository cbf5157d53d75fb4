"""What `verify` says of whole, changed and unmarked outputs, and of signed ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import av
import pytest
from certificates import TestSigner, make_signer
from synthetic import make_clip
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app
from afet_video.content_credentials import Signer, check_signer, read_manifest
from afet_video.errors import InputError, SettingsError
from afet_video.image_files import read_mark
from afet_video.passes.settings import ConvertSettings
from afet_video.tracks import read_sidecar, write_sidecar
from afet_video.verification import Verification, verify
from afet_video.video.encoders import EncodeSettings


@pytest.fixture(scope="module")
def written(tiny_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one conversion."""
    folder = tmp_path_factory.mktemp("written")
    afet_video.convert(tiny_clip, folder / "palsy.mp4", contact_sheet=folder / "sheet.png")
    return folder


@pytest.fixture
def outputs(written: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copytree(written, tmp_path / "outputs"))


def failed(found: Verification) -> dict[str, str]:
    return {check.what: check.note for check in found.checks if check.fits is False}


@pytest.mark.parametrize("name", ["palsy.mp4", "palsy.tracks.parquet", "sheet.png", "palsy.afet.json"])
def test_every_output_leads_to_all_and_all_fit(written: Path, tiny_clip: Path, name: str) -> None:
    found = verify(written / name, source=tiny_clip)
    assert found.fits
    assert found.sidecar == written / "palsy.afet.json"
    fits = {check.what: check.fits for check in found.checks}
    assert {"palsy.mp4", "palsy.tracks.parquet", "sheet.png", "palsy.afet.json", "source tiny.mp4"} <= fits.keys()
    assert all(fits.values())
    places = {
        "palsy.mp4": {"XMP", "comment"},
        "palsy.tracks.parquet": {"track metadata"},
        "sheet.png": {"XMP"},
        "palsy.afet.json": set(),
    }
    assert {mark.place for mark in found.marks if mark.source_type == "compositeSynthetic"} == places[name]


@pytest.mark.parametrize("name", ["palsy.mp4", "palsy.tracks.parquet", "sheet.png"])
def test_one_changed_byte_is_found(outputs: Path, name: str) -> None:
    data = bytearray((outputs / name).read_bytes())
    data[len(data) // 2] ^= 1
    (outputs / name).write_bytes(data)
    assert failed(verify(outputs / "palsy.afet.json")) == {name: "changed since it was written"}


def test_a_side_car_that_was_edited_is_found_and_its_layout_is_free(outputs: Path) -> None:
    path = outputs / "palsy.afet.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content, sort_keys=True))
    assert verify(path).fits
    content["affected_side"] = "right"
    path.write_text(json.dumps(content))
    assert failed(verify(outputs / "palsy.mp4")) == {"palsy.afet.json": "changed since it was written"}
    path.write_text("{")
    assert "cannot be read as JSON" in failed(verify(outputs / "palsy.mp4"))["side-car"]


def test_what_is_missing_or_another_source_is_found(outputs: Path, sample_clip: Path) -> None:
    (outputs / "palsy.tracks.parquet").unlink()
    found = verify(outputs / "palsy.mp4", source=sample_clip)
    assert failed(found) == {"palsy.tracks.parquet": "missing", "source webcam.mp4": "another file"}


def test_marks_that_were_taken_away_are_missed(outputs: Path) -> None:
    path = outputs / "palsy.mp4"
    plain = outputs / "plain.mp4"
    with av.open(str(path)) as source, av.open(str(plain), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    plain.replace(path)
    assert failed(verify(path)) == {
        "palsy.mp4": "changed since it was written",
        "marks": "not marked as compositeSynthetic (XMP: none, comment: none)",
    }


def test_a_side_car_names_no_file_elsewhere(outputs: Path) -> None:
    path = outputs / "palsy.afet.json"
    content = read_sidecar(path)
    content["outputs"]["video"] = "../../etc/passwd"
    write_sidecar(path, content)
    assert "outside its folder" in failed(verify(path))["../../etc/passwd"]


def test_a_video_of_somebody_else_is_not_marked(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        found = verify(make_clip(tmp_path / f"holiday{suffix}"))
        assert set(failed(found)) == {"marks"}
        assert found.sidecar is None
    with pytest.raises(InputError, match="does not exist"):
        verify(tmp_path / "missing.mp4")


def test_the_mark_is_left_out_by_one_option_and_the_side_car_says_so(tiny_clip: Path, tmp_path: Path) -> None:
    settings = ConvertSettings(encode=EncodeSettings(mark_synthetic=False))
    afet_video.convert(tiny_clip, tmp_path / "out.mkv", settings=settings)
    assert read_sidecar(tmp_path / "out.afet.json")["marked_in_file"] is False
    found = verify(tmp_path / "out.mkv")
    assert found.fits
    assert {(check.fits, check.note) for check in found.checks if check.what == "marks"} == {
        (None, "left out on request, as the side-car says")
    }
    assert [mark.source_type for mark in found.marks] == [None]


def test_the_command_prints_and_exits(outputs: Path) -> None:
    def run(*arguments: object) -> Any:
        return CliRunner().invoke(app, ["verify", *map(str, arguments)])

    good = run(outputs / "palsy.mp4")
    assert (good.exit_code, good.stderr) == (0, "")
    assert "compositeSynthetic" in good.stdout and "unchanged" in good.stdout
    (outputs / "sheet.png").write_bytes(b"")
    bad = run(outputs / "palsy.mp4", outputs / "sheet.png", "--json")
    assert bad.exit_code == 1
    said = json.loads(bad.stdout)
    assert [one["fits"] for one in said["files"]] == [False, False]
    assert run(outputs / "none.mp4").exit_code == 1


def test_xmp_in_a_jpeg_and_in_damaged_pictures(written: Path, tmp_path: Path) -> None:
    packet = b"http://ns.adobe.com/xap/1.0/\0<Iptc4xmpExt:DigitalSourceType>http://x/compositeSynthetic<"
    start = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet
    path = tmp_path / "a.jpg"
    path.write_bytes(start + b"\xff\xda\x00\x02")
    assert read_mark(path) == "compositeSynthetic"
    png = (written / "sheet.png").read_bytes()
    for data in (b"", start[:9], b"\xff\xd8" + b"\xff\xe1\x00\x00" * 9, png[:60], png[:8] + b"\xff" * 40):
        path.write_bytes(data)
        assert read_mark(path) is None


# --- C2PA ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> TestSigner:
    return make_signer(tmp_path_factory.mktemp("signer"))


@pytest.fixture(scope="module")
def signed(tiny_clip: Path, signer: TestSigner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("signed") / "signed.mp4"
    sheet = path.with_name("sheet.png")
    afet_video.convert(tiny_clip, path, signer=Signer(signer.chain, signer.key), contact_sheet=sheet)
    return path


@pytest.mark.needs("c2pa")
def test_a_signed_video_says_who_from_what_and_how(signed: Path, tiny_clip: Path, signer: TestSigner) -> None:
    manifest = read_manifest(signed, trust=signer.authority)
    assert manifest is not None
    assert (manifest.state, manifest.signer, manifest.problems) == ("Trusted", "Test Clinic", ())
    assert (manifest.source_type, manifest.ingredients) == ("compositeSynthetic", (tiny_clip.name,))
    stranger = read_manifest(signed)
    assert stranger is not None
    assert (stranger.state, stranger.problems) == ("Valid", ("signingCredential.untrusted",))
    found = verify(signed, trust=signer.authority)
    assert found.fits
    assert [mark.source_type for mark in found.marks] == ["compositeSynthetic"] * 3
    assert read_sidecar(signed.with_name("signed.afet.json"))["c2pa_signer"] == "Test Clinic"
    assert verify(signed.with_name("sheet.png")).fits, "only the video is signed"
    assert read_manifest(tiny_clip) is None
    with av.open(str(signed)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 12


@pytest.mark.needs("c2pa")
def test_a_signature_finds_what_a_hash_alone_would_not(signed: Path, tmp_path: Path) -> None:
    """Whoever changes a video can write a new side-car, but cannot sign it."""
    path = tmp_path / "signed.mp4"
    data = bytearray(signed.read_bytes())
    data[data.rindex(b"mdat") + 300] ^= 1
    path.write_bytes(data)
    found = verify(path)
    assert "bmffHash.mismatch" in failed(found)["C2PA"]


@pytest.mark.needs("c2pa")
def test_a_manifest_that_is_gone_is_missed(signed: Path, written: Path, tmp_path: Path) -> None:
    shutil.copytree(signed.parent, tmp_path, dirs_exist_ok=True)
    shutil.copy(written / "palsy.mp4", tmp_path / "signed.mp4")
    assert failed(verify(tmp_path / "signed.mp4"))["C2PA"] == "signed once, the manifest is gone"


@pytest.mark.needs("c2pa")
def test_signers_that_cannot_be_used_are_refused_before_anything_is_done(signer: TestSigner, tmp_path: Path) -> None:
    other = make_signer(tmp_path, "Somebody")
    alone = tmp_path / "alone.pem"
    alone.write_text(signer.authority.read_text())
    target = Path("out.mp4")
    for bad, message in (
        (Signer(tmp_path / "none.pem", signer.key), "cannot read the certificate"),
        (Signer(signer.key, signer.key), "not a certificate"),
        (Signer(signer.chain, signer.chain), "not an unencrypted private key"),
        (Signer(signer.chain, other.key), "is not the key of"),
    ):
        with pytest.raises(SettingsError, match=message):
            check_signer(bad, target)
    with pytest.raises(SettingsError, match="give another ending"):
        check_signer(Signer(signer.chain, signer.key), Path("out.mkv"))
    assert check_signer(Signer(signer.chain, signer.key), target) == "Test Clinic"
    source = tmp_path / "missing.mp4"
    arguments = ["convert", str(source), str(tmp_path / "o.mp4"), "--c2pa-certificate", str(signer.chain)]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "belong together" in done.stderr


def test_without_the_package_the_way_to_get_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("afet_video.content_credentials.is_available", lambda: False)
    with pytest.raises(SettingsError, match=r"afet-video\[c2pa\]"):
        check_signer(Signer(tmp_path / "a", tmp_path / "b"), tmp_path / "o.mp4")
