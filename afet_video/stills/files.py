"""The files of a spliced still: picture, landmarks, side-car.

in: a `SplicedStill` -> out: three files that appear together.  Must not: splice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side
from afet_video.errors import OutputError
from afet_video.image_files import write_picture
from afet_video.image_files.write import check_suffix
from afet_video.model_files import FACE_LANDMARKER
from afet_video.outputs import Outputs, disk_errors
from afet_video.passes.report import library_versions, output_hashes
from afet_video.passes.settings import ConvertSettings
from afet_video.settings_io import settings_to_mapping
from afet_video.stills.splicer import SplicedStill
from afet_video.tracks import sha256_file, write_sidecar
from afet_video.xmp import source_type_url

LANDMARKS_VERSION = 1

_METHOD = "AFET: asymmetric facial expression transfer (Tan & Iren), from a neutral and an expressive picture"


@dataclass(frozen=True, slots=True)
class StillPaths:
    """Where the picture, its landmarks and its side-car go."""

    picture: Path
    landmarks: Path
    sidecar: Path

    @classmethod
    def of(cls, target: Path) -> StillPaths:
        """Return the names beside `target`.

        Raises
        ------
        OutputError
            If the suffix is not that of a picture that can be written.
        """
        check_suffix(target)
        return cls(
            target,
            target.with_name(f"{target.stem}.landmarks.json"),
            target.with_name(f"{target.stem}.afet.json"),
        )

    def refuse_sources(self, sources: Mapping[str, Path]) -> None:
        """Raise `OutputError` if an output would overwrite a source."""
        for output in (self.picture, self.landmarks, self.sidecar):
            for what, source in sources.items():
                if output.exists() and source.exists() and output.samefile(source):
                    raise OutputError(f"{output} is the {what} picture itself: choose another name for the result")


def write_still(
    still: SplicedStill,
    paths: StillPaths,
    sources: Mapping[str, Path],
    settings: ConvertSettings,
    *,
    overwrite: bool,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write all files of a still, or none.

    Parameters
    ----------
    sources : the files it was made of, by what they are ("neutral", "expression", "photo", ...).
    extra : more entries for the side-car, of whoever made the pair.

    Raises
    ------
    OutputError
        If a file exists (without `overwrite`) or cannot be written.
    """
    paths.refuse_sources(sources)
    with Outputs(overwrite=overwrite) as outputs:
        picture, landmarks = outputs.path_for(paths.picture), outputs.path_for(paths.landmarks)
        write_picture(
            picture,
            still.picture,
            is_synthetic=settings.encode.mark_synthetic,
            source_type=settings.encode.source_type,
            target=paths.picture,
        )
        _write_landmarks(landmarks, still, settings, paths)
        hashes = output_hashes({"picture": picture, "landmarks": landmarks})
        content = {**_sidecar(still, paths, hashes, sources, settings), **(extra or {})}
        write_sidecar(outputs.path_for(paths.sidecar), content, target=paths.sidecar)


def read_landmarks(path: Path | str) -> dict[str, Any]:
    """Read a landmark file back: point lists become float32 arrays, (478, 3), (68, 2) and (478,)."""
    content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    arrays = ("source_xyz", "output_xyz", "source_xy68", "output_xy68", "alpha")
    return {key: np.array(value, np.float32) if key in arrays else value for key, value in content.items()}


def _write_landmarks(path: Path, still: SplicedStill, settings: ConvertSettings, paths: StillPaths) -> None:
    chosen = list(facemesh.IBUG68)
    content = {
        "schema_version": LANDMARKS_VERSION,
        "synthetic": True,
        "digital_source_type": source_type_url(settings.encode.source_type),
        "picture": paths.picture.name,
        "size_wh": list(still.picture.size_wh),
        "unit": "pixels of the upright picture, x right, y down, an integer is a pixel centre; z in the same scale",
        "side_convention": "left and right are the subject's own",
        "affected_side": str(settings.profile.side),
        "strength": round(still.strength, 4),
        "pose_deg": [round(still.pose.yaw_deg, 2), round(still.pose.pitch_deg, 2), round(still.pose.roll_deg, 2)],
        "source_xyz": _rounded(still.source_xyz),
        "output_xyz": _rounded(still.output_xyz),
        "source_xy68": _rounded(still.source_xyz[chosen, :2]),
        "output_xy68": _rounded(still.output_xyz[chosen, :2]),
        "alpha": _rounded(still.alpha, 4),
        "midline_y": _rounded(still.midline.y),
        "midline_x": _rounded(still.midline.x),
    }
    with disk_errors(paths.landmarks):
        path.write_text(json.dumps(content) + "\n", encoding="utf-8", newline="\n")


def _rounded(values: FloatArray, digits: int = 3) -> Any:
    return np.round(values.astype(np.float64), digits).tolist()


def _sidecar(
    still: SplicedStill,
    paths: StillPaths,
    hashes: Mapping[str, str],
    sources: Mapping[str, Path],
    settings: ConvertSettings,
) -> dict[str, Any]:
    side: Side = settings.profile.side
    return {
        "digital_source_type": source_type_url(settings.encode.source_type),
        "method": _METHOD,
        "marked_in_file": settings.encode.mark_synthetic,
        "sources": {what: {"name": path.name, "sha256": sha256_file(path)} for what, path in sources.items()},
        "outputs": {"picture": paths.picture.name, "landmarks": paths.landmarks.name, "sha256": dict(hashes)},
        "affected_side": side,
        "side_convention": "left and right are the subject's own",
        "strength": still.strength,
        "pose_deg": still.pose,
        "turn_against_neutral_deg": list(still.turn_deg),
        "warnings": list(still.warnings),
        "settings": settings_to_mapping(settings),
        "models": {FACE_LANDMARKER.name: {"sha256": FACE_LANDMARKER.sha256, "size": FACE_LANDMARKER.size}},
        "versions": library_versions(),
    }
