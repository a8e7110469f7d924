"""Markdown tables of result files, and their place in a README: between `<!-- name -->` and `<!-- end name -->`."""

import collections
import json

from depth_tf.runtime.errors import InputError

COLUMNS = {"abs_rel": "AbsRel", "rmse_m": "RMSE m", "log10": "log10", "delta1": "delta1", "delta2": "delta2"}
NAMES = {"nyu_depth_v2": "NYU Depth V2", "synthetic_rooms": "Synthetic rooms"}


def replace_section(text: str, name: str, content: str) -> str:
    """Returns `text` with what stands between `<!-- name -->` and `<!-- end name -->` replaced."""
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    if start not in text or end not in text:
        raise InputError(f"README.md has no section {start} ... {end}: put the two lines back")
    head, rest = text.split(start, 1)
    return f"{head}{start}\n{content}\n{end}{rest.split(end, 1)[1]}"


def results_tables(results: list[dict]) -> str:
    """Returns one table per data set, split and protocol, *aligned* last; the best AbsRel stands first."""
    groups = collections.defaultdict(list)
    for result in results:
        groups[(result["dataset"], result["split"], result["num_images"], result["protocol"]["name"])].append(result)
    ordered = sorted(groups, key=lambda key: (key[-1] == "aligned", key))
    return "\n\n".join(_results_table(key, groups[key]) for key in ordered)


def markdown(columns: list[str], rows: list[list[str]]) -> list[str]:
    """Returns the lines of a table."""
    return [f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows)]


def _results_table(key: tuple, group: list[dict]) -> str:
    dataset, split, num_images, protocol = key
    rows = []
    for result in sorted(group, key=lambda result: result["abs_rel"]):
        parameters = f"{result['parameters'] / 1e6:.2f} M" if result["parameters"] else "-"
        where = f"{result['date']}, {result['machine']}"
        rows.append(_row(result["title"], result, result, parameters, where))
    floors = {json.dumps(result["floor"]): result for result in group if result.get("floor")}
    for result in floors.values():
        rows.append(_row("mean depth map (floor)", result, result["floor"], "0", result["date"]))
    title = f"**{NAMES.get(dataset, dataset)}, `{split}` ({num_images} images), protocol *{protocol}***"
    columns = ["method", "trained on", *COLUMNS.values(), "parameters", "measured"]
    return "\n".join([title, "", *markdown(columns, rows)])


def _row(method: str, result: dict, metrics: dict, parameters: str, where: str) -> list[str]:
    trained_on = result.get("trained_on", result["dataset"])
    count = f"{result['num_train_images']:,} images" if result["num_train_images"] else "-"
    figures = [f"{metrics[name]:.3f}" for name in COLUMNS]
    return [method, f"{NAMES.get(trained_on, trained_on)}, {count}", *figures, parameters, where]
