"""Pictures of what the network predicts while it learns: image, truth, prediction and error, every few epochs."""

import pathlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from depth_tf.data.resizing import resized
from depth_tf.data.splits import Split, as_numpy
from depth_tf.data.valid import valid_pixels
from depth_tf.drawing import figures
from depth_tf.scoring.metrics import depth_metrics

FOLDER = "panels"
NUM_IMAGES = 3
NUM_PICTURES = 10  # over a whole run: a picture costs about half a second


class PredictionPanels(keras.callbacks.Callback):
    """Draws the same few images at the end of every tenth of the run, and of the last epoch.

    Leaves epoch001.png and so on in a folder. Where a TensorBoard callback comes before, its writer is
    TensorFlow's default one, and the picture appears there too.
    """

    def __init__(self, folder: pathlib.Path, pairs: Sequence[tuple[np.ndarray, np.ndarray]], *, epochs: int):
        """Prepares to draw `pairs`, as `panel_pairs` returns them, in a run of `epochs`."""
        super().__init__()
        self._folder, self._pairs = folder, pairs
        self._epochs, self._every = epochs, max(1, epochs // NUM_PICTURES)

    def on_epoch_end(self, epoch, logs=None):
        """Draws, if it is time."""
        if (epoch + 1) % self._every and epoch + 1 < self._epochs:
            return
        images = np.stack([image for image, _ in self._pairs]).astype(np.float32)
        preds_m = keras.ops.convert_to_numpy(self.model(images, training=False))[..., 0]
        rows = []
        for (image, depth_m), pred_m in zip(self._pairs, preds_m, strict=True):
            true_m = depth_m[..., 0]
            rows.append(figures.Panels(image, true_m, pred_m, _caption(true_m=true_m, pred_m=pred_m)))
        path = self._folder / f"epoch{epoch + 1:03d}.png"
        figures.depth_panels(path, rows, title=f"epoch {epoch + 1}, network grid")
        tf.summary.image("predictions", tf.io.decode_png(path.read_bytes(), channels=3)[tf.newaxis], step=epoch)


def panel_pairs(split: Split, size_px: tuple[int, int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the first images of a split, [H, W, 3] uint8, with their depths, [H, W, 1] float32, metres."""
    return list(as_numpy(resized(split, size_px).take(NUM_IMAGES)))


def _caption(*, true_m: np.ndarray, pred_m: np.ndarray) -> str:
    valid = valid_pixels(true_m)
    if not valid.any():
        return "no valid depth"
    return f"AbsRel {depth_metrics(true_m=true_m[valid], pred_m=pred_m[valid])['abs_rel']:.3f}"
