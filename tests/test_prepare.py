import csv
import re
import resource
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

from depth_tf import prepare
from depth_tf.data import scenes, tfds_records
from depth_tf.nyu import frames, sources
from depth_tf.runtime import atomic_files, progress
from depth_tf.runtime.errors import InputError
from tests import fastdepth_archive as made_up


@pytest.fixture(scope="module")
def source_paths(tmp_path_factory):
    """{kind: path} of every kind of source."""
    tmp_path = tmp_path_factory.mktemp("sources")
    folder = made_up.write_folder(tmp_path)
    return {
        "fastdepth_folder": folder,
        "fastdepth_archive": made_up.write_archive(folder, tmp_path / "nyudepthv2.tar.gz"),
        "labeled_mat": made_up.write_labeled(tmp_path / "nyu_depth_v2_labeled.mat"),
    }


def prepared(source, data_dir, **settings):
    """Prepares `source` in `data_dir` and returns the folder of the records."""
    prepare.main(prepare.Settings(source=str(source), data_dir=str(data_dir), **settings))
    return data_dir / "nyu_depth_v2" / "0.0.1"


def read_back(data_dir, split):
    """Returns {tfds_id: (image, depth)} as plain TFDS reads them."""
    config = tfds.ReadConfig(add_tfds_id=True)
    read = tfds.load("nyu_depth_v2", data_dir=data_dir, split=split, read_config=config, download=False)
    return {example["tfds_id"].decode(): (example["image"], example["depth"]) for example in read.as_numpy_iterator()}


def key_of_id(folder, split):
    """Returns {tfds_id: (key, scene)} of the table of scenes."""
    with open(folder / scenes.SCENES_FILE, newline="") as file:
        return {row["tfds_id"]: (row["key"], row["scene"]) for row in csv.DictReader(file) if row["split"] == split}


def assert_reads_back(data_dir, frames):
    """Checks what TFDS reads, pixel by pixel, against {split: {key: (scene, image, depth_m)}}."""
    for split, expected in frames.items():
        table, read = key_of_id(data_dir / "nyu_depth_v2" / "0.0.1", split), read_back(data_dir, split)
        assert set(table) == set(read)
        assert {key for key, _ in table.values()} == set(expected)
        for tfds_id, (image, depth) in read.items():
            key, scene = table[tfds_id]
            assert scene == expected[key][0]
            assert depth.dtype == np.float16
            np.testing.assert_array_equal(image, expected[key][1])
            np.testing.assert_array_equal(depth, expected[key][2].astype(np.float16))


@pytest.fixture(name="ours")
def _ours(tiny_nyu, tmp_path):
    """Records made from the folder, in `tmp_path`, to be spoilt."""
    shutil.copytree(tiny_nyu, tmp_path, dirs_exist_ok=True)
    return tmp_path / "nyu_depth_v2" / "0.0.1"


def test_plain_tfds_reads_the_fastdepth_pixels_under_the_right_scenes(tiny_nyu):
    assert_reads_back(tiny_nyu, made_up.made_up_frames())


def test_plain_tfds_reads_the_labelled_pixels_under_the_right_scenes(source_paths, tmp_path, monkeypatch):
    rows = {row: ("validation" if row == 1 else "train", scene) for row, scene in made_up.MAT_ROWS.items()}
    monkeypatch.setattr(sources, "official_split", lambda: rows)  # of 1,449, the three that are not black
    prepared(source_paths["labeled_mat"], tmp_path)
    assert_reads_back(tmp_path, made_up.labeled_frames())


def test_the_records_are_those_that_tfds_alone_writes_but_for_the_png_level(tmp_path):
    builder = tfds.builder("nyu_depth_v2", data_dir=tmp_path / "plain")
    root = made_up.write_folder(tmp_path)
    (root / "train" / "cafe_0001a" / "._00001.h5").unlink()  # TFDS alone stops at it
    builder._split_generators = lambda _: {
        split: builder._generate_examples(str(root / name)) for split, name in made_up.FOLDERS.items()
    }
    builder.download_and_prepare()
    prepared(root, tmp_path / "ours")
    for split in made_up.FOLDERS:
        plain, ours = read_back(tmp_path / "plain", split), read_back(tmp_path / "ours", split)
        assert list(plain) == list(ours)
        for (image, depth), (our_image, our_depth) in zip(plain.values(), ours.values(), strict=True):
            np.testing.assert_array_equal(image, our_image)
            np.testing.assert_array_equal(depth, our_depth)


