"""Model files without pickle: loading one runs no code of its making.

A file is skops's zip of arrays and parameters, with `about.json` in front: what made it. Only types of `TRUSTED` and
those skops trusts by itself are ever built.
"""

import json
import os
import pathlib
import zipfile

import sklearn
import skops.io

from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError
from sklearn_baseline import VERSION
from sklearn_baseline.estimator import DepthRegressor

ABOUT = "about.json"
KIND = "sklearn_baseline depth model"
TRUSTED = (
    "sklearn_baseline.average.AverageDepth",
    "sklearn_baseline.cells.CellDepth",
    "sklearn_baseline.cues.DepthCues",
    "sklearn_baseline.cues.PatchWords",
    "sklearn_baseline.estimator.DepthRegressor",
    "sklearn_baseline.holistic.Descriptor",
    "sklearn_baseline.holistic.HolisticDepth",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",  # a fitted perceptron keeps its optimizer
)


def save_model(path: str | os.PathLike, model: DepthRegressor, about: dict) -> None:
    """Writes a fitted model.

    Args:
      path: the file.
      model: what `load_model` will return.
      about: what it learned from, for whoever reads the file.

    Raises:
      InputError: if the file cannot be written.
    """
    made_by = {"kind": KIND, "version": VERSION, "scikit_learn": sklearn.__version__, **about}
    try:
        with atomic_files.replacing(path) as temporary:
            skops.io.dump(model, temporary)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(ABOUT, json.dumps(made_by, indent=2))
    except OSError as error:
        raise InputError(f"cannot write --model_file={path}: {error.strerror}; name a file you can write") from error


def read_about(path: str | os.PathLike) -> dict:
    """Returns what a model file says of itself.

    Raises:
      InputError: if there is no such file, or it is not a model, or another version made it.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise InputError(f"no file {path}: expected a model that python -m sklearn_baseline.train wrote")
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read(ABOUT))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{path} is not a model of python -m sklearn_baseline.train: train one") from error
    if not isinstance(about, dict) or about.get("kind") != KIND:
        raise InputError(f"{path} is not a model of python -m sklearn_baseline.train: train one")
    made, here = (about.get("version"), about.get("scikit_learn")), (VERSION, sklearn.__version__)
    if made != here:
        raise InputError(
            f"{path} was made by version {made[0]} with scikit-learn {made[1]}, this is version {here[0]} with "
            f"{here[1]}: train again, or install what made it"
        )
    return about


def load_model(path: str | os.PathLike) -> DepthRegressor:
    """Returns the model in a file.

    Raises:
      InputError: as `read_about`, or if the file holds types that are not trusted, or is damaged.
    """
    read_about(path)
    try:
        strange = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
        if strange:
            raise InputError(f"{path} holds types that are not trusted ({', '.join(sorted(strange))}): refused")
        model = skops.io.load(path, trusted=list(TRUSTED))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, AttributeError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is damaged ({type(error).__name__}): train again") from error
    if not isinstance(model, DepthRegressor):
        raise InputError(f"{path} holds a {type(model).__name__}, expected a DepthRegressor: train one")
    return model
