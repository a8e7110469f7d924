"""Prepares NYU Depth V2 as the genuine TFDS data set, which plain `tfds.load("nyu_depth_v2")` reads.

--source is FastDepth's nyudepthv2.tar.gz (read as a stream, never extracted), its extracted folder nyudepthv2/, or the
official nyu_depth_v2_labeled.mat; without it, the archive is downloaded, and a download that broke off goes on. Beside
the records stand depth_tf_source.json (what they were made from) and depth_tf_scenes.csv (the scene of each image).

    python -m depth_tf.prepare --source=~/nyu_depth_v2_labeled.mat
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator

from etils import epy

from depth_tf.data.settings import NYU_VERSION
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import tensorflow_datasets as tfds

    from depth_tf.data import opening, tfds_records
    from depth_tf.nyu import frames, sources
    from depth_tf.runtime import atomic_files, progress

DATASET = "nyu_depth_v2"
FULL_COUNTS = {"train": 47584, "validation": 654}  # the data set that TFDS publishes


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """What to prepare, from what and where."""

    source: str = program.option("", "archive, folder or .mat file; empty downloads 34.3 GB", group="input")
    max_images: int = program.option(0, "images per split, spread over the scenes; 0 takes all", group="input", least=0)
    data_dir: str = program.option("", "folder of TFDS data sets; empty means TFDS's own", group="output")
    overwrite: bool = program.option(False, "make it anew, whatever stands there", group="output")


def main(settings: Settings) -> None:
    """Prepares the data set that `settings` describe, unless it stands there already."""
    data_dir = opening.resolve_data_dir(settings.data_dir)
    final = data_dir / DATASET / NYU_VERSION
    source = sources.open_source(settings.source) if settings.source else sources.DownloadedArchive(data_dir)
    request = {"kind": source.kind, "max_images": settings.max_images, "fingerprint": source.fingerprint}
    with atomic_files.replacing_folder(data_dir, final) as folder:
        if not settings.overwrite and stands_already(final, request):
            return program.say(f"{final} holds this already, nothing to do (--overwrite makes it anew)")
        source.choose(settings.max_images)
        atomic_files.require_free(data_dir, source.records_gb(), "preparing these images")
        builder = tfds.builder(DATASET, data_dir=folder)
        scenes: dict[str, dict[str, str]] = {split: {} for split in frames.SPLIT_FOLDERS}  # by key
        # Replaced on the instance, because TFDS refuses a second builder of this name.
        builder._split_generators = lambda _: {split: _examples(source, split, scenes[split]) for split in scenes}
        tfds_records.write_records(builder, scenes, request, FULL_COUNTS)
    return program.say(f"ready: tfds.load({DATASET!r}, data_dir={str(data_dir)!r})")


def stands_already(final: pathlib.Path, request: dict) -> bool:
    """Says whether `final` holds what is asked for; raises InputError if it holds something else."""
    if not final.exists():
        return False
    made = tfds_records.read_source(final)
    if made and all(made.get(name) == value for name, value in request.items()):
        return True
    told = _described(made) if made else f"a data set without {tfds_records.SOURCE_FILE}, which another program made"
    advice = "add --overwrite to replace it, or change --data_dir"
    raise InputError(f"{final} holds {told}, not {_described(request)}: {advice}")


def _examples(source: sources.Source, split: str, scene_of_key: dict[str, str]) -> Iterator[tuple[str, dict]]:
    """Yields (key, example) for TFDS, shows progress, and notes the scene of each key."""
    total = source.count(split)
    with progress.Progress(split, total) as shown:
        for frame, example in frames.examples(source.frames(split)):
            if frame.key in scene_of_key:
                raise InputError(f"the source holds {frame.key} twice in {split}: expected each image once")
            scene_of_key[frame.key] = frame.scene
            yield frame.key, example
            shown.update() if total else shown.update_share(source.share_read)
    if not scene_of_key:
        folder = frames.SPLIT_FOLDERS[split]
        raise InputError(f"the source has no images for {split}: expected nyudepthv2/{folder}/<scene>/<frame>.h5")


def _described(request: dict) -> str:
    images = f"{request['max_images']} images per split" if request.get("max_images") else "all images"
    return f"{images} from {request.get('kind')} (fingerprint {request.get('fingerprint')})"


if __name__ == "__main__":
    program.run(main, Settings)
