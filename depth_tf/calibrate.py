"""Fits a network's scale to photographs with depth: python -m depth_tf.calibrate --data_dir=photos --output=mine.keras.

    python -m depth_tf.calibrate --network_file=encoder --dataset=folder --data_dir=photos --output=mine.keras
    python -m depth_tf.predict --network_file=mine.keras --input=room.jpg

Another camera scales all depths by a factor, and another kind of room may stretch them: two numbers, factor and
exponent, bring the depth of `train` as close to the truth as they can, by least squares of log depth, all images
counting alike. They are kept only if they help on the hold-out. The network file then holds them, in the layer that
makes log depth, so that whatever loads the file needs to know nothing of it.
"""

from __future__ import annotations

import dataclasses
import sys

from etils import epy

from depth_tf import saved
from depth_tf.data.settings import DataSettings
from depth_tf.runtime import atomic_files, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say

with epy.lazy_imports():
    import numpy as np

    from depth_tf import predictor
    from depth_tf.data import opening, splits, valid
    from depth_tf.runtime import progress
    from depth_tf.scoring import score

PIXELS = 2_000  # per image, on a regular grid: neighbours tell the same


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to calibrate, and on what; each field is the flag of its name."""

    network_file: str = option("encoder", f"the network: {', '.join(saved.BUNDLED)}, or a .keras file", group="what")
    output: str | None = option(None, "file to write the calibrated network to, .keras", group="what", required=True)

    def __post_init__(self):
        super().__post_init__()
        if not self.output.endswith(".keras"):
            raise InputError(f"expected --output of a file NAME.keras, got {self.output}")
        if not self.validation_fraction:
            raise InputError("calibration is judged by images left out: expected --validation_fraction above 0")


def main(settings: Settings) -> None:
    """Fits, judges, and writes what helps; leaves with status 1 where nothing does."""
    network = saved.load_network(settings.network_file)
    layer, dataset = saved.log_depth_layer(network), opening.open_chosen(settings)
    parts = [dataset.split(name) for name in ("train", "holdout")]
    with opening.naming_bad_records(dataset):
        fitted, left_out = (read_depths(network, part) for part in parts)
    weights = np.concatenate([np.full(len(true_m), 1 / len(true_m)) for true_m, _ in fitted])
    true_m, pred_m = map(np.concatenate, zip(*fitted, strict=True))
    scale = predictor.fit_scale(true_m=true_m, pred_m=pred_m, weights=weights)
    before, after = mean_abs_rel(left_out, predictor.Scale()), mean_abs_rel(left_out, scale)
    say(f"{scale.told}, on {len(fitted)} images of train")
    told = f"AbsRel on {len(left_out)} images left out: {before:.3f} before, {after:.3f} after"
    if after >= before:
        say(f"{told}: calibration does not help, nothing is written")
        sys.exit(1)
    with atomic_files.disk_errors_named(settings.output), atomic_files.replacing(settings.output) as temporary:
        layer.scale, layer.offset = scale.exponent * layer.scale, scale.exponent * layer.offset + np.log(scale.factor)
        network.save(temporary)
    say(f"{told}; wrote {settings.output}")


def read_depths(network, split: splits.Split) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns true and predicted depth of each image's valid pixels on a grid, [N] float32 metres each."""
    predict, depths_m = predictor.Predictor(network).predict, []
    examples = score.predicted_examples(split, lambda images: predict(list(images)))
    with progress.Progress(split.name, split.num_images) as shown:
        for example in examples:
            step = max(1, int(np.sqrt(example.true_m.size / PIXELS)))
            true_m, pred_m = (depth_m[::step, ::step] for depth_m in (example.true_m, example.pred))
            known = valid.valid_pixels(true_m, split.depth_range_m)
            if known.any():
                depths_m.append((true_m[known], pred_m[known]))
            shown.update()
    if not depths_m:
        raise InputError(f"no image of {split.name} has a depth within --min_depth_m and --max_depth_m")
    return depths_m


def mean_abs_rel(depths_m: list[tuple[np.ndarray, np.ndarray]], scale: predictor.Scale) -> float:
    """Returns AbsRel of predictions brought to `scale`, the mean over images."""
    return float(np.mean([np.mean(np.abs(scale.apply(pred_m) - true_m) / true_m) for true_m, pred_m in depths_m]))


if __name__ == "__main__":
    program.run(main, Settings)
