"""Times Depth Anything V2 in KerasHub on this machine: seconds per image, and the memory it takes.

    python -m sota_guide.speed                                              # random weights: no download
    python -m sota_guide.speed --preset=depth_anything_v2_small --output=sota_guide/results/speed_mygpu.json

Speed does not depend on what the weights hold. Of the networks with random weights `small` has the layers of the preset
`depth_anything_v2_small`, and `tiny` the same kinds of layers in seconds, for tests.
`python -m sota_guide.tables` shows every results/speed*.json.
"""

import dataclasses
import time

import numpy as np
from etils import epy

from depth_tf.runtime import atomic_files, machine, memory, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from sota_guide import presets

with epy.lazy_imports():
    import tensorflow as tf

FRAME_SHAPE = (480, 640, 3)  # the image timed: a frame of NYU Depth V2
TRAINED_SIZE_PX = 518  # side of the images that the published weights were trained on
# Source: preprocessor_config.json of depth-anything/Depth-Anything-V2-Small-hf; red, green, blue in 0..1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# By KerasHub's names. Source of `small`: config.json of the Hugging Face repository keras/depth_anything_v2_small,
# commit a3a6f49.
ENCODERS = {  # DINOv2
    "small": {"num_layers": 12, "hidden_dim": 384, "num_heads": 6, "intermediate_dim": 1536},
    "tiny": {"num_layers": 4, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 64},
}
DECODERS = {  # DPT
    "small": {"neck_hidden_dims": [48, 96, 192, 384], "fusion_hidden_dim": 64, "head_hidden_dim": 32},
    "tiny": {"neck_hidden_dims": [4, 8, 12, 16], "fusion_hidden_dim": 8, "head_hidden_dim": 8},
}


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """What to time; each field is the flag of its name."""

    preset: str | None = option(None, "network to time; unset: the small one with random weights")
    architecture: str = option("small", "network with random weights", choices=tuple(ENCODERS))
    size_px: int = option(TRAINED_SIZE_PX, "side of the square the network sees, divisible by 14")
    repeats: int = option(10, "images timed, one at a time, after one that is not", least=1)
    note: str = option("", "what else the machine was doing, for the record")
    output: str | None = option(None, "result file, JSON; unset: print alone")


def main(settings: Settings) -> None:
    """Times, prints, and writes if asked."""
    if settings.preset:
        model = presets.load(settings.preset, size_px=settings.size_px)
    else:
        estimator = build_estimator(settings.architecture, size_px=settings.size_px)
        model = presets.DepthModel(estimator, f"depth_anything_v2_{settings.architecture}, random weights")
    result = {**measure(model, settings.repeats), "note": settings.note}
    say(f"{result['model']['preset']}: {result['parameters']:,} parameters, {model.size_px}x{model.size_px} px")
    say(f"first image {result['first_image_s']:.2f} s, then median {result['median_s']:.3f} s per image")
    say(f"memory: {result['peak_memory_mib']:.0f} MiB {result['peak_memory_of']}; {result['machine']}")
    if settings.output:
        atomic_files.write_json(settings.output, result)


def measure(model: presets.DepthModel, repeats: int) -> dict:
    """Returns the times of `model` on one made-up frame, photograph in to depth map out, and the peak memory."""
    image = np.random.default_rng(0).integers(0, 256, FRAME_SHAPE, dtype=np.uint8)
    times_s = []
    for _ in range(repeats + 1):  # the first call builds the graph
        started_s = time.perf_counter()
        model.predict([image])
        times_s.append(time.perf_counter() - started_s)
    memory_mib, memory_of = memory.peak_gib() * 1024, "of the process"
    if tf.config.list_physical_devices("GPU"):
        memory_mib, memory_of = tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20, "of the GPU"
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


def build_estimator(name: str, *, size_px: int = TRAINED_SIZE_PX):
    """Returns a `keras_hub.models.DepthAnythingDepthEstimator` with random weights: a key of `ENCODERS`, relative."""
    if name not in ENCODERS:
        raise InputError(f"unknown architecture {name!r}: expected one of {', '.join(ENCODERS)}")
    presets.check_size(size_px)
    models, layers = presets.import_keras_hub().models, presets.import_keras_hub().layers
    encoder = models.DINOV2Backbone(
        **ENCODERS[name],
        patch_size=presets.PATCH_PX,
        image_shape=(size_px, size_px, 3),
        position_embedding_shape=(TRAINED_SIZE_PX, TRAINED_SIZE_PX),
        apply_layernorm=True,
    )
    backbone = models.DepthAnythingBackbone(
        **DECODERS[name],
        image_encoder=encoder,
        reassemble_factors=[4, 2, 1, 0.5],
        head_in_index=-1,
        # the decoder reads what comes out of each quarter of the encoder's blocks
        feature_keys=[f"stage{quarter * encoder.num_layers // 4}" for quarter in (1, 2, 3, 4)],
    )
    converter = layers.DepthAnythingImageConverter(
        image_size=(size_px, size_px),
        scale=[1.0 / 255.0 / std for std in IMAGENET_STD],
        offset=[-mean / std for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)],
        interpolation="bicubic",
    )
    preprocessor = models.DepthAnythingDepthEstimatorPreprocessor(converter)
    return models.DepthAnythingDepthEstimator(backbone=backbone, preprocessor=preprocessor, **presets.RELATIVE)


if __name__ == "__main__":
    program.run(main, Settings)
