"""Made-up photographs with depth maps, in files."""

import pathlib

import numpy as np
from PIL import Image

RNG = np.random.default_rng(3)


def picture(height=48, width=64) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def depth_units(height=48, width=64) -> np.ndarray:
    return RNG.integers(500, 9000, (height, width)).astype(np.uint16)


def write_pair(path: pathlib.Path, image: np.ndarray | None = None, units: np.ndarray | None = None) -> None:
    """Writes `path`.png and `path`_depth.png."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture() if image is None else image).save(f"{path}.png")
    Image.fromarray(depth_units() if units is None else units).save(f"{path}_depth.png")


def damage(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
