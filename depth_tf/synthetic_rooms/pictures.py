"""Pictures stretched once over a face: paintings, photographs, posters, books, screens, the view outside.

A picture is [SIZE_PX, SIZE_PX, 3] linear red, green and blue in 0 to 1.
"""

import colorsys

import numpy as np

from depth_tf.synthetic_rooms import noise
from depth_tf.synthetic_rooms.noise import SIZE_PX, U, V, shade, soft_step, spectral


def colour(rng: np.random.Generator, *, saturation: float = 0.5, value: tuple[float, float] = (0.1, 0.8)) -> np.ndarray:
    """Returns a random colour, [3]; warm hues are the more frequent."""
    hue = rng.normal(0.07, 0.08) % 1 if rng.random() < 0.45 else rng.random()
    chroma = np.clip(rng.normal(saturation, 0.25), 0, 0.95)
    return np.array(colorsys.hsv_to_rgb(hue, chroma, rng.uniform(*value)))


def landscape(rng: np.random.Generator) -> np.ndarray:
    """A painted view: sky, hills one behind the other, sometimes water and a sun."""
    sky, haze = colour(rng, value=(0.4, 0.9)), colour(rng, saturation=0.3, value=(0.5, 0.9))
    image = _mix(sky, haze, V * 2)
    if rng.random() < 0.4:
        sun = noise.disc(u=rng.random(), v=rng.uniform(0.1, 0.4), across=0.07, down=0.07)
        image = _over(image, sun, np.array([1.0, 0.9, 0.6]))
    for layer in range(rng.integers(2, 5)):
        outline = 0.3 + 0.15 * layer + 0.06 * np.cumsum(rng.standard_normal(SIZE_PX)) / 8
        hill = colour(rng, saturation=0.4, value=(0.05, 0.4))
        image = _over(image, soft_step(V - outline[None], width=0.01), hill * (1 + 0.3 * _fine(rng)[..., None]))
    return _brushed(rng, image)


def abstract(rng: np.random.Generator) -> np.ndarray:
    """Fields and blots of a few colours."""
    image = np.broadcast_to(colour(rng), (SIZE_PX, SIZE_PX, 3))
    for _ in range(rng.integers(3, 9)):
        if rng.random() < 0.5:
            left, top = rng.uniform(-0.1, 0.8, 2)
            right, bottom = left + rng.uniform(0.1, 0.6), top + rng.uniform(0.1, 0.6)
            mask = noise.box(left=left, right=right, top=top, bottom=bottom)
        else:
            mask = soft_step(spectral(rng, slope=rng.uniform(1.5, 2.5)) - 0.6, width=0.3)
        image = _over(image, mask, colour(rng))
    return _brushed(rng, image)


def portrait(rng: np.random.Generator) -> np.ndarray:
    """Head and shoulders before a dark or light ground."""
    image = _mix(colour(rng, saturation=0.3), colour(rng, saturation=0.3), U + 0.2 * spectral(rng, slope=2))
    middle, skin = rng.uniform(0.4, 0.6), np.array([0.6, 0.38, 0.26]) * rng.uniform(0.35, 1.2)
    image = _over(image, noise.disc(u=middle, v=1.0, across=0.38, down=0.42), colour(rng, value=(0.03, 0.5)))
    image = _over(image, noise.disc(u=middle, v=0.34, across=0.17, down=0.22), colour(rng, value=(0.02, 0.3)))
    image = _over(image, noise.disc(u=middle, v=0.4, across=0.12, down=0.17), skin)
    for side in (-0.045, 0.045):
        image = _over(image, noise.disc(u=middle + side, v=0.38, across=0.02, down=0.01), skin * 0.2)
    return _brushed(rng, image)


