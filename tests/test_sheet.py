"""What is said of a data set: its counts, its depths, its scenes, and the sheet that shows them."""

import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from depth_tf import dataset
from depth_tf.data import survey
from depth_tf.data.splits import DepthDataset, Split
from depth_tf.drawing import figures
from depth_tf.runtime.errors import InputError

RNG = np.random.default_rng(8)


def _split(depths_m, name="train", scenes=None) -> Split:
    """A split of grey images with these depth maps, [N, H, W]."""
    depths_m = np.asarray(depths_m, np.float32)[..., np.newaxis]
    images = np.full((*depths_m.shape[:3], 3), 99, np.uint8)
    return Split(name, len(images), lambda: tf.data.Dataset.from_tensor_slices((images, depths_m)), scenes)


def _drawn(monkeypatch, split, num_images=24) -> dict:
    """Returns what `contact_sheet` is asked to draw of a data set with this one split."""
    asked = {}
    monkeypatch.setattr(figures, "contact_sheet", lambda path, examples, **more: asked.update(more, examples=examples))
    made = DepthDataset("rooms", "folder", {split.name: split})
    dataset.draw_sheet("unused.png", made, split, {split.name: survey.survey(split)}, num_images)
    return asked


def test_the_median_and_the_missing_share_are_those_of_all_pixels_of_small_images():
    depths_m = RNG.choice([0, np.nan, np.inf, -1, 0.5, 2, 7], (5, 40, 30))
    valid = np.isin(depths_m, [0.5, 2, 7])
    found = survey.survey(_split(depths_m))
    assert found.missing == pytest.approx(1 - valid.mean())
    assert found.median_m == np.median(depths_m[valid])


def test_pixels_of_a_large_image_are_taken_from_all_over_it():
    """On a ramp, evenly spread pixels have the mean and the extremes of all of them, to within a step."""
    ramp_m = np.linspace(1.0, 5.0, 480 * 640).reshape(1, 480, 640)
    found = survey.survey(_split(ramp_m))
    assert found.depths_m.size < 20_000
    assert found.depths_m.mean() == pytest.approx(3.0, abs=0.02)
    assert found.depths_m.min() == pytest.approx(1.0, abs=0.05)
    assert found.depths_m.max() == pytest.approx(5.0, abs=0.05)


def test_only_the_first_images_of_a_large_split_are_read(monkeypatch):
    monkeypatch.setattr(survey, "SURVEYED_IMAGES", 2)
    split = _split([np.full((4, 4), depth) for depth in (1, 3, 9)])
    assert survey.survey(split).median_m == 2
    lines = dataset.count_lines(DepthDataset("rooms", "x", {"train": split}), {"train": survey.survey(split)})
    assert lines[-1] == "(depths of the first 2 images of each split)"


def test_counts_name_every_split_with_its_scenes_and_images():
    splits = {
        "train": _split(np.full((3, 4, 4), 2.0), scenes=("a", "b", "a")),
        "validation": _split([[[0.0, 3.0], [0.0, 0.0]]], "validation"),
    }
    lines = dataset.count_lines(
        DepthDataset("rooms", "x", splits), {name: survey.survey(part) for name, part in splits.items()}
    )
    assert [line.split() for line in lines] == [
        ["split", "scenes", "images", "least", "median", "greatest", "missing", "outside"],
        ["train", "2", "3", *["2.00", "m"] * 3, *["0.0", "%"] * 2],
        ["validation", "unknown", "1", *["3.00", "m"] * 3, "75.0", "%", "0.0", "%"],
    ]


def test_scenes_are_listed_largest_first_and_the_rest_counted():
    names = [f"room {number:02d}" for number in range(12) for _ in range(number + 1)]
    lines = dataset.scene_lines(_split(np.ones((78, 1, 1)), scenes=tuple(names)))
    assert lines[:3] == ["scenes of train, by images:", "room 11: 12", "room 10: 11"]
    assert lines[-2:] == ["room 04: 5", "and 4 more"]


def test_unknown_scenes_are_called_unknown():
    assert dataset.scene_lines(_split(np.ones((2, 1, 1)))) == ["scenes of train: unknown"]


