"""Cues, views and targets: closed forms, and what moves with what."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neural_network import MLPRegressor

from sklearn_baseline import cells, cues, holistic, levels
from sklearn_baseline.fisher import FisherVector
from sklearn_baseline.views import DEPTH_SHAPE, PLAIN, make_view, resample, resample_log_depth

SHAPES = {"image_shape": cues.IMAGE_SHAPE, "depth_shape": DEPTH_SHAPE}


@pytest.fixture(name="pair")
def _pair():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (48, 64, 3), np.uint8), rng.uniform(1, 5, (24, 32)).astype(np.float32)


@pytest.mark.parametrize(("slope", "direction"), [((0, 1), 0), ((1, 1), 2), ((1, 0), 4), ((1, -1), 6)])
def test_all_energy_of_a_ramp_is_in_the_direction_it_rises(slope, direction):
    rows, columns = np.indices((60, 80), dtype=np.float32)
    energy = cues.gradients(0.01 * (slope[0] * rows + slope[1] * columns))
    assert energy.shape == (60, 80, 8)
    np.testing.assert_allclose(energy[..., direction], 0.01 * np.hypot(*slope), rtol=1e-4)
    np.testing.assert_allclose(np.delete(energy, direction, axis=-1), 0, atol=1e-5)


def test_a_gradient_between_two_directions_is_shared_evenly():
    angle = np.pi / 16  # half way from 0 to the next of eight
    rows, columns = np.indices((60, 80), dtype=np.float32)
    energy = cues.gradients(np.sin(angle) * rows + np.cos(angle) * columns)
    np.testing.assert_allclose(energy[..., :2], 0.5, atol=1e-3)


def test_white_black_and_grey_have_the_lightness_cie_gives_them():
    grey = np.array([1.0, 0.5, 0.2], np.float32)[:, np.newaxis, np.newaxis] * np.ones((1, 1, 3), np.float32)
    np.testing.assert_allclose(cues.rgb_to_lab(grey)[:, 0, 0], [1.0, 0.5339, 0.2125], atol=2e-3)  # L* / 100
    np.testing.assert_allclose(cues.rgb_to_lab(grey)[..., 1:], 0, atol=2e-3)


def test_a_flat_image_gives_the_same_words_in_every_cell():
    rng = np.random.default_rng(0)
    words = cues.PatchWords(16, 4, 500).fit(rng.random((3, 90, 120, 3), np.float32))
    responses = words.responses(cues.patches(np.full((90, 120, 3), 0.3, np.float32)))
    np.testing.assert_allclose(responses, np.broadcast_to(responses[0, 0], responses.shape), atol=1e-5)
    assert responses.min() == 0
    assert responses.max() > 0


def test_a_response_is_how_much_nearer_than_the_mean_a_word_is():
    """By the definition, patch by patch, in float64, for the first cell: 2x2 patches."""
    image = np.random.default_rng(1).random((90, 120, 3), np.float32)
    words = cues.PatchWords(12, 4, 500).fit(image[np.newaxis])
    padded = np.pad(255 * image.astype(np.float64), ((2, 2), (2, 2), (0, 0)), mode="reflect")
    rows = np.stack([np.moveaxis(padded[y : y + 7, x : x + 7], -1, 0).ravel() for y in (0, 3) for x in (0, 3)])
    centred = rows - rows.mean(1, keepdims=True)
    white = centred / np.sqrt(rows.var(1, keepdims=True) + 10) @ words.whiten_.astype(np.float64) - words.offset_
    distances = np.linalg.norm(white[:, np.newaxis] - words.words_, axis=-1)
    nearness = np.maximum(distances.mean(1, keepdims=True) - distances, 0)
    np.testing.assert_allclose(words.responses(cues.patches(image))[0, 0] ** 2, nearness.mean(0), rtol=1e-3, atol=1e-4)


def test_groups_of_cues_cover_every_channel_of_every_field_once():
    found = cues.DepthCues(8, 4)
    seen = np.zeros(1, found.dtype())
    for field, channels in found.groups().values():
        seen[field][..., channels] += 1
    assert all((seen[field] == 1).all() for field in seen.dtype.names)


def test_a_mirror_images_cues_are_those_of_the_image_mirrored_by_hand():
    images = np.random.default_rng(0).random((2, *cues.IMAGE_SHAPE, 3), np.float32)
    found = cues.DepthCues(8, 4, 500).fit(images)
    mirrored = found.describe(images[0])[1]
    by_hand = found.describe(np.ascontiguousarray(images[0, :, ::-1]))[0]
    for field in by_hand.dtype.names:
        np.testing.assert_allclose(mirrored[field].astype(float), by_hand[field], atol=2e-3)


def test_a_fisher_vector_is_the_gradient_of_the_likelihood():
    """By finite differences of the mixture's mean log likelihood, for the upper band; then signed roots, norm 1."""
    rng = np.random.default_rng(0)
    vector = FisherVector(num_components=2, num_gaussians=3).fit(rng.normal(size=(500, 5)).astype(np.float32))
    patches = rng.normal(size=(6, 4, 5)).astype(np.float32)
    rows = ((patches[:2] - vector.mean_) @ vector.whiten_).reshape(-1, 2).astype(float)
    means, variances, weights = (part.astype(float) for part in (vector.means_, vector.variances_, vector.weights_))

    def log_likelihood(means, deviations):
        parts = [
            weight * np.prod(np.exp(-(((rows - mean) / deviation) ** 2) / 2) / deviation, axis=1)
            for weight, mean, deviation in zip(weights, means, deviations, strict=True)
        ]
        return np.log(np.sum(parts, axis=0)).sum()

    def gradient(place):
        steps = [np.zeros_like(means), np.zeros_like(means)]
        steps[place[0]][place[1:]] = 1e-5
        return (
            log_likelihood(means + steps[0], np.sqrt(variances) + steps[1])
            - log_likelihood(means - steps[0], np.sqrt(variances) - steps[1])
        ) / 2e-5

    expected = np.array([gradient(place) for place in np.ndindex(2, 3, 2)]).reshape(2, 3, 2) * np.sqrt(variances)
    expected /= np.sqrt(np.array([1, 2])[:, np.newaxis, np.newaxis] * weights[:, np.newaxis])
    expected = np.sign(expected) * np.sqrt(np.abs(expected))
    np.testing.assert_allclose(vector.describe(patches)[:12], (expected / np.linalg.norm(expected)).ravel(), atol=1e-3)


