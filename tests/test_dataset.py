"""Splits: whole scenes on one side of the cut, every record once, in an order that never changes."""

import collections
import itertools
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

from depth_tf import evaluate
from depth_tf.data import scenes, tfds_records
from depth_tf.data.opening import open_dataset, resolve_name
from depth_tf.data.settings import DataSettings
from depth_tf.runtime.errors import InputError
from tests import fastdepth_archive


def _depths(split) -> list[bytes]:
    return [depth_m.tobytes() for _, depth_m in split.read().as_numpy_iterator()]


def test_the_holdout_is_whole_scenes_that_train_never_shows(tiny_nyu):
    splits = open_dataset("nyu_depth_v2", tiny_nyu, validation_fraction=0.3).splits
    held, trained = (collections.Counter(splits[name].scene_of_image) for name in ("holdout", "train"))
    assert held.keys().isdisjoint(trained)
    assert held + trained == {"cafe_0001": 3, "office_0003": 2}
    both = _depths(splits["train"]) + _depths(splits["holdout"])
    whole = open_dataset("nyu_depth_v2", tiny_nyu, validation_fraction=0).split("train")
    assert sorted(both) == sorted(_depths(whole))
    assert [splits[name].num_images for name in ("train", "holdout", "validation")] == [2, 3, 2]


def test_a_split_yields_the_sources_pixels_and_metres(tiny_nyu):
    expected = [frame[1:] for frame in fastdepth_archive.made_up_frames()["validation"].values()]
    found = list(open_dataset("nyu_depth_v2", tiny_nyu).split("validation").read().as_numpy_iterator())
    for image, depth_m in found:
        assert (image.dtype, depth_m.dtype, depth_m.shape) == (np.uint8, np.float32, (480, 640, 1))
        assert any(
            np.array_equal(image, true_image) and np.array_equal(depth_m[..., 0], true_m.astype(np.float16))
            for true_image, true_m in expected
        )


@pytest.fixture(scope="module", name="three_files")
def _three_files(tmp_path_factory):
    """A TFDS data set of twenty small pairs in three files, one of which is shorter, and the pairs by key."""
    generator = np.random.default_rng(0)
    pairs = [
        {
            "image": generator.integers(0, 256, (6, 8, 3), np.uint8),
            "depth": generator.uniform(1, 9, (6, 8)).astype(np.float16),
        }
        for _ in range(20)
    ]
    builder = tfds.dataset_builders.store_as_tfds_dataset(
        name="pairs",
        version="0.0.1",
        data_dir=tmp_path_factory.mktemp("pairs"),
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(6, 8, 3)),
                "depth": tfds.features.Tensor(shape=(6, 8), dtype=np.float16),
            }
        ),
        split_datasets={"train": list(enumerate(pairs))},
        download_config=tfds.download.DownloadConfig(num_shards=3),
    )
    return builder, pairs


@pytest.mark.parametrize(("part", "first", "end"), [("train", 0, 20), ("train[20%:80%]", 4, 16)])
def test_records_are_read_in_the_order_of_their_keys_hashes_across_files(three_files, part, first, end):
    """The slice begins and ends within a file; of the whole split some records are left out."""
    builder, pairs = three_files
    order = list(scenes.tfds_ids_in_order(range(20), builder.info.splits["train"]))[first:end]
    kept = np.random.default_rng(1).random(20) < 0.6 if part == "train" else None
    expected = (
        [pairs[key] for key in order] if kept is None else [pairs[key] for key in itertools.compress(order, kept)]
    )
    found = list(tfds_records.read(builder, part, kept).as_numpy_iterator())
    assert 0 < len(found) == len(expected) < 20
    for (image, depth_m), pair in zip(found, expected, strict=True):
        np.testing.assert_array_equal(image, pair["image"])
        np.testing.assert_array_equal(depth_m[..., 0], pair["depth"])


