"""Cell by cell: one regressor predicts every cell of every image from what is in it, around it and farther off.

A cell looks about as an eye does, sharply nearby and coarsely far away: its own cues; their means over 3x3 cells here
and 3 cells off in eight directions; over 7x7 cells here and 7 cells off; over the whole image; and where in the image
it is. It predicts log depth at its four quarters.
"""

import warnings

import joblib
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from sklearn_baseline import targets
from sklearn_baseline.cues import CELLS

RINGS = ((1, 3), (3, 7))  # radius of the squares averaged, and how far off they lie, in cells
NUM_GLANCES = 1 + 9 * len(RINGS) + 1  # the cell, nine squares of each size, the whole image
NUM_PLACES = 10  # features of where a cell is
CHUNK_IMAGES = 32
MAX_CHANNELS = 120
MAX_SCALED_VIEWS = 200  # that means and spreads of features are taken from


class CellDepth(RegressorMixin, BaseEstimator):
    """Predicts log depth cell by cell, as the mean of several regressors.

    Args:
      regressor: one of scikit-learn's regressors of several outputs; None takes a perceptron of one hidden layer.
      num_members: regressors that are averaged; each has its own random state and learns from cells of its own.
      epochs: passes of a perceptron over the cells; the learning rate falls as a quarter of a cosine.
      num_cells: about how many cells each member learns from, drawn from all views.
      n_jobs: members learnt at a time; each holds its cells, 1.2 GB.
      random_state: seed; a member's is this one plus its number.
    """

    def __init__(
        self,
        regressor=None,
        num_members: int = 6,
        epochs: int = 4,
        num_cells: int = 125_000,
        n_jobs: int | None = None,
        random_state: int = 0,
    ):
        self.regressor = regressor
        self.num_members = num_members
        self.epochs = epochs
        self.num_cells = num_cells
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, cues, log_depths):
        """Learns from cues [N, 15, 20, channels] and ln metres [N, 30, 40] float32, NaN where missing."""
        quarters = split_quarters(log_depths)
        self.mean_ = np.nanmean(quarters, dtype=np.float64).astype(np.float32)
        self.scaler_ = self._fit_scaler(cues)
        learn = joblib.delayed(self._learn)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # an epoch at a time never converges
            self.members_ = joblib.Parallel(self.n_jobs, prefer="threads")(
                learn(self.random_state + member, cues, quarters - self.mean_) for member in range(self.num_members)
            )
        return self

    def predict(self, cues) -> np.ndarray:
        """Returns ln metres [N, 30, 40] float32."""
        check_is_fitted(self)
        return np.stack([self._predict_one(one) for one in cues])

    def fit_bytes(self, num_views: int) -> int:
        """Returns about how much memory fitting takes beside the cues, for cues of up to 120 channels."""
        num_features = NUM_GLANCES * MAX_CHANNELS + NUM_PLACES
        chunk = 2 * CHUNK_IMAGES * CELLS[0] * CELLS[1]  # of surroundings: its parts, and those parts joined
        rows = min(self.num_cells, num_views * CELLS[0] * CELLS[1])
        at_a_time = min(joblib.effective_n_jobs(self.n_jobs), self.num_members)
        return 4 * num_features * at_a_time * (rows + chunk)

    def _predict_one(self, cues: np.ndarray) -> np.ndarray:
        features = self.scaler_.transform(surroundings(cues[np.newaxis])[0].reshape(CELLS[0] * CELLS[1], -1))
        log_depths = np.mean([member.predict(features) for member in self.members_], axis=0)
        return join_quarters(log_depths.reshape(*CELLS, -1)) + self.mean_

    def _fit_scaler(self, cues: np.ndarray) -> StandardScaler:
        """Returns the means and spreads of features, from a few views spread over all."""
        scaler = StandardScaler()
        for one in cues[:: -(-len(cues) // MAX_SCALED_VIEWS)]:
            scaler.partial_fit(surroundings(one[np.newaxis]).reshape(CELLS[0] * CELLS[1], -1))
        return scaler

    def _sample(self, seed: int, cues: np.ndarray, quarters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns scaled features [M, F] and log depths [M, 4], float32, of cells drawn from the measured ones."""
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
        features -= self.scaler_.mean_.astype(np.float32)  # in place: there may be gigabytes of them
        features /= self.scaler_.scale_.astype(np.float32)
        return features, quarters[chosen]

    def _learn(self, seed: int, cues: np.ndarray, quarters: np.ndarray):
        features, log_depths = self._sample(seed, cues, quarters)
        if self.regressor is not None:
            regressor = clone(self.regressor)
            if "random_state" in regressor.get_params():
                regressor.set_params(random_state=seed)
            return regressor.fit(features, log_depths)
        perceptron = MLPRegressor(
            hidden_layer_sizes=(128,),
            alpha=1.0,
            batch_size=min(512, len(features)),
            max_iter=1,
            warm_start=True,
            random_state=seed,
        )
        for epoch in range(self.epochs):
            perceptron.set_params(learning_rate_init=1e-3 * np.cos(np.pi / 2 * epoch / self.epochs))
            perceptron.fit(features, log_depths)
        return perceptron


def surroundings(cues: np.ndarray) -> np.ndarray:
    """Returns what each cell sees; beyond the image's border it sees what is at the border.

    Args:
      cues: [N, 15, 20, C] float.

    Returns:
      [N, 15, 20, 20 * C + 10] float32.
    """
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
    rows = np.clip(np.arange(CELLS[0]) + down, 0, CELLS[0] - 1)
    columns = np.clip(np.arange(CELLS[1]) + right, 0, CELLS[1] - 1)
    return cues[:, rows[:, np.newaxis], columns]


def square_mean(cues: np.ndarray, radius: int) -> np.ndarray:
    """Returns the mean over the square of 2 * radius + 1 cells around each cell, as far as it is in the image.

    Not by `scipy.ndimage`: what that rounds otherwise, training would amplify to centimetres.
    """
    sums = np.zeros((len(cues), CELLS[0] + 1, CELLS[1] + 1, cues.shape[-1]), np.float32)
    np.cumsum(np.cumsum(cues, axis=1), axis=2, out=sums[:, 1:, 1:])
    top, bottom = _reach(CELLS[0], radius)
    left, right = _reach(CELLS[1], radius)
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
    return quarters.reshape(*CELLS, 2, 2).transpose(0, 2, 1, 3).reshape(targets.SHAPE).astype(np.float32)


def _reach(size: int, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns where the square around each of `size` cells begins and ends, cut at the image's border."""
    centres = np.arange(size)
    return np.maximum(centres - radius, 0), np.minimum(centres + radius + 1, size)
