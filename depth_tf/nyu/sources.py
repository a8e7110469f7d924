"""The places NYU Depth V2 frames come from on disk, each turned into the same stream of frames.

Keys are those that TFDS's own builder would give, so a data set prepared from the archive, from its
extracted folder or from TFDS's download has the same records in the same order.
"""

import functools
import gzip
import os
import pathlib
import tarfile
import zlib
from collections.abc import Callable, Iterator

import h5py
import numpy as np

from depth_tf.data import scenes
from depth_tf.nyu import frames
from depth_tf.nyu.frames import HEIGHT_PX, SPLIT_FOLDERS, WIDTH_PX, Frame, fastdepth_scene, official_split
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.progress import Progress

GZIP_START = b"\x1f\x8b"  # RFC 1952
LABELED_PAIRS = 1449
ARCHIVE_ROOT = "nyudepthv2"
EXAMPLE_GB = 1.73e-3  # a TFDS record: 1.23 MB of depth, the rest PNG
RECORDS_PER_ARCHIVE_BYTE = 2.4  # 83 GB of records from 34.3 GB; 1.37 GB from a 0.57 GB archive of JPEG images


def open_source(path: str | os.PathLike) -> "Source":
    """Returns the source at `path`, told by what it is, not by its name; InputError if it is none."""
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


class FolderSource(Source):
    """FastDepth's archive after extraction: `{train,val}/<folder>/<frame>.h5`."""

    kind = "fastdepth_folder"

    def __init__(self, path: pathlib.Path):
        root = path / ARCHIVE_ROOT if (path / ARCHIVE_ROOT).is_dir() else path
        self.listed, lines = {}, []
        for split, name in SPLIT_FOLDERS.items():
            files = sorted((root / name).glob("*/[!.]*.h5"))  # macOS adds ._x.h5
            if not files:
                wanted = "expected the extracted FastDepth archive, a folder with train/ and val/"
                raise InputError(f"--source={path} has no {root / name}/<scene>/<frame>.h5: {wanted}")
            self.listed[split] = [frames.fastdepth_frame(*file.parts[-2:], file, str(file)) for file in files]
            lines += [f"{file.relative_to(root)} {file.stat().st_size}" for file in files]
        self.fingerprint = frames.digest("\n".join(lines))


class LabeledSource(Source):
    """The official `nyu_depth_v2_labeled.mat`: 1,449 pairs with in-painted depth, in MATLAB's axis order."""

    kind = "labeled_mat"

    def __init__(self, path: pathlib.Path):
        self._path = path
        self.listed = {split: [] for split in SPLIT_FOLDERS}
        for row, (split, scene) in official_split().items():
            frame = Frame(f"{scene}_{row:05d}.h5", scene, functools.partial(self._load, row))
            self.listed[split].append(frame)
        self.fingerprint = frames.file_digest(path)
        shapes = {"images": (LABELED_PAIRS, 3, WIDTH_PX, HEIGHT_PX), "depths": (LABELED_PAIRS, WIDTH_PX, HEIGHT_PX)}
        with frames.open_hdf5(path, str(path)) as file:
            found = {name: array.shape for name, array in file.items() if name in shapes}
            if found != shapes:
                wanted = " and ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
                raise InputError(f"{path}: expected {wanted}, found {found or 'neither'}: is it the labelled data set?")

    def _load(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        label = f"{self._path}, image {row}"
        with frames.open_hdf5(self._path, label) as file:
            image = frames.read_array(file, "images", label, row - 1).transpose(0, 2, 1)
            return frames.checked(image, frames.read_array(file, "depths", label, row - 1).T, label)


class ArchiveSource(Source):
    """FastDepth's `nyudepthv2.tar.gz`, read from front to back once per split and never extracted.

    `listed`, once some frames are chosen, holds (folder, file name) of each.
    """

    kind = "fastdepth_archive"

    def __init__(self, path: pathlib.Path):
        self._path = path
        self.fingerprint = frames.file_digest(path)

    def choose(self, max_images: int) -> None:
        """Keeps `max_images` frames per split, spread over the scenes, which takes a pass over the archive."""
        if max_images:
            found = {split: [] for split in SPLIT_FOLDERS}
            with Progress("listing") as progress:
                for split, *item, _ in self._members(lambda *_: False):
                    found[split].append(tuple(item))
                    progress.update_share(self.share_read)
            for split, items in found.items():
                found[split] = scenes.spread(sorted(items), max_images, scene=lambda item: fastdepth_scene(*item))
            self.listed = found

    def records_gb(self) -> float:
        """Returns about how many gigabytes (10^9 bytes) of records `frames` makes."""
        return super().records_gb() if self.listed else self._path.stat().st_size / 1e9 * RECORDS_PER_ARCHIVE_BYTE

    def frames(self, split: str) -> Iterator[Frame]:
        """Yields the frames of TFDS's `split`, with their bytes in memory until they are loaded."""
        chosen = self.listed and set(self.listed[split])

        def wanted(found_split: str, *item: str) -> bool:
            return found_split == split and (chosen is None or item in chosen)

        left = self.count(split)
        for _, folder, name, content in self._members(wanted):
            if content is not None:
                label = f"{self._path}: {SPLIT_FOLDERS[split]}/{folder}/{name}"
                yield frames.fastdepth_frame(folder, name, content, label)
                left = left and left - 1
                if left == 0:
                    return  # the rest of the archive was checked when it was listed

    def _members(self, wanted: Callable[[str, str, str], bool]) -> Iterator[tuple[str, str, str, bytes | None]]:
        """Yields (split, folder, file name, content if wanted) of each frame in the archive's order."""
        splits = {name: split for split, name in SPLIT_FOLDERS.items()}
        size = self._path.stat().st_size
        self.share_read = 0.0
        try:
            with open(self._path, "rb") as file, gzip.open(file) as plain:
                with tarfile.open(fileobj=plain, mode="r|", bufsize=1 << 20) as archive:
                    for member in archive:
                        self.share_read = file.tell() / size
                        top, folder, name = ("//" + member.name).split("/")[-3:]
                        if member.isfile() and top in splits and name.endswith(".h5") and not name.startswith("."):
                            frame = (splits[top], folder, name)
                            yield *frame, archive.extractfile(member).read() if wanted(*frame) else None
                while plain.read(1 << 20):  # tarfile stops at its end mark; gzip's checksum comes after it
                    pass
        except (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error) as error:
            damage = f"{self._path} is truncated or damaged, {self.share_read:.0%} was read ({error})"
            raise InputError(f"{damage}: download it again") from error
