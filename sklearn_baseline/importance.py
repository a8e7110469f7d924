"""What a trained model looks at: how much worse it predicts with one kind of cue taken from another image.

    python -m sklearn_baseline.importance --model_file=MODEL --data_dir=DIR --output_dir=OUT

Permutation importance over groups of cues: one kind of cue changes places between images, cell by cell as it is, so
that it still looks like that cue but tells of another image. Leaves OUT/importance.json, importance.md and
importance.png; --readme writes the table into this package's README as well.
"""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
from etils import epy

from depth_tf.drawing import tables
from depth_tf.runtime import atomic_files, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from sklearn_baseline.compare import publish
from sklearn_baseline.dataset import DataSettings, shrunk_pairs
from sklearn_baseline.measure import eigen_metrics

with epy.lazy_imports():
    import matplotlib.figure

    from depth_tf.data import opening, splits
    from depth_tf.scoring import result as result_file
    from sklearn_baseline import estimator, persistence


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to look into; each field is the flag of its name."""

    model_file: str | None = option(None, "model that sklearn_baseline.train wrote", group="what")
    repeats: int = option(3, "permutations of each group", group="what")
    split: str = option("validation", "split", group="what", choices=("holdout", "validation", "test"))
    n_jobs: int = option(2, "images worked on at a time", group="output")
    seed: int = option(0, "seed of the permutations", group="output")
    output_dir: str | None = option(None, "folder for table and figure", group="output")
    readme: bool = option(False, "write the table into sklearn_baseline/README.md too", group="output")

    def __post_init__(self):
        super().__post_init__()
        if not (self.model_file and self.output_dir):
            raise InputError("expected --model_file, what sklearn_baseline.train wrote, and --output_dir")
        if self.repeats < 1:
            raise InputError(f"expected --repeats of 1 or more, got {self.repeats}")


def main(settings: Settings) -> None:
    """Measures, and writes table and figure."""
    model = persistence.load_model(settings.model_file).set_params(n_jobs=settings.n_jobs)
    opened = opening.open_chosen(settings)
    with opening.naming_bad_records(opened):
        measured = permutation_importance(
            model, opened.split(settings.split), repeats=settings.repeats, seed=settings.seed
        )
    command = program.without_paths(program.command_line("sklearn_baseline.importance"))
    described = result_file.describe(opened, settings.split, command=command, parameters=None)
    write(pathlib.Path(settings.output_dir), {**measured, **described}, readme=settings.readme)


def permutation_importance(model: estimator.DepthRegressor, split: splits.Split, *, repeats: int, seed: int) -> dict:
    """Returns delta1 and AbsRel (*eigen*) as they are, and for each group of cues the mean and spread of their loss.

    Args:
      model: fitted.
      split: what to score on, two images at least.
      repeats: permutations of each group.
      seed: of the permutations.
    """
    images, truths_m = zip(*shrunk_pairs(split), strict=True)
    cues = model.describe(np.stack(images))
    base = eigen_metrics(model.predict_log_depth(cues), truths_m)
    rng = np.random.default_rng(seed)
    rows = []
    for name, channels in model.cues_.groups().items():
        losses = []
        for _ in range(repeats):
            mixed = cues.copy()
            mixed[..., channels] = cues[:, derangement(rng, len(images))][..., channels]
            found = eigen_metrics(model.predict_log_depth(mixed), truths_m)
            losses.append((base["delta1"] - found["delta1"], found["abs_rel"] - base["abs_rel"]))
        mean, spread = np.mean(losses, axis=0), np.std(losses, axis=0)
        say(f"{name}: delta1 {-mean[0]:+.3f}")
        names = ("delta1_lost", "abs_rel_gained", "delta1_spread", "abs_rel_spread")
        rows.append({"group": name, **dict(zip(names, map(float, (*mean, *spread)), strict=True))})
    base = {name: base[name] for name in ("delta1", "abs_rel", "num_images")}
    return {**base, "repeats": repeats, "seed": seed, "groups": sorted(rows, key=lambda row: -row["delta1_lost"])}


def derangement(rng: np.random.Generator, count: int) -> np.ndarray:
    """Returns an order of `count` images in which none keeps its place: one turn around a random circle."""
    circle = rng.permutation(count)
    order = np.empty(count, int)
    order[circle] = np.roll(circle, 1)
    return order


def write(folder: pathlib.Path, result: dict, *, readme: bool) -> None:
    """Writes importance.json, importance.md and importance.png, and the README's table if asked; prints the table."""
    draw(folder / "importance.png", result)
    publish(folder, "importance", result, table(result), readme=readme)


def table(result: dict) -> str:
    """Returns what each group is worth, as a Markdown table."""
    losses = (("delta1_lost", "delta1_spread"), ("abs_rel_gained", "abs_rel_spread"))
    rows = [
        [row["group"], *(f"{row[mean]:.3f} ± {row[spread]:.3f}" for mean, spread in losses)] for row in result["groups"]
    ]
    dataset = tables.NAMES.get(result["dataset"], result["dataset"])
    lines = [
        tables.markdown(["cues taken from another image", "delta1 lost", "AbsRel gained"], rows),
        "",
        f"{dataset} `{result['split']}`, {result['num_images']} images, protocol *eigen*; without any exchange delta1 "
        f"{result['delta1']:.3f}, AbsRel {result['abs_rel']:.3f}. Mean and standard deviation of {result['repeats']} "
        f"permutations; {result['date']}.",
    ]
    return "\n".join(lines)


def draw(path: pathlib.Path, result: dict) -> None:
    """Draws delta1 lost by group."""
    figure = matplotlib.figure.Figure(figsize=(7, 3), dpi=100, layout="constrained")
    axes = figure.subplots()
    rows = result["groups"][::-1]
    axes.barh(
        [row["group"] for row in rows],
        [row["delta1_lost"] for row in rows],
        xerr=[row["delta1_spread"] for row in rows],
        color="C0",
    )
    axes.set_xlabel(f"delta1 lost, of {result['delta1']:.3f}, when this cue comes from another image")
    with atomic_files.replacing(path) as temporary:
        figure.savefig(temporary, format="png")


if __name__ == "__main__":
    program.run(main, Settings)
