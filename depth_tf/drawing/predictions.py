"""Writes predicted depth as files for people and for programs: one form for every method in this project."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable

import numpy as np
from etils import epy
from PIL import Image

from depth_tf.data import photos
from depth_tf.runtime import atomic_files

with epy.lazy_imports():  # read when first used: naming the forms must not wait for Matplotlib
    from depth_tf.drawing import figures, solid

FORMS = photos.PREDICTED_ENDINGS


def write(
    stem: str | os.PathLike,
    depth_m: np.ndarray,
    forms: Iterable[str] = ("picture", "npy"),
    *,
    range_m: tuple[float, float] | None = None,
    image: np.ndarray | None = None,
    focal_px: float = 0.0,
) -> None:
    """Writes a depth map as one file per form, named `stem` with the form's ending.

    Args:
      stem: the files' path without their endings; its folder is made if missing.
      depth_m: [H, W] float32, metres.
      forms: keys of `FORMS`.
      range_m: where the picture's colours begin and end, metres; None as for `figures.depth_picture`.
      image: [H, W, 3] uint8, RGB, for "ply" and "glb".
      focal_px: focal length in pixels of the image, for "ply" and "glb".
    """
    for form in forms:
        path = pathlib.Path(f"{stem}{FORMS[form]}")
        with atomic_files.disk_errors_named(path.parent), atomic_files.replacing(path) as temporary:
            if form == "npy":
                np.save(temporary, depth_m, allow_pickle=False)
            elif form == "ply":
                solid.write_cloud(temporary, image, depth_m, focal_px)
            elif form == "glb":
                solid.write_mesh(temporary, image, depth_m, focal_px)
            else:
                millimetres = form == "png16"
                pixels = photos.to_units(depth_m) if millimetres else figures.depth_picture(depth_m, range_m)
                Image.fromarray(np.asarray(pixels)).save(temporary, format="PNG", compress_level=photos.PNG_LEVEL)
