"""The range test: what it notes, when it ends and what it suggests."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from depth_tf import range_test
from depth_tf.runtime.errors import InputError
from tests.conftest import read_csv

PEAK = 0.5


def test_the_suggested_rate_is_where_the_loss_reaches_its_bottom_not_where_it_leaves_it():
    """The loss falls to 1 at a rate of 1e-3, stays there for a factor of 100, and rises: smoothed, it is late."""
    rates = np.geomspace(1e-6, 1, 1200)
    losses = 1 + 0.1 * np.maximum(0, -3 - np.log10(rates)) + np.maximum(0, np.log10(rates) + 1)
    mean = range_test.LossByRate()
    suggested = range_test.suggest_rate(rates, [mean.smoothed(loss) for loss in losses])
    assert 0.5e-3 < suggested < 4e-3


def test_smoothing_leaves_a_constant_as_it_is_and_forgets_slowly():
    mean = range_test.LossByRate()
    assert [mean.smoothed(3.0) for _ in range(500)] == pytest.approx([3.0] * 500)
    assert mean.smoothed(4.0) == pytest.approx(4.0 - range_test.SMOOTHING, rel=1e-6)


def test_the_rate_grows_from_a_thousandth_to_a_hundred_times_the_peak():
    rate = range_test.growing(PEAK, 1000)
    assert [float(rate(step)) / PEAK for step in (0, 600, 1000)] == pytest.approx([1e-3, 1.0, 100.0], rel=1e-3)


def _range_test(workdir, *, target: np.ndarray, steps: int) -> list[dict]:
    """Runs a range test of one weight w, which starts at 0 and has loss (w - target)^2, at batch size 1."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(range_test.growing(PEAK, steps)), "mse")
    ones = np.ones((len(target), 1), np.float32)
    noted = range_test.LossByRate()
    callback = noted.callback(model, steps=len(target))
    model.fit(ones, target[:, None], 1, epochs=steps // len(target), shuffle=False, verbose=0, callbacks=[callback])
    range_test.report(workdir, noted)
    return read_csv(workdir / "range_test.csv")


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
    rows = _range_test(tmp_path, target=np.tile(np.float32([1.0, 0.8, 1.2, 0.9]), 25), steps=400)
    assert len(rows) < 400
    assert 0.3 < float(rows[-1]["learning_rate"]) < 5  # SGD on this bowl overshoots from .5 and is unstable from 1
    suggested = json.loads((tmp_path / "range_test.json").read_text())["suggested_learning_rate"]
    assert 0.01 < suggested < 1
    assert f"try --learning_rate={suggested:.2g}" in capsys.readouterr().out
    assert (tmp_path / "range_test.png").read_bytes().startswith(b"\x89PNG")


def test_a_test_is_long_enough_whatever_the_number_of_images():
    settings = range_test.Settings(global_batch_size=16)
    assert range_test.plan(settings, num_images=1600) == (range_test.STEPS // 100, 100)
    assert range_test.plan(settings, num_images=100_000) == (1, 6250)


def test_the_program_leaves_its_report_and_no_network(tiny_settings, tmp_path, capsys):
    flags = {**dataclasses.asdict(tiny_settings), "epochs": 4, "steps_per_epoch": 20, "workdir": str(tmp_path / "run")}
    range_test.main(range_test.Settings(**flags))
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"range_test.csv", "range_test.json", "range_test.png", "flags.txt"} < left
    assert not {"best.keras", "metrics.json", "state"} & left
    assert 50 < len(read_csv(tmp_path / "run" / "range_test.csv")) <= 4 * 19
    assert "range test: try --learning_rate=" in capsys.readouterr().out


def test_several_machines_are_refused(tmp_path):
    with pytest.raises(InputError, match="for one process: expected another --strategy"):
        range_test.Settings(strategy="multi_worker", dataset="folder", workdir=str(tmp_path), normalization="group")
