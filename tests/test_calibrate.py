"""A known scale is found, from points of a photograph or a folder with depth, and a network file can hold it."""

import re
import zipfile

import keras
import numpy as np
import pytest

from depth_tf import calibrate, saved
from depth_tf.predictor import Predictor, fit_known, fit_scale
from depth_tf.runtime.errors import InputError
from tests import photographs

RNG = np.random.default_rng(0)
SHAPE = (64, 96)


@pytest.fixture(name="predict", scope="module")
def _predict(quick_file):
    return Predictor(saved.load_network(quick_file)).predict


def _folder(path, predict, exponent, **factors):
    """Writes photographs of scenes in which the true depth is the scene's factor * predicted ** exponent."""
    for scene, factor in factors.items():
        for number in range(4):
            image = photographs.picture(*SHAPE)
            units = np.round(1000 * factor * predict(image) ** exponent).astype(np.uint16)
            photographs.write_pair(path / "train" / scene / f"{number}", image, units)
    return path


def _calibrate(network_file, folder, output, **flags):
    given = {"dataset": "folder", "data_dir": str(folder), "validation_fraction": 0.3, "output": str(output), **flags}
    calibrate.main(calibrate.Settings(network_file=str(network_file), **given))


@pytest.mark.parametrize(("count", "exponent"), [(1, 1.0), (2, 1.0), (3, 1.3), (50, 0.7)])
def test_points_on_a_known_line_give_its_factor_and_from_three_on_its_exponent(count, exponent):
    pred_m = RNG.uniform(1, 5, count)
    scale = fit_scale(true_m=1.7 * pred_m**exponent, pred_m=pred_m)
    assert (scale.factor, scale.exponent) == pytest.approx((1.7, exponent))
    np.testing.assert_allclose(scale.apply(pred_m), 1.7 * pred_m**exponent)


def test_the_fit_is_numpys_least_squares_of_log_depth():
    true_m, pred_m, weights = RNG.uniform(1, 5, (3, 20))
    pred_m += 2 * true_m
    slope, shift = np.polyfit(np.log(pred_m), np.log(true_m), 1, w=np.sqrt(weights))
    scale = fit_scale(true_m=true_m, pred_m=pred_m, weights=weights)
    assert (scale.exponent, np.log(scale.factor)) == pytest.approx((slope, shift))


@pytest.mark.parametrize(("true_m", "pred_m"), [([2, 3, 4], [1, 1, 1]), ([4, 3, 2], [1, 2, 3])])
def test_points_at_one_depth_or_against_all_sense_give_a_factor_alone(true_m, pred_m):
    scale = fit_scale(true_m=np.array(true_m), pred_m=np.array(pred_m))
    assert scale.exponent == 1.0
    assert scale.factor == pytest.approx(np.exp(np.mean(np.log(true_m)) - np.mean(np.log(pred_m))))


def test_known_points_are_columns_and_rows_of_the_photograph():
    depth_m = np.full((4, 6), 2.0, np.float32)
    depth_m[1, 5] = 1.0
    assert fit_known(depth_m, [(5.9, 1.2, 3.0)]).factor == pytest.approx(3.0)
    for x, y in [(6, 1), (-1, 1), (1, 4), (1, -0.1)]:
        with pytest.raises(InputError, match="lies outside the photograph of 6x4 px"):
            fit_known(depth_m, [(1, 1, 2.0), (x, y, 3.0)])


def test_a_folders_scale_is_found_and_kept_in_a_file_that_keras_alone_can_read(quick_file, predict, tmp_path, capsys):
    folder, output = _folder(tmp_path / "photos", predict, 1.2, one=1.4, other=1.4), tmp_path / "mine.keras"
    _calibrate(quick_file, folder, output)
    before, after = map(float, re.findall(r"([\d.]+) before, ([\d.]+) after", capsys.readouterr().out)[0])
    assert after < 0.01 < before
    image = photographs.picture(*SHAPE)
    depth_m = keras.saving.load_model(output, compile=False)(image[None].astype(np.float32))
    np.testing.assert_allclose(depth_m[0, ..., 0], 1.4 * predict(image) ** 1.2, rtol=2e-3)
    with zipfile.ZipFile(output) as archive:
        modules = re.findall(r'"module": "(.*?)"', archive.read("config.json").decode())
    assert {module.split(".")[0] for module in modules} == {"keras"}


def test_what_does_not_help_on_images_left_out_is_not_written(quick_file, predict, tmp_path, capsys):
    """One scene, which is left out, is farther than predicted, the other nearer."""
    folder = _folder(tmp_path / "photos", predict, 1.0, one=1.4, other=0.7)
    with pytest.raises(SystemExit) as ended:
        _calibrate(quick_file, folder, tmp_path / "mine.keras")
    assert ended.value.code == 1
    assert "does not help" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.keras"))


def test_what_cannot_be_calibrated_is_refused_in_one_line(quick_file, predict, tmp_path):
    with pytest.raises(InputError, match="expected --output"):
        calibrate.Settings()
    with pytest.raises(InputError, match="a file NAME.keras, got mine"):
        calibrate.Settings(output="mine")
    folder = _folder(tmp_path / "photos", predict, 1.0, one=1.4)
    with pytest.raises(InputError, match="above 0"):
        _calibrate(quick_file, folder, tmp_path / "mine.keras", validation_fraction=0.0)
    with pytest.raises(InputError, match="no image of train has a depth within"):
        _calibrate(quick_file, folder, tmp_path / "mine.keras", min_depth_m=90.0, max_depth_m=99.0)
    image = keras.Input((64, 96, 3))
    keras.Model(image, keras.layers.Conv2D(1, 1, name="last")(image)).save(tmp_path / "other.keras")
    with pytest.raises(InputError, match="expected a network that ends in Rescaling and exponential, got .* and last"):
        _calibrate(tmp_path / "other.keras", folder, tmp_path / "mine.keras")
    assert not (tmp_path / "mine.keras").exists()
