"""Which pixels have a depth: the one place that decides it."""

import math


def valid_pixels(depth_m, range_m: tuple[float, float] | None = None):
    """Returns where `depth_m` is a measurement: finite and above 0, or within `range_m`, both ends included.

    Works alike on NumPy arrays, TensorFlow's tensors and Keras's; false for NaN, which fails every comparison.
    """
    if range_m is None:
        return (depth_m > 0) & (depth_m < math.inf)
    return (depth_m >= range_m[0]) & (depth_m <= range_m[1])
