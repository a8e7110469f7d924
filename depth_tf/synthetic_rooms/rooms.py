"""Makes a whole room from its seed: walls, doors, windows, furniture, lamps, and the rooms beyond its doors."""

import dataclasses
import math

import numpy as np

from depth_tf.synthetic_rooms.furniture import build
from depth_tf.synthetic_rooms.kinds import EVERYWHERE, KINDS, furnish
from depth_tf.synthetic_rooms.layout import Light, Plan, Wall
from depth_tf.synthetic_rooms.lighting import LitRoom, light_room
from depth_tf.synthetic_rooms.materials import Style, paint, picture
from depth_tf.synthetic_rooms.solids import Assembly, Faces, Frame

WALL_M = 0.14
BACKDROP_M = 14.0  # beyond the sensor's 10 m
SKY = np.array([0.85, 0.95, 1.1])  # colour of daylight from a window
SHARES = np.array([kind.share for kind in KINDS.values()])  # of the kinds of room; they add up to 1
MOST_LIGHTS = 3  # of one room: each costs a shadow map


@dataclasses.dataclass(frozen=True)
class Room:
    """A finished room, [0, width] x [0, length] x [0, height] of the world."""

    faces: Faces  # all of it, and of what one can see beyond it
    lit: LitRoom  # its light
    size_m: tuple[float, float, float]  # width, length and height
    floor: np.ndarray  # what covers its floor, as in `Plan.floor`
    view_m: float  # typical median depth of a photograph of it


def make_room(rng: np.random.Generator) -> Room:
    """Draws a room."""
    kind = KINDS[rng.choice(list(KINDS), p=SHARES)]
    height = rng.uniform(2.35, 2.9) + kind.extra_height_m + 0.4 * (rng.random() < 0.15)
    size_m = (*rng.uniform(*kind.sides_m, 2).tolist(), height)
    style = Style(rng, kind.floors)
    plan = Plan(rng, size_m, style, Assembly())
    daylight = rng.uniform(2.5, 9.0) if rng.random() < 0.75 else 0.02
    through = _cut_openings(plan, daylight, arches=0.2 if kind.office else 0.4)
    furnish(plan, (*kind.rules, *EVERYWHERE))
    _hang_lamps(plan, office=kind.office, daylight=daylight)
    _close(plan, plan.walls)
    for wall in through:
        plan.lights += _room_beyond(plan, wall, daylight)
    faces = plan.parts.faces()
    means = [np.array(style.kept[name].base) for name in ("wall", "wall", "floor", "ceiling")]
    reflectance = np.clip(np.mean(means, axis=0), 0.1, 0.7)
    lit = light_room(faces, tuple(plan.lights[:MOST_LIGHTS]), reflectance, size_m, rng.uniform(0.02, 0.1))
    return Room(faces, lit, size_m, plan.floor[plan.floor[:, 4] > 0], kind.view_m)


def _room_beyond(plan: Plan, wall: Wall, daylight: float) -> list[Light]:
    """Builds another furnished room behind the last opening of a wall; returns at most one of its lights."""
    rng, parts = plan.rng, plan.parts
    kind = KINDS[rng.choice(list(KINDS), p=SHARES)]
    name, start, end, _, top = wall.openings[-1]
    style = Style(rng, kind.floors) if name == "door" or rng.random() < 0.3 else plan.style
    left, right = max(0.0, start - rng.uniform(0.3, 2.5)), min(wall.length_m, end + rng.uniform(0.3, 2.5))
    size_m = (right - left, rng.uniform(1.2, 6.0), plan.size_m[2])
    parts.origin, parts.shades = wall.frame.at(left, -WALL_M - size_m[1]), False
    beyond = Plan(rng, size_m, style, parts)
    entry = beyond.walls[2]  # its north side is the other face of `wall`
    _cut_doorway(beyond, entry, name, right - end, right - start, top)
    if rng.random() < 0.5 and size_m[0] > 1.5:
        _cut_windows(beyond, beyond.walls[0], 0.9, 2.1, daylight)
    furnish(beyond, (*kind.rules, EVERYWHERE[0], EVERYWHERE[-1]))
    _hang_lamps(beyond, office=kind.office, daylight=daylight)
    _close(beyond, [side for side in beyond.walls if side is not entry])
    parts.origin = Frame(0, 0)
    return beyond.lights[:1] if rng.random() < 0.8 else []


def _cut_openings(plan: Plan, daylight: float, *, arches: float) -> list[Wall]:
    """Gives each side of a room a door, an arch, windows or nothing; returns the walls one can see through."""
    rng, height, through = plan.rng, plan.size_m[2], []
    second = "arch" if rng.random() < arches else ("door", "wall")[rng.integers(2)]
    uses = ["door", second, "window", ("window", "wall")[rng.integers(2)]]
    sill, top = (0.1, 0.5, 0.8, 0.9, 1.1)[rng.integers(5)], rng.uniform(2.0, min(height - 0.12, 2.4))
    for wall, use in zip(plan.walls, rng.permutation(uses), strict=True):
        if use == "window":
            _cut_windows(plan, wall, sill, top, daylight)
        elif use != "wall":
            width = rng.uniform(0.78, 0.95) if use == "door" else min(rng.uniform(1.1, 4.0), wall.length_m - 0.4)
            left = rng.uniform(0.1, wall.length_m - width - 0.1)
            _cut_doorway(plan, wall, use, left, left + width, 2.05 if use == "door" else rng.uniform(2.1, height - 0.1))
            angle = 0.0 if rng.random() < 0.5 else rng.uniform(0.6, 1.9)
            if use == "door":
                hinge = wall.frame.at(left, -0.03, 0, angle)
                plan.parts.add(hinge, (width / 2, 0, 1.025), (width, 0.04, 2.05), plan.style.draw("door"))
            if use == "arch" or angle:
                through.append(wall)
    return through


