"""The whole image at once: kernel ridge from its cues onto a basis of maps of shares, once per kind of cue.

Each kind of cue becomes a short vector. One kernel ridge compares images by all vectors together, and predicts best;
the others compare them by one vector each, and are opinions for `cells` to weigh. Maps are the mean map plus 64
principal components.
"""

import dataclasses
import functools
import math
import operator

import joblib
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted

from sklearn_baseline.cues import CELLS, COLOUR, GRADIENTS, SCENES, WORDS, block_mean, rounded
from sklearn_baseline.levels import NUM_LEVELS

# Kinds of cues on cells: their channels, and into how many rows and columns of blocks these are averaged. Words in
# horizontal bands tell the scale best, as floors and tables lie in them.
BLOCKS = {
    "gradients": (GRADIENTS, ((5, 5), (3, 4))),
    "colour": (COLOUR, ((5, 5), (3, 4))),
    "words": (WORDS, ((5, 5), (5, 1))),
}
# Weight of each kind in the squared distance of two images.
WEIGHTS = {"gradients": 3.0, "colour": 0.5, "words": 3.0, **dict.fromkeys(SCENES, 1.5), "fine_edges": 3.0}
NUM_OPINIONS = 1 + len(WEIGHTS)  # all kinds together, then each alone
MAP_NUMBERS = math.prod(CELLS) * NUM_LEVELS
OPINION_BYTES = 2 * NUM_OPINIONS * MAP_NUMBERS  # of a view
RADIAL_GAMMA = 0.5  # of squared distances that are 2 on average
MAX_PCA_ROWS = 1500  # views that components are learnt from
MAX_KIND_NUMBERS = 8000  # that an image has of one kind, about
KERNEL_COPIES = 3  # float32, while a kernel is made and solved


