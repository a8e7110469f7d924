"""Furniture and small things as data: each is a few boxes in shares of its size, with names of materials.

A part spans (from, to) of the piece's width from its left, of its depth from its back, and of its height.
"""

import dataclasses
import itertools

import numpy as np

from depth_tf.synthetic_rooms.materials import Material, Style
from depth_tf.synthetic_rooms.solids import BALL, BOX, COLUMN, Assembly, Frame

Span = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Part:
    """A solid of a piece."""

    material: str  # as in `Style.draw`
    x: Span = (0, 1)  # share of the width
    y: Span = (0, 1)  # share of the depth
    z: Span = (0, 1)  # share of the height
    mirror: str = ""  # "x", "y" or "xy": repeated at the other side, the other end or all four corners
    share: float = 1.0  # how often a piece has it
    cells: tuple[float, float] = (0, 0)  # metres of the cells that it is divided into along x and z; 0: none
    fill: Span = (1, 1)  # shares of a cell's height, drawn for each; one in seven is left out
    tilt: float = 0.0  # see `Assembly.add`
    taper: float = 1.0  # see `Assembly.add`
    sides: int = BOX  # BOX or COLUMN


@dataclasses.dataclass(frozen=True)
class Piece:
    """A piece of furniture: ranges of its size, metres, its parts, and how high things stand on it (0: nothing does)."""

    width_m: Span
    depth_m: Span
    height_m: Span
    parts: tuple[Part, ...]
    top: float = 0.0


def build(parts: Assembly, name: str, size_m: np.ndarray, frame: Frame, style: Style, rng: np.random.Generator, lit: Material | None = None) -> None:
    """Adds the piece `name` of width, depth and height `size_m` in a frame under its middle; "lit" parts are of `lit`."""
    drawn = {"lit": lit}
    for part in PIECES[name].parts:
        if part.share < 1 and rng.random() > part.share:
            continue
        material = drawn.setdefault(part.material, None) or style.draw(part.material)
        drawn[part.material] = material
        for x, z in _cells(part, size_m, rng):
            for left, back in itertools.product((False, "x" in part.mirror), (False, "y" in part.mirror)):
                spans = (_flip(x) if left else x, _flip(part.y) if back else part.y, z)
                zero, sides_m = (0.5, 0.5, 0.0), size_m.tolist()
                middle = [((a + b) / 2 - c) * m for (a, b), c, m in zip(spans, zero, sides_m, strict=True)]
                options = {"tilt": part.tilt, "taper": part.taper, "sides": part.sides, "shades": part.material != "lit"}
                parts.add(frame, middle, [(b - a) * m for (a, b), m in zip(spans, sides_m, strict=True)], material, **options)
            if part.fill[0] < 1:
                material = style.draw(part.material)  # each row of books has its own


def draw_size(name: str, rng: np.random.Generator) -> np.ndarray:
    """Returns a width, depth and height of the piece `name`, [3] metres."""
    piece = PIECES[name]
    return rng.uniform(*zip(piece.width_m, piece.depth_m, piece.height_m, strict=True))


def _flip(span: Span) -> Span:
    return 1 - span[1], 1 - span[0]


def _cells(part: Part, size_m: np.ndarray, rng: np.random.Generator) -> list[tuple[Span, Span]]:
    """Returns the x and z spans of a part's cells."""
    if part.cells == (0, 0):
        return [(part.x, part.z)]
    edges = []
    for (low, high), pitch_m, extent_m in zip((part.x, part.z), part.cells, size_m[[0, 2]], strict=True):
        count = max(1, round((high - low) * extent_m / pitch_m)) if pitch_m else 1
        edges.append(np.linspace(low, high, count + 1))
    gap = 0.004 / size_m[0]
    found = []
    for left, right in itertools.pairwise(edges[0]):
        for low, high in itertools.pairwise(edges[1]):
            if part.fill[0] == 1 or rng.random() > 1 / 7:
                found.append(((left + gap, right - gap), (low, low + (high - low) * rng.uniform(*part.fill))))
    return found


