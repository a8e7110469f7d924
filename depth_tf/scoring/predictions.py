"""Depth maps in files, one per image of a split: the door through which any method reaches the evaluator."""

import os
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from depth_tf.data.splits import Split
from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say


def check_predictions(folder: str | os.PathLike, num_images: int) -> list[pathlib.Path]:
    """Returns 00000.npy and so on, one per image; InputError if the folder or a file is missing or does not belong."""
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise InputError(f"no folder {folder}: expected {num_images} files 00000.npy, 00001.npy, ... in it")
    paths = [folder / f"{index:05d}.npy" for index in range(num_images)]
    found = set(folder.glob("*.npy"))
    missing, extra = [path for path in paths if path not in found], sorted(found - set(paths))
    if missing or extra:
        wrong = [f"{len(missing)} missing, the first {missing[0].name}"] if missing else []
        wrong += [f"{len(extra)} that belong to no image, the first {extra[0].name}"] if extra else []
        raise InputError(f"{folder} must hold one .npy for each of {num_images} images: {'; '.join(wrong)}")
    return paths


def read_predictions(split: Split, paths: list[pathlib.Path]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yields (image [H, W, 3] uint8, true_m [H, W] float32, prediction [h, w] float32) of each image."""
    pairs = split.read().prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    for (image, depth_m), path in zip(pairs, paths, strict=True):
        try:
            prediction = np.load(path, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{path} is not a NumPy array file: write it with numpy.save") from error
        if prediction.ndim == 3 and prediction.shape[-1] == 1:
            prediction = prediction[..., 0]
        if prediction.ndim != 2 or not np.issubdtype(prediction.dtype, np.floating):
            found = f"{prediction.dtype} {list(prediction.shape)}"
            raise InputError(f"{path} holds {found}, expected floating-point depth [height, width]")
        if not np.isfinite(prediction).all():
            raise InputError(f"{path} holds NaN or infinity: every pixel needs a finite depth")
        yield image, depth_m[..., 0], prediction.astype(np.float32)


def export_images(split: Split, folder: str | os.PathLike) -> None:
    """Writes the split's images as 00000.png and so on, each under the name its depth map must have."""
    folder = pathlib.Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"--export_images={folder} is not empty: name a new folder")
    for index, (image, _) in enumerate(split.read().as_numpy_iterator()):
        with atomic_files.replacing(folder / f"{index:05d}.png") as temporary:
            temporary.write_bytes(tf.io.encode_png(image).numpy())
    say(f"wrote {split.num_images} images to {folder}; name each depth map as its image, with .npy")
