"""Reads the part of a data set that fits the memory allowed: scikit-learn learns from arrays, not from a stream.

Images and depths come at the network's size, so that both models see the same pixels.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Callable

import numpy as np
from etils import epy

from depth_tf.data import settings
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.memory import GIB, peak_gib
from depth_tf.runtime.program import option, say

with epy.lazy_imports():
    from depth_tf.data import resizing, scenes, splits

SIZE_PX = (192, 256)  # height and width
PAIR_BYTES = SIZE_PX[0] * SIZE_PX[1] * (3 + 4)  # uint8 RGB, float32 depth
READER_GIB = 0.3  # tf.data's buffers and decoders while it reads, measured


@dataclasses.dataclass(frozen=True)
class DataSettings(settings.DataSettings):
    """The data flags; nothing is tuned here on a hold-out, so that by default all of `train` is learnt from."""

    validation_fraction: float = option(0.0, "share of train, in whole scenes, that is left out", group="data")


def read_part(
    split: splits.Split, *, max_ram_gib: float, fit_bytes: Callable[[int], int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads as many pairs as can be learnt from within `max_ram_gib`, spread over the scenes; says how many and why.

    `max_ram_gib` is what the whole process may take at its peak, `fit_bytes` what fitting a number of images takes
    beyond the pairs; InputError if not even one image fits. Returns what `read_pairs` does.
    """
    held_gib = peak_gib() + READER_GIB
    count = num_images_that_fit(split.num_images, free_bytes=(max_ram_gib - held_gib) * GIB, fit_bytes=fit_bytes)
    if not count:
        needed_gib = held_gib + (PAIR_BYTES + fit_bytes(1)) / GIB
        raise InputError(f"--max_ram_gib={max_ram_gib:g} is too little: one image needs {needed_gib:.1f} GiB")
    total_gib = held_gib + (count * PAIR_BYTES + fit_bytes(count)) / GIB
    choice = ", spread over the scenes" if split.scene_of_image else ", the first ones, as scenes are unknown"
    say(
        f"{count} of {split.num_images} {split.name} images{choice if count < split.num_images else ''}: "
        f"{held_gib:.2f} GiB for the program, {count * PAIR_BYTES / GIB:.2f} for the pairs and "
        f"{fit_bytes(count) / GIB:.2f} to fit make {total_gib:.2f} of --max_ram_gib={max_ram_gib:g}"
    )
    return read_pairs(split, count)


def num_images_that_fit(available: int, *, free_bytes: float, fit_bytes: Callable[[int], int]) -> int:
    """Returns the largest number of images, up to `available`, whose pairs and fit take at most `free_bytes`."""
    counts = range(1, available + 1)
    return bisect.bisect_right(counts, free_bytes, key=lambda count: count * PAIR_BYTES + fit_bytes(count))


def read_pairs(split: splits.Split, count: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads `count` pairs in one pass, as evenly over the scenes as they allow, in the split's order; 0 reads all.

    Returns images [N, 192, 256, 3] uint8, RGB, depths [N, 192, 256] float32, metres, 0 where missing, and the scene of
    each: where that is unknown, each image counts as one of its own.
    """
    scene_of_image = split.scene_of_image or ("",) * split.num_images
    chosen = np.zeros(split.num_images, bool)
    chosen[scenes.spread(range(split.num_images), count, scene=lambda index: scene_of_image[index])] = True
    images = np.empty((chosen.sum(), *SIZE_PX, 3), np.uint8)
    depths_m = np.empty(images.shape[:3], np.float32)
    # Chosen before decoding would save time, but tf.data decodes inside `read`: a pass over all keeps one reader.
    pairs = splits.as_numpy(resizing.resized(split, SIZE_PX).prefetch(8))
    kept = (pair for wanted, pair in zip(chosen, pairs, strict=True) if wanted)
    for place, (image, depth_m) in enumerate(kept):
        images[place], depths_m[place] = image, depth_m[..., 0]
    groups = split.scene_of_image or range(split.num_images)
    return images, depths_m, np.array(groups)[chosen]
