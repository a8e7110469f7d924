"""Puts a run's network into the package, with its model card: python -m depth_tf.publish --workdir=RUN --name=encoder.

Writes depth_tf/weights/NAME.npz, which `--network_file=NAME` and `--init_from=NAME` then take, and NAME.md.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib

from etils import epy

from depth_tf import saved
from depth_tf.drawing import tables
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
- Indoor rooms, 0.7 to 10 m, upright, seen by a camera with NYU's field of view (about 63 degrees across). Another
  focal length scales all depths by one factor.
- Scores on the images it learnt from say nothing: of NYU, only the official 654 test images are left.
- Mirrors, glass and pictures are predicted as the scene they show. Dark rooms are predicted badly.
- A third to two fifths of the squared logarithmic error is one factor per image; the rest is shape. Not for use where
  safety depends on it.
"""


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """What to publish; each field is the flag of its name."""

    workdir: str | None = option(None, "folder of a finished run", required=True)
    name: str = option("encoder", "name of the network in the package", choices=saved.BUNDLED)


def main(settings: Settings) -> None:
    """Writes the weights and the card."""
    runs = checked_lineage(pathlib.Path(settings.workdir))
    network = saved.load_network(runs[-1] / run_folder.BEST_NETWORK)
    path = saved.FOLDER / f"{settings.name}.npz"
    saved.write_bundled(path, network, score_run.trained_on(runs[-1]))
    size = f"{network.count_params():,} parameters, {path.stat().st_size / 1e6:.2f} MB as float16"
    atomic_files.write_text(path.with_suffix(".md"), card(settings.name, runs, size))
    say(f"wrote {path} and {path.with_suffix('.md').name}")


def checked_lineage(workdir: pathlib.Path) -> list[pathlib.Path]:
    """Returns `run_folder.lineage`, all of it finished.

    Raises:
      InputError: if a run is unfinished, or began with a network that is no run's, of which a card could say nothing.
    """
    runs = run_folder.lineage(workdir)
    for run in runs:
        if not (run / run_folder.METRICS).is_file():
            raise InputError(f"{run} holds an unfinished run: expected one with {run_folder.METRICS}")
    if start := run_folder.read_config(runs[0])["init_from"]:
        raise InputError(f"{runs[0]} began with {start}: expected a run's network, for the card to name its data")
    return runs


def card(name: str, runs: list[pathlib.Path], size: str) -> str:
    """Returns the model card, Markdown, of the last of `runs`, each of which began with the one before."""
    configs = [run_folder.read_config(run) for run in runs]
    learnt = score_run.trained_on(runs[-1])
    environment = json.loads((runs[-1] / run_folder.ENVIRONMENT).read_text())
    first, versions = configs[0], environment["packages"]
    encoder = f", encoder {first['encoder']} ({first['encoder_weights']})" if first["network"] == "encoder" else ""
    size_px = f"{configs[-1]['image_height_px']}, {configs[-1]['image_width_px']}"
    licences = [
        LICENCES.get(stage["trained_on"], "the user's own") for stage in (*learnt.get("pretrained_on", ()), learnt)
    ]
    commands = "\n".join(command(config) for config in configs)
    return f"""# Model card: `{name}`

Written by `python -m depth_tf.publish` from the run that trained it.

| what | |
| --- | --- |
| network | `{first["network"]}`{encoder}, {size} |
| in, out | RGB 0..255 [{size_px}, 3]; depth along the optical axis, metres |
| learnt from `train` of | {tables.training_set(learnt)} |
| licence of the data | {"; ".join(dict.fromkeys(licences))} |
| commit, date, machine | {environment["commit"]}, {environment["date"]}, {environment["machine"]} |
| versions | TensorFlow {versions["tensorflow"]}, Keras {versions["keras"]} |

## Recipe

```
{commands}
```

## Limits
{LIMITS}"""


def command(config: dict) -> str:
    """Returns the command of a run with that config.json, without its paths and what is usual."""
    usual = dataclasses.asdict(training.Settings())
    flags = (f"--{flag}={value}" for flag, value in config.items() if flag in usual and value != usual[flag])
    return program.without_paths(" ".join(["python -m depth_tf.train", *flags]))


if __name__ == "__main__":
    program.run(main, Settings)
