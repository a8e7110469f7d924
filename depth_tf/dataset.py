"""Opens a prepared data set as named splits of (image, depth) pairs.

Splits of `nyu_depth_v2`:
  train: what the network learns from.
  holdout: whole scenes cut from TFDS's `train`; the only split that early stopping, plateaus and tuning may see.
  validation: TFDS's split of that name, which is the official 654-image test set: for reporting, never for choosing.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import tensorflow as tf
import tensorflow_datasets as tfds

from depth_tf import scenes
from depth_tf.errors import InputError
from depth_tf.program import say

VERSION = "0.0.1"
SOURCE_FILE = "depth_tf_source.json"


@dataclasses.dataclass(frozen=True)
class Split:
    """One split.

    Attributes:
      name: "train", "holdout", "validation" or "test".
      num_images: how many pairs `read` yields.
      read: returns a tf.data.Dataset of (image uint8 [H, W, 3], depth_m float32 [H, W, 1], 0 or NaN where missing)
        in the order of the records, always the same.
      scenes: images by scene, or None where scenes are unknown.
    """

    name: str
    num_images: int
    read: Callable[[], tf.data.Dataset]
    scenes: dict[str, int] | None


@dataclasses.dataclass(frozen=True)
class DepthDataset:
    """A prepared data set.

    Attributes:
      name: its name, as in `--dataset`.
      source: where its records came from, one word (see depth_tf_source.json).
      splits: by name.
    """

    name: str
    source: str
    splits: dict[str, Split]

    def split(self, name: str) -> Split:
        """Returns the split called `name`; raises InputError if there is none."""
        if name not in self.splits:
            raise InputError(f"{self.name} has no split {name!r} here; it has: {', '.join(self.splits)}")
        return self.splits[name]


def open_dataset(
    name: str, data_dir: str | None, *, validation_fraction: float = 0.1, max_train_images: int = 0
) -> DepthDataset:
    """Opens a data set by name.

    Args:
      name: a key of `DATASETS`.
      data_dir: the folder TFDS keeps data sets in; None is TFDS's default.
      validation_fraction: share of the training images, in whole scenes, that becomes `holdout`; 0 makes none.
      max_train_images: keep only the first this many of `train`, which is stored in random order; 0 keeps all.

    Raises:
      InputError: if the data set is unknown or not there, or a number is out of range.
    """
    if name not in DATASETS:
        raise InputError(f"unknown data set {name!r}: expected one of {', '.join(DATASETS)}")
    if not 0 <= validation_fraction < 1:
        raise InputError(f"expected --validation_fraction from 0 to below 1, got {validation_fraction:g}")
    if max_train_images < 0:
        raise InputError(f"expected --max_train_images of 0 (all) or more, got {max_train_images}")
    dataset = DATASETS[name](resolve_data_dir(data_dir), validation_fraction)
    if max_train_images:
        dataset.splits["train"] = _first(dataset.splits["train"], max_train_images)
    return dataset


def resolve_data_dir(data_dir: str | None) -> pathlib.Path:
    """Returns `data_dir`, or where TFDS keeps its data sets."""
    return pathlib.Path(os.path.expanduser(data_dir or os.environ.get("TFDS_DATA_DIR") or tfds.core.constants.DATA_DIR))


@contextmanager
def naming_bad_records(dataset: DepthDataset) -> Iterator[None]:
    """Turns TensorFlow's complaint about a record it cannot read into one line that names the data set."""
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.NotFoundError) as error:
        raise _bad_record(dataset, error) from error
    except tf.errors.InvalidArgumentError as error:
        if not any(word in str(error) for word in ("PNG", "JPEG", "image", "parse", "Parse")):
            raise
        raise _bad_record(dataset, error) from error


def open_nyu_depth_v2(data_dir: pathlib.Path, validation_fraction: float) -> DepthDataset:
    """Opens TFDS's `nyu_depth_v2` as `depth_tf.prepare` or TFDS itself wrote it."""
    folder = data_dir / "nyu_depth_v2" / VERSION
    if not (folder / "dataset_info.json").exists():
        raise InputError(
            f"no nyu_depth_v2 in {data_dir}: write it with `python -m depth_tf.prepare --source=... "
            "--data_dir=...`, or name the folder that holds nyu_depth_v2/ with --data_dir"
        )
    return open_tfds_folder("nyu_depth_v2", folder, validation_fraction)


def open_tfds_folder(name: str, folder: pathlib.Path, validation_fraction: float) -> DepthDataset:
    """Opens any TFDS data set that has the features `image` and `depth`, in metres.

    Args:
      name: what to call it.
      folder: the folder of its records, which ends in the version.
      validation_fraction: share of `train` that becomes `holdout`, in whole scenes where scenes are known.
    """
    builder = tfds.builder_from_directory(folder)
    known = scenes.read_scenes(folder)
    splits = {}
    for split in builder.info.splits:
        if split != "train":
            splits[split] = _tfds_split(builder, split, split, (known or {}).get(split))
    splits |= _cut_train(builder, (known or {}).get("train"), validation_fraction)
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
    held = scenes.holdout_scenes(_count(scene_by_id), fraction)
    if not held:
        raise InputError(
            f"--validation_fraction={fraction:g} leaves no scene to hold out of {len(set(scene_by_id.values()))}; "
            "use 0 to train on everything"
        )
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
        scenes=_count(scene_by_id) if scene_by_id is not None else None,
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
        ),
    )
    if ids is not None:
        wanted = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(ids, [True] * len(ids)), False)
        records = records.filter(lambda record: wanted.lookup(record["tfds_id"]))
        records = records.apply(tf.data.experimental.assert_cardinality(len(ids)))
    return records.map(_decode, num_parallel_calls=tf.data.AUTOTUNE)


def _decode(record):
    image = tf.io.decode_png(record["image"], channels=3)
    return image, tf.cast(record["depth"], tf.float32)[..., None]


def _first(split: Split, count: int) -> Split:
    if count >= split.num_images:
        return split
    return dataclasses.replace(split, num_images=count, read=lambda: split.read().take(count), scenes=None)


def _count(scene_by_id: dict[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for scene in scene_by_id.values():
        counts[scene] = counts.get(scene, 0) + 1
    return counts


def _bad_record(dataset: DepthDataset, error: tf.errors.OpError) -> InputError:
    reason = error.message.splitlines()[0][:200]
    return InputError(f"a record of {dataset.name} cannot be read ({reason}): prepare the data set again")


DATASETS: dict[str, Callable[[pathlib.Path, float], DepthDataset]] = {"nyu_depth_v2": open_nyu_depth_v2}
