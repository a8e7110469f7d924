"""Random changes that a camera could have made: a flip, a zoom, another exposure and white balance.

Every number drawn is a function of (seed, epoch, position in the epoch) alone: how images are batched, sharded over
workers or read by parallel threads does not matter, and an epoch can be replayed.
"""

import dataclasses

import tensorflow as tf

NUM_DRAWS = 9


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How strongly images are changed; the values that leave an image as it is are in brackets."""

    flip: bool = True  # mirror half of the images [False]
    max_zoom: float = 1.5  # magnify by 1 to this factor, uniform in its logarithm [1]
    exposure: float = 0.3  # multiply brightness by 1 +- this [0]
    contrast: float = 0.3  # scale differences from the image's mean by 1 +- this [0]
    white_balance: float = 0.1  # multiply each channel by 1 +- this [0]


NO_AUGMENTATION = Augmentation(False, 1.0, 0.0, 0.0, 0.0)


def draw(seed: int, epoch: tf.Tensor, num_images: int) -> tf.Tensor:
    """Returns the random numbers of an epoch, [num_images, NUM_DRAWS] float32, uniform in [0, 1).

    Args:
      seed: the run's seed.
      epoch: scalar int64.
      num_images: images in the epoch, over all workers; a row is for the image at that place of the order.
    """
    return tf.random.stateless_uniform([num_images, NUM_DRAWS], seed=tf.stack([tf.cast(seed, tf.int64), epoch]))


def augment(image: tf.Tensor, depth_m: tf.Tensor, draws: tf.Tensor, strength: Augmentation):
    """Changes a batch.

    Args:
      image: [B, H, W, 3] uint8 or float32, RGB in 0..255.
      depth_m: [B, H, W, 1] float32, metres, 0 where missing.
      draws: [B, NUM_DRAWS] float32 in [0, 1), from `draw`.
      strength: how much to change.

    Returns:
      image [B, H, W, 3] float32 in 0..255, and depth_m [B, H, W, 1] float32, metres, moved with the image.
    """
    image, depth_m = flip_and_zoom(image, depth_m, draws[:, :4], strength)
    return change_light(image, draws[:, 4:], strength), depth_m


def flip_and_zoom(image: tf.Tensor, depth_m: tf.Tensor, draws: tf.Tensor, strength: Augmentation):
    """Mirrors and magnifies image and depth alike, and divides the depth by the magnification.

    A camera whose picture of a thing is k times larger stands k times nearer. Depth is sampled, not
    interpolated, so that no depth is invented between a table's edge and the wall behind it.

    Args:
      image: [B, H, W, 3] uint8 or float32.
      depth_m: [B, H, W, 1] float32, metres, 0 where missing.
      draws: [B, 4] float32 in [0, 1): flip, zoom, and where the magnified part lies.
      strength: how much to change.

    Returns:
      image [B, H, W, 3] float32 and depth_m [B, H, W, 1] float32, metres.
    """
    zoom = tf.constant(strength.max_zoom, tf.float32) ** draws[:, 1]
    side = 1.0 / zoom
    top, left = draws[:, 2] * (1.0 - side), draws[:, 3] * (1.0 - side)
    right = left + side
    mirrored = (draws[:, 0] < 0.5) if strength.flip else tf.zeros_like(draws[:, 0], tf.bool)
    boxes = tf.stack([top, tf.where(mirrored, right, left), top + side, tf.where(mirrored, left, right)], axis=1)
    indices, size = tf.range(tf.shape(image)[0]), image.shape[1:3]
    image = tf.image.crop_and_resize(image, boxes, indices, size, method="bilinear")
    depth_m = tf.image.crop_and_resize(depth_m, boxes, indices, size, method="nearest")
    return image, depth_m / zoom[:, None, None, None]


def change_light(image: tf.Tensor, draws: tf.Tensor, strength: Augmentation) -> tf.Tensor:
    """Changes exposure, contrast and white balance: a gain and an offset for each channel of an image.

    Args:
      image: [B, H, W, 3] float32 in 0..255.
      draws: [B, 5] float32 in [0, 1).
      strength: how much to change.

    Returns:
      [B, H, W, 3] float32 in 0..255.
    """
    signed = 2.0 * draws - 1.0
    exposure = (1.0 + strength.exposure * signed[:, 0:1]) * (1.0 + strength.white_balance * signed[:, 2:5])
    contrast = 1.0 + strength.contrast * signed[:, 1:2]
    mean = tf.reduce_mean(image, axis=(1, 2, 3))[:, None]
    gain, offset = exposure * contrast, exposure * (1.0 - contrast) * mean

    # Whole rows, for TensorFlow broadcasts an axis of three slowly.
    height_px, width_px = image.shape[1:3]
    rows = tf.reshape(image, [-1, height_px, width_px * 3])
    changed = rows * tf.tile(gain, [1, width_px])[:, None] + tf.tile(offset, [1, width_px])[:, None]
    return tf.reshape(tf.clip_by_value(changed, 0.0, 255.0), [-1, height_px, width_px, 3])
