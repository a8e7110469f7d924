"""Resampling of a part of an image or depth map in NumPy: interpolated where it grows, averaged where it shrinks."""

import functools

import numpy as np

LEAST_VALID_SHARE = 0.3  # of what a pixel averages: with less measured depth than this it counts as missing

Window = tuple[float, float, float, float]  # top, left, bottom, right, as shares of the frame
WHOLE: Window = (0.0, 0.0, 1.0, 1.0)


def resample(values: np.ndarray, shape: tuple[int, int], window: Window = WHOLE) -> np.ndarray:
    """Returns the part of `values` in `window` at `shape`.

    Args:
      values: [H, W, C] any real type.
      shape: rows and columns of the result.
      window: the part taken.

    Returns:
      [rows, columns, C] float32.
    """
    top, left, bottom, right = window
    rows = _weights(values.shape[0], shape[0], top, bottom)
    columns = _weights(values.shape[1], shape[1], left, right)
    wide = np.tensordot(rows, values.astype(np.float32), (1, 0))
    return np.ascontiguousarray(np.swapaxes(np.tensordot(columns, wide, (1, 1)), 0, 1))


def resample_log_depth(depth_m: np.ndarray, shape: tuple[int, int], window: Window = WHOLE) -> np.ndarray:
    """Returns the mean log depth around each pixel of `shape`.

    Args:
      depth_m: [H, W] float, metres, 0 where missing.
      shape: rows and columns of the result.
      window: the part taken.

    Returns:
      [rows, columns] float32, ln metres, NaN where too little of the surroundings is measured.
    """
    valid = depth_m > 0
    log_depth = np.log(np.where(valid, depth_m, 1.0), dtype=np.float32)
    total, share = np.moveaxis(resample(np.stack([log_depth, valid], axis=-1), shape, window), -1, 0)
    return np.where(share >= LEAST_VALID_SHARE, total / np.maximum(share, LEAST_VALID_SHARE), np.float32(np.nan))


@functools.lru_cache(maxsize=256)
def _weights(size: int, new_size: int, start: float, end: float) -> np.ndarray:
    """Returns [new_size, size] float32, the share of each old pixel in each new one: a tent as wide as the step."""
    step = (end - start) * size / new_size
    centres = (np.arange(new_size) + 0.5) * step + start * size - 0.5
    distances = np.abs(np.arange(size) - centres[:, np.newaxis])
    tent = np.maximum(0.0, 1.0 - distances / max(step, 1.0))
    return (tent / tent.sum(1, keepdims=True)).astype(np.float32)
