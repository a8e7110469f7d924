"""Learning-rate schedules, in both of Keras's forms.

An *object* inside the optimizer is a function of the step; nothing else may then set the rate. A *callback* sets
a plain number between epochs. Keras refuses the two together, with a TypeError in the middle of a run; here
`--schedule` names one of either form, so they cannot meet.

    constant     neither: the rate stays
    step         callback, LearningRateScheduler: three drops, at 50, 75 and 90 % of the epochs
    plateau      callback, ReduceLROnPlateau: a drop whenever the hold-out stops improving
    exponential  object: the same factor every step, down to 1 %
    cosine       object: warm-up over the first 5 % of steps, then half a cosine down to 1 %
    piecewise    object: warm-up-free drops at 60 and 85 % of the steps
"""

from collections.abc import Callable

import keras

from depth_tf.errors import InputError

FINAL_SHARE = 0.01  # of the peak rate, at the end of a decaying schedule
WARMUP_SHARE = 0.05  # of the steps
MONITOR = "val_abs_rel"  # what early stopping, plateaus and the best network go by: the hold-out's AbsRel
MONITOR_MODE = "min"

Schedule = keras.optimizers.schedules.LearningRateSchedule


def exponential(peak: float, steps: int) -> Schedule:
    """Returns a rate that falls from `peak` by the same factor every step, to 1 % after `steps`."""
    return keras.optimizers.schedules.ExponentialDecay(peak, decay_steps=steps, decay_rate=FINAL_SHARE)


def cosine(peak: float, steps: int) -> Schedule:
    """Returns a linear warm-up to `peak`, then half a cosine to 1 % after `steps`.

    Source: Loshchilov and Hutter 2017 (SGDR), equation 5, without restarts.
    """
    warmup = max(1, round(WARMUP_SHARE * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warmup),
        alpha=FINAL_SHARE,
        warmup_target=peak,
        warmup_steps=warmup,
    )


def piecewise(peak: float, steps: int) -> Schedule:
    """Returns `peak`, a tenth of it after 60 % of the steps, and a hundredth after 85 %."""
    return keras.optimizers.schedules.PiecewiseConstantDecay(
        boundaries=[round(0.6 * steps), round(0.85 * steps)], values=[peak, peak / 10, peak / 100]
    )


def step(peak: float, epochs: int) -> keras.callbacks.Callback:
    """Returns a LearningRateScheduler that drops the rate to 30, 10 and 3 % at 50, 75 and 90 % of the epochs."""

    def rate(epoch: int, _: float) -> float:
        passed = sum(epoch >= share * epochs for share in (0.5, 0.75, 0.9))
        return peak * (1.0, 0.3, 0.1, 0.03)[passed]

    return keras.callbacks.LearningRateScheduler(rate)


def plateau(peak: float, epochs: int) -> keras.callbacks.Callback:
    """Returns a ReduceLROnPlateau that cuts the rate to 40 % once the hold-out stalls for a 15th of the epochs."""
    return keras.callbacks.ReduceLROnPlateau(
        monitor=MONITOR, mode=MONITOR_MODE, factor=0.4, patience=max(2, epochs // 15), min_lr=peak * FINAL_SHARE
    )


OBJECTS: dict[str, Callable[[float, int], Schedule]] = {
    "exponential": exponential,
    "cosine": cosine,
    "piecewise": piecewise,
}
CALLBACKS: dict[str, Callable[[float, int], keras.callbacks.Callback]] = {"step": step, "plateau": plateau}
SCHEDULES = ("constant", *CALLBACKS, *OBJECTS)


def learning_rate(name: str, peak: float, *, steps: int) -> float | Schedule:
    """Returns what to build the optimizer with: a schedule object, or `peak` where a callback or nothing acts.

    Args:
      name: an entry of `SCHEDULES`.
      peak: the highest rate.
      steps: of the whole run.

    Raises:
      InputError: if the schedule is unknown or the rate not above 0.
    """
    if name not in SCHEDULES:
        raise InputError(f"unknown schedule {name!r}: expected one of {', '.join(SCHEDULES)}")
    if not peak > 0:
        raise InputError(f"expected --learning_rate above 0, got {peak:g}")
    return OBJECTS[name](peak, steps) if name in OBJECTS else peak
