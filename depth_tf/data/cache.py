"""Where decoded and resized images are kept between epochs."""

import contextlib
import pathlib
import shutil
from collections.abc import Iterator

from depth_tf.runtime import memory

CACHES = ("auto", "none", "memory", "disk")
MEMORY_SHARE = 0.25  # of the memory this process may use that `--cache=auto` lets the decoded images take


def choose_cache(cache: str, num_images: int, size_px: tuple[int, int]) -> str:
    """Returns `cache`, with "auto" resolved to "memory" where a quarter of the memory holds the images, else "disk"."""
    if cache != "auto":
        return cache
    needed = num_images * size_px[0] * size_px[1] * 7  # uint8 RGB and float32 depth
    return "memory" if needed <= MEMORY_SHARE * memory.total_bytes() else "disk"


@contextlib.contextmanager
def cache_folder(workdir: pathlib.Path, cache: str, worker: int = 0) -> Iterator[pathlib.Path]:
    """Yields a worker's folder for `cache="disk"`, empty, and removes it afterwards with what tf.data left in it."""
    folder = workdir / f"cache{worker}"
    shutil.rmtree(folder, ignore_errors=True)
    if cache == "disk":
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
