"""Scores depth maps one image after another, whoever made them, with the mean map on the same pixels.

The result file holds the figures and where they come from; beside it lie a row per image, and pictures.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from depth_tf.data.resizing import resize_image
from depth_tf.data.splits import PARALLEL_CALLS, DepthDataset, Split, as_numpy
from depth_tf.drawing import figures
from depth_tf.runtime import atomic_files, machine, run_folder
from depth_tf.runtime.program import say
from depth_tf.scoring import failures, protocols
from depth_tf.scoring.edges import THRESHOLDS_M
from depth_tf.scoring.mean_depth import mean_depth_map
from depth_tf.scoring.metrics import METRICS

BATCH_SIZE = 16
NUM_PANELS = 6


@dataclasses.dataclass(frozen=True)
class Example:
    """One image with the depth that is known and the depth that was predicted."""

    image: np.ndarray  # [h, w, 3] uint8
    true_m: np.ndarray  # [H, W] float32, metres, 0 or NaN where missing
    pred: np.ndarray  # [h, w] float32, metres, or inverse depth


def score_split(
    examples: Iterable[Example],
    dataset: DepthDataset,
    split: Split,
    *,
    output: pathlib.Path,
    command: str,
    about: dict,
    parameters: int | None = None,
    protocol: str | None = None,
    floor_m: np.ndarray | None = None,
    **how,
) -> dict:
    """Scores predictions, prints the table, writes the result file and returns what it holds.

    Args:
      examples: the split's, each with its prediction.
      dataset: what they are of.
      split: one of the data set's, or a part of one.
      output: the result file. metrics.json gets per_image.csv and panels.png beside it; any other name.json gets
        name_per_image.csv and so on.
      command: what the user typed, for the record.
      about: what else the result file is to say, such as what the method learned from.
      parameters: of the network, if there is one.
      protocol: a key of `PROTOCOLS`; None takes the one for the data set.
      floor_m: [h, w] float32, metres, the mean map to compare with; None takes that of `train`.
      **how: `prediction_kind` and `mirrored`, as for `score`.
    """
    floor_m = mean_depth_map(dataset.split("train")) if floor_m is None else floor_m
    how |= {"num_images": split.num_images, "scenes": split.scene_of_image}
    rules = protocols.choose(protocol, dataset=dataset.name, range_m=split.depth_range_m)
    result, per_image, panels = score(examples, rules, floor_m=floor_m, **how)
    result |= {**describe(dataset, split.name, command=command, parameters=parameters), **about}
    stem = "" if output.name == run_folder.METRICS else output.stem + "_"
    atomic_files.write_csv(output.with_name(f"{stem}per_image.csv"), per_image)
    where = f"{dataset.name} {split.name}"
    figures.depth_panels(output.with_name(f"{stem}panels.png"), panels, title=f"{where}, {rules.name}")
    atomic_files.write_json(output, result)  # last: its presence says that the run is finished
    say(f"\n{where}, {result['num_images']} images, protocol {rules.name}")
    say(" " * 10 + "".join(f"{name:>10}" for name in METRICS))
    for name, row in {"predicted": result, "mean map": result["floor"]}.items():
        say(f"{name:<10}" + "".join(f"{row[metric]:10.3f}" for metric in METRICS))
    say(f"\nwrote {output}")
    return result


def describe(dataset: DepthDataset, split: str, *, command: str, parameters: int | None = None) -> dict:
    """Returns where a result comes from."""
    return {
        "dataset": dataset.name,
        "source": dataset.source,
        "split": split,
        "parameters": parameters,
        "machine": machine.describe_machine(),
        "date": machine.today(),
        "command": command,
    }


def score(
    examples: Iterable[Example],
    rules: protocols.Protocol,
    *,
    num_images: int,
    floor_m: np.ndarray,
    prediction_kind: str = "depth_m",
    mirrored: bool = False,
    scenes: Sequence[str] | None = None,
) -> tuple[dict, list[dict], list[figures.Panels]]:
    """Scores `num_images` examples under a protocol, and the mean map, [h, w] metres, on the same pixels.

    Returns the figures over all images, a row per image, and pictures of some. With the images' `scenes`, the figures
    also say how the kinds of room differ.
    """
    no_edges = dataclasses.replace(rules, edges=None)  # of the mean map, whose edges no result holds
    scorer, mean_map = protocols.Scorer(rules, prediction_kind), protocols.Scorer(no_edges)
    shown = set(np.linspace(0, num_images - 1, NUM_PANELS).round().astype(int).tolist())
    columns = ("index", *METRICS, *(() if rules.edges is None else THRESHOLDS_M))
    per_image, panels = [], []
    for place, example in enumerate(examples):
        figures_of_image = scorer.add(true_m=example.true_m, pred=example.pred)
        mean_map.add(true_m=example.true_m, pred=floor_m)
        per_image.append(dict.fromkeys(columns) | {"index": place, **(figures_of_image or {})})
        if place in shown:
            caption = f"AbsRel {figures_of_image['abs_rel']:.3f}" if figures_of_image else "no valid depth"
            true_m, pred_m = scorer.frame(true_m=example.true_m, pred=example.pred)
            panels.append(figures.Panels(example.image, true_m, pred_m, caption))
    if scorer.runs_against():
        say("warning: predictions fall where the truth rises: is it inverse depth? See --prediction_kind")
    floor = {name: value for name, value in mean_map.result().items() if name in METRICS}
    where = {"by_depth": scorer.bands.result(), **failures.by_image(per_image, scenes)}
    result = {**scorer.result(), "protocol": scorer.describe(mirrored=mirrored), "floor": floor, "failures": where}
    return result, per_image, panels


def network_examples(network: keras.Model, split: Split, *, mirrored: bool = False) -> Iterator[Example]:
    """Yields the split's examples with the network's prediction, at the network's own resolution.

    With `mirrored`, the mean of that and of the prediction for the mirrored image, mirrored back.
    """
    size_px = network.input_shape[1:3]

    @tf.function(input_signature=[tf.TensorSpec((None, *size_px, 3), tf.uint8)])
    def predict(images):
        images = tf.cast(images, tf.float32)
        depth_m = network(images, training=False)
        if mirrored:
            depth_m = (depth_m + network(images[:, :, ::-1], training=False)[:, :, ::-1]) / 2
        return depth_m[..., 0]

    return predicted_examples(split, lambda images: predict(np.stack(images)).numpy(), size_px=size_px)


def predicted_examples(
    split: Split, predict: Callable, *, size_px: tuple[int, int] | None = None, batch_size: int = BATCH_SIZE
) -> Iterator[Example]:
    """Yields the split's examples with their predictions.

    `predict` takes up to `batch_size` images, as `scoring_pairs` yields them, and returns an `Example.pred` for each.
    """
    pairs = scoring_pairs(split, size_px)
    while batch := list(itertools.islice(pairs, batch_size)):  # not `Dataset.batch`: pairs may differ in size
        images, truths_m = zip(*batch, strict=True)
        yield from (Example(*parts) for parts in zip(images, truths_m, predict(images), strict=True))


def scoring_pairs(split: Split, size_px: tuple[int, int] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields images [h, w, 3] uint8, brought to `size_px` if given, and depths [H, W] float32, metres, as they are."""

    def prepare(image, depth_m):
        return image if size_px is None else resize_image(image, size_px), depth_m[..., 0]

    return as_numpy(split.read().map(prepare, PARALLEL_CALLS).prefetch(2 * BATCH_SIZE))
