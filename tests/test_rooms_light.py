"""Light and textures of the synthetic rooms: fall-off, shadows, corners, and how textures lie on faces."""

import numpy as np
import pytest

from depth_tf.synthetic_rooms import lighting, noise, textures
from depth_tf.synthetic_rooms.camera import aim, frame_grid
from depth_tf.synthetic_rooms.casting import cast
from depth_tf.synthetic_rooms.materials import Material
from depth_tf.synthetic_rooms.render import Renderer
from depth_tf.synthetic_rooms.shell import Light
from depth_tf.synthetic_rooms.solids import Assembly, Frame, Solids
from depth_tf.synthetic_rooms.surfaces import Points, Samples, Surfaces

PLAIN = Material(0, (0.5, 0.5, 0.5))
HUGE_M = (100.0, 100.0, 100.0)  # a room so large that its corners darken nothing in its middle
LAMP = Light((50.0, 50.0, 53.0), (2.0, 1.0, 0.5), None, 0.1)


def upward_points(places: list[tuple[float, float, float]]) -> Points:
    position = np.array(places, np.float32).T
    zero, up = np.zeros(len(places), np.float32), np.zeros_like(position)
    up[2] = 1
    return Points(position, up, zero + 1, zero, zero, zero.astype(int), zero.astype(int))


def light_at(solids: Solids, places: list[tuple[float, float, float]]) -> np.ndarray:
    """Irradiance from LAMP alone on points that face up, [3, n]."""
    dark = np.zeros(3)
    lit = lighting.light_room(solids, (LAMP,), reflectance=dark, size_m=HUGE_M, extra=dark)
    points, jitter = upward_points(places), np.zeros((2, len(places)), np.float32)
    return lighting.irradiance(lit, points, np.ones(len(places), np.float32), jitter)


def board(*, z: float) -> Solids:
    """A board at that height over a floor at 48.55."""
    parts = Assembly()
    parts.box(Frame(50, 50), (0, 0, z), (1.0, 1.0, 0.02), PLAIN)
    parts.box(Frame(50, 50), (0, 0, 48.5), (50, 50, 0.1), PLAIN)
    return parts.solids()


def test_light_falls_with_the_square_of_the_distance():
    light = light_at(board(z=0.0), [(50, 50, 52), (50, 50, 51), (50, 50, 49)])
    np.testing.assert_allclose(light[0] / light[0, 0], [1, 1 / 4, 1 / 16], rtol=0.05)
    np.testing.assert_allclose(light[:, 0] / light[0, 0], [1, 0.5, 0.25], rtol=1e-4)


def test_a_board_throws_a_shadow_below_itself_and_not_above_or_beside():
    below, above, beside = light_at(board(z=51.5), [(50, 50, 50), (50, 50, 52), (55, 50, 50)])[0]
    assert below < 0.02 * light_at(board(z=0.0), [(50, 50, 50)])[0, 0]
    assert above == pytest.approx(light_at(board(z=0.0), [(50, 50, 52)])[0, 0], rel=1e-3)
    assert beside == pytest.approx(light_at(board(z=0.0), [(55, 50, 50)])[0, 0], rel=1e-3)


def test_the_edge_of_a_shadow_is_soft_and_never_brightens_towards_its_middle():
    across = [(50 + x, 50, 50) for x in np.linspace(0, 3, 61)]
    share = light_at(board(z=51.5), across)[0] / light_at(board(z=0.0), across)[0]
    assert ((share > 0.1) & (share < 0.9)).sum() >= 3
    assert (np.diff(share) > -0.02).all()


def test_walls_pass_on_more_light_in_a_room_of_light_colours():
    sizes = {"reflectance": np.array([0.2, 0.5, 0.8]), "size_m": (4.0, 5.0, 2.5), "extra": np.zeros(3)}
    white = Light((2.0, 2.0, 2.0), (1.0, 1.0, 1.0), None, 0.3)
    ambient = lighting.light_room(board(z=0.0), (white,), **sizes).ambient
    area_m2 = 2 * (4 * 5 + 4 * 2.5 + 5 * 2.5)
    np.testing.assert_allclose(ambient, 4 * np.pi * np.array([0.25, 1.0, 4.0]) / area_m2)


def test_a_flat_wall_however_slanted_is_not_darkened_by_its_own_slant():
    rows, columns = np.mgrid[0:60, 0:80].astype(np.float32)
    inverse_depth = 0.3 + 0.002 * rows - 0.001 * columns
    np.testing.assert_allclose(lighting.screen_occlusion(inverse_depth), 1, atol=2e-3)


def test_a_corner_that_faces_the_camera_is_dark_at_its_bottom():
    columns = np.abs(np.arange(81, dtype=np.float32) - 40)
    inverse_depth = np.broadcast_to(0.3 + 0.004 * columns, (61, 81))
    shade = lighting.screen_occlusion(inverse_depth)
    assert shade[30, 40] < 0.95
    assert shade[30, 15] == pytest.approx(1, abs=2e-3)


def test_every_texture_keeps_its_mean_colour_at_every_size():
    bank = textures.Bank(0)
    wanted = [textures.pick(np.random.default_rng(0), name) for name in ("wood", "rug", "poster", "books")]
    bank.make(wanted)
    for texture in wanted:
        u, v = (axis.ravel().astype(np.float32) for axis in (noise.U, noise.V))
        which = np.full(u.size, texture)
        means = [
            textures.look_up(bank.texels, which, u, v, np.full(u.size, level)).mean(axis=0)
            for level in range(textures.LEVELS)
        ]
        np.testing.assert_allclose(means, np.broadcast_to(means[0], (textures.LEVELS, 3)), atol=1.5)