def test_what_is_read_off_a_wall_is_its_depth():
    """Or up to a fifth of a level's step nearer where it is near, and half of that farther where it is far."""
    steps = levels.choose(np.log(np.geomspace(1, 9, 1000)))
    walls = np.linspace(steps[0], steps[-1], 12 * 11 + 1)[:, np.newaxis, np.newaxis] * np.ones(DEPTH_SHAPE)
    off = levels.decode(levels.encode(walls, steps), steps) - walls[:, :15, :20]
    step = steps[1] - steps[0]
    assert abs(off).max() < step / 5
    assert -0.1 * step < off[:40].mean() < -0.02 * step
    assert 0.01 * step < off[-40:].mean() < 0.05 * step


def test_what_is_near_more_often_than_not_is_near():
    """The middle of 2, 2 and 8 m is 2 m, where the mean of their logarithms is 3.2 m."""
    steps = levels.choose(np.log(np.geomspace(1, 9, 1000)))
    maps = np.log(np.array([2.0, 2.0, 8.0]))[:, np.newaxis, np.newaxis] * np.ones(DEPTH_SHAPE)
    mean = levels.encode(maps, steps).mean(0, keepdims=True)
    assert abs(np.exp(levels.decode(mean, steps)) / 2 - 1).max() < 0.1


def test_a_cell_with_a_gap_is_missing():
    maps = np.zeros((1, *DEPTH_SHAPE), np.float32)
    maps[0, 5, 7] = np.nan
    shares = levels.encode(maps, levels.choose(np.log(np.geomspace(0.5, 2, 100))))
    assert np.isnan(shares[0, 2, 3]).all()
    assert np.isfinite(shares).sum() == (15 * 20 - 1) * 12


def test_a_zoomed_view_of_a_flat_wall_is_nearer_by_the_zoom(pair):
    """Log depth falls by ln zoom, between nothing and ln 1.5, the same everywhere."""
    wall_m = np.full((24, 32), 3.0, np.float32)
    falls = []
    for view in range(1, 30):
        _, log_depth = make_view(pair[0], wall_m, view=view, seed=(0,), **SHAPES)
        assert np.ptp(log_depth) < 1e-5
        falls.append(np.log(3.0) - log_depth[0, 0])
    assert 0 < min(falls) < 0.1
    assert 0.3 < max(falls) <= np.log(1.5)


def test_a_view_shows_image_and_depth_of_the_same_place():
    """The image is a picture of the depth: then every view's image must be one of its depth, whatever the crop."""
    rows, columns = np.indices((192, 256), dtype=np.float32)
    depth_m = np.exp(0.004 * rows + 0.003 * columns)
    image = np.repeat(np.round(255 * np.log(depth_m) / np.log(depth_m).max())[..., np.newaxis], 3, -1).astype(np.uint8)
    for view in (PLAIN, 1, 2, 3, 4, 5):
        shown, log_depth = make_view(image, depth_m, view=view, seed=(3,), image_shape=(60, 80), depth_shape=(60, 80))
        assert np.corrcoef(shown[5:-5, 5:-5, 1].ravel(), log_depth[5:-5, 5:-5].ravel())[0, 1] > 0.99


