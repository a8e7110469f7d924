"""Tables, desks, cupboards and shelves."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import finishes
from depth_tf.synthetic_rooms.finishes import Style
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.piece import Piece
from depth_tf.synthetic_rooms.solids import Assembly, Frame
from depth_tf.synthetic_rooms.textures import pick


def table(rng: np.random.Generator, style: Style, *, width: float, depth: float, height: float) -> Piece:
    """A four-legged table of that size, sometimes with an apron, a shelf below or a cloth over it."""
    leg, thick = rng.uniform(0.03, 0.08), rng.uniform(0.02, 0.05)
    wood = style.wood if rng.random() < 0.7 else style.second_wood
    body = wood if rng.random() < 0.7 else style.metal
    shelf, apron, covered = rng.random() < 0.3, rng.random() < 0.5, rng.random() < 0.12
    linen = finishes.cloth(rng)

    def build(parts: Assembly, frame: Frame) -> None:
        parts.box(frame, (0, 0, height - thick / 2), (width, depth, thick), wood)
        for x in (-1, 1):
            for y in (-1, 1):
                place = (x * (width / 2 - leg), y * (depth / 2 - leg), (height - thick) / 2)
                parts.box(frame, place, (leg, leg, height - thick), body)
        if apron:
            size = (width - 2 * leg, depth - 2 * leg, 0.08)
            parts.box(frame, (0, 0, height - thick - 0.04), size, body)
        if shelf:
            parts.box(frame, (0, 0, 0.18), (width - 2 * leg, depth - 2 * leg, 0.025), wood)
        if covered:
            parts.box(frame, (0, 0, height - 0.1), (width + 0.03, depth + 0.03, 0.22), linen)

    return Piece(width, depth, height, build, (height + 0.01 * covered, width, depth))


def round_table(rng: np.random.Generator, style: Style, *, radius: float, height: float) -> Piece:
    """A round table on a column and a foot."""
    thick = rng.uniform(0.02, 0.05)

    def build(parts: Assembly, frame: Frame) -> None:
        parts.cylinder(frame, (0, 0, height - thick), radius, thick, style.wood)
        parts.cylinder(frame, (0, 0, 0.03), 0.05, height - thick - 0.03, style.wood, taper=0.8)
        parts.cylinder(frame, (0, 0, 0), 0.55 * radius, 0.05, style.wood, taper=0.6)

    return Piece(2 * radius, 2 * radius, height, build, (height, 1.3 * radius, 1.3 * radius))


def dining_table(rng: np.random.Generator, style: Style) -> Piece:
    """A table to eat or meet at."""
    if rng.random() < 0.25:
        return round_table(rng, style, radius=rng.uniform(0.45, 0.7), height=0.75)
    return table(rng, style, width=rng.uniform(1.2, 2.3), depth=rng.uniform(0.75, 1.05), height=rng.uniform(0.71, 0.78))


def coffee_table(rng: np.random.Generator, style: Style) -> Piece:
    """A low table."""
    if rng.random() < 0.25:
        return round_table(rng, style, radius=rng.uniform(0.35, 0.5), height=rng.uniform(0.38, 0.5))
    return table(rng, style, width=rng.uniform(0.8, 1.3), depth=rng.uniform(0.5, 0.75), height=rng.uniform(0.36, 0.48))


def side_table(rng: np.random.Generator, style: Style) -> Piece:
    """A small table for a lamp."""
    if rng.random() < 0.4:
        return round_table(rng, style, radius=rng.uniform(0.2, 0.3), height=rng.uniform(0.5, 0.65))
    side = rng.uniform(0.4, 0.55)
    return table(rng, style, width=side, depth=side, height=rng.uniform(0.5, 0.65))


def desk(rng: np.random.Generator, style: Style) -> Piece:
    """A writing desk with drawers on one side."""
    width, depth, height = rng.uniform(1.1, 1.8), rng.uniform(0.6, 0.8), rng.uniform(0.72, 0.77)
    front, side = _fronted(rng, style.wood, "drawers"), rng.choice([-1, 1])
    closed = rng.random() < 0.4

    def build(parts: Assembly, frame: Frame) -> None:
        parts.box(frame, (0, 0, height - 0.015), (width, depth, 0.03), style.wood)
        parts.box(frame, (side * (width / 2 - 0.21), 0, height / 2 - 0.02), (0.4, depth - 0.06, height - 0.05), front)
        parts.box(frame, (-side * (width / 2 - 0.02), 0, height / 2), (0.035, depth - 0.04, height - 0.03), style.wood)
        if closed:
            parts.box(frame, (0, -depth / 2 + 0.03, height / 2 + 0.1), (width - 0.05, 0.02, height - 0.3), style.wood)

    return Piece(width, depth, height, build, (height, width, depth))


def chest(rng: np.random.Generator, style: Style, *, width: float, depth: float, height: float) -> Piece:
    """A chest of drawers, sideboard or wardrobe: a box with a front, on feet or a plinth, under a top."""
    wood = style.wood if rng.random() < 0.75 else style.second_wood
    front = _fronted(rng, wood, "cupboard" if height > 1.3 or rng.random() < 0.4 else "drawers")
    feet = rng.choice([0.02, 0.08, 0.14])

    def build(parts: Assembly, frame: Frame) -> None:
        parts.box(frame, (0, -0.01, (height + feet) / 2), (width - 0.02, depth - 0.03, height - feet), wood)
        parts.box(frame, (0, depth / 2 - 0.02, (height + feet) / 2), (width - 0.03, 0.03, height - feet - 0.04), front)
        parts.box(frame, (0, 0, height), (width + 0.02, depth + 0.01, 0.03), wood)
        for x in (-1, 1):
            for y in (-1, 1):
                parts.box(frame, (x * (width / 2 - 0.05), y * (depth / 2 - 0.05), feet / 2), (0.06, 0.06, feet), wood)

    return Piece(width, depth, height, build, (height + 0.015, width, depth) if height < 1.5 else None)


def dresser(rng: np.random.Generator, style: Style) -> Piece:
    """A chest of drawers."""
    size = {"width": rng.uniform(0.7, 1.5), "depth": rng.uniform(0.4, 0.55), "height": rng.uniform(0.7, 1.25)}
    return chest(rng, style, **size)


def nightstand(rng: np.random.Generator, style: Style) -> Piece:
    """A small chest beside a bed."""
    return chest(rng, style, width=rng.uniform(0.4, 0.6), depth=0.4, height=rng.uniform(0.5, 0.65))


def wardrobe(rng: np.random.Generator, style: Style) -> Piece:
    """A tall cupboard."""
    size = {"width": rng.uniform(0.8, 1.8), "depth": rng.uniform(0.5, 0.62), "height": rng.uniform(1.7, 2.15)}
    return chest(rng, style, **size)


def bookshelf(rng: np.random.Generator, style: Style) -> Piece:
    """Open shelves with rows of books, boxes and gaps."""
    width, depth = rng.uniform(0.6, 1.6), rng.uniform(0.25, 0.36)
    rows = int(rng.integers(2, 7))
    pitch = rng.uniform(0.29, 0.36)
    height = rows * pitch + 0.1
    wood = style.wood if rng.random() < 0.6 else style.second_wood
    backed = rng.random() < 0.75
    rests = [_row_of_books(rng, width - 0.06, pitch - 0.05) for _ in range(rows)]

    def build(parts: Assembly, frame: Frame) -> None:
        for x in (-1, 1):
            parts.box(frame, (x * (width / 2 - 0.012), 0, height / 2), (0.025, depth, height), wood)
        if backed:
            parts.box(frame, (0, -depth / 2 + 0.01, height / 2), (width - 0.03, 0.015, height - 0.02), wood)
        for row in range(rows + 1):
            parts.box(frame, (0, 0, 0.07 + row * pitch), (width - 0.04, depth - 0.01, 0.025), wood)
        for row, blocks in enumerate(rests):
            for left, span, high, deep, material in blocks:
                place = (
                    left + span / 2 - width / 2 + 0.03,
                    deep / 2 - depth / 2 + 0.02,
                    0.085 + row * pitch + high / 2,
                )
                parts.box(frame, place, (span, min(deep, depth - 0.04), high), material)

    return Piece(width, depth, height, build, (height, width, depth) if height < 1.6 else None)


def _row_of_books(
    rng: np.random.Generator, width: float, height: float
) -> list[tuple[float, float, float, float, Material]]:
    """Returns blocks (left, width, height, depth, material) that stand on one shelf."""
    blocks, at = [], rng.uniform(0, 0.1)
    while at < width - 0.08:
        span = min(rng.uniform(0.08, 0.4), width - at)
        kind = rng.random()
        if kind < 0.7:
            material = books(rng)
            blocks.append((at, span, height * rng.uniform(0.6, 0.95), rng.uniform(0.14, 0.22), material))
        elif kind < 0.85:
            material = finishes.paint(rng, finishes.bright(rng), gloss=0.1)
            blocks.append((at, min(span, 0.2), height * rng.uniform(0.3, 0.9), rng.uniform(0.1, 0.25), material))
        at += span + (rng.uniform(0.05, 0.3) if rng.random() < 0.3 else 0.005)
    return blocks


def books(rng: np.random.Generator) -> Material:
    """Returns a row of spines."""
    level = rng.uniform(0.5, 1.1)
    return Material(pick(rng, "books"), (level, level, level), tile_m=0.0, gloss=0.1)


def _fronted(rng: np.random.Generator, wood: Material, name: str) -> Material:
    """Returns the wood with drawers or doors drawn on it."""
    handle = (0.02, 0.02, 0.02) if rng.random() < 0.4 else (0.4, 0.34, 0.22)
    return dataclasses.replace(
        wood, texture=pick(rng, name), second=finishes.dim(wood.base, 0.3), third=handle, grain=0.5, tile_m=0.0
    )
