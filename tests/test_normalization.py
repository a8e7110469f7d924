"""Fused batch normalisation gives what Keras's gives, and leaves no trace in a file."""

import keras
import numpy as np
import tensorflow as tf

from depth_tf.training import normalization


def _network():
    image = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization(momentum=0.5, name="norm")(keras.layers.Conv2D(4, 3)(image))
    return keras.Model(image, keras.layers.Conv2D(1, 1)(keras.layers.Activation("relu")(x)))


def _step(network, images):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(network(images, training=True) - 1.0))
    return loss, tape.gradient(loss, network.trainable_variables)


def test_loss_gradients_and_moving_averages_are_those_of_keras():
    images = np.random.default_rng(0).normal(3.0, 2.0, (2, 8, 8, 3)).astype("float32")  # small: n - 1 differs from n
    network = _network()
    fused = keras.models.clone_model(network)
    fused.set_weights(network.get_weights())
    normalization.fuse(fused)
    (loss, gradients), (fused_loss, fused_gradients) = _step(network, images), _step(fused, images)
    np.testing.assert_allclose(fused_loss, loss, rtol=1e-5)
    for fused_gradient, gradient in zip(fused_gradients, gradients, strict=True):
        np.testing.assert_allclose(fused_gradient, gradient, atol=1e-5)
    for fused_weight, weight in zip(fused.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_allclose(fused_weight, weight, rtol=1e-5)
    assert not np.allclose(network.get_layer("norm").moving_variance, 1.0), "nothing was averaged"
    np.testing.assert_allclose(fused(images), network(images), rtol=1e-4)


def test_frozen_statistics_stay_as_they_are():
    fused = _network()
    normalization.fuse(fused)
    fused.get_layer("norm").trainable = False
    images = np.random.default_rng(0).normal(3.0, 2.0, (2, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(fused(images, training=True), fused(images))
    assert np.all(fused.get_layer("norm").moving_mean == 0)


def test_a_file_holds_keras_own_layer(tmp_path):
    fused = _network()
    normalization.fuse(fused)
    assert fused.get_layer("norm").call.__module__ == normalization.__name__
    fused.save(tmp_path / "network.keras")
    read = keras.saving.load_model(tmp_path / "network.keras").get_layer("norm")
    assert type(read) is keras.layers.BatchNormalization
    assert read.call.__module__ != normalization.__name__
