"""The optimizers, each with a learning rate and a weight decay that work here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from etils import epy

from depth_tf import encoders
from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import keras

CLIP_NORM = 1.0  # of the whole gradient: one odd batch must not undo an epoch
NO_DECAY = ("bias", "gamma", "beta")  # shifts and scales: pulling them to 0 does not make a network simpler
# of the rate, for what was trained on ImageNet; with one rate for all layers, 1e-3, delta1 was .55 instead of .66
PRETRAINED_SHARE = 0.1
EMA_MOMENTUM = 0.99  # of the averaged weights: they remember about 100 steps


@dataclasses.dataclass(frozen=True)
class Recipe:
    """An optimizer and its defaults."""

    # takes Keras's optimizer arguments; a function rather than the class, so that no table waits for Keras
    build: Callable[..., keras.optimizers.Optimizer]
    learning_rate: float  # default peak rate, found on scenes held out of `train`, batch 16
    weight_decay: float  # default decoupled decay per step, as a multiple of the learning rate


def _nesterov(**arguments) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(momentum=0.9, nesterov=True, **arguments)


OPTIMIZERS: dict[str, Recipe] = {
    "sgd": Recipe(_nesterov, learning_rate=0.1, weight_decay=1e-3),
    "adam": Recipe(lambda **arguments: keras.optimizers.Adam(**arguments), learning_rate=2e-3, weight_decay=0.0),
    "rmsprop": Recipe(lambda **arguments: keras.optimizers.RMSprop(**arguments), learning_rate=3e-3, weight_decay=0.0),
    "adamw": Recipe(lambda **arguments: keras.optimizers.AdamW(**arguments), learning_rate=2e-3, weight_decay=1e-2),
}


def recipe(name: str) -> Recipe:
    """Returns an optimizer with its defaults; raises InputError if there is none of that name."""
    if name not in OPTIMIZERS:
        raise InputError(f"unknown optimizer {name!r}: expected one of {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[name]


def build_optimizer(
    name: str,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    *,
    weight_decay: float | None = None,
    ema: bool = False,
    network: keras.Model | None = None,
) -> keras.optimizers.Optimizer:
    """Builds an optimizer.

    Args:
      name: a key of `OPTIMIZERS`.
      learning_rate: a number, which callbacks may then change, or a schedule object, which nothing else may.
      weight_decay: decoupled decay of convolution kernels; None takes the optimizer's own default.
      ema: keep an exponential moving average of the weights; `callbacks.build_callbacks` puts it to use.
      network: what it will train; pretrained layers then learn at a tenth of the rate.

    Raises:
      InputError: if the name is unknown or a number is out of range.
    """
    chosen = recipe(name)
    if not callable(learning_rate) and not learning_rate > 0:
        raise InputError(f"expected --learning_rate above 0, got {learning_rate:g}")
    decay = chosen.weight_decay if weight_decay is None else weight_decay
    if decay < 0:
        raise InputError(f"expected --weight_decay of 0 or more, got {decay:g}")
    optimizer = chosen.build(
        learning_rate=learning_rate,
        weight_decay=decay,
        global_clipnorm=CLIP_NORM,
        use_ema=ema,
        ema_momentum=EMA_MOMENTUM,
    )
    if decay:
        optimizer.exclude_from_weight_decay(var_names=list(NO_DECAY))
    if network is not None:
        _slow_pretrained(optimizer, network)
    return optimizer


def _slow_pretrained(optimizer: keras.optimizers.Optimizer, network: keras.Model) -> None:
    """Makes the optimizer train the layers of a pretrained encoder at a tenth of the rate; their decay stays."""
    layers = [layer for layer in network.layers if layer.name.startswith(encoders.PRETRAINED)]
    slow = {optimizer._var_key(variable) for layer in layers for variable in layer.trainable_variables}
    update_step = optimizer.update_step

    def slower(gradient, variable, rate):
        update_step(gradient, variable, PRETRAINED_SHARE * rate if optimizer._var_key(variable) in slow else rate)

    optimizer.update_step = slower
