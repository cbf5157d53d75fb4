"""Options that commands take: names, ranges, help.

in: nothing -> out: annotated types for typer.  Must not: hold a default: None means "as the settings file says".
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

PALSY, FACE, FILES, RUN = "Palsy", "Face", "Files", "Run"

Source = Annotated[Path, typer.Argument(metavar="INPUT", help="A video of a face that moves.")]
Target = Annotated[Path, typer.Argument(metavar="OUTPUT", help="The video to write: .mp4, .mov, .mkv, .webm or .avi.")]

SideOption = Annotated[
    Literal["left", "right", "random"] | None,
    typer.Option(
        "--side",
        help="The affected side, the subject's own; random: drawn from --seed and the input's content. Default: left.",
        rich_help_panel=PALSY,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        metavar="N",
        help="Seed of --side random: the same again for the same input. Default: 0.",
        rich_help_panel=PALSY,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME|FILE.toml",
        help="What the palsy leaves, zone by zone: a name that `afet-video profiles` lists, or a file. "
        "Default: complete paralysis.",
        rich_help_panel=PALSY,
    ),
]
MovementKept = Annotated[
    float | None,
    typer.Option(
        "--movement-kept",
        min=0,
        max=1,
        metavar="F",
        help="Share of its movement that the affected side keeps where the profile gives a zone no value of its own: "
        "0 is complete paralysis. Default: 0.",
        rich_help_panel=PALSY,
    ),
]
Ramp = Annotated[
    Literal["smooth", "linear"] | None,
    typer.Option(
        "--ramp",
        help="From the midline outwards: a narrow smooth step, or linear to the face's edge as in the paper. "
        "Default: smooth.",
        rich_help_panel=PALSY,
    ),
]
RampWidth = Annotated[
    float | None,
    typer.Option(
        "--ramp-width",
        min=0.02,
        max=2,
        metavar="F",
        help="Width of the smooth step, as a share of half the face. Default: 0.5.",
        rich_help_panel=PALSY,
    ),
]
Neutral = Annotated[
    str | None,
    typer.Option(
        "--neutral",
        metavar="auto|SECONDS|frame:N|IMAGE",
        help="The face at rest: found in the video, or given as a time, a frame or a picture. Default: auto.",
        rich_help_panel=FACE,
    ),
]
OnNoFace = Annotated[
    Literal["pass", "hold", "fail"] | None,
    typer.Option(
        "--on-no-face",
        help="Frames without a face: pass unchanged, hold the last face, or fail. Default: pass.",
        rich_help_panel=FACE,
    ),
]
WhichFace = Annotated[
    str | None,
    typer.Option(
        "--face",
        metavar="all|largest|N|x,y",
        help="Which face: everybody's, the largest, the N-th from the left (0 is leftmost), or the one at a pixel. "
        "Default: largest.",
        rich_help_panel=FACE,
    ),
]
Mask = Annotated[
    Literal["auto", "off"] | None,
    typer.Option(
        "--mask",
        help="What covers the face (hair, a hand, a microphone): auto finds it and leaves it as it is, off takes it "
        "for the face. Default: auto.",
        rich_help_panel=FACE,
    ),
]
TracksPath = Annotated[
    Path | None,
    typer.Option(
        "--tracks",
        metavar="PATH",
        help="Landmark tracks: .parquet, .csv or .npz. Default: OUTPUT's name with .tracks.parquet.",
        rich_help_panel=FILES,
    ),
]
ContactSheet = Annotated[
    Path | None,
    typer.Option("--contact-sheet", metavar="PNG", help="Also write a before/after picture.", rich_help_panel=FILES),
]
Codec = Annotated[
    Literal["auto", "h264", "hevc", "vp9", "av1", "ffv1"] | None,
    typer.Option("--codec", help="Video codec. Default: auto, by container and input.", rich_help_panel=FILES),
]
Crf = Annotated[
    int | None,
    typer.Option(
        "--crf",
        min=0,
        max=63,
        metavar="N",
        help="Quality: lower is better and larger. Default: visually lossless.",
        rich_help_panel=FILES,
    ),
]
Lossless = Annotated[
    bool | None,
    typer.Option("--lossless", help="Lose nothing in encoding (large files).", rich_help_panel=FILES),
]
HwAccel = Annotated[
    str | None,
    typer.Option(
        "--hwaccel",
        metavar="NAME",
        help="Decode and encode on a device that `afet-video doctor` lists (cuda, qsv, ...); where it cannot, software "
        "does, and it is said. Default: software.",
        rich_help_panel=FILES,
    ),
]
NoSyntheticMark = Annotated[
    bool,
    typer.Option(
        "--no-synthetic-mark",
        help="Do not write into the video's metadata that it is synthetic.",
        rich_help_panel=FILES,
    ),
]
Certificate = Annotated[
    Path | None,
    typer.Option(
        "--c2pa-certificate",
        metavar="PEM",
        help="Sign a C2PA manifest into the video with this certificate (and --c2pa-key). Default: none.",
        rich_help_panel=FILES,
    ),
]
PrivateKey = Annotated[
    Path | None,
    typer.Option(
        "--c2pa-key", metavar="PEM", help="The certificate's private key, unencrypted.", rich_help_panel=FILES
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace outputs that exist already.", rich_help_panel=FILES)
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Keep what is done beside OUTPUT until all is done, and go on from what a killed run kept.",
        rich_help_panel=RUN,
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", metavar="FILE.toml", help="Read settings from a file; options win.", rich_help_panel=RUN
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the report as one JSON object on stdout.", rich_help_panel=RUN)
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors only.", rich_help_panel=RUN)]
