"""Result files as Markdown tables, and where in a README they stand."""

import collections
import json
import pathlib
import re

from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLUMNS = {"abs_rel": "AbsRel", "rmse_m": "RMSE m", "log10": "log10", "delta1": "delta1", "delta2": "delta2"}
EDGES = "edge_f1_25cm"
FITTED = ("*median*", "*aligned*")  # protocols that take something from the truth
NAMES = {"nyu_depth_v2": "NYU Depth V2", "synthetic_rooms": "Synthetic rooms"}


def update_readme(readme: pathlib.Path, sections: dict[str, str], *, check: bool, refusal: str) -> None:
    """Writes sections, by name; with `check` only says that they are up to date, or raises InputError."""
    text = fresh = readme.read_text(encoding="utf-8")
    for name, content in sections.items():
        fresh = replace_section(fresh, name, content)
    where = readme.relative_to(ROOT)
    if not check:
        atomic_files.write_text(readme, fresh)
        say(f"wrote {where}")
    elif fresh == text:
        say(f"{where} is up to date")
    else:
        raise InputError(f"{where} {refusal}")


def replace_section(text: str, name: str, content: str) -> str:
    """Returns `text` with what stands between `<!-- name -->` and `<!-- end name -->` replaced."""
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    if start not in text or end not in text:
        raise InputError(f"README.md has no section {start} ... {end}: put the two lines back")
    head, rest = text.split(start, 1)
    return f"{head}{start}\n{content}\n{end}{rest.split(end, 1)[1]}"


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    """Returns a Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows))


def results_tables(results: list[dict]) -> str:
    """Returns a Markdown table for each data set, split and protocol; the best AbsRel stands first.

    Seeds of one method share a row. What uses the truth, *median* and *aligned*, comes last; averaging with mirrored
    images makes a protocol of its own.
    """
    groups = collections.defaultdict(list)
    for result in results:
        rules = result["protocol"]
        protocol = f"*{rules['name']}*" + (f", {flip}" if (flip := rules.get("flip", "none")) != "none" else "")
        groups[(result["dataset"], result["split"], result["num_images"], protocol)].append(result)
    parts, columns = [], ["method", "trained on", *COLUMNS.values(), "edge F1", "parameters", "measured"]
    for key, group in sorted(groups.items(), key=lambda item: (item[0][-1].startswith(FITTED), item[0])):
        dataset, split, num_images, protocol = key
        ranked, mean_maps = sorted(mean_of_seeds(group), key=lambda result: result["abs_rel"]), {}
        for result in group:
            if floor := result.get("floor"):  # the mean depth map's own result
                # Where depth maps from files were scored, the map's training images are not the method's.
                images = result.get("num_floor_images", result["num_train_images"])
                about = {"title": "mean depth map", "parameters": 0, "num_train_images": images, EDGES: None}
                about["pretrained_on"] = []
                about["trained_on"] = result.get("floor_trained_on", result.get("trained_on", dataset))
                mean_maps[json.dumps(floor)] = result | floor | about
        images = group[0].get("test_set", f"{num_images} images")
        parts.append(f"**{NAMES.get(dataset, dataset)}, `{split}`: {images}; protocol {protocol}**")
        parts.append(markdown(columns, [_cells(result) for result in [*ranked, *mean_maps.values()]]))
    return "\n\n".join(parts)


def mean_of_seeds(results: list[dict]) -> list[dict]:
    """Returns one result per method: of titles that differ in "seed N" alone, the mean, half the range as "spread"."""
    methods, means = collections.defaultdict(list), []
    for result in results:
        methods[re.sub(r", seed \d+$", "", result["title"])].append(result)
    for title, seeds in methods.items():
        mean, title = dict(seeds[0]), f"{title}, mean of {len(seeds)} seeds" if len(seeds) > 1 else seeds[0]["title"]
        for name in (*COLUMNS, EDGES):
            values = [result[name] for result in seeds if result.get(name) is not None]
            if len(values) == len(seeds) > 1:
                mean[name] = sum(values) / len(values)
                mean.setdefault("spread", {})[name] = (max(values) - min(values)) / 2
        means.append(mean | {"title": title})
    return means


def figure(result: dict, name: str) -> str:
    """Returns a metric as a table shows it, with half the range over the seeds where there are several."""
    if result.get(name) is None:
        return "-"
    spread = result.get("spread", {}).get(name)
    return f"{result[name]:.3f}" + ("" if spread is None else f" ± {spread:.3f}")


def training_set(result: dict) -> str:
    """Returns what a method learned from: each data set and how many of its images, the first first."""
    stages = []
    for stage in (*result.get("pretrained_on", ()), result):
        name = stage.get("trained_on") or stage["dataset"]
        count = f"{stage['num_train_images']:,} images" if stage["num_train_images"] else "-"
        beside = f" with {rooms:,} rooms beside" if (rooms := stage.get("num_rooms_beside")) else ""
        stages.append(f"{NAMES.get(name, name)}, {count}{beside}")
    return ", then ".join(stages)


def _cells(result: dict) -> list[str]:
    parameters = {None: "-", 0: "0"}.get(result["parameters"]) or f"{result['parameters'] / 1e6:.2f} M"
    figures = [figure(result, name) for name in (*COLUMNS, EDGES)]
    measured = f"{result['date']}, {result['machine']}" + (f", commit {result['commit']}" if "commit" in result else "")
    return [result["title"], training_set(result), *figures, parameters, measured]
