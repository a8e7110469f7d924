"""Places furniture in a room: along its walls, in its middle, beside other pieces, on top of them, on its walls."""

import dataclasses
import math

import numpy as np

from depth_tf.synthetic_rooms import furniture
from depth_tf.synthetic_rooms.materials import Style
from depth_tf.synthetic_rooms.solids import Assembly, Frame


@dataclasses.dataclass(frozen=True)
class Light:
    """A source of light."""

    position_m: tuple[float, float, float]  # [3], world metres
    power: tuple[float, float, float]  # [3] red, green, blue; irradiance at 1 m facing it
    direction: tuple[float, float, float] | None  # [3] the way a window throws its light; None: all round
    size_m: float  # its width, which softens its shadows


@dataclasses.dataclass
class Wall:
    """One side of a room; its frame: x along it from 0 to its length, y into the room, z up."""

    frame: Frame  # its frame
    length_m: float  # along its x
    openings: list[tuple[str, float, float, float, float]]  # (kind, left, right, bottom, top), from left to right
    taken: list[tuple[float, float, float, float]]  # (left, right, bottom, top) that something covers

    def is_free(self, left: float, right: float, bottom: float, top: float) -> bool:
        """True if all of that area is wall and nothing covers any of it."""
        areas = self.taken + [(o[1] - 0.1, o[2] + 0.1, o[3] - 0.1, o[4] + 0.1) for o in self.openings]
        inside = left >= 0 and right <= self.length_m
        return inside and not any(left < b and a < right and bottom < d and c < top for a, b, c, d in areas)


class Plan:
    """A room in the making, [0, width] x [0, length] x [0, height] of `parts.origin`.

    `walls` are south, east, north and west; `floor`, [n, 5], is left, right, front, back and height of what covers it,
    height 0 of what is to be kept clear.
    """

    def __init__(self, rng: np.random.Generator, size_m: tuple[float, float, float], style: Style, parts: Assembly):
        self.rng, self.size_m, self.style, self.parts = rng, size_m, style, parts
        width, length, quarter = size_m[0], size_m[1], math.pi / 2
        corners = ((0, 0, width), (width, 0, length), (width, length, width), (0, length, length))
        self.walls = [Wall(Frame(x, y, 0, i * quarter), along, [], []) for i, (x, y, along) in enumerate(corners)]
        self.floor = np.zeros((0, 5))
        self.lights: list[Light] = []

    def stand(self, name: str, size_m: np.ndarray, frame: Frame, *, margin: float = 0.0) -> bool:
        """Builds a piece exactly there if nothing else is within `margin` metres of it; says whether it was."""
        area = _area(size_m, frame)
        inside = area[0] >= 0 and area[2] >= 0 and area[1] <= self.size_m[0] and area[3] <= self.size_m[1]
        left, right, front, back, _ = self.floor.T
        beside = (area[0] - margin >= right) | (area[1] + margin <= left)
        beside |= (area[2] - margin >= back) | (area[3] + margin <= front)
        if not inside or not beside.all():
            return False
        furniture.build(self, name, size_m, frame)
        self.floor = np.vstack([self.floor, area])
        return True

    def keep_clear(self, size_m: np.ndarray, frame: Frame) -> None:
        """Leaves floor free of furniture."""
        self.floor = np.vstack([self.floor, [*_area(size_m, frame)[:4], 0.0]])

    def place(self, name: str, size_m: np.ndarray, *, spread: float | None, margin: float) -> Frame | None:
        """Stands a piece with its back to a wall or within a share `spread` of the middle, where it fits."""
        for _ in range(12):
            wall, x, y = self.walls[self.rng.integers(4)], *self.rng.random(2)
            left = (wall.length_m - size_m[0]) * x
            frame = wall.frame.at(left + size_m[0] / 2, size_m[1] / 2 + 0.02)
            if spread is not None:
                x, y = (extent * (0.5 + spread * (at - 0.5)) for extent, at in zip(self.size_m, (x, y), strict=False))
                frame = Frame(x, y, 0, wall.frame.yaw + self.rng.normal(0, 0.05))
                if self.stand(name, size_m, frame, margin=margin):
                    return frame
            elif wall.is_free(left, left + size_m[0], 0.12, size_m[2]) and self.stand(name, size_m, frame):
                wall.taken.append((left, left + size_m[0], 0.0, size_m[2]))
                return frame
        return None

    def load(self, name: str, size_m: np.ndarray, frame: Frame, things: str) -> None:
        """Stands some of the named things on a piece, more on a larger one, mostly side by side."""
        most = min(10, int(2 + 5 * size_m[0])) if things and furniture.PIECES[name].top else 0
        count = self.rng.integers(most // 2, most + 1)
        for index, thing in enumerate(self.rng.choice(things.split() or [""], count)):
            thing_m = furniture.draw_size(thing, self.rng)
            y = max(size_m[1] / 2 - thing_m[1] / 2, 0.05) * self.rng.uniform(-1, 1)
            x = max(size_m[0] - thing_m[0], 0.05) * ((index + self.rng.random()) / count - 0.5)
            place = frame.at(x, y, furniture.PIECES[name].top * size_m[2], self.rng.normal(0, 0.25))
            furniture.build(self, thing, thing_m, place)

    def hang(self, name: str) -> None:
        """Fixes a piece to a wall if the place drawn is free; the part of it that counts is its upper half."""
        size_m, wall = furniture.draw_size(name, self.rng), self.walls[self.rng.integers(4)]
        left = (wall.length_m - size_m[0]) * self.rng.random()
        area = (left, left + size_m[0], size_m[2] * min(part.z[0] for part in furniture.PIECES[name].parts), size_m[2])
        if wall.is_free(*area) and size_m[2] < self.size_m[2]:
            wall.taken.append(area)
            frame = wall.frame.at(left + size_m[0] / 2, size_m[1] / 2)
            furniture.build(self, name, size_m, frame)


def _area(size_m: np.ndarray, frame: Frame) -> tuple[float, float, float, float, float]:
    """Returns the floor under something of that size in a frame, as a rectangle along the walls, and its height."""
    cos, sin = abs(math.cos(frame.yaw)), abs(math.sin(frame.yaw))
    across, along = (cos * size_m[0] + sin * size_m[1]) / 2, (sin * size_m[0] + cos * size_m[1]) / 2
    return frame.x - across, frame.x + across, frame.y - along, frame.y + along, float(size_m[2])
