"""The result file: the figures, where they come from, and what lies beside them."""

import pathlib
from collections.abc import Iterable

import numpy as np

from depth_tf.data.splits import DepthDataset, Split
from depth_tf.drawing import figures
from depth_tf.runtime import atomic_files, machine, run_folder
from depth_tf.runtime.program import say
from depth_tf.scoring.mean_depth import mean_depth_map
from depth_tf.scoring.metrics import METRICS
from depth_tf.scoring.score import Example, score


def score_split(
    examples: Iterable[Example],
    dataset: DepthDataset,
    split: Split,
    *,
    output: pathlib.Path,
    command: str,
    about: dict,
    parameters: int | None = None,
    protocol: str = "eigen",
    floor_m: np.ndarray | None = None,
    **how,
) -> dict:
    """Scores predictions, prints the table, writes the result file and returns what it holds.

    Args:
      examples: the split's, each with its prediction.
      dataset: what they are of.
      split: one of the data set's, or a part of one.
      output: the result file. metrics.json gets per_image.csv and panels.png beside it; any other name.json gets
        name_per_image.csv and so on.
      command: what the user typed, for the record.
      about: what else the result file is to say, such as what the method learned from.
      parameters: of the network, if there is one.
      protocol: a key of `PROTOCOLS`.
      floor_m: [h, w] float32, metres, the mean map to compare with; None takes that of `train`.
      **how: `prediction_kind` and `mirrored`, as for `score`.
    """
    floor_m = mean_depth_map(dataset.split("train")) if floor_m is None else floor_m
    how |= {"num_images": split.num_images, "scenes": split.scene_of_image}
    scores = score(examples, protocol, floor_m=floor_m, **how)
    result = {**scores.result, **describe(dataset, split.name, command=command, parameters=parameters), **about}
    stem = "" if output.name == run_folder.METRICS else output.stem + "_"
    atomic_files.write_csv(output.with_name(f"{stem}per_image.csv"), scores.per_image)
    where = f"{dataset.name} {split.name}"
    figures.depth_panels(output.with_name(f"{stem}panels.png"), scores.panels, title=f"{where}, {protocol}")
    atomic_files.write_json(output, result)  # last: its presence says that the run is finished
    say(f"\n{where}, {result['num_images']} images, protocol {protocol}")
    say(" " * 10 + "".join(f"{name:>10}" for name in METRICS))
    for name, row in {"predicted": result, "mean map": result["floor"]}.items():
        say(f"{name:<10}" + "".join(f"{row[metric]:10.3f}" for metric in METRICS))
    say(f"\nwrote {output}")
    return result


def describe(dataset: DepthDataset, split: str, *, command: str, parameters: int | None = None) -> dict:
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
