"""The estimator: scikit-learn's conventions, missing depth, bad input, model files."""

import json
import pickle
import re
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

from depth_tf.runtime.errors import InputError
from sklearn_baseline import persistence
from sklearn_baseline.cells import CellDepth
from sklearn_baseline.estimator import DepthRegressor
from sklearn_baseline.holistic import HolisticDepth
from sklearn_baseline.stacking import StackedDepth

pytestmark = pytest.mark.usefixtures("few_patches")


def _small(**changes) -> DepthRegressor:
    """The chosen model, small enough for a second."""
    head = StackedDepth(
        HolisticDepth(num_components=20, num_maps=4), CellDepth(num_members=2, num_cells=2000, num_components=20)
    )
    return DepthRegressor(**{"head": head, "num_views": 1, "num_words": 8, **changes})


@pytest.fixture(scope="module", name="pairs")
def _pairs():
    """Images whose brightness is their depth: 1 m black to 5 m white, one flat wall each, with a few gaps."""
    rng = np.random.default_rng(0)
    level = rng.random(6).astype(np.float32)
    texture = rng.integers(0, 30, (6, 30, 40, 3))
    images = (level[:, np.newaxis, np.newaxis, np.newaxis] * 220 + texture).astype(np.uint8)
    depths_m = np.broadcast_to((1 + 4 * level)[:, np.newaxis, np.newaxis], (6, 24, 32)).copy()
    depths_m[:, :3, :5] = 0
    return images, depths_m


@pytest.fixture(scope="module", name="fitted")
def _fitted(pairs):
    return _small().fit(*pairs)


def test_a_prediction_is_positive_metres_of_the_shape_learnt(fitted, pairs):
    pred_m = fitted.predict(pairs[0][:3])
    assert pred_m.shape == (3, 24, 32)
    assert pred_m.dtype == np.float32
    assert (pred_m > 0).all()


def test_what_is_plain_to_see_is_learnt(pairs):
    """Brightness tells the depth: the answer is within a factor of 1.25 nearly everywhere, the mean map's is not."""
    head = HolisticDepth(0.001, num_components=20, num_maps=4)
    assert _small(head=head).fit(*pairs).score(*pairs) > 0.95
    assert _small(head=HolisticDepth(1e6)).fit(*pairs).score(*pairs) < 0.7


def test_of_a_single_scene_each_view_is_one_of_its_own(pairs):
    """Else nothing would be known of any of them."""
    model = _small(head=HolisticDepth(0.001, num_components=20, num_maps=4))
    cues, shares = model.fit_cues(*pairs)
    together, apart = (model.head.fit_held_out(cues, shares, scenes) for scenes in (np.zeros(12), np.arange(12)))
    np.testing.assert_array_equal(together, apart)
    assert np.ptp(together.astype(np.float32), axis=0).max() > 0.1


def test_a_few_measured_cells_are_enough(pairs):
    """Every member finds one, though it draws but half of the cells."""
    images, depths_m = pairs[0][:1], np.zeros((1, 24, 32), np.float32)
    depths_m[:, 10:13, 10:13] = 2.0
    pred_m = (
        _small(head=CellDepth(num_members=4, num_cells=300, num_components=5)).fit(images, depths_m).predict(images)
    )
    assert np.isfinite(pred_m).all()


def test_images_of_one_scene_do_not_vouch_for_one_another(pairs):
    """Each image twice: as scenes of their own they seem well known, as one scene they are as strange as they are."""
    images, depths_m = (np.repeat(part, 2, axis=0) for part in pairs)
    model = _small(head=HolisticDepth(0.001, num_components=20, num_maps=4))
    cues, shares = model.fit_cues(images, depths_m)
    off = {}
    for name, scenes in {"own": np.arange(12), "shared": np.repeat(np.arange(6), 2)}.items():
        opinions = model.head.fit_held_out(cues, shares, np.tile(scenes, 2))
        off[name] = np.nanmean(abs(opinions[..., 0, :] - shares))
    assert off["own"] < 0.5 * off["shared"]


