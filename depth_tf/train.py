"""Trains the depth network and scores it: python -m depth_tf.train --optimizer=rmsprop.

Leaves in --workdir: config.json, flags.txt, environment.json, history.csv, best.keras, mean_depth.npy (the floor),
metrics.json, per_image.csv, panels.png, panels/ and tensorboard/. With --schedule=range_test: see `range_test`.
"""

import dataclasses
import pathlib

import keras
import numpy as np

from depth_tf import (
    callbacks,
    distribute,
    evaluate,
    memory,
    optimizers,
    panels,
    pipeline,
    program,
    range_test,
    run_folder,
    schedules,
    storage,
)
from depth_tf.augmentation import Augmentation
from depth_tf.dataset import CHOICES, naming_bad_records, open_dataset, options_of, resolve_name
from depth_tf.errors import InputError
from depth_tf.floor import log_mean_depth_m, mean_depth_map
from depth_tf.keras_metrics import network_grid_metrics
from depth_tf.losses import PIXEL_LOSSES, DepthLoss
from depth_tf.model import NORMALIZATIONS, build_network, load_network
from depth_tf.program import option, say
from depth_tf.splits import DepthDataset
from depth_tf.synthetic_rooms.builder import SIZES

IMAGE_BUDGET = 90_000  # images seen where --epochs is not given: about 18 minutes on two cores at 192x256


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a training run depends on; each field is the flag of its name."""

    dataset: str = option(
        "auto", "what to train on; auto: NYU if prepared, else synthetic rooms", group="data", choices=CHOICES
    )
    data_dir: str | None = option(
        None, "folder TFDS keeps data sets in, or that holds train/; unset: TFDS's own", group="data"
    )
    max_train_images: int = option(0, "train on the first this many images; 0: all", group="data")
    validation_fraction: float = option(
        0.1, "share of train, in whole scenes, held out to judge by; 0: none, the last epoch is kept", group="data"
    )
    rooms: str = option("default", "size of synthetic_rooms", group="data", choices=SIZES)
    depth_scale: float = option(0.001, "metres a unit of a folder's depth PNGs", group="data")
    skip_incomplete: bool = option(False, "leave out a folder's images without depth, and reverse", group="data")
    cache: str = option(
        "auto", "where decoded images stay after the first epoch", group="data", choices=pipeline.CACHES
    )
    min_depth_m: float = option(0.1, "nearer readings are missing, metres", group="data")
    max_depth_m: float = option(10.0, "farther readings are missing, metres", group="data")
    image_height_px: int = option(192, "height the network sees, divisible by 32", group="network")
    image_width_px: int = option(256, "width the network sees, divisible by 32", group="network")
    width: int = option(16, "channels of the network's first stage, a multiple of 8", group="network")
    normalization: str = option("batch", "kind of normalisation layers", group="network", choices=NORMALIZATIONS)
    init_from: str | None = option(
        None, "start from this trained network, a best.keras, with its width and range of depths", group="network"
    )
    optimizer: str = option("adamw", "optimizer", group="training", choices=tuple(optimizers.OPTIMIZERS))
    schedule: str = option("cosine", "learning-rate schedule", group="training", choices=schedules.SCHEDULES)
    learning_rate: float | None = option(None, "peak rate; unset: the optimizer's own default", group="training")
    weight_decay: float | None = option(None, "decoupled decay; unset: the optimizer's own default", group="training")
    epochs: int | None = option(
        None, f"passes over the training images; unset: as many as see {IMAGE_BUDGET:,} images", group="training"
    )
    global_batch_size: int = option(16, "images a step, over all devices", group="training")
    loss: str = option("silog", "pixel loss; a gradient loss is added", group="training", choices=tuple(PIXEL_LOSSES))
    gradient_weight: float = option(0.5, "weight of the gradient loss; 0: none", group="training")
    ema: bool = option(False, "judge, keep and score a moving average of the weights", group="training")
    early_stopping: bool = option(False, "stop when the hold-out stalls", group="training")
    reduce_lr_on_plateau: bool = option(
        False, "cut the rate when the hold-out stalls; with --schedule=constant", group="training"
    )
    seed: int = option(0, "of the weights, the order and the augmentation", group="training")
    strategy: str = option("auto", "devices", group="run", choices=tuple(distribute.STRATEGIES))
    csv_logger: bool = option(True, "write history.csv, a row an epoch", group="run")
    tensorboard: bool = option(True, "write TensorBoard event files", group="run")
    panels: bool = option(True, "draw predictions on the hold-out every few epochs", group="run")
    histograms: bool = option(False, "add the weights' histograms to TensorBoard, every epoch", group="run")
    profile_steps: int = option(0, "trace this many steps for TensorBoard's profiler", group="run")
    workdir: str | None = option(None, "folder of the run; unset: runs/<time>-<dataset>-<optimizer>", group="run")

    def __post_init__(self):
        for name, least in (("global_batch_size", 1), ("width", 8), ("seed", 0), ("profile_steps", 0)):
            if getattr(self, name) < least:
                raise InputError(f"expected --{name} of {least} or more, got {getattr(self, name)}")
        if self.width % 8:
            raise InputError(f"expected --width in multiples of 8, got {self.width}")
        if self.epochs is not None and self.epochs < 1:
            raise InputError(f"expected --epochs of 1 or more, got {self.epochs}")
        schedules.check_plateau(self.schedule, reduce_lr_on_plateau=self.reduce_lr_on_plateau)
        needing = {"early_stopping": self.early_stopping, "reduce_lr_on_plateau": self.reduce_lr_on_plateau}
        for flag, wanted in (needing | {"schedule=plateau": self.schedule == "plateau"}).items():
            if wanted and not self.validation_fraction:
                raise InputError(f"--{flag} needs a hold-out to judge by: expected --validation_fraction above 0")


def main(settings: Settings) -> None:
    """Trains, scores, and prints the table."""
    train(settings)


def train(settings: Settings) -> dict:
    """Runs all stages and returns what metrics.json holds, or for a range test its report."""
    settings = dataclasses.replace(settings, dataset=resolve_name(settings.dataset, settings.data_dir))
    dataset = open_dataset(settings.dataset, settings.data_dir, **options_of(dataclasses.asdict(settings)))
    workdir = pathlib.Path(settings.workdir or run_folder.default_folder(dataset.name, settings.optimizer))
    with naming_bad_records(dataset):
        train_network(dataset, settings, workdir)
        if settings.schedule == "range_test":  # a network driven until it fails is not worth a score
            return range_test.read_report(workdir)
        return evaluate.score_run(workdir, dataset, command=program.command_line("depth_tf.train"))


def train_network(dataset: DepthDataset, settings: Settings, workdir: pathlib.Path) -> None:
    """Runs the stages up to a trained network in `workdir`."""
    keras.utils.set_random_seed(settings.seed)
    distribute.make_repeatable()
    memory.keep_freed_memory()
    grid = pipeline.Grid(settings.image_height_px, settings.image_width_px, settings.min_depth_m, settings.max_depth_m)
    floor_m = mean_depth_map(dataset.split("train"), grid)
    strategy = distribute.build_strategy(settings.strategy)
    epochs, steps = plan(settings, dataset.split("train").num_images)
    with strategy.scope():
        network = start_network(settings, floor_m)
        compile_network(network, settings, total_steps=epochs * steps)
    run_folder.claim(workdir, settings, dataset.describe())
    storage.write_array(workdir / evaluate.FLOOR, floor_m)
    announce(settings, dataset, network, epochs, workdir)
    fit(network, dataset, grid, settings, workdir, epochs=epochs, steps=steps)


def plan(settings: Settings, num_images: int) -> tuple[int, int]:
    """Returns the epochs, and the steps of each."""
    steps = pipeline.steps_per_epoch(num_images, settings.global_batch_size)
    enough = range_test.STEPS / steps if settings.schedule == "range_test" else IMAGE_BUDGET / num_images
    return settings.epochs or max(1, round(enough)), steps


def start_network(settings: Settings, floor_m: np.ndarray) -> keras.Model:
    """Returns a fresh network that answers the data's log-mean depth, or the one `--init_from` names."""
    if settings.init_from:
        return load_network(settings.init_from, size_px=(settings.image_height_px, settings.image_width_px))
    return build_network(
        settings.image_height_px,
        settings.image_width_px,
        width=settings.width,
        min_depth_m=settings.min_depth_m,
        max_depth_m=settings.max_depth_m,
        initial_depth_m=log_mean_depth_m(floor_m),
        normalization=settings.normalization,
    )


