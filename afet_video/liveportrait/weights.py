"""LivePortrait's weights: which files, how large, from where, under what licence, and where they lie.

in: a models folder -> out: verified paths.  Must not: load them, fetch them.

None of them ships with afet-video. The code of LivePortrait and its weights are under the MIT licence (Kuaishou
Technology, 2024). Its distribution also holds models of InsightFace for finding faces, which are "for non-commercial
research purposes only": they are neither needed nor used here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from afet_video.errors import ModelFileError
from afet_video.model_files import ModelFile, models_folder, verify

PARTS = (
    "appearance_feature_extractor",
    "motion_extractor",
    "warping_module",
    "spade_generator",
    "stitching_retargeting_module",
)
"""F, M, W, G, and S with R: a file each."""

_MIT = "MIT"
_ADVICE = "delete it, then run `afet-video models fetch` or put the right file there"


@dataclass(frozen=True, slots=True)
class WeightSet:
    """One form in which the weights are published.

    `name`; `backend` that reads it ("torch" or "onnx"); `files` by part; `about` in a line; whether files can be
    fetched (they have a known hash).
    """

    name: str
    backend: str
    files: Mapping[str, ModelFile]
    about: str

    @property
    def can_be_fetched(self) -> bool:
        """Whether `afet-video models fetch` gets it."""
        return all(file.url and file.sha256 for file in self.files.values())

    def paths(self, folder: Path) -> dict[str, Path]:
        """Return where each part belongs below the models folder."""
        return {part: folder / file.name for part, file in self.files.items()}

    def missing(self, folder: Path) -> list[str]:
        """Return the names of the files that are not there."""
        return [file.name for file in self.files.values() if not (folder / file.name).is_file()]

    def verify(self, folder: Path) -> dict[str, Path]:
        """Return where each part lies, after all were verified.

        Raises
        ------
        ModelFileError
            If a file is missing or is not the expected one.
        """
        for file in self.files.values():
            verify(folder / file.name, file, advice=_ADVICE)
        return self.paths(folder)


def _safetensors() -> Mapping[str, ModelFile]:
    base = "https://huggingface.co/Kijai/LivePortrait_safetensors/resolve/main/"
    table = {
        "appearance_feature_extractor": (
            3_361_936,
            "38bef5de50a92bf1fc66e8c511051a19dfacdf80c37f8713425ec15dc9ca7d34",
        ),
        "motion_extractor": (112_496_256, "3568cd410e29d046771acb55ecfdfe4c7c197d345bd8b7f95942ef63130b6c9e"),
        "warping_module": (182_158_564, "f7b7834bd6039b4088f72e5161e60ad366f68a3763df8a3eac0bc0f9d46fdbbf"),
        "spade_generator": (221_771_768, "ca04fbec765745e9eae836d2d7522c274647b277ce5f25104fa1705b75222212"),
        "stitching_retargeting_module": (911_836, "60725cf3523ae413880da28ed583c9e84c5c25695a0cef1b77210ea31cc424ea"),
    }
    origin = "LivePortrait by Kuaishou as safetensors, huggingface.co/Kijai/LivePortrait_safetensors"
    return {
        part: ModelFile(f"liveportrait/{part}.safetensors", size, digest, _MIT, origin, f"{base}{part}.safetensors")
        for part, (size, digest) in table.items()
    }


def _checkpoints() -> Mapping[str, ModelFile]:
    base = "https://huggingface.co/KwaiVGI/LivePortrait/resolve/main/"
    table = {
        "appearance_feature_extractor": (
            "base_models",
            3_387_959,
            "5279bb8654293dbdf327030b397f107237dd9212fb11dd75b83dfb635211ceb5",
        ),
        "motion_extractor": (
            "base_models",
            112_545_506,
            "251e6a94ad667a1d0c69526d292677165110ef7f0cf0f6d199f0e414e8aa0ca5",
        ),
        "warping_module": (
            "base_models",
            182_180_086,
            "2f61a6f265fe344f14132364859a78bdbbc2068577170693da57fb96d636e282",
        ),
        "spade_generator": (
            "base_models",
            221_813_590,
            "4780afc7909a9f84e24c01d73b31a555ef651521a1fe3b2429bd04534d992aee",
        ),
        "stitching_retargeting_module": (
            "retargeting_models",
            2_393_098,
            "3652d5a3f95099141a56986aaddec92fadf0a73c87a20fac9a2c07c32b28b611",
        ),
    }
    origin = "LivePortrait by Kuaishou, huggingface.co/KwaiVGI/LivePortrait"
    files = {}
    for part, (place, size, digest) in table.items():
        name = f"liveportrait/{place}/{part}.pth"
        files[part] = ModelFile(name, size, digest, _MIT, origin, base + name)
    return files


def _unverified(folder: str, origin: str, names: Mapping[str, str]) -> Mapping[str, ModelFile]:
    return {part: ModelFile(f"{folder}/{name}.onnx", 0, "", _MIT, origin) for part, name in names.items()}


SAFETENSORS = WeightSet(
    "safetensors", "torch", _safetensors(), "The published weights without pickle: the ones to take."
)
CHECKPOINTS = WeightSet("checkpoints", "torch", _checkpoints(), "The same as the authors published them (.pth).")
FACEFUSION = WeightSet(
    "facefusion",
    "onnx",
    _unverified(
        "facefusion",
        "https://huggingface.co/facefusion/models-3.0.0",
        {
            "appearance": "live_portrait_feature_extractor",
            "motion": "live_portrait_motion_extractor",
            "generator": "live_portrait_generator",
            "stitcher": "live_portrait_stitcher",
            "eyes": "live_portrait_eye_retargeter",
            "lips": "live_portrait_lip_retargeter",
        },
    ),
    "An ONNX export by FaceFusion, about 325 MB. No hash is published: not fetched, not verified.",
)
FASTER = WeightSet(
    "fasterliveportrait",
    "onnx",
    _unverified(
        "liveportrait_onnx",
        "https://huggingface.co/warmshao/FasterLivePortrait",
        {
            "appearance": "appearance_feature_extractor",
            "motion": "motion_extractor",
            "generator": "warping_spade",
            "stitcher": "stitching",
            "eyes": "stitching_eye",
            "lips": "stitching_lip",
        },
    ),
    "An ONNX export by FasterLivePortrait. No hash is published: not fetched, not verified.",
)

WEIGHT_SETS = (SAFETENSORS, CHECKPOINTS, FACEFUSION, FASTER)
"""All known forms; of those for one back-end, the first that is complete is taken."""


def locate_weights(backend: str, folder: Path | None = None) -> tuple[WeightSet, dict[str, Path]]:
    """Return the first complete weight set for a back-end and where its parts lie, verified.

    Parameters
    ----------
    backend : "torch" or "onnx".
    folder : the models folder; default: that of this machine. A checkout of LivePortrait's `pretrained_weights` will
        do as well.

    Raises
    ------
    ModelFileError
        If no set is complete (the message names the missing files of the set that is most nearly so), or a file is
        not the expected one.
    """
    folder = folder or models_folder()
    sets = [weights for weights in WEIGHT_SETS if weights.backend == backend]
    for weights in sets:
        if not weights.missing(folder):
            return weights, weights.verify(folder)
    nearest = min(sets, key=lambda weights: len(weights.missing(folder)))
    names = ", ".join(nearest.missing(folder))
    if nearest.can_be_fetched:
        size = sum(file.size for file in nearest.files.values()) / 1e6
        how = f"run `afet-video models fetch` ({size:.0f} MB)"
    else:
        how = f"get them from {next(iter(nearest.files.values())).origin}"
    raise ModelFileError(
        f"LivePortrait's weights are missing in {folder}: {names}. {how[0].upper()}{how[1:]}, "
        "or put them there yourself (`afet-video models list` says more; AFET_MODELS names another folder)"
    )
