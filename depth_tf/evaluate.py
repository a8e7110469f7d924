"""Scores depth maps on a split, from a network or from files that any method may have written.

    python -m depth_tf.evaluate --workdir=RUN --split=validation
    python -m depth_tf.evaluate --network_file=encoder --data_dir=DIR
    python -m depth_tf.evaluate --data_dir=DIR --split=validation --export_images=IMAGES
    python -m depth_tf.evaluate --predictions=DEPTHS --data_dir=DIR --split=validation --output=metrics.json

Files are 00000.npy and so on, float32 metres [H, W] of the full frame, numbered by the record's place in the split, or
16-bit 00000.png, of --prediction_scale metres per unit; or 00000_predicted.npy or 00000_predicted_mm.png, as the
programs here that predict write them.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator

from etils import epy

from depth_tf import saved
from depth_tf.data.settings import DataSettings
from depth_tf.runtime import atomic_files, program, run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from depth_tf.scoring import protocols

with epy.lazy_imports():
    import numpy as np
    import tensorflow as tf

    from depth_tf.data import opening, photos, splits
    from depth_tf.scoring import score, score_run

PROGRAM = "depth_tf.evaluate"
PREDICTION_ENDINGS = ("_predicted.npy", ".npy", "_predicted_mm.png", ".png")  # the first that a folder holds counts


@dataclasses.dataclass(frozen=True)
class Settings(program.unset(DataSettings, "the run's, or as for training")):
    """What to score, and how; each field is the flag of its name."""

    workdir: str | None = option(None, "score the network of this run", group="what")
    network_file: str | None = option(
        None, f"score this network: {', '.join(saved.BUNDLED)}, or a .keras file", group="what"
    )
    predictions: str | None = option(None, "score the depth maps in this folder", group="what")
    export_images: str | None = option(None, "write the split's images to this folder instead", group="what")
    prediction_kind: str = option("depth_m", "what the files hold", group="what", choices=protocols.PREDICTION_KINDS)
    prediction_scale: float = option(0.001, "metres per unit of predictions in 16-bit PNG files", group="what")
    split: str = option("validation", "split to score on", group="what", choices=("holdout", "validation", "test"))
    protocol: str | None = option(
        None, "protocol; unset: eigen for NYU, full for others", group="output", choices=tuple(protocols.PROTOCOLS)
    )
    mirror: bool = option(
        False, "average each prediction with that for the mirrored image; the result says so", group="output"
    )
    output: str | None = option(
        None, "result file, JSON; unset: <split>_<protocol>.json in --workdir, or metrics.json", group="output"
    )

    def __post_init__(self):
        super().__post_init__()
        if [self.workdir, self.network_file, self.predictions, self.export_images].count(None) != 3:
            raise InputError("expected exactly one of --workdir, --network_file, --predictions and --export_images")
        if self.mirror and not (self.workdir or self.network_file):
            raise InputError("--mirror needs a network: expected --workdir or --network_file")
        if self.prediction_kind != "depth_m" and not self.predictions:
            raise InputError(f"--prediction_kind={self.prediction_kind} is of files: expected --predictions")
        if not 0 < self.prediction_scale <= 1:
            raise InputError(f"expected --prediction_scale above 0, 1 at most, got {self.prediction_scale:g}")


def main(settings: Settings) -> None:
    """Scores, or exports the images to be scored."""
    config = run_folder.read_config(settings.workdir) if settings.workdir else {}
    network = saved.load_network(settings.network_file) if settings.network_file else None
    dataset = opening.open_chosen(chosen_data(settings, config))
    with opening.naming_bad_records(dataset):
        if settings.export_images:
            export_images(dataset.split(settings.split), settings.export_images)
        elif settings.predictions:
            _score_files(settings, dataset, dataset.split(settings.split))
        else:
            _score_network(settings, dataset, network)


def chosen_data(settings: Settings, config: dict) -> DataSettings:
    """Returns the data set that the flags name; what they leave unset is the run's, or the default."""
    given = {field.name: getattr(settings, field.name) for field in dataclasses.fields(DataSettings)}
    if given["dataset"] not in (None, config.get("dataset")):
        config = {name: value for name, value in config.items() if name != "data_dir"}  # it holds the run's data set
    ours = {name: config[name] for name in given if name in config}
    return DataSettings(**ours | {name: value for name, value in given.items() if value is not None})


