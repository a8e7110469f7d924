"""Makes a whole room from its seed: plan, openings, furniture, lights, and the rooms beyond its doors."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import shell
from depth_tf.synthetic_rooms.kinds import KINDS, Kind, furnish
from depth_tf.synthetic_rooms.layout import Light, Plan, Wall
from depth_tf.synthetic_rooms.lighting import LitRoom, light_room
from depth_tf.synthetic_rooms.materials import Style
from depth_tf.synthetic_rooms.solids import Assembly, Faces, Frame


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
    kind = _draw_kind(rng)
    height = rng.uniform(2.35, 2.9) + kind.extra_height_m + 0.4 * (rng.random() < 0.15)
    size_m = (*rng.uniform(*kind.sides_m, 2).tolist(), height)
    style = Style(rng, kind.floors)
    plan = Plan(rng, size_m, style, Assembly())
    daylight = rng.uniform(2.5, 9.0) if rng.random() < 0.75 else 0.02
    through = shell.cut_openings(plan, daylight, arches=0.2 if kind.office else 0.4)
    furnish(plan, kind.rules)
    shell.hang_lamps(plan, office=kind.office, daylight=daylight)
    shell.close(plan, plan.walls)
    for wall in through:
        plan.lights += _room_beyond(plan, wall, daylight)
    faces = plan.parts.faces()
    means = [np.array(style.kept[name].base) for name in ("wall", "wall", "floor", "ceiling")]
    reflectance = np.clip(np.mean(means, axis=0), 0.1, 0.7)
    lit = light_room(faces, tuple(plan.lights[: shell.MOST_LIGHTS]), reflectance, size_m, rng.uniform(0.02, 0.1))
    return Room(faces, lit, size_m, plan.floor[plan.floor[:, 4] > 0], kind.view_m)


def _draw_kind(rng: np.random.Generator) -> Kind:
    shares = np.array([kind.share for kind in KINDS.values()])
    return list(KINDS.values())[rng.choice(len(KINDS), p=shares / shares.sum())]


def _room_beyond(plan: Plan, wall: Wall, daylight: float) -> list[Light]:
    """Builds another furnished room behind the last opening of a wall; returns at most one of its lights."""
    rng, kind, parts = plan.rng, _draw_kind(plan.rng), plan.parts
    name, start, end, _, top = wall.openings[-1]
    style = Style(rng, kind.floors) if name == "door" or rng.random() < 0.3 else plan.style
    left, right = max(0.0, start - rng.uniform(0.3, 2.5)), min(wall.length_m, end + rng.uniform(0.3, 2.5))
    size_m = (right - left, rng.uniform(1.2, 6.0), plan.size_m[2])
    parts.origin = wall.frame.at(left, -shell.WALL_M - size_m[1])
    beyond = Plan(rng, size_m, style, parts)
    entry = beyond.walls[2]  # its north side is the other face of `wall`
    shell.cut_doorway(beyond, entry, name, right - end, right - start, top)
    if rng.random() < 0.5 and size_m[0] > 1.5:
        shell.cut_windows(beyond, beyond.walls[0], 0.9, 2.1, daylight)
    furnish(beyond, kind.rules)
    shell.hang_lamps(beyond, office=kind.office, daylight=daylight)
    shell.close(beyond, [side for side in beyond.walls if side is not entry])
    parts.origin = Frame(0, 0)
    return beyond.lights[:1] if rng.random() < 0.8 else []
