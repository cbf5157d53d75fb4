"""Drawing: overlays on a frame, contact sheets, PNG files marked as synthetic.

in: RGB pictures and landmarks -> out: new RGB pictures.  Must not: change its input, open a window, decode a video.

Pictures are (H, W, 3) uint8 RGB; points are pixels of the picture, x right, y down, an integer is a pixel centre.
"""

from afet_video.draw.overlays import (
    draw_arrows,
    draw_contours,
    draw_heat,
    draw_landmarks,
    draw_mesh,
    draw_midline,
)
from afet_video.draw.picture import Color
from afet_video.draw.png import write_png
from afet_video.draw.sheets import SheetSample, Tile, before_after_sheet, contact_sheet
from afet_video.draw.view import View

__all__ = [
    "Color",
    "SheetSample",
    "Tile",
    "View",
    "before_after_sheet",
    "contact_sheet",
    "draw_arrows",
    "draw_contours",
    "draw_heat",
    "draw_landmarks",
    "draw_mesh",
    "draw_midline",
    "write_png",
]
