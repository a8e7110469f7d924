"""Writes the tables of README.md and depth_tf/results/README.md from result files: python -m depth_tf.report.

    python -m depth_tf.report --add=RUN/metrics.json --name=nyu_small --title="depth_tf, small network"

first copies a result into depth_tf/results/, without its paths. --check only says whether the tables are up to date.
"""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import re

from etils import epy

from depth_tf.drawing import tables
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option

with epy.lazy_imports():
    from depth_tf.drawing import comparison
    from depth_tf.runtime import atomic_files

RESULTS = tables.ROOT / "depth_tf" / "results"
FIRST = ("encoder_all", "small_all", "official/sklearn", "official/depth_tf_scratch", "official/fastdepth_eigen")
FIRST_COLUMNS = ("abs_rel", "rmse_m", "delta1")
FAILING = "encoder_all"  # the result whose failures are shown
TRUSTED = "official/fastdepth_fastdepth"  # the result that was also published


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to add before the tables are written."""

    add: str | None = option(None, "copy this metrics.json into depth_tf/results/ first")
    name: str | None = option(None, "file name for --add, without .json")
    title: str | None = option(None, "name of the method in the table, for --add")
    check: bool = option(False, "write nothing; fail if a table differs from its result files")


def main(settings: Settings) -> None:
    """Adds a result if asked, then brings both READMEs and the picture of what rooms are worth up to date."""
    if settings.add:
        add_result(pathlib.Path(settings.add), settings.name, settings.title)
    refusal = "differs from depth_tf/results/: expected equal; run python -m depth_tf.report"
    files = result_files()
    for path, sections in pages(files).items():
        tables.update_readme(path, sections, check=settings.check, refusal=refusal)
    if not settings.check:
        comparison.draw_by_photographs(RESULTS / "rooms_worth.png", files["rooms_worth"])


def add_result(path: pathlib.Path, name: str | None, title: str | None) -> None:
    """Copies a result file into depth_tf/results/ under a title, with paths taken out of its command."""
    if not (name and title):
        raise InputError("--add needs --name (a file name) and --title (the method's name in the table)")
    if not path.is_file():
        raise InputError(f"no result file at {path}: expected a metrics.json")
    result = json.loads(path.read_text())
    result = {"title": title, **result, "command": program.without_paths(result["command"])}
    if "runs" in result:  # of a comparison
        return atomic_files.write_text(RESULTS / f"{name}.json", comparison.dump(result))
    return atomic_files.write_json(RESULTS / f"{name}.json", result)


def result_files() -> dict[str, dict]:
    """Returns every result in depth_tf/results/, by its path there without .json."""
    paths = sorted(RESULTS.rglob("*.json"))
    return {path.relative_to(RESULTS).with_suffix("").as_posix(): json.loads(path.read_text()) for path in paths}


def pages(files: dict[str, dict]) -> dict[pathlib.Path, dict[str, str]]:
    """Returns the contents of every section that is written here from `result_files`, by file and name."""
    scored = tables.results_tables([result for result in files.values() if "abs_rel" in result])
    full = {
        "results": f"{scored}\n\n{trust(files[TRUSTED])}",
        "benchmark": benchmark_table(files["benchmark"]),
        "scale": scale_table(files["scale"]),
        "compare": comparison.table(files["compare"]).rstrip("\n"),
        "rooms worth": comparison.by_photographs(files["rooms_worth"]),
        "failures": failures_tables(files[FAILING]),
        "prediction": prediction_table(files["prediction"]),
    }
    return {tables.ROOT / "README.md": {"results": first_table(files)}, RESULTS / "README.md": full}


def first_table(files: dict[str, dict]) -> str:
    """Returns the few rows that a first look at the project needs, as a Markdown table."""
    seeds = [[result for file, result in files.items() if re.fullmatch(rf"{name}(_seed\d)?", file)] for name in FIRST]
    chosen, rows = [result for results in seeds for result in tables.mean_of_seeds(results)], []
    for result in chosen:
        figures = [tables.figure(result, name) for name in FIRST_COLUMNS]
        where = "official test set" if "test_set" in result else "scenes cut from train"
        images = f"{where}, {result['num_images']} images"
        rows.append([result["title"], *figures, images, tables.training_set(result)])
    columns = ["method", *(tables.COLUMNS[name] for name in FIRST_COLUMNS), "scored on", "trained on"]
    dates = " and ".join(sorted({result["date"] for result in chosen}))
    where = f"NYU Depth V2, split `validation`, protocol *eigen*; {dates}. "
    where += "All results, with their machines: [depth_tf/results](depth_tf/results/README.md)."
    return f"{tables.markdown(columns, rows)}\n\n{where} {trust(files[TRUSTED])}"


def trust(result: dict) -> str:
    """Returns one sentence: a published network's figures, and what they are here."""
    theirs, ours = result["published"], f"{result['delta1']:.3f}, {result['rmse_m']:.3f} m"
    published = f"delta1 {theirs['delta1']:.3f}, RMSE {theirs['rmse_m']:.3f} m ([source]({theirs['source']}))"
    where = f"{result['title']}, under its own protocol ({result['num_images']} images)"
    return f"{where}: its authors give {published}; this evaluator gives {ours}."


