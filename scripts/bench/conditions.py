"""What this machine must give for a contender to run. Each answers with what is missing."""

import os
import shutil


def root():
    return "" if os.geteuid() == 0 else "needs root"


def testpmd():
    return "" if shutil.which("dpdk-testpmd") else "needs dpdk-testpmd (Debian package dpdk)"


def two_cpus():
    return "" if len(os.sched_getaffinity(0)) >= 2 else "needs two CPUs"


def hugepages():
    """Free pages of 2 MB, and a mount that we may write."""
    free = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
    try:
        with open(free, encoding="utf-8") as pages:
            enough = int(pages.read()) >= 256
        with open("/proc/mounts", encoding="utf-8") as mounts:
            mounted = any(line.split()[2] == "hugetlbfs" for line in mounts)
    except (OSError, ValueError):
        enough = mounted = False
    return "" if enough and mounted else "needs 256 free hugepages of 2 MB"


CONDITIONS = {
    "root": root,
    "testpmd": testpmd,
    "two-cpus": two_cpus,
    "hugepages": hugepages,
}


def lacking(names):
    """What is missing of these, in words; empty when nothing is."""
    return ", ".join(filter(None, (CONDITIONS[name]() for name in names)))
