from __future__ import annotations

import ast
import inspect
from importlib import metadata
from pathlib import Path

import pytest

import afet_video
from afet_video import errors


def test_all_is_sorted_and_true() -> None:
    assert afet_video.__all__ == sorted(afet_video.__all__)
    assert len(set(afet_video.__all__)) == len(afet_video.__all__)
    for name in afet_video.__all__:
        assert getattr(afet_video, name) is not None
    assert set(afet_video.__all__) <= set(dir(afet_video))


def test_every_error_is_public_and_of_one_family() -> None:
    defined = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert {name for name in afet_video.__all__ if name.endswith("Error")} == defined
    assert all(issubclass(getattr(afet_video, name), afet_video.AfetError) for name in defined)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'covnert'"):
        _ = afet_video.covnert  # type: ignore[attr-defined]


def test_the_error_tree_in_the_docstring_names_every_error() -> None:
    drawn = (errors.__doc__ or "").split()
    assert [name for name in vars(errors) if name.endswith("Error") and name not in drawn] == []


@pytest.mark.parametrize("name", [name for name in afet_video.__all__ if not name.startswith("_")])
def test_options_are_given_by_name_and_everything_is_documented(name: str) -> None:
    public = getattr(afet_video, name)
    assert inspect.getdoc(public)
    if not inspect.isfunction(public):
        return
    for parameter in inspect.signature(public).parameters.values():
        assert parameter.annotation is not parameter.empty
        if parameter.default is not parameter.empty:
            assert parameter.kind is parameter.KEYWORD_ONLY, f"{name}({parameter.name})"


def test_the_version_is_said_once() -> None:
    try:
        installed = metadata.version("afet-video")
    except metadata.PackageNotFoundError:
        pytest.skip("runs from a clone that is not installed")
    assert installed == afet_video.__version__


def test_a_type_checker_sees_what_the_package_gives() -> None:
    """The lazy names and those imported under TYPE_CHECKING are the same."""
    tree = ast.parse(Path(afet_video.__file__).read_text(encoding="utf-8"))
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(afet_video.__all__) - {"__version__"}


def test_a_profile_takes_words_and_refuses_nonsense() -> None:
    assert afet_video.PalsyProfile(side="right").side is afet_video.Side.RIGHT  # type: ignore[arg-type]
    with pytest.raises(afet_video.SettingsError, match=r'profile\.side is "both": give "left" or "right"'):
        afet_video.PalsyProfile(side="both")  # type: ignore[arg-type]
    for share in (-0.1, 1.5, float("nan")):
        with pytest.raises(afet_video.SettingsError, match=r"profile\.movement_kept is .*: give a share from 0 to 1"):
            afet_video.PalsyProfile(movement_kept=share)
