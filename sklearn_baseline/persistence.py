"""Model files without pickle: loading one runs no code of its making.

A file is skops's zip of arrays and parameters, with `about.json` in front: what made it. Only types of `TRUSTED` and
those skops trusts by itself are ever built.
"""

import json
import os
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
    "sklearn_baseline.cells.CellDepth",
    "sklearn_baseline.cues.DepthCues",
    "sklearn_baseline.cues.PatchWords",
    "sklearn_baseline.estimator.DepthRegressor",
    "sklearn_baseline.fisher.FisherVector",
    "sklearn_baseline.holistic.Descriptor",
    "sklearn_baseline.holistic.HolisticDepth",
    "sklearn_baseline.stacking.StackedDepth",
)


def save_model(path: str | os.PathLike, model: DepthRegressor, about: dict) -> None:
    """Writes a fitted model and, for whoever reads the file, what it learned from; InputError if it cannot."""
    made_by = {"kind": KIND, "version": VERSION, "scikit_learn": sklearn.__version__, **about}
    try:
        with atomic_files.replacing(path) as temporary:
            skops.io.dump(model, temporary, compression=zipfile.ZIP_DEFLATED)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(ABOUT, json.dumps(made_by, indent=2))
    except OSError as error:
        raise InputError(f"cannot write --model_file={path}: {error.strerror}; name a file you can write") from error


def read_about(path: str | os.PathLike) -> dict:
    """Returns what a model file says of itself; InputError if it is no model, or another version made it."""
    if not os.path.isfile(path):
        raise InputError(f"no file {path}: expected a model that python -m sklearn_baseline.train wrote")
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read(ABOUT))
        if about["kind"] != KIND:
            raise ValueError(about["kind"])
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a model of python -m sklearn_baseline.train: train one") from error
    made, here = (about.get("version"), about.get("scikit_learn")), (VERSION, sklearn.__version__)
    if made != here:
        raise InputError(
            f"{path} was made by version {made[0]} with scikit-learn {made[1]}, this is version {here[0]} with "
            f"{here[1]}: train again, or install what made it"
        )
    return about


def load_model(path: str | os.PathLike) -> DepthRegressor:
    """Returns a file's model; InputError as `read_about`, or if it is damaged or holds types that are not trusted."""
    read_about(path)
    try:
        strange = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
        model = None if strange else skops.io.load(path, trusted=list(TRUSTED))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, AttributeError, EOFError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}): train again") from error
    if strange:
        raise InputError(f"{path} holds types that are not trusted ({', '.join(sorted(strange))}): refused")
    if not isinstance(model, DepthRegressor):
        raise InputError(f"{path} holds a {type(model).__name__}, expected a DepthRegressor: train one")
    return model
