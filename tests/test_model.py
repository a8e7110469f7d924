"""The network: positive bounded metres of the input's size, small, and loadable without this package."""

import re
import zipfile

import keras
import numpy as np
import pytest

from depth_tf.model import build_small
from depth_tf.runtime.errors import InputError
from depth_tf.saved import load_network


@pytest.fixture(name="images")
def _images() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (2, 64, 96, 3)).astype(np.float32)


def test_the_default_network_has_at_most_half_a_million_parameters():
    assert build_small(192, 256).count_params() <= 500_000


@pytest.mark.parametrize("normalization", ["batch", "group"])
def test_an_untrained_network_answers_the_initial_depth_everywhere(images, normalization):
    network = build_small(64, 96, width=8, initial_depth_m=2.2, normalization=normalization)
    depth_m = network(images).numpy()
    assert depth_m.shape == (2, 64, 96, 1)
    np.testing.assert_allclose(depth_m, 2.2, rtol=1e-4)


@pytest.mark.parametrize(("logit", "bound_m"), [(-1e6, 0.5), (1e6, 8.0)])
def test_the_output_stays_within_its_bounds_however_extreme_the_logit(images, logit, bound_m):
    network = build_small(64, 96, width=8, min_depth_m=0.5, max_depth_m=8.0)
    network.get_layer("depth_logit").bias.assign([logit])
    np.testing.assert_allclose(network(images).numpy(), bound_m, rtol=1e-5)


@pytest.mark.parametrize("size", [(100, 96), (64, 0), (64, -32)])
def test_a_size_not_divisible_by_32_is_refused_in_one_line(size):
    with pytest.raises(InputError, match="divisible by 32"):
        build_small(*size)


def test_depth_bounds_that_leave_no_room_are_refused():
    with pytest.raises(InputError, match="check the unit"):
        build_small(64, 96, initial_depth_m=2500.0)


def test_a_saved_network_is_made_of_what_keras_itself_holds(tmp_path):
    build_small(64, 64, width=8).save(tmp_path / "best.keras")
    with zipfile.ZipFile(tmp_path / "best.keras") as archive:
        modules = re.findall(r'"module": "(.*?)"', archive.read("config.json").decode())
    assert {module.split(".")[0] for module in modules} == {"keras"}


def test_a_file_that_is_no_network_is_refused_in_one_line(tmp_path):
    (tmp_path / "best.keras").write_text("not a network")
    with pytest.raises(InputError, match="not a saved Keras model"):
        load_network(tmp_path / "best.keras", size_px=(64, 96))
    with pytest.raises(InputError, match="no network at"):
        load_network(tmp_path / "missing.keras", size_px=(64, 96))


def test_the_same_weights_serve_another_size(tmp_path):
    network = build_small(64, 96, width=8)
    network.save(tmp_path / "small.keras")
    larger = load_network(tmp_path / "small.keras", size_px=(96, 128))
    assert larger.output_shape == (None, 96, 128, 1)
    for old, new in zip(network.get_weights(), larger.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_network_of_another_kind_is_refused(tmp_path):
    keras.Sequential([keras.Input((64, 96, 3)), keras.layers.Flatten()]).save(tmp_path / "flat.keras")
    with pytest.raises(InputError, match="expected .None, H, W, 3. to"):
        load_network(tmp_path / "flat.keras", size_px=(64, 96))
