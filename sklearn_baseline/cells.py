"""Cell by cell: perceptrons predict every cell of every image from what is in it, around it and farther off.

A cell looks about as an eye does, sharply nearby and coarsely far away: its own cues; their means over 3x3 cells here
and 3 cells off in eight directions; over 7x7 cells here and 7 cells off; and over the whole image. Principal components
make that short. Besides, a perceptron sees where in the image the cell is, and what others think of it and of the image
as a whole. It predicts which share of the cell is farther than each of the levels.
"""

import dataclasses
import math
import warnings

import joblib
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.utils.validation import check_is_fitted

from sklearn_baseline.cues import CELLS, rounded

RINGS = ((1, 3), (3, 7))  # radius of the squares averaged, and how far off they lie, in cells
NUM_PLACES = 10  # features of where a cell is
NUM_CELLS = CELLS[0] * CELLS[1]
NUM_PARTS = 24  # that a member's views come in
CHUNK_VIEWS = 32  # whose surroundings are worked out at once
VIEW_SHARE = 0.5  # of a view's cells that a member learns from each time it sees the view
MAX_PASSES = 1.5  # over the views: with three, perceptrons learn the images by heart
MAX_SCALED_VIEWS = 300  # that components of surroundings are learnt from
MAX_OPINION_NUMBERS = 250  # about how many a perceptron sees
OPINION_SCALE = 3.0  # shares are small beside components