def test_the_score_is_delta1_by_hand(fitted, pairs):
    images, depths_m = pairs
    pred_m = fitted.predict(images)
    shares = []
    for pred, true in zip(pred_m, depths_m, strict=True):
        ratio = np.maximum(pred, true)[true > 0] / np.minimum(pred, true)[true > 0]
        shares.append((ratio < 1.25).mean())
    assert fitted.score(images, depths_m) == pytest.approx(np.mean(shares))


def test_predicting_one_by_one_gives_what_predicting_all_gives(fitted, pairs):
    """Views, words and neighbours of one image must not depend on the others."""
    alone = np.concatenate([fitted.predict(image[np.newaxis]) for image in pairs[0][:4]])
    np.testing.assert_allclose(alone, fitted.predict(pairs[0][:4]), rtol=1e-5)


def test_a_mirror_image_is_predicted_with_the_mirrored_depth(fitted, pairs):
    """As far as cues in float16 allow."""
    np.testing.assert_allclose(
        fitted.predict(pairs[0][:2, :, ::-1]), fitted.predict(pairs[0][:2])[..., ::-1], rtol=2e-3
    )


def test_one_seed_gives_one_answer_whatever_n_jobs_and_another_seed_another(fitted, pairs):
    again = _small(n_jobs=2).fit(*pairs)
    np.testing.assert_array_equal(again.predict(pairs[0]), fitted.predict(pairs[0]))
    other = _small(random_state=1).fit(*pairs)
    assert (other.predict(pairs[0]) != fitted.predict(pairs[0])).any()


@pytest.mark.parametrize("head", [HolisticDepth(), CellDepth(num_members=1, num_cells=20_000)], ids=["whole", "cells"])
def test_what_is_missing_takes_no_part(pairs, head):
    """Missing is 0: were it taken for a depth, no answer would be between the 2.0 and 2.2 m of all that is measured."""
    images = pairs[0]
    depths_m = np.full((len(images), 30, 40), 2.0, np.float32)
    depths_m[::2] = 2.2
    depths_m[:, 10:20] = 0
    depths_m[0] = 0
    pred_m = _small(head=head).fit(images, depths_m).predict(images)
    assert 1.95 < pred_m.min() <= pred_m.max() < 2.25


def test_clone_and_parameters_go_round():
    model = _small(num_views=3)
    copy = clone(model)
    assert copy is not model
    assert copy.get_params()["num_views"] == 3
    assert copy.get_params()["head__whole__num_maps"] == 4
    copy.set_params(head__cells__num_cells=7, num_words=12)
    assert copy.head.cells.num_cells == 7
    assert model.head.cells.num_cells == 2000


def test_it_works_in_a_pipeline_and_a_grid_search_over_scenes(pairs):
    """Brightness halved in front of it changes nothing it could not learn; scenes stay whole in the folds."""
    images, depths_m = pairs
    head = HolisticDepth(0.001, num_components=20, num_maps=4)
    line = make_pipeline(FunctionTransformer(_darkened), _small(head=head))
    assert line.fit(images, depths_m).score(images, depths_m) > 0.9
    scenes = np.repeat(np.arange(3), 2)
    search = GridSearchCV(_small(head=head), {"head__alpha": [0.001, 1e6]}, cv=GroupKFold(2), refit=False)
    assert search.fit(images, depths_m, groups=scenes).best_params_ == {"head__alpha": 0.001}


