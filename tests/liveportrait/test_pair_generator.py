"""A photo becomes a pair: the rules with known networks, and the whole path with tiny real ones."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fake_networks import FakeNetworks

from afet_video.errors import SettingsError
from afet_video.liveportrait import (
    EXPRESSIONS,
    DrivingFace,
    LivePortraitPairs,
    PairSettings,
    Portrait,
    expression_named,
    pasted_back,
    ramp_shares,
)
from afet_video.liveportrait.algebra import resting_expression


@pytest.fixture
def portraits(real_faces: Mapping[str, Any]) -> Mapping[str, Portrait]:
    return {name: Portrait(face.rgb, face.xyz) for name, face in real_faces.items()}


def red(portrait: Portrait, level: int) -> Portrait:
    """The same face; the fake networks take its redness for its expression."""
    picture = portrait.rgb.copy()
    picture[..., 0] = level
    return Portrait(picture, portrait.landmarks)


def test_strength_zero_is_the_neutral(portraits: Mapping[str, Portrait]) -> None:
    generator = LivePortraitPairs(FakeNetworks())
    pair = generator.generate_pair(portraits["neutral"], expression_named("smile"), settings=PairSettings(strength=0.0))
    np.testing.assert_array_equal(pair.expressive, pair.neutral)
    assert pair.neutral.shape == (128, 128, 3)
    assert pair.strength == 0
    assert pair.origin == "fake"


@pytest.mark.parametrize("name", sorted(EXPRESSIONS))
def test_every_named_expression_moves_points_in_proportion(name: str, portraits: Mapping[str, Portrait]) -> None:
    networks = FakeNetworks()
    ramp = LivePortraitPairs(networks).generate_ramp(
        portraits["neutral"], expression_named(name), shares=(0.5, 1.0, 2.0)
    )
    assert [pair.strength for pair in ramp] == [0.5, 1.0, 2.0]
    rest, half, full, double = networks.painted
    assert np.abs(full - rest).max() > 0.001
    np.testing.assert_allclose(half - rest, (full - rest) / 2, atol=1e-6)
    np.testing.assert_allclose(double - rest, (full - rest) * 2, atol=1e-6)


def test_the_photo_at_rest_is_painted_where_it_is(portraits: Mapping[str, Portrait]) -> None:
    networks = FakeNetworks()
    LivePortraitPairs(networks).generate_pair(portraits["neutral"], expression_named("smile"))
    source = networks.motion(np.zeros((64, 64, 3), np.uint8))
    assert ("lips", 0.0) not in networks.asked
    assert not any(asked[0] == "eyes" for asked in networks.asked)
    assert networks.painted[0].shape == source.placed().shape


def test_an_open_mouth_and_shut_eyes_are_brought_to_rest(portraits: Mapping[str, Portrait]) -> None:
    networks = FakeNetworks()
    shut = portraits["jaw"].landmarks.copy()
    shut[159], shut[386] = shut[145], shut[374]
    photo = Portrait(portraits["jaw"].rgb, shut)
    generator = LivePortraitPairs(networks)
    generator.generate_pair(photo, expression_named("smile"))
    assert networks.asked == [("eyes", 0.39), ("lips", 0.0), ("stitch",)]
    at_rest = networks.painted[0]
    networks.asked.clear()
    generator.generate_pair(photo, expression_named("smile"), settings=PairSettings(rest=False))
    assert networks.asked == [("stitch",)]
    np.testing.assert_allclose(at_rest - networks.painted[2], 0.03, atol=1e-6)


def test_an_expression_of_the_lips_is_not_shut_again(portraits: Mapping[str, Portrait]) -> None:
    networks = FakeNetworks()
    settings = PairSettings(stitch=False)
    LivePortraitPairs(networks).generate_pair(portraits["jaw"], expression_named("open-mouth"), settings=settings)
    assert networks.asked == [("lips", 0.0), ("lips", 0.5)]
    rest, apex = networks.painted
    np.testing.assert_allclose(apex - rest, 0.0, atol=1e-6)  # both shifts are alike in the fake


def test_a_driving_face_with_its_neutral_changes_by_the_difference(portraits: Mapping[str, Portrait]) -> None:
    networks = FakeNetworks()
    neutral, driving = red(portraits["neutral"], 100), red(portraits["neutral"], 151)
    generator = LivePortraitPairs(networks)
    generator.generate_pair(portraits["rest"], DrivingFace(driving, neutral))
    rest, apex = networks.painted
    np.testing.assert_allclose(apex - rest, 1.5 * 0.2, atol=0.01)  # scale times 51 of 255
    generator.generate_pair(portraits["rest"], DrivingFace(neutral, neutral))
    np.testing.assert_array_equal(networks.painted[-1], networks.painted[-2])


def test_a_driving_face_alone_is_compared_with_lips_at_rest(portraits: Mapping[str, Portrait]) -> None:
    networks = FakeNetworks()
    LivePortraitPairs(networks).generate_pair(portraits["rest"], DrivingFace(red(portraits["neutral"], 102)))
    rest, apex = networks.painted
    red_share = float(np.median((apex - rest) / 1.5 + resting_expression()))
    np.testing.assert_allclose(apex - rest, 1.5 * (red_share - resting_expression()), atol=1e-5)


def test_absolute_takes_the_pose_and_relative_does_not(portraits: Mapping[str, Portrait]) -> None:
    turned = Portrait(np.full_like(portraits["neutral"].rgb, 255), portraits["neutral"].landmarks)
    moves = {}
    for mode in ("relative", "absolute"):
        networks = FakeNetworks()
        settings = PairSettings(mode=mode, region="pose")  # type: ignore[arg-type]
        LivePortraitPairs(networks).generate_pair(portraits["rest"], DrivingFace(turned), settings=settings)
        moves[mode] = np.abs(networks.painted[1] - networks.painted[0]).max()
    assert moves["relative"] == 0
    assert moves["absolute"] > 0.1


def test_a_ramp_paints_what_stays_once(portraits: Mapping[str, Portrait]) -> None:
    networks = FakeNetworks()
    shares = ramp_shares(1.0, 20)
    pairs = list(
        LivePortraitPairs(networks).generate_ramp(portraits["neutral"], expression_named("smile"), shares=shares)
    )
    assert len(pairs) == 20
    changes = sum(1 for before, after in pairwise(shares.round(6)) if after not in (before, 0))
    assert len(networks.painted) == 1 + changes < 18
    assert np.shares_memory(pairs[0].expressive, pairs[-1].neutral)
    brightness = [float(pair.expressive.mean()) for pair in pairs]
    assert int(np.argmin(brightness)) == int(shares.argmax())


def test_what_is_pasted_back_stays_in_the_crop(portraits: Mapping[str, Portrait]) -> None:
    photo = portraits["neutral"]
    pair = LivePortraitPairs(FakeNetworks()).generate_pair(photo, expression_named("smile"))
    result = pasted_back(pair, photo.rgb, np.zeros_like(pair.expressive))
    nose = photo.landmarks[1, :2].round().astype(int)
    assert result[nose[1], nose[0]].max() == 0
    assert (result[:, 0] == photo.rgb[:, 0]).all()
    assert pair.paste_mask.shape == (128, 128)


def test_nonsense_is_refused(portraits: Mapping[str, Portrait]) -> None:
    with pytest.raises(SettingsError, match=r'no expression "joy": choose one of brow-raise, .*smile'):
        expression_named("joy")
    for wrong in ({"strength": 3.0}, {"mode": "both"}, {"region": "chin"}):
        with pytest.raises(SettingsError):
            PairSettings(**wrong)
    with pytest.raises(ValueError, match="uint8"):
        Portrait(portraits["neutral"].rgb.astype(np.float32), portraits["neutral"].landmarks)
    with pytest.raises(ValueError, match=r"\(478, 3\)"):
        Portrait(portraits["neutral"].rgb, np.full((478, 3), np.nan, np.float32))


@pytest.mark.needs("torch")
class TestTinyNetworks:
    """The whole path: crop, motion, warp, paint, paste back."""

    @pytest.fixture
    def generator(self, tiny_modules: Any, tiny: Any) -> LivePortraitPairs:
        from afet_video.liveportrait.torch_backend import TorchNetworks

        return LivePortraitPairs(TorchNetworks(tiny_modules, tiny, device="cpu"))

    def test_a_named_expression(self, generator: LivePortraitPairs, portraits: Mapping[str, Portrait]) -> None:
        photo = portraits["neutral"]
        pair = generator.generate_pair(photo, expression_named("smile"))
        again = generator.generate_pair(photo, expression_named("smile"))
        np.testing.assert_array_equal(pair.expressive, again.expressive)
        assert pair.neutral.std() > 5
        assert np.abs(pair.neutral.astype(int) - pair.expressive.astype(int)).max() >= 3
        result = pasted_back(pair, photo.rgb, pair.expressive)
        assert result.shape == photo.rgb.shape
        assert (result[:, :3] == photo.rgb[:, :3]).all()

    def test_a_driving_picture(self, generator: LivePortraitPairs, portraits: Mapping[str, Portrait]) -> None:
        driving = DrivingFace(portraits["smile"], portraits["rest"])
        pair = generator.generate_pair(portraits["neutral"], driving, settings=PairSettings(strength=2.0))
        assert (pair.neutral != pair.expressive).any()
        # S with random weights is not the identity: only without it does no change mean no change.
        plain = PairSettings(stitch=False)
        itself = generator.generate_pair(
            portraits["neutral"], DrivingFace(portraits["rest"], portraits["rest"]), settings=plain
        )
        np.testing.assert_array_equal(itself.neutral, itself.expressive)

    def test_the_ramp_goes_through_the_pair(
        self, generator: LivePortraitPairs, portraits: Mapping[str, Portrait]
    ) -> None:
        smile = expression_named("smile")
        start, apex = generator.generate_ramp(portraits["neutral"], smile, shares=(0.0, 1.0))
        pair = generator.generate_pair(portraits["neutral"], smile)
        np.testing.assert_array_equal(start.expressive, pair.neutral)
        np.testing.assert_array_equal(apex.expressive, pair.expressive)
