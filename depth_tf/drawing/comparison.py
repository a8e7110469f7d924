"""What a grid of runs shows: one result file, a Markdown table and a figure, from the runs' own histories.

A run counts with its best epoch, the one whose network it kept: `judged_by` has its minimum there.
"""

import csv
import json
import pathlib

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from depth_tf.callbacks import MONITOR
from depth_tf.data.splits import DepthDataset
from depth_tf.optimizers import default_learning_rate
from depth_tf.runtime import run_folder, storage
from depth_tf.runtime.program import say

DIVERGED = "diverged.txt"  # in the folder of a run that came to no good end, with the reason
CURVES = ("val_delta1", "val_loss", MONITOR, "loss", "learning_rate")
DIGITS = 5  # of a curve's values
BUDGET = ("epochs", "global_batch_size", "image_height_px", "image_width_px", "width")
ROWS = {"val_delta1": "hold-out delta1", "val_loss": "hold-out loss", "learning_rate": "learning rate"}


def collect(folders: list[pathlib.Path], dataset: DepthDataset) -> dict:
    """Returns the budget and each run's curves, from runs on `dataset` that are finished and have one budget."""
    config = run_folder.read_config(folders[0])
    num_train_images = dataset.split("train").num_images
    runs = [_read_run(folder) for folder in folders]
    return {
        **{name: config[name] for name in BUDGET},
        "num_train_images": num_train_images,
        "num_holdout_images": dataset.split("holdout").num_images,
        "judged_by": MONITOR,
        "training_minutes": round(sum(run.pop("training_s") for run in runs) / 60, 1),
        "runs": runs,
    }


def write(folder: pathlib.Path, result: dict) -> None:
    """Writes compare.json, compare.md and compare.png, and prints the table."""
    storage.write_text(folder / "compare.json", dump(result))
    storage.write_text(folder / "compare.md", table(result))
    draw(folder / "compare.png", result)
    say(table(result))
    say(f"wrote {folder}/compare.json, compare.md and compare.png")


def dump(result: dict) -> str:
    """Returns the result as JSON with one run a line."""
    head = json.dumps({key: value for key, value in result.items() if key != "runs"}, indent=2, allow_nan=False)
    runs = ",\n    ".join(json.dumps(run, allow_nan=False) for run in result["runs"])
    return f'{head[:-2]},\n  "runs": [\n    {runs}\n  ]\n}}\n'


def table(result: dict) -> str:
    """Returns the budget, delta1 and loss of every optimizer under every schedule, and which differ, as Markdown."""
    optimizers, schedules, seeds = (_names(result, key) for key in ("optimizer", "schedule", "seed"))
    best = best_combination(result)
    level = [pair for pair in overlapping(result, best) if pair != best]
    lines = [budget(result), ""]
    for curve, name in (("val_delta1", "delta1, higher is better"), ("val_loss", "loss, lower is better")):
        lines += [f"| {name} | {' | '.join(schedules)} |", "| --- |" + " --- |" * len(schedules)]
        for optimizer in optimizers:
            texts = [_cell(values_at_best(result, (optimizer, schedule), curve)) for schedule in schedules]
            lines.append(f"| {optimizer}, {default_rate(result, optimizer):g} | {' | '.join(texts)} |")
        lines.append("")
    lines.append(
        f"On the hold-out, at each run's epoch with the lowest {result['judged_by']}: mean ± half the range over the "
        f"seeds ({', '.join(map(str, seeds))}). Beside the optimizer its peak learning rate."
    )
    verdict = f"Best by delta1: {' with '.join(best)}. "
    if len(seeds) < 2:
        verdict += "One seed tells nothing of the spread."
    elif level:
        verdict += "Its seeds overlap those of " + ", ".join(f"{a} with {b}" for a, b in level) + "."
    else:
        verdict += "No other combination's seeds reach its own."
    return "\n".join([*lines, verdict]) + "\n"


def budget(result: dict) -> str:
    """Returns one sentence on what every run was given, and where."""
    return (
        f"{len(result['runs'])} runs, each {result['epochs']} epochs over {result['num_train_images']} images at "
        f"{result['image_height_px']}x{result['image_width_px']} px, batch {result['global_batch_size']}; judged on "
        f"{result['num_holdout_images']} images of scenes held out of train. {result['training_minutes']:.0f} min of "
        f"training in all ({result['machine']}, {result['date']})."
    )


def best_combination(result: dict) -> tuple[str, str]:
    """Returns the (optimizer, schedule) with the highest mean delta1."""
    return max(_combinations(result), key=lambda pair: np.mean(values_at_best(result, pair, "val_delta1")))


