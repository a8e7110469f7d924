"""Augmentation moves depth with its image, scales it as a camera would, and depends on nothing but its draws."""

import numpy as np
import pytest
import tensorflow as tf

from depth_tf import augmentation
from depth_tf.augmentation import NO_AUGMENTATION, Augmentation, Changes

HEIGHT_PX, WIDTH_PX = 64, 96


@pytest.fixture(name="coded", params=["sloping both ways", "sloping down"])
def _coded(request) -> tuple[np.ndarray, np.ndarray]:
    """An image whose smooth red channel is its depth in centimetres, so that one can be read off the other."""
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)[..., None]
    depth_m = 0.5 + 0.01 * rows + 0.01 * columns if request.param == "sloping both ways" else 2.0 - 0.01 * rows
    return np.repeat(depth_m * 100, 3, axis=-1).astype(np.float32), depth_m.astype(np.float32)


def _changes(strength: Augmentation, flip=1.0, zoom=0.0, place=(0.5, 0.5), light=(0.5,) * 5) -> Changes:
    """Returns what these draws do to one image; by default `zoom` magnifies only above 0.5."""
    draws = np.float32([[flip, zoom, *place, *light]])
    return Changes(*(values[0] for values in augmentation.changes_of(draws, (HEIGHT_PX, WIDTH_PX), strength)))


def test_a_flip_moves_depth_with_its_image(coded):
    image, depth_m = augmentation.augment(*coded, _changes(Augmentation(), flip=0.0))
    np.testing.assert_allclose(depth_m, coded[1][:, ::-1], rtol=1e-6)
    np.testing.assert_allclose(image, coded[0][:, ::-1], atol=1e-3)


def test_a_draw_above_one_half_leaves_the_image_unmirrored(coded):
    _, depth_m = augmentation.augment(*coded, _changes(Augmentation(), flip=0.5))
    np.testing.assert_allclose(depth_m, coded[1], rtol=1e-6)


def test_a_zoom_divides_depth_by_the_zoom_where_the_image_shows_the_same_point(coded):
    """The image carries the depth as it was before the zoom; the depth map must be that, divided by 1.5."""
    changes = _changes(Augmentation(max_zoom=1.5), zoom=1.0, place=(0.3, 0.8))
    image, depth_m = augmentation.flip_and_zoom(*coded, changes)
    before_m = image.numpy()[..., :1] / 100
    assert np.abs(before_m - coded[1]).max() > 0.05  # the zoom did move something
    # Nearest sampling is off by half a pixel at most, 0.5 cm along each side here.
    np.testing.assert_allclose(depth_m.numpy() * 1.5, before_m, atol=0.011)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_share_that_is_magnified_is_as_stated_and_uniform_in_the_logarithm_of_the_zoom(share):
    draws = np.full((1000, augmentation.NUM_DRAWS), 0.5, np.float32)
    draws[:, 1] = (np.arange(1000) + 0.5) / 1000
    changes = augmentation.changes_of(draws, (HEIGHT_PX, WIDTH_PX), Augmentation(zoom_share=share, max_zoom=2.0))
    log_zoom, magnified = np.log2(changes.zoom), round(1000 * share)
    assert (log_zoom[: 1000 - magnified] == 0).all()
    assert (changes.size_px.numpy()[: 1000 - magnified, :2] == (HEIGHT_PX, WIDTH_PX)).all()
    np.testing.assert_allclose(
        log_zoom[1000 - magnified :], (np.arange(magnified) + 0.5) / max(magnified, 1), atol=1e-3
    )


@pytest.mark.parametrize("wrong", [{"zoom_share": 1.2}, {"zoom_share": -0.1}, {"max_zoom": 0.8}])
def test_a_strength_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="expected zoom_share in 0..1 and max_zoom of 1 or more"):
        Augmentation(**wrong)


def test_missing_pixels_stay_missing_and_are_never_mixed_into_others(coded):
    image, depth_m = coded
    holes = depth_m.copy()
    holes[10:30, 20:50] = 0.0
    changes = _changes(Augmentation(), flip=0.0, zoom=0.7)
    _, moved = augmentation.augment(image, holes, changes)
    moved = moved.numpy()
    smallest_m = depth_m.min() / changes.zoom.numpy() - 1e-6
    assert (moved == 0).any()
    assert moved[moved > 0].min() >= smallest_m


def test_no_augmentation_is_the_identity(coded):
    image, depth_m = augmentation.augment(*coded, _changes(NO_AUGMENTATION, 0.1, 0.9, light=(0.1, 0.2, 0.7, 0.8, 0.9)))
    np.testing.assert_allclose(image, coded[0], atol=1e-3)
    np.testing.assert_allclose(depth_m, coded[1], rtol=1e-6)


def test_light_changes_match_their_definition_on_one_pixel_worked_by_hand():
    """A flat grey image: contrast does nothing; exposure +30 % and red +10 % multiply."""
    image = np.full((32, 32, 3), 100.0, np.float32)
    changes = _changes(Augmentation(), light=(1.0, 0.9, 1.0, 0.5, 0.0))
    changed = augmentation.change_light(image, changes).numpy()
    np.testing.assert_allclose(changed[5, 7], [100 * 1.3 * 1.1, 100 * 1.3, 100 * 1.3 * 0.9], rtol=1e-4)


def test_no_contrast_leaves_the_mean_of_the_image_everywhere():
    image = np.random.default_rng(0).uniform(0, 255, (8, 8, 3)).astype(np.float32)
    strength = Augmentation(contrast=1.0, exposure=0, white_balance=0)
    flat = augmentation.change_light(image, _changes(strength, light=(0.5, 0.0, 0.5, 0.5, 0.5))).numpy()
    np.testing.assert_allclose(flat, np.broadcast_to(image.mean(), flat.shape), atol=0.01)


def test_eager_equals_inside_tf_data(coded):
    changes = _changes(Augmentation(), flip=0.0, zoom=0.6, place=(0.2, 0.9), light=(0.9, 0.1, 0.3, 0.4, 0.8))
    eager = augmentation.augment(*coded, changes)
    mapped = tf.data.Dataset.from_tensors((*coded, changes)).map(augmentation.augment)
    for one, other in zip(eager, next(iter(mapped)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)


def test_draws_differ_between_seeds_epochs_and_places_and_repeat_otherwise():
    def draw(seed, epoch):
        return augmentation.draw(seed, tf.constant(epoch, tf.int64), 3).numpy()

    drawn = np.concatenate([draw(0, 0), draw(1, 0), draw(0, 1)])
    assert drawn.shape == (9, augmentation.NUM_DRAWS)
    assert len(np.unique(drawn, axis=0)) == len(drawn)
    np.testing.assert_array_equal(draw(0, 0), drawn[:3])