def compile_network(network: keras.Model, settings: Settings, *, total_steps: int) -> None:
    """Gives the network its optimizer, loss and metrics."""
    rate = schedules.learning_rate(settings.schedule, peak_learning_rate(settings), steps=total_steps)
    network.compile(
        optimizer=optimizers.build_optimizer(
            settings.optimizer, rate, weight_decay=settings.weight_decay, ema=settings.ema
        ),
        loss=DepthLoss(settings.loss, settings.gradient_weight),
        weighted_metrics=network_grid_metrics(),
        jit_compile=distribute.compile_with_xla(),
    )
    network.optimizer.build(network.trainable_variables)  # else the first step, which would, is traced twice


def peak_learning_rate(settings: Settings) -> float:
    """Returns `--learning_rate`, or the optimizer's own default."""
    if settings.learning_rate is None:
        return optimizers.default_learning_rate(settings.optimizer)
    return settings.learning_rate


def announce(
    settings: Settings, dataset: DepthDataset, network: keras.Model, epochs: int, workdir: pathlib.Path
) -> None:
    """Says what is about to happen."""
    counts = ", ".join(f"{split.num_images} {name}" for name, split in dataset.splits.items())
    say(f"data: {dataset.name} ({dataset.source}): {counts} images")
    say(f"network: {network.count_params():,} parameters at {settings.image_height_px}x{settings.image_width_px} px")
    seen = epochs * dataset.split("train").num_images
    say(f"training: {settings.optimizer}, {settings.schedule}, {epochs} epochs, {seen:,} images seen -> {workdir}")


