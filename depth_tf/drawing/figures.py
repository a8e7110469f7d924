"""Pictures of depth with a scale in metres: predictions beside the truth, one depth map, and a data set's examples.

Drawn without `pyplot`, whose global state would keep every figure of a long run alive, and without Matplotlib's
constrained layout, whose solver aborted the process in two of seven sheets.
"""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure

from depth_tf.data import resizing
from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError

MISSING_COLOUR = "#8c9199"  # a cool grey, which neither colour map contains
# Near is bright; lightness falls evenly, so that a grey print still reads. The power, below 1, gives more colours
# to the nearer half, where most of a room is.
DEPTH_COLOURS = ListedColormap(colormaps["magma_r"](np.linspace(0, 1, 2048) ** 0.6)).with_extremes(bad=MISSING_COLOUR)
ERROR_COLOURS = colormaps["YlOrRd"].with_extremes(bad=MISSING_COLOUR)
DEPTH_LABEL = "depth, m (grey: missing)"
INK, FAINT_INK = "#22262b", "#5c636b"
DPI = 100
EXAMPLES_PER_ROW = 6
PANEL_INCHES, EXAMPLE_INCHES, SIDE_INCHES = 2.9, 1.9, 3.6  # widths
HEAD_INCHES, FOOT_INCHES, BAR_INCHES = (
    0.7,
    0.7,
    0.12,
)  # heights: title; a colour bar with and without label
MARGIN_INCHES = 0.2
HISTOGRAM_INCHES, NOTE_INCHES = 2.2, 0.22


@dataclasses.dataclass(frozen=True)
class Panels:
    """One image of `depth_panels`."""

    image: np.ndarray  # [H, W, 3] uint8, RGB
    true_m: np.ndarray  # [h, w] float, metres, 0 or not finite where missing
    # [any, any] float, metres, the full image, or a tuple of such maps; resized bilinearly to the truth's size
    pred_m: np.ndarray | tuple[np.ndarray, ...]
    caption: str = ""  # a few words, such as "AbsRel 0.132"


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
    return _scale(DEPTH_COLOURS, max_depth_m).to_rgba(_known(depth_m), bytes=True)[..., :3]


def depth_panels(
    path: str | os.PathLike, rows: Sequence[Panels], *, title: str, methods: Sequence[str] = ("prediction",)
) -> None:
    """Draws image | truth | prediction | absolute error, one row per image, every row on one scale in metres.

    Args:
      path: the PNG file.
      rows: at least one; the first one's image sets the shape of the cells.
      title: a line above; name the data set, the split and the protocol behind the captions.
      methods: heading of each prediction.

    Raises:
      InputError: if there is no row.
    """
    if not rows:
        raise InputError("a figure of panels needs at least one image, got none")
    maps_m = [_maps_m(row) for row in rows]  # truth, predictions, errors
    first_error = 1 + len(methods)
    depths = _scale(DEPTH_COLOURS, _limit_m([maps[0] for maps in maps_m], percentile=99.5, step_m=1.0))
    errors_m = [error for maps in maps_m for error in maps[first_error:]]
    errors = _scale(ERROR_COLOURS, _limit_m(errors_m, percentile=98.0, step_m=0.5))
    error_names = ["absolute error"] if len(methods) == 1 else [f"error of {name}" for name in methods]
    headings = ["image", "truth", *methods, *error_names]
    height = _height(rows[0].image, PANEL_INCHES)
    figure = _page(PANEL_INCHES * len(headings), height * len(rows) + FOOT_INCHES, title)
    grid = figure.add_gridspec(len(rows) + 1, len(headings), height_ratios=[height] * len(rows) + [BAR_INCHES])
    axes = [[figure.add_subplot(grid[place, column]) for column in range(len(headings))] for place in range(len(rows))]
    for row, maps, axes_of_row in zip(rows, maps_m, axes, strict=True):
        _show(axes_of_row[0], row.image)
        for index, (panel, map_m) in enumerate(zip(axes_of_row[1:], maps, strict=True)):
            _show(panel, (depths if index < first_error else errors).to_rgba(map_m, bytes=True))
        _label(axes_of_row[-1], row.caption)
    for panel, heading in zip(axes[0], headings, strict=True):
        panel.set_title(heading, size=11, color=INK)
    _bar(figure.add_subplot(grid[-1, 1 : 1 + first_error]), depths, DEPTH_LABEL)
    _bar(figure.add_subplot(grid[-1, 1 + first_error :]), errors, "absolute error, m")
    _save(figure, path)


