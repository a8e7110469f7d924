"""Scores depth maps on a split, from a run's network or from files that any method may have written.

    python -m depth_tf.evaluate --workdir=RUN --split=validation
    python -m depth_tf.evaluate --data_dir=DIR --split=validation --export_images=IMAGES
    python -m depth_tf.evaluate --predictions=DEPTHS --data_dir=DIR --split=validation --output=metrics.json

Files are 00000.npy and so on, float32 metres [H, W] of the full frame, numbered by the record's place in the split.
"""

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

from depth_tf import figures, machine, pipeline, program, protocols, run_folder, storage
from depth_tf.callbacks import BEST_NETWORK
from depth_tf.dataset import DATASETS, naming_bad_records, open_dataset
from depth_tf.errors import InputError
from depth_tf.floor import mean_depth_map
from depth_tf.metrics import METRICS
from depth_tf.model import load_network
from depth_tf.predictions import check_predictions, export_images, read_predictions
from depth_tf.program import option, say
from depth_tf.splits import DepthDataset, Split

FLOOR = "mean_depth.npy"
BATCH_SIZE = 16
NUM_PANELS = 6


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to score, and how; each field is the flag of its name."""

    workdir: str | None = option(None, "score the network of this run", group="what")
    predictions: str | None = option(None, "score the depth maps in this folder", group="what")
    export_images: str | None = option(None, "write the split's images to this folder instead", group="what")
    prediction_kind: str = option("depth_m", "what the files hold", group="what", choices=protocols.PREDICTION_KINDS)
    dataset: str | None = option(None, "data set; unset: the run's", group="data", choices=tuple(DATASETS))
    data_dir: str | None = option(None, "folder TFDS keeps data sets in; unset: the run's, or TFDS's", group="data")
    split: str = option("validation", "split to score on", group="data", choices=("holdout", "validation", "test"))
    validation_fraction: float | None = option(None, "share held out; unset: the run's, or 0.1", group="data")
    protocol: str = option("eigen", "protocol of the figures", group="output", choices=tuple(protocols.PROTOCOLS))
    output: str | None = option(
        None, "result file, JSON; unset: <split>_<protocol>.json in --workdir, or metrics.json", group="output"
    )


@dataclasses.dataclass(frozen=True)
class Example:
    """One image with the depth that is known and the depth that was answered.

    Attributes:
      image: [h, w, 3] uint8.
      true_m: [H, W] float32, metres, 0 or NaN where missing.
      pred: [h, w] float32, metres, or inverse depth.
    """

    image: np.ndarray
    true_m: np.ndarray
    pred: np.ndarray


def main(settings: Settings) -> None:
    """Scores, or exports the images to be scored."""
    if [settings.workdir, settings.predictions, settings.export_images].count(None) != 2:
        raise InputError("expected exactly one of --workdir, --predictions and --export_images")
    if settings.workdir:
        return _evaluate_run(settings)
    dataset = open_dataset(
        settings.dataset or "nyu_depth_v2", settings.data_dir, validation_fraction=settings.validation_fraction or 0.1
    )
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
    network = load_network(workdir / BEST_NETWORK, size_px=(grid.height_px, grid.width_px))
    scores = score(
        network_examples(network, scored, grid), protocol, num_images=scored.num_images, floor_m=load_floor(workdir)
    )
    result = {
        **scores.result,
        **describe(dataset, name, command=command, parameters=network.count_params()),
        "num_train_images": dataset.split("train").num_images,
    }
    write_result(output or workdir / run_folder.METRICS, result, scores, title=f"{dataset.name} {name}, {protocol}")
    return result


@dataclasses.dataclass
class Scores:
    """Figures of a split: over all images, and a row and some pictures of single ones."""

    result: dict
    per_image: list[dict]
    panels: list[figures.Panels]


def score(
    examples: Iterable[Example],
    protocol: str,
    *,
    num_images: int,
    floor_m: np.ndarray | None = None,
    prediction_kind: str = "depth_m",
) -> Scores:
    """Scores every example, and the floor on the same pixels.

    Args:
      examples: in the split's order.
      protocol: a key of `PROTOCOLS`.
      num_images: how many examples there will be.
      floor_m: [h, w] float32, the mean depth map in metres, or None to leave `floor` out.
      prediction_kind: a value of `PREDICTION_KINDS`.

    Raises:
      InputError: if no image has a valid pixel, or a prediction cannot be scored.
    """
    rules = protocols.PROTOCOLS[protocol]
    scorer, floor = protocols.Scorer(rules, prediction_kind), protocols.Scorer(rules)
    shown = set(np.linspace(0, num_images - 1, NUM_PANELS).round().astype(int).tolist())
    per_image, panels = [], []
    for place, example in enumerate(examples):
        figures_of_image = scorer.add(true_m=example.true_m, pred=example.pred)
        if floor_m is not None:
            floor.add(true_m=example.true_m, pred=floor_m)
        per_image.append({"index": place, **(figures_of_image or dict.fromkeys(METRICS))})
        if place in shown:
            caption = f"AbsRel {figures_of_image['abs_rel']:.3f}" if figures_of_image else "no valid depth"
            panels.append(figures.Panels(example.image, example.true_m, example.pred, caption))
    result = {**scorer.result(), "protocol": scorer.describe()}
    if floor_m is not None:
        result["floor"] = {name: value for name, value in floor.result().items() if name in METRICS}
    return Scores(result, per_image, panels)


def network_examples(network: keras.Model, split: Split, grid: pipeline.Grid) -> Iterator[Example]:
    """Yields the split's examples with the network's answer, at the network's own resolution."""
    size_px = (grid.height_px, grid.width_px)

    @tf.function(input_signature=[tf.TensorSpec((None, *size_px, 3), tf.uint8)], jit_compile=False)
    def predict(images):
        return network(tf.cast(images, tf.float32), training=False)[..., 0]

    def shrink(image, depth_m):
        return pipeline.resize_image(image, size_px), depth_m[..., 0]

    pairs = split.read().map(shrink, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2 * BATCH_SIZE)
    for batch in _batches(pairs.as_numpy_iterator()):
        images = np.stack([image for image, _ in batch])
        for (image, true_m), pred_m in zip(batch, predict(images).numpy(), strict=True):
            yield Example(image, true_m, pred_m)


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


