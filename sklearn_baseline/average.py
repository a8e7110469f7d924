"""The mean of several predictions."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted


@dataclasses.dataclass(eq=False, repr=False)
class AverageDepth(RegressorMixin, BaseEstimator):
    """The mean shares of several heads: (name, head) pairs, as in scikit-learn's VotingRegressor."""

    heads: Sequence[tuple[str, BaseEstimator]] = ()

    def get_params(self, deep: bool = True) -> dict:
        """Returns the parameters, with those of each head under its name."""
        found = super().get_params(deep=False)
        for name, head in self.heads if deep and isinstance(self.heads, list | tuple) else ():
            found |= {name: head} | {f"{name}__{key}": value for key, value in head.get_params().items()}
        return found

    def fit(self, cues, shares):
        """Fits every head on the cues [N] of `DepthCues.dtype` and shares [N, 15, 20, levels], NaN where missing."""
        self.heads_ = [clone(head).fit(cues, shares) for _, head in self.heads]
        return self

    def predict(self, cues) -> np.ndarray:
        """Returns shares [N, 15, 20, levels] float32."""
        check_is_fitted(self)
        return np.mean([head.predict(cues) for head in self.heads_], axis=0)

    def fit_bytes(self, num_views: int) -> int:
        """Returns about how much memory fitting takes beside the cues: the most that one head does."""
        return max(head.fit_bytes(num_views) for _, head in self.heads)
