"""Patterns that repeat: wood, tiles, carpets, wallpapers, fabrics, stone.

A pattern is [SIZE_PX, SIZE_PX, 3] in 0 to 1: how far towards the material's second colour, how far towards its
third, and how light (0.5 neutral). See `materials.Material`.
"""

import numpy as np

from depth_tf.synthetic_rooms import noise
from depth_tf.synthetic_rooms.noise import SIZE_PX, U, V, shade, soft_step, spectral, stack


def plaster(rng: np.random.Generator) -> np.ndarray:
    """Painted wall: faint blotches and roller marks."""
    return stack(0, 0, shade(0.6 * spectral(rng, slope=1.6) + 0.5 * spectral(rng, slope=0.3, lowest=30)))


def popcorn(rng: np.random.Generator) -> np.ndarray:
    """Rough ceiling."""
    return stack(0, 0, shade(spectral(rng, slope=0.7, lowest=25)))


def ceiling_tiles(rng: np.random.Generator) -> np.ndarray:
    """Suspended ceiling: two panels across a repeat in a light grid, with specks."""
    joint = np.maximum(*(noise.line((x * 2) % 1 - 0.5, width=0.025) for x in (U, V)))
    specks = soft_step(spectral(rng, slope=0.4, lowest=40) - 2.0, width=0.4)
    return stack(0.7 * specks, joint, shade(spectral(rng, slope=1)))


def wood(rng: np.random.Generator) -> np.ndarray:
    """Grain along U: rings bent by knots, fine fibres, dark pores."""
    bend = spectral(rng, slope=2.2, stretch=rng.uniform(3, 7))
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (rng.integers(3, 9) * V + rng.uniform(0.4, 1.2) * bend))
    fibre = spectral(rng, slope=0.6, stretch=24)
    pores = soft_step(spectral(rng, slope=0.3, stretch=30, lowest=20) - 1.6, width=0.6)
    return stack(np.clip(0.25 + 0.5 * rings + 0.1 * fibre, 0, 1), 0.6 * pores, shade(fibre, 0.2))


def planks(rng: np.random.Generator) -> np.ndarray:
    """Floor boards along U, eight across a repeat, each with a tone of its own."""
    count = 8
    board = np.floor(V * count).astype(int)
    shift = rng.uniform(0, 1, count)[board]
    piece = np.floor((U + shift) * 2).astype(int) % 2
    tone = rng.uniform(0, 1, (count, 2))[board, piece]
    joint = noise.line((V * count) % 1 - 0.02, width=0.07)
    joint = np.maximum(joint, noise.line(((U + shift) * 2) % 1 - 0.01, width=0.012))
    fibre = spectral(rng, slope=0.8, stretch=16)
    return stack(np.clip(0.75 * tone + 0.14 * fibre + 0.1, 0, 1), 0.8 * joint, shade(fibre, 0.2))


def parquet(rng: np.random.Generator) -> np.ndarray:
    """Squares of five strips, laid across and along in turn."""
    column, row = np.floor(U * 4).astype(int), np.floor(V * 4).astype(int)
    across = (column + row) % 2 == 0
    strip_at = np.where(across, V, U) * 20
    strip = np.floor(strip_at).astype(int)
    tone = rng.uniform(0, 1, (20, 4))[strip, np.where(across, column, row)]
    fibre = np.where(across, spectral(rng, slope=0.8, stretch=12), spectral(rng, slope=0.8, stretch=12).T)
    joint = noise.line(strip_at % 1 - 0.03, width=0.1)
    return stack(np.clip(0.7 * tone + 0.12 * fibre + 0.15, 0, 1), 0.6 * joint, shade(fibre))


