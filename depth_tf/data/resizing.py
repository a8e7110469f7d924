"""Resizes images and depth maps, in TensorFlow for pipelines and in NumPy for single maps.

Always from pixel centre to pixel centre. Images are averaged or interpolated; true depth is sampled at the nearest
pixel, so that every value stays one that was measured; predicted depth is interpolated.
"""

from __future__ import annotations

import numpy as np
from etils import epy

from depth_tf.data.splits import PARALLEL_CALLS, Split
from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # NumPy alone does for what scores files
    import tensorflow as tf

STRIDE = 32  # a network halves the resolution five times, so both sides must be divisible by 2**5


def check_size(height_px: int, width_px: int) -> None:
    """Raises InputError unless both sides are positive and divisible by 32."""
    if height_px <= 0 or width_px <= 0 or height_px % STRIDE or width_px % STRIDE:
        raise InputError(
            f"expected an image height and width divisible by {STRIDE}, got {height_px} x {width_px} px; nearest: "
            f"{_nearest_multiple(height_px)} x {_nearest_multiple(width_px)}"
        )


def resized(split: Split, size_px: tuple[int, int]) -> tf.data.Dataset:
    """Returns a split at the network's input size, in the split's order, with depths outside its range set to 0.

    Args:
      split: what to read.
      size_px: height and width, each divisible by 32.

    Returns:
      (image uint8 [H, W, 3], depth_m float32 [H, W, 1], metres, 0 where missing) per image.
    """
    check_size(*size_px)
    min_depth_m, max_depth_m = split.depth_range_m

    def bring(image, depth_m):
        small_m = resize_depth(depth_m, size_px)  # first, so that there are fewer pixels to clean
        return resize_image(image, size_px), clean_depth(small_m, min_depth_m=min_depth_m, max_depth_m=max_depth_m)

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


def resize_nearest(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns `values` [H, W] at `shape`, each pixel a copy of the one at its centre; no value is mixed."""
    sizes = zip(values.shape, shape, strict=True)
    rows, columns = (((np.arange(new) + 0.5) * old / new).astype(int) for old, new in sizes)
    return values[np.ix_(rows, columns)]


def resize_bilinear(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns `values` [h, w] at `shape`, bilinear between pixel centres as in `tf.image.resize`."""
    if values.shape == tuple(shape):
        return values
    left, right, weight = _neighbours(values.shape[1], shape[1], values.dtype)
    values = values[:, left] + (values[:, right] - values[:, left]) * weight
    upper, lower, weight = _neighbours(values.shape[0], shape[0], values.dtype)
    return values[upper] + (values[lower] - values[upper]) * weight[:, np.newaxis]


def _neighbours(source: int, target: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the two `source` positions around each of `target` positions, and the weight of the second."""
    position = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0.0, source - 1.0)
    first = position.astype(int)
    second_weight = (position - first).astype(np.result_type(dtype, np.float32))
    return first, np.minimum(first + 1, source - 1), second_weight


def _nearest_multiple(size_px: int) -> int:
    return max(STRIDE, STRIDE * round(size_px / STRIDE))
