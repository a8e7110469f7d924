"""Opens a data set by name, as splits of (image, depth) pairs; what the splits are for stands in `splits`.

As a program, shows what a data set holds, or writes a part of it as photographs with depth maps:

    python -m depth_tf.dataset --data_dir=DIR --output=sheet.png
    python -m depth_tf.dataset --data_dir=DIR --num_images=200 --export_folder=FOLDER
"""

import dataclasses
import functools
import inspect
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from depth_tf import photos, program, sheet
from depth_tf.errors import InputError
from depth_tf.folder import FolderOptions, export_folder, open_folder
from depth_tf.program import option, say
from depth_tf.splits import DepthDataset, first_images
from depth_tf.synthetic_rooms.builder import SIZES, open_rooms
from depth_tf.tfds_records import open_tfds_folder, resolve_data_dir

VERSION = "0.0.1"


def open_dataset(
    name: str,
    data_dir: str | os.PathLike | None,
    *,
    validation_fraction: float = 0.1,
    max_train_images: int = 0,
    rooms: str = "default",
    depth_scale: float = photos.MILLIMETRE_M,
    skip_incomplete: bool = False,
) -> DepthDataset:
    """Opens a data set by name.

    Args:
      name: a key of `DATASETS`, or "auto".
      data_dir: the folder TFDS keeps data sets in; None is TFDS's default. For "folder", the one with train/.
      validation_fraction: share of the training images, in whole scenes, that becomes `holdout`; 0 makes none.
      max_train_images: keep only the first this many of `train`, which is stored in random order; 0 keeps all.
      rooms: size of "synthetic_rooms", which is rendered if it is not there.
      depth_scale: metres a unit of the depth PNGs of "folder".
      skip_incomplete: leave out images without depth in "folder", and the reverse, instead of refusing.

    Raises:
      InputError: if the data set is unknown or not there, or a number is out of range.
    """
    if name not in CHOICES:
        raise InputError(f"unknown data set {name!r}: expected one of {', '.join(CHOICES)}")
    if not 0 <= validation_fraction < 1:
        raise InputError(f"expected --validation_fraction from 0 to below 1, got {validation_fraction:g}")
    if max_train_images < 0:
        raise InputError(f"expected --max_train_images of 0 (all) or more, got {max_train_images}")
    folder_options = FolderOptions(depth_scale, skip_incomplete)
    name = resolve_name(name, data_dir)
    open_named = functools.partial(DATASETS[name], resolve_data_dir(data_dir), validation_fraction)
    if name == "folder":
        dataset = open_named(folder_options)
    elif name == "synthetic_rooms":
        dataset = open_named(rooms)
    else:
        dataset = open_named()
    if max_train_images:
        dataset.splits["train"] = first_images(dataset.splits["train"], max_train_images)
    return dataset


def options_of(*given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the keyword arguments of `open_dataset` that are found in `given`: flags first, then a run's own."""
    found = {}
    for name, parameter in inspect.signature(open_dataset).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            values = [mapping[name] for mapping in given if mapping.get(name) is not None]
            found |= {name: values[0]} if values else {}
    return found


def resolve_name(name: str, data_dir: str | os.PathLike | None) -> str:
    """Returns `name`, or for "auto" NYU where it is prepared, else the synthetic rooms; says which it took."""
    if name != "auto":
        return name
    folder = resolve_data_dir(data_dir)
    if _nyu_info(folder).exists():
        say(f"--dataset=auto: nyu_depth_v2, prepared in {folder}")
        return "nyu_depth_v2"
    say(
        f"--dataset=auto: synthetic_rooms, as {folder} has no nyu_depth_v2; to prepare it: "
        f"python -m depth_tf.prepare --source=... --data_dir={folder}"
    )
    return "synthetic_rooms"


@contextmanager
def naming_bad_records(dataset: DepthDataset) -> Iterator[None]:
    """Turns TensorFlow's complaint about a record it cannot read into one line that names the data set."""
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.NotFoundError) as error:
        raise _bad_record(dataset, error) from error
    except tf.errors.InvalidArgumentError as error:
        if ours := re.search(r"InputError: (.+)", error.message):  # raised by a reader that tf.data called
            raise InputError(ours[1]) from error
        if not any(word in str(error) for word in ("PNG", "JPEG", "image", "parse", "Parse")):
            raise
        raise _bad_record(dataset, error) from error


def open_nyu_depth_v2(data_dir: pathlib.Path, validation_fraction: float) -> DepthDataset:
    """Opens TFDS's `nyu_depth_v2` as `depth_tf.prepare` or TFDS itself wrote it."""
    if not _nyu_info(data_dir).exists():
        raise InputError(
            f"no nyu_depth_v2 in {data_dir}: write it with `python -m depth_tf.prepare --source=... "
            "--data_dir=...`, or name the folder that holds nyu_depth_v2/ with --data_dir"
        )
    return open_tfds_folder("nyu_depth_v2", _nyu_info(data_dir).parent, validation_fraction)


def open_synthetic_rooms(data_dir: pathlib.Path, validation_fraction: float, rooms: str = "default") -> DepthDataset:
    """Opens the data set of ray-cast rooms, rendering it the first time."""
    builder = open_rooms(data_dir, rooms)
    return open_tfds_folder("synthetic_rooms", pathlib.Path(builder.data_dir), validation_fraction)


def _nyu_info(data_dir: pathlib.Path) -> pathlib.Path:
    return data_dir / "nyu_depth_v2" / VERSION / "dataset_info.json"


def _bad_record(dataset: DepthDataset, error: tf.errors.OpError) -> InputError:
    reason = error.message.splitlines()[0][:200]
    return InputError(f"a record of {dataset.name} cannot be read ({reason}): write or prepare it again")


DATASETS: dict[str, Callable[..., DepthDataset]] = {
    "nyu_depth_v2": open_nyu_depth_v2,
    "synthetic_rooms": open_synthetic_rooms,
    "folder": open_folder,
}
CHOICES = ("auto", *DATASETS)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to show or write; each field is the flag of its name."""

    dataset: str = option("auto", "data set", group="data", choices=CHOICES)
    data_dir: str | None = option(None, "folder TFDS keeps data sets in, or that holds train/", group="data")
    split: str = option("train", "split to show", group="data", choices=("train", "holdout", "validation", "test"))
    validation_fraction: float = option(0.1, "share of train that is held out, in whole scenes", group="data")
    rooms: str = option("default", "size of synthetic_rooms", group="data", choices=SIZES)
    depth_scale: float = option(0.001, "metres a unit of a folder's depth PNGs", group="data")
    skip_incomplete: bool = option(False, "leave out a folder's images without depth, and reverse", group="data")
    num_images: int = option(24, "images to show or write", group="output")
    output: str | None = option(None, "sheet of examples, PNG; unset: counts alone", group="output")
    export_folder: str | None = option(None, "write images and depth maps to this folder instead", group="output")

    def __post_init__(self):
        if self.num_images < 1:
            raise InputError(f"expected --num_images of 1 or more, got {self.num_images}")


def main(settings: Settings) -> None:
    """Shows a data set, or writes it as a folder."""
    dataset = open_dataset(settings.dataset, settings.data_dir, **options_of(dataclasses.asdict(settings)))
    split = dataset.split(settings.split)
    with naming_bad_records(dataset):
        if settings.export_folder:
            return export_folder(split, settings.export_folder, settings.num_images)
        return sheet.describe_dataset(dataset, split, num_images=settings.num_images, output=settings.output)


if __name__ == "__main__":
    program.run(main, Settings)
