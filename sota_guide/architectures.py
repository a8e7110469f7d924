"""Depth Anything V2 in KerasHub with random weights: for timing without a download, and for tests.

`small` has the layers of the preset `depth_anything_v2_small`, `tiny` the same kinds of layers in seconds.
"""

import dataclasses

from depth_tf.runtime.errors import InputError
from sota_guide import presets

# Source: preprocessor_config.json of depth-anything/Depth-Anything-V2-Small-hf; red, green, blue in 0..1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
TRAINED_SIZE_PX = 518  # side of the images that the published weights were trained on


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Sizes of an encoder (DINOv2) and a decoder (DPT)."""

    num_layers: int  # transformer blocks
    hidden_dim: int  # width of a block
    num_heads: int  # attention heads
    stages: tuple[int, int, int, int]  # the four blocks whose output the decoder reads, counted from 1
    neck_dims: tuple[int, int, int, int]  # channels of the decoder's four levels
    fusion_dim: int  # channels where the levels are joined
    head_dim: int  # channels before the last layer


# Source of `small`: config.json of the Hugging Face repository keras/depth_anything_v2_small, commit a3a6f49.
ARCHITECTURES = {
    "small": Architecture(12, 384, 6, (3, 6, 9, 12), (48, 96, 192, 384), 64, 32),
    "tiny": Architecture(4, 16, 2, (1, 2, 3, 4), (4, 8, 12, 16), 8, 8),
}


def build_estimator(name: str, *, size_px: int = TRAINED_SIZE_PX, max_depth_m: float | None = None):
    """Returns a `keras_hub.models.DepthAnythingDepthEstimator` with random weights.

    Args:
      name: a key of `ARCHITECTURES`.
      size_px: side of the square image it takes, divisible by 14.
      max_depth_m: makes it predict metres up to this; None makes it predict relative inverse depth.

    Raises:
      InputError: if the name is unknown, the size is not divisible by 14, or KerasHub is missing.
    """
    if name not in ARCHITECTURES:
        raise InputError(f"unknown architecture {name!r}: expected one of {', '.join(ARCHITECTURES)}")
    presets.check_size(size_px)
    models, layers = presets.import_keras_hub().models, presets.import_keras_hub().layers
    sizes = ARCHITECTURES[name]
    encoder = models.DINOV2Backbone(
        patch_size=presets.PATCH_PX,
        num_layers=sizes.num_layers,
        hidden_dim=sizes.hidden_dim,
        num_heads=sizes.num_heads,
        intermediate_dim=4 * sizes.hidden_dim,
        image_shape=(size_px, size_px, 3),
        position_embedding_shape=(TRAINED_SIZE_PX, TRAINED_SIZE_PX),
        apply_layernorm=True,
    )
    backbone = models.DepthAnythingBackbone(
        image_encoder=encoder,
        reassemble_factors=[4, 2, 1, 0.5],
        neck_hidden_dims=list(sizes.neck_dims),
        fusion_hidden_dim=sizes.fusion_dim,
        head_hidden_dim=sizes.head_dim,
        head_in_index=-1,
        feature_keys=[f"stage{stage}" for stage in sizes.stages],
    )
    converter = layers.DepthAnythingImageConverter(
        image_size=(size_px, size_px),
        scale=[1.0 / 255.0 / std for std in IMAGENET_STD],
        offset=[-mean / std for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)],
        interpolation="bicubic",
    )
    kind = {"depth_estimation_type": "relative"}
    if max_depth_m is not None:
        kind = {"depth_estimation_type": "metric", "max_depth": max_depth_m}
    preprocessor = models.DepthAnythingDepthEstimatorPreprocessor(converter)
    return models.DepthAnythingDepthEstimator(backbone=backbone, preprocessor=preprocessor, **kind)