def test_missing_depth_takes_no_part_in_a_mean():
    depth_m = np.full((24, 32), 2.0, np.float32)
    depth_m[::2] = 0
    np.testing.assert_allclose(resample_log_depth(depth_m, (6, 8)), np.log(2.0), rtol=1e-5)
    assert np.isnan(resample_log_depth(np.zeros((24, 32), np.float32), (6, 8))).all()


def test_shrinking_keeps_the_mean_and_enlarging_a_ramp_keeps_it_a_ramp():
    ramp = np.tile(np.arange(64, dtype=np.float32), (48, 1))[..., np.newaxis]
    assert resample(ramp, (12, 16)).mean() == pytest.approx(31.5, abs=1e-3)
    wide = resample(ramp, (48, 128))[0, 2:-2, 0]
    np.testing.assert_allclose(np.diff(wide), 0.5, atol=1e-4)


def test_what_is_missing_is_filled_at_the_images_own_level():
    mean = np.zeros((15, 20, 2), np.float32)
    maps = np.full((1, 15, 20, 2), [0.7, 0.2], np.float32)
    maps[0, :10] = np.nan
    np.testing.assert_allclose(
        holistic.fill_missing(maps, mean)[0, ::3, ::3], np.full((5, 7, 2), [0.7, 0.2]), rtol=1e-6
    )


def test_the_mean_map_is_the_mean_of_what_is_measured():
    maps = np.stack([np.full((15, 20, 2), value, np.float32) for value in (1.0, 3.0, 8.0)])
    maps[2, 0] = np.nan
    found = holistic.mean_map(maps)
    assert (found[0] == 2).all()
    assert (found[1:] == 4).all()


def test_what_is_held_out_is_what_kernel_ridge_says_that_never_saw_the_scene():
    """By scikit-learn's KernelRidge, fitted anew without each scene in turn; with one scene, nothing is known."""
    rng = np.random.default_rng(0)
    vectors, targets = rng.normal(size=(12, 5)), rng.normal(size=(12, 3))
    scenes = np.array(["a", "b", "b", "c", "c", "c", "a", "d", "d", "d", "d", "a"])
    kernel = rbf_kernel(vectors)
    dual, held_out = holistic.kernel_ridge(kernel.copy(), targets, scenes, alpha=0.3)
    ridge = KernelRidge(alpha=0.3, kernel="precomputed")
    np.testing.assert_allclose(dual, ridge.fit(kernel, targets).dual_coef_)
    for scene in "abcd":
        own, others = np.flatnonzero(scenes == scene), np.flatnonzero(scenes != scene)
        ridge.fit(kernel[np.ix_(others, others)], targets[others])
        np.testing.assert_allclose(held_out[own], ridge.predict(kernel[np.ix_(own, others)]))
    alone = holistic.kernel_ridge(kernel.copy(), targets, np.zeros(12), alpha=0.3)[1]
    np.testing.assert_allclose(alone, 0, atol=1e-9)


def test_distances_are_those_of_a_loop_over_the_pairs():
    rows, others = np.random.default_rng(0).normal(size=(2, 4, 7)).astype(np.float32)
    found = holistic.squared_distances(rows, others[:3])
    by_hand = [[((row - other) ** 2).sum() for other in others[:3]] for row in rows]
    np.testing.assert_allclose(found, by_hand, rtol=1e-5)


def test_perceptrons_side_by_side_predict_their_mean():
    rng = np.random.default_rng(0)
    rows, targets = rng.normal(size=(80, 5)).astype(np.float32), rng.normal(size=(80, 3)).astype(np.float32)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        settings = {"hidden_layer_sizes": (4,), "max_iter": 5}
        members = [MLPRegressor(**settings, random_state=seed).fit(rows, targets) for seed in range(3)]
    mean = np.mean([member.predict(rows) for member in members], axis=0)
    np.testing.assert_allclose(cells.side_by_side(members).predict(rows), mean, atol=0.02)


def test_a_rounded_number_is_within_a_256th_and_has_8_bits():
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    found = cues.rounded(values)
    np.testing.assert_allclose(found, values, rtol=1 / 256)
    assert not (found.view(np.uint32) & 0xFFFF).any()


def test_square_means_are_those_of_a_loop_over_the_squares():
    values = np.random.default_rng(0).random((1, 15, 20, 2)).astype(np.float32)
    found = cells.square_mean(values, 3)
    for row, column in ((0, 0), (7, 10), (14, 19), (2, 18)):
        square = values[0, max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
        np.testing.assert_allclose(found[0, row, column], square.mean((0, 1)), rtol=1e-4)


def test_a_cell_sees_its_neighbour_where_it_lies():
    values = np.zeros((1, 15, 20, 1), np.float32)
    values[0, 7, 10] = 1
    found = cells.around(values, 3)
    assert [seen.sum() for seen in found] == [1] * 9
    above_left, below = found[0], found[7]
    assert above_left[0, 10, 13] == below[0, 4, 10] == 1
