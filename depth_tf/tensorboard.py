"""What TensorBoard shows of a run: tensorboard --logdir=runs.

    SCALARS       every metric an epoch, train and hold-out; loss and metrics a step; learning_rate a step; images/s
    IMAGES        the pictures of `panels`
    HISTOGRAMS    --histograms: the weights, every epoch
    GRAPHS        the network's forward pass (through `trace_export`: Keras's `write_graph` is not supported)
    HPARAMS       the run's settings against its hold-out figures; compares runs of one --logdir
    PROFILE       --profile_steps: a trace of a few steps; its tab needs `pip install tensorboard-plugin-profile`

Keras's callback opens the writer and, with `update_freq`, makes it TensorFlow's default one until the run ends; the
callbacks behind it in the list need only call `tf.summary`.
"""

import os
import pathlib

import keras
import tensorflow as tf
from tensorboard.plugins.hparams import api

from depth_tf import optimizers

FOLDER = "tensorboard"
PROFILE_AFTER_STEPS = 10  # the first ones build graphs and fill buffers
HYPER_PARAMETERS = (
    "optimizer",
    "schedule",
    "ema",
    "global_batch_size",
    "loss",
    "gradient_weight",
    "width",
    "normalization",
    "image_height_px",
    "image_width_px",
    "max_train_images",
    "seed",
)
METRICS = {"epoch_abs_rel": "hold-out AbsRel", "epoch_delta1": "hold-out delta1", "epoch_loss": "hold-out loss"}


def board_callbacks(
    folder: pathlib.Path,
    *,
    hyper_parameters: dict[str, bool | int | float | str],
    histograms: bool,
    profile_steps: int,
    total_steps: int,
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that write event files.

    Args:
      folder: where they go: train/ and validation/ in it, and the hyper-parameters in itself.
      hyper_parameters: see the function of that name.
      histograms: write the weights' histograms every epoch.
      profile_steps: how many steps to trace; 0 for none.
      total_steps: of the whole run.
    """
    first = 1 + max(0, min(PROFILE_AFTER_STEPS, total_steps - profile_steps))
    board = keras.callbacks.TensorBoard(
        os.fspath(folder),
        write_graph=False,
        histogram_freq=1 if histograms else 0,
        update_freq=1,
        profile_batch=(first, first + profile_steps - 1) if profile_steps else 0,
    )
    return [board, ForwardGraph(), StepRate(), HyperParameters(folder, hyper_parameters)]


def hyper_parameters(settings, *, learning_rate: float, epochs: int) -> dict[str, bool | int | float | str]:
    """Returns what the HPARAMS tab compares: those of `train.Settings` that bear on the result, with no value unset."""
    decay = settings.weight_decay
    return {
        **{name: getattr(settings, name) for name in HYPER_PARAMETERS},
        "learning_rate": learning_rate,
        "weight_decay": optimizers.default_weight_decay(settings.optimizer) if decay is None else decay,
        "epochs": epochs,
    }


class StepRate(keras.callbacks.Callback):
    """Writes the learning rate of every step, whatever form the schedule has."""

    def on_train_batch_begin(self, batch, logs=None):
        """Writes the rate that the step will take, under the number of steps before it."""
        optimizer = self.model.optimizer
        tf.summary.scalar("learning_rate", optimizer.learning_rate, step=optimizer.iterations)


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


class HyperParameters(keras.callbacks.Callback):
    """Writes the run's settings, and which of its scalars they are to be judged by."""

    def __init__(self, folder: pathlib.Path, values: dict[str, bool | int | float | str]):
        super().__init__()
        self._folder, self._values = folder, values

    def on_train_begin(self, logs=None):
        """Writes both into a file of their own: the plugin takes its folder for the run."""
        with tf.summary.create_file_writer(os.fspath(self._folder)).as_default():
            api.hparams_config(
                hparams=[api.HParam(name) for name in self._values],
                metrics=[api.Metric(tag, group="validation", display_name=name) for tag, name in METRICS.items()],
            )
            api.hparams(self._values)
