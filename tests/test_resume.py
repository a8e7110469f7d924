"""Runs that are killed: started again they end as if nothing had happened, bit for bit."""

import dataclasses
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from depth_tf import train
from depth_tf.runtime import program, run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.saved import load_network
from depth_tf.scoring import score_run
from depth_tf.training import logs, resume
from tests.conftest import read_csv

KINDS = [  # every callback that remembers, with a quick network; then both forms of schedule, with the real one
    {"schedule": "plateau", "early_stopping": True, "ema": True, "optimizer": "sgd", "learning_rate": 1e-3},
    pytest.param({"network": "small", "schedule": "cosine"}, marks=pytest.mark.slow),
    pytest.param({"network": "small", "schedule": "step", "optimizer": "rmsprop"}, marks=pytest.mark.slow),
]


class Killed(Exception):
    """Stands for SIGKILL where a test cannot spare a process."""


def _weights_hash(workdir: pathlib.Path) -> str:
    network = load_network(workdir / "best.keras", size_px=(64, 64))
    return hashlib.sha256(b"".join(weight.tobytes() for weight in network.get_weights())).hexdigest()


def _result(workdir: pathlib.Path) -> tuple[str, str]:
    return _weights_hash(workdir), (workdir / "history.csv").read_bytes().decode()


def _scalars(board: pathlib.Path) -> dict[tuple[str, str, int], float]:
    """Returns what TensorBoard shows, by tag and step, but for the speed; of points at one step, the last."""
    found = {}
    for part in ("train", "validation"):
        events = EventAccumulator(str(board / part), size_guidance={"tensors": 0}).Reload()
        for tag in set(events.Tags()["tensors"]) - {"epoch_images_per_s"}:
            for event in events.Tensors(tag):
                if np.isscalar(value := tf.make_ndarray(event.tensor_proto)[()]) and not isinstance(value, bytes):
                    found[part, tag, event.step] = float(value)
    return found


@pytest.mark.usefixtures("few_metrics")
@pytest.mark.parametrize("changes", KINDS, ids=lambda changes: "-".join(map(str, changes.values())))
def test_a_run_cut_off_inside_an_epoch_ends_as_if_it_had_not_been(tiny_settings, tmp_path, monkeypatch, capfd, changes):
    """Stopped in its fourth epoch: what lies on the disk then is copied, and the run goes on in the copy."""
    whole, cut, left = tmp_path / "whole", tmp_path / "cut", []
    settings = dataclasses.replace(tiny_settings, epochs=6, steps_per_epoch=3, tensorboard=True, **changes)
    monkeypatch.setattr(score_run, "score_run", lambda *_, **__: {})  # is the next test's

    def stop(self, epoch, logs=None):
        if epoch == 3:
            signal.raise_signal(signal.SIGTERM)
            shutil.copytree(whole, cut)

    with monkeypatch.context() as patch:
        patch.setattr(os, "_exit", left.append)  # so that the whole run goes on
        patch.setattr(resume.KeepState, "on_epoch_begin", stop)
        train.train(dataclasses.replace(settings, workdir=str(whole)))
    assert left == [75]
    assert f"stopped: by SIGTERM; epoch 3 is saved; the same command with --workdir={whole} " in capfd.readouterr().err
    stalls = len(read_csv(whole / "history.csv")) < 6
    assert stalls == settings.early_stopping  # or its callbacks had nothing to remember
    assert len(read_csv(cut / "history.csv")) == 3
    train.train(dataclasses.replace(settings, workdir=str(cut)))
    assert _result(cut) == _result(whole)
    assert not (cut / "state").exists()
    assert _scalars(cut / "tensorboard") == _scalars(whole / "tensorboard")


