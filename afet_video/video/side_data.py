"""What a decoder hands over beside a picture: rotation, HDR metadata.

in: a decoded picture, a name -> out: bytes.  Must not: know what they mean.
"""

from __future__ import annotations

from typing import Any

import av


def side_data(picture: av.VideoFrame, name: str) -> bytes | None:
    """Return the side data of a picture by the name of its type (of `av.sidedata.sidedata.Type`), None if not there."""
    found: Any = picture.side_data  # a mapping; what iterating it gives differs between PyAV 18 and 19
    data = found.get(name)
    return None if data is None else bytes(data)
