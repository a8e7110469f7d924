"""The Keras metrics against the NumPy ones: however the batches are cut and in a real fit; see also test_distribute."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from depth_tf.losses import depth_loss
from depth_tf.scoring.keras_metrics import NETWORK_GRID_METRICS, PerImageMetric, network_grid_metrics
from depth_tf.scoring.metrics import METRICS, depth_metrics, mean_metrics


def batch(num_images=7, height=12, width=16):
    """Returns truth with holes, image 2 wholly missing, the prediction, and weights with image 4 as padding."""
    rng = np.random.default_rng(3)
    true_m = rng.uniform(0.7, 9.9, (num_images, height, width, 1)).astype(np.float32)
    pred_m = (true_m * rng.uniform(0.5, 2.0, true_m.shape)).astype(np.float32)
    pred_m[4] *= 3.0  # padding that would show if it were counted
    # Each image misses another share of its pixels, so that pooling their pixels would show.
    true_m[rng.random(true_m.shape) < np.linspace(0.0, 0.9, num_images)[:, None, None, None]] = 0.0
    true_m[2] = 0.0
    weight = np.ones(num_images, np.float32)
    weight[4] = 0.0
    return true_m, pred_m, weight


def numpy_mean(true_m, pred_m, weight):
    return mean_metrics(
        [
            depth_metrics(true_m=true[true > 0], pred_m=pred[true > 0])
            for true, pred, one in zip(true_m, pred_m, weight, strict=True)
            if one > 0 and (true > 0).any()
        ]
    )


@pytest.mark.parametrize("cuts", [[7], [1] * 7, [2, 5], [3, 3, 1]])
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_equals_numpy_however_the_batches_are_cut(name, cuts):
    true_m, pred_m, weight = batch()
    metric = PerImageMetric(name)
    for part in np.split(np.arange(7), np.cumsum(cuts)[:-1]):
        metric.update_state(true_m[part], pred_m[part], weight[part])
    assert float(metric.result()) == pytest.approx(numpy_mean(true_m, pred_m, weight)[name], rel=1e-5)


@pytest.mark.parametrize("name", METRICS)
def test_padding_moves_nothing(name):
    """Three images padded to five: neither weight 0 nor a depth of 0 leaves a trace."""
    true_m, pred_m, _ = batch(5)
    alone, padded = PerImageMetric(name), PerImageMetric(name)
    alone.update_state(true_m[:2], pred_m[:2])
    padded.update_state(true_m, pred_m, np.array([1, 1, 1, 0, 0], np.float32))  # image 2 has no depth at all
    assert float(alone.result()) == float(padded.result())


def test_a_padding_image_whose_prediction_is_not_finite_moves_nothing():
    true_m, pred_m, weight = batch()
    pred_m[4] = np.nan
    metric = PerImageMetric("rmse_m")
    metric.update_state(true_m, pred_m, weight)
    assert float(metric.result()) == pytest.approx(numpy_mean(true_m, pred_m, weight)["rmse_m"], rel=1e-5)


def test_a_metric_without_an_image_is_nan_and_starts_over_after_a_reset():
    true_m, pred_m, weight = batch()
    metric = PerImageMetric("delta1")
    metric.update_state(np.zeros_like(true_m), pred_m)
    assert np.isnan(float(metric.result()))
    metric.update_state(true_m, pred_m, weight)
    metric.reset_state()
    assert np.isnan(float(metric.result()))


def test_half_precision_predictions_are_counted_in_float32():
    """3,000 images are more than bfloat16 or float16 can count one by one."""
    metric = PerImageMetric("delta1")
    true_m = np.ones((1000, 1, 1, 1), np.float32)
    for _ in range(3):
        metric.update_state(true_m, tf.cast(true_m, tf.bfloat16))
    assert float(metric.result()) == 1.0
    assert float(metric.variables[1]) == 3000.0


class _Echo(keras.layers.Layer):
    """Predicts the depth that its input holds, whatever its one weight, so that a fit has known metrics."""

    def build(self, _):
        self.unused = self.add_weight(shape=(), initializer="zeros")

    def call(self, inputs):
        return inputs + 0.0 * self.unused


def echo_model(policy, **compile_options):
    inputs = keras.Input((12, 16, 1))
    model = keras.Model(inputs, _Echo(dtype=policy)(inputs))
    model.compile("sgd", depth_loss(), jit_compile=False, **compile_options)
    return model


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_fit_and_evaluate_report_what_numpy_says(policy):
    """Through Keras's own loop: batches of 3, 3 and 1, the sample weights as third element."""
    true_m, pred_m, weight = batch()
    model = echo_model(policy, weighted_metrics=network_grid_metrics(), run_eagerly=policy != "float32")
    pairs = tf.data.Dataset.from_tensor_slices((pred_m, true_m, weight)).batch(3)
    history = model.fit(pairs, validation_data=pairs, epochs=2, shuffle=False, verbose=0).history
    evaluated = model.evaluate(pairs, verbose=0, return_dict=True)
    seen_m = tf.cast(tf.cast(pred_m, tf.bfloat16), tf.float32).numpy() if "bfloat16" in policy else pred_m
    expected = numpy_mean(true_m, seen_m, weight)
    for name in NETWORK_GRID_METRICS:
        for found in (history[name][1], history["val_" + name][1], evaluated[name]):
            assert found == pytest.approx(expected[name], rel=1e-4), name


def test_keras_keeps_the_sample_weights_from_plain_metrics():
    """Why `weighted_metrics` is the place: under `metrics`, the padding image 4 would count."""
    true_m, pred_m, weight = batch()
    pairs = tf.data.Dataset.from_tensor_slices((pred_m, true_m, weight)).batch(3)
    found = echo_model("float32", metrics=[PerImageMetric("abs_rel")]).evaluate(pairs, verbose=0, return_dict=True)
    counted = numpy_mean(true_m, pred_m, np.ones(7))["abs_rel"]
    assert found["abs_rel"] == pytest.approx(counted, rel=1e-5)
    assert counted != pytest.approx(numpy_mean(true_m, pred_m, weight)["abs_rel"], rel=1e-3)


def test_a_compiled_model_comes_back_with_its_metrics(tmp_path):
    model = keras.Sequential([keras.Input((12, 16, 1)), keras.layers.Rescaling(1.0)])
    model.compile("sgd", depth_loss(), weighted_metrics=network_grid_metrics(), jit_compile=False)
    model.save(tmp_path / "model.keras")
    true_m, pred_m, weight = batch()
    loaded = keras.models.load_model(tmp_path / "model.keras", custom_objects={"depth_loss": depth_loss()})
    found = loaded.evaluate(pred_m, true_m, sample_weight=weight, verbose=0, return_dict=True)
    assert found["silog"] == pytest.approx(numpy_mean(true_m, pred_m, weight)["silog"], rel=1e-4)


def test_a_weight_per_pixel_is_refused():
    true_m, pred_m, _ = batch()
    with pytest.raises(ValueError, match=r"one per image, \[B\]"):
        PerImageMetric("abs_rel").update_state(true_m, pred_m, np.ones_like(true_m))


def test_shapes_that_would_broadcast_are_refused():
    true_m, pred_m, _ = batch()
    with pytest.raises(ValueError, match=r"must be \[B, H, W, 1\]"):
        PerImageMetric("abs_rel").update_state(true_m[..., 0], pred_m)
    with pytest.raises(ValueError, match="differ"):
        PerImageMetric("abs_rel").update_state(true_m, pred_m[:, :1])


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="must be one of abs_rel"):
        PerImageMetric("a1")
