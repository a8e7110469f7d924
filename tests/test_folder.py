"""Photographs of one's own as a data set: found, ordered, held out by folder, exported, trained on."""

import dataclasses
import itertools
import json
import os
import pathlib
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from depth_tf import evaluate, train
from depth_tf.data import photos
from depth_tf.data.folder import export_folder
from depth_tf.data.opening import naming_bad_records, open_dataset
from depth_tf.data.settings import DataSettings
from depth_tf.data.splits import Split
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.run_folder import read_config
from depth_tf.training import resume, stages
from tests.photographs import RNG, damage, depth_units, picture, write_pair
from tests.quick_train import build_quick

SCENES = ("hall", "house/kitchen", "house/study")


def _open(root, **changes):
    return open_dataset("folder", root, **{"validation_fraction": 0, **changes})


def _read(root, split="train", **changes) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(_open(root, **changes).split(split).read().as_numpy_iterator())


@pytest.fixture(name="rooms")
def _rooms(tmp_path) -> pathlib.Path:
    """A folder of three scenes with three pairs each, and no validation/."""
    for scene in SCENES:
        for number in range(3):
            write_pair(tmp_path / "own" / "train" / scene / f"photo {number}")
    return tmp_path / "own"


def test_sizes_may_differ_from_pair_to_pair_down_to_one_pixel(tmp_path):
    for name, shape in (("a", (1, 1)), ("b", (30, 20)), ("c", (7, 90))):
        write_pair(tmp_path / "train" / name, picture(*shape), depth_units(*shape))
    assert {image.shape[:2] for image, _ in _read(tmp_path)} == {(1, 1), (30, 20), (7, 90)}


def test_damage_behind_the_first_bytes_of_a_file_is_named_when_it_is_read(rooms):
    damage(rooms / "train" / "hall" / "photo 0.png")
    opened = _open(rooms)
    with pytest.raises(InputError, match="photo 0.png cannot be read") as caught, naming_bad_records(opened):
        list(opened.split("train").read())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"units": np.ones((9, 9), np.uint16)}, {"image": depth_units()}])
def test_what_the_first_bytes_tell_is_refused_before_anything_is_read(rooms, change):
    write_pair(rooms / "train" / "house" / "study" / "odd", **change)
    with pytest.raises(InputError, match="odd"):
        _open(rooms)


def test_incomplete_pairs_are_listed_and_refused(rooms):
    for number in range(3):
        (rooms / "train" / "hall" / f"photo {number}_depth.png").unlink()
    (rooms / "train" / "house" / "study" / "photo 1.png").unlink()
    Image.fromarray(picture()).save(rooms / "train" / "house" / "alone.webp")
    with pytest.raises(InputError) as caught:
        _open(rooms)
    assert str(caught.value) == (
        "4 photographs without a depth map (train/hall/photo 0.png, train/hall/photo 1.png, train/hall/photo 2.png, "
        "...) and 1 depth maps without a photograph (train/house/study/photo 1_depth.png): "
        "complete each pair, name.jpg with name_depth.png, .npy or .tiff, or leave these out with --skip_incomplete"
    )


def test_incomplete_pairs_are_left_out_aloud_if_asked(rooms, capsys):
    (rooms / "train" / "hall" / "photo 0_depth.png").unlink()
    opened = _open(rooms, skip_incomplete=True)
    assert opened.split("train").num_images == 8
    assert capsys.readouterr().out == "left out: 1 photographs without a depth map (train/hall/photo 0.png)\n"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "no folder .*train: expected photographs there"),
        (["a.jpg", "a_depth.png"], "no folder .*train: expected photographs there"),
        (["train/notes.txt"], "train holds no photograph with its depth map"),
        (["train/a.jpg", "train/a.png", "train/a_depth.png"], "train holds both a.jpg and a.png: expected one"),
        (["train/a.jpg", "train/a_depth.npy", "train/a_depth.png"], "holds both a_depth.npy and a_depth.png"),
        (["train/a.jpg"], "1 photographs without a depth map"),
    ],
)
def test_a_folder_of_another_form_is_refused(tmp_path, files, message):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=message):
        _open(tmp_path)


@pytest.mark.parametrize("scale", [0.0, -0.001, float("nan"), float("inf")])
def test_a_depth_scale_that_is_no_length_is_refused(scale):
    with pytest.raises(InputError, match="expected --depth_scale above 0"):
        DataSettings(depth_scale=scale)


