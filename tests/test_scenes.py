import pytest
import tensorflow_datasets as tfds

from depth_tf.data import scenes
from depth_tf.data.settings import DataSettings
from depth_tf.runtime.errors import InputError

COUNTS = {f"room_{number:04d}": 1 + number % 7 for number in range(50)}  # 197 images


@pytest.mark.parametrize(
    ("folder", "scene"),
    [
        ("cafe_0001a", "cafe_0001"),
        ("cafe_0001c", "cafe_0001"),
        ("cafe_0001", "cafe_0001"),
        ("nyu_office_1", "nyu_office_1"),
        ("official", "official"),
    ],
)
def test_takes_of_one_room_are_one_scene(folder, scene):
    assert scenes.scene_of(folder) == scene


@pytest.fixture(scope="module")
def three_shards(tmp_path_factory):
    builder = tfds.testing.DummyDataset(data_dir=tmp_path_factory.mktemp("dummy"))
    builder._generate_examples = lambda: ((key, {"id": key}) for key in range(20))
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=3))
    return builder


def read_ids(builder, split="train"):
    """Returns {key: tfds_id} as TFDS reads them: the dummy data set's key is its `id`."""
    config = tfds.ReadConfig(add_tfds_id=True)
    return {
        int(example["id"]): example["tfds_id"].decode()
        for example in builder.as_dataset(split=split, read_config=config).as_numpy_iterator()
    }


def test_computed_ids_are_those_that_tfds_reads(three_shards):
    read = read_ids(three_shards)
    assert len({name.split("__")[0] for name in read.values()}) == 3
    assert scenes.tfds_ids_in_order(reversed(range(20)), three_shards.info.splits["train"]) == read


def test_a_missing_key_is_refused(three_shards):
    with pytest.raises(ValueError, match="zip"):
        scenes.tfds_ids_in_order(range(19), three_shards.info.splits["train"])


def test_the_table_gives_back_the_scene_of_each_id(three_shards, tmp_path):
    scenes.write_scenes(tmp_path, three_shards.info.splits, {"train": {key: f"room_{key % 4}" for key in range(20)}})
    expected = {tfds_id: f"room_{key % 4}" for key, tfds_id in read_ids(three_shards).items()}
    assert scenes.read_scenes(tmp_path) == {"train": expected}


def test_records_without_a_table_have_no_scenes(tmp_path):
    assert scenes.read_scenes(tmp_path) is None


@pytest.mark.parametrize("text", ["", "split,key\n", "split,tfds_id,key,scene\ntrain,x__0,k\n"])
def test_a_damaged_table_is_named(tmp_path, text):
    (tmp_path / scenes.SCENES_FILE).write_text(text)
    with pytest.raises(InputError, match=scenes.SCENES_FILE):
        scenes.read_scenes(tmp_path)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.3, 0.9])
def test_the_holdout_reaches_its_share_by_less_than_one_scene(fraction):
    held_out = scenes.holdout_scenes(COUNTS, fraction)
    images = sum(COUNTS[scene] for scene in held_out)
    wanted = fraction * sum(COUNTS.values())
    assert wanted <= images < wanted + max(COUNTS.values())


def test_the_holdout_does_not_depend_on_the_order_of_the_scenes():
    backwards = dict(reversed(COUNTS.items()))
    assert scenes.holdout_scenes(COUNTS, 0.2) == scenes.holdout_scenes(backwards, 0.2)


def test_a_larger_holdout_contains_the_smaller():
    assert scenes.holdout_scenes(COUNTS, 0.1) < scenes.holdout_scenes(COUNTS, 0.3)


def test_the_holdout_is_not_the_head_of_the_alphabet():
    held_out = scenes.holdout_scenes(COUNTS, 0.2)
    assert sorted(COUNTS)[: len(held_out)] != sorted(held_out)


def test_the_holdout_leaves_a_scene_to_train_on():
    assert len(scenes.holdout_scenes({"large": 99, "small": 1}, 0.999)) == 1
    assert len(scenes.holdout_scenes(COUNTS, 0.999)) == len(COUNTS) - 1


def test_a_fraction_of_zero_holds_nothing_out():
    assert scenes.holdout_scenes(COUNTS, 0) == set()


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(InputError, match="validation_fraction"):
        DataSettings(validation_fraction=fraction)


def test_one_scene_cannot_be_divided():
    with pytest.raises(InputError, match="at least 2"):
        scenes.holdout_scenes({"cafe_0001": 100}, 0.1)
