"""Whether somebody else has come into the picture, beside the frames.

in: pictures now and then -> out: whether more than one face was in one of them.  Must not: hold a frame up, or say who
it is.
"""

from __future__ import annotations

import threading

import numpy as np

from afet_video.datatypes import ByteArray
from afet_video.face.landmarker import FaceLandmarker, LandmarkerSettings
from afet_video.live.aside import Aside

LOOK_EVERY_S = 2.0
"""How often it is looked who else is there: a look takes as long as all the rest of a frame, and who is followed stays
so."""


class Bystanders:
    """Looks at the whole picture with a landmarker of its own.

    Raises
    ------
    ModelFileError
        If the model file is missing or damaged.
    """

    def __init__(self, settings: LandmarkerSettings) -> None:
        self._landmarker = FaceLandmarker(settings)
        self._looked_at = -np.inf
        self._seen = threading.Event()

    def load(self) -> None:
        """Load the model."""
        self._landmarker.load("IMAGE")

    def look(self, rgb: ByteArray, seconds: float, aside: Aside) -> None:
        """Take a picture (h, w, 3) that nobody will change, if it is time for a look."""
        if seconds - self._looked_at >= LOOK_EVERY_S and aside.offer(lambda: self._find(rgb)):
            self._looked_at = seconds

    def have_come(self) -> bool:
        """Return whether somebody was seen beside the one who is followed, once."""
        has_come = self._seen.is_set()
        self._seen.clear()
        return has_come

    def close(self) -> None:
        """Release the model."""
        self._landmarker.close()

    def _find(self, rgb: ByteArray) -> None:
        if len(self._landmarker.detect_image(rgb)) > 1:
            self._seen.set()
