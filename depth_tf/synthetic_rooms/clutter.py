"""Small things that stand on surfaces."""

import numpy as np

from depth_tf.synthetic_rooms import finishes, fixtures, litter, tables
from depth_tf.synthetic_rooms.finishes import Style
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.solids import Assembly, Frame
from depth_tf.synthetic_rooms.textures import pick


def scatter(
    parts: Assembly, rng: np.random.Generator, frame: Frame, size: tuple[float, float], style: Style, kinds: list[str]
) -> None:
    """Stands the named things on a surface, in its frame, so that they do not overlap.

    Args:
      parts: where to add them.
      rng: source of randomness.
      frame: the surface's middle, at its height.
      size: its width and depth, metres.
      style: the room's finishes.
      kinds: names in THINGS.
    """
    placed = []
    for kind in kinds:
        maker, radius = THINGS[kind]
        for _ in range(8):
            x, y = ((extent / 2 - min(radius, 0.45 * extent)) * rng.uniform(-1, 1) for extent in size)
            if all(np.hypot(x - px, y - py) > 0.8 * (radius + pr) for px, py, pr in placed):
                placed.append((x, y, radius))
                turn = rng.normal(0, 0.25) + rng.choice([0, 0, np.pi / 2])
                maker(parts, rng, frame.at(x, y, 0, turn), style)
                break