def test_a_texture_read_at_a_texels_centre_is_that_texel_and_repeats():
    bank = textures.Bank(0)
    texture = textures.pick(np.random.default_rng(0), "abstract")
    bank.make([texture])
    u, v = (noise.U[5:9, 250:].ravel().astype(np.float32), noise.V[5:9, 250:].ravel().astype(np.float32))
    which, level = np.full(u.size, texture), np.zeros(u.size, int)
    sheet = _sheet(bank, texture)
    np.testing.assert_allclose(
        textures.look_up(bank.texels, which, u, v, level), sheet[5:9, 250:].reshape(-1, 3), atol=0.1
    )
    np.testing.assert_allclose(
        textures.look_up(bank.texels, which, u + 3, v - 2, level), sheet[5:9, 250:].reshape(-1, 3), atol=0.1
    )


def _sheet(bank: textures.Bank, texture: int) -> np.ndarray:
    """The largest size of a texture: textures lie one after another, their sizes from the largest down."""
    sizes_px = [256 >> level for level in range(textures.LEVELS)]
    start = texture * sum(size**2 for size in sizes_px)
    return bank.texels[start : start + 256**2].reshape(256, 256, 3).astype(np.float32)


def test_a_picture_hangs_upright_and_fills_its_face():
    """V runs from 0 at the top of an upright face to 1 at its bottom."""
    parts = Assembly()
    parts.box(Frame(0, 2), (0, 0, 1), (1.2, 0.02, 0.8), Material(0, (1.0, 1.0, 1.0), tile_m=0.0))
    view = aim(np.array([0.0, 0.0, 1.0]), yaw_rad=np.pi / 2, pitch_rad=0, roll_rad=0)
    corners = np.array([[-0.599, 0.399], [0.599, 0.399], [-0.599, -0.399], [0.599, -0.399]], np.float32)
    depth_m = np.full(4, 1.99, np.float32)
    samples = Samples(np.full(4, 2), depth_m, corners[:, 0] / depth_m, -corners[:, 1] / depth_m)
    points = Surfaces(parts.solids()).points(samples, view, pixel_slope=1 / 260)
    np.testing.assert_allclose(points.v, [0, 0, 1, 1], atol=2e-3)
    np.testing.assert_allclose(np.abs(points.u[[0, 2]] - points.u[[1, 3]]), 1, atol=5e-3)
    np.testing.assert_allclose(points.position_m[2], 1 + corners[:, 1], atol=1e-5)


def test_normals_point_at_the_camera_and_have_unit_length():
    rng = np.random.default_rng(0)
    parts = Assembly()
    soft = Material(0, (0.5, 0.5, 0.5), soft_m=0.1)
    for material in (PLAIN, soft):
        for _ in range(4):
            frame = Frame(rng.uniform(-1, 1), rng.uniform(2, 4), rng.uniform(0, 1), rng.uniform(0, 6))
            parts.box(frame, (0, 0, 0.5), tuple(rng.uniform(0.3, 1, 3)), material, tilt=0.3)
            parts.ball(frame, (1, 0, 0.5), tuple(rng.uniform(0.3, 1, 3)), material, tilt=0.3)
            parts.cylinder(frame, (-1, 0, 0.5), 0.3, 0.6, material, taper=rng.uniform(0.5, 1.5))
    solids = parts.solids()
    view, grid = aim(np.array([0.0, 0.0, 1.0]), yaw_rad=np.pi / 2, pitch_rad=0, roll_rad=0), frame_grid(60, 80)
    hits = cast(solids, view, grid)
    which, row, column = np.nonzero(hits.face >= 0)
    samples = Samples(
        hits.face[which, row, column],
        1 / hits.inverse_depth[which, row, column],
        grid.columns[which, column],
        grid.rows[which, row],
    )
    points = Surfaces(solids).points(samples, view, pixel_slope=1 / 65)
    np.testing.assert_allclose((points.normal**2).sum(axis=0), 1, atol=1e-4)
    towards = (points.normal * (view.position_m.astype(np.float32)[:, None] - points.position_m)).sum(axis=0)
    hard = np.array([m.soft_m == 0 for m in solids.materials])[points.material]
    assert (towards[hard] > -1e-3).all()


def test_a_rendering_has_the_depth_of_the_rays_and_light_everywhere():
    parts = Assembly()
    parts.box(Frame(0, 3), (0, 0, 1), (10, 0.1, 10), PLAIN)
    solids = parts.solids()
    lamp = Light((0.0, 0.0, 2.0), (5.0, 5.0, 5.0), None, 0.2)
    lit = lighting.light_room(solids, (lamp,), reflectance=np.full(3, 0.5), size_m=HUGE_M, extra=np.zeros(3))
    view = aim(np.array([0.0, 0.0, 1.0]), yaw_rad=np.pi / 2, pitch_rad=0, roll_rad=0)
    picture = Renderer(solids, lit, textures.Bank(0)).render(view, np.random.default_rng(0), height_px=24, width_px=32)
    np.testing.assert_allclose(picture.depth_m, 2.95, rtol=1e-5)
    assert picture.radiance.shape == (24, 32, 3)
    assert picture.radiance.min() > 0
