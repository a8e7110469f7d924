import contextlib
import errno
import os
import re

import pytest
import tensorflow as tf

from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError


def test_a_second_program_in_the_same_folder_is_refused(tmp_path):
    def work():
        return atomic_files.replacing_folder(tmp_path, tmp_path / "name")

    with work(), pytest.raises(InputError, match="another program"), work():
        pass
    with work():  # free again
        pass


def test_an_interruption_keeps_the_old_folder_and_leaves_nothing_else(tmp_path):
    final = tmp_path / "nyu_depth_v2" / "0.0.1"
    final.mkdir(parents=True)

    def interrupted() -> None:
        with atomic_files.replacing_folder(tmp_path, final) as folder:
            (folder / "nyu_depth_v2" / "0.0.1" / "records").mkdir(parents=True)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(final.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["nyu_depth_v2"]


def test_the_new_folder_takes_the_place_of_the_old_and_nothing_keeps_it(tmp_path):
    final = tmp_path / "nyu_depth_v2" / "0.0.1"
    for content in ("old", "new", None):
        with atomic_files.replacing_folder(tmp_path, final) as folder:
            if content:
                (folder / "nyu_depth_v2" / "0.0.1").mkdir(parents=True)
                (folder / "nyu_depth_v2" / "0.0.1" / "records").write_text(content)
    assert (final / "records").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["nyu_depth_v2"]


def test_a_run_killed_between_its_two_renames_gives_the_old_folder_back(tmp_path):
    final = tmp_path / "nyu_depth_v2" / "0.0.1"
    final.parent.mkdir()
    leftover = tmp_path / (atomic_files.PREFIX + "killed")
    (leftover / atomic_files.REPLACED).mkdir(parents=True)
    (leftover / atomic_files.REPLACED / "records").write_text("old")
    with atomic_files.replacing_folder(tmp_path, final):
        pass
    assert (final / "records").read_text() == "old"
    assert not leftover.exists()


def test_too_little_space_is_named_with_what_is_needed_and_free(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_files, "free_gb", lambda _: 12.0)
    atomic_files.require_free(tmp_path / "not" / "there" / "yet", 11.9, "the data")
    with pytest.raises(InputError, match=r"the data needs 117\.3 GB in .*, which has 12\.0 GB free"):
        atomic_files.require_free(tmp_path, 117.3, "the data")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/x.tfrecord"),
        tf.errors.ResourceExhaustedError(None, None, "/data/x.tfrecord; No space left on device"),
        RuntimeError("Failed to finalize writing of split:\n/data/x.tfrecord; No space left on device"),
    ],
)
def test_a_full_disk_is_named_in_one_line_with_the_file(tmp_path, error):
    with pytest.raises(InputError, match=r"x\.tfrecord") as refusal, atomic_files.disk_errors_named(tmp_path):
        raise error
    assert re.search("No space left on device.*what was begun is removed, .* GB are free now", str(refusal.value))
    assert "\n" not in str(refusal.value)


def test_an_error_that_is_not_the_disks_stays_as_it_is(tmp_path):
    with pytest.raises(RuntimeError, match="a mistake in the program"), atomic_files.disk_errors_named(tmp_path):
        raise RuntimeError("a mistake in the program")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    data_dir = tmp_path / "file" / "data"
    work = atomic_files.replacing_folder(data_dir, data_dir / "name")
    wanted = "file/data .*Not a directory.*: expected a folder that can be written to, or"
    with pytest.raises(InputError, match=wanted), work:
        pass


def test_a_new_folder_comes_in_one_piece_or_not_at_all(tmp_path):
    with contextlib.suppress(RuntimeError), atomic_files.replacing(tmp_path / "new") as temporary:
        (temporary / "half").mkdir(parents=True)
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with atomic_files.replacing(tmp_path / "new") as temporary:
        (temporary / "whole").mkdir(parents=True)
    assert list(tmp_path.rglob("*")) == [tmp_path / "new", tmp_path / "new" / "whole"]
