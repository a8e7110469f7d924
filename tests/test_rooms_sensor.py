"""What the synthetic Kinect reads, against the geometry of its projector and the step of its disparity."""

import dataclasses

import numpy as np
import pytest

from depth_tf.synthetic_rooms import sensor
from depth_tf.synthetic_rooms.render import Rendering

SHAPE = (240, 320)


def flat_view(depth_m: float | np.ndarray, **changes) -> Rendering:
    """A bright, matt surface faced squarely, at one depth or a map of depths."""
    ones = np.ones(SHAPE, np.float32)
    radiance = np.stack([np.linspace(0.1, 1.0, 240 * 320, dtype=np.float32).reshape(SHAPE)] * 3)
    plain = Rendering(radiance, ones * np.float32(depth_m), ones, 0.6 * ones, 0 * ones, 0 * ones)
    return dataclasses.replace(plain, **changes)


def read(rendering: Rendering, seed: int = 0) -> np.ndarray:
    return sensor.read_depth(rendering, np.random.default_rng(seed)).astype(np.float64)


def step_view(*, near_m: float, far_m: float, left: int, right: int) -> np.ndarray:
    """Depth of an upright board before a wall."""
    depth_m = np.full(SHAPE, far_m, np.float32)
    depth_m[:, left:right] = near_m
    return depth_m


@pytest.mark.parametrize("depth_m", [0.3, 10.5, 40.0, np.inf])
def test_nothing_is_read_nearer_than_half_a_metre_or_beyond_ten(depth_m):
    assert (read(flat_view(depth_m)) == 0).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"reflectance": np.full(SHAPE, 0.002, np.float32), "incidence": np.full(SHAPE, 0.2, np.float32)},
        {"incidence": np.full(SHAPE, 0.005, np.float32)},
        {"glow": np.full(SHAPE, 60.0, np.float32)},
        {"gloss": np.full(SHAPE, 0.9, np.float32), "incidence": np.full(SHAPE, 0.1, np.float32)},
    ],
    ids=["dark", "glancing", "shining", "mirroring"],
)
def test_surfaces_that_send_little_of_the_pattern_back_are_not_read(changes):
    assert (read(flat_view(2.0, **changes)) == 0).mean() > 0.7


def test_readings_are_missing_at_the_edges_of_things_and_nowhere_else():
    missing = read(flat_view(step_view(near_m=1.5, far_m=3.0, left=100, right=200))) == 0
    columns = np.flatnonzero(missing.any(axis=0))
    assert missing[:, 99].all()
    assert missing[:, 200].all()
    shadow_px = 580 / 2 * 0.075 * (1 / 1.5 - 1 / 3.0)
    assert columns.min() >= 100 - shadow_px - 2
    assert columns.max() <= 201


@pytest.mark.parametrize(("near_m", "far_m"), [(0.8, 1.2), (1.0, 5.0), (2.0, 2.5)])
def test_the_projectors_shadow_is_as_wide_as_the_difference_of_disparities(near_m, far_m):
    """Focal length times baseline times the difference of the inverse depths, at 320 columns."""
    shadow = sensor.projector_shadow(step_view(near_m=near_m, far_m=far_m, left=150, right=250))
    expected_px = 580 / 2 * 0.075 * (1 / near_m - 1 / far_m)
    assert not shadow[:, 150:].any()
    assert shadow[0].sum() == pytest.approx(expected_px, abs=1.5)
    assert shadow[0, 150 - shadow[0].sum() : 150].all()


def test_the_error_of_a_reading_grows_with_the_square_of_its_depth():
    spread = {depth_m: (read(flat_view(depth_m)) - depth_m).std() / depth_m**2 for depth_m in (2.03, 5.02, 7.9)}
    assert max(spread.values()) < 2 * min(spread.values())
    assert spread[5.02] * 25 == pytest.approx(0.04, rel=0.3)  # 4 cm at 5 m: Khoshelham & Elberink, section 4.2


def test_a_photograph_is_exposed_alike_whatever_the_strength_of_the_light():
    bright = flat_view(2.0)
    dim = dataclasses.replace(bright, radiance=bright.radiance * np.float32(0.2))
    images = [sensor.photograph(view, np.random.default_rng(3)).astype(int) for view in (bright, dim)]
    assert images[0].std() > 20
    assert np.abs(images[0] - images[1]).mean() < 8