@dataclasses.dataclass(eq=False, repr=False)
class Descriptor(TransformerMixin, BaseEstimator):
    """One short vector per image from one kind of cue; two views are at a squared distance of 2 on average."""

    kind: str = "gradients"  # of `WEIGHTS`
    num_components: int = 96  # length of the vector; fewer if there are not as many views or numbers
    random_state: int = 0

    def fit(self, cues, y=None):
        """Learns mean and principal components from the cues [N] of `DepthCues.dtype`."""
        some = np.random.default_rng(self.random_state).permutation(len(cues))[:MAX_PCA_ROWS]
        rows = self._stacked(cues[np.sort(some)])
        size = min(self.num_components, *rows.shape)
        pca = PCA(size, svd_solver="randomized", iterated_power=3, random_state=self.random_state).fit(rows)
        self.mean_ = pca.mean_.astype(np.float32)
        self.components_ = rounded(pca.components_ / np.sqrt(max(pca.explained_variance_.sum(), 1e-6)))
        return self

    def transform(self, cues) -> np.ndarray:
        """Returns [N, num_components] float32."""
        check_is_fitted(self)
        parts = np.array_split(cues, -(-len(cues) // 500))
        return rounded(np.concatenate([(self._stacked(part) - self.mean_) @ self.components_.T for part in parts]))

    def _stacked(self, cues: np.ndarray) -> np.ndarray:
        """Returns all numbers [N, any] float32 of this kind."""
        if self.kind not in BLOCKS:
            return cues[self.kind].astype(np.float32)
        channels, grids = BLOCKS[self.kind]
        cells = cues["cells"][..., channels]
        return np.concatenate([block_mean(cells, grid).reshape(len(cells), -1) for grid in grids], axis=1)


@dataclasses.dataclass(eq=False, repr=False)
class HolisticDepth(RegressorMixin, BaseEstimator):
    """Predicts an image's map of shares from its cues."""

    alpha: float = 0.2  # of kernel ridge
    num_components: int = 96  # of each kind of cue
    num_maps: int = 64  # principal components of shares in the basis
    n_jobs: int | None = None  # opinions worked out at a time
    random_state: int = 0

    def fit(self, cues, shares, scenes=None):
        """Learns from the cues [N] of `DepthCues.dtype` and shares [N, 15, 20, levels] float32, NaN where missing."""
        self._learn(cues, shares, scenes, range(1))
        return self

    def fit_held_out(self, cues, shares, scenes=None) -> np.ndarray:
        """Fits, and returns `opinions` on the views learnt from, each by what views of other scenes teach.

        What a model says of images it has learnt from tells nobody how far to trust it on others. `scenes` [N] says
        which views belong together; by default, or if there is but one scene, each is a scene of its own.
        """
        return self._learn(cues, shares, scenes, range(NUM_OPINIONS))

    def opinions(self, cues) -> np.ndarray:
        """Returns shares [N, 15, 20, opinions, levels] float16, by all kinds of cues together and by each alone."""
        return self._asked(cues, range(NUM_OPINIONS))

    def predict(self, cues) -> np.ndarray:
        """Returns shares [N, 15, 20, levels] float32."""
        return self._asked(cues, range(1))[..., 0, :].astype(np.float32)

    def fit_bytes(self, num_views: int) -> int:
        """Returns about how much memory fitting takes beside the cues, opinions on the views included."""
        rows = num_views * (4 * len(WEIGHTS) * self.num_components + 3 * 4 * MAP_NUMBERS + OPINION_BYTES)
        kernels = KERNEL_COPIES * 4 * num_views**2 * min(joblib.effective_n_jobs(self.n_jobs), NUM_OPINIONS)
        return rows + max(3 * 4 * MAX_KIND_NUMBERS * min(num_views, MAX_PCA_ROWS), kernels)

    def _learn(self, cues, shares, scenes, numbers: range) -> np.ndarray:
        """Fits the opinions of these numbers, and returns what they say of the views without their scenes."""
        made = (Descriptor(kind, self.num_components, self.random_state) for kind in WEIGHTS)
        self.descriptors_ = [descriptor.fit(cues) for descriptor in made]
        self.seen_ = [descriptor.transform(cues) for descriptor in self.descriptors_]
        self.mean_ = mean_map(shares)
        residuals = (fill_missing(shares, self.mean_) - self.mean_).reshape(len(shares), -1)
        basis = PCA(min(self.num_maps, *residuals.shape), random_state=self.random_state).fit(residuals)
        self.basis_ = rounded(basis.components_)
        targets = residuals @ self.basis_.T
        if scenes is None or len(np.unique(scenes)) == 1:
            scenes = np.arange(len(shares))
        learn = joblib.delayed(
            lambda number: kernel_ridge(self._kernel(number, self.seen_), targets, scenes, alpha=self.alpha)
        )
        fitted = joblib.Parallel(self.n_jobs, prefer="threads")(learn(number) for number in numbers)
        self.dual_ = [rounded(dual) for dual, _ in fitted]
        return self._maps([held_out for _, held_out in fitted])

    def _asked(self, cues, numbers: range) -> np.ndarray:
        check_is_fitted(self)
        described = [descriptor.transform(cues) for descriptor in self.descriptors_]
        return self._maps([self._kernel(number, described) @ self.dual_[number] for number in numbers])

    def _kernel(self, number: int, described: list[np.ndarray]) -> np.ndarray:
        """Returns how alike images described and images seen are to an opinion, [described, seen] float32."""
        pairs = list(zip(described, self.seen_, strict=True))
        if number > 0:
            exponents = squared_distances(*pairs[number - 1], scale=-RADIAL_GAMMA)
        else:
            scales = (-RADIAL_GAMMA * weight / sum(WEIGHTS.values()) for weight in WEIGHTS.values())
            parts = (squared_distances(*pair, scale=scale) for pair, scale in zip(pairs, scales, strict=True))
            exponents = functools.reduce(operator.iadd, parts)  # in place
        return np.exp(exponents, out=exponents)

    def _maps(self, coordinates: list[np.ndarray]) -> np.ndarray:
        *cells, levels = self.mean_.shape
        maps = np.empty((len(coordinates[0]), *cells, len(coordinates), levels), np.float16)
        for number, some in enumerate(coordinates):
            maps[..., number, :] = self.mean_ + (some @ self.basis_).reshape(-1, *self.mean_.shape)
        return maps


def kernel_ridge(kernel: np.ndarray, targets: np.ndarray, scenes: np.ndarray, *, alpha: float) -> tuple:
    """Returns dual coefficients [N, T] of kernel ridge, and what it predicts of each scene without that scene, [N, T].

    Both follow from one inverse, as in Allen's PRESS (Technometrics 1974) for whole groups of rows; scikit-learn's
    KernelRidge keeps none, and to refit it once per scene left out would take a hundred times as long.
    """
    kernel[np.diag_indices_from(kernel)] += alpha
    # All in place, as copies would fill the memory; transposed, as LAPACK has it, which to a kernel is all the same.
    factor = cho_factor(kernel.T, lower=True, overwrite_a=True, check_finite=False)
    identity = np.eye(len(kernel), dtype=kernel.dtype, order="F")
    inverse = cho_solve(factor, identity, overwrite_b=True, check_finite=False)
    dual = inverse @ targets
    held_out = np.empty_like(targets)
    scene_of_row = np.unique(scenes, return_inverse=True)[1]
    for scene in range(scene_of_row.max() + 1):
        own = np.flatnonzero(scene_of_row == scene)
        held_out[own] = targets[own] - np.linalg.solve(inverse[np.ix_(own, own)], dual[own])
    return dual, held_out


def squared_distances(rows: np.ndarray, others: np.ndarray, *, scale: float = 1.0) -> np.ndarray:
    """Returns `scale` times squared distances [N, M]; in float32, of which scikit-learn's own makes float64 first."""
    squares = (-2 * rows) @ others.T
    squares += np.einsum("ij,ij->i", rows, rows)[:, np.newaxis]
    squares += np.einsum("ij,ij->i", others, others)
    squares *= np.float32(scale)
    return squares


def fill_missing(maps: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Returns maps [N, h, w, levels] without gaps: for each NaN, the mean [h, w, levels] moved to the image's level."""
    valid = np.isfinite(maps)
    residual = np.where(valid, maps - mean, 0.0)
    level = residual.sum((1, 2), keepdims=True) / np.maximum(valid.sum((1, 2), keepdims=True), 1)
    return np.where(valid, maps, mean + level).astype(np.float32)


def mean_map(maps: np.ndarray) -> np.ndarray:
    """Returns [h, w, levels] float32, the mean of [N, ...] maps where they are measured, and of all cells elsewhere."""
    valid = np.isfinite(maps)
    total, count = np.where(valid, maps, 0.0).sum(0, dtype=np.float64), valid.sum(0)
    overall = total.sum((0, 1)) / np.maximum(count.sum((0, 1)), 1)
    return np.where(count > 0, total / np.maximum(count, 1), overall).astype(np.float32)
