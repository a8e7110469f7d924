"""Takes KerasHub's Depth Anything from relative depth to metres, with depth_tf's batches and masked loss.

    python -m sota_guide.finetune --preset=depth_anything_v2_small --data_dir=DIR --workdir=runs/metric
    python -m sota_guide.run --preset=runs/metric/preset --input=PHOTO

Leaves in --workdir: preset/ (the network, for `run` and `evaluate`), metrics.json under the protocol *eigen* with
per_image.csv and panels.png, history.csv, config.json, flags.txt and environment.json. KerasHub's own depth loss is
not used: one pixel without depth turns it, and then every weight, into NaN.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
import sys

import numpy as np
from etils import epy

from depth_tf.data.settings import DataSettings
from depth_tf.runtime import program, run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from sota_guide import evaluate, presets

with epy.lazy_imports():
    import keras

    from depth_tf import augmentation, callbacks, losses, optimizers, pipeline, schedules
    from depth_tf.data import opening, resizing, splits
    from depth_tf.scoring import keras_metrics, mean_depth, score_run

SHOWN = ("abs_rel", "rmse_m", "log10", "delta1")  # while training; callbacks.MONITOR is among them
BEST_WEIGHTS = "best.weights.h5"  # while training; the preset takes its place


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What a fine-tuning run depends on; the farthest depth is also the network's farthest prediction."""

    preset: str = option(presets.NAMES[0], "network to start from: KerasHub's name, or a folder", group="network")
    size_px: int = option(252, "side of the square the network sees, divisible by 14", group="network")
    freeze_encoder: bool = option(False, "train the decoder alone: quicker, in less memory", group="network")
    max_train_images: int = option(0, "train on the first this many images; 0: all", group="training")
    epochs: int = option(2, "passes over the training images", group="training", least=1)
    learning_rate: float = option(5e-5, "peak rate, after a warm-up and before half a cosine", group="training")
    global_batch_size: int = option(8, "images per step", group="training", least=1)
    seed: int = option(0, "of the order and the augmentation", group="training")
    workdir: str = option("runs/metric", "folder of the run", group="run")

    def __post_init__(self):
        super().__post_init__()
        if not self.learning_rate > 0:
            raise InputError(f"expected --learning_rate above 0, got {self.learning_rate:g}")


def main(settings: Settings) -> None:
    """Trains, saves the preset, scores it and prints the table."""
    settings = dataclasses.replace(settings, dataset=opening.resolve_name(settings.dataset, settings.data_dir))
    keras.utils.set_random_seed(settings.seed)
    dataset = opening.open_chosen(settings, max_train_images=settings.max_train_images)
    size_px = batch_size_px(settings.size_px)
    workdir = pathlib.Path(settings.workdir)
    with opening.naming_bad_records(dataset):
        model = presets.load(settings.preset, size_px=settings.size_px)
        estimator = metric_estimator(model, settings, initial_depth_m(dataset, size_px))
        run_folder.claim(workdir, settings, dataset.describe())
        fit(estimator, dataset, size_px, settings)
        save_preset(estimator, workdir / presets.FOLDER)
        evaluate.score(
            presets.DepthModel(estimator, f"{model.name}, tuned to metres"),
            dataset,
            split=None,
            output=workdir / run_folder.METRICS,
            command=program.command_line("sota_guide.finetune"),
            trained_on=score_run.trained_on(workdir),
        )


def batch_size_px(size_px: int) -> tuple[int, int]:
    """Returns the size of the batches' images: the square of sides divisible by 32 that is next above the network's."""
    return (resizing.STRIDE * math.ceil(size_px / resizing.STRIDE),) * 2


def initial_depth_m(dataset: splits.DepthDataset, size_px: tuple[int, int]) -> float:
    """Returns what the network predicts everywhere at first: the most central depth of the mean map, metres."""
    return mean_depth.log_mean_depth_m(mean_depth.mean_depth_map(dataset.split("train"), size_px))


def metric_estimator(model: presets.DepthModel, settings: Settings, start_m: float):
    """Returns an estimator that predicts metres, with the model's weights.

    The last layer of a relative network is replaced by one that predicts `start_m` everywhere: its output is
    inverse depth, near is large, so the sigmoid that KerasHub puts behind it for metres would start saturated and
    upside down. A network that predicts metres already is taken as it is.
    """
    old = model.estimator
    backbone = _with_own_position_embeddings(old.backbone)
    if model.prediction_kind == "inverse_depth":
        share = start_m / settings.max_depth_m
        last = backbone.head.conv3
        last.kernel.assign(np.zeros(last.kernel.shape, np.float32))
        last.bias.assign(np.full(last.bias.shape, math.log(share / (1 - share)), np.float32))
    backbone.image_encoder.trainable = not settings.freeze_encoder
    # What takes no part in the prediction: Keras warns of weights without a gradient.
    backbone.image_encoder.embeddings.mask_token.trainable = False
    backbone.neck.fusion_stage[0].residual_layer1.trainable = False
    return type(old)(
        backbone=backbone,
        preprocessor=old.preprocessor,
        depth_estimation_type="metric",
        min_depth=settings.min_depth_m,
        max_depth=settings.max_depth_m if model.prediction_kind == "inverse_depth" else old.max_depth,
    )