def test_a_table_of_scenes_that_names_other_records_is_refused_in_one_line(tiny_nyu, tmp_path):
    shutil.copytree(tiny_nyu / "nyu_depth_v2", tmp_path / "nyu_depth_v2")
    (table,) = tmp_path.rglob("depth_tf_scenes.csv")
    header, first, second, *rest = table.read_text().splitlines()
    table.write_text("\n".join([header, second, first, *rest]) + "\n")
    with pytest.raises(InputError, match="names other records of train than those beside it: prepare the data set"):
        open_dataset("nyu_depth_v2", tmp_path)


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        (
            "dataset_info.json",
            '"fileFormat": "tfrecord"',
            '"fileFormat": "array_record"',
            "array_record files: expected tfrecord",
        ),
        (
            "features.json",
            "float16",
            "uint16",
            r"expected the feature depth as \[H, W\] of floating-point metres, found",
        ),
    ],
)
def test_records_of_another_form_are_refused_in_one_line(tiny_nyu, tmp_path, file, before, after, message):
    shutil.copytree(tiny_nyu / "nyu_depth_v2", tmp_path / "nyu_depth_v2")
    (described,) = tmp_path.rglob(file)
    described.write_text(described.read_text().replace(before, after))
    with pytest.raises(InputError, match=message):
        open_dataset("nyu_depth_v2", tmp_path)


def test_max_train_images_takes_the_first_records_of_train(tiny_nyu):
    whole = open_dataset("nyu_depth_v2", tiny_nyu, validation_fraction=0).split("train")
    first = open_dataset("nyu_depth_v2", tiny_nyu, validation_fraction=0, max_train_images=2).split("train")
    assert first.num_images == 2
    assert _depths(first) == _depths(whole)[:2]


def test_a_data_set_that_plain_tfds_wrote_is_read_with_a_warning_that_its_holdout_flatters(tiny_nyu, tmp_path, capsys):
    shutil.copytree(tiny_nyu / "nyu_depth_v2", tmp_path / "nyu_depth_v2")
    for sidecar in (tmp_path / "nyu_depth_v2").rglob("depth_tf_*"):
        sidecar.unlink()
    with pytest.raises(InputError, match="leaves a part of train empty: use more images, or 0"):
        open_dataset("nyu_depth_v2", tmp_path, validation_fraction=0.01)
    capsys.readouterr()
    dataset = open_dataset("nyu_depth_v2", tmp_path, validation_fraction=0.2)
    assert capsys.readouterr().out.count("warning:") == 1
    assert dataset.source == "tfds"
    assert dataset.split("holdout").num_images == 1
    assert dataset.split("train").num_images == 4


def test_what_is_not_there_is_refused_in_one_line(tiny_nyu, tmp_path):
    with pytest.raises(InputError, match="python -m depth_tf.prepare"):
        open_dataset("nyu_depth_v2", tmp_path)
    with pytest.raises(InputError, match="expected --dataset of auto, nyu_depth_v2, .*, got kitti"):
        open_dataset("kitti", tmp_path)
    with pytest.raises(InputError, match="no split 'test' here; it has: train, holdout, validation"):
        open_dataset("nyu_depth_v2", tiny_nyu).split("test")


def test_auto_is_nyu_where_it_is_prepared_and_says_so(tiny_nyu, capsys):
    assert open_dataset("auto", tiny_nyu).name == "nyu_depth_v2"
    assert "--dataset=auto: nyu_depth_v2" in capsys.readouterr().out


def test_auto_is_the_synthetic_rooms_elsewhere_and_names_the_command_that_prepares_nyu(tmp_path, capsys):
    assert resolve_name("auto", tmp_path) == "synthetic_rooms"
    (line,) = capsys.readouterr().out.splitlines()
    assert f"python -m depth_tf.prepare --source=... --data_dir={tmp_path}" in line


def test_what_the_flags_leave_unset_is_the_runs_or_the_default():
    config = {"dataset": "folder", "data_dir": "/photos", "depth_scale": 0.01, "max_depth_m": 40.0, "seed": 3}
    unset = evaluate.Settings(workdir="run", validation_fraction=0.0)
    assert evaluate.chosen_data(unset, config) == DataSettings(
        "folder", "/photos", 0.0, depth_scale=0.01, max_depth_m=40.0
    )
    other = evaluate.Settings(workdir="run", dataset="nyu_depth_v2")
    assert evaluate.chosen_data(other, config).data_dir is None


def test_a_range_of_depths_that_is_none_is_refused():
    for low, high in ((3.0, 2.0), (0.0, 2.0)):
        with pytest.raises(InputError, match="expected 0 < --min_depth_m < --max_depth_m"):
            DataSettings(min_depth_m=low, max_depth_m=high)
