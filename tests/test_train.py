"""A training run: what it leaves, that it repeats, and what it refuses before anything is written."""

import dataclasses
import json
import os
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from depth_tf import model, pipeline, train
from depth_tf.data.opening import open_dataset
from depth_tf.drawing import tables
from depth_tf.losses import depth_loss
from depth_tf.optimizers import OPTIMIZERS
from depth_tf.runtime.errors import InputError
from depth_tf.saved import load_network
from depth_tf.schedules import OBJECTS, SCHEDULES
from depth_tf.scoring import keras_metrics
from depth_tf.scoring.keras_metrics import PerImageMetric
from depth_tf.scoring.mean_depth import mean_depth_map
from depth_tf.scoring.metrics import METRICS
from depth_tf.training import stages
from tests.conftest import read_csv
from tests.quick_train import build_quick


def _weights(workdir) -> list[np.ndarray]:
    return load_network(workdir / "best.keras", size_px=(64, 64)).get_weights()


def test_a_run_leaves_everything_that_explains_it(tiny_run):
    names = {path.name for path in tiny_run.iterdir()}
    told = {"config.json", "flags.txt", "environment.json", "history.csv", "speed.csv", "tensorboard", "panels"}
    assert names == told | {"best.keras", "mean_depth.npy", "metrics.json", "per_image.csv", "panels.png"}


def test_metrics_json_is_flat_and_says_where_its_figures_come_from(tiny_run):
    result = json.loads((tiny_run / "metrics.json").read_text())
    assert {key for key, value in result.items() if isinstance(value, dict)} == {"protocol", "floor", "failures"}
    assert set(METRICS) == result["floor"].keys()
    assert set(METRICS) < result.keys()
    network = load_network(tiny_run / "best.keras", size_px=(64, 64))
    expected = {
        "dataset": "nyu_depth_v2",
        "source": "fastdepth_folder",
        "split": "validation",
        "num_images": 2,
        "trained_on": "nyu_depth_v2",
        "num_train_images": 2,  # of five: the three of the held-out scene are not trained on
        "parameters": network.count_params(),
    }
    assert expected.items() <= result.items()
    assert {"machine", "date", "command"} < result.keys()
    assert result["protocol"].keys() == {"name", "crop", "range_m", "resize", "averaging", "flip"}


def test_history_has_one_row_per_epoch_with_the_rate_that_made_it(tiny_run):
    rows = read_csv(tiny_run / "history.csv")
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    # Of one step each: the warm-up's first step is at 0, the second at the peak, the third on the cosine's way down.
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates[0] == 0 < rates[2] < rates[1] == pytest.approx(OPTIMIZERS["adamw"].learning_rate)
    assert all(float(row["val_log10"]) > 0 for row in rows)


def test_a_run_without_epochs_is_as_long_as_its_network_needs(tiny_settings):
    settings = dataclasses.replace(tiny_settings, epochs=None, steps_per_epoch=None, global_batch_size=8)
    assert stages.plan(settings, 648, "small") == (160, 81)
    assert stages.plan(settings, 648, "encoder") == (15, 81)
    assert stages.plan(settings, 648, "another") == (160, 81)
    assert stages.plan(settings, 1_000_000, "encoder")[0] == 1


def test_the_saved_network_is_the_best_epochs(tiny_run, tiny_settings):
    """Scored again on the hold-out, best.keras gives the smallest log10 of history.csv."""
    rows = read_csv(tiny_run / "history.csv")
    network = load_network(tiny_run / "best.keras", size_px=(64, 64))
    network.compile(loss=depth_loss(), weighted_metrics=[PerImageMetric("log10")])
    holdout = open_dataset("nyu_depth_v2", tiny_settings.data_dir, validation_fraction=0.3).split("holdout")
    batches = pipeline.scoring_batches(holdout, (64, 64), batch_size=2)
    found = network.evaluate(batches, verbose=0, return_dict=True)["log10"]
    assert found == pytest.approx(min(float(row["val_log10"]) for row in rows), rel=1e-5)


def test_the_flags_file_of_a_run_gives_its_settings(tiny_run, tiny_settings, run_program):
    """By the command that the documentation gives; `test_compare` has equal settings make equal weights."""
    found = []
    run_program(found.append, train.Settings, f"--flagfile={tiny_run / 'flags.txt'}", "--workdir=again")
    assert found == [dataclasses.replace(tiny_settings, tensorboard=True, panels=True, workdir="again")]


