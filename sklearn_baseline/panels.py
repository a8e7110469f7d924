"""Draws image, truth, this model's answer, a network's answer and both errors, in metres.

python -m sklearn_baseline.panels --model_file=MODEL --network_run=RUN --split=test --output=panels.png
"""

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator

import numpy as np

from depth_tf import evaluate
from depth_tf.data.opening import naming_bad_records, open_dataset
from depth_tf.data.resizing import resize_bilinear
from depth_tf.data.splits import Split
from depth_tf.drawing import figures
from depth_tf.model import load_network
from depth_tf.runtime import program, run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from depth_tf.scoring import score as scoring
from depth_tf.synthetic_rooms.builder import SIZES
from sklearn_baseline import persistence, pictures
from sklearn_baseline.predict import predicted_examples

HEADINGS = ("image", "truth, m", "scikit-learn, m", "network, m", "error of scikit-learn, m", "error of the network, m")
ERROR_LIMIT_M = 2.0  # metres that take the last colour of an error


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to draw; each field is the flag of its name."""

    model_file: str | None = option(None, "model that sklearn_baseline.train wrote", group="what")
    network_run: str | None = option(None, "folder of a run of depth_tf.train", group="what")
    num_images: int = option(4, "images, spread over the split", group="what")
    dataset: str = option("auto", "data set", group="data", choices=CHOICES)
    data_dir: str | None = option(None, "folder TFDS keeps data sets in, or that holds train/", group="data")
    split: str = option("validation", "split", group="data", choices=("holdout", "validation", "test"))
    validation_fraction: float = option(0.0, "share of train that is held out, in whole scenes", group="data")
    rooms: str = option("default", "size of synthetic_rooms", group="data", choices=SIZES)
    depth_scale: float = option(0.001, "metres a unit of a folder's depth PNGs", group="data")
    skip_incomplete: bool = option(False, "leave out a folder's images without depth, and reverse", group="data")
    output: str = option("panels.png", "figure, PNG", group="output")

    def __post_init__(self):
        if not (self.model_file and self.network_run):
            raise InputError("expected --model_file of sklearn_baseline.train and --network_run of depth_tf.train")
        if self.num_images < 1:
            raise InputError(f"expected --num_images of 1 or more, got {self.num_images}")


def main(settings: Settings) -> None:
    """Answers the split twice and draws a few images."""
    model = persistence.load_model(settings.model_file)
    opened = open_dataset(settings.dataset, settings.data_dir, **options_of(dataclasses.asdict(settings)))
    split = opened.split(settings.split)
    with naming_bad_records(opened):
        both = zip(predicted_examples(model, split), network_answers(settings.network_run, split), strict=True)
        rows = draw_rows(both, np.linspace(0, split.num_images - 1, settings.num_images).round().astype(int).tolist())
    pictures.panels(settings.output, rows, HEADINGS, title=f"{opened.name} {settings.split}")
    say(f"wrote {settings.output}")


def network_answers(run: str, split: Split) -> Iterator[scoring.Example]:
    """Yields the split's examples with the answer of a run's network."""
    grid = evaluate.grid_of(run_folder.read_config(run))
    network = load_network(pathlib.Path(run) / run_folder.BEST_NETWORK, size_px=(grid.height_px, grid.width_px))
    return scoring.network_examples(network, split, grid)


def draw_rows(both: Iterable[tuple[scoring.Example, scoring.Example]], shown: list[int]) -> list[list]:
    """Returns the pictures of each row: of the examples, answered by scikit-learn and the network, those shown."""
    chosen = [pair for place, pair in enumerate(both) if place in shown]
    truths_m = [np.nan_to_num(mine.true_m.astype(np.float32)) for mine, _ in chosen]
    limit_m = float(np.ceil(max(np.percentile(true_m, 99.5) for true_m in truths_m)))
    rows = []
    for true_m, pair in zip(truths_m, chosen, strict=True):
        answers_m = [resize_bilinear(example.pred, true_m.shape) for example in pair]
        errors_m = [np.where(true_m > 0, np.abs(answer_m - true_m), np.nan) for answer_m in answers_m]
        depths = [pictures.Map(map_m, limit_m) for map_m in (true_m, *answers_m)]
        errors = [pictures.Map(map_m, ERROR_LIMIT_M, figures.ERROR_SHADES) for map_m in errors_m]
        rows.append([pair[0].image, *depths, *errors])
    return rows


if __name__ == "__main__":
    program.run(main, Settings)
