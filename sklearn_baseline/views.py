"""Views of a training pair: what the same camera might have seen, with the depth that goes with it.

Zoomed: a crop enlarged to full size is what a camera sees whose focal length is
larger by the zoom; for the same camera the scene must then be nearer by it, so its depth is divided by the zoom.
Relit: brightness, colour and gamma change, depth does not. Depth is learnt as its logarithm on 30x40.
"""

import functools

import numpy as np

from depth_tf.data.resizing import resize_bilinear
from sklearn_baseline.cues import IMAGE_SHAPE

DEPTH_SHAPE = (30, 40)  # of the log depth that is learnt from
MAX_ZOOM = 1.5
# Standard deviations of the logarithms of brightness, of each colour channel, and of gamma.
BRIGHTNESS, COLOUR, GAMMA = 0.12, 0.06, 0.15
PLAIN = 0  # the view that every image has; those after are random
LEAST_VALID_SHARE = 0.3  # of what a pixel averages: with less measured depth than this it counts as missing
WHOLE = (0.0, 0.0, 1.0, 1.0)  # a window: top, left, bottom and right, as shares of the frame


def make_view(
    image: np.ndarray, depth_m: np.ndarray, *, view: int, seed: tuple, image_shape=IMAGE_SHAPE, depth_shape=DEPTH_SHAPE
) -> tuple[np.ndarray, np.ndarray]:
    """Returns one view of an image [H, W, 3] uint8, RGB, and its depth [h, w] float, metres, 0 where missing.

    `view` is PLAIN, or above for a random one; the random draws depend on it and on `seed`. The image comes as
    [*image_shape, 3] float32, 0..1, and the depth as ln metres, [*depth_shape] float32, NaN where missing.
    """
    rng = np.random.default_rng((*seed, view))
    zoom, window = 1.0, WHOLE
    if view > PLAIN:
        zoom = np.exp(rng.uniform(0.0, np.log(MAX_ZOOM)))
        top, left = rng.uniform(0.0, 1.0 - 1.0 / zoom, size=2)
        window = (top, left, top + 1.0 / zoom, left + 1.0 / zoom)
    shown = prepare(image, image_shape, window)
    if view > PLAIN:
        gain = np.exp(rng.normal(0.0, BRIGHTNESS) + rng.normal(0.0, COLOUR, size=3))
        shown = np.clip(gain * shown, 0.0, 1.0) ** np.exp(rng.normal(0.0, GAMMA))
    log_depth = resample_log_depth(depth_m, depth_shape, window) - np.float32(np.log(zoom))
    return np.ascontiguousarray(shown, np.float32), log_depth


def prepare(image: np.ndarray, shape: tuple[int, int] = IMAGE_SHAPE, window: tuple = WHOLE) -> np.ndarray:
    """Returns an image [H, W, 3] uint8 of any size as cues are made from it: [*shape, 3] float32, 0..1."""
    return resample(image, shape, window) / np.float32(255)


def to_metres(log_depth: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns [any, any] ln metres as [*shape] float32 metres, bilinear in the logarithm."""
    return np.exp(resize_bilinear(log_depth.astype(np.float32), shape))


def resample_log_depth(depth_m: np.ndarray, shape: tuple[int, int], window: tuple = WHOLE) -> np.ndarray:
    """Returns [H, W] metres, 0 where missing, as mean ln metres [*shape] float32, NaN where too little is measured."""
    valid = depth_m > 0
    log_depth = np.log(np.where(valid, depth_m, 1.0), dtype=np.float32)
    total, share = np.moveaxis(resample(np.stack([log_depth, valid], axis=-1), shape, window), -1, 0)
    return np.where(share >= LEAST_VALID_SHARE, total / np.maximum(share, LEAST_VALID_SHARE), np.float32(np.nan))


def resample(values: np.ndarray, shape: tuple[int, int], window: tuple = WHOLE) -> np.ndarray:
    """Returns `window` of [H, W, C] as [*shape, C] float32: interpolated where it grows, averaged where it shrinks."""
    rows = _weights(values.shape[0], shape[0], window[0], window[2])
    columns = _weights(values.shape[1], shape[1], window[1], window[3])
    wide = np.tensordot(rows, values.astype(np.float32), (1, 0))
    return np.ascontiguousarray(np.swapaxes(np.tensordot(columns, wide, (1, 1)), 0, 1))


@functools.lru_cache(maxsize=256)
def _weights(size: int, new_size: int, start: float, end: float) -> np.ndarray:
    """Returns [new_size, size] float32, the share of each old pixel in each new one: a tent as wide as the step."""
    step = (end - start) * size / new_size
    centres = (np.arange(new_size) + 0.5) * step + start * size - 0.5
    distances = np.abs(np.arange(size) - centres[:, np.newaxis])
    tent = np.maximum(0.0, 1.0 - distances / max(step, 1.0))
    return (tent / tent.sum(1, keepdims=True)).astype(np.float32)
