"""The evaluator: files and networks score alike, every image counts, and what cannot be scored is refused."""

import json
import os
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from depth_tf import evaluate, pipeline
from depth_tf.data.opening import open_dataset
from depth_tf.drawing import predictions
from depth_tf.evaluate import Settings
from depth_tf.runtime.errors import InputError
from depth_tf.saved import load_network
from depth_tf.scoring import mean_depth as floor
from depth_tf.scoring import metrics
from depth_tf.scoring import score as scoring
from depth_tf.scoring.protocols import EIGEN_CROP, PROTOCOLS
from tests.conftest import read_csv

pytestmark = pytest.mark.usefixtures("no_panels", "flat_floor")


@pytest.fixture(scope="module", name="truths_m")
def _truths_m(tiny_nyu) -> list[np.ndarray]:
    """The two depth maps of `validation`, [480, 640] float32, metres."""
    split = open_dataset("nyu_depth_v2", tiny_nyu).split("validation")
    return [depth_m[..., 0] for _, depth_m in split.read().as_numpy_iterator()]


def _score(tmp_path, tiny_nyu, maps, **changes) -> dict:
    folder = tmp_path / "maps"
    folder.mkdir(exist_ok=True)
    for index, depth_map in enumerate(maps):
        np.save(folder / f"{index:05d}.npy", depth_map)
    output = tmp_path / "metrics.json"
    settings = {"predictions": str(folder), "data_dir": str(tiny_nyu), "output": str(output), **changes}
    evaluate.main(Settings(**settings))
    return json.loads(output.read_text())


def test_the_truth_scores_perfectly(tmp_path, tiny_nyu, truths_m):
    result = _score(tmp_path, tiny_nyu, truths_m)
    assert result["abs_rel"] == result["rmse_m"] == 0
    assert result["delta1"] == 1
    assert result["num_images"] == 2


def test_png_predictions_are_read_in_their_unit_and_inverse_depth_is_warned_of(tmp_path, tiny_nyu, truths_m, capsys):
    (tmp_path / "maps").mkdir()
    for index, true_m in enumerate(truths_m):
        Image.fromarray((true_m * 5000).round().astype(np.uint16)).save(tmp_path / "maps" / f"{index:05d}.png")
    assert _score(tmp_path, tiny_nyu, [], prediction_scale=1 / 5000)["abs_rel"] < 0.001
    assert "warning" not in capsys.readouterr().out
    with pytest.raises(InputError, match="expected --prediction_scale above 0, 1 at most, got 5000"):
        _score(tmp_path, tiny_nyu, [], prediction_scale=5000)
    _score(tmp_path, tiny_nyu, [1 / true_m for true_m in truths_m])
    assert "warning: predictions fall where the truth rises" in capsys.readouterr().out


def test_predictions_are_taken_under_the_names_that_our_programs_give_them(tmp_path, tiny_nyu, truths_m):
    for index, true_m in enumerate(truths_m):
        predictions.write(tmp_path / "maps" / f"{index:05d}", true_m, ("picture", "npy", "png16"))
    assert _score(tmp_path, tiny_nyu, [])["abs_rel"] == 0
    for path in (tmp_path / "maps").glob("*.npy"):
        path.unlink()
    assert 0 < _score(tmp_path, tiny_nyu, [])["abs_rel"] < 0.001


def test_twice_the_truth_scores_one_clamped_at_ten_metres(tmp_path, tiny_nyu, truths_m):
    result = _score(tmp_path, tiny_nyu, [2 * true_m for true_m in truths_m])
    by_hand = [
        metrics.depth_metrics(true_m=true_m[EIGEN_CROP].ravel(), pred_m=np.minimum(2 * true_m[EIGEN_CROP].ravel(), 10))
        for true_m in truths_m
    ]
    assert result["abs_rel"] == pytest.approx(np.mean([row["abs_rel"] for row in by_hand]), rel=1e-6)


def test_an_affine_change_of_inverse_depth_scores_perfectly_when_aligned(tmp_path, tiny_nyu, truths_m):
    maps = [(3 / true_m + 0.5).astype(np.float32) for true_m in truths_m]
    result = _score(tmp_path, tiny_nyu, maps, protocol="aligned", prediction_kind="inverse_depth")
    assert result["delta1"] == 1
    assert result["protocol"]["name"] == "aligned"


def test_a_networks_maps_score_the_same_from_files_as_from_the_run(tmp_path, tiny_nyu, tiny_run):
    split = open_dataset("nyu_depth_v2", tiny_nyu).split("validation")
    network = load_network(tiny_run / "best.keras", size_px=(64, 64))
    examples = scoring.network_examples(network, split)
    from_files = _score(tmp_path, tiny_nyu, [example.pred for example in examples])
    from_run = json.loads((tiny_run / "metrics.json").read_text())
    for name in metrics.METRICS:
        assert from_files[name] == pytest.approx(from_run[name], rel=1e-6)


def test_a_run_can_be_scored_again_on_another_split_and_protocol(tiny_run, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "run")
    evaluate.main(Settings(workdir=os.fspath(tmp_path / "run"), split="holdout", protocol="pooled"))
    result = json.loads((tmp_path / "run" / "holdout_pooled.json").read_text())
    assert (result["num_images"], result["split"], result["protocol"]["name"]) == (3, "holdout", "pooled")


