"""Shows what a data set holds, or writes a part of it as photographs with depth maps.

python -m depth_tf.dataset --data_dir=DIR --output=sheet.png
python -m depth_tf.dataset --data_dir=DIR --num_images=200 --export_folder=FOLDER
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
import typing

import numpy as np
from etils import epy

from depth_tf.data.settings import DataSettings
from depth_tf.data.valid import valid_pixels
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import tensorflow as tf
    from PIL import Image

    from depth_tf.data import folder, opening, resizing, splits
    from depth_tf.drawing import figures

SURVEYED_IMAGES = 256  # of each split: enough for a median, and a second or two to read
PIXELS_PER_SIDE = 64  # of each image, evenly spread, or all where there are fewer
SHOWN_PX = 400  # longer side of an example on the sheet: twice what it takes there
NUM_BINS = 40
SCALE_PERCENTILE = 99.9  # of depth ends the scale, rounded up to a metre, so that a few outliers do not bleach the rest
SCENES_NAMED = 8
CAPTION_LETTERS = 24  # what fits under an example
NOTE_LETTERS = 40


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to show or write; each field is the flag of its name."""

    split: str = option("train", "split to show", group="data", choices=("train", "holdout", "validation", "test"))
    num_images: int = option(24, "images to show or write", group="output", least=1)
    output: str | None = option(None, "sheet of examples, PNG; unset: counts alone", group="output")
    export_folder: str | None = option(None, "write images and depth maps to this folder instead", group="output")


class Survey(typing.NamedTuple):
    """What the depth of a split's first images is like."""

    depths_m: np.ndarray  # [N] float32, metres, of the pixels that have a depth
    median_m: float  # NaN where no pixel has one
    missing: float  # share of pixels that have none


def main(settings: Settings) -> None:
    """Shows a data set, or writes it as a folder."""
    dataset = opening.open_chosen(settings)
    split = dataset.split(settings.split)
    with opening.naming_bad_records(dataset):
        if settings.export_folder:
            folder.export_folder(split, settings.export_folder, settings.num_images)
            return
        surveys = {name: survey(part) for name, part in dataset.splits.items()}
        source = f"{dataset.name}, source: {dataset.source}"
        say("\n".join([source, *count_lines(dataset, surveys), *scene_lines(split)]))
        if settings.output:
            draw_sheet(settings.output, dataset, split, surveys, settings.num_images)
            say(f"wrote {settings.output}")


def survey(split: splits.Split) -> Survey:
    """Looks at the first `SURVEYED_IMAGES` of a split, whose order is random."""
    pixels = []
    for _, depth_m in splits.as_numpy(split.read().take(SURVEYED_IMAGES).prefetch(tf.data.AUTOTUNE)):
        step = max(1, min(depth_m.shape[:2]) // PIXELS_PER_SIDE)
        pixels.append(depth_m[step // 2 :: step, step // 2 :: step].ravel())
    depths_m = np.concatenate(pixels)
    valid = valid_pixels(depths_m)
    median_m = float(np.median(depths_m[valid])) if valid.any() else math.nan
    return Survey(depths_m[valid], median_m, 1.0 - float(valid.mean()))


def count_lines(dataset: splits.DepthDataset, surveys: dict[str, Survey]) -> list[str]:
    """Returns a table of the splits for a terminal."""
    lines = [f"{'split':<12}{'scenes':>9}{'images':>9}{'median depth':>15}{'missing':>10}"]
    for name, split in dataset.splits.items():
        median_m, missing = surveys[name].median_m, 100 * surveys[name].missing
        lines.append(f"{name:<12}{_num_scenes(split):>9}{split.num_images:>9,}{median_m:>13.2f} m{missing:>8.1f} %")
    return [*lines, *_sampled(dataset)]


def scene_lines(split: splits.Split) -> list[str]:
    """Returns the scenes with most images, one line each, under a heading."""
    if not split.scene_of_image:
        return [f"scenes of {split.name}: unknown"]
    counts = collections.Counter(sorted(split.scene_of_image))
    lines = [f"{scene}: {count:,}" for scene, count in counts.most_common(SCENES_NAMED)]
    more = len(counts) - SCENES_NAMED
    return [f"scenes of {split.name}, by images:", *lines] + [f"and {more:,} more"] * (more > 0)


def draw_sheet(path: str, dataset: splits.DepthDataset, split: splits.Split, surveys: dict, num_images: int) -> None:
    """Draws at most `num_images` examples of a split, its histogram of depth, the counts and the scenes."""
    depths_m = surveys[split.name].depths_m
    if not depths_m.size:
        raise InputError(f"no pixel of {min(SURVEYED_IMAGES, split.num_images)} {split.name} images has a depth")
    notes = [f"source: {dataset.source}"]
    for name, part in dataset.splits.items():
        median_m, missing = surveys[name].median_m, 100 * surveys[name].missing
        notes.append(f"{name}: {part.num_images:,} images, scenes: {_num_scenes(part)}")
        notes.append(f"    median depth {median_m:.2f} m, {missing:.1f} % of pixels missing")
    notes += [*_sampled(dataset), "", *(_tail(line, NOTE_LETTERS) for line in scene_lines(split))]
    edges_m = np.linspace(0.0, np.ceil(np.percentile(depths_m, SCALE_PERCENTILE)), NUM_BINS + 1)
    examples, pairs = [], splits.as_numpy(split.read().take(num_images))
    for (image, depth_m), scene in zip(pairs, split.scene_of_image or itertools.repeat(""), strict=False):
        small = Image.fromarray(image)
        small.thumbnail((SHOWN_PX, SHOWN_PX), Image.Resampling.BOX)
        small_m = resizing.resize_nearest(depth_m[..., 0], small.size[::-1])
        examples.append(figures.Example(np.asarray(small), small_m, _tail(scene, CAPTION_LETTERS)))
    # Stable, so nothing moves where all are alike; a tall one in front would make all cells tall.
    examples.sort(key=lambda example: example.image.shape[0] / example.image.shape[1])
    counts, edges_m = np.histogram(depths_m, edges_m)
    title = f"{dataset.name}, {split.name}"
    figures.contact_sheet(path, examples, bin_edges_m=edges_m, bin_counts=counts, title=title, notes=notes)


def _num_scenes(split: splits.Split) -> str:
    return f"{len(set(split.scene_of_image)):,}" if split.scene_of_image else "unknown"


def _sampled(dataset: splits.DepthDataset) -> list[str]:
    """Returns a line that says so, if depths were not taken from all images."""
    sampled = any(split.num_images > SURVEYED_IMAGES for split in dataset.splits.values())
    return [f"(depths of the first {SURVEYED_IMAGES} images of each split)"] * sampled


def _tail(text: str, letters: int) -> str:
    """Returns the end of a long text, which tells more of a folder in folders than its beginning."""
    return text if len(text) <= letters else "..." + text[3 - letters :]


if __name__ == "__main__":
    program.run(main, Settings)
