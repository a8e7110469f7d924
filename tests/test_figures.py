"""The pictures: colours that mean metres, missing pixels that show, and files that are whole."""

import numpy as np
import pytest
from matplotlib import colors
from PIL import Image

from depth_tf.drawing import figures
from depth_tf.runtime.errors import InputError

RNG = np.random.default_rng(5)
GREY = np.round(255 * np.array(colors.to_rgb(figures.MISSING_COLOUR)))

PANEL_AREA = (figures.PANEL_INCHES * figures.DPI) ** 2 * 48 / 64  # at most, as margins take their share


def image(height=48, width=64):
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def wall_m(depth_m=3.0, shape=(48, 64)):
    return np.full(shape, depth_m, np.float32)


def pixels(path):
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB")).astype(int)


def count_colour(path, colour):
    return int((np.abs(pixels(path) - np.asarray(colour, int)).max(axis=-1) <= 1).sum())


def lightness(rgb):
    return rgb.astype(float) @ [0.2126, 0.7152, 0.0722]


def test_depth_darkens_with_every_step_away():
    painted = figures.colour_depth(np.linspace(0.1, 10.0, 50)[np.newaxis], max_depth_m=10.0)
    assert painted.dtype == np.uint8
    assert (np.diff(lightness(painted[0])) < 0).all()


@pytest.mark.parametrize("missing", [0.0, -1.0, np.nan, np.inf])
def test_a_missing_pixel_is_grey_and_no_depth_is(missing):
    depth_m = np.append(np.linspace(0.01, 12.0, 500), missing)[np.newaxis]
    is_grey = (figures.colour_depth(depth_m, max_depth_m=10.0)[0] == GREY).all(axis=-1)
    assert is_grey[-1]
    assert not is_grey[:-1].any()


def test_depth_beyond_the_scale_takes_its_last_colour():
    painted = figures.colour_depth(np.array([[10.0, 80.0]]), max_depth_m=10.0)
    assert (painted[0, 0] == painted[0, 1]).all()


def test_a_row_more_makes_panels_taller_and_no_wider(tmp_path):
    row = figures.Panels(image(), wall_m(), wall_m(2.5, (24, 32)), "AbsRel 0.167")
    shapes = []
    for count in (1, 2, 3):
        figures.depth_panels(tmp_path / "panels.png", [row] * count, title="rooms")
        shapes.append(pixels(tmp_path / "panels.png").shape)
    assert shapes[0][1] == shapes[1][1] == shapes[2][1]
    assert shapes[1][0] - shapes[0][0] == pytest.approx(shapes[2][0] - shapes[1][0], abs=1)
    assert shapes[1][0] - shapes[0][0] > 100


def test_missing_truth_is_grey_in_the_truth_and_in_the_error_but_not_in_the_prediction(tmp_path):
    """A row whose truth is half missing has one panel's area of grey: two halves."""
    areas = {}
    for share in (0.0, 0.5, 1.0):
        true_m = wall_m()
        true_m[:, : round(64 * share)] = 0.0
        row = figures.Panels(np.zeros((48, 64, 3), np.uint8), true_m, wall_m(2.0))
        figures.depth_panels(tmp_path / "panels.png", [row], title="")
        areas[share] = count_colour(tmp_path / "panels.png", GREY)
    assert areas[0.0] < 0.01 * PANEL_AREA
    assert 0.8 * PANEL_AREA < areas[0.5] < PANEL_AREA
    assert areas[1.0] == pytest.approx(2 * areas[0.5], rel=0.03)


def test_all_rows_share_one_scale(tmp_path):
    """A wall at 3 m has the colour of 3 m on the scale that the 8 m wall of the other row sets."""
    rows = [figures.Panels(image(), wall_m(depth_m), wall_m(depth_m)) for depth_m in (3.0, 8.0)]
    figures.depth_panels(tmp_path / "panels.png", rows, title="")
    for depth_m in (3.0, 8.0):
        colour = figures.colour_depth(np.array([[depth_m]]), max_depth_m=8.0)[0, 0]
        assert count_colour(tmp_path / "panels.png", colour) > 1.6 * PANEL_AREA  # truth and prediction


def test_a_sheet_holds_every_example_and_grows_by_rows(tmp_path):
    heights = []
    for count in (2, 7, 13):
        examples = [figures.Example(image(), wall_m(), f"room {index}") for index in range(count)]
        figures.contact_sheet(
            tmp_path / "sheet.png",
            examples,
            bin_edges_m=np.linspace(0.0, 10.0, 21),
            bin_counts=np.arange(20),
            title="rooms",
            notes=["missing: 0 %", "train: 24 images"],
        )
        heights.append(pixels(tmp_path / "sheet.png").shape[0])
    assert heights[0] < heights[1] < heights[2]
    painted = figures.colour_depth(wall_m()[:1, :1], max_depth_m=10.0)[0, 0]
    cell_area = (figures.EXAMPLE_INCHES * figures.DPI) ** 2 * 48 / 64
    assert count_colour(tmp_path / "sheet.png", painted) > 0.8 * 13 * cell_area


def test_many_notes_do_not_run_off_the_sheet(tmp_path):
    """The lines below a single row of pictures lengthen the page."""
    heights = []
    for count in (0, 40):
        figures.contact_sheet(
            tmp_path / "sheet.png",
            [figures.Example(image(), wall_m())],
            bin_edges_m=np.linspace(0.0, 10.0, 11),
            bin_counts=np.zeros(10),
            title="rooms",
            notes=["scene: 1 image"] * count,
        )
        heights.append(pixels(tmp_path / "sheet.png").shape[0])
        last_rows = pixels(tmp_path / "sheet.png")[-5:]
        assert (last_rows == 255).all()
    assert heights[1] > heights[0] + 500


def test_nothing_to_draw_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises(InputError, match="at least one image"):
        figures.depth_panels(tmp_path / "panels.png", [], title="")
    with pytest.raises(InputError, match="at least one example"):
        figures.contact_sheet(tmp_path / "sheet.png", [], bin_edges_m=np.arange(3), bin_counts=np.arange(2), title="")
    assert list(tmp_path.iterdir()) == []
