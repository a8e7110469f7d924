"""How sharp a depth map is: F1 of its depth edges against the truth's, which no mean over pixels shows.

A pixel is an edge where the Sobel magnitude of the depth, 1-2-1 weights, exceeds a threshold in metres; predicted and
true edges are compared pixel by pixel.
Source: Hu et al., Revisiting Single Image Depth Estimation, WACV 2019 (arXiv:1803.08673), section 4.3.
"""

import math
from collections.abc import Sequence

import numpy as np
from etils import epy

from depth_tf.data.valid import valid_pixels

with epy.lazy_imports():  # read when first used: --help must not wait for it
    from scipy import ndimage

THRESHOLDS_M = {"edge_f1_25cm": 0.25, "edge_f1_50cm": 0.5, "edge_f1_100cm": 1.0}


def edge_scores(*, true_m: np.ndarray, pred_m: np.ndarray) -> dict[str, float | None]:
    """Returns F1 of one image's edges at each threshold; None where the truth has no edge.

    Args:
      true_m: [H, W] float, metres, 0 or NaN where missing; a pixel beside a missing one does not count.
      pred_m: [H, W] float, metres.
    """
    valid = valid_pixels(true_m)
    around = ndimage.binary_erosion(valid, np.ones((3, 3)), border_value=1)
    true, pred = _squared_sobel(np.where(valid, true_m, 0.0)), _squared_sobel(pred_m)
    return {name: _f1(true[around] > edge_m**2, pred[around] > edge_m**2) for name, edge_m in THRESHOLDS_M.items()}


def mean_edge_scores(per_image: Sequence[dict[str, float | None]]) -> dict[str, float | None]:
    """Returns the mean of each score over the images that have it; None where none has."""
    scores = {name: [image[name] for image in per_image if image[name] is not None] for name in THRESHOLDS_M}
    return {name: math.fsum(values) / len(values) if values else None for name, values in scores.items()}


def _squared_sobel(depth_m: np.ndarray) -> np.ndarray:
    return ndimage.sobel(depth_m, axis=0) ** 2 + ndimage.sobel(depth_m, axis=1) ** 2


def _f1(true: np.ndarray, pred: np.ndarray) -> float | None:
    if not true.any():
        return None
    return 2.0 * float((true & pred).sum()) / float(true.sum() + pred.sum())
