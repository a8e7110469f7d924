"""Losses: closed forms, masks that remove, finite gradients, one value per image."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from depth_tf import losses
from depth_tf.losses import PIXEL_LOSSES, depth_loss

SHAPE = (4, 16, 24, 1)


@pytest.fixture(name="pair")
def _pair() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return tuple(generator.uniform(0.5, 9.0, SHAPE).astype(np.float32) for _ in range(2))


def _per_image(true_m, pred_m, name="silog", gradient_weight=0.0) -> np.ndarray:
    return depth_loss(name, gradient_weight)(true_m, pred_m).numpy()


def _of_batch(true_m, pred_m, weight=None) -> float:
    """Returns the loss that Keras shows for a batch."""
    echo = keras.Sequential([keras.Input(true_m.shape[1:]), keras.layers.Identity()])
    echo.compile(loss=depth_loss(), run_eagerly=True)
    return float(echo.test_on_batch(pred_m, true_m, sample_weight=weight))


@pytest.mark.parametrize("name", PIXEL_LOSSES)
@pytest.mark.parametrize("gradient_weight", [0.0, 0.5])
def test_a_perfect_prediction_costs_nothing(pair, name, gradient_weight):
    np.testing.assert_allclose(_per_image(pair[0], pair[0], name, gradient_weight), 0, atol=1e-6)


def test_silog_of_a_scaled_prediction_is_the_log_of_the_scale_times_root_of_one_minus_085(pair):
    loss = _per_image(pair[0], 2 * pair[0], "silog")
    np.testing.assert_allclose(loss, np.log(2) * np.sqrt(0.15), atol=2e-3)


def test_l1_of_a_scaled_prediction_is_the_log_of_the_scale(pair):
    np.testing.assert_allclose(_per_image(pair[0], 3 * pair[0], "l1"), np.log(3), rtol=1e-5)


def test_berhu_by_hand():
    """Errors 0.1 and 1 m: the threshold is 0.2 m, so 0.1 counts as it is and 1 as (1 + 0.04) / 0.4."""
    true_m = np.float32([2.0, 2.0]).reshape(1, 1, 2, 1)
    pred_m = np.float32([2.1, 3.0]).reshape(1, 1, 2, 1)
    np.testing.assert_allclose(_per_image(true_m, pred_m, "berhu"), [(0.1 + 1.04 / 0.4) / 2], rtol=1e-4)


def test_gradient_matching_ignores_a_constant_factor_and_sees_a_tilt():
    difference = np.full((1, 8, 8, 1), 0.7, np.float32)
    ones = np.ones_like(difference)
    np.testing.assert_allclose(losses.gradient_matching(difference, ones), 0, atol=1e-7)
    tilt = np.broadcast_to(np.arange(8, dtype=np.float32)[None, None, :, None], (1, 8, 8, 1))
    # Steps of 1, 2 and 4 columns on the grids thinned by 1, 2 and 4; nothing along the rows.
    np.testing.assert_allclose(losses.gradient_matching(tilt, ones), 1 + 2 + 4)


def test_gradient_matching_and_its_gradient_are_those_of_its_definition_in_slices(pair):
    difference = tf.Variable(np.log(pair[0]))
    valid = (pair[1] > 2.0).astype(np.float32)

    def in_slices():
        total = 0.0
        for step in (1, 2, 4):
            error, mask = difference[:, ::step, ::step], valid[:, ::step, ::step]
            down, right = error[:, 1:] - error[:, :-1], error[:, :, 1:] - error[:, :, :-1]
            total += losses.masked_mean(tf.abs(down), mask[:, 1:] * mask[:, :-1])
            total += losses.masked_mean(tf.abs(right), mask[:, :, 1:] * mask[:, :, :-1])
        return total

    with tf.GradientTape(persistent=True) as tape:
        found, expected = losses.gradient_matching(difference, valid), in_slices()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(found, difference), tape.gradient(expected, difference), atol=1e-7)


@pytest.mark.parametrize("name", PIXEL_LOSSES)
def test_what_is_predicted_at_missing_pixels_does_not_matter(pair, name):
    true_m, pred_m = pair[0].copy(), pair[1].copy()
    true_m[:, 3:9, 5:15] = 0.0
    before = _per_image(true_m, pred_m, name, 0.5)
    pred_m[:, 3:9, 5:15] = 1e-3
    np.testing.assert_allclose(_per_image(true_m, pred_m, name, 0.5), before, rtol=1e-6)


@pytest.mark.parametrize("name", ["silog", "l1", "berhu"])
def test_masked_equals_removed(pair, name):
    true_m, pred_m = pair
    masked = true_m.copy()
    masked[:, 8:] = 0.0
    removed = _per_image(true_m[:, :8], pred_m[:, :8], name)
    np.testing.assert_allclose(_per_image(masked, pred_m, name), removed, rtol=1e-4)


@pytest.mark.parametrize("name", PIXEL_LOSSES)
def test_gradients_are_finite_with_an_empty_mask_a_perfect_and_an_extreme_image(pair, name):
    true_m, pred_m = pair[0].copy(), pair[1].copy()
    true_m[0] = 0.0
    pred_m[1] = true_m[1]
    pred_m[2] = 1e-6
    pred = tf.Variable(pred_m)
    with tf.GradientTape() as tape:
        loss = depth_loss(name, 0.5)(true_m, pred)
    gradient = tape.gradient(loss, pred).numpy()
    assert np.isfinite(gradient).all()
    assert not gradient[0].any()
    assert gradient[2].any()


def test_a_wholly_masked_image_beside_a_perfect_one_costs_0(pair):
    """A weight per pixel would be broadcast against the loss per image, and give .25 here without an error."""
    true_m = pair[0].copy()
    true_m[0] = 0.0
    pred_m = true_m.copy()
    pred_m[0] = 5.0
    assert _of_batch(true_m, pred_m, np.ones(4)) == pytest.approx(0.0, abs=1e-6)


def test_padding_at_weight_0_adds_nothing(pair):
    padded = _of_batch(*pair, np.float32([1, 1, 0, 0]))
    assert padded == pytest.approx(_of_batch(pair[0][:2], pair[1][:2]) / 2, rel=1e-5)


def test_the_loss_is_the_mean_over_images_however_unevenly_the_masks_fall(pair):
    true_m = pair[0].copy()
    true_m[0, 1:] = 0.0
    whole = _of_batch(true_m, pair[1])
    halves = [_of_batch(true_m[part], pair[1][part]) for part in (slice(0, 2), slice(2, 4))]
    assert whole == pytest.approx(np.mean(halves), rel=1e-5)
