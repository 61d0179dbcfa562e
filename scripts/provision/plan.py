"""The steps that make a host what its configuration wants, in the order in which they are taken.

First what only lies on disk, then the boot loader, then what takes effect at once; NICs change
hands late, and siblings go offline last, so that whatever reads CPUs before sees them all.
"""

import archive
import bootloader
import cmdline
import cpus
import units
from step_cpus import CPU, POLICIES, Frequency, Hugepages, Offline, Uncore
from step_files import file
from step_house import Irqs, Threads
from step_knobs import knobs
from step_nics import Bind, Vfs
from step_services import Account, Module, Service

# Others who turn the same knobs would undo ours, and leave nobody knowing who set what.
RIVALS = ("tuned.service", "power-profiles-daemon.service", "ksmtuned.service")

# Name, value, why.
SYSCTLS = (
    ("kernel.numa_balancing", "0", "no page is unmapped to see who uses it"),
    ("kernel.nmi_watchdog", "0", "no interrupt a second from the performance counters"),
    ("kernel.soft_watchdog", "0", "no watchdog thread beside a polling lcore"),
    ("kernel.timer_migration", "0", "timers stay where they were set, not on a busy lcore"),
    ("kernel.hung_task_timeout_secs", "600", "a look at all tasks every ten minutes, not two"),
    ("vm.stat_interval", "120", "counters of memory are gathered every two minutes, not seconds"),
    ("vm.swappiness", "1", "swap only when nothing else helps"),
    ("vm.zone_reclaim_mode", "0", "a full node takes from another rather than stalls"),
    ("vm.compaction_proactiveness", "0", "no moving of pages ahead of need"),
)


def sysctl_path(name):
    return "/proc/sys/" + name.replace(".", "/")


def rivals(system, host, config, placement):
    for unit in RIVALS:
        yield Service(f"service {unit}", unit, "it turns the same knobs as we do", unit=unit,
                      enabled=False, active=False)
    if config["irq.irqbalance"] == "off":
        yield Service("service irqbalance.service", "irqbalance.service",
                      "it would spread interrupts again", unit="irqbalance.service",
                      enabled=False, active=False)
    elif config["irq.irqbalance"] == "ban":
        yield file("/etc/systemd/system/irqbalance.service.d/peregrine.conf",
                   units.irqbalance(placement.isolated()), "irqbalance's banned CPUs",
                   "it spreads interrupts over the house alone",
                   notify=["systemctl", "daemon-reload"])


def on_disk(system, host, config, placement):
    """Files that a boot reads."""
    yield file("/etc/sysctl.d/90-peregrine.conf",
               units.sysctls((name, value) for name, value, _ in SYSCTLS),
               "sysctls for each boot", "so that they hold before the boot-time unit runs")
    if vfio_addresses(placement) or any(nic["vfs"] for nic in placement.nics):
        yield file("/etc/modules-load.d/peregrine.conf", units.HEAD + "vfio-pci\n",
                   "vfio-pci loaded at boot", "it must be there when NICs are found")
        if config["iommu.mode"] == "unsafe-no-iommu":
            yield file("/etc/modprobe.d/peregrine.conf",
                       units.HEAD + "options vfio enable_unsafe_noiommu_mode=1\n",
                       "no-IOMMU mode at boot", "asked for by name in iommu.mode")
    yield from persistent_override(system, placement)


def persistent_override(system, placement):
    addresses = vfio_addresses(placement)
    if addresses and not system.tool("driverctl"):
        yield file("/etc/udev/rules.d/05-peregrine-vfio.rules", units.udev_override(addresses),
                   "NICs to vfio-pci at boot", "driverctl, which does this, is not installed",
                   notify=["udevadm", "control", "--reload"])


def service(system, host, config, placement, python):
    """The appliance's account, permissions and units, and the unit that reapplies at boot."""
    if config["service.install"]:
        account = "/etc/sysusers.d/peregrine.conf"
        yield file(account, units.sysusers(config), "the appliance's account, described",
                   "it does not run as root")
        yield Account("account", f"user {config['service.user']}", "it does not run as root",
                      user=config["service.user"], config=account)
        yield file("/etc/security/limits.d/90-peregrine.conf", units.limits(config),
                   "memory that may be locked", "a NIC's memory must not move")
        yield file("/etc/udev/rules.d/90-peregrine.rules", units.udev_permissions(config),
                   "permissions of /dev/vfio", "its group may open the NICs",
                   notify=["udevadm", "control", "--reload"])
        yield file(units.RUN_UNIT, units.run_unit(host, config, placement),
                   "unit of the appliance", "hardened, not root, on its CPUs",
                   notify=["systemctl", "daemon-reload"])
    yield file(units.TOOL, archive.made(), "this program, for the boot-time unit",
               "the repository may be anywhere", mode=0o755)
    yield file(units.HOST_CONFIG, config.data, "this configuration, for the boot-time unit",
               "what was asked for")
    yield file(units.TUNE_UNIT, units.tune_unit(python), "boot-time unit, its file",
               "it applies again what a boot takes away", notify=["systemctl", "daemon-reload"])
    name = units.TUNE_UNIT.rpartition("/")[2]
    yield Service(f"service {name}", "boot-time unit", "it applies again what a boot takes away",
                  unit=name, enabled=True, active=None)


