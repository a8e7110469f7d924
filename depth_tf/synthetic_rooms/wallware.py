"""What is fixed to walls and ceilings: shelves, clocks, mirrors, radiators, hooks, fans; and piers and beams."""

import math

import numpy as np

from depth_tf.synthetic_rooms import clutter, finishes
from depth_tf.synthetic_rooms.layout import Plan
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.shell import Wall
from depth_tf.synthetic_rooms.solids import Frame
from depth_tf.synthetic_rooms.textures import pick

SHELF_THINGS = ["book_row", "book_row", "photo", "vase", "carton", "bottle", "pot_plant", "bowl", "book_stack", "cup"]


def fit_out(plan: Plan, count: int) -> None:
    """Fixes up to `count` things to the walls, each where it fits."""
    for _ in range(count):
        maker, width, bottom, top = FIXED[plan.rng.integers(len(FIXED))]
        wall = plan.walls[plan.rng.integers(4)]
        width = width * plan.rng.uniform(0.7, 1.2)
        reach = wall.length_m - width - 0.2
        if reach > 0:
            left = 0.1 + reach * plan.rng.random()
            if wall.is_free(left, left + width, bottom, top):
                wall.taken.append((left, left + width, bottom, top))
                maker(plan, wall.frame.at(left + width / 2, 0), width)


def piers(plan: Plan) -> None:
    """Adds piers, short cross walls or a free column, and beams or a lowered ceiling."""
    rng, height = plan.rng, plan.size_m[2]
    for _ in range(rng.integers(0, 3)):
        wall = plan.walls[rng.integers(4)]
        width, depth = rng.uniform(0.12, 0.6), rng.uniform(0.2, min(1.6, 0.3 * _depth_behind(plan, wall)))
        left = rng.choice([0.0, rng.uniform(0.0, wall.length_m - width), wall.length_m - width])
        if wall.is_free(left, left + width, 0.0, height):
            frame = wall.frame.at(left + width / 2, depth / 2)
            plan.parts.box(frame, (0, 0, height / 2), (width, depth, height), plan.style.wall)
            plan.parts.box(frame, (0, 0.005, 0.05), (width + 0.03, depth + 0.02, 0.1), plan.style.trim, shades=False)
            wall.taken.append((left, left + width, 0.0, height))
            plan.footprints.append(plan.footprint(frame, width, depth, height))
    if rng.random() < 0.12:
        drop = rng.uniform(0.12, 0.3)
        for at in np.arange(0.8, plan.size_m[1], rng.uniform(0.9, 1.6)):
            size = (plan.size_m[0], rng.uniform(0.1, 0.2), drop)
            plan.parts.box(
                plan.origin.at(plan.size_m[0] / 2, at), (0, 0, height - drop / 2), size, plan.style.second_wood
            )
    elif rng.random() < 0.15:
        wall = plan.walls[rng.integers(4)]
        size = (wall.length_m, rng.uniform(0.3, 0.8), rng.uniform(0.15, 0.3))
        centre = (wall.length_m / 2, size[1] / 2, height - size[2] / 2)
        plan.parts.box(wall.frame, centre, size, plan.style.wall)


def ceiling_fan(plan: Plan, frame: Frame) -> None:
    """A fan of four or five blades."""
    height, blades, turn = plan.size_m[2] - 0.32, int(plan.rng.integers(4, 6)), plan.rng.uniform(0, 6)
    plan.parts.cylinder(frame, (0, 0, height), 0.02, 0.32, plan.style.metal)
    plan.parts.cylinder(frame, (0, 0, height - 0.1), 0.11, 0.15, plan.style.metal)
    for blade in range(blades):
        arm = frame.at(0, 0, 0, turn + blade * 2 * math.pi / blades)
        plan.parts.box(arm, (0.38, 0, height - 0.02), (0.52, 0.13, 0.012), plan.style.wood, shades=False)


def _depth_behind(plan: Plan, wall: Wall) -> float:
    return plan.size_m[1] if wall in (plan.walls[0], plan.walls[2]) else plan.size_m[0]


def _shelf(plan: Plan, frame: Frame, width: float) -> None:
    for z in (1.35, 1.75)[: plan.rng.integers(1, 3)]:
        plan.parts.box(frame, (0, 0.12, z), (width, 0.24, 0.03), plan.style.second_wood)
        names = [SHELF_THINGS[i] for i in plan.rng.integers(0, len(SHELF_THINGS), 6)]
        clutter.scatter(plan.parts, plan.rng, frame.at(0, 0.12, z + 0.015), (width, 0.2), plan.style, names)


