"""Renders a view: what each pixel's ray meets, its texture there, its light, and what the depth sensor needs to know."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import lighting, textures
from depth_tf.synthetic_rooms.camera import HEIGHT_PX, WIDTH_PX, Camera, pixel_slopes
from depth_tf.synthetic_rooms.casting import cast
from depth_tf.synthetic_rooms.lighting import LitRoom
from depth_tf.synthetic_rooms.patterns import SIZE_PX
from depth_tf.synthetic_rooms.solids import Faces

ROUNDNESS = np.tan(np.pi / 8)  # how far a column's side bends its normal, so that it meets its neighbour's


@dataclasses.dataclass(frozen=True)
class Rendering:
    """One view, before any camera."""

    radiance: np.ndarray  # [H, W, 3] float32, linear
    depth_m: np.ndarray  # [H, W] float32 along the optical axis, infinity where nothing is met
    incidence: np.ndarray  # [H, W] float32, cosine of the angle at which the ray meets the surface
    reflectance: np.ndarray  # [H, W] float32, mean over colours
    gloss: np.ndarray  # [H, W] float32
    glow: np.ndarray  # [H, W] float32


class Renderer:
    """Renders views of one room."""

    def __init__(self, faces: Faces, lit: LitRoom, bank: textures.Bank):
        materials = faces.materials
        bank.make(material.texture for material in materials)
        self._faces, self._lit, self._texels = faces, lit, bank.texels
        self._normal, self._texture_map, self._bend = _tables(faces)
        texture, gloss, glow = (
            np.array([getattr(material, name) for material in materials])[faces.material]
            for name in ("texture", "gloss", "glow")
        )
        self._texture, self._gloss, self._glow = texture.astype(np.int32), gloss.astype("f4"), glow.astype("f4")
        colours = np.stack([material.colour_matrix() for material in materials])[faces.material]
        colours[:, :, :3] /= 255
        self._colours = np.ascontiguousarray(colours.reshape(-1, 12).T.astype(np.float32))

    def render(
        self, camera: Camera, rng: np.random.Generator, *, height_px: int = HEIGHT_PX, width_px: int = WIDTH_PX
    ) -> Rendering:
        """Returns the view of `camera`; `rng` only dithers textures."""
        shape = (height_px, width_px)
        columns, rows = pixel_slopes(*shape)
        hits = cast(self._faces.corners_m, [camera], columns, rows)
        inverse, face = hits.inverse_depth[0], np.maximum(hits.face[0], 0)
        with np.errstate(divide="ignore"):
            depth_m = 1 / inverse
        flat, axes = face.ravel(), camera.axes.astype(np.float32)
        across, down = columns.astype(np.float32), rows.astype(np.float32)[:, None]
        ray = np.stack([(across * axes[0, i] + down * axes[1, i] + axes[2, i]).ravel() for i in range(3)])
        far_m = np.minimum(depth_m, 100).ravel()
        position = camera.position_m.astype(np.float32)[:, None] + far_m * ray
        ray /= np.sqrt((ray * ray).sum(axis=0))
        normal = self._normal.take(flat, axis=1)
        incidence = np.abs(normal[0] * ray[0] + normal[1] * ray[1] + normal[2] * ray[2])
        pixel_m = far_m * np.float32(columns[1] - columns[0]) / np.sqrt(incidence + np.float32(0.05))
        reflectance = self._reflectance(flat, position, pixel_m, rng)
        self._round_off(flat, position, normal)
        occlusion = lighting.screen_occlusion(inverse).ravel()
        gloss, glow = self._gloss.take(flat), self._glow.take(flat)
        radiance = reflectance * (lighting.irradiance(self._lit, position, normal, occlusion) + glow)
        sheen = gloss * (np.float32(0.03) + np.float32(0.4) * (1 - incidence) ** 4)  # what polish mirrors of the room
        radiance += self._lit.ambient[:, None] * sheen
        maps = [values.reshape(shape) for values in (incidence, reflectance.mean(axis=0), gloss, glow)]
        return Rendering(_smooth_edges(radiance.reshape(3, *shape), face), depth_m, *maps)

    def _reflectance(
        self, face: np.ndarray, position: np.ndarray, pixel_m: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Returns the colour of points, [3, n] float32, whose pixels are `pixel_m` wide, [n]."""
        table = self._texture_map
        level = np.clip(np.log2(pixel_m * table[8].take(face)), 0, textures.LEVELS - 1).astype(np.int32)
        dither = (rng.random((2, len(face)), dtype=np.float32) - np.float32(0.5)) * (1 << level) / np.float32(SIZE_PX)
        for axis in range(2):
            along = table[4 * axis : 4 * axis + 4]
            dither[axis] += sum(along[i].take(face) * position[i] for i in range(3)) + along[3].take(face)
        texel = textures.look_up(self._texels, self._texture.take(face), dither, level).astype(np.float32)
        mix = self._colours
        colour = [
            sum(mix[4 * i + j].take(face) * texel[:, j] for j in range(3)) + mix[4 * i + 3].take(face) for i in range(3)
        ]
        return np.maximum(np.stack(colour), np.float32(0.003))

    def _round_off(self, face: np.ndarray, position: np.ndarray, normal: np.ndarray) -> None:
        """Bends the normals of soft boxes near their edges, and of columns, towards the faces next to them."""
        soft = np.flatnonzero(self._bend[8].take(face) > 0)
        table, place = self._bend[:, face[soft]], position[:, soft]
        bent = normal[:, soft]
        for axis in range(2):
            direction = table[4 * axis : 4 * axis + 3]
            along = (direction * place).sum(axis=0) + table[4 * axis + 3]  # -1 to 1 from edge to edge
            radius = table[9 + axis]
            beyond = np.sign(along) * np.maximum(np.abs(along) - (1 - radius), 0) / radius
            bent += table[8] * beyond * direction / np.sqrt((direction * direction).sum(axis=0))
        normal[:, soft] = bent / np.sqrt((bent * bent).sum(axis=0))


