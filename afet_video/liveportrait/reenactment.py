"""One face under the motion of other frames of the same head: what a video needs, one frame after the other.

in: a frame at rest, then any frames, each with landmarks -> out: pictures that fit into those frames' own crops.
Must not: find faces, read files, remember a frame.

The appearance is the resting frame's. A frame gives the head's pose, as its own crop shows it, so that what is painted
lies where the head lies; the correction S is left out, as it fits a crop into the photo that it was cut from and not
into another frame. What is behind the head is the resting frame's too, and goes with the head.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from afet_video.datatypes import ByteArray, FloatArray
from afet_video.liveportrait.algebra import Motion, between, resting_expression
from afet_video.liveportrait.backend import Networks
from afet_video.liveportrait.crop import Crop
from afet_video.liveportrait.pair import Portrait, seen


@dataclass(frozen=True, slots=True, eq=False)
class SeenHead:
    """A frame's head: where its crop lies in the frame, and what M says of it there."""

    crop: Crop
    motion: Motion


class Reenactment:
    """Paints one face, whose appearance is taken once.

    Parameters
    ----------
    networks : a back-end.
    resting : the face at rest.

    Raises
    ------
    FaceError
        If the face is too small.
    """

    def __init__(self, networks: Networks, resting: Portrait) -> None:
        _, picture = seen(networks, resting)
        self._networks = networks
        self._appearance = networks.appearance(picture)
        self._motion = networks.motion(picture)

    def look(self, frame: Portrait) -> SeenHead:
        """Return the head of a frame of the same person.

        Raises
        ------
        FaceError
            If the face is too small.
        """
        crop, picture = seen(self._networks, frame)
        return SeenHead(crop, self._networks.motion(picture))

    def intermediates(self, head: SeenHead, shares: Iterable[float]) -> Iterator[tuple[float, ByteArray]]:
        """Yield for each share a picture (S, S, 3) of the crop: 0 is the face at rest, 1 the frame's own expression."""
        rest = self._points(head, self._motion.expression)
        apex = self._points(head, head.motion.expression)
        for share in shares:
            yield share, self._paint(between(rest, apex, share))

    def with_added(self, head: SeenHead, change: FloatArray) -> ByteArray:
        """Return the picture (S, S, 3) of the face at rest with a change of expression (K, 3) added."""
        return self._paint(self._points(head, self._motion.expression + change))

    def _points(self, head: SeenHead, expression: FloatArray) -> FloatArray:
        """Return the keypoints (K, 3) of this person in the head's pose."""
        return replace(head.motion, keypoints=self._motion.keypoints, expression=expression).placed()

    def _paint(self, points: FloatArray) -> ByteArray:
        return self._networks.paint(self._appearance, self._motion.placed(), points)


def expression_change(networks: Networks, face: Portrait) -> FloatArray:
    """Return by how much (K, 3) a face's expression differs from that of lips at rest, on average over people.

    Raises
    ------
    FaceError
        If the face is too small.
    """
    return networks.motion(seen(networks, face)[1]).expression - resting_expression()