def test_four_images_are_learnt_by_heart(monkeypatch):
    """Made-up views of a wall: what is brighter is nearer, by a factor of 4 from one side to the other."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 1, (4, 4, 4, 1)).astype(np.float32)
    share = keras.ops.convert_to_numpy(keras.ops.image.resize(coarse, (64, 64), "bilinear"))
    images, depths_m = np.repeat(255 * (1 - share), 3, axis=-1), 1.5 * 4**share
    settings = train.Settings(
        image_height_px=64, image_width_px=64, width=8, schedule="constant", learning_rate=1e-2, validation_fraction=0
    )
    keras.utils.set_random_seed(0)
    monkeypatch.setattr(model, "STAGE_DEPTHS", (1, 0, 0, 0))  # a small network, and no metrics: to trace takes long
    monkeypatch.setattr(keras_metrics, "network_grid_metrics", list)
    network = stages.start_network(settings, np.full((64, 64), 3.0, np.float32))
    train.compile_network(network, settings, total_steps=75)
    before = np.mean(abs(network(images) - depths_m) / depths_m)
    again = [np.tile(part, (75, 1, 1, 1)) for part in (images, depths_m)]
    network.fit(*again, batch_size=4, sample_weight=np.ones(300), shuffle=False, verbose=0)
    assert before > 0.25
    assert np.mean(abs(network(images) - depths_m) / depths_m) < 0.035


@pytest.mark.slow
def test_a_network_beats_the_mean_map_of_the_rooms_it_learns_from(tiny_rooms):
    """By a quarter and more: it sees more in a room than where rooms are deep on average.

    Every day `test_four_images_are_learnt_by_heart` shows that the recipe learns.
    """
    size_px = (64, 96)
    split = open_dataset("synthetic_rooms", tiny_rooms, rooms="tiny", validation_fraction=0).split("train")
    mean_m = mean_depth_map(split, size_px)
    batches = pipeline.scoring_batches(split, size_px, batch_size=8).cache()
    settings = train.Settings(image_height_px=64, image_width_px=96, width=8, schedule="constant", learning_rate=5e-3)
    keras.utils.set_random_seed(0)
    network = stages.start_network(settings, mean_m)
    train.compile_network(network, settings, total_steps=120)
    network.fit(batches.repeat(), epochs=1, steps_per_epoch=120, shuffle=False, verbose=0)
    learnt, constant = PerImageMetric("log10"), PerImageMetric("log10")
    for image, depth_m, weight in batches:
        learnt.update_state(depth_m, network(image, training=False), weight)
        constant.update_state(depth_m, np.broadcast_to(mean_m[..., None], depth_m.shape), weight)
    assert float(learnt.result()) < 0.75 * float(constant.result())


@pytest.mark.usefixtures("no_panels", "few_metrics", "eagerly")
def test_rooms_beside_real_images_are_learnt_from_and_named(tiny_settings, tiny_nyu, tiny_rooms, tmp_path):
    (tmp_path / "data").mkdir()
    for folder in (tiny_nyu / "nyu_depth_v2", tiny_rooms / "synthetic_rooms"):
        (tmp_path / "data" / folder.name).symlink_to(folder)
    changes = {"data_dir": os.fspath(tmp_path / "data"), "with_rooms": True, "rooms": "tiny", "epochs": 1}
    settings = dataclasses.replace(tiny_settings, workdir=os.fspath(tmp_path / "run"), **changes)
    assert stages.plan(settings, 2) == (1, 2)
    train.train(settings)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert tables.training_set(metrics) == "NYU Depth V2, 2 images with 24 rooms beside"
    with pytest.raises(InputError, match="expected another --dataset"):
        train.train(dataclasses.replace(settings, dataset="synthetic_rooms", workdir=os.fspath(tmp_path / "other")))


def test_a_seed_chooses_first_weights_and_batches(tiny_settings, tmp_path):
    dataset, found = open_dataset("nyu_depth_v2", tiny_settings.data_dir), {}
    for seed in (0, 1):
        settings, strategy = dataclasses.replace(tiny_settings, seed=seed), tf.distribute.get_strategy()
        stages.prepare_process(settings, strategy)
        network = stages.start_network(settings, np.full((64, 64), 2.5, np.float32))
        with stages.batches(dataset, settings, tmp_path, strategy, steps=1) as (training, _):
            image = next(training.as_numpy_iterator())[0]
        found[seed] = image.tobytes(), network.get_weights()[-2].tobytes()
    assert all(one != other for one, other in zip(*found.values(), strict=True))


def test_init_from_starts_with_the_weights_of_the_network_it_names(tiny_run, tiny_settings):
    settings = dataclasses.replace(
        tiny_settings, network="small", width=32, init_from=os.fspath(tiny_run / "best.keras")
    )
    started = stages.start_network(settings, np.full((64, 64), 2.5, np.float32))
    assert all(np.array_equal(a, b) for a, b in zip(started.get_weights(), _weights(tiny_run), strict=True))


@pytest.mark.usefixtures("few_metrics")
@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [*((name, "cosine") for name in OPTIMIZERS), *(("sgd", name) for name in SCHEDULES if name != "cosine")],
)
def test_optimizers_and_schedules_can_be_swapped(tiny_settings, optimizer, schedule):
    settings = dataclasses.replace(tiny_settings, optimizer=optimizer, schedule=schedule)
    network = build_quick(64, 64)
    train.compile_network(network, settings, total_steps=100)
    network.run_eagerly = True
    network.fit(np.zeros((2, 64, 64, 3)), np.ones((2, 64, 64, 1)), verbose=0)
    rate = float(network.optimizer.learning_rate.numpy())
    peak = OPTIMIZERS[optimizer].learning_rate
    assert rate == pytest.approx(peak) if schedule not in OBJECTS else 0 < rate < 1.001 * peak


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("epochs", 0, "--epochs of 1 or more, got 0"),
        ("global_batch_size", 0, "--global_batch_size of 1 or more, got 0"),
        ("learning_rate", -1.0, "--learning_rate above 0, got -1"),
        ("weight_decay", -1.0, "--weight_decay of 0 or more, got -1"),
        ("image_width_px", 100, "divisible by 32, got 64 x 100 px"),
        ("validation_fraction", 1.0, "from 0 to below 1, got 1"),
        ("max_train_images", -5, "of 0 .all. or more, got -5"),
        ("max_depth_m", 0.2, "no pixel of 2 train images has a depth within 0.1 to 0.2 m"),
        ("init_from", "best.keras", "--init_from brings its own network: expected no --network"),
        ("data_dir", "nowhere", "no nyu_depth_v2 in nowhere"),
    ],
)
def test_bad_settings_are_refused_in_one_line_and_leave_no_folder(tiny_settings, tmp_path, flag, value, message):
    with pytest.raises(InputError, match=message) as caught:
        train.train(dataclasses.replace(tiny_settings, workdir=os.fspath(tmp_path / "run"), **{flag: value}))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("network", "flag", "value"), [("small", "encoder", "MobileNetV2"), ("encoder", "width", 16)])
def test_a_flag_without_effect_on_the_network_is_refused(network, flag, value):
    with pytest.raises(InputError, match=f"--network={network} does not look at it: expected no --{flag}$"):
        train.Settings(network=network, **{flag: value})


@pytest.mark.parametrize("change", [{"schedule": "plateau"}, {"early_stopping": True}])
def test_plateau_and_early_stopping_need_a_holdout(tiny_settings, change):
    with pytest.raises(InputError, match="needs a hold-out"):
        dataclasses.replace(tiny_settings, validation_fraction=0.0, **change)


def test_a_finished_run_is_not_overwritten(tiny_run, tiny_settings):
    before = (tiny_run / "metrics.json").read_text()
    with pytest.raises(InputError, match="holds a finished run"):
        train.train(dataclasses.replace(tiny_settings, workdir=os.fspath(tiny_run)))
    assert (tiny_run / "metrics.json").read_text() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 7}, "unfinished run with --seed=7, not 0"),
        ({"csv_logger": True}, "another version .* had --csv_logger"),
    ],
)
def test_an_unfinished_run_of_another_configuration_is_refused(tiny_settings, tmp_path, change, message):
    config = dataclasses.asdict(tiny_settings) | change
    del config["workdir"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=message):
        train.train(dataclasses.replace(tiny_settings, workdir=os.fspath(tmp_path)))


def test_a_folder_of_other_files_is_refused(tiny_settings, tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="holds other files"):
        train.train(dataclasses.replace(tiny_settings, workdir=os.fspath(tmp_path)))


def test_a_workdir_that_cannot_be_written_is_refused(tiny_settings, tmp_path):
    (tmp_path / "file").write_text("a file where a folder should be")
    with pytest.raises(InputError, match="cannot write to --workdir="):
        train.train(dataclasses.replace(tiny_settings, workdir=os.fspath(tmp_path / "file" / "run")))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--optimizer=lion", r"error: .*--optimizer=lion.*sgd.*\n"),
        ("--data_dir=nowhere", r"error: no nyu_depth_v2 in nowhere: write it with.*\n"),
    ],
)
def test_the_command_line_refuses_what_is_not_there_in_one_line(run_program, capsys, argument, message):
    with pytest.raises(SystemExit) as stopped:
        run_program(train.main, train.Settings, "--dataset=nyu_depth_v2", argument)
    assert stopped.value.code == 2
    assert re.fullmatch(message, capsys.readouterr().err)
