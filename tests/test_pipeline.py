"""The pipeline keeps metres metres, misses no image, and is a function of seed, epoch and position."""

import numpy as np
import pytest
import tensorflow as tf

from depth_tf import pipeline
from depth_tf.augmentation import Augmentation
from depth_tf.data.cache import cache_folder, choose_cache
from depth_tf.data.resizing import check_size, clean_depth, resize_depth, resize_image
from depth_tf.data.splits import Split
from depth_tf.pipeline import Input
from depth_tf.runtime.errors import InputError

SIZE_PX = (32, 64)
NUM_IMAGES = 10


@pytest.fixture(scope="module", name="split")
def _split() -> Split:
    """Ten images whose pixels and depths are all the image's number: 1 to 10, and 0.1 to 1.0 m."""
    numbers = np.arange(1, NUM_IMAGES + 1)
    images = np.broadcast_to(numbers[:, None, None, None], (NUM_IMAGES, 48, 96, 3)).astype(np.uint8)
    depths_m = np.broadcast_to(numbers[:, None, None, None] / 10, (NUM_IMAGES, 48, 96, 1)).astype(np.float32)
    return Split("train", NUM_IMAGES, lambda: tf.data.Dataset.from_tensor_slices((images, depths_m)), None)


def _numbers(batches, batch_size: int) -> list[list[int]]:
    """Returns the numbers of the images of each batch that count."""
    found = []
    for image, _, weight in batches:
        assert image.shape == (batch_size, 32, 64, 3)
        found.append([round(float(value)) for value in image.numpy()[weight.numpy() > 0, 0, 0, 0]])
    return found


def _train(split, **changes):
    return pipeline.training_batches(split, SIZE_PX, **{"batch_size": 4, "seed": 0, "steps": 6, **changes})


def test_every_epoch_holds_every_image_once_and_fills_up_its_last_batch_at_weight_0(split):
    batches = _numbers(_train(split), 4)
    assert [len(batch) for batch in batches] == [4, 4, 2, 4, 4, 2]
    for epoch in (batches[:3], batches[3:]):
        assert sorted(sum(epoch, [])) == list(range(1, NUM_IMAGES + 1))


def test_padding_repeats_real_images(split):
    *_, (image, depth_m, weight) = _train(split)
    assert weight.numpy().tolist() == [1, 1, 0, 0]
    np.testing.assert_array_equal(image[2:], image[:2])
    np.testing.assert_array_equal(depth_m[2:], depth_m[:2])


def test_epochs_differ_in_order_and_a_seed_repeats_them(split):
    first = _numbers(_train(split, seed=3), 4)
    assert first == _numbers(_train(split, seed=3), 4)
    assert first[:3] != first[3:]
    assert first != _numbers(_train(split, seed=4), 4)


@pytest.fixture(scope="module", name="whole")
def _whole(split) -> list:
    """All batches of three passes."""
    return list(_train(split, steps=9, strength=Augmentation()))


