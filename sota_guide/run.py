"""Turns one photograph into a depth map: a colour picture, and the raw values for measuring.

    python -m sota_guide.run --preset=depth_anything_v2_small --input=PHOTO --output_dir=DIR

writes DIR/PHOTO_relative_inverse_depth.npy and .png: 1/depth up to an unknown scale and shift, large is near. A
network that predicts metres writes PHOTO_depth_m.npy and .png. Both have the photograph's size.
"""

import dataclasses
import pathlib
import time

import numpy as np
from etils import epy

from depth_tf.runtime import atomic_files, program
from depth_tf.runtime.program import option, say
from sota_guide import presets

with epy.lazy_imports():
    import tensorflow as tf

    from depth_tf.data import photos, resizing
    from depth_tf.drawing import figures

SUFFIXES = {"inverse_depth": "relative_inverse_depth", "depth_m": "depth_m"}
UNITS = {"inverse_depth": "relative inverse depth: no unit, large is near", "depth_m": "depth in metres"}
FAR_PERCENTILE = 99.5  # of the depths in metres, where the colours end
NEAREST_SHADE = 1e-3  # of relative depth, whose 0 would be painted as missing


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """What to run, and on what; each field is the flag of its name."""

    preset: str = option(presets.NAMES[0], "KerasHub's name of a network, or the folder of a preset")
    input: str | None = option(None, "the photograph", required=True)
    output_dir: str = option("depth", "folder to write to")
    size_px: int | None = option(
        None, "side of the square the network sees, divisible by 14; unset: the preset's own, 518"
    )


def main(settings: Settings) -> None:
    """Reads the photograph, predicts, writes and tells."""
    image = photos.read_image(settings.input)
    model = presets.load(settings.preset, size_px=settings.size_px)
    gpus = len(tf.config.list_physical_devices("GPU"))
    device = f"{gpus} GPU" if gpus else "CPU (TensorFlow sees no GPU)"
    say(f"{model.name}: {model.estimator.count_params():,} parameters, {model.size_px}x{model.size_px} px, {device}")
    started_s = time.perf_counter()
    depth = resizing.resize_bilinear(model.predict([image])[0], image.shape[:2])
    say(f"first image in {time.perf_counter() - started_s:.2f} s, building the graph included")
    stem = pathlib.Path(settings.output_dir) / f"{pathlib.Path(settings.input).stem}_{SUFFIXES[model.prediction_kind]}"
    write(stem, depth, model.prediction_kind)


def write(stem: pathlib.Path, depth: np.ndarray, prediction_kind: str) -> None:
    """Writes depth [H, W] float32 as `stem`.npy and `stem`.png, and tells what they hold.

    The picture is bright where near; relative depth is stretched between its own extremes.
    """
    low, middle, high = np.percentile(depth, (0, 50, 100)).tolist()
    if prediction_kind == "depth_m":
        picture = figures.colour_depth(depth, max_depth_m=float(np.percentile(depth, FAR_PERCENTILE)))
    else:
        farness = (high - depth) / (high - low) if high > low else np.ones_like(depth)
        picture = figures.colour_depth(np.maximum(farness, NEAREST_SHADE), max_depth_m=1.0)
    atomic_files.write_array(f"{stem}.npy", depth)
    with atomic_files.replacing(f"{stem}.png") as temporary:
        temporary.write_bytes(tf.io.encode_png(picture).numpy())
    say(f"{UNITS[prediction_kind]}: least {low:.3f}, median {middle:.3f}, greatest {high:.3f}")
    say(f"wrote {stem}.npy (to measure with) and {stem}.png (to look at)")


if __name__ == "__main__":
    program.run(main, Settings)
