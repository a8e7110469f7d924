"""The families that `compare` measures, by name, and the one that `train` uses.

All see the same cues and the same views of the same images; they differ in what predicts.
"""

from collections.abc import Callable

from etils import epy

with epy.lazy_imports():
    from sklearn_baseline import cells, holistic, stacking

CHOSEN = "perceptrons on kernel ridge"

# Name -> head from (n_jobs, seed). Parameters are the best of a few tried on held-out scenes of `train`.
HEADS: dict[str, Callable] = {
    "kernel ridge": lambda n_jobs, seed: holistic.HolisticDepth(n_jobs=n_jobs, random_state=seed),
    "cell perceptrons": lambda n_jobs, seed: cells.CellDepth(n_jobs=n_jobs, random_state=seed),
    CHOSEN: lambda n_jobs, seed: stacking.StackedDepth(
        HEADS["kernel ridge"](n_jobs, seed), HEADS["cell perceptrons"](n_jobs, seed)
    ),
}
