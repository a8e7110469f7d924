"""The hand-held camera: NYU's intrinsics, a pose in the world, and the rays of its pixels.

World: x right, y forward, z up, metres. Camera: x right, y down, z forward along the optical axis. A ray is
the direction (column slope, row slope, 1) in the camera's axes, so that the parameter along it is depth.
"""

import dataclasses

import numpy as np

# Colour camera of NYU Depth V2, pixels at 640x480 (camera_params.m of the data set's toolbox).
FX_PX, FY_PX, CX_PX, CY_PX = 518.86, 519.47, 325.58, 253.74
CALIBRATED_HEIGHT_PX, CALIBRATED_WIDTH_PX = 480, 640

HEIGHT_PX, WIDTH_PX = 240, 320


@dataclasses.dataclass(frozen=True)
class Camera:
    """A pinhole camera in the world.

    Attributes:
      position_m: [3] float, the pinhole, world metres.
      axes: [3, 3] float, its right, down and forward unit vectors as rows, in world coordinates.
    """

    position_m: np.ndarray
    axes: np.ndarray


@dataclasses.dataclass(frozen=True)
class Grid:
    """Rays of G images at once: ray (g, row, column) is (columns[g, column], rows[g, row], 1).

    Attributes:
      columns: [G, W] float, evenly spaced slopes to the right.
      rows: [G, H] float, evenly spaced slopes downwards.
    """

    columns: np.ndarray
    rows: np.ndarray


def aim(position_m: np.ndarray, *, yaw_rad: float, pitch_rad: float, roll_rad: float) -> Camera:
    """Returns the camera at `position_m` that looks along `yaw_rad`.

    Args:
      position_m: [3], world metres.
      yaw_rad: compass of the view: 0 looks along +x, pi/2 along +y.
      pitch_rad: above 0 looks down.
      roll_rad: above 0 turns the camera clockwise as seen from behind it.
    """
    level_right = np.array([np.sin(yaw_rad), -np.cos(yaw_rad), 0.0])
    level_forward = np.array([np.cos(yaw_rad), np.sin(yaw_rad), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    forward = np.cos(pitch_rad) * level_forward - np.sin(pitch_rad) * up
    down = -np.cos(pitch_rad) * up - np.sin(pitch_rad) * level_forward
    right = np.cos(roll_rad) * level_right + np.sin(roll_rad) * down
    down = np.cos(roll_rad) * down - np.sin(roll_rad) * level_right
    return Camera(np.asarray(position_m, np.float64), np.stack([right, down, forward]))


def pixel_slopes(height_px: int, width_px: int, *, offset_px: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Returns the slopes of the rays through pixel centres of a frame scaled from 640x480.

    Args:
      height_px: rows of the frame.
      width_px: columns of the frame.
      offset_px: moves every ray by so many pixels, right and down.

    Returns:
      [width_px] float64 slopes to the right and [height_px] float64 slopes downwards.
    """
    columns = _calibrated(np.arange(width_px) + offset_px, CALIBRATED_WIDTH_PX / width_px)
    rows = _calibrated(np.arange(height_px) + offset_px, CALIBRATED_HEIGHT_PX / height_px)
    return (columns - CX_PX) / FX_PX, (rows - CY_PX) / FY_PX


def frame_grid(height_px: int = HEIGHT_PX, width_px: int = WIDTH_PX, *, dtype: type = np.float32) -> Grid:
    """Returns the rays of a frame: grid 0 through pixel centres, grid 1 through their upper left corners.

    Both are one row and one column larger than the frame, so that grid 1 holds all four corners of each pixel.
    """
    centres = pixel_slopes(height_px, width_px)
    step = [slopes[1] - slopes[0] for slopes in centres]
    centres = [np.append(slopes, slopes[-1] + by) for slopes, by in zip(centres, step, strict=True)]
    corners = [slopes - by / 2 for slopes, by in zip(centres, step, strict=True)]
    columns, rows = (np.stack([centres[i], corners[i]]).astype(dtype) for i in (0, 1))
    return Grid(columns, rows)


def _calibrated(index_px: np.ndarray, scale: float) -> np.ndarray:
    return (index_px + 0.5) * scale - 0.5
