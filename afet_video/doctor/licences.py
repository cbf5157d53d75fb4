"""The licences of everything that afet-video needs, and whether Apache-2.0 goes with them.

in: the metadata of installed packages -> out: one `Licence` each.  Must not: give legal advice: it reads what the
packages' authors wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

from afet_video.doctor.packages import PROJECT, requirements

Verdict = Literal["compatible", "as a library", "check"]

_FREE = (
    *("apache", "mit", "bsd", "isc", "psf", "python software foundation", "zlib", "0bsd", "cc0", "unlicense", "hpnd"),
    *("public domain", "boost", "bsl-1", "llvm", "mpl", "mozilla public license", "artistic-2"),
)
"""Licences that may be used and shipped beside Apache-2.0 code. MPL's reach ends at its own files."""

_AS_LIBRARY = ("lgpl", "lesser general public")
_ORDER: tuple[Verdict, ...] = ("compatible", "as a library", "check")
_WORDS = re.compile(r"\s+(?:AND|OR|WITH)\s+|[()/;,]", re.IGNORECASE)

_FROM_TEXT = (
    ("matplotlib", "PSF-2.0 (matplotlib)"),
    ("redistribution and use in source and binary forms", "BSD"),
    ("permission is hereby granted, free of charge", "MIT"),
)


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of a package: its `name` and version, the licence as its authors name it, and the verdict.

    `extra`: the extra that needs it, "" = always needed. `note`: what the wheel holds besides, as far as known.
    """

    name: str
    version: str
    licence: str
    verdict: Verdict
    extra: str = ""
    note: str = ""


def licences(*, with_tools: bool = False) -> list[Licence]:
    """Return the licences of all installed packages that afet-video needs, directly or not, by name.

    Parameters
    ----------
    with_tools : also those of the extras `test` and `check`, which no user needs.
    """
    found: dict[str, Licence] = {}
    waiting = [
        (name, extra)
        for name, _, _, extra in sorted(requirements(), key=lambda one: one[3])
        if name != PROJECT and (with_tools or not extra.startswith(("check", "test")))
    ]
    while waiting:
        name, extra = waiting.pop(0)
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found or key == PROJECT:
            continue
        try:
            about = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue  # not on this platform, or an extra that is not installed
        text = named_licence(about)
        found[key] = Licence(about["Name"], about["Version"], text, verdict(text), extra, _inside(key))
        waiting += [(one, extra) for one, _, _, its_extra in requirements(name) if not its_extra]
    return [found[key] for key in sorted(found)]


def named_licence(about: metadata.PackageMetadata) -> str:
    """Return the licence as a package names it: expression, classifiers, or the text's first words."""
    expression = _first(about, "License-Expression")
    if expression:
        return expression
    classifiers = [text for text in about.get_all("Classifier") or [] if text.startswith("License ::")]
    if classifiers:
        return ", ".join(text.rpartition(" :: ")[2] for text in classifiers)
    text = _first(about, "License")
    if len(text) > 60 or "\n" in text:
        flat = " ".join(text.lower().split())
        return next((name for words, name in _FROM_TEXT if words in flat), text.splitlines()[0][:60])
    return text or "not named"


def _first(about: metadata.PackageMetadata, key: str) -> str:
    """Return a field's text, "" where it is missing."""
    return str((about.get_all(key) or [""])[0]).strip()


def verdict(licence: str) -> Verdict:
    """Judge a licence by its name: every part joined by AND, and any of those joined by OR, must be known."""
    alternatives = re.split(r"\s+OR\s+", licence, flags=re.IGNORECASE)
    verdicts = [_strictest(alternative) for alternative in alternatives]
    return min(verdicts, key=_ORDER.index)


def _strictest(licence: str) -> Verdict:
    parts = [part.strip().lower() for part in _WORDS.split(licence) if part.strip()]
    worst: Verdict = "compatible"
    for part in parts:
        if any(word in part for word in _AS_LIBRARY):
            worst = "as a library"
        elif "gpl" in part or "general public" in part or not any(word in part for word in _FREE):
            return "check"
    return worst if parts else "check"


def _inside(key: str) -> str:
    """Return what is known of the libraries inside a wheel."""
    if key != "av":
        return ""
    from afet_video.video.encoders import encoder_libraries, ffmpeg_licence

    inside = {library for _, library, is_there in encoder_libraries() if is_there}
    gpl = sorted(inside & {"libx264", "libx265"})
    note = f"the wheel holds FFmpeg ({ffmpeg_licence()}, as it says)"
    return note + (f" with {' and '.join(gpl)} (GPL-2.0-or-later): think of it if you ship the wheel" if gpl else "")
