"""The protocols under which depth is scored: which pixels count, and how images are averaged.

A figure means nothing without its protocol's name: pooling alone moves RMSE by 13 to 19 %.

    full       each truth at its own size, no crop, the range of the data set, per image, then the mean
    eigen      NYU's headline: Eigen crop, 1e-3 < true < 10 m, per image, then the mean (BTS, AdaBins, ZoeDepth)
    fastdepth  centre crop squeezed to 224x224, no cap, per image, then the mean (Wofk et al., ICRA 2019)
    pooled     the pixels of *eigen*, all images at once (DenseDepth, Alhashim and Wonka 2018)
    median     *eigen* after each prediction is scaled to the median of the truth (monodepth2, YOLO26-depth)
    aligned    *eigen* after scale and shift are fitted to the truth, for relative depth (MiDaS)

*median* and *aligned* use the truth, so their figures stand in tables of their own.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from depth_tf.data.resizing import resize_bilinear, resize_nearest
from depth_tf.data.splits import DEPTH_RANGE_M
from depth_tf.data.valid import valid_pixels
from depth_tf.runtime.errors import InputError
from depth_tf.scoring import metrics
from depth_tf.scoring.edges import edge_scores, mean_edge_scores
from depth_tf.scoring.failures import DepthBands

FRAME_SHAPE = (480, 640)  # px, rows and columns of a frame of NYU Depth V2
# Rows and columns of that frame; metres between which truth is valid, and to which predictions are clamped:
# bts_eval.py of cleinc/bts, evaluate.py of shariqfarooq123/AdaBins.
EIGEN_CROP = (slice(45, 471), slice(41, 601))
EIGEN_RANGE_M = (1e-3, 10.0)
MIN_INVERSE_DEPTH_PER_M = 1e-3  # floor of an aligned inverse depth, before it becomes metres
# dataloaders/nyu.py and transforms.py of dwofk/fast-depth: 640 * 250 / 480 is cut to 333 columns, the crop
# starts at round(11.0) and round(14.5), the even 14 in Python 3, and 228x304 is squeezed to a square. FastDepth
# predicts that square alone; a prediction here covers the frame and goes the same way as the truth.
FASTDEPTH_RESIZED_SHAPE = (250, 333)
FASTDEPTH_CROP = (slice(11, 239), slice(14, 318))
FASTDEPTH_SHAPE = (224, 224)
WHOLE = (slice(None), slice(None))
AGAINST = -0.3  # correlation with the truth from which on predictions fall as it rises
STEP = 7  # it is taken over every seventh pixel

PREDICTION_KINDS = ("depth_m", "inverse_depth")


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Which pixels of a frame are compared, and how images are averaged."""

    name: str  # key in `PROTOCOLS`
    crop: str  # the crop in words
    # metres between which the truth is valid, exclusive but in *full*; None where there is no cap
    range_m: tuple[float, float | None]
    resize: str  # in words, what happens to prediction and truth
    # (true_m, pred_m), frames -> (true_m, pred_m), [N] each, of the pixels compared
    pixels: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    pooled: bool = False  # whether all pixels of all images are scored at once
    # what first fits a prediction in metres to the truth, [480, 640] each -> [480, 640] metres; None: nothing does
    fit: Callable[..., np.ndarray] | None = None
    edges: tuple[slice, slice] | None = EIGEN_CROP  # part of the frame in which depth edges are compared too
    frame_shape: tuple[int, int] | None = FRAME_SHAPE  # what truth and prediction are brought to; None: the truth's own


