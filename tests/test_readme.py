"""The README's commands do what it says."""

import dataclasses
import importlib
import pathlib
import re
import shlex

from absl import flags

from depth_tf.runtime import program

README = (pathlib.Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def _run(command: str, *more: str) -> None:
    """Runs `python -m MODULE FLAGS` in this process, with more flags."""
    python, dash_m, name, *given = shlex.split(command)
    assert (python, dash_m) == ("python", "-m")
    module = importlib.import_module(name)
    values = flags.FlagValues()
    program.define_flags(module.Settings, values)
    values([name, *given, *more])
    module.main(program.settings_from_flags(module.Settings, values))


def test_the_worked_example_with_ones_own_photographs_can_be_followed(tiny_rooms, tmp_path, monkeypatch):
    """As it stands, but on the tiny rooms and with a narrow network, to save minutes."""
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"<!-- folder example -->\n```bash\n(.+?)```", README, re.DOTALL)
    for command in example.splitlines():
        small = [f"--data_dir={tiny_rooms}", "--rooms=tiny"] if "synthetic_rooms" in command else []
        _run(command, *small, *(["--width=8"] if "depth_tf.train" in command else []))
    assert (tmp_path / "photos.png").exists()
    assert (tmp_path / "runs" / "photos" / "metrics.json").exists()


def test_every_flag_the_readme_names_exists():
    modules = {name: importlib.import_module(name) for name in re.findall(r"python -m (depth_tf\.\w+)", README)}
    known = {field.name for module in modules.values() for field in dataclasses.fields(module.Settings)}
    named = set(re.findall(r"--([a-z_0-9]+)", README)) - {"flagfile", "help", "logdir", "check", "add", "kills", "no"}
    assert named <= known


def test_every_file_the_readme_links_to_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (pathlib.Path(__file__).resolve().parents[1] / target).exists(), target
