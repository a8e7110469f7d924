"""The whole image at once: kernel ridge from all its cues onto a basis of maps of shares.

The kernel is the sum of two. A radial one compares the cells' cues as means over blocks, made short by principal
components; a linear one compares the Fisher vectors, and comes down to one weight per number once fitted, so that a
model need not hold the Fisher vectors it learnt from. Maps are the mean map plus 64 principal components.
"""

import dataclasses
import math

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils.validation import check_is_fitted

from sklearn_baseline.cues import CELLS, COLOUR, GRADIENTS, WORDS, block_mean, rounded
from sklearn_baseline.levels import NUM_LEVELS

# Rows and columns, channels and weight of each block of the descriptor; a block's variance is its weight. Words in
# horizontal bands tell the scale best of these, as floors and tables lie in them.
BLOCKS = (
    ((5, 5), GRADIENTS, 2.0),
    ((5, 5), COLOUR, 0.5),
    ((5, 5), WORDS, 1.0),
    ((3, 4), GRADIENTS, 1.0),
    ((5, 1), WORDS, 2.0),
)
BLOCKS_LENGTH = 2500  # about how many numbers a descriptor has before its components are taken
SCENES = ("patches", "edges")
SCENE_LENGTH = 12_000  # about how many numbers both have
SCENE_WEIGHT = 0.5  # mean of the linear kernel of an image with itself, where the radial one is 1
RADIAL_GAMMA = 0.5  # of squared distances that are 2 on average
KERNEL_COPIES = 3  # of the kernel, float32, while it is made and solved
MAX_PCA_ROWS = 1500  # views the descriptor's components are learnt from


@dataclasses.dataclass(eq=False, repr=False)
class Descriptor(TransformerMixin, BaseEstimator):
    """One vector per image: its cells' cues over several divisions of the image, as principal components."""

    num_components: int = 400  # length of the vector; fewer if there are not as many views
    random_state: int = 0

    def fit(self, cues, y=None):
        """Learns scales and components from the cues [N] of `DepthCues.dtype`."""
        rows = cues[:: -(-len(cues) // MAX_PCA_ROWS)]
        self.means_, self.scales_ = [], []
        for grid, channels, weight in BLOCKS:
            block = block_mean(rows["cells"][..., channels], grid)
            spread = np.sqrt(block.var(0).mean((0, 1)) / weight * np.prod(block.shape[1:])) + 1e-6
            self.means_.append(block.mean(0))
            self.scales_.append(spread.astype(np.float32))
        stacked = self._stacked(rows)
        size, seed = min(self.num_components, *stacked.shape), self.random_state
        pca = PCA(size, svd_solver="randomized", iterated_power=3, random_state=seed).fit(stacked)
        # So that two views are at a squared distance of 2 on average, whatever the cues: kernels are set for that.
        self.components_ = rounded(pca.components_ / np.sqrt(pca.explained_variance_.sum()))
        return self

    def transform(self, cues) -> np.ndarray:
        """Returns [N, num_components] float32."""
        check_is_fitted(self)
        parts = np.array_split(cues, -(-len(cues) // 1000))
        return rounded(np.concatenate([self._stacked(part) @ self.components_.T for part in parts]))

    def _stacked(self, cues: np.ndarray) -> np.ndarray:
        blocks = [
            (block_mean(cues["cells"][..., channels], grid) - mean) / scale
            for (grid, channels, _), mean, scale in zip(BLOCKS, self.means_, self.scales_, strict=True)
        ]
        return np.concatenate([block.reshape(len(cues), -1) for block in blocks], axis=1)


@dataclasses.dataclass(eq=False, repr=False)
class HolisticDepth(RegressorMixin, BaseEstimator):
    """Predicts an image's map of shares from its descriptor."""

    alpha: float = 0.3  # of kernel ridge
    num_components: int = 400  # length of the descriptor
    num_maps: int = 64  # principal components of shares in the basis
    random_state: int = 0

    def fit(self, cues, shares):
        """Learns from the cues [N] of `DepthCues.dtype` and shares [N, 15, 20, levels] float32, NaN where missing."""
        self.descriptor_ = Descriptor(self.num_components, self.random_state).fit(cues)
        self.mean_ = mean_map(shares)
        residuals = (fill_missing(shares, self.mean_) - self.mean_).reshape(len(shares), -1)
        self.basis_ = PCA(min(self.num_maps, *residuals.shape), random_state=self.random_state).fit(residuals)
        self.seen_ = self.descriptor_.transform(cues)
        self.scene_means_ = [cues[name].mean(0, dtype=np.float32) for name in SCENES]
        spreads = [cues[name].var(0, dtype=np.float32).sum() for name in SCENES]
        self.scene_scales_ = [float(np.sqrt(SCENE_WEIGHT / len(SCENES) / max(spread, 1e-6))) for spread in spreads]
        scenes = self._scenes(cues)
        kernel = rbf_kernel(self.seen_, gamma=RADIAL_GAMMA)
        kernel += scenes @ scenes.T
        ridge = KernelRidge(alpha=self.alpha, kernel="precomputed").fit(kernel, self.basis_.transform(residuals))
        self.dual_ = ridge.dual_coef_.astype(np.float32)
        self.scene_weights_ = rounded(scenes.T @ self.dual_)
        return self

    def predict(self, cues) -> np.ndarray:
        """Returns shares [N, 15, 20, levels] float32."""
        check_is_fitted(self)
        radial = rbf_kernel(self.descriptor_.transform(cues), self.seen_, gamma=RADIAL_GAMMA)
        coordinates = radial @ self.dual_ + self._scenes(cues) @ self.scene_weights_
        residuals = self.basis_.inverse_transform(coordinates)
        return (self.mean_ + residuals.reshape(-1, *self.mean_.shape)).astype(np.float32)

    def _scenes(self, cues: np.ndarray) -> np.ndarray:
        """Returns the Fisher vectors [N, numbers] float32, centred and scaled."""
        parts = zip(SCENES, self.scene_means_, self.scene_scales_, strict=True)
        return np.concatenate([(cues[name] - mean) * np.float32(scale) for name, mean, scale in parts], axis=1)

    def fit_bytes(self, num_views: int) -> int:
        """Returns about how much memory fitting takes beside the cues."""
        blocks = 4 * 4 * BLOCKS_LENGTH * min(num_views, MAX_PCA_ROWS)  # as they are, stacked, and centred by the PCA
        rows = num_views * 4 * (2 * self.num_components + 4 * math.prod(CELLS) * NUM_LEVELS + 2 * SCENE_LENGTH)
        return rows + max(blocks, KERNEL_COPIES * 4 * num_views**2)


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