def tiles(rng: np.random.Generator) -> np.ndarray:
    """Four by four square tiles with grout; some are laid as a chequerboard."""
    column, row = np.floor(U * 4).astype(int), np.floor(V * 4).astype(int)
    tone = rng.uniform(0, 0.5, (4, 4))[row, column]
    if rng.random() < 0.3:
        tone = 0.1 * tone + 0.9 * ((column + row) % 2)
    grout = np.maximum(*(noise.line((x * 4) % 1 - 0.02, width=0.05) for x in (U, V)))
    cloud = spectral(rng, slope=1.4)
    return stack(np.clip(tone + 0.07 * cloud, 0, 1), grout, shade(cloud))


def bricks(rng: np.random.Generator) -> np.ndarray:
    """Running bond: eight courses of four."""
    row = np.floor(V * 8).astype(int)
    along = U * 4 + 0.5 * (row % 2)
    tone = rng.uniform(0, 1, (8, 4))[row, np.floor(along).astype(int) % 4]
    mortar = np.maximum(noise.line((V * 8) % 1 - 0.06, width=0.12), noise.line(along % 1 - 0.03, width=0.06))
    return stack(tone, mortar, shade(spectral(rng, slope=0.9)))


def carpet(rng: np.random.Generator) -> np.ndarray:
    """Cut pile: fine noise over trodden patches."""
    pile = spectral(rng, slope=0.2, lowest=20)
    return stack(soft_step(pile - 0.8, width=2), 0, shade(0.8 * pile + 0.7 * spectral(rng, slope=1.8)))


def flecked_carpet(rng: np.random.Generator) -> np.ndarray:
    """Office carpet: flecks of two other colours."""
    first, second = (soft_step(spectral(rng, slope=0.3, stretch=s) - 1, width=0.7) for s in (2, 0.6))
    return stack(first, second, shade(spectral(rng, slope=0.4, lowest=10)))


def stripes(rng: np.random.Generator) -> np.ndarray:
    """Upright stripes, mirrored inside a repeat."""
    edges = np.sort(rng.uniform(0.03, 0.5, rng.integers(1, 4)))
    at = np.abs((U * 4) % 1 - 0.5)
    band = sum((at > edge).astype(float) for edge in edges) % 2
    thin = noise.line(at - rng.uniform(0, 0.5), width=0.03)
    return stack(band, thin, shade(spectral(rng, slope=0.5)))


def damask(rng: np.random.Generator) -> np.ndarray:
    """Mirrored ornament, in half drop."""
    small = spectral(rng, slope=2.2, lowest=2)[::2, ::2]
    small = small + small[:, ::-1]
    motif = soft_step(small - 0.4, width=0.4)[::2, ::2]
    column = np.concatenate([motif] * 4, axis=0)
    pattern = np.concatenate([column, np.roll(column, 32, axis=0)] * 2, axis=1)
    return stack(pattern, noise.line(pattern - 0.5, width=0.4), shade(spectral(rng, slope=1)))


def dots(rng: np.random.Generator) -> np.ndarray:
    """Scattered spots or blossoms of two colours."""
    first, second = np.zeros_like(U), np.zeros_like(U)
    petals = rng.integers(0, 7)
    dv, du = np.mgrid[-22:23, -22:23] / SIZE_PX
    for spot in range(rng.integers(14, 40)):
        middle = rng.integers(0, SIZE_PX, 2)
        size = rng.uniform(0.02, 0.06) * (1 + 0.3 * np.cos(petals * np.arctan2(dv, du)))
        inside = soft_step(size - np.hypot(du, dv), width=0.008)
        target = (first, second)[spot % 2]
        where = np.ix_(*((middle[:, None] + np.arange(len(du))) % SIZE_PX))
        target[where] = np.maximum(target[where], inside)
    return stack(first * (1 - second), second, shade(spectral(rng, slope=0.8)))


def weave(rng: np.random.Generator) -> np.ndarray:
    """Coarse cloth."""
    threads = int(rng.choice([32, 42, 64]))
    cloth = np.sin(2 * np.pi * threads * U) * np.sin(2 * np.pi * threads * V)
    uneven = spectral(rng, slope=0.4, stretch=8) + spectral(rng, slope=0.4, stretch=8).T
    return stack(soft_step(0.5 * cloth + 0.3 * uneven, width=2), 0, shade(0.7 * uneven + 0.6 * cloth))


