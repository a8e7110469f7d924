"""Pictures of depth maps with their scale in metres: one beside its image, or rows of them."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from depth_tf.drawing import figures
from depth_tf.runtime import storage

WIDTH_INCHES = 3.2  # of one picture


@dataclasses.dataclass(frozen=True)
class Map:
    """A map to be painted.

    Attributes:
      values_m: [H, W] float, metres; 0 or not finite where missing.
      limit_m: the metres that take the last colour.
      shades: `figures.DEPTH_SHADES` or `figures.ERROR_SHADES`.
    """

    values_m: np.ndarray
    limit_m: float
    shades: tuple[str, float] = figures.DEPTH_SHADES


def image_and_depth(path: str | os.PathLike, image: np.ndarray, depth_m: np.ndarray, *, title: str) -> None:
    """Draws an image beside its depth, with a scale in metres.

    Args:
      path: the PNG file.
      image: [any, any, 3] uint8, RGB.
      depth_m: [H, W] float, metres.
      title: a line above.
    """
    panels(path, [[image, Map(depth_m, float(np.ceil(depth_m.max())))]], ["image", "depth, m"], title=title)


def panels(
    path: str | os.PathLike, rows: Sequence[Sequence[np.ndarray | Map]], headings: Sequence[str], *, title: str
) -> None:
    """Draws rows of pictures under headings.

    Args:
      path: the PNG file.
      rows: the pictures of each row, the first an image; images are [H, W, 3] uint8.
      headings: one a column.
      title: a line above.
    """
    height, width = np.asarray(rows[0][0]).shape[:2]
    size = (WIDTH_INCHES * len(headings), WIDTH_INCHES * height / width * len(rows) + 0.8)
    figure = Figure(figsize=size, dpi=figures.DPI, layout="constrained")
    axes = figure.subplots(len(rows), len(headings), squeeze=False)
    for row, pictures in zip(axes, rows, strict=True):
        for axis, picture in zip(row, pictures, strict=True):
            axis.set_axis_off()
            shown = _draw(axis, picture)
            if shown is not None:
                figure.colorbar(shown, ax=axis, location="right", shrink=0.9, pad=0.01).ax.tick_params(labelsize=7)
    for axis, heading in zip(axes[0], headings, strict=True):
        axis.set_title(heading, size=10)
    figure.suptitle(title, size=11, weight="bold")
    with storage.replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _draw(axis: Axes, picture: np.ndarray | Map) -> AxesImage | None:
    """Draws a picture; returns what a colour bar needs, if it is a map."""
    if not isinstance(picture, Map):
        axis.imshow(picture)
        return None
    colours, power = picture.shades
    missing = ~(np.isfinite(picture.values_m)) | ((picture.values_m == 0) & (picture.shades == figures.DEPTH_SHADES))
    painted = colormaps[colours].with_extremes(bad=figures.MISSING_COLOUR)
    shown = np.ma.array(picture.values_m, mask=missing)
    return axis.imshow(shown, cmap=painted, norm=PowerNorm(power, 0, picture.limit_m))
