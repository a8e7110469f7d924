"""What is installed is whole: weights, licence, sample and page."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_a_wheel_predicts_in_another_environment_from_another_folder(tmp_path):
    """The environment holds the wheel alone, and sees the packages of this one."""

    def run(*command):
        return subprocess.run([*map(os.fspath, command)], cwd=tmp_path, check=True, capture_output=True, text=True)

    source, environment = tmp_path / "source", tmp_path / "environment"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".git", ".venv*", "runs", "__pycache__"))
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", tmp_path, source)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    wanted = "weights/encoder.npz weights/small.npz weights/README.md sample.jpg demo.html py.typed"
    assert {f"depth_tf/{name}" for name in wanted.split()} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    shutil.rmtree(source)
    run(python, "-m", "depth_tf.predict", f"--input={packages}/depth_tf/sample.jpg", "--write=npy,picture")
    depth_m = np.load(tmp_path / "depth" / "sample_predicted.npy")
    assert depth_m.shape == (240, 320)
    assert 0.5 < np.median(depth_m) < 6.0
