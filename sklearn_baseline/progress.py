"""How long work is going."""

import time

from depth_tf.runtime.program import say

SAY_EVERY_S = 5.0


class Ticker:
    """Says a line of progress every few seconds at most."""

    def __init__(self):
        self._next_s = 0.0

    def __call__(self, line: str) -> None:
        """Says `line`, unless another was said a moment ago."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + SAY_EVERY_S
            say(line)
