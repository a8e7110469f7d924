"""Cell by cell: one regressor predicts every cell of every image from what is in it, around it and farther off.

A cell looks about as an eye does, sharply nearby and coarsely far away: its own cues; their means over 3x3 cells here
and 3 cells off in eight directions; over 7x7 cells here and 7 cells off; over the whole image; and where in the image
it is. It predicts log depth at its four quarters.
"""

import dataclasses
import warnings

import joblib
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from sklearn_baseline.cues import CELLS, DEPTH_SHAPE

RINGS = ((1, 3), (3, 7))  # radius of the squares averaged, and how far off they lie, in cells
NUM_GLANCES = 1 + 9 * len(RINGS) + 1  # the cell, nine squares of each size, the whole image
NUM_PLACES = 10  # features of where a cell is
NUM_CELLS = CELLS[0] * CELLS[1]
CHUNK_IMAGES = 32
MAX_CHANNELS = 120
MAX_SCALED_VIEWS = 200  # that means and spreads of features are taken from


@dataclasses.dataclass(eq=False, repr=False)
class CellDepth(RegressorMixin, BaseEstimator):
    """Predicts log depth cell by cell, as the mean of several regressors."""

    regressor: BaseEstimator | None = None  # of several outputs; None takes a perceptron of one hidden layer
    num_members: int = 6  # regressors that are averaged; each has its own random state and learns from cells of its own
    epochs: int = 4  # passes of a perceptron over the cells; the learning rate falls as a quarter of a cosine
    num_cells: int = 125_000  # about how many cells each member learns from, drawn from all views
    n_jobs: int | None = None  # members learnt at a time; each holds its cells, 1.2 GB
    random_state: int = 0  # a member's is this one plus its number

    def fit(self, cues, log_depths):
        """Learns from cues [N, 15, 20, channels] and ln metres [N, 30, 40] float32, NaN where missing."""
        quarters = split_quarters(log_depths)
        self.mean_ = np.nanmean(quarters, dtype=np.float64).astype(np.float32)
        self.scaler_ = StandardScaler()
        for one in cues[:: -(-len(cues) // MAX_SCALED_VIEWS)]:
            self.scaler_.partial_fit(surroundings(one[np.newaxis]).reshape(NUM_CELLS, -1))
        learn = joblib.delayed(self._learn)
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # an epoch at a time never does
            self.members_ = joblib.Parallel(self.n_jobs, prefer="threads")(
                learn(self.random_state + member, cues, quarters - self.mean_) for member in range(self.num_members)
            )
        return self

    def predict(self, cues) -> np.ndarray:
        """Returns ln metres [N, 30, 40] float32."""
        check_is_fitted(self)
        maps = []
        for one in cues:  # image by image: the surroundings of many would fill the memory
            features = self.scaler_.transform(surroundings(one[np.newaxis]).reshape(NUM_CELLS, -1))
            quarters = np.mean([member.predict(features) for member in self.members_], axis=0)
            maps.append(join_quarters(quarters.reshape(*CELLS, -1)) + self.mean_)
        return np.stack(maps)

    def fit_bytes(self, num_views: int) -> int:
        """Returns about how much memory fitting takes beside the cues, for cues of up to 120 channels."""
        num_features = NUM_GLANCES * MAX_CHANNELS + NUM_PLACES
        chunk = 2 * CHUNK_IMAGES * NUM_CELLS  # of surroundings: its parts, and those parts joined
        rows = min(self.num_cells, num_views * NUM_CELLS)
        at_a_time = min(joblib.effective_n_jobs(self.n_jobs), self.num_members)
        return 4 * num_features * at_a_time * (rows + chunk)

    def _learn(self, seed: int, cues: np.ndarray, quarters: np.ndarray):
        """Returns a regressor fitted to cells drawn from the measured ones."""
        measured = np.isfinite(quarters).all(-1)
        rng = np.random.default_rng(seed)
        chosen = measured & (rng.random(measured.shape) < self.num_cells / max(measured.sum(), 1))
        features = np.empty((chosen.sum(), NUM_GLANCES * cues.shape[-1] + NUM_PLACES), np.float32)
        end = 0
        for start in range(0, len(cues), CHUNK_IMAGES):
            part = slice(start, start + CHUNK_IMAGES)
            rows = surroundings(cues[part])[chosen[part]]
            features[end : end + len(rows)] = rows
            end += len(rows)
        features = self.scaler_.transform(features, copy=False)  # in place: there may be gigabytes of them
        quarters = quarters[chosen]
        if self.regressor is not None:
            regressor = clone(self.regressor)
            if "random_state" in regressor.get_params():
                regressor.set_params(random_state=seed)
            return regressor.fit(features, quarters)
        perceptron = MLPRegressor(hidden_layer_sizes=(128,), alpha=1.0, max_iter=1, warm_start=True, random_state=seed)
        perceptron.set_params(batch_size=min(512, len(features)))
        for epoch in range(self.epochs):
            perceptron.set_params(learning_rate_init=1e-3 * np.cos(np.pi / 2 * epoch / self.epochs))
            perceptron.fit(features, quarters)
        return perceptron


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


def split_quarters(maps: np.ndarray) -> np.ndarray:
    """Returns [N, 30, 40] as [N, 15, 20, 4]: upper left, upper right, lower left and lower right of each cell."""
    rows, columns = CELLS
    return maps.reshape(-1, rows, 2, columns, 2).transpose(0, 1, 3, 2, 4).reshape(-1, rows, columns, 4)


def join_quarters(quarters: np.ndarray) -> np.ndarray:
    """Returns [15, 20, 4] as [30, 40]: the reverse of `split_quarters` for one map."""
    return quarters.reshape(*CELLS, 2, 2).transpose(0, 2, 1, 3).reshape(DEPTH_SHAPE).astype(np.float32)
