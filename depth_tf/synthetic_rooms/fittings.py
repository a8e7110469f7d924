"""Patterns stretched once over a face: doors, drawers, rugs, pages. Channels as in `patterns`."""

import numpy as np

from depth_tf.synthetic_rooms import noise
from depth_tf.synthetic_rooms.noise import U, V, shade, soft_step, spectral, stack


def panelled_door(rng: np.random.Generator) -> np.ndarray:
    """A house door: two to six panels with bevelled edges, and a knob."""
    columns, rows = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    edges_v = np.concatenate([[0.05], np.sort(rng.uniform(0.3, 0.7, rows - 1)), [0.94]])
    light, dark = np.zeros_like(U), np.zeros_like(U)
    for column in range(columns):
        left, right = (0.1 + 0.8 * edge / columns for edge in (column, column + 1))
        for top, bottom in zip(edges_v[:-1], edges_v[1:], strict=True):
            place = {"left": left + 0.04, "right": right - 0.04, "top": top + 0.02, "bottom": bottom - 0.03}
            bevel = noise.frame(**place, width=0.025)
            dark = np.maximum(dark, bevel * (U - place["left"] + V - place["top"] < 0.06 + 0.3 * (V - top)))
            light = np.maximum(light, bevel)
    knob = noise.disc(u=0.92, v=0.54, across=0.03, down=0.014)
    grain = spectral(rng, slope=0.8, stretch=0.06)
    return stack(0.5 * np.maximum(dark, 0.5 * light), knob, shade(grain, 0.1))


def cupboard(rng: np.random.Generator) -> np.ndarray:
    """One to three cupboard doors with a frame and a handle each."""
    count = int(rng.integers(1, 4))
    framed = rng.random() < 0.7
    at = (U * count) % 1
    lines = np.maximum(noise.line(np.minimum(at, 1 - at), width=0.03), noise.line(V - 0.5, width=2) * 0)
    if framed:
        edge = np.minimum(np.minimum(at, 1 - at) / count, np.minimum(V, 1 - V))
        lines = np.maximum(lines, 0.6 * noise.line(edge - 0.07, width=0.018))
    side = np.where(np.floor(U * count) % 2 == 0, 0.88, 0.12)
    handle_v = rng.choice([0.15, 0.5, 0.85])
    handle = (np.abs(at - side) < 0.02) & (np.abs(V - handle_v) < 0.07)
    return stack(0.8 * lines, handle, shade(spectral(rng, slope=0.8, stretch=0.1), 0.12))


def drawers(rng: np.random.Generator) -> np.ndarray:
    """Two to five drawers, one or two abreast, with knobs or bars."""
    rows, columns = int(rng.integers(2, 6)), int(rng.integers(1, 3))
    at_u, at_v = (U * columns) % 1, (V * rows) % 1
    lines = np.maximum(
        noise.line(np.minimum(at_u, 1 - at_u) / columns, width=0.02),
        noise.line(np.minimum(at_v, 1 - at_v) / rows, width=0.02),
    )
    if rng.random() < 0.5:
        handle = (np.abs(at_u - 0.5) < 0.15) & (np.abs(at_v - 0.5) < 0.06)
    else:
        handle = np.hypot((np.abs(at_u - 0.5) - 0.28) / columns, (at_v - 0.5) / rows) < 0.02
    return stack(0.9 * lines, handle, shade(spectral(rng, slope=0.8, stretch=10), 0.15))


def rug(rng: np.random.Generator) -> np.ndarray:
    """A bordered rug: ornament mirrored both ways, and a medallion."""
    ornament = spectral(rng, slope=1.5, lowest=5)
    ornament = ornament + ornament[:, ::-1]
    ornament = soft_step(ornament + ornament[::-1], width=0.5)
    edge = np.minimum(np.minimum(U, 1 - U), np.minimum(V, 1 - V))
    border = soft_step(rng.uniform(0.1, 0.18) - edge, width=0.01)
    rings = noise.line(edge - 0.03, width=0.015) + noise.line(edge - 0.16, width=0.012)
    medallion = soft_step(0.75 - np.abs(U - 0.5) / 0.25 - np.abs(V - 0.5) / 0.3, width=0.05)
    first = np.clip(border + medallion * 0.8 + rings, 0, 1)
    pile = spectral(rng, slope=0.3, lowest=20)
    return stack(np.abs(first - 0.35 * ornament), 0.55 * ornament * (1 - rings.clip(0, 1)), shade(pile))


def plain_rug(rng: np.random.Generator) -> np.ndarray:
    """A rug of bands or squares inside a border."""
    edge = np.minimum(np.minimum(U, 1 - U), np.minimum(V, 1 - V))
    border = soft_step(0.06 - edge, width=0.01)
    count = int(rng.integers(3, 9))
    bands = np.floor(U * count) % 2 if rng.random() < 0.5 else (np.floor(U * count) + np.floor(V * count)) % 2
    inner = bands * float(rng.random() < 0.6)
    return stack(border, 0.7 * inner * (1 - border), shade(spectral(rng, slope=0.3, lowest=16)))


def page(rng: np.random.Generator) -> np.ndarray:
    """A printed sheet: a heading, lines of words, sometimes a figure."""
    rows = int(rng.integers(14, 28))
    row = np.floor(V * rows).astype(int)
    words = rng.random((rows, 40))[row, np.floor(U * 40).astype(int)] < 0.8
    ink = words & (np.abs((V * rows) % 1 - 0.5) < 0.22) & (np.abs(U - 0.5) < 0.4) & (np.abs(V - 0.5) < 0.44)
    ink = ink * 0.7
    if rng.random() < 0.5:
        top = rng.uniform(0.1, 0.5)
        figure = noise.box(left=0.15, right=0.85, top=top, bottom=top + 0.3)
        ink = ink * (1 - figure) + figure * 0.5 * shade(spectral(rng, slope=1.5), 0.3)
    heading = noise.box(left=0.15, right=rng.uniform(0.4, 0.85), top=0.05, bottom=0.09)
    return stack(np.clip(ink, 0, 1), heading, 0.5)


def keyboard(rng: np.random.Generator) -> np.ndarray:
    """Rows of keys."""
    row = np.floor(V * 5)
    along = (U * 15 + 0.3 * row) % 1
    gap = np.maximum(np.abs(along - 0.5), np.abs((V * 5) % 1 - 0.5)) > 0.4
    return stack(gap, 0, shade(spectral(rng, slope=0.5), 0.05))


def gradient(rng: np.random.Generator) -> np.ndarray:
    """From the base colour above to the second below, as on lampshades and television backs."""
    return stack(V ** rng.uniform(0.7, 1.5), 0, shade(spectral(rng, slope=1), 0.06))
