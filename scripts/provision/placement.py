"""Which CPUs do what, and where the memory lies: the proposal of `plan`, each choice with a reason.

* lcores lie on the node of the NIC that they serve, and share a last cache with each other where
  they can;
* the house (kernel threads, interrupts, everything else) keeps the first core of each node, CPU 0
  among them, and whatever no lcore needs;
* the other threads of an lcore's core do nothing: a sibling takes half of the core's resources.
"""

import dataclasses

import config as configuration
import cpus
import nics

BOOT_CPU = 0


class Impossible(Exception):
    """The host cannot give what the configuration asks for; `errors` says what."""

    def __init__(self, errors):
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclasses.dataclass
class Placement:
    lcores: list            # CPU of lcore i
    siblings: list          # other threads of their cores
    siblings_off: bool      # whether these go offline
    house: list
    hugepages: list         # {"node", "size_kb", "pages"}
    nics: list              # {"address", "action", "vfs", "reason"}
    reasons: list           # (about, reason)

    def isolated(self):
        """What the scheduler and interrupts stay away from."""
        return sorted(set(self.lcores) | set(self.siblings))


def choose_nics(host, config):
    """What becomes of each configured NIC. Whether it may is for refusals.py to say."""
    chosen, errors = [], []
    for at, wanted in enumerate(config.nics):
        nic = host.nic_of(wanted["device"])
        field = f"nic[{at}].device = \"{wanted['device']}\""
        if nic is None:
            there = ", ".join(f"{n.address} ({n.interface or n.driver or 'no driver'})"
                              for n in host.nics.values()) or "none"
            errors.append(f"{field}: must be a NIC of this host; there are: {there}")
            continue
        chosen.append({"address": nic.address, "vfs": wanted["vfs"],
                       **action(nic, wanted["driver"], wanted["vfs"])})
        if wanted["vfs"] > nic.vfs_max:
            errors.append(f"nic[{at}].vfs = {wanted['vfs']}: {nic.address} offers "
                          f"{nic.vfs_max or 'none'}" + (" at most" if nic.vfs_max else ""))
    addresses = [nic["address"] for nic in chosen]
    errors += [f"nic: {address} is named twice, by address and by interface"
               for address in sorted(set(addresses)) if addresses.count(address) > 1]
    return chosen, errors


def action(nic, driver, vfs):
    bifurcated = next((d for d in nics.BIFURCATED if d in (nic.driver, nic.kernel_driver)), None)
    if vfs:
        return {"action": "keep", "reason": f"stays with the kernel, which makes its {vfs} VFs; "
                                            "these go to vfio-pci"}
    if driver == "keep":
        return {"action": "keep", "reason": "stays with the kernel, as configured"}
    if bifurcated and driver == "auto":
        return {"action": "keep", "reason": f"stays with the kernel: {bifurcated} shares the NIC "
                                            "with DPDK, and without it DPDK has none"}
    return {"action": "vfio-pci", "reason": "goes to vfio-pci, which lets DPDK drive it from user "
                                            "space behind the IOMMU"}


def cores(host, node):
    """The cores of a node, each the sorted list of its threads."""
    found = {tuple(facts.siblings) for facts in host.cpus.values() if facts.node == node}
    return sorted(list(core) for core in found)


def choose_house(host, config, reasons, errors):
    """The CPUs that the house must have, before lcores are chosen."""
    wanted = config["lcores.house_cpus"]
    if wanted != "auto":
        unknown = sorted(set(wanted) - set(host.cpus))
        if unknown:
            errors.append(f"lcores.house_cpus = {wanted}: there is no CPU {cpus.to_list(unknown)}; "
                          f"this host has {cpus.to_list(host.cpus)}")
        if BOOT_CPU not in wanted:
            errors.append(f"lcores.house_cpus = {wanted}: must have CPU 0, which the kernel boots "
                          "on and to which it returns")
        reasons.append(("house", f"CPUs {cpus.to_list(wanted)} as configured"))
        return set(wanted)
    each = config["lcores.house_cores_per_node"]
    house = set(host.cpus[BOOT_CPU].siblings)
    for node in host.nodes:
        # With as many lcores as fit, a node's own kernel threads still have a place on it.
        for core in cores(host, node)[:each]:
            house |= set(core)
    reasons.append(("house", f"CPU 0, which the kernel boots on, and {each} core(s) of each node "
                             f"for its own kernel threads and interrupts: {cpus.to_list(house)}"))
    return house


