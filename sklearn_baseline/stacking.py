"""Perceptrons on kernel ridge: what the whole image tells is one of the things that a cell's perceptrons look at.

Stacked generalisation (Wolpert, Neural Networks 1992), as in scikit-learn's StackingRegressor: kernel ridge's opinions
on the training images come from models that have not seen the scene. The answer is the mean of both stages.
"""

import dataclasses

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from sklearn_baseline.cells import CellDepth
from sklearn_baseline.holistic import OPINION_BYTES, HolisticDepth


@dataclasses.dataclass(eq=False, repr=False)
class StackedDepth(RegressorMixin, BaseEstimator):
    """Predicts shares by both heads, the second of which sees what the first one thinks."""

    whole: HolisticDepth | None = None  # None: as it is by default
    cells: CellDepth | None = None

    def fit(self, cues, shares, scenes=None):
        """Learns from the cues [N] of `DepthCues.dtype` and shares [N, 15, 20, levels] float32, NaN where missing.

        `scenes` [N] says which views belong together; by default each is a scene of its own.
        """
        self.whole_ = clone(self.whole or HolisticDepth())
        opinions = self.whole_.fit_held_out(cues, shares, scenes)
        self.cells_ = clone(self.cells or CellDepth()).fit(cues, shares, opinions=opinions)
        return self

    def predict(self, cues) -> np.ndarray:
        """Returns shares [N, 15, 20, levels] float32."""
        check_is_fitted(self)
        opinions = self.whole_.opinions(cues)
        by_cells = self.cells_.predict(cues, opinions=opinions)
        return (by_cells + opinions[..., 0, :].astype(np.float32)) / 2

    def fit_bytes(self, num_views: int) -> int:
        """Returns about how much memory fitting takes beside the cues: one after the other, but opinions stay."""
        whole, cells = self.whole or HolisticDepth(), self.cells or CellDepth()
        return max(whole.fit_bytes(num_views), OPINION_BYTES * num_views + cells.fit_bytes(num_views))
