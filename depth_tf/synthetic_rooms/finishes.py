"""Paints, woods, cloths and metals, and the choice of them that one room keeps to."""

import colorsys
import dataclasses

import numpy as np

from depth_tf.synthetic_rooms.materials import Colour, Material
from depth_tf.synthetic_rooms.textures import pick

# Typical colours as displayed (sRGB), from which rooms take and vary theirs.
WALLS = ("f2efe6", "e9e2d2", "d9cbb0", "cdbb9a", "d8d3cb", "c2b8a8", "b9c0ba", "a9b8c4", "c9b27e", "b98f6a")
WALLS += ("e8dcc0", "f4f4f0", "9c8f7f", "8fa08a", "7f8ea3", "a85f4a", "d6b3a6", "e5d9a8", "efeae0", "dcd6cb")
WALLS += ("e6dfd0", "cfc6b6", "b8ad9c", "e0d8c6", "d2c7b0", "ece8df")
WOODS = ("5b3a22", "7a4a28", "3b2417", "8f5d33", "a97845", "c69c6d", "4a2a1c", "6e2f1c", "2a1d16", "b88a5a", "d9bb8c")
CARPETS = ("b7a78f", "9a8b78", "7d7367", "8a8f94", "5d6470", "6b5a4a", "c9bda8", "4b5a78", "7a4a44", "a39a86")
CLOTHS = ("6b5b4d", "8c7a66", "3d3a3a", "22252d", "7a2a25", "a33a2e", "2f4468", "4a6a8c", "5d6b45", "c8b594")
CLOTHS += ("e3ddd0", "9c8aa5", "b5763a", "d8c9c0", "55413a", "1c1c1e", "7f8c8a", "c25f6d", "e8e4da", "93a7b8")
TILES = ("d9cfbf", "c7b299", "e6e3dc", "a68d72", "8b8680", "b9a58d", "dcd6c6", "6d655c")


