"""Which data a program works on: the flags that every program with a data set inherits."""

import dataclasses
import functools
import math

from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import CheckedSettings, option

# Functions of (data_dir, settings), named rather than imported: what reads a data set builds on this package.
DATASETS: dict[str, str] = {
    "nyu_depth_v2": "depth_tf.data.tfds_records:open_nyu_depth_v2",
    "synthetic_rooms": "depth_tf.synthetic_rooms.builder:open_synthetic_rooms",
    "folder": "depth_tf.data.folder:open_folder",
}
CHOICES = ("auto", *DATASETS)
NYU_VERSION = "0.0.1"  # of TFDS's nyu_depth_v2
ROOMS = ("default", "tiny", "large")  # sizes of synthetic_rooms
_flag = functools.partial(option, group="data")


@dataclasses.dataclass(frozen=True)
class DataSettings(CheckedSettings):
    """A data set and how to read it; each field is the flag of its name."""

    dataset: str = _flag("auto", "data set; auto: NYU if prepared, else synthetic rooms", choices=CHOICES)
    data_dir: str | None = _flag(None, "folder TFDS keeps data sets in, or that holds train/; unset: TFDS's own")
    validation_fraction: float = _flag(0.1, "share of train, in whole scenes, held out to judge by; 0: none")
    rooms: str = _flag("default", "size of synthetic_rooms", choices=ROOMS)
    depth_scale: float = _flag(0.001, "metres per unit of a folder's depth PNGs")
    skip_incomplete: bool = _flag(False, "leave out a folder's images without depth, and depth maps without image")
    min_depth_m: float = _flag(0.1, "nearer readings count as missing, metres")
    max_depth_m: float = _flag(10.0, "farther readings count as missing, metres")

    def __post_init__(self):
        super().__post_init__()
        if not 0 <= self.validation_fraction < 1:
            raise InputError(f"expected --validation_fraction from 0 to below 1, got {self.validation_fraction:g}")
        if not 0 < self.depth_scale <= 1:
            told = f"expected --depth_scale above 0, 1 at most, in metres per unit, got {self.depth_scale:g}"
            if 1 < self.depth_scale < math.inf:
                told += f"; for {self.depth_scale:g} units per metre give --depth_scale={1 / self.depth_scale:.6g}"
            raise InputError(told)
        if not 0 < self.min_depth_m < self.max_depth_m:
            got = f"{self.min_depth_m:g} and {self.max_depth_m:g} m"
            raise InputError(f"expected 0 < --min_depth_m < --max_depth_m, got {got}")
