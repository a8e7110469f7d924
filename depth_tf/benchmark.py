"""Measures how fast images reach the network: python -m depth_tf.benchmark pipeline --data_dir=DIR.

Machines are noisy, so what counts is the ratio of two speeds measured in turn in one run, each the best of several
rounds, because other work on the machine can only slow a round down.
"""

import collections
import dataclasses
import itertools
import time
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from depth_tf import pipeline
from depth_tf.augmentation import Augmentation
from depth_tf.data.opening import open_dataset, resolve_data_dir
from depth_tf.data.settings import NYU_VERSION as VERSION
from depth_tf.data.splits import Split
from depth_tf.losses import depth_loss
from depth_tf.model import build_small
from depth_tf.runtime import machine, memory, program, storage
from depth_tf.runtime.program import option, say

BARS = {  # what the project asks of itself, as ratios
    "first epoch / plain TFDS decoding": 0.85,
    "cached epoch / plain TFDS decoding": 3.5,
    "fit on the cached pipeline / fit on tensors": 0.93,
}
IN_ANY_ORDER = "first epoch in any order / first epoch"  # what --deterministic=false gains
BATCH_SIZE = 16


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to measure, on what."""

    what: str = option("pipeline", "what to measure", choices=("pipeline",))
    dataset: str = option("nyu_depth_v2", "data set", choices=("nyu_depth_v2",))
    data_dir: str | None = option(None, "folder TFDS keeps data sets in; unset: TFDS's own")
    num_images: int = option(0, "images read a round; 0: all of train")
    rounds: int = option(6, "rounds; the best counts")
    output: str | None = option(None, "result file, JSON; unset: none")


def main(settings: Settings) -> None:
    """Prints speeds and ratios, and writes them to --output."""
    memory.keep_freed_memory()  # as training does
    result = measure_pipeline(settings)
    for name, speed in result["images_per_s"].items():
        say(f"{speed:8.1f} images/s  {name}")
    for name, ratio in result["ratios"].items():
        say(f"{ratio:8.2f} x         {name}" + (f" (at least {BARS[name]:g})" if name in BARS else ""))
    if settings.output:
        storage.write_json(settings.output, result)


def measure_pipeline(settings: Settings) -> dict:
    """Returns speeds in images/s, and their ratios, at 192x256 with TFDS's auto-cache off."""
    dataset = open_dataset(
        settings.dataset, settings.data_dir, validation_fraction=0.0, max_train_images=settings.num_images
    )
    split = dataset.split("train")  # with nothing held out: the very records that TFDS decodes
    folder = resolve_data_dir(settings.data_dir) / settings.dataset / VERSION
    size_px = (192, 256)
    speeds: dict[str, list[float]] = collections.defaultdict(list)
    for _ in range(settings.rounds):
        speeds["plain TFDS decoding"].append(split.num_images / _seconds(_plain(folder, split.num_images)))
        first_s, cached_s = _epochs_s(split, size_px)
        speeds["first epoch"].append(split.num_images / first_s)
        speeds["first epoch in any order"].append(split.num_images / _epochs_s(split, size_px, in_order=False)[0])
        speeds["cached epoch"].append(split.num_images / cached_s)
    on_pipeline, on_tensors = _fit_speeds(split, size_px, settings.rounds)
    speeds |= {"fit on the cached pipeline": on_pipeline, "fit on tensors": on_tensors}
    best = {name: max(values) for name, values in speeds.items()}
    ratios = {name: best[over] / best[under] for name in (*BARS, IN_ANY_ORDER) for over, under in [name.split(" / ")]}
    return {
        "images_per_s": best,
        "ratios": ratios,
        "wanted": BARS,
        "num_images": split.num_images,
        "dataset": settings.dataset,
        "machine": machine.describe_machine(),
        "date": machine.today(),
        "command": program.without_paths(program.command_line("depth_tf.benchmark")),
    }


def _plain(folder, num_images: int) -> tf.data.Dataset:
    read_config = tfds.ReadConfig(try_autocache=False)
    return tfds.builder_from_directory(folder).as_dataset(split=f"train[:{num_images}]", read_config=read_config)


def _epochs_s(
    split: Split, size_px: tuple[int, int], cached_epochs: int = 3, *, in_order: bool = True
) -> tuple[float, float]:
    """Returns the seconds of an epoch that decodes, and of one that reads from memory; both augment."""
    steps = pipeline.steps_per_epoch(split.num_images, BATCH_SIZE)
    batches = iter(
        pipeline.training_batches(
            split,
            size_px,
            batch_size=BATCH_SIZE,
            seed=0,
            steps=(1 + cached_epochs) * steps,
            strength=Augmentation(),
            how=pipeline.Input(deterministic=in_order),
        )
    )
    first_s = _seconds(itertools.islice(batches, steps))
    return first_s, _seconds(batches) / cached_epochs


def _fit_speeds(split: Split, size_px: tuple[int, int], rounds: int) -> tuple[list[float], list[float]]:
    """Returns images/s of `fit` on the cached, augmented pipeline and on arrays, measured in turn."""
    network = build_small(*size_px)
    network.compile("adam", depth_loss(), jit_compile=False)
    images, depths_m = (
        np.stack(part) for part in zip(*pipeline.resized(split, size_px).as_numpy_iterator(), strict=True)
    )
    images, weights = images.astype(np.float32), np.ones(len(images), np.float32)
    steps = pipeline.steps_per_epoch(split.num_images, BATCH_SIZE)
    batches = pipeline.training_batches(
        split, size_px, batch_size=BATCH_SIZE, seed=0, steps=10**6, strength=Augmentation()
    )

    def fit_pipeline(clock):
        # One data set for all rounds, which share its cache, as in a long run: only the first epoch decodes.
        network.fit(batches, epochs=2, steps_per_epoch=steps, verbose=0, shuffle=False, callbacks=[clock])

    def fit_tensors(clock):
        network.fit(
            images, depths_m, sample_weight=weights, batch_size=BATCH_SIZE, epochs=2, verbose=0, callbacks=[clock]
        )

    speeds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for fit, found in zip((fit_pipeline, fit_tensors), speeds, strict=True):
            clock = _LastEpoch()
            fit(clock)
            found.append(split.num_images / clock.seconds)
    return speeds


class _LastEpoch(keras.callbacks.Callback):
    """Times the last epoch: the first one builds the graph and fills the cache."""

    def on_epoch_begin(self, epoch, logs=None):
        self._started_s = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self._started_s


def _seconds(elements: Iterable) -> float:
    started_s = time.perf_counter()
    collections.deque(elements, maxlen=0)  # keeps none: a list of them all would also measure the taking of memory
    return time.perf_counter() - started_s


if __name__ == "__main__":
    program.run(main, Settings, positional="what")