@pytest.mark.parametrize("first_step", [6, 4])
def test_starting_at_a_later_step_gives_that_steps_batches(split, whole, first_step):
    """A pass has three steps: one starts between two passes, the other inside one."""
    late = list(_train(split, steps=9, first_step=first_step, strength=Augmentation()))
    assert len(late) == 9 - first_step
    for one, other in zip(whole[first_step:], late, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module", name="beside")
def _beside(split) -> Split:
    """Four images of another split, numbered from 101."""
    return Split("rooms", 4, lambda: split.read().take(4).map(lambda image, depth_m: (image + 100, depth_m)), None)


def test_with_a_split_beside_every_second_image_is_its_own_and_each_comes_equally_often(split, beside):
    numbers = np.array(_numbers(_train(split, steps=5, beside=beside), 4)).ravel()
    assert sorted(numbers[::2]) == list(range(1, NUM_IMAGES + 1))
    places = [sorted(numbers[1::2][start : start + 4]) for start in (0, 4)]
    assert places == [[101, 102, 103, 104]] * 2
    assert numbers[1:9:2].tolist() != numbers[9:17:2].tolist()
    longer = np.array(_numbers(_train(beside, steps=5, beside=split), 4)).ravel()
    assert sorted(longer[1::2]) == list(range(1, NUM_IMAGES + 1))


def test_with_a_split_beside_a_later_start_gives_that_steps_batches(split, beside):
    whole = _numbers(_train(split, steps=10, beside=beside), 4)
    for first_step in (5, 8):
        assert _numbers(_train(split, steps=10, first_step=first_step, beside=beside), 4) == whole[first_step:]


def test_how_batches_are_cut_does_not_change_an_images_augmentation(split):
    def images(batch_size):
        batches = _train(split, batch_size=batch_size, steps=-(-NUM_IMAGES // batch_size), strength=Augmentation())
        return np.concatenate([image.numpy()[weight.numpy() > 0] for image, _, weight in batches])

    np.testing.assert_allclose(images(3), images(5), rtol=1e-5)


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_cache_changes_no_batch_and_reads_the_source_once(split, kind, tmp_path):
    reads = []

    def count_reads():
        def note(index):
            reads.append(int(index))
            return np.int64(index)

        numbered = tf.data.Dataset.range(NUM_IMAGES).map(lambda i: tf.numpy_function(note, [i], tf.int64))
        return tf.data.Dataset.zip(numbered, split.read()).map(lambda _, pair: pair)

    counted = Split("train", NUM_IMAGES, count_reads, None)
    with cache_folder(tmp_path, kind) as folder:
        cached = _numbers(_train(counted, steps=9, how=Input(kind, folder)), 4)
    assert cached == _numbers(_train(split, steps=9, how=Input("none")), 4)
    assert len(reads) == NUM_IMAGES
    assert not (tmp_path / "cache0").exists()


def test_the_workers_rows_together_are_the_batches_of_one(split, whole):
    """None repeats an image, none is dropped: side by side the rows are what one process gets."""
    parts = [
        list(_train(split, steps=9, strength=Augmentation(), how=Input(worker=worker, num_workers=2)))
        for worker in range(2)
    ]
    for step, batch in enumerate(whole):
        for place, tensor in enumerate(batch):
            np.testing.assert_array_equal(tf.concat([part[step][place] for part in parts], 0), tensor)


def test_a_worker_with_two_devices_gets_a_batch_for_each(split):
    mine = Input(worker=1, num_workers=2, batches_per_step=2)
    one, other = _numbers(_train(split, steps=1, how=mine), 1)
    assert [one + other] == _numbers(_train(split, steps=1, how=Input(worker=1, num_workers=2)), 2)


def test_how_many_images_are_worked_on_at_once_changes_no_batch(split, monkeypatch):
    def batches(calls):
        monkeypatch.setattr(pipeline, "PARALLEL_CALLS", calls)
        return _numbers(_train(split, strength=Augmentation()), 4)

    assert batches(1) == batches(16)


def test_scoring_batches_keep_order_and_count_every_image(split):
    assert _numbers(pipeline.scoring_batches(split, SIZE_PX, batch_size=4), 4) == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


def test_depth_that_is_no_measurement_becomes_0():
    depth_m = tf.constant([np.nan, np.inf, -np.inf, -1.0, 0.0, 0.09, 0.1, 5.0, 10.0, 10.1])
    cleaned = clean_depth(depth_m, (0.1, 10.0))
    np.testing.assert_array_equal(cleaned, np.float32([0, 0, 0, 0, 0, 0, 0.1, 5, 10, 0]))


def test_resizing_depth_invents_no_value():
    depth_m = np.random.default_rng(0).choice([0.0, 1.0, 4.0], (480, 640, 1)).astype(np.float32)
    assert set(np.unique(resize_depth(depth_m, (192, 256)))) <= {0.0, 1.0, 4.0}


@pytest.mark.parametrize("shape", [(480, 640), (33, 50), (1, 1)])
def test_resizing_depth_takes_the_pixels_that_tensorflow_takes(shape):
    depth_m = np.random.default_rng(0).uniform(1, 9, (*shape, 1)).astype(np.float32)
    expected = tf.image.resize(depth_m, (192, 256), method="nearest")
    np.testing.assert_array_equal(resize_depth(depth_m, (192, 256)), expected)


def test_shrinking_an_image_by_two_is_the_mean_of_each_four_pixels():
    image = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype=np.uint8)
    means = image.reshape(32, 2, 64, 2, 3).mean((1, 3))
    np.testing.assert_allclose(resize_image(image, (32, 64)), means, atol=0.51)


@pytest.mark.parametrize("shape", [(1, 1, 3), (20, 700, 3)])
def test_any_image_size_is_brought_to_the_networks(shape):
    image = np.full(shape, 77, np.uint8)
    np.testing.assert_array_equal(resize_image(image, (32, 64)), np.full((32, 64, 3), 77))


@pytest.mark.parametrize(
    ("size_px", "message"),
    [
        ((100, 256), "divisible by 32, got 100 x 256 px; nearest: 96 x 256"),
        ((192, 0), "divisible by 32"),
    ],
)
def test_a_size_that_cannot_be_is_refused_in_one_line(size_px, message):
    with pytest.raises(InputError, match=message):
        check_size(*size_px)


def test_a_cache_that_would_not_fit_in_memory_goes_to_disk():
    assert choose_cache("auto", 100, (192, 256)) == "memory"
    assert choose_cache("auto", 10**8, (192, 256)) == "disk"
    assert choose_cache("none", 100, (192, 256)) == "none"
