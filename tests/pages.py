"""README.md and the pages under docs/, as tests read them: examples, links, headings.

in: the clone -> out: texts.  Must not: run anything.
"""

from __future__ import annotations

import re

from tests.conftest import ROOT

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
"""What users read: path in the clone -> text."""

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(text: str, *languages: str) -> list[tuple[str, str]]:
    """Return (language, content) of the blocks of code in `languages`, of all if none is named, in their order."""
    return [(language, code) for language, code in _FENCED.findall(text) if not languages or language in languages]


def commands(text: str) -> list[str]:
    """Return the command lines of afet-video in the blocks of a page."""
    lines = [line.removeprefix("$ ") for _, code in blocks(text, "sh", "console") for line in code.splitlines()]
    return [line for line in lines if line.startswith("afet-video ")]


def links(text: str) -> list[tuple[str, str]]:
    """Return (file, heading) of all links; "" is the same file, or no heading."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", _FENCED.sub("", text)))
    return [(file, heading) for file, _, heading in (link.partition("#") for link in found)]


def anchors(text: str) -> set[str]:
    """Return the names by which the headings of a page are linked to, as GitHub makes them."""
    names: list[str] = []
    for title in re.findall(r"^#+ (.+)$", _FENCED.sub("", text), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        before = sum(re.sub(r"-\d+$", "", one) == name for one in names)
        names.append(f"{name}-{before}" if before else name)
    return set(names)
