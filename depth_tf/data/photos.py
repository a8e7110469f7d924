"""Reads and writes one photograph with its depth map, as files that any camera and any program can make."""

import collections
import contextlib
import glob
import importlib
import io
import math
import os
import pathlib
import re
import sys
import typing
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image, ImageOps

from depth_tf.data.resizing import resize_nearest
from depth_tf.data.valid import valid_pixels
from depth_tf.runtime.errors import InputError

Path = str | os.PathLike
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
HEIC_SUFFIXES = (".heic", ".heif")  # need the extra `heic`
HEIC_STARTS = (b"ftypheic", b"ftypheix", b"ftypmif1")  # from the fifth byte on: ISO/IEC 23008-12
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
STDIN, LARGEST_INPUT = "-", 2**28  # bytes that are read from it
DEPTH_SUFFIXES = (".png", ".npy", ".tiff", ".tif")
DEPTH_ENDINGS = tuple(f"_depth{suffix}" for suffix in DEPTH_SUFFIXES)  # after the photograph's name without its suffix
# What a prediction is written as, by form: a picture in colours, float32 metres, 16-bit millimetres, cloud, mesh.
PREDICTED_ENDINGS = {"picture": "_predicted.png", "npy": "_predicted.npy", "png16": "_predicted_mm.png"}
PREDICTED_ENDINGS |= {"ply": "_predicted.ply", "glb": "_predicted.glb"}
PREDICTED_VIDEO = "_predicted.mp4"
MILLIMETRE_M = 0.001
LARGEST_UNIT = 65535  # of a depth PNG; sensors write it for "no reading"
PNG_LEVEL = 1  # zlib: 20 ms and 425 kB per pair of 640x480; the default, 6, takes 74 ms for 358 kB

SIDEWAYS = range(5, 9)  # EXIF orientations in which the rows of the file are the columns of the picture
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I", "F")  # Pillow's names for more than 8 bits of grey
DEPTH_FORMS = "16-bit grey in a _depth.png, or floating-point metres [height, width] in a _depth.npy or _depth.tiff"
FROM_8_BITS = "where 255 stands for 10 m, multiply by 10000 / 255 and save as 16 bits"
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)  # Pillow's: more than 89 megapixels
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, *BOMBS)  # from Pillow and NumPy
FULL_FRAME_MM = math.hypot(36, 24)  # the diagonal that a focal length "in 35 mm film" is of (CIPA DCG-001)
INCHES_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # EXIF 2.3, FocalPlaneResolutionUnit


class Photograph(typing.NamedTuple):
    """What a camera's file holds."""

    image: np.ndarray  # [H, W, 3] uint8, RGB, upright
    focal_px: float | None = None  # focal length in pixels of the image, if its EXIF tells


def find_photographs(
    given: Path, *, flag: str, recursive: bool = False, suffixes: tuple[str, ...] = IMAGE_SUFFIXES + HEIC_SUFFIXES
) -> dict[pathlib.Path, pathlib.Path]:
    """Returns the photographs of a file, a folder or a pattern, and the name of what is made of each.

    The name is the photograph's path below the folder without its suffix, which stays where two differ in it alone.
    Depth maps beside photographs, true or predicted, are left out of folders and patterns. "-" is standard input.
    InputError, which names the `flag`, if there is no photograph.
    """
    path, pattern = pathlib.Path(given), os.fspath(given)
    if pattern == STDIN:
        found = {path: pathlib.Path("stdin")}
    elif path.is_dir():
        files = path.rglob("*") if recursive else path.glob("*")
        found = {file: file.relative_to(path) for file in files if _is_photograph(file, suffixes)}
    elif path.is_file():
        found = {path: pathlib.Path(path.name)}
    else:
        files = map(pathlib.Path, glob.glob(pattern, recursive=True))
        found = {file: pathlib.Path(file.name) for file in files if _is_photograph(file, suffixes)}
    if not found:
        wanted = f"a photograph, or a folder or a pattern of {', '.join(suffixes)} files"
        raise InputError(f"--{flag}={given}: expected {wanted}")
    if len(set(found.values())) < len(found):
        raise InputError(f"--{flag}={given} finds files of one name in several folders: name a folder instead")
    stems = collections.Counter(name.with_suffix("") for name in found.values())
    return {
        file: found[file] if stems[found[file].with_suffix("")] > 1 else found[file].with_suffix("")
        for file in sorted(found)
    }


