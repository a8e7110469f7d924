"""Where the camera is held: a free place in the room, looking into it, as people with a Kinect did."""

import numpy as np

from depth_tf.synthetic_rooms.camera import Camera, Grid, aim, pixel_slopes
from depth_tf.synthetic_rooms.casting import cast
from depth_tf.synthetic_rooms.rooms import Room
from depth_tf.synthetic_rooms.solids import BOX, Solids

CANDIDATES = 8
NEAREST_M = 0.7


def choose_camera(room: Room, rng: np.random.Generator) -> Camera:
    """Returns a camera whose median depth is near a drawn one, and before which nothing is too near."""
    wanted_m, wanted_spread = room.view_m * np.exp(rng.normal(0.04, 0.3)), rng.normal(0.4, 0.1)
    coarse = _coarse(room.solids)
    rows, columns = pixel_slopes(9, 12)[::-1]
    grid = Grid(columns[None].astype(np.float32), rows[None].astype(np.float32))
    best, best_cost = None, np.inf
    for _ in range(CANDIDATES):
        camera = _candidate(room, rng)
        hits = cast(coarse, camera, grid)
        log_depth = -np.log(np.maximum(hits.inverse_depth[0], 0.05))
        cost = abs(np.median(log_depth) - np.log(wanted_m)) + max(0, wanted_spread - log_depth.std())
        cost += 3 * np.mean(log_depth < np.log(NEAREST_M)) - 0.04 * min(len(np.unique(hits.face)), 20)
        if cost < best_cost:
            best, best_cost = camera, cost
    return best


def _candidate(room: Room, rng: np.random.Generator) -> Camera:
    height = np.clip(rng.normal(1.45, 0.17), 0.9, 1.9)
    for _ in range(30):
        x, y = (rng.uniform(0.25, extent - 0.25) for extent in room.size_m[:2])
        near = [f for f in room.footprints if f.left - 0.2 < x < f.right + 0.2 and f.front - 0.2 < y < f.back + 0.2]
        if all(f.height < height - 0.35 for f in near):
            break
    if room.footprints and rng.random() < 0.6:
        target = room.footprints[rng.integers(len(room.footprints))]
        look = np.array([(target.left + target.right) / 2, (target.front + target.back) / 2])
    else:
        look = np.array([rng.uniform(0, extent) for extent in room.size_m[:2]])
    yaw = np.arctan2(look[1] - y, look[0] - x) + rng.normal(0, 0.25)
    pitch = np.clip(rng.normal(0.2, 0.13), -0.15, 0.65)
    return aim(np.array([x, y, height]), yaw_rad=yaw, pitch_rad=pitch, roll_rad=rng.normal(0, 0.035))


def _coarse(solids: Solids) -> Solids:
    """Returns the larger boxes of the room itself and the shell of those beyond, which decide what a view shows."""
    second = np.sort(solids.half_m, axis=1)[:, 1]
    return solids.only((solids.kind == BOX) & (second > np.where(solids.room == 0, 0.17, 0.5)))
