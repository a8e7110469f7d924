"""The places NYU Depth V2 frames come from on disk, each turned into the same stream of frames.

    source = open_source(path)
    source.choose(max_images)           # 0 takes all
    for frame in source.frames("train"):
        image, depth_m = frame.load()   # in any thread

Keys are those that TFDS's own builder would give, so a data set prepared from the archive, from its
extracted folder or from TFDS's download has the same records in the same order.
"""

import functools
import itertools
import os
import pathlib
from collections.abc import Iterator
from typing import Protocol

import h5py
import numpy as np

from depth_tf.nyu.archive import ArchiveSource
from depth_tf.nyu.frames import (
    EXAMPLE_GB,
    HEIGHT_PX,
    SPLIT_FOLDERS,
    WIDTH_PX,
    Frame,
    checked,
    digest,
    fastdepth_frame,
    fastdepth_scene,
    file_digest,
    official_split,
    open_hdf5,
    read_array,
    spread,
)
from depth_tf.runtime.errors import InputError

GZIP_START = b"\x1f\x8b"  # RFC 1952
LABELED_PAIRS = 1449
ARCHIVE_ROOT = "nyudepthv2"


class Source(Protocol):
    """What every source offers.

    Attributes:
      kind: one word for the results.
      fingerprint: tells this source's files from others, wherever they lie.
      share_read: from 0 to 1, how far `frames` has come; only where `count` may be None.
    """

    kind: str
    fingerprint: str
    share_read: float

    def choose(self, max_images: int) -> None:
        """Keeps `max_images` frames a split, spread over the scenes; 0 keeps all."""

    def count(self, split: str) -> int | None:
        """Returns how many frames `frames(split)` yields, None where only a pass over all could tell."""

    def records_gb(self) -> float:
        """Returns about how many gigabytes (10^9 bytes) of records `frames` makes."""

    def frames(self, split: str) -> Iterator[Frame]:
        """Yields the frames of TFDS's `split`."""


def open_source(path: str | os.PathLike) -> Source:
    """Returns the source at `path`, told by what it is, not by its name.

    Raises:
      InputError: if there is nothing, nothing that can be read, or nothing that holds NYU Depth V2.
    """
    path = pathlib.Path(path).expanduser()
    kinds = "expected FastDepth's nyudepthv2.tar.gz, its extracted folder nyudepthv2/, or nyu_depth_v2_labeled.mat"
    if not path.exists():
        raise InputError(f"--source={path} does not exist: {kinds}")
    if path.is_dir():
        return FolderSource(path)
    try:
        with open(path, "rb") as file:
            start = file.read(len(GZIP_START))
    except OSError as error:
        raise InputError(f"--source={path} cannot be read ({error.strerror}): {kinds}") from error
    if start == GZIP_START:
        return ArchiveSource(path)
    if h5py.is_hdf5(path):
        return LabeledSource(path)
    raise InputError(f"--source={path} is neither a gzip archive nor an HDF5 file: {kinds}")


class FolderSource:
    """FastDepth's archive after extraction: `{train,val}/<folder>/<frame>.h5`."""

    kind = "fastdepth_folder"

    def __init__(self, path: pathlib.Path):
        root = path / ARCHIVE_ROOT if (path / ARCHIVE_ROOT).is_dir() else path
        self._files: dict[str, list[pathlib.Path]] = {}
        for split, name in SPLIT_FOLDERS.items():
            self._files[split] = sorted(file for file in (root / name).glob("*/*.h5") if not file.name.startswith("."))
            if not self._files[split]:
                raise InputError(
                    f"--source={path} has no {root / name}/<scene>/<frame>.h5: expected the extracted"
                    f" FastDepth archive, a folder with train/ and val/"
                )
        files = itertools.chain.from_iterable(self._files.values())
        described = [f"{file.relative_to(root)} {file.stat().st_size}" for file in files]
        self.fingerprint = digest("\n".join(described))

    def choose(self, max_images: int) -> None:
        """Keeps `max_images` frames a split, spread over the scenes; 0 keeps all."""
        for split, files in self._files.items():
            self._files[split] = spread(
                files, max_images, scene=lambda file: fastdepth_scene(file.parent.name, file.name)
            )

    def count(self, split: str) -> int:
        """Returns how many frames `frames(split)` yields."""
        return len(self._files[split])

    def records_gb(self) -> float:
        """Returns about how many gigabytes of records `frames` makes."""
        return sum(self.count(split) for split in SPLIT_FOLDERS) * EXAMPLE_GB

    def frames(self, split: str) -> Iterator[Frame]:
        """Yields the frames of TFDS's `split`."""
        for file in self._files[split]:
            yield fastdepth_frame(file.parent.name, file.name, label=str(file), opened=lambda file=file: file)


class LabeledSource:
    """The official `nyu_depth_v2_labeled.mat`: 1,449 pairs with in-painted depth, in MATLAB's axis order."""

    kind = "labeled_mat"

    def __init__(self, path: pathlib.Path):
        self._path = path
        self._rows: dict[str, list[tuple[int, str]]] = {split: [] for split in SPLIT_FOLDERS}
        for index, (split, scene) in official_split().items():
            self._rows[split].append((index, scene))
        self.fingerprint = file_digest(path)
        wanted = {
            "images": (LABELED_PAIRS, 3, WIDTH_PX, HEIGHT_PX),
            "depths": (LABELED_PAIRS, WIDTH_PX, HEIGHT_PX),
        }
        with open_hdf5(path, str(path)) as file:
            for name, shape in wanted.items():
                if name not in file or file[name].shape != shape:
                    found = file[name].shape if name in file else f"only {', '.join(file) or 'nothing'}"
                    raise InputError(
                        f"{path}: expected {name} of shape {shape}, found {found}: is it the labelled data set?"
                    )

    def choose(self, max_images: int) -> None:
        """Keeps `max_images` frames a split, spread over the scenes; 0 keeps all."""
        for split, rows in self._rows.items():
            self._rows[split] = spread(rows, max_images, scene=lambda row: row[1])

    def count(self, split: str) -> int:
        """Returns how many frames `frames(split)` yields."""
        return len(self._rows[split])

    def records_gb(self) -> float:
        """Returns about how many gigabytes of records `frames` makes."""
        return sum(self.count(split) for split in SPLIT_FOLDERS) * EXAMPLE_GB

    def frames(self, split: str) -> Iterator[Frame]:
        """Yields the frames of TFDS's `split`."""
        for index, scene in self._rows[split]:
            yield Frame(f"{scene}_{index:05d}.h5", scene, functools.partial(self._load, index))

    def _load(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        label = f"{self._path}, image {index}"
        with open_hdf5(self._path, label) as file:
            return checked(
                read_array(file, "images", label, index - 1).transpose(0, 2, 1),
                read_array(file, "depths", label, index - 1).transpose(1, 0),
                label,
            )
