"""Reading one photograph with its depth map: units, orientations, kinds of pixels, and what does not fit."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from depth_tf.data import photos
from depth_tf.runtime.errors import InputError
from tests.photographs import damage, depth_units, picture, write_pair


def _read(folder: pathlib.Path, depth_scale: float = 0.001) -> tuple[np.ndarray, np.ndarray]:
    """Returns the image and the depth of the one pair `a` in `folder`, checked first as a data set is."""
    depth_path = next(folder.glob("a_depth.*"))
    image_path = next(path for path in folder.glob("a.*") if path != depth_path)
    photos.check_pair(image_path, depth_path)
    return photos.read_pair(image_path, depth_path, depth_scale=depth_scale)


def _oriented(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


def test_a_unit_of_a_depth_png_is_a_millimetre_and_zero_stays_missing(tmp_path):
    units = np.array([[0, 1, 1234], [65534, 10000, 2]], np.uint16)
    write_pair(tmp_path / "a", picture(2, 3), units)
    image, depth_m = _read(tmp_path)
    assert image.shape == (2, 3, 3)
    assert depth_m.shape == (2, 3)
    assert depth_m.dtype == np.float32
    np.testing.assert_allclose(depth_m, [[0, 0.001, 1.234], [65.534, 10, 0.002]], rtol=1e-6)


def test_depth_scale_is_metres_per_unit(tmp_path):
    write_pair(tmp_path / "a", picture(1, 2), np.array([[256, 512]], np.uint16))
    depth_m = _read(tmp_path, depth_scale=1 / 256)[1]
    assert depth_m.ravel().tolist() == [1.0, 2.0]


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_an_npy_holds_metres_whatever_the_scale_and_what_is_no_depth_becomes_zero(tmp_path, dtype, shape):
    write_pair(tmp_path / "a", picture(2, 3))
    (tmp_path / "a_depth.png").unlink()
    np.save(tmp_path / "a_depth.npy", np.array([0.5, np.nan, np.inf, -1, 0, 80], dtype).reshape(shape))
    depth_m = _read(tmp_path, depth_scale=5.0)[1]
    assert depth_m.dtype == np.float32
    assert depth_m.ravel().tolist() == [0.5, 0, 0, 0, 0, 80]


# EXIF 2.3, tag 0x0112: where the first row and the first column of the stored picture lie in what is seen.
TURNS = {
    1: lambda seen: seen,  # top, left
    2: lambda seen: seen[:, ::-1],  # top, right
    3: lambda seen: seen[::-1, ::-1],  # bottom, right
    4: lambda seen: seen[::-1],  # bottom, left
    5: lambda seen: seen.swapaxes(0, 1),  # left, top
    6: lambda seen: seen[:, ::-1].swapaxes(0, 1),  # right, top
    7: lambda seen: seen[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda seen: seen[::-1].swapaxes(0, 1),  # left, bottom
}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("number", TURNS)
def test_a_photograph_is_turned_as_its_orientation_says_and_its_depth_map_is_not(tmp_path, number, suffix):
    seen, units = np.kron(picture(3, 4), np.ones((16, 16, 1), np.uint8)), depth_units()
    write_pair(tmp_path / "a", units=units)
    (tmp_path / "a.png").unlink()
    stored = Image.fromarray(np.ascontiguousarray(TURNS[number](seen)))
    lossless = {".jpg": {"quality": 100, "subsampling": 0}, ".webp": {"lossless": True}}.get(suffix, {})
    stored.save(tmp_path / f"a{suffix}", exif=_oriented(number), **lossless)
    image, depth_m = _read(tmp_path)
    assert np.abs(image.astype(int) - seen).max() <= (8 if suffix == ".jpg" else 0)
    np.testing.assert_allclose(depth_m, units / 1000, rtol=1e-6)


def test_an_orientation_behind_the_pixels_of_a_png_is_found(tmp_path):
    """eXIf may follow IDAT (PNG, third edition, 11.3.4.5)."""
    seen = picture(4, 6)
    write_pair(tmp_path / "a", units=depth_units(4, 6))
    path = tmp_path / "a.png"
    Image.fromarray(np.ascontiguousarray(TURNS[6](seen))).save(path, exif=_oriented(6))
    content = path.read_bytes()
    start, pixels = content.index(b"eXIf") - 4, content.index(b"IDAT") - 4
    exif, end = content[start:pixels], content.index(b"IEND") - 4
    path.write_bytes(content[:start] + content[pixels:end] + exif + content[end:])
    assert np.array_equal(_read(tmp_path)[0], seen)


def test_a_depth_map_of_the_stored_instead_of_the_seen_picture_is_refused(tmp_path):
    write_pair(tmp_path / "a", units=depth_units(48, 64))
    Image.fromarray(picture(48, 64)).save(tmp_path / "a.png", exif=_oriented(6))
    with pytest.raises(InputError, match=r"a_depth.png is 64x48 px, and .*a.png is 48x64 px as its EXIF"):
        _read(tmp_path)


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK"])
def test_grey_palette_and_transparent_photographs_become_rgb(tmp_path, mode):
    write_pair(tmp_path / "a")
    suffix = ".jpg" if mode == "CMYK" else ".png"
    original = Image.fromarray(picture()).convert(mode)
    (tmp_path / "a.png").unlink()
    original.save(tmp_path / f"a{suffix}", **({"transparency": b"\x00\x80"} if mode == "P" else {}))
    image, _ = _read(tmp_path)
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8
    if mode in ("L", "LA"):
        assert np.array_equal(image[..., 0], np.asarray(original.convert("L")))
        assert (image == image[..., :1]).all()


def _empty(path: pathlib.Path) -> None:
    path.write_bytes(b"")


def _save(array, name=""):
    def save(path: pathlib.Path) -> None:
        target = path.with_name(name) if name else path
        if target.suffix == ".npy":
            path.unlink()
            np.save(target, array)
        else:
            Image.fromarray(array).save(target)

    return save


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("a.png", damage, "a.png cannot be read .*: replace or remove it"),
        ("a_depth.png", damage, "a_depth.png cannot be read"),
        ("a.png", _empty, "a.png cannot be read"),
        ("a_depth.png", _empty, "a_depth.png cannot be read"),
        (
            "a.png",
            _save(depth_units()),
            "a.png has more than 8 bits per channel.*: expected a photograph of 8 bits",
        ),
        (
            "a_depth.png",
            _save(depth_units().astype(np.uint8)),
            "a_depth.png holds 8-bit grey, not depth; .* by 10000 / 255 and save as 16 bits: expected",
        ),
        ("a_depth.png", _save(picture()), "a_depth.png holds RGB pixels, not depth: expected 16-bit grey"),
        ("a_depth.png", _save(depth_units(24, 30)), "a_depth.png is 30x24 px, and .*a.png is 64x48 px"),
        (
            "a_depth.png",
            _save(depth_units(), "a_depth.npy"),
            r"a_depth.npy holds uint16 \[48, 64\], not depth",
        ),
        ("a_depth.png", _save(np.ones((48, 64, 2)), "a_depth.npy"), r"a_depth.npy holds float64 \[48, 64, 2\]"),
        ("a_depth.png", _save(np.ones((9, 9)), "a_depth.npy"), "a_depth.npy is 9x9 px, and .*a.png is 64x48 px"),
        ("a_depth.png", _save(np.array({}), "a_depth.npy"), "a_depth.npy cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_is_named_in_one_line(tmp_path, name, change, message):
    write_pair(tmp_path / "a")
    change(tmp_path / name)
    with pytest.raises(InputError, match=message) as caught:
        _read(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_holds_no_photograph_is_refused_and_names_stay_apart(tmp_path):
    with pytest.raises(InputError, match="--photo=.*: expected a photograph, or a folder or a pattern of"):
        photos.find_photographs(tmp_path / "none", flag="photo")
    for name in ("a.png", "a.jpg", "b.jpg", "b_depth.png"):
        (tmp_path / name).write_bytes(b"")
    names = photos.find_photographs(tmp_path, flag="photo").values()
    assert [name.as_posix() for name in names] == ["a.jpg", "a.png", "b"]
