"""A source of NYU Depth V2 and one pair of it on disk: its name, its scene, and how it is read and checked."""

import csv
import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Callable, Iterator

import h5py
import numpy as np

from depth_tf.data import scenes
from depth_tf.runtime.errors import InputError

HEIGHT_PX = 480
WIDTH_PX = 640
EXAMPLE_GB = 1.73e-3  # a TFDS record: 1.23 MB of depth, the rest PNG
SPLIT_FOLDERS = {"train": "train", "validation": "val"}  # TFDS's name: the archive's
# The archive holds the official test images as val/official/<1-based row of the labelled set>.h5.
OFFICIAL_FOLDER = "official"
OFFICIAL_SPLIT_FILE = pathlib.Path(__file__).with_name("nyu_official_split.csv")
OFFICIAL_SPLITS = {"train": "train", "test": "validation"}  # the official name: TFDS's


@dataclasses.dataclass(frozen=True)
class Frame:
    """One pair that has been found, not yet decoded."""

    key: str  # TFDS's key, unique in its split
    scene: str  # the room it shows
    # returns the image, [480, 640, 3] uint8, and the depth, [480, 640] float, metres; raises InputError naming the
    # file if they are missing or of another kind
    load: Callable[[], tuple[np.ndarray, np.ndarray]]


class Source:
    """Where frames come from: what every kind of source offers, and what those share that list their items.

    A kind gives `_scene(item)` and `_frame(item)`, or `frames` itself.

    Attributes:
      kind: one word for the results.
      fingerprint: tells this source's files from others, wherever they lie.
      share_read: from 0 to 1, how far `frames` has come; only where `count` may be None.
      listed: {TFDS's split: items}; None where only a pass over all could tell.
    """

    kind: str
    fingerprint: str
    share_read = 0.0
    listed: dict[str, list] | None = None

    def choose(self, max_images: int) -> None:
        """Keeps `max_images` frames per split, spread over the scenes; 0 keeps all."""
        for split, items in (self.listed or {}).items():
            self.listed[split] = scenes.spread(items, max_images, scene=self._scene)

    def count(self, split: str) -> int | None:
        """Returns how many frames `frames(split)` yields, None where only a pass over all could tell."""
        return len(self.listed[split]) if self.listed else None

    def records_gb(self) -> float:
        """Returns about how many gigabytes (10^9 bytes) of records `frames` makes."""
        return sum(map(len, self.listed.values())) * EXAMPLE_GB

    def frames(self, split: str) -> Iterator[Frame]:
        """Yields the frames of TFDS's `split`."""
        return map(self._frame, self.listed[split])


@functools.cache
def official_split() -> dict[int, tuple[str, str]]:
    """Returns {1-based row of the labelled data set: (TFDS's split, scene)}, the official division.

    Source: Silberman, Hoiem, Kohli and Fergus, Indoor Segmentation and Support Inference from RGBD Images,
    ECCV 2012: 795 images to train on and 654 to test, of other scenes.
    """
    with open(OFFICIAL_SPLIT_FILE, encoding="utf-8", newline="") as file:
        return {int(row["mat_index"]): (OFFICIAL_SPLITS[row["split"]], row["scene"]) for row in csv.DictReader(file)}


def is_frame(file_name: str) -> bool:
    """Says whether a file of FastDepth's folders holds a pair; macOS adds `._x.h5`, which does not."""
    return file_name.endswith(".h5") and not file_name.startswith(".")


def fastdepth_scene(folder: str, file_name: str) -> str:
    """Returns the scene of a FastDepth file; that of an official test image stands in the official table."""
    if folder != OFFICIAL_FOLDER:
        return scenes.scene_of(folder)
    number = file_name.removesuffix(".h5")
    split, scene = official_split().get(int(number) if number.isdecimal() else 0, (None, folder))
    return scene if split == "validation" else folder


def fastdepth_frame(folder: str, file_name: str, *, label: str, opened: Callable[[], object]) -> Frame:
    """Returns the frame of `<folder>/<file_name>`.

    Args:
      folder: the archive's folder, such as cafe_0001a.
      file_name: such as 00001.h5.
      label: what errors call the file.
      opened: returns what h5py opens, a path or a binary file.
    """

    def load() -> tuple[np.ndarray, np.ndarray]:
        with open_hdf5(opened(), label) as file:
            return checked(read_array(file, "rgb", label), read_array(file, "depth", label), label)

    return Frame(f"{folder}_{file_name}", fastdepth_scene(folder, file_name), load)


def open_hdf5(file: object, label: str) -> h5py.File:
    """Opens a path or a binary file for reading; raises InputError naming `label` if it is not HDF5."""
    try:
        return h5py.File(file, "r")
    except OSError as error:
        raise InputError(f"{label}: expected an HDF5 file, could not open it ({error})") from error


def read_array(file: h5py.File, name: str, label: str, index: int | tuple[()] = ()) -> np.ndarray:
    """Reads an array, or one row of it; raises InputError naming `label` if it is missing or damaged."""
    if not isinstance(file.get(name), h5py.Dataset):
        raise InputError(f"{label}: expected an array {name}, found {', '.join(file) or 'nothing'}")
    try:
        return np.asarray(file[name][index])
    except OSError as error:
        raise InputError(f"{label}: could not read {name} ({error}): the file is damaged") from error


def checked(image_chw: np.ndarray, depth_m: np.ndarray, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Refuses any image but uint8 [3, 480, 640] and any depth but float [480, 640].

    Returns:
      The image as [480, 640, 3] uint8, and the depth, metres.

    Raises:
      InputError: naming `label`.
    """
    if image_chw.shape != (3, HEIGHT_PX, WIDTH_PX) or image_chw.dtype != np.uint8:
        raise InputError(
            f"{label}: expected the image as uint8 [3, {HEIGHT_PX}, {WIDTH_PX}],"
            f" found {image_chw.dtype} {list(image_chw.shape)}"
        )
    if depth_m.shape != (HEIGHT_PX, WIDTH_PX) or depth_m.dtype.kind != "f":
        raise InputError(
            f"{label}: expected the depth as float32 [{HEIGHT_PX}, {WIDTH_PX}] in metres,"
            f" found {depth_m.dtype} {list(depth_m.shape)}"
        )
    return image_chw.transpose(1, 2, 0), depth_m


def digest(text: str) -> str:
    """Returns 16 hexadecimal digits that tell `text` from others."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digest(path: pathlib.Path) -> str:
    """Returns a fingerprint of a file of many gigabytes: of its size and its first MiB."""
    with open(path, "rb") as file:
        return digest(f"{path.stat().st_size} {hashlib.sha256(file.read(1 << 20)).hexdigest()}")
