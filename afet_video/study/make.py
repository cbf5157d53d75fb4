"""A rater study put together.

in: real and generated items, a seed -> out: a folder with a page for raters, and the key.  Must not: leak the key into
the page, or leave half a study behind.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from afet_video.datatypes import Progress, ProgressCallback
from afet_video.errors import InputError, OutputError
from afet_video.outputs import disk_errors
from afet_video.study.items import Item, found_items, write_item
from afet_video.tracks import sha256_file

KEY_VERSION = 1
_ASSETS = ("index.html", "study.css", "study.js")
_SAME_TIME_S = 946_684_800
"""All files of the page carry this time (the year 2000): when an item was made is nobody's business."""


@dataclass(frozen=True, slots=True)
class StudyReport:
    """What was made: the page to give to raters, the key to keep, how many items of each kind, what may give away."""

    study: str
    page: Path
    key: Path
    real: int
    generated: int
    warnings: tuple[str, ...]


def make_study(
    folder: str | Path,
    *,
    real: Sequence[str | Path],
    generated: Sequence[str | Path],
    seed: int = 0,
    max_side: int = 1024,
    on_progress: ProgressCallback | None = None,
) -> StudyReport:
    """Mix real and generated items in random order into a page that works offline.

    Parameters
    ----------
    folder : new folder; in it `page/index.html` for raters, and `key.json`, which they must not see.
    real, generated : pictures and clips, or folders of them.
    seed : of the order: the same items and seed give the same study.
    max_side : larger items are scaled down to this many pixels.
    on_progress : called with the items done.

    Raises
    ------
    InputError, OutputError, EncodeError
        If an item cannot be read, or the folder exists. Nothing is left behind then.
    """
    target = Path(folder)
    items = found_items([Path(p) for p in real], is_generated=False)
    items += found_items([Path(p) for p in generated], is_generated=True)
    counts = [sum(item.is_generated is kind for item in items) for kind in (False, True)]
    if not all(counts):
        raise InputError("a study needs real and generated items: name at least one of each with --real, --generated")
    if target.exists():
        raise OutputError(f"{target} exists already: choose another name")
    if not target.absolute().parent.is_dir():
        raise OutputError(f"{target.absolute().parent} is not a folder: create it first")
    hashes = {item.path: sha256_file(item.path) for item in items}
    _check_twins(items, hashes)
    items = _mixed(items, hashes, seed)
    study = hashlib.sha256(f"{seed} {[hashes[item.path] for item in items]}".encode()).hexdigest()[:12]
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        sizes = _write_page(temporary / "page", study, items, max_side, on_progress)
        _write_key(temporary / "key.json", study, seed, items, hashes)
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    warnings = tuple(_giveaways(items, sizes))
    return StudyReport(study, target / "page" / "index.html", target / "key.json", counts[0], counts[1], warnings)


def _check_twins(items: Sequence[Item], hashes: dict[Path, str]) -> None:
    seen: dict[str, Item] = {}
    for item in items:
        twin = seen.setdefault(hashes[item.path], item)
        if twin is not item:
            what = "the same" if twin.is_generated is item.is_generated else "the same, yet one is real, one generated"
            raise InputError(f"{twin.path} and {item.path} are {what}: leave one of them out")


def _mixed(items: list[Item], hashes: dict[Path, str], seed: int) -> list[Item]:
    """Return the items in an order that depends on their content and the seed alone."""
    # by content first, so that the order in which they were named, or how they are called, has no say
    ordered = sorted(items, key=lambda item: (hashes[item.path], item.is_generated))
    random.Random(f"afet-video study {seed}").shuffle(ordered)
    return ordered


def _item_name(number: int, item: Item) -> str:
    return f"item-{number:04d}.{'mp4' if item.is_clip else 'png'}"


def _write_page(
    page: Path, study: str, items: Sequence[Item], max_side: int, on_progress: ProgressCallback | None
) -> list[tuple[int, int]]:
    sizes = []
    with disk_errors(page):
        (page / "items").mkdir(parents=True)
        for name in _ASSETS:
            text = resources.files("afet_video.study").joinpath("page", name).read_text(encoding="utf-8")
            (page / name).write_text(text, encoding="utf-8", newline="\n")
    for number, item in enumerate(items, 1):
        sizes.append(write_item(item, page / "items" / _item_name(number, item), max_side=max_side))
        if on_progress is not None:
            on_progress(Progress("copy items", number, len(items)))
    shown = [
        {
            "item": f"{number:04d}",
            "file": f"items/{_item_name(number, item)}",
            "kind": "clip" if item.is_clip else "image",
        }
        for number, item in enumerate(items, 1)
    ]
    with disk_errors(page):
        data = json.dumps({"study": study, "items": shown}, indent=1)
        (page / "items.js").write_text(f"const STUDY = {data};\n", encoding="utf-8", newline="\n")
        for path in (page, *page.rglob("*")):
            os.utime(path, (_SAME_TIME_S, _SAME_TIME_S))
    return sizes


def _write_key(path: Path, study: str, seed: int, items: Sequence[Item], hashes: dict[Path, str]) -> None:
    content = {
        "schema_version": KEY_VERSION,
        "study": study,
        "seed": seed,
        "note": "What each item is. Raters must not see this file. Items of kind generated are synthetic media.",
        "items": [
            {
                "item": f"{number:04d}",
                "actual": "generated" if item.is_generated else "real",
                "name": item.path.name,
                "sha256": hashes[item.path],
            }
            for number, item in enumerate(items, 1)
        ],
    }
    with disk_errors(path):
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def _giveaways(items: Sequence[Item], sizes: Sequence[tuple[int, int]]) -> list[str]:
    """Return what a rater could learn to go by instead of what is shown."""
    found = []
    by_kind = [{size for item, size in zip(items, sizes, strict=True) if item.is_generated is g} for g in (False, True)]
    if not by_kind[0] & by_kind[1]:
        found.append("real and generated items have no size in common: raters may go by that; scale them alike")
    moving = [{item.is_clip for item in items if item.is_generated is kind} for kind in (False, True)]
    if moving[0] != moving[1]:
        found.append("one kind has pictures or clips that the other lacks: raters may go by that")
    return found
