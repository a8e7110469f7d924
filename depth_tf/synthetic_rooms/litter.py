"""Things that lie about on floors, and sometimes on furniture."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import finishes
from depth_tf.synthetic_rooms.finishes import Style
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.solids import Assembly, Frame
from depth_tf.synthetic_rooms.textures import pick


def basket(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A waste bin or a basket."""
    base = finishes.choose(rng, finishes.WOODS + ("22252d", "c9c4ba"))
    ribbed = Material(pick(rng, "ribs"), base, finishes.dim(base, 0.5), grain=0.6, tile_m=0.3)
    radius, height = rng.uniform(0.1, 0.2), rng.uniform(0.25, 0.45)
    parts.cylinder(frame, (0, 0, 0), radius, height, ribbed, taper=1.25, depth=rng.choice([1.0, 0.7]))
    parts.cylinder(frame, (0, 0, height), 1.1 * radius, 0.005, finishes.paint(rng, finishes.dim(base, 0.2)))


def bag(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A rucksack, a handbag or a sack."""
    cover = Material(pick(rng, "creases"), finishes.choose(rng, finishes.CLOTHS, amount=0.4), grain=0.9, tile_m=0.5)
    width, depth, height = rng.uniform((0.25, 0.15, 0.22), (0.45, 0.3, 0.5))
    cover = dataclasses.replace(cover, soft_m=0.1)
    parts.box(frame, (0, 0, 0.4 * height), (width, depth, 0.8 * height), cover, tilt=0.15)
    parts.ball(frame, (0, -0.06, 0.8 * height), (0.95 * width, depth, 0.4 * height), cover)
    parts.box(frame, (0, depth / 2, 0.3 * height), (0.7 * width, 0.4 * depth, 0.4 * height), cover, tilt=0.1)


def heap(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """Clothes or blankets thrown down."""
    for _ in range(rng.integers(2, 6)):
        cover = Material(pick(rng, "creases"), finishes.choose(rng, finishes.CLOTHS, amount=0.3), grain=1.0, tile_m=0.5)
        place = (rng.normal(0, 0.13), rng.normal(0, 0.1), rng.uniform(0.02, 0.12))
        parts.ball(frame, place, tuple(rng.uniform((0.2, 0.15, 0.1), (0.5, 0.4, 0.25))), cover, yaw=rng.uniform(0, 3))


def big_box(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A cardboard or plastic box, sometimes two."""
    z = 0.0
    for _ in range(rng.integers(1, 3)):
        colour = finishes.vary(rng, finishes.linear("a3835c")) if rng.random() < 0.6 else finishes.bright(rng)
        size = rng.uniform((0.3, 0.25, 0.15), (0.55, 0.45, 0.4))
        place = (0, 0, z + size[2] / 2)
        parts.box(frame, place, tuple(size), finishes.paint(rng, colour), yaw=rng.normal(0, 0.2))
        z += size[2]


def ball(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A ball or a globe."""
    size = rng.uniform(0.08, 0.3)
    patches = Material(
        pick(rng, "patchwork"), finishes.bright(rng), finishes.bright(rng), finishes.bright(rng), 0.2, size
    )
    parts.ball(frame, (0, 0, size / 2), (size, size, size), patches)


def shoes(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A pair of shoes."""
    leather = finishes.paint(rng, finishes.dim(finishes.bright(rng), 0.5), gloss=0.2)
    for x in (-0.07, 0.07):
        turn = rng.normal(0, 0.15)
        parts.ball(frame, (x, 0, 0.035), (0.1, 0.28, 0.09), leather, yaw=turn)
        parts.ball(frame, (x, -0.07, 0.07), (0.09, 0.12, 0.12), leather, yaw=turn)
