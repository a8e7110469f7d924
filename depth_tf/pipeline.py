"""Turns a split into batches that a network can be trained or scored on.

A batch is (image [B, H, W, 3] float32 RGB in 0..255, depth_m [B, H, W, 1] float32 metres with 0 where missing,
weight [B] float32: 1 for an image, 0 for one that only fills up the last batch).
"""

import dataclasses
import os
from collections.abc import Callable

import tensorflow as tf

from depth_tf import augmentation
from depth_tf.data.resizing import resized
from depth_tf.data.splits import PARALLEL_CALLS, Split

SHUFFLE_BUFFER_IMAGES = 2048  # records are stored in random order already, so this need not hold them all


@dataclasses.dataclass(frozen=True)
class Input:
    """How batches are made and shared out; no field changes what is done to an image.

    `deterministic=False` changes the order; `worker`, `num_workers` and `batches_per_step` choose which rows of the
    global batch come out, and in how many pieces.
    """

    # where decoded and resized images are kept after the first epoch: "none", "memory" or "disk"
    cache: str = "memory"
    cache_dir: str | os.PathLike | None = None  # folder for "disk"
    worker: int = 0  # which of the processes that train together this is
    num_workers: int = 1  # how many there are; each takes its own rows of every global batch
    # into how many batches this worker's rows of one step are cut, one for each of its devices
    batches_per_step: int = 1
    # keep the order; if false, images enter batches in the order in which they become ready
    deterministic: bool = True


def training_batches(
    split: Split,
    size_px: tuple[int, int],
    *,
    batch_size: int,
    seed: int,
    steps: int,
    first_step: int = 0,
    strength: augmentation.Augmentation = augmentation.NO_AUGMENTATION,
    how: Input = Input(),
    beside: Split | None = None,
) -> tf.data.Dataset:
    """Returns the batches from step `first_step` up to, not including, `steps`, in as many passes as that takes.

    The order of the images and how each is changed depend only on the seed, the pass and the image's place in the
    pass's order: the same call gives the same batches, and starting at a later step gives that step's.

    Args:
      split: what to train on.
      size_px: height and width of the images.
      batch_size: images per batch, over all devices; a pass has ceil(images / batch_size) batches.
      seed: of the order and the augmentation.
      steps: step to stop before.
      first_step: step to start with.
      strength: how to augment.
      how: see `Input`.
      beside: a split of which every second image comes. A pass then takes the whole of the longer of the two, and the
        other again and again.
    """
    splits = [split, beside] if beside else [split]
    examples = [_cached(one, size_px, how) for one in splits]
    longest = max(one.num_images for one in splits)
    num_images = longest * len(splits)

    def shuffled(place, number):
        # shuffle compares its two seeds with (0, 0), which fails where one is 0 and the other, ours, is a tensor.
        tf.compat.v1.set_random_seed(1)
        buffer = min(splits[place].num_images, SHUFFLE_BUFFER_IMAGES)
        return examples[place].shuffle(buffer, seed=_mix(seed + place, number))

    def one_pass(number):
        order = shuffled(0, number)
        if beside:
            turns = tf.data.Dataset.range(2).repeat(longest)
            order = tf.data.Dataset.choose_from_datasets([order.repeat(), shuffled(1, number).repeat()], turns)
        draws = augmentation.draw(seed, number, num_images)
        changes = augmentation.changes_of(draws, size_px, strength)
        changed = tf.data.Dataset.zip(order, tf.data.Dataset.from_tensor_slices(changes))
        return _filled_up(changed, num_images, batch_size)

    steps_per_pass = steps_per_epoch(num_images, batch_size)
    first_pass, skipped = divmod(first_step, steps_per_pass)
    rows = tf.data.Dataset.range(first_pass, -(-steps // steps_per_pass)).flat_map(one_pass)
    rows = rows.skip(skipped * batch_size).take((steps - first_step) * batch_size)
    # The pair is one element here, for `_filled_up` works on any form of example.
    return _batches(rows, lambda pair, drawn: augmentation.augment(*pair, drawn), batch_size, steps - first_step, how)


def scoring_batches(
    split: Split, size_px: tuple[int, int], *, batch_size: int, how: Input = Input(cache="none")
) -> tf.data.Dataset:
    """Returns every image of the split once, unchanged, and fills up the last batch at weight 0.

    In the split's order, unless `how` is not deterministic. Arguments are those of `training_batches`.
    """
    rows = _filled_up(_cached(split, size_px, how), split.num_images, batch_size)
    steps = steps_per_epoch(split.num_images, batch_size)
    return _batches(rows, lambda image, depth_m: (tf.cast(image, tf.float32), depth_m), batch_size, steps, how)


def steps_per_epoch(num_images: int, batch_size: int) -> int:
    """Returns the batches per epoch, the last one filled up."""
    return -(-num_images // batch_size)


def _cached(split: Split, size_px: tuple[int, int], how: Input) -> tf.data.Dataset:
    examples = resized(split, size_px).apply(tf.data.experimental.assert_cardinality(split.num_images))
    if how.cache == "memory":
        return examples.cache()
    if how.cache == "disk":
        return examples.cache(os.path.join(os.fspath(how.cache_dir), split.name))
    return examples


def _filled_up(examples: tf.data.Dataset, num_images: int, batch_size: int) -> tf.data.Dataset:
    """Returns the rows of one pass's batches, (example, weight); a short last batch repeats its images at weight 0.

    Repeats rather than black images, so that the statistics of batch normalisation stay those of real images.
    """

    def weighted(place, example):
        return example, tf.cast(place < num_images, tf.float32)

    windows = examples.window(batch_size)  # which passes the images on without copying them
    rows = windows.flat_map(lambda *parts: tf.data.Dataset.zip(parts).repeat().take(batch_size))
    return rows.enumerate().map(weighted)


def _batches(rows: tf.data.Dataset, change: Callable, batch_size: int, steps: int, how: Input) -> tf.data.Dataset:
    """Applies `change` to this worker's rows of each batch, and batches them for its devices."""
    rows_per_worker = batch_size // how.num_workers

    def changed(example, weight):
        return *change(*example), weight

    def is_own(place, _):
        return tf.equal(place % batch_size // rows_per_worker, how.worker)

    if how.num_workers > 1:
        rows = rows.enumerate().filter(is_own).map(lambda _, row: row)
    images = rows.map(changed, num_parallel_calls=PARALLEL_CALLS)
    batches = images.batch(rows_per_worker // how.batches_per_step, drop_remainder=True)
    # Without a known length Keras finds the end by running out of batches, and warns.
    batches = batches.apply(tf.data.experimental.assert_cardinality(steps * how.batches_per_step))
    options = tf.data.Options()
    options.deterministic = how.deterministic
    options.threading.max_intra_op_parallelism = 1  # the parallel maps use all cores already
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def _mix(seed: int, number: tf.Tensor) -> tf.Tensor:
    """Returns the seed of one pass's shuffle, drawn from the run's seed and the pass's number."""
    return tf.random.stateless_uniform(
        [], seed=tf.stack([tf.cast(seed, tf.int64), number]), maxval=2**31 - 1, dtype=tf.int64
    )
