"""The shell of a room: walls with windows and doors, floor, ceiling, what lies beyond, and its lights.

A wall has a frame of its own: x along the wall from 0 to its length, y into the room, z up.
"""

import dataclasses
import math

import numpy as np

from depth_tf.synthetic_rooms import finishes
from depth_tf.synthetic_rooms.finishes import Style
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.solids import Assembly, Frame
from depth_tf.synthetic_rooms.textures import pick

WALL_M = 0.14
BACKDROP_M = 14.0  # beyond the sensor's 10 m


@dataclasses.dataclass(frozen=True)
class Opening:
    """A hole in a wall: "window", "door" or "arch", in the wall's frame, metres."""

    kind: str
    left: float
    right: float
    bottom: float
    top: float


@dataclasses.dataclass
class Wall:
    """One side of a room.

    Attributes:
      frame: its frame.
      length_m: along its x.
      openings: its holes, from left to right.
      taken: (left, right, bottom, top) areas of it that something covers.
    """

    frame: Frame
    length_m: float
    openings: list[Opening] = dataclasses.field(default_factory=list)
    taken: list[tuple[float, float, float, float]] = dataclasses.field(default_factory=list)

    def is_free(self, left: float, right: float, bottom: float, top: float) -> bool:
        """True if nothing covers any of that area."""
        areas = self.taken + [(o.left - 0.1, o.right + 0.1, o.bottom - 0.1, o.top + 0.1) for o in self.openings]
        return not any(left < far and near < right and bottom < high and low < top for near, far, low, high in areas)


@dataclasses.dataclass(frozen=True)
class Light:
    """A source of light.

    Attributes:
      position_m: [3], world metres.
      power: [3] red, green, blue; irradiance at 1 m facing it.
      direction: [3] the way a window's light is thrown, or None for one that shines all round.
      size_m: its width, which softens its shadows.
      room: the room it hangs in, as in `Solids.room`.
    """

    position_m: tuple[float, float, float]
    power: tuple[float, float, float]
    direction: tuple[float, float, float] | None
    size_m: float
    room: int = 0


def walls_of(origin: Frame, width_m: float, length_m: float) -> list[Wall]:
    """Returns the four walls of the room [0, width] x [0, length] of a frame: south, east, north, west of it."""
    quarter = math.pi / 2
    return [
        Wall(origin.at(0, 0), width_m),
        Wall(origin.at(width_m, 0, 0, quarter), length_m),
        Wall(origin.at(width_m, length_m, 0, 2 * quarter), width_m),
        Wall(origin.at(0, length_m, 0, -quarter), length_m),
    ]


def build_wall(parts: Assembly, wall: Wall, height_m: float, style: Style) -> None:
    """Adds a wall in pieces around its openings, with its skirting."""
    at = -0.05
    for opening in [*wall.openings, None]:
        end = opening.left if opening else wall.length_m + 0.05
        _piece(parts, wall, (at, end), (0, height_m), style.wall)
        _skirting(parts, wall, (at, end), style)
        if opening:
            _piece(parts, wall, (opening.left, opening.right), (opening.top, height_m), style.wall)
            if opening.bottom > 0:
                _piece(parts, wall, (opening.left, opening.right), (0, opening.bottom), style.wall)
                _skirting(parts, wall, (opening.left, opening.right), style)
            _architrave(parts, wall, opening, style)
            at = opening.right


def build_floor_and_ceiling(parts: Assembly, frame: Frame, size_m: tuple[float, float, float], style: Style) -> None:
    """Adds the slabs under and over the space [0, width] x [0, length] of `frame`."""
    width, length, height = size_m
    slab = (width + 2 * WALL_M, length + 2 * WALL_M, 0.1)
    parts.box(frame, (width / 2, length / 2, -0.05), slab, style.floor)
    parts.box(frame, (width / 2, length / 2, height + 0.05), slab, style.ceiling)


def build_window(
    parts: Assembly, rng: np.random.Generator, wall: Wall, opening: Opening, style: Style, daylight: float
) -> None:
    """Adds frame, bars, sill, and blinds or curtains of a window."""
    width, height = opening.right - opening.left, opening.top - opening.bottom
    middle, centre_z = (opening.left + opening.right) / 2, (opening.bottom + opening.top) / 2
    bar, back = 0.05, -0.08
    for x in (opening.left + bar / 2, opening.right - bar / 2):
        parts.box(wall.frame, (x, back, centre_z), (bar, 0.06, height), style.trim)
    for z in (opening.bottom + bar / 2, opening.top - bar / 2):
        parts.box(wall.frame, (middle, back, z), (width, 0.06, bar), style.trim)
    columns, rows = max(1, round(width / rng.uniform(0.5, 1.2))), int(rng.choice([1, 2, 2, 3]))
    for i in range(1, columns):
        x = opening.left + width * i / columns
        parts.box(wall.frame, (x, back, centre_z), (0.035, 0.04, height), style.trim)
    for i in range(1, rows):
        z = opening.bottom + height * i / rows
        parts.box(wall.frame, (middle, back, z), (width, 0.04, 0.035), style.trim)
    parts.box(wall.frame, (middle, 0.02, opening.bottom - 0.02), (width + 0.16, 0.2, 0.04), style.trim)
    if rng.random() < 0.5:
        _blind(parts, rng, wall, opening, daylight)
    if rng.random() < 0.5:
        _curtains(parts, rng, wall, opening, style)


