"""The model of a person in the clothes of the profile that is shown now.

in: what was learnt, settings -> out: a `FaceModel`.  Must not: learn, or change what is shown between frames.
"""

from __future__ import annotations

from typing import Any

from afet_video.face.palsy import fold_lost
from afet_video.live.learn import Learned
from afet_video.passes.prepare import FaceModel, dressed_model
from afet_video.passes.settings import ConvertSettings

_FOLD_STEPS = 10
"""The fold is flattened anew in steps of a tenth: a slider must not cost a frame at every move."""


class Wardrobe:
    """Makes a model anew only if the settings ask for something that it was not made for."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._learned: Learned | None = None
        self._model: FaceModel | None = None

    def model(self, learned: Learned, settings: ConvertSettings) -> FaceModel:
        """Return the model for these settings."""
        key = _key(learned, settings)
        if self._model is None or learned is not self._learned or key != self._key:
            if key == _key(learned, learned.settings):
                self._model = learned.model
            else:
                known = learned.model
                self._model = dressed_model(
                    known.rest, known.palsy, known.cover, known.rims, learned.neutrals, settings
                )
            self._learned, self._key = learned, key
        return self._model


def _key(learned: Learned, settings: ConvertSettings) -> tuple[Any, ...]:
    lost = fold_lost(settings.profile, learned.model.palsy)
    return settings.profile.side, round(_FOLD_STEPS * lost), settings.splice, settings.mask
