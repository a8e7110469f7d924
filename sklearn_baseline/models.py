"""The families that `compare` measures, by name, and the one that `train` uses.

All see the same cues and the same views of the same images; they differ in what answers.
"""

from collections.abc import Callable

from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor

from sklearn_baseline.average import chosen_head
from sklearn_baseline.cells import CellDepth
from sklearn_baseline.holistic import HolisticDepth

CHOSEN = "kernel ridge + cell perceptrons"


# Name -> head from (n_jobs, seed). Parameters are the best of a few tried on held-out scenes of `train`. Trees learn
# from the first 100 of the descriptor's 800 components and answer fewer coordinates: their time grows with both.
HEADS: dict[str, Callable] = {
    "mean map": lambda n_jobs, seed: HolisticDepth(DummyRegressor(), random_state=seed),
    "ridge": lambda n_jobs, seed: HolisticDepth(Ridge(alpha=3.0), random_state=seed),
    "k nearest neighbours": lambda n_jobs, seed: HolisticDepth(
        KNeighborsRegressor(n_neighbors=20, weights="distance", n_jobs=n_jobs), random_state=seed
    ),
    "random forest": lambda n_jobs, seed: HolisticDepth(
        RandomForestRegressor(100, max_features=0.3, min_samples_leaf=3, n_jobs=n_jobs, random_state=seed),
        num_components=100,
        num_maps=32,
        random_state=seed,
    ),
    "extra trees": lambda n_jobs, seed: HolisticDepth(
        ExtraTreesRegressor(200, max_features=0.3, min_samples_leaf=3, n_jobs=n_jobs, random_state=seed),
        num_components=100,
        num_maps=32,
        random_state=seed,
    ),
    "histogram gradient boosting": lambda n_jobs, seed: HolisticDepth(
        MultiOutputRegressor(
            HistGradientBoostingRegressor(max_iter=150, max_leaf_nodes=8, random_state=seed), n_jobs=n_jobs
        ),
        num_components=100,
        num_maps=16,
        random_state=seed,
    ),
    "perceptron": lambda n_jobs, seed: HolisticDepth(
        MLPRegressor(hidden_layer_sizes=(256,), alpha=0.1, learning_rate_init=3e-3, max_iter=30, random_state=seed),
        random_state=seed,
    ),
    "kernel ridge": lambda n_jobs, seed: HolisticDepth(random_state=seed),
    "cell perceptrons": lambda n_jobs, seed: CellDepth(n_jobs=n_jobs, random_state=seed),
    CHOSEN: chosen_head,
}
