"""Says where and with what a result was made, without naming the host."""

import datetime
import importlib.metadata
import pathlib
import platform
import subprocess

from depth_tf.runtime import memory

PACKAGES = ("tensorflow", "keras", "tensorflow-datasets", "scikit-learn", "numpy", "h5py", "matplotlib")


def describe_machine() -> str:
    """Returns the processor's model, the cores this process may use, the memory, and the GPUs if any."""
    import tensorflow as tf  # here, so that programs without a network need not load it

    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    parts = [_processor_model(), f"{num_cores()} cores", f"{memory.total_bytes() / memory.GIB:.0f} GiB"]
    return ", ".join(parts + [f"{gpus.count(name)}x {name}" for name in sorted(set(gpus))])


def num_cores() -> int:
    """Returns how many processor cores this process may use, a container's quota included."""
    import joblib  # here, so that programs that count no cores need not load it

    return joblib.cpu_count()


def describe_environment() -> dict:
    """Returns versions of Python, the system and the packages a result depends on, and the code's commit."""
    return {
        "date": today(),
        "machine": describe_machine(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
    }


def today() -> str:
    """Returns the date as YYYY-MM-DD, in UTC."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")


def _processor_model() -> str:
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Returns the commit of the checkout this file is in, with "+changes" if files differ; None outside git."""
    here = pathlib.Path(__file__).resolve().parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+changes", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
