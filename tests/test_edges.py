"""The F1 of depth edges: steps worked by hand, and what it must not count."""

import numpy as np
import pytest

from depth_tf.scoring.edges import edge_scores, mean_edge_scores


def step_m(height_m, *, column=6, shape=(10, 12)):
    """A wall at 2 m whose right part, from `column` on, lies `height_m` farther."""
    depth_m = np.full(shape, 2.0, np.float32)
    depth_m[:, column:] += height_m
    return depth_m


@pytest.mark.parametrize(
    ("height_m", "has_edge"), [(0.06, (0, 0, 0)), (0.07, (1, 0, 0)), (0.2, (1, 1, 0)), (0.3, (1, 1, 1))]
)
def test_a_step_is_an_edge_where_four_times_its_height_exceeds_the_threshold(height_m, has_edge):
    """The 1-2-1 Sobel of a straight step is four times the step, on both sides of it."""
    scores = edge_scores(true_m=step_m(height_m), pred_m=step_m(height_m))
    assert list(scores.values()) == [1.0 if has else None for has in has_edge]


def test_an_edge_one_pixel_off_is_half_right():
    """Two columns are edges in each map, one of them in both: F1 = 2 * 1 / (2 + 2)."""
    assert edge_scores(true_m=step_m(1.0), pred_m=step_m(1.0, column=7))["edge_f1_100cm"] == 0.5


def test_a_flat_prediction_has_no_edge_right():
    assert set(edge_scores(true_m=step_m(1.0), pred_m=step_m(0.0)).values()) == {0.0}


@pytest.mark.parametrize("missing", [0.0, np.nan])
def test_the_rim_of_a_hole_is_no_edge(missing):
    true_m = step_m(0.0)
    true_m[4:6, 4:6] = missing
    assert set(edge_scores(true_m=true_m, pred_m=step_m(0.0)).values()) == {None}


def test_the_mean_is_over_the_images_that_have_an_edge():
    rows = [{"edge_f1_25cm": value, "edge_f1_50cm": None, "edge_f1_100cm": 0.0} for value in (1.0, None, 0.5)]
    assert mean_edge_scores(rows) == {"edge_f1_25cm": 0.75, "edge_f1_50cm": None, "edge_f1_100cm": 0.0}
