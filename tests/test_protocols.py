"""The protocols: which pixels move a figure, which do not, and how images are averaged."""

import json

import numpy as np
import pytest
import tensorflow as tf

from depth_tf.data import resizing
from depth_tf.runtime.errors import InputError
from depth_tf.scoring import protocols
from depth_tf.scoring.metrics import METRICS, depth_metrics
from depth_tf.scoring.protocols import PROTOCOLS, Scorer

RNG = np.random.default_rng(11)
FRAME = protocols.FRAME_SHAPE


def scene_m(shape=FRAME):
    return RNG.uniform(0.7, 9.5, shape).astype(np.float32)


def score(name, true_m, pred, kind="depth_m"):
    found = Scorer(PROTOCOLS[name], kind).add(true_m=true_m, pred=pred)
    return found and {metric: found[metric] for metric in METRICS}


@pytest.mark.parametrize("name", ["eigen", "pooled", "median", "aligned"])
def test_no_pixel_outside_the_eigen_crop_matters(name):
    true_m, pred_m = scene_m(), scene_m()
    outside = np.ones(FRAME, bool)
    outside[45:471, 41:601] = False
    assert score(name, np.where(outside, 9.9, true_m), np.where(outside, 0.01, pred_m)) == score(name, true_m, pred_m)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [((45, 41), (44, 41)), ((470, 600), (471, 600)), ((45, 600), (45, 601)), ((470, 41), (470, 40))],
)
def test_each_corner_pixel_of_the_crop_matters_and_its_neighbour_outside_does_not(inside, outside):
    true_m = scene_m()
    for pixel, matters in ((inside, True), (outside, False)):
        pred_m = true_m.copy()
        pred_m[pixel] *= 2.0
        assert (score("eigen", true_m, pred_m)["abs_rel"] > 0.0) == matters


def test_truth_on_the_bounds_of_the_range_is_not_scored():
    """1e-3 < true < 10 is strict: of five pixels two count, both right."""
    true_m, pred_m = np.zeros(FRAME), np.full(FRAME, 5.0)
    true_m[100, 100:105] = [1e-3, 10.0, np.nextafter(10.0, 0.0), 5.0, 11.0]
    pred_m[100, 102] = 10.0
    scorer = Scorer(PROTOCOLS["pooled"])
    scorer.add(true_m=true_m, pred=pred_m)
    assert scorer.result()["abs_rel"] == pytest.approx(0.0, abs=1e-12)
    assert scorer.result()["delta1"] == 1.0


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("missing", [0.0, np.nan, np.inf])
def test_a_missing_pixel_counts_as_little_as_if_it_were_not_there(name, missing):
    """Where half the frame is missing, what is predicted there does not matter."""
    true_m, pred_m = scene_m(), scene_m()
    # Bilinear neighbours mix in fastdepth's resize, so the change keeps away from the border between the halves.
    true_m[:, 320:] = missing
    changed = pred_m.copy()
    changed[:, 330:] = 0.5
    assert score(name, true_m, changed) == score(name, true_m, pred_m)


def test_eigen_clamps_the_prediction_to_ten_metres():
    true_m = np.full(FRAME, 8.0)
    assert score("eigen", true_m, np.full(FRAME, 50.0))["rmse_m"] == pytest.approx(2.0)
    assert score("fastdepth", true_m, np.full(FRAME, 50.0))["rmse_m"] == pytest.approx(42.0)


def test_eigen_equals_the_metrics_of_the_masked_crop():
    true_m, pred_m = scene_m(), scene_m()
    true_m[RNG.random(FRAME) < 0.3] = 0.0
    valid = true_m[45:471, 41:601] > 0
    expected = depth_metrics(true_m=true_m[45:471, 41:601][valid], pred_m=pred_m[45:471, 41:601][valid])
    assert score("eigen", true_m, pred_m) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(192, 256), (224, 224), (480, 640), (1, 1), (600, 900)])
def test_resizing_equals_tensorflow(shape):
    values = scene_m(shape)
    for method, resize in (("bilinear", resizing.resize_bilinear), ("nearest", resizing.resize_nearest)):
        expected = tf.image.resize(values[..., np.newaxis], FRAME, method=method)[..., 0].numpy()
        # TensorFlow places its weights in float32, which is off by 1e-5 of a pixel at column 600.
        np.testing.assert_allclose(resize(values, FRAME), expected, atol=2e-4, rtol=0)


def test_a_coarse_prediction_scores_as_its_bilinear_enlargement():
    true_m, pred_m = scene_m(), scene_m((192, 256))
    enlarged = tf.image.resize(pred_m[..., np.newaxis], FRAME)[..., 0].numpy()
    assert score("eigen", true_m, pred_m) == pytest.approx(score("eigen", true_m, enlarged), rel=1e-5)


