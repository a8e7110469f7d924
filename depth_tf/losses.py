"""Training losses over the pixels whose depth is known.

A true depth of 0 marks a missing pixel. Every loss gives one value per image, computed from that image's valid pixels
alone; an image without any costs 0 and has a gradient of 0. Keras multiplies these values by the batch's `weight` and
divides their sum by the rows of the whole batch, so the result is the same on one device or many, however unevenly the
missing pixels fall. Rows that only fill up an epoch's last batch have weight 0 but are among those rows, so the logged
loss of an epoch is a little low; the metrics are not.
"""

from collections.abc import Callable

from etils import epy

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import tensorflow as tf
    from keras import ops

EPSILON = 1e-6  # keeps the root's gradient finite at 0, and berhu's threshold above 0


def depth_loss(pixel_loss: str = "silog", gradient_weight: float = 0.5) -> Callable:
    """Returns the loss for `model.compile`: a pixel loss plus a weighted gradient-matching loss.

    Args:
      pixel_loss: a key of `PIXEL_LOSSES`.
      gradient_weight: weight of the gradient-matching term; 0 leaves it out.

    Returns:
      A function of y_true [B, H, W, 1] float32, metres, 0 where missing, and y_pred [B, H, W, 1] float, metres, above
      0. It returns the loss of each image, [B] float32. Sample weights must be one per image, [B]: one per pixel would
      be broadcast wrongly, silently.
    """
    per_image = PIXEL_LOSSES[pixel_loss]

    def depth_loss(y_true, y_pred):
        true_m = ops.cast(y_true, "float32")
        pred_m = ops.cast(y_pred, "float32")
        valid = ops.cast(true_m > 0, "float32")
        true_m = ops.where(true_m > 0, true_m, 1.0)  # before the log: a NaN there would reach the gradient
        loss = per_image(true_m=true_m, pred_m=pred_m, valid=valid)
        if gradient_weight:
            difference = ops.log(pred_m) - ops.log(true_m)
            loss += gradient_weight * gradient_matching(difference, valid)
        return loss

    return depth_loss


def silog(*, true_m, pred_m, valid):
    """Returns the scale-invariant log loss of each image, with variance focus 0.85.

    sqrt(mean(d^2) - 0.85 mean(d)^2) with d the difference of log depths.
    Source: Eigen et al. 2014, section 3.2; the root and 0.85 from Lee et al. 2019 (BTS), section 3.4.
    """
    difference = ops.log(pred_m) - ops.log(true_m)
    mean = masked_mean(difference, valid)
    variance = masked_mean(ops.square(difference), valid) - 0.85 * ops.square(mean)
    return ops.sqrt(ops.maximum(variance, 0.0) + EPSILON) - EPSILON**0.5


def l1(*, true_m, pred_m, valid):
    """Returns the mean absolute difference of log depths: every pixel counts by its relative error."""
    return masked_mean(ops.abs(ops.log(pred_m) - ops.log(true_m)), valid)


def berhu(*, true_m, pred_m, valid):
    """Returns the reverse Huber loss in metres: linear up to a fifth of the image's largest error, then square.

    Source: Laina et al. 2016, section 3.2.
    """
    error_m = ops.abs(pred_m - true_m) * valid
    threshold_m = ops.stop_gradient(0.2 * ops.max(error_m, axis=(1, 2, 3), keepdims=True)) + EPSILON
    square = (ops.square(error_m) + ops.square(threshold_m)) / (2 * threshold_m)
    return masked_mean(ops.where(error_m <= threshold_m, error_m, square), valid)


PIXEL_LOSSES: dict[str, Callable] = {
    "silog": silog,
    "l1": l1,
    "berhu": berhu,
}


def gradient_matching(difference, valid):
    """Returns the mean absolute gradient of the log-depth error, [B], summed over scales 1, 2, 4.

    A difference between two neighbours counts only where both are valid. The term keeps edges sharp and surfaces flat,
    which a loss per pixel does not ask for. Source: Li and Snavely 2018 (MegaDepth), section 4.2.

    Args:
      difference: [B, H, W, 1] float32, log of predicted minus log of true depth; finite everywhere. H and W must be
        known when the graph is built.
      valid: [B, H, W, 1] float32, 1 where the true depth is known, else 0.
    """
    total = 0.0
    for scale in range(3):  # the image's own, then every second row and column of the one before
        if scale:
            difference, valid = _every_second(difference), _every_second(valid)
        for axis in (1, 2):
            (one, other), (here, there) = _neighbours(difference, axis), _neighbours(valid, axis)
            total += masked_mean(ops.abs(other - one), here * there)
    return total


# The next two functions could be slices, with the same numbers, but TensorFlow takes five times as long for a slice's
# gradient.


def _every_second(values):
    """Returns every second row and column."""
    return ops.max_pool(values, 1, strides=2, data_format="channels_last")


def _neighbours(values, axis: int):
    """Returns every pixel but the last along `axis`, and the pixel after each."""
    last = values.shape[axis] - 1
    return tf.split(values, [last, 1], axis)[0], tf.split(values, [1, last], axis)[1]  # Keras's takes longer to trace


def masked_mean(values, valid):
    """Returns the mean of each image's `values` where `valid` is 1, [B]; 0 where no pixel is valid."""
    count = ops.sum(valid, axis=(1, 2, 3))
    return ops.sum(values * valid, axis=(1, 2, 3)) / ops.maximum(count, 1.0)
