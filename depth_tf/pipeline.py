"""Turns a split into batches that a network can be trained or scored on.

A batch is (image [B, H, W, 3] float32 RGB in 0..255, depth_m [B, H, W, 1] float32 metres with 0 where missing,
weight [B] float32: 1 for an image, 0 for one that only fills up the last batch).
"""

import dataclasses
import os
from collections.abc import Callable

import tensorflow as tf

from depth_tf import augmentation
from depth_tf.grid import Grid, resized
from depth_tf.splits import Split

SHUFFLE_BUFFER_IMAGES = 2048  # records are stored in random order already, so this need not hold them all


@dataclasses.dataclass(frozen=True)
class Input:
    """How batches are made; none of it changes what is in them, but for `data_service` and `deterministic`.

    Attributes:
      cache: where decoded and resized images are kept after the first epoch: "none", "memory" or "disk".
      cache_dir: folder for "disk".
      worker: which of the processes that train together this is.
      num_workers: how many there are; each takes its own rows of every global batch.
      batches_a_step: parts that this worker's rows are cut into, one for each of its devices.
      deterministic: keep the order; without, a batch holds whatever images are ready first.
      threads: of tf.data; 0 for as many as cores.
      data_service: address of a tf.data service that decodes and resizes, in its own order.
    """

    cache: str = "memory"
    cache_dir: str | os.PathLike | None = None
    worker: int = 0
    num_workers: int = 1
    batches_a_step: int = 1
    deterministic: bool = True
    threads: int = 0
    data_service: str | None = None


def training_batches(
    split: Split,
    grid: Grid,
    *,
    batch_size: int,
    seed: int,
    steps: int,
    first_step: int = 0,
    strength: augmentation.Augmentation | None = None,
    how: Input = Input(),
) -> tf.data.Dataset:
    """Returns the batches of steps `first_step` to `steps`, passing over the images again and again.

    The order of the images and how each is changed depend only on the seed, the pass and the image's place in the
    pass's order: the same call gives the same batches, and starting at a later step gives that step's.

    Args:
      split: what to train on.
      grid: the size and the range of depths.
      batch_size: images a batch, over all devices; a pass has ceil(num_images / batch_size) batches.
      seed: of the order and the augmentation.
      steps: step to stop before.
      first_step: step to start with.
      strength: how to augment; None leaves images as they are.
      how: see `Input`.
    """
    examples = _cached(_served(split, grid, how.data_service), split.name, how)

    def one_pass(number):
        # tf.data derives a shuffle's seeds from its own and the graph's, and cannot do so from a tensor and 0.
        tf.compat.v1.set_random_seed(1)
        order = examples.shuffle(min(split.num_images, SHUFFLE_BUFFER_IMAGES), seed=_mix(seed, number))
        draws = tf.data.Dataset.from_tensor_slices(augmentation.draw(seed, number, split.num_images))
        return tf.data.Dataset.zip(order.batch(batch_size), draws.batch(batch_size))

    steps_a_pass = steps_per_epoch(split.num_images, batch_size)
    first_pass, skipped = divmod(first_step, steps_a_pass)
    batches = tf.data.Dataset.range(first_pass, -(-steps // steps_a_pass)).flat_map(one_pass)
    batches = batches.skip(skipped).take(steps - first_step)
    strength = strength or augmentation.NO_AUGMENTATION

    def finish(pair, draws):
        (image, depth_m, draws), weight = _own_rows((*pair, draws), batch_size, how)
        return *augmentation.augment(image, depth_m, draws, strength), weight

    return _finished(batches, finish, how)


def scoring_batches(split: Split, grid: Grid, *, batch_size: int, how: Input = Input(cache="none")) -> tf.data.Dataset:
    """Returns every image of the split once, unchanged, in order; the last batch is filled up at weight 0.

    Args:
      split: what to score on.
      grid: the size and the range of depths.
      batch_size: images a batch, over all devices.
      how: see `Input`; the data service is left out of it.
    """

    def finish(image, depth_m):
        (image, depth_m), weight = _own_rows((image, depth_m), batch_size, how)
        return tf.cast(image, tf.float32), depth_m, weight

    return _finished(_cached(_served(split, grid, None), split.name, how).batch(batch_size), finish, how)


def steps_per_epoch(num_images: int, batch_size: int) -> int:
    """Returns the batches an epoch, the last one filled up."""
    return -(-num_images // batch_size)


def _served(split: Split, grid: Grid, address: str | None) -> tf.data.Dataset:
    """Returns `resized`, made here or by a tf.data service, whose workers share out the files."""
    examples = resized(split, grid)
    if address:
        policy = tf.data.experimental.service.ShardingPolicy.DYNAMIC
        examples = examples.apply(tf.data.experimental.service.distribute(policy, address))
    return examples.apply(tf.data.experimental.assert_cardinality(split.num_images))


def _cached(examples: tf.data.Dataset, name: str, how: Input) -> tf.data.Dataset:
    if how.cache == "memory":
        return examples.cache()
    if how.cache == "disk":
        return examples.cache(os.path.join(os.fspath(how.cache_dir), name))
    return examples


def _finished(batches: tf.data.Dataset, finish: Callable, how: Input) -> tf.data.Dataset:
    """Maps `finish` over the batches, and cuts them for a worker's devices."""
    batches = batches.map(finish, num_parallel_calls=tf.data.AUTOTUNE)
    if how.batches_a_step > 1:
        batches = batches.unbatch().batch(batches.element_spec[-1].shape[0] // how.batches_a_step, drop_remainder=True)
    options = tf.data.Options()
    options.deterministic = how.deterministic
    options.threading.max_intra_op_parallelism = 1  # parallel maps use all cores; splitting small operations costs
    if how.threads:
        options.threading.private_threadpool_size = how.threads
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def _own_rows(tensors: tuple[tf.Tensor, ...], batch_size: int, how: Input):
    """Fills a short batch up, and returns this worker's rows of it with their weights."""
    filled, weight = _fill_up(tensors, batch_size)
    count = batch_size // how.num_workers
    own = slice(how.worker * count, (how.worker + 1) * count)
    return tuple(tensor[own] for tensor in filled), weight[own]


def _fill_up(tensors: tuple[tf.Tensor, ...], batch_size: int):
    """Repeats a short batch's images up to `batch_size`, and returns weights that leave the repeats out.

    Repeats rather than black images, so that the statistics of batch normalisation stay those of real images.
    """
    count = tf.shape(tensors[0])[0]
    places = tf.range(batch_size)

    def repeat():
        return tuple(tf.gather(tensor, places % count) for tensor in tensors)

    filled = tf.cond(tf.equal(count, batch_size), lambda: tensors, repeat)
    filled = tuple(tf.ensure_shape(tensor, (batch_size, *tensor.shape[1:])) for tensor in filled)
    return filled, tf.cast(places < count, tf.float32)


def _mix(seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """Returns a seed for an epoch's shuffle, drawn from (seed, epoch)."""
    return tf.random.stateless_uniform(
        [], seed=tf.stack([tf.cast(seed, tf.int64), epoch]), maxval=2**31 - 1, dtype=tf.int64
    )
