"""What a trained model looks at: how much worse it predicts with one kind of cue taken from another image.

    python -m sklearn_baseline.importance --model_file=MODEL --data_dir=DIR --output_dir=OUT

Permutation importance over groups of cues: one kind of cue changes places between images, cell by cell as it is, so
that it still looks like that cue but tells of another image. Leaves OUT/importance.json, importance.md and
importance.png; --readme writes the table into this package's README as well.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from etils import epy

from depth_tf.drawing import tables
from depth_tf.runtime import program
from depth_tf.runtime.program import option, say
from sklearn_baseline.compare import publish
from sklearn_baseline.dataset import SIZE_PX, DataSettings
from sklearn_baseline.measure import eigen_metrics

with epy.lazy_imports():
    import matplotlib.figure

    from depth_tf.data import opening, splits
    from depth_tf.scoring import score
    from sklearn_baseline import estimator, persistence


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to look into; each field is the flag of its name."""

    model_file: str | None = option(None, "model that sklearn_baseline.train wrote", group="what", required=True)
    repeats: int = option(3, "permutations of each group", group="what", least=1)
    split: str = option("validation", "split", group="what", choices=("holdout", "validation", "test"))
    n_jobs: int = option(2, "images worked on at a time", group="output")
    seed: int = option(0, "seed of the permutations", group="output")
    output_dir: str | None = option(None, "folder for table and figure", group="output", required=True)
    readme: bool = option(False, "write the table into sklearn_baseline/README.md too", group="output")


def main(settings: Settings) -> None:
    """Measures, and writes table and figure."""
    model = persistence.load_model(settings.model_file).set_params(n_jobs=settings.n_jobs)
    opened = opening.open_chosen(settings)
    with opening.naming_bad_records(opened):
        split = opened.split(settings.split)
        measured = permutation_importance(model, split, repeats=settings.repeats, seed=settings.seed)
    publish("importance", opened, settings, measured, table, draw)


def permutation_importance(model: estimator.DepthRegressor, split: splits.Split, *, repeats: int, seed: int) -> dict:
    """Returns delta1 and AbsRel (*eigen*) as they are, and for each group of cues the mean and spread of their loss.

    Each group is permuted `repeats` times among the split's images, two at least.
    """
    images, truths_m = zip(*score.scoring_pairs(split, SIZE_PX), strict=True)
    cues = model.describe(np.stack(images))
    base = eigen_metrics(model.predict_log_depth(cues), truths_m)
    rng = np.random.default_rng(seed)
    rows = []
    for name, (field, channels) in model.cues_.groups().items():
        losses = []
        for _ in range(repeats):
            mixed = cues.copy()
            mixed[field][..., channels] = cues[field][:, derangement(rng, len(images))][..., channels]
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
    return np.roll(circle, 1)[np.argsort(circle)]


def table(result: dict) -> str:
    """Returns what each group is worth, as a Markdown table."""
    losses = (("delta1_lost", "delta1_spread"), ("abs_rel_gained", "abs_rel_spread"))
    rows = [
        [row["group"], *(f"{row[mean]:.3f} ± {row[spread]:.3f}" for mean, spread in losses)] for row in result["groups"]
    ]
    dataset = tables.NAMES.get(result["dataset"], result["dataset"])
    return (
        tables.markdown(["cues taken from another image", "delta1 lost", "AbsRel gained"], rows) + "\n\n"
        f"{dataset} `{result['split']}`, {result['num_images']} images, protocol *eigen*; without any exchange delta1 "
        f"{result['delta1']:.3f}, AbsRel {result['abs_rel']:.3f}. Mean and standard deviation of {result['repeats']} "
        f"permutations; {result['date']}."
    )


def draw(result: dict) -> matplotlib.figure.Figure:
    """Returns a figure of delta1 lost by group."""
    figure = matplotlib.figure.Figure(figsize=(7, 3), dpi=100, layout="constrained")
    axes = figure.subplots()
    keys = ("group", "delta1_lost", "delta1_spread")
    groups, lost, spread = ([row[key] for row in result["groups"][::-1]] for key in keys)
    axes.barh(groups, lost, xerr=spread, color="C0")
    axes.set_xlabel(f"delta1 lost, of {result['delta1']:.3f}, when this cue comes from another image")
    return figure


if __name__ == "__main__":
    program.run(main, Settings)
