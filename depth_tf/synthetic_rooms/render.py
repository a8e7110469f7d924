"""Renders a frame: radiance with smoothed edges, depth, and what the depth sensor needs to know."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import lighting, textures
from depth_tf.synthetic_rooms.camera import Camera, Grid, frame_grid
from depth_tf.synthetic_rooms.casting import NOTHING, Hits, cast
from depth_tf.synthetic_rooms.lighting import LitRoom
from depth_tf.synthetic_rooms.solids import Solids
from depth_tf.synthetic_rooms.surfaces import Points, Samples, Surfaces


@dataclasses.dataclass(frozen=True)
class Rendering:
    """One view, before any camera.

    Attributes:
      radiance: [H, W, 3] float32, linear.
      depth_m: [H, W] float32 along the optical axis through pixel centres, infinity where nothing is met.
      incidence: [H, W] float32, cosine of the angle at which the centre's ray meets the surface.
      reflectance: [H, W] float32, mean over colours.
      gloss: [H, W] float32.
      glow: [H, W] float32.
    """

    radiance: np.ndarray
    depth_m: np.ndarray
    incidence: np.ndarray
    reflectance: np.ndarray
    gloss: np.ndarray
    glow: np.ndarray


class Renderer:
    """Renders views of one room."""

    def __init__(self, solids: Solids, lit: LitRoom, bank: textures.Bank):
        materials = solids.materials
        bank.make(material.texture for material in materials)
        self._solids, self._lit, self._texels = solids, lit, bank.texels
        self._surfaces = Surfaces(solids)
        self._texture = np.array([material.texture for material in materials], np.int32)
        colours = np.stack([material.colour_matrix() for material in materials])
        colours[:, :, :3] /= 255
        self._colours = np.ascontiguousarray(colours.reshape(len(materials), 12).T.astype(np.float32))
        self._glow = np.array([material.glow for material in materials], np.float32)
        self._gloss = np.array([material.gloss for material in materials], np.float32)

    def render(self, camera: Camera, rng: np.random.Generator, *, height_px: int, width_px: int) -> Rendering:
        """Returns the view of `camera`; `rng` only dithers shadows."""
        grid = frame_grid(height_px, width_px)
        hits = cast(self._solids, camera, grid)
        occlusion = lighting.screen_occlusion(hits.inverse_depth[0])
        edge = _edges(hits)
        wanted = np.stack([np.ones_like(edge), _touching(edge)])
        wanted[0, -1], wanted[0, :, -1] = False, False
        found = np.flatnonzero(wanted & (hits.face != NOTHING))
        samples = _samples(hits, grid, found)
        pixel_slope = float(grid.columns[0, 1] - grid.columns[0, 0])
        points = self._surfaces.points(samples, camera, pixel_slope=pixel_slope)
        reflectance = self._reflectance(points)
        radiance = np.full((3, hits.face.size), 1.0, np.float32)
        jitter = rng.random((2, len(found)), dtype=np.float32) - np.float32(0.5)
        shade = np.stack([occlusion, occlusion]).ravel()[found]
        radiance[:, found] = self._shade(points, reflectance, camera, shade, jitter)
        maps = [np.ones(hits.face.size, np.float32) for _ in range(4)]
        values = (points.incidence, reflectance.mean(axis=0), self._gloss[points.material], self._glow[points.material])
        for target, value in zip(maps, values, strict=True):
            target[found] = value
        cut = (slice(0, height_px), slice(0, width_px))
        incidence, mean, gloss, glow = (target.reshape(hits.face.shape)[0][cut] for target in maps)
        with np.errstate(divide="ignore"):
            depth_m = 1 / hits.inverse_depth[0][cut]
        image = _smooth_edges(radiance.reshape(3, *hits.face.shape), edge)
        return Rendering(image, depth_m, incidence, mean, gloss, glow)

    def _reflectance(self, points: Points) -> np.ndarray:
        """Returns the colour of each point, [3, n]."""
        texture = self._texture.take(points.material)
        read = textures.look_up(self._texels, texture, points.u, points.v, points.level)
        mix = self._colours.take(points.material, axis=1)
        red, green, blue = read[:, 0], read[:, 1], read[:, 2]
        colour = [mix[4 * i] * red + mix[4 * i + 1] * green + mix[4 * i + 2] * blue + mix[4 * i + 3] for i in range(3)]
        return np.maximum(np.stack(colour), 0.003)

    def _shade(
        self, points: Points, reflectance: np.ndarray, camera: Camera, occlusion: np.ndarray, jitter: np.ndarray
    ) -> np.ndarray:
        """Returns the radiance of each point towards the camera, [3, n]."""
        glow = self._glow.take(points.material)
        light = lighting.irradiance(self._lit, points, occlusion, jitter)
        radiance = reflectance * (light + glow)
        gloss = self._gloss.take(points.material)
        shiny = np.flatnonzero(gloss > 0.08)
        if len(shiny):
            radiance[:, shiny] += lighting.highlights(self._lit, points, camera, shiny, gloss[shiny])
        return radiance


def _edges(hits: Hits) -> np.ndarray:
    """Returns [H + 1, W + 1] bool: pixels whose centre and corners are not all on one face."""
    centre, corner = hits.face
    edge = np.zeros_like(centre, bool)
    inner = centre[:-1, :-1]
    for down in (0, 1):
        for right in (0, 1):
            part = corner[down : down + inner.shape[0], right : right + inner.shape[1]]
            edge[:-1, :-1] |= part != inner
    return edge


def _touching(edge: np.ndarray) -> np.ndarray:
    """Returns [H + 1, W + 1] bool: corners of the pixels in `edge`."""
    corners = edge.copy()
    corners[1:] |= edge[:-1]
    corners[:, 1:] |= corners[:, :-1].copy()
    return corners


def _samples(hits: Hits, grid: Grid, found: np.ndarray) -> Samples:
    _, height, width = hits.face.shape
    which, within = np.divmod(found, height * width)
    row, column = np.divmod(within, width)
    return Samples(
        face=hits.face.ravel()[found],
        depth_m=1 / hits.inverse_depth.ravel()[found],
        column=grid.columns[which, column],
        row=grid.rows[which, row],
    )


def _smooth_edges(radiance: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Returns [H, W, 3]: half centre, half the mean of the corners at edges; the centre elsewhere.

    Means are taken of radiance compressed towards white, or a window would bleed over its bars when clipped.
    """
    white = np.median(radiance[:, 0]) * 4
    centre, corner = np.moveaxis(radiance / (radiance + white), 1, 0)
    mean = (corner[:, :-1, :-1] + corner[:, 1:, :-1] + corner[:, :-1, 1:] + corner[:, 1:, 1:]) / 4
    inner = centre[:, :-1, :-1]
    image = np.where(edge[None, :-1, :-1], (inner + mean) / 2, inner)
    return np.moveaxis(image * white / (1 - image), 0, -1)
