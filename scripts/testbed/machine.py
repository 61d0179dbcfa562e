"""The emulated host as arguments of QEMU: two NUMA nodes, an enforcing IOMMU, six NICs.

      node 0 (CPUs 0, 1)                      node 1 (CPUs 2, 3)
      21:00.0  igb ───────────────────────── 41:00.0  igb
      22:00.0  virtio-net ────────────────── 42:00.0  virtio-net
      23:00.0  e1000e ────────────────────── 43:00.0  vmxnet3

Each pair is joined by a cable: a pair of datagram sockets. The management NIC leads to this machine
alone, by a port of its loopback address that is the guest's ssh.
"""

import pathlib

MEMORY_MB = 3072
CPUS = 4
# Of each node: (model, cable, end of it, arguments). Slots are in this order from 0x21 and 0x41 on.
VIRTIO = ",iommu_platform=on,disable-legacy=on,disable-modern=off,ats=on"
NODES = (
    (("igb", 0, "a", ""), ("virtio-net-pci", 1, "a", VIRTIO), ("e1000e", 2, "a", "")),
    (("igb", 0, "b", ""), ("virtio-net-pci", 1, "b", VIRTIO), ("vmxnet3", 2, "b", "")),
)
PAIRS = (("0000:21:00.0", "0000:41:00.0"), ("0000:22:00.0", "0000:42:00.0"),
         ("0000:23:00.0", "0000:43:00.0"))
MANAGEMENT_MAC = "52:54:00:00:00:fe"


def cpus():
    """Under TCG, also where the processor could run guests: stock kernels do not come up nested.

    All CPUs on one thread: with one each (QEMU 10.0), an end of interrupt is lost now and then,
    after which that CPU takes no timer any more. It boots no slower.
    """
    per_node, per_node_mb = CPUS // 2, MEMORY_MB // 2
    words = ["-machine", "q35,kernel-irqchip=split", "-accel", "tcg,thread=single,tb-size=512",
             "-cpu", "max", "-smp", f"{CPUS},sockets=2,cores={per_node},threads=1",
             "-m", str(MEMORY_MB)]
    for node in range(2):
        first = node * per_node
        words += ["-object", f"memory-backend-ram,id=m{node},size={per_node_mb}M", "-numa",
                  f"node,nodeid={node},memdev=m{node},cpus={first}-{first + per_node - 1}"]
    return words


def nics(folder):
    words = []
    for node, cards in enumerate(NODES):
        words += ["-device",
                  f"pxb-pcie,id=px{node},bus_nr={0x20 + 0x20 * node},numa_node={node},bus=pcie.0"]
        for slot, (model, cable, end, more) in enumerate(cards):
            name = f"{cable}{end}"
            local, remote = (str(folder / f"cable{cable}{e}") for e in (end, "ab"[end == "a"]))
            words += ["-device", f"pcie-root-port,id=rp{name},chassis={1 + node * 3 + slot},"
                                 f"slot={slot},bus=px{node}",
                      "-netdev", f"dgram,id=n{name},local.type=unix,local.path={local},"
                                 f"remote.type=unix,remote.path={remote}",
                      "-device", f"{model},netdev=n{name},bus=rp{name},romfile=,"
                                 f"mac=52:54:00:00:{node:02x}:{slot:02x}{more}"]
    return words


def arguments(folder, ssh_port):
    folder = pathlib.Path(folder)
    return [
        "qemu-system-x86_64", *cpus(),
        "-device", "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on",
        "-acpitable", f"file={folder / 'pstates.aml'}",
        "-drive", f"file={folder / 'disk.qcow2'},format=qcow2,if=none,id=disk,cache=unsafe",
        "-device", "virtio-blk-pci,drive=disk,bus=pcie.0,bootindex=0",
        "-netdev", f"user,id=management,restrict=on,hostfwd=tcp:127.0.0.1:{ssh_port}-:22",
        "-device", f"virtio-net-pci,netdev=management,bus=pcie.0,romfile=,mac={MANAGEMENT_MAC}",
        *nics(folder),
        "-chardev", f"socket,id=console,path={folder / 'console.sock'},server=on,wait=off,"
                    f"logfile={folder / 'console.log'}",
        "-serial", "chardev:console",
        "-qmp", f"unix:{folder / 'qmp.sock'},server=on,wait=off",
        "-pidfile", str(folder / "qemu.pid"), "-display", "none", "-nodefaults",
    ]
