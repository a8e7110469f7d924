"""Rays and light of the synthetic rooms against planes, slabs and fall-off worked out here, in float64."""

import numpy as np
import pytest

from depth_tf.synthetic_rooms import lighting, textures
from depth_tf.synthetic_rooms.camera import Camera, aim, pixel_slopes
from depth_tf.synthetic_rooms.casting import NOTHING, Mesh, cast
from depth_tf.synthetic_rooms.layout import Light
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.render import Renderer
from depth_tf.synthetic_rooms.rooms import make_room
from depth_tf.synthetic_rooms.solids import BALL, COLUMN, Assembly, Faces, Frame

PLAIN = Material(0, (0.5, 0.5, 0.5))
SIZE_M = np.array([4.0, 5.0, 2.5])
HUGE_M = (100.0, 100.0, 100.0)  # a room so large that its corners darken nothing in its middle
LAMP = Light((50.0, 50.0, 53.0), (2.0, 1.0, 0.5), None, 0.1)


def world_rays(view: Camera, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """[H, W, 3] directions whose part along the optical axis is 1."""
    across, down = np.meshgrid(columns, rows)
    return np.stack([across, down, np.ones_like(across)], axis=-1) @ view.axes


def box(parts: Assembly, centre, size, *, sides: int = 0, yaw: float = 0.0, tilt: float = 0.0) -> None:
    parts.add(Frame(0, 0), centre, size, PLAIN, sides=sides, yaw=yaw, tilt=tilt)


def empty_room() -> Mesh:
    parts = Assembly()
    for axis in range(3):
        for at in (-0.05, SIZE_M[axis] + 0.05):
            centre, size = SIZE_M / 2, SIZE_M + 0.2
            box(parts, np.where(np.arange(3) == axis, at, centre), np.where(np.arange(3) == axis, 0.1, size))
    return Mesh(parts.faces().corners_m)


def random_view(rng: np.random.Generator) -> Camera:
    position = rng.uniform([0.3, 0.3, 0.9], [3.7, 4.7, 1.9])
    return aim(position, yaw_rad=rng.uniform(0, 6.3), pitch_rad=rng.normal(0.2, 0.2), roll_rad=rng.normal(0, 0.1))


def slab_depth(centre, size, yaw: float, tilt: float, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Depth at which rays enter a box that is tilted about its x, then turned about z; infinity where they miss it."""
    cos, sin, lean, rise = np.cos(yaw), np.sin(yaw), np.sin(tilt), np.cos(tilt)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, rise, -lean], [0, lean, rise]]
    )
    start, along, half = (origin - centre) @ turn, rays @ turn, np.array(size) / 2
    with np.errstate(divide="ignore"):
        near, far = (-half - start) / along, (half - start) / along
    enter, leave = np.minimum(near, far).max(axis=-1), np.maximum(near, far).min(axis=-1)
    return np.where((enter <= leave) & (enter > 0), enter, np.inf)


@pytest.mark.parametrize("seed", range(4))
def test_in_an_empty_room_every_pixel_is_as_deep_as_the_nearest_wall_plane(seed):
    view, (columns, rows) = random_view(np.random.default_rng(seed)), pixel_slopes(48, 64)
    rays = world_rays(view, columns, rows)
    to_planes = (np.where(rays > 0, SIZE_M, 0) - view.position_m) / rays
    inverse_depth, face = cast(empty_room(), [view], columns, rows)
    np.testing.assert_allclose(1 / inverse_depth[0], to_planes.min(axis=-1), rtol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_turned_and_tilted_boxes_are_met_where_the_slab_method_says(seed):
    """Boxes lie all about the camera, so that some reach behind it and some past the frame."""
    rng = np.random.default_rng(seed)
    view, (columns, rows), parts, depths = random_view(rng), pixel_slopes(36, 48), Assembly(), []
    rays = world_rays(view, columns, rows)
    while len(depths) < 12:
        centre, size = view.position_m + rng.normal(0, 1.5, 3), rng.uniform(0.05, 1.2, 3)
        turn = {"yaw": rng.uniform(0, 6), "tilt": rng.normal(0, 0.5)}
        if np.linalg.norm(centre - view.position_m) > np.linalg.norm(size) / 2 + 0.05:  # the camera is in none
            box(parts, centre, size, **turn)
            depths.append(slab_depth(centre, size, *turn.values(), view.position_m, rays))
    inverse_depth, face = cast(Mesh(parts.faces().corners_m), [view], columns, rows)
    met = face[0] != NOTHING
    np.testing.assert_array_equal(met, np.isfinite(np.min(depths, axis=0)))
    np.testing.assert_allclose(1 / inverse_depth[0][met], np.min(depths, axis=0)[met], rtol=1e-5)
    np.testing.assert_array_equal(face[0][met] // 6, np.argmin(depths, axis=0)[met])


@pytest.mark.parametrize(("sides", "least"), [(COLUMN, 0.9), (BALL, 0.75)])
def test_columns_and_balls_lie_within_a_few_percent_of_the_round_shapes_they_stand_for(sides, least):
    parts = Assembly()
    box(parts, (0, 3, 0), (1, 1, 1), sides=sides)
    local = (parts.faces().corners_m.mean(axis=1) - (0, 3, 0)) / 0.5
    flat = np.abs(local[:, 2]) > 0.99  # the ends
    radius = np.hypot(*local[~flat, :2].T) if sides == COLUMN else np.linalg.norm(local[~flat], axis=1)
    assert least < radius.min() <= radius.max() < 1.1


def test_nyus_principal_point_looks_along_the_optical_axis():
    columns, rows = pixel_slopes(480, 640)
    np.testing.assert_allclose(np.interp(325.58, np.arange(640), columns), 0, atol=1e-12)
    np.testing.assert_allclose(np.interp(253.74, np.arange(480), rows), 0, atol=1e-12)
    assert columns[326] - columns[325] == pytest.approx(1 / 518.86)
    assert rows[1] - rows[0] == pytest.approx(1 / 519.47)


def test_pitch_looks_down_and_roll_turns_clockwise():
    level = aim(np.zeros(3), yaw_rad=0.3, pitch_rad=0, roll_rad=0)
    np.testing.assert_allclose(level.axes[1], [0, 0, -1], atol=1e-12)
    assert aim(np.zeros(3), yaw_rad=0.3, pitch_rad=0.2, roll_rad=0).axes[2, 2] == pytest.approx(-np.sin(0.2))
    rolled = aim(np.zeros(3), yaw_rad=0.3, pitch_rad=0, roll_rad=0.1)
    assert rolled.axes[0, 2] == pytest.approx(-np.sin(0.1))  # its right side is lower
    np.testing.assert_allclose(rolled.axes @ rolled.axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rolled.axes) == pytest.approx(1)


def board(z: float) -> Faces:
    """A board at that height over a floor at 48.55."""
    parts = Assembly()
    box(parts, (50, 50, z), (1.0, 1.0, 0.02))
    box(parts, (50, 50, 48.5), (50, 50, 0.1))
    return parts.faces()


def light_at(faces: Faces, places: list[tuple[float, float, float]]) -> np.ndarray:
    """Irradiance from LAMP alone on points that face up, [3, n]."""
    lit = lighting.light_room(faces, (LAMP,), np.zeros(3), HUGE_M, 0.0)
    position = np.array(places, np.float32).T
    up = np.zeros_like(position)
    up[2] = 1
    return lighting.irradiance(lit, position, up, np.float32(1))


def test_light_falls_with_the_square_of_the_distance():
    light = light_at(board(0.0), [(50, 50, 52), (50, 50, 51), (50, 50, 49)])
    np.testing.assert_allclose(light[0] / light[0, 0], [1, 1 / 4, 1 / 16], rtol=0.05)
    np.testing.assert_allclose(light[:, 0] / light[0, 0], [1, 0.5, 0.25], rtol=1e-4)


def test_a_board_throws_a_shadow_below_itself_and_not_above_or_beside():
    places = [(50, 50, 50), (50, 50, 52), (55, 50, 50)]
    below, above, beside = light_at(board(51.5), places)[0] / light_at(board(0.0), places)[0]
    assert below < 0.02
    assert above == pytest.approx(1, rel=1e-3)
    assert beside == pytest.approx(1, rel=1e-3)


def test_shadows_fall_away_from_the_light_on_all_sides():
    """A board stands at each side of the lamp in turn; only the point behind it is dark."""
    for side in np.concatenate([np.eye(3), -np.eye(3)]):
        parts = Assembly()
        box(parts, np.array(LAMP.position_m) + side, np.where(side == 0, 0.5, 0.02))
        lit = lighting.light_room(parts.faces(), (LAMP,), np.zeros(3), HUGE_M, 0.0)
        to_points = np.concatenate([np.eye(3), -np.eye(3)]) + 0.1 * np.roll(side, 1)
        position = (np.array(LAMP.position_m) + 2 * to_points).T.astype(np.float32)
        light = lighting.irradiance(lit, position, -to_points.T.astype(np.float32), np.float32(1))[0]
        dark = light < 0.1 * light.max()
        np.testing.assert_array_equal(dark, to_points @ side > 0.5)


def test_a_rendering_has_the_depth_of_the_rays_and_light_everywhere():
    parts = Assembly()
    box(parts, (0, 3, 1), (10, 0.1, 10))
    lamp = Light((0.0, 0.0, 2.0), (5.0, 5.0, 5.0), None, 0.2)
    lit = lighting.light_room(parts.faces(), (lamp,), np.full(3, 0.5), HUGE_M, 0.0)
    view = aim(np.array([0.0, 0.0, 1.0]), yaw_rad=np.pi / 2, pitch_rad=0, roll_rad=0)
    renderer = Renderer(parts.faces(), lit, textures.bank(0))
    picture = renderer.render(view, np.random.default_rng(0), shape=(24, 32))
    np.testing.assert_allclose(picture.depth_m, 2.95, rtol=1e-5)
    assert picture.radiance.shape == (3, 24, 32)
    assert picture.radiance.min() > 0


@pytest.mark.parametrize("seed", range(3))
def test_no_two_faces_of_a_room_lie_in_the_same_place(seed):
    """Each would be cast for every ray, and none but the last ever be seen."""
    corners_m = make_room(np.random.default_rng(seed)).faces.corners_m.reshape(-1, 12)
    assert len(np.unique(corners_m, axis=0)) == len(corners_m)
