"""The benchmark measures what it says it does."""

import dataclasses
import json
import multiprocessing.dummy
import warnings

import pytest

from depth_tf import benchmark, export, model, saved
from depth_tf.data.opening import open_dataset
from depth_tf.runtime.errors import InputError
from tests.quick_train import build_quick


@pytest.fixture(name="split")
def _split(tiny_nyu, monkeypatch):
    """Five images; the benchmark's sizes made tiny."""
    monkeypatch.setattr(benchmark, "SIZE_PX", (32, 32))
    monkeypatch.setattr(benchmark, "BATCH_SIZE", 2)
    return open_dataset("nyu_depth_v2", tiny_nyu, validation_fraction=0.0).split("train")


def test_a_ratio_is_of_speeds_and_the_best_round_counts(tiny_nyu, tmp_path, monkeypatch):
    """Four images; plain decoding takes 4 s, then 2 s: at best 2 images/s. Epochs take 8, 4 and 1 s, fits 1 and 2 s."""
    plain_s, fits_s = iter([4.0, 2.0]), iter([1.0, 2.0, 3.0, 4.0])
    monkeypatch.setattr(benchmark, "_seconds", lambda elements: next(plain_s))
    monkeypatch.setattr(benchmark, "_epochs_s", lambda split, in_order=True: (8.0 if in_order else 4.0, 1.0))
    monkeypatch.setattr(
        benchmark, "_fits", lambda split: dict.fromkeys(("fit on the cached pipeline", "fit on tensors"))
    )
    monkeypatch.setattr(benchmark, "_last_epoch_s", lambda fit: next(fits_s))
    output = tmp_path / "benchmark.json"
    benchmark.main(benchmark.Settings(data_dir=str(tiny_nyu), num_images=4, rounds=2, output=str(output)))
    assert json.loads(output.read_text())["ratios"] == {
        "first epoch / plain TFDS decoding": 0.25,
        "cached epoch / plain TFDS decoding": 2.0,
        "fit on the cached pipeline / fit on tensors": 2.0,
        "first epoch in any order / first epoch": 2.0,
    }


def test_plain_decoding_reads_as_many_images_as_an_epoch(tiny_nyu, split):
    assert sum(1 for _ in benchmark._plain(tiny_nyu / "nyu_depth_v2" / benchmark.NYU_VERSION, 4)) == 4


def test_the_first_epoch_decodes_every_image_and_the_cached_ones_none(split):
    read = []

    def counted():
        pairs = list(split.read().as_numpy_iterator())
        element = split.read().element_spec
        return benchmark.tf.data.Dataset.from_generator(
            lambda: (read.append(1) or pair for pair in pairs), output_signature=element
        )

    benchmark._epochs_s(dataclasses.replace(split, read=counted))
    assert len(read) == split.num_images


def test_fit_is_timed_in_its_second_epoch(monkeypatch):
    """A clock that counts its own readings ticks once between the second epoch's begin and end."""
    monkeypatch.setattr(benchmark.time, "perf_counter", iter([0.0, 100.0, 100.0, 101.0]).__next__)

    def fit(*, epochs, verbose, callbacks):
        (clock,) = callbacks
        for epoch in range(epochs):
            clock.on_epoch_begin(epoch, {})
            clock.on_epoch_end(epoch, {})

    assert benchmark._last_epoch_s(fit) == 1.0


def test_both_fits_can_be_run(split, monkeypatch, eagerly):
    """With a quick network, to save seconds."""
    monkeypatch.setattr(model, "build_small", build_quick)
    for fit in benchmark._fits(split).values():
        assert "loss" in fit(epochs=1, verbose=0).history


@pytest.mark.parametrize("kind", ["thread", pytest.param("process", marks=pytest.mark.slow)])
def test_each_length_is_read_whole_in_a_process_of_its_own(tiny_nyu, tmp_path, monkeypatch, capsys, kind):
    """One length of a few images: their number is exact, time and memory are of this machine."""
    if kind == "thread":
        monkeypatch.setattr(benchmark.multiprocessing, "get_context", {"spawn": multiprocessing.dummy}.get)
    monkeypatch.setattr(benchmark, "MULTIPLES", (3,))
    output = tmp_path / "scale.json"
    benchmark.main(benchmark.Settings("scale", data_dir=str(tiny_nyu), images=5, output=str(output)))
    (row,) = json.loads(output.read_text())["rows"]
    assert (row["multiple"], row["images"]) == (3, 15)
    assert row["seconds"] > 0
    assert 0.1 < row["peak_memory_gib"] < 8
    assert "15 images" in capsys.readouterr().out


def test_the_pipeline_is_measured_on_nyu_alone():
    with pytest.raises(InputError, match="pipeline measures --dataset=nyu_depth_v2 alone, got synthetic_rooms"):
        benchmark.Settings(dataset="synthetic_rooms")


def test_networks_predict_in_turn_with_a_reference(tmp_path, monkeypatch, capsys):
    """A convolution of 3x3 over three channels, 12 filters, on 8x8 pixels: 324 weights, 324 x 64 multiplications."""
    pytest.importorskip("tf2onnx", reason="needs the extra `export`")
    pytest.importorskip("onnxruntime", reason="needs the extra `export`")
    image = benchmark.keras.Input((8, 8, 3), batch_size=1)
    network = benchmark.keras.Model(image, benchmark.keras.layers.Conv2D(12, 3, padding="same", use_bias=False)(image))
    reference, output = tmp_path / "reference.onnx", tmp_path / "prediction.json"
    network(benchmark.np.zeros((1, 8, 8, 3)))  # Keras exports only what was called before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras's exporter asks NumPy for np.object
        network.export(reference, format="onnx", verbose=False)
    monkeypatch.setattr(saved, "BUNDLED", ("small",))
    monkeypatch.setattr(saved, "load_network", lambda name: build_quick(64, 64))
    megabyte = export.Format(lambda model, path, *_: path.write_bytes(bytes(10**6)), lambda path: len)
    monkeypatch.setattr(export, "FORMATS", {"megabyte": megabyte, "onnx": export.FORMATS["onnx"]})
    settings = {"rounds": 1, "reference": str(reference), "output": str(output)}
    benchmark.main(benchmark.Settings("prediction", **settings))
    rows = json.loads(output.read_text())["rows"]
    assert list(rows) == ["small, keras", "small, megabyte", "small, onnx", "reference"]
    assert (rows["reference"]["parameters"], rows["reference"]["macs"]) == (324, 324 * 64)
    assert all(row["ms"] > 0 and row["megabytes"] > 0 for row in rows.values())
    assert rows["small, megabyte"]["megabytes"] == 1
    assert {rows[f"small, {form}"]["parameters"] for form in ("keras", "onnx")} == {27 * 8 + 9 * 8}
    assert capsys.readouterr().out.count("x the reference") == 4


def test_a_reference_that_is_missing_is_refused(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the extra `export`")
    with pytest.raises(InputError, match="--reference=.*none.onnx: expected an ONNX file, found none"):
        benchmark.main(benchmark.Settings("prediction", reference=str(tmp_path / "none.onnx")))
