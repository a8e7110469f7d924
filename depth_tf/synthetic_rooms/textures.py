"""The texture bank: every texture in a few variants, at all sizes, and how it is looked up.

A pattern's maker returns three channels: how far the material's base colour goes towards its second, how far towards
its third, and how much lighter than usual it is. A picture's returns linear red, green and blue, [SIZE_PX, SIZE_PX, 3].
"""

import colorsys
import functools

import numpy as np

SIZE_PX = 128

# Texture coordinates of the pixel centres, 0 to 1: U along the columns, V down the rows.
U, V = (axis.astype(np.float32) for axis in np.meshgrid(*[(np.arange(SIZE_PX) + 0.5) / SIZE_PX] * 2))


def _spectral(rng: np.random.Generator, slope: float, *, stretch: float = 1.0, lowest: float = 1.0) -> np.ndarray:
    """Returns repeating noise of mean 0 and deviation 1, of amplitude frequency ** -slope: 0 is white, 2 cloudy.

    Features are `stretch` times longer along U; frequencies below `lowest` cycles per repeat are left out.
    """
    across = np.arange(SIZE_PX // 2 + 1)[None] * stretch
    frequency = np.hypot(across, np.fft.fftfreq(SIZE_PX, 1 / SIZE_PX)[:, None])
    amplitude = np.where(frequency >= lowest, np.maximum(frequency, 1) ** -slope, 0)
    spectrum = amplitude * np.exp(2j * np.pi * rng.random(frequency.shape))
    noise = np.fft.irfft2(spectrum, (SIZE_PX, SIZE_PX)).astype(np.float32)
    return (noise - noise.mean()) / noise.std()


def _soft_step(value: np.ndarray, width: float) -> np.ndarray:
    return np.clip(value / width + 0.5, 0, 1)


def _cells(rng: np.random.Generator, across: int, down: int, *, bond: float = 0.0) -> np.ndarray:
    """Returns a random tone per cell; every other row is moved along by `bond` cells."""
    row = np.floor(V * down).astype(int)
    return rng.random((down, across), np.float32)[row, np.floor(U * across + bond * (row % 2)).astype(int) % across]


def _rectangle(rng: np.random.Generator, least: float, most: float) -> np.ndarray:
    (left, top), (wide, high) = rng.uniform(-0.05, 0.85, 2), rng.uniform(least, most, 2)
    return (left < U) & (left + wide > U) & (top < V) & (top + high > V)


def _wood(rng: np.random.Generator) -> tuple:
    rings = np.sin(2 * np.pi * (rng.integers(3, 9) * V + 0.8 * _spectral(rng, 2.2, stretch=rng.uniform(3, 7))))
    fibre = _spectral(rng, 0.6, stretch=24)
    return np.clip(0.5 + 0.25 * rings + 0.1 * fibre, 0, 1), 0.6 * _soft_step(fibre - 1.8, 0.6), 1.2 * fibre


def _planks(rng: np.random.Generator) -> tuple:
    fibre, gap = _spectral(rng, 0.8, stretch=16), _soft_step(0.06 - (V * 8) % 1, 0.02)
    tone = 0.75 * _cells(rng, 2, 8, bond=rng.uniform(0.3, 0.7)) + 0.14 * fibre + 0.1
    return np.clip(tone, 0, 1), 0.8 * gap, 1.2 * fibre


def _tiles(rng: np.random.Generator) -> tuple:
    chequer, cloud = rng.random() < 0.3, _spectral(rng, 1.4)
    tone = (0.1 if chequer else 0.5) * _cells(rng, 4, 4) + 0.9 * chequer * ((np.floor(U * 4) + np.floor(V * 4)) % 2)
    return np.clip(tone + 0.07 * cloud, 0, 1), np.maximum((U * 4) % 1 < 0.05, (V * 4) % 1 < 0.05), cloud


def _cloth(rng: np.random.Generator) -> tuple:
    """Plain weave, stripes, or the mirrored ornament of wallpaper and rugs."""
    kind = rng.integers(3)
    if kind == 0:
        return _soft_step(_spectral(rng, 0.4, stretch=8), 4), 0, _spectral(rng, 0.1, lowest=15)
    if kind == 1:
        at = np.abs((U * 4) % 1 - 0.5)
        band = sum((at > edge).astype(int) for edge in rng.uniform(0.03, 0.5, rng.integers(1, 4))) % 2
        return band, np.abs(at - rng.uniform(0, 0.5)) < 0.02, _spectral(rng, 0.5)
    blob = np.tile(_spectral(rng, 2.2, lowest=2)[::2, ::2], (2, 2))
    blob = np.tile((blob + blob[:, ::-1])[:64, :64], (2, 2))
    return _soft_step(blob - 0.4, 0.4), _soft_step(-blob - 1.2, 0.4), _spectral(rng, 1)


def _creases(rng: np.random.Generator) -> tuple:
    """Bed linen and clothes: soft folds, light on one side and dark on the other."""
    height = -np.abs(_spectral(rng, 2.0, stretch=rng.uniform(0.5, 2), lowest=2)) + 0.3 * _spectral(rng, 1.5, lowest=4)
    relief = sum(np.gradient(height))
    return 0, 0, relief / relief.std()


def _fronts(rng: np.random.Generator) -> tuple:
    """Doors and drawers, each with an edge, a panel and a handle."""
    across, down = int(rng.integers(1, 3)), int(rng.integers(1, 5))
    at_u, at_v = (U * across) % 1, (V * down) % 1
    edge = np.minimum(np.minimum(at_u, 1 - at_u) / across, np.minimum(at_v, 1 - at_v) / down)
    lines = np.maximum(edge < 0.012, 0.6 * (np.abs(edge - 0.06) < 0.008) * (rng.random() < 0.6))
    wide, high, place = (0.15, 0.05, 0.5) if down > 1 else (0.02, 0.08, 0.88)
    handle = (np.abs(at_u - place) < wide) & (np.abs(at_v - 0.5) < high)
    return 0.8 * lines, handle, 0.7 * _spectral(rng, 0.8, stretch=0.1)


def colour(rng: np.random.Generator, low: float = 0.05, high: float = 0.8, *, saturation: float = 0.45) -> np.ndarray:
    """Returns a random colour, [3], of brightness `low` to `high`; warm hues are the more frequent."""
    hue = rng.normal(0.07, 0.08) % 1 if rng.random() < 0.45 else rng.random()
    return np.array(colorsys.hsv_to_rgb(hue, np.clip(rng.normal(saturation, 0.25), 0, 0.95), rng.uniform(low, high)))


def _over(image: np.ndarray, mask: np.ndarray, paint: np.ndarray) -> np.ndarray:
    return image + np.float32(mask)[..., None] * (paint - image)


def _abstract(rng: np.random.Generator) -> np.ndarray:
    """Paintings, photographs, posters, magazines, screens: shapes, and sometimes lines of letters."""
    image = np.broadcast_to(colour(rng), (*U.shape, 3))
    for _ in range(rng.integers(3, 9)):
        blot = np.hypot((U - rng.random()) / rng.uniform(0.05, 0.4), (V - rng.random()) / rng.uniform(0.05, 0.4)) < 1
        image = _over(image, _rectangle(rng, 0.1, 0.6) if rng.random() < 0.5 else 0.8 * blot, colour(rng))
    if rng.random() < 0.4:
        letters = (_cells(rng, 30, 12) < 0.75) & ((V * 12) % 1 < 0.5) & (np.abs(V - rng.random()) < 0.15)
        image = _over(image, letters, colour(rng, 0.02, 0.9))
    return image * np.clip(1 + 0.08 * _spectral(rng, 1.2)[..., None], 0.75, 1.25)


def _books(rng: np.random.Generator) -> np.ndarray:
    edges = np.concatenate([[0], np.cumsum(rng.uniform(0.02, 0.07, 60))])
    spine = np.searchsorted(edges, U[0]) - 1
    at = (U[0] - edges[spine]) / (edges[spine + 1] - edges[spine])
    covers, inks = (np.stack([colour(rng, 0.03, 0.8) for _ in edges])[spine] for _ in range(2))
    printed = (np.abs(V - rng.uniform(0.3, 0.7, 61)[spine]) < 0.2) & (np.abs(at - 0.5) < 0.2)
    image = _over(np.broadcast_to(covers, (*U.shape, 3)), 0.8 * (printed & (_cells(rng, 99, 40) < 0.7)), inks)
    return image * (0.55 + 0.5 * np.sin(np.pi * at) ** 0.7)[:, None]


def _outside(rng: np.random.Generator) -> np.ndarray:
    """The view from a window: sky, a building or none, trees, ground."""
    image = np.broadcast_to(np.array([0.78, 0.9, 1.0]), (*U.shape, 3))
    panes = np.maximum(np.sin(50 * U), np.sin(50 * V))[..., None] > 0
    house = _rectangle(rng, 0.3, 1.5) & (V > 0.2)
    image = _over(image, house, (0.2 + 0.4 * panes) * colour(rng, 0.4, 0.9, saturation=0.2))
    leaves = _soft_step(_spectral(rng, 1.5) + 4 * (V - rng.uniform(0.35, 1.1)), 0.5)
    green = np.array([0.18, 0.25, 0.09]) * np.clip(1 + 0.7 * _spectral(rng, 1)[..., None], 0.1, 3)
    return _over(_over(image, leaves, green), V > 0.85, np.array([0.3, 0.32, 0.2]) * rng.uniform(0.6, 1.4))


# name -> (maker, variants), patterns before pictures. The order is part of what a seed means.
KINDS = {
    "smooth": (lambda rng: (0, 0, 0.6 * _spectral(rng, 1.6) + 0.4 * _spectral(rng, 0.4, lowest=15)), 3),
    "wood": (_wood, 4), "planks": (_planks, 4), "tiles": (_tiles, 4),
    "carpet": (lambda rng: (_soft_step(_spectral(rng, 0.3) - 1, 1), 0, _spectral(rng, 0.6)), 4),
    "cloth": (_cloth, 9), "creases": (_creases, 4),
    "stone": (lambda rng: (_soft_step(_spectral(rng, 0.9), 0.8), 0, _spectral(rng, 0.6)), 4),
    "ribs": (lambda rng: (_soft_step((V * 16) % 1 - 0.75, 0.3), 0, 2.5 * ((V * 16) % 1) - 0.9), 1),
    "fronts": (_fronts, 6), "abstract": (_abstract, 12), "books": (_books, 4), "outside": (_outside, 4),
}  # fmt: skip
LEVELS = 6  # 128, 64 ... 4 pixels
_MAKERS = [maker for maker, count in KINDS.values() for _ in range(count)]
_FIRST = dict(zip(KINDS, np.cumsum([0, *(count for _, count in KINDS.values())]).tolist(), strict=False))
FIRST_PICTURE = _FIRST["abstract"]
SIZES_PX = (SIZE_PX >> np.arange(LEVELS)).astype(np.float32)
_STARTS = np.concatenate([[0], np.cumsum(SIZES_PX**2)]).astype(np.intp)  # of each size, and of the next texture


def pick(rng: np.random.Generator, name: str) -> int:
    """Returns the index of a random variant of the texture `name`."""
    return _FIRST[name] + int(rng.integers(KINDS[name][1]))


@functools.lru_cache(maxsize=2)
def bank(seed: int) -> np.ndarray:
    """Returns the textures of `seed`, [textures * texels, 4] uint8, every size of each, the largest first."""
    texels = []
    for texture, maker in enumerate(_MAKERS):
        sheet = maker(np.random.default_rng((seed, texture)))
        if isinstance(sheet, tuple):
            first, second, lightness, _ = np.broadcast_arrays(*sheet, U)
            sheet = np.stack([first, second, 0.5 + 0.16 * lightness], axis=-1)
        sheet = np.clip(sheet, 0, 1).astype(np.float32)
        for _ in range(LEVELS):
            texels.append((np.pad(sheet, ((0, 0), (0, 0), (0, 1))).reshape(-1, 4) * 255 + 0.5).astype(np.uint8))
            sheet = (sheet[::2, ::2] + sheet[1::2, ::2] + sheet[::2, 1::2] + sheet[1::2, 1::2]) / 4
    return np.concatenate(texels)


def look_up(texels: np.ndarray, texture: np.ndarray, uv: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Returns [3, n] uint8: the texels nearest to some points.

    `texture` is [n] int, `uv` [2, n] repeats along U and V, `level` [n] int: how often the texture is halved.
    """
    size_px = SIZES_PX.take(level)
    across = size_px.astype(np.intp)
    column, row = (np.floor(axis * size_px).astype(np.intp) & (across - 1) for axis in uv)
    index = texture * _STARTS[-1] + _STARTS.take(level) + row * across + column
    return texels.view(np.uint32).take(index).view(np.uint8).reshape(-1, 4).T[:3]