@dataclasses.dataclass(eq=False, repr=False)
class CellDepth(RegressorMixin, BaseEstimator):
    """Predicts the shares of each cell, as the mean of several perceptrons.

    Few passes over many cells, a part of the views at a time, learn less by heart than many passes over few do.
    """

    num_members: int = 6  # perceptrons that are averaged; each has its own random state and draws its own cells
    num_cells: int = 1_500_000  # about how many cells each member sees, in `MAX_PASSES` at most
    num_components: int = 256  # of what a cell sees of its surroundings
    hidden: int = 128  # units of a perceptron's one hidden layer
    n_jobs: int | None = None  # members learnt at a time
    random_state: int = 0  # a member's is this one plus its number

    def fit(self, cues, shares, scenes=None, opinions=None):
        """Learns from the cues [N] of `DepthCues.dtype` and shares [N, 15, 20, levels] float32, NaN where missing.

        `opinions` [N, 15, 20, opinions, levels] are shares that models predict which have not learnt from the view's
        scene. `scenes` is there as other heads take it, and not looked at.
        """
        self._learn_components(cues["cells"])
        seen = np.empty((len(cues), NUM_CELLS, self.components_.shape[1]), np.float16)

        def look(first: int) -> None:
            seen[first : first + CHUNK_VIEWS] = self._looked(cues["cells"][first : first + CHUNK_VIEWS])

        self._parallel(look, range(0, len(cues), CHUNK_VIEWS))
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # an epoch at a time never does
            seeds = range(self.random_state, self.random_state + self.num_members)
            members = self._parallel(lambda seed: self._member(seed, seen, shares, opinions), seeds)
        self.perceptron_ = side_by_side(members)
        return self

    def predict(self, cues, opinions=None) -> np.ndarray:
        """Returns shares [N, 15, 20, levels] float32; `opinions` as in `fit`, of these images."""
        check_is_fitted(self)
        maps = []
        for place in range(len(cues)):  # image by image: the surroundings of many would fill the memory
            one = slice(place, place + 1)
            features = with_opinions(self._looked(cues["cells"][one]), None if opinions is None else opinions[one])[0]
            maps.append(self.perceptron_.predict(features).reshape(*CELLS, -1))
        return np.stack(maps).astype(np.float32)

    def fit_bytes(self, num_views: int) -> int:
        """Returns about how much memory fitting takes beside the cues and opinions."""
        seen = 2 * NUM_CELLS * self.num_components * num_views
        num_features = self.num_components + NUM_PLACES + MAX_OPINION_NUMBERS
        part = 4 * 4 * num_features * min(NUM_CELLS * num_views, self.num_cells / NUM_PARTS + CHUNK_VIEWS * NUM_CELLS)
        return seen + int(part) * min(joblib.effective_n_jobs(self.n_jobs), self.num_members)

    def _learn_components(self, cells: np.ndarray) -> None:
        """Learns from some cells of [N, 15, 20, C] which numbers stand for what they see."""
        rng = np.random.default_rng(self.random_state)
        views = cells[np.sort(rng.permutation(len(cells))[:MAX_SCALED_VIEWS])]
        rows = [surroundings(view[np.newaxis]).reshape(NUM_CELLS, -1)[rng.random(NUM_CELLS) < 1 / 3] for view in views]
        rows = np.concatenate(rows)
        scales = rows.std(0) + 1e-6
        size = min(self.num_components, *rows.shape)
        pca = PCA(size, svd_solver="covariance_eigh").fit(rows / scales)
        # Half whitened: components then differ less in size, and those of noise stay small.
        spread = np.sqrt(pca.explained_variance_ / pca.explained_variance_.mean() + 1e-6)
        self.components_ = rounded((pca.components_ / np.sqrt(spread)[:, np.newaxis] / scales).T)
        self.offset_ = (rows.mean(0) @ self.components_).astype(np.float32)

    def _looked(self, cells: np.ndarray) -> np.ndarray:
        """Returns what the cells of [N, 15, 20, C] see, [N, 300, components] float32."""
        return (surroundings(cells) @ self.components_ - self.offset_).reshape(len(cells), NUM_CELLS, -1)

    def _member(self, seed: int, seen: np.ndarray, shares: np.ndarray, opinions: np.ndarray | None) -> MLPRegressor:
        """Returns a perceptron fitted to cells drawn from the measured ones; its learning rate falls as a cosine."""
        rng = np.random.default_rng(seed)
        count = math.ceil(min(self.num_cells / (NUM_CELLS * VIEW_SHARE), MAX_PASSES * len(seen)))
        views = np.concatenate([rng.permutation(len(seen)) for _ in range(-(-count // len(seen)))])[:count]
        perceptron = MLPRegressor(
            hidden_layer_sizes=(self.hidden,), alpha=1.0, max_iter=1, warm_start=True, random_state=seed
        )
        parts = np.array_split(views, min(NUM_PARTS, len(views)))
        for number, part in enumerate(parts):
            features, targets = drawn(rng, part, seen, shares, opinions)
            if not len(features):  # few cells are measured: all that are, of all views
                features, targets = drawn(rng, views, seen, shares, opinions, share=1.0)
            rate = 1e-3 * np.cos(np.pi / 2 * number / len(parts))
            perceptron.set_params(learning_rate_init=rate, batch_size=min(512, len(features)))
            perceptron.fit(features, targets)
        return perceptron

    def _parallel(self, function, items) -> list:
        """Returns `function` of each item, worked out by `n_jobs` threads that share the memory."""
        return joblib.Parallel(self.n_jobs, prefer="threads")(joblib.delayed(function)(item) for item in items)


def side_by_side(members: list[MLPRegressor]) -> MLPRegressor:
    """Returns one perceptron that predicts the mean of what several with one hidden layer do, in half the time."""
    perceptron = members[0]
    perceptron._optimizer = None  # twice as large as the perceptron, and of no use to a prediction
    inner, outer = zip(*(member.coefs_ for member in members), strict=True)
    inner_offsets, outer_offsets = zip(*(member.intercepts_ for member in members), strict=True)
    perceptron.coefs_ = [rounded(np.concatenate(inner, axis=1)), rounded(np.concatenate(outer) / len(members))]
    perceptron.intercepts_ = [np.concatenate(inner_offsets), np.mean(outer_offsets, axis=0)]
    return perceptron.set_params(hidden_layer_sizes=(perceptron.coefs_[0].shape[1],))


def drawn(rng, views: np.ndarray, seen: np.ndarray, shares: np.ndarray, opinions, share: float = VIEW_SHARE) -> tuple:
    """Returns features and shares of a share of the measured cells of a few views."""
    features, targets = [], []
    for some in np.array_split(views, -(-len(views) // CHUNK_VIEWS)):
        wanted = shares[some].reshape(len(some), NUM_CELLS, -1)
        chosen = np.isfinite(wanted).all(-1) & (rng.random((len(some), NUM_CELLS)) < share)
        features.append(with_opinions(seen[some], None if opinions is None else opinions[some])[chosen])
        targets.append(wanted[chosen])
    return np.concatenate(features), np.concatenate(targets)


def with_opinions(seen: np.ndarray, opinions: np.ndarray | None) -> np.ndarray:
    """Returns all that a perceptron sees of cells [N, 300, any], float32: beside that, places and opinions.

    `opinions` [N, 15, 20, opinions, levels] count at each cell and, as a mean, over the whole image.
    """
    parts = [seen, np.broadcast_to(places().reshape(NUM_CELLS, -1), (*seen.shape[:2], NUM_PLACES))]
    if opinions is not None:
        here = OPINION_SCALE * (opinions.reshape(len(seen), NUM_CELLS, -1).astype(np.float32) - 0.5)
        parts += [here, np.broadcast_to(here.mean(1, keepdims=True), here.shape)]
    return np.concatenate(parts, axis=-1, dtype=np.float32)


def surroundings(cues: np.ndarray) -> np.ndarray:
    """Returns what cells of cues [N, 15, 20, C] see, [N, 15, 20, 20 * C]; beyond the border, what is at it."""
    cues = cues.astype(np.float32)
    seen = [cues]
    for radius, distance in RINGS:
        seen += around(square_mean(cues, radius), distance)
    seen.append(np.broadcast_to(cues.mean((1, 2), keepdims=True), cues.shape))
    return np.concatenate(seen, axis=-1)


def around(cues: np.ndarray, distance: int) -> list[np.ndarray]:
    """Returns for each cell of [N, 15, 20, C] those so far above, beside and below it, and itself, row by row."""
    border = (distance, distance)
    padded = np.pad(cues, ((0, 0), border, border, (0, 0)), mode="edge")
    rows, columns = ([slice(first, first + size) for first in (0, distance, 2 * distance)] for size in CELLS)
    return [padded[:, row, column] for row in rows for column in columns]


def square_mean(cues: np.ndarray, radius: int) -> np.ndarray:
    """Returns the mean over the square of 2 * radius + 1 cells around each cell, as far as it is in the image."""
    down, across = (near / near.sum(1, keepdims=True) for near in (within(size, radius) for size in CELLS))
    rows = (down @ cues.reshape(len(cues), CELLS[0], -1)).reshape(cues.shape)
    return across @ rows


def within(size: int, radius: int) -> np.ndarray:
    """Returns [size, size] float32, 1 where two places in a row are at most `radius` apart, else 0."""
    places = np.arange(size)
    return (abs(places - places[:, np.newaxis]) <= radius).astype(np.float32)


def places() -> np.ndarray:
    """Returns [15, 20, 10] float32, smooth functions of the row and the column, both from -1 to 1."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, size, dtype=np.float32) for size in CELLS), indexing="ij")
    waves = [function(np.pi * value) for value in (y, x) for function in (np.sin, np.cos)]
    return np.stack([y, x, np.abs(x), y * y, x * x, x * y, *waves], axis=-1)