def book_stack(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """One to six books or magazines, one on another."""
    z = 0.0
    for _ in range(rng.integers(1, 7)):
        thick, width = rng.uniform(0.008, 0.045), rng.uniform(0.15, 0.3)
        cover = finishes.paint(rng, finishes.bright(rng), gloss=0.2)
        if rng.random() < 0.4:
            cover = Material(pick(rng, "poster"), (0.9, 0.9, 0.9), tile_m=0.0, gloss=0.2)
        parts.box(frame, (0, 0, z + thick / 2), (width, 0.75 * width, thick), cover, yaw=rng.normal(0, 0.25))
        z += thick


def book_row(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """Standing books."""
    height = rng.uniform(0.18, 0.28)
    parts.box(frame, (0, 0, height / 2), (rng.uniform(0.15, 0.4), 0.17, height), tables.books(rng))


def sheet(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """Papers lying about."""
    for _ in range(rng.integers(1, 4)):
        paper = Material(pick(rng, "page"), (0.78, 0.78, 0.76), (0.05, 0.05, 0.06), finishes.bright(rng), tile_m=0.0)
        place = (rng.normal(0, 0.05), rng.normal(0, 0.05), 0.002)
        parts.box(frame, place, (0.21, 0.297, 0.004), paper, yaw=rng.normal(0, 0.5), shades=False)


def cup(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A mug, a glass or a jar."""
    colour = finishes.bright(rng) if rng.random() < 0.5 else (0.75, 0.74, 0.7)
    radius, height = rng.uniform(0.03, 0.055), rng.uniform(0.07, 0.16)
    parts.cylinder(
        frame, (0, 0, 0), radius, height, finishes.paint(rng, colour, gloss=0.5), taper=rng.uniform(0.8, 1.3)
    )


def bottle(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A bottle with a neck."""
    glass = finishes.paint(rng, finishes.dim(finishes.bright(rng), 0.6), gloss=0.7)
    radius, height = rng.uniform(0.03, 0.045), rng.uniform(0.14, 0.24)
    parts.cylinder(frame, (0, 0, 0), radius, height, glass)
    parts.cylinder(frame, (0, 0, height), radius, 0.04, glass, taper=0.4)
    parts.cylinder(frame, (0, 0, height + 0.04), 0.4 * radius, 0.05, finishes.paint(rng, finishes.bright(rng)))


def bowl(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A bowl, sometimes with fruit."""
    china = finishes.paint(rng, finishes.bright(rng) if rng.random() < 0.5 else (0.75, 0.73, 0.7), gloss=0.5)
    radius = rng.uniform(0.07, 0.12)
    parts.cylinder(frame, (0, 0, 0), 0.5 * radius, 0.6 * radius, china, taper=2.0)
    fruit = finishes.paint(rng, finishes.choose(rng, ("c8431f", "d98a1f", "8faa2a", "b01f24")), gloss=0.3)
    for _ in range(rng.integers(0, 6)):
        x, y = rng.uniform(-0.5, 0.5, 2) * radius
        parts.ball(frame, (x, y, 0.6 * radius + 0.02), (0.075, 0.075, 0.07), fruit)


def vase(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A vase with a bunch of flowers or leaves."""
    china = finishes.paint(rng, finishes.bright(rng), gloss=0.5)
    height = rng.uniform(0.15, 0.3)
    parts.cylinder(frame, (0, 0, 0), 0.06, height, china, taper=rng.uniform(0.5, 1.4))
    leaf = Material(pick(rng, "granite"), (0.07, 0.14, 0.04), (0.02, 0.05, 0.02), finishes.bright(rng), 0.8, 0.2)
    for _ in range(rng.integers(3, 9)):
        x, y, z = rng.normal(0, 0.07), rng.normal(0, 0.07), height + rng.uniform(0.02, 0.22)
        parts.ball(frame, (x, y, z), tuple(rng.uniform(0.05, 0.14, 3)), leaf)


def pot_plant(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A small plant in a pot."""
    fixtures.plant(rng, style, height=rng.uniform(0.25, 0.5)).build(parts, frame)


def carton(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A box: packaging, tissues, a radio."""
    size = rng.uniform((0.08, 0.06, 0.05), (0.28, 0.2, 0.28))
    material = finishes.paint(rng, finishes.bright(rng), gloss=0.15)
    if rng.random() < 0.4:
        material = Material(pick(rng, "poster"), (0.9, 0.9, 0.9), tile_m=0.0, gloss=0.1)
    parts.box(frame, (0, 0, size[2] / 2), tuple(size), material)


def photo(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A photograph in a standing frame."""
    width, height = rng.uniform(0.12, 0.22), rng.uniform(0.15, 0.26)
    border = style.wood if rng.random() < 0.5 else style.metal
    print_ = Material(
        pick(rng, "portrait" if rng.random() < 0.5 else "photograph"), (0.9, 0.9, 0.9), tile_m=0.0, gloss=0.4
    )
    parts.box(frame, (0, 0, height / 2), (width, 0.015, height), border, tilt=0.25)
    parts.box(frame, (0, 0.006, height / 2), (0.8 * width, 0.014, 0.84 * height), print_, tilt=0.25)


def table_lamp(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A lamp that is off, or nearly: those that light the room are added by the layout."""
    base = finishes.paint(rng, finishes.bright(rng), gloss=0.5) if rng.random() < 0.5 else style.metal
    rise = rng.uniform(0.2, 0.35)
    parts.cylinder(frame, (0, 0, 0), 0.07, 0.03, base)
    parts.cylinder(frame, (0, 0, 0.03), 0.035, rise, base, taper=0.6)
    shade = fixtures.lampshade(0.2)
    parts.cylinder(frame, (0, 0, rise + 0.02), 0.15, 0.2, shade, taper=rng.uniform(0.5, 0.85), shades=False)


def monitor(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A computer's screen, keyboard and mouse."""
    case = finishes.paint(rng, (0.012, 0.012, 0.013) if rng.random() < 0.7 else (0.5, 0.5, 0.48), gloss=0.3)
    lit = rng.random() < 0.5
    screen = Material(
        pick(rng, "screen_on" if lit else "screen_off"), (1.0, 1.0, 1.0), tile_m=0.0, gloss=0.6, glow=0.7 * lit
    )
    width = rng.uniform(0.42, 0.6)
    parts.box(frame, (0, -0.05, 0.32), (width, 0.04, 0.62 * width), case)
    parts.box(frame, (0, -0.03, 0.32), (width - 0.04, 0.01, 0.62 * width - 0.04), screen)
    parts.box(frame, (0, -0.08, 0.12), (0.06, 0.04, 0.24), case)
    parts.box(frame, (0, -0.05, 0.01), (0.24, 0.18, 0.02), case)
    keys = Material(pick(rng, "keyboard"), case.base, finishes.dim(case.base, 0.4), tile_m=0.0)
    parts.box(frame, (0, 0.2, 0.012), (0.44, 0.14, 0.02), keys)
    parts.ball(frame, (0.3, 0.2, 0.015), (0.06, 0.1, 0.035), case)


def laptop(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """An open laptop."""
    case = finishes.metal(rng, dark=rng.random() < 0.6)
    screen = Material(pick(rng, "screen_on"), (1.0, 1.0, 1.0), tile_m=0.0, gloss=0.5, glow=0.6)
    keys = Material(pick(rng, "keyboard"), (0.03, 0.03, 0.03), (0.008, 0.008, 0.008), tile_m=0.0)
    parts.box(frame, (0, 0, 0.01), (0.34, 0.24, 0.02), case)
    parts.box(frame, (0, 0.0, 0.021), (0.29, 0.13, 0.002), keys)
    parts.box(frame, (0, -0.14, 0.12), (0.34, 0.012, 0.22), case, tilt=0.3)
    parts.box(frame, (0, -0.132, 0.12), (0.31, 0.008, 0.19), screen, tilt=0.3)


def plates(parts: Assembly, rng: np.random.Generator, frame: Frame, style: Style) -> None:
    """A place laid, or plates stacked."""
    china = finishes.paint(rng, (0.75, 0.74, 0.71) if rng.random() < 0.6 else finishes.bright(rng), gloss=0.5)
    parts.cylinder(frame, (0, 0, 0), 0.08, 0.015 * rng.integers(1, 6), china, taper=1.5)


# name -> (maker, radius in metres that it keeps to itself)
THINGS = {
    "book_stack": (book_stack, 0.16),
    "book_row": (book_row, 0.16),
    "sheet": (sheet, 0.14),
    "cup": (cup, 0.06),
    "bottle": (bottle, 0.06),
    "bowl": (bowl, 0.13),
    "vase": (vase, 0.1),
    "pot_plant": (pot_plant, 0.16),
    "carton": (carton, 0.14),
    "photo": (photo, 0.1),
    "table_lamp": (table_lamp, 0.17),
    "monitor": (monitor, 0.33),
    "laptop": (laptop, 0.2),
    "plates": (plates, 0.14),
    "basket": (litter.basket, 0.2),
    "bag": (litter.bag, 0.22),
    "heap": (litter.heap, 0.3),
    "big_box": (litter.big_box, 0.32),
    "ball": (litter.ball, 0.13),
    "shoes": (litter.shoes, 0.18),
}
