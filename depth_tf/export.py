"""Writes a trained network as a file that other programs run without this package: python -m depth_tf.export.

    python -m depth_tf.export --network_file=small --format=onnx --output=depth.onnx
    python -m depth_tf.export --network_file=RUN/best.keras --format=litert_int8 --output=depth.tflite --data_dir=DIR

A photograph goes in, `image` [1, H, W, 3] uint8 RGB, and metres come out, `depth_m` [1, H, W] float32; the file resizes
by itself. It is opened again in its own runtime and compared with Keras on images held out of the data set; what
differs too much is not kept. OUTPUT.json says what was compared. ONNX needs the extra `export`.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import itertools
import json
import math
import os
import pathlib
import re
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator

from etils import epy

from depth_tf import saved
from depth_tf.data.settings import DATASETS, ROOMS, DataSettings
from depth_tf.runtime import machine, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say

with epy.lazy_imports():
    import keras
    import numpy as np
    import tensorflow as tf

    from depth_tf import predictor
    from depth_tf.data import opening, splits
    from depth_tf.runtime import atomic_files
    from depth_tf.scoring import protocols, score

TOLERANCE_M = 0.001  # of formats that keep float32, up to SENSIBLE_M; beyond, in proportion
SENSIBLE_M = 10.0
TOLERANCE_DELTA1 = 0.02  # of int8
METADATA = "metadata.json"
NAMES = ("saved_model", "litert", "litert_int8", "onnx")
# What int8 leaves in float, besides the network's last layers: 256 steps over all depths are too few for metres.
FLOAT_OPS = ("CAST", "RESIZE_BILINEAR", "BATCH_MATMUL", "RESHAPE", "TRANSPOSE_CONV", "LOGISTIC", "EXP")

Predict = Callable[["np.ndarray"], "np.ndarray"]  # [H, W, 3] uint8 to [H, W] float32, metres


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to export, and what to compare it on; each field is the flag of its name."""

    dataset: str = option(
        "synthetic_rooms", "data set to compare on, and to calibrate int8 on", group="data", choices=(*DATASETS,)
    )
    rooms: str = option("tiny", "size of synthetic_rooms", group="data", choices=ROOMS)
    validation_fraction: float = option(0.25, "share of train, in whole scenes, to compare on", group="data")
    num_images: int = option(32, "images to compare on, and to calibrate int8 on, at most", group="data", least=1)
    network_file: str = option("encoder", f"the network: {', '.join(saved.BUNDLED)}, or a .keras file", group="file")
    format: str = option("onnx", "what to write", group="file", choices=NAMES)
    output: str | None = option(None, "file to write; saved_model: a new folder", group="file", required=True)
    image_height_px: int = option(480, "height of the photographs it takes", group="file", least=1)
    image_width_px: int = option(640, "width of the photographs it takes", group="file", least=1)


def main(settings: Settings) -> None:
    """Writes the file, opens it again, compares it, and puts it in its place with the report."""
    form, output, size_px = FORMATS[settings.format], pathlib.Path(settings.output), _size_px(settings)
    form.require(settings.format)
    _check_output(output, folder=settings.format == "saved_model")
    model, dataset = build(saved.load_network(settings.network_file), size_px), opening.open_chosen(settings)
    about = metadata(settings.network_file, size_px)
    place = atomic_files.replacing(output)
    with opening.naming_bad_records(dataset), atomic_files.disk_errors_named(output.parent), place as written:
        form.write(model, written, about, calibration_images(dataset, settings))
        found = compare(form.open(written), tf.function(model), dataset.split("holdout"), settings)
        _require_close(found, settings)
        size_mb = megabytes(written)
        atomic_files.write_json(f"{output}.json", report(settings, size_mb, about, dataset, found))
    say(f"wrote {output}, {size_mb:.2f} MB, and {output.name}.json: {_told(found)}")


def calibration_images(dataset: splits.DepthDataset, settings: Settings) -> Iterator[np.ndarray]:
    """Yields the first training images, [1, H, W, 3] uint8."""
    pairs = score.scoring_pairs(dataset.split("train"), _size_px(settings))
    return (image[None] for image, _ in itertools.islice(pairs, settings.num_images))


def report(settings: Settings, size_mb: float, about: dict, dataset: splits.DepthDataset, found: dict) -> dict:
    """Returns what stands beside the file: what it is, and what was found when it was compared."""
    return {
        "format": settings.format,
        "megabytes": size_mb,
        **about,
        "compared": {**dataset.describe(), "split": "holdout", **found},
        **{key: value for key, value in machine.describe_environment().items() if key != "system"},
        "command": program.without_paths(program.command_line("depth_tf.export")),
    }