def _clock(plan: Plan, frame: Frame, width: float) -> None:
    rim, radius = finishes.paint(plan.rng, finishes.bright(plan.rng)), width / 2
    plan.parts.rod(frame, (0, 0.02, 1.95), radius, 0.04, rim)
    plan.parts.rod(frame, (0, 0.025, 1.95), 0.86 * radius, 0.04, plan.style.white)
    for turn, length in ((plan.rng.uniform(0, 6), 0.6), (plan.rng.uniform(0, 6), 0.4)):
        centre = (0.3 * radius * math.cos(turn), 0.047, 1.95 + 0.3 * radius * math.sin(turn))
        size = (radius * length * abs(math.cos(turn)) + 0.01, 0.004, radius * length * abs(math.sin(turn)) + 0.01)
        plan.parts.box(frame, centre, size, finishes.metal(plan.rng, dark=True))


def _mirror(plan: Plan, frame: Frame, width: float) -> None:
    glass = Material(pick(plan.rng, "photograph"), (0.5, 0.53, 0.55), tile_m=0.0, gloss=0.9)
    height = plan.rng.uniform(0.6, 1.1)
    plan.parts.box(frame, (0, 0.015, 1.5), (width, 0.03, height), plan.style.second_wood)
    plan.parts.box(frame, (0, 0.02, 1.5), (width - 0.1, 0.03, height - 0.1), glass)


def _radiator(plan: Plan, frame: Frame, width: float) -> None:
    ribs = Material(pick(plan.rng, "ribs"), (0.72, 0.7, 0.66), (0.3, 0.3, 0.28), grain=0.5, tile_m=0.8, gloss=0.2)
    plan.parts.box(frame, (0, 0.08, 0.4), (width, 0.1, 0.55), ribs)


def _hooks(plan: Plan, frame: Frame, width: float) -> None:
    rng = plan.rng
    plan.parts.box(frame, (0, 0.012, 1.7), (width, 0.024, 0.1), plan.style.second_wood)
    for x in np.arange(-width / 2 + 0.1, width / 2, 0.17):
        if rng.random() < 0.75:
            cover = Material(
                pick(rng, "creases"), finishes.choose(rng, finishes.CLOTHS, amount=0.3), grain=0.9, tile_m=0.5
            )
            drop = rng.uniform(0.35, 0.95)
            plan.parts.ball(frame, (x, 0.1, 1.72 - drop / 2), (rng.uniform(0.18, 0.4), 0.2, drop), cover)


def _towels(plan: Plan, frame: Frame, width: float) -> None:
    plan.parts.rod(frame, (0, 0.07, 1.2), 0.012, width, plan.style.metal, yaw=math.pi / 2)
    cloth = finishes.cloth(plan.rng, calm=True)
    plan.parts.box(frame, (0.1 * width, 0.07, 0.92), (0.6 * width, 0.03, 0.58), cloth)


def _switch(plan: Plan, frame: Frame, width: float) -> None:
    plan.parts.box(frame, (0, 0.005, 1.15), (0.08, 0.012, 0.12), plan.style.white, shades=False)
    plan.parts.box(frame, (0.1, 0.005, 0.35), (0.08, 0.012, 0.12), plan.style.white, shades=False)


def _vent(plan: Plan, frame: Frame, width: float) -> None:
    grille = Material(pick(plan.rng, "ribs"), (0.6, 0.6, 0.58), (0.1, 0.1, 0.1), grain=0.5, tile_m=0.6)
    plan.parts.box(frame, (0, 0.01, 2.12), (width, 0.02, 0.2), grille, shades=False)


def _cooler(plan: Plan, frame: Frame, width: float) -> None:
    plan.parts.box(frame, (0, 0.12, 2.15), (width, 0.22, 0.28), plan.style.white)
    plan.parts.box(frame, (0, 0.12, 2.02), (0.9 * width, 0.18, 0.02), finishes.metal(plan.rng, dark=True))


def _hanging(plan: Plan, frame: Frame, width: float) -> None:
    drape = finishes.cloth(plan.rng)
    plan.parts.box(frame, (0, 0.015, 1.45), (width, 0.02, 1.1), drape)


# (maker, usual width, lower and upper edge), metres
FIXED = (
    (_shelf, 0.9, 1.3, 2.1),
    (_shelf, 0.7, 1.3, 2.1),
    (_clock, 0.3, 1.75, 2.15),
    (_mirror, 0.6, 0.9, 2.1),
    (_radiator, 0.9, 0.1, 0.7),
    (_hooks, 0.9, 0.7, 1.8),
    (_towels, 0.6, 0.6, 1.25),
    (_switch, 0.2, 0.9, 1.3),
    (_switch, 0.2, 0.9, 1.3),
    (_vent, 0.4, 2.0, 2.25),
    (_cooler, 0.85, 2.0, 2.3),
    (_hanging, 0.8, 0.85, 2.05),
)
