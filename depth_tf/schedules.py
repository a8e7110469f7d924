"""Learning-rate schedules, in both of Keras's forms.

An *object* inside the optimizer is a function of the step; nothing else may then set the rate. A *callback* sets
a plain number between epochs. Keras refuses the two together, with a TypeError in the middle of a run; here
`--schedule` names one of either form, so they cannot meet.

    constant     neither: the rate stays
    step         callback, LearningRateScheduler: three drops, at 50, 75 and 90 % of the epochs
    plateau      callback, ReduceLROnPlateau: a drop whenever the hold-out stops improving
    exponential  object: the same factor every step, down to 1 %
    cosine       object: warm-up over the first 5 % of steps, then half a cosine down to 1 %
    piecewise    object: drops at 60 and 85 % of the steps

`python -m depth_tf.schedules --plot=schedules.png` draws them all.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable

import numpy as np
from etils import epy

from depth_tf.runtime import atomic_files, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import keras
    from keras.optimizers import schedules as keras_schedules
    from matplotlib import figure as matplotlib_figure

MADE_UP_HOLDOUT = ([0.0, 0.3, 0.5, 0.65, 1.0], [0.2, 0.13, 0.13, 0.1, 0.1])  # share of the run, log10: for the plot
PLOT_STEPS = 20  # per epoch
FINAL_SHARE = 0.01  # of the peak rate, at the end of a decaying schedule
WARMUP_SHARE = 0.05  # of the steps


def cosine(peak: float, steps: int) -> keras_schedules.LearningRateSchedule:
    """Returns a linear warm-up to `peak`, then half a cosine to 1 % (Loshchilov and Hutter 2017, SGDR, equation 5)."""
    warmup = max(1, round(WARMUP_SHARE * steps))
    decay = max(1, steps - warmup)
    return keras_schedules.CosineDecay(0.0, decay, FINAL_SHARE, warmup_target=peak, warmup_steps=warmup)


def piecewise(peak: float, steps: int) -> keras_schedules.LearningRateSchedule:
    """Returns `peak`, a tenth of it after 60 % of the steps, and a hundredth after 85 %."""
    boundaries = [round(0.6 * steps), round(0.85 * steps)]
    return keras_schedules.PiecewiseConstantDecay(boundaries, [peak, peak / 10, peak / 100])


def step(peak: float, epochs: int, _: str) -> keras.callbacks.Callback:
    """Returns a LearningRateScheduler that drops the rate to 30, 10 and 3 % at 50, 75 and 90 % of the epochs."""

    def rate(epoch: int, _: float) -> float:
        passed = sum(epoch >= share * epochs for share in (0.5, 0.75, 0.9))
        return peak * (1.0, 0.3, 0.1, 0.03)[passed]

    return keras.callbacks.LearningRateScheduler(rate)


def plateau(peak: float, epochs: int, monitor: str) -> keras.callbacks.Callback:
    """Returns a ReduceLROnPlateau that cuts the rate to 40 % once `monitor` has not fallen for a 15th of the epochs."""
    patience, min_lr = max(2, epochs // 15), peak * FINAL_SHARE
    return keras.callbacks.ReduceLROnPlateau(monitor, factor=0.4, patience=patience, mode="min", min_lr=min_lr)


OBJECTS: dict[str, Callable[[float, int], keras_schedules.LearningRateSchedule]] = {
    "exponential": lambda peak, steps: keras_schedules.ExponentialDecay(peak, steps, FINAL_SHARE),
    "cosine": cosine,
    "piecewise": piecewise,
}
CALLBACKS: dict[str, Callable[[float, int, str], keras.callbacks.Callback]] = {"step": step, "plateau": plateau}
SCHEDULES = ("constant", *CALLBACKS, *OBJECTS)


def check_plateau(name: str, *, reduce_lr_on_plateau: bool) -> None:
    """Raises InputError if the schedule sets the rate that `--reduce_lr_on_plateau` is to cut."""
    if not reduce_lr_on_plateau or name in ("constant", "plateau"):
        return
    form = "an object inside the optimizer" if name in OBJECTS else "a callback that sets the rate every epoch"
    told = f"--reduce_lr_on_plateau cannot cut the rate of --schedule={name}, {form}"
    raise InputError(f"{told}: expected --schedule=constant")


def learning_rate(name: str, peak: float, *, steps: int) -> float | keras_schedules.LearningRateSchedule:
    """Returns what to build the optimizer with: a schedule object, or `peak` where a callback or nothing acts."""
    if not peak > 0:
        raise InputError(f"expected --learning_rate above 0, got {peak:g}")
    return OBJECTS[name](peak, steps) if name in OBJECTS else peak


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """What to draw; each field is the flag of its name."""

    plot: str = option("schedules.png", "figure to write, PNG")
    epochs: int = option(30, "length of the run that is drawn", least=1)
    learning_rate: float = option(2e-3, "peak rate")


def main(settings: Settings) -> None:
    """Draws every schedule over one run."""
    draw(settings.plot, peak=settings.learning_rate, epochs=settings.epochs)
    say(f"wrote {settings.plot}")


def rates(name: str, *, peak: float, epochs: int, holdout: np.ndarray) -> np.ndarray:
    """Returns the rate of every step, [epochs * PLOT_STEPS], as the schedule object or the callback itself sets it.

    `holdout`, [epochs], is what the hold-out would show, for a callback that looks at it.
    """
    optimizer = keras.optimizers.SGD(learning_rate(name, peak, steps=epochs * PLOT_STEPS))
    callback = CALLBACKS[name](peak, epochs, "holdout") if name in CALLBACKS else keras.callbacks.Callback()
    callback.set_model(types.SimpleNamespace(optimizer=optimizer))
    callback.on_train_begin()
    taken = []
    for epoch, log10 in enumerate(holdout):
        callback.on_epoch_begin(epoch)
        for _ in range(PLOT_STEPS):
            taken.append(float(optimizer.learning_rate.numpy()))
            optimizer.iterations.assign_add(1)
        callback.on_epoch_end(epoch, {"holdout": log10})
    return np.array(taken)


def draw(path: str, *, peak: float, epochs: int) -> None:
    """Draws the rates of all schedules, and below the made-up hold-out that the plateau saw."""
    holdout = np.interp(np.linspace(0, 1, epochs), *MADE_UP_HOLDOUT)
    figure = matplotlib_figure.Figure(figsize=(9.0, 5.5), dpi=110, layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    places = np.arange(epochs * PLOT_STEPS) / PLOT_STEPS
    for name in SCHEDULES:
        form = "object" if name in OBJECTS else "callback" if name in CALLBACKS else "plain number"
        style = "-" if name in OBJECTS else "--"
        above.plot(places, rates(name, peak=peak, epochs=epochs, holdout=holdout), style, label=f"{name} ({form})")
    above.set_yscale("log")
    above.set_ylabel("learning rate")
    above.set_ylim(bottom=1e-3 * peak)
    above.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small")
    below.plot(np.arange(epochs) + 1, holdout, ".-", color="0.4")
    below.set_ylabel("log10")
    below.set_title("the hold-out that plateau was shown (made up)", fontsize="small")
    below.set_xlabel("epoch")
    with atomic_files.replacing(path) as temporary:
        figure.savefig(temporary)


if __name__ == "__main__":
    program.run(main, Settings)
