"""Learns depth from the part of a data set that fits the memory, and scores it: python -m sklearn_baseline.train.

    python -m sklearn_baseline.train --data_dir=DIR --output_dir=runs/sklearn
    python -m sklearn_baseline.train --dataset=synthetic_rooms --max_ram_gib=3 --output_dir=runs/sklearn_rooms

Leaves in --output_dir: model.skops (or --model_file), metrics.json with what it cost, per_image.csv and panels.png.
"""

import dataclasses
import pathlib
import time

from depth_tf import evaluate, pipeline
from depth_tf.data.splits import DepthDataset
from depth_tf.data.opening import naming_bad_records, open_dataset
from depth_tf.runtime import memory, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from depth_tf.scoring.mean_depth import mean_depth_map
from depth_tf.scoring import score as scoring
from depth_tf.synthetic_rooms.builder import SIZES
from sklearn_baseline import dataset as part
from sklearn_baseline import models, persistence, progress
from sklearn_baseline.estimator import DepthRegressor
from sklearn_baseline.predict import predicted_examples

MODEL = "model.skops"
NUM_TIMED_IMAGES = 64


@dataclasses.dataclass(frozen=True)
class Settings:
    """What training depends on; each field is the flag of its name."""

    dataset: str = option(
        "auto", "what to learn from; auto: NYU if prepared, else rooms", group="data", choices=CHOICES
    )
    data_dir: str | None = option(None, "folder TFDS keeps data sets in, or that holds train/", group="data")
    split: str = option("train", "split to learn from", group="data", choices=("train", "holdout"))
    score_split: str = option(
        "validation", "split to score on; none: do not", group="data", choices=("none", "holdout", "validation", "test")
    )
    validation_fraction: float = option(0.0, "share of train, in whole scenes, that is left out", group="data")
    max_train_images: int = option(0, "read only the first this many images; 0: all", group="data")
    rooms: str = option("default", "size of synthetic_rooms", group="data", choices=SIZES)
    depth_scale: float = option(0.001, "metres a unit of a folder's depth PNGs", group="data")
    skip_incomplete: bool = option(False, "leave out a folder's images without depth, and reverse", group="data")
    max_ram_gib: float = option(6.0, "memory the program may take at its peak, GiB", group="model")
    views: int = option(10, "views of each image: itself, its mirror image, random crops", group="model")
    n_jobs: int = option(2, "images or members worked on at a time; changes no result", group="model")
    seed: int = option(0, "seed of everything random", group="model")
    model_file: str | None = option(None, "where the model goes; unset: model.skops in --output_dir", group="output")
    output_dir: str = option("runs/sklearn", "folder for the results", group="output")

    def __post_init__(self):
        for name in ("views", "n_jobs"):
            if getattr(self, name) < 1:
                raise InputError(f"expected --{name} of 1 or more, got {getattr(self, name)}")
        if self.max_ram_gib <= 0:
            raise InputError(f"expected --max_ram_gib above 0, got {self.max_ram_gib:g}")


def main(settings: Settings) -> None:
    """Reads, learns, saves and scores."""
    opened = open_dataset(settings.dataset, settings.data_dir, **options_of(dataclasses.asdict(settings)))
    with naming_bad_records(opened):
        model, about = learn(opened, settings)
        path = pathlib.Path(settings.model_file or pathlib.Path(settings.output_dir) / MODEL)
        persistence.save_model(path, model, about)
        say(f"wrote {path}, {path.stat().st_size / 1e6:.0f} MB")
        if settings.score_split != "none":
            score(model, opened, settings, about)


def learn(opened: DepthDataset, settings: Settings) -> tuple[DepthRegressor, dict]:
    """Returns the fitted model, and what it learned from and what that cost."""
    tell = progress.Ticker()
    model = DepthRegressor(num_views=settings.views, n_jobs=settings.n_jobs, random_state=settings.seed, progress=tell)
    split = opened.split(settings.split)
    started_s = time.perf_counter()
    pairs = part.read_part(split, max_ram_gib=settings.max_ram_gib, fit_bytes=model.fit_bytes)
    read_s = time.perf_counter() - started_s
    model.fit(pairs.images, pairs.depths_m)
    fit_s = time.perf_counter() - started_s - read_s
    model.set_params(progress=None)
    peak_gib = memory.peak_gib()
    say(f"read in {read_s:.0f} s, learnt in {fit_s:.0f} s, peak memory {peak_gib:.2f} GiB")
    images = pairs.images[:NUM_TIMED_IMAGES]
    started_s = time.perf_counter()
    model.predict(images)
    rate = len(images) / (time.perf_counter() - started_s)
    return model, {
        "trained_on": opened.name,
        "num_train_images": len(pairs.images),
        "num_images_available": split.num_images,
        "read_s": round(read_s, 1),
        "fit_s": round(fit_s, 1),
        "images_per_s": round(rate, 1),
        "peak_gib": round(peak_gib, 2),
        "max_ram_gib": settings.max_ram_gib,
        "n_jobs": settings.n_jobs,
        "seed": settings.seed,
    }


def score(model: DepthRegressor, opened: DepthDataset, settings: Settings, about: dict) -> None:
    """Scores a fitted model and writes the result and the pictures."""
    name = settings.score_split
    split = opened.split(name)
    scores = scoring.score(
        predicted_examples(model, split),
        "eigen",
        num_images=split.num_images,
        floor_m=mean_depth_map(opened.split(settings.split), pipeline.(192, 256)),
    )
    result = {
        **scores.result,
        **evaluate.describe(opened, name, command=program.command_line("sklearn_baseline.train"), parameters=None),
        **about,
        "model": models.CHOSEN,
    }
    path = pathlib.Path(settings.output_dir) / "metrics.json"
    evaluate.write_result(path, result, scores, title=f"{opened.name} {name}, eigen")


if __name__ == "__main__":
    program.run(main, Settings)
