"""Chairs, sofas, beds. A maker draws a piece's size and look; `build` then adds it in a frame of its own."""

import numpy as np

from depth_tf.synthetic_rooms import finishes
from depth_tf.synthetic_rooms.finishes import Style
from depth_tf.synthetic_rooms.piece import Piece
from depth_tf.synthetic_rooms.solids import Assembly, Frame


def chair(rng: np.random.Generator, style: Style) -> Piece:
    """A four-legged chair with slats, bars or a padded back."""
    width, depth = rng.uniform(0.4, 0.5), rng.uniform(0.42, 0.5)
    seat_z, height = rng.uniform(0.43, 0.48), rng.uniform(0.8, 1.08)
    kind = rng.integers(3)
    seat = style.cloth if rng.random() < 0.5 else style.wood
    leg, lean = rng.uniform(0.025, 0.045), rng.uniform(0.05, 0.2)
    body = style.wood if rng.random() < 0.8 else style.metal

    def build(parts: Assembly, frame: Frame) -> None:
        for x in (-1, 1):
            for y in (-1, 1):
                place = (x * (width - leg) / 2, y * (depth - leg) / 2, seat_z / 2)
                parts.box(frame, place, (leg, leg, seat_z), body)
        parts.box(frame, (0, 0, seat_z), (width, depth, 0.05), seat)
        back_z, back_h, back_y = (seat_z + height) / 2, height - seat_z, -depth / 2 - 0.5 * lean * (height - seat_z)
        if kind == 0:
            parts.box(frame, (0, back_y, back_z + 0.08), (width, 0.05, back_h - 0.14), seat, tilt=lean)
        for x in (-1, 1):
            parts.box(frame, (x * (width - leg) / 2, back_y, back_z), (leg, leg, back_h), body, tilt=lean)
        parts.box(frame, (0, back_y - 0.4 * lean * back_h, height - 0.05), (width, 0.03, 0.1), body, tilt=lean)
        for i in range(4 if kind == 1 else 0):
            x = width * (-0.3 + 0.2 * i)
            parts.box(frame, (x, back_y, back_z), (0.03, 0.02, back_h), body, tilt=lean)
        for i in range(3 if kind == 2 else 0):
            z = seat_z + back_h * (0.25 + 0.25 * i)
            y = -depth / 2 - lean * (z - seat_z)
            parts.box(frame, (0, y, z), (width, 0.02, 0.06), body, tilt=lean)

    return Piece(width, depth + 0.1, height, build)


def office_chair(rng: np.random.Generator, style: Style) -> Piece:
    """A swivel chair on a five-armed base, with arm rests."""
    cloth = (
        style.cloth
        if rng.random() < 0.4
        else finishes.paint(rng, finishes.dim((0.03, 0.03, 0.035), rng.uniform(0.5, 2)), gloss=0.3)
    )
    seat_z, back_h = rng.uniform(0.45, 0.55), rng.uniform(0.35, 0.7)
    dark, turn = finishes.metal(rng, dark=True), rng.uniform(0, 6)

    def build(parts: Assembly, frame: Frame) -> None:
        for arm in range(5):
            spoke = frame.at(0, 0, 0, turn + arm * 2 * np.pi / 5)
            parts.box(spoke, (0.14, 0, 0.07), (0.28, 0.04, 0.035), dark)
            parts.ball(spoke, (0.28, 0, 0.03), (0.06, 0.06, 0.06), dark)
        parts.cylinder(frame, (0, 0, 0.08), 0.03, seat_z - 0.08, dark)
        parts.box(frame, (0, 0, seat_z), (0.48, 0.46, 0.09), cloth)
        parts.box(frame, (0, -0.25, seat_z + 0.12 + back_h / 2), (0.45, 0.08, back_h), cloth, tilt=0.15)
        for x in (-0.26, 0.26):
            parts.box(frame, (x, 0, seat_z + 0.2), (0.05, 0.28, 0.03), dark)
            parts.box(frame, (x, 0, seat_z + 0.09), (0.03, 0.05, 0.2), dark)

    return Piece(0.6, 0.62, seat_z + 0.12 + back_h, build)


def stool(rng: np.random.Generator, style: Style) -> Piece:
    """A round stool, low or at bar height."""
    height, radius = rng.choice([0.45, 0.65, 0.75]), rng.uniform(0.15, 0.2)
    seat = style.cloth if rng.random() < 0.5 else style.second_wood

    def build(parts: Assembly, frame: Frame) -> None:
        parts.cylinder(frame, (0, 0, height - 0.06), radius, 0.06, seat)
        for x in (-1, 1):
            for y in (-1, 1):
                parts.cylinder(frame, (0.65 * radius * x, 0.65 * radius * y, 0), 0.018, height - 0.05, style.wood)

    return Piece(2 * radius, 2 * radius, height, build)


