"""``python -m tests.hostile [WORDS] [--write]``: run the cases (whose name holds WORDS), and write the table."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile.corpus import cases
from hostile.run import run
from hostile.table import table

TABLE = Path(__file__).resolve().parents[2] / "docs" / "inputs.md"


def main() -> int:
    """Run, show each case as it ends, and return 1 if one came out wrong."""
    is_written = "--write" in sys.argv
    words = " ".join(part for part in sys.argv[1:] if not part.startswith("--"))
    wanted = [case for case in cases() if words.lower() in f"{case.group} {case.name}".lower()]
    found = []
    for case, result in run(wanted):
        found.append((case, result))
        what = f"{case.group}: {case.name!r}"
        print(
            f"{result.kind:9} {result.seconds:5.1f} s {result.grown_mib:5} MiB  {what}: {result.line[:300]}", flush=True
        )
    if is_written:
        TABLE.write_text(table(found), encoding="utf-8")
        print(f"wrote {TABLE}")
    wrong = sum(result.kind not in ("converts", "refused") for _, result in found)
    print(f"{len(found)} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