def test_the_depth_map_reaches_protobuf_as_a_list(tmp_path):
    """Else preparing takes twice as long: TFDS must pass the array on as it is, and ask for `flat`."""
    image, depth_m = made_up.made_up_pair(0)
    ((_, example),) = frames.examples([frames.Frame("key", "scene", lambda: (image, depth_m))])
    features = tfds.builder("nyu_depth_v2", data_dir=tmp_path).info.features
    assert isinstance(features.encode_example(example)["depth"].flat, list)


def test_what_it_was_made_from_is_written_beside_the_records_without_paths(source_paths, tmp_path):
    folder = prepared(source_paths["fastdepth_archive"], tmp_path)
    found = tfds_records.read_source(folder)
    assert found["kind"] == "fastdepth_archive"
    assert found["max_images"] == 0
    assert found["counts"] == {"train": 5, "validation": 2}
    assert found["complete"] is False
    assert str(source_paths["fastdepth_archive"].parent) not in (folder / tfds_records.SOURCE_FILE).read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["nyu_depth_v2"]
    assert_reads_back(tmp_path, made_up.made_up_frames())


def test_the_same_request_again_does_nothing_and_another_is_refused(source_paths, tmp_path, capsys):
    folder = prepared(source_paths["fastdepth_folder"], tmp_path, max_images=1)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    prepared(source_paths["fastdepth_folder"], tmp_path, max_images=1)
    assert "nothing to do" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"holds 1 images per split from .*_folder.*not all images.*--overwrite"):
        prepared(source_paths["fastdepth_folder"], tmp_path)
    with pytest.raises(InputError, match=r"not 1 images per split from fastdepth_archive"):
        prepared(source_paths["fastdepth_archive"], tmp_path, max_images=1)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    prepared(source_paths["fastdepth_folder"], tmp_path, max_images=2, overwrite=True)
    assert len(read_back(tmp_path, "train")) == 2


def test_records_that_another_program_made_are_not_taken_for_ours(source_paths, tmp_path, ours):
    (ours / tfds_records.SOURCE_FILE).unlink()
    with pytest.raises(InputError, match=r"without depth_tf_source\.json.*--overwrite"):
        prepared(source_paths["fastdepth_folder"], tmp_path)


def test_a_damaged_source_file_is_named(source_paths, tmp_path, ours):
    (ours / tfds_records.SOURCE_FILE).write_text("{")
    with pytest.raises(InputError, match=r"depth_tf_source\.json is damaged"):
        prepared(source_paths["fastdepth_folder"], tmp_path)


def assert_nothing_left(data_dir):
    assert not (data_dir / "nyu_depth_v2" / "0.0.1").exists()
    assert list(data_dir.glob(".*")) == []


