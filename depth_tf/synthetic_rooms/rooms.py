"""Makes a whole room from its seed: plan, openings, furniture, lights, and the spaces beyond its doors."""

import dataclasses
import math

import numpy as np

from depth_tf.synthetic_rooms import finishes, fixtures, kinds, shell, tables, wallware
from depth_tf.synthetic_rooms.kinds import KINDS, Kind
from depth_tf.synthetic_rooms.layout import Footprint, Plan
from depth_tf.synthetic_rooms.lighting import LitRoom, light_room
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.shell import Light, Opening, Wall
from depth_tf.synthetic_rooms.solids import Assembly, Frame, Solids


@dataclasses.dataclass(frozen=True)
class Room:
    """A finished room.

    Attributes:
      solids: all of it.
      lit: its light.
      size_m: width, length and height.
      footprints: floor that furniture covers.
      daylight: radiance of the sky outside, 0 at night.
    """

    solids: Solids
    lit: LitRoom
    size_m: tuple[float, float, float]
    footprints: tuple[Footprint, ...]
    daylight: float


def make_room(rng: np.random.Generator) -> Room:
    """Draws a room."""
    names = list(KINDS)
    shares = np.array([KINDS[name].share for name in names])
    kind = KINDS[names[rng.choice(len(names), p=shares / shares.sum())]]
    low, high = kind.sides_m
    size_m = (rng.uniform(low, high), rng.uniform(low, high), rng.uniform(2.35, 2.9) + 0.4 * (rng.random() < 0.15))
    style = finishes.style(rng, floors=kind.floors, office=kind.office)
    plan = Plan(rng, size_m, style)
    daylight = rng.uniform(2.5, 9.0) if rng.random() < 0.75 else 0.02
    _cut_openings(plan, daylight)
    wallware.piers(plan)
    kind.furnish(plan)
    kinds.fill(plan)
    plan.hang(int(rng.integers(3, 14)))
    wallware.fit_out(plan, int(rng.integers(6, 22)))
    _hang_lamps(plan, kind, daylight)
    for wall in plan.walls:
        shell.build_wall(plan.parts, wall, size_m[2], style)
    shell.build_floor_and_ceiling(plan.parts, Frame(0, 0), size_m, style)
    solids = plan.parts.solids()
    means = [np.array(material.base) for material in (style.wall, style.wall, style.floor, style.ceiling)]
    reflectance = np.clip(np.mean(means, axis=0), 0.1, 0.7)
    extra = np.full(3, rng.uniform(0.02, 0.1))
    lit = light_room(solids, tuple(plan.lights), reflectance=reflectance, size_m=size_m, extra=extra)
    return Room(solids, lit, size_m, tuple(plan.footprints), daylight)


def _cut_openings(plan: Plan, daylight: float) -> None:
    """Gives each side a door, an arch, windows or nothing, and builds what fills them and lies beyond."""
    rng, height = plan.rng, plan.size_m[2]
    uses = rng.permutation(["door", rng.choice(["door", "arch", "wall"]), "window", rng.choice(["window", "wall"])])
    sill, top = rng.choice([0.1, 0.5, 0.8, 0.9, 1.1]), rng.uniform(2.0, min(height - 0.12, 2.4))
    for wall, use in zip(plan.walls, uses, strict=True):
        if use == "door":
            width = rng.uniform(0.78, 0.95)
            left = rng.uniform(0.15, wall.length_m - width - 0.15)
            _doorway(plan, wall, Opening("door", left, left + width, 0.0, 2.05))
        elif use == "arch":
            width = min(rng.uniform(1.1, 2.8), wall.length_m - 0.5)
            left = rng.uniform(0.2, wall.length_m - width - 0.2)
            _doorway(plan, wall, Opening("arch", left, left + width, 0.0, rng.uniform(2.1, height - 0.1)))
        elif use == "window":
            _windows(plan, wall, sill, top, daylight)


def _windows(plan: Plan, wall: Wall, sill: float, top: float, daylight: float) -> None:
    """Cuts one to three windows into a wall; each is a source of light by day."""
    rng = plan.rng
    count = int(rng.integers(1, 1 + max(1, min(3, int(wall.length_m / 1.6)))))
    room = wall.length_m / count
    width = min(rng.uniform(0.8, 2.4), room - 0.35)
    for i in range(count):
        middle = room * (i + 0.5)
        opening = Opening("window", middle - width / 2, middle + width / 2, sill, top)
        wall.openings.append(opening)
        shell.build_window(plan.parts, rng, wall, opening, plan.style, daylight)
        place = wall.frame.at(middle, 0.25, (sill + top) / 2)
        sky = np.array([0.85, 0.95, 1.1]) * daylight * width * (top - sill) * 0.3
        inward = (-math.sin(wall.frame.yaw), math.cos(wall.frame.yaw), -0.25)
        norm = math.sqrt(sum(v * v for v in inward))
        direction = tuple(v / norm for v in inward)
        if daylight > 0.1:
            plan.lights.append(Light((place.x, place.y, place.z), tuple(sky), direction, width))
    shell.build_backdrop(plan.parts, rng, wall, daylight)