def benchmark_table(result: dict) -> str:
    """Returns the pipeline's ratios, with the speeds they come from, as a Markdown table."""
    rows = []
    for name, ratio in result["ratios"].items():
        speeds = " / ".join(f"{result['images_per_s'][part]:.1f}" for part in name.split(" / "))
        rows.append([name, f"{ratio:.2f}", str(result["wanted"].get(name, "-")), speeds])
    table = tables.markdown(["ratio of speeds", "measured", "wanted, at least", "images/s"], rows)
    where = f"{result['num_images']} images of {tables.NAMES[result['dataset']]}, {result['date']}, {result['machine']}"
    return f"{table}\n\nBest of several rounds in one run; {where}."


def scale_table(result: dict) -> str:
    """Returns what passes of several lengths cost, as a Markdown table."""
    first_s, rows = result["rows"][0]["seconds"], []
    for row in result["rows"]:
        figures = f"{row['seconds']:.1f}", f"{row['seconds'] / first_s:.2f}", f"{row['peak_memory_gib']:.2f}"
        rows.append([f"{row['images']:,}", *figures])
    table = tables.markdown(["images per pass", "seconds", "time relative to the first", "peak of memory, GiB"], rows)
    where = f"{tables.NAMES[result['dataset']]}, read over and over; {result['date']}, {result['machine']}"
    return f"{table}\n\n192x256, decoded and augmented, no cache, one process per length; {where}."


def prediction_table(result: dict) -> str:
    """Returns what a prediction takes, as a Markdown table."""
    rows, reference_ms = [], result["rows"].get("reference", {}).get("ms", math.nan)
    for name, row in result["rows"].items():
        counts = f"{row['megabytes']:.1f}", f"{row['parameters'] / 1e6:.2f} M", f"{row['macs'] / 1e6:.0f} M"
        rows.append([name, f"{row['ms']:.2f}", f"{row['ms'] / reference_ms:.2f}", *counts])
    columns = [
        "network, format",
        "ms per image",
        "relative to the reference",
        "file, MB",
        "weights of convolutions",
        "MACs",
    ]
    return (
        f"{tables.markdown(columns, rows)}\n\nBest of several rounds in one run; {result['date']}, {result['machine']}."
    )


def failures_tables(result: dict) -> str:
    """Returns how a method's error differs by true depth and by kind of room, as two Markdown tables."""
    failures, depths, rooms = result["failures"], [], []
    for band in failures["by_depth"]:
        where = f"{band['from_m']:g} to {band['to_m']:g} m" if band["to_m"] else f"{band['from_m']:g} m and more"
        depths.append([where, f"{band['share']:.0%}", f"{band['abs_rel']:.3f}", f"{band['factor']:.2f}"])
    for kind, room in failures["by_room"].items():
        figures = f"{room['abs_rel']:.3f}", f"{room['delta1']:.3f}"
        rooms.append([kind.replace("_", " "), str(room["num_images"]), *figures])
    scale = (
        f"RMSE(log) is {result['rmse_log']:.3f}, SILog, without the factor of each image, {result['silog'] / 100:.3f}."
    )
    worst = ", ".join(f"{row['index']} ({row['abs_rel']:.2f})" for row in failures["worst"])
    return "\n\n".join(
        (
            f"{result['title']}; {result['num_images']} images. {scale}",
            tables.markdown(["true depth", "pixels", "AbsRel", "predicted / true"], depths),
            tables.markdown(["kind of room", "images", "AbsRel", "delta1"], rooms),
            f"Images with the greatest AbsRel, by their place in the split: {worst}.",
        )
    )


if __name__ == "__main__":
    program.run(main, Settings, tensorflow=False)
