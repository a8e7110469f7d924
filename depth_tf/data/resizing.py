"""Resizes images and depth maps, in TensorFlow for pipelines and in NumPy for single maps.

Always from pixel centre to pixel centre. Images are averaged or interpolated; true depth is sampled at the nearest
pixel, so that every value stays one that was measured; predicted depth is interpolated.
"""

from __future__ import annotations

import numpy as np
from etils import epy

from depth_tf.data.splits import PARALLEL_CALLS, Split
from depth_tf.data.valid import valid_pixels
from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # so that what needs NumPy or names alone does not wait for TensorFlow
    import tensorflow as tf

STRIDE = 32  # a network halves the resolution five times, so both sides must be divisible by 2**5


def check_size(height_px: int, width_px: int) -> None:
    """Raises InputError unless both sides are positive and divisible by 32."""
    nearest = [max(STRIDE, STRIDE * round(side_px / STRIDE)) for side_px in (height_px, width_px)]
    if [height_px, width_px] != nearest:
        wanted, instead = f"height and width divisible by {STRIDE}", f"nearest: {nearest[0]} x {nearest[1]}"
        raise InputError(f"expected an image {wanted}, got {height_px} x {width_px} px; {instead}")


def resized(split: Split, size_px: tuple[int, int]) -> tf.data.Dataset:
    """Returns a split at the network's input size, in the split's order, with depths outside its range set to 0."""
    check_size(*size_px)

    def bring(image, depth_m):
        small_m = resize_depth(depth_m, size_px)  # first, so that there are fewer pixels to clean
        return resize_image(image, size_px), clean_depth(small_m, split.depth_range_m)

    return split.read().map(bring, num_parallel_calls=PARALLEL_CALLS)


def clean_depth(depth_m: tf.Tensor, range_m: tuple[float, float]) -> tf.Tensor:
    """Writes 0 wherever the depth, float32 metres, is NaN, infinite or outside the range."""
    return tf.where(valid_pixels(depth_m, range_m), depth_m, tf.zeros_like(depth_m))


def resize_image(image: tf.Tensor, size_px: tuple[int, int]) -> tf.Tensor:
    """Resizes [H, W, 3] uint8 to `size_px`, as uint8: bilinearly, or averaged where both sides shrink over threefold.

    Bilinear resizing reads two pixels along each axis: up to threefold that leaves few out, and takes half the time.
    """
    height_px, width_px = _sides(image)
    # Within tf.data, AutoGraph makes a tf.cond of this where the sides are known only once the image is.
    if (height_px > 3 * size_px[0]) & (width_px > 3 * size_px[1]):
        changed = tf.image.resize(image, size_px, method="area")
    else:
        changed = tf.image.resize(image, size_px, method="bilinear")
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
    return tuple(sides) if sides.is_fully_defined() else tuple(tf.unstack(tf.shape(image)[:2]))


def resize_nearest(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns `values` [H, W] at `shape`, each pixel a copy of the one at its centre; no value is mixed."""
    sizes = zip(values.shape, shape, strict=True)
    return values[np.ix_(*(((np.arange(new) + 0.5) * old / new).astype(int) for old, new in sizes))]


def resize_bilinear(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns `values` [h, w] at `shape`, bilinear between pixel centres as in `tf.image.resize`."""
    if values.shape == tuple(shape):
        return values
    for size in reversed(shape):  # columns, then turned, rows
        position = np.clip((np.arange(size) + 0.5) * values.shape[1] / size - 0.5, 0.0, values.shape[1] - 1.0)
        first = position.astype(int)
        second = np.minimum(first + 1, values.shape[1] - 1)
        weight = (position - first).astype(np.result_type(values.dtype, np.float32))
        values = (values[:, first] + (values[:, second] - values[:, first]) * weight).T
    return values
