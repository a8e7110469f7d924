"""Rays of the synthetic rooms against planes, slabs and quadrics worked out here, in float64."""

import dataclasses

import numpy as np
import pytest

from depth_tf.synthetic_rooms import camera
from depth_tf.synthetic_rooms.camera import Grid, aim, pixel_slopes
from depth_tf.synthetic_rooms.casting import NOTHING, cast
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.solids import BALL, BOX, FACES, Assembly, Frame, Solids

PLAIN = Material(0, (0.5, 0.5, 0.5))
SIZE_M = np.array([4.0, 5.0, 2.5])


def grid_of(height_px: int, width_px: int) -> Grid:
    columns, rows = pixel_slopes(height_px, width_px)
    return Grid(columns[None], rows[None])


def world_rays(view: camera.Camera, grid: Grid) -> np.ndarray:
    """[H, W, 3] directions whose part along the optical axis is 1."""
    columns, rows = np.meshgrid(grid.columns[0], grid.rows[0])
    return np.stack([columns, rows, np.ones_like(columns)], axis=-1) @ view.axes


def empty_room() -> Solids:
    parts = Assembly()
    width, length, height = SIZE_M
    for x in (-0.05, width + 0.05):
        parts.box(Frame(x, length / 2), (0, 0, height / 2), (0.1, length + 0.2, height + 0.2), PLAIN)
    for y in (-0.05, length + 0.05):
        parts.box(Frame(width / 2, y), (0, 0, height / 2), (width + 0.2, 0.1, height + 0.2), PLAIN)
    for z in (-0.05, height + 0.05):
        parts.box(Frame(width / 2, length / 2), (0, 0, z), (width + 0.2, length + 0.2, 0.1), PLAIN)
    return parts.solids()


def random_view(rng: np.random.Generator) -> camera.Camera:
    position = rng.uniform([0.3, 0.3, 0.9], [3.7, 4.7, 1.9])
    return aim(position, yaw_rad=rng.uniform(0, 6.3), pitch_rad=rng.normal(0.2, 0.2), roll_rad=rng.normal(0, 0.1))


