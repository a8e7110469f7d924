"""Puts a run's network into the package, with its model card: python -m depth_tf.publish --workdir=RUN --name=encoder.

Writes depth_tf/weights/NAME.npz, which `--network_file=NAME` and `--init_from=NAME` then take, and NAME.md.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib

from etils import epy

from depth_tf import saved
from depth_tf.drawing.tables import NAMES
from depth_tf.runtime import program, run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from depth_tf.training import settings as training

with epy.lazy_imports():
    from depth_tf.runtime import atomic_files
    from depth_tf.scoring import score_run

LICENCES = {
    "nyu_depth_v2": "NYU Depth V2 (Silberman et al., ECCV 2012) states none: take these weights for research, and ask "
    "its authors before you sell a product with them",
    "synthetic_rooms": "rendered by this package, under its own licence",
}
LIMITS = """
- Indoor rooms, 0.7 to 10 m, upright, seen by a camera with NYU's field of view (about 58 degrees across). Another
  focal length scales all depths by one factor.
- Scores on the images it learnt from say nothing: of NYU, only the official 654 test images are left.
- Glass, mirrors, pictures of rooms and night scenes are read as what they show.
- Most of the error is one factor per image: shape is better than scale. Nothing here is fit for safety.
"""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to publish; each field is the flag of its name."""

    workdir: str | None = option(None, "folder of a finished run", required=True)
    name: str = option("encoder", "name of the network in the package", choices=saved.BUNDLED)

    def __post_init__(self):
        program.check(self)


def main(settings: Settings) -> None:
    """Writes the weights and the card."""
    workdir, config = pathlib.Path(settings.workdir), run_folder.read_config(settings.workdir)
    if not (workdir / run_folder.METRICS).is_file():
        raise InputError(f"--workdir={workdir} holds an unfinished run: expected one with {run_folder.METRICS}")
    if config["init_from"]:
        raise InputError(
            f"the run began with {config['init_from']}: expected one whose card can name all it learnt from"
        )
    network = saved.load_network(workdir / run_folder.BEST_NETWORK)
    environment = json.loads((workdir / run_folder.ENVIRONMENT).read_text())
    learnt = score_run.trained_on(workdir)
    path = saved.FOLDER / f"{settings.name}.npz"
    saved.write_bundled(path, network, learnt)
    size = f"{network.count_params():,} parameters, {path.stat().st_size / 1e6:.2f} MB as float16"
    atomic_files.write_text(path.with_suffix(".md"), card(settings.name, config, environment, learnt, size))
    say(f"wrote {path} and {path.with_suffix('.md').name}")


def card(name: str, config: dict, environment: dict, learnt: dict, size: str) -> str:
    """Returns the model card, Markdown, of a run with that config.json and environment.json."""
    usual = dataclasses.asdict(training.Settings())
    flags = (f"--{flag}={value}" for flag, value in config.items() if value != usual.get(flag))
    command = program.without_paths(" ".join(["python -m depth_tf.train", *flags]))
    dataset, versions = learnt["trained_on"], environment["packages"]
    encoder = f", encoder {config['encoder']} ({config['encoder_weights']})" if config["network"] == "encoder" else ""
    size_px = f"{config['image_height_px']}, {config['image_width_px']}"
    return f"""# Model card: `{name}`

Written by `python -m depth_tf.publish` from the run that trained it.

| what | |
| --- | --- |
| network | `{config["network"]}`{encoder}, {size} |
| in, out | RGB 0..255 [{size_px}, 3]; depth along the optical axis, metres |
| learnt from | {NAMES.get(dataset, dataset)}, {learnt["num_train_images"]:,} images of `train` |
| licence of the data | {LICENCES.get(dataset, "the user's own")} |
| commit, date, machine | {environment["commit"]}, {environment["date"]}, {environment["machine"]} |
| versions | TensorFlow {versions["tensorflow"]}, Keras {versions["keras"]} |

## Recipe

`{command}`

## Limits
{LIMITS}"""


if __name__ == "__main__":
    program.run(main, Settings)
