"""The places NYU Depth V2 frames come from on disk, each turned into the same stream of frames.

Keys are those that TFDS's own builder would give, so a data set prepared from the archive, from its
extracted folder or from TFDS's download has the same records in the same order.
"""

import contextlib
import functools
import gzip
import hashlib
import os
import pathlib
import tarfile
import zlib
from collections.abc import Iterator

import h5py
import numpy as np
import requests
import tqdm
from tensorflow_datasets.core.download import resource

from depth_tf.data import scenes
from depth_tf.nyu import frames
from depth_tf.nyu.frames import HEIGHT_PX, SPLIT_FOLDERS, WIDTH_PX, Frame, Source, official_split
from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say
from depth_tf.runtime.progress import Progress

GZIP_START = b"\x1f\x8b"  # RFC 1952
TAR_MARK, TAR_MARK_END = b"ustar", 262  # POSIX.1-2001, pax: bytes 257 to 261
LABELED_PAIRS = 1449
ARCHIVE_ROOT = "nyudepthv2"
RECORDS_PER_ARCHIVE_BYTE = 2.4  # 83 GB of records from 34.3 GB; 1.37 GB from a 0.57 GB archive of JPEG images
# Address, size and checksum: what TFDS 4.9.10 holds of its builder nyu_depth_v2.
ARCHIVE_URL = "http://datasets.lids.mit.edu/fastdepth/data/nyudepthv2.tar.gz"
ARCHIVE_BYTES = 34_276_493_134
ARCHIVE_SHA256 = "063b5762eeb3041614bf40722ea5cf805cb8ca052e56f3d1c63cfd229e7ff7b3"
EXTRACTED_GB = 104
RECORDS_GB = 83  # 48,238 examples of 1.73 MB
CONNECT_SECONDS, SILENCE_SECONDS = 5, 30
MIRRORS = (  # dwofk/fast-depth#69
    "users name as mirrors Hugging Face sayakpaul/nyu_depth_v2 (the same .h5 files) and Kaggle awsaf49/"
    "official-split-dataset (PNG files); --source takes the archive, a folder nyudepthv2/{train,val}/<scene>/<frame>.h5"
    ", or nyu_depth_v2_labeled.mat, which https://cs.nyu.edu/~silberman/datasets/nyu_depth_v2.html links"
)


def open_source(path: str | os.PathLike) -> Source:
    """Returns the source at `path`, told by what it is, not by its name; InputError if it is none."""
    path = pathlib.Path(path).expanduser()
    kinds = "expected FastDepth's nyudepthv2.tar.gz, its extracted folder nyudepthv2/, or nyu_depth_v2_labeled.mat"
    if path.is_dir():
        tars = sorted(path.glob("*.tar"))
        return ArchiveSource(*tars) if tars else FolderSource(path)
    try:
        with open(path, "rb") as file:
            start = file.read(TAR_MARK_END)
    except OSError as error:
        raise InputError(f"--source={path} cannot be read ({error.strerror}): {kinds}") from error
    if start.startswith(GZIP_START) or start.endswith(TAR_MARK):
        return ArchiveSource(path)
    if h5py.is_hdf5(path):
        return LabeledSource(path)
    raise InputError(f"--source={path} is neither an archive nor an HDF5 file: {kinds}")


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
            self.listed[split].append(Frame(f"{scene}_{row:05d}.h5", scene, functools.partial(self._load, row)))
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
    """FastDepth's `nyudepthv2.tar.gz`, or a mirror's .tar files, read as streams once per split, never extracted."""

    kind = "fastdepth_archive"  # `listed`, once some frames are chosen, holds (folder, file name) of each

    def __init__(self, *paths: pathlib.Path):
        self._paths, digests = paths, [frames.file_digest(path) for path in paths]
        self.fingerprint = frames.digest("\n".join(digests)) if digests[1:] else digests[0]

    def choose(self, max_images: int) -> None:
        """Keeps `max_images` frames per split, spread over the scenes, which takes a pass over the archive."""
        if max_images:
            found = {split: [] for split in SPLIT_FOLDERS}
            with Progress("listing") as progress:
                for split, folder, name, _ in self._members():
                    found[split].append((folder, name))
                    progress.update_share(self.share_read)
            for split, items in found.items():
                items.sort()
                found[split] = scenes.spread(items, max_images, scene=lambda item: frames.fastdepth_scene(*item))
            self.listed = found

    def records_gb(self) -> float:
        """Returns about how many gigabytes (10^9 bytes) of records `frames` makes."""
        return super().records_gb() if self.listed else self._num_bytes() / 1e9 * RECORDS_PER_ARCHIVE_BYTE

    def _num_bytes(self) -> int:
        return sum(path.stat().st_size for path in self._paths)

    def frames(self, split: str) -> Iterator[Frame]:
        """Yields the frames of TFDS's `split`, with their bytes in memory until they are loaded."""
        left = self.count(split)
        for _, folder, name, content in self._members(split, self.listed and set(self.listed[split])):
            if content is not None:
                label = f"{self._paths[0]}: {SPLIT_FOLDERS[split]}/{folder}/{name}"
                yield frames.fastdepth_frame(folder, name, content, label)
                left = left and left - 1
                if left == 0:
                    return  # the rest of the archive was checked when it was listed

    def _members(self, split: str = "", chosen: set | None = None) -> Iterator[tuple[str, str, str, bytes | None]]:
        """Yields (split, folder, file name, content) of each frame; content is None unless of `split` and chosen."""
        self.share_read, before = 0.0, 0
        for path in self._paths:
            yield from self._members_of(path, split, chosen, before)
            before += path.stat().st_size

    def _members_of(self, path: pathlib.Path, split: str, chosen: set | None, before: int) -> Iterator[tuple]:
        """Yields those of one file, which comes after so many bytes of others."""
        splits, size = {name: split for split, name in SPLIT_FOLDERS.items()}, self._num_bytes()
        try:
            with open(path, "rb") as file, _uncompressed(file) as plain:
                with tarfile.open(fileobj=plain, mode="r|", bufsize=1 << 20) as archive:
                    for member in archive:
                        self.share_read = (before + file.tell()) / size
                        top, folder, name = ("//" + member.name).split("/")[-3:]
                        if member.isfile() and top in splits and name.endswith(".h5") and not name.startswith("."):
                            wanted = splits[top] == split and (chosen is None or (folder, name) in chosen)
                            content = archive.extractfile(member).read() if wanted else None
                            yield splits[top], folder, name, content
                while plain.read(1 << 20):  # tarfile stops at its end mark; gzip's checksum comes after it
                    pass
        except (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error) as error:
            damage = f"{path} is truncated or damaged, {self.share_read:.0%} was read ({error})"
            raise InputError(f"{damage}: download it again") from error


