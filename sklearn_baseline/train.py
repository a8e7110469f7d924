"""Learns depth from the part of a data set that fits the memory, and scores it: python -m sklearn_baseline.train.

    python -m sklearn_baseline.train --data_dir=DIR --output_dir=runs/sklearn
    python -m sklearn_baseline.train --dataset=synthetic_rooms --max_ram_gib=3 --output_dir=runs/sklearn_rooms

Leaves in --output_dir: model.skops (or --model_file), metrics.json with what it cost, per_image.csv and panels.png.
"""

from __future__ import annotations

import dataclasses
import pathlib
import time

from etils import epy

from depth_tf.runtime import memory, program, run_folder
from depth_tf.runtime.program import option, say
from sklearn_baseline import models
from sklearn_baseline.dataset import DataSettings, read_part
from sklearn_baseline.predict import model_examples

with epy.lazy_imports():
    from depth_tf.data import opening, splits, survey
    from depth_tf.scoring import mean_depth, score
    from sklearn_baseline import estimator, persistence

NUM_TIMED_IMAGES = 64


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What training depends on; each field is the flag of its name."""

    split: str = option("train", "split to learn from", group="data", choices=("train", "holdout"))
    score_split: str = option(
        "validation", "split to score on; none: do not", group="data", choices=("none", "holdout", "validation", "test")
    )
    max_train_images: int = option(0, "read only the first this many images; 0: all", group="data")
    max_ram_gib: float = option(6.0, "memory the program may take at its peak, GiB", group="model", least=0.1)
    views: int = option(
        5, "views of each image: itself, random crops; and the mirror image of each", group="model", least=1
    )
    n_jobs: int = option(2, "images or members worked on at a time; changes no result", group="model", least=1)
    seed: int = option(0, "seed of everything random", group="model")
    model_file: str | None = option(None, "where the model goes; unset: model.skops in --output_dir", group="output")
    output_dir: str = option("runs/sklearn", "folder for the results", group="output")


def main(settings: Settings) -> None:
    """Reads, learns, saves and scores."""
    opened = opening.open_chosen(settings, max_train_images=settings.max_train_images)
    with opening.naming_bad_records(opened):
        survey.tell(opened, settings.depth_scale)
        model, about = learn(opened, settings)
        path = pathlib.Path(settings.model_file or f"{settings.output_dir}/model.skops")
        persistence.save_model(path, model, about)
        say(f"wrote {path}, {path.stat().st_size / 1e6:.0f} MB")
        if settings.score_split != "none":
            score_model(model, opened, settings, about)


def learn(opened: splits.DepthDataset, settings: Settings) -> tuple[estimator.DepthRegressor, dict]:
    """Returns the fitted model, and what it learned from and what that cost."""
    model = estimator.DepthRegressor(
        num_views=settings.views, n_jobs=settings.n_jobs, random_state=settings.seed, progress=True
    )
    split = opened.split(settings.split)
    started_s = time.perf_counter()
    images, depths_m, scenes = read_part(split, max_ram_gib=settings.max_ram_gib, fit_bytes=model.fit_bytes)
    read_s = time.perf_counter() - started_s
    model.fit(images, depths_m, scenes)
    fit_s = time.perf_counter() - started_s - read_s
    model.set_params(progress=False)
    peak_gib = memory.peak_gib()
    say(f"read in {read_s:.0f} s, learnt in {fit_s:.0f} s, peak memory {peak_gib:.2f} GiB")
    timed = images[:NUM_TIMED_IMAGES]
    started_s = time.perf_counter()
    model.predict(timed)
    rate = len(timed) / (time.perf_counter() - started_s)
    return model, {
        "trained_on": opened.name,
        "num_train_images": len(images),
        "num_images_available": split.num_images,
        "read_s": round(read_s, 1),
        "fit_s": round(fit_s, 1),
        "images_per_s": round(rate, 1),
        "peak_gib": round(peak_gib, 2),
        **{name: getattr(settings, name) for name in ("max_ram_gib", "n_jobs", "seed")},
    }


def score_model(model: estimator.DepthRegressor, opened: splits.DepthDataset, settings: Settings, about: dict) -> None:
    """Scores a fitted model and writes the result and the pictures."""
    split = opened.split(settings.score_split)
    score.score_split(
        model_examples(model, split),
        opened,
        split,
        floor_m=mean_depth.mean_depth_map(opened.split(settings.split)),
        output=pathlib.Path(settings.output_dir) / run_folder.METRICS,
        command=program.command_line("sklearn_baseline.train"),
        about={**about, "model": models.CHOSEN},
    )


if __name__ == "__main__":
    program.run(main, Settings)
