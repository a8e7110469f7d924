"""Lamps on ceilings and stands, and the light they give."""

import numpy as np

from depth_tf.synthetic_rooms import fixtures, wallware
from depth_tf.synthetic_rooms.layout import Plan
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.shell import Light
from depth_tf.synthetic_rooms.solids import Frame

MOST_LIGHTS = 4  # of one room: each costs a shadow map


def hang_lamps(plan: Plan, *, office: bool, daylight: float) -> None:
    """Adds ceiling lamps and their light; by day they may be off."""
    rng, (width, length, height) = plan.rng, plan.size_m
    lit = daylight < 0.1 or rng.random() < (0.6 if office else 0.35)
    warmth = rng.uniform(0.75, 0.95) if office else rng.uniform(0.35, 0.8)
    tint = np.array([1.0, 0.5 + 0.5 * warmth, warmth])
    columns, rows = (max(1, round(extent / 3.2)) for extent in (width, length))
    places = [
        plan.origin.at(width * (column + 0.5) / columns, length * (row + 0.5) / rows)
        for column in range(columns)
        for row in range(rows)
    ]
    hanging = rng.uniform(0.3, 0.9) if rng.random() < 0.25 and not office else 0.0
    shade = Material(0, (0.9, 0.85, 0.75), grain=0.1, glow=6.0 if lit else 0.0)
    for place in places:
        _ceiling_lamp(plan, place, shade, office=office, hanging=hanging)
    free = max(0, MOST_LIGHTS - len(plan.lights)) if lit else 0
    chosen = rng.permutation(len(places))[:free]
    total = rng.uniform(3, 7) * (width * length / 12) ** 0.7
    for index in chosen:
        place = places[index]
        power = tint * total / len(chosen)
        plan.lights.append(Light((place.x, place.y, height - 0.2 - hanging), tuple(power), None, 0.4))
    if not office and height > 2.45 and hanging == 0 and rng.random() < 0.15:
        wallware.ceiling_fan(plan, plan.origin.at(width * rng.uniform(0.3, 0.7), length * rng.uniform(0.3, 0.7)))
    if not office and (not lit or rng.random() < 0.3):
        _standard_lamp(plan, tint)


def _ceiling_lamp(plan: Plan, place: Frame, shade: Material, *, office: bool, hanging: float) -> None:
    height = plan.size_m[2]
    if office:
        plan.parts.box(place, (0, 0, height - 0.01), (0.6, 1.2, 0.04), shade, shades=False)
        return
    plan.parts.cylinder(place, (0, 0, height - 0.14 - hanging), 0.2, 0.12, shade, taper=1.2, shades=False)
    rod = (0, 0, height - 0.1 - hanging)
    plan.parts.cylinder(place, rod, 0.012, 0.1 + hanging, plan.style.metal, shades=False)


def _standard_lamp(plan: Plan, tint: np.ndarray) -> None:
    piece = fixtures.floor_lamp(plan.rng, plan.style)
    frame = plan.against_wall(piece)
    if frame and len(plan.lights) <= MOST_LIGHTS:
        power = tint * plan.rng.uniform(0.8, 2.5)
        plan.lights.append(Light((frame.x, frame.y, piece.height_m - 0.15), tuple(power), None, 0.3))
