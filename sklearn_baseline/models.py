"""The families that `compare` measures, by name, and the one that `train` uses.

All see the same cues and the same views of the same images; they differ in what predicts.
"""

from collections.abc import Callable

from etils import epy

with epy.lazy_imports():
    from sklearn import dummy, ensemble, linear_model, multioutput, neighbors, neural_network

    from sklearn_baseline import average, cells, holistic

CHOSEN = "kernel ridge + cell perceptrons"


# Name -> head from (n_jobs, seed). Parameters are the best of a few tried on held-out scenes of `train`. Trees learn
# from the first 100 of the descriptor's 800 components and predict fewer coordinates: their time grows with both.
HEADS: dict[str, Callable] = {
    "mean map": lambda n_jobs, seed: holistic.HolisticDepth(dummy.DummyRegressor(), random_state=seed),
    "ridge": lambda n_jobs, seed: holistic.HolisticDepth(linear_model.Ridge(alpha=3.0), random_state=seed),
    "k nearest neighbours": lambda n_jobs, seed: holistic.HolisticDepth(
        neighbors.KNeighborsRegressor(n_neighbors=20, weights="distance", n_jobs=n_jobs), random_state=seed
    ),
    "random forest": lambda n_jobs, seed: holistic.HolisticDepth(
        ensemble.RandomForestRegressor(100, max_features=0.3, min_samples_leaf=3, n_jobs=n_jobs, random_state=seed),
        num_components=100,
        num_maps=32,
        random_state=seed,
    ),
    "extra trees": lambda n_jobs, seed: holistic.HolisticDepth(
        ensemble.ExtraTreesRegressor(200, max_features=0.3, min_samples_leaf=3, n_jobs=n_jobs, random_state=seed),
        num_components=100,
        num_maps=32,
        random_state=seed,
    ),
    "histogram gradient boosting": lambda n_jobs, seed: holistic.HolisticDepth(
        multioutput.MultiOutputRegressor(
            ensemble.HistGradientBoostingRegressor(max_iter=150, max_leaf_nodes=8, random_state=seed), n_jobs=n_jobs
        ),
        num_components=100,
        num_maps=16,
        random_state=seed,
    ),
    "perceptron": lambda n_jobs, seed: holistic.HolisticDepth(
        neural_network.MLPRegressor(
            hidden_layer_sizes=(256,), alpha=0.1, learning_rate_init=3e-3, max_iter=30, random_state=seed
        ),
        random_state=seed,
    ),
    "kernel ridge": lambda n_jobs, seed: holistic.HolisticDepth(random_state=seed),
    "cell perceptrons": lambda n_jobs, seed: cells.CellDepth(n_jobs=n_jobs, random_state=seed),
    CHOSEN: lambda n_jobs, seed: average.chosen_head(n_jobs, seed),
}