def training_network(estimator, size_px: tuple[int, int]) -> keras.Model:
    """Returns the estimator between depth_tf's batches: images in 0..255 to metres, both of `size_px`."""
    side_px, converter = estimator.input_shape[1], estimator.preprocessor.image_converter
    image = keras.Input((*size_px, 3), name="image")
    square = keras.layers.Resizing(side_px, side_px, interpolation="bilinear")(image)
    scaled = square * np.asarray(converter.scale, np.float32) + np.asarray(converter.offset, np.float32)
    depth_m = keras.layers.Resizing(*size_px, interpolation="bilinear")(estimator(scaled)["depths"])
    return keras.Model(image, keras.ops.maximum(depth_m, presets.MIN_DEPTH_M))


def fit(estimator, dataset: splits.DepthDataset, size_px: tuple[int, int], settings: Settings) -> None:
    """Calls `fit`; the estimator then holds the weights of the epoch that did best on the hold-out, or the last."""
    train_split, holdout = dataset.split("train"), dataset.splits.get("holdout")
    steps = pipeline.steps_per_epoch(train_split.num_images, settings.global_batch_size)
    network = training_network(estimator, size_px)
    rate = schedules.learning_rate("cosine", settings.learning_rate, steps=settings.epochs * steps)
    network.compile(
        optimizer=optimizers.build_optimizer("adamw", rate),
        loss=losses.depth_loss(),
        weighted_metrics=[metric for metric in keras_metrics.network_grid_metrics() if metric.name in SHOWN],
        jit_compile=False,  # not tried with XLA on a GPU
    )
    best = pathlib.Path(settings.workdir, BEST_WEIGHTS)
    kept = {"monitor": callbacks.MONITOR, "mode": callbacks.MONITOR_MODE, "save_best_only": holdout is not None}
    say(f"data: {dataset.name}: {train_split.num_images} images, {holdout.num_images if holdout else 0} held out")
    say(f"training: {network.count_params():,} parameters, {settings.epochs} epochs of {steps} steps -> {best.parent}")
    network.fit(
        pipeline.training_batches(
            train_split,
            size_px,
            batch_size=settings.global_batch_size,
            seed=settings.seed,
            steps=settings.epochs * steps,
            strength=augmentation.Augmentation(),
            how=pipeline.Input(cache="none"),
        ),
        epochs=settings.epochs,
        steps_per_epoch=steps,
        validation_data=holdout and pipeline.scoring_batches(holdout, size_px, batch_size=settings.global_batch_size),
        shuffle=False,  # the pipeline has its own order
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[
            callbacks.StopAtNaN(best),
            keras.callbacks.ModelCheckpoint(str(best), save_weights_only=True, **kept),
            keras.callbacks.CSVLogger(str(best.with_name("history.csv"))),
        ],
    )
    network.load_weights(best)
    best.unlink()


def save_preset(estimator, folder: pathlib.Path) -> None:
    """Saves an estimator that `metric_estimator` made, with the position embeddings it was trained to.

    KerasHub 0.32 saves those it once loaded wherever the changes since then happen to sum to less than 0.
    """
    embeddings = estimator.backbone.image_encoder.embeddings
    embeddings.position_embeddings.assign(embeddings.interpolated_position_embeddings)
    estimator.save_to_preset(str(folder))


def _with_own_position_embeddings(backbone):
    """Returns a copy of the backbone with position embeddings that belong to its own image size.

    KerasHub stores those of the published size, 518x518, and interpolates: what is trained at another size would be
    blurred by being saved and loaded.
    """
    config = backbone.get_config()
    encoder = config["image_encoder"]["config"]
    encoder["position_embedding_shape"] = encoder["image_shape"][:2]
    own = type(backbone).from_config(config)
    embeddings = backbone.image_encoder.embeddings.interpolated_position_embeddings
    for old, new in zip(backbone.weights, own.weights, strict=True):
        new.assign(old if old.shape == new.shape else embeddings)
    return own


if __name__ == "__main__":
    program.run(main, Settings)
