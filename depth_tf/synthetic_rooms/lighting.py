"""Light: each source's soft shadows and fall-off, what walls pass on, and darkness in corners.

Variance shadow maps (Donnelly & Lauritzen, I3D 2006): around each light the caster draws a cube of distances; blurred
distances and their squares bound how much of the light a point sees.
"""

import dataclasses

import numpy as np
from scipy import ndimage

from depth_tf.synthetic_rooms.camera import Camera
from depth_tf.synthetic_rooms.casting import Mesh, cast
from depth_tf.synthetic_rooms.layout import Light
from depth_tf.synthetic_rooms.solids import Faces

MAP_PX = 40
SIZE_PX = 2 * MAP_PX  # of a map's sides, blurred
MAP_SLOPE = 1.12  # a cube's side reaches a little beyond 1, so that blurring meets no edge
FAR_M = 30.0
THIN_M = 0.1  # what is thinner two ways is lost between the texels of a shadow map
BLEED = 0.25  # bounds below this count as dark: where shadows overlap the bound is loose
OFFSET_M = 0.03  # points are lifted off their surface by so much before they look at the light


@dataclasses.dataclass(frozen=True)
class LitRoom:
    """Everything that lights a room."""

    lights: tuple[Light, ...]  # the sources
    maps: np.ndarray  # [lights, 2, 6 * SIZE_PX * SIZE_PX] float32: mean distance and mean squared distance, metres
    ambient: np.ndarray  # [3] float32, irradiance from all round
    size_m: tuple[float, float, float]  # width, length and height of the room


def light_room(faces: Faces, lights: tuple[Light, ...], reflectance: np.ndarray, size_m: tuple, extra: float):
    """Draws shadow maps and works out what walls of a mean `reflectance`, [3], pass on; `extra` is added all round."""
    width, length, height = size_m
    area = 2 * (width * length + width * height + length * height)
    flux = sum((np.array(light.power) * (np.pi if light.direction else 4 * np.pi) for light in lights), np.zeros(3))
    ambient = flux * reflectance / (1 - reflectance) / area + extra
    return LitRoom(lights, _shadow_maps(faces, lights), ambient.astype(np.float32), size_m)


def irradiance(room: LitRoom, position: np.ndarray, normal: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Returns the light, [3, n], at points, [3, n] metres, with unit normals; `around`, [n], as from `occlusion`."""
    shade = np.float32(1)  # less light reaches where another wall, the floor or the ceiling is near
    for axis in range(3):
        near = np.minimum(np.abs(position[axis]), np.abs(position[axis] - np.float32(room.size_m[axis])))
        shade = shade * (1 - np.float32(0.42) * (1 - np.abs(normal[axis])) * np.exp(near * np.float32(-2.8)))
    total = room.ambient[:, None] * (around * shade * (0.9 + 0.15 * normal[2]))
    for light, shadow in zip(room.lights, room.maps, strict=True):
        offset = np.array(light.position_m, np.float32)[:, None] - position
        lit = np.flatnonzero(dot(normal, offset) > 0)
        turned, offset = normal.take(lit, axis=1), offset.take(lit, axis=1)
        offset -= np.float32(OFFSET_M) * turned
        square = dot(offset, offset)
        strength = np.maximum(dot(turned, offset), 0) / (np.sqrt(square) * (square + np.float32(light.size_m**2 / 4)))
        if light.direction is not None:
            strength *= np.maximum(dot(-np.array(light.direction, np.float32), offset), 0) / np.sqrt(square)
        everywhere = np.zeros_like(total[0])
        everywhere[lit] = strength * _seen(shadow, offset)
        total += np.array(light.power, np.float32)[:, None] * everywhere
    return total


def occlusion(inverse_depth: np.ndarray) -> np.ndarray:
    """Returns [H, W]: below 1 where the surroundings stand nearer than a pixel; flat surfaces are left alone."""
    shade = np.float32(1)
    for width_px, strength in ((3, 1.2), (9, 1.5)):
        nearer = ndimage.uniform_filter(inverse_depth, width_px) / np.maximum(inverse_depth, np.float32(1e-3)) - 1
        shade = shade - np.clip(np.float32(strength) * nearer, -0.04, 0.22)
    return shade


def dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the [n] products of the columns of two [3, n] arrays."""
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


def _shadow_maps(faces: Faces, lights: tuple[Light, ...]) -> np.ndarray:
    """Returns the maps of `LitRoom`; the sides of a cube lie towards -x, +x, -y, +y, -z and +z."""
    mesh = Mesh(faces.corners_m[faces.shades & (np.sort(faces.half_m, axis=1)[:, 1] > THIN_M / 2)])
    slopes = ((np.arange(MAP_PX) + 0.5) / MAP_PX * 2 - 1) * MAP_SLOPE
    # Right, down and ahead of each side, right-handed.
    sides = [np.roll(np.eye(3), -axis - 1, axis=0) * [[sign], [1], [sign]] for axis in range(3) for sign in (-1, 1)]
    maps = []
    for light in lights:
        cameras = [Camera(np.array(light.position_m), axes) for axes in sides]
        depth_m = 1 / np.maximum(cast(mesh, cameras, slopes, slopes)[0], 1 / FAR_M)
        width_px = int(np.clip(round(light.size_m * 15), 3, 13))
        for moment in (depth_m, depth_m**2):
            fine = np.repeat(np.repeat(moment, 2, axis=1), 2, axis=2)
            maps.append(ndimage.uniform_filter(ndimage.uniform_filter(fine, (0, width_px, width_px)), (0, 4, 4)))
    return np.array(maps, np.float32).reshape(len(lights), 2, -1)


def _seen(shadow: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Returns [n] in 0 to 1: how much of the light reaches points that lie at -offset from it."""
    x, y, z = offset
    across = np.maximum(np.abs(x), np.abs(y))
    upright, sideways = np.abs(z) > across, np.abs(x) < across  # the cube's z sides, else its y sides, else x
    forward = -np.where(upright, z, np.where(sideways, y, x))
    depth_m = np.abs(forward)
    scale = np.float32(SIZE_PX / (2 * MAP_SLOPE)) / depth_m
    right, down = -np.where(upright, x, np.where(sideways, z, y)), -np.where(upright, y, np.where(sideways, x, z))
    column = (right * np.sign(forward) * scale + np.float32(SIZE_PX / 2)).astype(np.int32)
    row = (down * scale + np.float32(SIZE_PX / 2)).astype(np.int32)
    side = np.where(upright, np.int32(4), np.where(sideways, np.int32(2), np.int32(0))) + (forward > 0)
    index = (side * SIZE_PX + np.clip(row, 0, SIZE_PX - 1)) * SIZE_PX + np.clip(column, 0, SIZE_PX - 1)
    mean, square = shadow[0].take(index), shadow[1].take(index)
    variance = np.maximum(square - mean * mean, 0.0004)
    bound = variance / (variance + np.maximum(depth_m - mean, 0) ** 2)
    return np.clip((bound - BLEED) / (1 - BLEED), 0, 1)
