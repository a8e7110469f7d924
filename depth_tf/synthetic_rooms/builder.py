"""The TFDS data set `synthetic_rooms`: rendered once, then read like any other.

Features are those of TFDS's nyu_depth_v2 at half its size: `image` uint8, `depth` float16 metres along the
optical axis, 0 where the sensor has no reading. No room is in two splits.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from depth_tf.data.settings import DataSettings
from depth_tf.data.splits import DepthDataset
from depth_tf.data.tfds_records import QuickDepth, open_tfds_folder, write_records
from depth_tf.runtime import atomic_files, machine, program
from depth_tf.runtime.progress import Progress
from depth_tf.synthetic_rooms.camera import HEIGHT_PX, WIDTH_PX
from depth_tf.synthetic_rooms.frames import SPLITS, Job, render_rooms

DATASET = "synthetic_rooms"
VERSION = "2.0.0"  # to be raised with any change that alters a frame
RECORD_MB = 0.45  # per example, on disk


@dataclasses.dataclass
class RoomsConfig(tfds.core.BuilderConfig):
    """A size of the data set."""

    rooms: dict[str, int] = dataclasses.field(default_factory=dict)  # number of rooms by split
    frames: int = 4  # views of each room
    seed: int = 0  # of everything drawn


class SyntheticRooms(tfds.core.GeneratorBasedBuilder):
    """Furnished rooms, ray-cast, seen by a hand-held camera with the intrinsics of NYU's."""

    VERSION = tfds.core.Version(VERSION)
    BUILDER_CONFIGS = [
        RoomsConfig(name="default", rooms={"train": 270, "validation": 30, "test": 30}, frames=3),
        RoomsConfig(name="tiny", rooms={"train": 12, "validation": 4, "test": 4}, frames=2),
        RoomsConfig(name="large", rooms={"train": 2000, "validation": 30, "test": 30}),
    ]

    def __init__(self, *, workers: int | None = None, **kwargs):
        """Takes what every TFDS builder does, and the number of `workers` that render, default all cores."""
        self._workers = workers or machine.num_cores()
        self.scene_of_key: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        image = tfds.features.Image(shape=(HEIGHT_PX, WIDTH_PX, 3))
        depth = tfds.features.Tensor(shape=(HEIGHT_PX, WIDTH_PX), dtype=np.float16)
        return tfds.core.DatasetInfo(
            builder=self,
            description="Furnished rooms, ray-cast with NumPy, as a hand-held Kinect would see them.",
            features=tfds.features.FeaturesDict({"image": image, "depth": depth}),
            supervised_keys=("image", "depth"),
        )

    def _split_generators(self, dl_manager) -> dict[str, Iterator]:
        config = self.builder_config
        jobs = (Job(config.seed, split, room, config.frames) for split in SPLITS for room in range(config.rooms[split]))
        # One stream for all splits, which TFDS writes one after another, so that workers start once.
        rendered = render_rooms(jobs, workers=self._workers)
        return {split: self._generate_examples(split, rendered) for split in SPLITS}

    def _generate_examples(self, split: str, rendered: Iterator) -> Iterator[tuple[str, dict]]:
        config = self.builder_config
        with Progress(f"{DATASET}/{config.name} {split}", config.rooms[split] * config.frames) as progress:
            for job, frames in itertools.islice(rendered, config.rooms[split]):
                if job.split != split:
                    raise RuntimeError(f"TFDS asked for {split} when {job.split} was to be written")
                for frame, (png, depth_m) in enumerate(frames):
                    key = f"room_{job.room:05d}_{frame}"
                    self.scene_of_key[split][key] = f"{split}_room_{job.room:05d}"
                    yield key, {"image": png, "depth": depth_m.view(QuickDepth)}
                    progress.update()


def open_synthetic_rooms(data_dir: pathlib.Path, settings: DataSettings) -> DepthDataset:
    """Opens the rooms as splits, rendering them the first time."""
    folder = pathlib.Path(open_rooms(data_dir, settings.rooms).data_dir)
    return open_tfds_folder(DATASET, folder, settings.validation_fraction)


def open_rooms(data_dir: pathlib.Path, config: str = "default") -> tfds.core.DatasetBuilder:
    """Returns the builder of a prepared `synthetic_rooms`, "tiny", "default" or "large", rendering it if need be.

    Raises:
      InputError: if the disk is full or the folder cannot be written.
    """
    data_dir = pathlib.Path(data_dir)
    final = data_dir / DATASET / config / VERSION
    if not (final / "dataset_info.json").exists():
        with atomic_files.replacing_folder(data_dir, final) as folder:
            _write(config, folder)
    return SyntheticRooms(data_dir=data_dir, config=config)


def _write(config: str, folder: pathlib.Path) -> None:
    """Renders the data set below `folder`."""
    builder = SyntheticRooms(data_dir=folder, config=config)
    counts = {split: rooms * builder.builder_config.frames for split, rooms in builder.builder_config.rooms.items()}
    total = sum(counts.values())
    atomic_files.require_free(folder.parent, total * RECORD_MB / 1000, f"rendering {DATASET}/{config}")
    program.say(f"rendering {DATASET}/{config}, once: {total:,} images")
    about = {"kind": "rendered", "seed": builder.builder_config.seed}
    write_records(builder, builder.scene_of_key, about, counts)
