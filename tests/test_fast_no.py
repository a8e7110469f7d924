"""Programs that are asked for help, or told something wrong, answer without waiting for TensorFlow."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = sorted(
    f"{path.parent.name}.{path.stem}"
    for package in ("depth_tf", "sklearn_baseline", "sota_guide")
    for path in (ROOT / package).glob("*.py")
    if "program.run(main" in path.read_text(encoding="utf-8")
)
HEAVY = {"tensorflow", "keras", "tensorflow_datasets", "matplotlib", "sklearn", "scipy", "h5py", "torch", "keras_hub"}


def _python(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_every_program_prints_its_help_without_importing_anything_heavy():
    """`--help` runs a program as far as its flags: what it has imported by then, the user waits for."""
    assert len(PROGRAMS) > 15
    script = f"""
import importlib, sys
from depth_tf.runtime import program
for name in {PROGRAMS}:
    module = importlib.import_module(name)
    assert "--flagfile" in program.help_text(module.Settings, module.main), name
    assert not {HEAVY} & set(sys.modules), (name, {HEAVY} & set(sys.modules))
"""
    done = _python("-c", script)
    assert done.returncode == 0, done.stderr


def test_a_mistyped_value_is_refused_with_the_nearest_right_one_and_nothing_heavy_imported():
    done = _python("-X", "importtime", "-m", "depth_tf.train", "--optimizer=rmsprp")
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert done.returncode == 2
    assert "did you mean --optimizer=rmsprop?" in done.stderr
    assert "absl.flags" in imported
    assert not HEAVY & imported


def test_what_a_failing_import_printed_is_shown(tmp_path):
    fake = "import os; os.write(2, b'libcudart is broken\\n'); raise ImportError('no TensorFlow')"
    (tmp_path / "tensorflow.py").write_text(fake)
    put_first = f"import sys; sys.path.insert(0, {str(tmp_path)!r})"
    done = _python("-c", f"{put_first}; from depth_tf.runtime import quiet; quiet.import_tensorflow()")
    assert done.returncode == 1
    assert "libcudart is broken" in done.stderr
    assert "no TensorFlow" in done.stderr


@pytest.mark.parametrize("name", ["open_dataset", "build_small", "depth_loss"])
def test_the_package_offers_a_notebooks_names_and_refuses_others(name):
    import depth_tf

    assert name in dir(depth_tf)
    assert callable(getattr(depth_tf, name))
    with pytest.raises(AttributeError, match="no attribute 'build_everything'"):
        depth_tf.build_everything  # noqa: B018
