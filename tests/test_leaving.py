"""A program that fails while threads of its pipeline call Python ends all the same."""

import gc
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from depth_tf.data import splits
from tests.photographs import write_pair

# Processes share one import of TensorFlow. Every other leaves as our programs do, the rest as a user's script does. The
# pause stands for photographs so large that the next are being read when the first prediction turns out to be wrong.
FORKS = """
import os, sys, time
from depth_tf.runtime import quiet
quiet.import_tensorflow()
from depth_tf import evaluate
from depth_tf.data import folder, photos
from depth_tf.runtime import program
from depth_tf.scoring import score_run
count, root = int(sys.argv[1]), sys.argv[2]
read = photos.read_pair
photos.read_pair = lambda *given, **how: (time.sleep(0.3), read(*given, **how))[1]
settings = {"predictions": f"{root}/predictions", "output": f"{root}/metrics.json"}
settings |= {"dataset": "folder", "data_dir": root, "validation_fraction": 0.0}
sys.argv[1:] = [f"--{name}={value}" for name, value in settings.items()]
for place in range(count):
    if not os.fork():
        if place % 2:
            evaluate.main(evaluate.Settings(**settings))
        program.run(evaluate.main, evaluate.Settings)
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


@pytest.mark.parametrize("count", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_each_process_that_fails_in_the_midst_of_reading_ends(tmp_path, count):
    write_pair(tmp_path / "train" / "only")
    (tmp_path / "predictions").mkdir()
    for number in range(24):
        write_pair(tmp_path / "validation" / f"{number}")
        np.save(tmp_path / "predictions" / f"{number:05d}.npy", np.ones((4, 4), bool))
    command = [sys.executable, "-c", FORKS, str(count), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300 + 20 * count)
    assert done.stdout.split() == [*"21" * count][:count], done.stderr
    errors = [line for line in done.stderr.splitlines() if "expected floating-point depth" in line]
    assert sum(line.startswith("error: ") for line in errors) == -(-count // 2)


def test_an_iterator_can_be_dropped_while_a_graph_is_built():
    numbers = splits.as_numpy(tf.data.Dataset.range(100).prefetch(2))
    assert next(numbers) == 0
    with tf.Graph().as_default():
        del numbers  # its end would be an unraisable error, which fails here
        gc.collect()