def sofa(rng: np.random.Generator, style: Style) -> Piece:
    """An armchair to a three-seater, with round or square arms and loose cushions."""
    seats = int(rng.choice([1, 2, 2, 3, 3]))
    arm, depth = rng.uniform(0.14, 0.24), rng.uniform(0.8, 0.98)
    width = seats * rng.uniform(0.58, 0.72) + 2 * arm
    seat_z, arm_z, height = rng.uniform(0.38, 0.46), rng.uniform(0.55, 0.66), rng.uniform(0.75, 0.95)
    rounded, cloth = rng.random() < 0.5, finishes.cloth(rng, calm=True) if rng.random() < 0.5 else style.cloth
    pillows = [(rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4), finishes.cloth(rng)) for _ in range(rng.integers(0, 4))]

    def build(parts: Assembly, frame: Frame) -> None:
        inner = width - 2 * arm
        parts.box(frame, (0, 0.02, seat_z / 2 - 0.05), (inner + 0.02, depth - 0.06, seat_z - 0.18), cloth)
        parts.box(frame, (0, -depth / 2 + 0.11, height / 2 + 0.02), (inner + arm, 0.2, height - 0.08), cloth)
        for i in range(seats):
            x = -inner / 2 + inner * (i + 0.5) / seats
            parts.box(frame, (x, 0.1, seat_z - 0.07), (inner / seats - 0.015, depth - 0.25, 0.14), cloth)
            place = (x, -depth / 2 + 0.27, (seat_z + height) / 2 + 0.02)
            parts.box(frame, place, (inner / seats - 0.03, 0.16, height - seat_z), cloth, tilt=0.2)
        for x in (-1, 1):
            side = (x * (width - arm) / 2, 0, arm_z / 2)
            parts.box(frame, side, (arm, depth, arm_z - 0.08), cloth)
            if rounded:
                parts.rod(frame, (x * (width - arm) / 2, 0, arm_z - 0.05), arm * 0.58, depth, cloth)
        for at, turn, cover in pillows:
            place = (at * inner, -0.08, seat_z + 0.17)
            parts.ball(frame, place, (0.44, 0.2, 0.4), cover, yaw=turn, tilt=0.4)

    return Piece(width, depth, height, build)


def bed(rng: np.random.Generator, style: Style) -> Piece:
    """A single or double bed: frame, mattress, cover hanging over, pillows; its head is at the back."""
    width, length = rng.choice([0.95, 1.4, 1.55, 1.9]), rng.uniform(1.95, 2.1)
    top, head = rng.uniform(0.5, 0.7), rng.uniform(0.85, 1.25)
    foot = rng.uniform(0.5, 0.85) if rng.random() < 0.35 else 0.0
    cover = finishes.cloth(rng) if rng.random() < 0.6 else finishes.cloth(rng, calm=True)
    linen = finishes.Material(
        finishes.pick(rng, "creases"), finishes.choose(rng, ("f2efe8", "e8dccf", "c9d3dd")), grain=0.8
    )
    rumpled = rng.uniform(0, 1, (7, 6)) if rng.random() < 0.7 else np.zeros((0, 6))
    pillow_rows = 1 + int(rng.random() < 0.4)
    barred = rng.random() < 0.35

    def build(parts: Assembly, frame: Frame) -> None:
        parts.box(frame, (0, 0, 0.2), (width + 0.04, length, 0.16), style.wood)
        parts.box(frame, (0, 0, top - 0.13), (width, length - 0.06, 0.24), linen)
        parts.box(frame, (0, 0.26, top - 0.15), (width + 0.07, length - 0.5, 0.32), cover)
        parts.rod(frame, (0, -0.01, top - 0.02), 0.05, width + 0.05, cover, yaw=np.pi / 2)
        _headboard(parts, frame.at(0, -length / 2 - 0.02), width + 0.08, head, barred, style)
        if foot:
            _headboard(parts, frame.at(0, length / 2 + 0.02), width + 0.08, foot, barred, style)
        count = 1 if width < 1.2 else 2
        for row in range(pillow_rows):
            for i in range(count):
                x = (i - (count - 1) / 2) * width / 2
                cloth = linen if row == 0 else cover
                size = (0.85 * width / count, 0.4, 0.2)
                parts.ball(frame, (x, -length / 2 + 0.26 + 0.2 * row, top + 0.08), size, cloth, tilt=0.35)
        for x, y, across, along, high, turn in rumpled:
            place = ((x - 0.5) * width * 0.8, 0.35 + (y - 0.5) * length * 0.6, top - 0.01)
            parts.ball(frame, place, (0.3 + across, 0.2 + 0.6 * along, 0.06 + 0.14 * high), cover, yaw=3 * turn)

    return Piece(width + 0.08, length + 0.08, head, build, (top + 0.02, 0.7 * width, 0.8))


def bunk_bed(rng: np.random.Generator, style: Style) -> Piece:
    """Two beds on four posts, with rails and a ladder."""
    cover, second = finishes.cloth(rng), finishes.cloth(rng)

    def build(parts: Assembly, frame: Frame) -> None:
        for x in (-1, 1):
            for y in (-1, 1):
                parts.box(frame, (0.97 * x, 0.46 * y, 0.85), (0.08, 0.08, 1.7), style.wood)
        for z, cloth in ((0.35, cover), (1.25, second)):
            parts.box(frame, (0, 0, z), (1.9, 0.94, 0.12), style.wood)
            parts.box(frame, (0, 0, z + 0.14), (1.88, 0.9, 0.16), cloth)
            parts.ball(frame, (-0.7, 0, z + 0.26), (0.4, 0.6, 0.14), style.cloth)
            parts.box(frame, (0, 0.46, z + 0.36), (1.9, 0.03, 0.08), style.wood)
        for i in range(6):
            parts.box(frame, (0.65, 0.52, 0.25 + 0.25 * i), (0.35, 0.03, 0.04), style.wood)
        for x in (0.46, 0.84):
            parts.box(frame, (x, 0.52, 0.8), (0.04, 0.04, 1.6), style.wood)

    return Piece(2.02, 1.05, 1.7, build)


def _headboard(parts: Assembly, frame: Frame, width: float, height: float, barred: bool, style: Style) -> None:
    if not barred:
        parts.box(frame, (0, 0, height / 2), (width, 0.05, height), style.wood)
        return
    parts.box(frame, (0, 0, height - 0.04), (width, 0.05, 0.08), style.wood)
    for x in np.linspace(-width / 2 + 0.03, width / 2 - 0.03, 8):
        parts.box(frame, (x, 0, height / 2), (0.035, 0.035, height), style.wood)
