"""A trained network that takes photographs of any size and shape: `load("encoder").predict("room.jpg")`.

A picture alone does not tell a near small room from a far large one: with a longer lens, all things look larger, as if
they were nearer. The networks learned on NYU's camera, and take what they see for a picture of that camera. Where the
focal length is known, depth is therefore multiplied by it over the one that the network takes for granted.
"""

from __future__ import annotations

import functools
import math
import os
import typing
from collections.abc import Sequence

import numpy as np
from etils import epy
from PIL import Image

from depth_tf import saved
from depth_tf.data import photos, resizing
from depth_tf.runtime.errors import InputError
from depth_tf.synthetic_rooms import camera

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import keras
    import tensorflow as tf

Photo = str | os.PathLike | Image.Image | np.ndarray
SIZES_KEPT = 8  # networks kept, one per input size; building another takes a second or two
BATCH_SIZE = 8
LEAST_SIDE_PX = 32
LEAST_SPREAD = 0.02**2  # variance of log depth: of points that lie closer together, no exponent can be told


class Focal(typing.NamedTuple):
    """What is known of the camera of a photograph, and what follows."""

    px: float  # focal length in pixels of the photograph
    depth_factor: float  # what the network's depth is multiplied by
    told: str  # where the focal length comes from


class Scale(typing.NamedTuple):
    """What brings predicted depth closer to known depth: factor * depth ** exponent."""

    factor: float = 1.0
    exponent: float = 1.0
    told: str = "scale as predicted"

    def apply(self, depth_m: np.ndarray) -> np.ndarray:
        """Returns depth, float32 metres, of any shape, in the scale of what is known."""
        return self.factor * depth_m**self.exponent


class Predictor:
    """Predicts depth at a photograph's own size, in metres, from its own aspect ratio, to within the rounding to 32 px.

    The network is built anew, with the same weights, for each shape of photograph, at about as many pixels as it was
    trained on, with sides divisible by 32.
    """

    def __init__(self, network: keras.Model, *, of_nyus_camera: bool = False):
        """Takes a network of `saved.load_network`, and whether it is known to have learned on NYU's camera."""
        self._network, self._of_nyus_camera = network, of_nyus_camera
        self._sized = functools.lru_cache(SIZES_KEPT)(self._build)

    @typing.overload
    def predict(self, photo: Photo, *, focal_px: float | None = None) -> np.ndarray: ...

    @typing.overload
    def predict(self, photo: list[Photo], *, focal_px: float | None = None) -> list[np.ndarray]: ...

    def predict(self, photo, *, focal_px=None):
        """Returns the depth of a photograph, or of each one in a list.

        Args:
          photo: a path, a PIL image, or [H, W, 3] uint8, RGB; what a file's EXIF says of its orientation is followed.
          focal_px: the camera's focal length, in pixels of the photograph; None takes what `focal` finds.

        Returns:
          [H, W] float32, metres along the optical axis, upright.

        Raises:
          InputError: if a file cannot be read, or an array is of another kind.
        """
        photos_given = photo if isinstance(photo, list) else [photo]
        depths_m: list = []
        for start in range(0, len(photos_given), BATCH_SIZE):
            batch = [as_photograph(one) for one in photos_given[start : start + BATCH_SIZE]]
            depths_m += self._predict_batch(batch, focal_px)
        return depths_m if isinstance(photo, list) else depths_m[0]

    def _predict_batch(self, batch: list[photos.Photograph], focal_px: float | None) -> list[np.ndarray]:
        sizes_px = [self.size_px(*one.image.shape[:2]) for one in batch]
        depths_m: list = [None] * len(batch)
        for size_px in set(sizes_px):
            places = [place for place, other_px in enumerate(sizes_px) if other_px == size_px]
            images = tf.stack([resizing.resize_image(batch[place].image, size_px) for place in places])
            for place, depth_m in zip(places, self._sized(size_px)(images), strict=True):
                depth_m *= self.focal(batch[place], focal_px).depth_factor
                depths_m[place] = tf.image.resize(depth_m, batch[place].image.shape[:2])[..., 0].numpy()
        return depths_m

    def focal(self, one: photos.Photograph, focal_px: float | None = None) -> Focal:
        """Returns the focal length of a photograph: the one given, else its EXIF's, else NYU's camera's at its size.

        EXIF's changes no depth where the network may have learned on another camera: the one of its user's pictures.
        """
        if focal_px is not None and not 0 < focal_px < math.inf:
            raise InputError(f"expected a focal length above 0, in pixels of the photograph, got {focal_px:g}")
        shape = one.image.shape[:2]
        seen_px, trained_px = math.prod(self.size_px(*shape)), math.prod(self._network.input_shape[1:3])
        calibrated_px = camera.CALIBRATED_HEIGHT_PX * camera.CALIBRATED_WIDTH_PX
        assumed_px = camera.FX_PX * math.sqrt(trained_px / calibrated_px * math.prod(shape) / seen_px)
        if focal_px:
            return Focal(focal_px, focal_px / assumed_px, "given")
        if one.focal_px and self._of_nyus_camera:
            return Focal(one.focal_px, one.focal_px / assumed_px, "from EXIF")
        if one.focal_px:
            return Focal(one.focal_px, 1.0, "from EXIF, depth not corrected for it: this network's camera is unknown")
        return Focal(assumed_px, 1.0, "unknown, NYU's camera assumed")

    def size_px(self, height_px: int, width_px: int) -> tuple[int, int]:
        """Returns the height and width that the network sees of a photograph of this size."""
        trained_height, trained_width = self._network.input_shape[1:3]
        aspect, stride = width_px / height_px, resizing.STRIDE
        height = math.sqrt(trained_height * trained_width / aspect)
        return tuple(max(stride, stride * round(side / stride)) for side in (height, height * aspect))

    def _build(self, size_px: tuple[int, int]):
        network = saved.resize_network(self._network, size_px)
        signature = [tf.TensorSpec((None, *size_px, 3), tf.uint8)]  # of any number: a short batch needs no new graph
        return tf.function(lambda images: network(tf.cast(images, tf.float32), training=False), signature)


