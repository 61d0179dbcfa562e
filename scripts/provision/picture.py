"""The placement as a picture in text: one box a node, one column a core."""

import cpus
import placement as placements

COLUMNS_MAX = 100
CELL = 7
LABEL = 9


def role(placement, cpu):
    if cpu in placement.lcores:
        return f"lcore{placement.lcores.index(cpu)}"
    if cpu in placement.siblings:
        return "off" if placement.siblings_off else "idle"
    return "house"


def core_rows(placement, cores):
    """Lines for as many cores as fit beside each other."""
    each = (COLUMNS_MAX - LABEL - 4) // CELL
    for start in range(0, len(cores), each):
        part = cores[start:start + each]
        for thread in range(max(len(core) for core in part)):
            threads = [core[thread] if thread < len(core) else None for core in part]
            label = "cpu" if thread == 0 else "sibling"
            yield f"{label:<{LABEL}}" + "".join(
                f"{'' if cpu is None else cpu:<{CELL}}" for cpu in threads)
            yield " " * LABEL + "".join(
                f"{'' if cpu is None else role(placement, cpu):<{CELL}}" for cpu in threads)


def nic_rows(host, placement, node):
    chosen = {nic["address"]: nic for nic in placement.nics}
    for nic in host.nics.values():
        if placements.node_of(nic) != node:
            continue
        if nic.address in chosen:
            fate = {"keep": "stays with the kernel"}.get(chosen[nic.address]["action"],
                                                         f"-> {chosen[nic.address]['action']}")
            if chosen[nic.address]["vfs"]:
                fate += f", {chosen[nic.address]['vfs']} VFs -> vfio-pci"
        else:
            fate = "management, never touched" if nic.management else "not configured, left alone"
        name = " ".join(filter(None, (nic.interface, nic.kernel_driver or nic.driver)))
        group = f" group {nic.group}" if nic.group else ""
        yield f"{'nic':<{LABEL}}{nic.address} {name}{group}: {fate}"


def page_rows(placement, node):
    for pages in placement.hugepages:
        if pages["node"] == node:
            size = "1 GB" if pages["size_kb"] == 1048576 else f"{pages['size_kb'] >> 10} MB"
            total_mb = pages["pages"] * pages["size_kb"] >> 10
            yield f"{'pages':<{LABEL}}{pages['pages']} x {size} = {total_mb} MB"


def box(title, rows):
    width = max([len(title) + 2, *(len(row.rstrip()) for row in rows)])
    yield f"+- {title} " + "-" * (width - len(title) - 1) + "+"
    for row in rows:
        yield f"| {row.rstrip():<{width}} |"
    yield "+" + "-" * (width + 2) + "+"


def draw(host, placement):
    """Lines."""
    lines = []
    for node, facts in host.nodes.items():
        rows = list(core_rows(placement, placements.cores(host, node)))
        rows += nic_rows(host, placement, node)
        rows += page_rows(placement, node)
        lines += box(f"node {node}: {facts.memory_mb} MB, CPUs {cpus.to_list(facts.cpus)}", rows)
    width = max((len(about) for about, _ in placement.reasons), default=0)
    lines += [f"  {about:<{width}}  {reason}" for about, reason in placement.reasons]
    lines += [f"  {nic['address']:<{width}}  {nic['reason']}" for nic in placement.nics]
    return lines
