"""The kinds of room there are."""

import dataclasses
from collections.abc import Callable

from depth_tf.synthetic_rooms import homes, workrooms
from depth_tf.synthetic_rooms.layout import Plan


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of room.

    Attributes:
      share: how frequent it is, relative to the others.
      view_m: typical median depth of a photograph of it, as in NYU's 795 labelled training images.
      sides_m: least and greatest length of a side.
      floors: what its floor may be.
      furnish: places its furniture.
      office: whether it has the ceiling and lamps of a work place.
      extra_height_m: by how much it is higher than a home.
    """

    share: float
    view_m: float
    sides_m: tuple[float, float]
    floors: tuple[str, ...]
    furnish: Callable[[Plan], None]
    office: bool = False
    extra_height_m: float = 0.0


KINDS = {
    "bedroom": Kind(0.2, 2.6, (2.8, 5.0), ("carpet", "carpet", "wood"), homes.bedroom),
    "living_room": Kind(0.16, 2.9, (3.5, 7.5), ("carpet", "wood", "wood", "tiles"), homes.living_room),
    "dining_room": Kind(0.1, 2.9, (3.2, 6.5), ("wood", "wood", "carpet", "tiles"), homes.dining_room),
    "kitchen": Kind(0.15, 2.4, (2.2, 5.5), ("wood", "tiles", "tiles"), homes.kitchen),
    "bathroom": Kind(0.07, 1.75, (1.8, 3.4), ("tiles", "tiles", "wood"), homes.bathroom),
    "office": Kind(0.12, 2.5, (2.6, 6.5), ("carpet", "carpet", "wood"), workrooms.office, office=True),
    "classroom": Kind(0.06, 3.7, (6.0, 10.5), ("carpet", "tiles", "wood"), workrooms.classroom, office=True),
    "store": Kind(0.05, 2.9, (3.0, 7.0), ("carpet", "wood", "tiles"), workrooms.store),
    "lounge": Kind(0.05, 4.3, (6.0, 12.0), ("carpet", "wood", "tiles"), workrooms.lounge, True, 0.6),
    "bookshop": Kind(0.04, 3.0, (6.0, 13.0), ("carpet", "wood", "tiles"), workrooms.bookshop, True, 0.8),
}
