"""Plans a room: its kind, size, walls, furniture, small things and lights."""

import dataclasses
import math

import numpy as np

from depth_tf.synthetic_rooms import clutter, finishes, shell
from depth_tf.synthetic_rooms.finishes import Style
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.piece import Piece
from depth_tf.synthetic_rooms.shell import Light, Wall
from depth_tf.synthetic_rooms.solids import Assembly, Frame
from depth_tf.synthetic_rooms.textures import pick


@dataclasses.dataclass(frozen=True)
class Footprint:
    """Floor that a piece covers, in the room's own metres, up to `height`."""

    left: float
    right: float
    front: float
    back: float
    height: float

    def overlaps(self, other: "Footprint", margin: float = 0.0) -> bool:
        """True if both cover some floor, or come within `margin` of it."""
        return (
            self.left - margin < other.right
            and other.left < self.right + margin
            and self.front - margin < other.back
            and other.front < self.back + margin
        )


class Plan:
    """A room in the making, [0, width] x [0, length] of a frame: places pieces where there is space.

    Attributes:
      rng: source of randomness.
      size_m: width, length and height.
      style: its finishes.
      origin: its frame.
      parts: where solids go.
      walls: its four sides.
      footprints: floor that pieces cover.
      clear: floor to be kept clear.
      lights: its sources of light.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        size_m: tuple[float, float, float],
        style: Style,
        *,
        parts: Assembly,
        origin: Frame,
    ):
        self.rng, self.size_m, self.style, self.parts, self.origin = rng, size_m, style, parts, origin
        self.walls = shell.walls_of(origin, size_m[0], size_m[1])
        self.footprints: list[Footprint] = []
        self.clear: list[Footprint] = []
        self.lights: list[Light] = []

    def middle(self, yaw: float = 0.0) -> Frame:
        """Returns the frame on the floor in the middle of the room."""
        return self.origin.at(self.size_m[0] / 2, self.size_m[1] / 2, 0, yaw)

    def against_wall(
        self, piece: Piece, *, wall: Wall | None = None, at: float | None = None, gap: float = 0.03
    ) -> Frame | None:
        """Stands a piece with its back to a wall where it fits; returns its frame, or None if nowhere.

        Args:
          piece: what to place.
          wall: the wall, or None for any.
          at: middle of the piece along the wall, metres, or None for anywhere.
          gap: space behind it, metres.
        """
        for _ in range(12 if at is None else 1):
            target = wall or self.walls[self.rng.integers(4)]
            reach = target.length_m / 2 - piece.width_m / 2 - 0.04
            if reach < 0:
                continue
            middle = target.length_m / 2 + reach * self.rng.uniform(-1, 1) if at is None else at
            left, right = middle - piece.width_m / 2, middle + piece.width_m / 2
            if left < 0 or right > target.length_m or not target.is_free(left, right, 0.12, piece.height_m):
                continue
            frame = target.frame.at(middle, piece.depth_m / 2 + gap)
            if self._stand(piece, frame):
                target.taken.append((left, right, 0.0, piece.height_m))
                return frame
        return None

    def in_middle(self, piece: Piece, *, spread: float = 0.5, turn: float = 0.0, margin: float = 0.25) -> Frame | None:
        """Stands a piece away from the walls, turned by `turn` radians and a quarter turn or not."""
        for _ in range(12):
            x, y = (extent * (0.5 + 0.5 * spread * self.rng.uniform(-1, 1)) for extent in self.size_m[:2])
            frame = self.origin.at(x, y, 0, self.rng.integers(4) * math.pi / 2 + turn)
            if self._stand(piece, frame, margin=margin):
                return frame
        return None

    def beside(self, piece: Piece, frame: Frame) -> bool:
        """Stands a piece exactly at `frame` if there is space."""
        return self._stand(piece, frame, margin=0.0)

    def footprint(self, frame: Frame, width: float, depth: float, height: float) -> Footprint:
        """Returns the floor under something of that size in a frame, as a rectangle along the walls."""
        local = frame.seen_from(self.origin)
        cos, sin = abs(math.cos(local.yaw)), abs(math.sin(local.yaw))
        across, along = (cos * width + sin * depth) / 2, (sin * width + cos * depth) / 2
        return Footprint(local.x - across, local.x + across, local.y - along, local.y + along, height)

    def cover(self, piece: Piece, frame: Frame) -> None:
        """Keeps the floor under a piece free of others without building it."""
        self.footprints.append(self.footprint(frame, piece.width_m, piece.depth_m, piece.height_m))

    def load(self, piece: Piece, frame: Frame, kinds: list[str]) -> None:
        """Stands small things on a piece that has a top."""
        if piece.top:
            z, width, depth = piece.top
            clutter.scatter(self.parts, self.rng, frame.at(0, 0, z), (width, depth), self.style, kinds)

    def litter(self, kinds: list[str]) -> None:
        """Lets things lie on free floor."""
        for kind in kinds:
            maker, radius = clutter.THINGS[kind]
            piece = Piece(
                2 * radius, 2 * radius, 0.3, lambda parts, frame, m=maker: m(parts, self.rng, frame, self.style)
            )
            self.in_middle(piece, spread=0.9, turn=self.rng.uniform(0, 3), margin=0.0)

    def hang(
        self, count: int, kinds: tuple[str, ...] = ("landscape", "abstract", "portrait", "poster", "photograph")
    ) -> None:
        """Hangs framed pictures or sheets where walls are free."""
        for _ in range(count):
            wall = self.walls[self.rng.integers(4)]
            width, height = self.rng.uniform(0.25, 1.1), self.rng.uniform(0.3, 0.9)
            x, z = self.rng.uniform(0.3, max(0.4, wall.length_m - 0.3)), self.rng.uniform(1.4, 1.7)
            area = (x - width / 2, x + width / 2, z - height / 2, z + height / 2)
            if (
                area[0] > 0.05
                and area[1] < wall.length_m - 0.05
                and area[3] < self.size_m[2] - 0.1
                and wall.is_free(*area)
            ):
                wall.taken.append(area)
                self._picture(wall, (x, z), (width, height), kinds[self.rng.integers(len(kinds))])

    def rug(self, frame: Frame, width: float, depth: float) -> None:
        """Lays a rug in a frame."""
        base, second = finishes.choose(self.rng, finishes.CLOTHS), finishes.choose(self.rng, finishes.CLOTHS)
        texture = pick(self.rng, "rug" if self.rng.random() < 0.6 else "plain_rug")
        rug = Material(texture, base, second, finishes.choose(self.rng, finishes.CLOTHS), 0.5, 0.0)
        self.parts.box(frame, (0, 0, 0.006), (width, depth, 0.012), rug, shades=False)

    def _picture(self, wall: Wall, place: tuple[float, float], size: tuple[float, float], kind: str) -> None:
        x, z = place
        width, height = size
        picture = Material(pick(self.rng, kind), (0.85, 0.85, 0.85), tile_m=0.0, gloss=0.15)
        if kind in ("poster", "notices", "whiteboard"):
            self.parts.box(wall.frame, (x, 0.01, z), (width, 0.015, height), picture)
            return
        border, mount = self.rng.uniform(0.02, 0.06), self.rng.uniform(0.0, 0.08)
        edge = (self.style.wood, self.style.second_wood, self.style.metal)[self.rng.integers(3)]
        self.parts.box(wall.frame, (x, 0.015, z), (width, 0.03, height), edge)
        paper = finishes.paint(self.rng, (0.75, 0.73, 0.68))
        for inset, y, material in ((border, 0.018, paper), (border + mount, 0.02, picture)):
            if width - 2 * inset > 0.05 and height - 2 * inset > 0.05:
                self.parts.box(wall.frame, (x, y, z), (width - 2 * inset, 0.03, height - 2 * inset), material)

    def _stand(self, piece: Piece, frame: Frame, *, margin: float = 0.02) -> bool:
        footprint = self.footprint(frame, piece.width_m, piece.depth_m, piece.height_m)
        inside = Footprint(0.0, self.size_m[0], 0.0, self.size_m[1], 0.0)
        fits = (
            footprint.left >= inside.left and footprint.right <= inside.right
            and footprint.front >= inside.front and footprint.back <= inside.back
        )  # fmt: skip
        if not fits or any(footprint.overlaps(other, margin) for other in self.footprints + self.clear):
            return False
        piece.build(self.parts, frame)
        self.footprints.append(footprint)
        return True
