"""What the face in a photo is to do.

in: a driving picture, or the name of an expression -> out: what a pair generator takes.  Must not: generate.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from afet_video.errors import SettingsError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.image_files import read_picture
from afet_video.liveportrait import DrivingFace, NamedExpression, Portrait, expression_named
from afet_video.stills.find import Face, find_face


@dataclass(frozen=True, slots=True)
class Driver:
    """What the photo's face is to do: as in a `picture` (of which a `neutral` one may be at hand), or by `name`.

    Raises
    ------
    SettingsError
        If it is not exactly one of both, or there is no expression of that name.
    """

    picture: Path | None = None
    neutral: Path | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if (self.picture is None) == (self.name is None):
            raise SettingsError("say what the face is to do: with a driving picture, or an expression by name")
        if self.neutral is not None and self.picture is None:
            raise SettingsError("a driving neutral needs a driving picture")
        if self.name is not None:
            expression_named(self.name)

    @property
    def sources(self) -> dict[str, Path]:
        """The files that it takes, by what they are."""
        named = {"driving": self.picture, "driving_neutral": self.neutral}
        return {what: path for what, path in named.items() if path is not None}

    def load(self, landmarker: FaceLandmarker) -> DrivingFace | NamedExpression:
        """Return it as a pair generator takes it.

        Raises
        ------
        InputError, NoFaceError
            If a picture cannot be read or shows no face.
        """
        if self.picture is None:
            assert self.name is not None
            return expression_named(self.name)
        faces = {what: portrait_of(find_face(read_picture(path), landmarker)) for what, path in self.sources.items()}
        return DrivingFace(faces["driving"], faces.get("driving_neutral"))


def portrait_of(face: Face) -> Portrait:
    """Return a face as a pair generator takes it."""
    return Portrait(face.picture.opaque, face.landmarks.xyz)
