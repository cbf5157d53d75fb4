"""MediaPipe's face mesh by name: which landmark index is what.

in: nothing, or landmarks.  out: index tables, the scale of a face.  Must not: see a picture.

Left and right are the subject's own: in an unmirrored picture the subject's left eye (263) lies at a larger x than the
right one (33). The twin table was derived by matching the landmarks of frontal faces to those of their mirrored
pictures (optimal assignment; it is an involution).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# fmt: off
IntArray = NDArray[np.int32]

BLENDSHAPES: tuple[str, ...] = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft",
    "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft",
    "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft",
    "jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft",
    "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight",
)
"""MediaPipe's 52 blendshape scores in its own order (ARKit's names, plus `_neutral`)."""

AU_PROXIES: tuple[tuple[str, str, str], ...] = (
    ("AU1", "inner brow raiser", "browInnerUp"), ("AU2", "outer brow raiser", "browOuterUp*"),
    ("AU4", "brow lowerer", "browDown*"), ("AU5", "upper lid raiser", "eyeWide*"),
    ("AU6", "cheek raiser", "cheekSquint*"), ("AU7", "lid tightener", "eyeSquint*"),
    ("AU9", "nose wrinkler", "noseSneer*"), ("AU10", "upper lip raiser", "mouthUpperUp*"),
    ("AU12", "lip corner puller", "mouthSmile*"), ("AU14", "dimpler", "mouthDimple*"),
    ("AU15", "lip corner depressor", "mouthFrown*"), ("AU16", "lower lip depressor", "mouthLowerDown*"),
    ("AU17", "chin raiser", "mouthShrugLower"), ("AU18", "lip pucker", "mouthPucker"),
    ("AU20", "lip stretcher", "mouthStretch*"), ("AU22", "lip funneler", "mouthFunnel"),
    ("AU24", "lip presser", "mouthPress*"), ("AU26", "jaw drop", "jawOpen"), ("AU28", "lip suck", "mouthRollLower"),
    ("AU43", "eye closure", "eyeBlink*"), ("AD34", "cheek puff", "cheekPuff"),
    ("ML", "mouth to the subject's left", "mouthLeft"), ("MR", "mouth to the subject's right", "mouthRight"),
)
"""Action units (FACS) and the blendshapes that stand in for them; a star is Left or Right, without one there is no
telling the sides apart. Proxies: MediaPipe's scores are no FACS coding, and those of AU5, AU6 and AU9 hardly move.

Sources: M. Ozel's ARKit-to-FACS cheat sheet, and py-feat's seeds, which agree.
"""

SKIN_COUNT = 468
"""Landmarks 0..467 lie on skin and lips, 468..472 on the subject's right iris, 473..477 on the left one."""

MIDLINE: tuple[int, ...] = (
    10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 164, 0, 11, 12, 13, 14, 15, 16, 17, 18, 200, 199, 175,
    152,
)
"""Landmarks on the facial midline, from the top of the forehead to the tip of the chin."""

FACE_OVAL: tuple[int, ...] = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
    150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
"""Outline of the mesh, from the top of the forehead over the subject's left side."""

LEFT_EYE: tuple[int, ...] = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
"""Lid margin of the subject's left eye: outer canthus, upper lid, inner canthus (362), lower lid."""

RIGHT_EYE: tuple[int, ...] = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
"""Lid margin of the subject's right eye, in the order of `LEFT_EYE`."""

LEFT_EYE_OUTER, LEFT_EYE_INNER = 263, 362
RIGHT_EYE_OUTER, RIGHT_EYE_INNER = 33, 133
"""Canthi (corners of the eyes). The inter-ocular distance `_iod` is that of the two outer ones."""

LEFT_IRIS: tuple[int, ...] = (473, 474, 475, 476, 477)
RIGHT_IRIS: tuple[int, ...] = (468, 469, 470, 471, 472)
"""Centre of the iris first, then four points on its rim."""

LEFT_BROW: tuple[int, ...] = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
RIGHT_BROW: tuple[int, ...] = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
"""Upper edge of the brow from its outer end, then the lower edge back."""

LIPS_OUTER: tuple[int, ...] = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)
LIPS_INNER: tuple[int, ...] = (
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)
"""Edges of the lips from the subject's right commissure over the upper lip to the left one and back."""

LEFT_COMMISSURE, RIGHT_COMMISSURE = 291, 61

