"""The hand-held camera: NYU's intrinsics, a pose in the world, and the rays of its pixels.

World: x right, y forward, z up, metres. Camera: x right, y down, z forward along the optical axis. A ray is the
direction (column slope, row slope, 1) in the camera's axes, so that the parameter along it is depth.
"""

import dataclasses

import numpy as np

# Colour camera of NYU Depth V2, pixels at 640x480 (camera_params.m of the data set's toolbox).
FX_PX, FY_PX, CX_PX, CY_PX = 518.86, 519.47, 325.58, 253.74
CALIBRATED_HEIGHT_PX, CALIBRATED_WIDTH_PX = 480, 640
HEIGHT_PX, WIDTH_PX = 240, 320


@dataclasses.dataclass(frozen=True)
class Camera:
    """A pinhole camera in the world."""

    position_m: np.ndarray  # [3] float, the pinhole, world metres
    axes: np.ndarray  # [3, 3] float, its right, down and forward unit vectors as rows, in world coordinates


def aim(position_m: np.ndarray, *, yaw_rad: float, pitch_rad: float, roll_rad: float) -> Camera:
    """Returns the camera at [3] metres; yaw 0 looks along +x, pi/2 along +y; pitch looks down, roll turns clockwise."""
    level_right = np.array([np.sin(yaw_rad), -np.cos(yaw_rad), 0.0])
    level_forward = np.array([np.cos(yaw_rad), np.sin(yaw_rad), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    forward = np.cos(pitch_rad) * level_forward - np.sin(pitch_rad) * up
    down = -np.cos(pitch_rad) * up - np.sin(pitch_rad) * level_forward
    right = np.cos(roll_rad) * level_right + np.sin(roll_rad) * down
    down = np.cos(roll_rad) * down - np.sin(roll_rad) * level_right
    return Camera(np.asarray(position_m, np.float64), np.stack([right, down, forward]))


def pixel_slopes(height_px: int = HEIGHT_PX, width_px: int = WIDTH_PX) -> tuple[np.ndarray, np.ndarray]:
    """Returns [width_px] slopes to the right, [height_px] down, of the rays through a frame of that size."""
    columns = (np.arange(width_px) + 0.5) * CALIBRATED_WIDTH_PX / width_px - 0.5
    rows = (np.arange(height_px) + 0.5) * CALIBRATED_HEIGHT_PX / height_px - 0.5
    return (columns - CX_PX) / FX_PX, (rows - CY_PX) / FY_PX
