import collections
import gzip
import shutil
import tarfile

import h5py
import numpy as np
import pytest

from depth_tf.data.scenes import spread
from depth_tf.nyu import sources
from depth_tf.nyu.frames import SPLIT_FOLDERS, official_split
from depth_tf.runtime.errors import InputError
from tests import fastdepth_archive as made_up


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_up.write_folder(tmp_path_factory.mktemp("extracted"))


@pytest.fixture(scope="module")
def archive(folder, tmp_path_factory):
    return made_up.write_archive(folder, tmp_path_factory.mktemp("archive") / "nyudepthv2.tar.gz")


@pytest.fixture(scope="module")
def labeled(tmp_path_factory):
    return made_up.write_labeled(tmp_path_factory.mktemp("labeled") / "nyu_depth_v2_labeled.mat")


def frames_of(source):
    return {split: {frame.key: frame for frame in source.frames(split)} for split in SPLIT_FOLDERS}


def assert_holds(source, expected):
    """Checks keys, scenes and every pixel against {split: {key: (scene, image, depth_m)}}."""
    found = frames_of(source)
    for split, frames in expected.items():
        assert set(found[split]) == set(frames)
        for key, (scene, image, depth_m) in frames.items():
            assert found[split][key].scene == scene
            found_image, found_depth_m = found[split][key].load()
            np.testing.assert_array_equal(found_image, image)
            np.testing.assert_array_equal(found_depth_m, depth_m)


def test_the_extracted_folder_gives_each_file_once_with_its_pixels(folder):
    assert_holds(sources.open_source(folder), made_up.made_up_frames())


def test_the_folder_above_nyudepthv2_is_taken_for_it(folder):
    assert_holds(sources.open_source(folder.parent), made_up.made_up_frames())


def test_the_archive_gives_what_its_extracted_folder_gives(archive):
    assert_holds(sources.open_source(archive), made_up.made_up_frames())


@pytest.mark.parametrize("max_images", [0, 1])
def test_a_folder_of_plain_tars_gives_what_the_archive_gives(folder, archive, tmp_path, max_images):
    for part in ("train", "val"):
        with tarfile.open(tmp_path / f"{part}-000000.tar", "w") as plain:
            plain.add(folder / part, arcname=part)
    source = sources.open_source(tmp_path)
    source.choose(max_images)
    if not max_images:
        assert_holds(source, made_up.made_up_frames())
    assert [source.count(split) for split in SPLIT_FOLDERS] == ([1, 1] if max_images else [None, None])
    assert len(list(sources.open_source(tmp_path / "val-000000.tar").frames("validation"))) == 2
    (tmp_path / "val-000000.tar").write_bytes((tmp_path / "val-000000.tar").read_bytes()[:3000])
    with pytest.raises(InputError, match="val-000000.tar is truncated or damaged"):
        list(sources.open_source(tmp_path).frames("validation"))


def test_the_archive_is_known_by_its_content_not_its_name(archive, tmp_path):
    renamed = tmp_path / "download.part"
    shutil.copy(archive, renamed)
    assert sources.open_source(renamed).kind == "fastdepth_archive"


def test_the_labelled_set_gives_upright_images_and_the_official_split(labeled):
    source = sources.open_source(labeled)
    assert (source.count("train"), source.count("validation")) == (795, 654)
    found = frames_of(source)
    for split, frames in made_up.labeled_frames().items():
        for key, (scene, image, depth_m) in frames.items():
            assert found[split][key].scene == scene
            np.testing.assert_array_equal(found[split][key].load()[0], image)
            np.testing.assert_array_equal(found[split][key].load()[1], depth_m)


def test_the_official_test_images_show_no_scene_of_the_official_training_images():
    scenes = collections.defaultdict(set)
    for split, scene in official_split().values():
        scenes[split].add(scene)
    assert not scenes["train"] & scenes["validation"]


def test_a_source_is_recognised_after_it_moved_but_not_after_it_changed(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "moved")
    assert sources.open_source(tmp_path / "moved").fingerprint == sources.open_source(folder).fingerprint
    (tmp_path / "moved" / "train" / "office_0003" / "00017.h5").unlink()
    assert sources.open_source(tmp_path / "moved").fingerprint != sources.open_source(folder).fingerprint


def test_folder_and_archive_choose_the_same_few_images(folder, archive):
    chosen = []
    for path in (folder, archive):
        source = sources.open_source(path)
        source.choose(2)
        assert (source.count("train"), source.count("validation")) == (2, 2)
        chosen.append({split: set(frames) for split, frames in frames_of(source).items()})
    assert chosen[0] == chosen[1]


def test_a_few_images_come_from_as_many_scenes(folder):
    source = sources.open_source(folder)
    source.choose(2)
    assert {frame.scene for frame in source.frames("train")} == {"cafe_0001", "office_0003"}


def test_scenes_take_turns_until_they_are_used_up():
    items = [(scene, number) for scene, count in {"a": 2, "b": 9, "c": 9}.items() for number in range(count)]
    chosen = spread(items, 12, scene=lambda item: item[0])
    assert collections.Counter(scene for scene, _ in chosen) == {"a": 2, "b": 5, "c": 5}
    assert len(set(chosen)) == 12


