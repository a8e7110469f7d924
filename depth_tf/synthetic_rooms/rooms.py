"""Makes a whole room from its seed: plan, openings, furniture, lights, and the rooms beyond its doors."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import finishes, groups, shell, wallware
from depth_tf.synthetic_rooms.kinds import KINDS, Kind
from depth_tf.synthetic_rooms.lamps import hang_lamps
from depth_tf.synthetic_rooms.layout import Footprint, Plan
from depth_tf.synthetic_rooms.lighting import LitRoom, light_room
from depth_tf.synthetic_rooms.openings import clear_doorway, cut_openings, cut_windows
from depth_tf.synthetic_rooms.shell import Opening, Wall
from depth_tf.synthetic_rooms.solids import Assembly, Frame, Solids


@dataclasses.dataclass(frozen=True)
class Room:
    """A finished room, [0, width] x [0, length] x [0, height] of the world.

    Attributes:
      solids: all of it, and of what one can see beyond it.
      lit: its light.
      size_m: width, length and height.
      footprints: floor that furniture covers.
      view_m: typical median depth of a photograph of it.
    """

    solids: Solids
    lit: LitRoom
    size_m: tuple[float, float, float]
    footprints: tuple[Footprint, ...]
    view_m: float


def make_room(rng: np.random.Generator) -> Room:
    """Draws a room."""
    kind = _draw_kind(rng)
    low, high = kind.sides_m
    height = rng.uniform(2.35, 2.9) + kind.extra_height_m + 0.4 * (rng.random() < 0.15)
    size_m = (rng.uniform(low, high), rng.uniform(low, high), height)
    style = finishes.style(rng, floors=kind.floors, office=kind.office)
    plan = Plan(rng, size_m, style, parts=Assembly(), origin=Frame(0, 0))
    daylight = rng.uniform(2.5, 9.0) if rng.random() < 0.75 else 0.02
    through = cut_openings(plan, daylight, arches=0.2 if kind.office else 0.4)
    wallware.piers(plan)
    _furnish(plan, kind, daylight)
    for wall in plan.walls:
        shell.build_wall(plan.parts, wall, height, style)
    shell.build_floor_and_ceiling(plan.parts, plan.origin, size_m, style)
    for wall, opening in through:
        plan.lights += _room_beyond(plan, wall, opening, daylight)
    solids = plan.parts.solids()
    means = [np.array(material.base) for material in (style.wall, style.wall, style.floor, style.ceiling)]
    reflectance = np.clip(np.mean(means, axis=0), 0.1, 0.7)
    extra = np.full(3, rng.uniform(0.02, 0.1))
    lit = light_room(solids, tuple(plan.lights), reflectance=reflectance, size_m=size_m, extra=extra)
    return Room(solids, lit, size_m, tuple(plan.footprints), kind.view_m)


def _draw_kind(rng: np.random.Generator) -> Kind:
    shares = np.array([kind.share for kind in KINDS.values()])
    return list(KINDS.values())[rng.choice(len(KINDS), p=shares / shares.sum())]


def _furnish(plan: Plan, kind: Kind, daylight: float) -> None:
    """Fills a room: furniture first, then what space it leaves on floor, walls and ceiling."""
    rng = plan.rng
    kind.furnish(plan)
    groups.fill(plan)
    plan.hang(int(rng.integers(3, 14)))
    wallware.fit_out(plan, int(rng.integers(6, 22)))
    hang_lamps(plan, office=kind.office, daylight=daylight)


def _room_beyond(plan: Plan, wall: Wall, opening: Opening, daylight: float) -> list[shell.Light]:
    """Builds another furnished room behind an opening; returns at most two of its lights."""
    rng = plan.rng
    kind, style = _draw_kind(rng), plan.style
    sides = ((opening.left, 0.0), (opening.right, 0.0), (opening.right, opening.top), (opening.left, opening.top))
    room = plan.parts.enter([wall.frame.at(x, 0, z) for x, z in sides])
    if opening.kind == "door" or rng.random() < 0.3:
        style = finishes.style(rng, floors=kind.floors, office=kind.office)
    depth = rng.uniform(1.2, 6.0)
    left = max(0.0, opening.left - rng.uniform(0.3, 2.5))
    right = min(wall.length_m, opening.right + rng.uniform(0.3, 2.5))
    size_m = (right - left, depth, plan.size_m[2])
    origin = wall.frame.at(left, -shell.WALL_M - depth)
    beyond = Plan(rng, size_m, style, parts=plan.parts, origin=origin)
    entry = beyond.walls[2]  # its north side is the other face of `wall`
    mirrored = Opening(opening.kind, right - opening.right, right - opening.left, 0.0, opening.top)
    clear_doorway(beyond, entry, mirrored)
    if rng.random() < 0.5 and size_m[0] > 1.5:
        cut_windows(beyond, beyond.walls[0], sill=0.9, top=2.1, daylight=daylight)
    _furnish(beyond, kind, daylight)
    for side in (0, 1, 3):
        shell.build_wall(plan.parts, beyond.walls[side], size_m[2], style)
    shell.build_floor_and_ceiling(plan.parts, origin, size_m, style)
    kept = beyond.lights[:2] if rng.random() < 0.8 else []
    return [dataclasses.replace(light, room=room) for light in kept]
