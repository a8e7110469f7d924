"""The kinds of room there are, and how each is furnished."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from depth_tf.synthetic_rooms import fixtures, seating, tables
from depth_tf.synthetic_rooms.layout import Plan
from depth_tf.synthetic_rooms.piece import Piece
from depth_tf.synthetic_rooms.solids import Frame

DESK_THINGS = ["monitor", "laptop", "sheet", "sheet", "book_stack", "cup", "photo", "carton", "book_row", "table_lamp"]
LOW_TABLE_THINGS = ["book_stack", "cup", "sheet", "bowl", "carton", "vase", "bottle", "cup"]
DINING_THINGS = ["plates", "plates", "plates", "plates", "vase", "bowl", "bottle", "cup", "cup", "sheet"]
CHEST_THINGS = ["photo", "vase", "table_lamp", "book_stack", "carton", "bottle", "book_row", "photo", "bowl", "big_box"]
CHEST_THINGS += ["pot_plant", "heap", "carton", "cup", "basket", "book_row"]
KITCHEN_THINGS = ["bottle", "bottle", "carton", "bowl", "cup", "cup", "plates", "bottle", "carton", "vase", "book_row"]
BATH_THINGS = ["bottle", "cup", "carton", "bottle", "cup", "vase"]
FLOOR_THINGS = ["bag", "heap", "big_box", "shoes", "basket", "ball", "book_stack", "big_box", "shoes"]


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of room.

    Attributes:
      share: how frequent it is, relative to the others.
      sides_m: least and greatest length of a side.
      floors: what its floor may be.
      furnish: places its furniture.
      office: whether it has the ceiling and lamps of a work place.
    """

    share: float
    sides_m: tuple[float, float]
    floors: tuple[str, ...]
    furnish: Callable[[Plan], None]
    office: bool = False


def bedroom(plan: Plan) -> None:
    """One or two beds with night stands, chests, perhaps a desk."""
    rng, style = plan.rng, plan.style
    for _ in range(1 + int(rng.random() < 0.2)):
        bed = seating.bunk_bed(rng, style) if rng.random() < 0.1 else seating.bed(rng, style)
        frame = plan.against_wall(bed)
        if frame is None:
            continue
        for side in (-1, 1):
            stand = tables.nightstand(rng, style)
            place = frame.at(side * (bed.width_m + stand.width_m + 0.08) / 2, -(bed.depth_m - stand.depth_m) / 2 + 0.02)
            if rng.random() < 0.75 and plan.beside(stand, place):
                plan.load(stand, place, ["table_lamp", *some(rng, ["photo", "book_stack", "cup", "sheet"], 2)])
        if rng.random() < 0.4:
            plan.load(bed, frame, some(rng, ["heap", "bag", "book_stack", "sheet", "laptop", "carton"], 3))
    stand_along_walls(plan, [tables.dresser, tables.wardrobe, tables.bookshelf, tables.dresser], CHEST_THINGS)
    if rng.random() < 0.5:
        work_place(plan)
    if rng.random() < 0.35:
        plan.against_wall(seating.sofa(rng, style))
    if rng.random() < 0.4:
        plan.rug(Frame(plan.size_m[0] / 2, plan.size_m[1] / 2, 0, rng.integers(2) * math.pi / 2), 1.8, 1.2)


