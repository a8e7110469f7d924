"""The programs: what is read for the memory allowed, training, answering, comparing, importance."""

import dataclasses
import json
import os
import signal
import types

import numpy as np
import pytest
from PIL import Image

from depth_tf import evaluate
from depth_tf.data.opening import open_dataset
from depth_tf.runtime import run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.memory import GIB, peak_gib
from sklearn_baseline import compare, dataset, importance, measure, models, panels, persistence, predict, train
from sklearn_baseline.cues import DepthCues
from sklearn_baseline.estimator import DepthRegressor
from tests.conftest import read_csv
from tests.quick_train import build_quick

pytestmark = pytest.mark.usefixtures("few_patches")


@pytest.fixture(scope="module", name="run")
def _run(tiny_nyu, tmp_path_factory):
    """The folder of a model learnt from five made-up frames, with its scores."""
    folder = tmp_path_factory.mktemp("sklearn") / "run"
    train.main(train.Settings(**_data(tiny_nyu), views=1, output_dir=str(folder)))
    return folder


def _data(tiny_nyu) -> dict:
    return {"dataset": "nyu_depth_v2", "data_dir": os.fspath(tiny_nyu)}


def _size_px(path) -> tuple[int, int]:
    with Image.open(path) as opened:
        return opened.size


def test_the_number_of_images_is_the_largest_that_fits():
    """With a cost that is the square of the number: n pairs of 344,064 bytes and n^2 MB."""

    def fit_bytes(count):
        return 1_000_000 * count**2

    free = 10 * dataset.PAIR_BYTES + fit_bytes(10)
    assert dataset.num_images_that_fit(500, free_bytes=free, fit_bytes=fit_bytes) == 10
    assert dataset.num_images_that_fit(500, free_bytes=free - 1, fit_bytes=fit_bytes) == 9
    assert dataset.num_images_that_fit(7, free_bytes=free, fit_bytes=fit_bytes) == 7
    assert dataset.num_images_that_fit(7, free_bytes=-1, fit_bytes=fit_bytes) == 0


def test_more_images_and_more_views_take_more_memory():
    model = DepthRegressor()
    assert 0 < model.fit_bytes(100) < model.fit_bytes(101)
    assert DepthRegressor(num_views=6).fit_bytes(100) > model.fit_bytes(100)


def test_a_part_is_spread_over_the_scenes_in_the_splits_order(tiny_nyu, capsys):
    """Of five frames of two scenes, two: one of each."""
    split = open_dataset("nyu_depth_v2", tiny_nyu, validation_fraction=0).split("train")
    room = (peak_gib() + dataset.READER_GIB) + 2.5 * (dataset.PAIR_BYTES + 10**8) / GIB
    images, depths_m, scenes = dataset.read_part(split, max_ram_gib=room, fit_bytes=lambda count: count * 10**8)
    assert len(images) == len(depths_m) == 2
    assert "2 of 5 train images, spread over the scenes: " in capsys.readouterr().out
    all_images, all_depths_m, _ = dataset.read_pairs(split)
    assert len(all_images) == 5
    places = [np.flatnonzero((all_images == image).all((1, 2, 3)))[0] for image in images]
    assert places == sorted(places)
    assert len({split.scene_of_image[place] for place in places}) == 2
    np.testing.assert_array_equal(depths_m, all_depths_m[places])
    assert scenes.tolist() == [split.scene_of_image[place] for place in places]


def test_too_little_memory_for_one_image_is_refused(tiny_nyu):
    split = open_dataset("nyu_depth_v2", tiny_nyu).split("train")
    with pytest.raises(InputError, match="--max_ram_gib=0.01 is too little: one image needs"):
        dataset.read_part(split, max_ram_gib=0.01, fit_bytes=DepthRegressor().fit_bytes)


def test_training_leaves_a_model_and_its_scores(run):
    result = json.loads((run / "metrics.json").read_text())
    assert result["num_train_images"] == result["num_images_available"] == 5
    assert result["protocol"]["name"] == "eigen"
    assert result["num_images"] == len(read_csv(run / "per_image.csv")) == 2
    assert result["peak_gib"] > 0
    assert {path.name for path in run.iterdir()} == {"model.skops", "metrics.json", "per_image.csv", "panels.png"}


