"""Exported files predict what Keras does, say what they are, and are not kept if they differ."""

import importlib.util
import json
import pathlib
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

import depth_tf
from depth_tf import export, model, saved
from depth_tf.runtime.errors import InputError

README = pathlib.Path(export.__file__).parent / "weights" / "README.md"
FILES = {"saved_model": "depth", "litert": "depth.tflite", "litert_int8": "int8.tflite", "onnx": "depth.onnx"}
SIZE_PX = (120, 160)
ROUNDED_M = 0.01  # what it changes that `predict` rounds the resized photograph to whole numbers
SLOW = {"litert_int8": pytest.mark.slow}
FORMS = [pytest.param(form, marks=SLOW.get(form, ())) for form in export.FORMATS]


def _require(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module}, of the extra `export`")


@pytest.fixture(name="network_file", scope="module")
def _network_file(tmp_path_factory):
    """An untrained network of every kind of layer, in two stages, whose depth differs from pixel to pixel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "STAGE_WIDTHS", (1, 2))
        patch.setattr(model, "STAGE_DEPTHS", (1, 1))
        network = model.build_small(64, 96, width=8)
    kernel = network.get_layer("depth_logit").kernel
    kernel.assign(np.random.default_rng(0).normal(0, 0.1, kernel.shape))
    path = tmp_path_factory.mktemp("network") / "best.keras"
    network.save(path)
    return str(path)


@pytest.fixture(name="predictor", scope="module")
def _predictor(network_file):
    return depth_tf.load(network_file)


@pytest.fixture(name="exported", scope="module")
def _exported(network_file, tiny_rooms, tmp_path_factory):
    """Returns the path of a format's file, which is written when first asked for."""
    folder, flags = tmp_path_factory.mktemp("exported files é"), {"network_file": network_file, "num_images": 2}

    def exported(form: str) -> pathlib.Path:
        if form == "onnx":
            _require(*export.FORMATS["onnx"].modules)
        path = folder / FILES[form]
        if not path.exists():
            export.main(_settings(form, path, tiny_rooms, **flags))
        return path

    return exported


def _settings(form, output, tiny_rooms, **flags):
    height, width = SIZE_PX
    size = {"image_height_px": height, "image_width_px": width}
    return export.Settings(format=form, output=str(output), data_dir=str(tiny_rooms), **size, **flags)


def _photo(size_px=SIZE_PX):
    with Image.open(pathlib.Path(export.__file__).parent / "sample.jpg") as sample:
        return np.asarray(sample.resize(size_px[::-1]))


@pytest.mark.parametrize("form", FORMS)
def test_a_file_predicts_what_keras_predicts_and_its_report_says_so(exported, form):
    path = exported(form)
    report = json.loads(path.with_name(f"{path.name}.json").read_text())
    assert report["input"]["shape"] == [1, *SIZE_PX, 3]
    assert (report["output"]["name"], report["output"]["unit"]) == ("depth_m", "metre")
    compared = report["compared"]
    assert (compared["images"], compared["split"], compared["dataset"]) == (2, "holdout", "synthetic_rooms")
    assert compared["largest_difference_m"] < (0.5 if form == "litert_int8" else 1e-4)
    assert abs(compared["delta1_change"]) < 0.02
    assert report["megabytes"] == export.megabytes(path) > 0
    assert not list(path.parent.glob(".partial*"))


def _metadata(path: pathlib.Path) -> dict:
    """Returns what a file says of itself, read without this package."""
    if path.is_dir():
        return json.loads((path / "assets.extra" / "metadata.json").read_text())
    if path.suffix == ".tflite":
        return json.loads(zipfile.ZipFile(path).read("metadata.json"))
    import onnx

    return {entry.key: json.loads(entry.value) for entry in onnx.load(path).metadata_props}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_says_what_goes_in_and_what_comes_out(exported, form):
    about, report = _metadata(exported(form)), json.loads((exported(form).parent / f"{FILES[form]}.json").read_text())
    assert about["output"]["unit"] == "metre"
    assert about == {name: report[name] for name in about}
    assert about.keys() >= {"network", "input", "output", "trained_on"}