def node_of(nic):
    return max(nic.node, 0)


def lcore_nodes(host, config, chosen, reasons):
    """The node of each lcore."""
    count, wanted = config["lcores.count"], config["lcores.node"]
    if wanted != "auto":
        reasons.append(("lcores", f"on node {wanted}, as configured"))
        return [wanted] * count
    serving = [host.nics[nic["address"]] for nic in chosen]
    if not serving:
        reasons.append(("lcores", "on node 0: no NIC is configured, so none is nearer"))
        return [min(host.nodes)] * count
    for nic in serving:
        if nic.node < 0:
            reasons.append((nic.address, "the firmware does not tell its node; taken as 0"))
    nodes = [node_of(serving[at % len(serving)]) for at in range(count)]
    for node in sorted(set(nodes)):
        near = [nic.address for nic in serving if node_of(nic) == node]
        reasons.append(("lcores", f"{nodes.count(node)} on node {node}, where {', '.join(near)} "
                                  "is: a remote node costs each packet a hop between sockets"))
    return nodes


def ranked(host, free, house):
    """Free cores of a node: those of one last cache together, the largest such set first.

    A cache that no house core shares comes before one that the house disturbs.
    """
    by_cache = {}
    for core in free:
        by_cache.setdefault(tuple(host.cpus[core[0]].l3), []).append(core)
    order = sorted(by_cache.items(),
                   key=lambda item: (bool(set(item[0]) & house), -len(item[1]), item[1][0]))
    ranked_cores = [core for _, group in order for core in group]
    # Stable: only a host of unlike cores is reordered by frequency.
    return sorted(ranked_cores, key=lambda core: -host.cpus[core[0]].khz_max)


def choose_lcores(host, config, nodes, house, reasons, errors):
    if config["lcores.cpus"] != "auto":
        return given_lcores(host, config, house, reasons, errors)
    chosen = []
    for node in sorted(set(nodes)):
        want = nodes.count(node)
        all_cores = cores(host, node)
        free = [core for core in all_cores if not set(core) & house]
        if want > len(free):
            errors.append(
                f"lcores.count = {config['lcores.count']}: {want} would lie on node {node}, which "
                f"has {len(all_cores)} core(s), of which the house keeps "
                f"{len(all_cores) - len(free)}: at most {len(free)}")
        chosen += [(node, core[0]) for core in ranked(host, free, house)[:want]]
    # Back into the order of the nodes, so that lcore i serves NIC i.
    lcores = []
    for node in nodes:
        own = next((pair for pair in chosen if pair[0] == node), None)
        if own:
            chosen.remove(own)
            lcores.append(own[1])
    caches = {tuple(host.cpus[cpu].l3) for cpu in lcores}
    if lcores and () not in caches and len(caches) == len(set(nodes)):
        apart = all(not set(cache) & house for cache in caches)
        reasons.append(("lcores", "those of a node share one last cache"
                        + (", which the house does not use" if apart else "")))
    return lcores


def given_lcores(host, config, house, reasons, errors):
    wanted = config["lcores.cpus"]
    field = f"lcores.cpus = {wanted}"
    unknown = sorted(set(wanted) - set(host.cpus))
    if unknown:
        errors.append(f"{field}: there is no CPU {cpus.to_list(unknown)}; this host has "
                      f"{cpus.to_list(host.cpus)}")
        return []
    if config["lcores.count"] != len(wanted):
        errors.append(f"lcores.count = {config['lcores.count']}: must be {len(wanted)}, as many as "
                      "lcores.cpus has, or be left out")
    boot = set(host.cpus[BOOT_CPU].siblings)
    for cpu in wanted:
        if cpu in boot:
            errors.append(f"{field}: CPU {cpu} is the boot CPU's core, which stays with the house")
        elif config["lcores.house_cpus"] != "auto" and set(host.cpus[cpu].siblings) & house:
            errors.append(f"{field}: CPU {cpu} is on a core of lcores.house_cpus")
        others = set(host.cpus[cpu].siblings) & set(wanted) - {cpu}
        if others and cpu < min(others):
            errors.append(f"{field}: CPUs {cpus.to_list(others | {cpu})} are threads of one core; "
                          "one lcore a core")
    reasons.append(("lcores", f"CPUs {wanted}, as configured"))
    return list(wanted)


