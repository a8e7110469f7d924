"""Cell by cell: perceptrons predict every cell of every image from what is in it, around it and farther off.

A cell looks about as an eye does, sharply nearby and coarsely far away: its own cues; their means over 3x3 cells here
and 3 cells off in eight directions; over 7x7 cells here and 7 cells off; over the whole image; and where in the image
it is. It predicts which share of it is farther than each of the levels.
"""

import dataclasses
import warnings

import joblib
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from sklearn_baseline.cues import CELLS, rounded

RINGS = ((1, 3), (3, 7))  # radius of the squares averaged, and how far off they lie, in cells
NUM_GLANCES = 1 + 9 * len(RINGS) + 1  # the cell, nine squares of each size, the whole image
NUM_PLACES = 10  # features of where a cell is
NUM_CELLS = CELLS[0] * CELLS[1]
NUM_PARTS = 16  # that a member's views come in
CHUNK_VIEWS = 32  # whose surroundings are worked out at once
VIEW_SHARE = 0.5  # of a view's cells that a member learns from
MAX_CHANNELS = 80
MAX_SCALED_VIEWS = 200  # that means and spreads of features are taken from


@dataclasses.dataclass(eq=False, repr=False)
class CellDepth(RegressorMixin, BaseEstimator):
    """Predicts the shares of each cell, as the mean of several perceptrons.

    One pass over many cells, a part of the views at a time, learns less by heart than passes over fewer do.
    """

    num_members: int = 6  # perceptrons that are averaged; each has its own random state and views
    num_cells: int = 500_000  # about how many cells each member learns from, each once
    hidden: int = 128  # units of a perceptron's one hidden layer
    n_jobs: int | None = None  # members learnt at a time
    random_state: int = 0  # a member's is this one plus its number

    def fit(self, cues, shares):
        """Learns from the cues [N] of `DepthCues.dtype` and shares [N, 15, 20, levels] float32, NaN where missing."""
        cells = cues["cells"]
        self.scaler_ = StandardScaler()
        for one in cells[:: -(-len(cells) // MAX_SCALED_VIEWS)]:
            self.scaler_.partial_fit(surroundings(one[np.newaxis]).reshape(NUM_CELLS, -1))
        learn = joblib.delayed(self._learn)
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # an epoch at a time never does
            self.members_ = joblib.Parallel(self.n_jobs, prefer="threads")(
                learn(self.random_state + member, cells, shares) for member in range(self.num_members)
            )
        return self

    def predict(self, cues) -> np.ndarray:
        """Returns shares [N, 15, 20, levels] float32."""
        check_is_fitted(self)
        maps = []
        for one in cues["cells"]:  # image by image: the surroundings of many would fill the memory
            features = self.scaler_.transform(surroundings(one[np.newaxis]).reshape(NUM_CELLS, -1))
            maps.append(np.mean([member.predict(features) for member in self.members_], axis=0).reshape(*CELLS, -1))
        return np.stack(maps).astype(np.float32)

    def fit_bytes(self, num_views: int) -> int:
        """Returns about how much memory fitting takes beside the cues, for cells of up to 80 channels."""
        num_features = NUM_GLANCES * MAX_CHANNELS + NUM_PLACES
        part = 2 * NUM_CELLS * min(num_views, -(-self.num_cells // (NUM_CELLS * NUM_PARTS)) + CHUNK_VIEWS)
        return 4 * num_features * part * min(joblib.effective_n_jobs(self.n_jobs), self.num_members)

    def _learn(self, seed: int, cells: np.ndarray, shares: np.ndarray) -> MLPRegressor:
        """Returns a perceptron fitted to cells drawn from the measured ones; its learning rate falls as a cosine."""
        rng = np.random.default_rng(seed)
        views = rng.permutation(len(cells))[: -(-self.num_cells // int(NUM_CELLS * VIEW_SHARE))]
        perceptron = MLPRegressor(
            hidden_layer_sizes=(self.hidden,), alpha=1.0, max_iter=1, warm_start=True, random_state=seed
        )
        parts = np.array_split(views, min(NUM_PARTS, len(views)))
        for number, part in enumerate(parts):
            features, targets = self._drawn(rng, part, cells, shares)
            if len(features):
                rate = 1e-3 * np.cos(np.pi / 2 * number / len(parts))
                perceptron.set_params(learning_rate_init=rate, batch_size=min(512, len(features)))
                perceptron.fit(features, targets)
        perceptron._optimizer = None  # twice as large as the perceptron, and of no use to a prediction
        perceptron.coefs_ = [rounded(part) for part in perceptron.coefs_]
        return perceptron

    def _drawn(self, rng, views: np.ndarray, cells: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns features and shares of cells drawn from the measured ones of a few views."""
        features, targets = [], []
        for some in np.array_split(views, -(-len(views) // CHUNK_VIEWS)):
            chosen = np.isfinite(shares[some]).all(-1) & (rng.random((len(some), *CELLS)) < VIEW_SHARE)
            features.append(surroundings(cells[some])[chosen])
            targets.append(shares[some][chosen])
        features = np.concatenate(features)
        return self.scaler_.transform(features, copy=False) if len(features) else features, np.concatenate(targets)


def surroundings(cues: np.ndarray) -> np.ndarray:
    """Returns what cells of cues [N, 15, 20, C] see, [N, 15, 20, 20 * C + 10]; beyond the border, what is at it."""
    cues = cues.astype(np.float32)
    seen = [cues]
    for radius, distance in RINGS:
        squares = square_mean(cues, radius)
        seen += [moved(squares, down, right) for down in (-distance, 0, distance) for right in (-distance, 0, distance)]
    seen.append(np.broadcast_to(cues.mean((1, 2), keepdims=True), cues.shape))
    seen.append(np.broadcast_to(places(), (*cues.shape[:3], NUM_PLACES)))
    return np.concatenate(seen, axis=-1)


def moved(cues: np.ndarray, down: int, right: int) -> np.ndarray:
    """Returns for each cell of [N, 15, 20, C] the one so many cells below and to its right, or at the border."""
    rows, columns = (np.arange(size) + offset for size, offset in zip(CELLS, (down, right), strict=True))
    return cues[:, rows.clip(0, CELLS[0] - 1)[:, np.newaxis], columns.clip(0, CELLS[1] - 1)]


def square_mean(cues: np.ndarray, radius: int) -> np.ndarray:
    """Returns the mean over the square of 2 * radius + 1 cells around each cell, as far as it is in the image.

    Not by `scipy.ndimage`: what that rounds otherwise, training would amplify to centimetres.
    """
    sums = np.pad(cues.cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0), (0, 0)))
    reach = np.array([[-radius], [radius + 1]])  # from each cell to where its square begins and ends
    (top, bottom), (left, right) = (np.clip(np.arange(size) + reach, 0, size) for size in CELLS)
    lower, upper = sums[:, bottom], sums[:, top]
    total = lower[:, :, right] - upper[:, :, right] - lower[:, :, left] + upper[:, :, left]
    return total / ((bottom - top)[:, np.newaxis] * (right - left))[..., np.newaxis].astype(np.float32)


def places() -> np.ndarray:
    """Returns [15, 20, 10] float32, smooth functions of the row and the column, both from -1 to 1."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, size, dtype=np.float32) for size in CELLS), indexing="ij")
    waves = [function(np.pi * value) for value in (y, x) for function in (np.sin, np.cos)]
    return np.stack([y, x, np.abs(x), y * y, x * x, x * y, *waves], axis=-1)
