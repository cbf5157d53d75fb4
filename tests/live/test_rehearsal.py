"""What is compiled or loaded for the first changed frame is there before it comes."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np

from afet_video.live.learn import Learner
from afet_video.live.rehearsal import REHEARSAL, made_up_lesson, rehearse
from afet_video.live.settings import LiveSettings
from tests.conftest import ROOT

FIRST_FRAMES = """
import pathlib, sys, time
from fractions import Fraction
import numba
import afet_video
from afet_video.live.results import LiveState
from afet_video.live.session import LiveSession
from afet_video.live.settings import LiveSettings
from afet_video.video.decode import VideoReader

def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith("afet_video")]
    parts = {id(part): part for module in modules for part in vars(module).values()}
    return sum(len(part.signatures) for part in parts.values() if isinstance(part, numba.core.dispatcher.Dispatcher))

pictures = [frame.rgb() for frame in VideoReader(pathlib.Path(sys.argv[1]))]
calm, smile = pictures[30:44], pictures[176:185]
with LiveSession(LiveSettings(calibration_s=0.4)) as session:
    index = 0
    def play(picture):
        global index
        index += 1
        return session.process(picture, afet_video.Timestamp(40 * index, Fraction(1, 1000)))
    until = time.monotonic() + 270
    before = 0
    while session.learned is None and time.monotonic() < until:
        before = compiled()
        result = play(calm[index % len(calm)])
        time.sleep(0.02)
    results = [play(picture) for picture in smile]
assert results[-1].state is LiveState.LIVE and results[-1].row.strength == 1
assert (results[-1].result != results[-1].source).any()
print(before, compiled())
"""


def test_the_first_live_frames_need_no_compiling() -> None:
    command = [sys.executable, "-c", FIRST_FRAMES, str(ROOT / "samples" / "webcam.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    before, after = map(int, done.stdout.split())
    assert before == after
    assert before > 5


def test_a_rehearsal_goes_through_the_whole_method() -> None:
    lesson = made_up_lesson(LiveSettings().convert, LiveSettings().landmark_filter)
    assert lesson.number == REHEARSAL
    learned = pickle.loads(pickle.dumps(Learner().learn(lesson)))
    eye = learned.model.bank[0].eye
    assert learned.model.cover._last is None
    rehearse(learned)
    assert learned.model.cover._last is not None  # pixels were changed, not landmarks alone
    assert eye._shut_since is not None


def test_the_made_up_face_is_the_same_every_time() -> None:
    one, other = (made_up_lesson(LiveSettings().convert, LiveSettings().landmark_filter) for _ in range(2))
    for a, b in zip(one.sightings, other.sightings, strict=True):
        assert np.array_equal(a.xyz, b.xyz) and np.array_equal(a.picture, b.picture)
        assert np.isfinite(a.xyz).all()
