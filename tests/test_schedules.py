"""The schedules: closed forms, the callbacks' tables, what excludes what, and the range test."""

import csv
import dataclasses
import json

import keras
import numpy as np
import pytest

from depth_tf import range_test, schedules
from depth_tf.data import splits
from depth_tf.runtime.errors import InputError
from depth_tf.schedules import CALLBACKS, OBJECTS, PLOT_STEPS, SCHEDULES
from depth_tf.training import rate_finder, stages

PEAK = 0.5


def _rate(name: str, step: float, *, steps: int = 1000) -> float:
    return float(schedules.learning_rate(name, PEAK, steps=steps)(step))


def _by_epoch(name: str, holdout: list[float]) -> np.ndarray:
    found = schedules.rates(name, peak=PEAK, epochs=len(holdout), holdout=np.array(holdout))
    return found.reshape(len(holdout), PLOT_STEPS)[:, 0] / PEAK


@pytest.mark.parametrize(
    ("name", "step", "share"),
    [
        ("exponential", 0, 1.0),
        ("exponential", 500, 0.1),
        ("exponential", 1000, 0.01),
        ("cosine", 0, 0.0),
        ("cosine", 25, 0.5),
        ("cosine", 50, 1.0),
        ("cosine", 525, (1 + 0.01) / 2),
        ("cosine", 1000, 0.01),
        ("piecewise", 0, 1.0),
        ("piecewise", 600, 1.0),
        ("piecewise", 601, 0.1),
        ("piecewise", 851, 0.01),
    ],
)
def test_an_object_follows_its_closed_form(name, step, share):
    assert _rate(name, step) == pytest.approx(PEAK * share, rel=1e-4)


def test_step_follows_its_table_whatever_the_holdout_does():
    expected = [1, 1, 1, 1, 1, 0.3, 0.3, 0.3, 0.1, 0.03]
    assert _by_epoch("step", [1.0] * 10) == pytest.approx(expected)
    assert _by_epoch("step", list(np.linspace(1, 0, 10))) == pytest.approx(expected)


def test_plateau_cuts_after_two_epochs_without_a_better_holdout_and_never_while_it_improves():
    assert _by_epoch("plateau", [0.5] * 7) == pytest.approx([1, 1, 1, 0.4, 0.4, 0.16, 0.16])
    assert _by_epoch("plateau", list(np.linspace(1, 0.1, 12))) == pytest.approx(np.ones(12))


def test_plateau_stops_cutting_at_a_hundredth():
    assert _by_epoch("plateau", [0.5] * 15)[-1] == pytest.approx(0.01)


def test_constant_stays():
    assert _by_epoch("constant", [0.5] * 5) == pytest.approx(np.ones(5))


def test_the_two_forms_share_no_name_and_keras_refuses_them_together():
    """The TypeError that `--schedule` and `check_plateau` keep out of the middle of a run."""
    assert not OBJECTS.keys() & CALLBACKS.keys()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(schedules.cosine(PEAK, 10)), "mse")
    with pytest.raises(TypeError, match="not settable"):
        model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0, callbacks=[schedules.step(PEAK, 1, "val_log10")])


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in ("constant", "plateau")])
def test_reduce_lr_on_plateau_is_refused_where_something_else_sets_the_rate(name):
    form = "object inside the optimizer" if name in OBJECTS else "callback that sets the rate every epoch"
    with pytest.raises(InputError, match=f"--schedule={name}, an? {form}: expected --schedule=constant") as caught:
        schedules.check_plateau(name, reduce_lr_on_plateau=True)
    assert "\n" not in str(caught.value)


def test_reduce_lr_on_plateau_goes_with_a_constant_rate_and_its_absence_with_all():
    schedules.check_plateau("constant", reduce_lr_on_plateau=True)
    for name in SCHEDULES:
        schedules.check_plateau(name, reduce_lr_on_plateau=False)


def test_an_unknown_schedule_is_refused_with_the_choices():
    with pytest.raises(InputError, match="unknown schedule 'poly': expected one of constant, step, plateau, exp"):
        schedules.learning_rate("poly", PEAK, steps=10)


def test_the_plot_is_written_and_bad_numbers_are_refused(tmp_path):
    schedules.main(schedules.Settings(plot=str(tmp_path / "rates.png"), epochs=4))
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="--epochs of 1 or more"):
        schedules.main(schedules.Settings(plot=str(tmp_path / "none.png"), epochs=0))
    assert not (tmp_path / "none.png").exists()


