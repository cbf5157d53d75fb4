"""One clip changed by several methods; what all of them need is found once.

in: a video, methods -> out: for each method a lossless video with track and side-car.  Must not: measure.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from afet_video.comparison.method import Method
from afet_video.datatypes import Progress, ProgressCallback
from afet_video.passes.cast import Cast
from afet_video.passes.prepare import load_neutral_image
from afet_video.passes.ready import People, found_people, prepared
from afet_video.passes.report import output_hashes
from afet_video.passes.settings import ConvertSettings
from afet_video.passes.side import with_side_drawn
from afet_video.settings_io import settings_to_mapping
from afet_video.threads import prefetch, run_behind
from afet_video.tracks import open_track_writer, sha256_file, write_sidecar
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.xmp import source_type_url


def made_results(
    source: Path, folder: Path, methods: Sequence[Method], settings: ConvertSettings, on_progress: ProgressCallback
) -> Iterator[tuple[Method, Path]]:
    """Yield each method with its result in `folder`, NAME.mkv with track and side-car beside it.

    None of them may lack anything (`Method.missing`).
    """
    settings = replace(
        with_side_drawn(settings, source), encode=replace(settings.encode, codec="auto", crf=None, lossless=True)
    )
    reader = VideoReader(source)
    with found_people(reader, settings, on_progress) as people:
        for method in methods:
            target = folder / f"{method.name}.mkv"
            _make(reader, people, method, target, method.settings_for(settings), on_progress)
            yield method, target


def _make(
    reader: VideoReader,
    people: People,
    method: Method,
    target: Path,
    settings: ConvertSettings,
    on_progress: ProgressCallback,
) -> None:
    total = len(people.analysis.timestamps)
    track = target.with_name(f"{target.stem}.tracks.parquet")
    writer = VideoWriter(target, source=reader.path, info=reader.info, settings=settings.encode)
    with (
        prepared(reader, people, settings, load_neutral_image(settings)) as ready,
        open_track_writer(track) as tracks,
        writer,
        run_behind(writer.write) as encoder,
        contextlib.closing(prefetch(reader)) as frames,
    ):
        cast = Cast([method.change(renderer, reader) for renderer in ready.renderers])
        for frame in frames:
            rows = cast.render(frame)
            encoder.put(frame)
            for row in rows:
                tracks.write(row)
            on_progress(Progress(f"make {method.name}", frame.index + 1, total))
    outputs = {"video": target, "tracks": track}
    write_sidecar(target.with_name(f"{target.stem}.afet.json"), _sidecar(reader, method, outputs, settings))


def _sidecar(
    reader: VideoReader, method: Method, outputs: Mapping[str, Path], settings: ConvertSettings
) -> dict[str, Any]:
    return {
        "digital_source_type": source_type_url(settings.encode.source_type),
        "method": f"{method.name}: {method.what}",
        "source": {"name": reader.path.name, "sha256": sha256_file(reader.path)},
        "outputs": {**{part: path.name for part, path in outputs.items()}, "sha256": output_hashes(outputs)},
        "affected_side": str(settings.profile.side),
        "settings": settings_to_mapping(settings),
        **method.about(),
    }
