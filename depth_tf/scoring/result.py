"""The result file: the figures, where they come from, and what lies beside them."""

import pathlib

from depth_tf.data.splits import DepthDataset
from depth_tf.drawing import figures
from depth_tf.runtime import atomic_files, machine, run_folder
from depth_tf.runtime.program import say
from depth_tf.scoring.metrics import METRICS
from depth_tf.scoring.score import Scores


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
    """Writes the result, one row per image and the pictures; prints the table.

    metrics.json gets per_image.csv and panels.png beside it; any other name.json gets name_per_image.csv and so on.
    """
    stem = "" if path.name == run_folder.METRICS else path.stem + "_"
    atomic_files.write_csv(path.with_name(f"{stem}per_image.csv"), scores.per_image)
    figures.depth_panels(path.with_name(f"{stem}panels.png"), scores.panels, title=title)
    atomic_files.write_json(path, result)  # last: its presence says that the run is finished
    rules = result["protocol"]["name"]
    say(f"\n{result['dataset']} {result['split']}, {result['num_images']} images, protocol {rules}")
    say(" " * 10 + "".join(f"{name:>10}" for name in METRICS))
    for name, row in {"predicted": result, "mean map": result["floor"]}.items():
        say(f"{name:<10}" + "".join(f"{row[metric]:10.3f}" for metric in METRICS))
    say(f"\nwrote {path}")
