"""The callbacks that write down what happens, in their order; those that act on the run come before, see `callbacks`.

    AddRate            always: the learning rate for those below, and every step's for TensorBoard
    HistoryFile        always: history.csv
    Progress           always: a line per epoch, speed.csv, images/s for those below but not for history.csv
    TensorBoard, more  --tensorboard: see `tensorboard`
    PredictionPanels   --panels: pictures of the hold-out every few epochs

`resume.KeepState`, which comes last of all, is the program's to add: it remembers the other callbacks.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator

import keras

from depth_tf.data.splits import DepthDataset
from depth_tf.runtime import atomic_files
from depth_tf.runtime.run_folder import HISTORY, SPEED
from depth_tf.training import panels, tensorboard
from depth_tf.training.progress import AddRate, Progress
from depth_tf.training.settings import Settings


def build_callbacks(
    settings: Settings, dataset: DepthDataset, workdir: pathlib.Path, *, epochs: int, steps: int, done: int = 0
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that record a run of `epochs` of `steps` batches, in the order given above.

    The pictures are of the hold-out, or of `train` where there is none; the files' rows after `done` epochs are cut.
    """
    for name in (HISTORY, SPEED):
        keep_first_rows(workdir / name, done)
    chosen = [AddRate(), HistoryFile(os.fspath(workdir / HISTORY), append=True)]
    images_per_epoch = steps * settings.global_batch_size
    chosen.append(Progress(epochs=epochs, steps=steps, images_per_epoch=images_per_epoch, file=workdir / SPEED))
    if settings.tensorboard:
        chosen += tensorboard.board_callbacks(workdir / tensorboard.FOLDER, settings, epochs=epochs)
    if settings.panels:
        shown = panels.panel_pairs(dataset.splits.get("holdout") or dataset.split("train"), settings.size_px)
        chosen.append(panels.PredictionPanels(workdir / panels.FOLDER, shown, epochs=epochs))
    return chosen


def keep_first_rows(path: pathlib.Path, count: int) -> None:
    """Cuts a CSV file back to its header and `count` rows, those of epochs that are done; removes it for none."""
    if not count:
        path.unlink(missing_ok=True)
    elif path.exists():
        lines = path.read_bytes().splitlines(keepends=True)
        with atomic_files.replacing(path) as temporary:
            temporary.write_bytes(b"".join(lines[: 1 + count]))


class HistoryFile(keras.callbacks.CSVLogger):
    """Keras's CSVLogger, without the `val_` columns of "NA" that it adds where nothing is held out."""

    def on_epoch_end(self, epoch, logs=None):
        """Writes the epoch's row."""
        if self.keys is None:
            self.keys = sorted(logs)
        super().on_epoch_end(epoch, logs)


@contextlib.contextmanager
def closing_files(callbacks: list[keras.callbacks.Callback]) -> Iterator[None]:
    """Ends the records where an exception, such as StopAtNaN's, keeps Keras from calling `on_train_end`."""
    try:
        yield
    except Exception:
        for callback in callbacks:
            if isinstance(callback, keras.callbacks.CSVLogger | keras.callbacks.TensorBoard):
                callback.on_train_end()
        raise