def _is_photograph(file: pathlib.Path, suffixes: tuple[str, ...]) -> bool:
    name = file.name.lower()
    ours = name.endswith((*DEPTH_ENDINGS, *PREDICTED_ENDINGS.values(), PREDICTED_VIDEO))
    return name.endswith(suffixes) and not ours and file.is_file()


def read_pair(image_path: Path, depth_path: Path, *, depth_scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Reads a photograph, turned as its EXIF orientation says, and the depth map of what is then seen.

    The depth map is 16-bit grey, of `depth_scale` metres per unit, or .npy or TIFF of floating-point metres. The image
    comes as [H, W, 3] uint8, the depth as [H, W] float32, metres, 0 where missing, infinite where 16 bits hold their
    largest value; a map of another size but the same shape is sampled at the nearest pixel.
    """
    image = read_image(image_path)
    depth_m = read_depth(depth_path, depth_scale=depth_scale)
    _require_like_shapes(image_path, image.shape[:2], depth_path, depth_m.shape)
    return image, depth_m if depth_m.shape == image.shape[:2] else resize_nearest(depth_m, image.shape[:2])


def read_depth(path: Path, *, depth_scale: float) -> np.ndarray:
    """Reads a depth map as `read_pair` does, at its own size."""
    with _open_depth(path) as (opened, shape):
        stored = np.asarray(opened).reshape(shape)
        in_metres = np.issubdtype(stored.dtype, np.floating)
        # Scaled before the cast: multiplied as float32, 7000 mm is over 7 m.
        depth_m = (stored * (1.0 if in_metres else depth_scale)).astype(np.float32)
        depth_m = np.where(valid_pixels(depth_m), depth_m, np.float32(0))
        if not in_metres:
            depth_m[stored == LARGEST_UNIT] = np.inf
    return depth_m


def check_pair(image_path: Path, depth_path: Path) -> None:
    """Raises what `read_pair` would, as far as the first bytes of the files tell; takes no time to speak of."""
    let_pillow_read(image_path)
    with _open_depth(depth_path) as (_, depth_shape), _naming(image_path), Image.open(image_path) as opened:
        _require_8_bits(opened, image_path)
        # Pillow decodes all of a PNG to look for an orientation behind the pixels: only where one is needed.
        looked_up = opened.format != "PNG" or "exif" in opened.info or opened.size[::-1] != depth_shape
        sideways = looked_up and opened.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
        image_shape = opened.size if sideways else opened.size[::-1]
    _require_like_shapes(image_path, image_shape, depth_path, depth_shape)


def write_pair(path: pathlib.Path, image: np.ndarray, depth_m: np.ndarray) -> None:
    """Writes an image, [H, W, 3] uint8, as `path`.png and its depth, [H, W] metres, as `path`_depth.png in millimetres.

    What is not finite, not positive or over 65.534 m is written as 0, missing.
    """
    for name, pixels in ((f"{path}.png", image), (f"{path}_depth.png", to_units(depth_m))):
        Image.fromarray(pixels).save(name, compress_level=PNG_LEVEL)


def to_units(depth_m: np.ndarray) -> np.ndarray:
    """Returns [H, W] float metres as uint16 millimetres, 0 where missing or more than 65.534 m."""
    units = np.round(depth_m.astype(np.float64) / MILLIMETRE_M)
    return np.where(valid_pixels(units, (1, LARGEST_UNIT - 1)), units, 0).astype(np.uint16)


def read_image(path: Path) -> np.ndarray:
    """Returns the image of `read_photograph`."""
    return read_photograph(path).image


def read_photograph(path: Path) -> Photograph:
    """Reads a photograph, turned upright as its EXIF says, without any transparency; "-" is standard input."""
    source, content = path, b""
    if os.fspath(path) == STDIN:
        content, path = sys.stdin.buffer.read(LARGEST_INPUT), "standard input"
        source = io.BytesIO(content)
    let_pillow_read(path, content)
    with _naming(path), Image.open(source) as opened:
        return photograph(opened, path)


def photograph(opened: Image.Image, name: Path = "the image") -> Photograph:
    """Returns a Pillow image as `read_photograph` does; `name` is for the refusal."""
    _require_8_bits(opened, name)
    turned = ImageOps.exif_transpose(opened)
    if turned.mode == "P":
        turned = turned.convert("RGBA")  # straight to RGB, Pillow warns of a palette with transparency
    return Photograph(np.asarray(turned.convert("RGB")), _exif_focal_px(opened))


def _exif_focal_px(opened: Image.Image) -> float | None:
    """Returns the focal length in pixels that a picture's EXIF tells; None if it does not, or tells nonsense."""
    exif, tags, diagonal_px = opened.getexif().get_ifd(ExifTags.IFD.Exif), ExifTags.Base, math.hypot(*opened.size)
    try:
        if full_frame_mm := float(exif.get(tags.FocalLengthIn35mmFilm, 0)):
            focal_px = full_frame_mm / FULL_FRAME_MM * diagonal_px
        else:
            per_mm = exif[tags.FocalPlaneXResolution] / INCHES_MM[exif.get(tags.FocalPlaneResolutionUnit, 2)]
            shrunk = max(opened.size) / max(
                exif.get(tags.ExifImageWidth, opened.width), exif.get(tags.ExifImageHeight, opened.height)
            )
            focal_px = float(exif[tags.FocalLength] * per_mm * shrunk)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return focal_px if 0.1 < focal_px / diagonal_px < 100 else None


def let_pillow_read(name: Path, content: bytes = b"") -> bool:
    """Registers a reader of HEIC with Pillow, which has none, if that is what a file is; returns whether it is."""
    if not (os.fspath(name).lower().endswith(HEIC_SUFFIXES) or content[4:12] in HEIC_STARTS):
        return False
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError as error:
        raise InputError(f"{name} needs the extra `heic`: pip install pillow-heif") from error
    return True


def _require_8_bits(opened: Image.Image, name: Path) -> None:
    # Pillow reads 16 bits of colour as 8, clipped or cut: only the raw mode of what it is about to decode tells.
    deep = any(re.search(r";(16|32)[BLNF]", str(tile)) for tile in getattr(opened, "tile", ()))
    if opened.mode in DEEP_MODES or deep or opened.info.get("bit_depth", 8) > 8:
        wanted = "a photograph of 8 bits per channel; the name of a depth map ends in _depth.png"
        raise InputError(f"{name} has more than 8 bits per channel, as depth maps and HDR have: expected {wanted}")


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
                    kind = (
                        f"8-bit grey, not depth; {FROM_8_BITS}"
                        if opened.mode == "L"
                        else f"{opened.mode} pixels, not depth"
                    )
                    raise InputError(f"{path} holds {kind}: expected {DEPTH_FORMS}")
                yield opened, opened.size[::-1]


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turns what Pillow and NumPy raise for a damaged file into one line that names it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except UNREADABLE as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} cannot be read ({reason}): replace or remove it") from error


def _require_like_shapes(image_path, image_shape: tuple[int, int], depth_path, depth_shape: tuple[int, int]) -> None:
    if abs(depth_shape[1] - image_shape[1] * depth_shape[0] / image_shape[0]) > 1:
        depth_px, image_px = (f"{width}x{height} px" for height, width in (depth_shape, image_shape))
        told = f"{depth_path} is {depth_px}, and {image_path} is {image_px} as its EXIF orientation turns it"
        raise InputError(
            f"{told}: expected the same height by width, at any size: turn or cut the depth map as the photograph"
        )