def image_and_depth(path: str | os.PathLike, image: np.ndarray, depth_m: np.ndarray, *, title: str) -> None:
    """Draws an image beside its depth.

    Args:
      path: the PNG file.
      image: [any, any, 3] uint8, RGB.
      depth_m: [H, W] float, metres.
      title: a line above.
    """
    depths = _scale(DEPTH_COLOURS, float(np.ceil(depth_m.max())))
    height = _height(image, PANEL_INCHES)
    figure = _page(2 * PANEL_INCHES, height + FOOT_INCHES, title)
    (left, right), (nothing, bar) = figure.subplots(2, 2, height_ratios=(height, BAR_INCHES))
    _show(left, image)
    _show(right, depths.to_rgba(_known(depth_m), bytes=True))
    nothing.set_axis_off()
    _bar(bar, depths, "depth, m")
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
    """Draws images over their depth, and beside them the depth histogram, the scale and a few facts.

    Args:
      path: the PNG file.
      examples: at least one; the first image sets the shape of the cells.
      bin_edges_m: [N + 1] edges of the histogram's bins, metres; the last one ends the colour scale.
      bin_counts: [N] pixels in each bin, over the whole data set or as the notes say.
      title: a line above.
      notes: lines beside the examples, such as counts and the share of missing pixels.

    Raises:
      InputError: if there is no example.
    """
    if not examples:
        raise InputError("a contact sheet needs at least one example, got none")
    num_columns = min(EXAMPLES_PER_ROW, len(examples))
    num_rows = -(-len(examples) // num_columns)
    cells_height = num_rows * 2 * _height(examples[0].image, EXAMPLE_INCHES)
    width = num_columns * EXAMPLE_INCHES
    figure = _page(
        width + SIDE_INCHES, max(cells_height, HISTOGRAM_INCHES + FOOT_INCHES + NOTE_INCHES * len(notes)), title
    )
    cells = figure.add_gridspec(
        num_rows, num_columns, **_sides(figure, MARGIN_INCHES, width) | {"bottom": 0.01}, wspace=0.02, hspace=0.02
    )
    for cell, example in zip(cells, examples, strict=False):
        depth_m = resizing.resize_nearest(np.asarray(example.depth_m), example.image.shape[:2])
        axes = figure.add_subplot(cell)
        _show(axes, np.concatenate([example.image, colour_depth(depth_m, max_depth_m=bin_edges_m[-1])]))
        axes.set_anchor("N")  # beside many notes, at the top
        _label(axes, example.caption, above=0.5)
    side = _sides(figure, MARGIN_INCHES + width + 0.7, SIDE_INCHES - 0.8)
    _histogram(figure, side, bin_edges_m, bin_counts, notes)
    _save(figure, path)


def _known(depth_m: np.ndarray) -> np.ma.MaskedArray:
    """Returns depths with those masked that are missing: 0, negative or not finite."""
    depth_m = np.asarray(depth_m, np.float32)
    return np.ma.masked_where(~(np.isfinite(depth_m) & (depth_m > 0)), depth_m)


def _maps_m(row: Panels) -> list[np.ma.MaskedArray]:
    """Returns truth, predictions and absolute errors, at the truth's size."""
    true_m = _known(row.true_m)
    preds_m = row.pred_m if isinstance(row.pred_m, tuple) else (row.pred_m,)
    preds_m = [resizing.resize_bilinear(pred_m, true_m.shape) for pred_m in preds_m]
    return [true_m, *map(_known, preds_m), *(np.abs(pred_m - true_m) for pred_m in preds_m)]


def _limit_m(maps_m: Sequence[np.ma.MaskedArray], *, percentile: float, step_m: float) -> float:
    """Returns the end of a scale: a high percentile rounded up, so that a few outliers do not bleach the rest."""
    values_m = np.concatenate([map_m.compressed() for map_m in maps_m])
    end_m = float(np.percentile(values_m, percentile)) if values_m.size else 0.0
    return step_m * max(1.0, np.ceil(end_m / step_m))


def _scale(colours: Colormap, limit_m: float) -> ScalarMappable:
    return ScalarMappable(Normalize(0.0, limit_m, clip=True), colours)


def _height(image: np.ndarray, width: float) -> float:
    return width * image.shape[0] / image.shape[1]


def _page(width: float, height: float, title: str) -> Figure:
    """Returns a figure with room for `width` x `height` inches below its title."""
    size = (width + 2 * MARGIN_INCHES, height + HEAD_INCHES)
    figure = Figure(figsize=size, dpi=DPI, facecolor="white")
    figure.subplots_adjust(**_sides(figure, MARGIN_INCHES, width), wspace=0.02, hspace=0.02)
    figure.text(MARGIN_INCHES / size[0], 1 - 0.34 / size[1], title, size=12, weight="bold", color=INK)
    return figure


def _sides(figure: Figure, left: float, width: float) -> dict[str, float]:
    """Returns where a grid `width` inches wide begins and ends, in shares of the page."""
    page_width, page_height = figure.get_size_inches()
    return {
        "left": left / page_width,
        "right": (left + width) / page_width,
        "top": 1 - HEAD_INCHES / page_height,
        "bottom": (FOOT_INCHES - BAR_INCHES - 0.1) / page_height,
    }


def _show(axes: Axes, picture: np.ndarray) -> None:
    axes.imshow(picture)
    axes.set_axis_off()


def _label(axes: Axes, text: str, *, above: float = 0.0) -> None:
    """Writes on a picture, light on dark, so that it reads over any image."""
    if text:
        box = {"facecolor": INK, "alpha": 0.75, "edgecolor": "none", "pad": 2.5}
        axes.text(0.025, above + 0.04, text, transform=axes.transAxes, color="white", size=8.5, bbox=box)


def _bar(axes: Axes, scale: ScalarMappable, label: str) -> None:
    """Draws what each colour means, along an axis that is even in metres."""
    bar = axes.figure.colorbar(scale, cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=9, length=3, colors=FAINT_INK)
    bar.set_label(label, size=9.5, color=INK)
    first, *_, last = bar.ax.get_xticklabels()  # kept within their bar: the next one begins close by
    first.set_ha("left")
    last.set_ha("right")


def _histogram(
    figure: Figure, side: dict[str, float], edges_m: np.ndarray, counts: np.ndarray, notes: Sequence[str]
) -> None:
    """Draws the share of each bin in its colour, the colour bar as its axis, and the notes below."""
    page_height = figure.get_size_inches()[1]
    low = side["top"] - (HISTOGRAM_INCHES + BAR_INCHES) / page_height
    grid = figure.add_gridspec(2, 1, **side | {"bottom": low}, height_ratios=(HISTOGRAM_INCHES, BAR_INCHES), hspace=0)
    axes, bar = grid.subplots()
    middles_m = (np.asarray(edges_m[:-1]) + edges_m[1:]) / 2
    shades = colour_depth(middles_m[np.newaxis], max_depth_m=edges_m[-1])[0] / 255
    shares = 100.0 * np.asarray(counts) / max(np.sum(counts), 1)
    axes.bar(middles_m, shares, width=np.diff(edges_m), color=shades, edgecolor=FAINT_INK, linewidth=0.4)
    axes.set_xlim(0.0, edges_m[-1])
    axes.set_xticks([])
    axes.set_ylabel("share of valid pixels, %", size=9.5, color=INK)
    axes.tick_params(labelsize=9, colors=FAINT_INK)
    axes.spines[["top", "right"]].set_visible(False)
    _bar(bar, _scale(DEPTH_COLOURS, edges_m[-1]), DEPTH_LABEL)
    below = low - 0.6 / page_height
    figure.text(side["left"], below, "\n".join(notes), va="top", size=9.5, color=INK, linespacing=1.5)


def _save(figure: Figure, path: str | os.PathLike) -> None:
    with atomic_files.replacing(path) as temporary:
        figure.savefig(temporary, format="png")
