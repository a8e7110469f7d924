"""The guide's evaluator on answers that are known: no network is needed, only something that predicts."""

import json
import pathlib

import numpy as np
import pytest

from depth_tf.data.opening import open_dataset
from depth_tf.scoring.edges import THRESHOLDS_M
from depth_tf.scoring.metrics import METRICS
from sota_guide import evaluate, presets

pytestmark = pytest.mark.usefixtures("no_panels", "flat_floor")
RESULTS = pathlib.Path(__file__).resolve().parents[1] / "depth_tf" / "results"


class _Estimator:
    def count_params(self) -> int:
        return 7


class _KnownAnswers:
    """A model that answers a function of the truth, image after image."""

    name, size_px, estimator = "known", 480, _Estimator()

    def __init__(self, split, answer, prediction_kind):
        self.prediction_kind = prediction_kind
        self._answers = iter([answer(depth_m[..., 0]) for _, depth_m in split.read().as_numpy_iterator()])

    def predict(self, images):
        return np.stack([next(self._answers) for _ in images])

    def describe(self):
        return {"preset": self.name}


def _score(tiny_nyu, tmp_path, answer, prediction_kind, **options) -> dict:
    dataset = open_dataset("nyu_depth_v2", tiny_nyu)
    model = _KnownAnswers(dataset.split("validation"), answer, prediction_kind)
    output = tmp_path / "metrics.json"
    evaluate.score(model, dataset, split="validation", output=output, command="python -m x", **options)
    return json.loads(output.read_text())


@pytest.mark.parametrize(("scale", "shift"), [(250.0, 40.0), (0.01, -3.0)])
def test_any_affine_change_of_the_true_disparity_scores_perfectly(tiny_nyu, tmp_path, scale, shift):
    """Least squares undoes it exactly."""
    result = _score(tiny_nyu, tmp_path, lambda true_m: scale / true_m.astype(np.float64) + shift, "inverse_depth")
    assert (result["protocol"]["name"], result["delta1"]) == ("aligned", 1)
    assert result["abs_rel"] == pytest.approx(0, abs=1e-5)


def test_depth_taken_for_disparity_does_not_score_perfectly(tiny_nyu, tmp_path):
    """Near and far swapped: no positive scale undoes that."""
    result = _score(tiny_nyu, tmp_path, lambda true_m: true_m.astype(np.float64), "inverse_depth")
    assert result["delta1"] < 0.9


def test_metres_are_scored_as_they_are(tiny_nyu, tmp_path):
    """1.1 times the truth, below the clamp at 10 m, is 10 % off everywhere; aligned it would be perfect."""
    result = _score(tiny_nyu, tmp_path, lambda true_m: np.minimum(1.1 * true_m, 10), "depth_m")
    assert result["protocol"]["name"] == "eigen"
    assert 0.08 < result["abs_rel"] <= 0.1 + 1e-6


def test_the_result_has_the_keys_of_depth_tfs_evaluator_and_names_the_model(tiny_nyu, tmp_path):
    result = _score(tiny_nyu, tmp_path, lambda true_m: true_m.astype(np.float64), "depth_m")
    theirs = json.loads((RESULTS / "nyu_small.json").read_text())
    assert theirs.keys() - result.keys() <= {"trained_on"}
    assert result.keys() - theirs.keys() == {"model", "failures", *THRESHOLDS_M}
    assert set(METRICS) <= result["floor"].keys()
    assert (result["title"], result["parameters"]) == ("known, 480x480", 7)


def test_fewer_images_can_be_scored_than_there_are(tiny_nyu, tmp_path):
    assert _score(tiny_nyu, tmp_path, lambda true_m: true_m, "depth_m", max_images=1)["num_images"] == 1


def test_without_kerashub_one_line_says_how_to_install_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named '{name}'")

    monkeypatch.setattr(presets.importlib, "import_module", missing)
    with pytest.raises(presets.InputError, match="pip install -r sota_guide/requirements.txt") as caught:
        presets.load("depth_anything_v2_small")
    assert "\n" not in str(caught.value)