LIP_ROWS: tuple[tuple[int, ...], ...] = (
    LIPS_OUTER,
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306, 307, 320, 404, 315, 16, 85, 180, 90, 77),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292, 325, 319, 403, 316, 15, 86, 179, 89, 96),
    LIPS_INNER,
)
"""All landmarks on the red of the lips in four closed rows from the outer to the inner edge, place by place alike."""

COMMISSURES: tuple[int, ...] = tuple(row[place] for row in LIP_ROWS for place in (0, 10))
UPPER_LIP: tuple[int, ...] = tuple(index for row in LIP_ROWS for index in row[1:10])
LOWER_LIP: tuple[int, ...] = tuple(index for row in LIP_ROWS for index in row[11:])
LIP_EDGES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = tuple((row[1:10], row[:10:-1]) for row in LIP_ROWS)
"""Each row of the lips between the corners: 9 landmarks of the upper lip, and those of the lower one that they face."""
LIP_GAP: tuple[int, int] = (13, 14)
"""Middle of the inner edges of upper and lower lip."""
"""The rows' corners, and the landmarks of each lip without them."""

IBUG68: tuple[int, ...] = (
    127, 234, 93, 132, 172, 136, 149, 176, 152, 400, 378, 365, 397, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 195, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91,
    78, 81, 13, 311, 308, 402, 14, 178,
)
"""The 68 points of iBUG / dlib / OpenFace in their order (jaw, brows, nose, eyes, lips; subject's right first).

The nearest mesh landmark to each point, chosen on rendered heads whose 68 points are known; jaw points of the two
conventions differ by nature (contour against mesh edge).
"""

# Right-hand member and left-hand member of each mirrored pair, position by position.
_RIGHT = (
    3, 7, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
    45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71,
    72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 95, 96, 97, 98, 99,
    100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120,
    121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141,
    142, 143, 144, 145, 146, 147, 148, 149, 150, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162, 163, 165,
    166, 167, 169, 170, 171, 172, 173, 174, 176, 177, 178, 179, 180, 181, 182, 183, 184, 185, 186, 187, 188,
    189, 190, 191, 192, 193, 194, 196, 198, 201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 212, 213,
    214, 215, 216, 217, 218, 219, 220, 221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234,
    235, 236, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247, 468, 469, 470, 471, 472,
)
_LEFT = (
    248, 249, 250, 251, 252, 253, 254, 255, 256, 257, 258, 259, 260, 261, 262, 263, 264, 265, 266, 267, 268,
    269, 270, 271, 272, 273, 274, 275, 276, 277, 278, 279, 280, 281, 282, 283, 284, 285, 286, 287, 288, 289,
    290, 291, 292, 293, 294, 295, 296, 297, 298, 299, 300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310,
    311, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 322, 323, 324, 325, 326, 327, 328, 329, 330, 331,
    332, 333, 334, 335, 336, 337, 338, 339, 340, 341, 342, 343, 344, 345, 346, 347, 348, 349, 350, 351, 352,
    353, 354, 355, 356, 357, 358, 359, 360, 361, 362, 363, 364, 365, 366, 367, 368, 369, 370, 371, 372, 373,
    374, 375, 376, 377, 378, 379, 380, 381, 382, 383, 384, 385, 386, 387, 388, 389, 390, 391, 392, 393, 394,
    395, 396, 397, 398, 399, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415,
    416, 417, 418, 419, 420, 421, 422, 423, 424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 435, 436,
    437, 438, 439, 440, 441, 442, 443, 444, 445, 446, 447, 448, 449, 450, 451, 452, 453, 454, 455, 456, 457,
    458, 459, 460, 461, 462, 463, 464, 465, 466, 467, 473, 476, 475, 474, 477,
)


def _twins() -> IntArray:
    twins = np.arange(478, dtype=np.int32)
    twins[list(_RIGHT)], twins[list(_LEFT)] = _LEFT, _RIGHT
    twins.flags.writeable = False
    return twins


TWIN: IntArray = _twins()
"""(478,): the landmark on the other side of the face; midline landmarks are their own twins."""


def iod_px(xy: NDArray[np.floating]) -> float:
    """Return the inter-ocular distance, of the outer canthi in the picture, of landmarks (478, 2 or more) in pixels.

    A head that turns makes it smaller; `face.pose.interocular_px` takes depth in.
    """
    return math.dist(xy[LEFT_EYE_OUTER, :2].tolist(), xy[RIGHT_EYE_OUTER, :2].tolist())
