"""A host's state, read without any of provisioning's own code. Runs in the guest; prints JSON.

Two looks at a host that was put back must be equal.
"""

import glob
import hashlib
import json
import os
import subprocess

# Written by every boot, or by tools that keep a copy of what they changed.
VOLATILE = ("/etc/mtab", "/etc/resolv.conf", "/etc/adjtime", "/etc/ld.so.cache")
FOLDERS = ("/etc", "/boot/grub", "/usr/local", "/var/lib/peregrine-provision")
# Of these a sysctl is only a reading.
READINGS = ("kernel.random.", "kernel.ns_last_pid", "kernel.pty.nr", "fs.dentry-state",
            "fs.file-nr", "fs.inode-", "net.", "kernel.perf_event_max_sample_rate",
            "kernel.sched_domain", "user.", "fs.quota", "vm.stat_refresh",
            "kernel.core_modes", "kernel.tainted",
            # Sized by the memory that is free when the guest boots.
            "kernel.threads-max", "vm.user_reserve_kbytes", "vm.admin_reserve_kbytes",
            "vm.min_free_kbytes", "fs.epoll", "fs.inotify", "fs.fanotify", "fs.mqueue")


def text(path):
    try:
        with open(path, errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def files():
    found = {}
    for folder in FOLDERS:
        for where, _, names in os.walk(folder):
            for path in (os.path.join(where, name) for name in names):
                # passwd-, shadow- and their like are the account tools' own copies.
                if path in VOLATILE or path.endswith("-"):
                    continue
                if os.path.islink(path):
                    found[path] = "-> " + os.readlink(path)
                else:
                    with open(path, "rb") as file:
                        digest = hashlib.sha256(file.read()).hexdigest()[:16]
                    found[path] = f"{os.stat(path).st_mode:o} {digest}"
    return found


def sysctls():
    lines = subprocess.run(["sysctl", "-a"], capture_output=True, text=True).stdout.splitlines()
    pairs = (line.partition(" = ")[::2] for line in lines)
    return {name: value for name, value in pairs if not name.startswith(READINGS)}


def drivers():
    found = {}
    for path in sorted(glob.glob("/sys/bus/pci/devices/*")):
        link = os.path.join(path, "driver")
        name = os.path.basename(os.readlink(link)) if os.path.islink(link) else None
        found[os.path.basename(path)] = [name, text(os.path.join(path, "driver_override"))]
    return found


KNOBS = (
    "/proc/cmdline", "/proc/irq/default_smp_affinity", "/sys/devices/system/cpu/isolated",
    "/sys/devices/system/cpu/nohz_full", "/sys/devices/system/cpu/online",
    "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/kernel/mm/transparent_hugepage/defrag",
    "/sys/kernel/mm/ksm/run", "/sys/module/pcie_aspm/parameters/policy",
    "/sys/devices/virtual/workqueue/cpumask",
    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_m*_freq",
    "/sys/devices/system/cpu/cpu*/power/pm_qos_resume_latency_us",
    "/sys/devices/system/machinecheck/machinecheck*/ignore_ce",
    "/sys/devices/system/node/node*/hugepages/*/nr_hugepages",
)


def knobs():
    return {path: text(path) for pattern in KNOBS for path in sorted(glob.glob(pattern))}


def services():
    names = ("irqbalance", "peregrine-tune", "ssh", "systemd-networkd")
    return {name: subprocess.run(["systemctl", "is-enabled", name], capture_output=True,
                                 text=True).stdout.strip() for name in names}


def main():
    print(json.dumps({"files": files(), "sysctls": sysctls(), "drivers": drivers(),
                      "knobs": knobs(), "services": services()}, indent=1, sort_keys=True))


main()
