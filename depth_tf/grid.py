"""Resizes images and depth maps to the size that a network sees, and sets depths that do not count to 0."""

import dataclasses

import tensorflow as tf

from depth_tf.errors import InputError
from depth_tf.model import check_size
from depth_tf.splits import PARALLEL_CALLS, Split


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


def resized(split: Split, grid: Grid) -> tf.data.Dataset:
    """Returns (image uint8 [H, W, 3], depth_m float32 [H, W, 1]) on the grid, in the split's order."""
    size_px = (grid.height_px, grid.width_px)

    def bring(image, depth_m):
        small_m = resize_depth(depth_m, size_px)  # first, so that there are fewer pixels to clean
        return resize_image(image, size_px), clean_depth(
            small_m, min_depth_m=grid.min_depth_m, max_depth_m=grid.max_depth_m
        )

    return split.read().map(bring, num_parallel_calls=PARALLEL_CALLS)


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
    """Resizes [H, W, 3] uint8 to `size_px`, as uint8: bilinearly, or averaged where both sides shrink over threefold.

    Bilinear resizing reads two pixels along each axis: up to threefold that leaves few out, and takes half the time.
    """
    height_px, width_px = _sides(image)
    shrinks = (height_px > 3 * size_px[0]) & (width_px > 3 * size_px[1])

    def averaged():
        return tf.image.resize(image, size_px, method="area")

    def interpolated():
        return tf.image.resize(image, size_px, method="bilinear")

    if isinstance(shrinks, bool):
        changed = averaged() if shrinks else interpolated()
    else:
        changed = tf.cond(shrinks, averaged, interpolated)
    return tf.ensure_shape(tf.cast(tf.round(changed), tf.uint8), (*size_px, 3))


def resize_depth(depth_m: tf.Tensor, size_px: tuple[int, int]) -> tf.Tensor:
    """Samples [H, W, 1] depth at the nearest pixel: every value stays one that was measured, or missing."""
    rows, columns = (nearest_places(old, new) for old, new in zip(_sides(depth_m), size_px, strict=True))
    return tf.ensure_shape(sample(depth_m, rows, columns), (*size_px, 1))


def sample(depth_m: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Returns the pixels of [H, W, 1] where `rows`, [h], and `columns`, [w], cross: [h, w, 1].

    TensorFlow gathers whole rows four times faster than single pixels, so the columns are first turned into rows.
    """
    upright = tf.gather(tf.squeeze(depth_m, -1), rows)
    return tf.expand_dims(tf.transpose(tf.gather(tf.transpose(upright), columns)), -1)


def nearest_places(old: int | tf.Tensor, new: int) -> tf.Tensor:
    """Returns, for each of `new` pixels laid over `old` ones, the one its centre falls on, [new] int32."""
    centres = (tf.range(new, dtype=tf.float32) + 0.5) * tf.cast(old, tf.float32) / new
    return tf.cast(centres, tf.int32)


def _sides(image: tf.Tensor) -> tuple:
    """Returns the height and the width of [H, W, C], as numbers where they are known before any image is."""
    sides = tf.TensorShape(image.shape)[:2]
    if sides.is_fully_defined():
        return tuple(sides)
    return tf.shape(image)[0], tf.shape(image)[1]
