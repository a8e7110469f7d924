"""What a Kinect makes of a view: a photograph with its faults, and depth with gaps.

Depth follows Khoshelham & Elberink (Sensors 2012, 12, 1437-1454): readings come from disparity in steps, with noise.
"""

import numpy as np
from scipy import ndimage

from depth_tf.synthetic_rooms.camera import CALIBRATED_WIDTH_PX
from depth_tf.synthetic_rooms.render import Rendering

MIN_DEPTH_M, MAX_DEPTH_M = 0.5, 10.0
INFRARED_FOCAL_PX, BASELINE_M = 580.0, 0.075  # at 640 columns; projector to infrared camera
DISPARITY_STEP_PX, DISPARITY_NOISE_PX = 0.125, 0.06


def photograph(rendering: Rendering, rng: np.random.Generator) -> np.ndarray:
    """Returns [H, W, 3] uint8: exposed, white-balanced, with vignette, blur, noise and a film-like curve."""
    # White balance makes the mean colour greyer, as cameras do, and misses by a little.
    mean = np.log(np.minimum(rendering.radiance, 2).mean(axis=(1, 2)))
    warmth, tint = rng.normal((0.02, 0), (0.09, 0.03))
    gains = np.exp(rng.uniform(0.4, 0.9) * (mean.mean() - mean) + (warmth, tint, -warmth))
    light = rendering.radiance * gains.astype(np.float32)[:, None, None]
    luminance = light[:, ::4, ::4].mean(axis=0)
    brightness = np.exp(np.log(np.clip(luminance, 1e-3, 4)).mean()) * 0.6 + 0.4 * np.median(luminance)
    brightness = max(brightness, 0.3 * float(np.quantile(luminance, 0.8)))
    rows, columns = (np.linspace(-1, 1, extent, dtype=np.float32) for extent in light.shape[1:])
    vignette = 1 - np.float32(rng.uniform(0, 0.1)) * (rows[:, None] ** 2 + columns**2)
    light = np.minimum(light * (vignette * np.float32(np.exp(rng.normal(np.log(0.155), 0.33)) / brightness)), 4)
    for axis, share in zip((1, 2), rng.uniform(0, 0.22, 2), strict=True):  # an unsteady hand blurs by up to a pixel
        light = ndimage.convolve1d(light, [share, 1 - 2 * share, share], axis, mode="nearest")
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    light += noise * np.float32(0.75 * np.exp(rng.normal(np.log(0.007), 0.5))) * np.sqrt(light + np.float32(0.02))
    grey = light.mean(axis=0)
    light = np.maximum(grey + np.float32(rng.uniform(0.6, 1.05)) * (light - grey), 0)
    # Film: gamma, crushed blacks, highlights that clip.
    display = np.float32(0.45) + np.float32(rng.uniform(1.25, 1.75)) * (light ** np.float32(1 / 2.2) - np.float32(0.45))
    return np.stack((np.clip(display, 0, 1) * 255 + 0.5).astype(np.uint8), axis=-1)


def read_depth(rendering: Rendering, rng: np.random.Generator) -> np.ndarray:
    """Returns [H, W] float16 metres: steps and noise of the sensor, 0 where it has no reading."""
    depth_m = rendering.depth_m
    known = (depth_m > MIN_DEPTH_M) & (depth_m < MAX_DEPTH_M)
    safe_m = np.where(known, depth_m, MAX_DEPTH_M)
    seen = known & ~projector_shadow(safe_m) & _returns_enough(rendering, safe_m, rng)
    # Beside a step in depth the sensor's window straddles two surfaces.
    low = high = np.pad(safe_m, 1, mode="edge")
    for _ in range(2):  # rows, then columns; SciPy's filters take ten times as long
        low, high = (of(of(each[:-2], each[1:-1]), each[2:]).T for of, each in ((np.minimum, low), (np.maximum, high)))
    seen &= (safe_m < 1.06 * low) & (high < 1.06 * safe_m)
    scale = np.float32(INFRARED_FOCAL_PX * BASELINE_M)
    disparity = scale / safe_m + DISPARITY_NOISE_PX * _smooth_noise(depth_m.shape, rng, size_px=2)
    disparity = np.round(disparity / DISPARITY_STEP_PX) * DISPARITY_STEP_PX
    measured = scale / np.maximum(disparity, scale / (2 * MAX_DEPTH_M))
    return np.where(seen & (measured < MAX_DEPTH_M), measured, 0).astype(np.float16)


def projector_shadow(depth_m: np.ndarray) -> np.ndarray:
    """Marks the pixels, [H, W] bool, that the projector to the right of the camera cannot reach past nearer things."""
    width = depth_m.shape[1]
    column = np.arange(width, dtype="f4") - INFRARED_FOCAL_PX * width / CALIBRATED_WIDTH_PX * BASELINE_M / depth_m
    return column > 1 + np.minimum.accumulate(column[:, ::-1], axis=1)[:, ::-1]  # the furthest of those further right


def _returns_enough(rendering: Rendering, depth_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """True where the projected pattern comes back strongly enough: not dark, glancing, mirroring or shining."""
    strength = (rendering.reflectance + 0.03) * rendering.incidence ** (1 + 1.5 * rendering.gloss)
    strength = strength / (1 + (depth_m / 6) ** 2) / (1 + 4 * rendering.glow)
    return strength > np.float32(0.0085) * np.exp(-0.33 * _smooth_noise(depth_m.shape, rng, size_px=8))


def _smooth_noise(shape: tuple[int, int], rng: np.random.Generator, *, size_px: int) -> np.ndarray:
    """Returns noise of about unit variance that hangs together over `size_px` pixels."""
    noise = rng.standard_normal([-(-extent // size_px) for extent in shape], dtype=np.float32) * np.float32(1.4)
    for axis in range(2):
        noise = ndimage.uniform_filter1d(np.repeat(noise, size_px, axis=axis), size_px, axis=axis)
    return noise[: shape[0], : shape[1]]