def test_truth_of_another_size_is_enlarged_by_nearest_and_the_description_says_so():
    true_m, pred_m = scene_m((240, 320)), scene_m()
    scorer = Scorer(PROTOCOLS["eigen"])
    assert "truth" not in scorer.describe()["resize"]
    found = scorer.add(true_m=true_m, pred=pred_m)
    assert {name: found[name] for name in METRICS} == score(
        "eigen", np.repeat(np.repeat(true_m, 2, axis=0), 2, axis=1), pred_m
    )
    assert "truth by nearest to 480x640" in scorer.describe()["resize"]


def test_fastdepth_scores_the_square_that_tensorflow_cuts():
    """The same steps by `tf.image`: 250x333, the centre 228x304, 224x224."""

    def square(values, method):
        values = tf.image.resize(values[..., np.newaxis], (250, 333), method=method)
        values = tf.image.crop_to_bounding_box(values, 11, 14, 228, 304)
        return tf.image.resize(values, (224, 224), method=method).numpy().ravel()

    true_m, pred_m = scene_m(), scene_m((224, 224))
    framed_m = tf.image.resize(pred_m[..., np.newaxis], FRAME)[..., 0].numpy()
    expected = depth_metrics(true_m=square(true_m, "nearest"), pred_m=square(framed_m, "bilinear"))
    assert score("fastdepth", true_m, pred_m) == pytest.approx(expected, rel=1e-5)


def test_fastdepth_has_no_cap():
    assert score("fastdepth", np.full(FRAME, 12.0), np.full(FRAME, 6.0))["abs_rel"] == pytest.approx(0.5)
    assert score("eigen", np.full(FRAME, 12.0), np.full(FRAME, 6.0)) is None


def test_full_scores_each_truth_at_its_own_size_within_the_range_of_the_data():
    rules = protocols.choose(None, dataset="folder", range_m=(0.5, 80.0))
    assert (rules.name, protocols.choose(None, dataset="nyu_depth_v2", range_m=(0.5, 80.0)).name) == ("full", "eigen")
    true_m = np.geomspace(0.2, 100.0, 96 * 128).reshape(96, 128).astype(np.float32)
    perfect = Scorer(rules).add(true_m=true_m, pred=true_m)
    assert (perfect["abs_rel"], perfect["rmse_m"], perfect["delta1"]) == (0, 0, 1)
    valid_m = true_m[(true_m >= 0.5) & (true_m <= 80.0)]
    expected = depth_metrics(true_m=valid_m, pred_m=np.minimum(1.5 * valid_m, 80.0))
    found = Scorer(rules).add(true_m=true_m, pred=1.5 * true_m)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("name", "kind"), [("full", "depth_m"), ("aligned", "inverse_depth")])
def test_predictions_of_the_other_kind_are_noticed(name, kind):
    true_m = scene_m()
    for inverse in (False, True):
        scorer = Scorer(PROTOCOLS[name], kind)
        scorer.add(true_m=true_m, pred=1 / true_m if inverse else true_m)
        assert scorer.runs_against() == (inverse != (kind == "inverse_depth"))


def test_the_mean_of_images_and_the_pool_of_pixels_differ_as_worked_by_hand():
    """1 m off on 1 pixel of one image, 3 m on 3 of another: eigen says 2, pooled sqrt(28 / 4)."""
    found = {}
    for name in ("eigen", "pooled"):
        scorer = Scorer(PROTOCOLS[name])
        for size, pred_m in ((1, 2.0), (3, 4.0)):
            true_m = np.zeros(FRAME)
            true_m[200, 300 : 300 + size] = 1.0
            scorer.add(true_m=true_m, pred=np.full(FRAME, pred_m))
        found[name] = scorer.result()["rmse_m"]
    assert found == pytest.approx({"eigen": 2.0, "pooled": np.sqrt(7.0)})


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_image_is_counted_and_one_without_valid_pixels_has_no_metrics(name):
    scorer = Scorer(PROTOCOLS[name])
    first = scorer.add(true_m=scene_m(), pred=scene_m())
    assert scorer.add(true_m=np.zeros(FRAME), pred=scene_m()) is None
    found = scorer.result()
    assert (found["num_images"], found["num_images_without_valid_pixels"]) == (2, 1)
    assert {key: found[key] for key in first} == pytest.approx(first)
    assert set(METRICS) <= set(first)


def test_an_affine_image_of_true_inverse_depth_is_perfect_once_aligned():
    true_m = scene_m()
    for scale, shift in ((3.0, 0.7), (0.02, -5.0), (-2.0, 1.0)):
        found = score("aligned", true_m, scale / true_m.astype(np.float64) + shift, "inverse_depth")
        assert found["delta1"] == 1.0
        assert found["abs_rel"] == pytest.approx(0.0, abs=1e-6)


