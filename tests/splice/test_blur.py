"""How blurred a picture is, is found from its edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from afet_video.splice.blur import CRISP_PX, beyond_crisp, blur_px


@pytest.mark.parametrize("noise", [0.0, 2.0])
@pytest.mark.parametrize("blur", [2.0, 3.0, 5.0])
def test_the_blur_of_an_edge_is_found_in_noise_too(blur: float, noise: float) -> None:
    step = np.full((60, 80), 60.0, np.float32)
    step[:, 40:] = 180.0
    luma = cv2.GaussianBlur(step, (0, 0), blur) + noise * np.random.default_rng(1).standard_normal(step.shape)
    assert blur_px(luma.astype(np.float32)) == pytest.approx(blur, rel=0.15)


def test_a_crisp_picture_and_an_empty_one_are_not_blurred() -> None:
    step = np.full((60, 80), 60.0, np.float32)
    step[:, 40:] = 180.0
    assert blur_px(cv2.GaussianBlur(step, (0, 0), 0.7)) < CRISP_PX
    assert blur_px(np.full((60, 80), 60.0, np.float32)) == 0.0
    assert beyond_crisp(CRISP_PX) == 0.0
    assert beyond_crisp(5.0) == pytest.approx(np.hypot(5.0, 0.0), rel=0.05)
