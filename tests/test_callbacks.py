"""The callbacks at work: each changes, stops or records a real (tiny) training run."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from depth_tf import callbacks, optimizers, schedules, train
from depth_tf.callbacks import Diverged, KeepNetwork, StopAtNaN
from depth_tf.data.splits import DepthDataset, Split
from depth_tf.optimizers import EMA_MOMENTUM
from depth_tf.runtime.errors import InputError
from depth_tf.training import logs, panels
from depth_tf.training.progress import AddRate, Progress
from tests.conftest import read_csv
from tests.quick_train import build_quick

EPOCHS = 12
SHOWN = "log10", "delta1"  # what `Progress` prints of the hold-out
PAIR = np.zeros((1, 48, 64, 3), np.uint8), np.ones((1, 48, 64, 1), np.float32)


def _model(optimizer="sgd") -> keras.Model:
    """One weight w, at first 0: predicts w x. Its metrics have the names that the callbacks expect."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    metrics = [keras.metrics.MeanAbsoluteError(name=name) for name in SHOWN]
    model.compile(optimizer, "mse", metrics=metrics, run_eagerly=True)
    return model


def _weight(model: keras.Model) -> float:
    return float(model.get_weights()[0][0, 0])


def _fit(model, *, target, holdout, chosen, epochs=EPOCHS, x=1.0):
    """Trains on the points (x, target), one per step, and judges on (x, holdout)."""
    target = np.float32(target).reshape(-1, 1)
    inputs = np.full_like(target, x)
    return model.fit(
        inputs,
        target,
        batch_size=1,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        validation_data=(np.float32([[x]]), np.float32([[holdout]])),
        callbacks=chosen,
    )


class _Spy(keras.callbacks.Callback):
    """Notes the weight after every step and every epoch."""

    def __init__(self):
        super().__init__()
        self.after_steps, self.after_epochs = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.after_steps.append(_weight(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.after_epochs.append(_weight(self.model))


def _settings(**changes) -> train.Settings:
    quiet = {"tensorboard": False, "panels": False, "global_batch_size": 1, "learning_rate": 0.1}
    return train.Settings(**({"image_height_px": 32, "image_width_px": 64} | quiet | changes))


def _built(settings: train.Settings, workdir, *, epochs: int = EPOCHS) -> list[keras.callbacks.Callback]:
    """The callbacks of a run, as `train` puts them together, but for those that report and keep the state."""
    acting = callbacks.build_callbacks(settings, workdir / "best.keras", epochs=epochs)
    split = Split("train", 1, lambda: tf.data.Dataset.from_tensor_slices(PAIR), None)
    dataset = DepthDataset("made_up", "none", {"train": split, "holdout": split})
    recorded = logs.build_callbacks(settings, dataset, workdir, epochs=epochs, steps=1)
    return [callback for callback in acting + recorded if not isinstance(callback, Progress)]


def test_a_plateau_makes_the_rate_fall_and_history_shows_the_rate_that_each_epoch_had(tmp_path):
    """Inputs of 0 have no gradient, so the hold-out never moves: a cut after every two more epochs."""
    model = _model(keras.optimizers.SGD(0.1))
    built = _built(_settings(schedule="constant", reduce_lr_on_plateau=True), tmp_path)
    _fit(model, target=1.0, holdout=1.0, x=0.0, chosen=built, epochs=7)
    rates = [float(row["learning_rate"]) for row in read_csv(tmp_path / "history.csv")]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.04, 0.04, 0.016, 0.016])
    assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(0.0064)


def test_the_step_schedule_sets_the_rate_of_the_optimizer(tmp_path):
    model = _model(keras.optimizers.SGD(0.1))
    _fit(model, target=1.0, holdout=1.0, chosen=(_built(_settings(schedule="step"), tmp_path)), epochs=12)
    rates = [float(row["learning_rate"]) for row in read_csv(tmp_path / "history.csv")]
    assert rates == pytest.approx([0.1] * 6 + [0.03] * 3 + [0.01] * 2 + [0.003])


