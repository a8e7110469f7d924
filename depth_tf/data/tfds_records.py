"""Reads a TFDS data set with the features `image` and `depth`, and holds whole scenes out of its `train`."""

import itertools
import json
import os
import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from depth_tf.data import scenes
from depth_tf.data.settings import NYU_VERSION, DataSettings
from depth_tf.data.splits import PARALLEL_CALLS, DepthDataset, Split, count_scenes
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say

SOURCE_FILE = "depth_tf_source.json"
READ_BUFFER_BYTES = 2**21  # a little more than a record of NYU, so that it stays in the processor's cache


def open_nyu_depth_v2(data_dir: pathlib.Path, settings: DataSettings) -> DepthDataset:
    """Opens TFDS's `nyu_depth_v2` as `depth_tf.prepare` or TFDS itself wrote it."""
    folder = data_dir / "nyu_depth_v2" / NYU_VERSION
    if not (folder / "dataset_info.json").exists():
        raise InputError(
            f"no nyu_depth_v2 in {data_dir}: write it with `python -m depth_tf.prepare --source=... "
            "--data_dir=...`, or name the folder that holds nyu_depth_v2/ with --data_dir"
        )
    return open_tfds_folder("nyu_depth_v2", folder, settings.validation_fraction)


def open_tfds_folder(name: str, folder: pathlib.Path, validation_fraction: float) -> DepthDataset:
    """Opens a TFDS data set of TFRecord files with a PNG `image` and a `depth` [H, W] of floating-point metres.

    Args:
      name: what to call it.
      folder: the folder of its records, which ends in the version.
      validation_fraction: share of `train` that becomes `holdout`, in whole scenes where scenes are known.

    Raises:
      InputError: if the records are of another form, too few, or not those that the table of scenes names.
    """
    builder = tfds.builder_from_directory(folder)
    _check_form(builder, folder)
    known = _scenes_of_images(builder, folder)
    splits = _cut_train(builder, known.get("train"), validation_fraction)
    for split in builder.info.splits:
        if split != "train":
            splits[split] = _tfds_split(builder, split, split, known.get(split))
    source = folder / SOURCE_FILE
    kind = json.loads(source.read_text())["kind"] if source.exists() else "tfds"
    return DepthDataset(name, kind, splits)


def _check_form(builder, folder: pathlib.Path) -> None:
    if builder.info.file_format is not tfds.core.FileFormat.TFRECORD:
        raise InputError(f"{folder} holds {builder.info.file_format.value} files: expected tfrecord, TFDS's default")
    depth = dict(builder.info.features).get("depth")
    if not (
        isinstance(depth, tfds.features.Tensor)
        and depth.tf_dtype.is_floating
        and len(depth.shape) == 2
        and None not in depth.shape
    ):
        raise InputError(f"{folder}: expected the feature depth as [H, W] of floating-point metres, found {depth}")


def _scenes_of_images(builder, folder: pathlib.Path) -> dict[str, list[str]]:
    """Returns the scene of each image of each split, in the order of the records; none where no table is."""
    found = scenes.read_scenes(folder) or {}
    for split, scene_by_id in found.items():
        if split not in builder.info.splits or list(scene_by_id) != scenes.tfds_ids(builder.info.splits[split]):
            raise InputError(
                f"{folder / scenes.SCENES_FILE} names other records of {split} than those beside it: "
                "prepare the data set again"
            )
    return {split: list(scene_by_id.values()) for split, scene_by_id in found.items()}


def _cut_train(builder, scene_of_image: list[str] | None, fraction: float) -> dict[str, Split]:
    if not fraction:
        return {"train": _tfds_split(builder, "train", "train", scene_of_image)}
    if scene_of_image is None:
        say(
            "warning: the scenes of these records are unknown (they were not written by depth_tf.prepare), so the "
            "hold-out shares scenes with the training images and its figures flatter"
        )
        cut = 100 - max(1, round(100 * fraction))
        parts = {"train": f"train[:{cut}%]", "holdout": f"train[{cut}%:]"}
        if not all(builder.info.splits[part].num_examples for part in parts.values()):
            raise InputError(f"--validation_fraction={fraction:g} leaves a part of train empty: use more images, or 0")
        return {name: _tfds_split(builder, name, part, None) for name, part in parts.items()}
    held_out = scenes.holdout_scenes(count_scenes(scene_of_image), fraction)
    is_held_out = np.array([scene in held_out for scene in scene_of_image])
    return {
        "train": _tfds_split(builder, "train", "train", scene_of_image, ~is_held_out),
        "holdout": _tfds_split(builder, "holdout", "train", scene_of_image, is_held_out),
    }


def _tfds_split(
    builder, name: str, instruction: str, scene_of_image: list[str] | None, kept: np.ndarray | None = None
) -> Split:
    """Returns a split of the records of TFDS's `instruction`, or of those where `kept`, [records] bool, is true."""
    num_records = builder.info.splits[instruction].num_examples
    kept = np.ones(num_records, bool) if kept is None else kept
    return Split(
        name=name,
        num_images=int(kept.sum()),
        read=lambda: read(builder, instruction, kept),
        scene_of_image=scene_of_image and tuple(itertools.compress(scene_of_image, kept)),
    )


def read(builder: tfds.core.DatasetBuilder, instruction: str, kept: np.ndarray) -> tf.data.Dataset:
    """Reads a split's files record by record, in their order.

    TFDS's own reader gives the same, a little more slowly and with depth as float16; the files hold those float16
    values as 32-bit floats. This one reads less ahead, and drops unwanted records before it parses them.

    Args:
      builder: of a data set in TFRecord files.
      instruction: a split or a part of one, as TFDS writes it: "train[:90%]".
      kept: [records] bool, which of its records to keep.

    Returns:
      (image uint8 [H, W, 3], depth_m float32 [H, W, 1], metres) of each.
    """
    shape = builder.info.features["image"].shape
    stored = {
        "image": tf.io.FixedLenFeature([], tf.string),
        "depth": tf.io.FixedLenFeature([*builder.info.features["depth"].shape, 1], tf.float32),
    }

    def decode(_, record):
        example = tf.io.parse_single_example(record, stored)
        # Stating the size here saves the later steps a tenth of a millisecond an image.
        return tf.ensure_shape(tf.io.decode_png(example["image"], channels=3), shape), example["depth"]

    return _records(builder, instruction, kept).map(decode, num_parallel_calls=PARALLEL_CALLS)


def _records(builder, instruction: str, kept: np.ndarray) -> tf.data.Dataset:
    """Returns (place, serialised record) of a split where `kept`; a tf.data service can share out the files."""
    files = builder.info.splits[instruction].file_instructions
    taken = [file.take for file in files]
    first_places = np.cumsum(taken) - taken

    def records_of(path, skipped, count, first_place):
        records = tf.data.TFRecordDataset(path, buffer_size=READ_BUFFER_BYTES).skip(skipped).take(count)
        return records.enumerate(first_place)

    paths = [os.fspath(file.filename) for file in files]
    skipped = [file.skip for file in files]
    numbered = tf.data.Dataset.from_tensor_slices((paths, np.int64(skipped), np.int64(taken), np.int64(first_places)))
    is_kept = tf.constant(kept)
    return numbered.flat_map(records_of).filter(lambda place, _: is_kept[place])
