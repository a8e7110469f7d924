"""Opens the user's own photographs with depth maps as a data set, and writes one in that form.

    DIR/train/any/folders/name.jpg          .jpg, .jpeg, .png, .webp or .heic, of any size
    DIR/train/any/folders/name_depth.png    16-bit grey, millimetres (--depth_scale changes the unit), or
    DIR/train/any/folders/name_depth.npy    floating-point metres, or name_depth.tiff; 0 is missing
    DIR/validation/...                      the same, to report on; may be absent

Or apart, in trees of equal names: a photograph in DIR/images/train/ or DIR/train/images/ has its depth map, name.png,
name.npy or name.tiff, in DIR/depth/train/ or DIR/train/depth/; validation/ may there be called val/.

The folder that a photograph lies in is its scene. Photographs come in the order of a hash of their paths, so the
first N of them are a fair sample of all folders.
"""

import collections
import filecmp
import functools
import glob
import os
import pathlib
import re
import typing
from collections.abc import Sequence

import tensorflow as tf

from depth_tf.data import photos, scenes
from depth_tf.data.settings import DataSettings
from depth_tf.data.splits import PARALLEL_CALLS, DepthDataset, Split, as_numpy
from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say
from depth_tf.runtime.progress import Progress

TRAIN, VALIDATION = "train", "validation"
IMAGES, DEPTH = "images", "depth"  # folders of photographs and of depth maps, where the two lie apart
FOLDERS = {TRAIN: (TRAIN,), VALIDATION: (VALIDATION, "val")}  # what a split may be called in them
A_PAIR = "name.jpg with name_depth.png, .npy or .tiff"
NAMES_SHOWN = 3  # of incomplete pairs, in a message


class _Pair(typing.NamedTuple):
    image: pathlib.Path
    depth: pathlib.Path
    name: str  # the photograph's path within its split
    scene: str


def open_folder(data_dir: pathlib.Path, settings: DataSettings) -> DepthDataset:
    """Opens `data_dir`/train and, where there is one, `data_dir`/validation.

    The hold-out is cut in whole scenes, or where all photographs lie in one folder, photograph by photograph. Damage
    behind the first bytes of a file shows only when it is read.
    """
    pairs = {name: _find_pairs(*place, settings) for name in FOLDERS if (place := _find_place(data_dir, name))}
    if TRAIN not in pairs:
        advice = f"{IMAGES}/{TRAIN}/ and {DEPTH}/{TRAIN}/ will do too; --data_dir is what holds them"
        raise InputError(f"no folder {data_dir / TRAIN}: expected photographs there, each {A_PAIR}; {advice}")
    _warn_of_twins(*pairs.values())
    held_out, kept = _hold_out(pairs.pop(TRAIN), settings.validation_fraction)
    parts = {TRAIN: kept, "holdout": held_out, **pairs}
    splits = {
        name: Split(name, len(pairs), functools.partial(_read, pairs, settings), tuple(pair.scene for pair in pairs))
        for name, pairs in parts.items()
        if pairs
    }
    return DepthDataset("folder", "folder", splits)


def export_folder(split: Split, folder: str | os.PathLike, num_images: int) -> None:
    """Writes a split's first images as `folder`/<train or validation>/<scene>/<place>.png with _depth.png."""
    final = pathlib.Path(folder) / (TRAIN if split.name in (TRAIN, "holdout") else VALIDATION)
    if final.exists() and (final.is_file() or any(final.iterdir())):
        raise InputError(f"{final} is there already and not an empty folder: name another --export_folder")
    count = min(num_images, split.num_images)
    scene_of_image = split.scene_of_image or ("",) * count
    with atomic_files.replacing_folder(final.parent, final) as aside, Progress(split.name, count) as progress:
        pairs = as_numpy(split.read().take(count).prefetch(tf.data.AUTOTUNE))
        for place, (image, depth_m) in enumerate(pairs):
            scene = aside / final.name / scene_of_image[place]
            scene.mkdir(parents=True, exist_ok=True)
            photos.write_pair(scene / f"{place:05d}", image, depth_m[..., 0])
            progress.update()
    say(f"wrote {count} images with depth to {final}; use them with --dataset=folder --data_dir={final.parent}")


def _find_place(data_dir: pathlib.Path, split: str) -> tuple[pathlib.Path, tuple[str, ...]] | None:
    """Returns a folder and the patterns of a split's files in it; None if there is no such split."""
    if (data_dir / split).is_dir():
        return data_dir / split, ("**",)
    apart = (name for name in FOLDERS[split] if (data_dir / IMAGES / name).is_dir())
    return next(((data_dir, (f"{IMAGES}/{name}/**", f"{DEPTH}/{name}/**")) for name in apart), None)