def _score_network(settings: Settings, dataset: splits.DepthDataset, network) -> None:
    how = {"split": settings.split, "protocol": settings.protocol, "mirrored": settings.mirror}
    how["command"] = program.command_line(PROGRAM)
    if settings.workdir:
        rules = protocols.choose(settings.protocol, dataset=dataset.name, range_m=splits.DEPTH_RANGE_M)
        name = f"{settings.split}_{rules.name}{'_mirror' if settings.mirror else ''}.json"
        workdir = pathlib.Path(settings.workdir)
        score_run.score_run(workdir, dataset, **how, output=pathlib.Path(settings.output or workdir / name))
    else:
        learnt = saved.learnt(settings.network_file)
        if settings.split == "holdout" and learnt["trained_on"] == dataset.name:
            raise InputError(
                f"{settings.network_file} has learnt from these images: expected --split=validation or test"
            )
        output = pathlib.Path(settings.output or run_folder.METRICS)
        score_run.score_network(network, dataset, **how, output=output, about=learnt | _floor(dataset))


def _floor(dataset: splits.DepthDataset) -> dict:
    """Returns what the mean map learned from, where that is not what the method did."""
    return {"floor_trained_on": dataset.name, "num_floor_images": dataset.split("train").num_images}


def _score_files(settings: Settings, dataset: splits.DepthDataset, split: splits.Split) -> None:
    paths = check_predictions(settings.predictions, split.num_images)
    score.score_split(
        read_predictions(split, paths, settings.prediction_scale),
        dataset,
        split,
        protocol=settings.protocol,
        prediction_kind=settings.prediction_kind,
        output=pathlib.Path(settings.output or run_folder.METRICS),
        command=program.command_line(PROGRAM),
        about={"trained_on": "unknown", "num_train_images": None, **_floor(dataset)},
    )


def check_predictions(folder: str, num_images: int) -> list[pathlib.Path]:
    """Returns the files of `PREDICTION_ENDINGS`, one per image; InputError if one is missing or does not belong."""
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise InputError(f"no folder {folder}: expected {num_images} files 00000.npy, 00001.npy, ... in it")
    ending = next((ending for ending in PREDICTION_ENDINGS if any(folder.glob(f"*{ending}"))), ".npy")
    paths, found = [folder / f"{index:05d}{ending}" for index in range(num_images)], set(folder.glob(f"*{ending}"))
    missing, extra = sorted(set(paths) - found), sorted(found - set(paths))
    if missing or extra:
        wrong = [f"{len(missing)} missing, the first {missing[0].name}"] if missing else []
        wrong += [f"{len(extra)} that belong to no image, the first {extra[0].name}"] if extra else []
        raise InputError(f"{folder} must hold one {ending} for each of {num_images} images: {'; '.join(wrong)}")
    return paths


def read_predictions(split: splits.Split, paths: list[pathlib.Path], scale: float = 0.001) -> Iterator[score.Example]:
    """Yields the split's examples with the predictions of the files.

    They must be finite floats of two dimensions, or 16-bit grey PNG files of `scale` metres per unit.
    """
    for (image, true_m), path in zip(score.scoring_pairs(split), paths, strict=True):
        if path.suffix == ".png":
            yield score.Example(image, true_m, photos.read_depth(path, depth_scale=scale))
            continue
        try:
            prediction = np.load(path, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{path} is not a NumPy array file: write it with numpy.save") from error
        if prediction.ndim == 3 and prediction.shape[-1] == 1:
            prediction = prediction[..., 0]
        if prediction.ndim != 2 or not np.issubdtype(prediction.dtype, np.floating):
            found = f"{prediction.dtype} {list(prediction.shape)}"
            advice = "divide integers by their units per metre, and save them as float32"
            raise InputError(f"{path} holds {found}, expected floating-point depth [height, width], metres: {advice}")
        if not np.isfinite(prediction).all():
            raise InputError(f"{path} holds NaN or infinity: every pixel needs a finite depth")
        yield score.Example(image, true_m, prediction.astype(np.float32))


def export_images(split: splits.Split, folder: str) -> None:
    """Writes the split's images as 00000.png and so on, each under the name its depth map must have."""
    folder = pathlib.Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"--export_images={folder} is not empty: name a new folder")
    for index, (image, _) in enumerate(splits.as_numpy(split.read())):
        with atomic_files.replacing(folder / f"{index:05d}.png") as temporary:
            temporary.write_bytes(tf.io.encode_png(image).numpy())
    say(f"wrote {split.num_images} images to {folder}; name each depth map as its image, with .npy")


if __name__ == "__main__":
    program.run(main, Settings)