def load(name: str | os.PathLike = "encoder") -> Predictor:
    """Loads a network that comes with the package, or a run's best.keras; raises what `saved.load_network` does."""
    return Predictor(saved.load_network(name), of_nyus_camera=name in saved.BUNDLED)


def as_photograph(photo: Photo | photos.Photograph) -> photos.Photograph:
    """Returns a photograph in any of its forms as the one that is used here."""
    if isinstance(photo, np.ndarray):
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
            raise InputError(f"expected a photograph [H, W, 3] uint8, RGB, got {photo.dtype} {list(photo.shape)}")
        photo = photos.Photograph(photo)
    if isinstance(photo, Image.Image):
        photo = photos.photograph(photo)
    if not isinstance(photo, photos.Photograph):
        photo = photos.read_photograph(photo)
    if min(photo.image.shape[:2]) < LEAST_SIDE_PX:
        height_px, width_px = photo.image.shape[:2]
        raise InputError(f"expected a photograph of {LEAST_SIDE_PX} px or more a side, got {width_px}x{height_px} px")
    return photo


def fit_scale(*, true_m: np.ndarray, pred_m: np.ndarray, weights: np.ndarray | None = None) -> Scale:
    """Fits a line to log depth by least squares: one factor, and from three known depths on an exponent too.

    Args:
      true_m: [N] float, metres, above 0.
      pred_m: [N] float, metres, above 0.
      weights: [N] float of each; None counts all alike.

    Returns:
      The scale; its exponent is 1 too where the points do not tell it: all at one depth, or the farther ones nearer.
    """
    true, pred = np.log(np.asarray(true_m, np.float64)), np.log(np.asarray(pred_m, np.float64))
    true_mean, pred_mean = (np.average(values, weights=weights) for values in (true, pred))
    spread = np.average((pred - pred_mean) ** 2, weights=weights)
    slope = np.average((pred - pred_mean) * (true - true_mean), weights=weights) / max(spread, LEAST_SPREAD)
    exponent = float(slope) if true.size >= 3 and spread > LEAST_SPREAD and slope > 0 else 1.0
    factor = math.exp(true_mean - exponent * pred_mean)
    scale, power = Scale(factor, exponent), "" if exponent == 1 else f"^{exponent:.3f}"
    before, after = (np.average(np.abs(depth_m - true_m), weights=weights) for depth_m in (pred_m, scale.apply(pred_m)))
    told = f"scale: depth{power} x {factor:.3f}; what is known is missed by {after:.2f} m, before by {before:.2f} m"
    return scale._replace(told=told)


def fit_known(depth_m: np.ndarray, points: Sequence[Sequence[float]]) -> Scale:
    """Fits the scale of a depth map, [H, W] metres, to points (column, row, metres); InputError for one outside."""
    height_px, width_px = depth_m.shape
    for x, y, _ in points:
        if not (0 <= x < width_px and 0 <= y < height_px):
            raise InputError(f"the known point {x:g},{y:g} lies outside the photograph of {width_px}x{height_px} px")
    columns, rows, true_m = np.array(points).T
    return fit_scale(true_m=true_m, pred_m=depth_m[rows.astype(int), columns.astype(int)])
