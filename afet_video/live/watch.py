"""Who is before the camera, and where: detection, tracking, and knowing people again.

in: one frame after the other -> out: the face of the person followed, and whether it is somebody else.
Must not: smooth, or learn anything of the face.
"""

from __future__ import annotations

import math

from afet_video.datatypes import ByteArray, FloatArray, Landmarks
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.look import look_of
from afet_video.face.people import Stretch, identify
from afet_video.face.shots import ShotFinder
from afet_video.face.tracker import FaceTracker
from afet_video.live.aside import Aside
from afet_video.live.bystanders import LOOK_EVERY_S, Bystanders
from afet_video.live.hands import HandWatch
from afet_video.passes.settings import ConvertSettings
from afet_video.video.frame import StoredFrame


class Watcher:
    """Follows one person; use `close` at the end.

    Parameters
    ----------
    in_background : whether hands and other people are looked for beside the frames, from `load` on.

    Attributes
    ----------
    person : number of the person in sight or last seen, -1 = nobody yet.
    jumped : whether the face of the last frame does not go on from the one before.

    Raises
    ------
    ModelFileError
        If a model file is missing or damaged.
    """

    def __init__(self, settings: ConvertSettings, *, in_background: bool) -> None:
        self._settings = settings
        recheck_s = math.inf if in_background else LOOK_EVERY_S
        self._landmarker = FaceLandmarker(settings.landmarker, recheck_s=recheck_s)
        self._bystanders = Bystanders(settings.landmarker)
        self._hands = HandWatch(enabled=settings.mask.is_on)
        self._aside: Aside | None = None
        self._tracker = FaceTracker(settings.tracker, keep=False)
        self._shots = ShotFinder(keep=False)
        self._size_wh: tuple[int, int] | None = None
        self._known: Stretch | None = None
        self._stretch: Stretch | None = None
        self.person = -1
        self.jumped = False

    def load(self) -> None:
        """Load the models: at once those that the first frame needs, beside the frames the others.

        Raises
        ------
        ModelFileError
            If MediaPipe refuses a file.
        """
        self._landmarker.load("VIDEO")
        self._aside = self._aside or Aside(self._load_more)

    def close(self) -> None:
        """Close the models; closing twice does no harm."""
        if self._aside is not None:
            self._aside.close()
        self._landmarker.close()
        self._bystanders.close()
        self._hands.close()
        self._tracker.close()

    def find(self, rgb: ByteArray, frame: StoredFrame) -> Landmarks | None:
        """Return the face of the person followed in the next frame, whose picture is `rgb`; None if they are away."""
        longest = self._settings.landmarker.max_side
        small = frame.rgb(max_side=longest) if max(frame.size_wh) > longest else rgb
        maybe_cut = self._shots.update(small) or self._size_wh not in (None, frame.size_wh)
        self._size_wh = frame.size_wh
        if self._bystanders.have_come():
            self._landmarker.doubt()
        following = None if maybe_cut else self._tracker.following
        faces = self._landmarker.detect(small, timestamp=frame.timestamp, size_wh=frame.size_wh, follow=following)
        kept = self._tracker.update(
            frame.index,
            frame.timestamp,
            faces,
            lambda face: look_of(small, face.xyz, frame.size_wh),
            maybe_cut=maybe_cut,
        )
        self.jumped = False
        if not kept:
            return None
        self._recognize()
        _, face = kept[0]
        seconds = float(frame.timestamp.seconds)
        self._hands.look(small, frame.size_wh, face, seconds, self._aside)
        if self._aside is not None and self._landmarker.is_alone:
            self._bystanders.look(small, seconds, self._aside)
        return face

    def hands(self, seconds: float) -> FloatArray:
        """Return the hands (n, 21, 2) before the face, pixels of the frame."""
        return self._hands.at(seconds)

    def away_s(self, seconds: float) -> float:
        """Return for how long nobody has been in sight, 0 before anyone was."""
        return 0.0 if self._stretch is None else seconds - self._stretch.end.seconds

    def _load_more(self) -> None:
        self._hands.load()
        self._bystanders.load()

    def _recognize(self) -> None:
        """Say who it is, where a face does not simply go on."""
        stretch = self._tracker.stretch
        if stretch is None or stretch is self._stretch:
            return
        self._stretch, self.jumped = stretch, True
        if self._known is None or not _is_same(self._known, stretch):
            self.person += 1
        elif stretch.look is not None and self._known.look is not None:
            # the same one: where they are now, and how they have looked so far
            stretch.look = self._known.look.joined(stretch.look, 0.5)
        self._known = stretch


def _is_same(known: Stretch, stretch: Stretch) -> bool:
    """Whether two stretches show one person, by the rules of `convert`."""
    # All one shot: before a camera there are no cuts, and a longer absence is told by the look alone.
    people = identify([known, stretch], _OneShot())  # type: ignore[arg-type]
    return bool(people.person[0] == people.person[1])


class _OneShot:
    """The shot of every frame, however many there are."""

    def __getitem__(self, frame: int) -> int:
        return 0
