"""Flags come from a dataclass; what the user gets wrong is one line on stderr and status 2."""

import dataclasses

import pytest

from depth_tf.runtime import atomic_files, program
from depth_tf.runtime.errors import InputError


@dataclasses.dataclass(frozen=True)
class Settings:
    what: str = program.option("all", "what to do", choices=("all", "some"))
    epochs: int | None = program.option(None, "passes over the images", group="training")
    rate: float = program.option(0.1, "peak rate", group="training")
    panels: bool = program.option(True, "draw panels", group="output")


@pytest.fixture(name="run")
def _run(run_program):
    """Runs a program with the flags above, and returns what its main was given."""

    def run(*arguments, main=None):
        given = []
        run_program(main or given.append, Settings, *arguments, positional="what")
        return given[0]

    return run


def test_flags_become_settings(run):
    assert run() == Settings()
    assert run("--epochs=3", "--rate=2", "--nopanels", "some") == Settings("some", 3, 2.0, False)


def test_a_flag_file_repeats_the_settings_it_was_made_from(run, tmp_path):
    settings = Settings("some", 7, 0.25, False)
    (tmp_path / "flags.txt").write_text(program.flagfile_text(settings))
    assert run(f"--flagfile={tmp_path}/flags.txt") == settings


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epoch=3"], ["epoch", "--help"]),
        (["--epochs=many"], ["--epochs=many"]),
        (["neither"], ["neither", "all|some"]),
        (["all", "more"], ["unexpected argument 'more'"]),
    ],
)
def test_a_bad_command_line_is_one_line_and_status_2(run, capsys, arguments, words):
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert all(word in line for word in words)


def test_an_input_error_is_one_line_and_status_2(run, capsys):
    def main(_):
        raise InputError("expected this,\n   got that")

    with pytest.raises(SystemExit) as stopped:
        run(main=main)
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "error: expected this, got that\n"


def test_a_bug_keeps_its_traceback(run, capsys):
    def main(_):
        raise ValueError("a bug")

    with pytest.raises(SystemExit) as stopped:
        run(main=main)
    assert stopped.value.code == 1
    shown = capsys.readouterr().err.splitlines()
    assert (shown[0], shown[-1]) == ("Traceback (most recent call last):", "ValueError: a bug")


def test_ctrl_c_is_one_line_that_says_what_is_lost_and_status_130(run, capsys):
    def main(_):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stopped:
        run(main=main)
    assert stopped.value.code == 130
    told = "finished files are kept, none is half-written; to go on, give the same command again"
    assert capsys.readouterr().err == f"stopped: by Ctrl-C; {told}\n"


def test_settings_made_in_python_are_checked_as_flags_are():
    checked = dataclasses.make_dataclass("Checked", [], bases=(Settings, program.CheckedSettings), frozen=True)
    with pytest.raises(InputError, match="expected --what of all, some, got none"):
        checked(what="none")
    assert program.unset(Settings, "as before")().what is None
    with pytest.raises(InputError, match="expected --what of all, some, got none"):
        program.unset(Settings, "as before")(what="none")


def test_help_lists_our_flags_alone_by_group_with_choices_and_defaults(run, capsys):
    with pytest.raises(SystemExit):
        run("--help", main=lambda _: None)
    shown = capsys.readouterr().out
    assert "--what=<all|some>\n      what to do (default all)" in shown
    assert shown.index("training:") < shown.index("--epochs=<int>") < shown.index("output:")
    assert "--verbosity" not in shown


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "metrics.json"
    atomic_files.write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        atomic_files.write_json(path, {"a": float("nan")})
    assert path.read_text() == '{\n  "a": 1\n}\n'
    assert list(tmp_path.iterdir()) == [path]
