"""The mistakes that are the user's to mend, and the stops that no one made."""


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one line: what was expected, what came, what to do."""


class Interrupted(Exception):
    """A run cannot go on for now, though nothing is wrong with it: started again, it continues from its last epoch."""