def test_scaled_metres_are_perfect_once_aligned_and_not_before():
    true_m = scene_m()
    assert score("aligned", true_m, 0.3 * true_m)["abs_rel"] == pytest.approx(0.0, abs=1e-5)
    assert score("eigen", true_m, 0.3 * true_m)["delta1"] == 0.0


def test_scaled_metres_are_perfect_at_the_median_and_a_shift_is_not():
    """Scale alone is taken from the truth: half a metre off at 1 m and none at the median stays 50 % there."""
    true_m = scene_m()
    assert score("median", true_m, 0.3 * true_m)["abs_rel"] == pytest.approx(0.0, abs=1e-6)
    true_m = np.full(FRAME, 2.0)
    true_m[:, :100] = 1.0
    found = score("median", true_m, 3.0 * (true_m + 0.5 * (true_m == 1.0)))
    assert found["abs_rel"] == pytest.approx(0.5 * np.mean(true_m[protocols.EIGEN_CROP] == 1.0))


def test_the_alignment_is_the_least_squares_fit_of_numpy():
    true_m, inverse = scene_m(), RNG.normal(size=FRAME)
    wanted, given = 1.0 / true_m[45:471, 41:601].ravel(), inverse[45:471, 41:601].ravel()
    scale, shift = np.polyfit(given, wanted, 1)
    pred_m = np.clip(1.0 / np.maximum(scale * given + shift, 1e-3), 1e-3, 10.0)
    expected = depth_metrics(true_m=true_m[45:471, 41:601].ravel(), pred_m=pred_m)
    assert score("aligned", true_m, inverse, "inverse_depth") == pytest.approx(expected, rel=1e-4)


def test_an_aligned_inverse_depth_below_zero_is_the_farthest_and_not_the_nearest():
    """One pixel fits to less than 0 per metre: it becomes 10 m, off by ln 2 from its 5 m."""
    true_m = scene_m()
    true_m[200, 300] = 5.0
    inverse = 1.0 / true_m.astype(np.float64)
    inverse[200, 300] = -0.2
    log_error = score("aligned", true_m, inverse, "inverse_depth")["rmse_log"] * np.sqrt(426 * 560)
    assert log_error == pytest.approx(np.log(2.0), rel=0.05)


def test_a_flat_relative_map_is_aligned_to_the_mean_inverse_depth():
    true_m = np.full(FRAME, 2.0)
    true_m[:, ::2] = 4.0
    found = score("aligned", true_m, np.zeros(FRAME), "inverse_depth")
    assert found["abs_rel"] == pytest.approx((abs(8 / 3 - 2) / 2 + abs(8 / 3 - 4) / 4) / 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_a_prediction_that_is_no_depth_is_refused_with_its_position(bad):
    scorer = Scorer(PROTOCOLS["eigen"])
    scorer.add(true_m=scene_m(), pred=scene_m())
    pred_m = scene_m((192, 256))
    pred_m[0, 0] = bad
    with pytest.raises(InputError, match=r"prediction 1 \(counted from 0\) must be finite and above 0 m"):
        scorer.add(true_m=scene_m(), pred=pred_m)


def test_a_relative_map_may_be_negative_but_not_infinite():
    scorer = Scorer(PROTOCOLS["aligned"], "inverse_depth")
    assert scorer.add(true_m=scene_m(), pred=-scene_m()) is not None
    with pytest.raises(InputError, match="must be finite everywhere"):
        scorer.add(true_m=scene_m(), pred=np.full(FRAME, -np.inf))


def test_inverse_depth_is_refused_where_metres_are_scored():
    with pytest.raises(InputError, match="eigen needs metres, got inverse depth: use aligned"):
        Scorer(PROTOCOLS["eigen"], "inverse_depth")
    with pytest.raises(InputError, match="prediction_kind must be one of"):
        Scorer(PROTOCOLS["aligned"], "disparity")


def test_maps_with_channels_and_empty_results_are_refused():
    scorer = Scorer(PROTOCOLS["eigen"])
    with pytest.raises(InputError, match=r"pred must be one map.*\[4, 4, 1\]"):
        scorer.add(true_m=scene_m(), pred=np.ones((4, 4, 1)))
    scorer.add(true_m=np.zeros(FRAME), pred=scene_m())
    with pytest.raises(InputError, match="no valid pixel in 1 images"):
        scorer.result()


def test_descriptions_are_json_with_the_same_keys_and_their_own_names():
    for name, protocol in PROTOCOLS.items():
        described = json.loads(json.dumps(protocols.Scorer(protocol).describe(), allow_nan=False))
        assert list(described) == ["name", "crop", "range_m", "resize", "averaging", "flip"]
        assert described["name"] == name
