"""One range of depths, that of the flags: truth beyond 10 m counts for every part where the user says so."""

import json
import types

import numpy as np
import pytest
from PIL import Image

from depth_tf.data.opening import open_chosen
from depth_tf.data.settings import DataSettings
from depth_tf.scoring.mean_depth import mean_depth_map
from sklearn_baseline import dataset
from sklearn_baseline.estimator import DepthRegressor
from sklearn_baseline.holistic import HolisticDepth
from sota_guide import evaluate, finetune

MEAN_M = {10.0: np.sqrt(5.0 * 8.0), 40.0: (5.0 * 8.0 * 20.0 * 35.0) ** 0.25}  # of the walls within each --max_depth_m


@pytest.fixture(scope="module", name="walls")
def _walls(tmp_path_factory):
    """A folder of flat walls 5, 8, 20 and 35 m away, the farther the brighter; one of 5 m to report on."""
    root = tmp_path_factory.mktemp("walls")
    rng = np.random.default_rng(0)
    for part, depths_m in (("train", (5, 8, 20, 35)), ("validation", (5,))):
        for depth_m in depths_m:
            folder = root / part / f"wall{depth_m}"
            folder.mkdir(parents=True)
            pixels = (6 * depth_m + rng.integers(0, 20, (96, 128, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "a.png")
            np.save(folder / "a_depth.npy", np.full((96, 128), depth_m, np.float32))
    return root


def _opened(walls, max_depth_m, settings_class=DataSettings):
    return open_chosen(
        settings_class(dataset="folder", data_dir=str(walls), validation_fraction=0.0, max_depth_m=max_depth_m)
    )


@pytest.mark.parametrize("max_depth_m", [10.0, 40.0])
def test_the_mean_map_is_that_of_the_walls_within_the_range(walls, max_depth_m):
    np.testing.assert_allclose(mean_depth_map(_opened(walls, max_depth_m).split("train")), MEAN_M[max_depth_m], 1e-5)


@pytest.mark.parametrize("max_depth_m", [10.0, 40.0])
def test_scikit_learn_learns_from_the_walls_within_the_range(walls, max_depth_m, few_patches):
    """It predicts depth beyond 10 m only where it has seen any."""
    split = _opened(walls, max_depth_m, dataset.DataSettings).split("train")
    images, depths_m, _ = dataset.read_pairs(split)
    assert depths_m.max() == {10.0: 8.0, 40.0: 35.0}[max_depth_m]
    head = HolisticDepth(num_components=4, num_maps=2)
    model = DepthRegressor(head, num_views=1, num_words=8).fit(images, depths_m)
    assert (model.predict(images).max() > 10) == (max_depth_m > 10)


@pytest.mark.parametrize("max_depth_m", [10.0, 40.0])
def test_the_guide_scores_against_the_mean_map_of_the_range(walls, max_depth_m, tmp_path, no_panels):
    """A wall 5 m away; a network that predicts 6 m. The mean map errs by what the walls in range make of it."""
    model = types.SimpleNamespace(
        name="six",
        size_px=84,
        prediction_kind="depth_m",
        estimator=types.SimpleNamespace(count_params=lambda: 0),
        predict=lambda images: np.full((len(images), 84, 84), 6.0, np.float32),
        describe=lambda: {"preset": "six"},
    )
    opened = _opened(walls, max_depth_m, evaluate.Settings)
    output = tmp_path / "metrics.json"
    evaluate.score(model, opened, split="validation", output=output, command="python -m x")
    result = json.loads(output.read_text())
    assert result["abs_rel"] == pytest.approx(0.2)
    assert result["floor"]["abs_rel"] == pytest.approx(MEAN_M[max_depth_m] / 5 - 1, rel=1e-4)


@pytest.mark.parametrize("max_depth_m", [10.0, 40.0])
def test_tuning_starts_from_the_mean_of_the_range(walls, max_depth_m):
    opened = _opened(walls, max_depth_m, finetune.Settings)
    assert finetune.initial_depth_m(opened, finetune.batch_size_px(84)) == pytest.approx(MEAN_M[max_depth_m], rel=1e-4)