class DownloadedArchive(ArchiveSource):
    """FastDepth's archive, which is downloaded into `<data_dir>/downloads` when frames are chosen."""

    kind = "tfds_download"

    def __init__(self, data_dir: pathlib.Path):
        self._downloads, self.fingerprint = data_dir / "downloads", ARCHIVE_SHA256[:16]

    def choose(self, max_images: int) -> None:
        """Downloads the archive unless it is there, then keeps `max_images` frames per split; 0 keeps all."""
        name = resource.get_dl_fname(ARCHIVE_URL, ARCHIVE_SHA256)
        path = next(self._downloads.rglob(name), self._downloads / name)  # TFDS puts it there too, or deeper
        part = path.with_name(f"{name}.part")
        missing_gb = 0 if path.exists() else (ARCHIVE_BYTES - _size(part)) / 1e9
        needed_gb = missing_gb + (0 if max_images else RECORDS_GB)
        say(
            f"TFDS's source: {ARCHIVE_BYTES / 1e9:.1f} GB, {missing_gb:.1f} GB of it to download, up to"
            f" {EXTRACTED_GB} GB when extracted (not here: it is read as a stream), {RECORDS_GB} GB of records for"
            f" all images; this run needs {needed_gb:.1f} GB in {self._downloads.parent}"
        )
        atomic_files.require_free(self._downloads, needed_gb, "NYU Depth V2")
        if not path.exists():
            download(part)
            os.replace(part, path)
        self._paths = (path,)
        super().choose(max_images)


def _uncompressed(file):
    """Returns a file's plain content, which gzip may have packed."""
    packed = file.read(len(GZIP_START)) == GZIP_START
    file.seek(0)
    return gzip.open(file) if packed else contextlib.nullcontext(file)


def download(part: pathlib.Path) -> None:
    """Downloads the archive, going on from the part that is there, and checks it; raises InputError if it cannot."""
    try:
        if (done := _size(part)) != ARCHIVE_BYTES:
            _fetch(part, done)
    except requests.RequestException as error:
        kept = f"{_size(part) / 1e9:.1f} GB are kept, and the same command goes on from there"
        raise InputError(f"the download of {ARCHIVE_URL} broke off ({error}): {kept}; {MIRRORS}") from error
    with open(part, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != ARCHIVE_SHA256:
        part.unlink()
        told = f"{ARCHIVE_URL}: expected the checksum {ARCHIVE_SHA256}, got {found}"
        raise InputError(f"{told}; what came is removed: run again; {MIRRORS}")
    say(f"{ARCHIVE_URL} is here, with the checksum that TFDS knows")


def _fetch(part: pathlib.Path, done: int) -> None:
    """Appends to a file that holds the first `done` bytes of the archive."""
    how = {"headers": {"Range": f"bytes={done}-"}, "timeout": (CONNECT_SECONDS, SILENCE_SECONDS)}
    with requests.get(ARCHIVE_URL, stream=True, **how) as reply:
        reply.raise_for_status()
        done = done if reply.status_code == requests.codes.partial_content else 0  # a server may know no ranges
        if (size := done + int(reply.headers.get("Content-Length", 0))) != ARCHIVE_BYTES:
            raise requests.RequestException(f"expected {ARCHIVE_BYTES} bytes there, found {size}")
        part.parent.mkdir(parents=True, exist_ok=True)
        shown = tqdm.tqdm(initial=done, total=ARCHIVE_BYTES, unit="B", unit_scale=True, mininterval=5)
        with open(part, "ab" if done else "wb") as file, shown:
            for block in reply.iter_content(1 << 20):
                shown.update(file.write(block))


def _size(path: pathlib.Path) -> int:
    return path.stat().st_size if path.exists() else 0
