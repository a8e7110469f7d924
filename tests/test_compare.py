"""The comparison: its grid, that it goes on where it was killed, and what it says of its runs."""

import dataclasses
import itertools
import json
import pathlib

import numpy as np
import pytest

from depth_tf import callbacks, compare, optimizers, train
from depth_tf.compare import GRIDS, Settings, cells
from depth_tf.data.opening import open_dataset
from depth_tf.drawing import comparison
from depth_tf.model import NETWORKS
from depth_tf.runtime import atomic_files, run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.saved import load_network
from tests.conftest import read_csv
from tests.quick_train import build_quick


def _weights(workdir) -> list[np.ndarray]:
    return load_network(workdir / "best.keras", size_px=(64, 64)).get_weights()


@pytest.fixture(scope="module", name="compared")
def _compared(tiny_settings, tmp_path_factory):
    """The folder and settings of a grid of two runs like `tiny_settings`'s, killed and begun again.

    When it is begun again, its first run is finished and its second has been killed in its first epoch.
    """
    names = {field.name for field in dataclasses.fields(Settings)} - {"output", "tensorboard"}
    given = {name: value for name, value in dataclasses.asdict(tiny_settings).items() if name in names}
    output = tmp_path_factory.mktemp("grid")
    settings = Settings(**given, output=str(output), optimizers="sgd,adamw", schedules="cosine", seeds="0")
    dataset = open_dataset(settings.dataset, settings.data_dir, validation_fraction=settings.validation_fraction)
    for optimizer, epochs in (("sgd", 3), ("adamw", 1)):
        run = compare.run_settings(settings, optimizer, "cosine", 0)
        run_folder.claim(pathlib.Path(run.workdir), run, data=dataset.describe())
        rows = [
            dict.fromkeys(("val_delta1", "val_loss", "val_log10", "loss", "learning_rate", "training_s"), 0.5)
            for _ in range(epochs)
        ]
        for name in ("history.csv", "speed.csv"):
            atomic_files.write_csv(pathlib.Path(run.workdir) / name, rows)
    (output / "runs" / "sgd-cosine-0" / "metrics.json").write_text("{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(NETWORKS, "small", build_quick)
        patch.setattr("depth_tf.losses.gradient_matching", lambda *_: 0.0)  # which has no flag here
        patch.setattr("depth_tf.scoring.keras_metrics.NETWORK_GRID_METRICS", ("log10", "delta1"))
        patch.setattr("depth_tf.drawing.figures.depth_panels", lambda *_, **__: None)
        compare.main(settings)
    return output, settings


def test_the_full_grid_pairs_every_optimizer_with_every_schedule_that_changes_the_rate():
    grid = cells(Settings(output="x", grid="full"))
    pairs = itertools.product(optimizers.OPTIMIZERS, set(compare.SCHEDULES) - {"constant"})
    assert sorted(grid) == sorted((*pair, seed) for pair in pairs for seed in (0, 1))


def test_flags_replace_parts_of_the_grid():
    assert cells(Settings(output="x", optimizers="sgd", schedules="step,constant", seeds="7")) == [
        ("sgd", "step", 7),
        ("sgd", "constant", 7),
    ]
    assert len(cells(Settings(output="x", optimizers="sgd"))) == len(GRIDS["default"][1].split(",")) * 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"optimizers": "sgd,lion"}, "expected --optimizers of sgd, .* got 'lion'"),
        ({"schedules": "range_test"}, "expected --schedules of constant, .* got 'range_test'"),
        ({"seeds": "0,one"}, "expected --seeds of whole numbers, separated by commas, got 'one'"),
    ],
)
def test_unknown_names_are_refused(flags, message):
    with pytest.raises(InputError, match=message):
        cells(Settings(output="x", **flags))


def test_an_output_and_a_holdout_are_required():
    with pytest.raises(InputError, match="expected --output"):
        Settings()
    with pytest.raises(InputError, match="needs a hold-out"):
        Settings(output="x", validation_fraction=0.0)


def test_a_finished_run_is_left_alone_and_a_killed_one_trained_anew(compared):
    assert (compared[0] / "runs" / "sgd-cosine-0" / "metrics.json").read_text() == "{}"
    rows = read_csv(compared[0] / "runs" / "adamw-cosine-0" / "history.csv")
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]


def test_a_run_of_the_grid_is_the_run_that_train_makes_bit_for_bit(compared, tiny_run):
    """Sharing a process and the decoded images with other runs changes nothing."""
    found, expected = _weights(compared[0] / "runs" / "adamw-cosine-0"), _weights(tiny_run)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_run_is_scored_on_the_holdout(compared):
    metrics = json.loads((compared[0] / "runs" / "adamw-cosine-0" / "metrics.json").read_text())
    assert (metrics["split"], metrics["num_images"]) == ("holdout", 3)