def poster(rng: np.random.Generator) -> np.ndarray:
    """A printed sheet: ground, a picture area or a bold shape, bars of lettering at one end or both."""
    image = np.broadcast_to(colour(rng, value=(0.2, 0.95)), (SIZE_PX, SIZE_PX, 3))
    ink, top = colour(rng, value=(0.02, 0.9)), rng.uniform(0.08, 0.35)
    area = noise.box(left=rng.uniform(0, 0.2), right=rng.uniform(0.8, 1), top=top, bottom=top + rng.uniform(0.3, 0.6))
    if rng.random() < 0.3:
        area = noise.disc(u=rng.uniform(0.3, 0.7), v=0.45, across=rng.uniform(0.2, 0.4), down=rng.uniform(0.2, 0.4))
    drawn = (landscape, abstract, portrait, photograph)[rng.integers(4)](rng)
    image = _over(image, area, drawn if rng.random() < 0.7 else colour(rng))
    first, last = rng.choice([0.04, 0.78]), rng.choice([0.86, 0.97])
    for v in (0.05, *np.arange(first, last, rng.uniform(0.05, 0.09))):
        if first < 0.5 and 0.2 < v < 0.75:
            continue
        letters = rng.random(50)[np.floor(U * 50).astype(int)] < 0.75
        bar = noise.box(left=0.1, right=rng.uniform(0.4, 0.9), top=v, bottom=v + 0.035)
        image = _over(image, letters * bar, ink)
    return image


def photograph(rng: np.random.Generator) -> np.ndarray:
    """A blurred snapshot: blobs of natural colours."""
    image = _mix(colour(rng, saturation=0.3), colour(rng, saturation=0.3), V)
    for _ in range(6):
        mask = noise.disc(u=rng.random(), v=rng.random(), across=rng.uniform(0.05, 0.3), down=rng.uniform(0.05, 0.4))
        image = _over(image, 0.8 * mask, colour(rng, saturation=0.35))
    return image * (1 + 0.15 * spectral(rng, slope=1.2)[..., None])


def books(rng: np.random.Generator) -> np.ndarray:
    """A row of spines, with titles."""
    edges = np.cumsum(rng.uniform(0.02, 0.07, 60))
    edges = edges[edges < 0.97]
    spine = np.searchsorted(edges, U[0])
    count = len(edges) + 1
    colours = np.stack([colour(rng, saturation=0.45, value=(0.03, 0.75)) for _ in range(count)])
    image = np.broadcast_to(colours[spine][None], (SIZE_PX, SIZE_PX, 3))
    starts = np.concatenate([[0.0], edges, [1.0]])
    at = (U - starts[spine]) / (starts[spine + 1] - starts[spine])
    rounded = 0.55 + 0.5 * np.sin(np.pi * np.clip(at, 0, 1)) ** 0.7
    title_from, title_to = rng.uniform(0.15, 0.4, count)[spine], rng.uniform(0.5, 0.85, count)[spine]
    letters = rng.random((40, count))[np.floor(V * 40).astype(int), spine[None]] < 0.7
    title = letters & (title_from < V) & (title_to > V) & (np.abs(at - 0.5) < 0.25)
    inks = np.stack([colour(rng, value=(0.05, 1.0)) for _ in range(count)])
    return _over(image, 0.85 * title, inks[spine][None]) * rounded[..., None]


def screen_on(rng: np.random.Generator) -> np.ndarray:
    """A computer's desktop: a ground, windows with lines of text, a bar."""
    image = _mix(np.array([0.05, 0.15, 0.45]), colour(rng), V + 0.2 * spectral(rng, slope=2))
    for _ in range(rng.integers(1, 4)):
        left, top = rng.uniform(0.02, 0.5, 2)
        place = {"left": left, "right": left + rng.uniform(0.3, 0.5), "top": top, "bottom": top + rng.uniform(0.3, 0.5)}
        lines = (np.floor(V * 60) % 2) * (
            rng.random((60, 30))[np.floor(V * 60).astype(int), np.floor(U * 30).astype(int)] < 0.6
        )
        image = _over(image, noise.box(**place), 0.95 - 0.6 * lines[..., None] * np.ones(3))
        image = _over(image, noise.box(**{**place, "bottom": top + 0.03}), np.array([0.15, 0.3, 0.6]))
    return _over(image, noise.box(left=0, right=1, top=0.95, bottom=1), np.array([0.1, 0.12, 0.2]))


