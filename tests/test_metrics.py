"""The metrics against closed forms, values worked by hand, and plain NumPy on the concatenated pixels."""

import math

import numpy as np
import pytest

from depth_tf.runtime.errors import InputError
from depth_tf.scoring.metrics import BLOCK_PIXELS, METRICS, MetricSums, depth_metrics, mean_metrics

RNG = np.random.default_rng(7)


def scene_m(size=1000):
    return RNG.uniform(0.7, 9.9, size)


def test_a_perfect_prediction_has_no_error_and_every_delta():
    true_m = scene_m()
    found = depth_metrics(true_m=true_m, pred_m=true_m)
    assert found == {name: 1.0 if name.startswith("delta") else 0.0 for name in METRICS}


@pytest.mark.parametrize("scale", [0.3, 0.9, 1.1, 2.5])
def test_a_scaled_prediction_gives_the_closed_forms_whatever_the_scene(scale):
    true_m = scene_m()
    found = depth_metrics(true_m=true_m, pred_m=scale * true_m)
    assert found["abs_rel"] == pytest.approx(abs(scale - 1))
    assert found["sq_rel"] == pytest.approx((scale - 1) ** 2 * true_m.mean())
    assert found["rmse_m"] == pytest.approx(abs(scale - 1) * np.sqrt(np.mean(true_m**2)))
    assert found["rmse_log"] == pytest.approx(abs(math.log(scale)))
    assert found["log10"] == pytest.approx(abs(math.log10(scale)))
    assert found["silog"] == pytest.approx(0.0, abs=1e-4)


def test_metrics_of_two_pixels_worked_by_hand():
    """True 1 and 4 m, predicted 2 and 2 m: e = ln 2 and -ln 2."""
    found = depth_metrics(true_m=np.array([1.0, 4.0]), pred_m=np.array([2.0, 2.0]))
    assert found["abs_rel"] == pytest.approx((1 / 1 + 2 / 4) / 2)
    assert found["sq_rel"] == pytest.approx((1 / 1 + 4 / 4) / 2)
    assert found["rmse_m"] == pytest.approx(math.sqrt((1 + 4) / 2))
    assert found["rmse_log"] == pytest.approx(math.log(2))
    assert found["log10"] == pytest.approx(math.log10(2))
    assert found["silog"] == pytest.approx(100 * math.log(2))
    assert found["delta1"] == found["delta2"] == found["delta3"] == 0.0


def test_the_truth_and_not_the_prediction_divides_the_error():
    assert depth_metrics(true_m=np.array([1.0]), pred_m=np.array([4.0]))["abs_rel"] == 3.0
    assert depth_metrics(true_m=np.array([4.0]), pred_m=np.array([1.0]))["abs_rel"] == 0.75


@pytest.mark.parametrize(("name", "power"), [("delta1", 1), ("delta2", 2), ("delta3", 3)])
@pytest.mark.parametrize("over", [True, False])
def test_a_ratio_on_the_boundary_is_outside_it(name, power, over):
    """Powers of 1.25 are exact in binary, so the boundary can be hit; the metric asks for strictly less."""
    near, far = np.array([1.0, 2.0]), np.array([1.0, 2.0]) * 1.25**power
    inside = np.nextafter(far, 0.0)
    as_pair = (lambda a, b: {"true_m": a, "pred_m": b}) if over else (lambda a, b: {"true_m": b, "pred_m": a})
    assert depth_metrics(**as_pair(near, far))[name] == 0.0
    assert depth_metrics(**as_pair(near, inside))[name] == 1.0


def test_delta_counts_pixels_within_each_factor():
    """Ratios 1.2, 1.5, 1.9 and 2.5, of which 1, 2 and 3 lie below 1.25, 1.5625 and 1.953."""
    found = depth_metrics(true_m=np.full(4, 2.0), pred_m=2.0 * np.array([1.2, 1.5, 1 / 1.9, 1 / 2.5]))
    assert [found["delta1"], found["delta2"], found["delta3"]] == [0.25, 0.5, 0.75]


