"""Turns a split into batches that a network can be trained or scored on.

A batch is (image [B, H, W, 3] float32 RGB in 0..255, depth_m [B, H, W, 1] float32 metres with 0 where missing,
weight [B] float32: 1 for an image, 0 for one that only fills up the last batch).
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
from collections.abc import Iterator

import tensorflow as tf

from depth_tf import augmentation, memory
from depth_tf.errors import InputError
from depth_tf.model import check_size
from depth_tf.splits import Split

CACHES = ("auto", "none", "memory", "disk")
SHUFFLE_BUFFER_IMAGES = 2048  # records are stored in random order already, so this need not hold them all
MEMORY_SHARE = 0.25  # of the memory this process may use that `--cache=auto` lets the decoded images take


@dataclasses.dataclass(frozen=True)
class Grid:
    """What every image is brought to: its size, and the depths that count as measured.

    Attributes:
      height_px: divisible by 32.
      width_px: divisible by 32.
      min_depth_m: nearer readings are taken as missing.
      max_depth_m: farther readings are taken as missing.
    """

    height_px: int = 192
    width_px: int = 256
    min_depth_m: float = 0.1
    max_depth_m: float = 10.0

    def __post_init__(self):
        check_size(self.height_px, self.width_px)
        if not 0 < self.min_depth_m < self.max_depth_m:
            raise InputError(
                f"expected 0 < --min_depth_m < --max_depth_m, got {self.min_depth_m:g} and {self.max_depth_m:g} m"
            )


def training_batches(
    split: Split,
    grid: Grid,
    *,
    batch_size: int,
    seed: int,
    epochs: int,
    first_epoch: int = 0,
    strength: augmentation.Augmentation | None = None,
    cache: str = "memory",
    cache_dir: str | os.PathLike | None = None,
) -> tf.data.Dataset:
    """Returns the batches of epochs `first_epoch` to `epochs`, one after the other.

    The order of the images and how each is changed depend only on the seed, the epoch and the image's place in
    the epoch's order: the same call gives the same batches, and starting at a later epoch gives that epoch's.

    Args:
      split: what to train on.
      grid: the size and the range of depths.
      batch_size: images a batch, over all replicas; an epoch has ceil(num_images / batch_size) batches.
      seed: of the order and the augmentation.
      epochs: epoch to stop before.
      first_epoch: epoch to start with.
      strength: how to augment; None leaves images as they are.
      cache: where decoded and resized images are kept after the first epoch: "none", "memory" or "disk".
      cache_dir: folder for "disk".
    """
    examples = _cached(resized(split, grid), split.name, cache, cache_dir)

    def one_epoch(epoch):
        # tf.data derives a shuffle's seeds from its own and the graph's, and cannot do so from a tensor and 0.
        tf.compat.v1.set_random_seed(1)
        order = examples.shuffle(min(split.num_images, SHUFFLE_BUFFER_IMAGES), seed=_mix(seed, epoch))
        draws = tf.data.Dataset.from_tensor_slices(augmentation.draw(seed, epoch, split.num_images))
        return tf.data.Dataset.zip(order, draws).map(lambda example, drawn: (*example, drawn)).batch(batch_size)

    batches = tf.data.Dataset.range(first_epoch, epochs).flat_map(one_epoch)
    strength = strength or augmentation.NO_AUGMENTATION

    def finish(image, depth_m, draws):
        (image, depth_m, draws), weight = _fill_up((image, depth_m, draws), batch_size)
        return *augmentation.augment(image, depth_m, draws, strength), weight

    batches = batches.map(finish, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    return batches.with_options(_one_thread_an_operation())


def scoring_batches(
    split: Split,
    grid: Grid,
    *,
    batch_size: int,
    cache: str = "none",
    cache_dir: str | os.PathLike | None = None,
) -> tf.data.Dataset:
    """Returns every image of the split once, unchanged, in order; the last batch is filled up at weight 0.

    Args:
      split: what to score on.
      grid: the size and the range of depths.
      batch_size: images a batch, over all replicas.
      cache: as in `training_batches`.
      cache_dir: folder for "disk".
    """

    def finish(image, depth_m):
        (image, depth_m), weight = _fill_up((image, depth_m), batch_size)
        return tf.cast(image, tf.float32), depth_m, weight

    batches = _cached(resized(split, grid), split.name, cache, cache_dir).batch(batch_size)
    return batches.map(finish, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def resized(split: Split, grid: Grid) -> tf.data.Dataset:
    """Returns (image uint8 [H, W, 3], depth_m float32 [H, W, 1]) on the grid, in the split's order."""
    size_px = (grid.height_px, grid.width_px)

    def bring(image, depth_m):
        # Sampled before it is widened and cleaned, which then takes fewer pixels.
        small_m = tf.cast(resize_depth(depth_m, size_px), tf.float32)
        return resize_image(image, size_px), clean_depth(
            small_m, min_depth_m=grid.min_depth_m, max_depth_m=grid.max_depth_m
        )

    return split.read().map(bring, num_parallel_calls=tf.data.AUTOTUNE)


