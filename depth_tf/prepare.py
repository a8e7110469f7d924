"""Prepares NYU Depth V2 as the genuine TFDS data set, which plain `tfds.load("nyu_depth_v2")` reads.

--source is FastDepth's nyudepthv2.tar.gz (read as a stream, never extracted), its extracted folder
nyudepthv2/, or the official nyu_depth_v2_labeled.mat; without it, TFDS downloads the archive. Beside the
records stand depth_tf_source.json (what they were made from) and depth_tf_scenes.csv (the room each shows).

    python -m depth_tf.prepare --source=~/nyu_depth_v2_labeled.mat
"""

import dataclasses
import json
import pathlib
from collections.abc import Iterator

import tensorflow_datasets as tfds

from depth_tf.data import scenes
from depth_tf.data.opening import resolve_data_dir
from depth_tf.data.settings import NYU_VERSION as VERSION
from depth_tf.data.tfds_records import SOURCE_FILE
from depth_tf.nyu import records
from depth_tf.nyu.download import DownloadedArchive
from depth_tf.nyu.frames import SPLIT_FOLDERS
from depth_tf.nyu.sources import Source, open_source
from depth_tf.runtime import program, staging, storage
from depth_tf.runtime.errors import InputError

DATASET = "nyu_depth_v2"
OPEN_FILES = 2048  # TFDS shuffles a large split in 1,000 files at once; systems allow 256 or 1,024 by default
FULL_COUNTS = {"train": 47584, "validation": 654}  # the data set that TFDS publishes


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to prepare, from what and where."""

    source: str = program.option("", "archive, folder or .mat file; empty downloads 34.3 GB", group="input")
    max_images: int = program.option(0, "images a split, spread over the scenes; 0 takes all", group="input")
    data_dir: str = program.option("", "folder of TFDS data sets; empty means TFDS's own", group="output")
    overwrite: bool = program.option(False, "make it anew, whatever stands there", group="output")

    def __post_init__(self):
        if self.max_images < 0:
            raise InputError(f"--max_images must be 0 or more, got {self.max_images}")


def main(settings: Settings) -> None:
    """Prepares the data set that `settings` describe, unless it stands there already."""
    data_dir = resolve_data_dir(settings.data_dir)
    final = data_dir / DATASET / VERSION
    source = open_source(settings.source) if settings.source else DownloadedArchive(data_dir)
    request = {"kind": source.kind, "max_images": settings.max_images, "fingerprint": source.fingerprint}
    with staging.disk_errors_named(data_dir), staging.only_one_in(data_dir):
        staging.remove_leftovers(data_dir, final)
        if not settings.overwrite and stands_already(final, request):
            return program.say(f"{final} holds this already, nothing to do (--overwrite makes it anew)")
        with staging.new_staging(data_dir) as folder:
            staging.put_in_place(write_records(source, request, folder), final, folder)
    return program.say(f"ready: tfds.load({DATASET!r}, data_dir={str(data_dir)!r})")


def stands_already(final: pathlib.Path, request: dict) -> bool:
    """Says whether `final` holds what is asked for.

    Raises:
      InputError: if it holds something else.
    """
    if not final.exists():
        return False
    found = read_source(final)
    if found and all(found.get(name) == value for name, value in request.items()):
        return True
    described = _described(found) if found else f"a data set without {SOURCE_FILE}, which another program made"
    raise InputError(
        f"{final} holds {described}, not {_described(request)}: add --overwrite to replace it, or change --data_dir"
    )


def read_source(folder: pathlib.Path) -> dict | None:
    """Returns what `depth_tf_source.json` in the records' folder says; None where there is none.

    Its keys: kind, max_images (0 for all), fingerprint (of the source's files), counts ({split: images}) and
    complete (whether these are the 47,584 and 654 images that TFDS publishes).

    Raises:
      InputError: if it is not JSON.
    """
    path = folder / SOURCE_FILE
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}): remove {folder} and prepare it again") from error


def write_records(source: Source, request: dict, folder: pathlib.Path) -> pathlib.Path:
    """Lets TFDS's builder write the records below `folder`, and writes the two files beside them.

    Returns:
      The folder of the records, `folder`/nyu_depth_v2/0.0.1.
    """
    source.choose(request["max_images"])
    staging.require_free(folder.parent, source.records_gb(), "preparing these images")
    builder = tfds.builder(DATASET, data_dir=folder)
    scene_of_key: dict[str, dict[str, str]] = {split: {} for split in SPLIT_FOLDERS}
    # Replaced on the instance, because TFDS refuses a second builder of this name.
    builder._split_generators = lambda dl_manager: {
        split: _examples(source, split, scene_of_key[split]) for split in SPLIT_FOLDERS
    }
    builder._log_download_bytes = builder._log_download_done = lambda: None  # they speak of the staging folder
    tfds.disable_progress_bar()
    staging.allow_open_files(OPEN_FILES)
    builder.download_and_prepare(download_dir=folder / "downloads")
    written = pathlib.Path(builder.data_dir)
    scenes.write_scenes(written, builder.info.splits, scene_of_key)
    counts = {split: builder.info.splits[split].num_examples for split in SPLIT_FOLDERS}
    storage.write_json(written / SOURCE_FILE, request | {"counts": counts, "complete": counts == FULL_COUNTS})
    return written


def _examples(source: Source, split: str, scene_of_key: dict[str, str]) -> Iterator[tuple[str, dict]]:
    """Yields (key, example) for TFDS, shows progress, and notes the scene of each key."""
    total = source.count(split)
    with records.Progress(split) as progress:
        for frame, example in records.examples(source.frames(split)):
            if frame.key in scene_of_key:
                raise InputError(f"the source holds {frame.key} twice in {split}: expected each image once")
            scene_of_key[frame.key] = frame.scene
            done = len(scene_of_key)
            progress.update(done, total=total, share=done / total if total else source.share_read)
            yield frame.key, example
        progress.update(len(scene_of_key), total=total, share=1.0, last=True)
    if not scene_of_key:
        raise InputError(
            f"the source has no images for {split}: expected nyudepthv2/{SPLIT_FOLDERS[split]}/<scene>/<frame>.h5"
        )


def _described(request: dict) -> str:
    """Returns a request or a source file's content in words."""
    images = f"{request['max_images']} images a split" if request.get("max_images") else "all images"
    return f"{images} from {request.get('kind')} (fingerprint {request.get('fingerprint')})"


if __name__ == "__main__":
    program.run(main, Settings)
