"""A painted mouth, wide open, whose upper lip is not pulled up: teeth stay where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from splice_scene import mirrored_xyz, texture_of

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Midline
from afet_video.splice.alpha import AlphaField
from afet_video.splice.cavity import _SHADOW_IOD, in_cavity, open_mouth, without_teeth
from afet_video.splice.compose import splice
from afet_video.splice.mesh import build_mesh

SCALE = 3
SIZE = (480, 390)
LIP_DROP_PX = 10
TEETH_FROM_LIP_PX = (15, 25)
SKIN, LIP, DARK, TEETH = (180, 130, 110), (150, 60, 60), (20, 10, 10), (240, 240, 235)
SLIT = (20.0, 90.0, 160.0)


@dataclass(frozen=True)
class Mouth:
    """A picture (h, w, 3), the landmarks that are seen in it and those at rest, a mesh, where the middle is."""

    picture: FloatArray
    current: FloatArray
    rest: FloatArray
    triangles: NDArray[np.int32]
    middle: float

    @property
    def iod(self) -> float:
        outer = self.current[[facemesh.LEFT_EYE_OUTER, facemesh.RIGHT_EYE_OUTER], :2]
        return float(np.linalg.norm(outer[1] - outer[0]))

    @property
    def teeth_rows(self) -> slice:
        upper = int(self.current[13, 1])
        return slice(upper + TEETH_FROM_LIP_PX[0], upper + TEETH_FROM_LIP_PX[1])

    def alpha(self, *, direction: float = 1.0, reach: float = 1e4) -> AlphaField:
        """All of the face affected, unless `reach` is short: then a ramp around the middle."""
        rows = np.arange(SIZE[0], dtype=np.float32)
        midline = Midline(rows, np.full(SIZE[0], self.middle, np.float32))
        start = reach if reach > 1e3 else -reach
        return AlphaField(midline, direction, start, reach + 1.0, False)

    def spliced(self, alpha: AlphaField | None = None, *, cavity: bool = True) -> FloatArray:
        return splice(
            self.picture,
            self.current,
            self.rest,
            texture_of(self.picture, self.rest, 0.0),
            self.triangles,
            alpha or self.alpha(),
            behind_lips=in_cavity(self.triangles) if cavity else None,
        )

    def closed(self, gap_px: float) -> FloatArray:
        """Landmarks whose upper lip has come down to the lower one, with that much between them."""
        rest = self.current.copy()
        for place in range(1, 10):
            down = rest[facemesh.LIPS_INNER[20 - place], 1] - rest[facemesh.LIPS_INNER[place], 1] - gap_px
            rest[[row[place] for row in facemesh.LIP_ROWS], 1] += down
        return rest

    def opened(self, gap_iod: float) -> Mouth:
        """The same, with the lips' inner edges that far apart, and the upper lip at rest 3 px lower."""
        ring = list(facemesh.LIPS_INNER)
        current = self.current.copy()
        middle = current[[13, 14], 1].mean()
        gap = np.ptp(current[[13, 14], 1]) / self.iod
        current[ring, 1] = middle + (current[ring, 1] - middle) * gap_iod / gap
        rest = current.copy()
        rest[list(facemesh.UPPER_LIP), 1] += 3
        return replace(self, current=current, rest=rest)


def filled(ring: FloatArray) -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, np.uint8)
    cv2.fillPoly(mask, [np.round(ring[:, :2] * 16).astype(np.int32)], 1, shift=4)
    return mask > 0