def living_room(plan: Plan) -> None:
    """Sofas about a low table, a television, shelves, plants."""
    rng, style = plan.rng, plan.style
    if rng.random() < 0.3:
        plan.against_wall(fixtures.fireplace(rng, style), gap=0.0)
    screen = fixtures.television(rng, style)
    if rng.random() < 0.7:
        plan.against_wall(screen)
    sofa = seating.sofa(rng, style)
    frame = plan.against_wall(sofa, gap=rng.choice([0.05, 0.5, 1.0]))
    if frame:
        low = tables.coffee_table(rng, style)
        place = frame.at(rng.normal(0, 0.1), sofa.depth_m / 2 + low.depth_m / 2 + 0.4)
        if rng.random() < 0.6:
            plan.rug(place, rng.uniform(1.8, 2.8), rng.uniform(1.3, 2.0))
        if plan.beside(low, place):
            plan.load(low, place, some(rng, LOW_TABLE_THINGS, 9))
        for side in (-1, 1):
            stand = tables.side_table(rng, style)
            beside = frame.at(side * (sofa.width_m + stand.width_m + 0.1) / 2, -0.15)
            if rng.random() < 0.5 and plan.beside(stand, beside):
                plan.load(stand, beside, ["table_lamp", *some(rng, ["photo", "book_stack", "cup"], 1)])
    for _ in range(rng.integers(1, 4)):
        seat = seating.sofa(rng, style)
        if rng.random() < 0.5:
            plan.against_wall(seat)
        else:
            plan.in_middle(seat, spread=0.7, turn=rng.normal(0, 0.3))
    stand_along_walls(plan, [tables.bookshelf, tables.dresser, tables.bookshelf, tables.side_table], CHEST_THINGS)
    if rng.random() < 0.35 and min(plan.size_m[:2]) > 4:
        dining_group(plan)


def dining_room(plan: Plan) -> None:
    """A table with chairs, a sideboard, shelves."""
    if plan.rng.random() < 0.5:
        plan.rug(Frame(plan.size_m[0] / 2, plan.size_m[1] / 2), 2.6, 1.9)
    dining_group(plan, spread=0.25)
    stand_along_walls(plan, [tables.dresser, tables.bookshelf, tables.wardrobe, tables.side_table], CHEST_THINGS)
    if plan.rng.random() < 0.3:
        plan.against_wall(fixtures.fireplace(plan.rng, plan.style), gap=0.0)


def kitchen(plan: Plan) -> None:
    """Worktops along one to three walls with cupboards over them, cooker, fridge, table or island."""
    rng, style = plan.rng, plan.style
    first = int(rng.integers(4))
    for step in range(rng.integers(1, 4)):
        wall = plan.walls[(first + step) % 4]
        for maker in (fixtures.fridge, fixtures.cooker):
            if rng.random() < 0.55:
                plan.against_wall(maker(rng, style), wall=wall)
        for _ in range(4):
            width = rng.uniform(0.8, max(1.0, 0.9 * wall.length_m))
            unit = fixtures.counter(rng, style, width=width)
            frame = plan.against_wall(unit, wall=wall, gap=0.0)
            if frame is None:
                continue
            plan.load(unit, frame, some(rng, KITCHEN_THINGS, int(3 + 4 * width)))
            upper = fixtures.wall_units(rng, style, width=width)
            place = frame.at(0, -unit.depth_m / 2 + upper.depth_m / 2)
            x = math.cos(wall.frame.yaw) * (place.x - wall.frame.x) + math.sin(wall.frame.yaw) * (
                place.y - wall.frame.y
            )
            if wall.is_free(x - width / 2, x + width / 2, 1.35, upper.height_m) and rng.random() < 0.85:
                upper.build(plan.parts, place)
                wall.taken.append((x - width / 2, x + width / 2, 1.35, upper.height_m))
    if rng.random() < 0.35:
        island = fixtures.counter(rng, style, width=rng.uniform(1.0, 1.8))
        frame = plan.in_middle(island, spread=0.3, margin=0.6)
        if frame:
            plan.load(island, frame, some(rng, KITCHEN_THINGS, 6))
            for x in (-0.4, 0.1, 0.5):
                plan.beside(seating.stool(rng, style), frame.at(x, -0.55))
    elif rng.random() < 0.7:
        dining_group(plan, spread=0.5)


