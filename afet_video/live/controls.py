"""What a person at the controls can do, whatever front-end they sit at.

in: wishes -> out: a session, a recorder and a view that follow them.  Must not: read keys or draw.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, replace
from pathlib import Path

from afet_video.datatypes import ZONES
from afet_video.draw import write_png
from afet_video.errors import OutputError
from afet_video.live.record import Recorder, free_name
from afet_video.live.results import LiveResult
from afet_video.live.session import LiveSession
from afet_video.profiles import PRESETS

STEP = 0.1
"""Share of movement that a key adds or takes."""


NOTE_S = 6.0
"""How long a note stays on the screen."""


@dataclass(frozen=True, slots=True)
class View:
    """How the picture is shown: `mirror` as in a mirror, `marks` landmarks and midline, `split` source beside it."""

    mirror: bool = True
    marks: bool = False
    split: bool = False
    help: bool = False


class Controls:
    """The controls of one session.

    Parameters
    ----------
    record : where recordings go; None = a name made of the time, in the current folder.
    source : what the camera is called.
    """

    def __init__(self, session: LiveSession, view: View, *, record: Path | None, source: str) -> None:
        self.session, self.view = session, view
        self.recorder: Recorder | None = None
        self.preset = ""
        self.zone = ZONES[0]
        self._note, self._noted_at = "", 0.0
        self._record, self._source = record, source

    @property
    def note(self) -> str:
        """What was just done, for some seconds."""
        return self._note if time.monotonic() - self._noted_at < NOTE_S else ""

    @note.setter
    def note(self, text: str) -> None:
        self._note, self._noted_at = text, time.monotonic()

    def take(self, result: LiveResult) -> None:
        """Record a result, if a recording runs."""
        recorder = self.recorder
        if recorder is not None:
            recorder.put(result)
            learned = self.session.learned
            if learned is not None:
                recorder.know(learned.neutrals[0].choice, result.row.face_id)

    def toggle_side(self) -> None:
        """Take the other side."""
        self.session.choose_side(self.session.profile.side.other)

    def next_preset(self, step: int = 1) -> None:
        """Take the next preset of the list, or with -1 the one before."""
        names = list(PRESETS)
        place = names.index(self.preset) if self.preset in names else (-1 if step > 0 else 0)
        self.preset = names[(place + step) % len(names)]
        self.session.choose_preset(self.preset)

    def keep(self, zone: str, share: float) -> None:
        """Set the movement kept of a zone, cut to 0..1."""
        self.session.keep_movement({zone: min(max(round(share, 3), 0.0), 1.0)})

    def kept(self, zone: str) -> float:
        """Return the movement kept of a zone."""
        return self.session.profile.kept[ZONES.index(zone)]

    def toggle(self, name: str) -> None:
        """Turn a part of the view on or off."""
        self.view = replace(self.view, **{name: not getattr(self.view, name)})

    def toggle_recording(self, *, overwrite: bool = False) -> None:
        """Start or end a recording; what goes wrong becomes a note."""
        if self.recorder is not None:
            self.stop_recording()
            return
        try:
            self.start_recording(overwrite=overwrite)
        except OutputError as error:
            self.note = str(error)

    def start_recording(self, *, overwrite: bool = False) -> None:
        """Start a recording.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        path = self._record or Path(f"afet-live-{_now()}.mp4")
        path = path if overwrite else free_name(path)
        settings = self.session.settings
        self.recorder = Recorder(path, settings=settings, source=self._source, overwrite=overwrite)
        self.note = f"recording {path}"

    def stop_recording(self) -> Recorder | None:
        """End the recording that runs, and return it."""
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            recorder.close()
            left_out = f", {recorder.dropped} left out" if recorder.dropped else ""
            self.note = recorder.problem or f"{recorder.path}: {recorder.frames} frames{left_out}"
        return recorder

    def snapshot(self, result: LiveResult) -> None:
        """Write the result, not mirrored, as a PNG marked as synthetic, beside the recording."""
        folder = self._record.parent if self._record is not None else Path()
        path = free_name(folder / f"afet-live-{_now()}.png")
        try:
            write_png(path, result.result)
            self.note = f"snapshot {path}"
        except OutputError as error:
            self.note = str(error)

    @property
    def trouble(self) -> str:
        """One line on what went wrong with the recording, "" if nothing did."""
        return self.recorder.problem if self.recorder is not None else ""


def _now() -> str:
    return dt.datetime.now(dt.UTC).astimezone().strftime("%Y%m%d-%H%M%S")
