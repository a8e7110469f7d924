"""KerasHub's own classes with small random weights: loaded, run, scored and timed as the published ones are."""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from depth_tf.runtime.errors import InputError
from tests.conftest import read_csv

keras_hub = pytest.importorskip("keras_hub", reason="needs pip install -r sota_guide/requirements.txt")

from sota_guide import evaluate, presets, run, speed  # noqa: E402

SIZE_PX = 84  # the smallest that the decoder takes


@pytest.fixture(scope="module", name="tiny_preset")
def _tiny_preset(tmp_path_factory) -> pathlib.Path:
    """The folder of a relative network, saved as KerasHub saves presets."""
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    speed.build_estimator("tiny", size_px=SIZE_PX).save_to_preset(str(folder))
    return folder


def _image(seed: int = 0, height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_small_architecture_has_the_parameters_that_kerashub_states_for_its_preset():
    stated = keras_hub.models.DepthAnythingBackbone.presets["depth_anything_v2_small"]["metadata"]["params"]
    assert speed.build_estimator("small").count_params() == stated


def test_a_saved_preset_answers_as_the_network_it_was_saved_from(tiny_preset, tmp_path):
    estimator = speed.build_estimator("tiny", size_px=SIZE_PX)
    estimator.save_to_preset(str(tmp_path / "x"))
    before = presets.DepthModel(estimator, "x").predict([_image()])
    after = presets.load(str(tmp_path / "x")).predict([_image()])
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)
    assert before.shape == (1, SIZE_PX, SIZE_PX)


def test_an_answer_does_not_depend_on_the_other_images_of_the_batch(tiny_preset):
    model = presets.load(str(tiny_preset))
    images = [_image(1), _image(2, 96, 72)]
    together = model.predict(images)
    for image, depth in zip(images, together, strict=True):
        np.testing.assert_allclose(model.predict([image])[0], depth, rtol=1e-4, atol=1e-5)


def test_the_ends_of_a_wide_photograph_reach_the_network_though_kerashubs_converter_would_crop_them(tiny_preset):
    """A black photograph with white ends: cropped to its middle, it is black."""
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, :20] = wide[:, -20:] = 255
    converter = presets.load(str(tiny_preset)).estimator.preprocessor.image_converter
    black = float(np.max(converter(np.zeros((1, 40, 40, 3), np.float32))))
    assert float(np.max(converter(wide[np.newaxis].astype(np.float32)))) == pytest.approx(black)
    square = presets._square(wide, SIZE_PX)
    assert float(np.max(converter(square[np.newaxis]))) > black + 1


def test_a_network_loaded_at_another_size_and_back_answers_as_before(tiny_preset):
    model = presets.load(str(tiny_preset))
    there = presets.at_size(model.estimator, 112)
    back = presets.DepthModel(presets.at_size(there, SIZE_PX), "back")
    assert presets.DepthModel(there, "there").predict([_image()]).shape == (1, 112, 112)
    np.testing.assert_allclose(back.predict([_image()]), model.predict([_image()]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("depth_anything_v9", "no preset of that name: expected one of depth_anything_v2_small"),
        ("missing/folder", "no folder missing/folder"),
        ("EMPTY", "is not a KerasHub preset: it has no config.json"),
        ("SPOILT", "holds no depth network that keras-hub"),
    ],
)
def test_a_preset_that_is_none_is_refused_in_one_line(tmp_path, preset, message):
    if preset.isupper():
        folder = tmp_path / preset
        folder.mkdir()
        if preset == "SPOILT":
            (folder / "config.json").write_text("{}")
        preset = str(folder)
    with pytest.raises(InputError, match=message) as caught:
        presets.load(preset)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [ConnectionError("no route"), OSError("no route"), ValueError("no route")])
def test_weights_that_cannot_be_downloaded_say_where_to_get_them(monkeypatch, error):
    """KerasHub off-line raises requests' ConnectionError, an OSError, for Kaggle, and a ValueError for hf://."""

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(keras_hub.models.DepthEstimator, "from_preset", fail)
    for preset in ("depth_anything_v2_small", "hf://keras/depth_anything_v2_small"):
        with pytest.raises(InputError, match=r"cannot be had \(no route\).*kaggle.com.*--preset=FOLDER") as caught:
            presets.load(preset)
        assert "\n" not in str(caught.value)