def test_predictions_of_a_split_score_as_training_said(run, tiny_nyu, tmp_path):
    """Through files and `depth_tf.evaluate`, as anyone's predictions are scored."""
    folder = tmp_path / "depth"
    predict.main(
        predict.Settings(**_data(tiny_nyu), model_file=str(run / "model.skops"), output_dir=str(folder), pictures=True)
    )
    assert np.load(folder / "00000_predicted.npy").shape == (480, 640)
    assert np.load(folder / "00000_predicted.npy").dtype == np.float32
    output = tmp_path / "metrics.json"
    evaluate.main(
        evaluate.Settings(**_data(tiny_nyu), predictions=str(folder), output=str(output), validation_fraction=0.0)
    )
    told = json.loads((run / "metrics.json").read_text())
    found = json.loads(output.read_text())
    assert found["abs_rel"] == pytest.approx(told["abs_rel"], rel=1e-6)
    assert found["floor"] == pytest.approx(told["floor"])
    assert _size_px(folder / "00001_predicted.png") == (640, 480)
    with pytest.raises(InputError, match="is not empty"):
        predict.main(predict.Settings(**_data(tiny_nyu), model_file=str(run / "model.skops"), output_dir=str(folder)))


def test_photographs_of_any_size_get_depth_of_their_size(run, tmp_path):
    rng = np.random.default_rng(0)
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(rng.integers(0, 255, (90, 61, 3)).astype(np.uint8)).save(photos / "tall.png")
    Image.fromarray(rng.integers(0, 255, (40, 50)).astype(np.uint8)).save(photos / "grey.jpg")
    Image.fromarray(np.full((40, 50), 2000, np.uint16)).save(photos / "grey_depth.png")  # no photograph
    settings = predict.Settings(
        model_file=str(run / "model.skops"), input=str(photos), output_dir=str(tmp_path / "out")
    )
    predict.main(settings)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{name}_predicted.{kind}" for name in ("grey", "tall") for kind in ("npy", "png")
    }
    assert np.load(tmp_path / "out" / "tall_predicted.npy").shape == (90, 61)
    predict.main(
        dataclasses.replace(settings, input=str(photos / "tall.png"), output_dir=str(tmp_path / "one"), n_jobs=1)
    )
    np.testing.assert_array_equal(
        np.load(tmp_path / "one" / "tall_predicted.npy"), np.load(tmp_path / "out" / "tall_predicted.npy")
    )


def test_importance_takes_one_kind_of_cue_at_a_time(run, tiny_nyu, tmp_path):
    settings = importance.Settings(
        **_data(tiny_nyu), model_file=str(run / "model.skops"), output_dir=str(tmp_path), repeats=1
    )
    importance.main(settings)
    result = json.loads((tmp_path / "importance.json").read_text())
    assert {row["group"] for row in result["groups"]} == {
        *("fine gradients", "middle gradients", "coarse gradients", "colour"),
        *("middle words", "coarse words", "scene patches", "scene colours"),
        *("scene fine edges", "scene middle edges", "scene coarse edges"),
    }
    assert (tmp_path / "importance.png").exists()
    assert f"| {result['groups'][0]['group']} |" in (tmp_path / "importance.md").read_text()


@pytest.mark.parametrize("count", [2, 3, 17])
def test_no_image_keeps_its_own_cues(count):
    order = importance.derangement(np.random.default_rng(0), count)
    assert sorted(order) == list(range(count))
    assert (order != np.arange(count)).all()


def test_a_cue_that_the_answer_does_not_use_has_no_importance(run, tiny_nyu):
    """With a model blind to colour."""
    model = persistence.load_model(run / "model.skops")
    split = open_dataset("nyu_depth_v2", tiny_nyu).split("validation")
    _, colour = model.cues_.groups()["colour"]
    answered = model.predict_log_depth
    model.predict_log_depth = lambda cues: answered(_without(cues, colour))
    result = importance.permutation_importance(model, split, repeats=2, seed=0)
    losses = {row["group"]: row["abs_rel_gained"] for row in result["groups"]}
    assert losses["colour"] == 0
    assert any(loss != 0 for loss in losses.values())


def _without(cues, channels):
    cues = cues.copy()
    cues["cells"][..., channels] = 0
    return cues


@pytest.fixture(scope="module", name="comparison")
def _comparison(tiny_nyu, tmp_path_factory):
    """A folder of two families compared on the made-up frames, and the settings."""
    folder = tmp_path_factory.mktemp("compare")
    settings = compare.Settings(
        **_data(tiny_nyu), families="kernel ridge,cell perceptrons", views=1, output_dir=str(folder)
    )
    compare.main(settings)
    return folder, settings


