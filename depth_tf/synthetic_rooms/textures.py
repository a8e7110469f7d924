"""The texture bank: every pattern and picture in a few variants, at all sizes, and how it is looked up."""

import functools

import numpy as np

from depth_tf.synthetic_rooms.patterns import KINDS, SIZE_PX

LEVELS = 7  # 256, 128 ... 4 pixels

_MAKERS = [maker for maker, count in KINDS.values() for _ in range(count)]
_FIRST = dict(zip(KINDS, np.cumsum([0, *(count for _, count in KINDS.values())]).tolist(), strict=False))
_SIZES = (SIZE_PX >> np.arange(LEVELS)).astype(np.int32)
_STARTS = np.concatenate([[0], np.cumsum(_SIZES**2)[:-1]]).astype(np.int32)
_TEXELS = int((_SIZES**2).sum())


def pick(rng: np.random.Generator, name: str) -> int:
    """Returns the index of a random variant of the texture `name`."""
    return _FIRST[name] + int(rng.integers(KINDS[name][1]))


def is_picture(texture: int) -> bool:
    """True if the texture's channels are red, green and blue."""
    return texture >= _FIRST["abstract"]


def follows_longer_side(texture: int) -> bool:
    """True if U is to run along the longer side of a face, as the grain of wood does, not along its width."""
    return _FIRST["wood"] <= texture < _FIRST["tiles"]


@functools.lru_cache(maxsize=2)
def bank(seed: int) -> np.ndarray:
    """Returns the textures of `seed`, [textures * texels, 3] uint8, every size of each, the largest first."""
    texels = []
    for texture, maker in enumerate(_MAKERS):
        sheet = np.clip(maker(np.random.default_rng((seed, texture))), 0, 1).astype(np.float32)
        for _ in range(LEVELS):
            texels.append((sheet.reshape(-1, 3) * 255 + 0.5).astype(np.uint8))
            sheet = (sheet[::2, ::2] + sheet[1::2, ::2] + sheet[::2, 1::2] + sheet[1::2, 1::2]) / 4
    return np.concatenate(texels)


def look_up(texels: np.ndarray, texture: np.ndarray, uv: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Returns [n, 3] uint8: the texels nearest to some points.

    `texture` is [n] int32, `uv` [2, n] repeats along U and V, `level` [n] int32: how often the texture is halved.
    """
    size = _SIZES[level]
    column, row = (np.floor(axis * size).astype(np.int32) & (size - 1) for axis in uv)
    return texels.take(texture * _TEXELS + _STARTS[level] + row * size + column, axis=0)
