"""Light: each source's soft shadows, its fall-off, what walls pass on, and darkness in corners.

Shadows come from variance shadow maps (Donnelly & Lauritzen, I3D 2006): around each light the caster draws
a cube of distances; blurred distances and squared distances bound how much of the light a point sees.
"""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms.camera import Camera, Grid
from depth_tf.synthetic_rooms.casting import cast
from depth_tf.synthetic_rooms.shell import Light
from depth_tf.synthetic_rooms.solids import Solids
from depth_tf.synthetic_rooms.surfaces import Points

MAP_PX = 80
MAP_SLOPE = 1.12  # a cube's side reaches a little beyond 1, so that blurring meets no edge
FAR_M = 30.0
THIN_M = 0.07  # what is thinner two ways is lost between the texels of a shadow map
BLEED = 0.25  # bounds below this count as dark: where shadows overlap the bound is loose
OFFSET_M = 0.03  # points are lifted off their surface by so much before they look at the light


@dataclasses.dataclass(frozen=True)
class LitRoom:
    """Everything that lights a room.

    Attributes:
      lights: the sources.
      maps: for each, [2, 6 * size * size] float32: mean distance and mean squared distance, metres.
      ambient: [3] irradiance from all round.
      size_m: width, length and height of the room.
    """

    lights: tuple[Light, ...]
    maps: tuple[np.ndarray, ...]
    ambient: np.ndarray
    size_m: tuple[float, float, float]


def light_room(
    solids: Solids,
    lights: tuple[Light, ...],
    *,
    reflectance: np.ndarray,
    size_m: tuple[float, float, float],
    extra: np.ndarray,
) -> LitRoom:
    """Draws the shadow maps of `lights` and works out the light that walls pass on.

    Args:
      solids: the room.
      lights: its sources.
      reflectance: [3] mean reflectance of walls, floor and ceiling.
      size_m: width, length and height.
      extra: [3] irradiance that comes from nowhere in particular.
    """
    maps = tuple(_shadow_map(_shading(solids, light.room), light) for light in lights)
    width, length, height = size_m
    area = 2 * (width * length + width * height + length * height)
    flux = sum((np.array(light.power) * (np.pi if light.direction else 4 * np.pi) for light in lights), np.zeros(3))
    ambient = flux * reflectance / (1 - reflectance) / area + extra
    return LitRoom(lights, maps, ambient, size_m)


def irradiance(room: LitRoom, points: Points, occlusion: np.ndarray, jitter: np.ndarray) -> np.ndarray:
    """Returns the light that falls on `points`, [3, n] float32.

    Args:
      room: the lit room.
      points: where.
      occlusion: [n] float32 in 0 to 1, share of the surroundings that reaches each point.
      jitter: [2, n] float32 in -0.5 to 0.5, which dithers the texels of the shadow maps.
    """
    around = occlusion * _corner_shade(room.size_m, points)
    around *= 0.9 + 0.15 * points.normal[2]
    total = room.ambient.astype(np.float32)[:, None] * around
    lifted = points.position_m + OFFSET_M * points.normal
    for light, shadow in zip(room.lights, room.maps, strict=True):
        offset = np.array(light.position_m, np.float32)[:, None] - lifted
        square, facing = _dot(offset, offset), _dot(points.normal, offset)
        strength = np.maximum(facing, 0) / (np.sqrt(square) * (square + np.float32(light.size_m**2 / 4)))
        if light.direction is not None:
            thrown = sum(np.float32(-light.direction[i]) * offset[i] for i in range(3))
            strength *= np.maximum(thrown, 0) / np.sqrt(square)
        strength *= _seen(shadow, offset, jitter)
        total += np.array(light.power, np.float32)[:, None] * strength
    return total


