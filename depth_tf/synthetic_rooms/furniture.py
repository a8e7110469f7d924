"""Builds the pieces of furniture that `pieces` lists."""

import dataclasses
import itertools

import numpy as np

from depth_tf.synthetic_rooms import pieces
from depth_tf.synthetic_rooms.materials import Material, Style
from depth_tf.synthetic_rooms.solids import BALL, BOX, COLUMN, Assembly, Frame

Span = tuple[float, float]


@dataclasses.dataclass
class Part:
    """A solid of a piece; see `pieces`. All lengths are shares of the piece's, but for those of cells, metres."""

    material: str
    x: Span = (0.0, 1.0)
    y: Span = (0.0, 1.0)
    z: Span = (0.0, 1.0)
    sides: int = BOX
    mirror: str = ""
    share: float = 1.0
    cells: Span = (0.0, 0.0)
    fill: Span = (1.0, 1.0)
    tilt: float = 0.0
    taper: float = 1.0


@dataclasses.dataclass(frozen=True)
class Piece:
    """A piece of furniture."""

    low_m: list[float]  # [3] least width, depth and height
    high_m: list[float]
    top: float  # share of its height at which things stand on it; 0: nowhere
    parts: list[Part]


def build(
    parts: Assembly,
    name: str,
    size_m: np.ndarray,
    frame: Frame,
    style: Style,
    rng: np.random.Generator,
    lit: Material | None = None,
) -> None:
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
                options = {
                    "tilt": part.tilt,
                    "taper": part.taper,
                    "sides": part.sides,
                    "shades": part.material != "lit",
                }
                parts.add(
                    frame, middle, [(b - a) * m for (a, b), m in zip(spans, sides_m, strict=True)], material, **options
                )
            if part.fill[0] < 1:
                material = style.draw(part.material)  # each row of books has its own


def draw_size(name: str, rng: np.random.Generator) -> np.ndarray:
    """Returns a width, depth and height of the piece `name`, [3] metres."""
    return rng.uniform(PIECES[name].low_m, PIECES[name].high_m)


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


def _parse(table: str) -> dict[str, Piece]:
    """Returns the pieces of a table by name."""
    pieces_by_name = {}
    for block in table.strip().replace("\n    ;", ";").splitlines():
        head, *parts = block.split(";")
        name, *words = head.split()
        sizes, rest = [_numbers(word) for word in words[:3]], words[3:]
        like = [word.removeprefix("like=") for word in rest if "=" in word]
        top = sum(float(word) / 100 for word in rest if "=" not in word)
        made = pieces_by_name[like[0]].parts if like else [_part(part) for part in parts]
        pieces_by_name[name] = Piece(*(list(edge) for edge in zip(*sizes, strict=True)), top, made)
    return pieces_by_name


def _part(text: str) -> Part:
    material, *words = text.split()
    part = Part(material)
    for word in words:
        name, _, value = word.partition("=")
        if name in ("column", "ball"):
            part.sides = COLUMN if name == "column" else BALL
        elif not value:
            setattr(part, name[0], _numbers(name[1:]))
        else:
            setattr(part, name, value if name == "mirror" else _numbers(value) if ":" in value else float(value) / 100)
    return part


def _numbers(text: str) -> Span:
    low, high = text.split(":")
    return float(low) / 100, float(high) / 100


PIECES = _parse(pieces.TABLE)
