"""Scores a KerasHub depth network with depth_tf's evaluator: the same images, pixels and result file.

    python -m sota_guide.evaluate --preset=depth_anything_v2_small --data_dir=DIR
    python -m sota_guide.evaluate --preset=runs/metric/preset --data_dir=DIR --max_images=20

A relative network is scored under *aligned*, where scale and shift are fitted to the truth of every image, a metric
one under *eigen*. Copy the result file to sota_guide/results/ and run `python -m sota_guide.tables` to show it.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator

from etils import epy

from depth_tf.data.settings import DataSettings
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option
from depth_tf.scoring.protocols import PROTOCOLS
from sota_guide import presets

with epy.lazy_imports():
    from depth_tf.data import opening, splits
    from depth_tf.scoring import mean_depth
    from depth_tf.scoring import result as result_file
    from depth_tf.scoring import score as scoring

PROTOCOL_OF_KIND = {"inverse_depth": "aligned", "depth_m": "eigen"}
BATCH_SIZE = 4  # at 518x518 the small network's activations of one image take about 0.4 GB


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to score, and how; each field is the flag of its name."""

    preset: str = option(presets.NAMES[0], "KerasHub's name of a network, or the folder of a preset", group="what")
    size_px: int | None = option(
        None, "side of the square the network sees, divisible by 14; unset: the preset's own, 518", group="what"
    )
    split: str = option("validation", "split to score on", group="what", choices=("holdout", "validation", "test"))
    max_images: int = option(0, "score the first this many images; 0: all", group="what")
    protocol: str | None = option(
        None, "protocol; unset: aligned for a relative network, eigen for metres", choices=tuple(PROTOCOLS)
    )
    output: str = option("metrics.json", "result file, JSON; per_image.csv and panels.png come beside it")

    def __post_init__(self):
        super().__post_init__()
        if self.max_images < 0:
            raise InputError(f"expected --max_images of 0 (all) or more, got {self.max_images}")


def main(settings: Settings) -> None:
    """Opens the data and the network, scores, writes and prints the table."""
    dataset = opening.open_chosen(settings)
    model = presets.load(settings.preset, size_px=settings.size_px)
    command, output = program.command_line("sota_guide.evaluate"), pathlib.Path(settings.output)
    asked = {name: getattr(settings, name) for name in ("split", "max_images", "protocol")}
    with opening.naming_bad_records(dataset):
        score(model, dataset, output=output, command=command, **asked)


def score(
    model: presets.DepthModel,
    dataset: splits.DepthDataset,
    *,
    split: str,
    output: pathlib.Path,
    command: str,
    max_images: int = 0,
    protocol: str | None = None,
    trained_on: dict | None = None,
) -> dict:
    """Scores a network on a split, writes the result file and what belongs to it, and prints the table.

    Args:
      model: the network.
      dataset: the open data set; the mean map is that of its `train`.
      split: the split's name.
      output: result file.
      command: what the user typed, for the record.
      max_images: score the first this many; 0 is all.
      protocol: a key of `PROTOCOLS`; None takes the one that fits the network's output.
      trained_on: `trained_on` and `num_train_images`, where the network learned from this data set.

    Returns:
      What the result file holds: the keys of depth_tf.evaluate's, with `title` and `model`.
    """
    protocol = protocol or PROTOCOL_OF_KIND[model.prediction_kind]
    scored = dataset.split(split)
    scored = splits.first_images(scored, max_images) if max_images else scored
    scores = scoring.score(
        examples(model, scored),
        protocol,
        num_images=scored.num_images,
        floor_m=mean_depth.mean_depth_map(dataset.split("train")),
        prediction_kind=model.prediction_kind,
    )
    parameters = model.estimator.count_params()
    result = {
        "title": f"{model.name}, {model.size_px}x{model.size_px}",
        **scores.result,
        **result_file.describe(dataset, split, command=program.without_paths(command), parameters=parameters),
        **(trained_on or {"num_train_images": None}),
        "model": model.describe(),
    }
    result_file.write_result(output, result, scores, title=f"{dataset.name} {split}, {protocol}")
    return result


def examples(model: presets.DepthModel, split: splits.Split) -> Iterator[scoring.Example]:
    """Yields the split's examples with the network's prediction, metres or inverse depth, at its own resolution."""
    images, truths_m = [], []
    for place, (image, depth_m) in enumerate(split.read().prefetch(2).as_numpy_iterator(), start=1):
        images.append(image)
        truths_m.append(depth_m[..., 0])
        if len(images) == BATCH_SIZE or place == split.num_images:
            yield from map(scoring.Example, images, truths_m, model.predict(images))
            images, truths_m = [], []


if __name__ == "__main__":
    program.run(main, Settings)
