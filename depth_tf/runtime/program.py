"""What every command-line program here shares: flags made from a dataclass, short help, one-line errors.

A program is a frozen dataclass, each field an `option`, and a function `main` that takes one: `run(main, Settings)` is
the command line, and tests call `main(Settings(...))`, which does the same.
"""

import dataclasses
import difflib
import functools
import itertools
import logging
import os
import pathlib
import re
import sys
import time
import traceback
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

from absl import app, flags
from absl import logging as absl_logging

from depth_tf.runtime import quiet
from depth_tf.runtime.errors import InputError, Interrupted

USAGE_STATUS = 2
INTERRUPTED_STATUS = 75  # EX_TEMPFAIL of sysexits.h: try again
CTRL_C_STATUS = 130  # 128 and the number of SIGINT, as shells have it
DEFINE = {bool: flags.DEFINE_boolean, int: flags.DEFINE_integer, float: flags.DEFINE_float, str: flags.DEFINE_string}


def option(
    default: Any,
    description: str,
    *,
    group: str = "",
    choices: Sequence[str] = (),
    least: float | None = None,
    required: bool = False,
) -> Any:
    """Returns a dataclass field that `run` turns into the flag of the same name.

    A default of () is a flag that may be given again and again. Where the default is None, the description, one line
    for `--help`, says what the program then does. `CheckedSettings` refuses an unknown choice, a number below `least`,
    and a `required` flag that is absent or empty.
    """
    metadata = {"description": description, "group": group, "choices": tuple(choices)}
    metadata |= {"least": least, "required": required}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class CheckedSettings:
    """Settings that cannot be made without what is required, of unknown choices, or of a number below its least."""

    def __post_init__(self):
        fields = dataclasses.fields(self)
        missing = [field for field in fields if field.metadata["required"] and not getattr(self, field.name)]
        if missing:
            named = (f"--{field.name} ({field.metadata['description']})" for field in missing)
            raise InputError(f"expected {' and '.join(named)}")
        for field in (field for field in fields if getattr(self, field.name) is not None):
            value, least, choices = getattr(self, field.name), field.metadata["least"], field.metadata["choices"]
            if least is not None and value < least:
                raise InputError(f"expected --{field.name} of {least} or more, got {value}")
            if choices and value not in choices:
                raise InputError(f"expected --{field.name} of {', '.join(choices)}, got {value}")


def unset(settings_class: type, note: str) -> type:
    """Returns a dataclass with the fields of another, each None by default; `note` says in the help what that means."""
    fields = []
    for field, kind in _typed_fields(settings_class):
        description = f"{field.metadata['description'].split('; unset')[0]}; unset: {note}"
        about = {**field.metadata, "description": description}
        fields.append((field.name, kind | None, dataclasses.field(default=None, metadata=about)))
    return dataclasses.make_dataclass(f"Unset{settings_class.__name__}", fields, bases=(CheckedSettings,), frozen=True)


def run(main: Callable, settings_class: type, *, positional: str | None = None, tensorflow: bool = True) -> None:
    """Parses the command line into `settings_class` and calls `main` with it.

    An InputError from `main`, or from the settings' own `__post_init__`, ends the program with one line on stderr and
    status 2, any other error with its traceback and status 1; see `leave`. `positional` is the field that may also be
    given as a bare word: `benchmark pipeline`. With `tensorflow`, that is imported quietly before `main`, and no
    earlier: `--help` and a mistyped flag answer at once.
    """
    absl_logging.set_verbosity(absl_logging.WARNING)  # TFDS tells of every file it opens
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # and calls what TensorFlow has deprecated
    define_flags(settings_class, flags.FLAGS)

    def parse(argv: list[str]) -> list[str]:
        if any(argument in ("-h", "--help", "-help", "--helpfull") for argument in argv[1:]):
            print(help_text(settings_class, main))
            sys.exit(0)
        return _parse(argv, settings_class, positional)

    def call(argv: list[str]) -> None:
        try:
            settings = settings_from_flags(settings_class, flags.FLAGS)
            if tensorflow:
                quiet.import_tensorflow()
            main(settings)
        except InputError as error:
            _fail(str(error))
        except Interrupted as error:
            leave_interrupted(str(error))
        except KeyboardInterrupt:
            kept = "finished files are kept, none is half-written"
            leave_interrupted(f"by Ctrl-C; {kept}; to go on, give the same command again", CTRL_C_STATUS)
        except SystemExit as ended:
            leave(ended.code or 0)
        except Exception:
            traceback.print_exc()
            leave(1)

    app.run(call, flags_parser=parse)


