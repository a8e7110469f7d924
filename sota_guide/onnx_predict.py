"""Predicts the depth of photographs with an ONNX file, as files that depth_tf.evaluate scores.

    python -m sota_guide.onnx_predict --model=package/ONNX/fastdepth_7.onnx --input=nyu_images --output_dir=nyu_depths
    python -m depth_tf.evaluate --predictions=nyu_depths --data_dir=DIR --output=scores/fastdepth.json

--preset says how the network wants its photographs; a flag given beside it overrides what it says.
"""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
import re

import numpy as np
from PIL import Image

from depth_tf.data import resizing
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from sota_guide import photographs, presets, speed

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
# From a photograph's 0..255: what is subtracted, and what the rest is divided by, per channel.
SCALES = {
    "0..1": ((0.0,) * 3, (255.0,) * 3),
    "imagenet": np.multiply(255.0, (speed.IMAGENET_MEAN, speed.IMAGENET_STD)),
}


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How a photograph becomes a network's input."""

    fit: str = option("squeeze", "the sides scaled apart, or their ratio kept", choices=("squeeze", "keep"))
    resize: str = option("", "HEIGHTxWIDTH that the photograph is brought to before it is cropped")
    crop: str = option(
        "", "HEIGHTxWIDTH of the middle that the network then sees; what it does not see repeats the edge"
    )
    size_px: int = option(518, "shorter side of the input, for a network that takes any size", least=1)
    multiple_px: int = option(14, "what both sides are divisible by, for a network that takes any size", least=1)
    scale: str = option("0..1", "values of the input", choices=tuple(SCALES))
    kind: str = option("depth_m", "what the network predicts", choices=tuple(photographs.UNITS))


PRESETS = {
    "whole": Preparation(),
    # Source: dataloaders/nyu.py of dwofk/fast-depth
    "fastdepth": Preparation(resize="250x333", crop="228x304"),
    # Source: preprocessor_config.json of depth-anything/Depth-Anything-V2-Small-hf
    "depth_anything_v2": Preparation(fit="keep", scale="imagenet", kind="inverse_depth"),
}


@dataclasses.dataclass(frozen=True)
class Settings(program.unset(Preparation, "the preset's"), photographs.Settings):
    """What to predict, and with what; each field is the flag of its name."""

    model: str | None = option(None, "the ONNX file", required=True)
    preset: str = option("fastdepth", "how photographs are prepared", choices=tuple(PRESETS))

    def preparation(self) -> Preparation:
        """Returns the preset with what the other flags change."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(Preparation)}
        return dataclasses.replace(PRESETS[self.preset], **{name: it for name, it in given.items() if it is not None})


def main(settings: Settings) -> None:
    """Loads the network and writes the depth of every photograph."""
    settings.names()
    how = settings.preparation()
    session = load(settings.model)
    predict(session, how, np.zeros((2048, 2048, 3), np.uint8))  # so that flags are refused before the first photograph
    say(f"{settings.model}: input {session.get_inputs()[0].shape}, {session.get_providers()[0]}")
    photographs.predict_each(settings, lambda image: predict(session, how, image), how.kind)


def load(path: str):
    """Returns an onnxruntime session; raises InputError if the file is none of a network from an image to depth."""
    try:
        onnxruntime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise InputError(f"onnxruntime cannot be imported: {presets.INSTALL}") from error
    onnxruntime.set_default_logger_severity(3)  # FastDepth's file holds initializers that nothing uses
    if not pathlib.Path(path).is_file():
        raise InputError(f"--model={path}: expected an ONNX file")
    providers = [name for name in PROVIDERS if name in onnxruntime.get_available_providers()]
    try:
        session = onnxruntime.InferenceSession(path, providers=providers)
    except Exception as error:  # onnxruntime's own kinds have no common base
        raise InputError(f"--model={path} cannot be loaded ({presets.first_line(error)})") from error
    given = [(value.type, value.shape) for value in session.get_inputs()]
    if [(kind, len(shape), shape[1:2]) for kind, shape in given] != [("tensor(float)", 4, [3])]:
        raise InputError(f"--model={path} takes {given}: expected one input, tensor(float) [1, 3, HEIGHT, WIDTH]")
    return session


def predict(session, how: Preparation, image: np.ndarray) -> np.ndarray:
    """Returns the depth of [H, W, 3] uint8, RGB, as [H, W] float32; it covers the whole photograph."""
    full_px = _sides(how.resize) or image.shape[:2]
    seen_px = _sides(how.crop) or full_px
    if min(np.subtract(full_px, seen_px)) < 0:
        raise InputError(f"expected a --crop within {full_px[0]}x{full_px[1]} px, got {how.crop}")
    top, left = (round((full - seen) / 2) for full, seen in zip(full_px, seen_px, strict=True))
    seen = _resized(image, full_px)[top : top + seen_px[0], left : left + seen_px[1]]
    offset, divisor = np.asarray(SCALES[how.scale], np.float32)
    (given,) = session.get_inputs()
    values = (_resized(seen, _input_px(given.shape[2:], how, seen_px)) - offset) / divisor
    depth = np.squeeze(session.run(None, {given.name: values.transpose(2, 0, 1)[np.newaxis]})[0])
    if depth.ndim != 2:
        raise InputError(f"the network predicts {list(depth.shape)}: expected one map [1, 1, HEIGHT, WIDTH]")
    around = [(start, full - start - seen) for start, full, seen in zip((top, left), full_px, seen_px, strict=True)]
    whole = np.pad(resizing.resize_bilinear(depth, seen_px), around, mode="edge")
    return resizing.resize_bilinear(whole, image.shape[:2]).astype(np.float32)


def _input_px(network_px: list, how: Preparation, seen_px: tuple[int, int]) -> tuple[int, int]:
    """Returns the height and width of the input: the network's own, or where it takes any, those of `how`."""
    if all(isinstance(side, int) for side in network_px):
        if how.fit == "keep":
            raise InputError(f"the network takes {network_px} px alone: expected --fit=squeeze")
        return tuple(network_px)
    ratios = (1, 1) if how.fit == "squeeze" else np.divide(seen_px, min(seen_px))
    return tuple(how.multiple_px * max(1, round(how.size_px * ratio / how.multiple_px)) for ratio in ratios)


def _sides(text: str) -> tuple[int, int] | None:
    if text and not re.fullmatch(r"[1-9]\d*x[1-9]\d*", text):
        raise InputError(f"expected HEIGHTxWIDTH in pixels, such as 228x304, got {text}")
    return tuple(map(int, text.split("x"))) if text else None


def _resized(image: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Returns [h, w, 3] uint8, resized as Pillow does, which averages where it shrinks."""
    return np.asarray(Image.fromarray(image).resize(size_px[::-1], Image.Resampling.BILINEAR))


if __name__ == "__main__":
    program.run(main, Settings, tensorflow=False)
