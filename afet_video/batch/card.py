"""The data set's card: README.md, with the front matter that Hugging Face reads.

in: rows, settings -> out: text.  Must not: claim a licence, or name the day.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import afet_video
from afet_video.batch.dataset import LINES, TABLE, DataSet, Row
from afet_video.batch.settings import BatchSettings
from afet_video.settings_io import settings_to_mapping

_FILL_IN = "*(fill in)*"

_INTRODUCTION = """{videos} videos made by afet-video {version} from {clips} videos of facial expressions of {people}
people. Every video shows the person of its source with one side of the face made to move less: no movement in them is a
patient's. All of it is synthetic, and marked so in its files.
"""

_FILES = f"""`SPLIT/NAME.mp4` is a video, `NAME.tracks.parquet` the landmarks of every frame, of the source and of the
result, `NAME.afet.json` how it was made. `SPLIT/{LINES}` has a row a video, `{TABLE}` those of all splits.
`datasets.load_dataset("videofolder", data_dir=...)` loads it. Left and right are the subject's own. Nobody is in two
splits, as far as it is known who is who.
"""

_USE = """Training and testing of programs that measure or recognise facial asymmetry, as an addition to recordings of
people who live with a facial palsy and consented to it, never in their place: a simulation knows less than they do. Not
for diagnosis or treatment, not for judging a person's worth, mood or honesty by their face, and not for showing
somebody as having a condition without their consent. Write and speak of facial palsy with respect: people have it, they
are not it.
"""


def card(data: DataSet, settings: BatchSettings) -> str:
    """Return the card's text."""
    rows = [row for own in data.rows.values() for row in own]
    sections = (
        _front_matter(len(rows)),
        "# Videos with a simulated facial palsy\n",
        _INTRODUCTION.format(
            videos=len(rows),
            version=afet_video.__version__,
            clips=len({row["clip"] for row in rows}),
            people=len({row["person"] for row in rows}),
        ),
        "## Counts\n",
        _counts(data),
        *(f"Note: {note}.\n" for note in data.notes),
        "## What is where\n",
        _FILES,
        "## Intended use\n",
        _USE,
        "## Licence and consent\n",
        f"""- Licence of this data set: {_FILL_IN}
- Licence and origin of the source videos: {_FILL_IN}
- Consent of the people in them to this use: {_FILL_IN}
- Contact: {_FILL_IN}
""",
        "## Settings\n",
        f"Seed {settings.seed}; shares of train, validation and test: {' '.join(map(str, settings.shares))}.\n",
        "Settings of the conversions, besides side and profile:\n",
        f"```json\n{json.dumps(_common(settings), indent=2)}\n```\n",
    )
    return "\n".join(sections)


def _front_matter(count: int) -> str:
    size = "n<1K" if count < 1000 else "1K<n<10K" if count < 10_000 else "10K<n<100K"
    return f"""---
license: other
license_name: fill-in
pretty_name: Videos with a simulated facial palsy
task_categories:
- video-classification
- keypoint-detection
tags:
- synthetic
- facial-palsy
- face-landmarks
size_categories:
- {size}
---
"""


def _counts(data: DataSet) -> str:
    lines = ["| split | videos | people | left | right | frames |", "| --- | --- | --- | --- | --- | --- |"]
    for split, rows in data.rows.items():
        sides = Counter(row["side"] for row in rows)
        people, frames = len({row["person"] for row in rows}), sum(row["frames"] for row in rows)
        lines.append(f"| {split} | {len(rows)} | {people} | {sides['left']} | {sides['right']} | {frames} |")
    lines += ["", "| profile | videos |", "| --- | --- |"]
    lines += [f"| {name} | {count} |" for name, count in sorted(_by_profile(data.rows.values()).items())]
    return "\n".join(lines) + "\n"


def _by_profile(splits: Iterable[Sequence[Row]]) -> Counter[str]:
    return Counter(row["profile"] for rows in splits for row in rows)


def _common(settings: BatchSettings) -> dict[str, object]:
    mapping = settings_to_mapping(settings.convert)
    return {key: value for key, value in mapping.items() if key not in ("profile", "side_seed")}
