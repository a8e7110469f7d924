"""DepthRegressor: depth from images as one of scikit-learn's regressors.

    model = DepthRegressor(random_state=0).fit(images, depths_m)
    depths_m = model.predict(images)

X is images [N, H, W, 3] uint8, RGB; y is depth [N, h, w] in metres, 0 where missing. What is learnt is how much
of each of 15x20 cells is farther than each of a row of levels, from cues of several views of each image and of their
mirror images. A prediction averages the image's with its mirror image's.
"""

import dataclasses
import math
import numbers
from collections.abc import Callable, Iterable, Iterator

import joblib
import numpy as np
import tqdm
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from depth_tf.data.resizing import resize_bilinear
from depth_tf.runtime.errors import InputError
from depth_tf.scoring.metrics import DELTA_BASE
from sklearn_baseline import levels, models
from sklearn_baseline.cues import CELLS, DepthCues
from sklearn_baseline.views import DEPTH_SHAPE, make_view, prepare, to_metres

MAX_CUE_IMAGES = 400  # images the words are learnt from: more change nothing


@dataclasses.dataclass(eq=False, repr=False)
class DepthRegressor(RegressorMixin, BaseEstimator):
    """Learns depth from images."""

    head: BaseEstimator | None = None  # predicts shares from cues; None is the one chosen of `models`
    num_views: int = 5  # of each image that are learnt from, itself and random ones; the mirror image of each as well
    num_words: int = 256  # patch words at each of two sizes of image
    n_jobs: int | None = None  # images worked on at a time; it changes the time taken, not the result
    random_state: int = 0  # of the words and the views; a head given has its own
    progress: bool = False  # whether a bar shows how far the cues are

    def fit(self, X, y, groups=None):
        """Learns from images X [N, H, W, 3] uint8 and depths y [N, h, w] float, metres, 0 where missing.

        `groups` [N] says which images show the same scene; by default, each shows one of its own (a grid search keeps
        its groups for the folds unless `set_fit_request(groups=True)` hands them on). InputError if a shape, a type or
        a value is not as said, or no depth at all is known.
        """
        scenes = check_groups(groups, num_images=len(check_images(X)))
        cues, shares = self.fit_cues(X, y)
        with threadpool_limits(1):
            self.head_ = self._unfitted_head().fit(cues, shares, self.scenes_of_views(scenes))
        return self

    def fit_cues(self, X, y) -> tuple[np.ndarray, np.ndarray]:
        """Learns what `fit` learns before the head, and returns what the head learns from; arguments as for `fit`.

        Cues are [2 * views * N] of `DepthCues.dtype` and shares [2 * views * N, 15, 20, levels] float32, NaN where
        missing: all images' first views before the second ones, and all those before their mirror images.
        """
        images, depths_m = check_images(X), check_depths(y, num_images=len(X))
        for name, value in {"num_views": self.num_views, "num_words": self.num_words}.items():
            if not isinstance(value, numbers.Integral) or value < 1:
                raise InputError(f"expected {name} of 1 or more, got {value!r}")
        self.depth_shape_ = depths_m.shape[1:]
        with threadpool_limits(1):  # sums are split by thread, so that their number would change the last digits
            some = [prepare(image) for image in images[:: -(-len(images) // MAX_CUE_IMAGES)]]
            self.cues_ = DepthCues(self.num_words, random_state=self.random_state).fit(some)
            cues, log_depths = self._views(images, depths_m)
        self.levels_ = levels.choose(log_depths) if np.isfinite(log_depths).any() else np.zeros(2)
        shares = levels.encode(log_depths, self.levels_)
        shares = np.concatenate([shares, shares[:, :, ::-1]])
        if not np.isfinite(shares).any():
            raise InputError(
                f"expected depth maps that are dense somewhere: of {len(images)} images no cell of 1/15 by 1/20 of the "
                "frame is measured well enough to learn from"
            )
        return cues, shares

    def scenes_of_views(self, scenes: np.ndarray) -> np.ndarray:
        """Returns the scene of each view that `fit_cues` makes, [2 * views * N], from those of the images, [N]."""
        return np.tile(scenes, 2 * self.num_views)

    def predict(self, X) -> np.ndarray:
        """Returns depth [N, h, w] float32, metres, of images X [N, H, W, 3] uint8; h and w as in fitting."""
        check_is_fitted(self)
        log_depths = self.predict_log_depth(self.describe(check_images(X)))
        return np.stack([to_metres(log_depth, self.depth_shape_) for log_depth in log_depths])

    def describe(self, images: np.ndarray) -> np.ndarray:
        """Returns the cues of images [N, H, W, 3] uint8 and of their mirror images, [2, N] of `DepthCues.dtype`."""
        with threadpool_limits(1):
            return np.stack(list(self._parallel(lambda image: self.cues_.describe(prepare(image)), images)), axis=1)

    def predict_log_depth(self, cues: np.ndarray) -> np.ndarray:
        """Returns ln metres [N, 15, 20] float32 from what `describe` returns."""
        with threadpool_limits(1):
            plain, mirrored = self._parallel(self.head_.predict, cues)
        return levels.decode((plain + mirrored[:, :, ::-1]) / 2, self.levels_)

    def score(self, X, y, sample_weight=None) -> float:
        """Returns delta1, the mean over images of the share of measured pixels within a factor of 1.25."""
        depths_m = check_depths(y, num_images=len(X))
        known = depths_m.any((1, 2))  # an image without depth takes no part
        shares = []
        for pred_m, true_m in zip(self.predict(X)[known], depths_m[known], strict=True):
            pred_m, true_m = resize_bilinear(pred_m, true_m.shape)[true_m > 0], true_m[true_m > 0]
            shares.append(np.mean(np.maximum(pred_m / true_m, true_m / pred_m) < DELTA_BASE))
        return float(np.average(shares, weights=None if sample_weight is None else np.asarray(sample_weight)[known]))

    def fit_bytes(self, num_images: int) -> int:
        """Returns about how much memory fitting takes beyond the images and depths."""
        rows = 2 * self.num_views * num_images
        shares = 2 * 4 * levels.NUM_LEVELS * math.prod(CELLS) + 4 * math.prod(DEPTH_SHAPE)  # twice while mirrored
        return rows * (DepthCues(self.num_words).dtype().itemsize + shares) + self._unfitted_head().fit_bytes(rows)

    def _unfitted_head(self) -> BaseEstimator:
        return models.HEADS[models.CHOSEN](self.n_jobs, self.random_state) if self.head is None else clone(self.head)

    def _views(self, images: np.ndarray, depths_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        def see(place):
            view, index = divmod(place, len(images))
            image, log_depth = make_view(images[index], depths_m[index], view=view, seed=(self.random_state, index))
            return self.cues_.describe(image), log_depth

        total = self.num_views * len(images)
        cues = np.empty((2, total), self.cues_.dtype())
        log_depths = np.empty((total, *DEPTH_SHAPE), np.float32)
        made = self._parallel(see, range(total))
        made = tqdm.tqdm(made, "cues", total, unit=" views", mininterval=5, disable=not self.progress)
        for place, seen in enumerate(made):
            cues[:, place], log_depths[place] = seen
        return cues.reshape(-1), log_depths

    def _parallel(self, function: Callable, items: Iterable) -> Iterator:
        """Yields `function` of each item, in order, worked out by `n_jobs` threads that share the memory."""
        parallel = joblib.Parallel(self.n_jobs, prefer="threads", return_as="generator")
        return parallel(joblib.delayed(function)(item) for item in items)


def check_images(images) -> np.ndarray:
    """Returns images as an array; raises InputError unless it is [N, H, W, 3] uint8 with N, H and W above 0."""
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or not images.size:
        raise InputError(f"expected images [N, H, W, 3] of uint8, got {list(images.shape)} of {images.dtype}")
    return images


def check_groups(groups, *, num_images: int) -> np.ndarray:
    """Returns one group per image, each image's own by default; raises InputError unless there are as many."""
    groups = np.arange(num_images) if groups is None else np.asarray(groups)
    if groups.shape != (num_images,):
        raise InputError(f"expected groups [{num_images}], one scene per image, got {list(groups.shape)}")
    return groups


def check_depths(depths_m, *, num_images: int) -> np.ndarray:
    """Returns depths as float32; InputError unless [num_images, h, w] floats, finite, none below 0, some above."""
    depths_m = np.asarray(depths_m)
    if depths_m.ndim != 3 or len(depths_m) != num_images or not np.issubdtype(depths_m.dtype, np.floating):
        found = f"{list(depths_m.shape)} of {depths_m.dtype}"
        raise InputError(f"expected depths [{num_images}, h, w] of floats, one map per image, got {found}")
    if not np.isfinite(depths_m).all() or (depths_m < 0).any():
        raise InputError("expected depths in metres, 0 where missing, got NaN, infinity or a value below 0")
    if not depths_m.any():
        raise InputError("expected at least one measured depth, got none above 0 m")
    return depths_m.astype(np.float32, copy=False)