def test_a_comparison_lists_every_family_with_its_cost(comparison):
    folder, _ = comparison
    result = json.loads((folder / "compare.json").read_text())
    assert [row["family"] for row in result["families"]] == ["kernel ridge", "cell perceptrons"]
    for row in result["families"]:
        assert row["fit_s"] > 0
        assert row["peak_gib"] > 0.05
        assert row["abs_rel"] > 0
    assert (folder / "compare.md").read_text().count("| kernel ridge |") == 1
    assert (folder / "compare.png").exists()


def test_a_comparison_goes_on_where_it_was(comparison):
    """A family measured before is not measured again; another one is added to it."""
    folder, settings = comparison
    before = (folder / "kernel_ridge.json").stat().st_mtime_ns
    compare.main(dataclasses.replace(settings, families="kernel ridge"))
    assert (folder / "kernel_ridge.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="was made with other flags"):
        compare.main(dataclasses.replace(settings, views=2))


def test_a_familys_memory_is_its_own_and_not_its_parents(comparison):
    """This process has TensorFlow loaded, the family's has not."""
    result = json.loads((comparison[0] / "kernel_ridge.json").read_text())
    assert result["peak_gib"] < peak_gib() / 2


class _Here:
    """A process that runs in this one, as far as `compare` looks at it."""

    exitcode = 0

    def __init__(self, target, args):
        self.start = lambda: target(*args)

    def join(self):
        pass

    kill = join


def test_ctrl_c_is_for_the_program_and_not_for_the_process_that_measures(tmp_path, monkeypatch):
    """It is ignored while the process starts, which inherits that."""

    def note(family, folder, output, n_jobs, seed):
        output.write_text(json.dumps({"ignored": signal.getsignal(signal.SIGINT) == signal.SIG_IGN}))

    monkeypatch.setattr(measure, "measure", note)
    monkeypatch.setattr(compare.multiprocessing, "get_context", lambda _: types.SimpleNamespace(Process=_Here))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest in the background has it ignored
    settings = compare.Settings(output_dir=str(tmp_path))
    assert compare.measured("kernel ridge", tmp_path, settings) == {"ignored": True}
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_a_wall_answered_a_fifth_too_near_scores_a_fifth():
    truths_m = [np.full((480, 640), 2.5, np.float16)]
    found = measure.eigen_metrics(np.full((1, 15, 20), np.log(2.0), np.float32), truths_m)
    assert found["abs_rel"] == pytest.approx(0.2, rel=1e-3)
    assert found["rmse_m"] == pytest.approx(0.5, rel=1e-3)


def test_an_unknown_family_is_refused():
    with pytest.raises(InputError, match="expected --families of kernel ridge, cell perceptrons"):
        compare.chosen_families("kernel ridge,magic")


@pytest.mark.parametrize("family", sorted(models.HEADS))
def test_every_family_learns_from_a_few_cues(family):
    rng = np.random.default_rng(0)
    cues = np.empty(24, DepthCues(4, 2).dtype())
    for field in cues.dtype.names:
        cues[field] = rng.normal(size=cues[field].shape)
    shares = np.broadcast_to(rng.random((24, 1, 1, 1)), (24, 15, 20, 12)).astype(np.float32)
    shares += 0.01 * rng.normal(size=shares.shape).astype(np.float32)
    with measure.quiet():
        answer = models.HEADS[family](1, 0).fit(cues, shares).predict(cues[:2])
    assert answer.shape == (2, 15, 20, 12)
    assert np.isfinite(answer).all()


def test_panels_show_both_predictions(run, tiny_nyu, tmp_path):
    build_quick(64, 64).save(tmp_path / run_folder.BEST_NETWORK)
    (tmp_path / run_folder.CONFIG).write_text('{"image_height_px": 64, "image_width_px": 64}')
    panels.main(
        panels.Settings(
            **_data(tiny_nyu),
            model_file=str(run / "model.skops"),
            network_run=str(tmp_path),
            num_images=2,
            output=str(tmp_path / "panels.png"),
        )
    )
    width, height = _size_px(tmp_path / "panels.png")
    assert width > 3 * height / 2  # six pictures beside one another, two rows


@pytest.mark.parametrize("program", [predict, importance])
def test_a_program_without_a_model_says_what_it_needs(program):
    with pytest.raises(InputError, match="expected --model_file"):
        program.Settings()


@pytest.mark.parametrize("changes", [{"views": 0}, {"n_jobs": 0}, {"max_ram_gib": 0.0}])
def test_settings_out_of_range_are_refused(changes):
    with pytest.raises(InputError, match="expected --"):
        train.Settings(**changes)
