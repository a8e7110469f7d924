"""Pictures of depth with a scale in metres: predictions beside the truth, one depth map, and a data set's examples.

Drawn without `pyplot`, whose global state would keep every figure of a long run alive, and without Matplotlib's
constrained layout, whose solver aborted the process in two of seven sheets.
"""

import functools
import math
import os
import typing
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from depth_tf.data import resizing
from depth_tf.data.valid import valid_pixels
from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError

MISSING_COLOUR = "#8c9199"  # a cool grey, which neither colour map contains
SHADES = np.linspace(0, 1, 2048)
# Near is bright; lightness falls evenly, so that a grey print still reads. The power, below 1, gives more colours
# to the nearer half, where most of a room is. A colour map's name is the label of its bar.
DEPTH_COLOURS = ListedColormap(colormaps["magma_r"](SHADES**0.6), "depth, m (grey: missing)")
ERROR_COLOURS = ListedColormap(colormaps["YlOrRd"](SHADES), "absolute error, m")
INK, FAINT_INK = "#22262b", "#5c636b"
DPI = 100
EXAMPLES_PER_ROW = 6
PANEL_INCHES, EXAMPLE_INCHES, SIDE_INCHES = 2.9, 1.9, 2.8  # widths
HEAD_INCHES, FOOT_INCHES, BAR_INCHES = 0.7, 0.7, 0.12  # heights: the title; a colour bar with and without its label
HISTOGRAM_INCHES, NOTE_INCHES = 2.2, 0.22  # heights
MARGIN_INCHES, GAP_INCHES = 0.2, 0.05


class Panels(typing.NamedTuple):
    """One image of `depth_panels`."""

    image: np.ndarray  # [H, W, 3] uint8, RGB
    true_m: np.ndarray  # [h, w] float, metres, 0 or not finite where missing
    # [any, any] float, metres, the full image, or a tuple of such maps; resized bilinearly to the truth's size
    pred_m: np.ndarray | tuple[np.ndarray, ...]
    caption: str = ""  # a few words, such as "AbsRel 0.132"


class Example(typing.NamedTuple):
    """One image of `contact_sheet`: its depth as `Panels.true_m`, its caption such as the scene."""

    image: np.ndarray
    depth_m: np.ndarray
    caption: str = ""


def colour_depth(depth_m: np.ndarray, *, max_depth_m: float, min_depth_m: float = 0.0) -> np.ndarray:
    """Returns [H, W] float depth, metres, as [H, W, 3] uint8, RGB: grey where missing, the end colours beyond."""
    return _scale(DEPTH_COLOURS, max_depth_m, min_depth_m).to_rgba(_known(depth_m), bytes=True)[..., :3]