def fit(
    network: keras.Model,
    dataset: DepthDataset,
    grid: pipeline.Grid,
    settings: Settings,
    workdir: pathlib.Path,
    *,
    epochs: int,
    steps: int,
) -> None:
    """Calls `model.fit`, which leaves the best network and the history in `workdir`."""
    train_split, holdout = dataset.split("train"), dataset.splits.get("holdout")
    kept = train_split.num_images + (holdout.num_images if holdout else 0)
    cache = pipeline.choose_cache(settings.cache, kept, grid)
    with pipeline.cache_folder(workdir, cache) as cache_dir:
        batches = pipeline.training_batches(
            train_split,
            grid,
            batch_size=settings.global_batch_size,
            seed=settings.seed,
            epochs=epochs,
            strength=Augmentation(),
            cache=cache,
            cache_dir=cache_dir,
        )
        judged = holdout and pipeline.scoring_batches(
            holdout, grid, batch_size=settings.global_batch_size, cache=cache, cache_dir=cache_dir
        )
        chosen = callbacks.build_callbacks(
            settings,
            workdir,
            peak_learning_rate=peak_learning_rate(settings),
            epochs=epochs,
            steps=steps,
            has_holdout=holdout is not None,
            panel_pairs=panels.panel_pairs(holdout or train_split, grid) if settings.panels else [],
        )
        with callbacks.closing_files(chosen):
            network.fit(
                batches,
                epochs=epochs,
                steps_per_epoch=steps,
                validation_data=judged,
                shuffle=False,  # the pipeline has its own order
                verbose=0,
                callbacks=chosen,
            )


if __name__ == "__main__":
    program.run(main, Settings)
