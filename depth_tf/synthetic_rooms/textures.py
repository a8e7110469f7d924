"""The texture bank: every pattern and picture in a few variants, at all sizes, and how it is looked up."""

import functools
from collections.abc import Iterable

import numpy as np

from depth_tf.synthetic_rooms import fittings, patterns, pictures
from depth_tf.synthetic_rooms.noise import SIZE_PX

# What the bank holds: name -> (maker, variants). The order is part of what a seed means.
PATTERNS = {
    "plain": (patterns.plain, 2),
    "plaster": (patterns.plaster, 3),
    "popcorn": (patterns.popcorn, 1),
    "ceiling_tiles": (patterns.ceiling_tiles, 1),
    "wood": (patterns.wood, 6),
    "planks": (patterns.planks, 4),
    "parquet": (patterns.parquet, 1),
    "tiles": (patterns.tiles, 4),
    "bricks": (patterns.bricks, 2),
    "carpet": (patterns.carpet, 3),
    "flecked_carpet": (patterns.flecked_carpet, 2),
    "stripes": (patterns.stripes, 4),
    "damask": (patterns.damask, 4),
    "dots": (patterns.dots, 4),
    "weave": (patterns.weave, 3),
    "plaid": (patterns.plaid, 3),
    "patchwork": (patterns.patchwork, 3),
    "leather": (patterns.leather, 2),
    "marble": (patterns.marble, 2),
    "granite": (patterns.granite, 2),
    "creases": (patterns.creases, 4),
    "slats": (patterns.slats, 1),
    "ribs": (patterns.ribs, 1),
    "panelled_door": (fittings.panelled_door, 4),
    "cupboard": (fittings.cupboard, 5),
    "drawers": (fittings.drawers, 5),
    "rug": (fittings.rug, 4),
    "plain_rug": (fittings.plain_rug, 3),
    "page": (fittings.page, 3),
    "keyboard": (fittings.keyboard, 1),
    "gradient": (fittings.gradient, 1),
}
PICTURES = {
    "landscape": (pictures.landscape, 8),
    "abstract": (pictures.abstract, 9),
    "portrait": (pictures.portrait, 4),
    "poster": (pictures.poster, 10),
    "photograph": (pictures.photograph, 6),
    "books": (pictures.books, 6),
    "screen_on": (pictures.screen_on, 4),
    "screen_off": (pictures.screen_off, 2),
    "notices": (pictures.notices, 5),
    "whiteboard": (pictures.whiteboard, 2),
    "outside": (pictures.outside, 6),
}
ALONG_LONGER_SIDE = ("wood", "planks")  # their grain follows the longer side of a face

_KINDS = {**PATTERNS, **PICTURES}
_MAKERS = [maker for maker, count in _KINDS.values() for _ in range(count)]
_COUNTS = [count for _, count in _KINDS.values()]
_FIRST = dict(zip(_KINDS, np.cumsum([0, *_COUNTS[:-1]]).tolist(), strict=True))
_FIRST_PICTURE = _FIRST["landscape"]
LEVELS = 7  # 256, 128 ... 4 pixels


def pick(rng: np.random.Generator, name: str) -> int:
    """Returns the index of a random variant of the texture `name`."""
    return _FIRST[name] + int(rng.integers(_KINDS[name][1]))


def is_picture(texture: int) -> bool:
    """True if the texture's channels are red, green and blue."""
    return texture >= _FIRST_PICTURE


def follows_longer_side(texture: int) -> bool:
    """True if U is to run along the longer side of a face, not along its width."""
    return any(_FIRST[name] <= texture < _FIRST[name] + _KINDS[name][1] for name in ALONG_LONGER_SIDE)


class Bank:
    """The textures of one seed, made when first needed.

    Attributes:
      texels: [textures * texels, 3] uint8: every texture at every size; what is not made yet is arbitrary.
    """

    def __init__(self, seed: int):
        self.texels = np.empty((sum(_COUNTS) * _TEXELS, 3), np.uint8)
        self._seed, self._made = seed, set()

    def make(self, wanted: Iterable[int]) -> None:
        """Makes the textures with the indices `wanted`, unless made before."""
        for texture in set(wanted) - self._made:
            rng = np.random.default_rng(np.random.SeedSequence((self._seed, texture)))
            sheets = _sizes(np.clip(_MAKERS[texture](rng), 0, 1).astype(np.float32))
            start = texture * _TEXELS
            self.texels[start : start + _TEXELS] = np.concatenate(sheets) * 255 + 0.5
            self._made.add(texture)


@functools.lru_cache(maxsize=2)
def bank(seed: int) -> Bank:
    """Returns the textures of `seed`, kept for the next room."""
    return Bank(seed)


def look_up(texels: np.ndarray, texture: np.ndarray, u: np.ndarray, v: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Reads the bank between its texels.

    Args:
      texels: `Bank.texels`.
      texture: [n] int, index of the texture.
      u: [n] float32, repeats along U.
      v: [n] float32, repeats along V.
      level: [n] int, how often the texture is halved, below LEVELS.

    Returns:
      [n, 3] float32, 0 to 255.
    """
    size = _SIZES[level]
    start = texture * _TEXELS + _STARTS[level]
    mask = size - 1
    x, y = u * size - np.float32(0.5), v * size - np.float32(0.5)
    left, top = np.floor(x), np.floor(y)
    part_x, part_y = (x - left)[:, None], (y - top)[:, None]
    left, top = left.astype(np.int32), top.astype(np.int32)
    column, next_column = left & mask, (left + 1) & mask
    row, next_row = start + (top & mask) * size, start + ((top + 1) & mask) * size
    above = texels.take(row + column, axis=0) * (1 - part_x) + texels.take(row + next_column, axis=0) * part_x
    below = texels.take(next_row + column, axis=0) * (1 - part_x)
    below += texels.take(next_row + next_column, axis=0) * part_x
    return above + (below - above) * part_y


def _sizes(sheet: np.ndarray) -> list[np.ndarray]:
    sheets = [sheet.reshape(-1, 3)]
    for _ in range(LEVELS - 1):
        height, width, _ = sheet.shape
        sheet = sheet.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
        sheets.append(sheet.reshape(-1, 3))
    return sheets


_SIZES = (SIZE_PX >> np.arange(LEVELS)).astype(np.int32)
_STARTS = np.concatenate([[0], np.cumsum(_SIZES**2)[:-1]]).astype(np.int32)
_TEXELS = int((_SIZES**2).sum())
