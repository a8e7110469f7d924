"""The schedules: closed forms, the callbacks' tables, what excludes what."""

import keras
import numpy as np
import pytest

from depth_tf import schedules
from depth_tf.runtime.errors import InputError
from depth_tf.schedules import CALLBACKS, OBJECTS, PLOT_STEPS, SCHEDULES

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
        model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0, callbacks=[schedules.step(PEAK, 1, "val_loss")])


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


def test_the_plot_is_written_and_bad_numbers_are_refused(tmp_path):
    schedules.main(schedules.Settings(plot=str(tmp_path / "rates.png"), epochs=4))
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="--epochs of 1 or more"):
        schedules.main(schedules.Settings(plot=str(tmp_path / "none.png"), epochs=0))
    assert not (tmp_path / "none.png").exists()
