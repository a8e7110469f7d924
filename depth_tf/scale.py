"""Measures what a larger data set costs: python -m depth_tf.scale --data_dir=DIR.

The same records are read over and over, as one pass of a data set two, four and ten times as long, decoded and
augmented without a cache. Each length has a process of its own, whose peak of memory the system keeps. Time should
grow in proportion, memory hardly at all: the shortest pass fills the shuffle buffer already.
"""

import dataclasses
import multiprocessing
import time

from depth_tf import pipeline
from depth_tf.augmentation import Augmentation
from depth_tf.data.opening import open_dataset
from depth_tf.runtime import machine, memory, program, storage
from depth_tf.runtime.program import option, say

MULTIPLES = (1, 2, 4, 10)
BATCH_SIZE = 16


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to read; each field is the flag of its name."""

    dataset: str = option("nyu_depth_v2", "data set", choices=("nyu_depth_v2", "synthetic_rooms"))
    data_dir: str | None = option(None, "folder TFDS keeps data sets in; unset: TFDS's own")
    images: int = option(pipeline.SHUFFLE_BUFFER_IMAGES, "images of the shortest pass")
    output: str | None = option(None, "result file, JSON; unset: none")


def main(settings: Settings) -> None:
    """Prints a line a length, and writes them all to --output."""
    processes = multiprocessing.get_context("spawn")
    rows = []
    for multiple in MULTIPLES:
        with processes.Pool(1) as pool:
            row = pool.apply(one_pass, (settings.dataset, settings.data_dir, multiple * settings.images))
        rows.append({"multiple": multiple, **row})
        say(f"{row['images']:7,} images: {row['seconds']:7.1f} s, peak of memory {row['peak_memory_gib']:.2f} GiB")
    if settings.output:
        result = {"rows": rows, "dataset": settings.dataset, "machine": machine.describe_machine()}
        result |= {"date": machine.today(), "command": program.without_paths(program.command_line("depth_tf.scale"))}
        storage.write_json(settings.output, result)


def one_pass(dataset: str, data_dir: str | None, images: int) -> dict:
    """Reads one pass of `images` images, and returns their number, the seconds, and the process's peak of memory."""
    memory.keep_freed_memory()
    split = open_dataset(dataset, data_dir).split("train")
    longer = dataclasses.replace(split, num_images=images, read=lambda: split.read().repeat().take(images))
    batches = pipeline.training_batches(
        longer,
        (192, 256),
        batch_size=BATCH_SIZE,
        seed=0,
        steps=pipeline.steps_per_epoch(images, BATCH_SIZE),
        strength=Augmentation(),
        how=pipeline.Input("none"),
    )
    started_s = time.perf_counter()
    for _ in batches:
        pass
    seconds = time.perf_counter() - started_s
    return {"images": images, "seconds": round(seconds, 2), "peak_memory_gib": round(memory.peak_gib(), 3)}


if __name__ == "__main__":
    program.run(main, Settings)
