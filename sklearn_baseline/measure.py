"""Fits one family on cues that `compare` made, and measures it."""

import contextlib
import pathlib
import time
import warnings
from collections.abc import Iterable, Iterator

import numpy as np
import threadpoolctl
from etils import epy

from depth_tf.runtime import atomic_files, memory
from depth_tf.runtime.program import say
from sklearn_baseline.models import HEADS

with epy.lazy_imports():
    import sklearn.exceptions

    from depth_tf.scoring import protocols
    from sklearn_baseline import levels, views

CUES, SHARES, SCENES, LEVELS = "cues.npy", "shares.npy", "scenes.npy", "levels.npy"
SCORED_CUES, TRUTHS = "scored_cues.npy", "truths"


def measure(family: str, folder: pathlib.Path, output: pathlib.Path, n_jobs: int, seed: int) -> None:
    """Writes the metrics under *eigen*, the seconds to fit and to predict, and the peak memory of this process."""
    cues, shares, scenes = (np.load(folder / name) for name in (CUES, SHARES, SCENES))
    loaded_gib = memory.peak_gib()
    head = HEADS[family](n_jobs, seed)
    with quiet():
        started_s = time.perf_counter()
        head.fit(cues, shares, scenes)
        fit_s, peak_gib = time.perf_counter() - started_s, memory.peak_gib()
        del cues, shares
        scored_cues = np.load(folder / SCORED_CUES)
        started_s = time.perf_counter()
        plain, mirrored = (head.predict(part) for part in scored_cues)
        predict_s = (time.perf_counter() - started_s) / len(plain)
    say(f"{family}: fitted in {fit_s:.1f} s")
    truths_m = map(np.load, sorted((folder / TRUTHS).iterdir()))
    result = {
        "family": family,
        **eigen_metrics(levels.decode((plain + mirrored[:, :, ::-1]) / 2, np.load(folder / LEVELS)), truths_m),
        "fit_s": round(fit_s, 2),
        "predict_ms_an_image": round(1000 * predict_s, 2),
        "peak_gib": round(peak_gib, 2),
        "loaded_gib": round(loaded_gib, 2),
    }
    atomic_files.write_json(output, result)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """One thread per job, and no complaint of perceptrons that stop early: their passes are part of the recipe."""
    unconverged = sklearn.exceptions.ConvergenceWarning
    with threadpoolctl.threadpool_limits(1), warnings.catch_warnings(action="ignore", category=unconverged):
        yield


def eigen_metrics(log_depths: np.ndarray, truths_m: Iterable[np.ndarray]) -> dict:
    """Returns the metrics of ln metres [N, any, any] against as many truths [H, W] float, metres, under *eigen*."""
    scorer = protocols.Scorer(protocols.PROTOCOLS["eigen"])
    for log_depth, true_m in zip(log_depths, truths_m, strict=True):
        scorer.add(true_m=true_m.astype(np.float32), pred=views.to_metres(log_depth, true_m.shape))
    return scorer.result()
