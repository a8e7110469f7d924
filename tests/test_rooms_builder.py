"""The data set `synthetic_rooms`: its records, its splits, and that it is made once and whole."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from depth_tf.data import scenes
from depth_tf.data.opening import open_dataset
from depth_tf.runtime.errors import InputError
from depth_tf.synthetic_rooms import builder
from depth_tf.synthetic_rooms.builder import SPLITS, open_rooms
from depth_tf.synthetic_rooms.frames import Job, render_room, render_rooms


@pytest.fixture(scope="module", name="tiny")
def _tiny(tiny_rooms) -> tfds.core.DatasetBuilder:
    """The smallest size, rendered."""
    return open_rooms(tiny_rooms, "tiny")


@pytest.fixture(scope="module", name="examples")
def _examples(tiny) -> dict[str, list[dict]]:
    """Every example of every split, with its tfds_id."""
    config = tfds.ReadConfig(add_tfds_id=True, try_autocache=False)
    return {split: list(tiny.as_dataset(split=split, read_config=config).as_numpy_iterator()) for split in SPLITS}


@pytest.fixture(name="fake_rooms")
def _fake_rooms(monkeypatch) -> list[int]:
    """Replaces the renderer by one that takes no time; returns the rooms asked for so far."""
    asked: list[int] = []

    def fake(jobs, *, workers):
        for job in jobs:
            asked.append(job.room)
            png = tf.io.encode_png(np.full((240, 320, 3), 10 * job.room, np.uint8)).numpy()
            yield job, [(png, np.full((240, 320), 2.0, np.float16))] * job.frames

    monkeypatch.setattr(builder, "render_rooms", fake)
    return asked


def test_features_are_nyus_at_half_its_size(tiny):
    ours, nyus = tiny.info.features, tfds.builder("nyu_depth_v2").info.features
    assert set(ours) == set(nyus)
    for name, feature in ours.items():
        assert type(feature) is type(nyus[name])
        assert feature.np_dtype == nyus[name].np_dtype
        assert [2 * extent for extent in feature.shape[:2]] == list(nyus[name].shape[:2])
        assert feature.shape[2:] == nyus[name].shape[2:]
    assert tiny.info.supervised_keys == ("image", "depth")


def test_depths_are_those_of_rooms_with_some_readings_missing(examples):
    depths_m = np.stack([example["depth"] for example in examples["train"]]).astype(np.float32)
    missing = (depths_m == 0).mean(axis=(1, 2))
    assert missing.max() < 0.7
    assert 0.01 < missing.mean() < 0.3
    read_m = depths_m[depths_m > 0]
    assert 0.5 <= read_m.min() < read_m.max() <= 10
    assert 1.5 < np.median(read_m) < 4


def test_no_room_and_no_image_is_in_two_splits(tiny, examples):
    known = scenes.read_scenes(tiny.data_path)
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not set(known[first].values()) & set(known[second].values())
        images = [{example["image"].tobytes() for example in examples[split]} for split in (first, second)]
        assert not images[0] & images[1]


def test_the_table_of_scenes_names_the_room_of_every_record(tiny, examples):
    known = scenes.read_scenes(tiny.data_path)
    for split, found in examples.items():
        assert set(known[split]) == {example["tfds_id"].decode() for example in found}
        rooms = list(known[split].values())
        assert {rooms.count(room) for room in rooms} == {2}


def test_a_record_is_the_frame_that_its_key_names(tiny, examples):
    """Room and view stand in the table beside the records: rendered here again, they give the same image."""
    with open(tiny.data_path / scenes.SCENES_FILE) as file:
        lines = [line.strip().split(",") for line in file]
    _, tfds_id, key, _ = next(line for line in lines if line[:1] == ["test"])
    room, frame = (int(part) for part in key.removeprefix("room_").split("_"))
    png, depth_m = render_room(Job(seed=0, split="test", room=room, frames=2))[frame]
    found = next(example for example in examples["test"] if example["tfds_id"].decode() == tfds_id)
    np.testing.assert_array_equal(found["image"], tf.io.decode_png(png).numpy())
    np.testing.assert_array_equal(found["depth"], depth_m)


def test_frames_do_not_depend_on_the_number_of_workers():
    jobs = [Job(seed=1, split="train", room=room, frames=1) for room in range(2)]
    alone, shared = (list(render_rooms(jobs, workers=workers)) for workers in (1, 2))
    assert [job for job, _ in alone] == [job for job, _ in shared] == jobs
    for (_, first), (_, second) in zip(alone, shared, strict=True):
        assert first[0][0] == second[0][0]
        np.testing.assert_array_equal(first[0][1], second[0][1])


def test_a_room_that_cannot_be_rendered_is_named():
    with pytest.raises(RuntimeError, match="room 7 of no such split could not be rendered"):
        list(render_rooms([Job(0, "no such split", 7, 1)], workers=1))


def test_a_worker_that_dies_is_reported_with_its_room():
    """The first room kills its process, by an argument that ends it when it is unpickled there."""
    with pytest.raises(RuntimeError, match="worker died while it rendered room 5 of train"):
        list(render_rooms([Job(_Poison(), "train", 5, 1)], workers=1))


class _Poison:
    def __reduce__(self):
        return os._exit, (1,)


def test_a_worker_imports_no_tensorflow():
    code = "import sys, depth_tf.synthetic_rooms.frames; assert not any('tensorflow' in name for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_opening_a_second_time_renders_nothing(tmp_path, fake_rooms):
    open_rooms(tmp_path, "tiny")
    rendered = len(fake_rooms)
    again = open_rooms(tmp_path, "tiny")
    assert rendered == 20
    assert len(fake_rooms) == rendered
    assert again.info.splits["train"].num_examples == 24


def test_an_interruption_leaves_nothing_behind_and_the_next_run_works(tmp_path, fake_rooms, monkeypatch):
    def interrupted(jobs, *, workers):
        yield from ()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(builder, "render_rooms", interrupted)
        with pytest.raises(KeyboardInterrupt):
            open_rooms(tmp_path, "tiny")
    assert not list(tmp_path.iterdir())
    assert open_rooms(tmp_path, "tiny").info.splits["test"].num_examples == 8


def test_an_unknown_size_is_refused_in_one_line(tmp_path):
    with pytest.raises(InputError, match="expected --rooms of default, tiny, large, got huge"):
        open_dataset("synthetic_rooms", tmp_path, rooms="huge")
