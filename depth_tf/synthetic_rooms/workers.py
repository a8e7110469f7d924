"""Renders rooms in processes of their own, in parallel, and hands them over in order.

The processes are plain `python -m depth_tf.synthetic_rooms.worker`, talked to through pipes: `multiprocessing`
would either fork a process in which TensorFlow runs threads, which can hang, or import the caller's main module
again, with TensorFlow, in each of them.
"""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import pickle
import queue
import subprocess
import sys
from collections.abc import Iterable, Iterator

import numpy as np

from depth_tf.synthetic_rooms.worker import Job

ROOMS_AHEAD = 3  # a worker: enough that none waits for the writer


def render_rooms(jobs: Iterable[Job], *, workers: int) -> Iterator[tuple[Job, list[tuple[bytes, np.ndarray]]]]:
    """Yields each job with its frames, in the order of `jobs`, whatever the number of workers.

    Args:
      jobs: rooms to render, read a few ahead.
      workers: how many processes render.

    Yields:
      (job, [(image as PNG, depth [HEIGHT_PX, WIDTH_PX] float16 metres), ...]).

    Raises:
      RuntimeError: if a worker dies; what it died of is on stderr.
    """
    with contextlib.ExitStack() as stack:
        idle: queue.SimpleQueue = queue.SimpleQueue()
        processes = [_start() for _ in range(workers)]
        for process in processes:
            idle.put(process)
        threads = concurrent.futures.ThreadPoolExecutor(workers)
        stack.callback(threads.shutdown, wait=True)
        stack.callback(lambda: [_stop(process) for process in processes])
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        pending: collections.deque = collections.deque()
        for job in jobs:
            pending.append((job, threads.submit(_render, idle, job)))
            if len(pending) > ROOMS_AHEAD * workers:
                done, frames = pending.popleft()
                yield done, frames.result()
        while pending:
            done, frames = pending.popleft()
            yield done, frames.result()


def _start() -> subprocess.Popen:
    package_parent = str(pathlib.Path(__file__).resolve().parents[2])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-m", "depth_tf.synthetic_rooms.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | one_thread | {"PYTHONPATH": os.pathsep.join(paths)},
    )


def _stop(process: subprocess.Popen) -> None:
    process.kill()  # it holds nothing that could be left half done
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            pipe.close()


def _render(idle: queue.SimpleQueue, job: Job) -> list[tuple[bytes, np.ndarray]]:
    process = idle.get()
    try:
        pickle.dump(job, process.stdin)
        process.stdin.flush()
        return pickle.load(process.stdout)
    except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        raise RuntimeError(f"the worker that rendered {job} died") from error
    finally:
        idle.put(process)
