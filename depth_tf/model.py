"""The networks by name; *small* is a convolutional encoder-decoder with skips, from RGB to metres.

The encoder halves the resolution five times; the decoder climbs back to half the input's resolution, joining
each encoder stage on its way, and the last doubling is bilinear. Depth is predicted as a point on a
logarithmic scale between the smallest and the largest depth, so the output is always positive and bounded.

Only layers that Keras ships are used: with `compile=False` a saved network loads without this package.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Callable

from etils import epy

from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import keras

    from depth_tf.data import resizing

STAGE_WIDTHS = (1, 1.5, 2.5, 4, 6)  # channels of the five encoder stages, as multiples of `width`
NORMALIZATIONS = ("batch", "group")


def build_small(
    height_px: int,
    width_px: int,
    *,
    width: int = 16,
    min_depth_m: float = 0.1,
    max_depth_m: float = 10.0,
    initial_depth_m: float = 2.5,
    normalization: str = "batch",
) -> keras.Model:
    """Builds the encoder-decoder.

    Args:
      height_px: input height, divisible by 32.
      width_px: input width, divisible by 32.
      width: channels of the first stage; the others are multiples of it.
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
    resizing.check_size(height_px, width_px)
    if not 0 < min_depth_m < initial_depth_m < max_depth_m:
        raise InputError(
            "expected 0 < min_depth_m < the data's mean depth < max_depth_m, got "
            f"{min_depth_m:g}, {initial_depth_m:g} and {max_depth_m:g} m: check the unit of the depth maps"
        )
    image = keras.Input((height_px, width_px, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)

    skips = []
    for stage, multiple in enumerate(STAGE_WIDTHS, start=1):
        channels = 8 * round(width * multiple / 8)
        x = _convolve(x, channels, normalization, strides=2, name=f"encoder{stage}_down")
        if stage > 1:
            x = _residual(x, normalization, name=f"encoder{stage}")
        skips.append(x)

    x = _attend_to_whole_image(x)
    for stage, skip in reversed(list(enumerate(skips[:-1], start=1))):
        x = _convolve(x, skip.shape[-1], normalization, kernel_size=1, name=f"decoder{stage}_narrow")
        x = keras.layers.UpSampling2D(interpolation="nearest")(x)
        x = keras.layers.Add()([x, skip])
        x = _convolve(x, skip.shape[-1], normalization, name=f"decoder{stage}")

    low, high = math.log(min_depth_m), math.log(max_depth_m)
    share = (math.log(initial_depth_m) - low) / (high - low)
    x = keras.layers.Conv2D(
        1,
        3,
        padding="same",
        kernel_initializer="zeros",
        name="depth_logit",
        bias_initializer=keras.initializers.Constant(math.log(share / (1 - share))),
    )(x)
    x = keras.layers.UpSampling2D(interpolation="bilinear", dtype="float32")(x)
    x = keras.layers.Activation("sigmoid", dtype="float32")(x)
    x = keras.layers.Rescaling(high - low, offset=low, dtype="float32", name="log_depth")(x)
    depth_m = keras.layers.Activation("exponential", dtype="float32", name="depth_m")(x)
    return keras.Model(image, depth_m, name="depth_network")


NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "small": build_small,
}


def load_network(path: str | os.PathLike, *, size_px: tuple[int, int]) -> keras.Model:
    """Loads a saved network for prediction or further training.

    Args:
      path: a .keras file that `depth_tf.train` wrote.
      size_px: height and width that the network must take.

    Raises:
      InputError: if the file is missing, is no saved Keras model, or takes or gives other shapes.
    """
    if not os.path.isfile(path):
        raise InputError(f"no network at {path}: expected a best.keras written by depth_tf.train")
    try:
        network = keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is not a saved Keras model: expected a best.keras written by depth_tf.train"
        ) from error
    expected = (None, *size_px)
    if network.input_shape != (*expected, 3) or network.output_shape != (*expected, 1):
        raise InputError(
            f"{path} maps {network.input_shape} to {network.output_shape}: expected {(*expected, 3)} to "
            f"{(*expected, 1)}; set --image_height_px and --image_width_px to its size"
        )
    return network


def _convolve(x, channels, normalization, *, name, kernel_size=3, strides=1, relu=True):
    x = keras.layers.Conv2D(channels, kernel_size, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    if normalization == "batch":
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    else:
        x = keras.layers.GroupNormalization(groups=8, name=f"{name}_norm")(x)
    return keras.layers.Activation("relu", name=f"{name}_relu")(x) if relu else x


def _residual(x, normalization, *, name):
    y = _convolve(x, x.shape[-1], normalization, name=f"{name}_a")
    y = _convolve(y, x.shape[-1], normalization, name=f"{name}_b", relu=False)
    return keras.layers.Activation("relu", name=f"{name}_relu")(keras.layers.Add()([x, y]))


def _attend_to_whole_image(x):
    """Scales each channel by what the whole image holds: how far a room reaches shows nowhere locally."""
    channels = x.shape[-1]
    whole = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    whole = keras.layers.Conv2D(channels // 2, 1, activation="relu", name="context_squeeze")(whole)
    whole = keras.layers.Conv2D(channels, 1, activation="sigmoid", name="context_scale")(whole)
    return keras.layers.Multiply()([x, whole])