def test_upper_case_endings_count_and_hidden_files_do_not(tmp_path):
    write_pair(tmp_path / "train" / "DSC_1")
    (tmp_path / "train" / "DSC_1.png").rename(tmp_path / "train" / "DSC_1.PNG")
    (tmp_path / "train" / "DSC_1_depth.png").rename(tmp_path / "train" / "DSC_1_depth.PNG")
    (tmp_path / "train" / "._DSC_1.PNG").write_bytes(b"a note of macOS")
    (tmp_path / "train" / ".thumbnails").mkdir()
    (tmp_path / "train" / ".thumbnails" / "DSC_1.png").write_bytes(b"small")
    assert _open(tmp_path).split("train").num_images == 1


def test_the_order_is_mixed_and_depends_on_the_paths_within_the_split_alone(rooms, tmp_path):
    first = _open(rooms).split("train").scene_of_image
    assert first != tuple(sorted(first))
    images = [image for image, _ in _read(rooms)]
    rooms.rename(tmp_path / "moved")
    assert _open(tmp_path / "moved").split("train").scene_of_image == first
    assert all(np.array_equal(a, b) for a, (b, _) in zip(images, _read(tmp_path / "moved"), strict=True))


def test_the_first_images_of_train_are_the_first_of_all_with_their_scenes(rooms):
    whole, cut = _open(rooms).split("train"), _open(rooms, max_train_images=4).split("train")
    assert cut.num_images == 4
    assert cut.scene_of_image == whole.scene_of_image[:4]
    pairs = zip(cut.read().as_numpy_iterator(), whole.read().take(4).as_numpy_iterator(), strict=True)
    assert all(np.array_equal(a, b) for (a, _), (b, _) in pairs)


def test_each_image_comes_with_its_own_depth_and_scene(tmp_path):
    """A pair's image and depth hold one number, which also names its scene."""
    for number in range(1, 8):
        flat = np.full((4, 4), number, np.uint16)
        write_pair(tmp_path / "train" / str(number) / "x", np.stack([flat.astype(np.uint8)] * 3, -1), 1000 * flat)
    split = _open(tmp_path).split("train")
    for scene, (image, depth_m) in zip(split.scene_of_image, split.read().as_numpy_iterator(), strict=True):
        assert image.max() == int(scene) == depth_m.max()


def test_the_holdout_takes_whole_folders(rooms):
    opened = _open(rooms, validation_fraction=0.3)
    assert list(opened.splits) == ["train", "holdout"]
    kept, held = (set(opened.split(name).scene_of_image) for name in ("train", "holdout"))
    assert kept | held == set(SCENES)
    assert not kept & held
    assert (opened.split("train").num_images, opened.split("holdout").num_images) == (6, 3)


def test_photographs_of_one_folder_are_held_out_singly_with_a_warning(tmp_path, capsys):
    for number in range(10):
        write_pair(tmp_path / "train" / f"{number}", picture(2, 2), depth_units(2, 2))
    opened = _open(tmp_path, validation_fraction=0.2)
    assert {name: split.num_images for name, split in opened.splits.items()} == {"train": 8, "holdout": 2}
    assert capsys.readouterr().out.startswith("warning: all photographs lie in one folder")
    assert opened.split("train").scene_of_image == (".",) * 8


def test_validation_is_read_from_its_own_folder(rooms):
    write_pair(rooms / "validation" / "attic" / "one", picture(5, 5), depth_units(5, 5))
    opened = _open(rooms)
    assert opened.split("validation").num_images == 1
    assert _read(rooms, "validation")[0][0].shape == (5, 5, 3)


@pytest.mark.parametrize("scenes", [None, ("b", "a/x", "b")])
def test_what_is_exported_reads_back_the_same_to_half_a_millimetre(tmp_path, scenes):
    images = RNG.integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    depths_m = RNG.uniform(0.001, 65, (3, 6, 8, 1)).astype(np.float32)
    depths_m[0, 0, :6, 0] = (0, np.nan, np.inf, -0.001, 65.535, 65.534)
    split = Split("train", 3, lambda: tf.data.Dataset.from_tensor_slices((images, depths_m)), scenes)
    export_folder(split, tmp_path / "out", num_images=100)
    depths_m[0, 0, :5] = 0
    opened = _open(tmp_path / "out").split("train")
    assert sorted(opened.scene_of_image) == sorted(scenes or [".", ".", "."])
    for image, depth_m in opened.read().as_numpy_iterator():
        place = next(place for place in range(3) if np.array_equal(images[place], image))
        assert np.abs(depth_m - depths_m[place]).max() <= 0.0005 + 1e-5


