"""What TensorBoard shows of a run: tensorboard --logdir=runs.

    SCALARS       every metric per epoch, train and hold-out; images/s; the learning rate of every step; within long
                  epochs the means so far
    IMAGES        the pictures of `panels`
    GRAPHS        the network's forward pass (through `trace_export`: Keras's `write_graph` is not supported)
    HPARAMS       the flags that are tried most, against the hold-out's figures; compares the runs of a --logdir
    TEXT          the run's flags

Keras's callback opens the writer and, with `update_freq=1`, makes it TensorFlow's default one until the run ends;
other callbacks need only call `tf.summary`. (A larger `update_freq` loses an epoch's figures too, unless the epoch's
last step is a multiple of it: Keras 3.15.)
"""

import os
import pathlib

import keras
import tensorflow as tf
from tensorboard.plugins.hparams import api

from depth_tf import optimizers
from depth_tf.runtime.program import flagfile_text
from depth_tf.training.settings import Settings

FOLDER = "tensorboard"
MEANS_EVERY_STEPS = 50  # the epoch's means so far: writing them every step would cost 2 ms of it
HYPER_PARAMETERS = ("optimizer", "schedule", "loss", "ema", "seed", "width")
METRICS = {"epoch_log10": "hold-out log10", "epoch_delta1": "hold-out delta1", "epoch_loss": "hold-out loss"}


def board_callbacks(folder: pathlib.Path, settings: Settings, *, epochs: int) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that write event files.

    They go to train/ and validation/ in `folder`, and the hyper-parameters and flags into `folder` itself.
    """
    board = Board(os.fspath(folder), write_graph=False, update_freq=1)
    choices = keras.callbacks.LambdaCallback(on_train_begin=lambda _: write_choices(folder, settings, epochs=epochs))
    return [board, ForwardGraph(), choices]


class Board(keras.callbacks.TensorBoard):
    """Keras's TensorBoard, with the epoch's means so far every 50th step only."""

    def on_train_batch_end(self, batch, logs=None):
        """Hands the means on, or not."""
        super().on_train_batch_end(batch, logs if batch % MEANS_EVERY_STEPS == 0 else None)

    def on_epoch_end(self, epoch, logs=None):
        """Writes the epoch's figures, and has them on disk before the epoch counts as done."""
        super().on_epoch_end(epoch, logs)
        for writer in self._writers.values():
            writer.flush()


class ForwardGraph(keras.callbacks.Callback):
    """Writes the graph of the network's forward pass."""

    def on_train_begin(self, logs=None):
        """Traces one call."""

        @tf.function(jit_compile=False)
        def forward(images):
            return self.model(images, training=False)

        tf.summary.trace_on(graph=True)
        forward(tf.zeros((1, *self.model.input_shape[1:])))
        tf.summary.trace_export("network", step=0)


def write_choices(folder: pathlib.Path, settings: Settings, *, epochs: int) -> None:
    """Writes what was chosen for the run, no value unset, by which scalars it is to be judged, and its flags.

    Into a file of its own: the plugin takes its folder for the run.
    """
    decay = settings.weight_decay
    chosen = {
        **{name: getattr(settings, name) for name in HYPER_PARAMETERS},
        "learning_rate": settings.peak_learning_rate,
        "weight_decay": optimizers.recipe(settings.optimizer).weight_decay if decay is None else decay,
        "epochs": epochs,
    }
    with tf.summary.create_file_writer(os.fspath(folder)).as_default():
        api.hparams_config(
            hparams=[api.HParam(name) for name in chosen],
            metrics=[api.Metric(tag, group="validation", display_name=name) for tag, name in METRICS.items()],
        )
        api.hparams(chosen)
        tf.summary.text("flags", "".join(f"    {line}\n" for line in flagfile_text(settings).splitlines()), step=0)
