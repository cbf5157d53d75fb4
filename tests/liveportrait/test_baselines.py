"""The paper's comparisons can be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from fake_networks import FakeNetworks

from afet_video.liveportrait import LivePortraitPairs, PairSettings, Portrait, expression_named
from afet_video.liveportrait.baselines import intermediates, reenacted, spliced_by_columns


def test_a_palsy_picture_drives_the_photo_as_it_is(real_faces: Mapping[str, Any]) -> None:
    networks = FakeNetworks()
    palsy = real_faces["jaw"].rgb.copy()
    palsy[..., 0] = 250
    photo = Portrait(real_faces["jaw"].rgb, real_faces["jaw"].xyz)
    pair = reenacted(LivePortraitPairs(networks), photo, Portrait(palsy, real_faces["jaw"].xyz))
    assert networks.asked == [("stitch",)]  # lips stay open
    assert pair.expressive.mean() < pair.neutral.mean()


def test_intermediates_go_from_neutral_to_apex(real_faces: Mapping[str, Any]) -> None:
    photo = Portrait(real_faces["neutral"].rgb, real_faces["neutral"].xyz)
    generator = LivePortraitPairs(FakeNetworks())
    shares, pictures = zip(*intermediates(generator, photo, expression_named("smile"), count=5), strict=True)
    assert shares == (0.0, 0.25, 0.5, 0.75, 1.0)
    pair = generator.generate_pair(photo, expression_named("smile"), settings=PairSettings())
    np.testing.assert_array_equal(pictures[0], pair.neutral)
    np.testing.assert_array_equal(pictures[-1], pair.expressive)
    brightness = [picture.mean() for picture in pictures]
    assert brightness == sorted(brightness, reverse=True)
    with pytest.raises(ValueError, match="at least both ends"):
        next(intermediates(generator, photo, expression_named("smile"), count=1))


def test_each_column_is_of_the_picture_with_its_alpha() -> None:
    shares = np.linspace(0, 1, 5)
    pictures = [(float(share), np.full((4, 9, 3), round(100 * share), np.uint8)) for share in shares]
    alpha = np.tile(np.linspace(0, 1, 9, dtype=np.float32), (4, 1))
    result = spliced_by_columns(iter(pictures), alpha)
    assert result[0, :, 0].tolist() == [0, 25, 25, 50, 50, 75, 75, 100, 100]
    np.testing.assert_array_equal(spliced_by_columns(pictures, np.zeros((4, 9), np.float32)), pictures[0][1])


def test_pictures_that_do_not_fit_are_refused() -> None:
    picture = np.zeros((4, 9, 3), np.uint8)
    alpha = np.zeros((4, 9), np.float32)
    with pytest.raises(ValueError, match="no pictures"):
        spliced_by_columns([], alpha)
    with pytest.raises(ValueError, match="rise strictly"):
        spliced_by_columns([(0.0, picture), (0.0, picture)], alpha)
    with pytest.raises(ValueError, match="does not fit alpha"):
        spliced_by_columns([(0.0, picture)], alpha.T)
