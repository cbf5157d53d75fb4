"""The installed packages: versions, extras, and two wheels that are one module.

in: importlib.metadata -> out: findings.  Must not: import what it looks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata

from afet_video.doctor.finding import Finding

PROJECT = "afet-video"

CV2_WHEELS = ("opencv-contrib-python", "opencv-python", "opencv-contrib-python-headless", "opencv-python-headless")
"""Distributions that all install the module `cv2`, each over the other; MediaPipe brings the first."""

_FOR_DEVELOPERS = ("check", "test")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?([^;]*)(?:;(.*))?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


def version_of(name: str) -> str | None:
    """Return the version of a distribution, None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def requirements(name: str = PROJECT) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Yield name, version range, extras asked for, and the extra it belongs to ("" = always) of each requirement.

    Other markers (platforms, versions of Python) are not looked at.
    """
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for line in lines:
        found = _REQUIREMENT.fullmatch(line)
        if found is None:
            continue
        extra = _EXTRA.search(found[4] or "")
        wanted = tuple(part.strip() for part in (found[2] or "").split(",") if part.strip())
        yield found[1], found[3].strip(" ()"), wanted, extra[1] if extra else ""


def dependencies() -> Iterator[Finding]:
    """Say of each package that is always needed whether it is there."""
    if version_of(PROJECT) is None:
        yield Finding(
            *("packages", PROJECT, "note", "run from a clone, not installed"), "python -m pip install . in the clone"
        )
    for name, wanted, _, extra in requirements():
        if extra:
            continue
        version = version_of(name)
        if version is None:
            yield Finding("packages", name, "problem", "not installed", f"python -m pip install '{name}{wanted}'")
        else:
            yield Finding("packages", name, "ok", version)


def extras() -> Iterator[Finding]:
    """Say of each extra which of its packages are there."""
    parts: dict[str, set[str]] = {}
    within: dict[str, set[str]] = {}
    for name, _, wanted, extra in requirements():
        if name == PROJECT:
            within.setdefault(extra, set()).update(wanted)
        elif extra:
            parts.setdefault(extra, set()).add(name)
    for extra in sorted(parts.keys() | within.keys()):
        if extra.startswith(_FOR_DEVELOPERS):
            continue
        names = sorted(set().union(parts.get(extra, set()), *(parts.get(one, set()) for one in within.get(extra, ()))))
        absent = [name for name in names if version_of(name) is None]
        found = ", ".join(f"{name} {version_of(name) or 'not installed'}" for name in names)
        advice = f"if you need it: python -m pip install '{PROJECT}[{extra}]'" if absent else ""
        yield Finding("extras", extra, "note" if absent else "ok", found, advice)


def cv2_wheels() -> Iterator[Finding]:
    """Find two distributions that overwrite each other's `cv2`."""
    there = [name for name in CV2_WHEELS if version_of(name) is not None]
    found = ", ".join(f"{name} {version_of(name)}" for name in there) or "none"
    if len(there) == 1:
        yield Finding("packages", "cv2", "ok", f"{found}, the only one")
        return
    if there:
        advice = (
            f"python -m pip uninstall -y {' '.join(there)}; python -m pip install --force-reinstall --no-deps "
            f"{CV2_WHEELS[0]}"
        )
        yield Finding("packages", "cv2", "problem", f"{found}: they overwrite each other's files", advice)
    else:
        advice = f"python -m pip install {CV2_WHEELS[0]}"
        yield Finding("packages", "cv2", "problem", "not installed", advice)
