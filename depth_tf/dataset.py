"""Shows what a data set holds, or writes a part of it as photographs with depth maps.

python -m depth_tf.dataset --data_dir=DIR --output=sheet.png
python -m depth_tf.dataset --data_dir=DIR --num_images=200 --export_folder=FOLDER
"""

from __future__ import annotations

import dataclasses

from etils import epy

from depth_tf.data.settings import DataSettings
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    from depth_tf.data import folder, opening
    from depth_tf.drawing import sheet


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to show or write; each field is the flag of its name."""

    split: str = option("train", "split to show", group="data", choices=("train", "holdout", "validation", "test"))
    num_images: int = option(24, "images to show or write", group="output")
    output: str | None = option(None, "sheet of examples, PNG; unset: counts alone", group="output")
    export_folder: str | None = option(None, "write images and depth maps to this folder instead", group="output")

    def __post_init__(self):
        super().__post_init__()
        if self.num_images < 1:
            raise InputError(f"expected --num_images of 1 or more, got {self.num_images}")


def main(settings: Settings) -> None:
    """Shows a data set, or writes it as a folder."""
    dataset = opening.open_chosen(settings)
    split = dataset.split(settings.split)
    with opening.naming_bad_records(dataset):
        if settings.export_folder:
            folder.export_folder(split, settings.export_folder, settings.num_images)
            return
        surveys = {name: sheet.survey(part) for name, part in dataset.splits.items()}
        source = f"{dataset.name}, source: {dataset.source}"
        say("\n".join([source, *sheet.count_lines(dataset, surveys), *sheet.scene_lines(split)]))
        if settings.output:
            sheet.draw_sheet(settings.output, dataset, split, surveys, settings.num_images)
            say(f"wrote {settings.output}")


if __name__ == "__main__":
    program.run(main, Settings)
