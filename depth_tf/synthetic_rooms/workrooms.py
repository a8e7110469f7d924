"""How work rooms, class rooms, shops and stores are furnished."""

import math

import numpy as np

from depth_tf.synthetic_rooms import seating, tables
from depth_tf.synthetic_rooms.groups import (
    CHEST_THINGS,
    FLOOR_THINGS,
    dining_group,
    sofa_group,
    some,
    stand_along_walls,
    work_place,
)
from depth_tf.synthetic_rooms.layout import Plan
from depth_tf.synthetic_rooms.piece import Piece


def office(plan: Plan) -> None:
    """Desks with screens and swivel chairs, shelves, cabinets, boards."""
    rng = plan.rng
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
            frame = plan.origin.at(x + rng.normal(0, 0.1), y + rng.normal(0, 0.1), 0, turn + rng.normal(0, 0.05))
            if rng.random() < 0.8 and plan.beside(table, frame):
                plan.load(table, frame, some(rng, ["sheet", "book_stack", "carton", "cup", "sheet", "laptop"], 3))
                for side in (-0.3, 0.3):
                    if rng.random() < 0.8:
                        seat.build(plan.parts, frame.at(side, 0.6, 0, math.pi + rng.normal(0, 0.2)))
    for _ in range(4):
        stand_along_walls(plan, [tables.bookshelf, tables.dresser], CHEST_THINGS)
    plan.hang(int(rng.integers(3, 12)), ("whiteboard", "notices", "poster", "poster"))


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


def lounge(plan: Plan) -> None:
    """A hall with many seats and tables: waiting rooms, cafes, furniture shops."""
    rng, style = plan.rng, plan.style
    for _ in range(rng.integers(2, 6)):
        if rng.random() < 0.6:
            sofa_group(plan)
        else:
            dining_group(plan, spread=0.9)
    for _ in range(rng.integers(2, 8)):
        maker = (tables.dresser, seating.bed, tables.side_table, tables.bookshelf)[rng.integers(4)]
        piece = maker(rng, style)
        frame = plan.in_middle(piece, spread=0.9, margin=0.3)
        if frame:
            plan.load(piece, frame, some(rng, CHEST_THINGS, 6))
    stand_along_walls(plan, [tables.bookshelf, tables.dresser, tables.dresser], CHEST_THINGS)


def bookshop(plan: Plan) -> None:
    """Aisles between long rows of shelves, back to back; tables with books; columns."""
    rng, style = plan.rng, plan.style
    width, length, height = plan.size_m
    shelf = tables.bookshelf(rng, style)
    turned, across = (0.0, width) if rng.random() < 0.5 else (math.pi / 2, length)
    along = length if turned == 0 else width
    aisle = shelf.depth_m * 2 + rng.uniform(1.1, 2.0)
    for row in np.arange(1.2, along - 1, aisle):
        for at in np.arange(0.9, across - 1, shelf.width_m + 0.01):
            if rng.random() < 0.85:
                x, y = (at, row) if turned == 0 else (row, at)
                middle = plan.origin.at(x, y, 0, turned)
                plan.beside(shelf, middle.at(0, shelf.depth_m / 2))
                plan.beside(
                    tables.bookshelf(rng, style) if rng.random() < 0.1 else shelf,
                    middle.at(0, -shelf.depth_m / 2, 0, math.pi),
                )
    for _ in range(rng.integers(0, 4)):
        dining_group(plan, spread=0.9, things=["book_stack", "book_stack", "book_row", "sheet", "carton"])
    for _ in range(rng.integers(0, 4)):
        side = rng.uniform(0.3, 0.6)
        column = Piece(
            side,
            side,
            height,
            lambda parts, frame, s=side: parts.box(frame, (0, 0, height / 2), (s, s, height), style.wall),
        )
        plan.in_middle(column, spread=0.8, margin=0.0)
    for _ in range(4):
        stand_along_walls(plan, [tables.bookshelf, tables.bookshelf, tables.bookshelf], CHEST_THINGS)
