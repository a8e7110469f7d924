"""The places NYU Depth V2 frames come from on disk, each turned into the same stream of frames.

Keys are those that TFDS's own builder would give, so a data set prepared from the archive, from its
extracted folder or from TFDS's download has the same records in the same order.
"""

import functools
import itertools
import os
import pathlib

import h5py
import numpy as np

from depth_tf.nyu import frames
from depth_tf.nyu.archive import ArchiveSource
from depth_tf.nyu.frames import HEIGHT_PX, SPLIT_FOLDERS, WIDTH_PX, Frame, Source, official_split
from depth_tf.runtime.errors import InputError

GZIP_START = b"\x1f\x8b"  # RFC 1952
LABELED_PAIRS = 1449
ARCHIVE_ROOT = "nyudepthv2"


def open_source(path: str | os.PathLike) -> Source:
    """Returns the source at `path`, told by what it is, not by its name.

    Raises:
      InputError: if there is nothing, nothing that can be read, or nothing that holds NYU Depth V2.
    """
    path = pathlib.Path(path).expanduser()
    kinds = "expected FastDepth's nyudepthv2.tar.gz, its extracted folder nyudepthv2/, or nyu_depth_v2_labeled.mat"
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


class FolderSource(Source):
    """FastDepth's archive after extraction: `{train,val}/<folder>/<frame>.h5`."""

    kind = "fastdepth_folder"

    def __init__(self, path: pathlib.Path):
        root = path / ARCHIVE_ROOT if (path / ARCHIVE_ROOT).is_dir() else path
        self.listed: dict[str, list[pathlib.Path]] = {}
        for split, name in SPLIT_FOLDERS.items():
            self.listed[split] = sorted(file for file in (root / name).glob("*/*") if frames.is_frame(file.name))
            if not self.listed[split]:
                wanted = "expected the extracted FastDepth archive, a folder with train/ and val/"
                raise InputError(f"--source={path} has no {root / name}/<scene>/<frame>.h5: {wanted}")
        files = itertools.chain.from_iterable(self.listed.values())
        self.fingerprint = frames.digest("\n".join(f"{file.relative_to(root)} {file.stat().st_size}" for file in files))

    def _scene(self, file: pathlib.Path) -> str:
        return frames.fastdepth_scene(file.parent.name, file.name)

    def _frame(self, file: pathlib.Path) -> Frame:
        return frames.fastdepth_frame(file.parent.name, file.name, label=str(file), opened=lambda: file)


class LabeledSource(Source):
    """The official `nyu_depth_v2_labeled.mat`: 1,449 pairs with in-painted depth, in MATLAB's axis order."""

    kind = "labeled_mat"

    def __init__(self, path: pathlib.Path):
        self._path = path
        self.listed: dict[str, list[tuple[int, str]]] = {split: [] for split in SPLIT_FOLDERS}
        for index, (split, scene) in official_split().items():
            self.listed[split].append((index, scene))
        self.fingerprint = frames.file_digest(path)
        shapes = {"images": (LABELED_PAIRS, 3, WIDTH_PX, HEIGHT_PX), "depths": (LABELED_PAIRS, WIDTH_PX, HEIGHT_PX)}
        with frames.open_hdf5(path, str(path)) as file:
            found = {name: array.shape for name, array in file.items() if name in shapes}
            if found != shapes:
                wanted = " and ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
                raise InputError(f"{path}: expected {wanted}, found {found or 'neither'}: is it the labelled data set?")

    def _scene(self, row: tuple[int, str]) -> str:
        return row[1]

    def _frame(self, row: tuple[int, str]) -> Frame:
        index, scene = row
        return Frame(f"{scene}_{index:05d}.h5", scene, functools.partial(self._load, index))

    def _load(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        label = f"{self._path}, image {index}"
        with frames.open_hdf5(self._path, label) as file:
            image = frames.read_array(file, "images", label, index - 1).transpose(0, 2, 1)
            return frames.checked(image, frames.read_array(file, "depths", label, index - 1).T, label)
