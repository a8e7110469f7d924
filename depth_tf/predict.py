"""Predicts depth from photographs: python -m depth_tf.predict --input=room.jpg.

    python -m depth_tf.predict --input=photos/ --recursive --output_dir=depth --write=picture,npy,png16
    python -m depth_tf.predict --input='photos/*.jpg' --network_file=small --range_m=0.5,6
    python -m depth_tf.predict --input=room.jpg --focal_px=2900 --write=ply,glb
    python -m depth_tf.predict --input=room.jpg --known=310,200,2.4

Writes name_predicted.png, a picture in colours with a scale in metres; name_predicted.npy, float32 metres;
name_predicted_mm.png, 16 bits, millimetres, 0 beyond 65 m. All have the photograph's size, upright. _predicted.ply is a
coloured point cloud and _predicted.glb a textured mesh, of half a million points at most. A video becomes a video of
pictures, name_predicted.mp4, and in other forms one file per frame, name/000000_predicted.npy and so on.
"""

from __future__ import annotations

import contextlib
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
    from depth_tf.data import videos
    from depth_tf.drawing import figures
    from depth_tf.runtime import atomic_files, progress

INPUTS = (*photos.IMAGE_SUFFIXES, *photos.HEIC_SUFFIXES, *photos.VIDEO_SUFFIXES)


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """What to predict, and with what; each field is the flag of its name."""

    input: str | None = option(
        None, "a photograph or video, a folder of them, a pattern such as 'photos/*.jpg', or -: stdin", required=True
    )
    recursive: bool = option(False, "take the folders in the folder too")
    network_file: str = option("encoder", f"the network: {', '.join(saved.BUNDLED)}, or a .keras file")
    focal_px: float | None = option(
        None, "the camera's focal length, in pixels of the photograph; unset: EXIF's, else NYU's camera's"
    )
    write: str = option("picture", f"what to write, comma-separated, of {', '.join(predictions.FORMS)}")
    known: tuple[str, ...] = option(
        (), "X,Y,METRES, once or more: the depth known at column X, row Y of the one photograph"
    )
    range_m: str | None = option(None, "where the colours begin and end, such as 0.5,6; unset: by each photograph")
    output_dir: str = option("depth", "folder to write to")

    def __post_init__(self):
        super().__post_init__()
        if unknown := set(self.forms()) - predictions.FORMS.keys():
            known = ", ".join(predictions.FORMS)
            raise InputError(f"expected --write of {known}, separated by commas, got {unknown.pop()!r}")
        if self.focal_px is not None and not 0 < self.focal_px < math.inf:
            raise InputError(f"expected --focal_px above 0, in pixels of the photograph, got {self.focal_px:g}")
        self.colours_m()
        self.points()

    def forms(self) -> list[str]:
        """Returns --write as a list."""
        return self.write.split(",")

    def points(self) -> list[list[float]]:
        """Returns each --known as three numbers."""
        points = []
        for text in self.known:
            try:
                x, y, depth_m = map(float, text.split(","))
            except ValueError:
                x = y = depth_m = math.nan
            if not (math.isfinite(x + y) and 0 < depth_m < math.inf):
                raise InputError(f"expected --known=X,Y,METRES, a pixel and the depth there above 0, got {text!r}")
            points.append([x, y, depth_m])
        return points

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
    """Predicts every photograph and video."""
    names = photos.find_photographs(settings.input, flag="input", recursive=settings.recursive, suffixes=INPUTS)
    if settings.known and len(names) > 1:
        raise InputError(f"--known is of one photograph: expected one with --input, found {len(names)}")
    network, folder = predictor.load(settings.network_file), pathlib.Path(settings.output_dir)
    with atomic_files.disk_errors_named(folder):
        folder.mkdir(parents=True, exist_ok=True)

    def work(file: pathlib.Path) -> str:
        is_video = file.name.lower().endswith(photos.VIDEO_SUFFIXES)
        return (predict_video if is_video else predict_photograph)(network, file, folder / names[file], settings)

    program.for_each(names, work)


def predict_photograph(network: predictor.Predictor, file: pathlib.Path, stem: pathlib.Path, settings: Settings) -> str:
    """Writes the depth of a photograph, and returns what there is to say of it."""
    photo = photos.read_photograph(file)
    depth_m, focal = network.predict(photo, focal_px=settings.focal_px), network.focal(photo, settings.focal_px)
    told = f"focal length {focal.px:.0f} px ({focal.told})"
    if points := settings.points():
        scale = predictor.fit_known(depth_m, points)
        depth_m, told = scale.apply(depth_m), f"{told}; {scale.told}"
    how = {"range_m": settings.colours_m(), "image": photo.image, "focal_px": focal.px}
    predictions.write(stem, depth_m, settings.forms(), **how)
    near_m, middle_m, far_m = np.percentile(depth_m, (0, 50, 100))
    return f"{near_m:.2f} to {far_m:.2f} m, median {middle_m:.2f} m; {told}"


def predict_video(network: predictor.Predictor, file: pathlib.Path, stem: pathlib.Path, settings: Settings) -> str:
    """Writes a video of depth pictures, and other forms by frame, in the scale and colours that suit the first one."""
    forms = [form for form in settings.forms() if form != "picture"]
    scale, range_m, count = predictor.Scale(), settings.colours_m(), 0
    with contextlib.ExitStack() as stack:
        shown = stack.enter_context(progress.Progress(file.name))
        if "picture" in settings.forms():
            path = f"{stem}{photos.PREDICTED_VIDEO}"
            add = stack.enter_context(videos.writing(stack.enter_context(atomic_files.replacing(path))))
        for count, (image, rate) in enumerate(videos.frames(file), start=1):
            depth_m = network.predict(image, focal_px=settings.focal_px)
            if count == 1 and settings.known:
                scale = predictor.fit_known(depth_m, settings.points())
            depth_m = scale.apply(depth_m)
            range_m = range_m or figures.usual_range_m(depth_m)
            if "picture" in settings.forms():
                add(np.asarray(figures.depth_picture(depth_m, range_m)), rate)
            focal_px = network.focal(photos.Photograph(image), settings.focal_px).px
            predictions.write(stem / f"{count - 1:06d}", depth_m, forms, image=image, focal_px=focal_px)
            shown.update()
        if not count:
            raise InputError(f"{file} holds no frame: expected a video")
    return f"{count} frames; {scale.told}"


if __name__ == "__main__":
    program.run(main, Settings)
