"""Reads and writes one photograph and its depth map, as files that any camera and any program can make."""

import os
import pathlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from depth_tf.errors import InputError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
DEPTH_ENDINGS = ("_depth.png", "_depth.npy")  # after the photograph's name without its suffix
MILLIMETRES = 0.001  # metres a unit of a depth PNG
LARGEST_UNIT = 65535  # of a depth PNG

# EXIF 2.3, tag 0x0112: from 5 on, the rows of the file are the columns of the picture.
ORIENTATION_TAG = 0x0112
SIDEWAYS = range(5, 9)

DEEP_MODES = ("I;16", "I;16L", "I;16B", "I")  # Pillow's names for 16 bits of grey
SHALLOW_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)  # from Pillow and NumPy
DEPTH_FORMS = "16-bit grey in a _depth.png, or floating-point metres [height, width] in a _depth.npy"


def read_pair(
    image_path: str | os.PathLike, depth_path: str | os.PathLike, *, depth_scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Reads a photograph, turned as its EXIF orientation says, and the depth map of what is then seen.

    Args:
      image_path: a file of `IMAGE_SUFFIXES`, 8 bits a channel. Grey becomes RGB; transparency is dropped.
      depth_path: 16-bit grey PNG, or .npy of floating-point metres.
      depth_scale: metres a unit of a PNG.

    Returns:
      The image, [H, W, 3] uint8, and the depth, [H, W] float32, metres, 0 where missing.

    Raises:
      InputError: if a file cannot be read or is of another kind, or the two differ in size.
    """
    image, depth_m = _read(image_path, _read_image), _read_depth(depth_path, depth_scale)
    _require_equal_sizes(image_path, image.shape[:2], depth_path, depth_m.shape)
    return image, depth_m


def check_pair(image_path: str | os.PathLike, depth_path: str | os.PathLike) -> None:
    """Raises what `read_pair` would, as far as the first bytes of the files tell."""
    image_shape = _read(image_path, _shape_of_image)
    depth_shape = _read(depth_path, _shape_of_npy if _is_npy(depth_path) else _shape_of_depth_png)
    _require_equal_sizes(image_path, image_shape, depth_path, depth_shape)


def write_pair(path: pathlib.Path, image: np.ndarray, depth_m: np.ndarray) -> None:
    """Writes `path`.png and `path`_depth.png, whose unit is a millimetre.

    Args:
      path: without suffix; its folder exists.
      image: [H, W, 3] uint8.
      depth_m: [H, W] float, metres; written as 0, missing, where not finite, not positive or over 65.535 m.
    """
    units = np.round(np.nan_to_num(depth_m.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0) / MILLIMETRES)
    units = np.where((units >= 0) & (units <= LARGEST_UNIT), units, 0).astype(np.uint16)
    Image.fromarray(image).save(path.with_name(path.name + ".png"))
    Image.fromarray(units).save(path.with_name(path.name + DEPTH_ENDINGS[0]))


def _read(path: str | os.PathLike, read: Callable):
    """Calls `read` with the open file; raises InputError, naming the file, if it is damaged."""
    path = os.fspath(path)
    try:
        if _is_npy(path):
            return read(path, np.load(path, mmap_mode="r", allow_pickle=False))
        with Image.open(path) as opened:
            return read(path, opened)
    except InputError:
        raise
    except UNREADABLE as error:
        reason = " ".join(str(error).replace(repr(path), "it").split()) or type(error).__name__
        raise InputError(f"{path} cannot be read ({reason}): replace the file, or remove its pair") from error


def _read_image(path: str, opened: Image.Image) -> np.ndarray:
    _require_shallow(path, opened)
    turned = ImageOps.exif_transpose(opened)
    if turned.mode == "P":
        turned = turned.convert("RGBA")  # Pillow warns of a palette with transparency otherwise
    return np.asarray(turned.convert("RGB"))


def _read_depth(path: str | os.PathLike, depth_scale: float) -> np.ndarray:
    if _is_npy(path):
        depth_m = _read(path, lambda name, array: np.array(array.reshape(_shape_of_npy(name, array)), np.float32))
        return np.where(np.isfinite(depth_m) & (depth_m > 0), depth_m, np.float32(0))
    units = _read(path, lambda name, opened: np.asarray(opened) if _shape_of_depth_png(name, opened) else None)
    return units.astype(np.float32) * np.float32(depth_scale)


def _shape_of_image(path: str, opened: Image.Image) -> tuple[int, int]:
    _require_shallow(path, opened)
    # Where a PNG has no orientation among its first bytes, Pillow decodes all of it to look behind the pixels.
    known = opened.format != "PNG" or "exif" in opened.info
    sideways = known and opened.getexif().get(ORIENTATION_TAG) in SIDEWAYS
    return opened.size if sideways else opened.size[::-1]


def _shape_of_depth_png(path: str, opened: Image.Image) -> tuple[int, int]:
    if opened.mode not in DEEP_MODES:
        kind = "8-bit or less" if opened.mode in ("1", "L", "P") else f"{opened.mode} colours"
        raise InputError(f"{path} holds {kind}, not depth: expected {DEPTH_FORMS}")
    return opened.size[::-1]


def _shape_of_npy(path: str, array: np.ndarray) -> tuple[int, int]:
    shape = array.shape[:2] if array.ndim == 3 and array.shape[2] == 1 else array.shape
    if len(shape) != 2 or not array.size or not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{path} holds {array.dtype} {list(array.shape)}, not depth: expected {DEPTH_FORMS}")
    return shape


def _require_shallow(path: str, opened: Image.Image) -> None:
    if opened.mode not in SHALLOW_MODES:
        raise InputError(
            f"{path} has 16 bits or more a pixel of grey, as depth maps have: expected a photograph of 8 bits a "
            "channel; the name of a depth map ends in _depth.png"
        )


def _require_equal_sizes(image_path, image_shape: tuple[int, int], depth_path, depth_shape: tuple[int, int]) -> None:
    if tuple(image_shape) != tuple(depth_shape):
        found = "{1}x{0} px, its photograph {3}x{2} px".format(*depth_shape, *image_shape)
        raise InputError(
            f"{depth_path} is {found}, turned as its EXIF orientation says ({image_path}): expected a depth for "
            "each pixel of the picture as it is seen"
        )


def _is_npy(path: str | os.PathLike) -> bool:
    return os.fspath(path).endswith(".npy")
