"""Times Depth Anything V2 in KerasHub on this machine: seconds per image, and the memory it takes.

    python -m sota_guide.speed                                              # random weights: no download
    python -m sota_guide.speed --preset=depth_anything_v2_small --output=sota_guide/results/speed_mygpu.json

Speed does not depend on what the weights hold. `python -m sota_guide.tables` shows every results/speed*.json.
"""

from __future__ import annotations

import dataclasses
import pathlib
import time

import numpy as np
from etils import epy

from depth_tf.runtime import atomic_files, machine, memory, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from sota_guide import architectures, presets

with epy.lazy_imports():
    import tensorflow as tf

FRAME_SHAPE = (480, 640, 3)  # the image timed: a frame of NYU Depth V2


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time; each field is the flag of its name."""

    preset: str | None = option(None, "network to time; unset: the small one with random weights")
    architecture: str = option("small", "network with random weights", choices=tuple(architectures.ARCHITECTURES))
    size_px: int = option(architectures.TRAINED_SIZE_PX, "side of the square the network sees, divisible by 14")
    repeats: int = option(10, "images timed, one at a time, after one that is not")
    note: str = option("", "what else the machine was doing, for the record")
    output: str | None = option(None, "result file, JSON; unset: print alone")

    def __post_init__(self):
        if self.repeats < 1:
            raise InputError(f"expected --repeats of 1 or more, got {self.repeats}")


def main(settings: Settings) -> None:
    """Times, prints, and writes if asked."""
    if settings.preset:
        model = presets.load(settings.preset, size_px=settings.size_px)
    else:
        estimator = architectures.build_estimator(settings.architecture, size_px=settings.size_px)
        model = presets.DepthModel(estimator, f"depth_anything_v2_{settings.architecture}, random weights")
    result = {**measure(model, settings.repeats), "note": settings.note}
    say(f"{result['model']['preset']}: {result['parameters']:,} parameters, {model.size_px}x{model.size_px} px")
    say(f"first image {result['first_image_s']:.2f} s, then median {result['median_s']:.3f} s per image")
    say(f"memory: {result['peak_memory_mib']:.0f} MiB {result['peak_memory_of']}; {result['machine']}")
    if settings.output:
        atomic_files.write_json(pathlib.Path(settings.output), result)


def measure(model: presets.DepthModel, repeats: int) -> dict:
    """Returns the times of `model` on one made-up frame, photograph in to depth map out, and the peak memory."""
    image = np.random.default_rng(0).integers(0, 256, FRAME_SHAPE, dtype=np.uint8)
    times_s = []
    for _ in range(repeats + 1):  # the first call builds the graph
        started_s = time.perf_counter()
        model.predict([image])
        times_s.append(time.perf_counter() - started_s)
    memory_mib, memory_of = peak_memory_mib()
    return {
        "model": model.describe(),
        "parameters": model.estimator.count_params(),
        "batch_size": 1,
        "repeats": repeats,
        "first_image_s": times_s[0],
        "median_s": float(np.median(times_s[1:])),
        "least_s": min(times_s[1:]),
        "peak_memory_mib": memory_mib,
        "peak_memory_of": memory_of,
        "machine": machine.describe_machine(),
        "tensorflow": tf.__version__,
        "date": machine.today(),
    }


def peak_memory_mib() -> tuple[float, str]:
    """Returns the most memory taken so far, MiB, and of what: the first GPU's tensors, or the process."""
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20, "of the GPU"
    return memory.peak_gib() * 1024, "of the process"


if __name__ == "__main__":
    program.run(main, Settings)
