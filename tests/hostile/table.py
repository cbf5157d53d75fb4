"""The table of cases and outcomes in docs/inputs.md.

in: results -> out: Markdown.  Must not: run anything.
"""

from __future__ import annotations

from hostile.corpus import Case
from hostile.run import LIMIT_MIB, LIMIT_S, Result

_HEAD = f"""# What becomes of odd and damaged inputs

Made by `make inputs` (`python -m tests.hostile --write`), which builds each input, converts it in a process of its own,
and checks the result: times, size, rotation, depth and colour tags are the source's, or there is one line on why not
and no file.
Limits for each: {LIMIT_S:.0f} s, and {LIMIT_MIB} MiB of memory above what the process held before.

*converts*: a correct video comes out; what was unusual is a warning. *refused*: one line, exit code 1, nothing written.
"""


def table(found: list[tuple[Case, Result]]) -> str:
    """Return the page."""
    lines = [_HEAD]
    group = ""
    for case, result in found:
        if case.group != group:
            group = case.group
            lines += ["", f"## {group.capitalize()}", "", "| Input | Outcome | What is said |", "| --- | --- | --- |"]
        lines.append(f"| {_cell(case.name)} | {result.kind} | {_cell(result.line)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
