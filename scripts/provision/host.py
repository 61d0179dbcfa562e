"""The host as it is: CPUs, NUMA nodes, caches, memory, NICs, the IOMMU, and what runs on it.

Reads and changes nothing. What an earlier run took away (siblings that are offline, names of NICs
that vfio-pci has) comes from its state file, so that a second run plans the same.
"""

import dataclasses

import cpus
import firmware
import nics

CPU = "/sys/devices/system/cpu"
NODE = "/sys/devices/system/node"
FIRMWARE_TABLES = "/sys/firmware/acpi/tables"


@dataclasses.dataclass
class Cpu:
    cpu: int
    node: int
    package: int
    core: int
    siblings: list          # all threads of its core, itself included
    l3: list                # CPUs that share its last cache
    khz_max: int            # 0 where there is no frequency driver


@dataclasses.dataclass
class Node:
    node: int
    cpus: list
    memory_mb: int
    free_mb: int
    huge: dict              # size in kB as text: pages


@dataclasses.dataclass
class Iommu:
    kind: str               # "intel" | "amd" | "other" | "": none is offered
    active: bool            # whether devices have groups


@dataclasses.dataclass
class Host:
    name: str
    platform: firmware.Platform
    cpus: dict
    nodes: dict
    nics: dict
    iommu: Iommu
    huge_sizes_kb: list
    loader: str = ""

    def nic_of(self, name):
        """By PCI address, with or without its domain, or by interface."""
        for nic in self.nics.values():
            if name in (nic.address, nic.interface) or nic.address == f"0000:{name}":
                return nic
        return None


def read_cpu(system, cpu, node):
    folder = f"{CPU}/cpu{cpu}"
    if not system.exists(f"{folder}/topology"):
        return None
    siblings = system.text(f"{folder}/topology/thread_siblings_list") or str(cpu)
    caches = [(system.number(f"{folder}/cache/{name}/level", 0),
               system.text(f"{folder}/cache/{name}/shared_cpu_list") or "")
              for name in system.names(f"{folder}/cache") if name.startswith("index")]
    level, shared = max(caches, default=(0, ""))
    return Cpu(
        cpu=cpu,
        node=node,
        package=system.number(f"{folder}/topology/physical_package_id", 0),
        core=system.number(f"{folder}/topology/core_id", cpu),
        siblings=sorted(cpus.parse_list(siblings)),
        l3=sorted(cpus.parse_list(shared)) if level >= 3 else [],
        khz_max=system.number(f"{folder}/cpufreq/cpuinfo_max_freq", 0),
    )


def read_cpus(system, remembered):
    """Number: CPU. Offline ones are only known if an earlier run wrote them down."""
    present = cpus.parse_list(system.text(f"{CPU}/present") or "0")
    nodes = {}
    for name in system.names(NODE):
        if name.startswith("node") and name[4:].isdigit():
            for cpu in cpus.parse_list(system.text(f"{NODE}/{name}/cpulist") or ""):
                nodes[cpu] = int(name[4:])
    found = {cpu: read_cpu(system, cpu, nodes.get(cpu, 0)) for cpu in sorted(present)}
    offline = {cpu for cpu, facts in found.items() if facts is None and str(cpu) in remembered}
    for cpu, facts in found.items():
        before = remembered.get(str(cpu))
        if facts is None and before:
            found[cpu] = Cpu(**before)
        elif before:
            # While a CPU is offline the lists of others lack it.
            facts.siblings = sorted({*facts.siblings, *offline & {*before["siblings"]}})
            facts.l3 = sorted({*facts.l3, *offline & {*before["l3"]}})
    return {cpu: facts for cpu, facts in found.items() if facts is not None}


def read_node(system, node, cpu_facts):
    info = {}
    for line in (system.text(f"{NODE}/node{node}/meminfo")
                 or system.text("/proc/meminfo") or "").splitlines():
        words = line.replace(f"Node {node} ", "").split()
        if len(words) >= 2 and words[1].isdigit():
            info[words[0].rstrip(":")] = int(words[1])
    folder = f"{NODE}/node{node}/hugepages"
    huge = {name[len("hugepages-"):-len("kB")]: system.number(f"{folder}/{name}/nr_hugepages", 0)
            for name in system.names(folder)}
    return Node(
        node=node,
        cpus=sorted(cpu for cpu, facts in cpu_facts.items() if facts.node == node),
        memory_mb=info.get("MemTotal", 0) >> 10,
        free_mb=info.get("MemFree", 0) >> 10,
        huge=huge,
    )


def read_iommu(system, platform):
    drivers = system.names("/sys/class/iommu")
    active = bool(system.names("/sys/kernel/iommu_groups"))
    if system.exists(f"{FIRMWARE_TABLES}/DMAR") or any(n.startswith("dmar") for n in drivers):
        return Iommu("intel", active)
    if system.exists(f"{FIRMWARE_TABLES}/IVRS") or any(n.startswith("ivhd") for n in drivers):
        return Iommu("amd", active)
    return Iommu("other" if active else "", active)


def read(system, management="", remembered=None):
    """`remembered` is the `known` of a state file; `management` an interface to be kept."""
    remembered = remembered or {}
    platform = firmware.read(system)
    cpu_facts = read_cpus(system, remembered.get("cpus", {}))
    numbers = sorted({int(name[4:]) for name in system.names(NODE)
                      if name.startswith("node") and name[4:].isdigit()} or {0})
    sizes = sorted(int(name[len("hugepages-"):-len("kB")])
                   for name in system.names("/sys/kernel/mm/hugepages"))
    return Host(
        name=system.text("/proc/sys/kernel/hostname") or system.text("/etc/hostname") or "host",
        platform=platform,
        cpus=cpu_facts,
        nodes={node: read_node(system, node, cpu_facts) for node in numbers},
        nics=nics.read(system, management, remembered.get("nics")),
        iommu=read_iommu(system, platform),
        huge_sizes_kb=sizes,
    )


def known(host):
    """What a state file keeps of the host, for `remembered`."""
    return {
        "cpus": {str(cpu): dataclasses.asdict(facts) for cpu, facts in host.cpus.items()},
        "nics": {nic.address: {"interface": nic.interface, "driver": nic.kernel_driver,
                               "mac": nic.mac}
                 for nic in host.nics.values() if nic.interface or nic.kernel_driver},
    }