@pytest.mark.usefixtures("no_panels", "few_metrics", "eagerly")
def test_a_run_killed_after_its_last_epoch_is_scored_without_training_again(tiny_settings, tmp_path, monkeypatch):
    """A run without a hold-out, which learns from all images."""
    settings = dataclasses.replace(tiny_settings, validation_fraction=0.0, workdir=str(tmp_path / "run"))

    def kill(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(score_run, "score_run", kill)
        with pytest.raises(Killed):
            train.train(settings)
    before = _result(tmp_path / "run")
    result = train.train(settings)
    assert (result["num_images"], result["num_train_images"]) == (2, 5)
    assert _result(tmp_path / "run") == before
    columns = read_csv(tmp_path / "run" / "history.csv")[0].keys()
    assert {"epoch", "loss", "log10", "learning_rate"} < columns
    assert not [name for name in columns if name.startswith("val_")]


def test_a_torn_state_is_recognised_and_the_one_before_is_used(tmp_path, capsys):
    for epochs in (1, 2):
        resume.write(tmp_path / "state", resume.State(epochs, False, {"network/0": np.full(1000, epochs)}, {}))
    newest = tmp_path / "state" / "epoch00002.npz"
    whole = newest.read_bytes()
    assert resume.newest(tmp_path).epochs_done == 2
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for torn in (whole[: len(whole) // 2], whole[:-1], b"", bytes(flipped)):
        newest.write_bytes(torn)
        assert resume.newest(tmp_path).epochs_done == 1
        assert "epoch00002.npz is torn" in capsys.readouterr().out


def test_no_state_means_a_fresh_start(tmp_path):
    assert resume.newest(tmp_path) is None


def test_a_state_comes_back_as_it_was_written(tmp_path):
    arrays = {
        "network/0": np.float32([[1.5, -2]]),
        "optimizer/0": np.int64(7),
        "EarlyStopping/best_weights/0": np.ones(2),
    }
    memory = {"EarlyStopping/best": 0.1 + 0.2, "ReduceLROnPlateau/wait": 3, "ModelCheckpoint/best": None}
    resume.write(tmp_path, resume.State(12, True, arrays, memory))
    found = resume.read(tmp_path / "epoch00012.npz")
    assert (found.epochs_done, found.stopped, found.memory) == (12, True, memory)
    assert found.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)


def test_the_state_of_another_network_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match="holds another network than the flags ask for"):
        resume.restore(resume.State(1, False, {"network/0": np.zeros((2, 4))}, {}), model, [])


def test_rows_of_epochs_that_will_be_done_again_and_half_a_row_are_cut(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss\n0,0.5\n1,0.4\n2,0.")
    logs.keep_first_rows(path, 1)
    assert path.read_text() == "epoch,loss\n0,0.5\n"


def test_a_run_that_another_process_is_at_is_refused(tmp_path):
    with run_folder.locked(tmp_path):
        code = f"import pathlib, depth_tf.runtime.run_folder as r\nwith r.locked(pathlib.Path({str(tmp_path)!r})): pass"
        root = pathlib.Path(__file__).resolve().parents[1]
        other = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert "another process is at this run" in other.stderr
    with run_folder.locked(tmp_path):
        pass


def test_another_data_set_of_the_same_name_is_refused(tiny_settings, tiny_nyu, tmp_path):
    settings = dataclasses.replace(tiny_settings, workdir=str(tmp_path / "run"))
    run_folder.claim(tmp_path / "run", settings, {"num_images": {"train": 9}})
    with pytest.raises(InputError, match="holds a run on .*9.* name another folder"):
        train.train(settings)


def _command(settings, workdir: pathlib.Path) -> list[str]:
    flags = program.flagfile_text(dataclasses.replace(settings, workdir=str(workdir))).split()
    return [sys.executable, "-m", "tests.quick_train", *flags]


def _start(settings, workdir: pathlib.Path) -> subprocess.Popen:
    root = pathlib.Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": os.fspath(root), "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.Popen(
        _command(settings, workdir), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow  # every day the cut-off run above is told SIGTERM
def test_a_signal_ends_a_run_within_seconds_with_one_line_that_says_how_it_goes_on(tiny_settings, tmp_path):
    workdir = tmp_path / "run"
    process = _start(dataclasses.replace(tiny_settings, epochs=100_000), workdir)
    _wait(process, lambda: _epochs_done(workdir))
    asked_s = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert time.perf_counter() - asked_s < 10
    assert process.returncode == 75, errors
    assert errors.splitlines()[-1].startswith("stopped: by SIGTERM; epoch")
    assert f"the same command with --workdir={workdir} continues" in errors
    assert "Traceback" not in errors


def test_ctrl_c_ends_a_run_with_the_same_line_and_its_own_status(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(os, "_exit", sys.exit)
    resume.write(tmp_path / "state", resume.State(4, False, {}, {}))
    with pytest.raises(SystemExit) as left, resume.explaining_signals(tmp_path):
        signal.raise_signal(signal.SIGINT)
    assert left.value.code == 130
    said = f"stopped: by Ctrl-C; epoch 4 is saved; the same command with --workdir={tmp_path} continues from there"
    assert capsys.readouterr().err == said + "\n"


@pytest.mark.torture
def test_a_run_killed_many_times_equals_one_that_was_not(tiny_settings, tmp_path, request):
    """Kills a real run again and again: in turn inside an epoch, anywhere, and while a state is being written.

    After every kill the newest whole state must be, bit for bit, the one the uninterrupted run had at that epoch.
    """
    kills = request.config.getoption("--kills")
    random = np.random.default_rng(0)
    settings = dataclasses.replace(
        tiny_settings, network="small", epochs=3 * kills, steps_per_epoch=8, schedule="plateau", optimizer="adamw"
    )
    expected = _states_of_a_whole_run(settings, tmp_path / "whole")
    workdir, identical, mid_write = tmp_path / "killed", 0, 0
    for kill in range(kills):
        process = _start(settings, workdir)
        done = _epochs_done(workdir)
        _wait(process, lambda done=done: _epochs_done(workdir) > done)  # so that the run gets on
        if kill % 3 == 2:
            _wait(process, lambda: list((workdir / "state").glob(".partial-*")), pause_s=0.0)
        else:
            time.sleep(random.uniform(0, 0.3))
        assert process.poll() is None, "the run ended before it was killed: give it more epochs"
        process.send_signal(signal.SIGTERM if kill % 4 == 3 else signal.SIGKILL)
        process.communicate(timeout=60)
        mid_write += bool(list((workdir / "state").glob(".partial-*")))
        state = resume.newest(workdir)
        assert _state_hash(state) == expected[state.epochs_done]
        identical += 1
    process = _start(settings, workdir)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    print(f"{identical} of {kills} identical; {mid_write} killed while a state was being written")
    assert _result(workdir) == _result(tmp_path / "whole")


def _states_of_a_whole_run(settings, workdir: pathlib.Path) -> dict[int, str]:
    """Returns the hash of every epoch's state, caught while an uninterrupted run writes them."""
    found: dict[int, str] = {}
    process = _start(settings, workdir)
    while process.poll() is None:
        for path in (workdir / "state").glob("epoch*.npz"):
            epoch = int(path.stem.removeprefix("epoch"))
            if epoch not in found:
                try:
                    found[epoch] = _state_hash(resume.read(path))
                except resume.TORN:
                    continue  # removed between the listing and the reading
        time.sleep(0.01)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return found


def _state_hash(state: resume.State) -> str:
    digest = hashlib.sha256(repr(sorted(state.memory.items())).encode())
    for name in sorted(state.arrays):
        digest.update(name.encode() + state.arrays[name].tobytes())
    return digest.hexdigest()


def _epochs_done(workdir: pathlib.Path) -> int:
    return max((int(path.stem.removeprefix("epoch")) for path in (workdir / "state").glob("epoch*.npz")), default=0)


def _wait(process: subprocess.Popen, happened, pause_s: float = 0.02) -> None:
    while not happened():
        assert process.poll() is None, process.stderr.read()
        time.sleep(pause_s)
