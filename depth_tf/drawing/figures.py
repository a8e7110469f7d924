"""Pictures of depth: panels that compare prediction and truth, and a sheet of what a data set holds.

Drawn without `pyplot`, whose global state would keep every figure of a long run alive. Places on the page are
inches from its top left corner.
"""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps, colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from depth_tf.data import resizing
from depth_tf.runtime import storage
from depth_tf.runtime.errors import InputError

# Colour map, and the power of depth that picks the colour. Near is bright; lightness falls evenly, so a grey print
# still reads. A power below 1 gives more of the colours to the nearer half, where most of a room is.
DEPTH_SHADES = ("magma_r", 0.6)
ERROR_SHADES = ("YlOrRd", 1.0)
DEPTH_LABEL = "depth, m (grey: missing)"
MISSING_COLOUR = "#8c9199"  # a cool grey, which neither colour map contains
INK = "#22262b"
FAINT_INK = "#5c636b"
DPI = 100
EXAMPLES_A_ROW = 6

# Inches.
PANEL_WIDTH = 2.9
EXAMPLE_WIDTH = 1.9
SIDE_WIDTH = 3.4
HISTOGRAM_HEIGHT = 2.2
GAP = 0.06
MARGIN = 0.2
TITLE_ROOM = 0.54
SCALE_ROOM = 0.66  # a colour bar with its numbers and its label


@dataclasses.dataclass(frozen=True)
class Panels:
    """One image of `depth_panels`.

    Attributes:
      image: [H, W, 3] uint8, RGB.
      true_m: [h, w] float, metres, 0 or not finite where missing.
      pred_m: [any, any] float, metres, the full frame; resized bilinearly to the truth's size.
      caption: a few words, such as "AbsRel 0.132".
    """

    image: np.ndarray
    true_m: np.ndarray
    pred_m: np.ndarray
    caption: str = ""


@dataclasses.dataclass(frozen=True)
class Example:
    """One image of `contact_sheet`: its depth as `Panels.true_m`, its caption such as the scene."""

    image: np.ndarray
    depth_m: np.ndarray
    caption: str = ""


def colour_depth(depth_m: np.ndarray, *, max_depth_m: float) -> np.ndarray:
    """Paints depth.

    Args:
      depth_m: [H, W] float, metres, 0 or not finite where missing.
      max_depth_m: metres that take the last colour, as do all beyond.

    Returns:
      [H, W, 3] uint8, RGB; grey where depth is missing.
    """
    return _paint(np.where(_valid(depth_m), depth_m, np.nan), limit_m=max_depth_m, shades=DEPTH_SHADES)


def depth_panels(path: str | os.PathLike, rows: Sequence[Panels], *, title: str) -> None:
    """Draws image | truth | prediction | absolute error, an image a row, every row on one scale in metres.

    Args:
      path: the PNG file.
      rows: at least one; the first one's image sets the shape of the cells.
      title: a line above; name the data set, the split and the protocol behind the captions.

    Raises:
      InputError: if there is no row.
    """
    if not rows:
        raise InputError("a figure of panels needs at least one image, got none")
    truths_m = [np.asarray(row.true_m, np.float32) for row in rows]
    preds_m = [resizing.resize_bilinear(row.pred_m, row.true_m.shape) for row in rows]
    errors_m = [_error_m(true_m=truth, pred_m=pred) for truth, pred in zip(truths_m, preds_m, strict=True)]
    depth_limit_m = _limit_m([truth[_valid(truth)] for truth in truths_m], percentile=99.5, step_m=1.0)
    error_limit_m = _limit_m([error[np.isfinite(error)] for error in errors_m], percentile=98.0, step_m=0.5)

    height = PANEL_WIDTH * rows[0].image.shape[0] / rows[0].image.shape[1]
    lefts = [MARGIN + column * (PANEL_WIDTH + GAP) for column in range(4)]
    head = TITLE_ROOM + 0.24
    foot = head + len(rows) * (height + GAP)
    figure = _page(width=lefts[-1] + PANEL_WIDTH + MARGIN, height=foot + SCALE_ROOM, title=title)
    for left, heading in zip(lefts, ("image", "truth", "prediction", "absolute error"), strict=True):
        _write(figure, heading, left=left + PANEL_WIDTH / 2, top=head - 0.09, align="center")
    for index, row in enumerate(rows):
        pictures = (
            row.image,
            colour_depth(truths_m[index], max_depth_m=depth_limit_m),
            colour_depth(preds_m[index], max_depth_m=depth_limit_m),
            _paint(errors_m[index], limit_m=error_limit_m, shades=ERROR_SHADES),
        )
        place = {"top": head + index * (height + GAP), "width": PANEL_WIDTH, "height": height}
        shown = [_show(figure, picture, left=left, **place) for left, picture in zip(lefts, pictures, strict=True)]
        _label(shown[-1], row.caption)
    _scale(figure, DEPTH_SHADES, depth_limit_m, DEPTH_LABEL, left=lefts[1], top=foot, width=2 * PANEL_WIDTH + GAP)
    _scale(figure, ERROR_SHADES, error_limit_m, "absolute error, m", left=lefts[3], top=foot, width=PANEL_WIDTH)
    _save(figure, path)


