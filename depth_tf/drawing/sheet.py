"""What a data set holds: counts by split and scene, how deep its images are, and a sheet of examples."""

import dataclasses
import itertools
import os
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from PIL import Image

from depth_tf.data import resizing
from depth_tf.data.splits import DepthDataset, Split, count_scenes
from depth_tf.data.valid import valid_pixels
from depth_tf.drawing import figures
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say

SURVEYED_IMAGES = 256  # of each split: enough for a median, and a second or two to read
PIXELS_PER_SIDE = 64  # of each image, evenly spread, or all where there are fewer
SHOWN_PX = 400  # longer side of an example on the sheet: twice what it takes there
NUM_BINS = 40
SCALE_PERCENTILE = 99.9  # of depth ends the scale, rounded up to a metre, so that a few outliers do not bleach the rest
SCENES_NAMED = 8
CAPTION_LETTERS = 24  # what fits under an example
NOTE_LETTERS = 40


@dataclasses.dataclass(frozen=True)
class Survey:
    """What the depth of a split's first images is like."""

    num_images: int  # images looked at
    depths_m: np.ndarray  # [N] float32, metres, of the pixels that have a depth
    missing: float  # share of pixels that have none

    @property
    def median_m(self) -> float:
        """The median depth, metres; NaN where no pixel has one."""
        return float(np.median(self.depths_m)) if self.depths_m.size else float("nan")


def describe_dataset(dataset: DepthDataset, shown: Split, *, num_images: int, output: str | None) -> None:
    """Prints the counts, and draws the sheet.

    Args:
      dataset: the open data set.
      shown: the split of it that examples and histogram are taken from.
      num_images: examples on the sheet.
      output: the PNG file, or None to draw none.
    """
    surveys = {name: survey(part) for name, part in dataset.splits.items()}
    say("\n".join([f"{dataset.name}, source: {dataset.source}", *count_lines(dataset, surveys), *scene_lines(shown)]))
    if output:
        draw_sheet(output, dataset, shown, surveys, num_images)
        say(f"wrote {output}")


def survey(split: Split) -> Survey:
    """Looks at the first `SURVEYED_IMAGES` of a split, whose order is random."""
    pixels = []
    for _, depth_m in split.read().take(SURVEYED_IMAGES).prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
        step = max(1, min(depth_m.shape[:2]) // PIXELS_PER_SIDE)
        pixels.append(depth_m[step // 2 :: step, step // 2 :: step].ravel())
    depths_m = np.concatenate(pixels)
    valid = valid_pixels(depths_m)
    return Survey(len(pixels), depths_m[valid], 1.0 - float(valid.mean()))


def count_lines(dataset: DepthDataset, surveys: dict[str, Survey]) -> list[str]:
    """Returns a table of the splits for a terminal."""
    lines = [f"{'split':<12}{'scenes':>9}{'images':>9}{'median depth':>15}{'missing':>10}"]
    for name, split in dataset.splits.items():
        scenes = f"{len(set(split.scene_of_image)):,}" if split.scene_of_image else "unknown"
        looked_at = surveys[name]
        lines.append(
            f"{name:<12}{scenes:>9}{split.num_images:>9,}{looked_at.median_m:>13.2f} m{100 * looked_at.missing:>8.1f} %"
        )
    return [*lines, *_sampled(dataset)]


def scene_lines(split: Split) -> list[str]:
    """Returns the scenes with most images, one line each, under a heading."""
    if not split.scene_of_image:
        return [f"scenes of {split.name}: unknown"]
    counts = sorted(count_scenes(split.scene_of_image).items(), key=lambda item: (-item[1], item[0]))
    lines = [f"{scene}: {count:,}" for scene, count in counts[:SCENES_NAMED]]
    more = len(counts) - SCENES_NAMED
    return [f"scenes of {split.name}, by images:", *lines] + [f"and {more:,} more"] * (more > 0)


def draw_sheet(
    path: str | os.PathLike, dataset: DepthDataset, split: Split, surveys: dict[str, Survey], num_images: int
) -> None:
    """Draws examples, the histogram of depth, the counts and the scenes.

    Args:
      path: the PNG file.
      dataset: the open data set.
      split: which of its splits to show.
      surveys: of each split, by name.
      num_images: how many examples, at most.
    """
    depths_m = surveys[split.name].depths_m
    if not depths_m.size:
        raise InputError(f"no pixel of {surveys[split.name].num_images} {split.name} images has a depth")
    limit_m = float(np.ceil(np.percentile(depths_m, SCALE_PERCENTILE)))
    edges_m = np.linspace(0.0, limit_m, NUM_BINS + 1)
    counts, _ = np.histogram(depths_m, edges_m)
    figures.contact_sheet(
        path,
        # Stable, so nothing moves where all are alike; a tall one in front would make all cells tall.
        sorted(itertools.islice(_examples(split), num_images), key=_height_by_width),
        bin_edges_m=edges_m,
        bin_counts=counts,
        title=f"{dataset.name}, {split.name}",
        notes=_notes(dataset, split, surveys),
    )


def _notes(dataset: DepthDataset, split: Split, surveys: dict[str, Survey]) -> list[str]:
    notes = [f"source: {dataset.source}"]
    for name, part in dataset.splits.items():
        scenes = f", scenes: {len(set(part.scene_of_image)):,}" if part.scene_of_image else ""
        notes += [
            f"{name}: {part.num_images:,} images{scenes}",
            f"    median depth {surveys[name].median_m:.2f} m, {100 * surveys[name].missing:.1f} % of pixels missing",
        ]
    return [*notes, *_sampled(dataset), "", *(_tail(line, NOTE_LETTERS) for line in scene_lines(split))]


def _sampled(dataset: DepthDataset) -> list[str]:
    """Returns a line that says so, if depths were not taken from all images."""
    if all(split.num_images <= SURVEYED_IMAGES for split in dataset.splits.values()):
        return []
    return [f"(depths of the first {SURVEYED_IMAGES} images of each split)"]


def _tail(text: str, letters: int) -> str:
    """Returns the end of a long text, which tells more of a folder in folders than its beginning."""
    return text if len(text) <= letters else "..." + text[3 - letters :]


def _height_by_width(example: figures.Example) -> float:
    return example.image.shape[0] / example.image.shape[1]


def _examples(split: Split) -> Iterator[figures.Example]:
    for place, (image, depth_m) in enumerate(split.read().as_numpy_iterator()):
        scale = min(1.0, SHOWN_PX / max(image.shape[:2]))
        shape = tuple(max(1, round(scale * size)) for size in image.shape[:2])
        small = np.asarray(Image.fromarray(image).resize(shape[::-1], Image.Resampling.BOX))
        caption = _tail(split.scene_of_image[place], CAPTION_LETTERS) if split.scene_of_image else ""
        yield figures.Example(small, resizing.resize_nearest(depth_m[..., 0], shape), caption)
