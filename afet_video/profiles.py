"""Palsy profiles by name, and from files.

in: a name or a TOML file -> out: a `PalsyProfile`.  Must not: say how a profile is carried out.

Sources: House & Brackmann 1985 for the grades; their points per zone are midpoints, with the forehead gone from grade
IV on as their table demands. The other profiles follow descriptions of the condition; none is a fit to patients' data.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from afet_video.datatypes import ZONES, PalsyProfile, Side
from afet_video.errors import SettingsError
from afet_video.settings_io import read_toml, replace_nested


@dataclass(frozen=True, slots=True)
class Preset:
    """A named profile: `profile` (of the left side), what it `shows`, and the `source` of its values.

    `splice`: settings of the table ``[splice]`` that belong to it; see `afet_video.with_profile`.
    """

    profile: PalsyProfile
    shows: str
    source: str
    splice: Mapping[str, str] = field(default_factory=dict)


def _zones(
    brow: float,
    eye: float,
    cheek: float,
    commissure: float,
    lower_lip: float,
    *,
    droop: float = 0,
    synk: float = 0,
    bell: float = 0,
    lid_fall: float = 0,
) -> PalsyProfile:
    return PalsyProfile(
        movement_kept=commissure,
        brow=brow,
        eye=eye,
        cheek=cheek,
        commissure=commissure,
        lower_lip=lower_lip,
        droop=float(droop),
        synkinesis=float(synk),
        bell=float(bell),
        lid_fall=float(lid_fall),
    )


_HB = "House & Brackmann 1985"
_CLINICAL = "clinical description"

_BELL, _LID_FALL = 0.8, 0.25
"""Of eyes that cannot be closed. Most people's turn up when the lids are meant to stay shut (Bell's phenomenon), until
little of the iris is left to see. The upper lid still covers a quarter of the way in a blink: 25 % (2.1 mm of 8.5) in
patients with complete paralysis, against 95 % on their healthy side (Ogawa et al. 2021, high-speed video)."""

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "complete": Preset(
            PalsyProfile(bell=_BELL, lid_fall=_LID_FALL), "no movement, no droop: the default", "after Tan & Iren"
        ),
        "paper": Preset(
            _zones(0, 0, 0, 0, 0),
            "the method as published: no movement, the neutral's own pixels",
            "Tan & Iren",
            MappingProxyType({"ramp": "linear", "texture": "neutral"}),
        ),
        "hb2": Preset(_zones(0.8, 1.0, 0.8, 0.8, 0.8, synk=0.05), "grade II: slight weakness, eye closes", _HB),
        "hb3": Preset(_zones(0.45, 0.9, 0.6, 0.6, 0.6, synk=0.25), "grade III: weak, some synkinesis", _HB),
        "hb4": Preset(_zones(0, 0.5, 0.4, 0.4, 0.4, synk=0.35), "grade IV: no forehead, eye stays ajar", _HB),
        "hb5": Preset(
            _zones(0, 0.25, 0.15, 0.2, 0.15, droop=0.6, bell=_BELL, lid_fall=_LID_FALL),
            "grade V: barely any movement, droops",
            _HB,
        ),
        "hb6": Preset(
            _zones(0, 0, 0, 0, 0, droop=1, bell=_BELL, lid_fall=_LID_FALL), "grade VI: no movement, droops", _HB
        ),
        "central": Preset(
            _zones(1, 0.95, 0.25, 0.2, 0.2, droop=0.4), "stroke: lower face weak, forehead and eye spared", _CLINICAL
        ),
        "bell-acute": Preset(
            _zones(0, 0.1, 0.05, 0.05, 0.05, droop=0.6, bell=_BELL, lid_fall=_LID_FALL),
            "acute Bell's palsy: all zones, some droop",
            _CLINICAL,
        ),
        "flaccid": Preset(
            _zones(0, 0, 0, 0, 0, droop=1, bell=_BELL, lid_fall=_LID_FALL),
            "long-standing flaccid palsy: the values of hb6",
            _CLINICAL,
        ),
        "synkinetic": Preset(
            _zones(0.5, 0.9, 0.6, 0.55, 0.4, synk=0.8),
            "recovered with synkinesis: eye and mouth move together",
            _CLINICAL,
        ),
        "marginal-mandibular": Preset(_zones(1, 1, 1, 1, 0), "lower lip alone: marginal mandibular branch", _CLINICAL),
    }
)
"""All presets by name."""


def preset(name: str, *, side: Side = Side.LEFT) -> PalsyProfile:
    """Return the preset `name` for the affected `side`.

    Splice settings that belong to a preset (of `paper`) are no part of a profile: `with_profile` sets both.

    Raises
    ------
    SettingsError
        If there is no such preset; the nearest name is offered.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name.lower(), PRESETS, n=1, cutoff=0.4)
        hint = f'did you mean "{near[0]}"?' if near else f"choose {', '.join(PRESETS)}"
        raise SettingsError(f'unknown profile "{name}": {hint} (a file must end in .toml)')
    return replace(PRESETS[name].profile, side=side)


def load_profile(name_or_file: str, *, side: Side = Side.LEFT) -> PalsyProfile:
    """Return a preset by name, or a profile from a TOML file that holds the keys of the table ``[profile]``.

    What a file leaves out is as in `complete`.

    Parameters
    ----------
    name_or_file : a preset's name, or a path that ends in ``.toml``.
    side : the affected side, unless the file names it.

    Raises
    ------
    SettingsError
        If there is no such preset or file, or the file holds an unknown key or a wrong value.
    """
    if name_or_file not in PRESETS and name_or_file.lower().endswith(".toml"):
        return _from_file(name_or_file, side)
    return preset(name_or_file, side=side)


def _from_file(file: str, side: Side) -> PalsyProfile:
    content = read_toml(Path(file))
    if isinstance(content.get("profile"), Mapping):
        raise SettingsError(f"{file} is a settings file (it has a table [profile]): give it with --settings")
    if "movement_kept" in content and all(zone in content for zone in ZONES):
        raise SettingsError(
            f"{file} gives every zone a value, so that movement_kept says nothing: leave one of them out"
        )
    return replace_nested(preset("complete", side=side), content, source=file)