def overlapping(result: dict, best: tuple[str, str]) -> list[tuple[str, str]]:
    """Returns the combinations whose best seed reaches the worst seed of `best` in delta1."""
    least = min(values_at_best(result, best, "val_delta1"))
    return [pair for pair in _combinations(result) if max(values_at_best(result, pair, "val_delta1")) >= least]


def values_at_best(result: dict, pair: tuple[str, str], curve: str) -> list[float]:
    """Returns a curve's value at each seed's best epoch; infinitely bad for a failed run."""
    worst = -np.inf if curve == "val_delta1" else np.inf
    return [
        worst if run["diverged"] else run["curves"][curve][int(np.argmin(run["curves"][result["judged_by"]]))]
        for run in _runs_of(result, pair)
    ]


def default_rate(result: dict, optimizer: str) -> float:
    """Returns the peak rate that an optimizer's runs had."""
    return next(run["peak_learning_rate"] for run in result["runs"] if run["optimizer"] == optimizer)


def draw(path: pathlib.Path, result: dict) -> None:
    """Draws delta1, loss and rate by epoch: a column an optimizer, a line a schedule, a band the range over seeds."""
    optimizers, schedules = _names(result, "optimizer"), _names(result, "schedule")
    figure = Figure(figsize=(1.2 + 3.0 * len(optimizers), 7.6), dpi=100, layout="constrained")
    axes = figure.subplots(len(ROWS), len(optimizers), sharex=True, sharey="row", squeeze=False)
    for column, optimizer in enumerate(optimizers):
        axes[0][column].set_title(optimizer)
        axes[-1][column].set_xlabel("epoch")
        axes[-1][column].set_yscale("log")
        axes[-1][column].xaxis.set_major_locator(MaxNLocator(integer=True))
        for colour, schedule in enumerate(schedules):
            runs = _runs_of(result, (optimizer, schedule))
            for row, curve in enumerate(ROWS):
                _draw_band(axes[row][column], [run["curves"][curve] for run in runs], f"C{colour}", schedule)
    for row, (curve, label) in enumerate(ROWS.items()):
        axes[row][0].set_ylabel(label)
        if curve != "learning_rate":
            axes[row][0].set_ylim(_most_of(result, curve))
    axes[0][0].legend(loc="lower right", fontsize="small")
    figure.suptitle(f"mean and range over seeds {', '.join(map(str, _names(result, 'seed')))}", fontsize="medium")
    with storage.replacing(path) as temporary:
        figure.savefig(temporary)


def _read_run(folder: pathlib.Path) -> dict:
    config = run_folder.read_config(folder)
    rows, speeds = _read_rows(folder / run_folder.HISTORY), _read_rows(folder / run_folder.SPEED)
    return {
        **{name: config[name] for name in ("optimizer", "schedule", "seed")},
        "peak_learning_rate": config["learning_rate"] or default_learning_rate(config["optimizer"]),
        "diverged": (folder / DIVERGED).exists(),
        "training_s": sum(float(row["training_s"]) for row in speeds),
        "curves": {name: [float(f"{float(row[name]):.{DIGITS}g}") for row in rows] for name in CURVES},
    }


def _read_rows(path: pathlib.Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def _names(result: dict, key: str) -> list:
    return list(dict.fromkeys(run[key] for run in result["runs"]))


def _combinations(result: dict) -> list[tuple[str, str]]:
    return list(dict.fromkeys((run["optimizer"], run["schedule"]) for run in result["runs"]))


def _runs_of(result: dict, pair: tuple[str, str]) -> list[dict]:
    return [run for run in result["runs"] if (run["optimizer"], run["schedule"]) == pair]


def _draw_band(axes: Axes, curves: list[list[float]], colour: str, label: str) -> None:
    """Draws mean and range of some curves; one that ends early counts as far as it goes."""
    length = max(map(len, curves))
    values = np.full((len(curves), length), np.nan)
    for row, curve in zip(values, curves, strict=True):
        row[: len(curve)] = curve
    epochs = np.arange(1, length + 1)
    axes.plot(epochs, np.nanmean(values, axis=0), color=colour, label=label, linewidth=1.4)
    axes.fill_between(
        epochs, np.nanmin(values, axis=0), np.nanmax(values, axis=0), color=colour, alpha=0.2, linewidth=0
    )


def _most_of(result: dict, curve: str) -> tuple[float, float]:
    """Returns limits that hold all but a few values: a first epoch or a spike must not flatten the rest."""
    values = [value for run in result["runs"] for value in run["curves"][curve]]
    low, high = np.quantile(values, [0.03, 0.97])
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    if not np.isfinite(values).all():
        return "diverged"
    return f"{np.mean(values):.3f} ± {np.ptp(values) / 2:.3f}"