def is_bright(picture: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(picture[..., 1] > 150)


@pytest.fixture(scope="module")
def mouth(real_faces: Mapping[str, Any]) -> Mouth:
    def placed(xyz: FloatArray) -> FloatArray:
        result = xyz - np.float32([140, 100, 0])
        result[:, :2] = (result[:, :2] + 0.5) * SCALE - 0.5
        return np.asarray(result, np.float32)

    current = placed(real_faces["jaw"].xyz)
    rest = current.copy()
    rest[list(facemesh.UPPER_LIP), 1] += LIP_DROP_PX
    rest[list(facemesh.COMMISSURES), 1] += LIP_DROP_PX / 2
    picture = np.full((*SIZE, 3), SKIN, np.float32)
    picture[filled(current[list(facemesh.LIPS_OUTER)])] = LIP
    opening = filled(current[list(facemesh.LIPS_INNER)])
    picture[opening] = DARK
    made = Mouth(picture, current, rest, build_mesh(placed(real_faces["neutral"].xyz)), float(current[13, 0]))
    rows = np.zeros(SIZE, bool)
    rows[made.teeth_rows] = True
    picture[opening & rows] = TEETH
    return made


def test_the_triangles_between_the_lips(mouth: Mouth) -> None:
    inside = in_cavity(mouth.triangles)
    centres = mouth.current[mouth.triangles, :2].mean(axis=1)
    ring = mouth.current[list(facemesh.LIPS_INNER), :2]
    within = np.array([cv2.pointPolygonTest(ring, (float(x), float(y)), False) >= 0 for x, y in centres])
    assert inside.sum() == len(facemesh.LIPS_INNER) - 2
    np.testing.assert_array_equal(inside, within)


def test_lips_as_close_as_the_neutrals_show_its_slit_and_no_teeth(mouth: Mouth) -> None:
    neutral = np.full_like(mouth.picture, SLIT)

    def shown(gap_iod: float, weight: float = 1.0) -> float:
        at_rest = mouth.opened(gap_iod).current
        return float(_between_lips(mouth, at_rest, neutral, weight).mean())

    def _between_lips(made: Mouth, at_rest: FloatArray, neutral: FloatArray, weight: float) -> FloatArray:
        result = splice(
            made.picture, made.current, at_rest, texture_of(neutral, made.opened(0.01).current, weight),
            made.triangles, made.alpha(), textured=~in_cavity(made.triangles), behind_lips=in_cavity(made.triangles),
        )  # fmt: skip
        ring = at_rest[list(facemesh.LIPS_INNER)]
        inside = cv2.erode(filled(ring).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        return np.asarray(np.abs(result - SLIT).max(axis=2)[inside] < 1)

    assert shown(0.012) > 0.95
    assert shown(0.03) < 0.95
    assert shown(0.1) < 0.2
    assert shown(0.012, weight=0.0) < 0.05


def test_teeth_stay_where_they_are(mouth: Mouth) -> None:
    result, carried = mouth.spliced(), mouth.spliced(cavity=False)
    rows = mouth.teeth_rows
    column = int(mouth.middle)
    seen = np.flatnonzero(is_bright(result)[:, column])
    assert seen[-1] == rows.stop - 1
    assert rows.start <= seen[0] <= rows.start + 3, "but for what lies in the shadow of the lip that came down"
    # what the warp alone does: they come down with the lip
    assert np.flatnonzero(is_bright(carried)[:, column]).min() > rows.start + 5
    shown = filled(mouth.rest[list(facemesh.LIPS_INNER)])
    shadow = 2 * round(_SHADOW_IOD * mouth.iod) + 3
    shown = cv2.erode(shown.astype(np.uint8), np.ones((shadow, shadow), np.uint8)) > 0
    assert shown.sum() > 1000
    np.testing.assert_allclose(result[shown], mouth.picture[shown], atol=0.01)
    assert np.abs(carried - mouth.picture)[shown].max() > 150


def test_the_shadow_under_a_lip_goes_along_with_it(mouth: Mouth) -> None:
    """Teeth that reach up to the lip's shadow: what is between shadow and lip is covered, not squeezed."""
    shadow_px, (top, column) = 4, (int(mouth.current[13, 1]), int(mouth.middle))
    picture = mouth.picture.copy()
    opening = filled(mouth.current[list(facemesh.LIPS_INNER)])
    bright = opening.copy()
    bright[: top + shadow_px] = False
    bright[mouth.teeth_rows.stop :] = False
    picture[bright] = TEETH
    result = replace(mouth, picture=picture).spliced()
    rows = np.flatnonzero(is_bright(result)[:, column])
    assert rows[-1] == mouth.teeth_rows.stop - 1, "the teeth's lower edge stays"
    assert rows[0] >= top + LIP_DROP_PX + shadow_px - 1, "their upper end lies in the shadow of the lip that came down"
    assert rows[0] <= top + LIP_DROP_PX + shadow_px + 3


def test_a_corner_that_opens_shows_the_inside_of_the_mouth(mouth: Mouth) -> None:
    """At rest the mouth is wider than now: what is beside its present corner is dark, not lip."""
    wide = mouth.current.copy()
    ring = list(facemesh.LIPS_INNER)
    middle = wide[ring, 0].mean()
    for row in facemesh.LIP_ROWS:
        wide[list(row), 0] = middle + 1.35 * (wide[list(row), 0] - middle)
    opened = filled(wide[ring])
    beside = cv2.erode(opened.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    beside &= cv2.dilate(filled(mouth.current[ring]).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    assert beside.sum() > 50
    result = replace(mouth, rest=wide).spliced()
    assert np.median(result[beside][:, 0]) < DARK[0] + 10


def test_towards_a_corner_more_and_more_is_carried_along(mouth: Mouth) -> None:
    """Narrower and less open at rest: what is far from the corners stays, what is near comes along with them."""
    rest, ring = mouth.current.copy(), list(facemesh.LIPS_INNER)
    middle = rest[ring, :2].mean(axis=0)
    for row in facemesh.LIP_ROWS:
        rest[list(row), :2] = middle + np.float32([0.8, 0.3]) * (rest[list(row), :2] - middle)
    picture = np.broadcast_to(0.5 * np.arange(SIZE[1], dtype=np.float32)[None, :, None], (*SIZE, 3)).copy()
    made = replace(mouth, picture=picture, rest=rest)
    opening = filled(rest[ring])
    gaps = opening.sum(axis=0)
    columns = np.flatnonzero((gaps > 4) & (np.abs(np.arange(SIZE[1]) - middle[0]) > 10))
    rows = np.array([int(np.flatnonzero(opening[:, column]).mean()) for column in columns])
    stays, carried = picture[rows, columns, 0], made.spliced(cavity=False)[rows, columns, 0]
    red, green, _ = made.spliced()[rows, columns].T
    unshaded = red + 3 * (red - green)  # of the grey, shade takes three quarters as much from red as from green
    share = (unshaded - stays) / (carried - stays)
    gap_iod = gaps[columns] / mouth.iod
    assert (gap_iod < 0.9 * _SHADOW_IOD).sum() > 5, "narrow enough"
    assert (gap_iod > _SHADOW_IOD).sum() > 20, "and wide enough"
    np.testing.assert_allclose(share, np.clip(1.0 - gap_iod / _SHADOW_IOD, 0.0, 1.0), atol=0.15)


def test_no_teeth_on_the_lips(mouth: Mouth) -> None:
    """The lip that came down covers them."""
    result = mouth.spliced()
    opening = filled(mouth.rest[list(facemesh.LIPS_INNER)])
    near = cv2.dilate(opening.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    bright = is_bright(result)
    assert 300 < bright.sum() < is_bright(mouth.picture).sum(), "part of them is covered"
    assert not bright[~near].any()


def test_where_the_result_opens_wider_there_is_no_lip_inside(mouth: Mouth) -> None:
    """The frame shows lip there: the edge of its own opening stands in for what lies behind."""
    lifted = mouth.rest.copy()
    lifted[list(facemesh.UPPER_LIP), 1] -= 2 * LIP_DROP_PX
    result = replace(mouth, rest=lifted).spliced()
    low, high = (int(np.ceil(edge)) for edge in (lifted[13, 1], mouth.current[13, 1]))
    assert high - low >= 9
    # but for the lip's soft edge
    between = result[low + 4 : high, int(mouth.middle) - 10 : int(mouth.middle) + 10]
    assert np.abs(between - np.float32(DARK)).max() < 2


@pytest.mark.parametrize("gap_iod", [0.0, 0.02, 0.05])
def test_a_slit_is_carried_as_a_whole(mouth: Mouth, gap_iod: float) -> None:
    narrow = mouth.opened(gap_iod)
    assert not np.array_equal(narrow.spliced(), narrow.picture)
    rows = facemesh.LIPS_INNER
    gaps = [narrow.rest[rows[20 - place], 1] - narrow.rest[rows[place], 1] for place in range(1, 10)]
    open_ = [narrow.rest[rows[place], 0] for place, gap in enumerate(gaps, start=1) if gap > 4 or gap_iod == 0]
    columns = slice(int(min(open_, default=0)), int(max(open_, default=0)) + 1)
    # but for the shade between lips that come nearer to each other
    np.testing.assert_allclose(narrow.spliced()[:, columns], narrow.spliced(cavity=False)[:, columns], atol=1.5)


@pytest.mark.parametrize("gap_iod", [0.04, None])
def test_between_lips_that_all_but_touch_no_teeth_are_seen(mouth: Mouth, gap_iod: float | None) -> None:
    """Teeth squeezed into a slit of a pixel are a dotted line; what is seen is a line somewhat darker than the lips."""
    narrow = mouth if gap_iod is None else mouth.opened(gap_iod)
    picture = narrow.picture.copy()
    picture[filled(mouth.current[list(facemesh.LIPS_OUTER)])] = LIP
    inside = filled(narrow.current[list(facemesh.LIPS_INNER)])
    picture[cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0] = TEETH
    rest = narrow.closed(1.2)
    result = replace(narrow, picture=picture, rest=rest).spliced()
    assert is_bright(picture).sum() > 200
    assert is_bright(result).sum() < 0.005 * is_bright(picture).sum()
    rows, columns = (slice(int(middle) - 9, int(middle) + 10) for middle in (rest[14, 1], mouth.middle))
    darkest = result[rows, columns, 0].min(axis=0)
    assert 0.3 * LIP[0] < np.median(darkest) < 0.8 * LIP[0]


@pytest.mark.parametrize("gap_px", [0.0, 0.4, 0.8])
def test_the_line_between_lips_has_no_gaps_and_no_steps(mouth: Mouth, gap_px: float) -> None:
    """However little of it is between the lips, a pixel shows that little: the line is as dark all along."""
    picture = mouth.picture.copy()
    picture[filled(mouth.current[list(facemesh.LIPS_OUTER)])] = LIP
    picture[filled(mouth.current[list(facemesh.LIPS_INNER)])] = TEETH
    result = replace(mouth, picture=picture, rest=mouth.closed(gap_px)).spliced()[..., 0]
    columns = np.arange(int(mouth.middle) - 38, int(mouth.middle) + 19)
    edge = np.interp(columns, *mouth.current[list(facemesh.LIP_EDGES[-1][1]), :2].T)
    dark = np.array(
        [LIP[0] - result[round(y) - 6 : round(y) + 7, x].clip(max=LIP[0]) for y, x in zip(edge, columns, strict=True)]
    ).sum(axis=1)
    assert np.ptp(edge) > 3, "the lips' edge crosses rows"
    assert dark.min() > 0.75 * np.median(dark) > 30
    assert dark.max() < 1.25 * np.median(dark)


def test_the_line_between_lips_ends_at_their_corner(mouth: Mouth) -> None:
    """However much farther the frame's mouth reaches."""
    picture = mouth.picture.copy()
    picture[filled(mouth.current[list(facemesh.LIPS_OUTER)])] = LIP
    picture[filled(mouth.current[list(facemesh.LIPS_INNER)])] = TEETH
    rest = mouth.current.copy()
    row = rest[facemesh.LIPS_INNER[0], 1]
    for inwards, ring in enumerate(facemesh.LIP_ROWS):
        rest[list(ring), 0] = mouth.middle + 0.8 * (rest[list(ring), 0] - mouth.middle)
        rest[list(ring), 1] = row
        rest[list(ring[1:10]), 1] -= 0.2 + 4 * (3 - inwards)
        rest[list(ring[11:]), 1] += 0.2 + 4 * (3 - inwards)
    result = replace(mouth, picture=picture, rest=rest).spliced()[..., 0]
    corner = rest[facemesh.LIPS_INNER[0]]
    rows = slice(int(corner[1]) - 4, int(corner[1]) + 5)
    x = int(corner[0])
    assert result[rows, x + 8 : x + 20].min() < 0.8 * LIP[0], "the line"
    assert result[rows, x - 12 : x - 1].min() > 0.95 * LIP[0]


def test_what_is_squeezed_is_no_dots(mouth: Mouth) -> None:
    """Fine stripes between lips that come nearer to each other are as bright as they are on the whole."""
    parted = mouth.opened(0.06)
    picture = parted.picture.copy()
    rows = np.arange(SIZE[0])[:, None] % 2 == 0
    inside = filled(parted.current[list(facemesh.LIPS_INNER)])
    picture[inside & rows], picture[inside & ~rows] = TEETH, DARK
    rest = parted.closed(0.5 * 0.06 * parted.iod)
    result = replace(parted, picture=picture, rest=rest).spliced()[..., 0]
    shown = cv2.erode(filled(rest[list(facemesh.LIPS_INNER)]).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    shown[:, : int(mouth.middle) - 30] = shown[:, int(mouth.middle) + 31 :] = False
    assert shown.sum() > 100
    assert np.std(result[shown]) < 30
    assert np.abs(result[shown] - (TEETH[0] + DARK[0]) / 2).mean() < 35


def test_the_nearer_lips_come_to_each_other_the_darker_it_is_behind(mouth: Mouth) -> None:
    """So teeth end in the dark towards a corner that closes, and in no bright wedge."""
    parted = mouth.opened(0.06)
    picture = parted.picture.copy()
    picture[filled(parted.current[list(facemesh.LIPS_OUTER)])] = TEETH

    def seen(share: float) -> FloatArray:
        rest = parted.closed(share * 0.06 * parted.iod)
        result = replace(parted, picture=picture, rest=rest).spliced()
        row = int(rest[facemesh.LIP_GAP, :2].mean(axis=0)[1])
        column = int(mouth.middle)
        return np.asarray(result[row, column - 10 : column + 11].mean(axis=0) / TEETH)

    shares = np.array([seen(share) for share in (0.95, 0.7, 0.5, 0.35)])
    assert shares[0].min() > 0.95
    assert (np.diff(shares, axis=0) < 0).all()
    assert shares[-1].max() < 0.85
    assert (shares[1:, 0] > shares[1:, 1]).all(), "red is lost last"


def test_what_stays_sets_in_gradually(mouth: Mouth) -> None:
    gaps = np.linspace(0.05, 0.13, 17)
    shares = np.array([open_mouth(m.current, m.rest).frame[6] for m in map(mouth.opened, gaps)])
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1, abs=1e-4)
    steps = np.diff(shares)
    assert steps.min() >= 0
    assert steps.max() < 0.15


def test_where_nothing_moves_nothing_changes(mouth: Mouth) -> None:
    still = replace(mouth, rest=mouth.current)
    np.testing.assert_array_equal(still.spliced(), mouth.picture)


def test_the_healthy_half_stays_bit_for_bit(mouth: Mouth) -> None:
    result = mouth.spliced(mouth.alpha(reach=20.0))
    healthy = int(mouth.middle) + 22
    np.testing.assert_array_equal(result[:, healthy:], mouth.picture[:, healthy:])
    assert np.abs(result - mouth.picture)[:, :healthy].max() > 100


def test_a_mirror_gives_the_mirrored_mouth(mouth: Mouth) -> None:
    width = SIZE[1]
    mirrored = Mouth(
        np.ascontiguousarray(mouth.picture[:, ::-1]),
        mirrored_xyz(mouth.current, width),
        mirrored_xyz(mouth.rest, width),
        np.ascontiguousarray(facemesh.TWIN[mouth.triangles]),
        width - 1 - mouth.middle,
    )
    plain = mouth.spliced(mouth.alpha(reach=20.0))
    seen = mirrored.spliced(mirrored.alpha(direction=-1.0, reach=20.0))
    assert np.abs(seen[:, ::-1] - plain).max() < 0.1
    assert np.abs(plain - mouth.picture).max() > 100


def test_the_lips_edge_is_smooth(mouth: Mouth) -> None:
    """Between lip and what lies behind there is something in between, not a staircase."""
    result = mouth.spliced()[..., 0]
    columns = range(int(mouth.middle) - 25, int(mouth.middle) + 26)
    edge = int(mouth.rest[13, 1])
    soft = [
        np.sum((result[edge - 8 : edge + 9, x] > DARK[0] + 10) & (result[edge - 8 : edge + 9, x] < LIP[0] - 10))
        for x in columns
    ]
    assert np.mean(np.array(soft) > 0) > 0.8


def test_landmarks_inside_the_opening_are_taken_back_onto_the_lips(mouth: Mouth) -> None:
    opened = open_mouth(mouth.current, mouth.rest)
    result, _ = without_teeth(mouth.current[:, :2], mouth.rest[:, :2], opened)
    inner, red = list(facemesh.LIPS_INNER), list(facemesh.LIP_ROWS[2])
    others = sorted(set(range(478)) - set(inner))
    np.testing.assert_array_equal(result[others], mouth.current[others, :2])
    assert result[13, 1] < mouth.current[13, 1]
    assert result[14, 1] > mouth.current[14, 1]
    before = np.linalg.norm((mouth.current[red] - mouth.current[inner])[:, :2], axis=1)
    after = np.linalg.norm(mouth.current[red, :2] - result[inner], axis=1)
    assert (after < before).all()
    shut = mouth.opened(0.05)
    same, _ = without_teeth(shut.current[:, :2], shut.rest[:, :2], open_mouth(shut.current, shut.rest))
    np.testing.assert_array_equal(same, shut.current[:, :2])