def _legs(material: str, top: float, thick: float = 0.06) -> Part:
    return Part(material, (0, thick), (0.02, 0.02 + 1.3 * thick), (0, top), mirror="xy")


def _chest(width: Span, depth: Span, height: Span, top: float) -> Piece:
    body = Part("wood|second_wood", (0.01, 0.99), (0, 0.94), (0.05, 0.98))
    return Piece(width, depth, height, (body, Part("front", (0.02, 0.98), (0.94, 0.98), (0.06, 0.96)),
        Part("wood", (0, 1), (0, 1), (0.97, 1)), _legs("wood", 0.06, 0.1)), top)  # fmt: skip


def _table(width: Span, depth: Span, height: Span) -> Piece:
    return Piece(width, depth, height, (Part("wood|second_wood", z=(0.94, 1)), _legs("wood|metal", 0.94, 0.05),
        Part("wood", (0.04, 0.96), (0.08, 0.92), (0.84, 0.94), share=0.5),
        Part("wood", (0.04, 0.96), (0.08, 0.92), (0.22, 0.25), share=0.3),
        Part("cover", (-0.01, 1.01), (-0.02, 1.02), (0.8, 1.01), share=0.1)), 1.0)  # fmt: skip


def _sofa(width: Span) -> Piece:
    arm = 0.17 / width[1]
    return Piece(width, (0.8, 0.98), (0.75, 0.95), (
        Part("cloth", (0.02, 0.98), (0.03, 0.97), (0.08, 0.38)),
        Part("cloth", (arm / 2, 1 - arm / 2), (0, 0.24), (0.08, 1)),
        Part("cloth", (arm, 1 - arm), (0.2, 1), (0.36, 0.52), cells=(0.65, 0)),
        Part("cloth", (arm, 1 - arm), (0.18, 0.36), (0.5, 1.02), cells=(0.65, 0), tilt=0.2),
        Part("cloth", (0, arm), (0, 1), (0.05, 0.7), mirror="x"),
        Part("cover", (arm, arm + 0.38 / width[1]), (0.3, 0.48), (0.52, 0.94), tilt=0.4, share=0.5, sides=BALL),
        Part("cover", (0.6 - arm, 0.94 - arm), (0.32, 0.5), (0.52, 0.9), tilt=0.5, share=0.4, sides=BALL)))  # fmt: skip


def _bed(width: Span) -> Piece:
    return Piece(width, (2.0, 2.2), (0.85, 1.25), (
        Part("wood", (0, 1), (0, 0.03)), Part("wood", (0, 1), (0.97, 1), (0, 0.65), share=0.35),
        Part("wood", (0.02, 0.98), (0.03, 0.97), (0.12, 0.27)),
        Part("linen", (0.03, 0.97), (0.03, 0.97), (0.25, 0.54)),
        Part("cover", (0, 1), (0.27, 0.98), (0.2, 0.57)),
        Part("cover", (0.05, 0.7), (0.4, 0.85), (0.45, 0.63), share=0.5, sides=BALL), Part("cover", (0.4, 0.95), (0.3, 0.7), (0.45, 0.62), share=0.5, sides=BALL),
        Part("linen", (0.07, 0.46), (0.05, 0.24), (0.53, 0.7), mirror="x", tilt=0.3, sides=BALL),
        Part("cover", (0.12, 0.42), (0.2, 0.35), (0.53, 0.68), mirror="x", tilt=0.4, share=0.4, sides=BALL)), 0.6)  # fmt: skip