def define_flags(settings_class: type, flag_values: flags.FlagValues) -> None:
    """Defines one absl flag for each field of `settings_class` on `flag_values`."""
    for field, kind in _typed_fields(settings_class):
        choices, about = field.metadata["choices"], field.metadata["description"]
        define = functools.partial(flags.DEFINE_enum, enum_values=choices) if choices else DEFINE[kind]
        define = flags.DEFINE_multi_string if field.default == () else define
        define(name=field.name, default=field.default, help=about, flag_values=flag_values)


def settings_from_flags(settings_class: type, flag_values: flags.FlagValues) -> Any:
    """Returns the `settings_class` that parsed `flag_values` describe."""
    return settings_class(**{field.name: flag_values[field.name].value for field in dataclasses.fields(settings_class)})


def flagfile_text(settings: Any, *, without: Sequence[str] = ()) -> str:
    """Returns `settings` as the lines of an absl flag file; fields left at None are omitted."""
    given = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    text = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    return "".join(f"--{name}={text[name]}\n" for name in text if text[name] is not None and name not in without)


def command_line(module: str) -> str:
    """Returns the command as a user would type it, whatever path Python turned it into."""
    return " ".join(["python", "-m", module, *sys.argv[1:]])


def without_paths(command: str) -> str:
    """Returns a command whose paths are the flags' names in capitals: --data_dir=DATA_DIR."""
    return re.sub(r"--(\w+)=(\S*/\S*)", lambda match: f"--{match[1]}={match[1].upper()}", command)


def say(message: str) -> None:
    """Prints one line at once, so that a watcher of a long job sees it."""
    print(message, flush=True)


def for_each(files: Iterable[pathlib.Path], work: Callable[[pathlib.Path], str]) -> None:
    """Calls `work` with each file, a photograph or a video, and says what it returns.

    One of several files of which `work` raises InputError is named and does not stop the others; in the end the program
    then leaves with status 1.
    """
    files, failed, started_s = list(files), 0, time.perf_counter()
    for place, file in enumerate(files, start=1):
        try:
            told = f"{file}: {work(file)}"
        except InputError as error:
            if len(files) == 1:
                raise
            told, failed = str(error), failed + 1
        say(f"{place}/{len(files)} {told}")
    done = len(files) - failed
    say(f"{done} of {len(files)} files predicted, {done / (time.perf_counter() - started_s):.1f} per second")
    if failed:
        sys.exit(1)


def leave_interrupted(message: str, status: int = INTERRUPTED_STATUS) -> NoReturn:
    """Prints one line and leaves."""
    print("stopped: " + " ".join(message.split()), file=sys.stderr)
    leave(status)


def leave(status: int) -> NoReturn:
    """Ends the process at once.

    On its ordinary way out the interpreter frees what an error left behind: a tf.data iterator then waits for threads
    that call Python, and these wait for the interpreter, for ever.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _parse(argv: list[str], settings_class: type, positional: str | None) -> list[str]:
    try:
        rest = flags.FLAGS(argv)
        if positional and len(rest) == 2:
            flags.FLAGS[positional].parse(rest.pop())
    except flags.Error as error:
        near = []
        if mistyped := re.match(r"flag --(\w+)=(.*?): value should be one of", str(error)):
            choices = settings_class.__dataclass_fields__[mistyped[1]].metadata["choices"]
            near = difflib.get_close_matches(mistyped[2], choices, n=1)
        hint = f"; did you mean --{mistyped[1]}={near[0]}?" if near else ""
        _fail(f"{error}{hint} (--help lists the flags)")
    if len(rest) > 1:
        _fail(f"unexpected argument {rest[-1]!r}: every setting is a flag, --name=value (--help lists them)")
    return rest


def _fail(message: str) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    leave(USAGE_STATUS)


def help_text(settings_class: type, main: Callable) -> str:
    """Returns what `--help` prints: the module's docstring and every flag, under the headings of their groups."""
    lines = [(sys.modules[main.__module__].__doc__ or "").strip()]
    for group, fields in itertools.groupby(_typed_fields(settings_class), lambda typed: typed[0].metadata["group"]):
        lines += ["", f"{group or 'flags'}:"]
        for field, kind in fields:
            values = "|".join(field.metadata["choices"]) or kind.__name__
            default = "" if field.default in (None, "", ()) else f" (default {field.default})"
            lines.append(f"  --[no]{field.name}" if kind is bool else f"  --{field.name}=<{values}>")
            lines.append(f"      {field.metadata['description']}{default.lower() if kind is bool else default}")
    return "\n".join([*lines, "", "--flagfile=<file> reads flags from a file, one per line."])


def _typed_fields(settings_class: type) -> Iterator[tuple[dataclasses.Field, type]]:
    """Yields each field with its type: int for `int | None`."""
    hints = typing.get_type_hints(settings_class)
    for field in dataclasses.fields(settings_class):
        kinds = typing.get_args(hints[field.name]) or (hints[field.name],)
        yield field, next(kind for kind in kinds if kind is not types.NoneType)
