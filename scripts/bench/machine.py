"""What the figures were measured on."""

import datetime
import os
import platform
import subprocess


def told(*command, cwd=None):
    """The first line that a command prints, or nothing."""
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return (done.stdout.splitlines() or [""])[0].strip()


def field(path, name):
    """The value of the first `name : value` line of a file in /proc, or nothing."""
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return ""


def revision(root):
    revision = told("git", "rev-parse", "--short=12", "HEAD", cwd=root)
    if revision and told("git", "status", "--porcelain", cwd=root):
        revision += ", with changes"
    return revision


def facts(root):
    """Words on the machine, in the order in which people want them."""
    flags = field("/proc/cpuinfo", "flags").split()
    kind = "a virtual machine" if "hypervisor" in flags else "bare metal"
    free, total = (field("/proc/meminfo", f"HugePages_{n}") or "0" for n in ("Free", "Total"))
    memory_kb = (field("/proc/meminfo", "MemTotal") or "0 kB").split()[0]
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "CPU": field("/proc/cpuinfo", "model name") or platform.machine(),
        "machine": kind,
        "CPUs that may be used": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory_kb) / 1048576:.1f} GiB",
        "hugepages": f"{free} of {total} free, {field('/proc/meminfo', 'Hugepagesize')} each",
        "kernel": platform.release(),
        "DPDK": told("pkg-config", "--modversion", "libdpdk") or "not installed",
        "Rust": told("rustc", "--version", cwd=root),
        "revision": revision(root) or "not a git tree",
        "measured": now.strftime("%Y-%m-%d %H:%M UTC"),
    }


def load():
    """Processes that want a CPU, the mean of the last minute: our own is one of them."""
    return os.getloadavg()[0]
