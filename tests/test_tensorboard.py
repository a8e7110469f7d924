"""TensorBoard: what the event files hold, and (slow) what a browser shows of them."""

import base64
import contextlib
import dataclasses
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import requests
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from depth_tf import schedules, train
from tests.conftest import read_csv

CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")
QUIET = ("disable-background-networking", "disable-component-update", "disable-sync", "disable-quic", "no-first-run")
READ_PAGE = """
  function walk(node, found) {
    if (node.nodeType === Node.TEXT_NODE) found.words.push(...node.textContent.split('\\n').map(word => word.trim()));
    if (node.tagName === 'IMG' && node.naturalWidth > 500) found.pictures += 1;
    if (node.tagName === 'STYLE' || node.tagName === 'SCRIPT') return found;
    if (node.shadowRoot) walk(node.shadowRoot, found);
    for (const child of node.childNodes) walk(child, found);
    return found;
  }
  return walk(document.body, {words: [], pictures: 0});
"""


def _read(folder: pathlib.Path) -> EventAccumulator:
    events = EventAccumulator(os.fspath(folder), size_guidance={"tensors": 0})
    return events.Reload()


def _values(events: EventAccumulator, tag: str) -> dict[int, float]:
    """Returns the values of a scalar by step."""
    return {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)}


@pytest.mark.parametrize(
    ("part", "tag", "column"),
    [
        ("train", "epoch_loss", "loss"),
        ("train", "epoch_delta1", "delta1"),
        ("train", "epoch_images_per_s", "images_per_s"),
        ("validation", "epoch_loss", "val_loss"),
        ("validation", "epoch_abs_rel", "val_abs_rel"),
        ("validation", "epoch_log10", "val_log10"),
        ("validation", "epoch_delta1", "val_delta1"),
    ],
)
def test_an_epochs_scalars_are_those_of_history(tiny_run, part, tag, column):
    file = "speed.csv" if column == "images_per_s" else "history.csv"
    expected = [float(row[column]) for row in read_csv(tiny_run / file)]
    assert list(_values(_read(tiny_run / "tensorboard" / part), tag).values()) == pytest.approx(
        expected, rel=1e-6, abs=0.05 if file == "speed.csv" else 0
    )


def test_every_step_has_its_learning_rate(tiny_run):
    rate = schedules.cosine(2e-3, 3)  # one step an epoch: two images are trained on
    found = _values(_read(tiny_run / "tensorboard" / "train"), "learning_rate")
    assert found == pytest.approx({step: float(rate(step)) for step in range(3)})


def test_the_panels_are_the_pictures_in_the_run_folder(tiny_run):
    events = _read(tiny_run / "tensorboard" / "train").Tensors("predictions")
    assert [event.step for event in events] == [0, 1, 2]
    for number, event in enumerate(events, start=1):
        shown = tf.io.decode_png(tf.make_ndarray(event.tensor_proto)[2], channels=3).numpy()
        drawn = np.asarray(Image.open(tiny_run / "panels" / f"epoch{number:03d}.png").convert("RGB"))
        assert np.array_equal(shown, drawn)


def test_the_graph_of_the_forward_pass_is_there_with_the_networks_layers(tiny_run):
    events = _read(tiny_run / "tensorboard" / "train")
    assert events.SummaryMetadata("network").plugin_data.plugin_name == "graph_run_metadata_graph"
    recorded = tf.make_ndarray(events.Tensors("network")[0].tensor_proto).item()
    assert b"only_conv" in recorded
    assert b"only_norm" in recorded


def test_the_hyper_parameters_are_the_settings_with_no_value_unset(tiny_run):
    events = _read(tiny_run / "tensorboard")
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    found = dict(plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams)
    values = {
        name: value.WhichOneof("kind") and getattr(value, value.WhichOneof("kind")) for name, value in found.items()
    }
    assert values["optimizer"] == "adamw"
    assert values["schedule"] == "cosine"
    assert values["learning_rate"] == pytest.approx(2e-3)
    assert values["weight_decay"] > 0
    assert (values["epochs"], values["seed"], values["ema"]) == (3, 0, False)


def test_the_flags_are_there_as_text(tiny_run):
    event = _read(tiny_run / "tensorboard").Tensors("flags")[0]
    shown = [line.strip() for line in tf.make_ndarray(event.tensor_proto).item().decode().splitlines()]
    assert set((tiny_run / "flags.txt").read_text().split()) <= set(shown)


@contextlib.contextmanager
def _server(*command: str, url: str):
    """Runs a program until the block ends; yields once it answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            with contextlib.suppress(requests.ConnectionError):
                requests.get(url, timeout=10)
                break
            time.sleep(0.5)
        yield
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def _browser():
    """Yields a function that sends a command to a headless Chromium, by the WebDriver protocol."""
    url = f"http://localhost:{_free_port()}"
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1500,1100", *map("--{}".format, QUIET)]
    with _server(CHROMEDRIVER, f"--port={url.rsplit(':', 1)[1]}", url=f"{url}/status"):
        options = {"binary": CHROMIUM, "args": arguments}
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        session = requests.post(f"{url}/session", json=wanted, timeout=60).json()["value"]["sessionId"]

        def send(command: str, **values):
            call = requests.post if values else requests.get
            return call(f"{url}/session/{session}/{command}", json=values or None, timeout=60).json()["value"]

        try:
            yield send
        finally:
            requests.delete(f"{url}/session/{session}", timeout=60)


def _read_until(send, words: set[str], pictures: int) -> tuple[set[str], int]:
    """Returns the page's words and large pictures, shadow trees included, at the latest after half a minute."""
    for _ in range(60):
        page = send("execute/sync", script=READ_PAGE, args=[])
        if words <= set(page["words"]) and page["pictures"] >= pictures:
            break
        time.sleep(0.5)
    return set(page["words"]), page["pictures"]


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason="needs Debian's chromium and chromium-driver")
def test_a_browser_shows_scalars_pictures_graph_and_hyper_parameters(tiny_run, tiny_settings, tmp_path):
    """Two runs; the screenshots stay in the test's folder (pytest --basetemp=DIR), to be looked at."""
    shutil.copytree(tiny_run, tmp_path / "runs" / "first")
    train.train(
        dataclasses.replace(
            tiny_settings, optimizer="sgd", schedule="step", tensorboard=True, workdir=str(tmp_path / "runs" / "second")
        )
    )
    port = _free_port()
    board = [sys.executable, "-m", "tensorboard.main", f"--logdir={tmp_path / 'runs'}", f"--port={port}"]
    tabs = {
        "timeseries": ({"epoch_delta1", "epoch_images_per_s", "learning_rate", "predictions"}, 0),
        "images": ({"predictions", "first/tensorboard/train"}, 1),
        "graphs": ({"first/tensorboard/train", "depth_network_1"}, 0),
        "hparams": ({"optimizer", "schedule", "adamw", "sgd", "cosine", "step", "hold-out delta1"}, 0),
        "text": ({"--optimizer=sgd"}, 0),
    }
    with _server(*board, url=f"http://localhost:{port}"), _browser() as send:
        for tab, (words, pictures) in tabs.items():
            send("url", url="about:blank")
            send("url", url=f"http://localhost:{port}/#{tab}")
            found, shown = _read_until(send, words, pictures)
            (tmp_path / f"{tab}.png").write_bytes(base64.b64decode(send("screenshot")))
            assert words <= found, tab
            assert shown >= pictures, tab
