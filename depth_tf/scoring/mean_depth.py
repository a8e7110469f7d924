"""The mean map, which every network must beat: it predicts the mean depth of the training images for every image."""

import math

import numpy as np
import tensorflow as tf

from depth_tf.data.resizing import resized
from depth_tf.data.splits import Split
from depth_tf.data.valid import valid_pixels
from depth_tf.runtime.errors import InputError

MAX_IMAGES = 4096  # a mean over this many is exact to well under a percent; records are stored in random order


def mean_depth_map(split: Split, size_px: tuple[int, int] = (192, 256)) -> np.ndarray:
    """Returns exp of the mean log depth of the split's first images per pixel, [*size_px] float32, metres.

    A pixel for which no image has a depth takes the mean of all pixels; InputError if there is none at all.
    """

    def add(sums, example):
        depth_m = example[1][..., 0]
        valid = valid_pixels(depth_m)
        log_depth = tf.where(valid, tf.math.log(depth_m), 0.0)
        return sums[0] + tf.cast(log_depth, tf.float64), sums[1] + tf.cast(valid, tf.float64)

    zeros = tf.zeros(size_px, tf.float64)
    total, count = (part.numpy() for part in resized(split, size_px).take(MAX_IMAGES).reduce((zeros, zeros), add))
    if not count.any():
        raise InputError(
            f"no pixel of {split.num_images} {split.name} images has a depth within {split.depth_range_m[0]:g} to "
            f"{split.depth_range_m[1]:g} m: check --min_depth_m, --max_depth_m and the unit of the depth maps"
        )
    mean = total.sum() / count.sum()
    return np.exp(np.where(count > 0, total / np.maximum(count, 1), mean)).astype(np.float32)


def log_mean_depth_m(depth_map_m: np.ndarray) -> float:
    """Returns exp of the mean log of a mean depth map, metres: the single most central depth."""
    return math.exp(float(np.log(depth_map_m).mean()))
