"""The families that `compare` measures, by name, and the one that `train` uses.

All see the same cues and the same views of the same images; they differ in what predicts.
"""

from collections.abc import Callable

from etils import epy

with epy.lazy_imports():
    from sklearn import dummy, ensemble, linear_model, multioutput, neighbors, neural_network

    from sklearn_baseline import average, cells, holistic

CHOSEN = "kernel ridge + cell perceptrons"
# Trees learn from the first 100 of the descriptor's 800 components and predict fewer coordinates: their time grows
# with both.
FEW = {"num_components": 100, "num_maps": 32}
FOREST = {"max_features": 0.3, "min_samples_leaf": 3}

# Name -> head from (n_jobs, seed). Parameters are the best of a few tried on held-out scenes of `train`.
HEADS: dict[str, Callable] = {
    "mean map": lambda n_jobs, seed: _whole(dummy.DummyRegressor(), seed),
    "ridge": lambda n_jobs, seed: _whole(linear_model.Ridge(alpha=3.0), seed),
    "k nearest neighbours": lambda n_jobs, seed: _whole(
        neighbors.KNeighborsRegressor(n_neighbors=20, weights="distance", n_jobs=n_jobs), seed
    ),
    "random forest": lambda n_jobs, seed: _whole(
        ensemble.RandomForestRegressor(100, **FOREST, n_jobs=n_jobs, random_state=seed), seed, **FEW
    ),
    "extra trees": lambda n_jobs, seed: _whole(
        ensemble.ExtraTreesRegressor(200, **FOREST, n_jobs=n_jobs, random_state=seed), seed, **FEW
    ),
    "histogram gradient boosting": lambda n_jobs, seed: _whole(
        multioutput.MultiOutputRegressor(
            ensemble.HistGradientBoostingRegressor(max_iter=150, max_leaf_nodes=8, random_state=seed), n_jobs=n_jobs
        ),
        seed,
        **(FEW | {"num_maps": 16}),
    ),
    "perceptron": lambda n_jobs, seed: _whole(
        neural_network.MLPRegressor(
            hidden_layer_sizes=(256,), alpha=0.1, learning_rate_init=3e-3, max_iter=30, random_state=seed
        ),
        seed,
    ),
    "kernel ridge": lambda n_jobs, seed: _whole(None, seed),
    "cell perceptrons": lambda n_jobs, seed: cells.CellDepth(n_jobs=n_jobs, random_state=seed),
    CHOSEN: lambda n_jobs, seed: average.AverageDepth(
        [("whole", HEADS["kernel ridge"](n_jobs, seed)), ("cells", HEADS["cell perceptrons"](n_jobs, seed))]
    ),
}


def _whole(regressor, seed: int, **sizes):
    return holistic.HolisticDepth(regressor, random_state=seed, **sizes)
