"""Where a run computes: on one device or many, on one machine or many, and in what precision.

none: one device.
mirrored: every GPU of this machine (or its logical devices), each with a part of every batch.
multi_worker: the devices of several machines, named by TF_CONFIG or by Slurm; see `multi_worker`.
tpu: a TPU, by --tpu=NAME.
auto: mirrored where there are several GPUs, else none.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator

from etils import epy

from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import keras
    import tensorflow as tf

STRATEGIES = ("auto", "none", "mirrored", "tpu", "multi_worker")
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}  # Keras's policies
TF_CONFIG_EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'


def build_strategy(name: str, *, tpu: str = "") -> tf.distribute.Strategy:
    """Returns the strategy called `name`, which must come before TensorFlow's first operation.

    Args:
      name: one of `STRATEGIES`.
      tpu: name or address of a TPU.

    Raises:
      InputError: if what the strategy needs is not there.
    """
    if name == "tpu":
        return _tpu(tpu)
    if name == "multi_worker":
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=_cluster())
    if name == "mirrored" or (name == "auto" and len(tf.config.list_physical_devices("GPU")) > 1):
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def is_multi_worker(strategy: tf.distribute.Strategy) -> bool:
    """Says whether a strategy spans several processes."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Says whether this process is the one that writes files."""
    return place_among_workers(strategy)[0] == 0


def place_among_workers(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Returns which of the processes that train together this is, the chief being 0, and how many there are."""
    if not is_multi_worker(strategy):
        return 0, 1
    resolver = strategy.cluster_resolver
    tasks = resolver.cluster_spec().as_dict()
    chiefs, workers = len(tasks.get("chief", ())), len(tasks.get("worker", ()))
    return (0 if resolver.task_type == "chief" else chiefs + resolver.task_id), chiefs + workers


def check_batch(strategy: tf.distribute.Strategy, settings) -> None:
    """Raises InputError if the batch cannot be shared out."""
    replicas = strategy.num_replicas_in_sync
    if settings.global_batch_size % replicas:
        raise InputError(
            f"expected --global_batch_size divisible by the {replicas} devices, got {settings.global_batch_size}"
        )


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Makes networks built in the block compute in one of `PRECISIONS`; their weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(PRECISIONS[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def compile_with_xla(strategy: tf.distribute.Strategy) -> bool:
    """Says whether `fit` compiles steps with XLA: on a single GPU.

    On a CPU it is 2-5 times slower; a TPU's strategy does it by itself; on several devices Keras does not.
    """
    return strategy.num_replicas_in_sync == 1 and bool(tf.config.list_physical_devices("GPU"))


def make_repeatable(deterministic: bool) -> None:
    """Makes the same flags give the same weights, bit for bit, unless `deterministic` is false.

    A CPU's operations repeat as they are; there TensorFlow's switch would only make the pipeline serial, at two
    thirds of the speed.
    """
    if deterministic and tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


def _tpu(name: str) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, RuntimeError, OSError, tf.errors.OpError) as error:
        raise InputError(
            f"no TPU found at --tpu={name!r} ({str(error).splitlines()[0]}): expected the name of one, with the "
            "package tensorflow-tpu in the place of tensorflow (see depth_tf/training/README.md)"
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def _cluster() -> tf.distribute.cluster_resolver.ClusterResolver:
    if os.environ.get("TF_CONFIG"):
        _check_tf_config(os.environ["TF_CONFIG"])
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if os.environ.get("SLURM_PROCID"):
        if tf.config.list_physical_devices("GPU"):
            return tf.distribute.cluster_resolver.SlurmClusterResolver()
        # TensorFlow counts tasks by the GPUs they take, and fails where there are none.
        tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
        return tf.distribute.cluster_resolver.SlurmClusterResolver(
            gpus_per_node=tasks, gpus_per_task=1, auto_set_gpu=False
        )
    raise InputError(
        f"--strategy=multi_worker needs TF_CONFIG in the environment, such as {TF_CONFIG_EXAMPLE}, or a task that "
        "Slurm's srun started; neither is there"
    )


def _check_tf_config(text: str) -> None:
    try:
        config = json.loads(text)
        workers, task = config["cluster"]["worker"], config["task"]
        fits = task["type"] != "worker" or 0 <= int(task["index"]) < len(workers)
    except (ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise InputError(f"TF_CONFIG is not as expected: expected {TF_CONFIG_EXAMPLE}, got {text}")
