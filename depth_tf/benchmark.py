"""Measures how fast images reach the network, what a larger data set costs, and how long a prediction takes.

    python -m depth_tf.benchmark pipeline --data_dir=DIR    # speeds, as ratios
    python -m depth_tf.benchmark scale --data_dir=DIR       # passes of 1, 2, 4 and 10 times a length
    python -m depth_tf.benchmark prediction --reference=fastdepth.onnx

*pipeline*: machines are noisy, so what counts is the ratio of two speeds measured in turn in one run, each the best of
several rounds, because other work on the machine can only slow a round down.

*scale*: the same records are read over and over, as one pass of a data set two, four and ten times as long, decoded and
augmented without a cache. Each length has a process of its own, whose peak of memory the system keeps. Time should
grow in proportion, memory hardly at all: the shortest pass fills the shuffle buffer already.

*prediction*: every network of the package, in Keras and in each format of `depth_tf.export`, predicts one photograph of
the network's own size, again and again, on all cores, in turn with the others. It needs the extra `export`.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
import math
import multiprocessing
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterable

from etils import epy

from depth_tf import export, saved
from depth_tf.data.settings import NYU_VERSION
from depth_tf.runtime import atomic_files, machine, memory, program, quiet
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say

with epy.lazy_imports():
    import keras
    import numpy as np
    import tensorflow as tf
    import tensorflow_datasets as tfds

    from depth_tf import augmentation, losses, model, pipeline, predictor
    from depth_tf.data import opening, splits

BARS = {  # what the project asks of itself, as ratios
    "first epoch / plain TFDS decoding": 0.85,
    "cached epoch / plain TFDS decoding": 3.5,
    "fit on the cached pipeline / fit on tensors": 0.93,
}
IN_ANY_ORDER = "first epoch in any order / first epoch"  # what --deterministic=false gains
MULTIPLES = (1, 2, 4, 10)
BATCH_SIZE, CACHED_EPOCHS = 16, 3
IMAGES = 20  # that each network predicts per round
SIZE_PX = (192, 256)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to measure, on what."""

    what: str = option("pipeline", "what to measure", choices=("pipeline", "scale", "prediction"))
    dataset: str = option("nyu_depth_v2", "data set; pipeline: NYU alone", choices=("nyu_depth_v2", "synthetic_rooms"))
    data_dir: str | None = option(None, "folder TFDS keeps data sets in; unset: TFDS's own")
    output: str | None = option(None, "result file, JSON; unset: none")
    num_images: int = option(0, "images per round; 0: all of train", group="pipeline")
    rounds: int = option(6, "rounds of pipeline and prediction; the best counts", group="pipeline")
    images: int | None = option(None, "images of the shortest pass; unset: a full shuffle buffer", group="scale")
    reference: str | None = option(None, "an ONNX network to compare with, such as FastDepth's", group="prediction")

    def __post_init__(self):
        if self.what == "pipeline" and self.dataset != "nyu_depth_v2":
            raise InputError(f"pipeline measures --dataset=nyu_depth_v2 alone, got {self.dataset}: take scale")


def main(settings: Settings) -> None:
    """Prints what was measured, and writes it to --output."""
    measure = {"pipeline": measure_pipeline, "scale": measure_scale, "prediction": measure_prediction}
    result = {
        **measure[settings.what](settings),
        **({} if settings.what == "prediction" else {"dataset": settings.dataset}),
        "machine": machine.describe_machine(),
        "date": machine.today(),
        "command": program.without_paths(program.command_line("depth_tf.benchmark")),
    }
    if settings.output:
        atomic_files.write_json(settings.output, result)


