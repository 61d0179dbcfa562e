"""NICs: drivers, nodes and IOMMU groups, what the kernel uses them for, and which carry us."""

import dataclasses
import ipaddress
import json
import os
import re
import socket
import struct

import system as files

PCI = "/sys/bus/pci/devices"
NET = "/sys/class/net"
ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
CLASS_NETWORK, CLASS_BRIDGE = "0x02", "0x06"
# Drivers whose NIC DPDK shares with the kernel: taking it away would only break it.
BIFURCATED = ("mlx4_core", "mlx5_core", "mana")
ESTABLISHED = "01"
RTF_UP, RTF_LOCAL = 0x1, 0x80000000
SSH_PORT = 22


@dataclasses.dataclass
class Nic:
    address: str
    ids: str                # vendor:device
    driver: str             # "" where none is bound
    kernel_driver: str      # that of the kernel, also while vfio-pci has the NIC
    interface: str          # the first, if one PCI function has several; "" where there is none
    node: int               # -1 where the firmware does not tell
    group: str              # of the IOMMU, or ""
    mac: str
    state: str              # operstate
    addresses: list
    routes: list
    above: list             # bonds, bridges and VLANs on it
    vfs: int
    vfs_max: int
    physical: str           # the PF's address, of a VF
    link: str               # the slot's speed and width, if narrower than what the NIC could
    management: list        # reasons why it is not to be touched; empty: it may be


def routes(system):
    """Interface: routes in words, from the kernel's tables, without those that every one has."""
    found = {}
    for line in (system.text("/proc/net/route") or "").splitlines()[1:]:
        words = line.split()
        if len(words) < 8 or not int(words[3], 16) & RTF_UP:
            continue
        net = socket.inet_ntoa(struct.pack("<I", int(words[1], 16)))
        bits = bin(int(words[7], 16)).count("1")
        found.setdefault(words[0], []).append("default" if bits == 0 else f"{net}/{bits}")
    for line in (system.text("/proc/net/ipv6_route") or "").splitlines():
        words = line.split()
        if len(words) < 10 or words[0].startswith(("fe80", "ff")) or words[9] == "lo":
            continue
        flags, bits = int(words[8], 16), int(words[1], 16)
        if flags & RTF_UP and not flags & RTF_LOCAL:
            net = ipaddress.IPv6Address(int(words[0], 16))
            found.setdefault(words[9], []).append("default" if bits == 0 else f"{net}/{bits}")
    return found


def addresses(system):
    """Interface: addresses, without link-local ones, as `ip` tells them."""
    try:
        links = json.loads(system.ask("ip", "-j", "addr") or "[]")
    except (files.Failed, ValueError):
        return {}
    found = {}
    for link in links:
        for info in link.get("addr_info", ()):
            if info.get("scope") != "link" and "local" in info:
                found.setdefault(link.get("ifname", ""), []).append(info["local"])
    return found


def plain(address):
    """Without the wrapping of an IPv4 address in an IPv6 one."""
    parsed = ipaddress.ip_address(address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def from_hex(text):
    """An address of /proc/net/tcp or tcp6: words of 32 bits in the machine's order."""
    raw = b"".join(struct.pack("<I", int(text[at:at + 8], 16)) for at in range(0, len(text), 8))
    return plain(socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw))


def session_addresses(system, environment):
    """Local addresses of ssh sessions: ours by its variable, those of others from the tables."""
    found, ports = set(), {SSH_PORT}
    ours = environment.get("SSH_CONNECTION", "").split()
    if len(ours) == 4:
        ports.add(int(ours[3]))
        try:
            found.add(plain(ours[2].partition("%")[0]))
        except ValueError:
            pass
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (system.text(table) or "").splitlines()[1:]:
            words = line.split()
            if len(words) > 3 and words[3] == ESTABLISHED:
                address, _, port = words[1].partition(":")
                if int(port, 16) in ports:
                    found.add(from_hex(address))
    return found


def below(system, interface):
    """The interface and, where it is a bond, a bridge or a VLAN, all that it stands on."""
    found, todo = [], [interface]
    while todo:
        name = todo.pop()
        if name not in found:
            found.append(name)
            todo += [entry[len("lower_"):] for entry in system.names(f"{NET}/{name}")
                     if entry.startswith("lower_")]
    return found


def management(system, by_interface, named, environment):
    """Interface: reasons why it must stay as it is."""
    reasons = {}

    def keep(interface, reason):
        for name in below(system, interface):
            through = "" if name == interface else f" through {interface}"
            reasons.setdefault(name, []).append(reason + through)

    for interface, nets in routes(system).items():
        if "default" in nets:
            keep(interface, "carries the default route")
    sessions = session_addresses(system, environment) - {"127.0.0.1", "::1"}
    for interface, local in by_interface.items():
        if sessions & set(local):
            keep(interface, "carries an ssh session")
    if named:
        keep(named, "is management.interface of the configuration")
    return {name: list(dict.fromkeys(words)) for name, words in reasons.items()}