def build_door(parts: Assembly, rng: np.random.Generator, wall: Wall, opening: Opening, style: Style) -> bool:
    """Adds the leaf of a door, shut, ajar or wide open; returns whether one can see through."""
    width, height = opening.right - opening.left, opening.top
    leaf = style.door.with_texture(
        pick(rng, "panelled_door"),
        second=finishes.dim(style.door.base, 0.5),
        third=(0.3, 0.25, 0.15),
        tile_m=0.0,
        grain=0.3,
    )
    angle = 0.0 if rng.random() < 0.5 else rng.uniform(0.6, 1.9)
    hinge = wall.frame.at(opening.left, -0.03, 0, angle)
    parts.box(hinge, (width / 2, 0, height / 2), (width, 0.04, height), leaf)
    return angle > 0


def build_backdrop(parts: Assembly, rng: np.random.Generator, wall: Wall, daylight: float) -> None:
    """Adds the view that the windows of a wall look out on."""
    daylight = daylight * rng.uniform(0.8, 3.5)
    view = Material(pick(rng, "outside"), (1.0, 1.0, 1.0), tile_m=0.0, glow=daylight)
    shift, z = rng.uniform(-8, 8), rng.uniform(1, 4)
    for x in (-24, 0, 24):
        centre = (wall.length_m / 2 + shift + x, -BACKDROP_M, z)
        parts.box(wall.frame, centre, (24, 0.1, 20), view, shades=False)


def _piece(
    parts: Assembly, wall: Wall, span: tuple[float, float], rise: tuple[float, float], material: Material
) -> None:
    if span[1] - span[0] > 0.01 and rise[1] - rise[0] > 0.01:
        centre = ((span[0] + span[1]) / 2, -WALL_M / 2, (rise[0] + rise[1]) / 2)
        parts.box(wall.frame, centre, (span[1] - span[0], WALL_M, rise[1] - rise[0]), material)


def _skirting(parts: Assembly, wall: Wall, span: tuple[float, float], style: Style) -> None:
    if span[1] - span[0] > 0.02:
        centre = ((span[0] + span[1]) / 2, 0.008, 0.05)
        parts.box(wall.frame, centre, (span[1] - span[0], 0.016, 0.1), style.trim, shades=False)


def _architrave(parts: Assembly, wall: Wall, opening: Opening, style: Style) -> None:
    """Adds the trim around an opening, on the room's side and through the wall."""
    if opening.kind == "arch":
        return
    width, height = 0.07, opening.top - opening.bottom
    middle_z = (opening.top + opening.bottom) / 2
    for x in (opening.left - width / 2 + 0.01, opening.right + width / 2 - 0.01):
        parts.box(wall.frame, (x, 0.005, middle_z), (width, 0.03, height), style.trim, shades=False)
    across = opening.right - opening.left + 2 * width
    middle = (opening.left + opening.right) / 2
    parts.box(wall.frame, (middle, 0.005, opening.top + width / 2), (across, 0.03, width), style.trim, shades=False)


def _blind(parts: Assembly, rng: np.random.Generator, wall: Wall, opening: Opening, daylight: float) -> None:
    width, height = opening.right - opening.left, opening.top - opening.bottom
    drop = height * rng.choice([0.25, 0.5, 0.75, 1.0])
    tone = finishes.choose(rng, ("f4f0e6", "e0d6c4", "cfc8bd"))
    texture = pick(rng, "slats" if rng.random() < 0.6 else "weave")
    blind = Material(texture, tone, finishes.dim(tone, 1.2), finishes.dim(tone, 0.5), 0.6, 0.6, glow=0.25 * daylight)
    centre = ((opening.left + opening.right) / 2, -0.03, opening.top - drop / 2)
    parts.box(wall.frame, centre, (width - 0.02, 0.02, drop), blind, shades=False)


def _curtains(parts: Assembly, rng: np.random.Generator, wall: Wall, opening: Opening, style: Style) -> None:
    """Hangs folds of cloth at both sides, drawn apart by some of the width."""
    bottom = 0.03 if rng.random() < 0.6 else opening.bottom - 0.15
    top = opening.top + 0.12
    drawn = rng.uniform(0.12, 0.5) * (opening.right - opening.left)
    fold = rng.uniform(0.045, 0.07)
    cloth = style.second_cloth if rng.random() < 0.5 else finishes.cloth(rng, calm=True)
    for start, sign in ((opening.left - 0.15, 1), (opening.right + 0.15, -1)):
        for i in range(min(int(drawn / (1.5 * fold)) + 1, 9)):
            x = start + sign * 1.5 * fold * i
            base = (x, 0.08 + 0.02 * (i % 2), bottom)
            parts.cylinder(wall.frame, base, fold, top - bottom, cloth, depth=rng.uniform(0.5, 1.1))
    middle = (opening.left + opening.right) / 2
    parts.rod(
        wall.frame, (middle, 0.09, top + 0.02), 0.015, opening.right - opening.left + 0.5, style.metal, yaw=math.pi / 2
    )
