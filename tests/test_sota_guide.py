"""The guide's commands: the shell can read them, the programs know their flags, and what needs no network runs."""

import ast
import importlib
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from absl import flags
from PIL import Image

from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from sota_guide import torch_predict

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = (ROOT / "sota_guide" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.+?)```", README, re.DOTALL)
OURS = re.compile(r"^(?:\S*/)?python -m ((?:sota_guide|depth_tf)\.\w+) ?(.*)$", re.MULTILINE)
COMMANDS = [(name, arguments) for block in BLOCKS for name, arguments in OURS.findall(block)]
# Pinned in the text alone: what the original repository needs over requirements-torch.txt.
ORIGINAL_REPOSITORY = {"torchvision": "0.28.0", "opencv-python-headless": "5.0.0.93"}
PROGRAMS = ("run", "evaluate", "finetune", "speed", "torch_predict", "onnx_predict")
# What a block may begin a line with; anything else is a slip of the pen.
WORDS = {"python", "python3", "pip", "source", "nvidia-smi", "curl", "git", "cd", "cp", "mkdir", "rm", "npm", "tar"}


def _settings(name: str, arguments: str):
    """Returns the module and its settings as its command line would make them."""
    module = importlib.import_module(name)
    values = flags.FlagValues()
    program.define_flags(module.Settings, values)
    rest = values([name, *shlex.split(arguments)])
    assert len(rest) == 1, f"{name} takes no argument {rest[1:]}"
    return module, program.settings_from_flags(module.Settings, values)


@pytest.mark.parametrize("block", BLOCKS)
def test_the_shell_can_read_every_block(block):
    checked = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_line_of_a_block_begins_with_a_known_command():
    for block in BLOCKS:
        without_scripts = re.sub(r"<<'EOF'\n.*?\nEOF", "", block, flags=re.DOTALL)
        for line in without_scripts.splitlines():
            first = pathlib.PurePath(shlex.split(line)[0]).name
            assert first in WORDS, line


def test_the_python_inside_the_blocks_can_be_read():
    scripts = [script for block in BLOCKS for script in re.findall(r"<<'EOF'\n(.*?)\nEOF", block, re.DOTALL)]
    scripts += [shlex.split(line)[2] for block in BLOCKS for line in block.splitlines() if " -c " in line]
    assert scripts
    for script in scripts:
        ast.parse(script)


@pytest.mark.parametrize(("name", "arguments"), sorted(set(COMMANDS)))
def test_a_program_of_ours_knows_the_flags_the_guide_gives_it(name, arguments):
    _settings(name, arguments)


def test_every_flag_the_text_names_exists():
    named = {flag for text in re.findall(r"`([^`\n]+)`", README) for flag in re.findall(r"--([a-z_]+)", text)}
    modules = {importlib.import_module(f"sota_guide.{name}") for name in PROGRAMS}
    modules |= {importlib.import_module("depth_tf.evaluate")}
    known = {name for module in modules for name in module.Settings.__dataclass_fields__}
    assert named <= known


@pytest.mark.parametrize("page", ["README.md", "research.md"])
def test_every_file_and_heading_a_page_links_to_exists(page):
    folder = ROOT / "sota_guide"
    for target in re.findall(r"\]\(([^)]+)\)", (folder / page).read_text(encoding="utf-8")):
        if not target.startswith("http"):
            file, _, anchor = target.partition("#")
            assert (folder / file).exists(), target
            headings = re.findall(r"^#+ (.+)$", (folder / (file or page)).read_text(encoding="utf-8"), re.M)
            slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert not anchor or anchor in slugs, target


def test_the_guide_is_short():
    assert len(README.splitlines()) <= 300


def test_the_pins_that_the_text_names_are_those_of_the_requirements():
    pins = {}
    for name in ("requirements.txt", "sota_guide/requirements.txt", "sota_guide/requirements-torch.txt"):
        pins |= dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / name).read_text(), re.M))
    pins |= ORIGINAL_REPOSITORY
    for package, version in re.findall(r"([a-z-]+)(?:\[and-cuda\])?==([\d.]+\d)", README):
        assert pins[package] == version, package
    for package in ("keras", "tensorflow", "numpy"):
        assert f"{package} {pins[package]}" in README


def test_images_for_pytorch_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected --input .a photograph"):
        torch_predict.main(torch_predict.Settings())
    with pytest.raises(InputError, match="--input=.*: expected a photograph, or a folder or a pattern of .jpg"):
        torch_predict.main(torch_predict.Settings(input=str(tmp_path)))


def test_depth_maps_of_pytorch_do_not_mix_with_older_ones(tmp_path):
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.png")
    settings = torch_predict.Settings(input=str(tmp_path), output_dir=str(tmp_path))
    with pytest.raises(InputError, match="is not empty: name a new folder"):
        torch_predict.main(settings)


def test_the_pytorch_program_starts_without_tensorflow():
    """In the environment of requirements-torch.txt there is neither that nor what comes with it."""
    script = (
        "import runpy, sys; sys.modules |= dict.fromkeys(('tensorflow', 'keras'));"
        "sys.argv = ['x', '--input=x'];"
        "runpy.run_module('sota_guide.torch_predict', run_name='__main__')"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("error: --input=x: expected a photograph, or a folder or a pattern of")


def test_without_pytorch_one_line_says_how_to_install_it(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.png")
    monkeypatch.setattr(torch_predict.importlib, "import_module", missing)
    with pytest.raises(InputError, match="torch cannot be imported: pip install -r sota_guide/requirements-torch.txt"):
        torch_predict.main(torch_predict.Settings(input=str(tmp_path), output_dir=str(tmp_path / "out")))


def test_the_keras_route_can_be_followed_without_a_network(tiny_nyu, tmp_path, monkeypatch):
    """From the photograph to the score in metres, with a small random preset in the place of the published one."""
    pytest.importorskip("keras_hub", reason="needs pip install -r sota_guide/requirements.txt")
    from sota_guide import finetune, speed

    monkeypatch.setattr(finetune, "fit", lambda *_: None)  # tested by itself, and slow to build
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)).save("photo.jpg")
    speed.build_estimator("tiny", size_px=84).save_to_preset("weights/depth_anything_v2_small")
    route = README.split("## Route 1: Keras")[1].split("## Route 2")[0]
    for name, arguments in OURS.findall("\n".join(re.findall(r"```bash\n(.+?)```", route, re.DOTALL))):
        if name in ("depth_tf.prepare", "sota_guide.tables"):  # needs the data set; writes the README
            continue
        arguments = arguments.replace("--preset=depth_anything", "--preset=weights/depth_anything")
        arguments = arguments.replace("--data_dir=data", f"--data_dir={tiny_nyu}")
        if name == "sota_guide.speed":
            arguments += " --architecture=tiny --size_px=84 --repeats=1"
        if name == "sota_guide.finetune":
            arguments += " --size_px=84 --validation_fraction=0.3"
        module, settings = _settings(name, arguments)
        module.main(settings)
    for folder in ("depth", "depth_metric"):
        assert {path.name for path in (tmp_path / folder).iterdir()} == {"photo_predicted.npy", "photo_predicted.png"}
    assert {"first20.json", "metrics.json", "metric.json"} <= {path.name for path in (tmp_path / "scores").iterdir()}