def kernel_knobs(system, host, config, placement):
    for name, value, why in SYSCTLS:
        yield knobs(f"sysctl {name}", sysctl_path(name), value, name, why)
    thp = "/sys/kernel/mm/transparent_hugepage"
    yield knobs("thp", f"{thp}/enabled", "never", "transparent hugepages",
                "nothing is compacted behind our back", "choice")
    yield knobs("thp defrag", f"{thp}/defrag", "never", "their defragmentation",
                "nobody stalls for one", "choice")
    yield knobs("ksm", "/sys/kernel/mm/ksm/run", "0", "merging of equal pages",
                "no page is made read-only and copied again")
    yield knobs("aspm", "/sys/module/pcie_aspm/parameters/policy", "performance",
                "power saving of PCIe links", "a link need not wake for a packet", "choice")
    if config["kernel.machine_checks"] == "house":
        yield knobs("machine checks", "/sys/devices/system/machinecheck/machinecheck*/ignore_ce",
                    "1", "polling for corrected machine checks", "no timer on every CPU")


def turbo_knobs(turbo):
    if turbo == "keep":
        return
    yield knobs("turbo intel", f"{CPU}/intel_pstate/no_turbo", "1" if turbo == "off" else "0",
                f"turbo {turbo}", "a clock that heat and neighbours do not change"
                if turbo == "off" else "the highest clock, as configured")
    yield knobs("turbo acpi", f"{CPU}/cpufreq/boost", "0" if turbo == "off" else "1",
                f"boost {turbo}", "the same for other drivers")


def power_knobs(system, host, config, placement):
    turbo = config["frequency.turbo"]
    if config["frequency.epp"] != "keep":
        yield knobs("epp", f"{POLICIES}/energy_performance_preference", "performance",
                    "energy performance preference", "the CPU's own governor saves nothing")
    if config["frequency.governor"] != "keep":
        yield knobs("governor", f"{POLICIES}/scaling_governor", "performance", "governor",
                    "no ramp up from a slow clock")
    # Whichever way, the wider limits are there when frequencies are set, and when put back.
    if turbo == "on":
        yield from turbo_knobs(turbo)
    if config["frequency.lock_khz"] != "keep":
        yield Frequency("frequency", "lowest = highest frequency",
                        "the governor alone leaves the clock free between the two",
                        khz=config["frequency.lock_khz"], turbo=turbo)
    if turbo == "off":
        yield from turbo_knobs(turbo)
    if config["frequency.uncore"] != "keep":
        yield Uncore("uncore", "lowest = highest uncore frequency",
                     "caches and interconnect do not slow down while one core works")
    latency = config["idle.latency_us_max"]
    if latency != "keep":
        # The kernel's word for "no latency at all" is n/a, and 0 is its word for "any".
        yield knobs("pm qos", f"{CPU}/cpu[0-9]*/power/pm_qos_resume_latency_us",
                    str(latency) if latency else "n/a", "latency of wake-ups, us (PM QoS)",
                    "no CPU sleeps deeper than it can wake from in this time")


def house(system, host, config, placement):
    """Everything that can be told where to run, runs on the house."""
    own = cpus.to_list(placement.house)
    why = "it is the house's work"
    workqueue = "/sys/devices/virtual/workqueue"
    yield knobs("workqueue", f"{workqueue}/cpumask", own, "work queues without a CPU", why,
                "mask")
    yield knobs("workqueues", f"{workqueue}/*/cpumask", own, "those with masks of their own", why,
                "mask", may_refuse=True)
    yield knobs("irq default", "/proc/irq/default_smp_affinity", own, "CPUs of new interrupts",
                why, "mask")
    yield Irqs("irqs", "CPUs of all interrupts", why, house=placement.house)
    yield Threads("kernel threads", "CPUs of kernel threads, RCU's among them", why,
                  house=placement.house)


def hugepages(system, host, config, placement):
    for pages in placement.hugepages:
        size = cmdline.size_text(pages["size_kb"])
        yield Hugepages(f"hugepages node{pages['node']} {size}",
                        f"{size} pages of node {pages['node']}",
                        "memory of the lcores is on their node, and never paged", **pages)


def vfio_addresses(placement):
    return [nic["address"] for nic in placement.nics if nic["action"] == "vfio-pci"]


def nics(system, host, config, placement):
    needs_iommu = config["iommu.mode"] == "require"
    bound = vfio_addresses(placement)
    with_vfs = [nic for nic in placement.nics if nic["vfs"]]
    if not bound and not with_vfs:
        return
    yield Module("module vfio-pci", "vfio-pci", "the kernel's side of a NIC in user space",
                 module="vfio-pci", driver="vfio-pci")
    if not needs_iommu:
        yield knobs("no-iommu", "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y",
                    "no-IOMMU mode", "asked for by name in iommu.mode")
    driverctl = bool(system.tool("driverctl"))
    for nic in with_vfs:
        yield Vfs(f"vfs {nic['address']}", f"VFs of {nic['address']}", nic["reason"],
                  address=nic["address"], count=nic["vfs"], needs_iommu=needs_iommu)
    for address in bound:
        yield Bind(f"nic {address}", f"driver of {address}",
                   "DPDK drives it from user space", address=address, driverctl=driverctl,
                   needs_iommu=needs_iommu)


def steps(system, host, config, placement, python="/usr/bin/python3"):
    """All of them."""
    parameters = [p.text for p in cmdline.wanted(host, config, placement)]
    absent = [p.text for p in cmdline.absent(config)]
    found = [*rivals(system, host, config, placement),
             *on_disk(system, host, config, placement),
             *service(system, host, config, placement, python),
             bootloader.boot_step(host.loader, parameters, absent)]
    for group in (kernel_knobs, power_knobs, hugepages, house, nics):
        found += group(system, host, config, placement)
    if placement.siblings_off:
        found.append(Offline("siblings", "siblings of lcores",
                             "a thread beside an lcore takes half of its core",
                             cpus=placement.siblings))
    return found
