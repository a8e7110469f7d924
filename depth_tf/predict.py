"""Predicts depth from photographs: python -m depth_tf.predict --input=room.jpg.

    python -m depth_tf.predict --input=photos/ --recursive --output_dir=depth --write=picture,npy,png16
    python -m depth_tf.predict --input='photos/*.jpg' --network_file=small --range_m=0.5,6

Writes name_predicted.png, a picture in colours with a scale in metres; name_predicted.npy, float32 metres;
name_predicted_mm.png, 16 bits, millimetres, 0 beyond 65 m. All have the photograph's size, upright.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib

from etils import epy

from depth_tf import saved
from depth_tf.data import photos
from depth_tf.drawing import predictions
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option

with epy.lazy_imports():
    import numpy as np

    from depth_tf import predictor


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """What to predict, and with what; each field is the flag of its name."""

    input: str | None = option(
        None, "a photograph, a folder of them, or a pattern such as 'photos/*.jpg'", required=True
    )
    recursive: bool = option(False, "take the folders in the folder too")
    network_file: str = option("encoder", f"the network: {', '.join(saved.BUNDLED)}, or a .keras file")
    write: str = option("picture", f"what to write, comma-separated, of {', '.join(predictions.FORMS)}")
    range_m: str | None = option(None, "where the colours begin and end, such as 0.5,6; unset: by each photograph")
    output_dir: str = option("depth", "folder to write to")

    def __post_init__(self):
        super().__post_init__()
        if unknown := set(self.write.split(",")) - predictions.FORMS.keys():
            known = ", ".join(predictions.FORMS)
            raise InputError(f"expected --write of {known}, separated by commas, got {unknown.pop()!r}")
        self.colours_m()

    def colours_m(self) -> tuple[float, float] | None:
        """Returns --range_m as two numbers."""
        if not self.range_m:
            return None
        try:
            near_m, far_m = map(float, self.range_m.split(","))
        except ValueError:
            near_m = far_m = math.nan
        if not 0 <= near_m < far_m < math.inf:
            raise InputError(f"expected --range_m=NEAR,FAR, two numbers of metres, got {self.range_m}")
        return near_m, far_m


def main(settings: Settings) -> None:
    """Predicts every photograph."""
    names = photos.find_photographs(settings.input, flag="input", recursive=settings.recursive)
    predict = predictor.load(settings.network_file).predict

    def work(file: pathlib.Path) -> str:
        depth_m = predict(file)
        stem = pathlib.Path(settings.output_dir) / names[file]
        predictions.write(stem, depth_m, settings.write.split(","), range_m=settings.colours_m())
        near_m, middle_m, far_m = np.percentile(depth_m, (0, 50, 100))
        return f"{near_m:.2f} to {far_m:.2f} m, median {middle_m:.2f} m"

    program.for_each(names, work)


if __name__ == "__main__":
    program.run(main, Settings)
