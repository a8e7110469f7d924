"""Devices: one or two replicas train the same network, however unevenly missing pixels fall on them."""

import json
import os
import subprocess
import sys

import pytest

from depth_tf import distribute
from depth_tf.errors import InputError

# In a process of its own, since logical devices must be set up before TensorFlow starts.
PROGRAM = """
import json, sys
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from depth_tf.keras_metrics import PerImageMetric
from depth_tf.losses import DepthLoss
from depth_tf.model import build_network

random = np.random.default_rng(0)
images = random.uniform(0, 255, (6, 32, 64, 3)).astype("float32")
depths_m = random.uniform(0.5, 9, (6, 32, 64, 1)).astype("float32")
depths_m[0] = 0          # an image without any depth
depths_m[1, 2:] = 0      # one with little
weights = np.float32([1, 1, 1, 1, 1, 0])  # and one that is padding
batches = tf.data.Dataset.from_tensor_slices((images, depths_m, weights)).batch(6)

def history(strategy):
    with strategy.scope():
        keras.utils.set_random_seed(1)
        network = build_network(32, 64, width=8, normalization="group")
        network.compile("adam", DepthLoss(), weighted_metrics=[PerImageMetric("abs_rel")], jit_compile=False)
    return network.fit(batches, epochs=3, shuffle=False, verbose=0).history

two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert two.num_replicas_in_sync == 2
json.dump([history(tf.distribute.get_strategy()), history(two)], sys.stdout)
"""


def test_two_replicas_equal_one_with_uneven_masks_and_padding():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment = {**os.environ, "PYTHONPATH": root, "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    one, two = json.loads(done.stdout.splitlines()[-1])
    assert len(one["loss"]) == 3
    assert one["loss"] == pytest.approx(two["loss"], abs=1e-5)
    assert one["abs_rel"] == pytest.approx(two["abs_rel"], abs=1e-5)


def test_an_unknown_strategy_is_refused():
    with pytest.raises(InputError, match="unknown strategy 'horovod': expected one of auto, none, mirrored"):
        distribute.build_strategy("horovod")


def test_steps_are_not_compiled_with_xla_on_a_cpu():
    assert distribute.compile_with_xla() is False
