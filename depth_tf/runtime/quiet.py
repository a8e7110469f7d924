"""Imports TensorFlow without the alarming lines that it prints on a machine without a GPU."""

import os
import pathlib
import sys
import tempfile


def import_tensorflow() -> None:
    """Imports TensorFlow; what its libraries print meanwhile is shown only if that may matter.

    The lines ("failed call to cuInit" among them) come before TensorFlow reads any variable or has any logger, so
    standard error itself is put aside. They are shown if the import fails, or finds no GPU where NVIDIA's driver is.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        shown = True
        try:
            import tensorflow as tf

            found = tf.config.list_physical_devices("GPU")  # asked here, for the question prints lines of its own
            shown = not found and any(pathlib.Path("/dev").glob("nvidia[0-9]*"))
        finally:
            os.dup2(screen, 2)
            os.close(screen)
            if shown:
                kept.seek(0)
                os.write(2, kept.read())
