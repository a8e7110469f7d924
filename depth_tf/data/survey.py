"""What a split's depth is like, and what of it counts as missing: for runs, the sheet and scikit-learn."""

import math
import typing

import numpy as np
import tensorflow as tf

from depth_tf.data.settings import DataSettings
from depth_tf.data.splits import DepthDataset, Split, as_numpy
from depth_tf.data.valid import valid_pixels
from depth_tf.runtime.program import say

SURVEYED_IMAGES = 256  # of each split: enough for a median, and a second or two to read
TOLD_IMAGES = 64  # of each split, before a run
PIXELS_PER_SIDE = 64  # of each image, evenly spread, or all where there are fewer
WARNED_SHARE = 0.05  # of the depths outside the range
FITTING_SHARE = 0.01  # of the depths that a guessed unit may leave outside
UNITS_M = {"1/256 m, as KITTI has it": 1 / 256, "1/5000 m, as TUM has it": 1 / 5000, "1/10 mm": 1e-4}


class Survey(typing.NamedTuple):
    """What the depth of a split's first images is like."""

    depths_m: np.ndarray  # [N] float32, metres, of the pixels that have a depth
    median_m: float  # NaN where no pixel has one
    missing: float  # share of pixels that have none
    outside: float  # share of those with a depth that lie outside the split's range
    largest: float  # share of pixels that hold the largest value of their format
    num_empty: int  # images without any depth
    num_images: int  # looked at

    @property
    def ends_m(self) -> tuple[float, float]:
        """The least and the greatest depth, metres; NaN where there is none."""
        return (float(self.depths_m.min()), float(self.depths_m.max())) if self.depths_m.size else (math.nan, math.nan)


def survey(split: Split, count: int | None = None) -> Survey:
    """Looks at the first images of a split, whose order is random: `count`, or `SURVEYED_IMAGES`."""
    pixels = []
    for _, depth_m in as_numpy(split.read().take(count or SURVEYED_IMAGES).prefetch(tf.data.AUTOTUNE)):
        step = max(1, min(depth_m.shape[:2]) // PIXELS_PER_SIDE)
        pixels.append(depth_m[step // 2 :: step, step // 2 :: step].ravel())
    num_empty = sum(not valid_pixels(part).any() for part in pixels)
    stored_m = np.concatenate(pixels)
    valid = valid_pixels(stored_m)
    depths_m = stored_m[valid]
    median_m = float(np.median(depths_m)) if depths_m.size else math.nan
    largest, missing = float(np.isposinf(stored_m).mean()), 1.0 - float(valid.mean())
    return Survey(depths_m, median_m, missing, _outside(depths_m, split), largest, num_empty, len(pixels))


def warnings(split: Split, found: Survey, depth_scale: float) -> list[str]:
    """Returns a line for each thing about a split's depth that its owner should know."""
    lines, (least_m, greatest_m) = [], split.depth_range_m
    if found.num_empty:
        lines.append(f"{found.num_empty} of {found.num_images} images have no depth at all")
    if found.largest:
        lines.append(f"{found.largest:.1%} of pixels hold the largest value of 16 bits and count as missing")
    if found.outside >= WARNED_SHARE:
        guess = ""
        if depth_scale == DataSettings.depth_scale:
            times = {name: unit_m / depth_scale for name, unit_m in UNITS_M.items()}
            fitting = (name for name in times if _outside(found.depths_m * times[name], split) <= FITTING_SHARE)
            if name := next(fitting, None):
                median = f"the median {found.median_m:.2f} m becomes {found.median_m * times[name]:.2f} m"
                guess = f"; if the unit of PNG files is {name} (--depth_scale={UNITS_M[name]:.6g}), {median}"
        where = f"outside --min_depth_m={least_m:g} to --max_depth_m={greatest_m:g} and count as missing"
        lines.append(f"{found.outside:.1%} of the depths lie {where}{guess}")
    return [f"warning: {split.name}: {line}" for line in lines]


def tell(dataset: DepthDataset, depth_scale: float) -> None:
    """Says what the user's own data hold; other data sets are known."""
    for split in dataset.splits.values() if dataset.name == "folder" else ():
        found = survey(split, count=TOLD_IMAGES)
        ends = "depth {:.2f} to {:.2f} m".format(*found.ends_m)
        share = f"{found.missing:.1%} missing, {found.outside:.1%} outside the range"
        told = f"{split.name}: {ends}, median {found.median_m:.2f} m, {share}"
        say("\n".join([told, *warnings(split, found, depth_scale)]))


def _outside(depths_m: np.ndarray, split: Split) -> float:
    return 1.0 - float(valid_pixels(depths_m, split.depth_range_m).mean()) if depths_m.size else 0.0
