"""A network saved by the Keras that is installed is read by the oldest that setup.cfg allows."""

import configparser
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

from depth_tf.model import build_small

SETUP = pathlib.Path(__file__).parents[1] / "setup.cfg"
LOAD = """
import keras, numpy as np
network = keras.saving.load_model("best.keras", compile=False)
np.save("depth.npy", network(np.load("image.npy"), training=False))
print(keras.__version__)
"""


@pytest.mark.slow
def test_a_saved_network_is_read_under_the_oldest_versions(tmp_path):
    config = configparser.ConfigParser()
    config.read(SETUP)
    bounds = dict(re.findall(r"(?m)^(keras|tensorflow)>=([\d.]+)", config["options"]["install_requires"]))
    wanted = [f"{name}=={'.'.join((version.split('.') + ['0'])[:3])}" for name, version in bounds.items()]
    network, image = build_small(64, 96), np.random.default_rng(0).uniform(0, 255, (1, 64, 96, 3)).astype(np.float32)
    network.save(tmp_path / "best.keras")
    np.save(tmp_path / "image.npy", image)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "old"], check=True)
    subprocess.run([tmp_path / "old/bin/pip", "install", "-q", *wanted], check=True)
    done = subprocess.run([tmp_path / "old/bin/python", "-c", LOAD], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"keras=={done.stdout.strip()}" in wanted
    np.testing.assert_allclose(np.load(tmp_path / "depth.npy"), network(image, training=False), rtol=1e-3)
