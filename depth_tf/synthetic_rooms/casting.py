"""Casts the rays of a camera at a scene: which surface each ray meets first, and at what depth.

Every solid is a unit shape (box, ball, cylinder or cone) under an affine map, which keeps ray parameters. The
code works with inverse depth w: in a solid's own coordinates a ray from o along d meets the plane s of axis k at
w = d_k / (s - o_k), and at inverse depth w it is at (o w + d) / w. For the flat faces both are linear in the
column and the row slope, so a face is a few comparisons of a row vector with a column vector, made only inside
the rectangle that the face's outline covers.
"""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms.camera import Camera, Grid
from depth_tf.synthetic_rooms.solids import BALL, BOX, FACES, Solids

NEAR_M = 0.05  # nothing nearer than this is seen
NOTHING = -1


@dataclasses.dataclass(frozen=True)
class Hits:
    """What each ray of a grid meets first.

    Attributes:
      inverse_depth: [G, H, W] float, 1/metres along the optical axis; 0 where nothing is met.
      face: [G, H, W] int32, solid * FACES + face; NOTHING where nothing is met.
    """

    inverse_depth: np.ndarray
    face: np.ndarray


@dataclasses.dataclass(frozen=True)
class _View:
    """Rays in the coordinates of the unit shapes: origin [N, 3], and [N, 3, 3] from slopes to direction."""

    origin: np.ndarray
    direction: np.ndarray


def cast(solids: Solids, camera: Camera, grid: Grid) -> Hits:
    """Casts all rays of `grid` from `camera` at `solids`, in the precision of `grid`."""
    dtype = grid.columns.dtype
    shape = (grid.columns.shape[0], grid.rows.shape[1], grid.columns.shape[1])
    hits = Hits(np.zeros(shape, dtype), np.full(shape, NOTHING, np.int32))
    view = _to_unit(solids, camera)
    limits = _limits(solids, camera, grid)
    _cast_boxes(solids, camera, view, grid, limits, hits)
    _cast_curved(solids, camera, view, grid, limits, hits)
    return hits


def _limits(solids: Solids, camera: Camera, grid: Grid) -> np.ndarray:
    """Returns [N, 4] int: the part of the image in which each solid can be seen, as in `_areas`."""
    whole = np.array([[0, grid.columns.shape[1], 0, grid.rows.shape[1]]])
    if not solids.portals:
        return whole[np.zeros(len(solids.kind), int)]
    outlines = (np.stack(solids.portals) - camera.position_m) @ camera.axes.T
    return np.concatenate([whole, _areas(outlines, grid)])[solids.room]