class Scorer:
    """Scores images one after another under one protocol."""

    def __init__(self, protocol: Protocol, prediction_kind: str = "depth_m"):
        """Starts with no image; "inverse_depth" is 1/depth up to scale and shift, for *aligned* alone."""
        if prediction_kind not in PREDICTION_KINDS:
            raise InputError(f"prediction_kind must be one of {PREDICTION_KINDS}, got {prediction_kind!r}")
        if prediction_kind == "inverse_depth" and protocol.fit is not align:
            raise InputError(f"protocol {protocol.name} needs metres, got inverse depth: use aligned")
        self._protocol, self._prediction_kind = protocol, prediction_kind
        self._per_image: list[dict[str, float]] = []
        self._sums, self.bands = metrics.MetricSums(), DepthBands()
        self._num_images, self._truth_resized = 0, False
        self._correlations: list[float] = []

    def add(self, *, true_m: np.ndarray, pred: np.ndarray) -> dict[str, float] | None:
        """Scores one image; returns its metrics, whatever the protocol's averaging, or None if it has no valid pixel.

        Args:
          true_m: [H, W] float, metres; 0, NaN or infinity where missing.
          pred: [h, w] float, the full frame at any size, metres or inverse depth as `prediction_kind` says.
        """
        true_frame_m, pred_frame = self._framed(true_m=true_m, pred=pred)
        pred_frame_m = self._fitted(true_m=true_frame_m, pred=pred_frame)
        true_m, pred_m = self._protocol.pixels(true_frame_m, pred_frame_m)
        self._num_images += 1
        if not true_m.size:
            return None
        sums = metrics.MetricSums.of(true_m=true_m, pred_m=pred_m)
        self._sums += sums
        self.bands.add(true_m=true_m, pred_m=pred_m)
        pairs = np.stack([true_frame_m.ravel()[::STEP], pred_frame.ravel()[::STEP]])
        pairs = pairs[:, valid_pixels(pairs[0])]
        if pairs.shape[1] > 1 and np.ptp(pairs, axis=1).all():  # equal float32 may have a std above 0
            self._correlations.append(np.corrcoef(pairs)[0, 1])
        edges = {}
        if (part := self._protocol.edges) is not None:
            edges = edge_scores(true_m=true_frame_m[part], pred_m=pred_frame_m[part])
        self._per_image.append(sums.metrics() | edges)
        return self._per_image[-1]

    def frame(self, *, true_m: np.ndarray, pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns what `add` takes as float metres of one size, the prediction aligned if the protocol aligns."""
        true_m, pred = self._framed(true_m=true_m, pred=pred)
        return true_m, self._fitted(true_m=true_m, pred=pred)

    def runs_against(self) -> bool:
        """Returns whether predictions fall where the truth rises, or inverse depth does not: the other kind of them."""
        sign = 1 if self._prediction_kind == "depth_m" else -1
        return bool(self._correlations) and sign * float(np.median(self._correlations)) < AGAINST

    def _framed(self, *, true_m: np.ndarray, pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        true_m, pred = _plane(true_m, "true_m"), _plane(pred, "pred")
        metric = self._prediction_kind == "depth_m"
        bad = pred[~(valid_pixels(pred) if metric else np.isfinite(pred))]
        if bad.size:
            wanted = "finite and above 0 m" if metric else "finite"
            raise InputError(
                f"prediction {self._num_images} (counted from 0) must be {wanted} everywhere, "
                f"got {bad.size} other values, the first {bad[0]:g}"
            )
        shape = self._protocol.frame_shape or true_m.shape
        if true_m.shape != shape:
            true_m, self._truth_resized = resize_nearest(true_m, shape), True
        return true_m, resize_bilinear(pred, shape)

    def _fitted(self, *, true_m: np.ndarray, pred: np.ndarray) -> np.ndarray:
        if self._protocol.fit is align:
            inverted = self._prediction_kind == "depth_m"
            return align(true_m=true_m, inverse_depth=1.0 / pred.astype(np.float64) if inverted else pred)
        return self._protocol.fit(true_m=true_m, pred_m=pred) if self._protocol.fit else pred

    def result(self) -> dict[str, float | int]:
        """Returns the metrics over all images so far, with `num_images` and how many had no valid pixel."""
        if not self._per_image:
            raise InputError(
                f"protocol {self._protocol.name} found no valid pixel in {self._num_images} images: "
                "check that the split is not empty and that depth is in metres"
            )
        edges = mean_edge_scores(self._per_image) if self._protocol.edges is not None else {}
        return {
            **(self._sums.metrics() if self._protocol.pooled else metrics.mean_metrics(self._per_image)),
            **edges,
            "num_images": self._num_images,
            "num_images_without_valid_pixels": self._num_images - len(self._per_image),
        }

    def describe(self, *, mirrored: bool = False) -> dict:
        """Returns what a result file says beside its figures, such as whether a truth so far had to be resized.

        `mirrored` says that predictions are averaged with those of mirror images.
        """
        rules, truth = self._protocol, "; truth by nearest to 480x640 first" if self._truth_resized else ""
        return {
            "name": rules.name,
            "crop": rules.crop,
            "range_m": list(rules.range_m),
            "resize": rules.resize + truth,
            "averaging": "all pixels of all images at once" if rules.pooled else "per image, then the mean over images",
            "flip": "mean with the mirrored image's prediction" if mirrored else "none",
        }


def _plane(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or not values.size:
        raise InputError(f"{name} must be one map, [height, width], got shape {list(values.shape)}")
    # Callers may hand over half precision, in which arithmetic is slow and coarse.
    return values.astype(np.result_type(values, np.float32), copy=False)


def _valid_in_crop(true_m: np.ndarray, pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true_m, pred = true_m[EIGEN_CROP], pred[EIGEN_CROP]
    valid = (true_m > EIGEN_RANGE_M[0]) & (true_m < EIGEN_RANGE_M[1])  # false for NaN and infinity
    return true_m[valid], pred[valid]


def _eigen_pixels(true_m: np.ndarray, pred_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true_m, pred_m = _valid_in_crop(true_m, pred_m)
    return true_m, np.clip(pred_m, *EIGEN_RANGE_M, out=pred_m)


def align(*, true_m: np.ndarray, inverse_depth: np.ndarray) -> np.ndarray:
    """Returns metres, [480, 640] float64, from inverse depth whose scale and shift are fitted to 1/true.

    By least squares over the pixels that are valid inside the Eigen crop; all ones where there are none. Once fitted,
    inverse depth is kept at 0.001 per metre or more.
    """
    wanted_m, found = _valid_in_crop(true_m, inverse_depth)
    if not wanted_m.size:
        return np.ones(true_m.shape)
    wanted, found = 1.0 / wanted_m.astype(np.float64), found.astype(np.float64)
    mean = found.mean()
    centred = found - mean
    spread = float((centred**2).sum())
    scale = float((centred * wanted).sum()) / spread if spread > 0.0 else 0.0  # a flat map has a shift alone
    inverse_per_m = scale * (inverse_depth.astype(np.float64) - mean) + wanted.mean()
    return 1.0 / np.maximum(inverse_per_m, MIN_INVERSE_DEPTH_PER_M)


def scale_to_median(*, true_m: np.ndarray, pred_m: np.ndarray) -> np.ndarray:
    """Returns the prediction, [480, 640], times median(true) / median(predicted) over the crop's valid pixels."""
    wanted_m, found_m = _valid_in_crop(true_m, pred_m)
    return pred_m * np.float32(np.median(wanted_m) / np.median(found_m)) if wanted_m.size else pred_m


def _fastdepth_pixels(true_m: np.ndarray, pred_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true_m = resize_nearest(resize_nearest(true_m, FASTDEPTH_RESIZED_SHAPE)[FASTDEPTH_CROP], FASTDEPTH_SHAPE)
    pred_m = resize_bilinear(resize_bilinear(pred_m, FASTDEPTH_RESIZED_SHAPE)[FASTDEPTH_CROP], FASTDEPTH_SHAPE)
    valid = valid_pixels(true_m)
    return true_m[valid], pred_m[valid]


def choose(name: str | None, *, dataset: str, range_m: tuple[float, float]) -> Protocol:
    """Returns a protocol by name, *full* with the range of the data; None takes *eigen* for NYU, *full* for others."""
    chosen = PROTOCOLS[name or ("eigen" if dataset == "nyu_depth_v2" else "full")]
    return full(range_m) if chosen.name == "full" else chosen


def full(range_m: tuple[float, float]) -> Protocol:
    """Returns the protocol for data of any size and any range."""

    def pixels(true_m, pred_m):
        valid = valid_pixels(true_m, range_m)
        return true_m[valid], np.clip(pred_m[valid], *range_m)

    return Protocol(
        name="full",
        crop="none",
        range_m=range_m,
        resize="prediction bilinearly to the size of the truth, clamped to the range",
        pixels=pixels,
        edges=WHOLE,
        frame_shape=None,
    )


_EIGEN = Protocol(
    name="eigen",
    crop="rows 45:471, columns 41:601 of 480x640",
    range_m=EIGEN_RANGE_M,
    resize="prediction bilinearly to 480x640, clamped to the range",
    pixels=_eigen_pixels,
)
PROTOCOLS = {
    "full": full(DEPTH_RANGE_M),
    "eigen": _EIGEN,
    "fastdepth": Protocol(
        name="fastdepth",
        crop="centre 228x304 of 250x333",
        range_m=(0.0, None),
        resize="by 250/480, crop, then 224x224: truth by nearest, prediction bilinearly from 480x640",
        pixels=_fastdepth_pixels,
        edges=None,
    ),
    "pooled": dataclasses.replace(_EIGEN, name="pooled", pooled=True),
    "median": dataclasses.replace(
        _EIGEN,
        name="median",
        resize="prediction bilinearly to 480x640; times median(true) / median(predicted) inside crop and range; "
        "clamped to the range",
        fit=scale_to_median,
    ),
    "aligned": dataclasses.replace(
        _EIGEN,
        name="aligned",
        resize="prediction bilinearly to 480x640; scale and shift of inverse depth fitted to 1/true inside "
        "crop and range, at least 0.001 per metre; inverted, clamped to the range",
        fit=align,
    ),
}
