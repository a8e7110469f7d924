"""The networks by name: two encoders, one decoder, from RGB to metres.

*small* learns its encoder from scratch; *encoder* takes one that was trained on ImageNet. An encoder gives features at
a quarter of the input's resolution, an eighth, a sixteenth and a thirty-second. The decoder joins them from coarse to
fine, and its last layer turns each cell of the quarter resolution into 4x4 pixels. Depth is predicted as a point on a
logarithmic scale between the smallest and the largest depth, so the output is always positive and bounded.

Only layers that Keras ships are used: with `compile=False` a saved network loads without this package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from etils import epy

from depth_tf import encoders
from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import keras

    from depth_tf.data import resizing

STAGE_WIDTHS = (1, 1.5, 2, 3)  # channels of *small*'s four encoder stages, as multiples of `width`
# Convolutions beside each stage's shortcut: where the picture is fine, one costs most and adds least.
STAGE_DEPTHS = (1, 1, 3, 2)
DECODER_WIDTHS = (40, 64, 96, 128)  # channels of the decoder of *encoder* at strides 4, 8, 16 and 32
NORMALIZATIONS = ("batch", "group")
CELL_PX = 4  # stride of the finest features, and the side of what the last layer makes of a cell


def build_small(
    height_px: int,
    width_px: int,
    *,
    width: int = 32,
    min_depth_m: float = 0.1,
    max_depth_m: float = 10.0,
    initial_depth_m: float = 2.5,
    normalization: str = "batch",
    **_,
) -> keras.Model:
    """Builds the encoder-decoder that learns from scratch.

    Args:
      height_px: input height, divisible by 32.
      width_px: input width, divisible by 32.
      width: channels of the first stage; those of the others are multiples of it.
      min_depth_m: depth that the output never falls below, metres.
      max_depth_m: depth that the output never exceeds, metres.
      initial_depth_m: what the untrained network predicts everywhere, metres: the training data's log-mean.
      normalization: "batch", or "group", whose result does not depend on how a batch is split over devices.

    Returns:
      A functional model from [B, height_px, width_px, 3] float32 RGB in 0..255 to
      [B, height_px, width_px, 1] float32, metres.

    Raises:
      InputError: if a size is not divisible by 32, or the depths are not in order.
    """
    image = _image(height_px, width_px)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    channels = [8 * round(width * multiple / 8) for multiple in STAGE_WIDTHS]
    features = []
    for stage, count in enumerate(channels, start=1):
        size, strides = (CELL_PX, CELL_PX) if stage == 1 else (3, 2)  # the first stage takes patches side by side
        x = _convolve(x, count, normalization, kernel_size=size, strides=strides, name=f"encoder{stage}_down")
        x = _residual(x, STAGE_DEPTHS[stage - 1], normalization, name=f"encoder{stage}")
        features.append(x)
    x = _decode(features, channels, normalization)
    return keras.Model(image, _depth(x, min_depth_m, max_depth_m, initial_depth_m), name="small")


def build_encoder(
    height_px: int,
    width_px: int,
    *,
    min_depth_m: float = 0.1,
    max_depth_m: float = 10.0,
    initial_depth_m: float = 2.5,
    normalization: str = "batch",
    encoder: str = encoders.LITE0,
    encoder_weights: str = "imagenet",
    **_,
) -> keras.Model:
    """Builds the network whose encoder was trained on ImageNet.

    Arguments and errors are those of `build_small`, and those of `encoders.features`: `encoder` is its `name`, and
    `encoder_weights` its `weights`.
    """
    image = _image(height_px, width_px)
    features = encoders.features(image, encoder, encoder_weights)
    features[-1] = _convolve(features[-1], DECODER_WIDTHS[-1], normalization, kernel_size=1, name="neck")
    x = _decode(features, DECODER_WIDTHS, normalization)
    return keras.Model(image, _depth(x, min_depth_m, max_depth_m, initial_depth_m), name="encoder")


NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "small": build_small,
    "encoder": build_encoder,
}


def _image(height_px: int, width_px: int):
    resizing.check_size(height_px, width_px)
    return keras.Input((height_px, width_px, 3), name="image")


def _decode(features: list, channels: Sequence[int], normalization: str):
    """Joins features from coarse to fine, [B, H/4, W/4, channels[0]]; `features` stand from fine to coarse."""
    x = _attend_to_whole_image(features[-1])
    for stage in range(len(features) - 1, 0, -1):
        count, skip = channels[stage - 1], features[stage - 1]
        x = _convolve(x, count, normalization, kernel_size=1, name=f"decoder{stage}_narrow")
        x = keras.layers.UpSampling2D(interpolation="nearest")(x)
        if skip.shape[-1] != count:
            skip = keras.layers.Conv2D(count, 1, use_bias=False, name=f"decoder{stage}_skip")(skip)
        x = keras.layers.Add()([x, skip])
        x = _convolve(x, count, normalization, name=f"decoder{stage}")
    return x


def _depth(x, min_depth_m: float, max_depth_m: float, initial_depth_m: float):
    """Turns features at stride 4 into metres, [B, H, W, 1] float32, at first `initial_depth_m` everywhere."""
    if not 0 < min_depth_m < initial_depth_m < max_depth_m:
        raise InputError(
            "expected 0 < min_depth_m < the data's mean depth < max_depth_m, got "
            f"{min_depth_m:g}, {initial_depth_m:g} and {max_depth_m:g} m: check the unit of the depth maps"
        )
    low, high = math.log(min_depth_m), math.log(max_depth_m)
    share = (math.log(initial_depth_m) - low) / (high - low)
    x = keras.layers.Conv2DTranspose(
        1,
        2 * CELL_PX,  # twice the cell, so that neighbours overlap and no seam shows
        CELL_PX,
        padding="same",
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(math.log(share / (1 - share))),
        dtype="float32",
        name="depth_logit",
    )(x)
    x = keras.layers.Activation("sigmoid", dtype="float32")(x)
    x = keras.layers.Rescaling(high - low, offset=low, dtype="float32", name="log_depth")(x)
    return keras.layers.Activation("exponential", dtype="float32", name="depth_m")(x)


def _convolve(x, channels, normalization, *, name, kernel_size=3, strides=1, relu=True):
    x = keras.layers.Conv2D(channels, kernel_size, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    if normalization == "batch":
        x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
    else:
        x = keras.layers.GroupNormalization(groups=8, name=f"{name}_norm")(x)
    return keras.layers.Activation("relu", name=f"{name}_relu")(x) if relu else x


def _residual(x, depth, normalization, *, name):
    y = x
    for place in range(1, depth + 1):
        y = _convolve(y, x.shape[-1], normalization, name=f"{name}_{place}", relu=place < depth)
    return keras.layers.Activation("relu", name=f"{name}_relu")(keras.layers.Add()([x, y]))


def _attend_to_whole_image(x):
    """Scales each channel by what the whole image holds: how far a room reaches shows nowhere locally."""
    channels = x.shape[-1]
    whole = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    whole = keras.layers.Conv2D(channels // 2, 1, activation="relu", name="context_squeeze")(whole)
    whole = keras.layers.Conv2D(channels, 1, activation="sigmoid", name="context_scale")(whole)
    return keras.layers.Multiply()([x, whole])
