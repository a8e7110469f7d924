"""Reads and writes one photograph with its depth map, as files that any camera and any program can make."""

import collections
import contextlib
import glob
import os
import pathlib
from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image, ImageOps

from depth_tf.data.valid import valid_pixels
from depth_tf.runtime.errors import InputError

Path = str | os.PathLike
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
DEPTH_ENDINGS = ("_depth.png", "_depth.npy")  # after the photograph's name without its suffix
# What a prediction is written as, by form: a picture in colours, float32 metres, 16-bit millimetres.
PREDICTED_ENDINGS = {"picture": "_predicted.png", "npy": "_predicted.npy", "png16": "_predicted_mm.png"}
MILLIMETRE_M = 0.001
LARGEST_UNIT = 65535  # of a depth PNG
PNG_LEVEL = 1  # zlib: 20 ms and 425 kB per pair of 640x480; the default, 6, takes 74 ms for 358 kB

SIDEWAYS = range(5, 9)  # EXIF orientations in which the rows of the file are the columns of the picture
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I", "F")  # Pillow's names for more than 8 bits of grey
DEPTH_FORMS = "16-bit grey in a _depth.png, or floating-point metres [height, width] in a _depth.npy"
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)  # from Pillow and NumPy


def find_photographs(given: Path, *, flag: str, recursive: bool = False) -> dict[pathlib.Path, pathlib.Path]:
    """Returns the photographs of a file, a folder or a pattern, and the name of what is made of each.

    The name is the photograph's path below the folder without its suffix, which stays where two differ in it alone.
    Depth maps beside photographs, true or predicted, are left out of folders and patterns. InputError, which names the
    `flag`, if there is no photograph.
    """
    path, pattern = pathlib.Path(given), os.fspath(given)
    if path.is_dir():
        files = path.rglob("*") if recursive else path.glob("*")
        found = {file: file.relative_to(path) for file in files if _is_photograph(file)}
    elif path.is_file():
        found = {path: pathlib.Path(path.name)}
    else:
        files = map(pathlib.Path, glob.glob(pattern, recursive=True))
        found = {file: pathlib.Path(file.name) for file in files if _is_photograph(file)}
    if not found:
        wanted = f"a photograph, or a folder or a pattern of {', '.join(IMAGE_SUFFIXES)} files"
        raise InputError(f"--{flag}={given}: expected {wanted}")
    if len(set(found.values())) < len(found):
        raise InputError(f"--{flag}={given} finds files of one name in several folders: name a folder instead")
    stems = collections.Counter(name.with_suffix("") for name in found.values())
    return {
        file: found[file] if stems[found[file].with_suffix("")] > 1 else found[file].with_suffix("")
        for file in sorted(found)
    }


def _is_photograph(file: pathlib.Path) -> bool:
    name = file.name.lower()
    ours = name.endswith((*DEPTH_ENDINGS, *PREDICTED_ENDINGS.values()))
    return name.endswith(IMAGE_SUFFIXES) and not ours and file.is_file()


