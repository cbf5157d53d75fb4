"""Settings from and to plain mappings and TOML files.

in: mappings, TOML files -> out: nested frozen dataclasses, and back.  Must not: know any one settings class.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import math
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeVar

from afet_video.errors import SettingsError

S = TypeVar("S")

_WORDS: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def load_settings(cls: type[S], path: Path) -> S:
    """Read settings from a TOML file; what the file does not mention keeps its default.

    Raises
    ------
    SettingsError
        If the file is missing, is not TOML (the line is named), or holds an unknown key or a wrong value.
    """
    return settings_from_mapping(cls, read_toml(path), source=str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises
    ------
    SettingsError
        If the file is missing or is not TOML (the line is named).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"the settings file {path} is not a text file in UTF-8: save it as UTF-8") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"the settings file {path} is not valid TOML: {error}") from error


def settings_from_mapping(cls: type[S], mapping: Mapping[str, Any], *, source: str = "") -> S:
    """Return an instance of the settings dataclass `cls` with the values of `mapping`, nested as its fields are.

    Parameters
    ----------
    source : what the values come from (a file's name), for error messages.

    Raises
    ------
    SettingsError
        For an unknown key (the nearest known one is offered), a value of the wrong type, or one out of range.
    """
    return _Reader(cls, source).dataclass(cls, mapping, "")


def replace_nested(settings: S, changes: Mapping[str, Any], *, source: str = "") -> S:
    """Return a copy of `settings` with other values at dotted keys, as in ``{"profile.side": "right"}``.

    Raises
    ------
    SettingsError
        As `settings_from_mapping` does.
    """
    nested: dict[str, Any] = {}
    for key, value in changes.items():
        *parents, last = key.split(".")
        level = nested
        for name in parents:
            level = level.setdefault(name, {})
        level[last] = value
    return _Reader(type(settings), source).dataclass(type(settings), nested, "", base=settings)


def settings_to_mapping(settings: Any) -> dict[str, Any]:
    """Return a dataclass as nested dicts of plain values, fit for JSON and for `settings_from_mapping`.

    Enumerations become their values, paths and fractions texts, tuples lists, numbers that are not finite None.
    """
    return {field.name: _plain(getattr(settings, field.name)) for field in dataclasses.fields(settings)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return settings_to_mapping(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path | Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy numbers and arrays, without importing NumPy here
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class _Reader:
    """Turns plain values into the types that a settings class declares.

    Parameters
    ----------
    root : the outermost settings class; its keys are offered when one is misspelt.
    source : what the values come from, "" if unknown.
    """

    def __init__(self, root: type, source: str) -> None:
        self._root = root
        self._source = source
        self._suffix = f" in {source}" if source else ""

    def dataclass(self, cls: type[S], mapping: Any, key: str, *, base: S | None = None) -> S:
        """Read one (nested) settings class from `mapping`; fields not in it come from `base`, or the defaults."""
        if isinstance(mapping, cls):
            return mapping
        if not isinstance(mapping, Mapping):
            raise self._wrong(key, mapping, f"a table ([{key}]) of {', '.join(typing.get_type_hints(cls))}")
        hints = typing.get_type_hints(cls)
        values: dict[str, Any] = {}
        for name, item in mapping.items():
            dotted = f"{key}.{name}" if key else str(name)
            if name not in hints:
                raise SettingsError(self._unknown(dotted))
            nested = _settings_class(hints[name])
            if nested is None:
                values[name] = self._value(hints[name], item, dotted)
            else:
                start = _default(cls, name) if base is None else getattr(base, name)
                values[name] = self.dataclass(nested, item, dotted, base=start)
        try:
            return cls(**values) if base is None else _replace(base, values)
        except SettingsError as error:
            table = f" [{key}]" if key else ""
            where = f" (in{table}{' of' * bool(key)} {self._source})" if self._source else ""
            raise SettingsError(f"{error}{where}") from error

    def _value(self, hint: Any, value: Any, key: str) -> Any:
        origin = typing.get_origin(hint)
        if origin in (typing.Union, types.UnionType):
            return self._any_of(typing.get_args(hint), value, key)
        if origin is Literal:
            return self._choice(typing.get_args(hint), value, key)
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return hint(self._choice([member.value for member in hint], value, key))
        if origin in (tuple, list, Sequence):
            return self._sequence(hint, value, key)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return self._mapping(hint, value, key)
        return self._scalar(hint, value, key)

    def _scalar(self, hint: Any, value: Any, key: str) -> Any:
        if hint is Path and isinstance(value, str):
            return Path(value)
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise self._wrong(key, value, "a finite number")
        is_flag = isinstance(value, bool)
        if isinstance(hint, type) and isinstance(value, hint) and is_flag == (hint is bool):
            return value
        raise self._wrong(key, value, _words(hint))

    def _any_of(self, arms: Sequence[Any], value: Any, key: str) -> Any:
        if value is None and type(None) in arms:
            return None
        arms = [arm for arm in arms if arm is not type(None)]
        for arm in arms:
            try:
                return self._value(arm, value, key)
            except SettingsError:
                if len(arms) == 1:
                    raise
        raise self._wrong(key, value, " or ".join(_words(arm) for arm in arms))

    def _choice(self, allowed: Sequence[Any], value: Any, key: str) -> Any:
        value = value.value if isinstance(value, enum.Enum) else value
        if any(value == item and type(value) is type(item) for item in allowed):
            return value
        raise self._wrong(key, value, "one of " + ", ".join(map(_quoted, allowed)))

    def _sequence(self, hint: Any, value: Any, key: str) -> Any:
        arms = typing.get_args(hint)
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self._wrong(key, value, "a list")
        if typing.get_origin(hint) is tuple and arms[-1] is not Ellipsis:
            if len(value) != len(arms):
                raise self._wrong(key, value, f"a list of {len(arms)} values")
        else:
            arms = arms[:1] * len(value)
        items = [self._value(arm, item, f"{key}[{i}]") for i, (arm, item) in enumerate(zip(arms, value, strict=True))]
        return items if typing.get_origin(hint) is list else tuple(items)

    def _mapping(self, hint: Any, value: Any, key: str) -> Any:
        if not isinstance(value, Mapping):
            raise self._wrong(key, value, f"a table ([{key}])")
        of_key, of_value = typing.get_args(hint)
        return {self._value(of_key, k, key): self._value(of_value, v, f"{key}.{k}") for k, v in value.items()}

    def _wrong(self, key: str, value: Any, wanted: str) -> SettingsError:
        shown = _quoted(value) if len(_quoted(value)) <= 60 else f"{_quoted(value)[:57]}..."
        return SettingsError(f'setting "{key}"{self._suffix} is {shown}: give {wanted}')

    def _unknown(self, dotted: str) -> str:
        known = list(_dotted_keys(self._root))
        namesakes = [name for name in known if name.rpartition(".")[2] == dotted.rpartition(".")[2]]
        near = namesakes or difflib.get_close_matches(dotted, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"known settings are {', '.join(known)}"
        return f'unknown setting "{dotted}"{self._suffix}: {hint}'


def _replace(base: Any, values: dict[str, Any]) -> Any:
    return dataclasses.replace(base, **values)


def _default(cls: type, name: str) -> Any:
    """Return the default of a settings class' field, which need not be that of the field's own class; None: none."""
    field = next(field for field in dataclasses.fields(cls) if field.name == name)
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def _settings_class(hint: Any) -> Any:
    return hint if isinstance(hint, type) and dataclasses.is_dataclass(hint) else None


def _dotted_keys(cls: type, prefix: str = "") -> Iterator[str]:
    """All keys of a settings class: its tables too, each before its own keys."""
    for name, hint in typing.get_type_hints(cls).items():
        yield prefix + name
        if _settings_class(hint) is not None:
            yield from _dotted_keys(hint, f"{prefix}{name}.")


def _quoted(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _words(hint: Any) -> str:
    if hint is Path:
        return "a path"
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))
