"""What the firmware, the kernel and the distribution are and allow, as far as it can be read."""

import dataclasses
import re
import shlex

EFI_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
DMI = "/sys/class/dmi/id"


@dataclasses.dataclass
class Platform:
    distribution: str       # ID of os-release, such as debian
    family: str             # "debian" | "rhel" | "other"
    pretty: str
    kernel: str
    kernel_config: dict     # those of CONFIG_KINDS: True, False, or None where it cannot be read
    cmdline: list           # of the running kernel
    container: str          # what kind, or ""
    virtual: bool
    efi: bool
    secure_boot: bool
    lockdown: str           # "none" | "integrity" | "confidentiality" | ""
    vendor: str             # of the CPU: GenuineIntel, AuthenticAMD
    cpu_model: str
    flags: list             # those of the CPU that we ask for
    clocksource: str
    settings: dict          # of the firmware, in words

    def version(self):
        """The kernel's as (6, 1)."""
        found = re.match(r"(\d+)\.(\d+)", self.kernel)
        return (int(found[1]), int(found[2])) if found else (0, 0)


CONFIG_KINDS = ("NO_HZ_FULL", "CPU_ISOLATION", "RCU_NOCB_CPU", "VFIO_NOIOMMU")
FLAGS = ("constant_tsc", "nonstop_tsc", "tsc_known_freq", "hypervisor", "invariant_tsc")


def chosen(text):
    """The [chosen] word of a file that lists the choices."""
    found = re.search(r"\[([^\]]*)\]", text or "")
    return found[1] if found else (text or "").strip()


def split_cmdline(text):
    """Parameters of a kernel command line; quotes keep blanks together, as in the kernel."""
    return re.findall(r'(?:"[^"]*"|[^\s"])+', text or "")


def os_release(system):
    values = {}
    for line in (system.text("/etc/os-release") or "").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            try:
                values[key] = " ".join(shlex.split(value))
            except ValueError:
                values[key] = value
    return values


def family(release):
    kinds = {release.get("ID", "")} | set(release.get("ID_LIKE", "").split())
    if kinds & {"debian", "ubuntu"}:
        return "debian"
    return "rhel" if kinds & {"rhel", "fedora", "centos"} else "other"


def container(system):
    """The kind of container that we are in, or nothing."""
    told = system.text("/run/systemd/container")
    if told:
        return told
    for file, kind in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman")):
        if system.exists(file):
            return kind
    for word in (system.text("/proc/1/environ") or "").split("\0"):
        if word.startswith("container=") and len(word) > len("container="):
            return word.partition("=")[2]
    found = re.search(r"docker|kubepods|containerd|lxc", system.text("/proc/1/cgroup") or "")
    return found[0] if found else ""


def kernel_config(system, kernel):
    text = system.text(f"/boot/config-{kernel}")
    if text is None:
        return {kind: None for kind in CONFIG_KINDS}
    lines = set(text.splitlines())
    return {kind: f"CONFIG_{kind}=y" in lines for kind in CONFIG_KINDS}


def cpuinfo(system):
    fields = {}
    for line in (system.text("/proc/cpuinfo") or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), value.strip())
    return fields


def firmware_settings(system):
    """Only what is there: words on the firmware and what its setup decides."""
    cpu = "/sys/devices/system/cpu"
    read = {
        "firmware": " ".join(filter(None, (system.text(f"{DMI}/{name}") for name in
                                           ("bios_vendor", "bios_version", "bios_date")))),
        "machine": " ".join(filter(None, (system.text(f"{DMI}/{name}") for name in
                                          ("sys_vendor", "product_name")))),
        "SMT": system.text(f"{cpu}/smt/control"),
        "frequency driver": system.text(f"{cpu}/cpu0/cpufreq/scaling_driver"),
        "idle driver": system.text(f"{cpu}/cpuidle/current_driver"),
        "microcode": system.text(f"{cpu}/cpu0/microcode/version"),
        "intel_pstate": system.text(f"{cpu}/intel_pstate/status"),
        "amd_pstate": system.text(f"{cpu}/amd_pstate/status"),
        "ASPM": chosen(system.text("/sys/module/pcie_aspm/parameters/policy")),
    }
    if (no_turbo := system.text(f"{cpu}/intel_pstate/no_turbo")) is not None:
        read["turbo"] = "off" if no_turbo == "1" else "on"
    elif (boost := system.text(f"{cpu}/cpufreq/boost")) is not None:
        read["turbo"] = "on" if boost == "1" else "off"
    return {name: value for name, value in read.items() if value and value != "(null)"}


def read(system):
    release, info = os_release(system), cpuinfo(system)
    kernel = system.text("/proc/sys/kernel/osrelease", "")
    flags = set(info.get("flags", "").split())
    secure = system.raw(EFI_SECURE_BOOT)
    return Platform(
        distribution=release.get("ID", "unknown"),
        family=family(release),
        pretty=release.get("PRETTY_NAME", "an unknown distribution"),
        kernel=kernel,
        kernel_config=kernel_config(system, kernel),
        cmdline=split_cmdline(system.text("/proc/cmdline")),
        container=container(system),
        virtual="hypervisor" in flags,
        efi=system.exists("/sys/firmware/efi"),
        secure_boot=bool(secure) and secure[-1] == 1,
        lockdown=chosen(system.text("/sys/kernel/security/lockdown")),
        vendor=info.get("vendor_id", ""),
        cpu_model=info.get("model name", "an unknown CPU"),
        flags=[flag for flag in FLAGS if flag in flags],
        clocksource=system.text(
            "/sys/devices/system/clocksource/clocksource0/current_clocksource", ""),
        settings=firmware_settings(system),
    )
