"""Point clouds and meshes of predicted depth, opened with another library."""

import numpy as np
import pytest
from PIL import Image

from depth_tf.drawing import predictions, solid

trimesh = pytest.importorskip("trimesh", reason="needs pip install trimesh")

RNG = np.random.default_rng(0)
ROWS, COLUMNS = np.mgrid[:30, :40]
IMAGE = np.stack([6 * COLUMNS, 8 * ROWS, 240 - 6 * COLUMNS], -1).astype(np.uint8)
FOCAL_PX = 35.0


def _write(tmp_path, depth_m, image=IMAGE):
    predictions.write(tmp_path / "a", depth_m, ["ply", "glb"], image=image, focal_px=FOCAL_PX)
    return tmp_path / "a_predicted.ply", tmp_path / "a_predicted.glb"


def test_a_cloud_projects_back_onto_its_pixels_in_their_colours(tmp_path):
    depth_m = RNG.uniform(1, 5, (30, 40)).astype(np.float32)
    cloud = trimesh.load(_write(tmp_path, depth_m)[0])
    x, y, z = np.asarray(cloud.vertices).T
    columns, rows = FOCAL_PX * x / -z + 20, 15 - FOCAL_PX * y / -z
    np.testing.assert_allclose(columns, np.tile(np.arange(40) + 0.5, 30), atol=1e-3)
    np.testing.assert_allclose(rows, np.repeat(np.arange(30) + 0.5, 40), atol=1e-3)
    np.testing.assert_allclose(-z, depth_m.ravel(), rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(cloud.colors)[:, :3], IMAGE.reshape(-1, 3))


def test_a_wall_is_one_surface_with_the_photograph_on_it_facing_the_camera(tmp_path):
    (mesh,) = trimesh.load(_write(tmp_path, np.full((30, 40), 2.0, np.float32))[1]).geometry.values()
    assert len(mesh.faces) == 2 * 29 * 39
    assert mesh.area == pytest.approx(29 * 39 * (2 / FOCAL_PX) ** 2, rel=1e-5)
    np.testing.assert_allclose(mesh.face_normals, np.tile([0, 0, 1], (len(mesh.faces), 1)), atol=1e-4)
    texture = mesh.visual.material.baseColorTexture
    assert texture.size == (40, 30)
    assert np.abs(np.asarray(texture, int) - np.asarray(IMAGE, int)).mean() < 6  # JPEG
    # trimesh counts v from below; the first point is the first row's first pixel.
    np.testing.assert_allclose(mesh.visual.uv[0], [0.5 / 40, 1 - 0.5 / 30], atol=1e-6)


def test_a_mesh_does_not_join_a_near_edge_to_the_wall_behind(tmp_path):
    depth_m = np.full((30, 40), 4.0, np.float32)
    depth_m[:, :20] = 1.5
    (mesh,) = trimesh.load(_write(tmp_path, depth_m)[1]).geometry.values()
    corners = np.asarray(mesh.vertices)[mesh.faces][..., 2]
    assert len(mesh.faces) == 2 * 29 * 38
    assert np.ptp(corners, axis=1).max() < 1e-6


def test_a_floor_seen_to_ten_metres_stays_whole():
    """From 1.4 m up, level, at NYU's 480 rows: depth 1.4 f / rows below the middle."""
    rows = np.arange(519 * 1.4 / 10, 240)
    depth_m = np.tile((1.4 * 519 / rows)[:, np.newaxis], (1, 8)).astype(np.float32)
    assert len(solid.triangles(depth_m, 519.0)) == 2 * (len(rows) - 1) * 7


def test_a_large_photograph_gives_no_more_points_than_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(solid, "MOST_POINTS", 100)
    depth_m = np.full((30, 40), 2.0, np.float32)
    cloud_path, mesh_path = _write(tmp_path, depth_m)
    cloud, (mesh,) = trimesh.load(cloud_path), trimesh.load(mesh_path).geometry.values()
    assert len(cloud.vertices) == len(mesh.vertices) == 7 * 10  # every fourth pixel of a row and a column
    np.testing.assert_array_equal(np.asarray(cloud.colors)[0, :3], IMAGE[2, 2])
    assert mesh.faces.size


def test_what_fails_while_it_is_written_leaves_no_file(tmp_path):
    """The picture has another size than the depth."""
    with pytest.raises(ValueError, match="broadcast"):
        _write(tmp_path, np.full((20, 40), 2.0, np.float32), np.asarray(Image.fromarray(IMAGE).resize((8, 8))))
    assert list(tmp_path.iterdir()) == []
