"""The key of a study and the files that raters hand in, read and checked.

in: JSON files -> out: `StudyKey`, `Decisions`.  Must not: count anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afet_video.errors import InputError

ANSWERS = ("real", "generated")


@dataclass(frozen=True, slots=True)
class StudyKey:
    """What each item of a study is: "real" or "generated"."""

    study: str
    actual: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Decisions:
    """One rater's answers by item; items without an answer are left out."""

    path: Path
    rater: str
    answers: Mapping[str, str]


def read_key(folder: Path) -> StudyKey:
    """Return the key of a study in its folder.

    Raises
    ------
    InputError
        If there is none, or it is damaged.
    """
    path = folder / "key.json"
    if not path.is_file():
        raise InputError(f"{folder} is no folder made by `study make`: it holds no key.json")
    content = _json_object(path)
    items = content.get("items")
    try:
        actual = {str(one["item"]): str(one["actual"]) for one in items} if isinstance(items, list) else {}
    except (KeyError, TypeError):
        actual = {}
    if not actual or set(actual.values()) - set(ANSWERS) or not isinstance(content.get("study"), str):
        raise InputError(f"{path} is damaged: make the study again with the same items and seed")
    return StudyKey(content["study"], actual)


def read_decisions(path: Path, key: StudyKey) -> Decisions:
    """Return what a rater decided.

    Raises
    ------
    InputError
        If the file is no decisions file of this study; the message says what is wrong with it.
    """
    content = _json_object(path)
    if content.get("study") != key.study:
        told = content.get("study")
        if not isinstance(told, str):
            raise InputError(f"{path} is no file of decisions: it names no study")
        raise InputError(f"{path} belongs to another study ({told}, this one is {key.study})")
    rater, given = content.get("rater"), content.get("decisions")
    if not isinstance(rater, str) or not rater.strip():
        raise InputError(f"{path} does not say who decided: its rater is missing")
    if not isinstance(given, list):
        raise InputError(f"{path} holds no list of decisions")
    answers: dict[str, str] = {}
    for number, one in enumerate(given, 1):
        item, answer = _decision(path, number, one, key)
        if item in answers:
            raise InputError(f"{path}: item {item} is decided twice")
        if answer is not None:
            answers[item] = answer
    if not answers:
        raise InputError(f"{path} holds no answer")
    return Decisions(path, rater.strip(), answers)


def _decision(path: Path, number: int, one: Any, key: StudyKey) -> tuple[str, str | None]:
    item = one.get("item") if isinstance(one, dict) else None
    if not isinstance(item, str) or item not in key.actual:
        raise InputError(f"{path}: decision {number} is about an item that the study does not have ({item})")
    answer = one.get("answer")
    if answer is not None and answer not in ANSWERS:
        raise InputError(f'{path}: item {item} is answered "{answer}": real and generated are known')
    return item, answer


def _json_object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the name")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON (damaged or cut short?): {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no JSON object")
    return content