def _darkened(images):
    return (images // 2).astype(np.uint8)


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_valid_tag_types,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_mixin_order,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize("model", [DepthRegressor(), HolisticDepth(), CellDepth(), StackedDepth()], ids=repr)
def test_scikit_learns_checks_that_need_no_data_hold(check, model):
    """The other checks feed a table [n, features] of floats and a vector; X here is images and y maps."""
    check(type(model).__name__, model)


def test_an_unfitted_model_says_so(pairs):
    with pytest.raises(NotFittedError):
        _small().predict(pairs[0])


def test_fitting_leaves_parameters_and_data_alone(pairs):
    images, depths_m = (part.copy() for part in pairs)
    model = _small()
    before = repr(model.get_params())
    model.fit(images, depths_m)
    assert repr(model.get_params()) == before
    assert not hasattr(model.head, "whole_")
    np.testing.assert_array_equal(images, pairs[0])
    np.testing.assert_array_equal(depths_m, pairs[1])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda x, y: (x.astype(np.float32), y),
            "expected images [N, H, W, 3] of uint8, got [6, 30, 40, 3] of float32",
        ),
        (lambda x, y: (x[0], y), "expected images [N, H, W, 3] of uint8, got [30, 40, 3]"),
        (lambda x, y: (x, y[:5]), "expected depths [6, h, w] of floats, one map per image, got [5, 24, 32]"),
        (lambda x, y: (x, np.where(y > 3, np.nan, y)), "got NaN, infinity or a value below 0"),
        (lambda x, y: (x, -y), "got NaN, infinity or a value below 0"),
        (lambda x, y: (x, 0 * y), "expected at least one measured depth"),
        (lambda x, y: (x, y.astype(int)), "of floats"),
        (
            lambda x, y: (x, y * (np.indices(y.shape)[1:] % 8 == 0).all(0)),
            "expected depth maps that are dense somewhere",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(pairs, spoil, message):
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        _small().fit(*spoil(*pairs))
    assert "\n" not in str(caught.value)


def test_groups_are_one_per_image(pairs):
    with pytest.raises(InputError, match=re.escape("expected groups [6], one scene per image, got [5]")):
        _small().fit(*pairs, groups=np.arange(5))


@pytest.mark.parametrize("changes", [{"num_views": 0}, {"num_words": 2.5}])
def test_parameters_out_of_range_are_refused_when_fitting(pairs, changes):
    with pytest.raises(InputError, match="of 1 or more"):
        _small(**changes).fit(*pairs)


def test_a_saved_model_predicts_as_before_and_says_what_made_it(tmp_path, fitted, pairs):
    path = tmp_path / "model.skops"
    persistence.save_model(path, fitted, {"trained_on": "walls"})
    np.testing.assert_array_equal(persistence.load_model(path).predict(pairs[0]), fitted.predict(pairs[0]))
    assert persistence.read_about(path)["trained_on"] == "walls"


def test_every_trusted_type_is_one_that_models_hold(tmp_path, fitted):
    """And skops trusts none of them by itself: the list is as short as can be."""
    path = tmp_path / "model.skops"
    persistence.save_model(path, fitted, {})
    assert set(skops.io.get_untrusted_types(file=path)) == set(persistence.TRUSTED)


class Stranger:
    """A type nobody trusts; building one leaves a mark."""

    built = []

    def __setstate__(self, state):
        self.built.append(state)

    def __getstate__(self):
        return {"a": 1}


def test_a_file_with_other_types_is_refused_and_none_is_built(tmp_path, fitted):
    path = tmp_path / "model.skops"
    model = clone(fitted)
    model.extra_ = Stranger()
    persistence.save_model(path, model, {})
    with pytest.raises(InputError, match="holds types that are not trusted .*Stranger") as caught:
        persistence.load_model(path)
    assert "\n" not in str(caught.value)
    assert Stranger.built == []


def _rewritten_about(path, **changes):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    about = {**json.loads(members[persistence.ABOUT]), **changes}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, json.dumps(about) if name == persistence.ABOUT else content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "no file"),
        (lambda path: path.write_text("text"), "is not a model of"),
        (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "is not a model of"),
        (lambda path: skops.io.dump(Ridge(), path), "is not a model of"),
        (lambda path: _rewritten_about(path, kind="another"), "is not a model of"),
        (lambda path: _rewritten_about(path, version="0"), "was made by version 0 with scikit-learn"),
        (lambda path: _rewritten_about(path, scikit_learn="0.24.2"), "with scikit-learn 0.24.2, this is version"),
        (lambda path: path.write_bytes(path.read_bytes()[:-2000]), "is not a model of"),
    ],
)
def test_what_is_not_a_model_of_this_version_is_refused_in_one_line(tmp_path, fitted, spoil, message):
    path = tmp_path / "model.skops"
    persistence.save_model(path, fitted, {})
    spoil(path)
    with pytest.raises(InputError, match=message) as caught:
        persistence.load_model(path)
    assert "\n" not in str(caught.value)


def test_a_file_whose_arrays_are_damaged_is_refused(tmp_path, fitted):
    path = tmp_path / "model.skops"
    persistence.save_model(path, fitted, {})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content[:40] if name.endswith(".npy") else content)
    with pytest.raises(InputError, match="is damaged"):
        persistence.load_model(path)
