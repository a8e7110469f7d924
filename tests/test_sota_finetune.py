"""KerasHub's own classes with small random weights, tuned to metres by the guide's program."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from depth_tf.scoring.mean_depth import log_mean_depth_m

pytest.importorskip("keras_hub", reason="needs pip install -r sota_guide/requirements.txt")

from sota_guide import evaluate, finetune, presets, run, speed  # noqa: E402

SIZE_PX = 84  # the smallest that the decoder takes


@pytest.fixture(scope="module", name="tiny_preset")
def _tiny_preset(tmp_path_factory) -> pathlib.Path:
    """The folder of a relative network, saved as KerasHub saves presets."""
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    speed.build_estimator("tiny", size_px=SIZE_PX).save_to_preset(str(folder))
    return folder


@pytest.fixture(scope="module", name="tuned")
def _tuned(tiny_preset, tiny_nyu, tmp_path_factory) -> pathlib.Path:
    """The folder of a run that tuned the tiny network to metres on two images."""
    workdir = tmp_path_factory.mktemp("runs") / "tuned"
    settings = finetune.Settings(
        preset=str(tiny_preset),
        size_px=98,  # not the preset's own
        dataset="nyu_depth_v2",
        data_dir=str(tiny_nyu),
        validation_fraction=0.3,
        global_batch_size=2,
        epochs=2,
        learning_rate=1e-3,
        workdir=str(workdir),
    )
    tf.config.run_functions_eagerly(True)  # for two steps the graphs take ten times as long to build
    try:
        finetune.main(settings)
    finally:
        tf.config.run_functions_eagerly(False)
    return workdir


def _image(seed: int = 0, height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_before_training_the_network_in_metres_answers_the_datas_log_mean_depth(tiny_preset):
    settings = finetune.Settings(size_px=SIZE_PX)
    start_m = log_mean_depth_m(np.full((4, 4), 2.6, np.float32))
    estimator = finetune.metric_estimator(presets.load(str(tiny_preset)), settings, start_m)
    model = presets.DepthModel(estimator, "start")
    assert model.prediction_kind == "depth_m"
    np.testing.assert_allclose(model.predict([_image(4), _image(5)]), 2.6, rtol=1e-5)


@pytest.mark.parametrize("sign", [-1, 1])
def test_position_embeddings_trained_at_another_size_survive_saving(tiny_preset, tmp_path, sign):
    """KerasHub keeps them at 518x518, where they would be blurred, and forgets changes whose sum is negative."""
    settings = finetune.Settings(size_px=98)
    estimator = finetune.metric_estimator(presets.load(str(tiny_preset), size_px=98), settings, 2.0)
    last, embeddings = estimator.backbone.head.conv3, estimator.backbone.image_encoder.embeddings
    last.kernel.assign(np.ones(last.kernel.shape, np.float32))  # else every image has one answer
    trained = embeddings.interpolated_position_embeddings
    trained.assign(sign * np.random.default_rng(9).uniform(size=trained.shape).astype(np.float32))
    finetune.save_preset(estimator, tmp_path / "saved")
    before = presets.DepthModel(estimator, "before").predict([_image()])
    np.testing.assert_allclose(presets.load(str(tmp_path / "saved")).predict([_image()]), before, rtol=1e-4)


def test_a_depth_that_underflows_to_nothing_is_kept_above_it(tiny_preset):
    """A sigmoid of -200 is 0 in single precision, and no protocol takes a depth of 0."""
    estimator = finetune.metric_estimator(presets.load(str(tiny_preset)), finetune.Settings(size_px=SIZE_PX), 2.0)
    estimator.backbone.head.conv3.bias.assign([-200.0])
    assert presets.DepthModel(estimator, "zero").predict([_image()]).min() == np.float32(presets.MIN_DEPTH_M)


def test_images_with_holes_leave_loss_and_weights_finite(tiny_preset):
    """KerasHub's own loss turns NaN on them."""
    import keras

    from depth_tf.losses import depth_loss

    settings = finetune.Settings(size_px=SIZE_PX)
    estimator = finetune.metric_estimator(presets.load(str(tiny_preset)), settings, 2.0)
    network = finetune.training_network(estimator, finetune.batch_size_px(settings.size_px))
    network.compile(keras.optimizers.SGD(1e-3), depth_loss(), run_eagerly=True)
    depth_m = np.zeros((2, 96, 96, 1), np.float32)
    depth_m[0, :48] = 3.0  # the second image has no depth at all
    images = np.stack([tf.image.resize(_image(seed), (96, 96)) for seed in (6, 7)])
    assert np.isfinite(network.train_on_batch(images, depth_m))
    assert all(np.isfinite(weight).all() for weight in network.get_weights())


def test_a_frozen_encoder_is_left_out_of_training(tiny_preset):
    model = presets.load(str(tiny_preset))
    free, frozen = (
        finetune.metric_estimator(model, finetune.Settings(size_px=SIZE_PX, freeze_encoder=freeze), 2.0)
        for freeze in (False, True)
    )
    encoder = {id(weight) for weight in frozen.backbone.image_encoder.weights}
    assert frozen.trainable_weights
    assert not encoder & {id(weight) for weight in frozen.trainable_weights}
    assert {id(weight) for weight in free.backbone.image_encoder.weights} & {id(w) for w in free.trainable_weights}


def test_the_saved_preset_scores_what_the_tuning_run_reported(tuned, tiny_nyu, tmp_path):
    reported = json.loads((tuned / "metrics.json").read_text())
    output = tmp_path / "again.json"
    evaluate.main(
        evaluate.Settings(
            preset=str(tuned / "preset"), dataset="nyu_depth_v2", data_dir=str(tiny_nyu), output=str(output)
        )
    )
    again = json.loads(output.read_text())
    assert (reported["protocol"]["name"], reported["trained_on"]) == ("eigen", "nyu_depth_v2")
    assert (again["model"]["output"], again["model"]["size_px"], again["model"]["preset"]) == ("metres", 98, "tuned")
    for name in ("abs_rel", "rmse_m", "delta1"):
        assert again[name] == pytest.approx(reported[name], rel=1e-5)


def test_a_tuned_network_writes_metres(tuned, tmp_path):
    Image.fromarray(_image(8)).save(tmp_path / "room.png")
    settings = run.Settings(
        preset=str(tuned / "preset"), input=str(tmp_path / "room.png"), output_dir=str(tmp_path / "out")
    )
    run.main(settings)
    depth_m = np.load(tmp_path / "out" / "room_predicted.npy")
    assert presets.MIN_DEPTH_M <= depth_m.min() <= depth_m.max() <= 10


def test_a_tuning_run_leaves_its_records_and_no_half_finished_weights(tuned):
    left = {path.name for path in tuned.iterdir()}
    assert {"preset", "metrics.json", "history.csv", "config.json", "flags.txt", "environment.json"} <= left
    assert finetune.BEST_WEIGHTS not in left
