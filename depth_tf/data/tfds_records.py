"""Reads and writes TFDS data sets with the features `image` and `depth`, and holds whole scenes out of `train`."""

import collections
import functools
import itertools
import json
import os
import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from depth_tf.data import scenes
from depth_tf.data.settings import NYU_VERSION, DataSettings
from depth_tf.data.splits import PARALLEL_CALLS, DepthDataset, Split
from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say

SOURCE_FILE = "depth_tf_source.json"


def open_nyu_depth_v2(data_dir: pathlib.Path, settings: DataSettings) -> DepthDataset:
    """Opens TFDS's `nyu_depth_v2` as `depth_tf.prepare` or TFDS itself wrote it."""
    folder = data_dir / "nyu_depth_v2" / NYU_VERSION
    if not (folder / "dataset_info.json").exists():
        write = "write it with `python -m depth_tf.prepare --source=... --data_dir=...`"
        name = "name the folder that holds nyu_depth_v2/ with --data_dir"
        raise InputError(f"no nyu_depth_v2 in {data_dir}: {write}, or {name}")
    return open_tfds_folder("nyu_depth_v2", folder, settings.validation_fraction)


def open_tfds_folder(name: str, folder: pathlib.Path, validation_fraction: float) -> DepthDataset:
    """Opens a TFDS data set of TFRecord files with a PNG `image` and a `depth` [H, W] of floating-point metres.

    Of `train`, `validation_fraction` becomes `holdout`, in whole scenes where scenes are known.
    """
    builder = tfds.builder_from_directory(folder)
    if builder.info.file_format is not tfds.core.FileFormat.TFRECORD:
        raise InputError(f"{folder} holds {builder.info.file_format.value} files: expected tfrecord, TFDS's default")
    depth = dict(builder.info.features).get("depth")
    is_map = isinstance(depth, tfds.features.Tensor) and len(depth.shape) == 2 and None not in depth.shape
    if not (is_map and depth.tf_dtype.is_floating):
        raise InputError(f"{folder}: expected the feature depth as [H, W] of floating-point metres, found {depth}")
    table = scenes.read_scenes(folder) or {}
    for split, scene_by_id in table.items():
        if split not in builder.info.splits or list(scene_by_id) != scenes.tfds_ids(builder.info.splits[split]):
            told = f"{folder / scenes.SCENES_FILE} names other records of {split} than those beside it"
            raise InputError(f"{told}: prepare the data set again")
    known = {split: tuple(scene_by_id.values()) for split, scene_by_id in table.items()}
    parts = _cut_train(builder, known.get("train"), validation_fraction)
    parts |= {split: (split, None) for split in builder.info.splits if split != "train"}
    splits = {}
    for part, (instruction, kept) in parts.items():
        scene_of_image = known.get(instruction)
        count = builder.info.splits[instruction].num_examples
        if kept is not None:
            scene_of_image, count = tuple(itertools.compress(scene_of_image, kept)), int(kept.sum())
        splits[part] = Split(part, count, functools.partial(read, builder, instruction, kept), scene_of_image)
    return DepthDataset(name, (read_source(folder) or {"kind": "tfds"})["kind"], splits)


def read_source(folder: pathlib.Path) -> dict | None:
    """Returns what `write_records` noted in the records' folder, None where it did not; InputError if damaged."""
    path = folder / SOURCE_FILE
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}): remove {folder} and prepare it again") from error


class QuickDepth(np.ndarray):
    """A depth map whose values protobuf takes five times faster, being plain Python floats."""

    @property
    def flat(self) -> list[float]:
        """The values in row order, which is all that TFDS asks `flat` for."""
        return self.ravel().tolist()


def write_records(builder: tfds.core.DatasetBuilder, scene_of_key: dict, about: dict, complete: dict) -> None:
    """Lets TFDS write a builder's records, then puts the table of scenes and `depth_tf_source.json` beside them.

    The builder's folder is a staging one; its generators fill `scene_of_key`, {split: {key: scene}}. `about` is what to
    note of the source, such as its kind; `complete` are the images by split of the whole data set.
    """
    builder._log_download_bytes = builder._log_download_done = lambda: None  # they speak of the staging folder
    tfds.disable_progress_bar()
    builder.download_and_prepare()
    scenes.write_scenes(builder.data_dir, builder.info.splits, scene_of_key)
    counts = {split: info.num_examples for split, info in builder.info.splits.items()}
    source = about | {"counts": counts, "complete": counts == complete}
    atomic_files.write_json(os.path.join(builder.data_dir, SOURCE_FILE), source)


def _cut_train(builder, scene_of_image: tuple[str, ...] | None, fraction: float) -> dict[str, tuple]:
    """Returns the arguments `instruction` and `kept` of `read` for `train`, and for `holdout` if there is one."""
    if not fraction:
        return {"train": ("train", None)}
    if scene_of_image is not None:
        held_out = scenes.holdout_scenes(collections.Counter(scene_of_image), fraction)
        is_held_out = np.isin(scene_of_image, list(held_out))
        return {"train": ("train", ~is_held_out), "holdout": ("train", is_held_out)}
    unknown = "the scenes of these records are unknown (they were not written by depth_tf.prepare)"
    say(f"warning: {unknown}, so the hold-out shares scenes with the training images and its figures flatter")
    cut = 100 - max(1, round(100 * fraction))
    parts = {"train": (f"train[:{cut}%]", None), "holdout": (f"train[{cut}%:]", None)}
    if not all(builder.info.splits[instruction].num_examples for instruction, _ in parts.values()):
        raise InputError(f"--validation_fraction={fraction:g} leaves a part of train empty: use more images, or 0")
    return parts


def read(builder: tfds.core.DatasetBuilder, instruction: str, kept: np.ndarray | None = None) -> tf.data.Dataset:
    """Reads (image, depth_m), as `Split.read` yields them, in the order of the files.

    `instruction` is a split or a part of one, as TFDS writes it: "train[:90%]"; of a whole split, `kept`, [records]
    bool, tells which records to keep.
    """
    shape = builder.info.features["image"].shape
    config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False, add_tfds_id=kept is not None)
    config.num_parallel_calls_for_decode = PARALLEL_CALLS
    undecoded = {"image": tfds.decode.SkipDecoding()}
    records = builder.as_dataset(split=instruction, read_config=config, decoders=undecoded, shuffle_files=False)

    def is_kept(record):
        # "<name>-00003-of-00008__12" is record 12 of file 3. Counting would fail with --deterministic=false.
        numbers = tf.strings.regex_replace(record["tfds_id"], r".*-(\d+)-of-\d+__(\d+)$", r"\1 \2")
        file, place = tf.unstack(tf.strings.to_number(tf.strings.split(numbers), tf.int64), 2)
        return tf.gather(kept, tf.gather(first_places, file) + place)

    def decode(record):
        # Stating the size here saves the later steps a tenth of a millisecond per image.
        image = tf.ensure_shape(tf.io.decode_png(record["image"], channels=3), shape)
        return image, tf.cast(record["depth"], tf.float32)[..., tf.newaxis]

    if kept is not None:
        first_places = np.cumsum([0, *builder.info.splits[instruction].shard_lengths])
        records = records.filter(is_kept)
    return records.map(decode, num_parallel_calls=PARALLEL_CALLS)
