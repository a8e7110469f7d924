"""The whole image at once: a descriptor of all its cues, and a regressor onto a basis of depth maps.

The descriptor holds the cues' means over blocks from 1x1 to 15x20; principal components make it short. Depth maps
are the mean map plus 64 principal components, so any of scikit-learn's multi-output regressors can predict one.
"""

import dataclasses

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.validation import check_is_fitted

from sklearn_baseline.cues import COLOUR, DEPTH_SHAPE, GRADIENTS, WORDS, block_mean

# Rows and columns, channels and weight of each block of the descriptor; a block's variance is its weight. Gradients
# are also kept cell by cell, since they tell where edges are; words over the whole image tell what kind of place it is.
BLOCKS = (
    ((5, 5), GRADIENTS, 1.0),
    ((5, 5), COLOUR, 0.5),
    ((5, 5), WORDS, 1.0),
    ((15, 20), GRADIENTS, 1.0),
    ((3, 4), GRADIENTS, 1.0),
    ((3, 4), WORDS, 1.0),
    ((1, 1), WORDS, 0.5),
)
BLOCKS_LENGTH = 12_000  # about how many numbers the blocks hold
KERNEL_COPIES = 3  # of the kernel, float32, while it is made and solved
MAX_PCA_ROWS = 1500  # views the descriptor's components are learnt from


@dataclasses.dataclass(eq=False, repr=False)
class Descriptor(TransformerMixin, BaseEstimator):
    """One vector per image: its cues over several divisions of the image, as principal components."""

    num_components: int = 800  # length of the vector; fewer if there are not as many views
    random_state: int = 0

    def fit(self, cues, y=None):
        """Learns scales and components from cues [N, 15, 20, channels] float."""
        rows = cues[:: -(-len(cues) // MAX_PCA_ROWS)]
        self.means_, self.scales_ = [], []
        for grid, channels, weight in BLOCKS:
            block = block_mean(rows[..., channels], grid)
            spread = np.sqrt(block.var(0).mean((0, 1)) / weight * np.prod(block.shape[1:])) + 1e-6
            self.means_.append(block.mean(0))
            self.scales_.append(spread.astype(np.float32))
        stacked = self._blocks(rows)
        size, seed = min(self.num_components, *stacked.shape), self.random_state
        self.pca_ = PCA(size, svd_solver="randomized", iterated_power=3, random_state=seed).fit(stacked)
        # So that two views are at a squared distance of 2 on average, whatever the cues: kernels are set for that.
        self.unit_ = np.sqrt(self.pca_.explained_variance_.sum())
        return self

    def transform(self, cues) -> np.ndarray:
        """Returns [N, num_components] float32."""
        check_is_fitted(self)
        parts = [self.pca_.transform(self._blocks(part)) for part in np.array_split(cues, -(-len(cues) // 1000))]
        return (np.concatenate(parts) / self.unit_).astype(np.float32)

    def _blocks(self, cues: np.ndarray) -> np.ndarray:
        blocks = [
            (block_mean(cues[..., channels], grid) - mean) / scale
            for (grid, channels, _), mean, scale in zip(BLOCKS, self.means_, self.scales_, strict=True)
        ]
        return np.concatenate([block.reshape(len(cues), -1) for block in blocks], axis=1)


@dataclasses.dataclass(eq=False, repr=False)
class HolisticDepth(RegressorMixin, BaseEstimator):
    """Predicts an image's depth map from its descriptor."""

    regressor: BaseEstimator | None = None  # any of scikit-learn's of several outputs; None takes kernel ridge
    num_components: int = 800  # length of the descriptor
    num_maps: int = 64  # principal components of log depth in the basis
    random_state: int = 0

    def fit(self, cues, log_depths):
        """Learns from cues [N, 15, 20, channels] and ln metres [N, 30, 40] float32, NaN where missing."""
        self.descriptor_ = Descriptor(self.num_components, self.random_state).fit(cues)
        self.mean_ = mean_map(log_depths)
        residuals = (fill_missing(log_depths, self.mean_) - self.mean_).reshape(len(log_depths), -1)
        self.basis_ = PCA(min(self.num_maps, *residuals.shape), random_state=self.random_state).fit(residuals)
        regressor = KernelRidge(kernel="rbf", gamma=0.5, alpha=0.2) if self.regressor is None else self.regressor
        self.regressor_ = clone(regressor).fit(self.descriptor_.transform(cues), self.basis_.transform(residuals))
        return self

    def predict(self, cues) -> np.ndarray:
        """Returns ln metres [N, 30, 40] float32."""
        check_is_fitted(self)
        coordinates = self.regressor_.predict(self.descriptor_.transform(cues))
        residuals = self.basis_.inverse_transform(coordinates.reshape(len(cues), -1))
        return (self.mean_ + residuals.reshape(-1, *DEPTH_SHAPE)).astype(np.float32)

    def fit_bytes(self, num_views: int) -> int:
        """Returns about how much memory fitting takes beside the cues, with the default regressor."""
        blocks = 3 * 4 * BLOCKS_LENGTH * min(num_views, MAX_PCA_ROWS)  # as they are, stacked, and centred by the PCA
        rows = num_views * (4 * 2 * self.num_components + 8 * 3 * DEPTH_SHAPE[0] * DEPTH_SHAPE[1])
        return rows + max(blocks, KERNEL_COPIES * 4 * num_views**2)


def fill_missing(log_depths: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Returns maps [N, 30, 40] without gaps: for each NaN, the mean map [30, 40] moved to the image's own level."""
    valid = np.isfinite(log_depths)
    residual = np.where(valid, log_depths - mean, 0.0)
    level = residual.sum((1, 2), keepdims=True) / np.maximum(valid.sum((1, 2), keepdims=True), 1)
    return np.where(valid, log_depths, mean + level).astype(np.float32)


def mean_map(log_depths: np.ndarray) -> np.ndarray:
    """Returns [30, 40] float32, the mean of [N, 30, 40] maps where they are measured, the mean of all elsewhere."""
    valid = np.isfinite(log_depths)
    total, count = np.where(valid, log_depths, 0.0).sum(0, dtype=np.float64), valid.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), total.sum() / max(count.sum(), 1)).astype(np.float32)
