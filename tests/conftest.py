"""What several test modules share: a tiny data set, a run on it, and a command line."""

import csv
import dataclasses
import os
import pathlib
import subprocess
import sys

import pytest

from tests import fastdepth_archive


def pytest_addoption(parser):
    """Adds the flag of the tests marked torture."""
    parser.addoption("--kills", type=int, default=20, help="how often a torture test kills its run")


def read_csv(path: pathlib.Path) -> list[dict[str, str]]:
    """Returns the rows of a CSV file by column."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session", name="tiny_nyu")
def _tiny_nyu(tmp_path_factory) -> pathlib.Path:
    """The data_dir of a genuine `nyu_depth_v2` of five made-up train and two validation frames."""
    from depth_tf import prepare

    folder = tmp_path_factory.mktemp("tiny_nyu")
    source = fastdepth_archive.write_folder(folder)
    prepare.main(prepare.Settings(source=str(source), data_dir=str(folder / "tfds")))
    return folder / "tfds"


@pytest.fixture(scope="session", name="tiny_settings")
def _tiny_settings(tiny_nyu):
    """Settings of a run of seconds: 64x64 px, two steps an epoch, one of two scenes held out."""
    from depth_tf.train import Settings

    return Settings(
        dataset="nyu_depth_v2",
        data_dir=os.fspath(tiny_nyu),
        validation_fraction=0.3,
        image_height_px=64,
        image_width_px=64,
        width=8,
        global_batch_size=2,
        epochs=3,
        tensorboard=False,
        panels=False,
    )


@pytest.fixture(scope="session", name="tiny_run")
def _tiny_run(tiny_settings, tmp_path_factory) -> pathlib.Path:
    """The folder of a finished run with `tiny_settings`, TensorBoard and panels."""
    from depth_tf import train

    workdir = tmp_path_factory.mktemp("run") / "run"
    train.train(dataclasses.replace(tiny_settings, workdir=os.fspath(workdir), tensorboard=True, panels=True))
    return workdir


@pytest.fixture(name="command_line")
def _command_line(tmp_path):
    """Runs `python -m MODULE FLAGS` in an empty folder and returns the finished process."""

    def run(module: str, *flags: str) -> subprocess.CompletedProcess:
        root = pathlib.Path(__file__).resolve().parents[1]
        return subprocess.run(
            [sys.executable, "-m", module, *flags],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.fspath(root), "CUDA_VISIBLE_DEVICES": "-1"},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture(scope="session", name="tiny_rooms")
def _tiny_rooms(tmp_path_factory) -> pathlib.Path:
    """The data_dir of `synthetic_rooms/tiny`."""
    from depth_tf.synthetic_rooms.builder import open_rooms

    folder = tmp_path_factory.mktemp("tiny_rooms")
    open_rooms(folder, "tiny")
    return folder