def test_the_histogram_covers_the_depths_up_to_the_end_of_the_scale(monkeypatch):
    """A thousandth of the pixels lies at 40 m: the scale ends at 5 m, rounded up from 4.2 m, without them."""
    depths_m = np.append(np.full(9_991, 4.2), np.full(9, 40.0)).reshape(1, 100, 100)
    depths_m = depths_m.repeat(2, 0)
    monkeypatch.setattr(survey, "PIXELS_PER_SIDE", 100)
    asked = _drawn(monkeypatch, _split(depths_m))
    assert asked["bin_edges_m"][[0, -1]].tolist() == [0, 5]
    assert asked["bin_counts"].sum() == 2 * 9_991
    assert asked["bin_counts"][np.searchsorted(asked["bin_edges_m"], 4.2) - 1] == 2 * 9_991


def test_examples_carry_their_scene_and_are_as_many_as_asked_for(monkeypatch):
    split = _split([np.full((4, 4), depth) for depth in (1, 2, 3)], scenes=("a", "b", "c"))
    examples = _drawn(monkeypatch, split, num_images=2)["examples"]
    assert [(example.caption, float(example.depth_m.max())) for example in examples] == [("a", 1.0), ("b", 2.0)]


def test_a_large_example_is_shrunk_without_mixing_depths(monkeypatch):
    depth_m = RNG.choice([0.0, 1.0, 6.0], (1, 1200, 900))
    example = _drawn(monkeypatch, _split(depth_m))["examples"][0]
    assert example.image.shape == (400, 300, 3)
    assert example.depth_m.shape == (400, 300)
    assert np.unique(example.depth_m).tolist() == [0, 1, 6]


def test_upright_examples_come_last_and_others_keep_their_order(monkeypatch):
    shapes = {"a": (8, 4), "b": (3, 4), "c": (6, 8), "d": (8, 6)}
    pairs = [(np.zeros((*shape, 3), np.uint8), np.ones((*shape, 1), np.float32)) for shape in shapes.values()]
    kinds = (tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((None, None, 1), tf.float32))
    read = lambda: tf.data.Dataset.from_generator(lambda: iter(pairs), output_signature=kinds)  # noqa: E731
    examples = _drawn(monkeypatch, Split("train", 4, read, tuple(shapes)))["examples"]
    assert [example.caption for example in examples] == ["b", "c", "d", "a"]


def test_a_long_scene_keeps_its_end(monkeypatch):
    split = _split(np.ones((1, 4, 4)), scenes=("a house in the country/second floor/study",))
    assert _drawn(monkeypatch, split)["examples"][0].caption == "...ry/second floor/study"


def test_a_split_without_any_depth_is_refused(monkeypatch):
    with pytest.raises(InputError, match="no pixel of 2 train images has a depth"):
        _drawn(monkeypatch, _split(np.zeros((2, 4, 4))))


def test_the_program_draws_and_counts_what_a_data_set_holds(tiny_nyu, tmp_path, capsys):
    settings = dataset.Settings(
        dataset="nyu_depth_v2",
        data_dir=os.fspath(tiny_nyu),
        output=os.fspath(tmp_path / "sheet.png"),
        validation_fraction=0.0,
    )
    dataset.main(settings)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "nyu_depth_v2, source: fastdepth_folder"
    assert [line.split()[:3] for line in lines[2:4]] == [["train", "2", "5"], ["validation", "2", "2"]]
    assert lines[4:7] == ["scenes of train, by images:", "cafe_0001: 3", "office_0003: 2"]
    with Image.open(tmp_path / "sheet.png") as drawn:
        assert drawn.format == "PNG"
        assert drawn.width > drawn.height / 2


def test_the_program_writes_a_folder_that_it_can_open(tiny_nyu, tmp_path, capsys):
    own = os.fspath(tmp_path / "own")
    dataset.main(dataset.Settings(data_dir=os.fspath(tiny_nyu), validation_fraction=0.0, export_folder=own))
    assert f"wrote 5 images with depth to {own}/train" in capsys.readouterr().out
    dataset.main(dataset.Settings(dataset="folder", data_dir=own))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_images": 0}, "--num_images of 1 or more, got 0"),
        ({"split": "test"}, "nyu_depth_v2 has no split 'test' here; it has: train, holdout, validation"),
        ({"dataset": "folder"}, "no folder .*train: expected photographs there"),
        ({"depth_scale": 0.0}, "expected --depth_scale above 0"),
    ],
)
def test_what_cannot_be_shown_is_refused(tiny_nyu, change, message):
    with pytest.raises(InputError, match=message):
        dataset.main(dataset.Settings(**{"data_dir": os.fspath(tiny_nyu), **change}))