def test_a_preset_from_a_hub_without_task_json_is_taken_for_a_relative_network(tiny_preset, tmp_path):
    """As the published presets were saved: config, image converter and weights alone."""
    for name in ("config.json", "image_converter.json", "model.weights.h5", "metadata.json"):
        shutil.copy(tiny_preset / name, tmp_path / name)
    model = presets.load(str(tmp_path))
    assert model.prediction_kind == "inverse_depth"
    assert presets._from_network(keras_hub, str(tmp_path)).depth_estimation_type == "relative"
    np.testing.assert_allclose(model.predict([_image()]), presets.load(str(tiny_preset)).predict([_image()]), rtol=1e-5)


def test_a_size_the_network_cannot_take_is_refused_with_the_nearest(tiny_preset):
    with pytest.raises(InputError, match="divisible by 14, got 250; nearest: 252"):
        presets.load(str(tiny_preset), size_px=250)


def test_a_photograph_becomes_values_of_its_own_size_and_a_picture(tiny_preset, tmp_path, capsys):
    Image.fromarray(_image(3, 60, 50)).save(tmp_path / "me.png")
    run.main(run.Settings(preset=str(tiny_preset), input=str(tmp_path / "me.png"), output_dir=str(tmp_path / "out")))
    depth = np.load(tmp_path / "out" / "me_predicted.npy")
    picture = tf.io.decode_png((tmp_path / "out" / "me_predicted.png").read_bytes())
    assert (depth.shape, depth.dtype, picture.shape) == ((60, 50), np.float32, (60, 50, 3))
    assert "no unit, large is near" in capsys.readouterr().out


def test_a_photograph_that_is_missing_is_refused(tiny_preset, tmp_path):
    with pytest.raises(InputError, match="none.jpg"):
        run.main(run.Settings(preset=str(tiny_preset), input=str(tmp_path / "none.jpg")))
    with pytest.raises(InputError, match="expected --input .a photograph"):
        run.main(run.Settings(preset=str(tiny_preset)))


def test_a_relative_network_is_scored_aligned_on_as_many_images_as_asked(tiny_preset, tiny_nyu, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["evaluate", "--data_dir=/home/me/data"])
    output = tmp_path / "metrics.json"
    evaluate.main(
        evaluate.Settings(
            preset=str(tiny_preset), dataset="nyu_depth_v2", data_dir=str(tiny_nyu), max_images=1, output=str(output)
        )
    )
    result = json.loads(output.read_text())
    assert (result["protocol"]["name"], result["num_images"], result["model"]["output"]) == (
        "aligned",
        1,
        "relative inverse depth",
    )
    assert len(read_csv(tmp_path / "per_image.csv")) == 1
    assert (tmp_path / "panels.png").exists()
    assert result["command"] == "python -m sota_guide.evaluate --data_dir=DATA_DIR"


def test_a_relative_network_cannot_be_scored_in_metres(tiny_preset, tiny_nyu, tmp_path):
    settings = evaluate.Settings(
        preset=str(tiny_preset), data_dir=str(tiny_nyu), protocol="eigen", output=str(tmp_path / "metrics.json")
    )
    with pytest.raises(InputError, match="protocol eigen needs metres"):
        evaluate.main(settings)
    assert not (tmp_path / "metrics.json").exists()


def test_speed_is_written_with_what_it_was_measured_on(tmp_path):
    output = tmp_path / "speed.json"
    speed.main(speed.Settings(architecture="tiny", size_px=SIZE_PX, repeats=2, note="a test", output=str(output)))
    result = json.loads(output.read_text())
    assert 0 < result["least_s"] <= result["median_s"]
    assert (result["model"]["size_px"], result["note"]) == (SIZE_PX, "a test")
    assert result["machine"]
    assert result["date"]