def build(network: keras.Model, size_px: tuple[int, int]) -> keras.Model:
    """Returns a model from one photograph of `size_px`, `image`, to `depth_m`, as `Predictor` predicts it.

    But it does not round the resized photograph to whole numbers: a float's last bit would decide what a pixel becomes.
    """
    inside_px = predictor.Predictor(network).size_px(*size_px)
    image = keras.Input((*size_px, 3), batch_size=1, dtype="uint8", name="image")
    x = keras.ops.cast(image, "float32")
    inside = _with_nearest_resizing(saved.resize_network(network, inside_px))
    if inside_px == size_px:
        x = inside(x, training=False)
    else:
        x = keras.layers.Resizing(*size_px)(inside(_shrink(x, size_px, inside_px), training=False))
    return keras.Model(image, {"depth_m": keras.layers.Reshape(size_px, name="depth_m")(x)})


def _shrink(x, size_px: tuple[int, int], inside_px: tuple[int, int]):
    """Resizes [1, H, W, 3] as `resizing.resize_image` does, apart from its rounding."""
    if not all(old > 3 * new for old, new in zip(size_px, inside_px, strict=True)):
        return keras.layers.Resizing(*inside_px)(x)
    # No runtime but TensorFlow's averages over areas: two products of matrices, first over rows, then over columns.
    (height, width), (rows, columns) = inside_px, map(_area_weights, size_px, inside_px)
    x = keras.ops.matmul(rows, keras.ops.reshape(x, (size_px[0], size_px[1] * 3)))
    x = keras.ops.matmul(columns, keras.ops.reshape(x, (height, size_px[1], 3)))
    return keras.ops.reshape(x, (1, height, width, 3))


def _area_weights(old: int, new: int) -> np.ndarray:
    """Returns [new, old] float32: the share of each old pixel in each new one."""
    edges, pixels = np.arange(new + 1)[:, None] * old / new, np.arange(old)
    covered = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return (np.clip(covered, 0, None) * new / old).astype(np.float32)


