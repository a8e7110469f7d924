"""The nine depth metrics in NumPy: the definitions against which the rest of the project is tested.

    e = ln pred - ln true,  ratio = max(true / pred, pred / true),  all over the valid pixels

    abs_rel   mean(|pred - true| / true)          rmse_log  sqrt(mean(e^2))
    sq_rel    mean((pred - true)^2 / true), m     log10     mean(|e|) / ln 10
    rmse_m    sqrt(mean((pred - true)^2)), m      silog     100 * sqrt(mean(e^2) - mean(e)^2)
    deltaN    share of pixels with ratio < 1.25^N, strictly

Source: Eigen, Puhrsch and Fergus, NeurIPS 2014 (arXiv:1406.2283), section 4; `silog` as on KITTI's benchmark.
Which pixels are valid, and how images are averaged, is a protocol's affair: `depth_tf.scoring.protocols`.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from depth_tf.data.valid import valid_pixels
from depth_tf.runtime.errors import InputError

METRICS = ("abs_rel", "sq_rel", "rmse_m", "rmse_log", "log10", "silog", "delta1", "delta2", "delta3")
DELTA_BASE = 1.25
# 64 KiB of float64: the C library hands such arrays out again, while larger ones come from the system page by
# page each time, which makes a whole image at once three times slower.
BLOCK_PIXELS = 8192


@dataclasses.dataclass(frozen=True)
class MetricSums:
    """Sums over pixels from which every metric follows; to add those of several images pools their pixels."""

    num_pixels: int = 0
    sums: np.ndarray | float = 0.0  # [9] float64, in the order of `metrics`

    @classmethod
    def of(cls, *, true_m: np.ndarray, pred_m: np.ndarray) -> "MetricSums":
        """Sums over the pixels given, in float64; arguments and errors as for `depth_metrics`."""
        true_m, pred_m = np.asarray(true_m), np.asarray(pred_m)
        if true_m.ndim != 1 or true_m.shape != pred_m.shape:
            raise InputError(
                "true_m and pred_m must hold the same valid pixels, [N] each, "
                f"got shapes {list(true_m.shape)} and {list(pred_m.shape)}"
            )
        sums = cls()
        for start in range(0, true_m.size, BLOCK_PIXELS):
            block = slice(start, start + BLOCK_PIXELS)
            true, pred = _positive(true_m[block], "true_m"), _positive(pred_m[block], "pred_m")
            error_m = np.abs(pred - true)
            relative, over = error_m / true, pred / true
            log_error = np.log(over)  # e of the table above, with one logarithm per pixel
            ratio = np.maximum(over, true / pred)
            errors = relative, relative * error_m, error_m**2, log_error, np.abs(log_error), log_error**2
            within = (ratio < DELTA_BASE**power for power in (1, 2, 3))
            sums += cls(true.size, np.array([values.sum() for values in (*errors, *within)], np.float64))
        return sums

    def __add__(self, other: "MetricSums") -> "MetricSums":
        return MetricSums(self.num_pixels + other.num_pixels, self.sums + other.sums)

    def metrics(self) -> dict[str, float]:
        """Returns the metrics named in `METRICS` over all the pixels summed; raises InputError if there are none."""
        if not self.num_pixels:
            raise InputError("depth metrics need at least one valid pixel, got none: check the depth and its range")
        abs_rel, sq_rel, squared_m2, log, abs_log, squared_log, *deltas = (self.sums / self.num_pixels).tolist()
        # Rounding can take the difference just below 0 when every pixel is off by one factor.
        silog = 100.0 * math.sqrt(max(0.0, squared_log - log**2))
        rmse_m, rmse_log, log10 = math.sqrt(squared_m2), math.sqrt(squared_log), abs_log / math.log(10.0)
        return dict(zip(METRICS, (abs_rel, sq_rel, rmse_m, rmse_log, log10, silog, *deltas), strict=True))


def depth_metrics(*, true_m: np.ndarray, pred_m: np.ndarray) -> dict[str, float]:
    """Returns the metrics named in `METRICS` over [N] valid pixels, float metres, finite and above 0."""
    return MetricSums.of(true_m=true_m, pred_m=pred_m).metrics()


def mean_metrics(per_image: Sequence[dict[str, float]]) -> dict[str, float]:
    """Returns the mean of each metric over at least one image, each counting the same whatever its valid pixels."""
    if not per_image:
        raise InputError("a mean over images needs at least one image with a valid pixel, got none")
    return {name: math.fsum(image[name] for image in per_image) / len(per_image) for name in METRICS}


def _positive(depth_m: np.ndarray, name: str) -> np.ndarray:
    depth_m = depth_m.astype(np.float64)
    valid = valid_pixels(depth_m)
    if not valid.all():
        raise InputError(f"{name} must be finite and above 0 m at every valid pixel, got {depth_m[~valid][0]:g}")
    return depth_m
