"""`fit` for several machines, which Keras 3's own does not do (keras-team/keras#20585).

A loop over `strategy.run` drives the same network, pipeline, metrics and callbacks, and calls the callbacks as
Keras does. Every worker runs it in step with the others; each has its own rows of every batch.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from depth_tf.runtime.errors import Interrupted

LOST = (  # what TensorFlow raises where another worker has gone
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.InternalError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)


def fit(
    network: keras.Model,
    batches: tf.data.Dataset,
    *,
    initial_epoch: int,
    epochs: int,
    steps_per_epoch: int,
    validation_data: tf.data.Dataset | None,
    callbacks: Sequence[keras.callbacks.Callback],
    shuffle: bool = False,
    verbose: int = 0,
) -> None:
    """Trains `network`, compiled in the scope of a MultiWorkerMirroredStrategy, as `keras.Model.fit` would.

    Args:
      network: the network.
      batches: this worker's rows of the steps that are left, with a weight for each image.
      initial_epoch: epochs that are done.
      epochs: epoch to stop before.
      steps_per_epoch: batches an epoch.
      validation_data: this worker's rows of the hold-out, or None.
      callbacks: in order.
      shuffle: must be False, as everywhere here: the pipeline has its own order.
      verbose: must be 0: `callbacks` report.

    Raises:
      Interrupted: if another worker is lost.
    """
    if shuffle or verbose:
        raise ValueError("expected shuffle=False and verbose=0: the pipeline orders, the callbacks report")
    strategy = network.distribute_strategy
    with strategy.scope():
        network._symbolic_build(data_batch=tuple(map(_zeros, batches.element_spec)))  # as Keras's `fit` does
    listed = keras.callbacks.CallbackList(list(callbacks), model=network, epochs=epochs, steps=steps_per_epoch)
    network.stop_training = False
    try:
        training = iter(_distributed(strategy, batches))
        judged = validation_data and _distributed(strategy, validation_data)
        train_step, test_step = _step(network, network.train_step), _step(network, network.test_step)
        _check_same_start(strategy, initial_epoch)
        listed.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            logs = _train(network, listed, train_step, training, epoch, steps_per_epoch)
            if judged is not None:
                logs |= {f"val_{name}": value for name, value in _test(network, listed, test_step, judged).items()}
            listed.on_epoch_end(epoch, logs)
            if network.stop_training:
                break
        network.optimizer.finalize_variable_values(network.trainable_weights)
        listed.on_train_end()
    except LOST as error:
        raise Interrupted(
            f"another worker is lost ({type(error).__name__}: {error.message.splitlines()[0][:200]}); start all "
            "workers again with the same commands, and they go on after the last epoch"
        ) from error


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns once every worker has come here.

    Raises:
      Interrupted: if another worker is lost before.
    """
    try:
        _mean_over_workers(strategy, 0.0)
    except LOST as error:
        raise Interrupted("another worker is lost; start all workers again with the same commands") from error


def _train(network, listed, step, batches, epoch: int, steps: int) -> dict[str, float]:
    network.reset_metrics()
    listed.on_epoch_begin(epoch)
    for place in range(steps):
        listed.on_train_batch_begin(place)
        loss = step(next(batches))
        listed.on_train_batch_end(place, {"loss": float(loss)})
        if network.stop_training:
            break
    return _results(network)


def _test(network, listed, step, batches) -> dict[str, float]:
    network.reset_metrics()
    listed.on_test_begin()
    for place, batch in enumerate(batches):
        listed.on_test_batch_begin(place)
        loss = step(batch)
        listed.on_test_batch_end(place, {"loss": float(loss)})
    logs = _results(network)
    listed.on_test_end(logs)
    return logs


def _step(network: keras.Model, one_replica):
    """Returns a function that runs a step on every device and returns the mean of what they call their loss."""
    strategy = network.distribute_strategy

    @tf.function(jit_compile=False)
    def step(batch):
        logs = strategy.run(one_replica, args=(batch,))
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, logs["loss"], axis=None)

    return step


def _results(network: keras.Model) -> dict[str, float]:
    """Returns the metrics, whose sums TensorFlow adds over all devices as it reads them."""
    return {name: float(value) for name, value in network.get_metrics_result().items()}


def _distributed(strategy: tf.distribute.Strategy, batches: tf.data.Dataset):
    return strategy.distribute_datasets_from_function(lambda _: batches)


def _check_same_start(strategy: tf.distribute.Strategy, initial_epoch: int) -> None:
    """Raises ValueError unless all workers go on from the same epoch."""
    if abs(_mean_over_workers(strategy, initial_epoch) - initial_epoch) > 1e-3:
        raise ValueError(
            f"this worker would go on after epoch {initial_epoch}, others elsewhere: expected one --workdir for all"
        )


def _mean_over_workers(strategy: tf.distribute.Strategy, own: float) -> float:
    @tf.function(jit_compile=False)
    def mean():
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, strategy.run(lambda: tf.constant(float(own))), axis=None)

    return float(mean())


def _zeros(spec: tf.TensorSpec) -> tf.Tensor:
    return tf.zeros(spec.shape, spec.dtype)