def choose_hugepages(host, config, nodes, reasons, errors):
    """Pages for each node and size, summed."""
    pages = {}
    homes = sorted(set(nodes))
    for at, wanted in enumerate(config.hugepages):
        size_kb = configuration.SIZES_KB[wanted["size"]]
        where, field = wanted["node"], f"hugepages[{at}]"
        targets = homes if where == "auto" else sorted(host.nodes) if where == "each" else [where]
        if host.huge_sizes_kb and size_kb not in host.huge_sizes_kb:
            errors.append(f'{field}.size = "{wanted["size"]}": this CPU or kernel offers '
                          f"{', '.join(f'{kb} kB' for kb in host.huge_sizes_kb)}")
        for node in targets:
            if node not in host.nodes:
                errors.append(f"{field}.node = {node}: there is no such node; this host has "
                              f"{cpus.to_list(host.nodes)}")
                continue
            key = (node, size_kb)
            pages[key] = pages.get(key, 0) + wanted["mb"] * 1024 // size_kb
        if where == "auto":
            reasons.append(("hugepages", f"{wanted['mb']} MB of {wanted['size']} pages on node "
                                         f"{cpus.to_list(homes)}, where the lcores are"))
    for node, facts in host.nodes.items():
        check_memory(config, node, facts, pages, errors)
    return [{"node": node, "size_kb": kb, "pages": count}
            for (node, kb), count in sorted(pages.items())]


def check_memory(config, node, facts, pages, errors):
    """A node that gives all its memory away leaves a host that does not boot."""
    asked_mb = sum(count * kb // 1024 for (at, kb), count in pages.items() if at == node)
    house_mb = config["memory.house_mb_min"]
    room_mb = facts.memory_mb - house_mb
    if asked_mb and asked_mb > room_mb:
        errors.append(
            f"hugepages: {asked_mb} MB are asked of node {node}, which has {facts.memory_mb} MB "
            f"and keeps {house_mb} (memory.house_mb_min): at most {max(room_mb, 0)} MB")


def place(host, config):
    """The proposal, or Impossible with all that is wrong."""
    reasons = []
    chosen, errors = choose_nics(host, config)
    for name in ("lcores.node",):
        if config[name] != "auto" and config[name] not in host.nodes:
            errors.append(f"{name} = {config[name]}: there is no such node; this host has "
                          f"{cpus.to_list(host.nodes)}")
    if errors:
        raise Impossible(errors)
    house = choose_house(host, config, reasons, errors)
    nodes = lcore_nodes(host, config, chosen, reasons)
    lcores = choose_lcores(host, config, nodes, house, reasons, errors)
    if config["lcores.cpus"] != "auto" and not errors:
        nodes = [host.cpus[cpu].node for cpu in lcores]
    pages = choose_hugepages(host, config, nodes, reasons, errors)
    if errors:
        raise Impossible(errors)
    siblings = sorted({cpu for lcore in lcores for cpu in host.cpus[lcore].siblings}
                      - set(lcores))
    off = config["lcores.smt"] == "siblings-off"
    if siblings:
        reasons.append(("siblings", f"CPUs {cpus.to_list(siblings)} " + (
            "go offline: a thread beside an lcore takes half of its core" if off else
            "stay online but isolated, as configured")))
    isolated = set(lcores) | set(siblings)
    return Placement(lcores, siblings, off and bool(siblings),
                     sorted(set(host.cpus) - isolated), pages, chosen, reasons)


def warnings(host, placement):
    """What works, but not as well as it could."""
    found = []
    served = {host.cpus[cpu].node for cpu in placement.lcores}
    for chosen in placement.nics:
        nic = host.nics[chosen["address"]]
        if nic.node >= 0 and nic.node not in served:
            found.append(f"{nic.address} is on node {nic.node}, and no lcore is: every packet "
                         "crosses between sockets")
        if nic.link:
            found.append(f"{nic.address} runs at {nic.link}: a better slot would give it more")
        if nic.state == "down":
            found.append(f"{nic.address} ({nic.interface}) has no link, or is not up: "
                         "see to its cable before vfio-pci hides that")
    tsc = {"constant_tsc", "nonstop_tsc"} <= set(host.platform.flags)
    if not tsc or host.platform.clocksource != "tsc":
        found.append(f"the kernel's clock is {host.platform.clocksource or 'unknown'}"
                     + ("" if tsc else ", and the CPU does not promise a constant TSC")
                     + ": time stamps cost more and may jump")
    return found
