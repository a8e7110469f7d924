"""Measures the families of scikit-learn on the same cues and the same images: python -m sklearn_baseline.compare.

    python -m sklearn_baseline.compare --data_dir=DIR --output_dir=OUT

The cues are made once; then each family is fitted in a process of its own (`measure`), so that its time and memory
are its own. Killed and started again, it goes on with the families that are missing. Ends in OUT/compare.json,
compare.md and compare.png; --readme writes the table into this package's README as well.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import pathlib
import re
import signal
import time
from collections.abc import Callable

import numpy as np
from etils import epy

from depth_tf.drawing import tables
from depth_tf.runtime import atomic_files, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from sklearn_baseline import VERSION, measure, models
from sklearn_baseline.dataset import SIZE_PX, DataSettings, read_part

with epy.lazy_imports():
    import matplotlib.figure

    from depth_tf.data import opening, splits
    from depth_tf.scoring import score
    from sklearn_baseline import estimator

README = pathlib.Path(__file__).resolve().with_name("README.md")
METRICS = {"abs_rel": "AbsRel", "rmse_m": "RMSE m", "delta1": "delta1"}


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to compare; each field is the flag of its name."""

    families: str | None = option(None, "comma-separated; unset: all", group="what")
    split: str = option("validation", "split to score on", group="what", choices=("holdout", "validation", "test"))
    max_train_images: int = option(0, "read only the first this many images; 0: all", group="what")
    max_ram_gib: float = option(6.0, "memory that reading and making cues may take, GiB", group="model")
    views: int = option(5, "views of each image, besides the mirror image of each", group="model")
    n_jobs: int = option(2, "images or members worked on at a time", group="model")
    seed: int = option(0, "seed of everything random", group="model")
    output_dir: str | None = option(None, "folder of the comparison", group="output", required=True)
    readme: bool = option(False, "write the table into sklearn_baseline/README.md too", group="output")


def main(settings: Settings) -> None:
    """Makes the cues, measures every family, and writes what came out."""
    names = chosen_families(settings.families)
    opened = opening.open_chosen(settings, max_train_images=settings.max_train_images)
    folder = pathlib.Path(settings.output_dir)
    with opening.naming_bad_records(opened):
        about = make_cues(opened, settings, folder / "cues")
    rows = [measured(name, folder, settings) for name in names]
    del about["settings"]
    publish("compare", opened, settings, {**about, "families": rows}, table, draw)
    say(f"wrote {settings.output_dir}/compare.json, compare.md and compare.png")


def chosen_families(words: str | None) -> list[str]:
    """Returns the names in a comma-separated list, all for None; raises InputError for one that is unknown."""
    names = list(models.HEADS) if words is None else words.split(",")
    if unknown := [name for name in names if name not in models.HEADS]:
        raise InputError(f"expected --families of {', '.join(models.HEADS)}, separated by commas, got {unknown[0]!r}")
    return names


def make_cues(opened: splits.DepthDataset, settings: Settings, folder: pathlib.Path) -> dict:
    """Writes what every family learns from and is scored on, unless it is there; returns its size and cost."""
    told = folder / "about.json"
    made_with = {key: value for key, value in dataclasses.asdict(settings).items() if key not in ("families", "readme")}
    made_with["version"] = VERSION
    if told.exists():
        about = json.loads(told.read_text())
        if about["settings"] != made_with:
            raise InputError(
                f"{folder} was made with other flags or another version: use the same, or another --output_dir"
            )
        return about
    model = estimator.DepthRegressor(
        num_views=settings.views, n_jobs=settings.n_jobs, random_state=settings.seed, progress=True
    )
    split = opened.split("train")
    images, depths_m, scenes = read_part(split, max_ram_gib=settings.max_ram_gib, fit_bytes=model.fit_bytes)
    started_s = time.perf_counter()
    cues, shares = model.fit_cues(images, depths_m)
    cues_s = time.perf_counter() - started_s
    atomic_files.write_array(folder / measure.CUES, cues)
    atomic_files.write_array(folder / measure.SHARES, shares)
    atomic_files.write_array(folder / measure.SCENES, model.scenes_of_views(scenes))
    atomic_files.write_array(folder / measure.LEVELS, model.levels_)
    scored = []
    for place, (image, true_m) in enumerate(score.scoring_pairs(opened.split(settings.split), SIZE_PX)):
        scored.append(image)
        atomic_files.write_array(folder / measure.TRUTHS / f"{place:05d}.npy", true_m)
    started_s = time.perf_counter()
    atomic_files.write_array(folder / measure.SCORED_CUES, model.describe(np.stack(scored)))
    about = {
        "num_train_images": len(images),
        "num_images": len(scored),
        **{name: made_with[name] for name in ("views", "n_jobs", "seed")},
        "cues_s": round(cues_s, 1),
        "cues_ms_an_image": round(1000 * (time.perf_counter() - started_s) / len(scored), 1),
        "settings": made_with,
    }
    atomic_files.write_json(told, about)
    return about


