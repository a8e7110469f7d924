"""Predicts the depth of photographs with a network of KerasHub.

    python -m sota_guide.run --preset=depth_anything_v2_small --input=PHOTO --output_dir=DIR

writes DIR/PHOTO_predicted.npy and DIR/PHOTO_predicted.png, both of the photograph's size: 1/depth up to an unknown
scale and shift, large is near, or, from a network that predicts metres, metres.
"""

import dataclasses

from etils import epy

from depth_tf.runtime import program
from depth_tf.runtime.program import option, say
from sota_guide import photographs, presets

with epy.lazy_imports():
    import tensorflow as tf

    from depth_tf.data import resizing


@dataclasses.dataclass(frozen=True)
class Settings(photographs.Settings):
    """What to run, and on what; each field is the flag of its name."""

    preset: str = option(presets.NAMES[0], "KerasHub's name of a network, or the folder of a preset")
    size_px: int | None = option(
        None, "side of the square the network sees, divisible by 14; unset: the preset's own, 518"
    )


def main(settings: Settings) -> None:
    """Loads the network and writes the depth of every photograph."""
    settings.names()
    model = presets.load(settings.preset, size_px=settings.size_px)
    gpus = len(tf.config.list_physical_devices("GPU"))
    device = f"{gpus} GPU" if gpus else "CPU (TensorFlow sees no GPU)"
    say(f"{model.name}: {model.estimator.count_params():,} parameters, {model.size_px}x{model.size_px} px, {device}")
    photographs.predict_each(
        settings,
        lambda image: resizing.resize_bilinear(model.predict([image])[0], image.shape[:2]),
        model.prediction_kind,
    )


if __name__ == "__main__":
    program.run(main, Settings)
