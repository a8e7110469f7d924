"""The floor that every network must beat: answering each image with the mean depth of the training images."""

import math

import numpy as np
import tensorflow as tf

from depth_tf.errors import InputError
from depth_tf.grid import Grid, resized
from depth_tf.splits import Split

MAX_IMAGES = 4096  # a mean over this many is exact to well under a percent; records are stored in random order


def mean_depth_map(split: Split, grid: Grid) -> np.ndarray:
    """Returns, for each pixel, exp of the mean log depth of the training images.

    Args:
      split: the training images; the first 4096 are read.
      grid: the size of the map, and the depths that count.

    Returns:
      [height_px, width_px] float32, metres. A pixel no image has a depth for takes the mean of all pixels.

    Raises:
      InputError: if no pixel of any image has a valid depth.
    """

    def add(sums, example):
        depth_m = example[1][..., 0]
        valid = depth_m > 0
        log_depth = tf.where(valid, tf.math.log(tf.where(valid, depth_m, 1.0)), 0.0)
        return sums[0] + tf.cast(log_depth, tf.float64), sums[1] + tf.cast(valid, tf.float64)

    zeros = tf.zeros((grid.height_px, grid.width_px), tf.float64)
    total, count = (part.numpy() for part in resized(split, grid).take(MAX_IMAGES).reduce((zeros, zeros), add))
    if not count.any():
        raise InputError(
            f"no pixel of {split.num_images} {split.name} images has a depth within {grid.min_depth_m:g} to "
            f"{grid.max_depth_m:g} m: check --min_depth_m, --max_depth_m and the unit of the depth maps"
        )
    mean = total.sum() / count.sum()
    return np.exp(np.where(count > 0, total / np.maximum(count, 1), mean)).astype(np.float32)


def log_mean_depth_m(depth_map_m: np.ndarray) -> float:
    """Returns exp of the mean log of a mean depth map, metres: the single most central depth."""
    return math.exp(float(np.log(depth_map_m).mean()))
