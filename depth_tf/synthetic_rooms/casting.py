"""Which face each ray of some cameras meets first: every face of a view at once, without a loop.

A face is a flat convex quadrilateral. In homogeneous form (Olano & Greer, Graphics Hardware 1997) the ray (u, v, 1)
passes inside its edge from p to q where (q x p) . (u, v, 1) >= 0, and meets its plane n . x = d at the inverse depth
n . (u, v, 1) / d. All are linear, so that each row of pixels that it covers is one run of columns with ends known
exactly; the runs of all faces then compete for the pixels.
"""

import numpy as np

from depth_tf.synthetic_rooms.camera import Camera

NEAR_M = 0.05  # nothing nearer than this is seen
NOTHING = -1
CHUNK = 8_192  # pixels at once: few enough that they stay in the processor's cache


class Mesh:
    """F faces, [F, 4, 3] world metres, counter-clockwise from outside, from where alone they are seen."""

    def __init__(self, corners_m: np.ndarray):
        self.corners = np.ascontiguousarray(corners_m.transpose(2, 1, 0))  # [3, 4, F]
        self.normal = np.cross(self.corners[:, 1] - self.corners[:, 0], self.corners[:, 3] - self.corners[:, 0], axis=0)
        self.offset = (self.normal * self.corners[:, 0]).sum(axis=0)
        self.centre = self.corners.mean(axis=1)
        self.radius = np.sqrt(((self.corners - self.centre[:, None]) ** 2).sum(axis=0).max(axis=0))


def cast(mesh: Mesh, cameras: list[Camera], columns: np.ndarray, rows: np.ndarray) -> tuple:
    """Casts the same rays, evenly spaced slopes to the right, [W], and down, [H], from each of V cameras.

    Returns what each ray meets first, [V, H, W] each: its inverse depth along the optical axis, float32, 1/metres, 0
    where nothing is met, and the index of the face, int32, NOTHING there.
    """
    view, face, inner, plane, area = _project(mesh, cameras, columns, rows)
    item, row, first, count = _runs([*inner, plane, [[0.0], [0.0], [1 / NEAR_M]] - plane], area, columns, rows)
    best = np.zeros(len(cameras) * len(rows) * len(columns), np.int64)
    across, down, ahead = plane[:, item]
    begin, step = across * columns[first] + down * rows[row] + ahead, across * (columns[1] - columns[0])
    pixel, code = (view[item] * len(rows) + row) * len(columns) + first, face[item] + 1
    start = np.cumsum(count) - count
    for part in np.split(np.arange(len(item)), np.searchsorted(start, np.arange(CHUNK, count.sum(), CHUNK))):
        length, offset = count[part], start[part] - start[part[:1]]
        index = np.arange(length.sum())
        inverse = np.repeat(begin[part] - step[part] * offset, length) + np.repeat(step[part], length) * index
        # The bits of a positive float, read as a whole number, keep their order: the greatest is the nearest face.
        key = inverse.astype(np.float32).view(np.int32).astype(np.int64) << 32
        np.maximum.at(best, np.repeat(pixel[part] - offset, length) + index, key | np.repeat(code[part], length))
    best = best.reshape(len(cameras), len(rows), len(columns))
    return (best >> 32).astype(np.int32).view(np.float32), (best & 0xFFFFFFFF).astype(np.int32) - 1


def _project(mesh: Mesh, cameras: list[Camera], columns: np.ndarray, rows: np.ndarray) -> tuple:
    """Returns what may be seen, n faces in all: its view [n], its face [n], four edges and plane, areas [5, n].

    Edges and planes are factors of (u, v, 1); areas first and last + 1 column and row, and 1 if it reaches behind.
    """
    # Planes that bound a view, as rows that point inwards: most faces lie wholly outside one and go no further.
    sides = np.array([(1, 0, -columns[0]), (-1, 0, columns[-1]), (0, 1, -rows[0]), (0, -1, rows[-1]), (0, 0, 1)])
    sides /= np.linalg.norm(sides, axis=1, keepdims=True)
    found = []
    for view, camera in enumerate(cameras):
        distance = camera.position_m @ mesh.normal - mesh.offset
        reach = sides @ camera.axes @ (mesh.centre - camera.position_m[:, None]) + mesh.radius
        face = np.flatnonzero((distance > 1e-9) & (reach > 0).all(axis=0))
        local = np.tensordot(camera.axes, mesh.corners.take(face, axis=2) - camera.position_m[:, None, None], 1)
        area = _areas(local, columns, rows)
        seen = np.flatnonzero((area[0] < area[1]) & (area[2] < area[3]))
        plane = -(camera.axes @ mesh.normal[:, face[seen]]) / distance[face[seen]]
        found.append((np.full(len(seen), view), face[seen], local[:, :, seen], plane, area[:, seen]))
    view, face, local, plane, area = (np.concatenate(each, axis=-1) for each in zip(*found, strict=True))
    return view, face, [np.cross(local[:, q], local[:, q - 1], axis=0) for q in range(4)], plane, area


def _areas(corners: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Returns [5, n] int: the rectangles of pixels that faces, [3, 4, n], may cover: all where one reaches behind."""
    depth_m = corners[2]
    before = depth_m.min(axis=0) > NEAR_M
    inverse = 1 / np.where(before, depth_m, 1.0)
    bounds = []
    for axis, slopes in enumerate((columns, rows)):
        at = (corners[axis] * inverse - slopes[0]) / (slopes[1] - slopes[0])
        low = np.where(before, np.clip(np.ceil(at.min(axis=0)), 0, len(slopes)), 0)
        high = np.where(before, np.clip(np.floor(at.max(axis=0)) + 1, 0, len(slopes)), len(slopes))
        bounds += [low, np.where(depth_m.max(axis=0) > NEAR_M, high, 0)]
    return np.stack([*bounds, ~before]).astype(np.int64)


def _runs(lines: list[np.ndarray], area: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> tuple:
    """Returns the runs of pixels in which all lines are at least 0: item, row, first column and length, [m] each."""
    height = area[3] - area[2]
    item = np.repeat(np.arange(len(height)), height)
    row = np.arange(len(item)) - np.repeat(np.cumsum(height) - height - area[2], height)
    slope, low, high = rows[row], np.full(len(item), -np.inf), np.full(len(item), np.inf)
    near = np.flatnonzero(area[4, item])
    for number, (across, down, ahead) in enumerate(lines):
        part = slice(None) if number < 4 else near  # the edges alone bound a face that lies all in front
        across, which = np.where(across == 0, 1e-30, across), item[part]
        bound, rising = (-down / across)[which] * slope[part] + (-ahead / across)[which], (across > 0)[which]
        low[part] = np.maximum(low[part], np.where(rising, bound, -np.inf))
        high[part] = np.minimum(high[part], np.where(rising, np.inf, bound))
    step = columns[1] - columns[0]
    first = np.clip(np.ceil((low - columns[0]) / step), area[0][item], len(columns)).astype(np.int64)
    last = np.clip(np.floor((high - columns[0]) / step) + 1, 0, area[1][item]).astype(np.int64)
    some = np.flatnonzero(last > first)
    return item[some], row[some], first[some], (last - first)[some]
