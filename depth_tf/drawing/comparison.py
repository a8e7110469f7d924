"""What many runs show, as Markdown and a figure: a grid of optimizers and schedules, and what rendered rooms are worth.

A run of the grid counts with its best epoch, where `judged_by` is least.
"""

import itertools
import json
import pathlib

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from depth_tf.drawing.tables import markdown
from depth_tf.runtime import atomic_files

ROWS = {"val_delta1": "hold-out delta1", "val_loss": "hold-out loss", "learning_rate": "learning rate"}


def dump(result: dict) -> str:
    """Returns the result as JSON with one run per line."""
    head = json.dumps({key: value for key, value in result.items() if key != "runs"}, indent=2, allow_nan=False)
    runs = ",\n    ".join(json.dumps(run, allow_nan=False) for run in result["runs"])
    return f'{head[:-2]},\n  "runs": [\n    {runs}\n  ]\n}}\n'


def table(result: dict) -> str:
    """Returns the budget, delta1 and loss of every optimizer under every schedule, and which differ, as Markdown."""
    optimizers, schedules, seeds = (_names(result, key) for key in ("optimizer", "schedule", "seed"))
    rates = {run["optimizer"]: run["peak_learning_rate"] for run in result["runs"]}
    parts = [
        f"{len(result['runs'])} runs, each {result['epochs']} epochs over {result['num_train_images']} images at "
        f"{result['image_height_px']}x{result['image_width_px']} px, batch {result['global_batch_size']}; judged on "
        f"{result['num_holdout_images']} images of scenes held out of train. {result['training_minutes']:.0f} min of "
        f"training in all ({result['machine']}, {result['date']})."
    ]
    for curve, name in (("val_delta1", "delta1, higher is better"), ("val_loss", "loss, lower is better")):
        rows = []
        for optimizer in optimizers:
            cells = [_cell(values_at_best(result, (optimizer, schedule), curve)) for schedule in schedules]
            rows.append([f"{optimizer}, {rates[optimizer]:g}", *cells])
        parts.append(markdown([name, *schedules], rows))
    pairs = dict.fromkeys((run["optimizer"], run["schedule"]) for run in result["runs"])
    values = {pair: values_at_best(result, pair, "val_delta1") for pair in pairs}
    best = max(values, key=lambda pair: np.mean(values[pair]))
    level = [" with ".join(pair) for pair in values if pair != best and max(values[pair]) >= min(values[best])]
    overlap = f"Its seeds overlap those of {', '.join(level)}."
    spread = overlap if level else "No other combination's seeds reach its own."
    parts.append(
        f"On the hold-out, at each run's epoch with the lowest {result['judged_by']}: mean ± half the range over the "
        f"seeds ({', '.join(map(str, seeds))}). Beside the optimizer its peak learning rate.\nBest by delta1: "
        f"{' with '.join(best)}. {spread if len(seeds) > 1 else 'One seed tells nothing of the spread.'}"
    )
    return "\n\n".join(parts) + "\n"


def values_at_best(result: dict, pair: tuple[str, str], curve: str) -> list[float]:
    """Returns a curve's value at each seed's best epoch; infinitely bad for a failed run."""
    worst = -np.inf if curve == "val_delta1" else np.inf
    return [
        worst if run["diverged"] else run["curves"][curve][int(np.argmin(run["curves"][result["judged_by"]]))]
        for run in _runs_of(result, optimizer=pair[0], schedule=pair[1])
    ]