def test_nyu_is_exported_with_the_room_that_each_image_shows(tiny_nyu, tmp_path):
    from tests.fastdepth_archive import made_up_frames

    dataset = open_dataset("nyu_depth_v2", tiny_nyu, validation_fraction=0)
    export_folder(dataset.split("train"), tmp_path / "out", num_images=4)
    export_folder(dataset.split("validation"), tmp_path / "out", num_images=4)
    made_up = made_up_frames()
    for name, count in (("train", 4), ("validation", 2)):
        split = _open(tmp_path / "out").split(name)
        assert split.num_images == count
        for scene, (image, depth_m) in zip(split.scene_of_image, split.read().as_numpy_iterator(), strict=True):
            frames = made_up[name].values()
            true_m = next(true_m for room, shown, true_m in frames if room == scene and np.array_equal(shown, image))
            # Records hold float16, whose steps are 7.8 mm at the far end.
            assert np.abs(depth_m[..., 0] - true_m).max() <= 0.0005 + 0.0040


def test_an_export_into_a_folder_in_use_is_refused(rooms):
    with pytest.raises(InputError, match="train is there already and not an empty folder"):
        export_folder(_open(rooms).split("train"), rooms, num_images=1)


def test_an_export_that_fails_leaves_nothing(rooms, tmp_path):
    damage(rooms / "train" / "hall" / "photo 0.png")
    split = _open(rooms).split("train")
    with pytest.raises(tf.errors.InvalidArgumentError):
        export_folder(split, tmp_path / "out", num_images=9)
    assert list((tmp_path / "out").iterdir()) == []


def test_reading_calls_the_reader_in_parallel_also_when_ops_are_deterministic(rooms, monkeypatch):
    """The first two calls wait for each other; made one after the other, the first would wait in vain."""
    tf.config.experimental.enable_op_determinism()
    meeting, calls = threading.Barrier(2, timeout=10), itertools.count()

    def meet(*_, **__):
        if next(calls) < 2:
            meeting.wait()
        return np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.float32)

    monkeypatch.setattr(photos, "read_pair", meet)
    pairs = _open(rooms).split("train").read().take(2)
    assert len(list(pairs)) == 2


@pytest.fixture(name="folder_settings")
def _folder_settings(rooms, tiny_settings, tmp_path):
    return dataclasses.replace(
        tiny_settings, dataset="folder", data_dir=os.fspath(rooms), epochs=1, workdir=os.fspath(tmp_path / "run")
    )


@pytest.mark.usefixtures("no_panels", "few_metrics", "eagerly")
def test_a_network_is_trained_and_scored_on_photographs_of_ones_own(rooms, folder_settings):
    """The run's own unit and its leave to skip are used again by the evaluator, unless its flags say otherwise."""
    write_pair(rooms / "train" / "yard" / "portrait", picture(60, 30), depth_units(60, 30))
    Image.fromarray(picture()).save(rooms / "train" / "yard" / "alone.png")
    settings = dataclasses.replace(folder_settings, depth_scale=0.0005, skip_incomplete=True)
    result = train.train(settings)
    assert (result["dataset"], result["source"], result["split"]) == ("folder", "folder", "holdout")
    assert result["num_images"] + result["num_train_images"] == 10
    assert result["protocol"]["name"] == "full"
    assert read_config(settings.workdir)["depth_scale"] == 0.0005

    evaluate.main(evaluate.Settings(workdir=settings.workdir, split="holdout"))
    again = json.loads((pathlib.Path(settings.workdir) / "holdout_full.json").read_text())
    assert again["abs_rel"] == pytest.approx(result["abs_rel"], rel=1e-6)
    with pytest.raises(InputError, match="1 photographs without a depth map"):
        evaluate.main(evaluate.Settings(workdir=settings.workdir, split="holdout", skip_incomplete=False))


@pytest.mark.parametrize("saved_state", [None, resume.State(1, False, {}, {})])
def test_what_a_folder_holds_is_told_at_first_and_not_when_a_run_goes_on(folder_settings, capsys, saved_state):
    settings, dataset, workdir = stages.open_run(folder_settings)
    stages.announce(settings, dataset, build_quick(64, 64), workdir, saved_state, epochs=2, steps=1)
    assert ("outside the range" in capsys.readouterr().out) == (saved_state is None)


def test_a_damaged_photograph_ends_training_with_its_name(rooms, folder_settings):
    damage(rooms / "train" / "hall" / "photo 0.png")
    with pytest.raises(InputError, match="photo 0.png cannot be read") as caught:
        train.train(dataclasses.replace(folder_settings, validation_fraction=0.0))
    assert "\n" not in str(caught.value)


def test_a_damaged_photograph_of_validation_is_named_too(rooms, folder_settings, monkeypatch):
    monkeypatch.setattr(
        keras.Model, "fit", lambda network, *_, **__: network.save(f"{folder_settings.workdir}/best.keras")
    )
    write_pair(rooms / "validation" / "attic" / "one")
    damage(rooms / "validation" / "attic" / "one.png")
    with pytest.raises(InputError, match="one.png cannot be read"):
        train.train(folder_settings)
