"""Pictures in files: read as a person would see them, written with or without the synthetic-media mark.

in: a picture file <-> out: a `Picture`.  Must not: find faces, draw, or know a video.
"""

from afet_video.image_files.mark import read_mark
from afet_video.image_files.picture import Picture
from afet_video.image_files.read import READABLE, read_picture
from afet_video.image_files.write import WRITABLE, write_picture

__all__ = ["READABLE", "WRITABLE", "Picture", "read_mark", "read_picture", "write_picture"]