def draw(path: pathlib.Path, result: dict) -> None:
    """Draws delta1, loss and rate by epoch: one column per optimizer, one line per schedule, bands over seeds."""
    optimizers, schedules = _names(result, "optimizer"), _names(result, "schedule")
    figure = Figure(figsize=(1.2 + 3.0 * len(optimizers), 7.6), dpi=100, layout="constrained")
    axes = figure.subplots(len(ROWS), len(optimizers), sharex=True, sharey="row", squeeze=False)
    for column, optimizer in enumerate(optimizers):
        axes[0][column].set_title(optimizer)
        axes[-1][column].set(xlabel="epoch", yscale="log")
        axes[-1][column].xaxis.set_major_locator(MaxNLocator(integer=True))
        for colour, schedule in enumerate(schedules):
            runs = _runs_of(result, optimizer=optimizer, schedule=schedule)
            for panel, curve in zip(axes[:, column], ROWS, strict=True):
                curves = [run["curves"][curve] for run in runs]  # one that ends early counts as far as it goes
                values = np.array(list(itertools.zip_longest(*curves, fillvalue=np.nan)))
                epochs, low, high = np.arange(1, len(values) + 1), np.nanmin(values, axis=1), np.nanmax(values, axis=1)
                panel.plot(epochs, np.nanmean(values, axis=1), color=f"C{colour}", label=schedule, linewidth=1.4)
                panel.fill_between(epochs, low, high, color=f"C{colour}", alpha=0.2, linewidth=0)
    for row, (curve, label) in zip(axes, ROWS.items(), strict=True):
        row[0].set_ylabel(label)
        if curve != "learning_rate":  # a first epoch or a spike must not flatten the rest
            low, high = np.quantile([value for run in result["runs"] for value in run["curves"][curve]], [0.03, 0.97])
            margin = 0.1 * (high - low) or 1.0
            row[0].set_ylim(low - margin, high + margin)
    lines = axes[0][0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside lower center", ncols=len(schedules))  # inside, it would cover curves
    figure.suptitle(f"mean and range over seeds {', '.join(map(str, _names(result, 'seed')))}", fontsize="medium")
    with atomic_files.replacing(path) as temporary:
        figure.savefig(temporary)


def by_photographs(result: dict) -> str:
    """Returns delta1 by the photographs learned from, a row for each use of the rooms, as Markdown."""
    counts = sorted({run["photographs"] for run in result["runs"]})
    rows = []
    for rooms in _names(result, "rooms"):
        found = {run["photographs"]: f"{run['delta1']:.3f}" for run in _runs_of(result, rooms=rooms)}
        rows.append([rooms, *(found.get(count, "-") for count in counts)])
    where = (
        f"delta1 on `{result['split']}` ({result['num_images']} images), *{result['protocol']}*, "
        f"{result['image_height_px']}x{result['image_width_px']} px, {result['images_seen']:,} images seen after the "
        f"first rooms (none by *alone*), one seed; {result['date']}, {result['machine']}."
    )
    return f"{markdown(['rooms', *(f'{count} photographs' for count in counts)], rows)}\n\n{where}"


def draw_by_photographs(path: pathlib.Path, result: dict) -> None:
    """Draws what `by_photographs` tells: a line for each use of the rooms."""
    figure = Figure(figsize=(6.4, 4.0), dpi=100, layout="constrained")
    axes = figure.add_subplot(xlabel="photographs learned from", ylabel=f"delta1, {result['split']}", xscale="log")
    for rooms in _names(result, "rooms"):
        runs = _runs_of(result, rooms=rooms)
        if not runs[0]["photographs"]:
            axes.axhline(runs[0]["delta1"], label=rooms, color="grey", linestyle=":")
        else:
            axes.plot(*zip(*((run["photographs"], run["delta1"]) for run in runs), strict=True), "o-", label=rooms)
    counts = sorted({run["photographs"] for run in result["runs"]} - {0})
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    figure.legend(title="rooms", loc="outside lower center", ncols=3)
    with atomic_files.replacing(path) as temporary:
        figure.savefig(temporary)


def _names(result: dict, key: str) -> list:
    return list(dict.fromkeys(run[key] for run in result["runs"]))


def _runs_of(result: dict, **wanted: str) -> list[dict]:
    return [run for run in result["runs"] if all(run[key] == value for key, value in wanted.items())]


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    if not np.isfinite(values).all():
        return "diverged"
    return f"{np.mean(values):.3f} ± {np.ptp(values) / 2:.3f}"