def slab_depth(solids: Solids, index: int, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Depth at which rays enter a box, by the slab method; infinity where they miss it."""
    start = solids.axes[index] @ (origin - solids.centre_m[index])
    along = rays @ solids.axes[index].T
    with np.errstate(divide="ignore"):
        near, far = (-solids.half_m[index] - start) / along, (solids.half_m[index] - start) / along
    enter, leave = np.minimum(near, far).max(axis=-1), np.maximum(near, far).min(axis=-1)
    return np.where((enter <= leave) & (enter > 0), enter, np.inf)


def local_points(solids: Solids, index: int, points: np.ndarray) -> np.ndarray:
    """World points in the coordinates of a unit shape."""
    return (points - solids.centre_m[index]) @ solids.axes[index].T / solids.half_m[index]


def radius_at(solids: Solids, index: int, z: np.ndarray) -> np.ndarray:
    """Radius of a unit cylinder that narrows from 1 at z = -1 to its taper at z = 1."""
    return 1 + (solids.taper[index] - 1) * (z + 1) / 2


def outside_by(solids: Solids, index: int, points: np.ndarray) -> np.ndarray:
    """How far outside of a curved unit shape points are; below 0 inside."""
    local = local_points(solids, index, points)
    if solids.kind[index] == BALL:
        return np.linalg.norm(local, axis=-1) - 1
    across = np.hypot(local[..., 0], local[..., 1]) - radius_at(solids, index, local[..., 2])
    return np.maximum(across, np.abs(local[..., 2]) - 1)


@pytest.mark.parametrize("seed", range(4))
def test_in_an_empty_room_every_pixel_is_as_deep_as_the_nearest_wall_plane(seed):
    view, grid = random_view(np.random.default_rng(seed)), grid_of(48, 64)
    rays = world_rays(view, grid)
    with np.errstate(divide="ignore"):
        to_planes = np.where(rays > 0, SIZE_M - view.position_m, -view.position_m) / rays
    to_planes[rays == 0] = np.inf
    depth_m = 1 / cast(empty_room(), view, grid).inverse_depth[0]
    np.testing.assert_allclose(depth_m, to_planes.min(axis=-1), rtol=0, atol=1e-9)


def test_a_wall_faced_squarely_is_equally_deep_everywhere():
    """Depth is along the optical axis: the length of a ray would grow towards the corners of the frame."""
    view = aim(np.array([2.0, 3.5, 1.2]), yaw_rad=np.pi / 2, pitch_rad=0.0, roll_rad=0.3)
    rows, columns = pixel_slopes(12, 16)[::-1]
    grid = Grid(columns[None] * 0.5, rows[None] * 0.5)
    np.testing.assert_allclose(1 / cast(empty_room(), view, grid).inverse_depth, 1.5, atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_turned_and_tilted_boxes_are_met_where_the_slab_method_says(seed):
    """Boxes lie all about the camera, so that some reach behind it and some past the frame."""
    rng = np.random.default_rng(seed)
    parts = Assembly()
    for _ in range(12):
        place = Frame(*rng.uniform(-2, 2, 2), rng.uniform(-1, 1), rng.uniform(0, 6))
        parts.box(place, tuple(rng.normal(0, 0.5, 3)), tuple(rng.uniform(0.05, 1.5, 3)), PLAIN, tilt=rng.normal(0, 0.5))
    solids, view, grid = parts.solids(), random_view(rng), grid_of(36, 48)
    outside = [np.abs(local_points(solids, i, view.position_m)).max() > 1 for i in range(12)]
    solids = solids.only(np.array(outside))
    rays = world_rays(view, grid)
    depths = np.stack([slab_depth(solids, i, view.position_m, rays) for i in range(len(solids.kind))])
    depths[depths < 0.05] = np.inf
    hits = cast(solids, view, grid)
    met = hits.face[0] != NOTHING
    np.testing.assert_array_equal(met, np.isfinite(depths.min(axis=0)))
    np.testing.assert_allclose(1 / hits.inverse_depth[0][met], depths.min(axis=0)[met], rtol=1e-9)
    np.testing.assert_array_equal(hits.face[0][met] // FACES, depths.argmin(axis=0)[met])


@pytest.mark.parametrize("seed", range(4))
def test_a_ball_is_met_at_the_nearer_root_of_its_quadratic(seed):
    rng = np.random.default_rng(seed)
    centre, radius = np.array([0.4, 3.0, 1.0]) + rng.normal(0, 0.3, 3), rng.uniform(0.3, 0.9)
    parts = Assembly()
    parts.ball(Frame(0, 0), tuple(centre), (2 * radius,) * 3, PLAIN)
    view = aim(np.zeros(3), yaw_rad=np.pi / 2, pitch_rad=-0.2, roll_rad=0.1)
    grid = grid_of(48, 64)
    rays = world_rays(view, grid)
    a, b, c = (rays**2).sum(-1), -2 * rays @ centre, centre @ centre - radius**2
    root = b**2 - 4 * a * c
    expected = (-b - np.sqrt(np.maximum(root, 0))) / (2 * a)
    hits = cast(parts.solids(), view, grid)
    np.testing.assert_array_equal(hits.face[0] != NOTHING, root > 0)
    np.testing.assert_allclose(1 / hits.inverse_depth[0][root > 0], expected[root > 0], rtol=1e-9)


@pytest.mark.parametrize("shape", ["cylinder", "cone", "funnel", "rod", "ellipsoid"])
@pytest.mark.parametrize("seed", range(3))
def test_rays_stop_on_the_skin_of_a_curved_solid_and_pass_only_through_air_before(shape, seed):
    rng = np.random.default_rng(seed)
    parts, frame = Assembly(), Frame(0, 3, 0, rng.uniform(0, 6))
    if shape == "rod":
        parts.rod(frame, (0, 0, 1), 0.3, 1.2, PLAIN, yaw=0.4)
    elif shape == "ellipsoid":
        parts.ball(frame, (0, 0, 1), (0.5, 1.2, 0.8), PLAIN, yaw=0.3, tilt=0.5)
    else:
        taper = {"cylinder": 1.0, "cone": 0.3, "funnel": 1.8}[shape]
        parts.cylinder(frame, (0, 0, 0.4), 0.4, 1.1, PLAIN, taper=taper, depth=0.6)
    solids = parts.solids()
    position = np.array([rng.uniform(-1, 1), 0.5, rng.uniform(0.2, 2.6)])
    view = aim(position, yaw_rad=np.pi / 2, pitch_rad=(position[2] - 1) / 2.5, roll_rad=0)
    grid = grid_of(48, 64)
    rays = world_rays(view, grid)
    hits = cast(solids, view, grid)
    met = hits.face[0] != NOTHING
    assert 100 < met.sum() < met.size
    depth_m = np.where(met, 1 / np.where(met, hits.inverse_depth[0], 1), 5.0)
    np.testing.assert_allclose(outside_by(solids, 0, position + depth_m[met][:, None] * rays[met]), 0, atol=1e-9)
    for share in np.linspace(0.02, 0.995, 120):
        assert outside_by(solids, 0, position + share * depth_m[..., None] * rays).min() > -1e-6


def test_what_is_nearest_does_not_depend_on_the_order_of_the_solids():
    rng = np.random.default_rng(0)
    parts = Assembly()
    for _ in range(20):
        place = (rng.uniform(-1, 1), rng.uniform(1.5, 4), rng.uniform(0, 2))
        parts.box(Frame(0, 0), place, tuple(rng.uniform(0.2, 0.8, 3)), PLAIN, yaw=rng.uniform(0, 3))
        parts.ball(Frame(0, 0), place, tuple(rng.uniform(0.2, 0.9, 3)), PLAIN)
    solids, grid = parts.solids(), grid_of(36, 48)
    view = aim(np.array([0.0, 0.0, 1.0]), yaw_rad=np.pi / 2, pitch_rad=0, roll_rad=0)
    order = rng.permutation(len(solids.kind))
    first, second = cast(solids, view, grid), cast(solids.only(order), view, grid)
    np.testing.assert_array_equal(first.inverse_depth, second.inverse_depth)
    met = first.face >= 0
    np.testing.assert_array_equal(first.face[met] // FACES, order[second.face[met] // FACES])


def test_a_board_just_before_the_far_end_of_a_slanted_wall_hides_it():
    """The wall begins nearer than the board, so that it is cast first."""
    parts = Assembly()
    parts.box(Frame(0, 3, 0, 0.6), (0, 0, 1), (6, 0.01, 4), PLAIN)
    solids, grid = parts.solids(), grid_of(60, 80)
    view = aim(np.array([0.0, 0.0, 1.0]), yaw_rad=np.pi / 2, pitch_rad=0, roll_rad=0)
    row, column = 30, 45
    wall_m = 1 / cast(solids, view, grid).inverse_depth[0, row, column]
    place = wall_m * np.array([grid.columns[0, column], 1, -grid.rows[0, row]]) + [0, 0, 1]
    parts.box(Frame(place[0], place[1] - 0.1), (0, 0, place[2]), (0.1, 0.01, 0.1), PLAIN)
    hits = cast(parts.solids(), view, grid)
    assert hits.face[0, row, column] // FACES == 1
    assert 1 / hits.inverse_depth[0, row, column] == pytest.approx(wall_m - 0.105)


def test_mirroring_the_room_mirrors_its_depth():
    """A camera that looks along y sees x from left to right; its rays are made symmetric for this."""
    parts = Assembly()
    parts.box(Frame(0.5, 3), (0, 0, 1), (0.4, 0.6, 0.7), PLAIN)
    parts.ball(Frame(-0.8, 2.5), (0, 0, 1.4), (0.5, 0.3, 0.6), PLAIN)
    solids = parts.solids()
    mirrored = dataclasses.replace(solids, centre_m=solids.centre_m * [-1, 1, 1])
    slopes = (np.arange(40) - 19.5) / 40
    grid = Grid(slopes[None], slopes[None])
    view = aim(np.array([0.0, 0.0, 1.2]), yaw_rad=np.pi / 2, pitch_rad=0.1, roll_rad=0)
    there, back = cast(solids, view, grid), cast(mirrored, view, grid)
    assert (there.face >= 0).sum() > 50
    np.testing.assert_allclose(there.inverse_depth, back.inverse_depth[:, :, ::-1], atol=1e-12)


def test_nyus_principal_point_looks_along_the_optical_axis():
    columns, rows = pixel_slopes(480, 640)
    np.testing.assert_allclose(np.interp(325.58, np.arange(640), columns), 0, atol=1e-12)
    np.testing.assert_allclose(np.interp(253.74, np.arange(480), rows), 0, atol=1e-12)
    assert columns[326] - columns[325] == pytest.approx(1 / 518.86)
    assert rows[1] - rows[0] == pytest.approx(1 / 519.47)


def test_a_pixel_of_the_halved_frame_looks_between_the_four_it_stands_for():
    small, large = pixel_slopes(240, 320), pixel_slopes(480, 640)
    for halved, full in zip(small, large, strict=True):
        np.testing.assert_allclose(halved, (full[::2] + full[1::2]) / 2)


def test_pitch_looks_down_and_roll_turns_clockwise():
    level = aim(np.zeros(3), yaw_rad=0.3, pitch_rad=0, roll_rad=0)
    np.testing.assert_allclose(level.axes[1], [0, 0, -1], atol=1e-12)
    assert aim(np.zeros(3), yaw_rad=0.3, pitch_rad=0.2, roll_rad=0).axes[2, 2] == pytest.approx(-np.sin(0.2))
    rolled = aim(np.zeros(3), yaw_rad=0.3, pitch_rad=0, roll_rad=0.1)
    assert rolled.axes[0, 2] == pytest.approx(-np.sin(0.1))  # its right side is lower
    np.testing.assert_allclose(rolled.axes @ rolled.axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rolled.axes) == pytest.approx(1)


def test_single_precision_differs_from_double_by_less_than_the_sensor_could_tell():
    view, grid = random_view(np.random.default_rng(5)), grid_of(60, 80)
    single = Grid(grid.columns.astype(np.float32), grid.rows.astype(np.float32))
    depth_m = [1 / cast(empty_room(), view, rays).inverse_depth for rays in (grid, single)]
    assert depth_m[1].dtype == np.float32
    np.testing.assert_allclose(depth_m[1], depth_m[0], rtol=1e-5)


def test_a_box_faces_the_camera_with_the_face_that_its_code_names():
    parts = Assembly()
    parts.box(Frame(0, 3), (0, 0, 1), (1, 1, 1), PLAIN)
    view = aim(np.array([0.0, 0.0, 1.0]), yaw_rad=np.pi / 2, pitch_rad=0, roll_rad=0)
    hits = cast(parts.solids(), view, Grid(np.array([[-1e-3, 1e-3]]), np.array([[-1e-3, 1e-3]])))
    assert parts.solids().kind[0] == BOX
    np.testing.assert_array_equal(hits.face, 2)  # axis 1, lower side
