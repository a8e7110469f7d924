"""What the three programs for photographs share: flags, the reader, the writer, the rules for bad files."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np
from etils import epy
from PIL import Image

from depth_tf.data import photos
from depth_tf.runtime import atomic_files, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from sota_guide import presets

with epy.lazy_imports():
    from depth_tf.drawing import figures, predictions

UNITS = {"inverse_depth": "relative inverse depth: no unit, large is near", "depth_m": "depth in metres"}
NEAREST_SHADE = 1e-3  # of relative depth, whose 0 would be painted as missing


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """What to predict, and where to; each field is the flag of its name."""

    input: str | None = option(None, "a photograph, a folder or a pattern of them, or -: stdin", required=True)
    output_dir: str = option("depth", "folder to write to, new or empty")

    def names(self) -> dict[pathlib.Path, pathlib.Path]:
        """Returns the photographs and what their depth is called; InputError without any, or if files would mix."""
        names, folder = photos.find_photographs(self.input, flag="input"), pathlib.Path(self.output_dir)
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise InputError(f"--output_dir={folder} is not empty: name a new folder")
        return names


def predict_each(settings: Settings, predict: Callable[[np.ndarray], np.ndarray], kind: str) -> None:
    """Writes the depth of every photograph; one that cannot be read or predicted is named, and the others go on.

    `predict` takes [H, W, 3] uint8, RGB, and returns [H, W] float32 of a `kind` of `UNITS`.
    """
    names = settings.names()

    def work(file: pathlib.Path) -> str:
        depth = predict(photos.read_image(file))
        if not np.isfinite(depth).all():
            raise InputError(f"{file}: the network predicted NaN or infinity: expected a depth for every pixel")
        depth = np.maximum(depth, presets.MIN_DEPTH_M) if kind == "depth_m" else depth  # FastDepth predicts 0 too
        with atomic_files.disk_errors_named(pathlib.Path(settings.output_dir)):
            write(pathlib.Path(settings.output_dir, names[file]), depth, kind)
        return "{:.3f} to {:.3f}, median {:.3f}".format(*np.percentile(depth, (0, 100, 50)))

    say(f"{UNITS[kind]}: {settings.output_dir}/*.npy to measure with (--prediction_kind={kind}), *.png to look at")
    program.for_each(names, work)


def write(stem: pathlib.Path, depth: np.ndarray, kind: str) -> None:
    """Writes depth [H, W] as `stem`_predicted.npy, and in colours as `stem`_predicted.png: near is bright.

    Metres get a scale; relative depth has none, and is stretched between its own extremes.
    """
    if kind == "depth_m":
        return predictions.write(stem, depth)
    predictions.write(stem, depth, ("npy",))
    low, high = float(depth.min()), float(depth.max())
    farness = (high - depth) / (high - low) if high > low else np.ones_like(depth)
    picture = Image.fromarray(figures.colour_depth(np.maximum(farness, NEAREST_SHADE), max_depth_m=1.0))
    with atomic_files.replacing(f"{stem}{predictions.FORMS['picture']}") as temporary:
        return picture.save(temporary)
