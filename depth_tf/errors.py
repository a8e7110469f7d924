"""The one kind of error that a user can mend."""


class InputError(ValueError):
    """Bad input: the message says what was expected, what came and what to do, in one line.

    Programs print it without a traceback and exit with status 2 (see `program.run`).
    """
