"""Writes the tables of sota_guide/README.md from models.toml and results/: python -m sota_guide.tables.

--check only says whether the README is up to date. A figure that was fitted to the truth never shares a table with
one that was not: each protocol has a table of its own, headed by which of the two it is.
"""

import dataclasses
import json
import pathlib
import tomllib

from depth_tf.drawing.tables import markdown, results_tables, update_readme
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option

HERE = pathlib.Path(__file__).resolve().parent
README, MODELS, RESULTS = HERE / "README.md", HERE / "models.toml", HERE / "results"
FIGURE_KEYS = {"value", "metric", "dataset", "protocol", "aligned", "source", "read_as", "date"}
FACTS = {  # of the longer table: key in models.toml -> heading
    "parameters_m": "parameters",
    "output": "what comes out",
    "code_licence": "code",
    "weights_licence": "weights",
    "ways": "ways to run it",
    "maintenance": "maintenance",
}
NO_SCORES = (
    "None yet: the published weights could not be downloaded where this was written. Copy the `metrics.json` of "
    "`sota_guide.evaluate` to `sota_guide/results/` and run `python -m sota_guide.tables`."
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Whether to write."""

    check: bool = option(False, "write nothing; fail if a table differs from its data")


def main(settings: Settings) -> None:
    """Brings the README up to date, or says whether it is."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    refusal = "differs from its data: expected equal; run python -m sota_guide.tables"
    update_readme(README, sections(load_data(), results), check=settings.check, refusal=refusal)


def load_data() -> dict:
    """Returns models.toml, checked."""
    data = tomllib.loads(MODELS.read_text(encoding="utf-8"))
    for key, model in data["models"].items():
        _check_references(key, model["sources"], model["read_as"], data)
        for figure in model["figures"]:
            check_figure(key, figure, data)
    return data


def check_figure(model: str, figure: dict, data: dict) -> None:
    """Raises InputError unless a figure has all keys, names what is defined, and agrees with its protocol."""
    where = f"models.toml, {model}: the figure {figure.get('value')}"
    if figure.keys() != FIGURE_KEYS:
        raise InputError(
            f"{where} must have the keys {', '.join(sorted(FIGURE_KEYS))}: "
            f"missing or too many: {', '.join(sorted(figure.keys() ^ FIGURE_KEYS))}"
        )
    _check_references(model, [figure["source"]], figure["read_as"], data)
    if figure["protocol"] not in data["protocols"]:
        raise InputError(f"{where} names the protocol {figure['protocol']!r}, which [protocols] does not define")
    protocol = data["protocols"][figure["protocol"]]
    if figure["metric"] not in protocol["metrics"]:
        raise InputError(f"{where} is of {figure['metric']!r}, expected one of {', '.join(protocol['metrics'])}")
    if figure["aligned"] != protocol["aligned"]:
        raise InputError(f"{where} says aligned = {figure['aligned']}, and its protocol {protocol['aligned']}")


def sections(data: dict, results: list[dict]) -> dict[str, str]:
    """Returns every generated part of the README by the name of its marks."""
    scores = [result for result in results if "abs_rel" in result]
    commits = {key: f", commit {source['commit']}" for key, source in data["sources"].items() if "commit" in source}
    parts = {
        "shortlist": facts_table(data, lambda model: model.get("shortlist", False)),
        "models": facts_table(data, lambda model: model.get("listed", True)),
        "scores": results_tables(scores) if scores else NO_SCORES,
        "speed": speed_table([result for result in results if "median_s" in result]),
        "sources": "\n".join(
            f"- `{key}`: {source['title']}, <{source['address']}>{commits.get(key, '')}"
            for key, source in data["sources"].items()
        ),
    }
    for name, protocol in data["protocols"].items():
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
            read_as = ", ".join(dict.fromkeys(figure["read_as"] for figure in figures))
            sources = dict.fromkeys(figure["source"] for figure in figures)
            rows.append([model["name"], *cells, f"{read_as}, {_links(sources)}"])
    table = markdown(["model", *datasets, "read as, source"], rows)
    return f"{kind}{protocol['title']}: {metrics}.\n\n{table}"


def speed_table(results: list[dict]) -> str:
    """Returns what `sota_guide.speed` measured, one row per file."""
    rows = []
    for result in results:
        model, note = result["model"], f"; {result['note']}" if result["note"] else ""
        size, memory = "{size_px}x{size_px}".format(**model), f"{result['peak_memory_mib'] / 1024:.1f} GiB"
        figures = [size, f"{result['median_s']:.2f}", f"{result['first_image_s']:.1f}"]
        figures += [f"{memory} {result['peak_memory_of']}", f"{result['date']}, {result['machine']}{note}"]
        rows.append([f"{model['preset']}, {model['library']}", *figures])
    return markdown(["network, weights", "size", "median s per image", "first s", "memory", "measured"], rows)


def _check_references(model: str, sources: list[str], read_as: str, data: dict) -> None:
    for source in sources:
        if source not in data["sources"]:
            raise InputError(f"models.toml, {model}: source {source!r} is not in [sources]")
    if not sources or read_as not in data["read_as"]:
        raise InputError(f"models.toml, {model}: expected a source, and read_as of {', '.join(data['read_as'])}")


def _cell(figures: list[dict], dataset: str, metrics: list[str]) -> str:
    values = {figure["metric"]: figure["value"] for figure in figures if figure["dataset"] == dataset}
    return " / ".join(_number(values.get(metric)) for metric in metrics) if values else "-"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) and value < 2 else f"{value:g}"


def _links(sources) -> str:
    return ", ".join(f"`{source}`" for source in sources)


if __name__ == "__main__":
    program.run(main, Settings, tensorflow=False)
