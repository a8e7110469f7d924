"""Renders a view: what each pixel's ray meets, its texture, its light, and what the sensor needs."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import lighting, textures
from depth_tf.synthetic_rooms.camera import HEIGHT_PX, WIDTH_PX, Camera, pixel_slopes
from depth_tf.synthetic_rooms.casting import NOTHING, Mesh, cast
from depth_tf.synthetic_rooms.lighting import LitRoom
from depth_tf.synthetic_rooms.materials import colour_matrices
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
        self._faces, self._mesh, self._lit, self._texels = faces, Mesh(faces.corners_m), lit, texels

    def render(self, camera: Camera, rng: np.random.Generator, *, shape: tuple = (HEIGHT_PX, WIDTH_PX)) -> Rendering:
        """Returns the view of `camera`; `rng` only dithers textures."""
        columns, rows = pixel_slopes(*shape)
        inverse, face = (each[0] for each in cast(self._mesh, [camera], columns, rows))
        with np.errstate(divide="ignore"):
            depth_m = 1 / inverse
        used = np.bincount(face.ravel() - NOTHING) > 0
        face = (np.cumsum(used) - 1).take(face - NOTHING)  # numbers the faces that are seen
        table = _tables(self._faces, np.maximum(np.flatnonzero(used) + NOTHING, 0))  # nothing looks like face 0
        flat, axes = face.ravel(), camera.axes.astype(np.float32)
        across, down = columns.astype(np.float32), rows.astype(np.float32)[:, None]
        ray = np.stack([(across * axes[0, i] + down * axes[1, i] + axes[2, i]).ravel() for i in range(3)])
        far_m = np.minimum(depth_m, 100).ravel()
        position = camera.position_m.astype(np.float32)[:, None] + far_m * ray
        normal = table.normal.take(flat, axis=1)
        incidence = np.abs(lighting.dot(normal, ray)) / np.sqrt(lighting.dot(ray, ray))
        pixel_m = far_m * np.float32(columns[1] - columns[0]) / np.sqrt(incidence + np.float32(0.05))
        reflectance = self._reflectance(table, flat, position, pixel_m, rng)
        # Light changes slowly over a face: of a square of 2 x 2 pixels, those on one face share that of the first.
        own = _spread(face[::2, ::2], shape) != face
        own[::2, ::2] = True
        lit, shared = np.flatnonzero(own), np.cumsum(own).reshape(shape) - 1
        shared = np.where(own, shared, _spread(shared[::2, ::2], shape)).ravel()
        place, near = position.take(lit, axis=1), _spread(lighting.occlusion(inverse[::2, ::2]), shape).take(lit)
        bent = _round_off(table, flat.take(lit), place, normal.take(lit, axis=1))
        light = lighting.irradiance(self._lit, place, bent, near).take(shared, axis=1)
        gloss, glow = table.gloss.take(flat), table.glow.take(flat)
        sheen = gloss * (np.float32(0.03) + np.float32(0.4) * (1 - incidence) ** 4)  # what polish mirrors of the room
        radiance = reflectance * (light + glow) + self._lit.ambient[:, None] * sheen
        maps = [values.reshape(shape) for values in (incidence, reflectance.mean(axis=0), gloss, glow)]
        # Pixels beside another face are mixed with it, which hides the steps of edges; white stays white.
        beside, white = np.flatnonzero(flat[:-1] != flat[1:]), 12 * np.median(radiance[:, ::16])
        mixed = (np.minimum(radiance.take(beside + i, axis=1), white) for i in range(2))
        radiance[:, beside] = sum(mixed) / 2
        return Rendering(radiance.reshape(3, *shape), depth_m, *maps)

    def _reflectance(self, table, face, position, pixel_m, rng: np.random.Generator) -> np.ndarray:
        """Returns the colour of points, [3, n] float32, whose pixels are `pixel_m` wide, [n]."""
        level = np.clip(np.log2(pixel_m * table.density.take(face)), 0, textures.LEVELS - 1).astype(np.intp)
        uv = rng.random((2, len(face)), dtype=np.float32)
        uv -= np.float32(0.5)
        uv *= (np.float32(1 / SIZE_PX) * 2 ** np.arange(textures.LEVELS, dtype=np.float32)).take(level)
        for axis in range(2):
            x, y, z, offset = (row.take(face) for row in table.uv[4 * axis : 4 * axis + 4])
            uv[axis] += x * position[0] + y * position[1] + z * position[2] + offset
        texel = textures.look_up(self._texels, table.texture.take(face), uv, level)
        mix, colour = table.colours, np.empty_like(position)
        for i in range(3):
            colour[i] = mix[4 * i + 3].take(face)
            for channel in range(3):
                colour[i] += mix[4 * i + channel].take(face) * texel[channel]
        return np.maximum(colour, np.float32(0.003), out=colour)


def _spread(coarse: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns [H, W]: each of [H / 2, W / 2] values, rounded up, at a square of 2 x 2 pixels."""
    return np.repeat(np.repeat(coarse, 2, axis=1), 2, axis=0)[: shape[0], : shape[1]]