def depth_picture(depth_m: np.ndarray, range_m: tuple[float, float] | None = None) -> Image.Image:
    """Returns depth, [H, W] float, metres, in colours at its own size, with a bar that says what they mean.

    Near is bright. `range_m` is where the colours begin and end; None takes `usual_range_m`.
    """
    near_m, far_m = range_m or usual_range_m(depth_m)
    colour = functools.partial(colour_depth, min_depth_m=near_m, max_depth_m=far_m)
    picture, (height, width) = Image.fromarray(colour(depth_m)), depth_m.shape
    draw, size = ImageDraw.Draw(picture), max(8, min(height, width) // 24)
    bar_width, left, top = width // 2, size // 2, height - 3 * size
    bar = np.tile(colour(np.linspace(near_m, far_m, bar_width + 1)[np.newaxis, 1:]), (size, 1, 1))
    draw.rectangle((0, top - size // 2, bar_width + 4 * size, height), fill=INK)
    picture.paste(Image.fromarray(bar), (left, top))
    font = ImageFont.load_default(size)
    for share, metres in ((0, near_m), (0.5, (near_m + far_m) / 2), (1, far_m)):
        text = f"{metres:.2g} m" if share == 1 else f"{metres:.2g}"
        draw.text(
            (left + share * bar_width, top + size * 1.15), text, fill="white", font=font, anchor="ma" if share else "la"
        )
    return picture


def usual_range_m(depth_m: np.ndarray) -> tuple[float, float]:
    """Returns what all but 1 % of the pixels lie in, to a tenth of a metre."""
    near_m, far_m = np.percentile(depth_m, (0.5, 99.5)).tolist()
    return math.floor(10 * near_m) / 10, math.floor(10 * far_m + 1) / 10


def depth_panels(
    path: str | os.PathLike, rows: Sequence[Panels], *, title: str, methods: Sequence[str] = ("prediction",)
) -> None:
    """Draws image | truth | prediction | absolute error, one row per image, every row on one scale in metres.

    The first row's image sets the shape of the cells. The title should name the data set, the split and the protocol
    behind the captions; `methods` are the headings of the predictions.
    """
    if not rows:
        raise InputError("a figure of panels needs at least one image, got none")
    maps_m, num_depths = [], 1 + len(methods)  # of each row: truth, predictions, errors, at the truth's size
    for row in rows:
        true_m, preds_m = _known(row.true_m), row.pred_m if isinstance(row.pred_m, tuple) else (row.pred_m,)
        preds_m = [resizing.resize_bilinear(pred_m, true_m.shape) for pred_m in preds_m]
        maps_m.append([true_m, *map(_known, preds_m), *(np.abs(pred_m - true_m) for pred_m in preds_m)])
    depths = _scale(DEPTH_COLOURS, _limit_m([maps[0] for maps in maps_m], percentile=99.5, step_m=1.0))
    errors_m = [error for maps in maps_m for error in maps[num_depths:]]
    errors = _scale(ERROR_COLOURS, _limit_m(errors_m, percentile=98.0, step_m=0.5))
    error_names = ["absolute error"] if len(methods) == 1 else [f"error of {name}" for name in methods]
    columns = {"image": None, "truth": depths} | dict.fromkeys(methods, depths) | dict.fromkeys(error_names, errors)
    pictures = [[row.image, *maps] for row, maps in zip(rows, maps_m, strict=True)]
    _draw(path, title, columns, pictures, [row.caption for row in rows])


def contact_sheet(
    path: str | os.PathLike, examples: Sequence[Example], *, bin_edges_m, bin_counts, title: str, notes: Sequence = ()
) -> None:
    """Draws images over their depth, and beside them the depth histogram, the scale and a few lines of notes.

    The first example's image sets the shape of the cells. `bin_edges_m`, [N + 1], end with the end of the colour scale;
    `bin_counts`, [N], are over the whole data set or as the notes say.
    """
    if not examples:
        raise InputError("a contact sheet needs at least one example, got none")
    num_columns, num_rows = min(EXAMPLES_PER_ROW, len(examples)), -(-len(examples) // EXAMPLES_PER_ROW)
    width, height = num_columns * EXAMPLE_INCHES, 2 * EXAMPLE_INCHES * np.divide(*examples[0].image.shape[:2])
    side_height = HISTOGRAM_INCHES + FOOT_INCHES + NOTE_INCHES * len(notes)
    figure = _page(title, width + 0.8 + SIDE_INCHES, max(num_rows * height, side_height))
    for place, example in enumerate(examples):
        row, column = divmod(place, num_columns)
        depth_m = resizing.resize_nearest(np.asarray(example.depth_m), example.image.shape[:2])
        picture = np.concatenate([example.image, colour_depth(depth_m, max_depth_m=bin_edges_m[-1])])
        axes = _axes(figure, column * EXAMPLE_INCHES, row * height, EXAMPLE_INCHES, height)
        _show(axes, picture, example.caption, above=0.5)
    _histogram(figure, width + 0.7, bin_edges_m, bin_counts, notes)
    with atomic_files.replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _draw(path: str | os.PathLike, title: str, columns: dict, rows: list[list], captions: list[str]) -> None:
    """Draws images and maps in metres, by row, under headings that name columns, with a bar for each column's scale."""
    scales, height = list(columns.values()), PANEL_INCHES * np.divide(*rows[0][0].shape[:2])
    figure = _page(title, PANEL_INCHES * len(columns), height * len(rows) + FOOT_INCHES)
    for place, row in enumerate(rows):
        for column, (heading, scale) in enumerate(columns.items()):
            picture = scale.to_rgba(row[column], bytes=True) if scale else row[column]
            axes = _axes(figure, column * PANEL_INCHES, place * height, PANEL_INCHES, height)
            _show(axes, picture, captions[place] if column == len(columns) - 1 else "")
            axes.set_title("" if place else heading, size=11, color=INK)
    for scale in dict.fromkeys(filter(None, scales)):
        left, width = scales.index(scale) * PANEL_INCHES, scales.count(scale) * PANEL_INCHES
        _bar(_axes(figure, left + 0.1, height * len(rows), width - 0.2, BAR_INCHES + GAP_INCHES), scale)
    with atomic_files.replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _known(depth_m: np.ndarray) -> np.ma.MaskedArray:
    depth_m = np.asarray(depth_m, np.float32)
    return np.ma.array(depth_m, mask=~valid_pixels(depth_m))


def _limit_m(maps_m: Sequence[np.ma.MaskedArray], *, percentile: float, step_m: float) -> float:
    """Returns the end of a scale: a high percentile rounded up, so that a few outliers do not bleach the rest."""
    values_m = np.concatenate([map_m.compressed() for map_m in maps_m])
    end_m = float(np.percentile(values_m, percentile)) if values_m.size else 0.0
    return round_up(end_m, step_m)


def round_up(end_m: float, step_m: float = 1.0) -> float:
    """Returns the end of a scale rounded up to a step, which is smaller where the scale is shorter than one."""
    step_m = min(step_m, 10.0 ** np.floor(np.log10(end_m))) if end_m > 0 else step_m
    return step_m * max(1.0, np.ceil(round(end_m / step_m, 6)))


def _scale(colours: Colormap, limit_m: float, begin_m: float = 0.0) -> ScalarMappable:
    return ScalarMappable(Normalize(begin_m, limit_m, clip=True), colours.with_extremes(bad=MISSING_COLOUR))


def _page(title: str, width: float, height: float) -> Figure:
    """Returns a figure with room for `width` x `height` inches below its title."""
    figure = Figure((width + 2 * MARGIN_INCHES, height + HEAD_INCHES), DPI, facecolor="white")
    page_width, page_height = figure.get_size_inches()
    figure.text(MARGIN_INCHES / page_width, 1 - 0.34 / page_height, title, size=12, weight="bold", color=INK)
    return figure


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Returns axes in a cell, a gap smaller, whose corner is `left` inches from the margin, `top` below the title."""
    page_width, page_height = figure.get_size_inches()
    sides = width - GAP_INCHES, height - GAP_INCHES
    left, bottom = left + MARGIN_INCHES, page_height - HEAD_INCHES - top - sides[1]
    return figure.add_axes((left / page_width, bottom / page_height, sides[0] / page_width, sides[1] / page_height))


def _show(axes: Axes, picture: np.ndarray, caption: str, *, above: float = 0.0) -> None:
    axes.imshow(picture)
    axes.set_axis_off()
    box = {"facecolor": INK, "alpha": 0.75, "edgecolor": "none", "pad": 2.5}  # dark, so that it reads over any image
    axes.text(0.025, above + 0.04, caption, transform=axes.transAxes, color="white", size=8.5, bbox=box)


def _bar(axes: Axes, scale: ScalarMappable) -> None:
    """Draws what each colour means, along an axis that is even in metres."""
    bar = axes.figure.colorbar(scale, cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_label(scale.cmap.name, size=9.5, color=INK)
    axes.tick_params(labelsize=9, length=3, colors=FAINT_INK)


def _histogram(figure: Figure, left: float, edges_m: np.ndarray, counts: np.ndarray, notes: Sequence[str]) -> None:
    """Draws the share of each bin in its colour, the colour bar as its axis, and the notes below."""
    axes = _axes(figure, left, 0.0, SIDE_INCHES, HISTOGRAM_INCHES + GAP_INCHES)
    scale, middles_m = _scale(DEPTH_COLOURS, edges_m[-1]), (edges_m[:-1] + edges_m[1:]) / 2
    shares, shades = 100.0 * counts / max(counts.sum(), 1), scale.to_rgba(middles_m)
    axes.bar(middles_m, shares, width=np.diff(edges_m), color=shades, edgecolor=FAINT_INK, linewidth=0.4)
    axes.set(xlim=(0.0, edges_m[-1]), xticks=[])
    axes.set_ylabel("share of valid pixels, %", size=9.5, color=INK)
    axes.tick_params(labelsize=9, colors=FAINT_INK)
    axes.spines[["top", "right"]].set_visible(False)
    bar = _axes(figure, left, HISTOGRAM_INCHES, SIDE_INCHES, BAR_INCHES + GAP_INCHES)
    _bar(bar, scale)
    below = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "top"}
    bar.annotate("\n".join(notes), (0, 0), (0, -43), **below, size=9.5, color=INK, linespacing=1.5)
