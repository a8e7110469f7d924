"""Trained networks in files: those that come with the package, and the .keras files of runs.

A network of the package is weights/NAME.npz: its architecture as Keras's JSON, its weights as float16, and what it
learned from; weights/NAME.md is its model card. `python -m depth_tf.publish` writes both.
"""

from __future__ import annotations

import json
import os
import pathlib
import zipfile

from etils import epy

from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import keras
    import numpy as np

    from depth_tf.data import resizing

FOLDER = pathlib.Path(__file__).parent / "weights"
BUNDLED = ("encoder", "small")


def load_network(name: str | os.PathLike, *, size_px: tuple[int, int] | None = None) -> keras.Model:
    """Loads a trained network for prediction or further training.

    Args:
      name: an entry of `BUNDLED`, or a .keras file that `depth_tf.train` wrote.
      size_px: height and width that the network must take, each divisible by 32; the same weights serve any. None
        keeps those it was trained at.

    Returns:
      A model from [B, H, W, 3] float32 RGB in 0..255 to [B, H, W, 1] float32, metres.

    Raises:
      InputError: if the file is missing, or is no saved Keras model from images to depth.
    """
    network = _read_bundled(name) if name in BUNDLED else _read_keras(name)
    shapes = network.input_shape, network.output_shape
    if any(len(shape) != 4 for shape in shapes) or shapes[0] != (*shapes[1][:3], 3) or shapes[1][3] != 1:
        raise InputError(f"{name} maps {shapes[0]} to {shapes[1]}: expected (None, H, W, 3) to (None, H, W, 1)")
    return network if size_px is None else resize_network(network, size_px)


def resize_network(network: keras.Model, size_px: tuple[int, int]) -> keras.Model:
    """Returns a network with the same weights for images of another height and width, each divisible by 32."""
    if network.input_shape[1:3] == tuple(size_px):
        return network
    resizing.check_size(*size_px)
    resized = keras.models.clone_model(network, input_tensors=keras.Input((*size_px, 3), name="image"))
    resized.set_weights(network.get_weights())
    return resized


def log_depth_layer(network: keras.Model):
    """Returns the layer of which a network's depth is the exponential; InputError if it ends in another way."""
    layer, last = network.layers[-2:]
    if not isinstance(layer, keras.layers.Rescaling) or getattr(last, "activation", 0) != keras.activations.exponential:
        raise InputError(f"expected a network that ends in Rescaling and exponential, got {layer.name} and {last.name}")
    return layer


def learnt(name: str | os.PathLike) -> dict:
    """Returns what a network learned from: "trained_on" and "num_train_images", which .keras files do not say."""
    if name not in BUNDLED:
        return {"trained_on": "unknown", "num_train_images": None}
    with _open_bundled(name) as arrays:
        return json.loads(str(arrays["learnt"]))


def write_bundled(path: pathlib.Path, network: keras.Model, learnt: dict) -> None:
    """Writes a network as `load_network` reads it; float16 halves the file and moves depth by less than 1 %."""
    weights = {f"{place:03d}": weight.astype(np.float16) for place, weight in enumerate(network.get_weights())}
    if not all(np.isfinite(weight).all() for weight in weights.values()):
        raise InputError(f"{path}: a weight is beyond float16's 65,504: expected smaller ones; train again")
    with atomic_files.replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, architecture=network.to_json(), learnt=json.dumps(learnt), **weights)


def _read_bundled(name: str) -> keras.Model:
    with _open_bundled(name) as arrays:
        network = keras.models.model_from_json(str(arrays["architecture"]))
        network.set_weights([arrays[f"{place:03d}"].astype(np.float32) for place in range(len(network.weights))])
    return network


def _open_bundled(name: str):
    path = FOLDER / f"{name}.npz"
    if not path.is_file():
        raise InputError(f"{path} is missing: expected the network that comes with the package; install it again")
    return np.load(path, allow_pickle=False)


def _read_keras(path: str | os.PathLike) -> keras.Model:
    wanted = f"expected a best.keras written by depth_tf.train, or {' or '.join(BUNDLED)}"
    if not os.path.isfile(path):
        raise InputError(f"no network at {path}: {wanted}")
    try:
        return keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a saved Keras model: {wanted}") from error