def test_within_a_scene_the_choice_is_evenly_spaced():
    assert spread(range(100), 4, scene=lambda _: "one") == [12, 37, 62, 87]


@pytest.mark.parametrize("max_images", [0, 5, 6])
def test_a_limit_that_does_not_bind_keeps_everything(max_images):
    assert spread("abcde", max_images, scene=str) == list("abcde")


def with_file(tmp_path, **arrays):
    """Returns the source of a folder whose one training file holds `arrays`."""
    for split in ("train", "val"):
        (tmp_path / split / "cafe_0001a").mkdir(parents=True)
        with h5py.File(tmp_path / split / "cafe_0001a" / "00001.h5", "w") as file:
            for name, array in arrays.items():
                file[name] = array
    return sources.open_source(tmp_path)


RGB = np.zeros((3, 480, 640), np.uint8)
DEPTH = np.ones((480, 640), np.float32)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"rgb": RGB}, "expected an array depth, found rgb"),
        ({"depth": DEPTH}, "expected an array rgb, found depth"),
        ({}, "found nothing"),
        ({"rgb": RGB.transpose(1, 2, 0), "depth": DEPTH}, r"found uint8 \[480, 640, 3\]"),
        ({"rgb": RGB.astype(np.float32), "depth": DEPTH}, r"found float32 \[3, 480, 640\]"),
        ({"rgb": RGB, "depth": DEPTH[:240]}, r"found float32 \[240, 640\]"),
        ({"rgb": RGB, "depth": (1000 * DEPTH).astype(np.uint16)}, "found uint16"),
    ],
)
def test_a_file_that_is_not_a_pair_is_named(tmp_path, arrays, complaint):
    (frame,) = with_file(tmp_path, **arrays).frames("train")
    with pytest.raises(InputError, match=rf"train/cafe_0001a/00001\.h5: .*{complaint}"):
        frame.load()


def test_a_file_that_is_not_hdf5_is_named(tmp_path):
    source = with_file(tmp_path, rgb=RGB, depth=DEPTH)
    (tmp_path / "train" / "cafe_0001a" / "00001.h5").write_bytes(b"no HDF5")
    (frame,) = source.frames("train")
    with pytest.raises(InputError, match=r"00001\.h5: expected an HDF5 file"):
        frame.load()


def read_all(source, max_images=0):
    source.choose(max_images)
    for frame in source.frames("train"):
        frame.load()


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 0.9999])
@pytest.mark.parametrize("max_images", [0, 1])
def test_a_truncated_archive_is_named_wherever_it_ends(archive, tmp_path, share, max_images):
    cut = tmp_path / "cut.tar.gz"
    content = archive.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"cut\.tar\.gz is truncated or damaged"):
        read_all(sources.open_source(cut), max_images)


def test_an_archive_whose_checksum_differs_is_named(archive, tmp_path):
    damaged = tmp_path / "damaged.tar.gz"
    content = bytearray(archive.read_bytes())
    content[-8] ^= 1  # gzip ends with 4 bytes of checksum and 4 of length, RFC 1952
    damaged.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged\.tar\.gz is truncated or damaged"):
        read_all(sources.open_source(damaged))


def test_a_gzip_file_that_is_no_archive_is_named(tmp_path):
    (tmp_path / "notes.gz").write_bytes(gzip.compress(b"only a text" * 1000))
    with pytest.raises(InputError, match=r"notes\.gz is truncated or damaged"):
        list(sources.open_source(tmp_path / "notes.gz").frames("train"))


def test_an_error_inside_the_archive_names_the_member(tmp_path):
    root = made_up.write_folder(tmp_path)
    (root / "train" / "cafe_0001c" / "00001.h5").write_bytes(b"no HDF5")
    source = sources.open_source(made_up.write_archive(root, tmp_path / "a.tar.gz"))
    with pytest.raises(InputError, match=r"a\.tar\.gz: train/cafe_0001c/00001\.h5: expected an HDF5 file"):
        read_all(source)


def test_a_truncated_labelled_set_is_named(labeled, tmp_path):
    cut = tmp_path / "cut.mat"
    cut.write_bytes(labeled.read_bytes()[:3_000_000])
    with pytest.raises(InputError, match=r"cut\.mat"):
        sources.open_source(cut)


def test_another_hdf5_file_is_not_taken_for_the_labelled_set(tmp_path):
    with pytest.raises(InputError, match=r"small\.mat: expected images of shape \(1449, 3, 640, 480\)"):
        sources.open_source(made_up.write_labeled(tmp_path / "small.mat", rows=100))


@pytest.mark.parametrize("name", ["missing", "empty", "notes.txt"])
def test_what_is_no_source_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no data")
    with pytest.raises(InputError, match=rf"--source=.*{name} .*expected") as refusal:
        sources.open_source(tmp_path / name)
    assert "\n" not in str(refusal.value)
