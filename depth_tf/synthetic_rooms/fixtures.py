"""Kitchens, bathrooms, hearths, screens, lamps, plants: the rest of what stands in rooms."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import finishes
from depth_tf.synthetic_rooms.finishes import Style
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.piece import Piece
from depth_tf.synthetic_rooms.solids import Assembly, Frame
from depth_tf.synthetic_rooms.textures import pick


def counter(rng: np.random.Generator, style: Style, *, width: float) -> Piece:
    """Kitchen base units under a worktop, with a hob or a sink in it."""
    depth, height = 0.62, 0.91
    front = _fronts(rng, style.wood)
    unit = rng.choice([0.45, 0.6, 0.8])
    steel, kind, at = finishes.metal(rng), rng.integers(3), rng.uniform(-0.3, 0.3)
    dark = finishes.paint(rng, (0.01, 0.01, 0.012), gloss=0.7)

    def build(parts: Assembly, frame: Frame) -> None:
        parts.box(frame, (0, -0.05, 0.05), (width, depth - 0.14, 0.1), dark)
        count = max(1, round(width / unit))
        for i in range(count):
            x = -width / 2 + width * (i + 0.5) / count
            material = front[i % len(front)]
            parts.box(frame, (x, -0.01, 0.48), (width / count - 0.006, depth - 0.04, 0.78), material)
        parts.box(frame, (0, 0, height - 0.02), (width, depth, 0.04), style.counter)
        parts.box(frame, (0, -depth / 2 + 0.01, height + 0.05), (width, 0.02, 0.1), style.counter)
        x = at * width
        if kind == 0:
            parts.box(frame, (x, 0.02, height + 0.003), (0.58, 0.5, 0.008), dark)
            for i in range(4):
                place = (x + (0.14 if i % 2 else -0.14), 0.13 if i < 2 else -0.1, height + 0.006)
                parts.cylinder(frame, place, 0.08, 0.012, steel)
        elif kind == 1:
            parts.box(frame, (x, 0.02, height + 0.003), (0.6, 0.44, 0.006), steel)
            parts.cylinder(frame, (x, -0.22, height), 0.014, 0.26, steel)
            parts.rod(frame, (x, -0.14, height + 0.26), 0.012, 0.18, steel)

    return Piece(width, depth, height, build, (height, width, 0.55))


def wall_units(rng: np.random.Generator, style: Style, *, width: float) -> Piece:
    """Kitchen cupboards that hang over a worktop, sometimes around a cooker hood."""
    front, unit, steel = _fronts(rng, style.wood), rng.choice([0.4, 0.5, 0.6]), finishes.metal(rng)
    hood, bottom, height = rng.random() < 0.4, rng.uniform(1.38, 1.5), rng.uniform(0.6, 0.85)

    def build(parts: Assembly, frame: Frame) -> None:
        count = max(1, round(width / unit))
        for i in range(count):
            x = -width / 2 + width * (i + 0.5) / count
            if hood and i == count // 2:
                parts.box(frame, (x, 0.05, bottom + 0.25), (width / count, 0.45, 0.08), steel)
                parts.box(frame, (x, -0.05, bottom + 0.6), (0.25, 0.25, 0.7), steel)
            else:
                size = (width / count - 0.005, 0.34, height)
                parts.box(frame, (x, 0, bottom + height / 2), size, front[0])

    return Piece(width, 0.34, bottom + height, build)


def fridge(rng: np.random.Generator, style: Style) -> Piece:
    """A refrigerator with two doors and bars to open them."""
    steel = finishes.metal(rng) if rng.random() < 0.5 else style.white
    if rng.random() < 0.2:
        steel = finishes.paint(rng, (0.012, 0.012, 0.014), gloss=0.6)
    width, height, split = rng.uniform(0.65, 0.92), rng.uniform(1.55, 1.85), rng.uniform(0.55, 0.7)
    bar, magnets = finishes.metal(rng), rng.uniform(-0.35, 0.35, (rng.integers(0, 8), 2))
    paper = Material(pick(rng, "poster"), (0.9, 0.9, 0.9), tile_m=0.0)

    def build(parts: Assembly, frame: Frame) -> None:
        parts.box(frame, (0, -0.03, height / 2), (width, 0.62, height), steel)
        for low, high in ((0.04, split * height - 0.01), (split * height, height)):
            parts.box(frame, (0, 0.31, (low + high) / 2), (width, 0.06, high - low - 0.01), steel)
            parts.box(frame, (-width / 2 + 0.06, 0.37, (low + high) / 2), (0.025, 0.03, 0.6 * (high - low)), bar)
        for x, z in magnets:
            parts.box(frame, (x * width, 0.343, 0.8 * height + 0.4 * z), (0.12, 0.004, 0.15), paper)

    return Piece(width, 0.72, height, build)


def cooker(rng: np.random.Generator, style: Style) -> Piece:
    """A free-standing cooker with a dark oven window."""
    body = (style.white, finishes.metal(rng), finishes.paint(rng, (0.015, 0.015, 0.015), gloss=0.5))[rng.integers(3)]
    glass, steel = finishes.paint(rng, (0.008, 0.008, 0.01), gloss=0.8), finishes.metal(rng)
    pots = [(x, y, rng.uniform(0.08, 0.13), rng.uniform(0.06, 0.18)) for x in (-0.17, 0.17) for y in (-0.12, 0.15)]
    used = rng.random(4) < 0.35

    def build(parts: Assembly, frame: Frame) -> None:
        parts.box(frame, (0, 0, 0.45), (0.76, 0.62, 0.9), body)
        parts.box(frame, (0, 0.315, 0.48), (0.56, 0.02, 0.34), glass)
        parts.box(frame, (0, 0.35, 0.72), (0.66, 0.025, 0.03), steel)
        parts.box(frame, (0, 0.01, 0.905), (0.74, 0.58, 0.015), glass)
        parts.box(frame, (0, -0.28, 1.0), (0.76, 0.06, 0.2), body)
        for (x, y, radius, high), pot in zip(pots, used, strict=True):
            parts.cylinder(frame, (x, y, 0.91), radius, high if pot else 0.015, steel)

    return Piece(0.76, 0.66, 1.1, build)


def toilet(rng: np.random.Generator, style: Style) -> Piece:
    """A water closet."""
    china = finishes.paint(rng, (0.8, 0.79, 0.76), gloss=0.6)

    def build(parts: Assembly, frame: Frame) -> None:
        parts.cylinder(frame, (0, 0.06, 0), 0.13, 0.36, china, taper=1.3, depth=1.35)
        parts.cylinder(frame, (0, 0.1, 0.36), 0.19, 0.05, china, depth=1.25)
        parts.box(frame, (0, -0.24, 0.56), (0.44, 0.2, 0.42), china)
        parts.box(frame, (0, -0.24, 0.78), (0.46, 0.22, 0.03), china)

    return Piece(0.5, 0.72, 0.8, build)


def washbasin(rng: np.random.Generator, style: Style) -> Piece:
    """A basin in a cabinet, with a mirror or a cupboard over it."""
    width = rng.uniform(0.6, 1.5)
    china, steel, front = (
        finishes.paint(rng, (0.8, 0.79, 0.76), gloss=0.6),
        finishes.metal(rng),
        _fronts(rng, style.wood),
    )
    mirror = Material(pick(rng, "screen_off"), (8.0, 8.5, 9.0), tile_m=0.0, gloss=0.9)

    def build(parts: Assembly, frame: Frame) -> None:
        parts.box(frame, (0, -0.01, 0.4), (width - 0.02, 0.5, 0.8), front[0])
        parts.box(frame, (0, 0, 0.82), (width, 0.55, 0.04), style.counter)
        parts.cylinder(frame, (0, 0.02, 0.84), 0.2, 0.06, china, taper=1.15, depth=0.8)
        parts.cylinder(frame, (0, -0.2, 0.84), 0.015, 0.16, steel)
        parts.rod(frame, (0, -0.13, 1.0), 0.012, 0.14, steel)
        parts.box(frame, (0, -0.265, 1.5), (0.85 * width, 0.02, 0.9), mirror)

    return Piece(width, 0.56, 1.95, build, (0.84, width, 0.35))


def bath(rng: np.random.Generator, style: Style) -> Piece:
    """A bath tub, often behind a curtain."""
    china, cloth, drawn = finishes.paint(rng, (0.8, 0.8, 0.78), gloss=0.5), finishes.cloth(rng), rng.uniform(0, 1)

    def build(parts: Assembly, frame: Frame) -> None:
        for y in (-0.33, 0.33):
            parts.box(frame, (0, y, 0.27), (1.6, 0.1, 0.54), china)
        for x in (-0.77, 0.77):
            parts.box(frame, (x, 0, 0.27), (0.1, 0.7, 0.54), china)
        parts.box(frame, (0, 0, 0.1), (1.5, 0.6, 0.1), china)
        parts.rod(frame, (0, 0.33, 1.95), 0.015, 1.6, style.metal, yaw=np.pi / 2)
        for i in range(int(16 * drawn)):
            parts.cylinder(frame, (-0.75 + 0.09 * i, 0.33 + 0.02 * (i % 2), 0.25), 0.055, 1.7, cloth, depth=0.6)

    return Piece(1.62, 0.76, 1.0, build)


def fireplace(rng: np.random.Generator, style: Style) -> Piece:
    """A chimney breast with a dark hearth and a mantelshelf."""
    width = rng.uniform(1.3, 2.0)
    brick = finishes.linear("8f5a43")
    stone = Material(pick(rng, "bricks"), brick, finishes.dim(brick, 0.6), finishes.linear("b5aca0"), 0.6, 0.8)
    surround = stone if rng.random() < 0.5 else style.trim
    soot = finishes.paint(rng, (0.006, 0.006, 0.006))

    def build(parts: Assembly, frame: Frame) -> None:
        for x in (-1, 1):
            parts.box(frame, (x * (width / 2 - 0.2), 0, 0.55), (0.4, 0.4, 1.1), surround)
        parts.box(frame, (0, 0, 0.95), (width, 0.4, 0.34), surround)
        parts.box(frame, (0, -0.18, 0.4), (width - 0.7, 0.03, 0.8), soot)
        parts.box(frame, (0, 0.04, 1.15), (width + 0.15, 0.5, 0.06), style.trim)

    return Piece(width + 0.15, 0.44, 1.18, build, (1.18, width, 0.35))


def television(rng: np.random.Generator, style: Style) -> Piece:
    """A flat or a boxy television on a low stand."""
    width, stand_h = rng.uniform(0.7, 1.3), rng.uniform(0.4, 0.65)
    stand_w = max(width + 0.1, rng.uniform(0.9, 1.7))
    screen = Material(pick(rng, "screen_off"), (1.0, 1.0, 1.0), tile_m=0.0, gloss=0.8)
    case, boxy, front = (
        finishes.paint(rng, (0.012, 0.012, 0.013), gloss=0.4),
        rng.random() < 0.25,
        _fronts(rng, style.wood),
    )

    def build(parts: Assembly, frame: Frame) -> None:
        parts.box(frame, (0, 0, stand_h / 2), (stand_w, 0.42, stand_h), front[0])
        high, z = 0.6 * width, stand_h + 0.06
        thick = 0.4 if boxy else 0.07
        parts.box(frame, (0, -0.02, z + high / 2), (width, thick, high), case)
        parts.box(frame, (0, thick / 2 - 0.015, z + high / 2), (width - 0.06, 0.012, high - 0.06), screen)
        parts.box(frame, (0, 0, stand_h + 0.03), (0.35, 0.2, 0.06), case)

    return Piece(stand_w, 0.45, stand_h + 0.6 * width, build)


def plant(rng: np.random.Generator, style: Style, *, height: float) -> Piece:
    """A potted plant: a tapered pot, a stem, and narrow or round leaves that rise or hang all round."""
    pot = finishes.paint(rng, finishes.choose(rng, ("a3552f", "e6e0d6", "3b3f3a", "6f7f8a")), gloss=0.3)
    tone = finishes.vary(rng, (0.06, 0.13, 0.03), amount=0.35)
    leaf = Material(pick(rng, "granite"), tone, finishes.dim(tone, 0.4), finishes.dim(tone, 1.8), 0.9, 0.25, 0.15)
    radius, rise, count = min(0.2, 0.22 * height), 0.25 * height, int(rng.integers(14, 30))
    length, width = rng.uniform(0.2, 0.42), rng.uniform(0.05, 0.18)
    turns, tilts = rng.uniform(0, 2 * np.pi, count), rng.normal(0.2, 0.5, count)
    starts, sizes = rng.uniform(0.35, 0.85, count), rng.uniform(0.6, 1.1, count) * height

    def build(parts: Assembly, frame: Frame) -> None:
        parts.cylinder(frame, (0, 0, 0), 0.75 * radius, rise, pot, taper=1.33)
        parts.cylinder(frame, (0, 0, rise), 0.015 * height + 0.004, 0.5 * height, leaf)
        for turn, tilt, start, size in zip(turns, tilts, starts, sizes, strict=True):
            out, up = 0.5 * length * size * np.cos(tilt), 0.5 * length * size * np.sin(tilt)
            place = (0, out, start * height + up)
            parts.ball(frame.at(0, 0, 0, turn), place, (width * size, length * size, 0.03 * size), leaf, tilt=tilt)

    return Piece(2 * radius + 0.1, 2 * radius + 0.1, height, build)


def floor_lamp(rng: np.random.Generator, style: Style) -> Piece:
    """A standard lamp; its light is added by the layout."""
    height = rng.uniform(1.4, 1.75)

    def build(parts: Assembly, frame: Frame) -> None:
        parts.cylinder(frame, (0, 0, 0), 0.14, 0.03, style.metal)
        parts.cylinder(frame, (0, 0, 0.03), 0.014, height - 0.3, style.metal)
        parts.cylinder(frame, (0, 0, height - 0.28), 0.19, 0.26, lampshade(), taper=0.7, shades=False)

    return Piece(0.4, 0.4, height, build)


def lampshade(glow: float = 1.5) -> Material:
    """Returns warm cloth lit from inside."""
    return Material(0, (0.8, 0.62, 0.38), grain=0.2, tile_m=0.5, glow=glow)


def _fronts(rng: np.random.Generator, wood: Material) -> list[Material]:
    """Returns the wood as a cupboard's and as a drawers' front."""
    handle = (0.02, 0.02, 0.02) if rng.random() < 0.3 else (0.45, 0.4, 0.32)
    shared = {"second": finishes.dim(wood.base, 0.35), "third": handle, "grain": 0.4, "tile_m": 0.0}
    return [
        dataclasses.replace(wood, texture=pick(rng, name), **shared) for name in ("cupboard", "cupboard", "drawers")
    ]
