"""Scores depth maps on a split, from a run's network or from files that any method may have written.

    python -m depth_tf.evaluate --workdir=RUN --split=validation
    python -m depth_tf.evaluate --data_dir=DIR --split=validation --export_images=IMAGES
    python -m depth_tf.evaluate --predictions=DEPTHS --data_dir=DIR --split=validation --output=metrics.json

Files are 00000.npy and so on, float32 metres [H, W] of the full frame, numbered by the record's place in the split.
"""

import dataclasses
import json
import pathlib

import numpy as np

from depth_tf import figures, machine, pipeline, program, protocols, run_folder, scoring, storage
from depth_tf.dataset import CHOICES, naming_bad_records, open_dataset, options_of
from depth_tf.errors import InputError
from depth_tf.floor import mean_depth_map
from depth_tf.model import load_network
from depth_tf.predictions import check_predictions, export_images, read_predictions
from depth_tf.program import option, say
from depth_tf.splits import DepthDataset, Split
from depth_tf.synthetic_rooms.builder import SIZES

FLOOR = "mean_depth.npy"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to score, and how; each field is the flag of its name."""

    workdir: str | None = option(None, "score the network of this run", group="what")
    predictions: str | None = option(None, "score the depth maps in this folder", group="what")
    export_images: str | None = option(None, "write the split's images to this folder instead", group="what")
    prediction_kind: str = option("depth_m", "what the files hold", group="what", choices=protocols.PREDICTION_KINDS)
    dataset: str | None = option(None, "data set; unset: the run's", group="data", choices=CHOICES)
    data_dir: str | None = option(
        None, "folder TFDS keeps data sets in, or that holds train/; unset: the run's, or TFDS's", group="data"
    )
    split: str = option("validation", "split to score on", group="data", choices=("holdout", "validation", "test"))
    validation_fraction: float | None = option(None, "share held out; unset: the run's, or 0.1", group="data")
    rooms: str | None = option(None, "size of synthetic_rooms; unset: the run's", group="data", choices=SIZES)
    depth_scale: float | None = option(
        None, "metres a unit of a folder's depth PNGs; unset: the run's, or 0.001", group="data"
    )
    skip_incomplete: bool | None = option(
        None, "leave out a folder's images without depth, and reverse; unset: as the run", group="data"
    )
    protocol: str = option("eigen", "protocol of the figures", group="output", choices=tuple(protocols.PROTOCOLS))
    output: str | None = option(
        None, "result file, JSON; unset: <split>_<protocol>.json in --workdir, or metrics.json", group="output"
    )


def main(settings: Settings) -> None:
    """Scores, or exports the images to be scored."""
    if [settings.workdir, settings.predictions, settings.export_images].count(None) != 2:
        raise InputError("expected exactly one of --workdir, --predictions and --export_images")
    if settings.workdir:
        return _evaluate_run(settings)
    options = options_of(dataclasses.asdict(settings))
    dataset = open_dataset(settings.dataset or "auto", settings.data_dir, **options)
    split = dataset.split(settings.split)
    with naming_bad_records(dataset):
        if settings.export_images:
            return export_images(split, settings.export_images)
        return _evaluate_files(settings, dataset, split)


def score_run(
    workdir: pathlib.Path,
    dataset: DepthDataset,
    *,
    command: str,
    split: str | None = None,
    protocol: str = "eigen",
    output: pathlib.Path | None = None,
) -> dict:
    """Scores the network of a run, prints the table, and writes the result beside it.

    Args:
      workdir: the run's folder.
      dataset: the open data set.
      command: what the user typed, for the record.
      split: the split's name; None takes `validation`, or `holdout` or `train` where there is none.
      protocol: a key of `PROTOCOLS`.
      output: result file; None is metrics.json, with per_image.csv and panels.png beside it.

    Returns:
      What the result file holds.
    """
    config = run_folder.read_config(workdir)
    grid = grid_of(config)
    name = split or next(name for name in ("validation", "holdout", "train") if name in dataset.splits)
    scored = dataset.split(name)
    network = load_network(workdir / run_folder.BEST_NETWORK, size_px=(grid.height_px, grid.width_px))
    scores = scoring.score(
        scoring.network_examples(network, scored, grid),
        protocol,
        num_images=scored.num_images,
        floor_m=load_floor(workdir),
    )
    result = {
        **scores.result,
        **describe(dataset, name, command=command, parameters=network.count_params()),
        **trained_on(workdir),
    }
    write_result(output or workdir / run_folder.METRICS, result, scores, title=f"{dataset.name} {name}, {protocol}")
    return result


def describe(dataset: DepthDataset, split: str, *, command: str, parameters: int | None) -> dict:
    """Returns where a result comes from."""
    return {
        "dataset": dataset.name,
        "source": dataset.source,
        "split": split,
        "parameters": parameters,
        "machine": machine.describe_machine(),
        "date": machine.today(),
        "command": command,
    }


def write_result(path: pathlib.Path, result: dict, scores: scoring.Scores, *, title: str) -> None:
    """Writes the result, a row an image and the pictures; prints the table.

    metrics.json gets per_image.csv and panels.png beside it; any other name.json gets name_per_image.csv and so on.
    """
    stem = "" if path.name == run_folder.METRICS else path.stem + "_"
    storage.write_csv(path.with_name(f"{stem}per_image.csv"), scores.per_image)
    figures.depth_panels(path.with_name(f"{stem}panels.png"), scores.panels, title=title)
    storage.write_json(path, result)  # last: its presence says that the run is finished
    say(scoring.table(result))
    say(f"wrote {path}")


def grid_of(config: dict) -> pipeline.Grid:
    """Returns the grid a run's network works on."""
    return pipeline.Grid(
        config["image_height_px"], config["image_width_px"], config["min_depth_m"], config["max_depth_m"]
    )