def write_result(path: pathlib.Path, result: dict, scores: Scores, *, title: str) -> None:
    """Writes the result, a row an image and the pictures; prints the table.

    metrics.json gets per_image.csv and panels.png beside it; any other name.json gets name_per_image.csv and so on.
    """
    stem = "" if path.name == run_folder.METRICS else path.stem + "_"
    storage.write_csv(path.with_name(f"{stem}per_image.csv"), scores.per_image)
    figures.depth_panels(path.with_name(f"{stem}panels.png"), scores.panels, title=title)
    storage.write_json(path, result)  # last: its presence says that the run is finished
    say(table(result))
    say(f"wrote {path}")


def table(result: dict) -> str:
    """Returns the figures as a table for a terminal, the floor under the network."""
    rules = result["protocol"]
    head = f"{result['dataset']} {result['split']}, {result['num_images']} images, protocol {rules['name']}"
    rows = {"predicted": result, "mean map": result.get("floor")}
    lines = ["", head, " " * 10 + "".join(f"{name:>10}" for name in METRICS)]
    for name, row in rows.items():
        if row:
            lines.append(f"{name:<10}" + "".join(f"{row[metric]:10.3f}" for metric in METRICS))
    return "\n".join(lines) + "\n"


def grid_of(config: dict) -> pipeline.Grid:
    """Returns the grid a run's network works on."""
    return pipeline.Grid(
        config["image_height_px"], config["image_width_px"], config["min_depth_m"], config["max_depth_m"]
    )


def load_floor(workdir: pathlib.Path) -> np.ndarray:
    """Returns the mean depth map that a run stored, [h, w] float32, metres."""
    path = workdir / FLOOR
    if not path.is_file():
        raise InputError(f"{workdir} has no {FLOOR}: the run did not get as far as training; train again")
    return np.load(path, allow_pickle=False)


def _evaluate_run(settings: Settings) -> None:
    workdir = pathlib.Path(settings.workdir)
    config = run_folder.read_config(workdir)
    fraction = config["validation_fraction"] if settings.validation_fraction is None else settings.validation_fraction
    dataset = open_dataset(
        settings.dataset or config["dataset"],
        settings.data_dir or config["data_dir"],
        validation_fraction=fraction,
        max_train_images=config["max_train_images"] if not settings.dataset else 0,
    )
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
    scores = score(
        (Example(*example) for example in read_predictions(split, paths)),
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


def _batches(items: Iterable) -> Iterator[list]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


if __name__ == "__main__":
    program.run(main, Settings)