def _tables(faces: Faces) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns, for each face, what its points look up, all linear in world position, float32.

    Returns:
      [3, F]: its normal. [9, F]: factors and offset that give U, the same for V, texels per metre. [11, F]: factors
      and offset that give -1 to 1 across the face, the same down it, how far normals bend, over which share each way.
    """
    lower_left, lower_right, upper_right, upper_left = np.moveaxis(faces.corners_m, 1, 0)
    across = (upper_right - upper_left + lower_right - lower_left) / 2
    down = (lower_left - upper_left + lower_right - upper_right) / 2
    normal = np.cross(across, -down)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    materials = faces.materials
    tile_m = np.array([material.tile_m for material in materials])[faces.material]
    follows = np.array([textures.follows_longer_side(m.texture) for m in materials])[faces.material]
    soft_m = np.array([material.soft_m for material in materials])[faces.material]
    extents = [np.linalg.norm(side, axis=1) for side in (across, down)]
    turned = (follows & (extents[1] > extents[0]))[:, None]
    texture_map, bend = [], []
    for side in (np.where(turned, down, across), np.where(turned, across, down)):
        extent = np.linalg.norm(side, axis=1)
        repeats = np.where(tile_m > 0, 1 / np.maximum(tile_m, 0.01), 1 / extent)
        direction = side / extent[:, None] * repeats[:, None]
        offset = np.where(tile_m > 0, 0, -(direction * upper_left).sum(axis=1))
        texture_map += [*direction.T, offset]
    centre = faces.corners_m.mean(axis=1)
    for side, extent in zip((across, down), extents, strict=True):
        direction = 2 * side / (extent * extent)[:, None]
        bend += [*direction.T, -(direction * centre).sum(axis=1)]
    bend.append(np.where(faces.round > 0, ROUNDNESS, soft_m > 0))
    for axis, extent in enumerate(extents):
        bend.append(
            np.where(faces.round > axis, 1, np.where(faces.round > 0, 1e-3, np.clip(2 * soft_m / extent, 1e-3, 1)))
        )
    density = SIZE_PX * np.where(tile_m > 0, 1 / np.maximum(tile_m, 0.01), 1 / np.maximum(*extents))
    tables = (normal.T, np.stack([*texture_map, density]), np.stack(bend))
    return tuple(np.ascontiguousarray(table.astype(np.float32)) for table in tables)


def _smooth_edges(radiance: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Returns [H, W, 3]: pixels beside another face mixed with their neighbours, which hides the steps of edges.

    Means are of radiance compressed towards white, or a window would bleed over its bars when clipped.
    """
    white = np.median(radiance[:, ::4, ::4]) * 4
    image = radiance / (radiance + white)
    edge = np.zeros(face.shape, bool)
    edge[:, 1:] |= face[:, 1:] != face[:, :-1]
    edge[1:] |= face[1:] != face[:-1]
    edge[[0, -1]] = edge[:, [0, -1]] = False
    at, width = np.flatnonzero(edge), face.shape[1]
    flat = image.reshape(3, -1)
    flat[:, at] = sum(flat[:, at + step] for step in (0, 1, -1, width, -width)) / 5
    return np.moveaxis(image * white / (1 - image), 0, -1)
