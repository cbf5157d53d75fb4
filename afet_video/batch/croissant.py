"""The data set described in Croissant, the format that search engines for data sets read.

in: the finished folder -> out: `croissant.json`, if its own library finds no error.  Must not: claim a licence.
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from afet_video.batch.dataset import TABLE, write_atomically
from afet_video.errors import OutputError, SettingsError
from afet_video.tracks import sha256_file

NAME = "croissant.json"


def check_croissant() -> None:
    """Raise `SettingsError` if the library is not installed."""
    try:
        import mlcroissant  # noqa: F401
    except ImportError as error:
        raise SettingsError("--croissant needs mlcroissant: pip install 'afet-video[croissant]'") from error


def write_croissant(root: Path) -> Path:
    """Describe the table and the videos of the data set at `root`.

    Raises
    ------
    OutputError
        If the library finds an error in the description, or the disk refuses it.
    """
    import mlcroissant as mlc

    table = mlc.FileObject(
        id="table",
        name="table",
        description="A row for each video.",
        content_url=TABLE,
        encoding_formats=["application/x-parquet"],
        sha256=sha256_file(root / TABLE),
    )
    fields = [
        mlc.Field(
            id=f"videos/{column.name}",
            name=column.name,
            description=column.name.replace("_", " "),
            data_types=[_kind(mlc, column.type)],
            source=mlc.Source(file_object="table", extract=mlc.Extract(column=column.name)),
        )
        for column in pq.read_schema(root / TABLE)
    ]
    described = mlc.Metadata(
        name="simulated-facial-palsy",
        description="Synthetic videos: facial expressions with a simulated facial palsy, landmarks of every frame.",
        version="1.0.0",
        license=["fill in"],
        url="https://example.org/fill-in",
        distribution=[table],
        record_sets=[mlc.RecordSet(id="videos", name="videos", fields=fields)],
    )
    if described.issues.errors:
        raise OutputError(f"{root / NAME}: mlcroissant refuses the description: {sorted(described.issues.errors)[0]}")
    text = json.dumps(described.to_json(), indent=2, ensure_ascii=False, default=str)
    write_atomically(root / NAME, f"{text}\n".encode())
    return root / NAME


def _kind(mlc: object, kind: pa.DataType) -> str:
    types = mlc.DataType  # type: ignore[attr-defined]
    if pa.types.is_boolean(kind):
        return str(types.BOOL)
    if pa.types.is_integer(kind):
        return str(types.INTEGER)
    return str(types.FLOAT if pa.types.is_floating(kind) else types.TEXT)
