"""The kernel's command line: which parameters, and why each."""

import dataclasses

import cpus
import firmware

# From here on hugepages=0:4,1:0 asks for pages by node; before, for pages on all nodes alike.
KERNEL_WITH_PAGES_BY_NODE = (5, 16)


@dataclasses.dataclass
class Parameter:
    text: str
    why: str

    def key(self):
        return self.text.partition("=")[0]


def isolation(host, config, placement):
    isolated = cpus.to_list(placement.isolated())
    built = host.platform.kernel_config
    if config["kernel.isolcpus"]:
        yield Parameter(f"isolcpus=managed_irq,domain,{isolated}",
                        "the scheduler puts nothing on lcores, nor drivers their queues' "
                        "interrupts")
    if built["NO_HZ_FULL"] is not False:
        yield Parameter(f"nohz_full={isolated}", "no tick on a CPU that runs one task")
    if built["RCU_NOCB_CPU"] is not False:
        yield Parameter(f"rcu_nocbs={isolated}", "RCU's callbacks run on the house")
    yield Parameter(f"irqaffinity={cpus.to_list(placement.house)}",
                    "interrupts go to the house from the first one on")


def size_text(size_kb):
    return "1G" if size_kb == 1048576 else f"{size_kb >> 10}M"


def hugepages(host, placement, one_size):
    """`one_size`: only the largest, where the boot loader's tool keeps no key twice."""
    sizes = sorted({pages["size_kb"] for pages in placement.hugepages}, reverse=True)
    if sizes:
        yield Parameter(f"default_hugepagesz={size_text(min(sizes))}",
                        "the size of whoever asks for none in particular")
    by_node = host.platform.version() >= KERNEL_WITH_PAGES_BY_NODE
    for size in sizes[:1] if one_size else sizes:
        counts = {node: 0 for node in host.nodes}
        for pages in placement.hugepages:
            if pages["size_kb"] == size:
                counts[pages["node"]] += pages["pages"]
        nodes = ",".join(f"{node}:{count}" for node, count in counts.items() if count)
        # An older kernel spreads them: what lies on the other nodes is the price.
        total = max(counts.values()) * len(counts)
        yield Parameter(f"hugepagesz={size_text(size)}", "of these, before memory is in pieces:")
        yield Parameter(f"hugepages={nodes if by_node else total}",
                        "on the nodes of the lcores" if by_node else
                        f"on all nodes alike: kernel {host.platform.kernel} cannot ask by node")


def iommu(host, config, placement):
    vfio = any(nic["action"] == "vfio-pci" or nic["vfs"] for nic in placement.nics)
    if not vfio or config["iommu.mode"] != "require":
        return
    if host.iommu.kind == "intel":
        yield Parameter("intel_iommu=on", "a NIC under vfio-pci reaches only what it was given")
    # AMD's IOMMU needs no word: it is on wherever the firmware offers it.
    if host.iommu.kind:
        yield Parameter("iommu=pt", "devices that the kernel keeps are not slowed by it")


def idle_and_clock(host, config):
    platform = host.platform
    if config["idle.limit_at_boot"] and platform.settings.get("idle driver", "none") != "none":
        if platform.vendor == "GenuineIntel":
            yield Parameter("intel_idle.max_cstate=1", "no deep sleep from which to wake late")
        yield Parameter("processor.max_cstate=1", "the same where ACPI decides")
    driver = {"passive": "passive", "acpi": "disable"}.get(config["frequency.driver"])
    if driver:
        name = "amd_pstate" if platform.vendor == "AuthenticAMD" else "intel_pstate"
        yield Parameter(f"{name}={driver}", "the frequency driver, as configured")
    if config["kernel.skew_tick"]:
        yield Parameter("skew_tick=1", "CPUs do not all tick, and lock, at the same instant")
    yield Parameter("nosoftlockup", "no watchdog asks why a polling core never rests")
    yield Parameter("nmi_watchdog=0", "nor interrupts it to see")
    yield Parameter("transparent_hugepage=never", "nothing is compacted behind our back")
    if tsc_reliable(platform, config):
        yield Parameter("tsc=reliable", "the clock's own watchdog does not interrupt every core")


def tsc_reliable(platform, config):
    """Only where it is: a TSC that stops or varies would make the kernel's clock wrong."""
    constant = {"constant_tsc", "nonstop_tsc"} <= set(platform.flags)
    if config["kernel.tsc_reliable"] == "on":
        return constant
    return (config["kernel.tsc_reliable"] == "auto" and constant and not platform.virtual
            and platform.clocksource == "tsc")


def absent(config):
    """Keys that the command line must not have, nor have kept from before."""
    given = {text.partition("=")[0] for text in config["kernel.extra"]}
    if not config["kernel.isolcpus"] and "isolcpus" not in given:
        yield Parameter("isolcpus", "kernel.isolcpus = false: a kubelet that gives out CPUs counts "
                                    "isolated ones like any other")


def wanted(host, config, placement):
    """Parameters in the order in which they stand on the command line."""
    one_size = host.loader == "grubby"
    found = []
    if placement.lcores:
        found += isolation(host, config, placement)
    found += hugepages(host, placement, one_size)
    found += iommu(host, config, placement)
    found += idle_and_clock(host, config)
    mine = {parameter.key() for parameter in found}
    found += [Parameter(text, "kernel.extra of the configuration")
              for text in config["kernel.extra"] if text.partition("=")[0] not in mine]
    return found


def for_kernel(words):
    """How many of a command line's words are for the kernel: what follows a lone -- is not."""
    return words.index("--") if "--" in words else len(words)


def of_keys(words, keys):
    return [word for word in words[:for_kernel(words)] if word.partition("=")[0] in keys]


def with_parameters(words, texts, absent_keys=()):
    """A command line's words with ours in place of others of the same keys."""
    keys = {text.partition("=")[0] for text in texts} | {*absent_keys}
    end = for_kernel(words)
    kept = [word for word in words[:end] if word.partition("=")[0] not in keys]
    return kept + list(texts) + words[end:]


def lacking(words, texts):
    """Those of `texts` that a command line has not, or has otherwise later on."""
    words, lacks = words[:for_kernel(words)], []
    for text in texts:
        key = text.partition("=")[0]
        same = [word for word in words if word.partition("=")[0] == key]
        repeated = key in ("hugepages", "hugepagesz")
        if not same or (text not in same if repeated else same[-1] != text):
            lacks.append(text)
    return lacks


def split(text):
    return firmware.split_cmdline(text)
