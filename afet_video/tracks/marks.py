"""The mark of synthetic data in a track file.

in: .parquet, .npz -> out: the digital source type it names.  Must not: read the rows.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_KEY = "digital_source_type"


def read_track_mark(path: Path) -> str | None:
    """Return the digital source type (its last part, e.g. "compositeSynthetic") that a track names.

    None if it names none: tracks in CSV cannot, and what is no track does not.
    """
    try:
        if path.suffix.lower() == ".parquet":
            metadata = pq.read_metadata(str(path)).metadata or {}
            value = metadata.get(_KEY.encode(), b"").decode("utf-8", "replace")
        elif path.suffix.lower() == ".npz":
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                value = json.loads(str(archive["about"])).get(_KEY, "")
        else:
            return None
    except (pa.ArrowException, zipfile.BadZipFile, OSError, ValueError, KeyError, AttributeError, EOFError):
        return None
    return str(value).rpartition("/")[2] or None
