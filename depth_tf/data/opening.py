"""Opens a data set by name, as splits of (image, depth) pairs; what the splits are for stands in `splits`."""

import contextlib
import dataclasses
import os
import pathlib
import pkgutil
import re
from collections.abc import Iterator

import tensorflow as tf
import tensorflow_datasets as tfds

from depth_tf.data.settings import DATASETS, NYU_VERSION, DataSettings
from depth_tf.data.splits import DepthDataset, first_images
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say


def open_dataset(
    name: str = "auto", data_dir: str | os.PathLike | None = None, *, max_train_images: int = 0, **options
) -> DepthDataset:
    """Opens a data set by name.

    Args:
      name: a key of `DATASETS`, or "auto".
      data_dir: the folder TFDS keeps data sets in; None is TFDS's default. For "folder", the one with train/.
      max_train_images: keep only the first this many of `train`, which is stored in random order; 0 keeps all.
      **options: other fields of `DataSettings`, such as validation_fraction or max_depth_m.
    """
    return open_chosen(DataSettings(dataset=name, data_dir=data_dir, **options), max_train_images=max_train_images)


def open_chosen(settings: DataSettings, *, max_train_images: int = 0) -> DepthDataset:
    """Opens the data set that a program's settings name; InputError if it is not there."""
    if max_train_images < 0:
        raise InputError(f"expected --max_train_images of 0 (all) or more, got {max_train_images}")
    open_named = pkgutil.resolve_name(DATASETS[resolve_name(settings.dataset, settings.data_dir)])
    opened = open_named(resolve_data_dir(settings.data_dir), settings)
    range_m = (settings.min_depth_m, settings.max_depth_m)
    splits = {name: dataclasses.replace(split, depth_range_m=range_m) for name, split in opened.splits.items()}
    if max_train_images:
        splits["train"] = first_images(splits["train"], max_train_images)
    return dataclasses.replace(opened, splits=splits)


def rooms_beside(dataset: DepthDataset, settings: DataSettings) -> DepthDataset:
    """Returns the data set with one more split, `rooms`: `train` of the synthetic rooms, of the size --rooms names."""
    if dataset.name == "synthetic_rooms":
        raise InputError("--with_rooms puts rendered rooms beside other images: expected another --dataset")
    # A folder of photographs is its owner's: nothing is written there.
    data_dir = None if settings.dataset == "folder" else settings.data_dir
    chosen = dataclasses.replace(settings, dataset="synthetic_rooms", data_dir=data_dir, validation_fraction=0.0)
    split = dataclasses.replace(open_chosen(chosen).split("train"), name="rooms")
    return dataclasses.replace(dataset, splits=dataset.splits | {"rooms": split})


def resolve_data_dir(data_dir: str | os.PathLike | None) -> pathlib.Path:
    """Returns `data_dir`, or where TFDS keeps its data sets: $TFDS_DATA_DIR, or a folder in the home."""
    return pathlib.Path(data_dir or tfds.core.constants.DATA_DIR).expanduser()


def resolve_name(name: str, data_dir: str | os.PathLike | None) -> str:
    """Returns `name`, or for "auto" NYU where it is prepared, else the synthetic rooms; says which it took."""
    if name != "auto":
        return name
    folder = resolve_data_dir(data_dir)
    if (folder / "nyu_depth_v2" / NYU_VERSION / "dataset_info.json").exists():
        say(f"--dataset=auto: nyu_depth_v2, prepared in {folder}")
        return "nyu_depth_v2"
    advice = f"to prepare it: python -m depth_tf.prepare --source=... --data_dir={folder}"
    say(f"--dataset=auto: synthetic_rooms, as {folder} has no nyu_depth_v2; {advice}")
    return "synthetic_rooms"


@contextlib.contextmanager
def naming_bad_records(dataset: DepthDataset) -> Iterator[None]:
    """Turns TensorFlow's complaint about a record it cannot read into one line that names the data set."""
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.NotFoundError, tf.errors.InvalidArgumentError) as error:
        if ours := re.search(r"InputError: (.+)", error.message):  # raised by a reader that tf.data called
            raise InputError(ours[1]) from error
        if isinstance(error, tf.errors.InvalidArgumentError) and not re.search("PNG|JPEG|image|[pP]arse", str(error)):
            raise
        reason = error.message.splitlines()[0][:200]
        raise InputError(f"a record of {dataset.name} cannot be read ({reason}): write or prepare it again") from error
