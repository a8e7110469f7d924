"""What several test modules share: a tiny data set, a run on it, and a program."""

import csv
import dataclasses
import fcntl
import functools
import os
import pathlib
import sys

import numpy as np
import pytest

from tests import fastdepth_archive, quick_train  # noqa: F401 -- adds --network=quick


def pytest_addoption(parser):
    """Adds the flag of the tests marked torture."""
    parser.addoption("--kills", type=int, default=20, help="how often a torture test kills its run")


def read_csv(path: pathlib.Path) -> list[dict[str, str]]:
    """Returns the rows of a CSV file by column."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session", name="made_once")
def _made_once(tmp_path_factory):
    """Returns a folder by name; of pytest's processes, the first that asks has it filled. Tests only read there."""
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp().parent if parallel else tmp_path_factory.getbasetemp()

    def made_once(name: str, fill) -> pathlib.Path:
        with open(base / f"{name}.filled", "a+") as filled:
            fcntl.flock(filled, fcntl.LOCK_EX)
            filled.seek(0)
            if not filled.read():
                fill(base / name)
                filled.write("yes")
        return base / name

    return made_once


@pytest.fixture(scope="session", name="tiny_nyu")
def _tiny_nyu(made_once) -> pathlib.Path:
    """The data_dir of a genuine `nyu_depth_v2` of five made-up train and two validation frames."""
    from depth_tf import prepare

    def fill(folder):
        source = fastdepth_archive.write_folder(folder)
        prepare.main(prepare.Settings(source=str(source), data_dir=str(folder / "tfds")))

    return made_once("tiny_nyu", fill) / "tfds"


@pytest.fixture(scope="session", name="tiny_settings")
def _tiny_settings(tiny_nyu):
    """Settings of a run of seconds: a quick network, 64x64 px, two steps an epoch, one of two scenes held out."""
    from depth_tf.train import Settings

    return Settings(
        dataset="nyu_depth_v2",
        data_dir=os.fspath(tiny_nyu),
        validation_fraction=0.3,
        image_height_px=64,
        image_width_px=64,
        network="quick",
        width=8,
        gradient_weight=0.0,  # takes longest to trace
        global_batch_size=2,
        epochs=3,
        tensorboard=False,
        panels=False,
    )


@pytest.fixture(scope="session", name="tiny_run")
def _tiny_run(tiny_settings, made_once) -> pathlib.Path:
    """The folder of a finished run with `tiny_settings`, TensorBoard and panels."""
    from depth_tf import train

    settings = dataclasses.replace(tiny_settings, tensorboard=True, panels=True)
    return made_once("tiny_run", lambda folder: train.train(dataclasses.replace(settings, workdir=os.fspath(folder))))


@pytest.fixture(scope="session", name="quick_file")
def _quick_file(tmp_path_factory) -> str:
    """The file of an untrained quick network for 64x96 px, whose depth differs from pixel to pixel."""
    import keras

    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("network") / "best.keras"
    quick_train.build_quick(64, 96).save(path)
    return os.fspath(path)


@pytest.fixture(name="run_program")
def _run_program(monkeypatch):
    """Runs what `python -m MODULE FLAGS` runs, in this process."""
    from depth_tf.runtime import program

    def run(main, settings_class, *arguments: str, **options) -> None:
        monkeypatch.setattr(program.flags, "FLAGS", program.flags.FlagValues())
        monkeypatch.setattr(sys, "argv", ["program", *arguments])
        monkeypatch.setattr(program.app, "run", lambda main, flags_parser: main(flags_parser(sys.argv)))
        monkeypatch.setattr(program, "leave", sys.exit)  # which would end pytest
        program.run(main, settings_class, **options)

    return run


@pytest.fixture(scope="module", name="few_patches")
def _few_patches():
    """Has scikit-learn's words made from few patches and kept in few numbers, which would take most of the time."""
    from sklearn_baseline import estimator

    with pytest.MonkeyPatch.context() as patch:
        few = functools.partial(estimator.DepthCues, num_patches=2000, num_components=4)
        patch.setattr(estimator, "DepthCues", few)
        yield


@pytest.fixture(name="no_panels")
def _no_panels(monkeypatch) -> None:
    """Has no predictions drawn beside a result, which takes as long as the scores: `tiny_run` has them."""
    monkeypatch.setattr("depth_tf.drawing.figures.depth_panels", lambda *_, **__: None)


@pytest.fixture(name="flat_floor")
def _flat_floor(monkeypatch) -> None:
    """Has predictions scored beside a flat map: to read all of train for the mean map takes long, `tiny_run` does."""
    flat_m = np.full((48, 64), 2.5, np.float32)
    monkeypatch.setattr("depth_tf.scoring.score.mean_depth_map", lambda _: flat_m)


@pytest.fixture(name="few_metrics")
def _few_metrics(monkeypatch) -> None:
    """Has runs compute only the metrics that callbacks need: to trace all takes long, and `tiny_run` has them."""
    monkeypatch.setattr("depth_tf.scoring.keras_metrics.NETWORK_GRID_METRICS", ("log10", "delta1"))


@pytest.fixture(name="eagerly")
def _eagerly():
    """Has nothing made into graphs, which take longer to trace than a few steps take; `tiny_run` has them."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session", name="tiny_rooms")
def _tiny_rooms(made_once) -> pathlib.Path:
    """The data_dir of `synthetic_rooms/tiny`."""
    from depth_tf.synthetic_rooms.builder import open_rooms

    return made_once("tiny_rooms", lambda folder: open_rooms(folder, "tiny"))