def test_silog_is_the_spread_of_the_log_error():
    """A constant factor goes unseen: 100 times the standard deviation of e remains."""
    true_m, noise = scene_m(), RNG.normal(0.0, 0.2, 1000)
    found = depth_metrics(true_m=true_m, pred_m=true_m * np.exp(0.5 + noise))
    assert found["silog"] == pytest.approx(100 * np.std(noise))


def test_the_block_length_does_not_show():
    """Three blocks and a bit give what the formulas give on the whole row at once."""
    true_m, pred_m = scene_m(3 * BLOCK_PIXELS + 17), scene_m(3 * BLOCK_PIXELS + 17)
    found = depth_metrics(true_m=true_m, pred_m=pred_m)
    log_error = np.log(pred_m) - np.log(true_m)
    assert found["abs_rel"] == pytest.approx(np.mean(np.abs(pred_m - true_m) / true_m))
    assert found["rmse_m"] == pytest.approx(np.sqrt(np.mean((pred_m - true_m) ** 2)))
    assert found["silog"] == pytest.approx(100 * np.sqrt(np.mean(log_error**2) - np.mean(log_error) ** 2))
    assert found["delta2"] == np.mean(np.maximum(true_m / pred_m, pred_m / true_m) < 1.25**2)


def test_half_precision_input_is_scored_in_double_precision():
    """65504 m is the largest half: its square would overflow anything but a wider sum."""
    true_m = np.full(100, 60000.0, np.float16)
    found = depth_metrics(true_m=true_m, pred_m=np.full(100, 30000.0, np.float16))
    assert found["rmse_m"] == pytest.approx(float(true_m[0]) - 30000.0)


def test_sums_of_two_images_added_equal_those_of_their_pixels_together():
    images = [(scene_m(500), scene_m(500)), (scene_m(20), scene_m(20))]
    added = sum((MetricSums.of(true_m=true_m, pred_m=pred_m) for true_m, pred_m in images), MetricSums())
    true_m, pred_m = (np.concatenate(rows) for rows in zip(*images, strict=True))
    assert added.metrics() == pytest.approx(depth_metrics(true_m=true_m, pred_m=pred_m))


def test_the_mean_over_images_differs_from_pooling_their_pixels():
    """Errors of 1 m on one pixel and 3 m on three: mean RMSE 2, pooled sqrt((1 + 27) / 4) = 2.65."""
    pairs = [(np.array([1.0]), np.array([2.0])), (np.array([1.0] * 3), np.array([4.0] * 3))]
    mean = mean_metrics([depth_metrics(true_m=true_m, pred_m=pred_m) for true_m, pred_m in pairs])
    pooled = sum((MetricSums.of(true_m=true_m, pred_m=pred_m) for true_m, pred_m in pairs), MetricSums())
    assert mean["rmse_m"] == pytest.approx(2.0)
    assert pooled.metrics()["rmse_m"] == pytest.approx(math.sqrt(7))


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", ["true_m", "pred_m"])
def test_a_value_that_is_no_depth_is_refused_by_name(name, bad):
    pixels = {"true_m": np.ones(3), "pred_m": np.ones(3)}
    pixels[name][1] = bad
    with pytest.raises(InputError, match=f"{name} must be finite and above 0 m"):
        depth_metrics(**pixels)


def test_pixels_that_do_not_pair_up_are_refused():
    with pytest.raises(InputError, match=r"same valid pixels.*\[3\] and \[1\]"):
        depth_metrics(true_m=np.ones(3), pred_m=np.ones(1))


def test_no_pixel_and_no_image_are_refused():
    with pytest.raises(InputError, match="at least one valid pixel"):
        depth_metrics(true_m=np.ones(0), pred_m=np.ones(0))
    with pytest.raises(InputError, match="at least one image"):
        mean_metrics([])
