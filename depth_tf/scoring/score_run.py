"""Scores a trained network, which a run left in its folder or which stands alone in a file."""

import json
import pathlib

import keras
import numpy as np

from depth_tf.data.splits import DepthDataset
from depth_tf.runtime import run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.saved import load_network
from depth_tf.scoring import result as result_file
from depth_tf.scoring.score import network_examples, score


def score_run(workdir: pathlib.Path, dataset: DepthDataset, *, command: str, **how) -> dict:
    """Scores the network in a run's folder as `score_network` does; `output` unset is metrics.json in the folder."""
    network = load_network(workdir / run_folder.BEST_NETWORK, size_px=size_of(run_folder.read_config(workdir)))
    path = workdir / run_folder.MEAN_DEPTH
    if not path.is_file():
        raise InputError(f"{workdir} has no {path.name}: the run did not get as far as training; train again")
    how = {"output": workdir / run_folder.METRICS, **how}
    floor_m = np.load(path, allow_pickle=False)
    return score_network(network, dataset, floor_m=floor_m, learnt=trained_on(workdir), command=command, **how)


def score_network(
    network: keras.Model,
    dataset: DepthDataset,
    *,
    floor_m: np.ndarray,
    learnt: dict,
    command: str,
    output: pathlib.Path,
    split: str | None = None,
    protocol: str = "eigen",
    mirrored: bool = False,
) -> dict:
    """Scores a network, prints the table, writes the result file and returns what it holds.

    Args:
      network: [B, H, W, 3] RGB in 0..255 to [B, H, W, 1] metres.
      dataset: what it is scored on.
      floor_m: [h, w] float32, metres, the mean map to compare with.
      learnt: what the network learned from, as `trained_on` returns it.
      command: what the user typed, for the record.
      output: the result file.
      split: None takes validation, or holdout or train where there is none.
      protocol: a key of `PROTOCOLS`.
      mirrored: whether each prediction is averaged with that for the mirrored image.
    """
    name = split or next(name for name in ("validation", "holdout", "train") if name in dataset.splits)
    scored = dataset.split(name)
    examples = network_examples(network, scored, mirrored=mirrored)
    scores = score(
        examples,
        protocol,
        num_images=scored.num_images,
        floor_m=floor_m,
        mirrored=mirrored,
        scenes=scored.scene_of_image,
    )
    origin = result_file.describe(dataset, name, command=command, parameters=network.count_params())
    result = {**scores.result, **origin, **learnt}
    result_file.write_result(output, result, scores, title=f"{dataset.name} {name}, {protocol}")
    return result


def size_of(config: dict) -> tuple[int, int]:
    """Returns the height and width that a run's network sees, px."""
    return config["image_height_px"], config["image_width_px"]


def trained_on(workdir: pathlib.Path) -> dict:
    """Returns the data set a run learned from, and on how many of its images."""
    data = json.loads((workdir / run_folder.ENVIRONMENT).read_text())["data"]
    return {"trained_on": data["dataset"], "num_train_images": data["num_images"]["train"]}