def _find_pairs(root: pathlib.Path, patterns: tuple[str, ...], settings: DataSettings) -> list[_Pair]:
    """Returns the pairs below `root`, in the order of a hash of their names; their first bytes are checked."""
    images, depths = _find_files(root, patterns)
    if (others := _other_depths(root, images.keys() - depths.keys())) and not settings.skip_incomplete:
        told = f"{len(others)} depth maps in other forms, the first {others[0]}"
        raise InputError(
            f"{told}: expected {photos.DEPTH_FORMS}; convert them, or leave them out with --skip_incomplete"
        )
    incomplete, kinds = [], {"photographs without a depth map": images, "depth maps without a photograph": depths}
    for kind, files in kinds.items():
        if stems := sorted(files.keys() - (images.keys() & depths.keys())):
            shown = ", ".join(f"{root.name}/{files[stem]}" for stem in stems[:NAMES_SHOWN])
            incomplete.append(f"{len(stems)} {kind} ({shown}{', ...' if len(stems) > NAMES_SHOWN else ''})")
    told = " and ".join(incomplete)
    if incomplete and not settings.skip_incomplete:
        raise InputError(f"{told}: complete each pair, {A_PAIR}, or leave these out with --skip_incomplete")
    if incomplete:
        say(f"left out: {told}")
    depth_of = {image: depths[stem] for stem, image in images.items() if stem in depths}
    if not depth_of:
        raise InputError(f"{root} holds no photograph with its depth map: expected {A_PAIR}")
    for image, depth in depth_of.items():
        photos.check_pair(root / image, root / depth)
    names = scenes.in_hash_order(depth_of)
    return [_Pair(root / name, root / depth_of[name], name, os.path.dirname(name) or ".") for name in names]


def _find_files(root: pathlib.Path, patterns: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Returns photographs and depth maps, {photograph's path without ending: path}; glob passes over hidden files."""
    images, depths = {}, {}
    for name in sorted(name for like in patterns for name in glob.iglob(like, root_dir=root, recursive=True)):
        beside = re.sub(rf"\b{DEPTH}/", f"{IMAGES}/", name)  # where the photograph lies that this is the depth of
        apart = beside != name and (root / beside).parent.is_dir()
        endings = photos.DEPTH_ENDINGS + (photos.DEPTH_SUFFIXES if apart else ())
        ending = next((ending for ending in endings if name.lower().endswith(ending)), "")
        suffix = ending or os.path.splitext(name)[1]
        if ending or suffix.lower() in (*photos.IMAGE_SUFFIXES, *photos.HEIC_SUFFIXES):
            files, stem = depths if ending else images, (beside if ending and apart else name)[: -len(suffix)]
            if stem in files:
                both = f"{os.path.basename(files[stem])} and {os.path.basename(name)}"
                rule = f"the depth map of name.jpg is {photos.DEPTH_FORMS}; 8 bits will not do: {photos.FROM_8_BITS}"
                raise InputError(f"{(root / name).parent} holds both {both}: expected one of them; {rule}")
            files[stem] = name
    return images, depths


def _other_depths(root: pathlib.Path, stems: set[str]) -> list[pathlib.Path]:
    """Returns the files that are named as depth maps of these photographs but are none that can be read."""
    return sorted(
        path for stem in stems for path in (root / stem).parent.glob(f"{glob.escape(os.path.basename(stem))}_depth.*")
    )


def _warn_of_twins(train: list[_Pair], validation: Sequence[_Pair] = ()) -> None:
    """Says which photographs of validation stand in train, whatever their names."""
    of_size = collections.defaultdict(list)
    for pair in train:
        of_size[pair.image.stat().st_size].append(pair.image)
    alike = ((pair.image, other) for pair in validation for other in of_size[pair.image.stat().st_size])
    if twins := dict(files for files in alike if filecmp.cmp(*files, shallow=False)):
        first = "the first {}, which is {}".format(*next(iter(twins.items())))
        say(f"warning: {len(twins)} photographs of validation are in train too, which flatters its figures; {first}")


def _hold_out(pairs: list[_Pair], fraction: float) -> tuple[list[_Pair], list[_Pair]]:
    """Returns the pairs held out of training, and those that are left."""
    by_scene = len({pair.scene for pair in pairs}) > 1
    if fraction and not by_scene:
        told = "all photographs lie in one folder and so count as one scene; the hold-out takes single ones, which may"
        say(f"warning: {told} show what others show, and its figures flatter: give each scene a folder of its own")
    group_of = {pair: pair.scene if by_scene else pair.name for pair in pairs}
    held = scenes.holdout_scenes(collections.Counter(group_of.values()), fraction)
    return [pair for pair in pairs if group_of[pair] in held], [pair for pair in pairs if group_of[pair] not in held]


def _read(pairs: list[_Pair], settings: DataSettings) -> tf.data.Dataset:
    def read(*paths: bytes):
        image, depth_m = photos.read_pair(*map(os.fsdecode, paths), depth_scale=settings.depth_scale)
        return image, depth_m[..., None]

    def load(*paths: tf.Tensor):
        # Not stateful: a reader with a state would be called one at a time, to keep its calls in order.
        image, depth_m = tf.numpy_function(read, paths, (tf.uint8, tf.float32), stateful=False)
        return tf.ensure_shape(image, (None, None, 3)), tf.ensure_shape(depth_m, (None, None, 1))

    paths = ([os.fsencode(pair.image) for pair in pairs], [os.fsencode(pair.depth) for pair in pairs])
    return tf.data.Dataset.from_tensor_slices(paths).map(load, num_parallel_calls=PARALLEL_CALLS)
