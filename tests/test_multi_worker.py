"""Several machines: two real processes on loopback equal one, and survive the loss of each other."""

import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.saved import load_network
from depth_tf.training import distribute, resume
from tests.conftest import read_csv

ROOT = pathlib.Path(__file__).resolve().parents[1]
TWO = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": %s}}'


@pytest.fixture(name="settings")
def _settings(tiny_settings, tmp_path):
    """Settings of a run that several workers can share: the hold-out's three images leave a batch to be padded."""
    return dataclasses.replace(
        tiny_settings,
        network="small",
        gradient_weight=0.5,
        epochs=6,
        normalization="group",
        schedule="plateau",
        workdir=str(tmp_path / "many"),
    )


def _start(settings, worker: int | None, ports: tuple[int, int] = (0, 0)) -> subprocess.Popen:
    """Starts the run, or one worker of it: exactly what a user would type on that machine."""
    environment = {**os.environ, "PYTHONPATH": os.fspath(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    if worker is not None:
        settings = dataclasses.replace(settings, strategy="multi_worker")
        cluster = {"worker": [f"localhost:{port}" for port in ports]}
        environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": worker}})
    command = [sys.executable, "-m", "depth_tf.train", *program.flagfile_text(settings).split()]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _start_two(settings) -> list[subprocess.Popen]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("localhost", 0))
        other.bind(("localhost", 0))
        ports = one.getsockname()[1], other.getsockname()[1]
    return [_start(settings, worker, ports) for worker in (0, 1)]


def _finish(*processes: subprocess.Popen) -> None:
    for process in processes:
        _, errors = process.communicate(timeout=400)
        assert process.returncode == 0, errors


def _assert_same_run(one: pathlib.Path, other: pathlib.Path) -> None:
    rows, others = read_csv(one / "history.csv"), read_csv(other / "history.csv")
    assert len(rows) == 6
    for row, other_row in zip(rows, others, strict=True):
        for name, value in row.items():
            near = 2e-4 if "delta" in name else 1e-5  # a pixel on a delta's edge counts or not by the last digit
            assert float(value) == pytest.approx(float(other_row[name]), rel=1e-5, abs=near), name
    weights = [load_network(folder / "best.keras", size_px=(64, 64)).get_weights() for folder in (one, other)]
    for mine, its in zip(*weights, strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1], ids=["the chief is lost", "the other is lost"])
def test_two_workers_equal_one_process_although_one_was_killed_on_the_way(settings, tmp_path, lost):
    """Killed after some epochs: the other leaves within 60 s with one line; both, started again, end as one would."""
    alone = dataclasses.replace(settings, workdir=str(tmp_path / "one"))
    _finish(_start(alone, None))
    workers = _start_two(settings)
    while resume.newest(tmp_path / "many") is None:
        assert all(worker.poll() is None for worker in workers), [worker.stderr.read() for worker in workers]
        time.sleep(0.05)
    workers[lost].send_signal(signal.SIGKILL)
    workers[lost].communicate()
    _, errors = workers[1 - lost].communicate(timeout=60)
    assert workers[1 - lost].returncode == 75
    assert errors.splitlines()[-1].startswith("stopped: another worker is lost")
    assert "Traceback" not in errors
    assert not (tmp_path / "many" / "metrics.json").exists()
    _finish(*_start_two(settings))
    _assert_same_run(tmp_path / "many", tmp_path / "one")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "auto"}, "--dataset=auto may choose differently"),
        ({"workdir": None}, "needs --workdir, a folder that all machines share"),
        ({"normalization": "batch"}, "needs --normalization=group"),
        ({"deterministic": False}, "expected --deterministic"),
    ],
)
def test_what_several_machines_cannot_do_is_refused_before_anything_starts(settings, changes, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(settings, strategy="multi_worker", **changes)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"cluster": {}}', TWO % 2, TWO % '"x"', '{"cluster": {"worker": ["a:1"]}, "task": {"index": 0}}'],
)
def test_a_tf_config_that_is_none_is_refused_with_an_example(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="TF_CONFIG is not as expected: expected .*host0:2222"):
        distribute.build_strategy("multi_worker")


def test_no_cluster_is_refused_with_an_example(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    with pytest.raises(InputError, match="needs TF_CONFIG in the environment, such as .*; neither is there"):
        distribute.build_strategy("multi_worker")


def test_slurms_variables_name_the_cluster(monkeypatch):
    """Three tasks on two hosts, as srun describes them to the last one."""
    for name, value in {
        "SLURM_PROCID": "2",
        "SLURM_STEP_NUM_TASKS": "3",
        "SLURM_STEP_NODELIST": "node[1-2]",
        "SLURM_STEP_TASKS_PER_NODE": "2,1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    resolver = distribute._cluster()
    assert resolver.cluster_spec().as_dict() == {"worker": ["node1:8888", "node1:8889", "node2:8888"]}
    assert (resolver.task_type, resolver.task_id) == ("worker", 2)
