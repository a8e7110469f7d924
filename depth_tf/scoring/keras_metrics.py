"""The depth metrics as Keras metrics, for training.

They follow `depth_tf.scoring.metrics`, on the network's own grid: no crop, no resize, the whole range. Hence their
name, network-grid metrics; figures to report come from `depth_tf.evaluate`, under a protocol.

    model.compile(optimizer, loss, weighted_metrics=network_grid_metrics())

`weighted_metrics` because Keras hands the sample weights to those alone. Each metric traces its own formula alone.
"""

import math

import keras
import tensorflow as tf
from keras import ops

from depth_tf.data.valid import valid_pixels
from depth_tf.scoring.metrics import DELTA_BASE, METRICS

NETWORK_GRID_METRICS = ("abs_rel", "rmse_m", "log10", "silog", "delta1", "delta2", "delta3")


def network_grid_metrics() -> list[keras.metrics.Metric]:
    """Returns fresh metrics for the `weighted_metrics` of `model.compile`."""
    return [PerImageMetric(name) for name in NETWORK_GRID_METRICS]


@keras.saving.register_keras_serializable("depth_tf")
class PerImageMetric(keras.metrics.Metric):
    """The mean over images of one of `depth_tf.scoring.metrics.METRICS`, each over the image's own valid pixels.

    The state is a sum over images and their number, which Keras adds over the replicas of a strategy, so
    neither the cut into batches nor the number of replicas matters. It is NaN until an image has counted.
    """

    def __init__(self, name: str, dtype: str = "float32"):  # under any policy: half precision stops counting at 2048
        """Starts with no image; `name`, one of `METRICS`, is also the name in the logs."""
        if name not in METRICS:
            raise ValueError(f"a depth metric must be one of {', '.join(METRICS)}, got {name!r}")
        super().__init__(name=name, dtype=dtype)
        self._total = self.add_variable(shape=(), initializer="zeros", dtype=dtype, name="total")
        self._num_images = self.add_variable(shape=(), initializer="zeros", dtype=dtype, name="num_images")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Counts the images of a batch.

        Args:
          y_true: [B, H, W, 1] float, metres, 0 where missing.
          y_pred: [B, H, W, 1] float, metres, above 0.
          sample_weight: [B], 0 for images that must not count, such as padding; other weights, and None, count alike.
        """
        y_true, y_pred = ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype)
        true_shape, pred_shape = tf.TensorShape(y_true.shape), tf.TensorShape(y_pred.shape)
        if true_shape.rank != 4 or not true_shape.is_compatible_with(pred_shape):
            raise ValueError(
                f"depths must be [B, H, W, 1] and not differ, got {true_shape} true, {pred_shape} predicted"
            )
        if sample_weight is not None and any(size != 1 for size in sample_weight.shape[1:]):
            raise ValueError(
                f"sample_weight must be one per image, [B], got {tuple(sample_weight.shape)}: "
                "mark missing pixels with a depth of 0"
            )
        valid = valid_pixels(y_true)
        num_pixels = ops.sum(ops.cast(valid, self.dtype), axis=(1, 2, 3))
        counted = num_pixels > 0.0
        if sample_weight is not None:
            counted = ops.logical_and(counted, ops.reshape(sample_weight, (-1,)) > 0)
        values = _image_metrics(y_true, y_pred, valid, ops.maximum(num_pixels, 1.0))[self.name]()
        self._total.assign_add(ops.sum(ops.where(counted, values, 0.0)))
        self._num_images.assign_add(ops.sum(ops.cast(counted, self.dtype)))

    def result(self):
        """Returns the mean over the images counted, a scalar; NaN if there are none."""
        return self._total / self._num_images


def _image_metrics(y_true, y_pred, valid, num_pixels) -> dict:
    """Returns for each metric what gives it for each image, [B]; see `depth_tf.scoring.metrics` for the formulas.

    Missing pixels become a truth and a prediction of 1 m, which adds nothing to a sum and is safe to divide.
    """

    def mean(values):
        return ops.sum(values, axis=(1, 2, 3)) / num_pixels

    def squared_deviations():  # the difference of two means would lose its digits in float32
        return ops.square(ops.where(valid, log_error - ops.reshape(mean(log_error), (-1, 1, 1, 1)), 0.0))

    true_m, pred_m = ops.where(valid, y_true, 1.0), ops.where(valid, y_pred, 1.0)
    error_m, log_error = ops.abs(pred_m - true_m), ops.log(pred_m / true_m)
    ratio = ops.maximum(pred_m / true_m, true_m / pred_m)
    return {
        "abs_rel": lambda: mean(error_m / true_m),
        "sq_rel": lambda: mean(ops.square(error_m) / true_m),
        "rmse_m": lambda: ops.sqrt(mean(ops.square(error_m))),
        "rmse_log": lambda: ops.sqrt(mean(ops.square(log_error))),
        "log10": lambda: mean(ops.abs(log_error)) / math.log(10.0),
        "silog": lambda: 100.0 * ops.sqrt(mean(squared_deviations())),
    } | {f"delta{n}": lambda n=n: mean(ops.cast(valid & (ratio < DELTA_BASE**n), y_true.dtype)) for n in (1, 2, 3)}
