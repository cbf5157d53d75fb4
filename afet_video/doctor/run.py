"""All examinations, one after the other.

in: nothing -> out: findings.  Must not: stop because one of them fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from afet_video.doctor import machine, packages
from afet_video.doctor.finding import Finding

Examination = Callable[[], Iterator[Finding]]

EXAMINATIONS: tuple[Examination, ...] = (
    machine.system,
    packages.dependencies,
    packages.cv2_wheels,
    machine.libraries,
    machine.models,
    machine.encoders,
    machine.hardware,
    machine.cameras,
    machine.display,
    machine.disk,
    packages.extras,
)


def examine(examinations: Sequence[Examination] = EXAMINATIONS) -> list[Finding]:
    """Return what every examination finds; one that breaks is a finding too."""
    found: list[Finding] = []
    for examination in examinations:
        name = examination.__name__
        try:
            found.extend(examination())
        except Exception as error:  # noqa: BLE001 - whatever is broken on a machine, the rest must be told
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            advice = "the lines above may say why: a library that is missing or broken stops this one"
            found.append(Finding(name, name, "problem", f"could not be examined ({reason})", advice))
    return found