def _within(areas: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Returns the common part of two arrays of areas."""
    low, high = np.maximum(areas, limits), np.minimum(areas, limits)
    return np.stack([low[:, 0], high[:, 1], low[:, 2], high[:, 3]], axis=1)


def _to_unit(solids: Solids, camera: Camera) -> _View:
    scaled = solids.axes / solids.half_m[:, :, None]
    origin = np.einsum("nij,nj->ni", scaled, camera.position_m - solids.centre_m)
    return _View(origin, scaled @ camera.axes.T)


def _cast_boxes(solids: Solids, camera: Camera, view: _View, grid: Grid, limits: np.ndarray, hits: Hits) -> None:
    """Writes the box faces that are turned to the camera into `hits`."""
    solid, axis = np.nonzero((np.abs(view.origin) > 1) & (solids.kind == BOX)[:, None])
    side = np.sign(view.origin[solid, axis])
    outline = _outline(solids, camera, solid, axis, side)
    areas = _within(_areas(outline, grid), limits[solid])
    seen = np.flatnonzero((areas[:, 1] > areas[:, 0]) & (areas[:, 3] > areas[:, 2]))
    seen = seen[np.argsort(outline[seen, :, 2].min(axis=1))]  # near ones first: most far ones then stop early
    solid, axis, side, areas = solid[seen], axis[seen], side[seen], areas[seen]
    nearest = 1 / np.maximum(outline[seen, :, 2].min(axis=1), 1e-6)
    lines = _face_lines(view.origin[solid], view.direction[solid], axis, side)
    columns = lines[:, :, 0, None, None] * grid.columns + lines[:, :, 2, None, None]
    rows = (-lines[:, :, 1, None, None] * grid.rows).astype(grid.rows.dtype)[..., None]
    columns = columns.astype(grid.columns.dtype)[:, :, :, None, :]
    codes = solid * FACES + axis * 2 + (side > 0)
    for index, (left, right, top, bottom) in enumerate(areas):
        best = hits.inverse_depth[:, top:bottom, left:right]
        if best.min() > nearest[index]:
            continue
        column, row = columns[index, ..., left:right], rows[index, :, :, top:bottom]
        inverse_depth = column[4] - row[4]
        met = inverse_depth > best
        met &= np.logical_and.reduce(column[:4] >= row[:4], axis=0)
        np.copyto(best, inverse_depth, where=met)
        np.copyto(hits.face[:, top:bottom, left:right], codes[index], where=met)


def _face_lines(origin: np.ndarray, direction: np.ndarray, axis: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Returns [F, 5, 3]: four lines that are >= 0 inside each face, and its inverse depth, times slopes."""
    every = np.arange(len(axis))
    depth = direction[every, axis] / (side - origin[every, axis])[:, None]
    lines = []
    for other in (1, 2):
        k = (axis + other) % 3
        across = origin[every, k, None] * depth + direction[every, k]
        lines += [depth - across, depth + across]
    return np.stack([*lines, depth], axis=1)


def _outline(solids: Solids, camera: Camera, solid: np.ndarray, axis: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Returns the corners of box faces in camera coordinates, in order around each: [F, 4, 3]."""
    every = np.arange(len(axis))
    corners = np.empty((len(axis), 4, 3))
    for corner, (first, second) in enumerate([(-1, -1), (1, -1), (1, 1), (-1, 1)]):
        corners[every, corner, axis] = side
        corners[every, corner, (axis + 1) % 3] = first
        corners[every, corner, (axis + 2) % 3] = second
    corners *= solids.half_m[solid][:, None]
    world = corners @ solids.axes[solid] + (solids.centre_m[solid] - camera.position_m)[:, None]
    return world @ camera.axes.T


def _areas(outline: np.ndarray, grid: Grid) -> np.ndarray:
    """Returns [F, 4] int: first and last + 1 column, first and last + 1 row that each convex outline may cover."""
    following = np.roll(outline, -1, axis=1)
    near, far = outline[..., 2], following[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip((NEAR_M - near) / (far - near), 0, 1)[..., None]
    crossing = outline + np.nan_to_num(share) * (following - outline)
    points = np.concatenate([outline, crossing], axis=1)
    behind = points[..., 2] < NEAR_M * 0.999
    depth_m = np.where(behind, 1.0, points[..., 2])
    areas = np.empty((len(outline), 4), int)
    for image_axis, slopes in ((0, grid.columns), (1, grid.rows)):
        slope = points[..., image_axis] / depth_m
        lowest = np.where(behind, np.inf, slope).min(axis=1)
        highest = np.where(behind, -np.inf, slope).max(axis=1)
        areas[:, 2 * image_axis : 2 * image_axis + 2] = _index_range(lowest, highest, slopes)
    return areas


def _index_range(lowest: np.ndarray, highest: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Returns [..., 2] int: a range of indices that holds every slope of any grid in [lowest, highest]."""
    step = float(slopes[0, 1] - slopes[0, 0])
    count = slopes.shape[1]
    empty = ~(highest >= lowest)
    first = (np.where(empty, 0.0, lowest) - float(slopes[:, 0].max())) / step
    last = (np.where(empty, -1e9, highest) - float(slopes[:, 0].min())) / step
    first = np.clip(np.floor(first), 0, count)
    return np.stack([first, np.clip(np.ceil(last) + 1, 0, count)], axis=-1).astype(int)


def _cast_curved(solids: Solids, camera: Camera, view: _View, grid: Grid, limits: np.ndarray, hits: Hits) -> None:
    """Writes balls, cylinders and cones into `hits`, each inside the rectangle of its bounding box."""
    solid = np.flatnonzero(solids.kind != BOX)
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
    corners = corners * solids.half_m[solid][:, None]
    world = corners @ solids.axes[solid] + (solids.centre_m[solid] - camera.position_m)[:, None]
    points = world @ camera.axes.T
    inside = points[..., 2].min(axis=1) < NEAR_M  # a curved solid that reaches behind the camera is left out
    areas = _within(_areas(points, grid), limits[solid])
    for index in np.flatnonzero(~inside & (areas[:, 1] > areas[:, 0]) & (areas[:, 3] > areas[:, 2])):
        left, right, top, bottom = areas[index]
        which = solid[index]
        origin = view.origin[which]
        ray = _directions(view.direction[which], grid.columns[:, left:right], grid.rows[:, top:bottom])
        part = Hits(hits.inverse_depth[:, top:bottom, left:right], hits.face[:, top:bottom, left:right])
        if solids.kind[which] == BALL:
            _cast_ball(which, origin, ray, part)
        else:
            _cast_cone(which, origin, ray, solids.taper[which], part)


def _directions(direction: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    direction = direction.astype(columns.dtype)
    return [(a * columns + c)[:, None, :] + (b * rows)[:, :, None] for a, b, c in direction]


def _cast_ball(solid: int, origin: np.ndarray, ray: list[np.ndarray], hits: Hits) -> None:
    """The unit ball: w solves (o.o - 1) w^2 + 2 (o.d) w + d.d = 0."""
    x, y, z = (ray[0].dtype.type(value) for value in origin)
    outside = x * x + y * y + z * z - 1
    if outside <= 0:
        return
    along = x * ray[0] + y * ray[1] + z * ray[2]
    under_root = along * along - outside * (ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
    inverse_depth = (np.sqrt(np.maximum(under_root, 0)) - along) / outside
    _keep(solid * FACES, inverse_depth, (under_root > 0) & (inverse_depth > hits.inverse_depth), hits)


def _cast_cone(solid: int, origin: np.ndarray, ray: list[np.ndarray], taper: float, hits: Hits) -> None:
    """The unit cylinder, narrowed to radius `taper` at its top: radius(z) = middle + slant z, |z| <= 1."""
    kind = ray[0].dtype.type
    x, y, z = (kind(value) for value in origin)
    middle, slant = kind((1 + taper) / 2), kind((taper - 1) / 2)
    radius = middle + slant * z
    outside = x * x + y * y - radius * radius
    if outside > 0:
        along = x * ray[0] + y * ray[1] - (slant * radius) * ray[2]
        square = ray[0] * ray[0] + ray[1] * ray[1] - (slant * slant) * (ray[2] * ray[2])
        under_root = along * along - outside * square
        inverse_depth = (np.sqrt(np.maximum(under_root, 0)) - along) / outside
        met = (under_root > 0) & (np.abs(z * inverse_depth + ray[2]) <= inverse_depth)
        _keep(solid * FACES, inverse_depth, met & (inverse_depth > hits.inverse_depth), hits)
    if abs(z) > 1:
        side = np.sign(z)
        inverse_depth = ray[2] / (side - z)
        across = (x * inverse_depth + ray[0]) ** 2 + (y * inverse_depth + ray[1]) ** 2
        met = across <= (kind(1 if side < 0 else taper) * inverse_depth) ** 2
        code = solid * FACES + (2 if side > 0 else 1)
        _keep(code, inverse_depth, met & (inverse_depth > hits.inverse_depth), hits)


def _keep(code: int, inverse_depth: np.ndarray, met: np.ndarray, hits: Hits) -> None:
    np.copyto(hits.inverse_depth, inverse_depth, where=met)
    np.copyto(hits.face, code, where=met)
