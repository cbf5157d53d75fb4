"""Contact sheets of a data set.

in: its rows and pictures -> out: `contact-sheet.png`, `contact-sheet-2.png` ...  Must not: choose pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from afet_video.draw import Tile, contact_sheet
from afet_video.image_files import Picture, read_picture, write_picture
from afet_video.pairs.rows import PICTURES, Row

_PAIRS_A_ROW, _PAIRS_A_SHEET, _TILE_PX = 3, 24, 220


def write_sheets(folder: Path, rows: Sequence[Row]) -> list[Path]:
    """Write as many sheets as are needed, in place of those that are there, and return their paths."""
    for old in folder.glob("contact-sheet*.png"):
        old.unlink()
    written = []
    for start in range(0, len(rows), _PAIRS_A_SHEET):
        part = rows[start : start + _PAIRS_A_SHEET]
        number = start // _PAIRS_A_SHEET + 1
        path = folder / (f"contact-sheet-{number}.png" if number > 1 else "contact-sheet.png")
        tiles = [tile for row in part for tile in _tiles(folder, row)]
        columns = 2 * _PAIRS_A_ROW
        grid = [tiles[k : k + columns] for k in range(0, len(tiles), columns)]
        title = f"pairs {part[0]['id']} to {part[-1]['id']}: neutral, then expression"
        sheet = contact_sheet(grid, title=title, tile_wh=(_TILE_PX, _TILE_PX))
        write_picture(path, Picture(sheet), is_synthetic=any(row["synthetic"] for row in part))
        written.append(path)
    return written


def _tiles(folder: Path, row: Row) -> list[Tile]:
    neutral = f"{row['id']}  {row['neutral_seconds']:.2f} s"
    expression = f"{row['expression_seconds']:.2f} s {row['expression_name']} q {row['quality']:.2f}"
    return [
        Tile(read_picture(folder / PICTURES / row[f"{role}_file_name"]).rgb, caption)
        for role, caption in (("neutral", neutral), ("expression", expression))
    ]