def clean_depth(depth_m: tf.Tensor, *, min_depth_m: float, max_depth_m: float) -> tf.Tensor:
    """Writes 0 wherever the depth is NaN, infinite or outside the range.

    Args:
      depth_m: [..., H, W, 1] float32, metres.
      min_depth_m: smallest depth kept, metres.
      max_depth_m: largest depth kept, metres.

    Returns:
      [..., H, W, 1] float32, metres, 0 where missing.
    """
    kept = (depth_m >= min_depth_m) & (depth_m <= max_depth_m)  # false for NaN
    return tf.where(kept, depth_m, tf.zeros_like(depth_m))


def resize_image(image: tf.Tensor, size_px: tuple[int, int]) -> tf.Tensor:
    """Interpolates [H, W, 3] uint8 to `size_px`, as uint8; averages where that shrinks it more than threefold.

    Interpolation reads two pixels along each axis: up to threefold that leaves little out, in half the time.
    """
    height_px, width_px = tf.shape(image)[0], tf.shape(image)[1]
    changed = tf.cond(
        (height_px > 3 * size_px[0]) & (width_px > 3 * size_px[1]),
        lambda: tf.image.resize(image, size_px, method="area"),
        lambda: tf.image.resize(image, size_px, method="bilinear"),
    )
    return tf.ensure_shape(tf.cast(tf.round(changed), tf.uint8), (*size_px, 3))


def resize_depth(depth_m: tf.Tensor, size_px: tuple[int, int]) -> tf.Tensor:
    """Samples [H, W, 1] depth at the nearest pixel: every value stays one that was measured, or missing."""
    for axis in (0, 1):  # two gathers take a tenth of the time of tf.image.resize
        old, new = tf.cast(tf.shape(depth_m)[axis], tf.float32), size_px[axis]
        centres = (tf.range(new, dtype=tf.float32) + 0.5) * old / new
        depth_m = tf.gather(depth_m, tf.cast(centres, tf.int32), axis=axis)
    return tf.ensure_shape(depth_m, (*size_px, 1))


def steps_per_epoch(num_images: int, batch_size: int) -> int:
    """Returns the batches an epoch, the last one filled up."""
    return -(-num_images // batch_size)


def choose_cache(cache: str, num_images: int, grid: Grid) -> str:
    """Returns `cache`, with "auto" resolved to "memory" where a quarter of the memory holds the images, else "disk"."""
    if cache != "auto":
        return cache
    needed = num_images * grid.height_px * grid.width_px * 7  # uint8 RGB and float32 depth
    return "memory" if needed <= MEMORY_SHARE * memory.total_bytes() else "disk"


@contextlib.contextmanager
def cache_folder(workdir: pathlib.Path, cache: str) -> Iterator[pathlib.Path]:
    """Yields the folder for `cache="disk"`, empty, and removes it afterwards with what tf.data left in it."""
    folder = workdir / "cache"
    shutil.rmtree(folder, ignore_errors=True)
    if cache == "disk":
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cached(examples: tf.data.Dataset, name: str, cache: str, cache_dir: str | os.PathLike | None) -> tf.data.Dataset:
    if cache == "memory":
        return examples.cache()
    if cache == "disk":
        return examples.cache(os.path.join(os.fspath(cache_dir), name))
    return examples


def _one_thread_an_operation() -> tf.data.Options:
    """Leaves it to parallel maps to use all cores: sharing one small operation among threads costs more."""
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    return options


def _fill_up(tensors: tuple[tf.Tensor, ...], batch_size: int):
    """Repeats a short batch's images up to `batch_size`, and returns weights that leave the repeats out.

    Repeats rather than black images, so that the statistics of batch normalisation stay those of real images.
    """
    count = tf.shape(tensors[0])[0]
    places = tf.range(batch_size)

    def repeat():
        return tuple(tf.gather(tensor, places % count) for tensor in tensors)

    filled = tf.cond(tf.equal(count, batch_size), lambda: tensors, repeat)
    filled = tuple(tf.ensure_shape(tensor, (batch_size, *tensor.shape[1:])) for tensor in filled)
    return filled, tf.cast(places < count, tf.float32)


def _mix(seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """Returns a seed for an epoch's shuffle, drawn from (seed, epoch)."""
    return tf.random.stateless_uniform(
        [], seed=tf.stack([tf.cast(seed, tf.int64), epoch]), maxval=2**31 - 1, dtype=tf.int64
    )