def trained_on(workdir: pathlib.Path) -> dict:
    """Returns the data set a run learned from, and on how many of its images."""
    data = json.loads((workdir / run_folder.ENVIRONMENT).read_text())["data"]
    return {"trained_on": data["dataset"], "num_train_images": data["num_images"]["train"]}


def load_floor(workdir: pathlib.Path) -> np.ndarray:
    """Returns the mean depth map that a run stored, [h, w] float32, metres."""
    path = workdir / FLOOR
    if not path.is_file():
        raise InputError(f"{workdir} has no {FLOOR}: the run did not get as far as training; train again")
    return np.load(path, allow_pickle=False)


def _evaluate_run(settings: Settings) -> None:
    workdir = pathlib.Path(settings.workdir)
    config = run_folder.read_config(workdir)
    options = options_of(dataclasses.asdict(settings), config) | {"max_train_images": 0}
    name = settings.dataset or config["dataset"]
    data_dir = settings.data_dir or (config["data_dir"] if name == config["dataset"] else None)
    dataset = open_dataset(name, data_dir, **options)
    output = settings.output or workdir / f"{settings.split}_{settings.protocol}.json"
    with naming_bad_records(dataset):
        score_run(
            workdir,
            dataset,
            command=program.command_line("depth_tf.evaluate"),
            split=settings.split,
            protocol=settings.protocol,
            output=pathlib.Path(output),
        )


def _evaluate_files(settings: Settings, dataset: DepthDataset, split: Split) -> None:
    paths = check_predictions(settings.predictions, split.num_images)
    grid = pipeline.Grid()
    scores = scoring.score(
        (scoring.Example(*example) for example in read_predictions(split, paths)),
        settings.protocol,
        num_images=split.num_images,
        floor_m=mean_depth_map(dataset.split("train"), grid),
        prediction_kind=settings.prediction_kind,
    )
    command = program.command_line("depth_tf.evaluate")
    result = {
        **scores.result,
        **describe(dataset, split.name, command=command, parameters=None),
        "num_train_images": None,
    }
    output = pathlib.Path(settings.output or "metrics.json")
    write_result(output, result, scores, title=f"{dataset.name} {split.name}, {settings.protocol}")


if __name__ == "__main__":
    program.run(main, Settings)
