"""Opens the user's own photographs with depth maps as a data set, and writes one in that form.

    DIR/train/any/folders/name.jpg          .jpg, .jpeg, .png or .webp, of any size
    DIR/train/any/folders/name_depth.png    16-bit grey, millimetres (--depth_scale changes the unit), or
    DIR/train/any/folders/name_depth.npy    floating-point metres; 0 is missing
    DIR/validation/...                      the same, to report on; may be absent

The folder that a photograph lies in is its scene. Photographs come in the order of a hash of their paths, so the
first N of them are a fair sample of all folders.
"""

import dataclasses
import os
import pathlib

import tensorflow as tf

from depth_tf.data import photos, scenes
from depth_tf.data.settings import DataSettings
from depth_tf.data.splits import PARALLEL_CALLS, DepthDataset, Split, count_scenes
from depth_tf.runtime import atomic_folders
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say
from depth_tf.runtime.progress import Progress

TRAIN, VALIDATION = "train", "validation"
NAMES_SHOWN = 3  # of incomplete pairs, in a message


@dataclasses.dataclass(frozen=True)
class _Pair:
    """Paths of a photograph and its depth map, and the photograph's path within its split."""

    image: pathlib.Path
    depth: pathlib.Path
    name: str

    @property
    def scene(self) -> str:
        return os.path.dirname(self.name) or "."


def open_folder(data_dir: pathlib.Path, settings: DataSettings) -> DepthDataset:
    """Opens `data_dir`/train and, where there is one, `data_dir`/validation.

    Args:
      data_dir: the folder that holds train/.
      settings: how to read it; the hold-out is cut in whole scenes, or where all photographs lie in one folder,
        photograph by photograph.

    Raises:
      InputError: if there are no pairs, or a pair is incomplete, of another kind than expected or of two sizes.
        Damage behind the first bytes of a file shows when it is read.
    """
    if not (data_dir / TRAIN).is_dir():
        raise InputError(
            f"no folder {data_dir / TRAIN}: expected photographs there, each name.jpg with name_depth.png or "
            "name_depth.npy; name the folder that holds train/ with --data_dir"
        )
    held_out, kept = _hold_out(_find_pairs(data_dir / TRAIN, settings), settings.validation_fraction)
    parts = {TRAIN: kept, "holdout": held_out}
    if (data_dir / VALIDATION).is_dir():
        parts[VALIDATION] = _find_pairs(data_dir / VALIDATION, settings)
    splits = {name: _split(name, pairs, settings) for name, pairs in parts.items() if pairs}
    return DepthDataset("folder", "folder", splits)


def export_folder(split: Split, folder: str | os.PathLike, num_images: int) -> None:
    """Writes the first images of a split as photographs, `folder`/<part>/<scene>/<place>.png with _depth.png.

    Args:
      split: what to write; the part is validation/ for a split that is reported on, and train/ for any other.
      folder: the data_dir that `open_folder` then reads; a part in it must not hold anything yet.
      num_images: how many, at most.

    Raises:
      InputError: if the part holds something, or the disk is full or not writable.
    """
    final = pathlib.Path(folder) / (TRAIN if split.name in (TRAIN, "holdout") else VALIDATION)
    if final.exists() and not (final.is_dir() and not any(final.iterdir())):
        raise InputError(f"{final} is there already and not an empty folder: name another --export_folder")
    count = min(num_images, split.num_images)
    with atomic_folders.replacing_folder(final.parent, final) as aside:
        pairs = split.read().take(count).prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
        with Progress(split.name, count) as progress:
            for place, (image, depth_m) in enumerate(pairs):
                scene = aside / final.name / (split.scene_of_image[place] if split.scene_of_image else ".")
                scene.mkdir(parents=True, exist_ok=True)
                photos.write_pair(scene / f"{place:05d}", image, depth_m[..., 0])
                progress.update()
    say(f"wrote {count} images with depth to {final}; use them with --dataset=folder --data_dir={final.parent}")


