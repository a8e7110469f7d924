"""How long work is going, and how much memory it has taken."""

import pathlib
import resource
import sys
import time

from depth_tf.program import say

GIB = 2**30
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


def peak_gib() -> float:
    """Returns the most memory this process has held so far, GiB."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():  # Linux, where getrusage also counts what the parent held when it started this process
        (held,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(held.split()[1]) * 1024 / GIB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / GIB  # bytes there, KiB elsewhere