def _cut_doorway(plan: Plan, wall: Wall, kind: str, left: float, right: float, top: float) -> None:
    """Adds a door or an arch to a wall and keeps the floor before it clear."""
    wall.openings.append((kind, left, right, 0.0, top))
    plan.keep_clear(np.array([max(right - left, 0.9), 0.7, 2.0]), wall.frame.at((left + right) / 2, 0.35))


def _cut_windows(plan: Plan, wall: Wall, sill: float, top: float, daylight: float) -> None:
    """Cuts one to three windows into a wall; each is a source of light by day."""
    rng = plan.rng
    count = int(rng.integers(1, 1 + max(1, min(3, int(wall.length_m / 1.6)))))
    share = wall.length_m / count
    width = min(rng.uniform(0.8, 2.4), share - 0.35)
    for middle in (np.arange(count) + 0.5) * share:
        wall.openings.append(("window", middle - width / 2, middle + width / 2, sill, top))
        build(plan, "window", np.array([width, 0.1, top - sill]), wall.frame.at(middle, -0.05, sill))
        if daylight > 0.1:
            local = wall.frame.at(middle, 0.25, (sill + top) / 2)
            place = plan.parts.origin.at(local.x, local.y, local.z, local.yaw)
            inward = np.array([-math.sin(place.yaw), math.cos(place.yaw), -0.25])
            direction, power = inward / np.linalg.norm(inward), SKY * daylight * width * (top - sill) * 0.3
            plan.lights.append(Light((place.x, place.y, place.z), tuple(power), tuple(direction), width))
    view = picture(rng, "outside", 1.0, glow=daylight * rng.uniform(0.8, 3.5), gloss=0.0)
    for x in rng.uniform(-8, 8) + wall.length_m / 2 + np.array([-24, 0, 24]):
        plan.parts.add(wall.frame, (x, -BACKDROP_M, 2.5), (24, 0.1, 20), view, shades=False)


def _close(plan: Plan, walls: list[Wall]) -> None:
    """Builds walls in pieces around their openings, with skirting, and the slabs below and above."""
    width, length, height = plan.size_m
    for wall in walls:
        at = -0.05
        for opening in [*wall.openings, None]:
            end = opening[1] if opening else wall.length_m + 0.05
            _panel(plan, wall, (at, end), (0, height))
            if opening:
                _, left, right, bottom, top = opening
                _panel(plan, wall, (left, right), (top, height))
                _panel(plan, wall, (left, right), (0, bottom))
                at = right
    slab = (width + 2 * WALL_M, length + 2 * WALL_M, 0.1)
    plan.parts.add(Frame(0, 0), (width / 2, length / 2, -0.05), slab, plan.style.draw("floor"))
    plan.parts.add(Frame(0, 0), (width / 2, length / 2, height + 0.05), slab, plan.style.draw("ceiling"))


def _hang_lamps(plan: Plan, *, office: bool, daylight: float) -> None:
    """Adds ceiling lamps and their light; by day they may be off."""
    rng, (width, length, height) = plan.rng, plan.size_m
    lit = daylight < 0.1 or rng.random() < (0.6 if office else 0.35)
    warmth = rng.uniform(0.75, 0.95) if office else rng.uniform(0.35, 0.8)
    tint = np.array([1.0, 0.5 + 0.5 * warmth, warmth])
    columns, rows = (max(1, round(extent / 3.2)) for extent in (width, length))
    places = [(width * (x + 0.5) / columns, length * (y + 0.5) / rows) for x in range(columns) for y in range(rows)]
    drop = rng.uniform(0.3, 0.9) if rng.random() < 0.25 and not office else 0.0
    shade = paint(rng, (0.9, 0.85, 0.75), glow=6.0 if lit else 0.0)
    size_m = np.array([0.6, 1.2, 0.04] if office else [0.36, 0.36, drop + 0.14])
    for place in places:
        build(plan, "panel" if office else "pendant", size_m, Frame(*place, height - size_m[2]), shade)
    chosen = rng.permutation(len(places))[: max(0, MOST_LIGHTS - len(plan.lights)) if lit else 0]
    power = tint * rng.uniform(3, 7) * (width * length / 12) ** 0.7 / max(len(chosen), 1)
    for index in chosen:
        place = plan.parts.origin.at(*places[index], height - 0.2 - drop)
        plan.lights.append(Light((place.x, place.y, place.z), tuple(power), None, 0.4))


def _panel(plan: Plan, wall: Wall, span: tuple, rise: tuple) -> None:
    """Adds a piece of wall, with its skirting if it reaches the floor."""
    middle, width, high = (span[0] + span[1]) / 2, span[1] - span[0], rise[1] - rise[0]
    if width > 0.01 and high > 0.01:
        centre = (middle, -WALL_M / 2, (rise[0] + rise[1]) / 2)
        plan.parts.add(wall.frame, centre, (width, WALL_M, high), plan.style.draw("wall"))
        if rise[0] == 0:
            plan.parts.add(wall.frame, (middle, 0.008, 0.05), (width, 0.016, 0.1), plan.style.draw("trim"))
