"""Which room an image shows: what TFDS's shuffled records do not say, kept in a table beside them.

TFDS writes the examples of a split in the order of a hash of their keys, so neighbouring frames of one
room end up anywhere, and a slice such as `train[90%:]` shows rooms that `train[:90%]` shows too. The table
`depth_tf_scenes.csv` (split,tfds_id,key,scene) gives the room of each example, by the identifier that
`tfds.ReadConfig(add_tfds_id=True)` adds to it, so that whole rooms can be held out.
"""

import collections
import csv
import hashlib
import itertools
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import tensorflow_datasets as tfds

from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError

Item = TypeVar("Item")

SCENES_FILE = "depth_tf_scenes.csv"
COLUMNS = ("split", "tfds_id", "key", "scene")


def scene_of(folder_name: str) -> str:
    """Returns the scene that a FastDepth folder shows: `cafe_0001a` and `cafe_0001c` are both `cafe_0001`.

    One room was filmed in several takes, told apart by a letter after the number; frames of two takes show
    the same furniture, so a hold-out must not divide them.
    """
    return re.sub(r"(?<=\d)[a-z]$", "", folder_name)


def tfds_ids_in_order(keys: Iterable[str | int], split_info: tfds.core.SplitInfo) -> dict[str | int, str]:
    """Returns the `tfds_id` of each key, in the order of the records.

    Args:
      keys: what the generator of the split yielded beside each example, in any order.
      split_info: the written split, as in `builder.info.splits["train"]`; gives its name (the salt of the
        hash), and the names and lengths of its shards.

    Returns:
      {key: "<shard's file name>__<0-based position in the shard>"}.

    Raises:
      ValueError: if the number of keys is not that of the records.
    """
    hasher = tfds.core.hashing.Hasher(split_info.name)
    ordered = sorted(keys, key=hasher.hash_key)
    if len(ordered) != sum(split_info.shard_lengths):
        raise ValueError(
            f"split {split_info.name} holds {sum(split_info.shard_lengths)} records, got {len(ordered)} keys"
        )
    return dict(zip(ordered, tfds_ids(split_info), strict=True))


def tfds_ids(split_info: tfds.core.SplitInfo) -> list[str]:
    """Returns the `tfds_id` of each record of a written split, in order."""
    shards = zip(split_info.filenames, split_info.shard_lengths, strict=True)
    return [f"{name}__{position}" for name, length in shards for position in range(length)]


def write_scenes(
    folder: str | os.PathLike,
    splits: Mapping[str, tfds.core.SplitInfo],
    scenes: Mapping[str, Mapping[str | int, str]],
) -> None:
    """Writes the table of scenes beside the records of a prepared data set.

    Args:
      folder: the folder of the records, such as `<data_dir>/nyu_depth_v2/0.0.1`.
      splits: `builder.info.splits` of the prepared data set.
      scenes: {split: {key: scene}}, with every key of every split.
    """
    rows = [
        dict(zip(COLUMNS, (split, tfds_id, key, scene_of_key[key]), strict=True))
        for split, scene_of_key in scenes.items()
        for key, tfds_id in tfds_ids_in_order(scene_of_key, splits[split]).items()
    ]
    atomic_files.write_csv(pathlib.Path(folder) / SCENES_FILE, rows)


def read_scenes(folder: str | os.PathLike) -> dict[str, dict[str, str]] | None:
    """Returns {split: {tfds_id: scene}}, in the order of the records, or None where no table was written.

    Raises:
      InputError: if the table is not one that `write_scenes` wrote.
    """
    path = pathlib.Path(folder) / SCENES_FILE
    if not path.exists():
        return None
    table: dict[str, dict[str, str]] = {}
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        if tuple(next(rows, ())) != COLUMNS:
            raise InputError(f"{path}: expected the columns {','.join(COLUMNS)}: prepare the data set again")
        for row in rows:
            if len(row) != len(COLUMNS):
                raise InputError(
                    f"{path}, line {rows.line_num}: expected {len(COLUMNS)} fields, found {len(row)}:"
                    " prepare the data set again"
                )
            split, tfds_id, _, scene = row
            table.setdefault(split, {})[tfds_id] = scene
    return table


def holdout_scenes(scene_counts: Mapping[str, int], fraction: float) -> set[str]:
    """Chooses whole scenes that hold at least `fraction` of the images, always the same ones.

    Scenes are taken in the order of the SHA-256 of their names, so the choice depends on no seed and a
    scene that is held out of a small part of the data set tends to be held out of all of it.

    Args:
      scene_counts: {scene: number of images in it}.
      fraction: share of all images wanted, at least 0 and under 1.

    Returns:
      The scenes held out: none for 0, otherwise at least one and never all.

    Raises:
      InputError: if there are not two scenes to divide.
    """
    if fraction == 0:
        return set()
    if len(scene_counts) < 2:
        raise InputError(
            f"--validation_fraction={fraction} holds out whole scenes and needs at least 2, found"
            f" {len(scene_counts)}: use more images, or --validation_fraction=0"
        )
    wanted = fraction * sum(scene_counts.values())
    held_out: set[str] = set()
    images = 0
    for scene in in_hash_order(scene_counts)[:-1]:
        if images >= wanted:
            break
        held_out.add(scene)
        images += scene_counts[scene]
    return held_out


def in_hash_order(names: Iterable[str]) -> list[str]:
    """Returns `names` by the SHA-256 of each: an order that is fixed, and unrelated to the alphabet."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())


def spread(items: Iterable[Item], max_images: int, *, scene: Callable[[Item], str]) -> list[Item]:
    """Chooses `max_images` of `items`, as evenly over the scenes as they allow; 0 chooses all.

    Scenes take turns, in an order unrelated to the alphabet (else a few images would all be of basements
    and bathrooms); within a scene the choice is spaced evenly, since neighbouring frames look the same.
    """
    items = list(items)
    if not max_images or max_images >= len(items):
        return items
    by_scene = collections.defaultdict(list)
    for item in items:
        by_scene[scene(item)].append(item)
    turns = itertools.cycle(in_hash_order(by_scene))
    quota = collections.Counter()
    while quota.total() < max_images:
        name = next(turns)
        quota[name] += quota[name] < len(by_scene[name])
    return [
        of_scene[(2 * turn + 1) * len(of_scene) // (2 * quota[name])]
        for name, of_scene in by_scene.items()
        for turn in range(quota[name])
    ]
