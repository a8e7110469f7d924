"""The mean of several predictions in shape, with the scale of the first."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from sklearn_baseline import levels


@dataclasses.dataclass(eq=False, repr=False)
class AverageDepth(RegressorMixin, BaseEstimator):
    """The mean shares of several heads, each image's moved to the depth that the first head gives it on the whole.

    Heads are (name, head) pairs, as in scikit-learn's VotingRegressor. Cell by cell there is much to tell about shape
    and little about scale; the first head is to see the whole image.
    """

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
        shares = [head.predict(cues) for head in self.heads_]
        mean = np.mean(shares, axis=0)
        first, now = (levels.position(part).mean((1, 2)) for part in (shares[0], mean))
        return levels.moved(mean, first - now)

    def fit_bytes(self, num_views: int) -> int:
        """Returns about how much memory fitting takes beside the cues: the most that one head does."""
        return max(head.fit_bytes(num_views) for _, head in self.heads)
