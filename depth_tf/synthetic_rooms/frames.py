"""Frames of rooms: a pure function of (seed, split, room, frame), and many of them in processes of their own."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import multiprocessing
import os
import signal
import sys
import threading
import types
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from depth_tf.synthetic_rooms import sensor, textures
from depth_tf.synthetic_rooms.camera import Camera, aim, pixel_slopes
from depth_tf.synthetic_rooms.casting import Mesh, cast
from depth_tf.synthetic_rooms.render import Renderer
from depth_tf.synthetic_rooms.rooms import Room, make_room

SPLITS = ("train", "validation", "test")
CANDIDATES, NEAREST_M = 8, 0.7  # cameras tried per frame; what should be before them
ROOMS_AHEAD = 3  # per worker: enough that none waits for the writer
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclasses.dataclass(frozen=True)
class Job:
    """The first `frames` views of a room, its number within its split; splits share nothing but textures."""

    seed: int
    split: str
    room: int
    frames: int


def render_room(job: Job) -> list[tuple[bytes, np.ndarray]]:
    """Returns the frames of a room: image as PNG, and depth, [HEIGHT_PX, WIDTH_PX] float16 metres, 0 where missing."""
    numbers = (job.seed, SPLITS.index(job.split), job.room)
    room = make_room(np.random.default_rng(numbers))
    large = Mesh(room.faces.corners_m[np.sort(room.faces.half_m, axis=1)[:, 1] > 0.2])
    renderer = Renderer(room.faces, room.lit, textures.bank(job.seed))
    pairs = []
    for frame in range(job.frames):
        rng = np.random.default_rng((*numbers, frame + 1))
        rendering = renderer.render(choose_camera(room, large, rng), rng)
        pairs.append((encode_png(sensor.photograph(rendering, rng)), sensor.read_depth(rendering, rng)))
    return pairs


def encode_png(image: np.ndarray) -> bytes:
    """Returns [H, W, 3] uint8 as PNG, each row as its difference from the one above: a third of the time PIL takes."""
    rows = np.insert(np.diff(image, axis=0, prepend=np.uint8(0)).reshape(len(image), -1), 0, 2, axis=1)
    packer, png = zlib.compressobj(1, strategy=zlib.Z_HUFFMAN_ONLY), b"\x89PNG\r\n\x1a\n"
    header = b"IHDR" + np.array(image.shape[1::-1], ">u4").tobytes() + bytes((8, 2, 0, 0, 0))
    for chunk in (header, b"IDAT" + packer.compress(rows) + packer.flush(), b"IEND"):
        png += (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
    return png


def choose_camera(room: Room, large: Mesh, rng: np.random.Generator) -> Camera:
    """Returns a camera held as people with a Kinect did: of some, the one whose `large` faces are best placed."""
    wanted_m, wanted_spread = room.view_m * np.exp(rng.normal(0.04, 0.3)), rng.normal(0.4, 0.1)
    cameras = [_candidate(room, rng) for _ in range(CANDIDATES)]
    inverse_depth, face = cast(large, cameras, *pixel_slopes(9, 12))
    log_depth = -np.log(np.maximum(inverse_depth, 0.05)).reshape(CANDIDATES, -1)
    cost = abs(np.median(log_depth, axis=1) - np.log(wanted_m)) + np.maximum(0, wanted_spread - log_depth.std(axis=1))
    cost += 3 * np.mean(log_depth < np.log(NEAREST_M), axis=1)
    cost -= [0.04 * min(len(np.unique(each)), 20) for each in face]
    return cameras[np.argmin(cost)]


def _candidate(room: Room, rng: np.random.Generator) -> Camera:
    height, floor = np.clip(rng.normal(1.45, 0.17), 0.9, 1.9), room.floor
    for _ in range(30):
        x, y = (rng.uniform(0.25, extent - 0.25) for extent in room.size_m[:2])
        near = (floor[:, 0] - 0.2 < x) & (floor[:, 1] + 0.2 > x) & (floor[:, 2] - 0.2 < y) & (floor[:, 3] + 0.2 > y)
        if (floor[near, 4] < height - 0.35).all():
            break
    look = np.array(room.size_m[:2]) * rng.random(2)
    if len(floor) and rng.random() < 0.6:
        look = floor[rng.integers(len(floor)), :4].reshape(2, 2).mean(axis=1)
    yaw = np.arctan2(look[1] - y, look[0] - x) + rng.normal(0, 0.25)
    pitch = np.clip(rng.normal(0.2, 0.13), -0.15, 0.65)
    return aim(np.array([x, y, height]), yaw_rad=yaw, pitch_rad=pitch, roll_rad=rng.normal(0, 0.035))


def render_rooms(jobs: Iterable[Job], *, workers: int) -> Iterator[tuple[Job, list[tuple[bytes, np.ndarray]]]]:
    """Yields each job with its frames as `render_room` makes them, in the order of `jobs`, whatever `workers` is.

    Raises:
      RuntimeError: if a room fails or a worker dies.
    """
    # Never forked: a child of a process in which TensorFlow runs threads can hang.
    pool = concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker)
    pending = collections.deque()
    try:
        for job in jobs:
            with _bare_start():
                pending.append((job, pool.submit(render_room, job)))
            if len(pending) > ROOMS_AHEAD * workers:
                yield _finished(*pending.popleft())
        while pending:
            yield _finished(*pending.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # after an interruption this waits for the rooms begun


def _finished(job: Job, future: concurrent.futures.Future) -> tuple[Job, list[tuple[bytes, np.ndarray]]]:
    try:
        return job, future.result()
    except concurrent.futures.process.BrokenProcessPool as error:
        raise RuntimeError(f"a worker died while it rendered room {job.room} of {job.split} or a later one") from error
    except Exception as error:
        raise RuntimeError(f"room {job.room} of {job.split} could not be rendered: {error}") from error


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the parent, which then ends this process
    # A pool's worker does not notice by itself that its parent was killed.
    threading.Thread(target=lambda: (multiprocessing.parent_process().join(), os._exit(1)), daemon=True).start()


@contextlib.contextmanager
def _bare_start() -> Iterator[None]:
    """Within it, processes start with one BLAS thread and without the caller's main module, TensorFlow and all."""
    main, before = sys.modules["__main__"], {name: os.environ[name] for name in ONE_THREAD if name in os.environ}
    sys.modules["__main__"] = types.ModuleType("__main__")
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        for name in ONE_THREAD:
            del os.environ[name]
        os.environ.update(before)
