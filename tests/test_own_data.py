"""What people bring: folders in odd units, sizes, names and forms are read, or a line says what to do."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from depth_tf.data import survey
from depth_tf.data.opening import open_dataset
from depth_tf.data.settings import DataSettings
from depth_tf.runtime.errors import InputError

HEIGHT, WIDTH = 24, 32
DEPTH_M = np.linspace(5, 1, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.float32)


def _image(height=HEIGHT, width=WIDTH) -> Image.Image:
    return Image.fromarray(np.full((height, width, 3), 99, np.uint8))


def _folder(root, *depths_m, unit_m=0.001):
    """A train/ with a pair per depth map."""
    (root / "train").mkdir()
    for number, depth_m in enumerate(depths_m):
        _image().save(root / "train" / f"{number}.png")
        units = np.minimum(np.round(depth_m / unit_m), 65535).astype(np.uint16)
        Image.fromarray(units).save(root / "train" / f"{number}_depth.png")
    return root


def _open(root, **options):
    return open_dataset("folder", root, validation_fraction=0, **options)


def _read(root, **options) -> list:
    return [depth_m[..., 0] for _, depth_m in _open(root, **options).split("train").read().as_numpy_iterator()]


def _told(root, capsys, **options) -> str:
    survey.tell(_open(root, **options), options.get("depth_scale", DataSettings.depth_scale))
    return capsys.readouterr().out


def test_a_phones_small_depth_map_is_sampled_at_the_nearest_pixel(tmp_path):
    _folder(tmp_path)
    for name, size in (("a", (120, 160)), ("b", (121, 160))):
        _image(*size).save(tmp_path / "train" / f"{name}.jpg")
        np.save(tmp_path / "train" / f"{name}_depth.npy", np.where(DEPTH_M > 4, np.nan, DEPTH_M))
    for depth_m in _read(tmp_path):
        assert depth_m.shape[1] == 160
        assert set(np.unique(depth_m)) == {0, *DEPTH_M[DEPTH_M <= 4]}
    _image(100, 160).save(tmp_path / "train" / "b.jpg")
    with pytest.raises(InputError, match="b_depth.npy is 32x24 px.*same height by width, at any size"):
        _open(tmp_path)


def test_a_wrong_unit_is_warned_of_with_the_one_that_fits(tmp_path, capsys):
    told = _told(_folder(tmp_path, DEPTH_M, unit_m=1 / 5000), capsys)
    assert "train: depth 5.00 to 25.00 m, median 15.00 m, 0.0% missing, 75.0% outside the range" in told
    assert "warning: train: 75.0% of the depths lie outside --min_depth_m=0.1 to --max_depth_m=10" in told
    unit = "if the unit of PNG files is 1/5000 m, as TUM has it (--depth_scale=0.0002)"
    assert f"{unit}, the median 15.00 m becomes 3.00 m" in told
    told = _told(tmp_path, capsys, depth_scale=1 / 5000)
    assert "depth 1.00 to 5.00 m" in told
    assert "warning: train" not in told


def test_photographs_of_both_splits_are_counted_whatever_their_names(tmp_path, capsys):
    _folder(tmp_path, DEPTH_M, DEPTH_M)  # of one photograph, twice
    shutil.copytree(tmp_path / "train", tmp_path / "validation")
    (tmp_path / "validation" / "0.png").rename(tmp_path / "validation" / "new.png")
    (tmp_path / "validation" / "0_depth.png").rename(tmp_path / "validation" / "new_depth.png")
    _open(tmp_path)
    warning = r"warning: 2 photographs of validation are in train too, .*validation/\w+.png, which is .*train/[01].png"
    assert re.search(warning, capsys.readouterr().out)
    for name in ("1", "new"):
        Image.new("RGB", (WIDTH, HEIGHT), (99, 99, 98)).save(tmp_path / "validation" / f"{name}.png")
    _open(tmp_path)
    assert "warning" not in capsys.readouterr().out


def test_units_per_metre_are_refused_with_metres_per_unit():
    with pytest.raises(InputError, match="for 256 units per metre give --depth_scale=0.00390625"):
        DataSettings(depth_scale=256)


def test_the_largest_value_of_16_bits_is_missing_and_said_and_so_are_empty_labels(tmp_path, capsys):
    far = np.where(np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) < 6 * WIDTH, 65.535, 5)
    root = _folder(tmp_path, far, 0 * DEPTH_M)
    told = _told(root, capsys, max_depth_m=80.0)
    assert "1 of 2 images have no depth at all" in told
    assert "12.5% of pixels hold the largest value of 16 bits and count as missing" in told
    split = _open(root, max_depth_m=80.0).split("train")
    assert survey.survey(split).ends_m[1] == pytest.approx(5, abs=0.001)


def test_near_readings_below_the_range_are_said(tmp_path, capsys):
    told = _told(_folder(tmp_path, DEPTH_M / 20, unit_m=1e-4), capsys, depth_scale=1e-4)
    assert "depth 0.05 to 0.25 m" in told
    assert "25.0% of the depths lie outside" in told


def test_floating_point_tiff_is_read_and_other_forms_are_named(tmp_path):
    _folder(tmp_path)
    _image().save(tmp_path / "train" / "scan.png")
    Image.fromarray(DEPTH_M).save(tmp_path / "train" / "scan_depth.tiff")
    np.testing.assert_array_equal(_read(tmp_path)[0], DEPTH_M)
    (tmp_path / "train" / "scan_depth.tiff").rename(tmp_path / "train" / "scan_depth.exr")
    with pytest.raises(InputError, match="1 depth maps in other forms, the first .*scan_depth.exr: expected 16-bit"):
        _open(tmp_path)


@pytest.mark.parametrize("layout", ["{kind}/{split}", "{split}/{kind}"])
@pytest.mark.parametrize("validation", ["val", "validation"])
def test_photographs_and_depth_in_trees_of_equal_names_are_pairs(tmp_path, layout, validation):
    """As Ultralytics and many published data sets have them; name.png is a photograph here and depth there."""
    wanted = {"train": {}, "validation": {}}
    for number, name in enumerate(("hall/1.jpg", "hall/2.png", "3.webp", "4.jpg")):
        for split, part in (("train", "train"), ("validation", "validation" if layout[1] == "s" else validation)):
            image, depth = (tmp_path / layout.format(kind=kind, split=part) / name for kind in ("images", "depth"))
            for path in (image, depth):
                path.parent.mkdir(parents=True, exist_ok=True)
            _image().save(image)
            wanted[split][name] = DEPTH_M + number
            if number % 2:
                np.save(depth.with_suffix(".npy"), DEPTH_M + number)
            else:
                Image.fromarray(np.round(1000 * (DEPTH_M + number)).astype(np.uint16)).save(depth.with_suffix(".png"))
    opened = _open(tmp_path)
    for split, depths_m in wanted.items():
        assert len(set(opened.split(split).scene_of_image)) == 2
        found_m = sorted((depth_m for _, depth_m in opened.split(split).read().as_numpy_iterator()), key=np.sum)
        for given_m, depth_m in zip(depths_m.values(), found_m, strict=True):
            np.testing.assert_allclose(depth_m[..., 0], given_m, atol=0.001)
    (tmp_path / layout.format(kind="depth", split="train") / "3.png").unlink()
    with pytest.raises(InputError, match="1 photographs without a depth map .*3.webp.: complete each pair"):
        _open(tmp_path)


def test_a_folder_called_depth_may_hold_pairs(tmp_path):
    _folder(tmp_path, DEPTH_M)
    (tmp_path / "train").rename(tmp_path / "depth")
    (tmp_path / "train").mkdir()
    (tmp_path / "depth").rename(tmp_path / "train" / "depth")
    assert len(_read(tmp_path)) == 1


def test_8_bits_beside_a_photograph_of_the_same_name_are_explained(tmp_path):
    _folder(tmp_path)
    for name in ("1.jpg", "1.png"):
        _image().convert("L").save(tmp_path / "train" / name)
    with pytest.raises(InputError, match="both 1.jpg and 1.png.*the depth map of name.jpg is .* by 10000 / 255"):
        _open(tmp_path)


def test_heic_photographs_are_read_with_the_extra_and_need_it(tmp_path, monkeypatch):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    _folder(tmp_path)
    _image(64, 64).save(tmp_path / "train" / "IMG_1.HEIC")
    np.save(tmp_path / "train" / "IMG_1_depth.npy", np.ones((64, 64), np.float32))
    assert _read(tmp_path)[0].shape == (64, 64)
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(InputError, match="IMG_1.HEIC needs the extra `heic`"):
        _open(tmp_path)
