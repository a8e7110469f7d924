"""Draws image, truth, this model's prediction, a network's prediction and both errors, in metres.

python -m sklearn_baseline.panels --model_file=MODEL --network_run=RUN --split=test --output=panels.png
"""

import dataclasses
import itertools
import pathlib

import numpy as np
from etils import epy

from depth_tf.runtime import program
from depth_tf.runtime.program import option, say
from sklearn_baseline.dataset import DataSettings
from sklearn_baseline.predict import model_examples

with epy.lazy_imports():
    from depth_tf.data import opening
    from depth_tf.drawing import figures
    from depth_tf.scoring import score, score_run
    from sklearn_baseline import persistence


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to draw; each field is the flag of its name."""

    model_file: str | None = option(None, "model that sklearn_baseline.train wrote", group="what", required=True)
    network_run: str | None = option(None, "folder of a run of depth_tf.train", group="what", required=True)
    num_images: int = option(4, "images, spread over the split", group="what", least=1)
    split: str = option("validation", "split", group="what", choices=("holdout", "validation", "test"))
    output: str = option("panels.png", "figure, PNG", group="output")


def main(settings: Settings) -> None:
    """Predicts the split twice and draws a few images."""
    model = persistence.load_model(settings.model_file)
    opened = opening.open_chosen(settings)
    split = opened.split(settings.split)
    network = score_run.load_best(pathlib.Path(settings.network_run))
    shown = set(np.linspace(0, split.num_images - 1, settings.num_images).round().astype(int).tolist())
    with opening.naming_bad_records(opened):
        both = zip(model_examples(model, split), score.network_examples(network, split), strict=True)
        chosen = itertools.compress(both, (place in shown for place in range(split.num_images)))
        rows = [figures.Panels(mine.image, mine.true_m, (mine.pred, its.pred)) for mine, its in chosen]
    title, methods = f"{opened.name} {split.name}", ("scikit-learn", "network")
    figures.depth_panels(settings.output, rows, title=title, methods=methods)
    say(f"wrote {settings.output}")


if __name__ == "__main__":
    program.run(main, Settings)