def _with_nearest_resizing(network: keras.Model) -> keras.Model:
    """Returns the same network, whose up-sampling is one operation in every runtime rather than six."""

    def clone(layer):
        if isinstance(layer, keras.layers.UpSampling2D) and layer.interpolation == "nearest":
            return keras.layers.Resizing(*layer.output.shape[1:3], interpolation="nearest", name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    cloned = keras.models.clone_model(network, clone_function=clone)
    cloned.set_weights(network.get_weights())
    return cloned


def metadata(network_file: str, size_px: tuple[int, int]) -> dict:
    """Returns what a file says of itself: its input, its output, and what the network learned from."""
    height, width = size_px
    return {
        "network": network_file if network_file in saved.BUNDLED else pathlib.Path(network_file).name,
        "input": {"name": "image", "dtype": "uint8", "shape": [1, height, width, 3], "what": "RGB, 0 to 255, upright"},
        "output": {"name": "depth_m", "dtype": "float32", "shape": [1, height, width], "unit": "metre"}
        | {"what": "depth along the optical axis"},
        **saved.learnt(network_file),
    }


def compare(predict: Predict, model: Callable, split: splits.Split, settings: Settings) -> dict:
    """Returns how far an exported file's predictions for the split's first images are from the `model`'s in Keras.

    The delta1 of both is that of the protocol *eigen*, whose frame each prediction is brought to.
    """
    rules = dataclasses.replace(protocols.PROTOCOLS["eigen"], edges=None)
    scorers, largest, count = {"keras": protocols.Scorer(rules), "file": protocols.Scorer(rules)}, 0.0, 0
    for image, true_m in itertools.islice(score.scoring_pairs(split, _size_px(settings)), settings.num_images):
        preds_m = {"keras": model(image[None])["depth_m"][0].numpy(), "file": predict(image)}
        difference_m = np.abs(preds_m["file"] - preds_m["keras"]) / np.maximum(1, preds_m["keras"] / SENSIBLE_M)
        largest, count = float(np.max([largest, difference_m.max()])), count + 1  # NaN stays NaN, and is refused
        for name, scorer in scorers.items():
            scorer.add(true_m=true_m, pred=preds_m[name])
    delta1 = {name: scorer.result()["delta1"] for name, scorer in scorers.items()}
    change = delta1["file"] - delta1["keras"]
    return {"images": count, "largest_difference_m": largest, "delta1": delta1, "delta1_change": change}


def _require_close(found: dict, settings: Settings) -> None:
    if settings.format == "litert_int8":
        allowed, close = f"{TOLERANCE_DELTA1} of delta1", abs(found["delta1_change"]) <= TOLERANCE_DELTA1
    else:
        allowed, close = f"{TOLERANCE_M} m", found["largest_difference_m"] <= TOLERANCE_M
    if not close or not math.isfinite(found["largest_difference_m"]):
        raise InputError(f"--format={settings.format}: {_told(found)}; allowed is {allowed}; nothing is kept")


def _told(found: dict) -> str:
    differs = f"differs from Keras by up to {found['largest_difference_m']:.2g} m"
    return f"{differs} and {found['delta1_change']:+.4f} of delta1 on {found['images']} images"


def _size_px(settings: Settings) -> tuple[int, int]:
    return settings.image_height_px, settings.image_width_px


def _check_output(output: pathlib.Path, *, folder: bool) -> None:
    parent = next(parent for parent in output.absolute().parents if parent.exists())
    if output.is_dir() or (folder and output.exists()) or not parent.is_dir():
        raise InputError(f"--output={output}: expected the name of a new {'folder' if folder else 'file'}")


def megabytes(path: pathlib.Path) -> float:
    """Returns the size, 10^6 bytes, of a file or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def _write_saved_model(model: keras.Model, path: pathlib.Path, about: dict, _=()) -> None:
    model.export(path, format="tf_saved_model", verbose=False, input_signature=_signature(model))
    atomic_files.write_json(path / "assets.extra" / METADATA, about)  # where SavedModels keep what users add


def _open_saved_model(path: pathlib.Path) -> Predict:
    loaded = tf.saved_model.load(path)
    return lambda image: loaded.signatures["serving_default"](image=image[None])["depth_m"][0].numpy()


def _write_litert(model: keras.Model, path: pathlib.Path, about: dict, calibration=(), *, int8=False) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _write_saved_model(model, pathlib.Path(folder), about)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        content = converter.convert()
        path.write_bytes(_quantized(converter, _head(model, content), calibration) if int8 else content)
    with zipfile.ZipFile(path, "a") as archive:  # as LiteRT's metadata: a ZIP archive behind the network
        archive.writestr(METADATA, json.dumps(about, indent=2))


def _quantized(converter, float_names: list[str], calibration: Iterable[np.ndarray]) -> bytes:
    """Returns the network in int8, all but the operations that make tensors of `float_names`, and FLOAT_OPS."""
    calibration = list(calibration)  # read several times
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ({"image": image} for image in calibration)
    options = {"denylisted_ops": list(FLOAT_OPS), "denylisted_nodes": float_names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # TensorFlow's own interpreter calls itself deprecated
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=converter.representative_dataset,
            debug_options=tf.lite.experimental.QuantizationDebugOptions(**options),
        )
        return debugger.get_nondebug_quantized_model()


def _head(model: keras.Model, content: bytes) -> list[str]:
    """Returns LiteRT's names of what the network's last layer with weights and those behind it compute."""
    network = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    last = max(place for place, layer in enumerate(network.layers) if layer.weights)
    layers = "|".join(re.escape(layer.name) for layer in network.layers[last:])
    names = [tensor["name"] for tensor in _interpreter(model_content=content).get_tensor_details()]
    return [name for name in names if re.search(rf"/({layers})(_\d+)?/", name)]


def _open_litert(path: pathlib.Path) -> Predict:
    predict = _interpreter(model_path=str(path)).get_signature_runner()
    return lambda image: predict(image=image[None])["depth_m"][0].copy()


def _interpreter(**given):
    """Returns LiteRT's interpreter, of its own package or of TensorFlow."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tensorflow.lite.python.interpreter import Interpreter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # TensorFlow's calls itself deprecated
        return Interpreter(num_threads=machine.num_cores(), **given)


def _write_onnx(model: keras.Model, path: pathlib.Path, about: dict, _=()) -> None:
    import onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras's exporter asks NumPy for np.object
        model.export(path, format="onnx", verbose=False, input_signature=_signature(model))
    written = onnx.load(path)
    for node in written.graph.node:
        if node.op_type == "Resize" and b"nearest" in [attribute.s for attribute in node.attribute]:
            # The same for whole multiples of a size, and the form that ONNX Runtime is quick at.
            same = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            del node.attribute[:]
            node.attribute.extend(onnx.helper.make_attribute(*pair) for pair in same.items())
    onnx.helper.set_model_props(written, {name: json.dumps(value) for name, value in about.items()})
    onnx.save(written, path)


def _open_onnx(path: pathlib.Path) -> Predict:
    session = onnx_session(path)
    return lambda image: session.run(["depth_m"], {"image": image[None]})[0][0]


def onnx_session(path: str | os.PathLike):
    """Returns an ONNX Runtime session on all cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = machine.num_cores()
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _signature(model: keras.Model) -> list:
    """Returns a signature of one image: with a free batch size, a tenth of the time goes into shapes."""
    return [keras.InputSpec("uint8", model.input_shape, name="image")]


@dataclasses.dataclass(frozen=True)
class Format:
    """How a format is written and opened."""

    write: Callable  # (model of `build`, path, metadata, photographs [1, H, W, 3] to calibrate on)
    open: Callable[[pathlib.Path], Predict]
    modules: tuple[str, ...] = ()  # what it needs beyond this package's requirements

    def require(self, name: str) -> None:
        """Raises InputError if something is not installed."""
        if missing := [module for module in self.modules if importlib.util.find_spec(module) is None]:
            wanted = "pip install 'depth-tf[export]' (here: '.[export]')"
            raise InputError(f"{name} needs {' and '.join(missing)}: {wanted}")


FORMATS = {
    "saved_model": Format(_write_saved_model, _open_saved_model),
    "litert": Format(_write_litert, _open_litert),
    "litert_int8": Format(functools.partial(_write_litert, int8=True), _open_litert),
    "onnx": Format(_write_onnx, _open_onnx, ("onnx", "onnxruntime", "tf2onnx")),
}

if __name__ == "__main__":
    program.run(main, Settings)