def office(plan: Plan) -> None:
    """Desks with screens and swivel chairs, shelves, cabinets, boards."""
    rng, style = plan.rng, plan.style
    for _ in range(rng.integers(1, 5)):
        work_place(plan)
    if min(plan.size_m[:2]) > 4 and rng.random() < 0.5:
        dining_group(plan, things=["sheet", "laptop", "cup", "book_stack", "bottle", "sheet"])
    stand_along_walls(plan, [tables.bookshelf, tables.dresser, tables.bookshelf, tables.wardrobe], CHEST_THINGS)
    plan.hang(int(rng.integers(0, 3)), ("whiteboard", "notices", "poster"))


def classroom(plan: Plan) -> None:
    """Rows of tables with chairs, shelves along the walls, boards and charts."""
    rng, style = plan.rng, plan.style
    table = tables.table(
        rng, style, width=rng.uniform(1.1, 1.6), depth=rng.uniform(0.5, 0.8), height=rng.uniform(0.6, 0.75)
    )
    seat = seating.chair(rng, style)
    turn = rng.integers(4) * math.pi / 2
    for x in np.arange(1.6, plan.size_m[0] - 1.2, rng.uniform(1.9, 2.6)):
        for y in np.arange(1.6, plan.size_m[1] - 1.2, rng.uniform(1.7, 2.4)):
            frame = Frame(x + rng.normal(0, 0.1), y + rng.normal(0, 0.1), 0, turn + rng.normal(0, 0.05))
            if rng.random() < 0.8 and plan.beside(table, frame):
                plan.load(table, frame, some(rng, ["sheet", "book_stack", "carton", "cup", "sheet", "laptop"], 3))
                for side in (-0.3, 0.3):
                    if rng.random() < 0.8:
                        seat.build(plan.parts, frame.at(side, 0.6, 0, math.pi + rng.normal(0, 0.2)))
    for _ in range(4):
        stand_along_walls(plan, [tables.bookshelf, tables.dresser], CHEST_THINGS)
    plan.hang(int(rng.integers(3, 12)), ("whiteboard", "notices", "poster", "poster"))


def bathroom(plan: Plan) -> None:
    """A basin under a mirror, a closet, a bath, towels."""
    rng, style = plan.rng, plan.style
    basin = fixtures.washbasin(rng, style)
    frame = plan.against_wall(basin, gap=0.0)
    if frame:
        plan.load(basin, frame, some(rng, BATH_THINGS, 5))
    plan.against_wall(fixtures.toilet(rng, style))
    if rng.random() < 0.7:
        plan.against_wall(fixtures.bath(rng, style), gap=0.0)
    stand_along_walls(plan, [tables.nightstand, tables.wardrobe], BATH_THINGS)


def store(plan: Plan) -> None:
    """Shelves, boxes and toys: play rooms, storage, shops."""
    rng, style = plan.rng, plan.style
    for _ in range(rng.integers(2, 5)):
        stand_along_walls(plan, [tables.bookshelf, tables.bookshelf, tables.dresser], CHEST_THINGS)
    for _ in range(rng.integers(0, 4)):
        plan.in_middle(tables.bookshelf(rng, style), spread=0.7, margin=0.5)
    if rng.random() < 0.6:
        dining_group(plan)
    plan.litter(some(rng, FLOOR_THINGS, 8))


def dining_group(plan: Plan, *, spread: float = 0.7, things: list[str] | None = None) -> None:
    """A table with chairs drawn up to it, some pulled away."""
    rng, style = plan.rng, plan.style
    table = tables.dining_table(rng, style)
    frame = plan.in_middle(table, spread=spread, turn=rng.normal(0, 0.05), margin=0.5)
    if frame is None:
        return
    plan.load(table, frame, some(rng, things or DINING_THINGS, 12))
    seat = seating.chair(rng, style)
    round_top = table.width_m == table.depth_m
    sides = [(0, table.width_m, table.depth_m), (1, table.depth_m, table.width_m)]
    for quarter, along, away in [*sides, *((2 + q, a, b) for q, a, b in sides)]:
        count = 1 if round_top else int(along / 0.62)
        for i in range(count):
            x = (i + 0.5) / count * along - along / 2 + rng.normal(0, 0.03)
            out = away / 2 + rng.uniform(-0.1, 0.3)
            turned = frame.at(0, 0, 0, quarter * math.pi / 2)
            if rng.random() < 0.85:
                seat.build(plan.parts, turned.at(x, out + 0.1, 0, math.pi + rng.normal(0, 0.15)))
    grown = Piece(table.width_m + 1.1, table.depth_m + 1.1, 0.95, table.build)
    plan.cover(grown, frame)