def test_the_result_file_holds_the_curves_of_every_run(compared):
    result = json.loads((compared[0] / "compare.json").read_text())
    assert [(run["optimizer"], run["schedule"], run["seed"]) for run in result["runs"]] == cells(compared[1])
    for run in result["runs"]:
        assert {len(curve) for curve in run["curves"].values()} == {3}
    assert (result["epochs"], result["num_train_images"], result["num_holdout_images"]) == (3, 2, 3)
    assert result["judged_by"] == "val_log10"
    assert all("val_log10" in run["curves"] for run in result["runs"])
    assert (compared[0] / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert (compared[0] / "compare.md").read_text() == comparison.table(result)


def test_a_finished_grid_refuses_another_budget(compared):
    with pytest.raises(InputError, match="was trained with --epochs=3, not 4: use the same flags, or another --output"):
        compare.main(dataclasses.replace(compared[1], epochs=4))


def _run(optimizer: str, schedule: str, seed: int, delta1: list[float], **changes) -> dict:
    """A made-up run of two epochs whose log10 is lowest where delta1 is highest."""
    curves = {
        "val_delta1": delta1,
        "val_loss": [2 - value for value in delta1],
        "val_log10": [1 - value for value in delta1],
        "loss": [1.0, 0.5],
        "learning_rate": [0.1, 0.01],
    }
    run = {"optimizer": optimizer, "schedule": schedule, "seed": seed, "peak_learning_rate": 0.1, "diverged": False}
    return run | {"curves": curves} | changes


def _result(*runs: dict) -> dict:
    budget = {"epochs": 2, "global_batch_size": 16, "image_height_px": 96, "image_width_px": 128, "width": 16}
    counts = {"num_train_images": 100, "num_holdout_images": 10, "training_minutes": 1.0, "judged_by": "val_log10"}
    return {**budget, **counts, "machine": "a machine", "date": "2026-01-01", "runs": list(runs)}


MADE_UP = (
    _run("sgd", "step", 0, [0.50, 0.40]),
    _run("sgd", "step", 1, [0.30, 0.54]),
    _run("sgd", "cosine", 0, [0.20, 0.44]),
    _run("sgd", "cosine", 1, [0.20, 0.46]),
    _run("adam", "step", 0, [0.55, 0.56]),
    _run("adam", "step", 1, [0.10, 0.52]),
    _run("adam", "cosine", 0, [0.60, 0.30], diverged=True),
    _run("adam", "cosine", 1, [0.20, 0.30]),
)


def test_the_table_has_mean_and_half_range_over_seeds_at_each_runs_best_epoch():
    text = comparison.table(_result(*MADE_UP))
    assert "| sgd, 0.1 | 0.520 ± 0.020 | 0.450 ± 0.010 |" in text
    assert "| adam, 0.1 | 0.540 ± 0.020 | diverged |" in text
    assert "| sgd, 0.1 | 1.480 ± 0.020 | 1.550 ± 0.010 |" in text


def test_a_run_counts_with_the_epoch_that_its_own_measure_chose():
    """Later epochs have the lower log10, the first has the lower AbsRel."""
    run = _run("sgd", "step", 0, [0.40, 0.50])
    run["curves"]["val_abs_rel"] = [0.2, 0.3]
    for judged_by, delta1 in (("val_log10", 0.50), ("val_abs_rel", 0.40)):
        result = _result(run) | {"judged_by": judged_by}
        assert comparison.values_at_best(result, ("sgd", "step"), "val_delta1") == [delta1]
        assert f"with the lowest {judged_by}" in comparison.table(result)


def test_the_table_says_which_combinations_the_seeds_cannot_tell_apart():
    """adam with step has .52 to .56, sgd with step .50 to .54: they overlap; sgd with cosine, .44 to .46, does not."""
    assert "Best by delta1: adam with step. Its seeds overlap those of sgd with step." in comparison.table(
        _result(*MADE_UP)
    )
    apart = (MADE_UP[2], MADE_UP[3], MADE_UP[4], MADE_UP[5])
    assert "No other combination's seeds reach its own." in comparison.table(_result(*apart))
    assert "One seed tells nothing of the spread." in comparison.table(_result(MADE_UP[0], MADE_UP[2]))


def test_the_result_file_survives_the_way_through_json():
    result = _result(*MADE_UP)
    assert json.loads(comparison.dump(result)) == result
    assert len(comparison.dump(result).splitlines()) < 40


def test_a_run_that_diverges_is_noted_and_the_grid_goes_on(tmp_path, monkeypatch):
    def diverge(dataset, run, workdir, strategy):
        workdir.mkdir(parents=True)
        raise callbacks.Diverged("the loss became nan")

    monkeypatch.setattr(train, "train_network", diverge)
    run = compare.run_settings(Settings(output=str(tmp_path)), "sgd", "step", 0)
    assert compare.train_one(run, None, None) == "diverged (the loss became nan)"
    assert compare.is_finished(tmp_path / "runs" / "sgd-step-0")


def test_the_legend_covers_no_curve(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(comparison.Figure, "savefig", lambda figure, path: drawn.append(figure) or path.touch())
    comparison.draw(tmp_path / "compare.png", _result(*MADE_UP))
    (figure,) = drawn
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(axes.get_tightbbox()) for axes in figure.axes)


def test_what_rooms_are_worth_is_a_row_and_a_line_for_each_use_of_them(tmp_path):
    runs = [("none", 8, 0.4), ("none", 16, 0.5), ("8,000 first", 16, 0.6), ("8,000 alone", 0, 0.3)]
    about = {"split": "validation", "num_images": 4, "protocol": "eigen", "date": "d", "machine": "m"}
    sizes = {"image_height_px": 96, "image_width_px": 128, "images_seen": 24_000}
    fields = ("rooms", "photographs", "delta1")
    result = about | sizes | {"runs": [dict(zip(fields, run, strict=True)) for run in runs]}
    assert comparison.by_photographs(result).splitlines()[2:5] == [
        "| none | - | 0.400 | 0.500 |",
        "| 8,000 first | - | - | 0.600 |",
        "| 8,000 alone | 0.300 | - | - |",
    ]
    comparison.draw_by_photographs(tmp_path / "worth.png", result)
    assert (tmp_path / "worth.png").read_bytes().startswith(b"\x89PNG")
