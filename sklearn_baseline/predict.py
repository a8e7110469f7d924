"""Predicts depth with a trained model, for a photograph, a folder of them, or a split of a data set.

    python -m sklearn_baseline.predict --model_file=MODEL --input=room.jpg --output_dir=depth
    python -m sklearn_baseline.predict --model_file=MODEL --input=photos/ --output_dir=depth
    python -m sklearn_baseline.predict --model_file=MODEL --data_dir=DIR --split=validation --output_dir=depth
    python -m depth_tf.evaluate --predictions=depth --data_dir=DIR --split=validation

Writes name_predicted.npy, float32 metres [H, W] of the full frame, and name_predicted.png, the same in colour with a
scale in metres; of a data set, the names are 00000 and so on, and pictures come with --pictures.
"""

from __future__ import annotations

import dataclasses
import pathlib
import time
from collections.abc import Iterator

import numpy as np
import tqdm
from etils import epy

from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from sklearn_baseline.dataset import SIZE_PX, DataSettings

with epy.lazy_imports():
    from depth_tf.data import opening, photos, resizing, splits
    from depth_tf.drawing import predictions
    from depth_tf.scoring import score
    from sklearn_baseline import estimator, persistence, views


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to predict; each field is the flag of its name."""

    model_file: str | None = option(None, "model that sklearn_baseline.train wrote", group="what", required=True)
    input: str | None = option(
        None, "a photograph, a folder or a pattern of them, or -: stdin, instead of a data set", group="what"
    )
    split: str = option("validation", "split", group="what", choices=("train", "holdout", "validation", "test"))
    n_jobs: int = option(2, "images worked on at a time; changes no result", group="output", least=1)
    pictures: bool = option(False, "write pictures of a split's images too; photographs always get one", group="output")
    output_dir: str | None = option(None, "folder for the depth maps", group="output", required=True)


def main(settings: Settings) -> None:
    """Predicts photographs, or a split."""
    model = persistence.load_model(settings.model_file).set_params(n_jobs=settings.n_jobs)
    if settings.input:
        return predict_photographs(model, settings.input, pathlib.Path(settings.output_dir))
    opened = opening.open_chosen(settings)
    with opening.naming_bad_records(opened):
        return predict_split(model, opened.split(settings.split), settings)


def predict_photographs(model: estimator.DepthRegressor, path: str, output_dir: pathlib.Path) -> None:
    """Writes the depth of a photograph, or of each one in a folder."""
    names = photos.find_photographs(path, flag="input")

    def work(file: pathlib.Path) -> str:
        image = photos.read_image(file)
        shrunk = resizing.resize_image(image, SIZE_PX).numpy()[np.newaxis]
        (log_depth,) = model.predict_log_depth(model.describe(shrunk))
        depth_m = views.to_metres(log_depth, image.shape[:2])
        predictions.write(output_dir / names[file], depth_m)
        return f"{depth_m.min():.2f} to {depth_m.max():.2f} m"

    program.for_each(names, work)


def predict_split(model: estimator.DepthRegressor, split: splits.Split, settings: Settings) -> None:
    """Writes 00000_predicted.npy and so on, one per image of the split, and says how fast."""
    folder = pathlib.Path(settings.output_dir)
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"--output_dir={folder} is not empty: name a new folder")
    started_s = time.perf_counter()
    examples = model_examples(model, split)
    for place, example in enumerate(tqdm.tqdm(examples, total=split.num_images, unit=" images", mininterval=5)):
        predictions.write(folder / f"{place:05d}", example.pred, ("npy", "picture") if settings.pictures else ("npy",))
    rate = split.num_images / (time.perf_counter() - started_s)
    say(f"wrote {split.num_images} depth maps to {folder}, {rate:.1f} images/s")


def model_examples(model: estimator.DepthRegressor, split: splits.Split) -> Iterator[score.Example]:
    """Yields the split's examples with the model's prediction, float32 metres of the full image at the truth's size."""

    def predict(images):
        return model.predict_log_depth(model.describe(np.stack(images)))

    for example in score.predicted_examples(split, predict, size_px=SIZE_PX):
        yield dataclasses.replace(example, pred=views.to_metres(example.pred, example.true_m.shape))


if __name__ == "__main__":
    program.run(main, Settings)