def test_the_suggested_rate_is_where_the_loss_reaches_its_bottom_not_where_it_leaves_it():
    """The loss falls to 1 at a rate of 1e-3, stays there for a factor of 100, and rises: smoothed, it is late."""
    rates = np.geomspace(1e-6, 1, 1200)
    losses = 1 + 0.1 * np.maximum(0, -3 - np.log10(rates)) + np.maximum(0, np.log10(rates) + 1)
    mean = rate_finder.FadingMean()
    suggested = rate_finder.suggest_rate(rates, [mean.add(loss) for loss in losses])
    assert 0.5e-3 < suggested < 4e-3


def test_smoothing_leaves_a_constant_as_it_is_and_forgets_slowly():
    mean = rate_finder.FadingMean()
    assert [mean.add(3.0) for _ in range(500)] == pytest.approx([3.0] * 500)
    assert mean.add(4.0) == pytest.approx(4.0 - rate_finder.SMOOTHING, rel=1e-6)


def _range_test(workdir, *, target: np.ndarray, steps: int) -> list[dict]:
    """Runs a range test of one weight w, which starts at 0 and has loss (w - target)^2, at batch size 1."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(rate_finder.growing_rate(PEAK, steps)), "mse")
    ones = np.ones((len(target), 1), np.float32)
    epochs = steps // len(target)
    callback = rate_finder.RangeTest(workdir)
    model.fit(ones, target[:, np.newaxis], 1, epochs=epochs, shuffle=False, verbose=0, callbacks=[callback])
    with open(workdir / "range_test.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_range_test_notes_each_steps_own_loss_at_its_own_rate(tmp_path):
    """Not the epoch's running mean, which is all that Keras hands to callbacks: the loop by hand gives the same.

    The last step of every four is left out.
    """
    target = np.array([1.0, -2.0, 0.5, 3.0], np.float32)
    rows = _range_test(tmp_path, target=target, steps=40)
    weight, expected = 0.0, []
    for step in range(40):
        rate, error = PEAK * 1e-3 * 1e5 ** (step / 40), weight - target[step % 4]
        expected += [(rate, error**2)] if step % 4 < 3 else []
        weight -= rate * 2 * error
    for row, (rate, loss) in zip(rows, expected, strict=False):
        assert float(row["learning_rate"]) == pytest.approx(rate, rel=1e-4)
        assert float(row["loss"]) == pytest.approx(loss, rel=1e-3, abs=1e-4)
    assert len(rows) >= 20


def test_a_range_test_ends_once_the_loss_has_risen_and_says_what_to_try(tmp_path, capsys):
    rows = _range_test(tmp_path, target=np.array([1.0, 0.8, 1.2, 0.9], np.float32), steps=400)
    assert len(rows) < 400
    assert 0.3 < float(rows[-1]["learning_rate"]) < 5  # SGD on this bowl overshoots from .5 and is unstable from 1
    suggested = json.loads((tmp_path / "range_test.json").read_text())["suggested_learning_rate"]
    assert 0.01 < suggested < 1
    assert f"try --learning_rate={suggested:.2g}" in capsys.readouterr().out
    assert (tmp_path / "range_test.png").read_bytes().startswith(b"\x89PNG")


def test_a_range_test_leaves_its_report_and_neither_network_nor_score(tiny_settings, tmp_path):
    settings = dataclasses.replace(tiny_settings, epochs=2, workdir=str(tmp_path / "range"))
    found = range_test.find_rate(settings)
    assert found["steps"] == 2  # the last step of each epoch is left out
    assert json.loads((tmp_path / "range" / "range_test.json").read_text()) == found
    assert not {"best.keras", "metrics.json"} & {path.name for path in (tmp_path / "range").iterdir()}


def test_a_range_test_is_long_enough_whatever_the_data_set(tiny_settings):
    settings = dataclasses.replace(tiny_settings, epochs=None, global_batch_size=16)
    for num_images, expected in ((1600, (8, 100)), (100_000, (1, 6250))):
        dataset = splits.DepthDataset("nyu", "made-up", {"train": splits.Split("train", num_images, None, None)})
        plan = stages.plan(settings, dataset, default_steps=rate_finder.STEPS)
        assert (plan.epochs, plan.steps) == expected