def measure_pipeline(settings: Settings) -> dict:
    """Returns speeds in images/s, and their ratios, at 192x256 with TFDS's auto-cache off."""
    memory.keep_freed_memory()  # as training does
    options = {"validation_fraction": 0.0, "max_train_images": settings.num_images}
    # With nothing held out: the very records that TFDS decodes.
    split = opening.open_dataset(settings.dataset, settings.data_dir, **options).split("train")
    folder = opening.resolve_data_dir(settings.data_dir) / settings.dataset / NYU_VERSION
    rounds_s = []  # seconds by what was measured
    for _ in range(settings.rounds):
        plain_s, (first_s, cached_s) = _seconds(_plain(folder, split.num_images)), _epochs_s(split)
        unordered_s, _ = _epochs_s(split, in_order=False)
        epochs_s = {"first epoch": first_s, "first epoch in any order": unordered_s, "cached epoch": cached_s}
        rounds_s.append({"plain TFDS decoding": plain_s, **epochs_s})
    fits = _fits(split)
    for round_s in rounds_s:
        round_s.update({name: _last_epoch_s(fit) for name, fit in fits.items()})
    best = {name: split.num_images / min(round_s[name] for round_s in rounds_s) for name in rounds_s[0]}
    ratios = {name: best[over] / best[under] for name in (*BARS, IN_ANY_ORDER) for over, under in [name.split(" / ")]}
    for name, speed in best.items():
        say(f"{speed:8.1f} images/s  {name}")
    for name, ratio in ratios.items():
        say(f"{ratio:8.2f} x         {name}" + (f" (at least {BARS[name]:g})" if name in BARS else ""))
    return {"images_per_s": best, "ratios": ratios, "wanted": BARS, "num_images": split.num_images}


def measure_scale(settings: Settings) -> dict:
    """Returns one row per length: images, seconds, and the peak of memory of the process that read them."""
    processes, rows = multiprocessing.get_context("spawn"), []
    shortest = settings.images or pipeline.SHUFFLE_BUFFER_IMAGES
    for multiple in MULTIPLES:
        with processes.Pool(1) as pool:
            row = pool.apply(one_pass, (settings.dataset, settings.data_dir, multiple * shortest))
        rows.append({"multiple": multiple, **row})
        say(f"{row['images']:7,} images: {row['seconds']:7.1f} s, peak of memory {row['peak_memory_gib']:.2f} GiB")
    return {"rows": rows}


def measure_prediction(settings: Settings) -> dict:
    """Returns a row per network and format: milliseconds per image, megabytes, parameters and multiplications."""
    export.FORMATS["onnx"].require("prediction")
    if settings.reference and not pathlib.Path(settings.reference).is_file():
        raise InputError(f"--reference={settings.reference}: expected an ONNX file, found none")
    rows, predicts = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name in saved.BUNDLED:
            about, predict = _in_each_format(name, pathlib.Path(folder))
            rows, predicts = rows | about, predicts | predict
        if settings.reference:
            rows["reference"] = _onnx_size(pathlib.Path(settings.reference))
            predicts["reference"] = _reference(settings.reference)
        rounds_ms = [{name: _image_ms(predict) for name, predict in predicts.items()} for _ in range(settings.rounds)]
    for name, row in rows.items():
        row["ms"] = min(round_ms[name] for round_ms in rounds_ms)
    for name, row in rows.items():
        ratio = f", {row['ms'] / rows['reference']['ms']:.2f} x the reference" if settings.reference else ""
        counts = (
            f"{row['megabytes']:.2f} MB, {row['parameters'] / 1e6:.2f} M parameters, {row['macs'] / 1e6:.0f} M MACs"
        )
        say(f"{row['ms']:7.2f} ms  {name:20}  {counts}{ratio}")
    return {"rows": rows}


def _in_each_format(name: str, folder: pathlib.Path) -> tuple[dict, dict]:
    """Returns, by network and format, sizes, and what predicts a photograph of noise of the network's own size."""
    network = saved.load_network(name)
    size_px = network.input_shape[1:3]
    photo = np.random.default_rng(0).integers(0, 256, (*size_px, 3), np.uint8)
    in_keras, exported = predictor.Predictor(network), export.build(network, size_px)
    sizes_mb = {"keras": export.megabytes(saved.FOLDER / f"{name}.npz")}
    predicts = {f"{name}, keras": functools.partial(in_keras.predict, photo)}
    for kind, form in export.FORMATS.items():
        path = folder / f"{name}_{kind}"
        form.write(exported, path, {}, [photo[None]])
        sizes_mb[kind] = export.megabytes(path)
        predicts[f"{name}, {kind}"] = functools.partial(form.open(path), photo)
    counts = _onnx_size(folder / f"{name}_onnx")
    return {f"{name}, {kind}": counts | {"megabytes": size_mb} for kind, size_mb in sizes_mb.items()}, predicts


