"""Devices: one or two replicas train the same network, however unevenly missing pixels fall on them."""

import dataclasses
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from depth_tf import model, train
from depth_tf.runtime.errors import InputError
from depth_tf.scoring.keras_metrics import NETWORK_GRID_METRICS, network_grid_metrics
from depth_tf.training import distribute, stages

# In a process of its own, since logical devices must be set up before TensorFlow starts.
PROGRAM = """
import json, sys
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from depth_tf.scoring.keras_metrics import network_grid_metrics
from depth_tf.losses import depth_loss
from depth_tf.model import NETWORKS
import tests.quick_train

random = np.random.default_rng(0)
images = random.uniform(0, 255, (6, 32, 64, 3)).astype("float32")
depths_m = random.uniform(0.5, 9, (6, 32, 64, 1)).astype("float32")
depths_m[0] = 0          # an image without any depth
depths_m[1, 2:] = 0      # one with little
weights = np.float32([1, 1, 1, 1, 1, 0])  # and one that is padding
batches = tf.data.Dataset.from_tensor_slices((images, depths_m, weights)).batch(2)

def history(strategy):
    with strategy.scope():
        keras.utils.set_random_seed(1)
        network = NETWORKS[sys.argv[1]](32, 64, width=8, normalization="group")
        loss = depth_loss(gradient_weight=0.5 * (sys.argv[1] == "small"))  # which takes longest to trace
        network.compile("sgd", loss, weighted_metrics=network_grid_metrics()[3:4], jit_compile=False)
    history = network.fit(batches, epochs=3, shuffle=False, verbose=0).history
    return {**history, "weights": [float(abs(weight).sum()) for weight in network.get_weights()]}

two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert two.num_replicas_in_sync == 2
json.dump([history(tf.distribute.get_strategy()), history(two)], sys.stdout)
"""


@pytest.mark.parametrize("network", ["quick", pytest.param("small", marks=pytest.mark.slow)])
def test_two_replicas_equal_one_with_uneven_masks_and_padding(network):
    """Every day with a quick network that is normalised by group as the real one is."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment = {**os.environ, "PYTHONPATH": root, "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", PROGRAM, network]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    one, two = json.loads(done.stdout.splitlines()[-1])
    assert len(one["loss"]) == 3
    assert len(one["weights"]) > 4
    for name in ("loss", *NETWORK_GRID_METRICS[3:4]):
        assert one[name] == pytest.approx(two[name], rel=1e-5, abs=1e-5), name
    assert one["weights"] == pytest.approx(two["weights"], rel=1e-5, abs=1e-5)


def test_steps_are_not_compiled_with_xla_on_a_cpu():
    assert distribute.compile_with_xla(tf.distribute.get_strategy()) is False


class _Replicas:
    """A strategy of some devices, as far as the checks of a batch look at it."""

    def __init__(self, count: int):
        self.num_replicas_in_sync = count


def test_a_batch_that_devices_cannot_share_is_refused_in_one_line():
    settings = train.Settings(global_batch_size=3)
    distribute.check_batch(_Replicas(1), settings)
    with pytest.raises(InputError, match="divisible by the 2 devices, got 3"):
        distribute.check_batch(_Replicas(2), settings)


@pytest.mark.usefixtures("few_metrics")
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_keeps_weights_and_answer_in_float32_and_trains(tiny_settings, monkeypatch, precision):
    monkeypatch.setattr(model, "STAGE_WIDTHS", (1, 2))
    settings = dataclasses.replace(tiny_settings, network="small", precision=precision)
    network = stages.start_network(settings, np.full((64, 64), 2.0, np.float32))
    train.compile_network(network, settings, total_steps=10)
    network.run_eagerly = True
    assert network.get_layer("encoder1_down_conv").compute_dtype == precision
    assert {variable.dtype for variable in network.trainable_variables} == {"float32"}
    assert network.output.dtype == "float32"
    assert isinstance(network.optimizer, keras.optimizers.LossScaleOptimizer) == (precision == "float16")
    random = np.random.default_rng(0)
    image = random.uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    depth_m = random.uniform(0.5, 9, (2, 64, 64, 1)).astype(np.float32)
    losses = [network.train_on_batch(image, depth_m, np.ones(2, np.float32))[0] for _ in range(2)]
    assert np.isfinite(losses).all()
    assert keras.config.dtype_policy().name == "float32"  # of what is built next


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_whole_training_step_compiles_with_xla(tiny_settings, precision):
    """As a TPU would have it: static shapes and no operation that XLA lacks. The nearest check without a TPU."""
    changes = {"network": "small", "normalization": "group", "schedule": "constant"}
    settings = dataclasses.replace(tiny_settings, precision=precision, **changes)
    network = stages.start_network(settings, np.full((64, 64), 2.0, np.float32))
    train.compile_network(network, settings, total_steps=10)
    network.compile(network.optimizer, network.loss, weighted_metrics=network_grid_metrics(), jit_compile=True)
    image = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    batch = image, np.full((2, 64, 64, 1), 3.0, np.float32), np.ones(2, np.float32)
    losses = [network.train_on_batch(*batch)[0] for _ in range(4)]
    assert network.jit_compile
    assert losses[-1] < losses[0]


def test_a_tpu_that_is_not_there_is_refused_in_one_line(monkeypatch):
    def absent(tpu):
        raise ValueError("Please provide a TPU Name to connect to.\nMore.")

    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", absent)
    with pytest.raises(InputError, match="no TPU found at --tpu='x' \\(Please provide a TPU Name to connect to.\\)"):
        distribute.build_strategy("tpu", tpu="x")


def test_a_tpu_needs_its_strategy():
    with pytest.raises(InputError, match="--tpu=x needs --strategy=tpu, got --strategy=auto"):
        train.Settings(tpu="x")


def test_an_object_store_is_no_folder_for_a_run():
    with pytest.raises(InputError, match="--workdir=gs://bucket/run is not a folder: .*mount the bucket"):
        train.Settings(workdir="gs://bucket/run")
