"""Scores a KerasHub depth network with depth_tf's evaluator: the same images, pixels and result file.

    python -m sota_guide.evaluate --preset=depth_anything_v2_small --data_dir=DIR
    python -m sota_guide.evaluate --preset=runs/metric/preset --data_dir=DIR --max_images=20

A relative network is scored under *aligned*, where scale and shift are fitted to the truth of every image, a metric
one under the data set's protocol. Copy the result file to sota_guide/results/ and run `python -m sota_guide.tables`.
"""

from __future__ import annotations

import dataclasses
import pathlib

from etils import epy

from depth_tf.data.settings import DataSettings
from depth_tf.runtime import program
from depth_tf.runtime.program import option
from depth_tf.scoring.protocols import PROTOCOLS
from sota_guide import presets

with epy.lazy_imports():
    from depth_tf.data import opening, splits
    from depth_tf.scoring import score as scoring

PROTOCOL_OF_KIND = {"inverse_depth": "aligned", "depth_m": None}  # None: the data set's
BATCH_SIZE = 4  # at 518x518 the small network's activations of one image take about 0.4 GB


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to score, and how; each field is the flag of its name."""

    preset: str = option(presets.NAMES[0], "KerasHub's name of a network, or the folder of a preset", group="what")
    size_px: int | None = option(
        None, "side of the square the network sees, divisible by 14; unset: the preset's own, 518", group="what"
    )
    split: str = option("validation", "split to score on", group="what", choices=("holdout", "validation", "test"))
    max_images: int = option(0, "score the first this many images; 0: all", group="what", least=0)
    protocol: str | None = option(
        None, "protocol; unset: aligned for a relative network, else by data set", choices=tuple(PROTOCOLS)
    )
    output: str = option("metrics.json", "result file, JSON; per_image.csv and panels.png come beside it")


def main(settings: Settings) -> None:
    """Opens the data and the network, scores, writes and prints the table."""
    dataset = opening.open_chosen(settings)
    model = presets.load(settings.preset, size_px=settings.size_px)
    asked = {name: getattr(settings, name) for name in ("split", "max_images", "protocol")}
    with opening.naming_bad_records(dataset):
        command = program.command_line("sota_guide.evaluate")
        score(model, dataset, output=pathlib.Path(settings.output), command=command, **asked)


def score(
    model: presets.DepthModel,
    dataset: splits.DepthDataset,
    *,
    split: str | None,
    output: pathlib.Path,
    command: str,
    max_images: int = 0,
    protocol: str | None = None,
    trained_on: dict | None = None,
) -> None:
    """Scores a network on a split, writes the result file and what belongs to it, and prints the table.

    The mean map is that of the data set's `train`; `max_images` 0 is all; `protocol` None takes the one that fits the
    network's output; `trained_on` holds `trained_on` and `num_train_images`, where the network learned from this data
    set. The result file holds the keys of depth_tf.evaluate's, with `title` and `model`.
    """
    protocol = protocol or PROTOCOL_OF_KIND[model.prediction_kind]
    scored = splits.first_images(dataset.split(split), max_images) if max_images else dataset.split(split)
    about = {"title": f"{model.name}, {model.size_px}x{model.size_px}", "model": model.describe()}
    scoring.score_split(
        scoring.predicted_examples(scored, model.predict, batch_size=BATCH_SIZE),
        dataset,
        scored,
        protocol=protocol,
        prediction_kind=model.prediction_kind,
        output=output,
        command=program.without_paths(command),
        parameters=model.estimator.count_params(),
        about=about | (trained_on or {"num_train_images": None}),
    )


if __name__ == "__main__":
    program.run(main, Settings)
