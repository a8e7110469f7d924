"""Renders a view: what each pixel's ray meets, its texture, its light, and what the sensor needs."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import lighting, textures
from depth_tf.synthetic_rooms.camera import HEIGHT_PX, WIDTH_PX, Camera, pixel_slopes
from depth_tf.synthetic_rooms.casting import Mesh, cast
from depth_tf.synthetic_rooms.lighting import LitRoom
from depth_tf.synthetic_rooms.solids import Faces
from depth_tf.synthetic_rooms.textures import SIZE_PX

ROUNDNESS = np.tan(np.pi / 8)  # how far a column's side bends its normal, so that it meets its neighbour's


@dataclasses.dataclass(frozen=True)
class Rendering:
    """One view, before any camera."""

    radiance: np.ndarray  # [3, H, W] float32, linear red, green, blue
    depth_m: np.ndarray  # [H, W] float32 along the optical axis, infinity where nothing is met
    incidence: np.ndarray  # [H, W] float32, cosine of the angle at which the ray meets the surface
    reflectance: np.ndarray  # [H, W] float32, mean over colours
    gloss: np.ndarray  # [H, W] float32
    glow: np.ndarray  # [H, W] float32


class Renderer:
    """Renders views of one room."""

    def __init__(self, faces: Faces, lit: LitRoom, texels: np.ndarray):
        materials = faces.materials
        self._mesh, self._lit, self._texels = Mesh(faces.corners_m), lit, texels
        self._normal, self._table = _tables(faces)
        self._uv = self._table[:8] * np.repeat(self._table[8:10], 4, axis=0)
        self._texture = np.array([material.texture for material in materials])[faces.material]
        shine = np.array([(material.gloss, material.glow) for material in materials], np.float32)
        self._gloss, self._glow = shine.T[:, faces.material]
        colours = np.stack([each.colour_matrix() for each in materials])[faces.material] / (255, 255, 255, 1)
        self._colours = np.ascontiguousarray(colours.reshape(-1, 12).T.astype(np.float32))

    def render(self, camera: Camera, rng: np.random.Generator, *, shape: tuple = (HEIGHT_PX, WIDTH_PX)) -> Rendering:
        """Returns the view of `camera`; `rng` only dithers textures."""
        columns, rows = pixel_slopes(*shape)
        inverse, face = (each[0] for each in cast(self._mesh, [camera], columns, rows))
        depth_m = np.divide(1, inverse, out=np.full_like(inverse, np.inf), where=inverse > 0)
        flat, axes = np.maximum(face, 0).ravel().astype(np.intp), camera.axes.astype(np.float32)
        across, down = columns.astype(np.float32), rows.astype(np.float32)[:, None]
        ray = np.stack([(across * axes[0, i] + down * axes[1, i] + axes[2, i]).ravel() for i in range(3)])
        far_m = np.minimum(depth_m, 100).ravel()
        position = camera.position_m.astype(np.float32)[:, None] + far_m * ray
        normal = self._normal.take(flat, axis=1)
        incidence = np.abs(lighting.dot(normal, ray)) / np.sqrt(lighting.dot(ray, ray))
        pixel_m = far_m * np.float32(columns[1] - columns[0]) / np.sqrt(incidence + np.float32(0.05))
        reflectance = self._reflectance(flat, position, pixel_m, rng)
        # Light changes slowly over a face: of a square of 2 x 2 pixels, those on one face share that of the first.
        own = _spread(face[::2, ::2], shape) != face
        own[::2, ::2] = True
        lit, shared = np.flatnonzero(own), np.cumsum(own).reshape(shape) - 1
        shared = np.where(own, shared, _spread(shared[::2, ::2], shape)).ravel()
        place, around = position.take(lit, axis=1), _spread(lighting.occlusion(inverse[::2, ::2]), shape).take(lit)
        bent = self._round_off(flat.take(lit), place, normal.take(lit, axis=1))
        light = lighting.irradiance(self._lit, place, bent, around).take(shared, axis=1)
        gloss, glow = self._gloss.take(flat), self._glow.take(flat)
        sheen = gloss * (np.float32(0.03) + np.float32(0.4) * (1 - incidence) ** 4)  # what polish mirrors of the room
        radiance = reflectance * (light + glow) + self._lit.ambient[:, None] * sheen
        maps = [values.reshape(shape) for values in (incidence, reflectance.mean(axis=0), gloss, glow)]
        # Pixels beside another face are mixed with it, which hides the steps of edges; white stays white.
        beside, white = np.flatnonzero(np.diff(face.ravel())), 12 * np.median(radiance[:, ::16])
        radiance[:, beside] = sum(np.minimum(radiance.take(beside + i, axis=1), white) for i in (0, 1)) / 2
        return Rendering(radiance.reshape(3, *shape), depth_m, *maps)

    def _reflectance(self, face, position, pixel_m, rng: np.random.Generator) -> np.ndarray:
        """Returns the colour of points, [3, n] float32, whose pixels are `pixel_m` wide, [n]."""
        level = np.clip(np.log2(pixel_m * self._table[10].take(face)), 0, textures.LEVELS - 1).astype(np.intp)
        uv = (rng.random((2, len(face)), dtype=np.float32) - np.float32(0.5)) / textures.SIZES_PX.take(level)
        for axis in range(2):
            x, y, z, offset = (row.take(face) for row in self._uv[4 * axis : 4 * axis + 4])
            uv[axis] += x * position[0] + y * position[1] + z * position[2] + offset
        texel = textures.look_up(self._texels, self._texture.take(face), uv, level)
        mix, colour = self._colours, np.empty_like(position)
        for i in range(3):
            colour[i] = mix[4 * i + 3].take(face)
            for channel in range(3):
                colour[i] += mix[4 * i + channel].take(face) * texel[channel]
        return np.maximum(colour, np.float32(0.003), out=colour)

    def _round_off(self, face: np.ndarray, position: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Returns normals bent, near the edges of soft boxes and all over columns, towards the faces next to them."""
        soft = np.flatnonzero(self._table[11].take(face) > 0)
        table, place, bent = self._table[:, face[soft]], position[:, soft], normal[:, soft]
        for axis in range(2):
            direction, radius = table[4 * axis : 4 * axis + 3], table[12 + axis]
            along = 2 * (lighting.dot(direction, place) + table[4 * axis + 3]) - 1  # -1 to 1 from edge to edge
            beyond = np.sign(along) * np.maximum(np.abs(along) - (1 - radius), 0) / radius
            bent += table[11] * beyond * direction / np.sqrt(lighting.dot(direction, direction))
        normal[:, soft] = bent / np.sqrt(lighting.dot(bent, bent))
        return normal


