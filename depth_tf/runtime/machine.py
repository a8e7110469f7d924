"""Says where and with what a result was made, without naming the host."""

import datetime
import os
import pathlib
import platform
import re
import shlex
import subprocess
from importlib import metadata

from depth_tf.runtime import memory

PACKAGES = ("tensorflow", "keras", "tensorflow-datasets", "scikit-learn", "numpy", "h5py", "matplotlib")


def describe_machine() -> str:
    """Returns the processor's model, the cores this process may use, the memory, and the GPUs if any."""
    import tensorflow as tf  # here, so that programs without a network need not load it

    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    gpus = [gpu.get("device_name", "GPU") for gpu in details]
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*: (.+)", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else None
    processor = named[1].strip() if named else platform.processor() or platform.machine()
    cores = "1 core" if num_cores() == 1 else f"{num_cores()} cores"
    parts = [processor, cores, f"{memory.total_bytes() / memory.GIB:.0f} GiB"]
    return ", ".join(parts + [f"{gpus.count(name)}x {name}" for name in sorted(set(gpus))])


def num_cores() -> int:
    """Returns how many processor cores this process may use, a container's quota included."""
    import joblib  # here, so that programs that count no cores need not load it

    return joblib.cpu_count()


def describe_environment() -> dict:
    """Returns versions of Python, the system and the packages a result depends on, and the code's commit."""
    checkout = f"git -C {shlex.quote(os.path.dirname(__file__))}"
    status, commit = subprocess.getstatusoutput(f"{checkout} describe --always --dirty=+changes --exclude='*' 2>&-")
    return {
        "date": today(),
        "machine": describe_machine(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: next((one.version for one in metadata.distributions(name=name)), None) for name in PACKAGES},
        "commit": None if status else commit,  # with "+changes" if files differ; None outside git
    }


def today() -> str:
    """Returns the date as YYYY-MM-DD, in UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()