def work_place(plan: Plan) -> None:
    """A desk against a wall with a screen on it and a chair before it."""
    rng, style = plan.rng, plan.style
    desk = (
        tables.desk(rng, style) if rng.random() < 0.8 else tables.table(rng, style, width=1.3, depth=0.7, height=0.74)
    )
    frame = plan.against_wall(desk)
    if frame is None:
        return
    first = "monitor" if rng.random() < 0.7 else "laptop"
    plan.load(desk, frame, [first, *some(rng, DESK_THINGS, 12)])
    seat = seating.office_chair(rng, style) if rng.random() < 0.6 else seating.chair(rng, style)
    plan.beside(seat, frame.at(rng.normal(0, 0.15), desk.depth_m / 2 + 0.36, 0, math.pi + rng.normal(0, 0.5)))


def stand_along_walls(plan: Plan, makers: list[Callable], things: list[str]) -> None:
    """Stands some of the pieces along the walls, with things on them."""
    for maker in makers:
        if plan.rng.random() < 0.75:
            piece = maker(plan.rng, plan.style)
            frame = plan.against_wall(piece)
            if frame:
                plan.load(piece, frame, some(plan.rng, things, 9))


def fill(plan: Plan) -> None:
    """Stands small pieces in what space is left along the walls, and lets things lie about."""
    rng, style = plan.rng, plan.style
    makers = (tables.side_table, tables.nightstand, tables.bookshelf, seating.chair, seating.stool, tables.dresser)
    for _ in range(rng.integers(4, 11)):
        piece = makers[rng.integers(len(makers))](rng, style)
        frame = plan.against_wall(piece)
        if frame:
            plan.load(piece, frame, some(rng, [*CHEST_THINGS, *LOW_TABLE_THINGS], 7))
    if rng.random() < 0.3:
        plan.against_wall(fixtures.plant(rng, style, height=rng.uniform(0.6, 1.7)))
    corner = [FLOOR_THINGS[i] for i in rng.integers(0, len(FLOOR_THINGS), rng.integers(2, 12))]
    plan.litter(corner)


def some(rng: np.random.Generator, names: list[str], most: int) -> list[str]:
    """Returns up to `most` of the names, in random order."""
    count = int(rng.integers((most + 1) // 2, most + 1))
    return [names[i % len(names)] for i in rng.permutation(max(len(names), most))[:count]]


KINDS = {
    "bedroom": Kind(0.22, (2.8, 5.0), ("carpet", "carpet", "wood"), bedroom),
    "living_room": Kind(0.2, (3.5, 7.5), ("carpet", "wood", "wood", "tiles"), living_room),
    "dining_room": Kind(0.1, (3.2, 6.0), ("wood", "wood", "carpet", "tiles"), dining_room),
    "kitchen": Kind(0.15, (2.4, 5.5), ("wood", "tiles", "tiles"), kitchen),
    "office": Kind(0.12, (2.8, 6.5), ("carpet", "carpet", "wood"), office, office=True),
    "classroom": Kind(0.07, (6.0, 10.5), ("carpet", "tiles", "wood"), classroom, office=True),
    "bathroom": Kind(0.07, (1.9, 3.4), ("tiles", "tiles", "wood"), bathroom),
    "store": Kind(0.07, (3.0, 9.0), ("carpet", "wood", "tiles"), store),
}
