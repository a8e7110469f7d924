"""Cuts windows, doors and arches into the walls of a room, and fills them."""

import math

import numpy as np

from depth_tf.synthetic_rooms import shell
from depth_tf.synthetic_rooms.layout import Plan
from depth_tf.synthetic_rooms.shell import Light, Opening, Wall

SKY = np.array([0.85, 0.95, 1.1])  # colour of daylight from a window


def cut_openings(plan: Plan, daylight: float, *, arches: float) -> list[tuple[Wall, Opening]]:
    """Gives each side of a room a door, an arch, windows or nothing.

    Args:
      plan: the room.
      daylight: radiance of the sky, about 0 at night.
      arches: how likely an arch is.

    Returns:
      The openings that one can see through into another room, each with its wall.
    """
    rng, height = plan.rng, plan.size_m[2]
    second = "arch" if rng.random() < arches else rng.choice(["door", "wall"])
    uses = rng.permutation(["door", second, "window", rng.choice(["window", "wall"])])
    sill, top = rng.choice([0.1, 0.5, 0.8, 0.9, 1.1]), rng.uniform(2.0, min(height - 0.12, 2.4))
    open_ = []
    for wall, use in zip(plan.walls, uses, strict=True):
        if use == "door":
            width = rng.uniform(0.78, 0.95)
            left = rng.uniform(0.15, wall.length_m - width - 0.15)
            opening = Opening("door", left, left + width, 0.0, 2.05)
            if clear_doorway(plan, wall, opening) and shell.build_door(plan.parts, rng, wall, opening, plan.style):
                open_.append((wall, opening))
        elif use == "arch":
            width = min(rng.uniform(1.1, 4.0), wall.length_m - 0.4)
            left = rng.uniform(0.1, wall.length_m - width - 0.1)
            opening = Opening("arch", left, left + width, 0.0, rng.uniform(2.1, height - 0.1))
            clear_doorway(plan, wall, opening)
            open_.append((wall, opening))
        elif use == "window":
            cut_windows(plan, wall, sill=sill, top=top, daylight=daylight)
    return open_


def clear_doorway(plan: Plan, wall: Wall, opening: Opening) -> bool:
    """Adds a door or an arch to a wall and keeps the floor before it clear; always true."""
    wall.openings.append(opening)
    width = max(opening.right - opening.left, 0.9)
    front = wall.frame.at((opening.left + opening.right) / 2, 0.35)
    plan.clear.append(plan.footprint(front, width, 0.7, 2.0))
    return True


def cut_windows(plan: Plan, wall: Wall, *, sill: float, top: float, daylight: float) -> None:
    """Cuts one to three windows into a wall; each is a source of light by day."""
    rng = plan.rng
    count = int(rng.integers(1, 1 + max(1, min(3, int(wall.length_m / 1.6)))))
    share = wall.length_m / count
    width = min(rng.uniform(0.8, 2.4), share - 0.35)
    for i in range(count):
        middle = share * (i + 0.5)
        opening = Opening("window", middle - width / 2, middle + width / 2, sill, top)
        wall.openings.append(opening)
        shell.build_window(plan.parts, rng, wall, opening, plan.style, daylight)
        if daylight > 0.1:
            place = wall.frame.at(middle, 0.25, (sill + top) / 2)
            inward = np.array([-math.sin(wall.frame.yaw), math.cos(wall.frame.yaw), -0.25])
            power = SKY * daylight * width * (top - sill) * 0.3
            direction = tuple(inward / np.linalg.norm(inward))
            plan.lights.append(Light((place.x, place.y, place.z), tuple(power), direction, width))
    shell.build_backdrop(plan.parts, rng, wall, daylight)