def test_a_schedule_objects_rate_is_that_of_the_epochs_last_step(tmp_path):
    """Two steps per epoch: the rates of steps 1 and 3, not what the optimizer will take next."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0, 1, 2], [0.4, 0.3, 0.2, 0.1])
    chosen = [AddRate(), Progress(epochs=2, steps=2, images_per_epoch=2, file=tmp_path / "speed.csv")]
    history = _fit(_model(keras.optimizers.SGD(schedule)), target=[1, 1], holdout=1, chosen=chosen, epochs=2).history
    assert history["learning_rate"] == pytest.approx([0.3, 0.1])
    assert all(speed > 0 for speed in history["images_per_s"])
    for row, speed in zip(read_csv(tmp_path / "speed.csv"), history["images_per_s"], strict=True):
        assert float(row["images_per_s"]) == pytest.approx(speed, abs=0.05)
        assert 2 / float(row["training_s"]) == pytest.approx(speed, rel=0.3)


def test_a_stall_stops_the_run_and_puts_the_best_weights_back(tmp_path):
    """The weight climbs towards 1 while the hold-out wants .5: the run must end soon after passing it."""
    model, spy = _model(keras.optimizers.SGD(0.05)), _Spy()
    built = _built(_settings(schedule="constant", early_stopping=True), tmp_path, epochs=25)
    history = _fit(model, target=1.0, holdout=0.5, chosen=[spy, *built], epochs=25).history
    best = int(np.argmin(history["val_log10"]))
    assert len(history["loss"]) == best + 1 + 5  # a fifth of the epochs is the patience
    assert abs(_weight(model) - 0.5) < 0.06
    assert _weight(model) == pytest.approx(spy.after_epochs[best])
    assert spy.after_epochs[-1] > 0.7


@pytest.mark.parametrize("best_only", [True, False])
def test_the_kept_network_is_the_best_one_by_the_holdout_or_the_last_one_where_there_is_none(tmp_path, best_only):
    """The weight climbs towards 1 past the .5 that the hold-out wants."""
    spy, keep = _Spy(), KeepNetwork(tmp_path / "best.keras", best_only=best_only)
    _fit(_model(keras.optimizers.SGD(0.1)), target=1.0, holdout=0.5, chosen=[spy, keep], epochs=6)
    best = min(spy.after_epochs, key=lambda weight: abs(weight - 0.5))
    assert best != spy.after_epochs[-1]
    expected = best if best_only else spy.after_epochs[-1]
    assert _weight(keras.saving.load_model(tmp_path / "best.keras")) == expected


def test_a_save_that_fails_leaves_the_network_before_it(tmp_path, monkeypatch):
    model = _model(keras.optimizers.SGD(0.05))
    keep = KeepNetwork(tmp_path / "best.keras", best_only=True)
    _fit(model, target=1.0, holdout=1.0, chosen=[keep], epochs=1)
    before = (tmp_path / "best.keras").read_bytes()

    def half_a_save(path, **_):
        with open(path, "wb") as file:
            file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(model, "save", half_a_save)
    with pytest.raises(OSError, match="disk full"):
        _fit(model, target=1.0, holdout=1.0, chosen=[keep], epochs=1)
    assert (tmp_path / "best.keras").read_bytes() == before


def _fit_on_a_stream(model, targets, chosen):
    """One step per epoch, each with the next of the targets."""
    stream = tf.data.Dataset.from_tensor_slices((np.ones((len(targets), 1, 1)), np.reshape(targets, (-1, 1, 1))))
    one = np.ones((1, 1), np.float32)
    with logs.closing_files(chosen):
        model.fit(
            stream,
            steps_per_epoch=1,
            epochs=len(targets),
            shuffle=False,
            verbose=0,
            validation_data=(one, one),
            callbacks=chosen,
        )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_no_number_ends_the_run_and_leaves_the_last_good_network(tmp_path, value):
    model, spy = _model(keras.optimizers.SGD(0.05)), _Spy()
    built = _built(_settings(schedule="constant"), tmp_path)
    with pytest.raises(Diverged, match="the loss became (nan|inf) at step 1 .*try a smaller --learning_rate") as caught:
        _fit_on_a_stream(model, [1.0, 1.0, value, 1.0], [spy, *built])
    assert "\n" not in str(caught.value)
    assert f"{tmp_path / 'best.keras'} holds the last good network" in str(caught.value)
    assert len(read_csv(tmp_path / "history.csv")) == 2
    assert _weight(keras.saving.load_model(tmp_path / "best.keras")) == spy.after_epochs[1]


def test_a_weight_that_is_no_number_ends_the_run_before_it_is_kept(tmp_path):
    """sqrt(0 w) has a finite loss, 0, and a gradient of 0 times infinity."""
    model = _model()
    model.compile("sgd", lambda y_true, y_pred: keras.ops.sqrt(0.0 * y_pred))
    built = [StopAtNaN(tmp_path / "best.keras"), KeepNetwork(tmp_path / "best.keras", best_only=False)]
    with pytest.raises(Diverged, match="a weight .* in epoch 1: .*No epoch had ended yet, so there is no network"):
        _fit_on_a_stream(model, [1.0, 1.0], built)
    assert not (tmp_path / "best.keras").exists()


def test_with_ema_the_averaged_weights_are_judged_and_kept(tmp_path):
    """The average is worked out from the weights of every step; the raw ones are far ahead of it."""
    optimizer = optimizers.build_optimizer("sgd", 0.01, weight_decay=0.0, ema=True)
    model, spy = _model(optimizer), _Spy()
    built = _built(_settings(schedule="constant", ema=True), tmp_path)
    history = _fit(model, target=np.ones(10), holdout=1.0, chosen=[spy, *built], epochs=3).history
    average = spy.after_steps[0]
    for raw in spy.after_steps[1:]:
        average = EMA_MOMENTUM * average + (1 - EMA_MOMENTUM) * raw
    kept = _weight(keras.saving.load_model(tmp_path / "best.keras"))
    assert kept == pytest.approx(average, rel=1e-5)
    assert history["val_log10"][-1] == pytest.approx(1 - average, rel=1e-5)
    assert spy.after_steps[-1] - kept > 0.1


def test_with_ema_a_stalled_run_ends_with_the_best_average(tmp_path, monkeypatch):
    monkeypatch.setattr(optimizers, "EMA_MOMENTUM", 0.8)  # a short memory saves steps
    optimizer = optimizers.build_optimizer("sgd", 0.05, weight_decay=0.0, ema=True)
    model, settings = _model(optimizer), _settings(schedule="constant", ema=True, early_stopping=True)
    built = _built(settings, tmp_path, epochs=20)
    history = _fit(model, target=np.ones(2), holdout=0.3, chosen=built, epochs=20).history
    assert len(history["loss"]) < 20
    assert abs(_weight(model) - 0.3) == pytest.approx(min(history["val_log10"]), rel=1e-4)
    assert _weight(model) == pytest.approx(_weight(keras.saving.load_model(tmp_path / "best.keras")), rel=1e-6)


def test_what_acts_comes_before_what_writes_it_down(tmp_path):
    settings = _settings(schedule="step", ema=True, early_stopping=True, tensorboard=True, panels=True)
    names = [type(callback).__name__ for callback in _built(settings, tmp_path)]
    acting = ["SwapEMAWeights", "LearningRateScheduler", "StopAtNaN", "EarlyStopping", "KeepNetwork"]
    assert names == [*acting, "AddRate", "HistoryFile", "Board", "ForwardGraph", "LambdaCallback", "PredictionPanels"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"ema": True}, keras.callbacks.SwapEMAWeights),
        ({"schedule": "step"}, keras.callbacks.LearningRateScheduler),
        ({"schedule": "plateau"}, keras.callbacks.ReduceLROnPlateau),
        ({"schedule": "constant", "reduce_lr_on_plateau": True}, keras.callbacks.ReduceLROnPlateau),
        ({"early_stopping": True}, keras.callbacks.EarlyStopping),
        ({"tensorboard": True}, keras.callbacks.TensorBoard),
        ({"panels": True}, panels.PredictionPanels),
    ],
)
def test_each_flag_adds_its_callback_once_and_nothing_without_it(tmp_path, changes, kind):
    def count(settings):
        return sum(isinstance(callback, kind) for callback in _built(settings, tmp_path))

    assert (count(_settings()), count(_settings(**changes))) == (0, 1)


@pytest.mark.parametrize("schedule", schedules.OBJECTS)
def test_a_plateau_flag_beside_an_object_is_refused_before_anything_starts(schedule):
    with pytest.raises(InputError, match=f"--reduce_lr_on_plateau cannot cut the rate of --schedule={schedule}"):
        _settings(schedule=schedule, reduce_lr_on_plateau=True)


def test_panels_are_drawn_at_even_distances_and_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(panels, "NUM_PICTURES", 2)
    model = build_quick(32, 32)
    pairs = [(np.full((32, 32, 3), 100, np.uint8), np.full((32, 32, 1), 2.0, np.float32))] * 2
    drawing = panels.PredictionPanels(tmp_path / "panels", pairs, epochs=5)
    drawing.set_model(model)
    for epoch in range(5):
        drawing.on_epoch_end(epoch, {})
    found = sorted(path.name for path in (tmp_path / "panels").iterdir())
    assert found == ["epoch002.png", "epoch004.png", "epoch005.png"]
