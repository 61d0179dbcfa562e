"""What must not be done to this host: each reason told before anything is changed.

All of it keeps one promise: the host can be reached and booted afterwards as it could before.
"""

import os
import re

import cpus
import nics
import step_cpus

HARMLESS_DRIVERS = ("", "vfio-pci", "pci-stub", "pcieport")


def standing(system, platform):
    """Who we are, and where."""
    if platform.container:
        yield (f"this is a container ({platform.container}): the kernel, its CPUs and its NICs "
               "belong to the host; run this there")
    if system.real and os.geteuid() != 0:
        yield "root is needed: run it with sudo"
    elif not os.access(system.at("/etc"), os.W_OK):
        yield "/etc cannot be written: the file system is read-only"


def in_use(nic):
    """What the kernel does with a NIC that would be lost."""
    name = nic.interface
    if nic.above:
        yield (f"{nic.address} ({name}) carries {', '.join(nic.above)}: take it out of there "
               f"first, as with: ip link set {name} nomaster")
    if nic.routes or nic.addresses:
        has = []
        if nic.addresses:
            has.append(f"has the address {', '.join(nic.addresses)}")
        if nic.routes:
            has.append(f"routes {', '.join(nic.routes)}")
        yield (f"{nic.address} ({name}) is in use: it {' and '.join(has)}; if nobody needs them, "
               f"ip addr flush dev {name} && ip link set {name} down, and take it out of the "
               "network's configuration")


def shared_group(system, host, nic, ours):
    """VFIO gives a group as a whole or not at all."""
    if not nic.group:
        return
    for other in nics.group(system, nic.group):
        if other.address in ours or other.bridge or other.driver in HARMLESS_DRIVERS:
            continue
        what = f"{other.driver}, {other.interface}" if other.interface else other.driver
        known = host.nics.get(other.address)
        keeps = " and must stay with it" if known and known.management else ""
        yield (f"{nic.address} shares IOMMU group {nic.group} with {other.address} ({what}), "
               f"which the kernel drives{keeps}: configure both for vfio-pci, or put the NIC into "
               "a slot with a group of its own (ACS in the firmware's setup may part them)")


def management(nic):
    for reason in dict.fromkeys(nic.management):
        yield (f"{nic.address} ({nic.interface}) {reason}: it is how this host is reached, and is "
               "never touched; take another NIC, or move that elsewhere first")


def bifurcated(nic):
    for driver in nics.BIFURCATED:
        if driver in (nic.driver, nic.kernel_driver):
            yield (f'{nic.address}: driver = "vfio-pci" would take it from {driver}, without which '
                   'DPDK cannot drive it: say driver = "auto" or "keep"')


def about_nics(system, host, placement, taken):
    ours = {nic["address"] for nic in placement.nics if nic["action"] == "vfio-pci"}
    for chosen in placement.nics:
        nic = host.nics[chosen["address"]]
        if chosen["action"] == "vfio-pci":
            touchy = list(management(nic))
            # One that we took before may have been given an address while a boot had it back.
            yield from touchy or ([] if nic.address in taken and not nic.above else in_use(nic))
            yield from bifurcated(nic)
            yield from shared_group(system, host, nic, ours)
        elif chosen["vfs"]:
            yield from management(nic)
            if nic.vfs not in (0, chosen["vfs"]):
                yield (f"{nic.address} has {nic.vfs} VFs already, and {chosen['vfs']} are asked "
                       "for: the kernel must drop all to change that; if nobody uses them, "
                       f"echo 0 > {nics.PCI}/{nic.address}/sriov_numvfs")


def about_iommu(host, config, placement):
    wanting = [nic["address"] for nic in placement.nics
               if nic["action"] == "vfio-pci" or nic["vfs"]]
    if not wanting:
        return
    unsafe = config["iommu.mode"] == "unsafe-no-iommu"
    if not unsafe and not host.iommu.kind:
        yield (f"there is no IOMMU, and {', '.join(wanting)} would go to vfio-pci: turn on VT-d or "
               "AMD-Vi in the firmware's setup; only if the machine has none and every user of it "
               'is trusted with all its memory, say iommu.mode = "unsafe-no-iommu"')
    if unsafe and host.iommu.active:
        yield ('iommu.mode = "unsafe-no-iommu", but this host has an IOMMU that works: say '
               '"require"')
    lockdown = host.platform.lockdown
    if unsafe and lockdown not in ("", "none"):
        yield (f'iommu.mode = "unsafe-no-iommu" under lockdown={lockdown}'
               + (", which Secure Boot brings" if host.platform.secure_boot else "")
               + ": lockdown keeps even root from the kernel's memory, and a NIC without an IOMMU "
                 "reaches all of it; use a machine with an IOMMU, or turn lockdown off")
    if unsafe and host.platform.kernel_config["VFIO_NOIOMMU"] is False:
        yield 'iommu.mode = "unsafe-no-iommu": this kernel was built without it'