def _round_off(table: "_Table", face: np.ndarray, position: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Returns normals bent, near the edges of soft boxes and all over columns, towards the faces next to them."""
    soft = np.flatnonzero(table.bend.take(face) > 0)
    own, place, bent = face.take(soft), position.take(soft, axis=1), normal.take(soft, axis=1)
    for axis in range(2):
        *direction, offset = (row.take(own) for row in table.places[4 * axis : 4 * axis + 4])
        radius = table.radii[axis].take(own)
        along = 2 * (lighting.dot(direction, place) + offset) - 1  # -1 to 1 from edge to edge
        beyond = np.sign(along) * np.maximum(np.abs(along) - (1 - radius), 0) / radius
        bent += table.bend.take(own) * beyond * direction / np.sqrt(lighting.dot(direction, direction))
    normal[:, soft] = bent / np.sqrt(lighting.dot(bent, bent))
    return normal


@dataclasses.dataclass(frozen=True)
class _Table:
    """What the points of n faces look up, float32 except `texture`."""

    normal: np.ndarray  # [3, n]
    places: np.ndarray  # [8, n]: 3 factors and an offset that give 0 to 1 across from a world position; the same down
    uv: np.ndarray  # [8, n]: the same, in repeats of the texture
    density: np.ndarray  # [n] texels per metre
    bend: np.ndarray  # [n] how far normals bend
    radii: np.ndarray  # [2, n] over which share of the face each way
    colours: np.ndarray  # [12, n] as in `materials.colour_matrices`, of texels up to 255
    texture: np.ndarray  # [n] int
    gloss: np.ndarray  # [n]
    glow: np.ndarray  # [n]


def _tables(faces: Faces, seen: np.ndarray) -> _Table:
    """Returns the table of the faces `seen`, [n]."""
    corners_m, material, is_round = faces.corners_m[seen], faces.material[seen], faces.round[seen]
    lower_left, lower_right, upper_right, upper_left = np.moveaxis(corners_m, 1, 0)
    across = (upper_right - upper_left + lower_right - lower_left) / 2
    down = (lower_left - upper_left + lower_right - upper_right) / 2
    normal = np.cross(down, across)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    used, number = np.unique(material, return_inverse=True)
    materials = [faces.materials[index] for index in used]
    of_material = [(m.tile_m, m.soft_m, m.grain_along, m.texture, m.gloss, m.glow) for m in materials]
    tile_m, soft_m, follows, texture, gloss, glow = np.array(of_material)[number].T
    colours = colour_matrices(materials)
    colours[:, :, :3] /= 255
    turned = (follows > 0) & ((down**2).sum(axis=1) > (across**2).sum(axis=1))
    places, repeats, radii = [], [], []
    for axis in range(2):
        side = np.where((turned != axis)[:, None], down, across)
        extent = np.linalg.norm(side, axis=1)
        factors = side / (extent * extent)[:, None]
        places += [*factors.T, 0.5 - (factors * corners_m.mean(axis=1)).sum(axis=1)]
        repeats.append(np.where(tile_m > 0, extent / np.maximum(tile_m, 0.01), 1))
        curved = (is_round == 2) | (is_round == 1) & (turned == axis)
        radii.append(np.where(curved, 1, np.where(is_round > 0, 1e-3, np.clip(2 * soft_m / extent, 1e-3, 1))))
    density = SIZE_PX * repeats[0] * np.sqrt(places[0] ** 2 + places[1] ** 2 + places[2] ** 2)
    bend = np.where(is_round > 0, ROUNDNESS, soft_m > 0)
    normal, places, repeats, *rest = (
        np.ascontiguousarray(each, np.float32)
        for each in (normal.T, places, repeats, density, bend, radii, colours[number].reshape(-1, 12).T)
    )
    uv = places * np.repeat(repeats, 4, axis=0)
    return _Table(normal, places, uv, *rest, texture.astype(np.intp), gloss.astype("f4"), glow.astype("f4"))
