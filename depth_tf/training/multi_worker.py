"""What lets `network.fit` train on several machines, which Keras 3 does not support (keras-team/keras#20585).

Two private functions of Keras 3.15 stand in the way; while `fit_made_to_work` lasts, others take their place. Every
worker runs `fit` in step with the rest; each has its own rows of every batch.
"""

import contextlib
from collections.abc import Iterator
from unittest import mock

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
def fit_made_to_work(network: keras.Model, *, initial_epoch: int) -> Iterator[None]:
    """While the block runs, `network.fit` works under a MultiWorkerMirroredStrategy; other networks are left alone.

    Args:
      network: compiled in the strategy's scope.
      initial_epoch: the number of epochs that are done, which must be the same on all workers.

    Raises:
      Interrupted: if another worker is lost, or would go on from another epoch.
    """
    strategy = network.distribute_strategy
    if not distribute.is_multi_worker(strategy):
        yield
        return

    def reduce(values, strategy, reduction):  # Keras's own asks for axis=0 of scalars
        return keras.tree.map_structure(lambda value: strategy.reduce("MEAN", value, axis=None), values)

    def build(self, iterator=None, data_batch=None):  # Keras's own takes a batch from all workers, every epoch
        image, depth_m = (tf.zeros((1, *shape[1:])) for shape in (self.input_shape, self.output_shape))
        with strategy.scope():
            self._symbolic_build(data_batch=(image, depth_m, tf.ones(1)))

    with (
        mock.patch.object(trainer, "reduce_per_replica", reduce),
        mock.patch.object(trainer.TensorFlowTrainer, "_maybe_symbolic_build", build),
        _naming_a_lost_worker(),
    ):
        _check_same_start(strategy, initial_epoch)
        yield


def own_rows(strategy: tf.distribute.Strategy, batches: tf.data.Dataset):
    """Returns this worker's batches in the form that `fit` hands to its devices as they are."""
    return strategy.distribute_datasets_from_function(lambda _: batches)


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns once every worker has come here; raises Interrupted if another worker is lost before."""
    with _naming_a_lost_worker():
        _mean_over_workers(strategy, 0.0)


@contextlib.contextmanager
def _naming_a_lost_worker() -> Iterator[None]:
    try:
        yield
    except LOST as error:
        raise Interrupted(
            f"another worker is lost ({type(error).__name__}: {error.message.splitlines()[0][:200]}); start all "
            "workers again with the same commands, and they go on after the last epoch"
        ) from error


def _check_same_start(strategy: tf.distribute.Strategy, initial_epoch: int) -> None:
    if abs(_mean_over_workers(strategy, initial_epoch) - initial_epoch) > 1e-3:
        raise Interrupted(
            f"this worker would go on after epoch {initial_epoch}, others elsewhere: expected one --workdir for all; "
            "if it is one, start all workers again"
        )


def _mean_over_workers(strategy: tf.distribute.Strategy, own: float) -> float:
    @tf.function(jit_compile=False)
    def mean():
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, strategy.run(lambda: tf.constant(float(own))), axis=None)

    return float(mean())