@pytest.mark.slow
def test_int8_is_smaller_and_ends_in_float(exported, predictor):
    """Of 256 values alone, the depths would be a few hundred different ones."""
    small, large = exported("litert_int8"), exported("litert")
    assert small.stat().st_size < 0.6 * large.stat().st_size
    depth_m = export.FORMATS["litert_int8"].open(small)(_photo())
    assert len(np.unique(depth_m)) > 10_000
    np.testing.assert_allclose(depth_m, predictor.predict(_photo()), atol=0.2)


@pytest.mark.parametrize("form", ["onnx", "litert", "saved_model"])
def test_the_readmes_example_runs_without_this_package(exported, predictor, tmp_path, monkeypatch, form):
    """As it stands, in a folder with the files it names, and predicts what Keras does."""
    _require(*{"onnx": ["onnxruntime"], "litert": ["ai_edge_litert"], "saved_model": []}[form])
    (code,) = re.findall(rf"<!-- {form} -->\n```python\n(.+?)```", README.read_text(), re.DOTALL)
    assert "depth_tf" not in code
    assert len(code.splitlines()) <= 10
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILES[form]).symlink_to(exported(form))
    Image.fromarray(_photo((240, 320))).save("room.jpg", quality=95)
    names: dict = {}
    exec(code, names)
    depth_m, expected_m = np.asarray(names["depth_m"]), predictor.predict(np.asarray(names["photo"]))
    assert (depth_m.shape, depth_m.dtype) == ((1, *SIZE_PX), np.float32)
    assert expected_m.std() > 0.05
    np.testing.assert_allclose(depth_m[0], expected_m, atol=ROUNDED_M)


@pytest.mark.parametrize("size_px", [(64, 96), (350, 500), (301, 333)])
def test_a_photograph_of_any_size_is_resized_as_predict_does(quick_file, size_px):
    """Not at all; averaged, over more than three times three pixels; and by both, at an aspect of its own."""
    network, photo = saved.load_network(quick_file), _photo(size_px)
    depth_m = export.build(network, size_px)(photo[None])["depth_m"][0]
    np.testing.assert_allclose(depth_m, depth_tf.predictor.Predictor(network).predict(photo), atol=ROUNDED_M)


@pytest.mark.parametrize(("form", "wrong"), [("saved_model", lambda m: m + 0.002), ("litert_int8", lambda m: m * 1.34)])
def test_a_file_that_differs_too_much_is_not_kept(tiny_rooms, quick_file, tmp_path, monkeypatch, form, wrong):
    """Opened, it predicts 2 mm too far; as int8, a third too far."""
    written = []

    def write(network, path, *_):
        path.write_text("of another network")
        written.append(network)

    def predict(image):
        return wrong(written[0](image[None])["depth_m"][0].numpy())

    monkeypatch.setitem(export.FORMATS, form, export.Format(write, lambda path: predict))
    settings = _settings(form, tmp_path / "out" / "depth", tiny_rooms, network_file=quick_file, num_images=2)
    with pytest.raises(InputError, match=f"--format={form}: differs from Keras by up to .* m and .*nothing is kept"):
        export.main(settings)
    assert not list((tmp_path / "out").iterdir())


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else name)
    with pytest.raises(InputError, match=r"onnx needs onnxruntime: pip install 'depth-tf\[export\]'"):
        export.main(export.Settings(format="onnx", output="depth.onnx"))


@pytest.mark.parametrize(("form", "place"), [("litert", "folder"), ("saved_model", "folder"), ("litert", "file/depth")])
def test_an_output_that_cannot_be_written_is_refused_first(tmp_path, form, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=f"--output=.*{place}: expected the name of a new"):
        export.main(export.Settings(format=form, output=str(tmp_path / place)))
    assert (tmp_path / "file").read_text() == "mine"
