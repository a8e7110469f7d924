"""Where a run computes: one device or many, and in what precision."""

from collections.abc import Callable

import tensorflow as tf

from depth_tf.errors import InputError


def auto_strategy() -> tf.distribute.Strategy:
    """Returns MirroredStrategy where there are several GPUs, else TensorFlow's default of one device."""
    return tf.distribute.MirroredStrategy() if len(tf.config.list_physical_devices("GPU")) > 1 else one_device()


def one_device() -> tf.distribute.Strategy:
    """Returns the strategy of a single device."""
    return tf.distribute.get_strategy()


STRATEGIES: dict[str, Callable[[], tf.distribute.Strategy]] = {
    "auto": auto_strategy,
    "none": one_device,
    "mirrored": tf.distribute.MirroredStrategy,
}


def build_strategy(name: str) -> tf.distribute.Strategy:
    """Returns the strategy called `name`; raises InputError if there is none."""
    if name not in STRATEGIES:
        raise InputError(f"unknown strategy {name!r}: expected one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]()


def compile_with_xla() -> bool:
    """Says whether to compile steps with XLA: on accelerators; on CPU it makes small networks 2-5 times slower."""
    return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))


def make_repeatable() -> None:
    """Makes the same flags give the same weights, bit for bit.

    A CPU's operations repeat as they are; there TensorFlow's switch would only make the pipeline serial, at two
    thirds of the speed.
    """
    if compile_with_xla():
        tf.config.experimental.enable_op_determinism()
