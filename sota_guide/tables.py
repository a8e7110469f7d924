"""Writes the tables of README.md and research.md from models.toml and result files: python -m sota_guide.tables.

--check only says whether they are up to date. A figure that was fitted to the truth never shares a table with one that
was not: each protocol has a table of its own, headed by which of the two it is. The table of small networks alone holds
both, with what was fitted in a column.
"""

import collections
import dataclasses
import json
import math
import pathlib
import tomllib
from collections.abc import Iterator

from depth_tf.drawing.tables import figure as shown
from depth_tf.drawing.tables import markdown, mean_of_seeds, results_tables, training_set, update_readme
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option

HERE = pathlib.Path(__file__).resolve().parent
README, RESEARCH, MODELS, RESULTS = HERE / "README.md", HERE / "research.md", HERE / "models.toml", HERE / "results"
OURS = HERE.parent / "depth_tf" / "results"
IN_README = ("scores", "speed")
SMALL_M = 10  # parameters, in millions, that a small network has at most
# Of depth_tf/results, what stands among the small networks: what its protocol fits to the truth is told by its name.
OUR_SMALL = ("encoder_all*", "small_all*", "official/fastdepth_[ef]*")
FITTED = {"median": "scale, by the median", "aligned": "scale and shift of inverse depth"}
FIGURE_KEYS = {"value", "metric", "dataset", "protocol", "aligned", "source", "read_as", "date"}
FACTS = {  # of the longer table: key in models.toml -> heading
    "parameters_m": "parameters",
    "output": "what comes out",
    "code_licence": "code",
    "weights_licence": "weights",
    "ways": "ways to run it",
    "maintenance": "maintenance",
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Whether to write."""

    check: bool = option(False, "write nothing; fail if a table differs from its data")


def main(settings: Settings) -> None:
    """Brings both pages up to date, or says whether they are."""
    refusal = "differs from its data: expected equal; run python -m sota_guide.tables"
    parts = sections(load_data(), [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))])
    first = {name: parts.pop(name) for name in IN_README}
    for page, of_page in ((README, first), (RESEARCH, parts)):
        update_readme(page, of_page, check=settings.check, refusal=refusal)


def load_data() -> dict:
    """Returns models.toml, checked."""
    data = tomllib.loads(MODELS.read_text(encoding="utf-8"))
    for key, model in data["models"].items():
        _check_references(f"models.toml, {key}", model["sources"], model["read_as"], data)
        for figure in model["figures"]:
            check_figure(key, figure, data)
    return data


def check_figure(model: str, figure: dict, data: dict) -> None:
    """Raises InputError unless a figure has all keys, names what is defined, and agrees with its protocol."""
    where = f"models.toml, {model}: the figure {figure.get('value')}"
    if wrong := figure.keys() ^ FIGURE_KEYS:
        wanted = f"must have the keys {', '.join(sorted(FIGURE_KEYS))}"
        raise InputError(f"{where} {wanted}: missing or too many: {', '.join(sorted(wrong))}")
    _check_references(where, [figure["source"]], figure["read_as"], data)
    protocol = data["protocols"].get(figure["protocol"])
    if not protocol:
        raise InputError(f"{where} names the protocol {figure['protocol']!r}, which [protocols] does not define")
    if figure["metric"] not in protocol["metrics"]:
        raise InputError(f"{where} is of {figure['metric']!r}, expected one of {', '.join(protocol['metrics'])}")
    if figure["aligned"] != protocol["aligned"]:
        raise InputError(f"{where} says aligned = {figure['aligned']}, and its protocol {protocol['aligned']}")


def sections(data: dict, results: list[dict]) -> dict[str, str]:
    """Returns every generated part of both pages by the name of its marks."""
    commits = {key: f", commit {source['commit']}" for key, source in data["sources"].items() if "commit" in source}
    parts = {
        "shortlist": facts_table(data, lambda model: model.get("shortlist", False)),
        "models": facts_table(data, lambda model: model.get("listed", True)),
        "small": small_table(data),
        "scores": results_tables([result for result in results if "abs_rel" in result]),
        "speed": speed_table([result for result in results if "median_s" in result]),
        "sources": "\n".join(
            f"- `{key}`: {source['title']}, <{source['address']}>{commits.get(key, '')}"
            for key, source in data["sources"].items()
        ),
    }
    for name, protocol in data["protocols"].items():
        if "fitted" not in protocol or name == "nyu_small":  # the others stand in the table of small networks alone
            parts[name] = protocol_table(data, name)
        if protocol.get("shortlist", False):
            parts[f"shortlist {name}"] = protocol_table(data, name, shortlist=True)
    return parts


def facts_table(data: dict, chosen) -> str:
    """Returns the facts of the models for which `chosen` is true, one row each."""
    rows = []
    for model in filter(chosen, data["models"].values()):
        facts = model | {"parameters_m": f"{model['parameters_m']:g} M" if "parameters_m" in model else "-"}
        rows.append([facts[key] for key in ("name", *FACTS)] + [f"{model['read_as']}, {_links(model['sources'])}"])
    return markdown(["model", *FACTS.values(), "read as, source"], rows)


def protocol_table(data: dict, name: str, *, shortlist: bool = False) -> str:
    """Returns the figures of one protocol, a row per model, a column per data set, under whether they are aligned."""
    protocol = data["protocols"][name]
    models = [model for model in data["models"].values() if model.get("shortlist") or not shortlist]
    figures_of = [[figure for figure in model["figures"] if figure["protocol"] == name] for model in models]
    datasets = list(dict.fromkeys(figure["dataset"] for figures in figures_of for figure in figures))
    metrics = " / ".join(data["metrics"][metric] for metric in protocol["metrics"])
    kind = "**Aligned to the truth**. " if protocol["aligned"] else "**Not aligned**. "
    kind = "" if protocol.get("plain", False) else kind  # where there is no truth to align to
    rows = []
    for model, figures in zip(models, figures_of, strict=True):
        if figures:
            cells = [_cell(figures, dataset, protocol["metrics"]) for dataset in datasets]
            rows.append([model["name"], *cells, _read(figures)])
    table = markdown(["model", *datasets, "read as, source"], rows)
    return f"{kind}{protocol['title']}: {metrics}.\n\n{table}"


def small_table(data: dict) -> str:
    """Returns the networks of up to `SMALL_M` million parameters on NYU, ours too, in blocks by what is fitted."""
    rows = [*_published_small(data), *_our_small(data)]
    blocks = list(dict.fromkeys(["nothing", *FITTED.values(), *(row[0] for row in rows)]))
    rows.sort(key=lambda row: (blocks.index(row[0]), -row[4]["delta1"]))
    metrics = {name: data["metrics"][name] for name in ("delta1", "abs_rel", "rmse_m")}
    cells = [
        [fitted, name, f"{size_m:.2f} M", learnt, *(shown(values, metric) for metric in metrics), *rest]
        for fitted, name, size_m, learnt, values, *rest in rows
    ]
    headings = ["fitted to the truth", "network", "parameters", "learnt from", *metrics.values()]
    return markdown([*headings, "test images", "read as, source"], cells)


def _published_small(data: dict) -> Iterator[tuple]:
    """Yields what is fitted, name, millions of parameters, what it learnt from, metrics, test images, source."""
    for model in data["models"].values():
        for name, protocol in data["protocols"].items():
            figures = [figure for figure in model["figures"] if figure["protocol"] == name]
            if figures and "fitted" in protocol and model.get("parameters_m", math.inf) <= SMALL_M:
                values = {figure["metric"]: figure["value"] for figure in figures}
                about = protocol["fitted"], model["name"], model["parameters_m"], model["learnt_from"], values
                yield *about, "as published" if name == "nyu_small" else "654, official test", _read(figures)


def _our_small(data: dict) -> Iterator[tuple]:
    protocols = collections.defaultdict(list)
    for path in sorted(path for name in OUR_SMALL for path in OURS.glob(f"{name}.json")):
        result = json.loads(path.read_text()) | {"file": path.relative_to(HERE.parent)}
        if result["protocol"].get("flip", "none") == "none":
            protocols[result["protocol"]["name"]].append(result)
    for protocol, results in protocols.items():
        for result in mean_of_seeds(results):
            where = "official test" if "test_set" in result else "held-out scenes"
            # FastDepth's files do not say how large it is
            size_m = (result["parameters"] or 1e6 * data["models"]["fastdepth"]["parameters_m"]) / 1e6
            about = FITTED.get(protocol, "nothing"), result["title"], size_m, training_set(result), result
            yield *about, f"{result['num_images']}, {where}, *{protocol}*", f"M, `{result['file']}`"


def speed_table(results: list[dict]) -> str:
    """Returns what `sota_guide.speed` measured, one row per file."""
    rows = []
    for result in results:
        model, note = result["model"], f"; {result['note']}" if result["note"] else ""
        memory = f"{result['peak_memory_mib'] / 1024:.1f} GiB {result['peak_memory_of']}"
        figures = f"{result['median_s']:.2f}", f"{result['first_image_s']:.1f}", memory
        size, measured = "{size_px}x{size_px}".format(**model), f"{result['date']}, {result['machine']}{note}"
        rows.append([f"{model['preset']}, {model['library']}", size, *figures, measured])
    return markdown(["network, weights", "size", "median s per image", "first s", "memory", "measured"], rows)


def _check_references(where: str, sources: list[str], read_as: str, data: dict) -> None:
    if unknown := set(sources) - data["sources"].keys():
        raise InputError(f"{where}: source {unknown.pop()!r} is not in [sources]")
    if not sources or read_as not in data["read_as"]:
        raise InputError(f"{where}: expected a source, and read_as of {', '.join(data['read_as'])}")


def _cell(figures: list[dict], dataset: str, metrics: list[str]) -> str:
    values = {figure["metric"]: figure["value"] for figure in figures if figure["dataset"] == dataset}
    return " / ".join(_number(values.get(metric)) for metric in metrics) if values else "-"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) and value < 2 else f"{value:g}"


def _read(figures: list[dict]) -> str:
    read_as = dict.fromkeys(figure["read_as"] for figure in figures)
    return f"{', '.join(read_as)}, {_links(dict.fromkeys(figure['source'] for figure in figures))}"


def _links(sources) -> str:
    return ", ".join(f"`{source}`" for source in sources)


if __name__ == "__main__":
    program.run(main, Settings, tensorflow=False)
