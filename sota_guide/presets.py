"""Depth networks of KerasHub: loaded by name or from a folder, and asked for depth.

Images are brought to the network's square here, whole. KerasHub's own image converter, as its presets were saved,
crops a photograph to its middle square first, so that `predict` on 640x480 covers three quarters of it.
"""

from __future__ import annotations

import contextlib
import importlib
import pathlib
import tempfile
from collections.abc import Sequence

import numpy as np
from etils import epy

from depth_tf.runtime.errors import InputError

with epy.lazy_imports():
    import tensorflow as tf

# KerasHub's own names; the weights of base and large are CC-BY-NC-4.0.
NAMES = ("depth_anything_v2_small", "depth_anything_v2_base", "depth_anything_v2_large")
PAGE = "https://www.kaggle.com/models/keras/depth-anything"
INSTALL = "pip install -r sota_guide/requirements.txt"
RELATIVE = {"depth_estimation_type": "relative"}  # what a preset without task.json predicts
FOLDER = "preset"  # what `finetune` calls it inside a run's folder
PATCH_PX = 14  # the encoder sees the image in squares of this side
LEAST_SIZE_PX = 84  # below, the decoder's coarsest level has no room for a 3x3 kernel
MIN_DEPTH_M = 1e-3  # below what any protocol counts; a sigmoid can reach 0, whose logarithm is not a number


class DepthModel:
    """A KerasHub depth estimator that takes photographs of any size."""

    def __init__(self, estimator, name: str):
        self.estimator, self.name = estimator, name  # a `keras_hub.models.DepthEstimator`; the preset's name
        # Inverse depth is 1/depth up to an unknown scale and shift, near is large.
        self.prediction_kind = "depth_m" if estimator.depth_estimation_type == "metric" else "inverse_depth"
        self.size_px = int(estimator.input_shape[1])  # side of the square that the network sees
        specification = tf.TensorSpec((None, self.size_px, self.size_px, 3), tf.float32)
        self._network = tf.function(
            lambda images: tf.cast(estimator(images, training=False)["depths"][..., 0], tf.float32),
            input_signature=[specification],
        )

    def predict(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Returns the depth of images [H, W, 3] uint8, RGB, each of any size, as [B, size_px, size_px] float32.

        Metres of at least 0.001, or inverse depth from 0, as `prediction_kind` says. It covers the whole image,
        whatever its shape: resize it to the image's size.
        """
        squares = tf.stack([_square(image, self.size_px) for image in images])
        depth = self._network(self.estimator.preprocessor.image_converter(squares)).numpy()
        return np.maximum(depth, MIN_DEPTH_M) if self.prediction_kind == "depth_m" else depth

    def describe(self) -> dict:
        """Returns what a result file says of the model."""
        return {
            "preset": self.name,
            "library": f"keras-hub {import_keras_hub().__version__}",
            "size_px": self.size_px,
            "output": "metres" if self.prediction_kind == "depth_m" else "relative inverse depth",
        }


def load(preset: str, *, size_px: int | None = None) -> DepthModel:
    """Loads a depth network: a name of `NAMES`, an address of KerasHub's (kaggle://, hf://), or a preset's folder.

    `size_px` is the side of the square that the network is to see, divisible by 14; None takes the preset's own.
    InputError if KerasHub is missing, the preset is unknown or holds no depth network, or its weights cannot be had.
    """
    if size_px is not None:
        check_size(size_px)
    keras_hub = import_keras_hub()
    folder = pathlib.Path(preset)
    if folder.is_dir():
        estimator, whole = _from_folder(keras_hub, folder), folder.resolve()
        name = whole.parent.name if whole.name == FOLDER else whole.name  # of a run's preset, the run's
    elif preset in NAMES or "://" in preset:
        estimator, name = _from_network(keras_hub, preset), preset
    else:
        raise InputError(
            f"no folder {preset}, and no preset of that name: expected one of {', '.join(NAMES)}, or a preset's folder"
        )
    if estimator.preprocessor is None or estimator.preprocessor.image_converter is None:
        raise InputError(f"--preset={preset} does not say how its images are scaled: image_converter.json is missing")
    return DepthModel(estimator if size_px is None else at_size(estimator, size_px), name)


def at_size(estimator, size_px: int):
    """Returns the estimator for squares of another side, with the same weights."""
    if estimator.input_shape[1] == size_px:
        return estimator
    config = estimator.backbone.get_config()
    config["image_encoder"]["config"]["image_shape"] = (size_px, size_px, 3)
    backbone = type(estimator.backbone).from_config(config)
    with tempfile.TemporaryDirectory() as folder:  # reading a file, KerasHub interpolates the position embeddings
        weights = pathlib.Path(folder) / "backbone.weights.h5"
        estimator.backbone.save_weights(weights)
        backbone.load_weights(weights)
    converter = estimator.preprocessor.image_converter
    resizing = type(converter).from_config({**converter.get_config(), "image_size": (size_px, size_px)})
    kept = {name: getattr(estimator, name) for name in ("depth_estimation_type", "min_depth", "max_depth")}
    return type(estimator)(backbone=backbone, preprocessor=type(estimator.preprocessor)(resizing), **kept)


def check_size(size_px: int) -> None:
    """Raises InputError unless the side is divisible by 14 and large enough."""
    if size_px < LEAST_SIZE_PX or size_px % PATCH_PX:
        nearest = max(LEAST_SIZE_PX, PATCH_PX * round(size_px / PATCH_PX))
        raise InputError(
            f"expected --size_px of {LEAST_SIZE_PX} or more, divisible by {PATCH_PX}, got {size_px}; nearest: {nearest}"
        )


def import_keras_hub():
    """Returns the module; raises InputError with the command that installs it."""
    try:
        return importlib.import_module("keras_hub")
    except ImportError as error:
        raise InputError(f"keras_hub cannot be imported ({first_line(error)}): {INSTALL}") from error


def _from_folder(keras_hub, folder: pathlib.Path):
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} is not a KerasHub preset: it has no config.json; download it whole from {PAGE}")
    kind = {} if (folder / "task.json").is_file() else RELATIVE
    try:
        return keras_hub.models.DepthEstimator.from_preset(str(folder), **kind)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{folder} holds no depth network that keras-hub {keras_hub.__version__} can load "
            f"({first_line(error)}): download it whole from {PAGE}"
        ) from error


def _from_network(keras_hub, preset: str):
    from_preset = keras_hub.models.DepthEstimator.from_preset
    try:
        with contextlib.suppress(TypeError):  # it was saved, as the published ones are, without what its output means
            return from_preset(preset, **(RELATIVE if preset in NAMES else {}))
        return from_preset(preset, **RELATIVE)
    except (OSError, ValueError, TypeError) as error:
        # Off-line, Kaggle's client raises requests' ConnectionError, an OSError; for hf:// KerasHub turns it into
        # a ValueError about a missing config.json.
        raise InputError(
            f"the weights of {preset} cannot be had ({first_line(error)}): check the connection and the name, or "
            f"download the preset's folder elsewhere from {PAGE} and give --preset=FOLDER"
        ) from error


def _square(image: np.ndarray, size_px: int) -> tf.Tensor:
    """Returns [size_px, size_px, 3] float32 in 0..255: the whole image, its sides scaled apart."""
    square = tf.image.resize(image, (size_px, size_px), method="bicubic", antialias=True)
    return tf.clip_by_value(square, 0.0, 255.0)  # bicubic overshoots at edges


def first_line(error: BaseException) -> str:
    """Returns the beginning of what an error says."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
