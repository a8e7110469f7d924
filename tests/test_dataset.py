"""Splits: whole scenes on one side of the cut, every record once, in an order that never changes."""

import collections
import json
import shutil

import numpy as np
import pytest

from depth_tf.dataset import open_dataset, options_of, resolve_name
from depth_tf.errors import InputError
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


def test_reading_twice_gives_the_same_order(tiny_nyu):
    split = open_dataset("nyu_depth_v2", tiny_nyu).split("train")
    assert _depths(split) == _depths(split)


def test_max_train_images_takes_the_first_records_of_train(tiny_nyu):
    whole = open_dataset("nyu_depth_v2", tiny_nyu, validation_fraction=0).split("train")
    first = open_dataset("nyu_depth_v2", tiny_nyu, validation_fraction=0, max_train_images=2).split("train")
    assert first.num_images == 2
    assert _depths(first) == _depths(whole)[:2]


def test_a_data_set_that_plain_tfds_wrote_is_read_with_a_warning_that_its_holdout_flatters(tiny_nyu, tmp_path, capsys):
    shutil.copytree(tiny_nyu / "nyu_depth_v2", tmp_path / "nyu_depth_v2")
    for sidecar in (tmp_path / "nyu_depth_v2").rglob("depth_tf_*"):
        sidecar.unlink()
    dataset = open_dataset("nyu_depth_v2", tmp_path, validation_fraction=0.2)
    assert capsys.readouterr().out.count("warning:") == 1
    assert dataset.source == "tfds"
    assert dataset.split("holdout").num_images == 1
    assert dataset.split("train").num_images == 4


def test_the_source_stands_in_the_sidecar(tiny_nyu):
    (sidecar,) = tiny_nyu.rglob("depth_tf_source.json")
    assert json.loads(sidecar.read_text())["kind"] == open_dataset("nyu_depth_v2", tiny_nyu).source


def test_what_is_not_there_is_refused_in_one_line(tiny_nyu, tmp_path):
    with pytest.raises(InputError, match="python -m depth_tf.prepare"):
        open_dataset("nyu_depth_v2", tmp_path)
    with pytest.raises(InputError, match="unknown data set 'kitti': expected one of auto, nyu_depth_v2"):
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


def test_options_are_the_flags_that_are_set_then_the_runs_own():
    flags = {"depth_scale": None, "validation_fraction": 0.0, "seed": 3}
    assert options_of(flags, {"depth_scale": 0.01, "validation_fraction": 0.2}) == {
        "depth_scale": 0.01,
        "validation_fraction": 0.0,
    }