def read_pair(image_path: Path, depth_path: Path, *, depth_scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Reads a photograph, turned as its EXIF orientation says, and the depth map of what is then seen.

    The depth map is a 16-bit grey PNG, of `depth_scale` metres per unit, or .npy of floating-point metres. The image
    comes as [H, W, 3] uint8, the depth as [H, W] float32, metres, 0 where missing.
    """
    image = read_image(image_path)
    with _open_depth(depth_path) as (opened, shape):
        scale = 1.0 if isinstance(opened, np.ndarray) else depth_scale
        # Scaled before the cast: multiplied as float32, 7000 mm is over 7 m.
        depth_m = (np.asarray(opened).reshape(shape) * scale).astype(np.float32)
    _require_equal_shapes(image_path, image.shape[:2], depth_path, shape)
    return image, np.where(valid_pixels(depth_m), depth_m, np.float32(0))


def check_pair(image_path: Path, depth_path: Path) -> None:
    """Raises what `read_pair` would, as far as the first bytes of the files tell; takes no time to speak of."""
    with _open_depth(depth_path) as (_, depth_shape), _naming(image_path), Image.open(image_path) as opened:
        _require_8_bits(opened, image_path)
        # Pillow decodes all of a PNG to look for an orientation behind the pixels: only where one is needed.
        looked_up = opened.format != "PNG" or "exif" in opened.info or opened.size[::-1] != depth_shape
        sideways = looked_up and opened.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
        image_shape = opened.size if sideways else opened.size[::-1]
    _require_equal_shapes(image_path, image_shape, depth_path, depth_shape)


def write_pair(path: pathlib.Path, image: np.ndarray, depth_m: np.ndarray) -> None:
    """Writes an image, [H, W, 3] uint8, as `path`.png and its depth, [H, W] metres, as `path`_depth.png in millimetres.

    What is not finite, not positive or over 65.535 m is written as 0, missing.
    """
    for name, pixels in ((f"{path}.png", image), (f"{path}_depth.png", to_units(depth_m))):
        Image.fromarray(pixels).save(name, compress_level=PNG_LEVEL)


def to_units(depth_m: np.ndarray) -> np.ndarray:
    """Returns [H, W] float metres as uint16 millimetres, 0 where missing or more than 65.535 m."""
    units = np.round(depth_m.astype(np.float64) / MILLIMETRE_M)
    return np.where(valid_pixels(units, (1, LARGEST_UNIT)), units, 0).astype(np.uint16)


def read_image(path: Path) -> np.ndarray:
    """Returns a photograph, turned upright as its EXIF says, as [H, W, 3] uint8 RGB, without any transparency."""
    with _naming(path), Image.open(path) as opened:
        return upright(opened, path)


def upright(opened: Image.Image, name: Path = "the image") -> np.ndarray:
    """Returns a Pillow image as `read_image` does; `name` is for the refusal."""
    _require_8_bits(opened, name)
    turned = ImageOps.exif_transpose(opened)
    if turned.mode == "P":
        turned = turned.convert("RGBA")  # straight to RGB, Pillow warns of a palette with transparency
    return np.asarray(turned.convert("RGB"))


def _require_8_bits(opened: Image.Image, name: Path) -> None:
    if opened.mode in DEEP_MODES:
        wanted = "a photograph of 8 bits per channel; the name of a depth map ends in _depth.png"
        raise InputError(f"{name} is grey of more than 8 bits, as depth maps are: expected {wanted}")


@contextlib.contextmanager
def _open_depth(path: Path) -> Iterator[tuple[Image.Image | np.ndarray, tuple[int, int]]]:
    """Yields a depth map, of which no pixel is read yet, and its height and width."""
    with _naming(path):
        if os.fspath(path).lower().endswith(".npy"):
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            shape = array.shape[:2] if array.ndim == 3 and array.shape[2] == 1 else array.shape
            if len(shape) != 2 or not array.size or not np.issubdtype(array.dtype, np.floating):
                raise InputError(f"{path} holds {array.dtype} {list(array.shape)}, not depth: expected {DEPTH_FORMS}")
            yield array, shape
        else:
            with Image.open(path) as opened:
                if opened.mode not in DEEP_MODES:
                    kind = "8-bit grey" if opened.mode == "L" else f"{opened.mode} pixels"
                    raise InputError(f"{path} holds {kind}, not depth: expected {DEPTH_FORMS}")
                yield opened, opened.size[::-1]


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turns what Pillow and NumPy raise for a damaged file into one line that names it."""
    try:
        yield
    except UNREADABLE as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} cannot be read ({reason}): replace or remove it") from error


def _require_equal_shapes(image_path, image_shape: tuple[int, int], depth_path, depth_shape: tuple[int, int]) -> None:
    if image_shape != depth_shape:
        depth_px, image_px = (f"{width}x{height} px" for height, width in (depth_shape, image_shape))
        told = f"{depth_path} is {depth_px}, and {image_path} is {image_px} as its EXIF orientation turns it"
        raise InputError(f"{told}: expected a depth for each pixel that is seen")
