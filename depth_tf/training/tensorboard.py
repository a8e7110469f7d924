"""What TensorBoard shows of a run: tensorboard --logdir=runs.

    SCALARS       every metric per epoch, train and hold-out; images/s; the learning rate of every step; within long
                  epochs the means so far
    IMAGES        the pictures of `panels`
    GRAPHS        the network's forward pass (through `trace_export`: Keras's `write_graph` is not supported)
    HPARAMS       what was chosen against the hold-out's figures; compares the runs of a --logdir
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
HYPER_PARAMETERS = ("optimizer", "schedule", "ema", "seed", "width")
METRICS = {"epoch_log10": "hold-out log10", "epoch_delta1": "hold-out delta1", "epoch_loss": "hold-out loss"}


def board_callbacks(folder: pathlib.Path, settings: Settings, *, epochs: int) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that write event files.

    They go to train/ and validation/ in `folder`, and the hyper-parameters and flags into `folder` itself.
    """
    board = Board(os.fspath(folder), write_graph=False, update_freq=1)
    return [board, ForwardGraph(), Choices(folder, hyper_parameters(settings, epochs=epochs), flagfile_text(settings))]


def hyper_parameters(settings: Settings, *, epochs: int) -> dict[str, bool | int | float | str]:
    """Returns what the HPARAMS tab compares: the settings that bear on the result, with no value unset."""
    decay = settings.weight_decay
    return {
        **{name: getattr(settings, name) for name in HYPER_PARAMETERS},
        "learning_rate": settings.peak_learning_rate,
        "weight_decay": optimizers.recipe(settings.optimizer).weight_decay if decay is None else decay,
        "epochs": epochs,
    }


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


class Choices(keras.callbacks.Callback):
    """Writes what was chosen for the run, and by which of its scalars it is to be judged."""

    def __init__(self, folder: pathlib.Path, hyper_parameters: dict[str, bool | int | float | str], flags: str):
        super().__init__()
        self._folder, self._hyper_parameters, self._flags = folder, hyper_parameters, flags

    def on_train_begin(self, logs=None):
        """Writes into a file of its own: the plugin takes its folder for the run."""
        with tf.summary.create_file_writer(os.fspath(self._folder)).as_default():
            api.hparams_config(
                hparams=[api.HParam(name) for name in self._hyper_parameters],
                metrics=[api.Metric(tag, group="validation", display_name=name) for tag, name in METRICS.items()],
            )
            api.hparams(self._hyper_parameters)
            tf.summary.text("flags", "".join(f"    {line}\n" for line in self._flags.splitlines()), step=0)
