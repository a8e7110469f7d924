"""What is learnt: log depth on 30x40, which a learner predicts and which becomes metres at any size."""

import numpy as np

from depth_tf.data.resizing import resize_bilinear

SHAPE = (30, 40)  # rows and columns: two each a cell


def fill_missing(log_depths: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Returns maps without gaps: where nothing was measured, the mean map moved to the image's own level.

    Args:
      log_depths: [N, 30, 40] float32, ln metres, NaN where missing.
      mean: [30, 40] float32, the mean map.
    """
    valid = np.isfinite(log_depths)
    residual = np.where(valid, log_depths - mean, 0.0)
    level = residual.sum((1, 2), keepdims=True) / np.maximum(valid.sum((1, 2), keepdims=True), 1)
    return np.where(valid, log_depths, mean + level).astype(np.float32)


def mean_map(log_depths: np.ndarray) -> np.ndarray:
    """Returns [30, 40] float32, the mean of [N, 30, 40] maps where they are measured.

    A pixel that no map measures takes the mean of all.
    """
    valid = np.isfinite(log_depths)
    total, count = np.where(valid, log_depths, 0.0).sum(0, dtype=np.float64), valid.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), total.sum() / max(count.sum(), 1)).astype(np.float32)


def to_metres(log_depth: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns [30, 40] ln metres as [*shape] float32 metres, bilinear in the logarithm."""
    return np.exp(resize_bilinear(log_depth.astype(np.float32), shape))
