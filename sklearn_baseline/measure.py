"""Fits one family on cues that `compare` made, and measures it, in a process of its own so that its memory is its own.

python -m sklearn_baseline.measure --family=ridge --folder=OUT/cues --output=OUT/ridge.json
"""

import contextlib
import dataclasses
import pathlib
import time
import warnings
from collections.abc import Iterable, Iterator

import numpy as np
import threadpoolctl
from etils import epy

from depth_tf.runtime import atomic_files, memory, program
from depth_tf.runtime.program import option, say
from sklearn_baseline.models import HEADS

with epy.lazy_imports():
    import sklearn.exceptions

    from depth_tf.scoring import protocols
    from sklearn_baseline import views

CUES, LOG_DEPTHS, SCORED_CUES, TRUTHS = "cues.npy", "log_depths.npy", "scored_cues.npy", "truths"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to measure; each field is the flag of its name."""

    family: str | None = option(None, "what is fitted", choices=tuple(HEADS), required=True)
    folder: str | None = option(None, "folder of cues that sklearn_baseline.compare wrote", required=True)
    output: str | None = option(None, "result file, JSON", required=True)
    n_jobs: int = option(2, "members learnt at a time")
    seed: int = option(0, "seed")

    def __post_init__(self):
        program.check(self)


def main(settings: Settings) -> None:
    """Writes the metrics under *eigen*, the seconds to fit and to predict, and the peak memory of this process."""
    folder = pathlib.Path(settings.folder)
    cues, log_depths = np.load(folder / CUES), np.load(folder / LOG_DEPTHS)
    loaded_gib = memory.peak_gib()
    head = HEADS[settings.family](settings.n_jobs, settings.seed)
    with quiet():
        started_s = time.perf_counter()
        head.fit(cues, log_depths)
        fit_s, peak_gib = time.perf_counter() - started_s, memory.peak_gib()
        del cues, log_depths
        scored_cues = np.load(folder / SCORED_CUES)
        started_s = time.perf_counter()
        plain, mirrored = (head.predict(part) for part in scored_cues)
        predict_s = (time.perf_counter() - started_s) / len(plain)
    say(f"{settings.family}: fitted in {fit_s:.1f} s")
    result = {
        "family": settings.family,
        **score((plain + mirrored[..., ::-1]) / 2, folder / TRUTHS),
        "fit_s": round(fit_s, 2),
        "predict_ms_an_image": round(1000 * predict_s, 2),
        "peak_gib": round(peak_gib, 2),
        "loaded_gib": round(loaded_gib, 2),
    }
    atomic_files.write_json(settings.output, result)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """One thread per job, and no complaint of perceptrons that stop early: their passes are part of the recipe."""
    unconverged = sklearn.exceptions.ConvergenceWarning
    with threadpoolctl.threadpool_limits(1), warnings.catch_warnings(action="ignore", category=unconverged):
        yield


def score(log_depths: np.ndarray, truths: pathlib.Path) -> dict:
    """Returns the metrics of ln metres [N, 30, 40] against the files of truths, under *eigen*."""
    return eigen_metrics(log_depths, map(np.load, sorted(truths.iterdir())))


def eigen_metrics(log_depths: np.ndarray, truths_m: Iterable[np.ndarray]) -> dict:
    """Returns the metrics of ln metres [N, 30, 40] against as many truths [H, W] float, metres, under *eigen*."""
    scorer = protocols.Scorer(protocols.PROTOCOLS["eigen"])
    for log_depth, true_m in zip(log_depths, truths_m, strict=True):
        scorer.add(true_m=true_m.astype(np.float32), pred=views.to_metres(log_depth, true_m.shape))
    return scorer.result()


if __name__ == "__main__":
    program.run(main, Settings, tensorflow=False)
