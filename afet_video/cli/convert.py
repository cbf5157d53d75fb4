"""``afet-video convert``.

in: arguments, a settings file -> out: a run of `afet_video.convert`, its report on the screen.
Must not: decide anything that the settings don't say.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afet_video.cli import options
from afet_video.cli.failures import errors_as_lines

if TYPE_CHECKING:
    from afet_video.content_credentials import Signer
    from afet_video.pipeline import ConvertSettings

SETTING_OF_OPTION = {
    "side": "profile.side",
    "movement_kept": "profile.movement_kept",
    "ramp": "splice.ramp",
    "ramp_width": "splice.ramp_width",
    "neutral": "neutral.choice",
    "on_no_face": "on_no_face",
    "face": "tracker.face",
    "mask": "mask.kind",
    "codec": "encode.codec",
    "crf": "encode.crf",
    "lossless": "encode.lossless",
    "hwaccel": "hwaccel",
}
"""Where each option lives in the settings (and so in a settings file)."""


def convert(
    source: options.Source,
    target: options.Target,
    *,
    side: options.SideOption = None,
    seed: options.Seed = None,
    profile: options.Profile = None,
    movement_kept: options.MovementKept = None,
    ramp: options.Ramp = None,
    ramp_width: options.RampWidth = None,
    neutral: options.Neutral = None,
    on_no_face: options.OnNoFace = None,
    face: options.WhichFace = None,
    mask: options.Mask = None,
    tracks: options.TracksPath = None,
    contact_sheet: options.ContactSheet = None,
    codec: options.Codec = None,
    crf: options.Crf = None,
    lossless: options.Lossless = None,
    hwaccel: options.HwAccel = None,
    no_synthetic_mark: options.NoSyntheticMark = False,
    c2pa_certificate: options.Certificate = None,
    c2pa_key: options.PrivateKey = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    settings: options.SettingsFile = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Give the person in a video a facial palsy, and write the exact landmarks of every frame beside it."""
    given = {name: value for name, value in locals().items() if name in SETTING_OF_OPTION and value is not None}
    with errors_as_lines(as_json=as_json):
        import afet_video  # loads the stages at first use: `--help` stays quick
        from afet_video.cli.interrupts import stoppable
        from afet_video.cli.progress import shown_progress
        from afet_video.cli.summary import print_json, print_summary

        asked = given.pop("side", None)
        chosen = chosen_settings(settings, profile, asked, seed, given, mark_synthetic=not no_synthetic_mark)
        with shown_progress(quiet=quiet) as bars, stoppable(bars) as on_progress:
            report = afet_video.convert(
                source,
                target,
                settings=chosen,
                tracks=tracks,
                contact_sheet=contact_sheet,
                resume=resume,
                overwrite=overwrite,
                signer=_signer(c2pa_certificate, c2pa_key),
                on_progress=on_progress,
            )
        if as_json:
            print_json(report)
        elif not quiet:
            print_summary(report)


def _signer(certificate: Path | None, key: Path | None) -> Signer | None:
    from afet_video.content_credentials import Signer
    from afet_video.errors import SettingsError

    if (certificate is None) != (key is None):
        raise SettingsError("--c2pa-certificate and --c2pa-key belong together: give both")
    return None if certificate is None or key is None else Signer(certificate, key)


def _settings(
    path: Path | None, profile: str | None, given: dict[str, Any], changes: Mapping[str, Any], *, mark_synthetic: bool
) -> ConvertSettings:
    """Return the settings of the file at `path` (or the defaults), the profile and the options given put over them.

    `changes` are more settings that options ask for, by their dotted keys.
    """
    from afet_video.errors import SettingsError
    from afet_video.passes.settings import with_profile
    from afet_video.pipeline import ConvertSettings
    from afet_video.settings_io import load_settings, replace_nested

    settings = ConvertSettings() if path is None else load_settings(ConvertSettings, path)
    if profile is not None:
        settings = with_profile(settings, profile)
    if "movement_kept" in given and settings.profile.gives_every_zone:
        raise SettingsError(
            f"--movement-kept says nothing where {profile or path} gives every zone a value: leave one of them out"
        )
    ramp = given.get("ramp", settings.splice.ramp)
    if "ramp_width" in given and ramp == "linear":
        raise SettingsError(
            f"--ramp-width says nothing of a linear ramp ({_who_says(given, profile, path)}): leave it out, "
            "or add --ramp smooth"
        )
    changes = dict(changes) | {SETTING_OF_OPTION[name]: value for name, value in given.items()}
    if not mark_synthetic:
        changes["encode.mark_synthetic"] = False
    # The two exclude each other: the one given on the command line replaces the one in the file.
    if "lossless" in given:
        changes.setdefault("encode.crf", None)
    if "crf" in given:
        changes.setdefault("encode.lossless", False)
    return replace_nested(settings, changes)


def chosen_settings(
    path: Path | None,
    profile: str | None,
    side: str | None,
    seed: int | None,
    given: dict[str, Any],
    *,
    mark_synthetic: bool = True,
) -> ConvertSettings:
    """Return the settings for a command that takes a part of the options of `convert`.

    Parameters
    ----------
    path : settings file, or None.
    profile, side, seed : as the options of these names; None = not given.
    given : values of further options that were given, by their keys in `SETTING_OF_OPTION`.

    Raises
    ------
    SettingsError
        If the file, the profile, or the options together make no sense.
    """
    return _settings(path, profile, given, _side_changes(side, seed), mark_synthetic=mark_synthetic)


def _side_changes(side: str | None, seed: int | None) -> dict[str, Any]:
    """Return what --side and --seed change: a side that is named replaces one that a file wants drawn."""
    from afet_video.errors import SettingsError

    if side == "random":
        return {"side_seed": 0 if seed is None else seed}
    if seed is not None:
        raise SettingsError(f"--seed {seed} is for --side random: add it, or leave the seed out")
    return {} if side is None else {"profile.side": side, "side_seed": None}


def _who_says(given: dict[str, Any], profile: str | None, path: Path | None) -> str:
    """Return where the ramp comes from."""
    if "ramp" in given:
        return "--ramp linear"
    from afet_video.profiles import PRESETS

    if profile is not None and profile in PRESETS and "ramp" in PRESETS[profile].splice:
        return f"--profile {profile}"
    return f"{path}"
