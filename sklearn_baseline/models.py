"""The families that `compare` measures, by name, and the one that `train` uses.

All see the same cues and the same views of the same images; they differ in what predicts.
"""

from collections.abc import Callable

from etils import epy

with epy.lazy_imports():
    from sklearn_baseline import average, cells, holistic

CHOSEN = "kernel ridge + cell perceptrons"

# Name -> head from (n_jobs, seed). Parameters are the best of a few tried on held-out scenes of `train`.
HEADS: dict[str, Callable] = {
    "kernel ridge": lambda n_jobs, seed: holistic.HolisticDepth(random_state=seed),
    "cell perceptrons": lambda n_jobs, seed: cells.CellDepth(n_jobs=n_jobs, random_state=seed),
    CHOSEN: lambda n_jobs, seed: average.AverageDepth(
        [("whole", HEADS["kernel ridge"](n_jobs, seed)), ("cells", HEADS["cell perceptrons"](n_jobs, seed))]
    ),
}