def link(system, folder):
    """Words where the slot gives less than the NIC could take."""
    speed, speed_max = (system.text(f"{folder}/{kind}_link_speed") for kind in ("current", "max"))
    width, width_max = (system.text(f"{folder}/{kind}_link_width") for kind in ("current", "max"))
    known = None not in (speed, speed_max, width, width_max) and "Unknown" not in (speed, speed_max)
    if not known or (speed, width) == (speed_max, width_max) or width == "0":
        return ""
    return f"{speed} x{width}, of {speed_max} x{width_max}"


def interfaces(system):
    """PCI address: interfaces. Read from where they lie, as those of virtio are a level deeper."""
    found = {}
    for name in system.names(NET):
        path = os.path.realpath(system.at(f"{NET}/{name}"))
        above = [part for part in path.split(os.sep) if ADDRESS.fullmatch(part)]
        if above:
            found.setdefault(above[-1], []).append(name)
    return found


def read_one(system, address, remembered, known):
    """`known` has interfaces by address; addresses, routes and reasons by interface."""
    folder = f"{PCI}/{address}"
    mine = known["interfaces"].get(address, [])
    interface = (mine or [""])[0]
    driver = system.link(f"{folder}/driver") or ""
    before = remembered.get(address, {})
    uppers = [entry[len("upper_"):] for name in mine for entry in system.names(f"{NET}/{name}")
              if entry.startswith("upper_")]
    ids = ":".join((system.text(f"{folder}/{name}") or "").replace("0x", "")
                   for name in ("vendor", "device"))

    def of_all(kind):
        return [word for name in mine for word in known[kind].get(name, ())]

    return Nic(
        address=address,
        ids=ids,
        driver=driver,
        kernel_driver=before.get("driver") or ("" if driver.startswith("vfio") else driver),
        interface=interface or before.get("interface", ""),
        node=system.number(f"{folder}/numa_node", -1),
        group=system.link(f"{folder}/iommu_group") or "",
        mac=system.text(f"{NET}/{interface}/address", "") if interface else before.get("mac", ""),
        state=system.text(f"{NET}/{interface}/operstate", "") if interface else "",
        addresses=of_all("addresses"),
        routes=of_all("routes"),
        above=uppers,
        vfs=system.number(f"{folder}/sriov_numvfs", 0),
        vfs_max=system.number(f"{folder}/sriov_totalvfs", 0),
        physical=system.link(f"{folder}/physfn") or "",
        link=link(system, folder),
        management=of_all("management"),
    )


def read(system, named="", remembered=None, environment=None):
    """Address: NIC. `remembered` is what a state file knows of NICs whose driver was taken away."""
    by_interface = addresses(system)
    known = {
        "interfaces": interfaces(system),
        "addresses": by_interface,
        "routes": routes(system),
        "management": management(system, by_interface, named, environment
                                 if environment is not None else os.environ),
    }
    found = {}
    for address in system.names(PCI):
        if (system.text(f"{PCI}/{address}/class") or "").startswith(CLASS_NETWORK):
            found[address] = read_one(system, address, remembered or {}, known)
    return found


def describe(system, nic):
    """Its model and firmware in words, from lspci and ethtool where these are there."""
    told = []
    try:
        words = re.findall(r'"([^"]*)"', system.ask("lspci", "-Dmm", "-s", nic.address))
        # Class, vendor, device.
        told.append(" ".join(words[1:3]))
    except files.Failed:
        told.append(nic.ids)
    try:
        lines = system.ask("ethtool", "-i", nic.interface).splitlines() if nic.interface else []
    except files.Failed:
        # It has no interface while vfio-pci has it.
        lines = []
    told += [line.replace("firmware-version: ", "firmware ") for line in lines
             if line.startswith("firmware-version: ") and line.split(": ")[1:] != [""]]
    return ", ".join(filter(None, told))


@dataclasses.dataclass
class Neighbour:
    """A device in an IOMMU group."""

    address: str
    driver: str
    interface: str
    bridge: bool


def group(system, number):
    """The devices of an IOMMU group."""
    members, by_address = [], interfaces(system)
    for address in system.names(f"/sys/kernel/iommu_groups/{number}/devices"):
        folder = f"{PCI}/{address}"
        members.append(Neighbour(
            address=address,
            driver=system.link(f"{folder}/driver") or "",
            interface=(by_address.get(address) or [""])[0],
            bridge=(system.text(f"{folder}/class") or "").startswith(CLASS_BRIDGE),
        ))
    return members
