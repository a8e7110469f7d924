"""Scores the network that a run left in its folder."""

import json
import pathlib

import numpy as np

from depth_tf.data.splits import DepthDataset
from depth_tf.model import load_network
from depth_tf.runtime import run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.scoring import result as result_file
from depth_tf.scoring.score import network_examples, score


def score_run(
    workdir: pathlib.Path,
    dataset: DepthDataset,
    *,
    command: str,
    split: str | None = None,
    protocol: str = "eigen",
    output: pathlib.Path | None = None,
) -> dict:
    """Scores the network in a run's folder, prints the table, writes the result file and returns what it holds.

    `split` None takes validation, or holdout or train where there is none; `protocol` is a key of `PROTOCOLS`; `output`
    None is metrics.json in the run's folder; `command` is what the user typed, for the record.
    """
    name = split or next(name for name in ("validation", "holdout", "train") if name in dataset.splits)
    scored = dataset.split(name)
    network = load_network(workdir / run_folder.BEST_NETWORK, size_px=size_of(run_folder.read_config(workdir)))
    path = workdir / run_folder.MEAN_DEPTH
    if not path.is_file():
        raise InputError(f"{workdir} has no {path.name}: the run did not get as far as training; train again")
    mean_map_m = np.load(path, allow_pickle=False)
    scores = score(network_examples(network, scored), protocol, num_images=scored.num_images, floor_m=mean_map_m)
    result = {
        **scores.result,
        **result_file.describe(dataset, name, command=command, parameters=network.count_params()),
        **trained_on(workdir),
    }
    title = f"{dataset.name} {name}, {protocol}"
    result_file.write_result(output or workdir / run_folder.METRICS, result, scores, title=title)
    return result


def size_of(config: dict) -> tuple[int, int]:
    """Returns the height and width that a run's network sees, px."""
    return config["image_height_px"], config["image_width_px"]


def trained_on(workdir: pathlib.Path) -> dict:
    """Returns the data set a run learned from, and on how many of its images."""
    data = json.loads((workdir / run_folder.ENVIRONMENT).read_text())["data"]
    return {"trained_on": data["dataset"], "num_train_images": data["num_images"]["train"]}