def test_an_error_on_the_way_leaves_nothing_and_a_second_run_works(source_paths, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(scenes, "write_scenes", lambda *_: 1 / 0)  # the last step but one
        with pytest.raises(ZeroDivisionError):
            prepared(source_paths["fastdepth_folder"], tmp_path, max_images=1)
    assert_nothing_left(tmp_path)
    prepared(source_paths["fastdepth_folder"], tmp_path, max_images=1)
    assert len(read_back(tmp_path, "train")) == 1


def test_an_error_while_replacing_keeps_the_old_records(source_paths, tmp_path, ours, monkeypatch):
    monkeypatch.setattr(scenes, "write_scenes", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prepared(source_paths["fastdepth_folder"], tmp_path, max_images=1, overwrite=True)
    assert_reads_back(tmp_path, made_up.made_up_frames())


def test_a_killed_run_leaves_nothing_that_loads_and_the_next_run_works(source_paths, tmp_path, monkeypatch):
    """What lies on the disk when each split's first frame is asked for is copied: a kill would leave just that."""
    killed, examples = tmp_path / "killed", frames.examples

    def copy_and_go_on(source):
        shutil.copytree(tmp_path / "data", killed, dirs_exist_ok=True)
        return examples(source)

    with monkeypatch.context() as patch:
        patch.setattr(frames, "examples", copy_and_go_on)
        prepared(source_paths["fastdepth_archive"], tmp_path / "data")
    assert list(killed.glob(f"{atomic_files.PREFIX}*/nyu_depth_v2/incomplete*"))
    with pytest.raises(AssertionError, match="could not find data"):
        tfds.load("nyu_depth_v2", data_dir=killed, download=False)
    prepared(source_paths["fastdepth_archive"], killed)
    assert_reads_back(killed, made_up.made_up_frames())
    assert list(killed.glob(".*")) == []


def test_a_disk_that_fills_up_is_said_in_one_line_and_leaves_nothing(source_paths, tmp_path):
    """The limit on a file's size stands for the disk: the system refuses the write itself, in TensorFlow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(InputError, match=r"could not write in .*File too large") as refusal:
            prepared(source_paths["fastdepth_folder"], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(refusal.value)
    assert_nothing_left(tmp_path)


def test_a_disk_known_to_be_too_small_is_refused_at_the_start(source_paths, tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_files, "free_gb", lambda _: 0.01)
    with pytest.raises(InputError, match=r"preparing these images needs 0\.0 GB"):
        prepared(source_paths["fastdepth_folder"], tmp_path)


def test_a_data_dir_that_cannot_be_written_is_named(source_paths, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="file/data .*Not a directory"):
        prepared(source_paths["fastdepth_folder"], tmp_path / "file" / "data")


@pytest.mark.parametrize("name", ["train/cafe_0001a/00002.h5", "val/official/00009.h5"])
def test_a_bad_file_in_either_split_is_named_and_leaves_nothing(tmp_path, name):
    root = made_up.write_folder(tmp_path)
    (root / name).write_bytes(b"no HDF5")
    with pytest.raises(InputError, match=name):
        prepared(root, tmp_path / "data")
    assert_nothing_left(tmp_path / "data")


def test_a_truncated_archive_leaves_nothing(source_paths, tmp_path):
    content = source_paths["fastdepth_archive"].read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(content[:-5])
    with pytest.raises(InputError, match=r"cut\.tar\.gz is truncated"):
        prepared(tmp_path / "cut.tar.gz", tmp_path / "data")
    assert_nothing_left(tmp_path / "data")


def test_an_archive_without_frames_is_refused(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("no frames")
    archive = made_up.write_archive(tmp_path / "other", tmp_path / "other.tar.gz")
    with pytest.raises(InputError, match="no images for train"):
        prepared(archive, tmp_path / "data")


def test_an_image_that_comes_twice_is_named(source_paths, tmp_path, monkeypatch):
    twice = sources.open_source(source_paths["fastdepth_folder"])
    frames = list(twice.frames("train"))
    monkeypatch.setattr(twice, "frames", lambda _: [*frames, frames[0]])
    monkeypatch.setattr(sources, "open_source", lambda _: twice)
    with pytest.raises(InputError, match=r"cafe_0001a_00001\.h5 twice"):
        prepared("source", tmp_path)


def test_a_negative_limit_is_refused():
    with pytest.raises(InputError, match="max_images"):
        prepare.Settings(max_images=-1)


def test_a_log_is_told_images_rate_and_time_left_line_by_line(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    with progress.Progress("train", 400) as told:
        told.start_t -= 10  # as if the first hundred had taken ten seconds
        told.update(100)
    lines = [line for line in capsys.readouterr().out.split("\n") if line]
    assert lines[0].startswith("train: 0 of 400 images")
    assert re.fullmatch(r"train: 100 of 400 images, .* images/s, \d\d:\d\d left", lines[1])
    assert "9.9" in lines[-1] or "10.0" in lines[-1]
    assert not any("\r" in line for line in lines)


def test_the_total_is_estimated_where_only_a_share_is_known(capsys):
    with progress.Progress("listing") as told:
        for number in range(10):
            told.update_share((number + 1) / 40)
    assert "listing: 10 of 40 images" in capsys.readouterr().out
