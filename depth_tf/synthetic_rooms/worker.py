"""A process that renders rooms: jobs come pickled on stdin, frames go pickled to stdout (see `workers`)."""

import dataclasses
import os
import pickle
import signal
import sys

import numpy as np

from depth_tf.synthetic_rooms import sensor
from depth_tf.synthetic_rooms.frames import render_room


@dataclasses.dataclass(frozen=True)
class Job:
    """One room to render: see `frames.render_room`."""

    seed: int
    split: str
    room: int
    frames: int


def run(job: Job) -> list[tuple[bytes, np.ndarray]]:
    """Returns the frames of `job`: image as PNG, and depth, [HEIGHT_PX, WIDTH_PX] float16 metres."""
    pairs = render_room(seed=job.seed, split=job.split, room=job.room, frames=job.frames)
    return [(sensor.encode_png(image), depth_m) for image, depth_m in pairs]


def main() -> None:
    """Serves jobs until the parent closes the pipes or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the parent, which then ends this process
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # nothing printed may get between the answers
    while True:
        try:
            job = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            pickle.dump(run(job), answers, protocol=pickle.HIGHEST_PROTOCOL)
            answers.flush()
        except BrokenPipeError:
            os._exit(1)  # without a word: to leave normally would flush into the closed pipe


if __name__ == "__main__":
    # Jobs name the class by this module, not by __main__, as pickle sees it.
    from depth_tf.synthetic_rooms import worker

    worker.main()
