"""The encoders: the weights that come with the package are ImageNet's, and any of keras.applications can take part."""

import pathlib

import h5py
import keras
import numpy as np
import pytest

from depth_tf import encoders
from depth_tf.model import build_encoder
from depth_tf.optimizers import PRETRAINED_SHARE, build_optimizer
from depth_tf.runtime.errors import InputError

PRESET = pathlib.Path(__file__).parents[2] / "shared" / "encoders" / "efficientnet_lite0_imagenet" / "model.weights.h5"
IMAGE = np.random.default_rng(0).uniform(0, 255, (1, 64, 96, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    return build_encoder(64, 96)


def test_both_networks_are_as_small_as_promised(network):
    assert network.count_params() <= 3_500_000


@pytest.mark.skipif(not PRESET.is_file(), reason="the original weights are not here")
def test_the_folded_layers_give_what_convolution_and_normalisation_give(network):
    """The stem and the first depthwise layer, by the unfolded weights that were learnt on ImageNet."""
    with h5py.File(PRESET) as file:
        layers = file["layers"]

        def normalised(x, name):
            gamma, beta, mean, variance = (layers[name]["vars"][str(place)][()] for place in range(4))
            return np.clip((x - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 0.0, 6.0)

        kernel, depthwise = (layers[name]["vars"]["0"][()] for name in ("conv2d", "depthwise_conv2d"))
        x = keras.ops.conv((IMAGE - 127.0) / 128.0, kernel, 2, "same")
        x = normalised(np.asarray(x), "batch_normalization")
        x = normalised(np.asarray(keras.ops.depthwise_conv(x, depthwise, 1, "same")), "batch_normalization_1")
    layer = network.get_layer(f"{encoders.PRETRAINED}1_1_depthwise")
    found = keras.Model(network.input, layer.output)(IMAGE)
    np.testing.assert_allclose(np.clip(found, 0.0, 6.0), x, atol=0.05)  # float16 weights


@pytest.mark.parametrize("fresh", [True, False])
def test_features_of_a_keras_application_are_found_by_stride_and_learnt_statistics_stay(fresh, tmp_path):
    image, weights = keras.Input((64, 96, 3)), "none"
    if not fresh:
        weights = str(tmp_path / "mine.weights.h5")
        keras.applications.MobileNet(include_top=False, weights=None, input_shape=(64, 96, 3)).save_weights(weights)
    found = encoders.features(image, "MobileNet", weights)
    assert [tuple(part.shape[1:3]) for part in found] == [(16, 24), (8, 12), (4, 6), (2, 3)]
    layers = keras.Model(image, found).layers
    assert {layer.trainable for layer in layers if isinstance(layer, keras.layers.BatchNormalization)} == {fresh}


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("MobileNetV22", "none", "did you mean MobileNetV2"),
        ("MobileNetV2", "missing.weights.h5", "--encoder=MobileNetV2 at missing"),
        (encoders.LITE0, "missing.npz", "does not hold the weights of efficientnet_lite0"),
    ],
)
def test_an_encoder_that_cannot_be_had_is_refused_in_one_line(name, weights, message):
    with pytest.raises(InputError, match=message):
        encoders.features(keras.Input((64, 96, 3)), name, weights)


def test_pretrained_layers_learn_at_a_tenth_of_the_rate():
    image = keras.Input((1,))
    x = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name=f"{encoders.PRETRAINED}layer")(image)
    network = keras.Model(image, keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(x))
    network.compile(build_optimizer("sgd", 0.1, weight_decay=0.0, network=network), "mse")
    network.train_on_batch(np.ones((1, 1)), np.full((1, 1), 1.1))
    pretrained, fresh = (1.0 - float(weight.numpy().item()) for weight in network.trainable_weights)
    assert pretrained == pytest.approx(PRETRAINED_SHARE * fresh, rel=1e-4)
    assert fresh != 0.0
