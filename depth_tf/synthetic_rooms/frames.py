"""Frames of rooms: a pure function of (seed, split, room, frame)."""

import numpy as np

from depth_tf.synthetic_rooms import sensor, textures
from depth_tf.synthetic_rooms.camera import HEIGHT_PX, WIDTH_PX
from depth_tf.synthetic_rooms.render import Renderer
from depth_tf.synthetic_rooms.rooms import make_room
from depth_tf.synthetic_rooms.viewpoint import choose_camera

SPLITS = ("train", "validation", "test")


def render_room(*, seed: int, split: str, room: int, frames: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Renders the first frames of a room.

    Args:
      seed: of the whole data set.
      split: one of SPLITS; rooms of two splits share nothing but the textures they are painted with.
      room: number of the room within its split.
      frames: how many views of it.

    Returns:
      For each frame its image, [HEIGHT_PX, WIDTH_PX, 3] uint8, and depth, [HEIGHT_PX, WIDTH_PX] float16
      metres along the optical axis, 0 where missing.
    """
    which = SPLITS.index(split)
    made = make_room(_generator(seed, which, room))
    renderer = Renderer(made.solids, made.lit, textures.bank(seed))
    pairs = []
    for frame in range(frames):
        rng = _generator(seed, which, room, frame + 1)
        camera = choose_camera(made, rng)
        rendering = renderer.render(camera, rng, height_px=HEIGHT_PX, width_px=WIDTH_PX)
        pairs.append((sensor.photograph(rendering, rng), sensor.read_depth(rendering, rng)))
    return pairs


def _generator(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(numbers))
