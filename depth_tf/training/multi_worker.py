"""Lets Keras's own `fit` train on several machines, which Keras 3.15 does not (keras-team/keras#20585).

Two private functions of it stand in the way: one reduces the logs of a step over an axis that they do not have, the
other builds the network from a batch that it reduces over the machines. Both are replaced while a run lasts.
"""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf
from keras.src.backend.tensorflow import trainer

from depth_tf.runtime.errors import Interrupted
from depth_tf.training import distribute

LOST = (  # what TensorFlow raises where another worker has gone
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.InternalError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)


@contextlib.contextmanager
def fit_enabled(network: keras.Model, batches: tf.data.Dataset | tf.distribute.DistributedDataset) -> Iterator[None]:
    """Makes `network.fit(batches)` work inside the block if the network's strategy spans several machines.

    Raises:
      Interrupted: if another worker is lost.
    """
    strategy = network.distribute_strategy
    if not distribute.is_multi_worker(strategy):
        yield
        return

    def mean_over_devices(values, strategy, reduction):
        return tf.nest.map_structure(lambda value: strategy.reduce("MEAN", value, axis=None), values)

    replaced, trainer.reduce_per_replica = trainer.reduce_per_replica, mean_over_devices
    with strategy.scope():
        specs = tf.nest.map_structure(distribute.spec_of_device, batches.element_spec)
        network._symbolic_build(data_batch=tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), specs))
    network._maybe_symbolic_build = lambda **_: None  # it is built
    try:
        with naming_lost_workers("they continue after the last epoch"):
            yield
    finally:
        trainer.reduce_per_replica = replaced
        del network._maybe_symbolic_build


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns once every worker has come here; raises Interrupted if another worker is lost before."""
    if distribute.is_multi_worker(strategy):
        with naming_lost_workers("they end as if nothing had happened"):
            mean_over_workers(strategy, 0.0)


def check_same_start(strategy: tf.distribute.Strategy, epochs_done: int) -> None:
    """Raises ValueError unless all workers continue from the same epoch."""
    if not distribute.is_multi_worker(strategy):
        return
    if abs(mean_over_workers(strategy, epochs_done) - epochs_done) > 1e-3:
        raise ValueError(
            f"this worker would continue after epoch {epochs_done}, others elsewhere: expected one --workdir for all"
        )


def mean_over_workers(strategy: tf.distribute.Strategy, own: float) -> float:
    """Returns the mean of a number over all devices."""

    @tf.function(jit_compile=False)
    def mean():
        return strategy.reduce("MEAN", strategy.run(lambda: tf.constant(float(own))), axis=None)

    return float(mean())


@contextlib.contextmanager
def naming_lost_workers(then: str) -> Iterator[None]:
    """Turns TensorFlow's errors about a lost worker into one line."""
    try:
        yield
    except LOST as error:
        raise Interrupted(
            f"another worker is lost ({type(error).__name__}: {error.message.splitlines()[0][:200]}); start all "
            f"workers again with the same commands, and {then}"
        ) from error
