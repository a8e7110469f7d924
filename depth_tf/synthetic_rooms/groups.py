"""Groups of furniture that many kinds of room share, and what lies on them."""

import math
from collections.abc import Callable

import numpy as np

from depth_tf.synthetic_rooms import fixtures, seating, tables
from depth_tf.synthetic_rooms.layout import Plan
from depth_tf.synthetic_rooms.piece import Piece

DESK_THINGS = ["monitor", "laptop", "sheet", "sheet", "book_stack", "cup", "photo", "carton", "book_row", "table_lamp"]
LOW_TABLE_THINGS = ["book_stack", "cup", "sheet", "bowl", "carton", "vase", "bottle", "cup"]
DINING_THINGS = ["plates", "plates", "plates", "plates", "vase", "bowl", "bottle", "cup", "cup", "sheet"]
CHEST_THINGS = ["photo", "vase", "table_lamp", "book_stack", "carton", "bottle", "book_row", "photo", "bowl", "big_box"]
CHEST_THINGS += ["pot_plant", "heap", "carton", "cup", "basket", "book_row"]
KITCHEN_THINGS = ["bottle", "bottle", "carton", "bowl", "cup", "cup", "plates", "bottle", "carton", "vase", "book_row"]
BATH_THINGS = ["bottle", "cup", "carton", "bottle", "cup", "vase"]
FLOOR_THINGS = ["bag", "heap", "big_box", "shoes", "basket", "ball", "book_stack", "big_box", "shoes"]


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


def sofa_group(plan: Plan) -> None:
    """A sofa with a low table before it, small tables beside it, and armchairs about."""
    rng, style = plan.rng, plan.style
    sofa = seating.sofa(rng, style)
    frame = plan.against_wall(sofa, gap=rng.choice([0.05, 0.5, 1.0]))
    if frame is None:
        frame = plan.in_middle(sofa, spread=0.8, turn=rng.normal(0, 0.2))
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