def screen_off(rng: np.random.Generator) -> np.ndarray:
    """A dark screen with the room's dim reflection."""
    glow = np.clip(0.02 + 0.02 * spectral(rng, slope=2.2), 0.006, 1)
    for _ in range(rng.integers(0, 3)):
        left, top = rng.uniform(0.1, 0.7, 2)
        glow = glow + 0.1 * noise.box(left=left, right=left + 0.2, top=top, bottom=top + 0.25)
    return glow[..., None] * np.array([0.9, 1.0, 1.1])


def notices(rng: np.random.Generator) -> np.ndarray:
    """A pin board or the charts of a classroom: sheets of many colours."""
    image = np.broadcast_to(np.array([0.4, 0.25, 0.13]) * rng.uniform(0.5, 1.6), (SIZE_PX, SIZE_PX, 3))
    for _ in range(rng.integers(8, 20)):
        left, top = rng.uniform(0, 0.9, 2)
        place = {
            "left": left,
            "right": left + rng.uniform(0.08, 0.22),
            "top": top,
            "bottom": top + rng.uniform(0.1, 0.25),
        }
        lines = 0.25 * (np.floor(V * 70) % 2)
        paper = colour(rng, saturation=rng.choice([0.05, 0.5]), value=(0.5, 0.95))
        image = _over(image, noise.box(**place), paper * (1 - lines[..., None]))
    return image


def whiteboard(rng: np.random.Generator) -> np.ndarray:
    """Scribbles in pen on white."""
    image = np.full((SIZE_PX, SIZE_PX, 3), 0.8) + 0.02 * spectral(rng, slope=2)[..., None]
    for _ in range(rng.integers(2, 14)):
        start, height = rng.uniform(0.05, 0.6), rng.uniform(0.05, 0.9)
        wave = 0.012 * np.interp(U[0] * 60, np.arange(61), rng.standard_normal(61))
        pen = noise.line(V - height - wave[None], width=0.008) * (start < U) * (start + rng.uniform(0.1, 0.5) > U)
        image = _over(image, pen, np.array([[0.1, 0.1, 0.4], [0.5, 0.05, 0.05], [0.05, 0.05, 0.05]])[rng.integers(3)])
    return image


def outside(rng: np.random.Generator) -> np.ndarray:
    """The view from a window: bright sky, buildings or a fence, trees near or far, ground."""
    sky = np.array([0.75, 0.88, 1.0]) if rng.random() < 0.6 else np.array([0.95, 0.97, 1.0])
    image = np.broadcast_to(sky, (SIZE_PX, SIZE_PX, 3))
    for _ in range(rng.integers(0, 4)):
        left, storeys = rng.uniform(-0.1, 0.8), rng.integers(6, 16)
        wall = noise.box(left=left, right=left + rng.uniform(0.15, 0.6), top=rng.uniform(0.1, 0.6), bottom=1)
        panes = (np.abs((U * 1.4 * storeys) % 1 - 0.5) < 0.25) & (np.abs((V * storeys) % 1 - 0.5) < 0.3)
        image = _over(image, wall, (0.6 - 0.4 * panes[..., None]) * colour(rng, saturation=0.2, value=(0.4, 0.9)))
    leaves = soft_step(spectral(rng, slope=1.5) + 4 * (V - rng.uniform(0.35, 1.1)), width=0.5)
    green = (
        np.array([0.16, 0.24, 0.08])
        * rng.uniform((0.7, 0.7, 0.6), (1.6, 1.2, 1.4))
        * np.clip(1 + 0.7 * _fine(rng)[..., None], 0.1, 3)
    )
    image = _over(image, leaves, green)
    return _over(image, soft_step(V - 0.85, width=0.05), np.array([0.3, 0.32, 0.2]) * rng.uniform(0.6, 1.4))


def _fine(rng: np.random.Generator) -> np.ndarray:
    return spectral(rng, slope=1.0, lowest=4)


def _mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)[..., None]
    return (1 - share) * first + share * second


def _over(image: np.ndarray, mask: np.ndarray, paint: np.ndarray) -> np.ndarray:
    mask = np.asarray(mask, float)[..., None]
    return image * (1 - mask) + mask * paint


def _brushed(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    return image * (0.6 + 0.8 * shade(spectral(rng, slope=0.9, stretch=2), 0.15)[..., None])
