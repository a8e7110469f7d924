"""Furniture and small things as data, `TABLE`: each piece is a few boxes, columns and balls in shares of its size.

A piece: its name, ranges of width, depth and height in centimetres, the share of its height at which things may stand
on it; after each ";" a part: its material as in `Style.draw`, and what it spans, in hundredths, if not all: x of the
width from the left, y of the depth from the back, z of the height.

    column, ball   its shape, in place of a box
    mirror=xy      repeated at the other side and the other end
    share=50       every other piece has it
    cells=30:33    divided along x and z into cells of about so many centimetres; 0 leaves it whole
    fill=50:85     heights of the cells, drawn for each, each with a material of its own; one in seven is left out
    tilt=12        leans its upper end back, in hundredths of a radian; taper=70: that end as a share of the lower
    like=NAME      has the parts of another piece

What hangs on walls is as high as its upper edge; "lit" is the material that the builder of a lamp gives.
"""

import dataclasses
import itertools

import numpy as np

from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.solids import BALL, BOX, COLUMN, Frame

SHAPES = {"column": COLUMN, "ball": BALL}
Span = tuple[float, float]


@dataclasses.dataclass
class Part:
    """A solid of a piece, see above; lengths are shares of the piece's, those of cells metres."""

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
        for x, z in _cells(part, size_m, rng) if any(part.cells) else ((part.x, part.z),):
            for left, back in itertools.product(*(range(1 + (axis in part.mirror)) for axis in "xy")):
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
    gap = 0.004 / size_m[0]
    pairs = itertools.product(*map(itertools.pairwise, edges))
    kept = [pair for pair in pairs if part.fill[0] == 1 or rng.random() > 1 / 7]
    return [((a + gap, b - gap), (c, c + (d - c) * (rng.uniform(*part.fill) if part.fill[0] < 1 else 1)))
            for (a, b), (c, d) in kept]  # fmt: skip


def _parse(table: str) -> dict[str, Piece]:
    """Returns the pieces of a table by name."""
    found = {}
    for block in table.strip().replace("\n    ;", ";").splitlines():
        head, *parts = block.split(";")
        name, *sizes, rest = *head.split()[:4], head.split()[4:]
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


