"""A single photo becomes a picture, or a clip, of a face with a palsy.

in: a photo, what its face is to do, a pair generator -> out: what `afet_video.stills` and `afet_video.pipeline` write.
Must not: parse arguments, print, know which networks make the pair.

The pair is put back into the photo before it is spliced, so that everything from there on is in the photo's pixels.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from afet_video.closing import Closing
from afet_video.datatypes import (
    GENERATED_SOURCE_TYPE,
    SOURCE_TYPES,
    ByteArray,
    ExpressionPair,
    Progress,
    ProgressCallback,
    RunReport,
    Side,
)
from afet_video.errors import NoFaceError, OutputError, SettingsError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.image_files import Picture, read_picture, write_picture
from afet_video.liveportrait import PairGenerator, PairSettings, pasted_back, ramp_shares
from afet_video.outputs import Outputs, check_target
from afet_video.passes.settings import ConvertSettings
from afet_video.passes.side import with_side_drawn
from afet_video.pipeline import Paths, convert
from afet_video.settings_io import replace_nested
from afet_video.stills.driver import Driver, portrait_of
from afet_video.stills.files import StillPaths, write_still
from afet_video.stills.find import Face, find_face
from afet_video.stills.splicer import splice_faces
from afet_video.tracks import read_sidecar, sha256_file, write_sidecar
from afet_video.video.clip import write_clip
from afet_video.video.encoders import CONTAINERS

_CLIP_RATE = Fraction(25)
_CLIP_MAX_SIDE = 1280
"""Longer side of a clip at most: the generator paints the face with 512 pixels at best."""


@dataclass(frozen=True, slots=True)
class PhotoReport:
    """What became of a photo: the files, the affected side, and what the pair was made with.

    `pair`: the neutral and the expressive picture, if they were kept. `strength`, `turn_deg`, `seconds_by_stage` (read,
    detect, generate, splice, write), `warnings`: as in `StillReport`.
    """

    photo: Path
    target: Path
    landmarks: Path
    sidecar: Path
    pair: tuple[Path, Path] | None
    generator: str
    side: Side
    strength: float
    turn_deg: tuple[float, float]
    seconds_by_stage: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class PhotoMaker(Closing):
    """Makes results of photos with the models loaded once; use as a context manager.

    Parameters
    ----------
    open_generator : gives the pair generator; called once, and only after the first photo was found to have a face.
    driver : what the face is to do.
    how : how the expression is taken over.
    settings : those of a conversion.
    face : which face of each picture, see `stills.find`.
    """

    def __init__(
        self,
        open_generator: Callable[[], PairGenerator],
        driver: Driver,
        *,
        how: PairSettings | None = None,
        settings: ConvertSettings | None = None,
        face: str = "auto",
    ) -> None:
        self._open_generator = open_generator
        self._generator: PairGenerator | None = None
        self._driver = driver
        self._how = how or PairSettings()
        settings = settings or ConvertSettings()
        self._settings = replace_nested(settings, {"encode.source_type": SOURCE_TYPES[1]})
        self._face = face
        self._landmarker = FaceLandmarker(self._settings.landmarker)

    def close(self) -> None:
        """Release the models; closing twice does no harm."""
        self._landmarker.close()

    def make(self, photo: Path, target: Path, *, keep_pair: bool = False, overwrite: bool = False) -> PhotoReport:
        """Make the photo's face do the expression, give it the palsy, and write the result.

        Parameters
        ----------
        photo : picture of one face, frontal and at rest.
        target : PNG or JPEG to write; landmarks and side-car go beside it.
        keep_pair : whether to write the photo at rest and with the expression too (`NAME_neutral.png`,
            `NAME_expression.png`: a pair for `still --from-pairs`).
        overwrite : whether existing files may be replaced.

        Raises
        ------
        InputError, OutputError, FaceError, ModelFileError, SettingsError
            Each with one line that says what, where, and what to do.
        """
        paths = StillPaths.of(target)
        sources = self._sources(photo)
        paths.refuse_sources(sources)
        kept = _pair_paths(target) if keep_pair else None
        for path in (paths.picture, paths.landmarks, paths.sidecar, *(kept or ())):
            check_target(path.absolute(), overwrite=overwrite)
        clock = [time.perf_counter()]
        picture = read_picture(photo)
        settings = with_side_drawn(self._settings, photo)
        clock.append(time.perf_counter())
        source = find_face(picture, self._landmarker, which=self._face)
        driving = self._driver.load(self._landmarker)
        clock.append(time.perf_counter())
        pair = self._ready().generate_pair(portrait_of(source), driving, settings=self._how)
        neutral, expressive = (self._put_back(source, pair, which) for which in ("neutral", "expressive"))
        clock.append(time.perf_counter())
        still = splice_faces(neutral, expressive, settings)
        clock.append(time.perf_counter())
        write_still(still, paths, sources, settings, overwrite=overwrite, extra=self._about(pair.origin))
        if kept is not None:
            _write_pair(kept, (neutral.picture, expressive.picture), settings, overwrite=overwrite)
        clock.append(time.perf_counter())
        spent = [round(end - start, 4) for start, end in itertools.pairwise(clock)]
        return PhotoReport(
            photo=photo,
            target=target,
            landmarks=paths.landmarks,
            sidecar=paths.sidecar,
            pair=kept,
            generator=pair.origin,
            side=settings.profile.side,
            strength=still.strength,
            turn_deg=still.turn_deg,
            seconds_by_stage=dict(zip(("read", "detect", "generate", "splice", "write"), spent, strict=True)),
            warnings=(*(f"{picture.name}: {note}" for note in picture.notes), *still.warnings),
        )

    def make_ramp(
        self,
        photo: Path,
        target: Path,
        *,
        seconds: float,
        keep_pair: bool = False,
        overwrite: bool = False,
        on_progress: ProgressCallback | None = None,
    ) -> RunReport:
        """Make a clip in which the photo's face goes into the expression and back, and convert it.

        Parameters
        ----------
        photo : picture of one face, frontal and at rest.
        target : video to write; track and side-car go beside it, as `convert` does.
        seconds : length of the clip, 0.2 to 60.
        keep_pair : whether to keep the clip without a palsy too (`NAME_expression.mp4`).
        overwrite : whether existing files may be replaced.
        on_progress : called with the frames done: stage "generate", then those of `convert`.

        Raises
        ------
        InputError, OutputError, FaceError, ModelFileError, SettingsError
            Each with one line that says what, where, and what to do.
        """
        if not 0.2 <= seconds <= 60:
            raise SettingsError(f"a ramp of {seconds} s: give a length from 0.2 to 60 seconds")
        kept = target.with_name(f"{target.stem}_expression.mp4")
        # Asked now, not after minutes of painting.
        paths = Paths.of(photo, target, None, None)
        for path in (paths.target, paths.tracks, paths.sidecar, *((kept,) if keep_pair else ())):
            check_target(path.absolute(), overwrite=overwrite)
        if target.suffix.lower() not in CONTAINERS:
            raise OutputError(f"{target}: a ramp is a video, give a name that ends in {', '.join(CONTAINERS)}")
        picture = _fitted(read_picture(photo))
        source = find_face(picture, self._landmarker, which=self._face)
        driving = self._driver.load(self._landmarker)
        settings = with_side_drawn(self._settings, photo)
        settings = replace_nested(replace(settings, side_seed=None), {"neutral.choice": "frame:0"})
        shares = ramp_shares(seconds, float(_CLIP_RATE))
        pairs = self._ready().generate_ramp(portrait_of(source), driving, shares=shares, settings=self._how)
        with tempfile.TemporaryDirectory(prefix="afet-ramp-") as folder, Outputs(overwrite=overwrite) as outputs:
            clip = outputs.path_for(kept) if keep_pair else Path(folder) / kept.name
            origins: list[str] = []
            pictures = _frames(pairs, picture.opaque, len(shares), origins, on_progress)
            write_clip(clip, pictures, rate=_CLIP_RATE)
            report = convert(clip, target, settings=settings, overwrite=overwrite, on_progress=on_progress)
            _add_to_sidecar(report, kept, {**self._about(origins[0]), "sources": _hashes(self._sources(photo))})
        return replace(report, source=photo)

    def _ready(self) -> PairGenerator:
        if self._generator is None:
            self._generator = self._open_generator()
        return self._generator

    def _put_back(self, source: Face, pair: ExpressionPair, which: str) -> Face:
        """Return the photo with one picture of the pair in it, and the landmarks of its face."""
        rgb = pasted_back(pair, source.picture.rgb, getattr(pair, which))
        x, y = source.landmarks.xyz[:, :2].mean(axis=0)
        picture = source.picture.with_rgb(rgb)
        try:
            return find_face(picture, self._landmarker, which=f"{x:.0f},{y:.0f}")
        except NoFaceError as error:
            raise NoFaceError(
                f"{source.picture.name}: the {which} picture that {pair.origin} made of it shows no face: "
                "try a frontal photo, another expression, or less strength"
            ) from error

    def _sources(self, photo: Path) -> dict[str, Path]:
        return {"photo": photo, **self._driver.sources}

    def _about(self, origin: str) -> dict[str, Any]:
        return {
            "digital_source_type": GENERATED_SOURCE_TYPE,
            "pair": {"made_with": origin, "expression": self._driver.name, "settings": self._how},
        }


def _pair_paths(target: Path) -> tuple[Path, Path]:
    return target.with_name(f"{target.stem}_neutral.png"), target.with_name(f"{target.stem}_expression.png")


def _write_pair(
    paths: tuple[Path, Path], pictures: tuple[Picture, Picture], settings: ConvertSettings, *, overwrite: bool
) -> None:
    encode = settings.encode
    with Outputs(overwrite=overwrite) as outputs:
        for path, picture in zip(paths, pictures, strict=True):
            write_picture(
                outputs.path_for(path),
                picture,
                is_synthetic=encode.mark_synthetic,
                source_type=encode.source_type,
                target=path,
            )


def _frames(
    pairs: Iterator[ExpressionPair],
    rgb: ByteArray,
    total: int,
    origins: list[str],
    on_progress: ProgressCallback | None,
) -> Iterator[ByteArray]:
    """Yield the photo with each picture of the ramp in it; note in `origins` what made it."""
    for index, pair in enumerate(pairs):
        origins.append(pair.origin)
        yield pasted_back(pair, rgb, pair.expressive)
        if on_progress is not None:
            on_progress(Progress("generate", index + 1, total))


def _fitted(picture: Picture) -> Picture:
    """Return the picture with even sides, the longer one not above `_CLIP_MAX_SIDE`."""
    width, height = picture.size_wh
    scale = min(1.0, _CLIP_MAX_SIDE / max(width, height))
    size = max(round(width * scale) // 2 * 2, 2), max(round(height * scale) // 2 * 2, 2)
    if scale == 1.0:
        rgb = picture.opaque[: size[1], : size[0]]
    else:
        rgb = np.asarray(cv2.resize(picture.opaque, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Picture(np.ascontiguousarray(rgb), None, None, picture.name, picture.notes)


def _hashes(sources: dict[str, Path]) -> dict[str, Any]:
    return {what: {"name": path.name, "sha256": sha256_file(path)} for what, path in sources.items()}


def _add_to_sidecar(report: RunReport, clip: Path, more: dict[str, Any]) -> None:
    """Say in the side-car that the clip, which may be gone by now, was made of a photo."""
    assert report.sidecar is not None  # `convert` always writes one
    content = read_sidecar(report.sidecar)
    content["source"]["name"] = clip.name
    write_sidecar(report.sidecar, {**content, **more})