def _spread(coarse: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns [H, W]: values of every second row and column, each at a square of 2 x 2 pixels."""
    return np.repeat(np.repeat(coarse, 2, axis=1), 2, axis=0)[: shape[0], : shape[1]]


def _tables(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Returns, for each face, what its points look up, float32: its normal, [3, F], and [14, F].

    Those are 3 factors and an offset that give 0 to 1 across the face from a world position, the same down it, repeats
    of the texture each way, texels per metre, how far normals bend, and over which share of the face each way.
    """
    lower_left, lower_right, upper_right, upper_left = np.moveaxis(faces.corners_m, 1, 0)
    across = (upper_right - upper_left + lower_right - lower_left) / 2
    down = (lower_left - upper_left + lower_right - upper_right) / 2
    normal = np.cross(down, across)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    of_material = [(m.tile_m, m.soft_m, m.grain_along) for m in faces.materials]
    tile_m, soft_m, follows = np.array(of_material)[faces.material].T
    turned = (follows > 0) & ((down**2).sum(axis=1) > (across**2).sum(axis=1))
    places, repeats, radii = [], [], []
    for axis in range(2):
        side = np.where((turned != axis)[:, None], down, across)
        extent = np.linalg.norm(side, axis=1)
        factors = side / (extent * extent)[:, None]
        places += [*factors.T, 0.5 - (factors * faces.corners_m.mean(axis=1)).sum(axis=1)]
        repeats.append(np.where(tile_m > 0, extent / np.maximum(tile_m, 0.01), 1))
        is_round = (faces.round == 2) | (faces.round == 1) & (turned == axis)
        radii.append(np.where(is_round, 1, np.where(faces.round > 0, 1e-3, np.clip(2 * soft_m / extent, 1e-3, 1))))
    density = SIZE_PX * repeats[0] * np.sqrt(places[0] ** 2 + places[1] ** 2 + places[2] ** 2)
    table = [*places, *repeats, density, np.where(faces.round > 0, ROUNDNESS, soft_m > 0), *radii]
    return tuple(np.ascontiguousarray(each, np.float32) for each in (normal.T, table))
