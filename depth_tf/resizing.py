"""Resizing of single maps in NumPy, pixel centre to pixel centre, as `tf.image.resize` does it."""

import numpy as np


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
