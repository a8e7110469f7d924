"""The kinds of room as data: which pieces stand where, what stands beside them and what lies on them."""

import dataclasses
import math

import numpy as np

from depth_tf.synthetic_rooms import furniture
from depth_tf.synthetic_rooms.layout import Plan
from depth_tf.synthetic_rooms.solids import Frame

DESK = "monitor monitor sheet sheet book_stack cup carton books table_lamp"
LOW = "vase table_lamp table_lamp book_stack cup sheet carton bottle cup"
DINING = "vase cup cup cup cup bottle cup cup sheet"
CHEST = "vase ball table_lamp book_stack carton bottle books big_box carton cup basket books heap"
KITCHEN = "bottle bottle carton cup cup cup bottle carton books"


@dataclasses.dataclass(frozen=True)
class Put:
    """A rule: pieces that stand at a "wall", in the "middle", or hang on a wall ("hang")."""

    where: str  # as above
    pieces: str  # names, of which one is drawn each time
    times: tuple[int, int] = (1, 1)  # least and greatest number of tries
    things: str = ""  # names of what may lie on it
    beside: tuple[tuple, ...] = ()  # what stands beside it, see `_stand_beside`
    spread: float = 0.7  # how far from the middle, as a share of the room
    margin_m: float = 0.3  # free floor about it


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of room."""

    share: float  # how frequent it is, relative to the others
    view_m: float  # typical median depth of a photograph of it, as in NYU's 795 labelled training images
    sides_m: tuple[float, float]  # least and greatest length of a side
    floors: str  # what its floor may be
    rules: tuple[Put, ...]  # its furniture, in the order in which it is placed
    office: bool = False  # whether it has the lamps of a work place
    extra_height_m: float = 0.0  # by how much it is higher than a home


def furnish(plan: Plan, rules: tuple[Put, ...]) -> None:
    """Places what the rules say."""
    for rule in rules:
        for _ in range(plan.rng.integers(rule.times[0], rule.times[1] + 1)):
            name = str(plan.rng.choice(rule.pieces.split()))
            if rule.where == "hang":
                plan.hang(name)
                continue
            size_m = furniture.draw_size(name, plan.rng)
            spread = None if rule.where == "wall" else rule.spread
            frame = plan.place(name, size_m, spread=spread, margin=rule.margin_m)
            if frame:
                plan.load(name, size_m, frame, rule.things)
                _stand_beside(plan, size_m, frame, rule)


def _stand_beside(plan: Plan, size_m: np.ndarray, frame: Frame, rule: Put) -> None:
    """Stands others beside a piece: one of `names` at each of `sides`, which are front, left, back and right.

    `gap_m` lies between the two, below 0 for chairs drawn up under a table; there is one per `pitch_m` along the side,
    a single one if that is 0; `things` may lie on it.
    """
    rng = plan.rng
    for names, sides, gap_m, chance, pitch_m, things in rule.beside:
        other = str(rng.choice(names.split()))
        other_m = furniture.draw_size(other, rng)
        for quarter in map("flbr".index, sides):
            along, away = np.roll(size_m[:2], quarter % 2)
            count = max(1, int(along / pitch_m)) if pitch_m else 1
            for i in range(count):
                x, facing = (i + 0.5) / count * along - along / 2 + rng.normal(0, 0.03), math.pi + rng.normal(0, 0.15)
                out = away / 2 + gap_m + other_m[1] / 2 + (rng.uniform(0, 0.3) if pitch_m else 0)
                if not pitch_m and quarter % 2:  # a nightstand stands in line with the bed's head
                    out = away / 2 + gap_m + other_m[0] / 2
                    facing, x = -quarter * math.pi / 2, (along - other_m[1]) / 2 * (2 - quarter)
                if rng.random() < chance:
                    place = frame.at(0, 0, 0, quarter * math.pi / 2).at(x, out, 0, facing)
                    if gap_m < 0:
                        furniture.build(plan, other, other_m, place)
                        plan.keep_clear(other_m, place)
                    elif plan.stand(other, other_m, place):
                        plan.load(other, other_m, place, things)


_CHAIRS = (("chair", "fblr", -0.25, 0.85, 0.62, ""),)
_SEAT = (("office_chair chair", "f", -0.1, 0.9, 0, ""),)
_SOFA = (("low_table", "f", 0.4, 0.8, 0, LOW), ("side_table nightstand", "lr", 0.05, 0.5, 0, LOW))
_SOFAS = Put("wall", "sofa couch", (1, 1), "", _SOFA)
_STORE = Put("wall", "shelves dresser wardrobe side_table", (2, 5), CHEST)
EVERYWHERE = (
    Put("wall", "side_table nightstand shelves chair stool dresser", (4, 9), CHEST),
    Put("wall", "plant floor_lamp pier pier", (0, 2)),
    Put("middle", "ball bag heap heap big_box basket book_stack big_box bag sheet", (2, 9), spread=0.9, margin_m=0.0),
    Put("hang", "wall_shelf wall_shelf radiator painting painting poster", (8, 20)),
)

KINDS = {
    "bedroom": Kind(0.2, 2.6, (2.8, 5.0), "carpet carpet planks", (
        Put("wall", "single_bed double_bed double_bed", (1, 2), CHEST, (("nightstand", "lr", 0.05, 0.8, 0, LOW),)),
        _STORE, Put("wall", "desk armchair", (0, 2), DESK, _SEAT))),
    "living_room": Kind(0.16, 2.9, (3.5, 7.5), "carpet planks planks tiles", (
        Put("wall", "television", (1, 1), LOW), _SOFAS, Put("middle", "sofa", (0, 1), "", _SOFA),
        _STORE, Put("middle", "armchair", (0, 3)), Put("middle", "table", (0, 1), DINING, _CHAIRS))),
    "dining_room": Kind(0.1, 2.9, (3.2, 6.5), "planks planks carpet tiles", (
        Put("middle", "table table round_table", (1, 1), DINING, _CHAIRS, 0.4, 0.5), _STORE)),
    "kitchen": Kind(0.15, 2.4, (2.2, 5.5), "planks tiles tiles", (
        Put("wall", "fridge", (1, 2)), Put("wall", "counter", (3, 8), KITCHEN), Put("hang", "wall_units", (2, 6)),
        Put("middle", "counter table table", (0, 1), KITCHEN, _CHAIRS, 0.3, 0.6))),
    "bathroom": Kind(0.07, 1.75, (1.8, 3.4), "tiles tiles planks", (
        Put("wall", "basin", (1, 1), KITCHEN), Put("wall", "toilet"), Put("wall", "bath", (0, 1)),
        Put("wall", "nightstand wardrobe", (0, 2), KITCHEN))),
    "office": Kind(0.12, 2.5, (2.6, 6.5), "carpet carpet planks", (
        Put("wall", "desk desk table", (1, 4), DESK, _SEAT), Put("middle", "table", (0, 1), DESK, _CHAIRS),
        _STORE, Put("hang", "wall_board", (0, 3))), True),
    "classroom": Kind(0.06, 3.7, (6.0, 10.5), "carpet tiles planks", (
        Put("middle", "table", (6, 14), DESK, (("chair", "f", -0.1, 0.8, 0.6, ""),), 0.85, 0.5),
        Put("wall", "shelves dresser", (4, 9), CHEST), Put("hang", "wall_board poster", (3, 12))), True),
    "store": Kind(0.05, 2.9, (3.0, 7.0), "carpet planks tiles", (
        Put("wall", "shelves shelves dresser", (4, 9), CHEST),
        Put("middle", "shelves table big_box big_box basket", (2, 9), CHEST, margin_m=0.2))),
    "lounge": Kind(0.05, 4.3, (6.0, 12.0), "carpet planks tiles", (
        Put("middle", "sofa couch", (1, 4), "", _SOFA), Put("middle", "table", (1, 4), DINING, _CHAIRS, 0.9, 0.4),
        Put("middle", "dresser double_bed side_table shelves armchair pier", (2, 8), CHEST, spread=0.9), _SOFAS, _STORE,
    ), True, 0.6),
    "bookshop": Kind(0.04, 3.0, (6.0, 13.0), "carpet planks tiles", (
        Put("middle", "shelves", (5, 10), CHEST, (("shelves", "b", 0.02, 0.8, 0, ""),), 0.85, 0.8),
        Put("middle", "table pier", (0, 5), CHEST, spread=0.9), Put("wall", "shelves", (4, 10), CHEST)), True, 0.8),
}  # fmt: skip