TABLE = """
chair 40:50 45:55 80:108 ; wood|metal x0:8 y2:12.4 z0:50 mirror=xy ; cloth|wood z46:52
    ; wood|metal x0:9 y0:7 z50:98 mirror=x tilt=12 ; cloth|wood x5:95 y-2:6 z62:96 share=50 tilt=12
    ; wood|metal x5:95 y-3:3 z86:100 tilt=12 ; wood|metal x10:90 y0:4 z52:90 share=50 cells=10:0 fill=90:99 tilt=12
office_chair 55:62 58:64 95:120 ; black x5:95 y46:54 z3:7 ; black x46:54 y5:95 z3:7 ; black x46:54 y46:54 z5:42
    ; cloth|black x10:90 y10:90 z41:50 ; cloth|black x12:88 y0:13 z53:100 tilt=15 ; black x0:8 y20:70 z60:63 mirror=x
    ; black x0:5 y40:50 z45:60 mirror=x
stool 32:40 32:40 45:75 ; cloth|second_wood z90:100 column ; wood x0:10 y2:15 z0:90 mirror=xy
armchair 80:100 80:98 75:95 ; cloth x2:98 y3:97 z8:38 ; cloth x8.5:91.5 y0:24 z8:100
    ; cloth x17:83 y20:100 z36:52 cells=65:0 ; cloth x17:83 y18:36 z50:102 cells=65:0 tilt=20
    ; cloth x0:17 z5:70 mirror=x ; cover x17:55 y30:48 z52:94 ball share=50 tilt=40
    ; cover x43:77 y32:50 z52:90 ball share=40 tilt=50
sofa 150:180 80:98 75:95 ; cloth x2:98 y3:97 z8:38 ; cloth x4.7:95.3 y0:24 z8:100
    ; cloth x9.4:90.6 y20:100 z36:52 cells=65:0 ; cloth x9.4:90.6 y18:36 z50:102 cells=65:0 tilt=20
    ; cloth x0:9.4 z5:70 mirror=x ; cover x9.4:30.6 y30:48 z52:94 ball share=50 tilt=40
    ; cover x50.6:84.6 y32:50 z52:90 ball share=40 tilt=50
couch 200:250 80:98 75:95 like=sofa
single_bed 95:110 200:220 85:125 60 ; wood y0:3 ; wood y97:100 z0:65 share=35 ; wood x2:98 y3:97 z12:27
    ; linen x3:97 y3:97 z25:54 ; cover y27:98 z20:57 ; cover x5:70 y40:85 z45:63 ball share=50
    ; cover x40:95 y30:70 z45:62 ball share=50 ; linen x7:46 y5:24 z53:70 ball mirror=x tilt=30
    ; cover x12:42 y20:35 z53:68 ball mirror=x share=40 tilt=40
double_bed 140:195 200:220 85:125 60 like=single_bed
table 120:230 75:105 71:78 100 ; wood|second_wood z94:100 ; wood|metal x0:5 y2:8.5 z0:94 mirror=xy
    ; wood x4:96 y8:92 z84:94 share=50 ; wood x4:96 y8:92 z22:25 share=30 ; cover x-1:101 y-2:102 z80:101 share=10
low_table 80:130 50:75 36:48 100 like=table
side_table 40:60 40:55 50:65 100 like=table
round_table 90:140 90:140 72:76 100 ; wood z95:100 column ; wood x45:55 y45:55 z4:95 column
    ; wood x20:80 y20:80 z0:6 column
desk 110:180 60:80 72:77 100 ; wood z96:100 ; front x0:28 y4:96 z2:96 ; wood x97:100 y2:98 z0:96
    ; wood x2:98 y2:5 z35:96 share=50
dresser 70:150 40:55 70:125 100 ; wood|second_wood x1:99 y0:94 z5:98 ; front x2:98 y94:98 z6:96 ; wood z97:100
    ; wood x0:10 y2:15 z0:6 mirror=xy
nightstand 40:60 38:42 50:65 100 like=dresser
wardrobe 80:180 50:62 170:215 like=dresser
shelves 60:160 25:36 70:220 100 ; wood|second_wood x0:3 mirror=x ; wood|second_wood x2:98 y0:5 share=75
    ; wood|second_wood x2:98 z4:136 cells=0:33 fill=7.5:7.5 ; wood|second_wood z98.5:100
    ; books|books|books|paint x3:97 y6:70 z8:97 cells=45:33 fill=50:85
counter 80:300 60:64 90:92 100 ; black y0:86 z0:10 ; kitchen y0:95 z10:95 cells=60:0 ; counter z95:100
    ; counter y0:3 z100:110 ; steel|black x30:60 y15:85 z100:100.8 share=60 ; steel x44:46 y10:14 z100:128 share=50
    ; steel x44:46 y10:40 z126:128 share=50
wall_units 80:300 33:36 210:225 ; kitchen z67:100 cells=50:0 fill=97:100
fridge 65:92 65:75 155:185 ; steel|china|black y0:88 ; steel|china|black y89:98 z2:60 ; steel|china|black y89:98 z61:100
    ; steel x6:10 y98:103 z30:58 ; print x30:55 y98:99 z72:88 share=50
toilet 42:50 66:74 76:84 ; china x22:78 y30:85 z0:46 column taper=130 ; china x6:94 y30:100 z46:53 column
    ; china x2:98 y0:28 z45:100
basin 60:150 50:58 185:200 44 ; front y0:90 z0:41 ; counter z41:44 ; china x25:75 y20:90 z44:46 column
    ; steel x48:52 y12:20 z44:52 ; dark_screen x7:93 y0:4 z54:100
bath 155:170 70:80 190:200 ; china y0:12 z0:28 mirror=y ; china x0:6 z0:28 mirror=x ; china z0:10
    ; cover x0:60 y90:100 z10:100 column share=50 cells=10:0
television 90:160 40:46 100:135 ; front z0:45 ; black x35:65 y30:70 z45:50 ; black x8:92 y40:56 z49:100
    ; dark_screen x11:89 y56:58 z52:97
plant 50:70 50:70 60:170 ; paint x30:70 y30:70 z0:22 column taper=130 ; leaf x48:52 y48:52 z20:70
    ; leaf x10:50 y45:55 z40:80 ball tilt=50 ; leaf x50:90 y40:50 z45:90 ball tilt=-40
    ; leaf x40:55 y50:95 z35:75 ball tilt=-70 ; leaf x42:60 y5:50 z40:85 ball tilt=80
    ; leaf x30:70 y40:60 z65:100 ball tilt=10
floor_lamp 36:42 36:42 140:175 ; metal x20:80 y20:80 z0:2 column ; metal x46:54 y46:54 z2:85
    ; shade z82:100 column taper=70
pier 30:90 20:90 230:235 ; wall z0:140
panel 60:60 120:120 4:4 ; lit
pendant 36:36 36:36 30:100 ; lit z0:13 column taper=120 ; metal x48:52 y48:52 z13:100
window 80:240 10:10 90:200 ; trim x0:4 y0:60 mirror=x ; trim y0:60 z0:4 ; trim y0:60 z96:100
    ; trim x48:52 y0:50 share=70 ; trim y0:50 z48:52 share=50 ; trim x-8:108 y0:220 z-3:0
    ; ribs|white y70:80 z70:100 share=20 ; ribs|white|cover y70:80 z40:100 share=20
    ; cover|cloth x-16:10 y140:240 z-30:105 column mirror=x share=30 cells=10:0
    ; cover|cloth x-16:25 y140:240 z-10:105 column mirror=x share=20 cells=12:0
books 15:40 16:18 18:28 ; books
book_stack 18:30 15:22 4:18 ; paint|print cells=0:3.5 ; print z100:110
sheet 20:22 28:30 0.4:0.6 ; paper
cup 6:11 6:11 7:16 ; paint|china column taper=110
bottle 6:9 6:9 20:32 ; paint z0:70 column ; paint x30:70 y30:70 z70:100
carton 8:28 6:20 5:28 ; paint|print
table_lamp 25:34 25:34 40:60 ; paint|metal x35:65 y35:65 z0:60 column taper=60 ; shade z55:100 column taper=70
monitor 42:60 40:50 42:50 ; black y20:30 z25:100 ; screen x4:96 y30:31 z29:96 ; black x42:58 y15:25 z0:40
    ; black x30:70 y10:40 z0:3 ; paper x5:95 y65:100 z0:4
vase 12:30 12:30 25:50 ; paint x30:70 y30:70 z0:55 column ; leaf x10:60 y20:70 z50:90 ball
    ; leaf|paint x40:95 y30:80 z60:100 ball
ball 12:30 12:30 12:30 ; paint|cover ball
basket 22:40 22:36 25:45 ; ribs column taper=120 ; black x3:97 y3:97 z98:101 column taper=120
bag 25:45 15:30 22:50 ; clothes tilt=15 ; clothes y-20:80 z50:100 ball
heap 30:60 25:50 10:25 ; clothes ball ; clothes x-20:50 y30:120 z0:70 ball
big_box 30:55 25:45 15:70 ; card|card|paint z0:60 ; card|paint x10:90 y5:95 z60:100
painting 25:110 3:4 170:210 ; wood|second_wood|metal z72:100 ; white x6:94 y100:104 z74:98
    ; print x12:88 y104:108 z76:96
poster 40:100 1:2 170:220 ; print|print z55:100
wall_board 80:220 2:3 190:210 ; print z45:100
wall_shelf 60:110 22:26 160:190 ; second_wood z80:82 ; books|paint y0:80 z82:100 cells=25:0 fill=40:100
radiator 60:120 10:14 65:75 ; ribs z20:100
"""
PIECES = _parse(TABLE)
