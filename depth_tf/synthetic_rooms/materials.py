"""What surfaces are made of: a texture and colours, by name, and the finishes that one room keeps to."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms.textures import FIRST_PICTURE, colour, pick

Colour = tuple[float, float, float]  # linear reflectance, 0 to 1

# Typical colours as displayed (sRGB), from which rooms take and vary theirs.
PALETTES = {
    "wall": "f2efe6 e9e2d2 d9cbb0 cdbb9a d8d3cb c2b8a8 b9c0ba a9b8c4 c9b27e b98f6a e8dcc0 f4f4f0 9c8f7f 8fa08a 7f8ea3 "
    "a85f4a d6b3a6 e5d9a8 efeae0 dcd6cb e6dfd0 cfc6b6 b8ad9c e0d8c6 d2c7b0 ece8df",
    "wood": "5b3a22 7a4a28 3b2417 8f5d33 a97845 c69c6d 4a2a1c 6e2f1c 2a1d16 b88a5a d9bb8c",
    "carpet": "b7a78f 9a8b78 7d7367 8a8f94 5d6470 6b5a4a c9bda8 4b5a78 7a4a44 a39a86",
    "cloth": "6b5b4d 8c7a66 3d3a3a 22252d 7a2a25 a33a2e 2f4468 4a6a8c 5d6b45 c8b594 e3ddd0 9c8aa5 b5763a d8c9c0 55413a "
    "1c1c1e 7f8c8a c25f6d e8e4da 93a7b8",
    "stone": "d9cfbf c7b299 e6e3dc a68d72 8b8680 b9a58d dcd6c6 6d655c",
    "lacquer": "e8e4dc 1d1a19 b9b2a8",
}


@dataclasses.dataclass(frozen=True)
class Material:
    """A textured surface; what the channels of a texture mean, see `textures`."""

    texture: int  # index into the texture bank
    base: Colour  # reflectance of the ground; pictures are multiplied by it
    second: Colour = (0.0, 0.0, 0.0)  # reflectance that the pattern's first channel mixes in
    third: Colour = (0.0, 0.0, 0.0)  # reflectance that its second channel mixes in
    grain: float = 0.0  # strength of its third channel, light and dark
    tile_m: float = 1.0  # metres that one repeat covers; 0 stretches the texture once over each face
    gloss: float = 0.0  # 0 matt to 1 polished
    glow: float = 0.0  # radiance it sends out itself, as a multiple of its reflectance
    grain_along: bool = False  # whether U runs along the longer side of a face, as the grain of wood does
    soft_m: float = 0.0  # metres over which a box of it is shaded as if its edges were rounded

    def colour_matrix(self) -> np.ndarray:
        """Returns [3, 4]: reflectance = matrix @ (the texture's three channels, 1)."""
        base = np.array(self.base)
        if self.texture >= FIRST_PICTURE:
            return np.eye(3, 4) * base[:, None]
        return np.array([self.second - base, self.third - base, self.grain * base, base - 0.5 * self.grain * base]).T


def _vary(rng: np.random.Generator, base: Colour, amount: float = 0.12) -> Colour:
    factors = np.exp(amount * rng.standard_normal() + 0.35 * amount * rng.standard_normal(3))
    return tuple(np.minimum(np.array(base) * factors, 0.88).tolist())


def _dim(base: Colour, share: float) -> Colour:
    return tuple(min(value * share, 0.92) for value in base)


def _choose(rng: np.random.Generator, palette: str, amount: float = 0.15) -> Colour:
    names = PALETTES[palette].split()
    name = names[rng.integers(len(names))]
    return _vary(rng, tuple((int(name[i : i + 2], 16) / 255) ** 2.2 for i in (0, 2, 4)), amount)


def paint(rng: np.random.Generator, base: Colour, *, gloss: float = 0.05, glow: float = 0.0) -> Material:
    """Returns a smooth painted or moulded surface."""
    return Material(pick(rng, "smooth"), base, grain=0.25, tile_m=1.3, gloss=gloss, glow=glow)


def _grey(rng: np.random.Generator, low: float, high: float, gloss: float) -> Material:
    level = rng.uniform(low, high)
    return paint(rng, (level, level, level * 1.03), gloss=gloss)


def picture(rng: np.random.Generator, name: str, level: float = 0.9, **shine: float) -> Material:
    """Returns a picture stretched over each face."""
    return Material(pick(rng, name), (level, level, level), tile_m=0.0, **shine)


def _timber(rng: np.random.Generator, base: Colour) -> Material:
    texture, tile_m, gloss = pick(rng, "wood"), rng.uniform(0.5, 0.9), rng.uniform(0.1, 0.45)
    return Material(texture, base, _dim(base, 0.55), _dim(base, 0.35), 0.5, tile_m, gloss)


def _front(rng: np.random.Generator, wood: Material) -> Material:
    handle = (0.02, 0.02, 0.02) if rng.random() < 0.4 else (0.4, 0.34, 0.22)
    shared = {"second": _dim(wood.base, 0.3), "third": handle, "grain": 0.5, "tile_m": 0.0}
    return dataclasses.replace(wood, texture=pick(rng, "fronts"), **shared)


def _cloth(rng: np.random.Generator, *, calm: bool = False) -> Material:
    """Returns upholstery, curtain or bed cloth; `calm` leaves out strong patterns."""
    kinds = ("cloth", "creases", "creases", "smooth") if calm else ("cloth",)
    kind, base = kinds[rng.integers(len(kinds))], _choose(rng, "cloth")
    second = _vary(rng, base, 0.35) if calm or rng.random() < 0.5 else _choose(rng, "cloth")
    return Material(pick(rng, kind), base, second, _choose(rng, "cloth"), 0.7, rng.uniform(0.4, 1.0), soft_m=0.07)


def _flooring(rng: np.random.Generator, kind: str) -> Material:
    base = _choose(rng, {"carpet": "carpet", "planks": "wood", "tiles": "stone"}[kind])
    second, third = _vary(rng, _dim(base, 0.68), 0.1), _dim(base, 0.4)
    gloss = 0.0 if kind == "carpet" else rng.uniform(0.1, 0.65)
    texture, grain, tile_m = pick(rng, kind), rng.uniform(0.4, 0.8), rng.uniform(0.7, 2.0)
    return Material(texture, base, second, third, grain, tile_m, gloss, grain_along=True)


def _walling(rng: np.random.Generator) -> Material:
    base, kind = _choose(rng, "wall", 0.1), rng.random()
    if kind < 0.82:
        return Material(pick(rng, "smooth"), base, grain=rng.uniform(0.1, 0.35), tile_m=rng.uniform(1.5, 3))
    name, second = ("cloth", "cloth", "tiles")[rng.integers(3)], _dim(base, rng.uniform(0.6, 0.9))
    return Material(pick(rng, name), base, second, _vary(rng, base, 0.3), 0.3, rng.uniform(0.4, 0.9))


# Materials that are drawn anew for each piece of furniture; `Style` holds those that a room keeps to.
DRAWN = {
    "paint": lambda rng: paint(rng, tuple(colour(rng)), gloss=0.3),
    "steel": lambda rng: _grey(rng, 0.25, 0.55, 0.6),
    "black": lambda rng: _grey(rng, 0.006, 0.03, 0.4),
    "china": lambda rng: paint(rng, (0.78, 0.77, 0.74), gloss=0.5),
    "paper": lambda rng: picture(rng, "books", 1.2),
    "card": lambda rng: paint(rng, _vary(rng, (0.37, 0.23, 0.11))),
    "print": lambda rng: picture(rng, "abstract", gloss=0.2),
    "books": lambda rng: picture(rng, "books", rng.uniform(0.5, 1.1)),
    "screen": lambda rng: picture(rng, "abstract", gloss=0.5, glow=rng.choice([0.0, 0.7])),
    "dark_screen": lambda rng: picture(rng, "abstract", rng.uniform(0.02, 0.08), gloss=0.8),
    "shade": lambda rng: paint(rng, (0.8, 0.62, 0.38), glow=rng.uniform(0.1, 1.5)),
    "linen": lambda rng: Material(pick(rng, "creases"), _choose(rng, "wall"), grain=0.8, soft_m=0.1),
    "clothes": lambda rng: Material(pick(rng, "creases"), _choose(rng, "cloth"), grain=1.0, tile_m=0.5, soft_m=0.1),
    "leaf": lambda rng: Material(pick(rng, "stone"), _vary(rng, (0.06, 0.13, 0.03), 0.35), (0.02,) * 3, grain=0.9),
    "cover": _cloth,
    "ribs": lambda rng: Material(pick(rng, "ribs"), _choose(rng, "wall"), (0.3,) * 3, grain=0.5, tile_m=0.6, gloss=0.1),
}  # fmt: skip


class Style:
    """The finishes one room keeps to, and those drawn for each piece, by name."""

    def __init__(self, rng: np.random.Generator, floors: str):
        self._rng = rng
        white = paint(rng, (0.84, 0.81, 0.75), gloss=0.15)
        trim = white if rng.random() < 0.7 else _timber(rng, _choose(rng, "wood"))
        wood = _timber(rng, _choose(rng, "wood" if rng.random() < 0.82 else "lacquer"))
        self.kept = {
            "wall": _walling(rng),
            "floor": _flooring(rng, floors.split()[rng.integers(len(floors.split()))]),
            "ceiling": Material(pick(rng, "smooth"), _vary(rng, (0.72,) * 3, 0.12), grain=0.25, tile_m=1.5),
            "door": _front(rng, trim if rng.random() < 0.7 else _timber(rng, _choose(rng, "wood"))),
            "second_wood": _timber(rng, _choose(rng, "wood")),
            "cloth": _cloth(rng, calm=rng.random() < 0.7),
            "metal": _grey(rng, *((0.01, 0.05), (0.25, 0.55))[rng.integers(2)], 0.6),
            "counter": Material(pick(rng, "stone"), _choose(rng, "stone"), _choose(rng, "stone"), grain=0.4, gloss=0.5),
            "kitchen": _front(rng, wood),
        } | {"white": white, "trim": trim, "wood": wood}

    def draw(self, name: str) -> Material:
        """Returns the material `name`: alternatives are divided by "|"; "front" is this room's wood with doors."""
        names = name.split("|")
        name = names[self._rng.integers(len(names))] if len(names) > 1 else name
        if name == "front":
            return _front(self._rng, self.kept["wood" if self._rng.random() < 0.75 else "second_wood"])
        return self.kept.get(name) or DRAWN[name](self._rng)
