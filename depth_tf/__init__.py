"""Metric depth from one RGB image with small Keras networks.

Programs, each run as `python -m depth_tf.<name>`; those for photographs stand first:

    predict     depth from photographs
    demo        a page to try a network on
    calibrate   fits a network's scale to photographs with depth
    export      a network as one file for other programs: ONNX, LiteRT, SavedModel
    prepare     writes TFDS's `nyu_depth_v2` from whatever form of it is at hand
    dataset     shows what a data set holds
    train       data, network, compile, callbacks, fit, score
    evaluate    scores a run, a network, or depth maps that any method wrote
    compare     trains a grid of optimizers, schedules and seeds
    schedules, range_test   draws the learning-rate schedules; finds a learning rate
    benchmark   how fast the pipeline is, what a larger data set costs, how long a prediction takes
    report      writes the READMEs' tables from result files
    publish     puts a run's network into the package

What one edits: `model`, `losses`, `optimizers`, `schedules`, `callbacks`, `augmentation`, `pipeline`.
Packages behind them, each importing only those before it: `runtime`, `data`, `scoring`, `training`; beside them
`drawing`, `nyu` (what `prepare` is made of) and `synthetic_rooms` (the embedded data set).

In a notebook `import depth_tf` gives the names below; each is imported when it is first used.
"""

import importlib
import typing

if typing.TYPE_CHECKING:  # for checkers and editors, which do not run `__getattr__`
    from depth_tf.predictor import load as load

_MODULE_OF = {
    "open_dataset": "data.opening",
    "training_batches": "pipeline",
    "scoring_batches": "pipeline",
    "Augmentation": "augmentation",
    "build_small": "model",
    "build_encoder": "model",
    "load": "predictor",
    "load_network": "saved",
    "build_optimizer": "optimizers",
    "depth_loss": "losses",
    "network_grid_metrics": "scoring.keras_metrics",
    "depth_metrics": "scoring.metrics",
    "depth_panels": "drawing.figures",
}
__all__ = list(_MODULE_OF)


def __getattr__(name: str):
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    importlib.import_module("depth_tf.runtime.quiet").import_tensorflow()
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