def highlights(room: LitRoom, points: Points, camera: Camera, which: np.ndarray, gloss: np.ndarray) -> np.ndarray:
    """Returns what polished points mirror, [3, m]: blurred images of the lights and a sheen at glancing angles.

    Args:
      room: the lit room.
      points: all points.
      camera: from where they are seen.
      which: [m] indices of the polished ones.
      gloss: [m] float32, 0 matt to 1 polished.
    """
    position, normal = points.position_m[:, which], points.normal[:, which]
    ray = position - camera.position_m.astype(np.float32)[:, None]
    ray /= np.sqrt(_dot(ray, ray))
    mirrored = ray - 2 * _dot(ray, normal) * normal
    fresnel = gloss * (0.04 + 0.5 * (1 - points.incidence[which]) ** 4)
    total = np.outer(room.ambient.astype(np.float32), 0.7 * fresnel)
    sharpness = 8 + 150 * gloss * gloss
    for light in room.lights:
        offset = np.array(light.position_m, np.float32)[:, None] - position
        square = _dot(offset, offset)
        aligned = _dot(offset, mirrored) / np.sqrt(square)
        lobe = np.exp(sharpness * (aligned - 1)) * sharpness / 12
        total += np.array(light.power, np.float32)[:, None] * (fresnel * lobe / (square + np.float32(0.5)))
    return total


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns [n]: the products of the columns of two [3, n] arrays."""
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


def screen_occlusion(inverse_depth: np.ndarray) -> np.ndarray:
    """Returns [H, W] float32 in 0 to 1: darker where the surroundings stand nearer to the camera than a pixel.

    Inverse depth is linear over a plane, so that a flat surface, however slanted, is left alone.
    """
    shade = np.ones_like(inverse_depth)
    for radius_px, strength in ((3, 1.2), (9, 1.5)):
        nearer = _box_blur(inverse_depth, radius_px) / np.maximum(inverse_depth, 1e-3) - 1
        shade -= np.clip(strength * nearer, -0.04, 0.22)
    return shade


def _corner_shade(size_m: tuple[float, float, float], points: Points) -> np.ndarray:
    """Returns [n]: less light reaches where another wall, the floor or the ceiling is near."""
    shade = np.float32(1)
    for axis in range(3):
        sideways = 1 - np.abs(points.normal[axis])
        for at in (0.0, size_m[axis]):
            away = np.abs(points.position_m[axis] - np.float32(at))
            shade = shade * (1 - np.float32(0.42) * sideways * np.exp(away * np.float32(-2.8)))
    return shade


def _shading(solids: Solids, room: int) -> Solids:
    """Returns what throws shadows of a light in a room: what is in it and in the first, but for sticks and crumbs."""
    wide = np.sort(solids.half_m, axis=1)[:, 1] > THIN_M / 2
    near = solids.only(solids.shades & wide & ((solids.room == 0) | (solids.room == room)))
    return dataclasses.replace(near, room=np.zeros_like(near.room), portals=())


def _shadow_map(solids: Solids, light: Light) -> np.ndarray:
    slopes = (np.arange(MAP_PX) + 0.5) / MAP_PX * 2 * MAP_SLOPE - MAP_SLOPE
    grid = Grid(slopes[None].astype(np.float32), slopes[None].astype(np.float32))
    position = np.array(light.position_m)
    radius_px = int(np.clip(round(light.size_m * 9), 2, 9))
    sides = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            axes = np.roll(np.eye(3), -axis - 1, axis=0)
            axes[2] *= sign
            inverse = cast(solids, Camera(position, axes), grid).inverse_depth[0]
            depth_m = 1 / np.maximum(inverse, 1 / FAR_M)
            moments = [_box_blur(_box_blur(m, radius_px), radius_px // 2) for m in (depth_m, depth_m**2)]
            sides.append([double(moment).ravel() for moment in moments])
    return np.ascontiguousarray(np.array(sides, np.float32).transpose(1, 0, 2).reshape(2, -1))


def _seen(shadow: np.ndarray, offset: np.ndarray, jitter: np.ndarray) -> np.ndarray:
    """Returns [n] in 0 to 1: how much of the light reaches points that lie at -offset from it."""
    size = 2 * MAP_PX
    x, y, z = offset
    across = np.maximum(np.abs(x), np.abs(y))
    upright, sideways = np.abs(z) > across, np.abs(x) < across  # the cube's z sides, else its y sides, else x
    forward = np.where(upright, z, np.where(sideways, y, x))
    depth_m = np.abs(forward)
    scale = np.float32(-size / (2 * MAP_SLOPE)) / depth_m
    to_column = np.where(upright, x, np.where(sideways, z, y))
    to_row = np.where(upright, y, np.where(sideways, x, z))
    column = (to_column * scale + (np.float32(size / 2) + jitter[0])).astype(np.int32)
    row = (to_row * scale + (np.float32(size / 2) + jitter[1])).astype(np.int32)
    side = np.where(upright, np.int32(4), np.where(sideways, np.int32(2), np.int32(0))) + (forward < 0)
    index = (side * size + np.clip(row, 0, size - 1)) * size + np.clip(column, 0, size - 1)
    mean, square = shadow[0].take(index), shadow[1].take(index)
    variance = np.maximum(square - mean * mean, 0.0004)
    beyond = np.maximum(depth_m - mean, 0)
    bound = variance / (variance + beyond * beyond)
    return np.clip((bound - BLEED) / (1 - BLEED), 0, 1)


def _box_blur(image: np.ndarray, radius_px: int) -> np.ndarray:
    """Returns the mean over 2 * radius_px + 1 pixels both ways; beyond its borders the image goes on straight."""
    for axis in (0, 1):
        image = np.moveaxis(image, axis, 0)
        first, last = image[:1], image[-1:]
        before = 2 * first - image[radius_px:0:-1]
        after = 2 * last - image[-2 : -radius_px - 2 : -1]
        padded = np.concatenate([np.zeros_like(first), before, image, after])
        total = np.cumsum(padded, axis=0, dtype=np.float64)
        window = 2 * radius_px + 1
        image = ((total[window:] - total[:-window]) / window).astype(image.dtype)
        image = np.moveaxis(image, 0, axis)
    return image


def double(image: np.ndarray) -> np.ndarray:
    """Returns the image at twice its size, between its pixels."""
    for axis in (0, 1):
        before, after = np.roll(image, 1, axis), np.roll(image, -1, axis)
        shape = list(image.shape)
        shape[axis] *= 2
        image = np.stack([0.75 * image + 0.25 * before, 0.75 * image + 0.25 * after], axis=axis + 1).reshape(shape)
    return image