def contact_sheet(
    path: str | os.PathLike,
    examples: Sequence[Example],
    *,
    bin_edges_m: np.ndarray,
    bin_counts: np.ndarray,
    title: str,
    notes: Sequence[str] = (),
) -> None:
    """Draws images over their depth in a grid, and beside it the depth histogram, the scale and a few facts.

    Args:
      path: the PNG file.
      examples: at least one; the first image sets the shape of the cells.
      bin_edges_m: [N + 1] edges of the histogram's bins, metres; the last one ends the colour scale.
      bin_counts: [N] pixels in each bin, over the whole data set or as the notes say.
      title: a line above.
      notes: lines beside the grid, such as counts and the share of missing pixels.

    Raises:
      InputError: if there is no example.
    """
    if not examples:
        raise InputError("a contact sheet needs at least one example, got none")
    num_columns = min(EXAMPLES_A_ROW, len(examples))
    height = EXAMPLE_WIDTH * examples[0].image.shape[0] / examples[0].image.shape[1]
    cell_height = 2 * height + 3 * GAP
    side = MARGIN + num_columns * (EXAMPLE_WIDTH + GAP) + 0.6
    facts = TITLE_ROOM + HISTOGRAM_HEIGHT + SCALE_ROOM + 0.3
    page_height = max(TITLE_ROOM + -(-len(examples) // num_columns) * cell_height, facts + 0.22 * len(notes)) + MARGIN
    figure = _page(width=side + SIDE_WIDTH + MARGIN, height=page_height, title=title)
    for index, example in enumerate(examples):
        row, column = divmod(index, num_columns)
        left, top = MARGIN + column * (EXAMPLE_WIDTH + GAP), TITLE_ROOM + row * cell_height
        size = {"width": EXAMPLE_WIDTH, "height": height}
        _label(_show(figure, example.image, left=left, top=top, **size), example.caption)
        painted = colour_depth(example.depth_m, max_depth_m=bin_edges_m[-1])
        _show(figure, painted, left=left, top=top + height, **size)
    _histogram(figure, bin_edges_m, bin_counts, left=side, top=TITLE_ROOM)
    for index, note in enumerate(notes):
        _write(figure, note, left=side + 0.1, top=facts + 0.22 * index, align="left", size=9.5)
    _save(figure, path)


def _valid(depth_m: np.ndarray) -> np.ndarray:
    return np.isfinite(depth_m) & (np.asarray(depth_m) > 0)


def _error_m(*, true_m: np.ndarray, pred_m: np.ndarray) -> np.ndarray:
    return np.abs(np.where(_valid(true_m), pred_m - true_m, np.nan))


def _paint(values_m: np.ndarray, *, limit_m: float, shades: tuple[str, float]) -> np.ndarray:
    """Returns [H, W, 3] uint8; values that are not finite are grey."""
    colours, power = shades
    shown = np.isfinite(values_m)
    scaled = np.clip(np.where(shown, values_m, 0.0).astype(np.float32) / limit_m, 0.0, 1.0) ** power
    painted = colormaps[colours](scaled, bytes=True)[..., :3]
    missing = np.round(255 * np.array(colors.to_rgb(MISSING_COLOUR))).astype(np.uint8)
    return np.where(shown[..., np.newaxis], painted, missing)


def _limit_m(values_m: Sequence[np.ndarray], *, percentile: float, step_m: float) -> float:
    """Returns the end of a scale: a high percentile rounded up, so that a few outliers do not bleach the rest."""
    values_m = np.concatenate(values_m)
    end_m = float(np.percentile(values_m, percentile)) if values_m.size else 0.0
    return step_m * max(1.0, np.ceil(end_m / step_m))


def _page(*, width: float, height: float, title: str) -> Figure:
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    _write(figure, title, left=MARGIN, top=0.34, align="left", size=12, weight="bold")
    return figure


def _axes(figure: Figure, *, left: float, top: float, width: float, height: float) -> Axes:
    page_width, page_height = figure.get_size_inches()
    bottom = page_height - top - height
    return figure.add_axes((left / page_width, bottom / page_height, width / page_width, height / page_height))


def _write(figure: Figure, text: str, *, left: float, top: float, align: str, size: float = 11, **style) -> None:
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - top / height, text, ha=align, va="baseline", size=size, color=INK, **style)


def _show(figure: Figure, picture: np.ndarray, **place: float) -> Axes:
    axes = _axes(figure, **place)
    axes.imshow(picture)
    axes.set_axis_off()
    return axes


def _label(axes: Axes, text: str) -> None:
    """Writes on a picture, light on dark, so that it reads over any image."""
    if text:
        box = {"facecolor": INK, "alpha": 0.75, "edgecolor": "none", "pad": 2.5}
        axes.text(0.025, 0.04, text, transform=axes.transAxes, color="white", size=8.5, bbox=box)


def _scale(figure: Figure, shades: tuple[str, float], limit_m: float, label: str, **place: float) -> None:
    """Draws what each colour means, along an axis that is even in metres."""
    place = {"left": place["left"] + 0.1, "top": place["top"] + 0.06, "width": place["width"] - 0.2}
    axes = _axes(figure, height=0.12, **place)
    ramp_m = np.linspace(0.0, limit_m, 512)[np.newaxis]
    axes.imshow(_paint(ramp_m, limit_m=limit_m, shades=shades), aspect="auto", extent=(0.0, limit_m, 0.0, 1.0))
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(labelsize=9, length=3, colors=FAINT_INK)
    axes.set_xlabel(label, size=9.5, color=INK, labelpad=2)


def _histogram(figure: Figure, edges_m: np.ndarray, counts: np.ndarray, *, left: float, top: float) -> None:
    limit_m = edges_m[-1]
    axes = _axes(figure, left=left + 0.1, top=top, width=SIDE_WIDTH - 0.2, height=HISTOGRAM_HEIGHT)
    middles_m = (np.asarray(edges_m[:-1]) + edges_m[1:]) / 2
    shades = colour_depth(middles_m[np.newaxis], max_depth_m=limit_m)[0] / 255
    shares = 100.0 * np.asarray(counts) / max(np.sum(counts), 1)
    axes.bar(middles_m, shares, width=np.diff(edges_m), color=shades, edgecolor=FAINT_INK, linewidth=0.4)
    axes.set_xlim(0.0, limit_m)
    axes.set_xticks([])
    axes.set_ylabel("share of valid pixels, %", size=9.5, color=INK)
    axes.tick_params(labelsize=9, colors=FAINT_INK)
    axes.spines[["top", "right"]].set_visible(False)
    _scale(figure, DEPTH_SHADES, limit_m, DEPTH_LABEL, left=left, top=top + HISTOGRAM_HEIGHT, width=SIDE_WIDTH)


def _save(figure: Figure, path: str | os.PathLike) -> None:
    with storage.replacing(path) as temporary:
        figure.savefig(temporary, format="png")