def measured(name: str, folder: pathlib.Path, settings: Settings) -> dict:
    """Returns the result of one family, measured now, in a process of its own, unless it was before."""
    output = folder / (re.sub(r"\W+", "_", name) + ".json")
    if not output.exists():
        given = (name, folder / "cues", output, settings.n_jobs, settings.seed)
        process = multiprocessing.get_context("spawn").Process(target=measure.measure, args=given)
        # Inherited by the new process: Ctrl-C in a terminal reaches both, and this one then ends the other.
        on_ctrl_c = signal.signal(signal.SIGINT, signal.SIG_IGN)
        process.start()
        signal.signal(signal.SIGINT, on_ctrl_c)
        try:
            process.join()
        finally:
            process.kill()  # else it would outlive an interruption
        if process.exitcode:
            raise InputError(f"family {name!r} could not be measured: see above; the others go on when started again")
    return json.loads(output.read_text())


def publish(
    name: str, opened: splits.DepthDataset, settings: DataSettings, figures: dict, table: Callable, draw: Callable
) -> None:
    """Writes NAME.json, NAME.md and NAME.png, and if asked the table into this package's README; prints the table."""
    folder = pathlib.Path(settings.output_dir)
    command = program.without_paths(program.command_line(f"sklearn_baseline.{name}"))
    result = {**score.describe(opened, settings.split, command=command), **figures}
    figure, text = draw(result), table(result)
    with atomic_files.replacing(folder / f"{name}.png") as temporary:
        figure.savefig(temporary, format="png")
    atomic_files.write_json(folder / f"{name}.json", result)
    atomic_files.write_text(folder / f"{name}.md", text + "\n")
    if settings.readme:
        atomic_files.write_text(README, tables.replace_section(README.read_text(encoding="utf-8"), name, text))
    say(text)


def table(result: dict) -> str:
    """Returns the families as a Markdown table, the best AbsRel last, with what all of them share below."""
    rows = []
    for row in sorted(result["families"], key=lambda row: -row["abs_rel"]):
        figures = [f"{row[name]:.3f}" for name in METRICS]
        images_per_s = 1000 / (result["cues_ms_an_image"] + row["predict_ms_an_image"])  # from 192x256 px to log depth
        rows.append([row["family"], *figures, f"{row['fit_s']:.1f}", f"{row['peak_gib']:.1f}", f"{images_per_s:.0f}"])
    dataset = tables.NAMES.get(result["dataset"], result["dataset"])
    return (
        tables.markdown(["family", *METRICS.values(), "fit s", "peak GiB", "images/s"], rows) + "\n\n"
        f"{dataset}, learnt from {result['num_train_images']} images in {result['views']} views and their mirror "
        f"images, scored on `{result['split']}` ({result['num_images']} images), protocol *eigen*, each prediction "
        "averaged with its mirror image's. Fit is that of the family alone: the cues, which all share, took "
        f"{result['cues_s']:.0f} s. "
        "Peak memory is that of the family's own process; images/s counts cues and prediction. "
        f"{result['n_jobs']} jobs; {result['machine']}, {result['date']}."
    )


def draw(result: dict) -> matplotlib.figure.Figure:
    """Returns a figure of accuracy against the seconds to fit; the family chosen is a star."""
    figure = matplotlib.figure.Figure(figsize=(10.5, 3.8), dpi=100, layout="constrained")
    labels = {"delta1": "delta1 (higher is better)", "abs_rel": "AbsRel (lower is better)"}
    for axes, (metric, label) in zip(figure.subplots(1, 2), labels.items(), strict=True):
        for row in result["families"]:
            size, marker = (150, "*") if row["family"] == models.CHOSEN else (45, "o")
            axes.scatter(row["fit_s"], row[metric], s=size, marker=marker, label=row["family"])
        axes.set(xlim=0, xlabel="seconds to fit, cues not counted", ylabel=label)
        axes.grid(alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", fontsize="small")
    dataset = tables.NAMES.get(result["dataset"], result["dataset"])
    figure.suptitle(f"{dataset} {result['split']}, {result['num_images']} images, eigen", size="medium")
    return figure


if __name__ == "__main__":
    program.run(main, Settings)
