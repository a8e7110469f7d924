"""What the focal length of a photograph does to its depth, and where it is found."""

import numpy as np
import pytest
from PIL import ExifTags, Image

import depth_tf
from depth_tf import saved
from depth_tf.data import opening, photos
from depth_tf.predictor import Predictor, as_photograph
from depth_tf.runtime.errors import InputError
from depth_tf.synthetic_rooms import camera

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
TAGS = ExifTags.Base


@pytest.fixture(name="predictor", scope="module")
def _predictor(quick_file):
    return Predictor(saved.load_network(quick_file), of_nyus_camera=True)


def _exif(**values) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif).update({getattr(TAGS, name): value for name, value in values.items()})
    return exif


def _photograph(tmp_path, exif) -> photos.Photograph:
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", exif=exif)
    return photos.read_photograph(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("values", "focal_px"),
    [
        ({"FocalLengthIn35mmFilm": 28}, 28 / 43.267 * 100),  # of the diagonal, 100 px
        ({"FocalLength": 5.0, "FocalPlaneXResolution": 508.0}, 5 * 508 / 25.4),  # px per inch
        ({"FocalLength": 5.0, "FocalPlaneXResolution": 20.0, "FocalPlaneResolutionUnit": 4}, 100.0),  # px per mm
        # Shrunk to a tenth since it was taken.
        ({"FocalLength": 5.0, "FocalPlaneXResolution": 5080.0, "ExifImageWidth": 800, "ExifImageHeight": 600}, 100.0),
        ({"FocalLength": 5.0}, None),
        ({"FocalLengthIn35mmFilm": 0}, None),
        ({"FocalLengthIn35mmFilm": 1}, None),  # no lens
        ({}, None),
    ],
)
def test_exif_tells_the_focal_length_in_pixels(tmp_path, values, focal_px):
    found_px = _photograph(tmp_path, _exif(**values)).focal_px
    assert found_px == (None if focal_px is None else pytest.approx(focal_px, rel=1e-3))


def test_depth_is_in_proportion_to_a_known_focal_length(predictor):
    one_m, twice_m = (predictor.predict(PIXELS, focal_px=focal_px) for focal_px in (70.0, 140.0))
    np.testing.assert_allclose(twice_m, 2 * one_m, rtol=1e-5)


@pytest.mark.parametrize("shape", [(480, 640), (240, 320), (640, 480), (1080, 1920)])
def test_nyus_own_camera_at_any_size_changes_nothing(predictor, shape):
    """A wider picture of the same camera has a shorter focal length per height; the pixels decide."""
    photo = as_photograph(np.zeros((*shape, 3), np.uint8))
    assumed = predictor.focal(photo)
    assert assumed.depth_factor == 1.0
    assert assumed.px == pytest.approx(camera.FX_PX * np.sqrt(np.prod(shape) / (480 * 640)), rel=0.1)
    assert predictor.focal(photo, assumed.px).depth_factor == pytest.approx(1.0)


def test_a_magnified_picture_has_the_depth_of_the_whole_one(tiny_rooms):
    """The middle of a picture is one through a lens 1.5 times as long; unless told so, the network sees it nearer."""
    encoder, errors = depth_tf.load("encoder"), {"told": [], "untold": []}
    pairs = opening.open_dataset("synthetic_rooms", tiny_rooms, rooms="tiny").split("validation").read()
    for image, depth_m in pairs.take(6).as_numpy_iterator():
        part = slice(40, 200), slice(53, 267)
        middle, true_m = image[part], depth_m[part][..., 0]
        for told, focal_px in {"told": camera.FX_PX / 2, "untold": None}.items():
            ratio = encoder.predict(np.ascontiguousarray(middle), focal_px=focal_px)[true_m > 0] / true_m[true_m > 0]
            errors[told].append(abs(np.log(np.median(ratio))))
    assert np.mean(errors["told"]) < 0.2 < 0.3 < np.mean(errors["untold"])


def test_exif_corrects_depth_only_where_the_network_is_known_to_have_learned_on_nyus_camera(
    predictor, quick_file, tmp_path
):
    photo = _photograph(tmp_path, _exif(FocalLengthIn35mmFilm=56))
    corrected, own = depth_tf.load("small").focal(photo), depth_tf.load(quick_file).focal(photo)
    assert corrected.depth_factor == pytest.approx(56 / 28.06, rel=0.1)
    assert (own.depth_factor, own.px) == (1.0, corrected.px)
    assert "EXIF" in corrected.told
    assert "not corrected" in own.told
    expected_m = predictor.focal(photo).depth_factor * predictor.predict(photo.image)
    np.testing.assert_allclose(predictor.predict(tmp_path / "a.jpg"), expected_m, rtol=1e-5)


@pytest.mark.parametrize("focal_px", [0.0, -1.0, np.nan, np.inf])
def test_no_focal_length_is_refused(predictor, focal_px):
    with pytest.raises(InputError, match="expected a focal length above 0"):
        predictor.predict(PIXELS, focal_px=focal_px)
