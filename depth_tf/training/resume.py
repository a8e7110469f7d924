"""What lets a run be killed at any moment and go on as if it had not been.

After every epoch WORKDIR/state/ gets one file with the variables of the network and of the optimizer, the number of
epochs done, and what the callbacks remember. With the pipeline, whose batches are a function of the seed and the step,
that is all a run depends on: an epoch that was cut off is done again from its start, bit for bit.

Keras's `BackupAndRestore` keeps neither what other callbacks remember nor the place in the data.

A file gets its name only when it is whole. Should a crash of the machine tear it all the same, the checksums of its
container tell, and the file before it is used.
"""

import contextlib
import dataclasses
import json
import pathlib
import shutil
import signal
import sys
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from depth_tf.runtime import atomic_files, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say

FOLDER = "state"
KEPT_FILES = 2
LEAVING = {signal.SIGTERM: ("SIGTERM", program.INTERRUPTED_STATUS), signal.SIGINT: ("Ctrl-C", program.CTRL_C_STATUS)}
TORN = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)

REMEMBERED: dict[type, tuple[str, ...]] = {  # what callbacks hold between epochs; others hold nothing
    keras.callbacks.SwapEMAWeights: ("_ema_weights_in_model",),
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
    keras.callbacks.EarlyStopping: ("best", "wait", "best_epoch", "stopped_epoch", "best_weights"),
    keras.callbacks.ModelCheckpoint: ("best",),
    keras.callbacks.TensorBoard: ("_global_train_batch", "_global_test_batch"),
}


@dataclasses.dataclass(frozen=True)
class State:
    """A run between two epochs."""

    epochs_done: int  # finished, of all that the run has
    stopped: bool  # whether a callback has ended the run
    # every variable and every array that a callback remembers, by a name that says whose
    arrays: dict[str, np.ndarray]
    memory: dict[str, float | int | bool | None]  # the numbers that callbacks remember, by "<class>/<attribute>"


class KeepState(keras.callbacks.Callback):
    """Writes the state after every epoch; comes last of all callbacks, when the epoch's other files are written."""

    def __init__(self, workdir: pathlib.Path, callbacks: Sequence, saved_state: State | None, *, is_chief: bool):
        """Prepares to keep what `callbacks` remember, and to go on from `saved_state`; None is for a fresh run.

        Unless it `is_chief`, the process only goes on, and writes nothing.
        """
        super().__init__()
        self._folder, self._callbacks = workdir / FOLDER, callbacks
        self._saved_state, self._is_chief = saved_state, is_chief

    def on_train_begin(self, logs=None):
        """Puts the state back, after the other callbacks have reset themselves."""
        if self._saved_state:
            restore(self._saved_state, self.model, self._callbacks)

    def on_epoch_end(self, epoch, logs=None):
        """Writes the state, and removes old ones."""
        if not self._is_chief:
            return
        write(self._folder, capture(self.model, self._callbacks, epochs_done=epoch + 1))
        for path in _files(self._folder)[KEPT_FILES:]:
            path.unlink()


def capture(model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], *, epochs_done: int) -> State:
    """Returns the state of a run at the end of an epoch."""
    arrays = {f"network/{place}": np.asarray(value) for place, value in enumerate(model.variables)}
    arrays |= {f"optimizer/{place}": np.asarray(value) for place, value in enumerate(model.optimizer.variables)}
    memory = {}
    for name, holder, attribute in _remembered(callbacks):
        value = getattr(holder, attribute)
        if isinstance(value, list):  # of weights
            arrays |= {f"{name}/{place}": np.asarray(weight) for place, weight in enumerate(value)}
        else:
            memory[name] = value if value is None or isinstance(value, bool | int) else float(value)
    return State(epochs_done, bool(model.stop_training), arrays, memory)


def restore(state: State, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Gives the variables and the callbacks the values they had.

    Raises:
      InputError: if the state is that of another network or optimizer.
    """
    for kind, variables in (("network", model.variables), ("optimizer", model.optimizer.variables)):
        values = _listed(state.arrays, kind)
        if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
            raise InputError(
                f"the saved state holds another {kind} than the flags ask for: was it written by another version "
                "of this package? Name another --workdir"
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    for name, holder, attribute in _remembered(callbacks):
        setattr(holder, attribute, state.memory[name] if name in state.memory else _listed(state.arrays, name) or None)


def write(folder: pathlib.Path, state: State) -> None:
    """Writes `state` to FOLDER/epochNNNNN.npz."""
    about = {"epochs_done": state.epochs_done, "stopped": state.stopped, "memory": state.memory}
    with atomic_files.replacing(folder / f"epoch{state.epochs_done:05d}.npz") as temporary:
        np.savez(temporary, about=np.array(json.dumps(about)), **state.arrays)


def read(path: pathlib.Path) -> State:
    """Reads what `write` wrote; raises one of `TORN` if the file is not whole."""
    with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}  # reading checks every checksum
    about = json.loads(str(arrays.pop("about")))
    return State(arrays=arrays, **about)


def newest(workdir: pathlib.Path) -> State | None:
    """Returns the newest whole state of a run, or None; says so where a newer one is torn."""
    for path in _files(workdir / FOLDER):
        try:
            return read(path)
        except TORN as error:
            say(f"warning: {path} is torn ({type(error).__name__}); the state before it, if any, is used")
    return None


def forget(workdir: pathlib.Path) -> None:
    """Removes the state of a run that is finished."""
    shutil.rmtree(workdir / FOLDER, ignore_errors=True)


@contextlib.contextmanager
def explaining_signals(workdir: pathlib.Path) -> Iterator[None]:
    """While the block runs, SIGTERM and Ctrl-C end the process at once, saying in one line how the run continues.

    At once, because the interpreter can hang on its way out while an input pipeline calls Python. There is nothing to
    save first: the last epoch's state is on disk, as it must be for SIGKILL. In a notebook Ctrl-C stays an exception.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets the main thread alone handle signals
        return

    def leave(number, _):
        done = [path.stem.removeprefix("epoch") for path in _files(workdir / FOLDER)]
        kept = f"epoch {int(done[0])} is saved" if done else "no epoch had ended yet"
        name, status = LEAVING[number]
        how = f"by {name}; {kept}; the same command with --workdir={workdir} continues from there"
        program.leave_interrupted(how, status)

    interactive = hasattr(sys, "ps1") or "ipykernel" in sys.modules
    handled = [signal.SIGTERM] if interactive else list(LEAVING)
    before = {number: signal.signal(number, leave) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the state files, the newest first."""
    return sorted(folder.glob("epoch*.npz"), reverse=True)


def _remembered(callbacks: Sequence[keras.callbacks.Callback]) -> Iterator[tuple[str, keras.callbacks.Callback, str]]:
    for holder in callbacks:
        for kind, attributes in REMEMBERED.items():
            if isinstance(holder, kind):
                yield from ((f"{kind.__name__}/{attribute}", holder, attribute) for attribute in attributes)


def _listed(arrays: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    """Returns the arrays called prefix/0, prefix/1 and so on, in that order."""
    listed = []
    while (name := f"{prefix}/{len(listed)}") in arrays:
        listed.append(arrays[name])
    return listed
