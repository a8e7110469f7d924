"""FastDepth's archive of NYU Depth V2 as a stream of frames."""

import bisect
import functools
import gzip
import io
import pathlib
import tarfile
import zlib
from collections.abc import Callable, Iterator

from depth_tf.nyu.frames import SPLIT_FOLDERS, Frame, Source, fastdepth_frame, fastdepth_scene, file_digest, is_frame
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.progress import Progress

RECORDS_PER_ARCHIVE_BYTE = 2.4  # 83 GB of records from 34.3 GB; 1.37 GB from a 0.57 GB archive of JPEG images


class ArchiveSource(Source):
    """FastDepth's `nyudepthv2.tar.gz`, read from front to back once per split and never extracted."""

    kind = "fastdepth_archive"

    def __init__(self, path: pathlib.Path):
        self._path = path
        self.fingerprint = file_digest(path)

    def choose(self, max_images: int) -> None:
        """Keeps `max_images` frames per split, spread over the scenes, which takes a pass over the archive."""
        if max_images:
            self.listed = {split: [] for split in SPLIT_FOLDERS}
            with Progress("listing") as progress:
                for split, folder, name, _ in self._members(lambda *_: False):
                    bisect.insort(self.listed[split], (folder, name))
                    progress.update_share(self.share_read)
            super().choose(max_images)

    def records_gb(self) -> float:
        """Returns about how many gigabytes (10^9 bytes) of records `frames` makes."""
        return super().records_gb() if self.listed else self._path.stat().st_size / 1e9 * RECORDS_PER_ARCHIVE_BYTE

    def _scene(self, item: tuple[str, str]) -> str:
        return fastdepth_scene(*item)

    def frames(self, split: str) -> Iterator[Frame]:
        """Yields the frames of TFDS's `split`, with their bytes in memory until they are loaded."""
        chosen = self.listed and set(self.listed[split])

        def wanted(found_split: str, *item: str) -> bool:
            return found_split == split and (chosen is None or item in chosen)

        left = self.count(split)
        for _, folder, name, content in self._members(wanted):
            if content is None:
                continue
            label = f"{self._path}: {SPLIT_FOLDERS[split]}/{folder}/{name}"
            yield fastdepth_frame(folder, name, label=label, opened=functools.partial(io.BytesIO, content))
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
                        if member.isfile() and top in splits and is_frame(name):
                            frame = (splits[top], folder, name)
                            yield *frame, archive.extractfile(member).read() if wanted(*frame) else None
                while plain.read(1 << 20):  # tarfile stops at its end mark; gzip's checksum comes after it
                    pass
        except (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error) as error:
            damage = f"{self._path} is truncated or damaged, {self.share_read:.0%} was read ({error})"
            raise InputError(f"{damage}: download it again") from error