PIECES = {
    "chair": Piece((0.4, 0.5), (0.45, 0.55), (0.8, 1.08), (
        _legs("wood|metal", 0.5, 0.08), Part("cloth|wood", z=(0.46, 0.52)),
        Part("wood|metal", (0, 0.09), (0, 0.07), (0.5, 0.98), mirror="x", tilt=0.12),
        Part("cloth|wood", (0.05, 0.95), (-0.02, 0.06), (0.62, 0.96), tilt=0.12, share=0.5),
        Part("wood|metal", (0.05, 0.95), (-0.03, 0.03), (0.86, 1), tilt=0.12),
        Part("wood|metal", (0.1, 0.9), (0, 0.04), (0.52, 0.9), tilt=0.12, cells=(0.1, 0), fill=(0.9, 0.99), share=0.5))),
    "office_chair": Piece((0.55, 0.62), (0.58, 0.64), (0.95, 1.2), (
        Part("black", (0.05, 0.95), (0.46, 0.54), (0.03, 0.07)), Part("black", (0.46, 0.54), (0.05, 0.95), (0.03, 0.07)),
        Part("black", (0.46, 0.54), (0.46, 0.54), (0.05, 0.42)), Part("cloth|black", (0.1, 0.9), (0.1, 0.9), (0.41, 0.5)),
        Part("cloth|black", (0.12, 0.88), (0, 0.13), (0.53, 1), tilt=0.15),
        Part("black", (0, 0.08), (0.2, 0.7), (0.6, 0.63), mirror="x"), Part("black", (0, 0.05), (0.4, 0.5), (0.45, 0.6), mirror="x"))),
    "stool": Piece((0.32, 0.4), (0.32, 0.4), (0.45, 0.75), (
        Part("cloth|second_wood", z=(0.9, 1), sides=COLUMN), _legs("wood", 0.9, 0.1))),
    "armchair": _sofa((0.8, 1.0)), "sofa": _sofa((1.5, 1.8)), "couch": _sofa((2.0, 2.5)),
    "single_bed": _bed((0.95, 1.1)), "double_bed": _bed((1.4, 1.95)),
    "table": _table((1.2, 2.3), (0.75, 1.05), (0.71, 0.78)), "school_table": _table((1.1, 1.6), (0.5, 0.8), (0.6, 0.75)),
    "low_table": _table((0.8, 1.3), (0.5, 0.75), (0.36, 0.48)), "side_table": _table((0.4, 0.6), (0.4, 0.55), (0.5, 0.65)),
    "round_table": Piece((0.9, 1.4), (0.9, 1.4), (0.72, 0.76), (Part("wood", z=(0.95, 1), sides=COLUMN),
        Part("wood", (0.45, 0.55), (0.45, 0.55), (0.04, 0.95), sides=COLUMN), Part("wood", (0.2, 0.8), (0.2, 0.8), (0, 0.06), sides=COLUMN)), 1.0),
    "desk": Piece((1.1, 1.8), (0.6, 0.8), (0.72, 0.77), (Part("wood", z=(0.96, 1)), Part("front", (0, 0.28), (0.04, 0.96), (0.02, 0.96)),
        Part("wood", (0.97, 1), (0.02, 0.98), (0, 0.96)), Part("wood", (0.02, 0.98), (0.02, 0.05), (0.35, 0.96), share=0.5)), 1.0),
    "dresser": _chest((0.7, 1.5), (0.4, 0.55), (0.7, 1.25), 1.0), "nightstand": _chest((0.4, 0.6), (0.38, 0.42), (0.5, 0.65), 1.0),
    "wardrobe": _chest((0.8, 1.8), (0.5, 0.62), (1.7, 2.15), 0.0),
    "shelves": Piece((0.6, 1.6), (0.25, 0.36), (0.7, 2.2), (
        Part("wood|second_wood", (0, 0.03), mirror="x"), Part("wood|second_wood", (0.02, 0.98), (0, 0.05), share=0.75),
        Part("wood|second_wood", (0.02, 0.98), z=(0.04, 1.36), cells=(0, 0.33), fill=(0.075, 0.075)),
        Part("wood|second_wood", z=(0.985, 1)),
        Part("books|books|books|paint", (0.03, 0.97), (0.06, 0.7), (0.08, 0.97), cells=(0.45, 0.33), fill=(0.5, 0.85))), 1.0),
    "counter": Piece((0.8, 3.0), (0.6, 0.64), (0.9, 0.92), (
        Part("soot", (0, 1), (0, 0.86), (0, 0.1)), Part("kitchen", (0, 1), (0, 0.95), (0.1, 0.95), cells=(0.6, 0)), Part("counter", z=(0.95, 1)),
        Part("counter", (0, 1), (0, 0.03), (1, 1.1)), Part("steel|soot", (0.3, 0.6), (0.15, 0.85), (1, 1.008), share=0.6),
        Part("steel", (0.44, 0.46), (0.1, 0.14), (1, 1.28), share=0.5), Part("steel", (0.44, 0.46), (0.1, 0.4), (1.26, 1.28), share=0.5)), 1.0),
    "wall_units": Piece((0.8, 3.0), (0.33, 0.36), (2.1, 2.25), (Part("kitchen", z=(0.67, 1), cells=(0.5, 0), fill=(0.97, 1)),)),
    "fridge": Piece((0.65, 0.92), (0.65, 0.75), (1.55, 1.85), (Part("appliance", y=(0, 0.88)), Part("appliance", y=(0.89, 0.98), z=(0.02, 0.6)),
        Part("appliance", y=(0.89, 0.98), z=(0.61, 1)), Part("steel", (0.06, 0.1), (0.98, 1.03), (0.3, 0.58)),
        Part("print", (0.3, 0.55), (0.98, 0.99), (0.72, 0.88), share=0.5))),
    "toilet": Piece((0.42, 0.5), (0.66, 0.74), (0.76, 0.84), (Part("china", (0.22, 0.78), (0.3, 0.85), (0, 0.46), taper=1.3, sides=COLUMN),
        Part("china", (0.06, 0.94), (0.3, 1), (0.46, 0.53), sides=COLUMN), Part("china", (0.02, 0.98), (0, 0.28), (0.45, 1)))),
    "basin": Piece((0.6, 1.5), (0.5, 0.58), (1.85, 2.0), (Part("front", (0, 1), (0, 0.9), (0, 0.41)), Part("counter", z=(0.41, 0.44)),
        Part("china", (0.25, 0.75), (0.2, 0.9), (0.44, 0.46), sides=COLUMN), Part("steel", (0.48, 0.52), (0.12, 0.2), (0.44, 0.52)),
        Part("mirror", (0.07, 0.93), (0, 0.04), (0.54, 1))), 0.44),
    "bath": Piece((1.55, 1.7), (0.7, 0.8), (1.9, 2.0), (Part("china", y=(0, 0.12), z=(0, 0.28), mirror="y"), Part("china", (0, 0.06), z=(0, 0.28), mirror="x"),
        Part("china", z=(0, 0.1)), Part("cover", (0, 0.6), (0.9, 1), (0.1, 1), cells=(0.1, 0), share=0.5, sides=COLUMN))),
    "fireplace": Piece((1.4, 2.1), (0.4, 0.48), (1.1, 1.25), (Part("second_wood|trim", (0.04, 0.26), (0, 0.9), (0, 0.95), mirror="x"),
        Part("second_wood|trim", (0.04, 0.96), (0, 0.9), (0.65, 0.95)), Part("soot", (0.2, 0.8), (0, 0.1), (0, 0.7)), Part("trim", z=(0.95, 1))), 1.0),
    "television": Piece((0.9, 1.6), (0.4, 0.46), (1.0, 1.35), (Part("front", z=(0, 0.45)), Part("black", (0.35, 0.65), (0.3, 0.7), (0.45, 0.5)),
        Part("black", (0.08, 0.92), (0.4, 0.56), (0.49, 1)), Part("dark_screen", (0.11, 0.89), (0.56, 0.58), (0.52, 0.97)))),
    "plant": Piece((0.5, 0.7), (0.5, 0.7), (0.6, 1.7), (Part("paint", (0.3, 0.7), (0.3, 0.7), (0, 0.22), taper=1.3, sides=COLUMN),
        Part("leaf", (0.48, 0.52), (0.48, 0.52), (0.2, 0.7)),
        *(Part("leaf", x, y, z, tilt=tilt, sides=BALL) for x, y, z, tilt in (((0.1, 0.5), (0.45, 0.55), (0.4, 0.8), 0.5), ((0.5, 0.9), (0.4, 0.5), (0.45, 0.9), -0.4),
        ((0.4, 0.55), (0.5, 0.95), (0.35, 0.75), -0.7), ((0.42, 0.6), (0.05, 0.5), (0.4, 0.85), 0.8), ((0.3, 0.7), (0.4, 0.6), (0.65, 1), 0.1))))),
    "floor_lamp": Piece((0.36, 0.42), (0.36, 0.42), (1.4, 1.75), (Part("metal", (0.2, 0.8), (0.2, 0.8), (0, 0.02), sides=COLUMN),
        Part("metal", (0.46, 0.54), (0.46, 0.54), (0.02, 0.85)), Part("shade", z=(0.82, 1), taper=0.7, sides=COLUMN))),
    "pier": Piece((0.3, 0.9), (0.2, 0.9), (2.3, 2.35), (Part("wall", z=(0, 1.4)),)),
    "panel": Piece((0.6, 0.6), (1.2, 1.2), (0.04, 0.04), (Part("lit"),)),
    "pendant": Piece((0.36, 0.36), (0.36, 0.36), (0.3, 1.0), (Part("lit", z=(0, 0.13), taper=1.2, sides=COLUMN),
        Part("metal", (0.48, 0.52), (0.48, 0.52), (0.13, 1)))),
    "window": Piece((0.8, 2.4), (0.1, 0.1), (0.9, 2.0), (
        Part("trim", (0, 0.04), (0, 0.6), mirror="x"), Part("trim", y=(0, 0.6), z=(0, 0.04)), Part("trim", y=(0, 0.6), z=(0.96, 1)),
        Part("trim", (0.48, 0.52), (0, 0.5), share=0.7), Part("trim", y=(0, 0.5), z=(0.48, 0.52), share=0.5),
        Part("trim", (-0.08, 1.08), (0, 2.2), (-0.03, 0)), Part("ribs|white", y=(0.7, 0.8), z=(0.7, 1), share=0.2),
        Part("ribs|white|cover", y=(0.7, 0.8), z=(0.4, 1), share=0.2), Part("cover|cloth", (-0.16, 0.1), (1.4, 2.4), (-0.3, 1.05), cells=(0.1, 0), mirror="x", share=0.3, sides=COLUMN),
        Part("cover|cloth", (-0.16, 0.25), (1.4, 2.4), (-0.1, 1.05), cells=(0.12, 0), mirror="x", share=0.2, sides=COLUMN))),
    "pillar": Piece((0.3, 0.6), (0.3, 0.6), (2.3, 2.4), (Part("wall"),)),
    # Small things.
    "books": Piece((0.15, 0.4), (0.16, 0.18), (0.18, 0.28), (Part("books"),)),
    "book_stack": Piece((0.18, 0.3), (0.15, 0.22), (0.04, 0.18), (Part("paint|print", cells=(0, 0.035)), Part("print", z=(1, 1.1)))),
    "sheet": Piece((0.2, 0.22), (0.28, 0.3), (0.004, 0.006), (Part("paper"),)),
    "cup": Piece((0.06, 0.11), (0.06, 0.11), (0.07, 0.16), (Part("paint|china", taper=1.1, sides=COLUMN),)),
    "bottle": Piece((0.06, 0.09), (0.06, 0.09), (0.2, 0.32), (Part("paint", z=(0, 0.7), sides=COLUMN), Part("paint", (0.3, 0.7), (0.3, 0.7), (0.7, 1)))),
    "carton": Piece((0.08, 0.28), (0.06, 0.2), (0.05, 0.28), (Part("paint|print"),)),
    "table_lamp": Piece((0.25, 0.34), (0.25, 0.34), (0.4, 0.6), (Part("paint|metal", (0.35, 0.65), (0.35, 0.65), (0, 0.6), taper=0.6, sides=COLUMN),
        Part("shade", z=(0.55, 1), taper=0.7, sides=COLUMN))),
    "monitor": Piece((0.42, 0.6), (0.4, 0.5), (0.42, 0.5), (Part("black", y=(0.2, 0.3), z=(0.25, 1)), Part("screen", (0.04, 0.96), (0.3, 0.31), (0.29, 0.96)),
        Part("black", (0.42, 0.58), (0.15, 0.25), (0, 0.4)), Part("black", (0.3, 0.7), (0.1, 0.4), (0, 0.03)), Part("keys", (0.05, 0.95), (0.65, 1), (0, 0.04)))),
    "plate": Piece((0.18, 0.26), (0.18, 0.26), (0.02, 0.06), (Part("china|paint", sides=COLUMN),)),
    "vase": Piece((0.12, 0.3), (0.12, 0.3), (0.25, 0.5), (Part("paint", (0.3, 0.7), (0.3, 0.7), (0, 0.55), sides=COLUMN),
        Part("leaf", (0.1, 0.6), (0.2, 0.7), (0.5, 0.9), sides=BALL), Part("leaf|paint", (0.4, 0.95), (0.3, 0.8), (0.6, 1), sides=BALL))),
    "ball": Piece((0.12, 0.3), (0.12, 0.3), (0.12, 0.3), (Part("paint|cover", sides=BALL),)),
    "basket": Piece((0.22, 0.4), (0.22, 0.36), (0.25, 0.45), (Part("ribs", taper=1.2, sides=COLUMN), Part("soot", (0.03, 0.97), (0.03, 0.97), (0.98, 1.01), taper=1.2, sides=COLUMN))),
    "bag": Piece((0.25, 0.45), (0.15, 0.3), (0.22, 0.5), (Part("clothes", tilt=0.15), Part("clothes", (0, 1), (-0.2, 0.8), (0.5, 1), sides=BALL))),
    "heap": Piece((0.3, 0.6), (0.25, 0.5), (0.1, 0.25), (Part("clothes", sides=BALL), Part("clothes", (-0.2, 0.5), (0.3, 1.2), (0, 0.7), sides=BALL))),
    "big_box": Piece((0.3, 0.55), (0.25, 0.45), (0.15, 0.7), (Part("card|card|paint", z=(0, 0.6)), Part("card|paint", (0.1, 0.9), (0.05, 0.95), (0.6, 1)))),
    # What hangs on walls: the height is that of its upper edge.
    "painting": Piece((0.25, 1.1), (0.03, 0.04), (1.7, 2.1), (Part("wood|second_wood|metal", z=(0.72, 1)), Part("white", (0.06, 0.94), (1, 1.04), (0.74, 0.98)),
        Part("painting", (0.12, 0.88), (1.04, 1.08), (0.76, 0.96)))),
    "poster": Piece((0.4, 1.0), (0.01, 0.02), (1.7, 2.2), (Part("print|painting", z=(0.55, 1)),)),
    "wall_board": Piece((0.8, 2.2), (0.02, 0.03), (1.9, 2.1), (Part("board", z=(0.45, 1)),)),
    "wall_shelf": Piece((0.6, 1.1), (0.22, 0.26), (1.6, 1.9), (Part("second_wood", z=(0.8, 0.82)), Part("books|paint", z=(0.82, 1), y=(0, 0.8), cells=(0.25, 0), fill=(0.4, 1)))),
    "radiator": Piece((0.6, 1.2), (0.1, 0.14), (0.65, 0.75), (Part("ribs", z=(0.2, 1)),)),
    "switch": Piece((0.08, 0.1), (0.01, 0.012), (1.15, 1.25), (Part("white", z=(0.9, 1)),)),
}  # fmt: skip
