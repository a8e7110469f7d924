"""How the rooms of a home are furnished."""

import math

from depth_tf.synthetic_rooms import fixtures, seating, tables
from depth_tf.synthetic_rooms.groups import (
    BATH_THINGS,
    CHEST_THINGS,
    KITCHEN_THINGS,
    dining_group,
    sofa_group,
    some,
    stand_along_walls,
    work_place,
)
from depth_tf.synthetic_rooms.layout import Plan


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
        plan.rug(plan.middle(rng.integers(2) * math.pi / 2), 1.8, 1.2)


def living_room(plan: Plan) -> None:
    """Sofas about a low table, a television, shelves, plants."""
    rng, style = plan.rng, plan.style
    if rng.random() < 0.3:
        plan.against_wall(fixtures.fireplace(rng, style), gap=0.0)
    screen = fixtures.television(rng, style)
    if rng.random() < 0.7:
        plan.against_wall(screen)
    for _ in range(1 + (plan.size_m[0] * plan.size_m[1] > 30)):
        sofa_group(plan)
    stand_along_walls(plan, [tables.bookshelf, tables.dresser, tables.bookshelf, tables.side_table], CHEST_THINGS)
    if rng.random() < 0.35 and min(plan.size_m[:2]) > 4:
        dining_group(plan)


def dining_room(plan: Plan) -> None:
    """A table with chairs, a sideboard, shelves."""
    if plan.rng.random() < 0.5:
        plan.rug(plan.middle(), 2.6, 1.9)
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
            x = place.seen_from(wall.frame).x
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
