"""Solids that rooms are built of, and the frames that furniture is built in.

A builder places boxes, balls, cylinders and cones in local frames; `Assembly.solids` packs them into arrays for
the caster. Local frames: x along a piece's width, y towards its front, z up.
"""

import dataclasses
import math

import numpy as np

from depth_tf.synthetic_rooms.materials import Material

BOX, BALL, CYLINDER = 0, 1, 2
# Faces of a solid. Box: axis * 2 + (0 lower side, 1 upper side). Others: 0 round side, 1 lower end, 2 upper end.
FACES = 6


@dataclasses.dataclass(frozen=True)
class Frame:
    """A place and a heading on the floor plan: where a piece of furniture is built."""

    x: float
    y: float
    z: float = 0.0
    yaw: float = 0.0

    def at(self, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> "Frame":
        """Returns the frame at local (x, y, z), turned by `yaw` radians."""
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        return Frame(self.x + cos * x - sin * y, self.y + sin * x + cos * y, self.z + z, self.yaw + yaw)

    def seen_from(self, other: "Frame") -> "Frame":
        """Returns this frame in the coordinates of `other`, so that other.at(x, y, z, yaw) of it is this one."""
        cos, sin = math.cos(other.yaw), math.sin(other.yaw)
        x, y = self.x - other.x, self.y - other.y
        return Frame(cos * x + sin * y, cos * y - sin * x, self.z - other.z, self.yaw - other.yaw)


@dataclasses.dataclass(frozen=True)
class Solids:
    """N solids as arrays.

    Attributes:
      kind: [N] int, BOX, BALL or CYLINDER.
      centre_m: [N, 3] float64, world metres.
      axes: [N, 3, 3] float64, each solid's own axes as rows, in world coordinates.
      half_m: [N, 3] float64, half its size along its own axes.
      taper: [N] float64, a cylinder's upper radius as a share, at most 1, of its lower one.
      material: [N] int, index into `materials`.
      materials: the distinct materials.
      shades: [N] bool, whether it throws a shadow.
      room: [N] int, 0 for what is seen directly, k for what is seen only through portals[k - 1].
      portals: outlines, [4, 3] world metres each, of the openings into the rooms beyond.
    """

    kind: np.ndarray
    centre_m: np.ndarray
    axes: np.ndarray
    half_m: np.ndarray
    taper: np.ndarray
    material: np.ndarray
    materials: tuple[Material, ...]
    shades: np.ndarray
    room: np.ndarray
    portals: tuple[np.ndarray, ...] = ()

    def only(self, kept: np.ndarray) -> "Solids":
        """Returns the solids that `kept`, [N] bool or indices, selects."""
        arrays = ("kind", "centre_m", "axes", "half_m", "taper", "material", "shades", "room")
        return dataclasses.replace(self, **{name: getattr(self, name)[kept] for name in arrays})


class Assembly:
    """Collects solids one by one.

    Attributes:
      room: which room the solids that are added belong to, see `Solids.room`.
    """

    def __init__(self):
        self.room = 0
        self._portals = []
        self._rows = []
        self._materials = {}

    def box(
        self,
        frame: Frame,
        centre: tuple[float, float, float],
        size: tuple[float, float, float],
        material: Material,
        *,
        yaw: float = 0.0,
        tilt: float = 0.0,
        shades: bool = True,
    ) -> None:
        """Adds a box by its centre and full size; `tilt` leans its upper side towards the back, in radians."""
        self._add(BOX, frame, centre, size, material, yaw, tilt, 1.0, shades)

    def ball(
        self,
        frame: Frame,
        centre: tuple[float, float, float],
        size: tuple[float, float, float],
        material: Material,
        *,
        yaw: float = 0.0,
        tilt: float = 0.0,
        shades: bool = True,
    ) -> None:
        """Adds an ellipsoid by its centre and its full size along its axes."""
        self._add(BALL, frame, centre, size, material, yaw, tilt, 1.0, shades)

    def cylinder(
        self,
        frame: Frame,
        base: tuple[float, float, float],
        radius: float,
        height: float,
        material: Material,
        *,
        taper: float = 1.0,
        depth: float = 1.0,
        yaw: float = 0.0,
        shades: bool = True,
    ) -> None:
        """Adds an upright cylinder by the centre of its base.

        Args:
          frame: the frame `base` is in.
          base: local (x, y, z) of the lower end's centre, metres.
          radius: of the wider end, metres.
          height: metres.
          material: what it is made of.
          taper: upper radius over lower; above 1 the cylinder widens upwards.
          depth: its radius along y over its radius along x.
          yaw: turns it about z, radians.
          shades: whether it throws a shadow.
        """
        centre = (base[0], base[1], base[2] + height / 2)
        size = (2 * radius, 2 * radius * depth, height)
        tilt = math.pi if taper > 1 else 0.0  # stood on its head: the wide end is the lower one
        self._add(CYLINDER, frame, centre, size, material, yaw, tilt, min(taper, 1 / taper), shades)

    def rod(
        self,
        frame: Frame,
        centre: tuple[float, float, float],
        radius: float,
        length: float,
        material: Material,
        *,
        yaw: float = 0.0,
        depth: float = 1.0,
    ) -> None:
        """Adds a cylinder that lies along y (along x with `yaw` pi/2), by its centre."""
        size = (2 * radius, 2 * radius * depth, length)
        self._add(CYLINDER, frame, centre, size, material, yaw, math.pi / 2, 1.0, True)

    def enter(self, corners: list[Frame]) -> int:
        """Makes what is added from now on visible only through an opening; returns its room's number.

        Args:
          corners: the four corners of the opening, in order around it.
        """
        self._portals.append(np.array([(corner.x, corner.y, corner.z) for corner in corners]))
        self.room = len(self._portals)
        return self.room

    def solids(self) -> Solids:
        """Returns everything added so far as arrays."""
        kind, centre, size, yaw, tilt, taper, material, shades, room = zip(*self._rows, strict=True)
        return Solids(
            kind=np.array(kind),
            centre_m=np.array(centre),
            axes=_axes(np.array(yaw), np.array(tilt)),
            half_m=np.array(size) / 2,
            taper=np.array(taper),
            material=np.array(material),
            materials=tuple(self._materials),
            shades=np.array(shades),
            room=np.array(room),
            portals=tuple(self._portals),
        )

    def _add(self, kind, frame, centre, size, material, yaw, tilt, taper, shades) -> None:
        place = frame.at(*centre)
        index = self._materials.setdefault(material, len(self._materials))
        size = tuple(max(extent, 1e-3) for extent in size)
        row = (kind, (place.x, place.y, place.z), size, frame.yaw + yaw, tilt, taper, index, shades, self.room)
        self._rows.append(row)


def _axes(yaw: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """Returns [N, 3, 3]: rows are each solid's x, y and z after a tilt about its x and a turn about the world's z."""
    cos, sin, lean, rise, flat = np.cos(yaw), np.sin(yaw), np.sin(tilt), np.cos(tilt), np.zeros(len(yaw))
    right = np.stack([cos, sin, flat], axis=-1)
    front = np.stack([-sin, cos, flat], axis=-1)
    up = np.array([0.0, 0.0, 1.0])
    return np.stack(
        [right, rise[:, None] * front + lean[:, None] * up, rise[:, None] * up - lean[:, None] * front], axis=1
    )
