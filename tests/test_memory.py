"""Memory: a container's limit counts, and freed memory can be kept."""

import os
import sys

import pytest

from depth_tf.runtime import memory


def test_a_containers_limit_counts_where_it_is_below_the_machines_memory(tmp_path):
    limit = tmp_path / "memory.max"
    limit.write_text("1048576\n")
    assert memory.total_bytes((str(limit),)) == 1048576


@pytest.mark.parametrize("text", ["max\n", str(1 << 62)])
def test_no_limit_leaves_the_machines_memory(tmp_path, text):
    limit = tmp_path / "memory.max"
    limit.write_text(text)
    machine_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert memory.total_bytes((str(limit), str(tmp_path / "absent"))) == machine_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's mallopt is Linux's")
def test_glibc_accepts_the_setting():
    assert memory.keep_freed_memory()
