"""From what a ray met to the point, the normal and the texture coordinates there."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import textures
from depth_tf.synthetic_rooms.camera import Camera
from depth_tf.synthetic_rooms.noise import SIZE_PX
from depth_tf.synthetic_rooms.solids import BALL, BOX, FACES, Solids


@dataclasses.dataclass(frozen=True)
class Samples:
    """Rays that met something, n of them.

    Attributes:
      face: [n] int, as in `casting.Hits`.
      depth_m: [n] float32, along the optical axis.
      column: [n] float32, slope to the right.
      row: [n] float32, slope downwards.
    """

    face: np.ndarray
    depth_m: np.ndarray
    column: np.ndarray
    row: np.ndarray


@dataclasses.dataclass(frozen=True)
class Points:
    """Where the rays of `Samples` ended.

    Attributes:
      position_m: [3, n] float32, world metres.
      normal: [3, n] float32, unit, world.
      incidence: [n] float32, cosine between the normal and the way back to the camera.
      u: [n] float32, texture repeats.
      v: [n] float32, texture repeats.
      material: [n] int.
      level: [n] int, texture size that suits the distance.
    """

    position_m: np.ndarray
    normal: np.ndarray
    incidence: np.ndarray
    u: np.ndarray
    v: np.ndarray
    material: np.ndarray
    level: np.ndarray


class Surfaces:
    """The faces of a room's solids, as tables that samples look themselves up in."""

    def __init__(self, solids: Solids):
        self._solids = solids
        self._tile_m = np.array([material.tile_m for material in solids.materials])[solids.material]
        self._soft_m = np.array([m.soft_m for m in solids.materials], np.float32)[solids.material]
        self._soft_m[solids.kind != BOX] = 0
        self._material = np.repeat(solids.material, FACES).astype(np.int32)
        self._table = _box_tables(solids, self._tile_m)

    def points(self, samples: Samples, camera: Camera, *, pixel_slope: float) -> Points:
        """Returns where `samples`, cast from `camera`, ended; `pixel_slope` is one pixel's width at 1 m."""
        axes = camera.axes.astype(np.float32)
        ray = [samples.column * axes[0, i] + samples.row * axes[1, i] + axes[2, i] for i in range(3)]
        place = [camera.position_m[i].astype(np.float32) + samples.depth_m * ray[i] for i in range(3)]
        table = self._table.take(samples.face, axis=1)
        normal = table[:3]
        u = table[3] * place[0] + table[4] * place[1] + table[5] * place[2] + table[6]
        v = table[7] * place[0] + table[8] * place[1] + table[9] * place[2] + table[10]
        position = np.stack(place)
        self._round_edges(samples.face, position, normal)
        curved = np.flatnonzero((self._solids.kind != BOX)[samples.face // FACES])
        if len(curved):
            normal[:, curved], u[curved], v[curved] = self._curved(samples.face[curved], position[:, curved])
        length = np.sqrt(ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2)
        incidence = np.abs(normal[0] * ray[0] + normal[1] * ray[1] + normal[2] * ray[2]) / length
        texels = samples.depth_m * table[11] * np.float32(pixel_slope) / np.sqrt(incidence + 0.05)
        level = np.clip(np.log2(texels), 0, textures.LEVELS - 1).astype(np.int32)
        return Points(position, normal, incidence, u, v, self._material[samples.face], level)

    def _round_edges(self, face: np.ndarray, position: np.ndarray, normal: np.ndarray) -> None:
        """Bends the normals near the edges of soft boxes towards the faces next to them."""
        solids = self._solids
        soft = np.flatnonzero((self._soft_m > 0)[face // FACES])
        which = face[soft] // FACES
        offset = position[:, soft] - solids.centre_m.astype(np.float32)[which].T
        bent = normal[:, soft]
        for axis in range(3):
            direction = np.ascontiguousarray(solids.axes[:, axis].T, np.float32)[:, which]
            along = direction[0] * offset[0] + direction[1] * offset[1] + direction[2] * offset[2]
            half = solids.half_m[:, axis].astype(np.float32)[which]
            radius = np.minimum(self._soft_m[which], half)
            beyond = np.maximum(np.abs(along) - (half - radius), 0) / radius
            beyond *= np.where(face[soft] % FACES // 2 == axis, np.float32(0), np.sign(along))
            bent = bent + direction * beyond
        normal[:, soft] = bent / np.sqrt((bent**2).sum(axis=0))

    def _curved(self, face: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns normals [3, n], u and v of points on balls, cylinders and cones."""
        solids, which, end = self._solids, face // FACES, face % FACES
        axes, half = solids.axes[which].astype(np.float32), solids.half_m[which].astype(np.float32)
        offset = position.T - solids.centre_m[which].astype(np.float32)
        local = np.einsum("nij,nj->ni", axes, offset) / half
        ball = solids.kind[which] == BALL
        gradient = local / half
        slant = (1 - solids.taper[which]) / 2
        radius = np.where(ball, 1, np.maximum(np.hypot(local[:, 0], local[:, 1]), 1e-3))
        gradient[:, 2] = np.where(ball, gradient[:, 2], radius * slant / half[:, 2])
        flat = end > 0
        gradient[flat] = 0
        gradient[flat, 2] = np.where(end[flat] == 2, 1, -1)
        gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
        normal = np.einsum("nij,ni->jn", axes, gradient)
        angle = np.arctan2(local[:, 1], local[:, 0])
        tile = self._tile_m[which]
        around = np.where(tile > 0, angle * half[:, :2].mean(axis=1) / np.maximum(tile, 0.01), angle / np.pi)
        along = np.where(tile > 0, local[:, 2] * half[:, 2] / np.maximum(tile, 0.01), local[:, 2] / 2 + 0.5)
        scale = np.where(tile > 0, half[:, 0] / np.maximum(tile, 0.01), 0.5)
        u = np.where(flat, local[:, 0] * scale, around)
        v = np.where(flat, local[:, 1] * scale, -along)
        return normal, u, v


def _box_tables(solids: Solids, tile_m: np.ndarray) -> np.ndarray:
    """Returns [12, N * FACES] float32: normal, U and its offset, V and its offset, texels a metre.

    A face's texture coordinates are linear in world position: U . p + offset.
    """
    count = len(solids.kind)
    table = np.zeros((count, FACES, 12))
    texture = [material.texture for material in solids.materials]
    follows = np.array([textures.follows_longer_side(index) for index in texture])[solids.material]
    every = np.arange(count)
    for axis, (across, down) in enumerate([(1, 2), (0, 2), (0, 1)]):
        turned = follows & (solids.half_m[:, down] > solids.half_m[:, across])
        u_axis, v_axis = np.where(turned, down, across), np.where(turned, across, down)
        for side in (0, 1):
            row = table[:, axis * 2 + side]
            row[:, :3] = solids.axes[:, axis] * (2 * side - 1)
            for start, which, sign in ((3, u_axis, 1), (7, v_axis, -1)):
                direction = solids.axes[every, which] * sign
                half = solids.half_m[every, which]
                centred = -np.einsum("ni,ni->n", direction, solids.centre_m) / (2 * half) + 0.5
                repeats = np.where(tile_m > 0, 1 / np.maximum(tile_m, 1e-2), 1 / (2 * half))
                row[:, start : start + 3] = direction * repeats[:, None]
                row[:, start + 3] = np.where(tile_m > 0, 0, centred)
                if start == 3:
                    row[:, 11] = SIZE_PX * repeats
    return np.ascontiguousarray(table.reshape(count * FACES, 12).T.astype(np.float32))
