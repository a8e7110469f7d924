"""Reads any TFDS data set with the features `image` and `depth`, and holds whole scenes out of its `train`."""

import json
import os
import pathlib
from collections.abc import Callable

import tensorflow as tf
import tensorflow_datasets as tfds

from depth_tf import scenes
from depth_tf.program import say
from depth_tf.splits import DepthDataset, Split, count_scenes

SOURCE_FILE = "depth_tf_source.json"
HASH_BUCKETS = 2**62


def resolve_data_dir(data_dir: str | os.PathLike | None) -> pathlib.Path:
    """Returns `data_dir`, or where TFDS keeps its data sets: $TFDS_DATA_DIR, or a folder in the home."""
    return pathlib.Path(data_dir or tfds.core.constants.DATA_DIR).expanduser()


def open_tfds_folder(name: str, folder: pathlib.Path, validation_fraction: float) -> DepthDataset:
    """Opens any TFDS data set that has the features `image` and `depth`, in metres.

    Args:
      name: what to call it.
      folder: the folder of its records, which ends in the version.
      validation_fraction: share of `train` that becomes `holdout`, in whole scenes where scenes are known.
    """
    builder = tfds.builder_from_directory(folder)
    known = scenes.read_scenes(folder)
    splits = _cut_train(builder, (known or {}).get("train"), validation_fraction)
    for split in builder.info.splits:
        if split != "train":
            splits[split] = _tfds_split(builder, split, split, (known or {}).get(split))
    source = folder / SOURCE_FILE
    kind = json.loads(source.read_text())["kind"] if source.exists() else "tfds"
    return DepthDataset(name, kind, splits)


def _cut_train(builder, scene_by_id: dict[str, str] | None, fraction: float) -> dict[str, Split]:
    if not fraction:
        return {"train": _tfds_split(builder, "train", "train", scene_by_id)}
    if scene_by_id is None:
        say(
            "warning: the scenes of these records are unknown (they were not written by depth_tf.prepare), so the "
            "hold-out shares scenes with the training images and its figures flatter"
        )
        cut = 100 - max(1, round(100 * fraction))
        return {
            "train": _tfds_split(builder, "train", f"train[:{cut}%]", None),
            "holdout": _tfds_split(builder, "holdout", f"train[{cut}%:]", None),
        }
    held = scenes.holdout_scenes(count_scenes(scene_by_id.values()), fraction)
    parts = {
        "train": {key: scene for key, scene in scene_by_id.items() if scene not in held},
        "holdout": {key: scene for key, scene in scene_by_id.items() if scene in held},
    }
    return {name: _tfds_split(builder, name, "train", part, keep=True) for name, part in parts.items()}


def _tfds_split(builder, name: str, instruction: str, scene_by_id: dict[str, str] | None, *, keep: bool = False):
    """Returns a split that reads `instruction`; with `keep`, only the examples named in `scene_by_id`."""
    ids = list(scene_by_id) if keep else None
    return Split(
        name=name,
        num_images=len(ids) if keep else builder.info.splits[instruction].num_examples,
        read=lambda: _read(builder, instruction, ids),
        scene_of_image=tuple(scene_by_id.values()) if scene_by_id is not None else None,
    )


def _read(builder, instruction: str, ids: list[str] | None) -> tf.data.Dataset:
    records = builder.as_dataset(
        split=instruction,
        shuffle_files=False,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(
            add_tfds_id=True,
            try_autocache=False,  # the pipeline decides what is cached, after resizing
            interleave_cycle_length=1,  # keeps the records' own order
            assert_cardinality=False,  # a tf.data service reads parts of it; the pipeline counts
        ),
    )
    if ids is not None:
        records = records.filter(_is_among(ids))
    shape = builder.info.features["image"].shape

    def decode(record):
        # A size known beforehand spares the pipeline a tenth of a millisecond an image.
        return tf.ensure_shape(tf.io.decode_png(record["image"], channels=3), shape), record["depth"][..., None]

    return records.map(decode, num_parallel_calls=tf.data.AUTOTUNE)


def _is_among(ids: list[str]) -> Callable[[dict], tf.Tensor]:
    """Returns the predicate that a record's id is one of `ids`; 62 bits of hash stand for an id.

    Not a lookup table: tf.data could neither serialise one nor send it to a service.
    """
    hashes = tf.sort(tf.strings.to_hash_bucket_fast(ids, HASH_BUCKETS))

    def is_among(record):
        found = tf.strings.to_hash_bucket_fast(record["tfds_id"], HASH_BUCKETS)
        place = tf.minimum(tf.searchsorted(hashes, found[None])[0], len(ids) - 1)
        return tf.equal(hashes[place], found)

    return is_among