def about_frequency(system, config):
    khz = config["frequency.lock_khz"]
    if not isinstance(khz, int):
        return
    for policy in system.glob(step_cpus.POLICIES):
        low, high = (system.number(f"{policy}/cpuinfo_{end}_freq", 0) for end in ("min", "max"))
        if not low <= khz <= high:
            yield (f"frequency.lock_khz = {khz}: must be from {low} to {high}, which "
                   f"{policy.rpartition('/')[2]} offers")
            return


def about_clock(host, config):
    constant = {"constant_tsc", "nonstop_tsc"} <= set(host.platform.flags)
    if config["kernel.tsc_reliable"] == "on" and not constant:
        yield ('kernel.tsc_reliable = "on": must be "auto" or "off", as this CPU does not promise '
               "a constant TSC (constant_tsc, nonstop_tsc)")


def check(system, host, config, placement, taken=()):
    """Reasons against this plan on this host. `taken`: NICs that an earlier run took."""
    return [*about_nics(system, host, placement, taken), *about_iommu(host, config, placement),
            *about_frequency(system, config), *about_clock(host, config)]


NETWORK_FILES = ("/etc/network/interfaces", "/etc/network/interfaces.d/*", "/etc/netplan/*.yaml",
                 "/etc/systemd/network/*.network", "/etc/sysconfig/network-scripts/ifcfg-*",
                 "/etc/NetworkManager/system-connections/*")


def waited_for(system, host, placement):
    """Interfaces that will be gone, and that the network's configuration still names."""
    for chosen in placement.nics:
        nic = host.nics[chosen["address"]]
        if chosen["action"] != "vfio-pci" or not nic.interface:
            continue
        names = re.compile("|".join(rf"(?<![\w.-]){re.escape(name)}(?![\w-])"
                                    for name in (nic.interface, nic.mac) if name), re.IGNORECASE)
        for path in [path for pattern in NETWORK_FILES for path in system.glob(pattern)]:
            if names.search(system.text(path) or ""):
                yield (f"{nic.interface} ({nic.address}) is named in {path}: take it out there, or "
                       "a boot waits for an interface that does not come")


def unguarded(config, placement):
    if not config["kernel.isolcpus"] and placement.lcores:
        yield (f"kernel.isolcpus = false: the scheduler may put any task on CPUs "
               f"{cpus.to_list(placement.isolated())}; the kubelet's static policy keeps pods off "
               f"them, and CPUAffinity={cpus.to_list(placement.house)} in /etc/systemd/system.conf "
               "the host's services")


def notes(system, host, config, placement):
    """What is to be known of this host without being in our way."""
    platform = host.platform
    yield from waited_for(system, host, placement)
    yield from unguarded(config, placement)
    if system.real and os.geteuid() != 0:
        yield "not root: what earlier runs did, and some settings, cannot be read"
    if platform.lockdown not in ("", "none"):
        why = " (Secure Boot)" if platform.secure_boot else ""
        yield (f"lockdown={platform.lockdown}{why}: MSRs, debugfs and unsigned modules are closed; "
               "no step needs them, as vfio-pci is signed with the kernel")
    elif platform.secure_boot:
        yield "Secure Boot is on: only signed modules load; vfio-pci is signed with the kernel"
    for kind, parameter in (("NO_HZ_FULL", "nohz_full"), ("RCU_NOCB_CPU", "rcu_nocbs")):
        if platform.kernel_config[kind] is False:
            yield f"this kernel was built without {kind}: {parameter} is not offered here"
    if platform.virtual:
        yield ("a hypervisor is below, and interrupts every core as it likes; frequencies, sleep "
               "states and the TSC are its business: what it does not offer is not offered here")
    if host.loader == "none":
        yield ("no boot loader that this script knows: the kernel's parameters are told, and "
               "whoever boots this host has to add them")
