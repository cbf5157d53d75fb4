"""What the controls of the page do to the session.

in: control messages -> out: calls of the session, and what the page shows of it.  Must not: know a socket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from afet_video.datatypes import ZONES, Side
from afet_video.errors import SettingsError
from afet_video.live.controls import Controls as Desk
from afet_video.live.results import Session
from afet_video.live_web.messages import MAX_SIZE_WH, MessageError
from afet_video.profiles import PRESETS


class Controls:
    """Carries out what the page asks for.

    `shows_points`: whether the page wants landmarks and midline with each result.

    Parameters
    ----------
    session : what the palsy is set at.
    desk : starts and ends recordings, with what all front-ends have in common.
    """

    def __init__(self, session: Session, desk: Desk) -> None:
        self.shows_points = False
        self._session = session
        self._desk = desk
        self._chosen: str | None = None
        self._actions: Mapping[str, Callable[[Any], None]] = {
            "side": self._choose_side,
            "preset": self._choose_preset,
            "kept": self._keep_movement,
            "points": self._show_points,
            "recalibrate": self._recalibrate,
            "record": self._toggle_recording,
        }

    def apply(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a control message says and return the answer for the page.

        Raises
        ------
        MessageError
            If it is a message that the page never sends.
        """
        action = self._actions.get(message["type"])
        if action is None:
            raise MessageError("a control message of an unknown type")
        try:
            action(message.get("value"))
        except SettingsError as error:
            return {"type": "refused", "text": str(error), "profile": self.profile()}
        return {"type": "profile", "profile": self.profile()}

    def welcome(self, *, is_new: bool) -> dict[str, Any]:
        """Return what a page must know to draw its controls; for a new one everything about the person starts anew."""
        self.shows_points = False
        if is_new:
            self._session.recalibrate()
        return {
            "presets": {name: preset.shows for name, preset in PRESETS.items()},
            "zones": list(ZONES),
            "max_size": list(MAX_SIZE_WH),
            "profile": self.profile(),
        }

    def profile(self) -> dict[str, Any]:
        """Return the palsy shown now; `preset` is None where the values are nobody's but the user's own."""
        profile = self._session.profile
        return {
            "side": profile.side.value,
            "preset": self._preset_name(),
            "kept": dict(zip(ZONES, profile.kept, strict=True)),
        }

    def recording(self) -> dict[str, Any]:
        """Return whether a recording runs, and a line about it."""
        return {"is_on": self._desk.recorder is not None, "text": self._desk.trouble or self._desk.note}

    def _preset_name(self) -> str | None:
        profile = replace(self._session.profile, side=Side.LEFT)
        names = [name for name, preset in PRESETS.items() if preset.profile == profile]
        return self._chosen if self._chosen in names else next(iter(names), None)

    def _choose_side(self, value: Any) -> None:
        if value not in list(Side):
            raise MessageError("a side that is neither left nor right")
        self._session.choose_side(Side(value))

    def _choose_preset(self, value: Any) -> None:
        if not isinstance(value, str):
            raise MessageError("a preset that is not a name")
        self._session.choose_preset(value)
        self._chosen = value

    def _keep_movement(self, value: Any) -> None:
        if not isinstance(value, dict) or not all(isinstance(share, int | float) for share in value.values()):
            raise MessageError("movement kept that is not zone and share")
        self._session.keep_movement(value)

    def _show_points(self, value: Any) -> None:
        self.shows_points = value is True

    def _recalibrate(self, _: Any) -> None:
        self._session.recalibrate()

    def _toggle_recording(self, _: Any) -> None:
        self._desk.toggle_recording()
