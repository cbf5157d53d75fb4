"""What the paper compares AFET with: LivePortrait doing the work by itself.

in: a pair generator, photos -> out: pictures to be measured beside AFET's.  Must not: be used for anything else.

- Fig. 8 and the tables: LivePortrait driven directly by a picture of a person with a palsy (`reenacted`). It was
  trained on healthy faces, and the paper found that it makes the expression symmetric.
- Fig. 9: LivePortrait's own intermediate pictures in place of the morph (`intermediates`, `spliced_by_columns`). The
  paper found visible discontinuities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from afet_video.datatypes import ByteArray, ExpressionPair, FloatArray
from afet_video.liveportrait.pair import Driving, DrivingFace, PairGenerator, PairSettings, Portrait


def reenacted(
    generator: PairGenerator, photo: Portrait, palsy: Portrait, *, settings: PairSettings | None = None
) -> ExpressionPair:
    """Return the photo's face, driven by the face of a person with a palsy: `expressive` is the baseline's result.

    The photo is taken as it is: by default its lips and eyes are not brought to rest.
    """
    settings = settings or PairSettings(rest=False)
    return generator.generate_pair(photo, DrivingFace(palsy), settings=settings)


def intermediates(
    generator: PairGenerator,
    photo: Portrait,
    driving: Driving,
    *,
    count: int,
    settings: PairSettings | None = None,
) -> Iterator[tuple[float, ByteArray]]:
    """Yield `count` shares from 0 (neutral) to 1 (expressive), each with LivePortrait's picture at that share.

    Raises
    ------
    ValueError
        If `count` is below 2.
    """
    if count < 2:
        raise ValueError(f"intermediates need at least both ends, got count={count}")
    shares = np.linspace(0.0, 1.0, count)
    ramp = generator.generate_ramp(photo, driving, shares=shares, settings=settings or PairSettings())
    for share, pair in zip(shares, ramp, strict=True):
        yield float(share), pair.expressive


def spliced_by_columns(pictures: Iterable[tuple[float, ByteArray]], alpha: FloatArray) -> ByteArray:
    """Return the picture whose pixel with `alpha` comes from the intermediate with the nearest share.

    Parameters
    ----------
    pictures : shares, strictly rising, each with its picture (H, W, 3) uint8; one is held at a time.
    alpha : (H, W), 0 = neutral, 1 = expressive; in the paper it rises column by column from the midline.

    Raises
    ------
    ValueError
        If there is no picture, the shares do not rise, or a picture has another size than `alpha`.
    """
    result: ByteArray | None = None
    last = -np.inf
    for share, picture in pictures:
        if share <= last:
            raise ValueError(f"shares must rise strictly, got {share} after {last}")
        if picture.shape[:2] != alpha.shape:
            raise ValueError(f"a picture of {picture.shape} does not fit alpha {alpha.shape}")
        if result is None:
            result = picture.copy()
        else:
            nearer = alpha >= (share + last) / 2
            result[nearer] = picture[nearer]
        last = share
    if result is None:
        raise ValueError("there are no pictures to splice")
    return result
