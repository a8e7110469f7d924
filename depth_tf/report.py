"""Writes the README's tables from result files, and its work log from the commits: python -m depth_tf.report.

    python -m depth_tf.report --add=RUN/metrics.json --name=nyu_small --title="depth_tf, small network"

first copies a result into depth_tf/results/, without its paths. --check only says whether the README is up to date.
"""

import collections
import dataclasses
import json
import pathlib
import subprocess

from depth_tf.drawing import comparison
from depth_tf.runtime import program, storage
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "depth_tf" / "results"
README = ROOT / "README.md"
CAP_MIN = 30  # a longer gap between commits is taken for a pause
COLUMNS = {"abs_rel": "AbsRel", "rmse_m": "RMSE m", "log10": "log10", "delta1": "delta1", "delta2": "delta2"}
NAMES = {"nyu_depth_v2": "NYU Depth V2", "synthetic_rooms": "Synthetic rooms"}
PARTS = {  # of the work log: the first prefix that fits
    "depth_tf/synthetic_rooms": "synthetic rooms",
    "depth_tf": "depth_tf",
    "sklearn_baseline": "sklearn_baseline",
    "sota_guide": "sota_guide",
    "tests": "tests",
    "": "packaging and README",
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to add before the README is written."""

    add: str | None = option(None, "copy this metrics.json into depth_tf/results/ first")
    name: str | None = option(None, "file name for --add, without .json")
    title: str | None = option(None, "name of the method in the table, for --add")
    check: bool = option(False, "write nothing; fail if a table differs from its result files")


def main(settings: Settings) -> None:
    """Adds a result if asked, then brings the README up to date."""
    if settings.add:
        add_result(pathlib.Path(settings.add), settings.name, settings.title)
    text = README.read_text(encoding="utf-8")
    fresh = replace_section(text, "results", results_tables(load_results()))
    fresh = replace_section(fresh, "benchmark", benchmark_table(json.loads((RESULTS / "benchmark.json").read_text())))
    if (RESULTS / "compare.json").exists():
        fresh = replace_section(
            fresh, "compare", comparison.table(json.loads((RESULTS / "compare.json").read_text())).rstrip("\n")
        )
    if (RESULTS / "scale.json").exists():
        fresh = replace_section(fresh, "scale", scale_table(json.loads((RESULTS / "scale.json").read_text())))
    if settings.check:
        if fresh != text:
            raise InputError("README.md differs from depth_tf/results/: expected equal; run python -m depth_tf.report")
        return say("README.md is up to date")
    storage.write_text(README, replace_section(fresh, "work log", work_log(commits())))
    return say("wrote README.md")


def add_result(path: pathlib.Path, name: str | None, title: str | None) -> None:
    """Copies a result file into depth_tf/results/ under a title, with paths taken out of its command."""
    if not (name and title):
        raise InputError("--add needs --name (a file name) and --title (the method's name in the table)")
    if not path.is_file():
        raise InputError(f"no result file at {path}: expected a metrics.json")
    result = json.loads(path.read_text())
    result = {"title": title, **result, "command": program.without_paths(result["command"])}
    if "runs" in result:  # of a comparison
        return storage.write_text(RESULTS / f"{name}.json", comparison.dump(result))
    return storage.write_json(RESULTS / f"{name}.json", result)


def load_results() -> list[dict]:
    """Returns the contents of every result file that holds metrics, by file name."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    return [result for result in results if "abs_rel" in result]


def results_tables(results: list[dict]) -> str:
    """Returns a Markdown table for each data set, split and protocol, *aligned* last; the best AbsRel stands first."""
    groups = collections.defaultdict(list)
    for result in results:
        groups[(result["dataset"], result["split"], result["num_images"], result["protocol"]["name"])].append(result)
    ordered = sorted(groups, key=lambda key: (key[-1] == "aligned", key))
    return "\n\n".join(_table(key, groups[key]) for key in ordered)


def benchmark_table(result: dict) -> str:
    """Returns the pipeline's ratios, with the speeds they come from, as a Markdown table."""
    speeds = result["images_per_s"]
    lines = ["| ratio of speeds | measured | wanted, at least | images/s |", "| --- | --- | --- | --- |"]
    for name, ratio in result["ratios"].items():
        over, under = (speeds[part] for part in name.split(" / "))
        wanted = result["wanted"].get(name, "-")
        lines.append(f"| {name} | {ratio:.2f} | {wanted} | {over:.1f} / {under:.1f} |")
    where = f"{result['num_images']} images of {NAMES[result['dataset']]}, {result['date']}, {result['machine']}"
    return "\n".join([*lines, "", f"Best of several rounds in one run; {where}."])


def scale_table(result: dict) -> str:
    """Returns what passes of several lengths cost, as a Markdown table."""
    first = result["rows"][0]
    lines = ["| images a pass | seconds | time, to the first | peak of memory, GiB |", "| --- | --- | --- | --- |"]
    for row in result["rows"]:
        share = row["seconds"] / first["seconds"]
        lines.append(f"| {row['images']:,} | {row['seconds']:.1f} | {share:.2f} | {row['peak_memory_gib']:.2f} |")
    where = f"{NAMES[result['dataset']]}, read over and over; {result['date']}, {result['machine']}"
    return "\n".join([*lines, "", f"192x256, decoded and augmented, no cache, a process each; {where}."])


def _table(key: tuple, group: list[dict]) -> str:
    dataset, split, num_images, protocol = key
    lines = [
        f"**{NAMES.get(dataset, dataset)}, `{split}` ({num_images} images), protocol *{protocol}***",
        "",
        f"| method | trained on | {' | '.join(COLUMNS.values())} | parameters | measured |",
        "| --- | --- |" + " --- |" * (len(COLUMNS) + 2),
    ]
    for result in sorted(group, key=lambda result: result["abs_rel"]):
        parameters = f"{result['parameters'] / 1e6:.2f} M" if result["parameters"] else "-"
        where = f"{result['date']}, {result['machine']}"
        lines.append(_row(result["title"], _training_set(result), result, parameters, where))
    floors = {json.dumps(result["floor"]): result for result in group if result.get("floor")}
    for result in floors.values():
        lines.append(_row("mean depth map (floor)", _training_set(result), result["floor"], "0", result["date"]))
    return "\n".join(lines)


def _row(title: str, trained_on: str, metrics: dict, parameters: str, where: str) -> str:
    figures = " | ".join(f"{metrics[name]:.3f}" for name in COLUMNS)
    return f"| {title} | {trained_on} | {figures} | {parameters} | {where} |"


def _training_set(result: dict) -> str:
    trained_on = result.get("trained_on", result["dataset"])
    count = f"{result['num_train_images']:,} images" if result["num_train_images"] else "-"
    return f"{NAMES.get(trained_on, trained_on)}, {count}"


def replace_section(text: str, name: str, content: str) -> str:
    """Returns `text` with what stands between `<!-- name -->` and `<!-- end name -->` replaced."""
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    if start not in text or end not in text:
        raise InputError(f"README.md has no section {start} ... {end}: put the two lines back")
    head, rest = text.split(start, 1)
    return f"{head}{start}\n{content}\n{end}{rest.split(end, 1)[1]}"


def commits() -> list[tuple[float, dict[str, int]]]:
    """Returns (minutes since the epoch, lines changed by file) of each commit, oldest first."""
    log = subprocess.run(
        ["git", "log", "--reverse", "--numstat", "--format=@%ct"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: list[tuple[float, dict[str, int]]] = []
    for line in log.stdout.splitlines():
        if line.startswith("@"):
            found.append((int(line[1:]) / 60, {}))
        elif line:
            added, removed, path = line.split("\t")
            found[-1][1][path] = sum(int(count) for count in (added, removed) if count != "-")
    return found


def work_log(history: list[tuple[float, dict[str, int]]]) -> str:
    """Returns a Markdown table of hours by part: gaps between commits, shared out by lines changed."""
    minutes: dict[str, float] = collections.defaultdict(float)
    for (before, _), (at, lines) in zip(history, history[1:], strict=False):
        total = sum(lines.values())
        for path, count in lines.items():
            if total:
                minutes[_part(path)] += min(at - before, CAP_MIN) * count / total
    rows = [f"| {part} | {minutes[part] / 60:.1f} |" for part in dict.fromkeys(PARTS.values()) if minutes[part] >= 3]
    total = f"| all | {sum(minutes.values()) / 60:.1f} |"
    return "\n".join(["| part | hours (estimate) |", "| --- | --- |", *rows, total])


def _part(path: str) -> str:
    return next(part for prefix, part in PARTS.items() if path.startswith(prefix))


if __name__ == "__main__":
    program.run(main, Settings)
