"""One pair of NYU Depth V2: its name, its scene, how it is read and checked, and TFDS's example of it."""

import collections
import concurrent.futures
import contextlib
import csv
import functools
import hashlib
import io
import pathlib
import typing
from collections.abc import Callable, Iterable, Iterator

import h5py
import numpy as np
import tensorflow as tf

from depth_tf.data import scenes
from depth_tf.data.tfds_records import QuickDepth
from depth_tf.runtime import machine
from depth_tf.runtime.errors import InputError

HEIGHT_PX = 480
WIDTH_PX = 640
EXAMPLE_GB = 1.73e-3  # a TFDS record: 1.23 MB of depth, the rest PNG
SPLIT_FOLDERS = {"train": "train", "validation": "val"}  # TFDS's name: the archive's
# The archive holds the official test images as val/official/<1-based row of the labelled set>.h5.
OFFICIAL_FOLDER = "official"
OFFICIAL_SPLIT_FILE = pathlib.Path(__file__).with_name("nyu_official_split.csv")
OFFICIAL_SPLITS = {"train": "train", "test": "validation"}  # the official name: TFDS's
PNG_LEVEL = 1  # zlib: 13 ms and 415 kB per image on 2 cores; level 6, TFDS's, takes 85 ms for 367 kB
FRAMES_AHEAD = 4  # per core: enough to keep the threads busy, 13 MB of memory


class Frame(typing.NamedTuple):
    """One pair that has been found, not yet decoded."""

    key: str  # TFDS's key, unique in its split
    scene: str  # the room it shows
    # the image, [480, 640, 3] uint8, and the depth, [480, 640] float, metres; InputError names the file if it cannot
    load: Callable[[], tuple[np.ndarray, np.ndarray]]


class Source:
    """Where frames come from."""

    kind: str  # one word for the results
    fingerprint: str  # tells this source's files from others, wherever they lie
    share_read = 0.0  # from 0 to 1, how far `frames` has come; only where `count` may be None
    listed: dict[str, list] | None = None  # {TFDS's split: frames}; None where only a pass over all could tell

    def choose(self, max_images: int) -> None:
        """Keeps `max_images` frames per split, spread over the scenes; 0 keeps all."""
        for split, found in self.listed.items():
            self.listed[split] = scenes.spread(found, max_images, scene=lambda frame: frame.scene)

    def count(self, split: str) -> int | None:
        """Returns how many frames `frames(split)` yields, None where only a pass over all could tell."""
        return len(self.listed[split]) if self.listed else None

    def records_gb(self) -> float:
        """Returns about how many gigabytes (10^9 bytes) of records `frames` makes."""
        return sum(map(len, self.listed.values())) * EXAMPLE_GB

    def frames(self, split: str) -> Iterator[Frame]:
        """Yields the frames of TFDS's `split`."""
        return iter(self.listed[split])


@functools.cache
def official_split() -> dict[int, tuple[str, str]]:
    """Returns {1-based row of the labelled data set: (TFDS's split, scene)}: 795 train, 654 of other scenes.

    Source: Silberman, Hoiem, Kohli and Fergus, Indoor Segmentation and Support Inference from RGBD Images, ECCV 2012.
    """
    with open(OFFICIAL_SPLIT_FILE, encoding="utf-8", newline="") as file:
        return {int(row["mat_index"]): (OFFICIAL_SPLITS[row["split"]], row["scene"]) for row in csv.DictReader(file)}


def fastdepth_scene(folder: str, file_name: str) -> str:
    """Returns the scene of a FastDepth file; that of an official test image stands in the official table."""
    number = file_name.removesuffix(".h5")
    if folder == OFFICIAL_FOLDER and number.isdecimal():
        return official_split().get(int(number), (None, folder))[1]
    return scenes.scene_of(folder)


def fastdepth_frame(folder: str, file_name: str, content: pathlib.Path | bytes, label: str) -> Frame:
    """Returns the frame of <folder>/<file_name>; `content` is the file or what it holds, and errors call it `label`."""

    def load() -> tuple[np.ndarray, np.ndarray]:
        with open_hdf5(io.BytesIO(content) if isinstance(content, bytes) else content, label) as file:
            return checked(read_array(file, "rgb", label), read_array(file, "depth", label), label)

    return Frame(f"{folder}_{file_name}", fastdepth_scene(folder, file_name), load)


@contextlib.contextmanager
def open_hdf5(file: object, label: str) -> Iterator[h5py.File]:
    """Opens a path or a binary file for reading; InputError names `label` if it is not HDF5, or damaged."""
    try:
        with h5py.File(file, "r") as opened:
            yield opened
    except OSError as error:
        raise InputError(f"{label}: expected an HDF5 file, could not read it ({error})") from error


def read_array(file: h5py.File, name: str, label: str, index: int | tuple[()] = ()) -> np.ndarray:
    """Reads an array, or one row of it; raises InputError naming `label` if there is none."""
    if not isinstance(file.get(name), h5py.Dataset):
        raise InputError(f"{label}: expected an array {name}, found {', '.join(file) or 'nothing'}")
    return np.asarray(file[name][index])


def checked(image_chw: np.ndarray, depth_m: np.ndarray, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the image as [480, 640, 3] uint8, and the depth as it is; InputError names `label` if either is odd."""
    for name, array, kind, shape in (
        ("image", image_chw, np.uint8, [3, HEIGHT_PX, WIDTH_PX]),
        ("depth, metres,", depth_m, np.floating, [HEIGHT_PX, WIDTH_PX]),
    ):
        if list(array.shape) != shape or not np.issubdtype(array.dtype, kind):
            came = f"{array.dtype} {list(array.shape)}"
            raise InputError(f"{label}: expected the {name} as {kind.__name__} {shape}, found {came}")
    return image_chw.transpose(1, 2, 0), depth_m


def digest(text: str) -> str:
    """Returns 16 hexadecimal digits that tell `text` from others."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digest(path: pathlib.Path) -> str:
    """Returns a fingerprint of a file of many gigabytes: of its size and its first MiB."""
    with open(path, "rb") as file:
        return digest(f"{path.stat().st_size} {hashlib.sha256(file.read(1 << 20)).hexdigest()}")


def examples(frames: Iterable[Frame]) -> Iterator[tuple[Frame, dict]]:
    """Yields (frame, {"image": PNG bytes, "depth": [480, 640] float16, metres}), in the order of `frames`."""
    cores = machine.num_cores()
    pool = concurrent.futures.ThreadPoolExecutor(cores)
    pending = collections.deque()
    try:
        for frame in frames:
            pending.append(pool.submit(_example, frame))
            if len(pending) > FRAMES_AHEAD * cores:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _example(frame: Frame) -> tuple[Frame, dict]:
    image, depth_m = frame.load()
    png = tf.io.encode_png(np.ascontiguousarray(image), compression=PNG_LEVEL).numpy()
    return frame, {"image": png, "depth": depth_m.astype(np.float16).view(QuickDepth)}