def _reference(path: str) -> Callable:
    """Returns what predicts an image of noise, float32 in 0..255, with somebody else's ONNX file."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)  # FastDepth's file holds weights that nothing uses
    session = export.onnx_session(path)
    (given,) = session.get_inputs()
    shape = [size if isinstance(size, int) else 1 for size in given.shape]
    image = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    return functools.partial(session.run, None, {given.name: image})


def _image_ms(predict: Callable) -> float:
    predict()  # the first run also takes memory
    return 1e3 / IMAGES * _seconds(predict() for _ in range(IMAGES))


def _onnx_size(file: pathlib.Path) -> dict:
    """Returns a file's megabytes, the parameters that its convolutions hold, and their multiplications per image."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load(file)).graph
    shapes = {
        value.name: [size.dim_value or 1 for size in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.input, *graph.output)
    }
    weights = {weight.name: math.prod(weight.dims) for weight in graph.initializer}
    parameters = macs = 0
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            places = shapes[node.output[0] if node.op_type == "Conv" else node.input[0]]
            parameters += sum(weights[name] for name in node.input[1:])
            macs += weights[node.input[1]] * math.prod(places[2:])  # ONNX puts height and width last
    return {"megabytes": export.megabytes(file), "parameters": parameters, "macs": macs}


def one_pass(dataset: str, data_dir: str | None, images: int) -> dict:
    """Reads one pass of `images` images, and returns their number, the seconds, and the process's peak of memory."""
    quiet.import_tensorflow()  # a new process, which `program.run` has not prepared
    memory.keep_freed_memory()
    split = opening.open_dataset(dataset, data_dir).split("train")
    longer = dataclasses.replace(split, num_images=images, read=lambda: split.read().repeat().take(images))
    seconds = _seconds(_batches(longer, epochs=1, cache="none"))
    return {"images": images, "seconds": round(seconds, 2), "peak_memory_gib": round(memory.peak_gib(), 3)}


def _plain(folder, num_images: int) -> tf.data.Dataset:
    read_config = tfds.ReadConfig(try_autocache=False)
    return tfds.builder_from_directory(folder).as_dataset(split=f"train[:{num_images}]", read_config=read_config)


def _batches(split: splits.Split, *, epochs: int, **how) -> tf.data.Dataset:
    steps = epochs * pipeline.steps_per_epoch(split.num_images, BATCH_SIZE)
    options = {"strength": augmentation.Augmentation(), "how": pipeline.Input(**how)}
    return pipeline.training_batches(split, SIZE_PX, batch_size=BATCH_SIZE, seed=0, steps=steps, **options)


def _epochs_s(split: splits.Split, *, in_order: bool = True) -> tuple[float, float]:
    """Returns the seconds of an epoch that decodes, and of one that reads from memory; both augment."""
    batches = iter(_batches(split, epochs=1 + CACHED_EPOCHS, deterministic=in_order))
    first_s = _seconds(itertools.islice(batches, pipeline.steps_per_epoch(split.num_images, BATCH_SIZE)))
    return first_s, _seconds(batches) / CACHED_EPOCHS


def _fits(split: splits.Split) -> dict[str, Callable]:
    """Returns `fit` on the cached, augmented pipeline and on arrays, to be measured in turn."""
    network = model.build_small(*SIZE_PX)
    network.compile("adam", losses.depth_loss(), jit_compile=False)
    pairs = splits.as_numpy(pipeline.resized(split, SIZE_PX))
    images, depths_m = (np.stack(part) for part in zip(*pairs, strict=True))
    arrays = {"x": images.astype(np.float32), "y": depths_m, "sample_weight": np.ones(len(images), np.float32)}
    steps = pipeline.steps_per_epoch(split.num_images, BATCH_SIZE)
    # One data set for all rounds, which share its cache, as in a long run: only the first epoch decodes.
    batches = _batches(split, epochs=10**6)
    return {
        "fit on the cached pipeline": functools.partial(network.fit, batches, steps_per_epoch=steps, shuffle=False),
        "fit on tensors": functools.partial(network.fit, **arrays, batch_size=BATCH_SIZE),
    }


def _last_epoch_s(fit: Callable) -> float:
    """Returns the seconds of the second of two epochs: the first one builds the graph and fills the cache."""
    at_s: list[float] = []
    read_clock = {name: lambda *_: at_s.append(time.perf_counter()) for name in ("on_epoch_begin", "on_epoch_end")}
    fit(epochs=2, verbose=0, callbacks=[keras.callbacks.LambdaCallback(**read_clock)])
    return at_s[-1] - at_s[-2]


def _seconds(elements: Iterable) -> float:
    started_s = time.perf_counter()
    collections.deque(elements, maxlen=0)  # keeps none: a list of them all would also measure the taking of memory
    return time.perf_counter() - started_s


if __name__ == "__main__":
    program.run(main, Settings, positional="what")
