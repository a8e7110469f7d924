"""Boxes, and columns and balls of eight sides, packed as faces; local x is a piece's width, y its front, z up."""

import dataclasses
import functools
import itertools
import math
from typing import NamedTuple

import numpy as np

from depth_tf.synthetic_rooms.materials import Material

BOX, COLUMN, BALL = 0, 1, 2
_PRISM = ((-1.0, 1.0), (1.0, 1.0))
SHAPES = ((4, _PRISM), (8, _PRISM), (8, ((-1.0, 0.35), (-0.45, 0.92), (0.45, 0.92), (1.0, 0.35))))  # sides; z, radius


class Frame(NamedTuple):
    """A place and a heading on the floor plan: where a piece of furniture is built."""

    x: float
    y: float
    z: float = 0.0
    yaw: float = 0.0

    def at(self, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> "Frame":
        """Returns the frame at local (x, y, z), turned by `yaw` radians."""
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        return Frame(self.x + cos * x - sin * y, self.y + sin * x + cos * y, self.z + z, self.yaw + yaw)


@dataclasses.dataclass(frozen=True)
class Faces:
    """F faces of solids."""

    corners_m: np.ndarray  # [F, 4, 3] float64, world metres: lower left, lower right, upper right, upper left
    material: np.ndarray  # [F] int, index into `materials`
    materials: tuple[Material, ...]  # the distinct materials
    half_m: np.ndarray  # [F, 3] float64, half the size of the solid along its own axes
    shades: np.ndarray  # [F] bool, whether it throws a shadow
    round: np.ndarray  # [F] int, along how many axes it is shaded as if it were curved: 1 on a column, 2 on a ball


class Assembly:
    """Collects solids one by one; `origin` is the frame of what is added, which throws shadows if `shades`."""

    def __init__(self):
        self.origin, self.shades = Frame(0, 0), True
        self._rows, self._materials = [], {}

    def add(self, frame, centre, size, material, *, sides=BOX, taper=1.0, yaw=0.0, tilt=0.0, shades=True) -> None:
        """Adds a solid by its centre and full size, [3] metres each, its upper end `taper` times as wide as its lower.

        `yaw` turns it about its upright axis, `tilt` leans its upper end back, radians; `shades`: it throws a shadow.
        """
        index, _ = self._materials.setdefault(id(material), (len(self._materials), material))
        placed = (*self.origin, *frame, *centre, *size, yaw, tilt, taper)
        self._rows.append((sides, *placed, index, shades and self.shades))

    def faces(self) -> Faces:
        """Returns the faces of everything added so far."""
        rows = np.array(self._rows)
        parts = []
        for sides in (BOX, COLUMN, BALL):
            row = rows[rows[:, 0] == sides, 1:].T
            yaw, tilt, taper, material, shades = row[14:]
            centre, half_m = row[8:11].T, np.maximum(row[11:14].T, 1e-3) / 2
            for place in (row[4:8], row[:4]):  # from the frame to the room, from the room to the world
                centre = (centre[:, None] @ _axes(place[3], 0 * yaw))[:, 0] + place[:3].T
            unit = _unit(sides)  # [Q, 4, 3]
            local = unit * half_m[:, None, None]
            local[..., :2] *= np.where(unit[..., 2:] > 0, taper[:, None, None, None], 1.0)
            corners_m = local @ _axes(yaw + row[3] + row[7], tilt)[:, None] + centre[:, None, None]
            each = [np.repeat(values, len(unit), axis=0) for values in (material.astype(int), half_m, shades > 0)]
            is_round = np.tile((np.arange(len(unit)) < (0, 8, 24)[sides]) * sides, len(half_m))
            parts.append((corners_m.reshape(-1, 4, 3), *each, is_round))
        corners_m, material, half_m, shades, is_round = (np.concatenate(both) for both in zip(*parts, strict=True))
        return Faces(corners_m, material, tuple(each for _, each in self._materials.values()), half_m, shades, is_round)


@functools.cache
def _unit(sides: int) -> np.ndarray:
    """Returns [Q, 4, 3]: the upright sides, then the upper and lower ends, of a solid of half size 1."""
    count, rings = SHAPES[sides]
    angle = (np.arange(count) - 0.5) * 2 * math.pi / count
    circle = (math.sqrt(2) if sides == BOX else 1.04) * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    levels = [radius * circle + (0, 0, z) for z, radius in rings]
    bands = [np.stack([a, np.roll(a, -1, 0), np.roll(b, -1, 0), b], axis=1) for a, b in itertools.pairwise(levels)]
    strips = [[i - 1, i, count - 3 - i, count - 2 - i] for i in range(count // 2 - 1)]
    return np.concatenate([*bands, levels[-1][strips], levels[0][np.flip(strips, axis=1)]])


def _axes(yaw: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """Returns [N, 3, 3]: rows are each solid's x, y and z after a tilt about its x and a turn about the world's z."""
    cos, sin, lean, rise, flat = np.cos(yaw), np.sin(yaw), np.sin(tilt), np.cos(tilt), np.zeros(len(yaw))
    rows = [[cos, sin, flat], [-sin * rise, cos * rise, lean], [sin * lean, -cos * lean, rise]]
    return np.array(rows).transpose(2, 0, 1)