def linear(hexadecimal: str) -> Colour:
    """Returns the linear reflectance of a displayed colour such as "d9cbb0"."""
    values = [int(hexadecimal[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    return tuple(value**2.2 for value in values)


def vary(rng: np.random.Generator, colour: Colour, *, amount: float = 0.12) -> Colour:
    """Returns a colour near `colour`: lightness and hue move by about `amount`."""
    factors = np.exp(amount * rng.standard_normal() + 0.35 * amount * rng.standard_normal(3))
    return tuple(float(min(value * factor, 0.88)) for value, factor in zip(colour, factors, strict=True))


def dim(colour: Colour, share: float) -> Colour:
    """Returns `share` of a colour's reflectance."""
    return tuple(min(value * share, 0.92) for value in colour)


def choose(rng: np.random.Generator, palette: tuple[str, ...], *, amount: float = 0.15) -> Colour:
    """Returns a varied colour of a palette."""
    return vary(rng, linear(palette[rng.integers(len(palette))]), amount=amount)


def bright(rng: np.random.Generator) -> Colour:
    """Returns the colour of a toy, a book or a bag: any hue, often strong."""
    rgb = colorsys.hsv_to_rgb(rng.random(), min(rng.beta(2, 1.6), 0.95), rng.uniform(0.15, 0.95))
    return tuple(value**2.2 for value in rgb)


def paint(rng: np.random.Generator, colour: Colour, *, gloss: float = 0.05) -> Material:
    """Returns a smooth painted or moulded surface."""
    return Material(pick(rng, "plain"), colour, grain=0.25, tile_m=1.3, gloss=gloss)


def metal(rng: np.random.Generator, *, dark: bool = False) -> Material:
    """Returns steel, chrome or black iron."""
    level = rng.uniform(0.01, 0.05) if dark else rng.uniform(0.25, 0.55)
    return Material(pick(rng, "plain"), (level, level, level * 1.03), grain=0.5, tile_m=0.6, gloss=0.6)


def timber(rng: np.random.Generator, colour: Colour, *, gloss: float | None = None) -> Material:
    """Returns sawn wood in that colour."""
    shine = rng.uniform(0.1, 0.45) if gloss is None else gloss
    second, third = vary(rng, dim(colour, 0.55), amount=0.08), dim(colour, 0.35)
    return Material(pick(rng, "wood"), colour, second, third, 0.5, rng.uniform(0.5, 0.9), shine)


def cloth(rng: np.random.Generator, *, calm: bool = False) -> Material:
    """Returns upholstery, curtain or bed cloth; `calm` leaves out strong patterns."""
    kinds = (
        ["weave", "creases", "weave", "leather"]
        if calm
        else ["weave", "stripes", "damask", "dots", "plaid", "patchwork"]
    )
    kind = kinds[rng.integers(len(kinds))]
    base = choose(rng, CLOTHS)
    second = vary(rng, base, amount=0.35) if calm or rng.random() < 0.5 else choose(rng, CLOTHS)
    gloss = 0.35 if kind == "leather" else 0.0
    grain = {"creases": 0.9, "patchwork": 0.7}.get(kind, 0.5)
    third = choose(rng, CLOTHS)
    return Material(pick(rng, kind), base, second, third, grain, rng.uniform(0.4, 1.0), gloss, soft_m=0.07)


def flooring(rng: np.random.Generator, kind: str) -> Material:
    """Returns a floor: "carpet", "wood" or "tiles"."""
    if kind == "carpet":
        base = choose(rng, CARPETS)
        if rng.random() < 0.3:
            return Material(pick(rng, "flecked_carpet"), base, dim(base, 0.5), vary(rng, base, amount=0.5), 0.5, 1.0)
        return Material(pick(rng, "carpet"), base, dim(base, 0.7), base, rng.uniform(0.5, 0.9), rng.uniform(1, 2))
    if kind == "wood":
        base = choose(rng, WOODS)
        texture, tile_m = ("planks", rng.uniform(0.6, 1.4)) if rng.random() < 0.85 else ("parquet", 1.2)
        shine = rng.uniform(0.15, 0.7)
        return Material(pick(rng, texture), base, dim(base, rng.uniform(0.55, 0.8)), dim(base, 0.3), 0.5, tile_m, shine)
    base = choose(rng, TILES)
    return Material(
        pick(rng, "tiles"), base, vary(rng, dim(base, 0.7), amount=0.2), dim(base, 0.45), 0.4,
        rng.uniform(1.0, 2.2), rng.uniform(0.1, 0.6),
    )  # fmt: skip


def walling(rng: np.random.Generator) -> Material:
    """Returns a wall: mostly plain paint, sometimes paper, panelling or brick."""
    base = choose(rng, WALLS, amount=0.1)
    kind = rng.random()
    if kind < 0.82:
        return Material(pick(rng, "plaster"), base, grain=rng.uniform(0.1, 0.35), tile_m=rng.uniform(1.5, 3))
    second = vary(rng, dim(base, rng.uniform(0.6, 0.9)), amount=0.1)
    if kind < 0.95:
        name = ("stripes", "damask", "dots")[rng.integers(3)]
        return Material(pick(rng, name), base, second, vary(rng, base, amount=0.3), 0.2, rng.uniform(0.4, 0.9))
    brick = linear("8f5a43") if rng.random() < 0.6 else base
    return Material(pick(rng, "bricks"), brick, dim(brick, 0.6), linear("b5aca0"), 0.6, 0.8)


def ceiling(rng: np.random.Generator, *, office: bool) -> Material:
    """Returns a ceiling: white, rough, or panels in an office."""
    level = rng.uniform(0.6, 0.85)
    base = (level, level * rng.uniform(0.95, 1), level * rng.uniform(0.88, 1))
    if office:
        return Material(pick(rng, "ceiling_tiles"), base, dim(base, 0.4), dim(base, 0.75), 0.2, 1.2)
    return Material(pick(rng, "popcorn" if rng.random() < 0.4 else "plaster"), base, grain=0.25, tile_m=1.5)


@dataclasses.dataclass(frozen=True)
class Style:
    """The finishes one room keeps to."""

    wall: Material
    floor: Material
    ceiling: Material
    trim: Material
    door: Material
    wood: Material
    second_wood: Material
    cloth: Material
    second_cloth: Material
    metal: Material
    counter: Material
    white: Material


def style(rng: np.random.Generator, *, floors: tuple[str, ...], office: bool = False) -> Style:
    """Draws the finishes of a room whose floor is one of `floors`."""
    wood = choose(rng, WOODS) if rng.random() < 0.82 else choose(rng, ("e8e4dc", "1d1a19", "b9b2a8"))
    white = paint(rng, vary(rng, linear("eeebe4"), amount=0.05), gloss=0.15)
    trim = white if rng.random() < 0.7 else timber(rng, choose(rng, WOODS))
    stone = Material(
        pick(rng, ("granite", "marble", "plain")[rng.integers(3)]), choose(rng, TILES), choose(rng, TILES),
        choose(rng, WOODS), 0.4, 0.7, 0.5,
    )  # fmt: skip
    return Style(
        wall=walling(rng),
        floor=flooring(rng, floors[rng.integers(len(floors))]),
        ceiling=ceiling(rng, office=office),
        trim=trim,
        door=trim if rng.random() < 0.7 else timber(rng, choose(rng, WOODS)),
        wood=timber(rng, wood),
        second_wood=timber(rng, choose(rng, WOODS)),
        cloth=cloth(rng, calm=rng.random() < 0.7),
        second_cloth=cloth(rng),
        metal=metal(rng, dark=rng.random() < 0.4),
        counter=stone,
        white=white,
    )
