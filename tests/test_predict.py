"""Photographs of any size and kind become depth maps of their own size; what cannot be read is named."""

import typing

import numpy as np
import pytest
from PIL import Image

import depth_tf
from depth_tf import predict
from depth_tf.drawing import figures
from depth_tf.runtime.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)


@pytest.fixture(name="predictor", scope="module")
def _predictor(quick_file):
    return depth_tf.load(quick_file)


@pytest.fixture(name="photos")
def _photos(tmp_path):
    folder = tmp_path / "photos with spaces é"
    (folder / "sub").mkdir(parents=True)
    Image.fromarray(PIXELS).save(folder / "room.png")
    return folder


def _run(quick_file, photos, output, **flags):
    predict.main(predict.Settings(input=str(photos), network_file=quick_file, output_dir=str(output), **flags))


def test_every_form_has_the_photographs_size_upright(quick_file, photos, tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # lying on its side
    Image.fromarray(PIXELS).save(photos / "turned.jpg", exif=exif)
    _run(quick_file, photos, tmp_path / "out", write="picture,npy,png16")
    for stem, shape in {"room": (60, 80), "turned": (80, 60)}.items():
        depth_m = np.load(tmp_path / "out" / f"{stem}_predicted.npy")
        assert (depth_m.shape, depth_m.dtype) == (shape, np.float32)
        assert 0.1 < depth_m.min() < depth_m.max() < 10.0
        with Image.open(tmp_path / "out" / f"{stem}_predicted_mm.png") as units:
            np.testing.assert_allclose(np.asarray(units) / 1000, depth_m, atol=0.00051)
        with Image.open(tmp_path / "out" / f"{stem}_predicted.png") as picture:
            assert (picture.mode, picture.size) == ("RGB", shape[::-1])


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "LA"])
def test_kinds_of_picture_are_read_as_what_they_show(predictor, mode):
    grey = Image.fromarray(PIXELS).convert("L")
    expected = predictor.predict(grey.convert("RGB"))
    np.testing.assert_allclose(predictor.predict(grey.convert("RGB").convert(mode)), expected, rtol=0.2)


def test_one_bad_file_is_named_and_the_others_are_written(quick_file, photos, tmp_path, capsys):
    (photos / "bad.jpg").write_text("not an image")
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "cut.png").write_bytes((photos / "room.png").read_bytes()[:200])
    with pytest.raises(SystemExit) as ended:
        _run(quick_file, photos, tmp_path / "out")
    assert ended.value.code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["room_predicted.png"]
    printed = capsys.readouterr().out
    assert "bad.jpg cannot be read" in printed
    assert "cut.png cannot be read" in printed
    assert "1 of 4 files predicted" in printed


def test_equal_stems_do_not_collide_and_own_output_is_no_photograph(quick_file, photos, tmp_path):
    Image.fromarray(PIXELS).save(photos / "room.jpg")
    Image.fromarray(PIXELS).save(photos / "sub" / "room.jpg")
    for _ in range(2):
        _run(quick_file, photos, photos, recursive=True)
    written = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*_predicted.png"))
    assert written == ["room.jpg_predicted.png", "room.png_predicted.png", "sub/room_predicted.png"]


def test_the_python_interface_gives_what_the_program_writes(quick_file, predictor, photos, tmp_path):
    _run(quick_file, photos / "*.png", tmp_path / "out", write="npy")
    written = np.load(tmp_path / "out" / "room_predicted.npy")
    for photo in (photos / "room.png", PIXELS, Image.fromarray(PIXELS)):
        np.testing.assert_array_equal(predictor.predict(photo), written)


def test_a_type_checker_sees_a_map_for_a_photograph_and_a_list_for_a_list(predictor):
    given = [typing.get_type_hints(overload) for overload in typing.get_overloads(type(predictor).predict)]
    assert [hints["return"] for hints in given] == [np.ndarray, list[np.ndarray]]
    assert [typing.get_origin(hints["photo"]) is list for hints in given] == [False, True]


def test_a_list_gives_what_one_photograph_after_another_gives(predictor):
    """Twenty of three shapes: more than fit a batch."""
    rng = np.random.default_rng(1)
    shapes = [(60, 80), (80, 60), (48, 200)]
    given = [rng.integers(0, 255, (*shapes[number % 3], 3), np.uint8) for number in range(20)]
    for image, depth_m in zip(given, predictor.predict(given), strict=True):
        assert depth_m.shape == image.shape[:2]
        np.testing.assert_allclose(depth_m, predictor.predict(image), rtol=1e-5)


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        ((480, 640), (64, 96)),
        ((1080, 1920), (64, 96)),
        ((640, 480), (96, 64)),
        ((100, 1000), (32, 256)),
        ((32, 32), (64, 64)),
    ],
)
def test_the_network_sees_a_photograph_in_its_own_aspect(predictor, shape, seen):
    """Of a network trained at 64x96 px, with sides divisible by 32."""
    assert predictor.size_px(*shape) == seen


def test_a_range_gives_equal_depths_equal_colours():
    slope_m = np.tile(np.linspace(1, 5, 200, dtype=np.float32), (100, 1))
    one, other = (np.asarray(figures.depth_picture(depth_m, (0.5, 6.0))) for depth_m in (slope_m, slope_m[:, ::-1]))
    np.testing.assert_array_equal(one[:70], other[:70, ::-1])
    assert one[0, 0].sum() > one[0, -1].sum()  # near is bright
    own = np.asarray(figures.depth_picture(slope_m))
    assert (own[0, 0] != one[0, 0]).any()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"input": None}, "expected --input"),
        ({"input": "none.jpg"}, "expected a photograph, or a folder or a pattern"),
        ({"write": "jpeg"}, "expected --write of picture, npy, png16"),
        ({"range_m": "6,2"}, "expected --range_m=NEAR,FAR"),
        ({"range_m": "wide"}, "expected --range_m=NEAR,FAR"),
        ({"focal_px": 0.0}, "expected --focal_px above 0"),
        ({"known": ("1,2",)}, "expected --known=X,Y,METRES"),
        ({"known": ("1,2,3", "1,2,-3")}, "expected --known=X,Y,METRES.*'1,2,-3'"),
        ({"network_file": "none.keras"}, "no network at none.keras"),
        ({"output_dir": "/dev/null/depth"}, "/dev/null/depth"),
        ({"output_dir": "/proc/depth"}, "/proc/depth"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_in_one_line(quick_file, photos, tmp_path, flags, message):
    given = {"input": str(photos), "output_dir": str(tmp_path / "out"), "network_file": quick_file}
    with pytest.raises(InputError, match=message):
        predict.main(predict.Settings(**given | flags))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("photo", [PIXELS.astype(np.float32), PIXELS[..., 0], PIXELS[..., :2]])
def test_an_array_of_another_kind_is_refused(predictor, photo):
    with pytest.raises(InputError, match=r"expected a photograph \[H, W, 3\] uint8, RGB, got"):
        predictor.predict(photo)


def test_a_deep_grey_picture_is_refused(predictor):
    with pytest.raises(InputError, match="more than 8 bits per channel"):
        predictor.predict(Image.fromarray(PIXELS[..., 0].astype(np.uint16)))
