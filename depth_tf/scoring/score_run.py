"""Scores a trained network, which a run left in its folder or which stands alone in a file."""

import json
import pathlib

import keras
import numpy as np

from depth_tf import saved
from depth_tf.data.splits import DepthDataset
from depth_tf.runtime import run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.scoring.score import network_examples, score_split


def score_run(workdir: pathlib.Path, dataset: DepthDataset, **how) -> dict:
    """Scores the network in a run's folder as `score_network` does; `output` unset is metrics.json in the folder."""
    network = load_best(workdir)
    path = workdir / run_folder.MEAN_DEPTH
    if not path.is_file():
        raise InputError(f"{workdir} has no {path.name}: the run did not get as far as training; train again")
    how = {"output": workdir / run_folder.METRICS, **how}
    return score_network(network, dataset, floor_m=np.load(path, allow_pickle=False), about=trained_on(workdir), **how)


def score_network(
    network: keras.Model, dataset: DepthDataset, *, split: str | None = None, mirrored: bool = False, **how
) -> dict:
    """Scores a network, [B, H, W, 3] RGB in 0..255 to [B, H, W, 1] metres, as `score_split` does with the rest.

    `split` is as for `DepthDataset.split`; `mirrored` averages each prediction with that for the mirrored image.
    """
    scored = dataset.split(split)
    how |= {"mirrored": mirrored, "parameters": network.count_params()}
    return score_split(network_examples(network, scored, mirrored=mirrored), dataset, scored, **how)


def load_best(workdir: pathlib.Path) -> keras.Model:
    """Returns the network that a run kept, for images of the size it learned from."""
    config = run_folder.read_config(workdir)
    size_px = config["image_height_px"], config["image_width_px"]
    return saved.load_network(workdir / run_folder.BEST_NETWORK, size_px=size_px)


def trained_on(workdir: pathlib.Path) -> dict:
    """Returns the data set a run learned from, on how many of its images, and what its network had learned before.

    That, "pretrained_on", is a list of the same keys, the first first; it is left out where the network was new.
    """
    runs, before = run_folder.lineage(workdir), []
    if start := run_folder.read_config(runs[0]).get("init_from"):
        first = saved.learnt(start)
        before = [*first.pop("pretrained_on", []), first]
    for run in runs:
        data = json.loads((run / run_folder.ENVIRONMENT).read_text())["data"]
        stage = {"trained_on": data["dataset"], "num_train_images": data["num_images"]["train"]}
        beside = data["num_images"].get("rooms")  # only with --with_rooms
        before.append(stage | ({"num_rooms_beside": beside} if beside else {}))
    *before, last = before
    return last | ({"pretrained_on": before} if before else {})
