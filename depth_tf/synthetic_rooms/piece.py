"""What every maker of furniture returns."""

import dataclasses
from collections.abc import Callable

from depth_tf.synthetic_rooms.solids import Assembly, Frame


@dataclasses.dataclass(frozen=True)
class Piece:
    """A piece of furniture, not yet placed.

    Attributes:
      width_m: along its local x.
      depth_m: along its local y; its back is at -depth_m / 2.
      height_m: of its highest part.
      build: adds it in a frame whose origin is on the floor under its middle.
      top: (z, width, depth) of a surface on which things may stand, or None.
    """

    width_m: float
    depth_m: float
    height_m: float
    build: Callable[[Assembly, Frame], None]
    top: tuple[float, float, float] | None = None
