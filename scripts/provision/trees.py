"""Made hosts for the tests: just those files of sysfs, procfs and /etc that are read or written."""

import json
import os
import pathlib
import subprocess

import cpus
import step_entries
import step_grub
from system import System

TEN_LINUX = """\
#!/bin/sh
for kernel in 6.1.0-2-amd64 6.1.0-1-amd64; do
    echo "menuentry '$GRUB_DISTRIBUTOR GNU/Linux, $kernel' {"
    printf '\\tlinux\\t/boot/vmlinuz-%s root=/dev/sda1 ro %s %s\\n' "$kernel" \\
        "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"
    echo "}"
done
"""
TOOLS = {
    "debian": ("grub-mkconfig", "grub-script-check"),
    "rhel": ("grubby",),
}
COMMON_TOOLS = ("modprobe", "systemctl", "systemd-sysusers", "udevadm", "userdel", "ip")
PF_NO_SETAFFINITY = 0x04000000


class Tree:
    """Writes files below a folder; `link` makes relative links, as sysfs has them."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def put(self, path, text="", mode=0o644):
        where = self.root / path.lstrip("/")
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text if not text or text.endswith("\n") else text + "\n",
                         encoding="utf-8")
        where.chmod(mode)

    def put_bytes(self, path, data):
        where = self.root / path.lstrip("/")
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(data)

    def folder(self, path):
        (self.root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def link(self, path, target):
        where = self.root / path.lstrip("/")
        where.parent.mkdir(parents=True, exist_ok=True)
        where.symlink_to(os.path.relpath(self.root / target.lstrip("/"), where.parent))

    # ---- CPUs, memory --------------------------------------------------------------------------

    def cpu(self, cpu, node, core, siblings, l3):
        folder = f"/sys/devices/system/cpu/cpu{cpu}"
        self.put(f"{folder}/topology/thread_siblings_list", cpus.to_list(siblings))
        self.put(f"{folder}/topology/physical_package_id", str(node))
        self.put(f"{folder}/topology/core_id", str(core))
        self.put(f"{folder}/cache/index3/level", "3")
        self.put(f"{folder}/cache/index3/shared_cpu_list", cpus.to_list(l3))
        self.put(f"{folder}/power/pm_qos_resume_latency_us", "0")
        if cpu:
            self.put(f"{folder}/online", "1")

    def policy(self, cpu, turbo_khz, base_khz, intel):
        folder = f"/sys/devices/system/cpu/cpufreq/policy{cpu}"
        self.put(f"{folder}/affected_cpus", str(cpu))
        self.put(f"{folder}/scaling_governor", "powersave" if intel else "schedutil")
        self.put(f"{folder}/scaling_min_freq", "800000")
        self.put(f"{folder}/scaling_max_freq", str(turbo_khz))
        self.put(f"{folder}/cpuinfo_min_freq", "800000")
        self.put(f"{folder}/cpuinfo_max_freq", str(turbo_khz))
        if intel:
            self.put(f"{folder}/base_frequency", str(base_khz))
            self.put(f"{folder}/energy_performance_preference", "balance_performance")
        else:
            self.put(f"{folder}/scaling_available_frequencies",
                     f"{base_khz + 1000} {base_khz} 800000")
        self.link(f"/sys/devices/system/cpu/cpu{cpu}/cpufreq", folder)

    def processors(self, nodes, cores, threads, intel, l3_cores=None, frequency=True):
        """CPU numbers as real machines have them: all first threads, then all second ones."""
        total = nodes * cores
        l3_cores = l3_cores or cores
        for thread in range(threads):
            for core in range(total):
                first = core - core % l3_cores
                siblings = [core + total * t for t in range(threads)]
                l3 = [c + total * t for c in range(first, first + l3_cores)
                      for t in range(threads)]
                cpu = core + total * thread
                self.cpu(cpu, core // cores, core % cores, siblings, l3)
                if frequency:
                    self.policy(cpu, 3600000, 2400000, intel)
        everything = f"0-{total * threads - 1}"
        for name in ("present", "online", "possible"):
            self.put(f"/sys/devices/system/cpu/{name}", everything)
        for name in ("offline", "isolated", "nohz_full"):
            self.put(f"/sys/devices/system/cpu/{name}", "\n")
        self.put("/sys/devices/system/cpu/smt/control", "on" if threads > 1 else "notsupported")
        if intel and frequency:
            self.put("/sys/devices/system/cpu/intel_pstate/no_turbo", "0")
            for node in range(nodes):
                uncore = f"/sys/devices/system/cpu/intel_uncore_frequency/package_0{node}_die_00"
                self.put(f"{uncore}/min_freq_khz", "800000")
                self.put(f"{uncore}/max_freq_khz", "2400000")
        elif frequency:
            self.put("/sys/devices/system/cpu/cpufreq/boost", "1")
        if frequency:
            self.put("/sys/devices/system/cpu/cpuidle/current_driver",
                     "intel_idle" if intel else "acpi_idle")
        for node in range(nodes):
            own = {c + total * t for c in range(node * cores, (node + 1) * cores)
                   for t in range(threads)}
            self.node(node, own)

    def node(self, node, own):
        folder = f"/sys/devices/system/node/node{node}"
        self.put(f"{folder}/cpulist", cpus.to_list(own))
        self.put(f"{folder}/meminfo", f"Node {node} MemTotal: 67108864 kB\n"
                                      f"Node {node} MemFree: 60000000 kB\n")
        for size in (2048, 1048576):
            self.put(f"{folder}/hugepages/hugepages-{size}kB/nr_hugepages", "0")
            self.folder(f"/sys/kernel/mm/hugepages/hugepages-{size}kB")

    # ---- devices -------------------------------------------------------------------------------

    def device(self, address, bus, kind, driver, node, group):
        real = f"/sys/devices/{bus}/{address}"
        self.put(f"{real}/class", kind)
        self.put(f"{real}/vendor", "0x8086")
        self.put(f"{real}/device", "0x1572")
        self.put(f"{real}/numa_node", str(node))
        self.put(f"{real}/driver_override", "(null)")
        self.link(f"/sys/bus/pci/devices/{address}", real)
        if driver:
            self.put(f"/sys/bus/pci/drivers/{driver}/unbind", "")
            self.link(f"{real}/driver", f"/sys/bus/pci/drivers/{driver}")
            self.put(f"/.pretend/native-{address}", driver)
        if group is not None:
            self.folder(f"/sys/kernel/iommu_groups/{group}/devices")
            self.link(f"{real}/iommu_group", f"/sys/kernel/iommu_groups/{group}")
            self.link(f"/sys/kernel/iommu_groups/{group}/devices/{address}", real)
        return real

    def nic(self, address, interface, driver="i40e", node=0, group=None, vfs=0):
        real = self.device(address, f"pci0000:{address[5:7]}", "0x020000", driver, node, group)
        self.put("/sys/bus/pci/drivers_probe", "")
        if vfs:
            self.put(f"{real}/sriov_totalvfs", str(vfs))
            self.put(f"{real}/sriov_numvfs", "0")
        if interface:
            self.put(f"{real}/net/{interface}/address", f"52:54:00:00:{address[5:7]}:01")
            self.put(f"{real}/net/{interface}/operstate", "up")
            self.link(f"/sys/class/net/{interface}", f"{real}/net/{interface}")

    def network(self, default="eth0", others=()):
        """The default route through `default`; others are (interface, address)."""
        head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        rows = [f"{default} 00000000 0100A8C0 0003 0 0 0 00000000 0 0 0",
                f"{default} 0000A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0"]
        rows += [f"{name} 0000000A 00000000 0001 0 0 0 000000FF 0 0 0" for name, _ in others]
        self.put("/proc/net/route", head + "\n".join(rows))
        pairs = [(default, "192.168.0.2"), *others]
        self.put("/.pretend/addresses", json.dumps([
            {"ifname": name, "addr_info": [{"local": address, "scope": "global"}]}
            for name, address in pairs]))
        self.put("/proc/net/tcp", "sl local_address rem_address st\n")

    def iommu(self, kind):
        table = {"intel": "DMAR", "amd": "IVRS"}[kind]
        self.put(f"/sys/firmware/acpi/tables/{table}", "")
        self.folder(f"/sys/class/iommu/{'dmar0' if kind == 'intel' else 'ivhd0'}")

    # ---- the kernel ----------------------------------------------------------------------------

    def kernel(self, count, cmdline, release="6.1.0-2-amd64", model="Intel(R) Xeon(R) Gold",
               vendor="GenuineIntel", flags="constant_tsc nonstop_tsc", clocksource="tsc"):
        everything = f"0-{count - 1}"
        self.put("/proc/cmdline", cmdline)
        self.put("/proc/cpuinfo", f"vendor_id : {vendor}\nmodel name : {model}\nflags : {flags}")
        for name, value in (("osrelease", release), ("hostname", "made"), ("numa_balancing", "1"),
                            ("nmi_watchdog", "1"), ("soft_watchdog", "1"),
                            ("timer_migration", "1"), ("hung_task_timeout_secs", "120"),
                            ("random/boot_id", "first-boot")):
            self.put(f"/proc/sys/kernel/{name}", value)
        for name, value in (("stat_interval", "1"), ("swappiness", "60"),
                            ("zone_reclaim_mode", "0"), ("compaction_proactiveness", "20")):
            self.put(f"/proc/sys/vm/{name}", value)
        self.put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never")
        self.put("/sys/kernel/mm/transparent_hugepage/defrag",
                 "always defer defer+madvise [madvise] never")
        self.put("/sys/kernel/mm/ksm/run", "1")
        self.put("/sys/module/pcie_aspm/parameters/policy",
                 "[default] performance powersave powersupersave")
        self.put("/sys/kernel/security/lockdown", "[none] integrity confidentiality")
        mask = cpus.to_mask(cpus.parse_list(everything))
        for name in ("cpumask", "writeback/cpumask"):
            self.put(f"/sys/devices/virtual/workqueue/{name}", mask)
        self.put("/proc/irq/default_smp_affinity", mask)
        for cpu in range(count):
            self.put(f"/sys/devices/system/machinecheck/machinecheck{cpu}/ignore_ce", "0")
        self.put("/sys/devices/system/clocksource/clocksource0/current_clocksource", clocksource)
        self.interrupts(everything)
        self.threads(everything)

    def interrupts(self, everything):
        for irq, name, where in ((24, "eth0-TxRx-0", everything), (25, "eth0-TxRx-1", "2"),
                                 (26, "nvme0q1", "1"), (30, "ahci", "0"), (40, "", everything)):
            self.put(f"/proc/irq/{irq}/smp_affinity_list", where)
            if name:
                self.folder(f"/proc/irq/{irq}/{name}")
        self.put("/proc/irq/24/node", "0")
        # The kernel manages those of NVMe queues itself, and refuses.
        self.put("/.pretend/managed_irqs", "26")

    def threads(self, everything):
        kernel = 0x208040
        for pid, name, parent, flags in ((2, "kthreadd", 0, kernel), (12, "rcu_sched", 2, kernel),
                                         (14, "ksoftirqd/0", 2, kernel | PF_NO_SETAFFINITY),
                                         (90, "a) (name", 2, kernel), (800, "sshd", 1, 0x400000)):
            fields = " ".join(["S", str(parent), "0 0 0 -1", str(flags)] + ["0"] * 12
                              + [str(pid * 10), "0 0"])
            self.put(f"/proc/{pid}/stat", f"{pid} ({name}) {fields}")
            self.put(f"/proc/{pid}/status", f"Name:\t{name}\nCpus_allowed_list:\t{everything}\n")

    # ---- the distribution ----------------------------------------------------------------------

    def distribution(self, family, driverctl=True):
        names = {"debian": ('ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',),
                 "rhel": ('ID="rocky"\nID_LIKE="rhel centos fedora"\n'
                          'PRETTY_NAME="Rocky Linux 9.4"',)}
        self.put("/etc/os-release", names[family][0])
        self.put("/etc/passwd", "root:x:0:0:root:/root:/bin/bash")
        self.put("/etc/group", "root:x:0:")
        for tool in (*COMMON_TOOLS, *TOOLS[family], *(("driverctl",) if driverctl else ())):
            self.put(f"/usr/sbin/{tool}", "", 0o755)
        for folder in ("/etc/sysctl.d", "/etc/modules-load.d", "/etc/systemd/system/"
                       "multi-user.target.wants", "/var/lib", "/run/active", "/etc/udev/rules.d",
                       "/usr/local/lib", "/.pretend"):
            self.folder(folder)
        for unit in ("irqbalance.service", *(("tuned.service",) if family == "rhel" else ())):
            self.put(f"/usr/lib/systemd/system/{unit}", "[Service]")
            self.link(f"/etc/systemd/system/multi-user.target.wants/{unit}",
                      f"/usr/lib/systemd/system/{unit}")
            self.put(f"/run/active/{unit}", "")

    def grub(self, extra="quiet"):
        self.put("/etc/default/grub", 'GRUB_DISTRIBUTOR="Debian"\nGRUB_CMDLINE_LINUX=""\n'
                                      f'GRUB_CMDLINE_LINUX_DEFAULT="{extra}"')
        self.put("/etc/grub.d/10_linux", TEN_LINUX, 0o755)
        menu = subprocess.run(["sh", "-c", TEN_LINUX], capture_output=True, text=True, check=True,
                              env={"GRUB_DISTRIBUTOR": "Debian", "GRUB_CMDLINE_LINUX": "",
                                   "GRUB_CMDLINE_LINUX_DEFAULT": extra, "PATH": os.environ["PATH"]})
        self.put("/boot/grub/grub.cfg", menu.stdout, 0o444)
        for kernel in ("6.1.0-2-amd64", "6.1.0-1-amd64"):
            self.put(f"/boot/config-{kernel}", "CONFIG_NO_HZ_FULL=y\nCONFIG_CPU_ISOLATION=y\n"
                                               "CONFIG_RCU_NOCB_CPU=y\nCONFIG_VFIO_NOIOMMU=y\n")

    def entries(self, folder, kernels, options, variable=False):
        """Entries after the Boot Loader Specification."""
        for kernel in kernels:
            words = "$kernelopts" if variable else options
            self.put(f"{folder}/0123456789abcdef-{kernel}.conf",
                     f"title Made Linux ({kernel})\nversion {kernel}\nlinux /vmlinuz-{kernel}\n"
                     f"initrd /initramfs-{kernel}.img\noptions {words}\nsort-key made\n")
        if variable:
            self.put("/boot/grub2/grubenv", f"# GRUB Environment Block\nkernelopts={options}\n")


# ---- whole hosts -------------------------------------------------------------------------------

def four_nics(tree, driver="i40e", groups=True):
    """Two on each node, eth0 for management."""
    for at, node in enumerate((0, 0, 1, 1)):
        tree.nic(f"0000:{2 * (node + 1)}{at % 2 + 1}:00.0", f"eth{at}", driver, node,
                 10 + at if groups else None, vfs=8)
    tree.network("eth0")


def intel_two_nodes(root, driverctl=True, cmdline="ro quiet"):
    """Two sockets of eight cores with SMT, four NICs, Debian with GRUB."""
    tree = Tree(root)
    tree.processors(2, 8, 2, intel=True)
    tree.distribution("debian", driverctl)
    tree.kernel(32, f"BOOT_IMAGE=/boot/vmlinuz-6.1.0-2-amd64 root=/dev/sda1 {cmdline}")
    tree.grub(cmdline.replace("ro ", ""))
    tree.iommu("intel")
    four_nics(tree)
    return tree


def amd_one_node(root):
    """One socket of sixteen cores in four cache domains, with SMT and acpi-cpufreq."""
    tree = Tree(root)
    tree.processors(1, 16, 2, intel=False, l3_cores=4)
    tree.distribution("debian")
    tree.kernel(32, "BOOT_IMAGE=/boot/vmlinuz-6.1.0-2-amd64 root=/dev/sda1 ro quiet",
                model="AMD EPYC", vendor="AuthenticAMD")
    tree.grub()
    tree.iommu("amd")
    tree.nic("0000:21:00.0", "eth0", "igb", 0, 10)
    tree.nic("0000:22:00.0", "eth1", "ice", 0, 11)
    tree.network("eth0")
    return tree


def rhel(root, variable=False):
    """One socket without SMT; entries of the Boot Loader Specification, grubby, tuned."""
    tree = Tree(root)
    tree.processors(1, 8, 1, intel=True)
    tree.distribution("rhel", driverctl=True)
    kernels = ("5.14.0-427.el9.x86_64", "5.14.0-362.el9.x86_64")
    tree.kernel(8, "root=/dev/mapper/rl-root ro crashkernel=1G", release=kernels[0])
    tree.entries("/boot/loader/entries", kernels, "root=/dev/mapper/rl-root ro crashkernel=1G",
                 variable)
    tree.put("/etc/kernel/cmdline", "root=/dev/mapper/rl-root ro crashkernel=1G")
    tree.put("/etc/default/grub", 'GRUB_CMDLINE_LINUX="crashkernel=1G"')
    tree.iommu("intel")
    tree.nic("0000:21:00.0", "eth0", "tg3", 0, 10)
    tree.nic("0000:22:00.0", "eth1", "ice", 0, 11)
    tree.network("eth0")
    return tree


def small(root, cores=4, smt=1, iommu=True):
    """A Debian of one node with GRUB and the NIC by which it is reached; tests add the others."""
    tree = Tree(root)
    tree.processors(1, cores, smt, intel=True)
    tree.distribution("debian")
    tree.kernel(4, "root=/dev/sda1 ro quiet")
    tree.grub()
    if iommu:
        tree.iommu("intel")
        tree.nic("0000:21:00.0", "eth0", "igb", 0, 10)
    else:
        tree.nic("0000:21:00.0", "eth0", "igb")
    return tree


def systemd_boot(root):
    """Debian with systemd-boot instead of GRUB."""
    tree = Tree(root)
    tree.processors(1, 8, 1, intel=True)
    tree.distribution("debian", driverctl=False)
    kernels = ("6.1.0-2-amd64", "6.1.0-1-amd64")
    tree.kernel(8, "root=/dev/sda1 ro quiet", release=kernels[0])
    tree.entries("/boot/efi/loader/entries", kernels, "root=/dev/sda1 ro quiet")
    tree.put("/boot/efi/loader/loader.conf", "timeout 3")
    tree.put_bytes("/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
                   b"\6\0\0\0" + "systemd-boot 252".encode("utf-16-le"))
    tree.iommu("intel")
    tree.nic("0000:21:00.0", "eth0", "igb", 0, 10)
    tree.nic("0000:22:00.0", "eth1", "igb", 0, 11)
    tree.network("eth0")
    return tree


def unified(root):
    """Debian with systemd-boot, whose kernels have their command lines inside; old entries too."""
    tree = systemd_boot(root)
    tree.kernel(8, "root=/dev/sda1 ro quiet", release="6.1.0-2-amd64")
    tree.put_bytes("/boot/efi/EFI/Linux/debian-6.1.0-2-amd64.efi", b"MZ, and a kernel")
    tree.put_bytes("/sys/firmware/efi/efivars/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
                   b"\6\0\0\0" + "systemd-stub 252".encode("utf-16-le"))
    return tree


def testbed(root):
    """The emulated host of config/host/testbed.toml: QEMU starts its kernel, and offers little."""
    tree = Tree(root)
    tree.processors(2, 2, 1, intel=False)
    tree.distribution("debian", driverctl=False)
    tree.kernel(4, "root=/dev/vda rw console=ttyS0 net.ifnames=0", model="QEMU TCG CPU",
                vendor="AuthenticAMD", flags="hypervisor", clocksource="hpet")
    tree.put("/sys/devices/system/cpu/cpuidle/current_driver", "none")
    for node in (0, 1):
        tree.put(f"/sys/devices/system/node/node{node}/meminfo",
                 f"Node {node} MemTotal: 1510000 kB\nNode {node} MemFree: 1200000 kB\n")
    tree.iommu("intel")
    models = ("igb", "igb", "virtio-pci", "virtio-pci", "e1000e", "vmxnet3")
    for at, driver in enumerate(models):
        address = f"0000:{2 * (at % 2 + 1)}{at // 2 + 1}:00.0"
        tree.nic(address, f"eth{at}", driver, at % 2, 10 + at)
    tree.put("/proc/net/route", "Iface Destination Gateway Flags RefCnt Use Metric Mask\n")
    return tree


def snapshot(root):
    """Everything below a folder: kinds, modes, contents, targets."""
    found = {}
    for folder, names, file_names in os.walk(root):
        for name in (*names, *file_names):
            path = os.path.join(folder, name)
            short = path[len(str(root)):]
            if os.path.islink(path):
                found[short] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                found[short] = ("folder", os.stat(path).st_mode & 0o777)
            else:
                with open(path, "rb") as file:
                    found[short] = ("file", os.stat(path).st_mode & 0o777, file.read())
    return found


def default_entry_words(system: System):
    """The command line that the next boot would have."""
    text = system.text(step_grub.GRUB_CFG)
    if text is not None:
        return step_grub.menu_lines(text)[0]
    folder = next(folder for folder in ("/boot/loader/entries", "/boot/efi/loader/entries")
                  if system.is_dir(folder))
    found = step_entries.entries(system, folder)
    return step_entries.options(system, found[step_entries.default_entry(system, found)])
