"""The README's commands, recipes and lines of Python do what it says."""

import dataclasses
import importlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from absl import flags

import depth_tf
from depth_tf.runtime import program
from tests.quick_train import build_quick

ROOT = pathlib.Path(__file__).resolve().parents[1]
READMES = sorted(path for path in ROOT.rglob("README.md") if ".venv" not in path.parts)
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _block(mark: str) -> str:
    """Returns the code under a mark such as <!-- notebook -->."""
    (code,) = re.findall(rf"<!-- {mark} -->\n```\w+\n(.+?)```", README, re.DOTALL)
    return code


def _run(command: str, *more: str) -> None:
    """Runs `python -m MODULE FLAGS` in this process, with more flags."""
    python, dash_m, name, *given = shlex.split(command)
    assert (python, dash_m) == ("python", "-m")
    module = importlib.import_module(name)
    values = flags.FlagValues()
    program.define_flags(module.Settings, values)
    values([name, *given, *more])
    module.main(program.settings_from_flags(module.Settings, values))


def test_the_first_screens_photograph_is_predicted_as_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    _run(_block("predict").split("#")[0], f"--output_dir={tmp_path}")
    depth_m = np.load(tmp_path / "sample_predicted.npy")
    assert depth_m.shape == (240, 320)
    assert 0.5 < np.median(depth_m) < 6.0


@pytest.mark.slow  # every day `test_sheet` writes and opens such a folder, and `test_folder` trains on one
@pytest.mark.usefixtures("few_metrics", "eagerly")
def test_the_worked_example_with_ones_own_photographs_can_be_followed(tiny_rooms, tmp_path, monkeypatch):
    """As it stands, but on six of the tiny rooms' images, with a quick network and few records, to save minutes."""
    monkeypatch.chdir(tmp_path)
    quick = ["--network=quick", "--gradient_weight=0", "--nopanels", "--notensorboard"]
    for command in _block("folder example").splitlines():
        rooms = [f"--data_dir={tiny_rooms}", "--rooms=tiny", "--num_images=6"] if "synthetic_rooms" in command else []
        _run(command, *rooms, *(quick if "depth_tf.train" in command else []))
    assert (tmp_path / "photos.png").exists()
    assert (tmp_path / "runs" / "photos" / "metrics.json").exists()


@pytest.mark.usefixtures("few_metrics", "eagerly")
def test_the_notebooks_lines_train_and_predict(tiny_rooms, monkeypatch):
    """As they stand, but on the tiny rooms and with a quick network."""
    monkeypatch.setattr(depth_tf, "build_small", build_quick, raising=False)
    code = _block("notebook")
    assert len(code.splitlines()) <= 12
    names: dict = {}
    exec(code.replace('rooms="tiny"', f'rooms="tiny", data_dir={os.fspath(tiny_rooms)!r}'), names)
    assert names["depth_m"].shape[1:] == (*names["size_px"], 1)
    assert names["depth_m"].min() > 0


def test_every_recipe_can_be_followed_and_a_run_then_takes_its_name(tiny_rooms, tmp_path):
    """Edits a copy of the package as the README says, and trains with all recipes at once."""
    shutil.copytree(ROOT / "depth_tf", tmp_path / "depth_tf", ignore=shutil.ignore_patterns("results", "__pycache__"))
    for name, holder, body in re.findall(r"# (\S+\.py)(?:, in (\w+).*)?\n((?:(?!#).*\n)+)", _block("recipes")):
        path = tmp_path / name
        path.write_text(_edited(path.read_text(), holder, body))
    records = pathlib.Path(next(tiny_rooms.rglob("dataset_info.json"))).parent
    shutil.copytree(records, tmp_path / "data" / "my_rooms" / "1.0.0")
    chosen = ["--optimizer=lion", "--schedule=halves", "--loss=l2", "--network=plain", "--dataset=my_rooms"]
    small = ["--image_height_px=32", "--image_width_px=32", "--epochs=1", "--nopanels", "--notensorboard"]
    small += ["--max_train_images=4", "--validation_fraction=0", "--gradient_weight=0"]
    done = subprocess.run(
        [sys.executable, "-m", "depth_tf.train", *chosen, *small, "--data_dir=data", "--workdir=run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert not re.search("cuInit|cuda drivers", done.stderr)  # TensorFlow's alarming lines
    assert (tmp_path / "run" / "metrics.json").exists()
    assert "max_zoom: float = 1.2\n" in (tmp_path / "depth_tf" / "augmentation.py").read_text()


def _edited(text: str, holder: str, body: str) -> str:
    """Returns a module with a recipe's entry in its dict or field in its class, and its functions after the imports."""
    entries = [line for line in body.splitlines() if re.match(r'    ("\w+": .*,|\w+: \w+ = .*)$', line)]
    functions = "\n".join(line for line in body.splitlines() if line not in entries).strip()
    for entry in entries:
        if field := re.match(r"    (\w+): ", entry):  # a field that is there: its new default
            text, count = re.subn(rf"(?m)^    {field[1]}: .*$", entry, text)
        else:
            text, count = re.subn(rf"(?m)^{holder}\b.*= {{$", lambda line, entry=entry: f"{line[0]}\n{entry}", text)
        assert count == 1, (holder, entry)
    return f"{text}\n\n{functions}\n" if functions else text


def _commands(text: str) -> list[tuple[str, list[str]]]:
    """Returns (module, flags) of each program that a README shows, a command's lines joined."""
    code = "\n".join(re.findall(r"```bash\n(.+?)```", text, re.DOTALL)).replace("\\\n", " ")
    code += "\n" + "\n".join(re.findall(r"`(python -m [^`]+)`", text))
    ours = re.findall(r"python -m ((?:depth_tf|sklearn_baseline|sota_guide)\.\w+)([^\n|;&]*)", code)
    return [(module, re.findall(r"--([a-z_0-9]+)", flags_given)) for module, flags_given in ours]


@pytest.mark.parametrize("path", READMES, ids=lambda path: os.fspath(path.relative_to(ROOT)))
def test_every_flag_in_a_readme_belongs_to_the_program_it_is_given_to(path):
    for name, given in _commands(path.read_text(encoding="utf-8")):
        known = {field.name for field in dataclasses.fields(importlib.import_module(name).Settings)}
        known |= {"flagfile", "help"} | {f"no{flag}" for flag in known}
        assert set(given) <= known, (name, set(given) - known)


@pytest.mark.parametrize("path", READMES, ids=lambda path: os.fspath(path.relative_to(ROOT)))
def test_every_file_a_readme_links_to_exists(path):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.slow
def test_the_first_command_trains_and_beats_the_mean_map(tmp_path):
    """As a new user types it, in a fresh copy: packages, rooms, training, score, picture. Takes minutes."""
    subprocess.run(["git", "clone", "-q", os.fspath(ROOT), "project"], cwd=tmp_path, check=True)
    subprocess.run(["bash", "-c", _block("first command")], cwd=tmp_path / "project", check=True, timeout=1800)
    result = json.loads((tmp_path / "project" / "runs" / "first" / "metrics.json").read_text())
    assert result["abs_rel"] < 0.8 * result["floor"]["abs_rel"]
    assert (tmp_path / "project" / "runs" / "first" / "panels.png").exists()
