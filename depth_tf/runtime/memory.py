"""How much memory there is, how much was taken, and how the process keeps it."""

import contextlib
import ctypes
import os
import pathlib
import resource
import sys

GIB = 2**30
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # version 2, version 1
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt(3)


def total_bytes(limit_files: tuple[str, ...] = CGROUP_LIMITS) -> int:
    """Returns the bytes of memory this process may use: the machine's, or its container's limit if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in limit_files:
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max" in it: no limit
            total = min(total, int(pathlib.Path(path).read_text()))
    return total


def peak_gib() -> float:
    """Returns the most memory this process has held so far, GiB."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():  # Linux, where getrusage also counts what the parent held when it started this process
        (held,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(held.split()[1]) * 1024 / GIB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / GIB  # bytes there, KiB elsewhere


def keep_freed_memory() -> bool:
    """Tells glibc to keep freed memory for the next batch; returns whether it did (False where there is no glibc).

    TensorFlow's setting of M_TRIM_THRESHOLD fixes M_MMAP_THRESHOLD at 128 KiB, so that every batch's images are
    mapped afresh and every page of them faults; without that the pipeline's first epoch is a twentieth faster.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except OSError:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, 1 << 30)) and bool(mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1))
