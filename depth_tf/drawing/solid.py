"""Depth as points and surfaces in space: a coloured cloud in a PLY file, a textured mesh in a binary glTF file.

Both in metres, in glTF's axes: x to the right, y up, the camera at the origin, looking along -z. A pixel at depth d and
x pixels right of the middle lies at x d / focal length.
"""

import io
import json
import os
import struct

import numpy as np
from PIL import Image

MOST_POINTS = 500_000  # of a cloud or mesh; a network gives the depth of some 50,000 places
LARGEST_TEXTURE_PX = 4096  # of either side; graphics cards take no more for certain
STEEPEST = 12.0  # depth per width: what is seen flatter than 5 degrees is a gap from a near edge to what is behind
FLOAT, UNSIGNED = 5126, 5125  # glTF's component types


def points(depth_m: np.ndarray, focal_px: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Returns points [h, w, 3] float32, metres, their places in the picture [h, w, 2], 0 to 1, and their step, px."""
    step = int(np.ceil(np.sqrt(max(1.0, depth_m.size / MOST_POINTS))))
    height, width = depth_m.shape
    z = depth_m[step // 2 :: step, step // 2 :: step]
    rows, columns = np.meshgrid(*(np.arange(step // 2, side, step) + 0.5 for side in depth_m.shape), indexing="ij")
    space = np.stack([(columns - width / 2) / focal_px * z, (height / 2 - rows) / focal_px * z, -z], -1)
    return space.astype(np.float32), np.stack([columns / width, rows / height], -1).astype(np.float32), step


def write_cloud(path: str | os.PathLike, image: np.ndarray, depth_m: np.ndarray, focal_px: float) -> None:
    """Writes a point per pixel, coloured: binary PLY.

    Args:
      path: the file.
      image: [H, W, 3] uint8, RGB.
      depth_m: [H, W] float32, metres.
      focal_px: focal length in pixels of the image.
    """
    space, _, step = points(depth_m, focal_px)
    vertices = np.empty(space.size // 3, [("place", "<f4", 3), ("colour", "u1", 3)])
    vertices["place"] = space.reshape(-1, 3)
    vertices["colour"] = image[step // 2 :: step, step // 2 :: step].reshape(-1, 3)
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}"]
    header += [f"property float {axis}" for axis in "xyz"]
    header += [f"property uchar {colour}" for colour in ("red", "green", "blue")]
    with open(path, "wb") as file:
        file.write("\n".join([*header, "end_header\n"]).encode())
        file.write(vertices.tobytes())


def triangles(depth_m: np.ndarray, focal_px: float) -> np.ndarray:
    """Returns the corners, [N, 3] uint32, of the two triangles between each four pixels of [h, w] metres.

    A triangle is left out that would join what stands in front with what is behind.
    """
    place = np.arange(depth_m.size, dtype=np.uint32).reshape(depth_m.shape)
    a, b, c, d = place[:-1, :-1], place[:-1, 1:], place[1:, :-1], place[1:, 1:]
    corners = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    seen_m = depth_m.ravel()[corners]
    near_m, far_m = seen_m.min(axis=1), seen_m.max(axis=1)
    return corners[far_m - near_m <= STEEPEST * near_m / focal_px]


def write_mesh(path: str | os.PathLike, image: np.ndarray, depth_m: np.ndarray, focal_px: float) -> None:
    """Writes the surfaces that are seen, with the photograph on them: binary glTF; arguments as for `write_cloud`."""
    space, places, step = points(depth_m, focal_px)
    faces = triangles(-space[..., 2], focal_px / step)
    picture, texture = Image.fromarray(image), io.BytesIO()
    picture.thumbnail((LARGEST_TEXTURE_PX, LARGEST_TEXTURE_PX))
    picture.save(texture, format="JPEG", quality=90)
    parts = [space.tobytes(), places.tobytes(), faces.tobytes(), _padded(texture.getvalue())]
    starts = np.cumsum([0, *map(len, parts)]).tolist()
    corners, count = space.reshape(-1, 3), space.size // 3
    bounds = {"min": corners.min(axis=0).tolist(), "max": corners.max(axis=0).tolist()}
    surface = {"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}
    paint = {"baseColorTexture": {"index": 0}, "metallicFactor": 0, "roughnessFactor": 1}
    content = {
        "asset": {"version": "2.0", "generator": "depth_tf"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [surface]}],
        "materials": [{"pbrMetallicRoughness": paint, "doubleSided": True}],
        "textures": [{"source": 0}],
        "images": [{"bufferView": 3, "mimeType": "image/jpeg"}],
        "accessors": [
            {"bufferView": 0, "type": "VEC3", "componentType": FLOAT, "count": count, **bounds},
            {"bufferView": 1, "type": "VEC2", "componentType": FLOAT, "count": count},
            {"bufferView": 2, "type": "SCALAR", "componentType": UNSIGNED, "count": faces.size},
        ],
        "bufferViews": [{"buffer": 0, "byteOffset": starts[n], "byteLength": len(parts[n])} for n in range(4)],
        "buffers": [{"byteLength": starts[-1]}],
    }
    chunks = {b"JSON": _padded(json.dumps(content).encode(), b" "), b"BIN\0": b"".join(parts)}
    body = b"".join(struct.pack("<I4s", len(chunk), kind) + chunk for kind, chunk in chunks.items())
    with open(path, "wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)


def _padded(content: bytes, filler: bytes = b"\0") -> bytes:
    return content + filler * (-len(content) % 4)
