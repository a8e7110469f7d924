"""Reads and writes videos, frame by frame, with PyAV: the extra `video`."""

import contextlib
import fractions
import importlib
import os
from collections.abc import Callable, Iterator

import numpy as np

from depth_tf.runtime.errors import InputError

Path = str | os.PathLike


def frames(path: Path) -> Iterator[tuple[np.ndarray, fractions.Fraction]]:
    """Yields each frame, [H, W, 3] uint8, RGB, upright, with the frames per second; InputError if it is no video."""
    av = _import_av()
    try:
        with av.open(os.fspath(path)) as opened:
            rate = opened.streams.video[0].average_rate or fractions.Fraction(30)
            for frame in opened.decode(video=0):
                # The angle that the file says to turn its frames by, counter-clockwise.
                yield np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)), rate
    except (av.FFmpegError, IndexError) as error:
        raise InputError(f"{path} cannot be read as a video ({error}): replace or remove it") from error


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Callable[[np.ndarray, fractions.Fraction], None]]:
    """Yields a function that adds a frame, as of `frames`, to an MP4 file; an odd last row or column is left out."""
    av = _import_av()
    with av.open(os.fspath(path), "w", format="mp4") as opened:

        def add(image: np.ndarray, rate: fractions.Fraction) -> None:
            height, width = (side // 2 * 2 for side in image.shape[:2])  # H.264 shares colour among 2 x 2 pixels
            if not opened.streams.video:
                stream = opened.add_stream("libx264", rate=rate)
                stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
            picture = np.ascontiguousarray(image[:height, :width])
            opened.mux(opened.streams.video[0].encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))

        yield add
        for stream in opened.streams.video:
            opened.mux(stream.encode())


def _import_av():
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise InputError("a video needs the extra `video`: pip install av") from error