def test_a_network_alone_scores_as_in_its_run_and_the_mean_with_its_mirror_image_says_so(tiny_run, tiny_nyu, tmp_path):
    how = {"network_file": os.fspath(tiny_run / "best.keras"), "dataset": "nyu_depth_v2", "data_dir": str(tiny_nyu)}
    results = []
    for mirror in (False, True):
        evaluate.main(Settings(**how, mirror=mirror, output=os.fspath(tmp_path / "result.json")))
        results.append(json.loads((tmp_path / "result.json").read_text()))
    alone, mirrored = results
    in_run = json.loads((tiny_run / "metrics.json").read_text())
    assert alone["abs_rel"] == pytest.approx(in_run["abs_rel"], rel=1e-6)
    assert mirrored["abs_rel"] != pytest.approx(alone["abs_rel"], rel=1e-6)
    assert (alone["protocol"]["flip"], "mirrored" in mirrored["protocol"]["flip"]) == ("none", True)
    assert (alone["trained_on"], alone["num_train_images"]) == ("unknown", None)


def test_an_image_without_depth_leaves_its_row_empty_and_every_row_as_long():
    image, depth_m = np.zeros((48, 64, 3), np.uint8), np.full((48, 64), 2.0, np.float32)
    examples = [scoring.Example(image, true_m, depth_m) for true_m in (np.zeros_like(depth_m), depth_m)]
    _, rows, _ = scoring.score(examples, PROTOCOLS["eigen"], num_images=2, floor_m=depth_m)
    assert list(rows[0]) == list(rows[1])
    assert (rows[0]["abs_rel"], rows[1]["abs_rel"]) == (None, 0.0)


def test_per_image_rows_average_to_the_result(tmp_path, tiny_nyu, truths_m):
    result = _score(tmp_path, tiny_nyu, [true_m + 0.3 for true_m in truths_m])
    rows = read_csv(tmp_path / "per_image.csv")
    assert [row["index"] for row in rows] == ["0", "1"]
    assert np.mean([float(row["abs_rel"]) for row in rows]) == pytest.approx(result["abs_rel"])


def test_the_floor_is_the_pixelwise_exp_of_the_mean_log_depth(tiny_nyu):
    split = open_dataset("nyu_depth_v2", tiny_nyu, validation_fraction=0).split("train")
    depths_m = np.stack([depth_m[..., 0] for _, depth_m in pipeline.resized(split, (32, 64)).as_numpy_iterator()])
    np.testing.assert_allclose(floor.mean_depth_map(split, (32, 64)), np.exp(np.log(depths_m).mean(0)), rtol=1e-5)


def test_exported_images_are_the_records_in_their_order(tmp_path, tiny_nyu):
    evaluate.main(Settings(export_images=str(tmp_path / "images"), data_dir=str(tiny_nyu)))
    split = open_dataset("nyu_depth_v2", tiny_nyu).split("validation")
    images = [image for image, _ in split.read().as_numpy_iterator()]
    exported = sorted((tmp_path / "images").iterdir())
    assert [path.name for path in exported] == ["00000.png", "00001.png"]
    for path, image in zip(exported, images, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), image)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "00001.npy").unlink(), "1 missing, the first 00001.npy"),
        (lambda folder: np.save(folder / "00002.npy", np.ones((4, 4))), "1 that belong to no image"),
        (lambda folder: np.save(folder / "00001.npy", np.full((4, 4), np.nan)), "00001.npy holds NaN or infinity"),
        (lambda folder: np.save(folder / "00001.npy", np.zeros((4, 4))), "above 0 m"),
        (lambda folder: np.save(folder / "00001.npy", np.ones((4, 4, 3))), r"holds float64 \[4, 4, 3\], expected"),
        (lambda folder: np.save(folder / "00001.npy", np.ones((4, 4), int)), "metres: divide integers by their units"),
        (lambda folder: (folder / "00001.npy").write_text("text"), "00001.npy is not a NumPy array file"),
    ],
)
def test_predictions_that_cannot_be_scored_are_refused(tmp_path, tiny_nyu, truths_m, spoil, message):
    folder = tmp_path / "maps"
    folder.mkdir()
    for index, true_m in enumerate(truths_m):
        np.save(folder / f"{index:05d}.npy", true_m)
    spoil(folder)
    with pytest.raises(InputError, match=message):
        evaluate.main(Settings(predictions=str(folder), data_dir=str(tiny_nyu), output=str(tmp_path / "out.json")))
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"network_file": "small", "prediction_kind": "inverse_depth"}, "is of files: expected --predictions"),
        ({"network_file": "small", "protocol": "eigne"}, "expected --protocol of full, eigen, .*, got eigne"),
        ({"network_file": "small", "dataset": "kitti"}, "expected --dataset of auto, .*, got kitti"),
    ],
)
def test_settings_that_would_be_passed_over_or_mean_nothing_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Settings(**wrong)


def test_a_corrupt_record_is_named_in_one_line(tmp_path, tiny_nyu, truths_m):
    copy = tmp_path / "tfds"
    shutil.copytree(tiny_nyu, copy)
    (record,) = pathlib.Path(copy).glob("nyu_depth_v2/*/*validation.tfrecord*")
    content = bytearray(record.read_bytes())
    content[len(content) // 2] ^= 0xFF
    record.write_bytes(content)
    with pytest.raises(InputError, match="a record of nyu_depth_v2 cannot be read") as caught:
        _score(tmp_path, copy, truths_m)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_run_and_two_things_at_once_are_refused(tmp_path):
    with pytest.raises(InputError, match="is not the folder of a run"):
        evaluate.main(Settings(workdir=str(tmp_path)))
    with pytest.raises(InputError, match="exactly one of"):
        evaluate.main(Settings(workdir=str(tmp_path), predictions=str(tmp_path)))
