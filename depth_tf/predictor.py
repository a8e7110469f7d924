"""A trained network that takes photographs of any size and shape: `load("encoder").predict("room.jpg")`."""

from __future__ import annotations

import functools
import math
import os

import numpy as np
from etils import epy
from PIL import Image

from depth_tf import saved
from depth_tf.data import photos, resizing
from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import keras
    import tensorflow as tf

Photo = str | os.PathLike | Image.Image | np.ndarray
SIZES_KEPT = 8  # networks kept, one per input size; building another takes a second or two


class Predictor:
    """Predicts depth at a photograph's own size, in metres, from its own aspect ratio, to within the rounding to 32 px.

    The network is built anew, with the same weights, for each shape of photograph, at about as many pixels as it was
    trained on, with sides divisible by 32.
    """

    def __init__(self, network: keras.Model):
        """Takes a network as `saved.load_network` returns it."""
        self._network = network
        self._sized = functools.lru_cache(SIZES_KEPT)(self._build)

    def predict(self, photo: Photo | list[Photo]) -> np.ndarray | list[np.ndarray]:
        """Returns the depth of a photograph, or of each one in a list.

        Args:
          photo: a path, a PIL image, or [H, W, 3] uint8, RGB; what a file's EXIF says of its orientation is followed.

        Returns:
          [H, W] float32, metres along the optical axis, upright.

        Raises:
          InputError: if a file cannot be read, or an array is of another kind.
        """
        if isinstance(photo, list):
            return [self.predict(one) for one in photo]
        image = as_array(photo)
        size_px = self.size_px(*image.shape[:2])
        depth_m = self._sized(size_px)(resizing.resize_image(image, size_px)[None])
        return tf.image.resize(depth_m, image.shape[:2])[0, ..., 0].numpy()

    def size_px(self, height_px: int, width_px: int) -> tuple[int, int]:
        """Returns the height and width that the network sees of a photograph of this size."""
        trained_height, trained_width = self._network.input_shape[1:3]
        aspect, stride = width_px / height_px, resizing.STRIDE
        height = math.sqrt(trained_height * trained_width / aspect)
        return tuple(max(stride, stride * round(side / stride)) for side in (height, height * aspect))

    def _build(self, size_px: tuple[int, int]):
        network = saved.resize_network(self._network, size_px)
        return tf.function(lambda images: network(tf.cast(images, tf.float32), training=False))


def load(name: str | os.PathLike = "encoder") -> Predictor:
    """Loads a network that comes with the package, or a run's best.keras; raises what `saved.load_network` does."""
    return Predictor(saved.load_network(name))


def as_array(photo: Photo) -> np.ndarray:
    """Returns a photograph as [H, W, 3] uint8, RGB, upright."""
    if isinstance(photo, np.ndarray):
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or not photo.size:
            raise InputError(f"expected a photograph [H, W, 3] uint8, RGB, got {photo.dtype} {list(photo.shape)}")
        return photo
    return photos.upright(photo) if isinstance(photo, Image.Image) else photos.read_image(photo)
