"""The errors a user can meet.

in: nothing.  out: exception types.  Must not: import anything of the package.

::

    AfetError                    everything below; the CLI prints it as one line, exit code 1
    ├── InputError               the source cannot be used (missing, empty, not a video, no video stream)
    │   └── DecodeError          the source is a video, but its pictures cannot be decoded
    ├── OutputError              the target cannot be written (exists, same as source, folder, disk full)
    │   └── EncodeError          the container or codec refuses what it is asked to hold
    ├── FaceError
    │   ├── NoFaceError          no face where one is needed
    │   └── NoNeutralError       the neutral asked for is not in the video, or shows no face
    ├── MidlineError             too few midline landmarks to fit a curve
    ├── ModelFileError           a model file is missing or is not the expected one
    ├── TrackFileError           a landmark track file cannot be read or written
    └── SettingsError            a setting is unknown or out of range

Every message says what, where, and what to do, in one line.
"""


class AfetError(Exception):
    """Base of every error that afet-video raises on purpose."""


class InputError(AfetError):
    """The source cannot be used."""


class DecodeError(InputError):
    """The source is a video, but its pictures cannot be decoded."""


class OutputError(AfetError):
    """The target cannot be written."""


class EncodeError(OutputError):
    """The container or codec refuses what it is asked to hold."""


class FaceError(AfetError):
    """Base of errors about the face in the picture."""


class NoFaceError(FaceError):
    """No face where one is needed."""


class NoNeutralError(FaceError):
    """The neutral asked for is not in the video, or shows no face."""


class MidlineError(FaceError):
    """Too few midline landmarks to fit a curve."""


class ModelFileError(AfetError):
    """A model file is missing or is not the expected one."""


class TrackFileError(AfetError):
    """A landmark track file cannot be read or written."""


class SettingsError(AfetError):
    """A setting is unknown or out of range."""
