"""More views of a training pair: what the same camera might have seen, with the depth that goes with it.

Mirrored: the depth is mirrored too. Zoomed: a crop enlarged to full size is what a camera sees whose focal length is
larger by the zoom; for the same camera the scene must then be nearer by it, so its depth is divided by the zoom.
Relit: brightness, colour and gamma change, depth does not.
"""

import numpy as np

from sklearn_baseline.resampling import Window, resample, resample_log_depth

MAX_ZOOM = 1.5
# Standard deviations of the logarithms of brightness, of each colour channel, and of gamma.
BRIGHTNESS, COLOUR, GAMMA = 0.12, 0.06, 0.15
PLAIN, MIRRORED = 0, 1  # views that every image has; those after are random


def make_view(
    image: np.ndarray,
    depth_m: np.ndarray,
    *,
    view: int,
    seed: tuple[int, ...],
    image_shape: tuple[int, int],
    depth_shape: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Returns one view of a pair.

    Args:
      image: [H, W, 3] uint8, RGB.
      depth_m: [h, w] float, metres, 0 where missing.
      view: PLAIN, MIRRORED, or above for a random one; odd ones are mirrored.
      seed: what the random draws depend on beside `view`.
      image_shape: rows and columns of the returned image.
      depth_shape: rows and columns of the returned depth.

    Returns:
      The image, [*image_shape, 3] float32, 0..1, and ln metres, [*depth_shape] float32, NaN where missing.
    """
    rng = np.random.default_rng((*seed, view))
    zoom = np.exp(rng.uniform(0.0, np.log(MAX_ZOOM))) if view > MIRRORED else 1.0
    window = _window(rng, zoom)
    shown = resample(image, image_shape, window) / 255.0
    if view > MIRRORED:
        shown = _relight(rng, shown)
    log_depth = resample_log_depth(depth_m, depth_shape, window) - np.float32(np.log(zoom))
    if view % 2:
        shown, log_depth = shown[:, ::-1], log_depth[:, ::-1]
    return np.ascontiguousarray(shown, np.float32), np.ascontiguousarray(log_depth, np.float32)


def _window(rng: np.random.Generator, zoom: float) -> Window:
    side = 1.0 / zoom
    top, left = rng.uniform(0.0, 1.0 - side, size=2) if zoom > 1 else (0.0, 0.0)
    return float(top), float(left), float(top + side), float(left + side)


def _relight(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    gain = np.exp(rng.normal(0.0, BRIGHTNESS) + rng.normal(0.0, COLOUR, size=3))
    return np.clip(gain * image, 0.0, 1.0) ** np.exp(rng.normal(0.0, GAMMA))
