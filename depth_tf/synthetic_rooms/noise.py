"""Repeating noise and soft shapes, the raw stuff of the textures."""

import numpy as np

SIZE_PX = 256  # width and height of every texture

# Texture coordinates of the pixel centres, 0 to 1: U along the columns, V down the rows.
U, V = np.meshgrid((np.arange(SIZE_PX) + 0.5) / SIZE_PX, (np.arange(SIZE_PX) + 0.5) / SIZE_PX)


def spectral(rng: np.random.Generator, *, slope: float, stretch: float = 1.0, lowest: float = 1.0) -> np.ndarray:
    """Returns repeating noise of mean 0 and standard deviation 1, [SIZE_PX, SIZE_PX].

    Args:
      rng: source of randomness.
      slope: amplitude falls as frequency ** -slope; 0 is white, 2 is cloudy.
      stretch: how many times longer features are along U than along V.
      lowest: frequencies below so many cycles a repeat are left out.
    """
    along_v = np.fft.fftfreq(SIZE_PX, 1 / SIZE_PX)[:, None]
    along_u = np.fft.rfftfreq(SIZE_PX, 1 / SIZE_PX)[None, :] * stretch
    frequency = np.hypot(along_u, along_v)
    amplitude = np.where(frequency >= lowest, np.maximum(frequency, 1) ** -slope, 0).astype(np.float32)
    spectrum = np.fft.rfft2(rng.standard_normal((SIZE_PX, SIZE_PX), dtype=np.float32))
    noise = np.fft.irfft2(spectrum * amplitude, (SIZE_PX, SIZE_PX))
    return (noise - noise.mean()) / noise.std()


def soft_step(value: np.ndarray, *, width: float) -> np.ndarray:
    """Rises from 0 to 1 about value = 0, over `width`."""
    return np.clip(value / width + 0.5, 0, 1)


def shade(noise: np.ndarray, strength: float = 0.16) -> np.ndarray:
    """Brings noise of standard deviation 1 to the range 0 to 1 about the middle 0.5."""
    return np.clip(0.5 + strength * noise, 0, 1)


def line(distance: np.ndarray, *, width: float) -> np.ndarray:
    """Returns 1 on a line and 0 off it, `distance` from it, soft over a pixel."""
    return soft_step(width / 2 - np.abs(distance), width=1.5 / SIZE_PX)


def box(*, left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Returns 1 inside a rectangle of texture coordinates and 0 outside, soft over a pixel."""
    inside = np.minimum(np.minimum(U - left, right - U), np.minimum(V - top, bottom - V))
    return soft_step(inside, width=1.5 / SIZE_PX)


def disc(*, u: float, v: float, across: float, down: float) -> np.ndarray:
    """Returns 1 inside an ellipse with half axes `across` and `down`, 0 outside, soft over a few pixels."""
    radius = np.hypot((U - u) / across, (V - v) / down)
    return soft_step((1 - radius) * min(across, down), width=2 / SIZE_PX)


def frame(*, left: float, top: float, right: float, bottom: float, width: float) -> np.ndarray:
    """Returns 1 on the border, `width` wide, of a rectangle."""
    inner = box(left=left + width, top=top + width, right=right - width, bottom=bottom - width)
    return np.clip(box(left=left, top=top, right=right, bottom=bottom) - inner, 0, 1)


def stack(first: np.ndarray, second: np.ndarray | float, third: np.ndarray | float) -> np.ndarray:
    """Returns a texture, [SIZE_PX, SIZE_PX, 3], from its three channels."""
    shape = (SIZE_PX, SIZE_PX)
    return np.stack([np.broadcast_to(channel, shape) for channel in (first, second, third)], axis=-1)
