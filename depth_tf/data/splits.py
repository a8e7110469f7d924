"""What a data set is to the rest of this package: named splits that yield pairs of image and depth.

train: what the network learns from.
rooms: rendered rooms that training takes beside `train`; only with --with_rooms.
holdout: whole scenes cut from `train`; the only split that early stopping, plateaus and tuning may see.
validation, test: for reporting, never for choosing. In TFDS's `nyu_depth_v2`, `validation` is the official
654-image test set.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterator

from etils import epy

from depth_tf.runtime import machine
from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # so that what needs NumPy or names alone does not wait for TensorFlow
    import tensorflow as tf

# How many images a parallel map works on at once. With one per core, where tf.data.AUTOTUNE stops, cores wait between
# two images; AUTOTUNE also needs an epoch of a small data set to get that far.
PARALLEL_CALLS = 2 * machine.num_cores()
DEPTH_RANGE_M = (0.1, 10.0)  # nearer and farther readings count as missing, unless the user says otherwise


@dataclasses.dataclass(frozen=True)
class Split:
    """One split."""

    name: str  # "train", "rooms", "holdout", "validation" or "test"
    num_images: int  # how many pairs `read` yields
    # (image uint8 [H, W, 3], depth_m float32 [H, W, 1], metres, 0 or NaN where missing) in an order that never changes
    read: Callable[[], tf.data.Dataset]
    scene_of_image: tuple[str, ...] | None  # the scene of each image, in that order, or None where scenes are unknown
    # least and greatest depth that counts as measured, metres; what is learnt or averaged leaves out the rest
    depth_range_m: tuple[float, float] = DEPTH_RANGE_M


@dataclasses.dataclass(frozen=True)
class DepthDataset:
    """A prepared data set."""

    name: str  # its name, as in `--dataset`
    source: str  # where its records came from, one word (see depth_tf_source.json)
    splits: dict[str, Split]  # by name

    def describe(self) -> dict:
        """Returns what a run's records say of its data: name, source and the number of images by split."""
        counts = {name: split.num_images for name, split in self.splits.items()}
        return {"dataset": self.name, "source": self.source, "num_images": counts}

    def split(self, name: str | None) -> Split:
        """Returns the split called `name`; InputError if there is none.

        None takes the one to report on: validation, or holdout or train where there is none.
        """
        name = name or next(name for name in ("validation", "holdout", "train") if name in self.splits)
        if name not in self.splits:
            raise InputError(f"{self.name} has no split {name!r} here; it has: {', '.join(self.splits)}")
        return self.splits[name]


def as_numpy(elements: tf.data.Dataset) -> Iterator:
    """Yields a data set's elements as NumPy arrays, by an iterator that closes safely, however early and late.

    `as_numpy_iterator` may hang the interpreter as that ends: it waits for threads that wait to call Python.
    """
    iterator = iter(elements)
    # A finalizer also runs when the interpreter begins to end. Given nothing to read, the iterator lets its threads go.
    none = tf.data.experimental.to_variant(elements.take(0))
    handle = iterator._iterator_resource

    def close():
        with tf.__internal__.eager_context.eager_mode():  # memory may be cleared while something builds a graph
            tf.raw_ops.MakeIterator(dataset=none, iterator=handle)

    weakref.finalize(iterator, close)
    return (tf.nest.map_structure(lambda tensor: tensor.numpy(), element) for element in iterator)


def first_images(split: Split, count: int) -> Split:
    """Returns the split cut to its first `count` images."""
    count = min(count, split.num_images)
    scenes = split.scene_of_image and split.scene_of_image[:count]
    return dataclasses.replace(split, num_images=count, read=lambda: split.read().take(count), scene_of_image=scenes)
