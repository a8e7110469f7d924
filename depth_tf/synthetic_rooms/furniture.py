"""Builds the pieces of furniture that `pieces` lists."""

import dataclasses
import itertools

import numpy as np

from depth_tf.synthetic_rooms import pieces
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.solids import BALL, BOX, COLUMN, Frame

SHAPES = {"column": COLUMN, "ball": BALL}
Span = tuple[float, float]


@dataclasses.dataclass
class Part:
    """A solid of a piece, see `pieces`; lengths are shares of the piece's, those of cells metres."""

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

    low_m: tuple[float, float, float]  # least width, depth and height
    high_m: tuple[float, float, float]
    top: float  # share of its height at which things stand on it; 0: nowhere
    parts: list[Part]


def build(plan, name: str, size_m: np.ndarray, frame: Frame, lit: Material | None = None) -> None:
    """Adds the piece `name`, of width, depth and height `size_m`, to a `layout.Plan`; its "lit" parts are of `lit`."""
    rng, drawn, extents = plan.rng, {"lit": lit}, size_m.tolist()
    for part in PIECES[name].parts:
        if part.share < 1 and rng.random() > part.share:
            continue
        drawn[part.material] = material = drawn.get(part.material) or plan.style.draw(part.material)
        options = {"tilt": part.tilt, "taper": part.taper, "sides": part.sides, "shades": part.material != "lit"}
        for x, z in _cells(part, size_m, rng):
            for left, back in itertools.product((False, "x" in part.mirror), (False, "y" in part.mirror)):
                y = (1 - part.y[1], 1 - part.y[0]) if back else part.y
                spans = ((1 - x[1], 1 - x[0]) if left else x, y, z)
                middle = [((a + b) / 2 - c) * m for (a, b), c, m in zip(spans, (0.5, 0.5, 0), extents, strict=True)]
                size = [(b - a) * m for (a, b), m in zip(spans, extents, strict=True)]
                plan.parts.add(frame, middle, size, material, **options)
            if part.fill[0] < 1:
                material = plan.style.draw(part.material)  # each row of books has its own


def draw_size(name: str, rng: np.random.Generator) -> np.ndarray:
    """Returns a width, depth and height of the piece `name`, [3] metres."""
    return rng.uniform(PIECES[name].low_m, PIECES[name].high_m)


def _cells(part: Part, size_m: np.ndarray, rng: np.random.Generator) -> list[tuple[Span, Span]]:
    """Returns the x and z spans of a part's cells."""
    edges = []
    for (low, high), pitch_m, extent_m in zip((part.x, part.z), part.cells, size_m[[0, 2]], strict=True):
        count = max(1, round((high - low) * extent_m / pitch_m)) if pitch_m else 1
        edges.append(np.linspace(low, high, count + 1).tolist())
    gap = 0.004 / size_m[0] if any(part.cells) else 0.0
    pairs = itertools.product(*map(itertools.pairwise, edges))
    kept = [pair for pair in pairs if part.fill[0] == 1 or rng.random() > 1 / 7]
    return [((a + gap, b - gap), (c, c + (d - c) * (rng.uniform(*part.fill) if part.fill[0] < 1 else 1)))
            for (a, b), (c, d) in kept]  # fmt: skip


def _parse(table: str) -> dict[str, Piece]:
    """Returns the pieces of a table by name."""
    found = {}
    for block in table.strip().replace("\n    ;", ";").splitlines():
        head, *parts = block.split(";")
        name, *sizes = head.split()[:4]
        rest = head.split()[4:]
        top = float(rest.pop(0)) / 100 if rest and rest[0].isdigit() else 0.0
        made = found[rest[0].removeprefix("like=")].parts if rest else [_part(part) for part in parts]
        found[name] = Piece(*zip(*map(_numbers, sizes), strict=True), top, made)
    return found


def _part(text: str) -> Part:
    material, *words = text.split()
    part = Part(material)
    for word in words:
        name, _, value = word.partition("=")
        if name in SHAPES:
            part.sides = SHAPES[name]
        elif name == "mirror":
            part.mirror = value
        elif ":" in word:
            setattr(part, name if value else name[0], _numbers(value or name[1:]))
        else:
            setattr(part, name, float(value) / 100)
    return part


def _numbers(text: str) -> Span:
    low, high = text.split(":")
    return float(low) / 100, float(high) / 100


PIECES = _parse(pieces.TABLE)