def _doorway(plan: Plan, wall: Wall, opening: Opening) -> None:
    """Cuts a door or an arch; unless a shut leaf closes it, builds the space beyond."""
    wall.openings.append(opening)
    if opening.kind == "door" and not shell.build_door(plan.parts, plan.rng, wall, opening, plan.style):
        open_ = False
    else:
        open_ = True
    middle = (opening.left + opening.right) / 2
    front = wall.frame.at(middle, 0.4)
    reach = max(opening.right - opening.left, 0.9) / 2
    plan.clear.append(Footprint(front.x - reach, front.x + reach, front.y - reach, front.y + reach, 2.0))
    if open_:
        _space_beyond(plan, wall, opening)


def _space_beyond(plan: Plan, wall: Wall, opening: Opening) -> None:
    """Builds a second room behind an opening, with a light of its own and something in it."""
    rng = plan.rng
    style = dataclasses.replace(plan.style, wall=finishes.walling(rng) if rng.random() < 0.5 else plan.style.wall)
    depth = rng.uniform(1.4, 6.0)
    left = max(-0.5, opening.left - rng.uniform(0.3, 2.5))
    right = min(wall.length_m + 0.5, opening.right + rng.uniform(0.3, 2.5))
    frame = wall.frame.at(left, -shell.WALL_M - depth)
    width, height, thick = right - left, plan.size_m[2], shell.WALL_M
    shell.build_floor_and_ceiling(plan.parts, frame, (width, depth, height), style)
    for centre, size in (
        ((-thick / 2, depth / 2, height / 2), (thick, depth, height)),
        ((width + thick / 2, depth / 2, height / 2), (thick, depth, height)),
        ((width / 2, -thick / 2, height / 2), (width + 2 * thick, thick, height)),
    ):
        plan.parts.box(frame, centre, size, style.wall)
    makers = (tables.bookshelf, tables.dresser, tables.wardrobe, tables.side_table)
    for x in (0.3, 0.7):
        if rng.random() < 0.6:
            piece = makers[rng.integers(len(makers))](rng, style)
            if piece.width_m < width * 0.45 and piece.depth_m < depth - 1:
                place = frame.at(width * x, piece.depth_m / 2 + 0.03)
                piece.build(plan.parts, place)
                plan.load(piece, place, kinds.some(rng, kinds.CHEST_THINGS, 4))
    back = Wall(frame, width)
    for _ in range(2):
        x = rng.uniform(0.4, max(0.5, width - 0.4))
        plan._picture(back, (x, 1.6), (rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.6)), "abstract")
    if rng.random() < 0.6:
        place = frame.at(width / 2, depth / 2, height - 0.3)
        power = np.array([1.0, 0.85, 0.6]) * rng.uniform(0.5, 4)
        plan.lights.append(Light((place.x, place.y, place.z), tuple(power), None, 0.3))


def _hang_lamps(plan: Plan, kind: Kind, daylight: float) -> None:
    """Adds ceiling lamps and their light; by day they may be off."""
    rng, (width, length, height) = plan.rng, plan.size_m
    lit = daylight < 0.1 or rng.random() < (0.6 if kind.office else 0.35)
    warmth = rng.uniform(0.35, 0.8) if not kind.office else rng.uniform(0.75, 0.95)
    tint = np.array([1.0, 0.5 + 0.5 * warmth, warmth])
    columns, rows = (max(1, round(extent / 3.2)) for extent in (width, length))
    total = rng.uniform(3, 7) * (width * length / 12) ** 0.7
    power = tint * total / (columns * rows)
    shade = Material(0, (0.9, 0.85, 0.75), grain=0.1, glow=6.0 if lit else 0.0)
    hanging = rng.uniform(0.3, 0.9) if rng.random() < 0.25 and not kind.office else 0.0
    for column in range(columns):
        for row in range(rows):
            frame = Frame(width * (column + 0.5) / columns, length * (row + 0.5) / rows, 0)
            if kind.office:
                plan.parts.box(frame, (0, 0, height - 0.01), (0.6, 1.2, 0.04), shade, shades=False)
            else:
                plan.parts.cylinder(frame, (0, 0, height - 0.14 - hanging), 0.2, 0.12, shade, taper=1.2, shades=False)
                plan.parts.cylinder(
                    frame, (0, 0, height - 0.1 - hanging), 0.012, 0.1 + hanging, plan.style.metal, shades=False
                )
            if lit and len(plan.lights) < 4:
                place = (frame.x, frame.y, height - 0.2 - hanging)
                plan.lights.append(Light(place, tuple(power * min(columns * rows, 4) ** 0.3), None, 0.4))
    if not kind.office and height > 2.45 and hanging == 0 and rng.random() < 0.15:
        wallware.ceiling_fan(plan, Frame(width * rng.uniform(0.3, 0.7), length * rng.uniform(0.3, 0.7)))
    if not kind.office and (not lit or rng.random() < 0.3):
        _standard_lamp(plan, tint)


def _standard_lamp(plan: Plan, tint: np.ndarray) -> None:
    piece = fixtures.floor_lamp(plan.rng, plan.style)
    frame = plan.against_wall(piece)
    if frame and len(plan.lights) < 5:
        place = (frame.x, frame.y, piece.height_m - 0.15)
        plan.lights.append(Light(place, tuple(tint * plan.rng.uniform(0.8, 2.5)), None, 0.3))
