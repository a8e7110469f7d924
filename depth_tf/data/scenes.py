"""Which room an image shows: what TFDS's shuffled records do not say, kept in a table beside them.

TFDS writes the examples of a split in the order of a hash of their keys, so neighbouring frames of one room end up
anywhere, and a slice such as `train[90%:]` shows rooms that `train[:90%]` shows too. The table `depth_tf_scenes.csv`
gives the room of each example by its `tfds_id`, so that whole rooms can be held out.
"""

import collections
import csv
import hashlib
import itertools
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Mapping

import tensorflow_datasets as tfds

from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError

SCENES_FILE = "depth_tf_scenes.csv"
COLUMNS = ("split", "tfds_id", "key", "scene")


def scene_of(folder_name: str) -> str:
    """Returns the scene of a FastDepth folder: `cafe_0001a` and `cafe_0001c`, two takes of the same room, are one."""
    return re.sub(r"(?<=\d)[a-z]$", "", folder_name)


def tfds_ids_in_order(keys: Iterable[str | int], split_info: tfds.core.SplitInfo) -> dict[str | int, str]:
    """Returns {key: its `tfds_id`} of all keys of a written split, in the order of its records."""
    hasher = tfds.core.hashing.Hasher(split_info.name)
    return dict(zip(sorted(keys, key=hasher.hash_key), tfds_ids(split_info), strict=True))


def tfds_ids(split_info: tfds.core.SplitInfo) -> list[str]:
    """Returns "<shard's file name>__<0-based position in the shard>" of each record of a written split, in order."""
    shards = zip(split_info.filenames, split_info.shard_lengths, strict=True)
    return [f"{name}__{position}" for name, length in shards for position in range(length)]


def write_scenes(folder: str | os.PathLike, splits: Mapping[str, tfds.core.SplitInfo], scenes: Mapping) -> None:
    """Writes the table of `scenes`, {split: {key: scene}}, beside a data set's records in `folder`."""
    rows = [
        dict(zip(COLUMNS, (split, tfds_id, key, scene_of_key[key]), strict=True))
        for split, scene_of_key in scenes.items()
        for key, tfds_id in tfds_ids_in_order(scene_of_key, splits[split]).items()
    ]
    atomic_files.write_csv(pathlib.Path(folder) / SCENES_FILE, rows)


def read_scenes(folder: str | os.PathLike) -> dict[str, dict[str, str]] | None:
    """Returns {split: {tfds_id: scene}}, in the order of the records; None where no table is, InputError if damaged."""
    path = pathlib.Path(folder) / SCENES_FILE
    if not path.exists():
        return None
    header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines() or [""])
    if any(len(row) != len(COLUMNS) for row in rows) or tuple(header) != COLUMNS:
        raise InputError(f"{path}: expected {','.join(COLUMNS)} in each line: prepare the data set again")
    table = collections.defaultdict(dict)
    for split, tfds_id, _, scene in rows:
        table[split][tfds_id] = scene
    return dict(table)


def holdout_scenes(scene_counts: Mapping[str, int], fraction: float) -> set[str]:
    """Chooses whole scenes that hold at least `fraction`, under 1, of the images; for 0 none, and never all.

    Scenes are taken in the order of the SHA-256 of their names, so the choice depends on no seed and a
    scene that is held out of a small part of the data set tends to be held out of all of it.
    """
    if fraction and len(scene_counts) < 2:
        told = f"--validation_fraction={fraction} holds out whole scenes and needs at least 2"
        raise InputError(f"{told}, found {len(scene_counts)}: use more images, or --validation_fraction=0")
    wanted = fraction * sum(scene_counts.values())
    ordered = in_hash_order(scene_counts)
    images_before = itertools.accumulate((scene_counts[scene] for scene in ordered), initial=0)
    return {scene for scene, images in zip(ordered[:-1], images_before, strict=False) if images < wanted}


def in_hash_order(names: Iterable[str]) -> list[str]:
    """Returns `names` by the SHA-256 of each: an order that is fixed, and unrelated to the alphabet."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())


def spread(items: Iterable, max_images: int, *, scene: Callable) -> list:
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
    ordered = enumerate(in_hash_order(by_scene))
    turns = [(turn, place, name) for place, name in ordered for turn in range(len(by_scene[name]))]
    quota = collections.Counter(name for *_, name in sorted(turns)[:max_images])
    return [
        of_scene[(2 * turn + 1) * len(of_scene) // (2 * quota[name])]
        for name, of_scene in by_scene.items()
        for turn in range(quota[name])
    ]