def plaid(rng: np.random.Generator) -> np.ndarray:
    """Crossed bands of two colours."""
    edges = np.sort(rng.uniform(0, 0.5, 3))
    bands = [sum((np.abs((x * 3) % 1 - 0.5) > edge).astype(float) for edge in edges) % 2 for x in (U, V)]
    thin = np.maximum(*(noise.line((x * 3) % 1 - 0.3, width=0.05) for x in (U, V)))
    return stack((bands[0] + bands[1]) / 2, 0.7 * thin, shade(spectral(rng, slope=0.4)))


def patchwork(rng: np.random.Generator) -> np.ndarray:
    """A quilt: cells of two colours, some with a spot, with seams."""
    count = int(rng.integers(4, 8))
    column, row = np.floor(U * count).astype(int), np.floor(V * count).astype(int)
    first, second = (rng.choice([0, 0.3, 0.6, 1], (count, count))[row, column] for _ in range(2))
    spot = np.hypot((U * count) % 1 - 0.5, (V * count) % 1 - 0.5) < 0.3
    first = np.where(spot, 1 - first, first)
    puff = np.abs(np.sin(np.pi * count * U) * np.sin(np.pi * count * V)) ** 0.5
    return stack(first * (1 - second), second, np.clip(0.3 + 0.4 * puff + 0.05 * spectral(rng, slope=1), 0, 1))


def leather(rng: np.random.Generator) -> np.ndarray:
    """Creased hide."""
    crease = np.abs(spectral(rng, slope=1.4, lowest=4))
    return stack(soft_step(0.12 - crease, width=0.2), 0, shade(spectral(rng, slope=1.2)))


def marble(rng: np.random.Generator) -> np.ndarray:
    """Veined stone."""
    veins = [np.exp(-np.abs(spectral(rng, slope=1.9)) * sharp) for sharp in (9, 16)]
    return stack(0.8 * veins[0], 0.6 * veins[1], shade(spectral(rng, slope=1.8)))


def granite(rng: np.random.Generator) -> np.ndarray:
    """Blotches and specks."""
    blotch = soft_step(spectral(rng, slope=0.9, lowest=6), width=0.8)
    specks = soft_step(spectral(rng, slope=0.2, lowest=30) - 1.5, width=0.4)
    return stack(blotch, specks, shade(spectral(rng, slope=0.6)))


def creases(rng: np.random.Generator) -> np.ndarray:
    """Bed linen and clothes: soft folds, light on one side and dark on the other."""
    height = spectral(rng, slope=2.0, stretch=rng.uniform(0.5, 2), lowest=2)
    ridged = -np.abs(height) + 0.3 * spectral(rng, slope=1.5, lowest=4)
    slope_v, slope_u = np.gradient(ridged)
    relief = slope_v + 0.6 * slope_u
    return stack(0, 0, shade(relief / relief.std(), 0.17))


def slats(rng: np.random.Generator) -> np.ndarray:
    """Horizontal blinds: sixteen slats a repeat, lit from behind at their edges."""
    at = (V * 16 + rng.random()) % 1
    return stack(soft_step(at - 0.75, width=0.3), noise.line(at - 0.97, width=0.1), np.clip(0.35 + 0.4 * at, 0, 1))


def ribs(rng: np.random.Generator) -> np.ndarray:
    """Upright ribs: radiators, corrugated boxes, baskets."""
    at = (U * 16 + rng.random()) % 1
    return stack(noise.line(at - 0.5, width=0.25), 0, np.clip(0.3 + 0.4 * np.sin(np.pi * at), 0, 1))


def plain(rng: np.random.Generator) -> np.ndarray:
    """Smooth paint, plastic or metal, faintly uneven."""
    return stack(0, 0, shade(spectral(rng, slope=1.8), 0.1))