def _find_pairs(root: pathlib.Path, settings: DataSettings) -> list[_Pair]:
    """Returns the pairs below `root`, in the order of a hash of their names; their first bytes are checked."""
    images, depths = _find_files(root)
    incomplete = _describe_incomplete(root, images, depths)
    if incomplete and not settings.skip_incomplete:
        raise InputError(f"{incomplete}: complete each pair, or leave these out with --skip_incomplete")
    if incomplete:
        say(f"left out: {incomplete}")
    paired = {images[stem].relative_to(root).as_posix(): stem for stem in images.keys() & depths.keys()}
    if not paired:
        raise InputError(f"{root} holds no photograph with its depth map: expected name.jpg with name_depth.png")
    pairs = [_Pair(images[paired[name]], depths[paired[name]], name) for name in scenes.in_hash_order(paired)]
    for pair in pairs:
        photos.check_pair(pair.image, pair.depth)
    return pairs


def _find_files(root: pathlib.Path) -> tuple[dict[str, pathlib.Path], dict[str, pathlib.Path]]:
    """Returns photographs and depth maps, by path without suffix or ending; what is hidden is passed over."""
    images: dict[str, pathlib.Path] = {}
    depths: dict[str, pathlib.Path] = {}
    for folder, subfolders, names in os.walk(root, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in sorted(names):
            ending = next((ending for ending in photos.DEPTH_ENDINGS if name.lower().endswith(ending)), "")
            suffix = ending or os.path.splitext(name)[1]
            if name.startswith(".") or not (ending or suffix.lower() in photos.IMAGE_SUFFIXES):
                continue
            files, stem = depths if ending else images, os.path.join(folder, name[: -len(suffix)])
            if stem in files:
                raise InputError(f"{folder} holds both {files[stem].name} and {name}: expected one of them")
            files[stem] = pathlib.Path(folder) / name
    return images, depths


def _describe_incomplete(root: pathlib.Path, images: dict, depths: dict) -> str:
    def described(files: dict, others: dict, kind: str) -> str:
        names = [files[stem].relative_to(root.parent).as_posix() for stem in sorted(files.keys() - others.keys())]
        shown = names[:NAMES_SHOWN] + ["..."] * (len(names) > NAMES_SHOWN)
        return f"{len(names)} {kind} ({', '.join(shown)})" if names else ""

    lone_images = described(images, depths, "photographs without a depth map")
    return " and ".join(filter(None, (lone_images, described(depths, images, "depth maps without a photograph"))))


def _hold_out(pairs: list[_Pair], fraction: float) -> tuple[list[_Pair], list[_Pair]]:
    """Returns the pairs held out of training, and those that are left."""
    by_scene = len({pair.scene for pair in pairs}) > 1
    if fraction and not by_scene:
        say(
            "warning: all photographs lie in one folder and so count as one scene; the hold-out takes single ones, "
            "which may show what others show, and its figures flatter: give each scene a folder of its own"
        )
    groups = [pair.scene if by_scene else pair.name for pair in pairs]
    held = scenes.holdout_scenes(count_scenes(groups), fraction)
    parts: tuple[list[_Pair], list[_Pair]] = ([], [])
    for pair, group in zip(pairs, groups, strict=True):
        parts[group not in held].append(pair)
    return parts


def _split(name: str, pairs: list[_Pair], settings: DataSettings) -> Split:
    return Split(name, len(pairs), lambda: _read(pairs, settings), tuple(pair.scene for pair in pairs))


def _read(pairs: list[_Pair], settings: DataSettings) -> tf.data.Dataset:
    def read(image_path: bytes, depth_path: bytes):
        image, depth_m = photos.read_pair(
            os.fsdecode(image_path), os.fsdecode(depth_path), depth_scale=settings.depth_scale
        )
        return image, depth_m[..., None]

    def load(image_path: tf.Tensor, depth_path: tf.Tensor):
        # Not stateful: a reader with a state would be called one at a time, to keep its calls in order.
        pair = tf.numpy_function(read, [image_path, depth_path], (tf.uint8, tf.float32), stateful=False)
        return tf.ensure_shape(pair[0], (None, None, 3)), tf.ensure_shape(pair[1], (None, None, 1))

    paths = ([os.fsencode(pair.image) for pair in pairs], [os.fsencode(pair.depth) for pair in pairs])
    return tf.data.Dataset.from_tensor_slices(paths).map(load, num_parallel_calls=PARALLEL_CALLS)
