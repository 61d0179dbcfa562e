"""A kernel and tools for the files of a host that is not this machine: what --root works on.

Below another root there is nobody behind sysfs who binds a driver when its name is written, and
no update-grub that could be run without changing this machine. This does what they would, no more:
it is there to try a plan on a copied host, and for the tests. What it must remember and a kernel
would know lies in /.pretend of the tree.
"""

import errno
import os
import pathlib
import shutil
import subprocess

import cpus
import firmware
import system as files

OWN = "/.pretend"
PCI = "/sys/bus/pci"
CPU = "/sys/devices/system/cpu"
UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system")


def refuse(number):
    raise OSError(number, os.strerror(number))


class Pretend(files.System):
    """Methods named on_... stand for the kernel's files, tool_... for programs."""

    # ---- small things --------------------------------------------------------------------------

    def _write(self, path, text):
        pathlib.Path(self.at(path)).write_text(text, encoding="utf-8")

    def _move(self, source, target):
        os.makedirs(os.path.dirname(self.at(target)), exist_ok=True)
        shutil.move(self.at(source), self.at(target))

    def _link(self, path, target):
        """Relative, as the kernel and systemctl make them here."""
        os.symlink(os.path.relpath(self.at(target), os.path.dirname(self.at(path))), self.at(path))

    def _stash(self, path):
        if self.exists(path):
            self._move(path, f"{OWN}/stash{path}")

    def _unstash(self, path):
        kept = f"{OWN}/stash{path}"
        if self.exists(kept):
            self._move(kept, path)
            folder = os.path.dirname(self.at(kept))
            while folder != self.at(OWN) and not os.listdir(folder):
                os.rmdir(folder)
                folder = os.path.dirname(folder)

    # ---- the kernel's files --------------------------------------------------------------------

    def write_knob(self, path, value):
        self.about_to(f"write {path}")
        where = self._inside(path)
        if not os.path.isfile(where):
            refuse(errno.ENOENT)
        for suffix, handler in (
                ("/unbind", self.on_unbind), ("/drivers_probe", self.on_probe),
                ("/driver_override", self.on_override), ("/online", self.on_online),
                ("/sriov_numvfs", self.on_vfs), ("/smp_affinity_list", self.on_irq),
                ("_freq", self.on_frequency), ("/energy_performance_preference", self.on_epp),
                ("/nr_hugepages", self.on_hugepages)):
            if path.endswith(suffix):
                handler(path, value)
                return
        self.on_any(path, value)

    def on_any(self, path, value):
        old = self.text(path, "")
        if "[" in old:
            words = old.replace("[", "").replace("]", "").split()
            if value not in words:
                refuse(errno.EINVAL)
            value = " ".join(f"[{word}]" if word == value else word for word in words)
        self._write(path, value + "\n")

    def on_frequency(self, path, value):
        folder, low = os.path.dirname(path), path.endswith("min_freq")
        other = self.number(f"{folder}/scaling_{'max' if low else 'min'}_freq", 0)
        if (int(value) > other) if low else (int(value) < other):
            refuse(errno.EINVAL)
        self._write(path, value + "\n")

    def on_epp(self, path, value):
        governor = self.text(os.path.dirname(path) + "/scaling_governor")
        if governor == "performance" and value != "performance":
            refuse(errno.EBUSY)
        self._write(path, value + "\n")

    def on_hugepages(self, path, value):
        room = self.number(f"{OWN}/hugepages_max", 1 << 30)
        self._write(path, f"{min(int(value), room)}\n")

    def on_irq(self, path, value):
        irq = path.split("/")[-2]
        if irq in (self.text(f"{OWN}/managed_irqs") or "").split():
            refuse(errno.EIO)
        self._write(path, cpus.to_list(cpus.parse_list(value)) + "\n")

    def on_online(self, path, value):
        cpu = path.split("/")[-2]
        number = int(cpu[len("cpu"):])
        gone = [f"{CPU}/{cpu}/{name}" for name in ("topology", "cache", "cpufreq")]
        gone.append(f"{CPU}/cpufreq/policy{number}")
        online = cpus.parse_list(self.text(f"{CPU}/online"))
        for folder in gone:
            (self._stash if value == "0" else self._unstash)(folder)
        online = online - {number} if value == "0" else online | {number}
        self._write(path, value + "\n")
        self._write(f"{CPU}/online", cpus.to_list(online) + "\n")
        self._write(f"{CPU}/offline",
                    cpus.to_list(cpus.parse_list(self.text(f"{CPU}/present")) - online) + "\n")

    # ---- devices -------------------------------------------------------------------------------

    def on_override(self, path, value):
        self._write(path, (value or "(null)") + "\n")

    def on_unbind(self, path, address):
        driver = path.split("/")[-2]
        folder = f"{PCI}/devices/{address}"
        if self.link(f"{folder}/driver") != driver:
            refuse(errno.ENODEV)
        os.unlink(self.at(f"{folder}/driver"))
        for name in self.names(f"{folder}/net"):
            os.unlink(self.at(f"/sys/class/net/{name}"))
            self._write(f"{OWN}/net-{address}", name)
        self._stash(os.path.realpath(self.at(f"{folder}/net"))[len(self.root):])

    def on_probe(self, path, address):
        folder = f"{PCI}/devices/{address}"
        override = self.text(f"{folder}/driver_override")
        native = self.text(f"{OWN}/native-{address}", "")
        driver = native if override in (None, "", "(null)") else override
        if not self.exists(f"{PCI}/drivers/{driver}") or self.exists(f"{folder}/driver"):
            return
        unsafe = self.text("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y"
        if driver == "vfio-pci" and not self.exists(f"{folder}/iommu_group") and not unsafe:
            return
        real = os.path.realpath(self.at(folder))[len(self.root):]
        self._link(f"{real}/driver", f"{PCI}/drivers/{driver}")
        name = self.text(f"{OWN}/net-{address}")
        if driver == native and name:
            self._unstash(f"{real}/net")
            self._link(f"/sys/class/net/{name}", f"{real}/net/{name}")
            os.unlink(self.at(f"{OWN}/net-{address}"))

    def on_vfs(self, path, value):
        folder = os.path.dirname(path)
        if int(value) and self.number(path):
            refuse(errno.EBUSY)
        if int(value) > self.number(f"{folder}/sriov_totalvfs", 0):
            refuse(errno.ERANGE)
        address = folder.rpartition("/")[2]
        for at in range(self.number(path)):
            self._remove_vf(folder, address, at)
        for at in range(int(value)):
            self._make_vf(folder, address, at)
        self._write(path, value + "\n")

    def _vf(self, address, at):
        return f"{address[:-1].replace(':00.', ':10.')}{at}"

    def _make_vf(self, folder, address, at):
        vf = self._vf(address, at)
        real = f"/sys/devices/pci-vfs/{vf}"
        os.makedirs(self.at(real))
        for name, text in (("class", "0x020000"), ("vendor", "0x8086"), ("device", "0x154c"),
                           ("numa_node", self.text(f"{folder}/numa_node")),
                           ("driver_override", "(null)")):
            self._write(f"{real}/{name}", text + "\n")
        if self.exists(f"{folder}/iommu_group"):
            self._link(f"{real}/iommu_group", f"/sys/kernel/iommu_groups/9{at}")
        self._link(f"{PCI}/devices/{vf}", real)
        self._link(f"{real}/physfn", f"{PCI}/devices/{address}")
        self._link(f"{folder}/virtfn{at}", real)

    def _remove_vf(self, folder, address, at):
        vf = self._vf(address, at)
        os.unlink(self.at(f"{folder}/virtfn{at}"))
        os.unlink(self.at(f"{PCI}/devices/{vf}"))
        shutil.rmtree(self.at(f"/sys/devices/pci-vfs/{vf}"))
        if not self.names("/sys/devices/pci-vfs"):
            os.rmdir(self.at("/sys/devices/pci-vfs"))

    def set_affinity(self, pid, wanted):
        self.about_to(f"move {pid}")
        path = f"/proc/{pid}/status"
        lines = [f"Cpus_allowed_list:\t{cpus.to_list(wanted)}"
                 if line.startswith("Cpus_allowed_list:") else line
                 for line in self.raw(path).decode().splitlines()]
        self._write(path, "\n".join(lines) + "\n")

    # ---- tools ---------------------------------------------------------------------------------

    def answer(self, *command):
        if self.tool(command[0]) is None:
            raise files.Failed(f"{command[0]} is not installed")
        handler = getattr(self, "tool_" + command[0].replace("-", "_"), None)
        if handler is None:
            raise files.Failed(f"{command[0]}: not run below another root")
        try:
            return 0, handler(*command[1:]) or "", ""
        except files.Failed as error:
            return 1, "", str(error)

    def tool_ip(self, *_):
        return self.text(f"{OWN}/addresses", "[]")

    def tool_lspci(self, *words):
        return f'{words[-1]} "Ethernet controller" "Made" "Adapter 1"\n'

    def tool_ethtool(self, *words):
        return f"driver: made\nfirmware-version: 1.2.3 of {words[-1]}\n"

    def tool_udevadm(self, *_):
        pass

    def tool_grub_script_check(self, path):
        if self.text(path) is None:
            raise files.Failed(f"{path}: no such file")

    def tool_modprobe(self, *words):
        module = words[-1]
        folders = [f"{PCI}/drivers/{module}", f"/sys/module/{module.replace('-', '_')}",
                   "/sys/module/vfio"]
        if words[0] == "-r":
            for folder in folders:
                shutil.rmtree(self.at(folder), ignore_errors=True)
            return
        for folder in folders:
            os.makedirs(self.at(folder), exist_ok=True)
        self._write(f"{PCI}/drivers/{module}/unbind", "")
        os.makedirs(self.at("/sys/module/vfio/parameters"), exist_ok=True)
        self._write("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n")

    def tool_systemd_sysusers(self, path):
        for line in (self.text(path) or "").splitlines():
            if line.startswith("u "):
                user = line.split()[1]
                for table, entry in (("/etc/passwd", f"{user}:x:995:995::/:/usr/sbin/nologin"),
                                     ("/etc/group", f"{user}:x:995:")):
                    lines = (self.text(table) or "").splitlines()
                    if not any(one.startswith(f"{user}:") for one in lines):
                        self._write(table, "\n".join([*lines, entry]) + "\n")

    def tool_userdel(self, user):
        for table in ("/etc/passwd", "/etc/group"):
            lines = [line for line in (self.text(table) or "").splitlines()
                     if not line.startswith(f"{user}:")]
            self._write(table, "\n".join(lines) + "\n")

    def tool_systemctl(self, verb, *words):
        unit = words[-1] if words else ""
        wants = f"/etc/systemd/system/multi-user.target.wants/{unit}"
        active = f"/run/active/{unit}"
        path = next((f"{folder}/{unit}" for folder in UNIT_FOLDERS
                     if self.exists(f"{folder}/{unit}")), "")
        if verb == "show":
            return (f"LoadState={'loaded' if path else 'not-found'}\n"
                    f"ActiveState={'active' if self.exists(active) else 'inactive'}\n"
                    f"UnitFileState={'enabled' if self.exists(wants) else 'disabled'}\n")
        if verb == "enable" and not self.exists(wants):
            self._link(wants, path)
        if verb == "disable" and self.exists(wants):
            os.unlink(self.at(wants))
        if verb == "start":
            self._write(active, "")
        if verb == "stop" and self.exists(active):
            os.unlink(self.at(active))
        return ""

    def tool_grub_mkconfig(self, _, path):
        """As the real one does: its settings are a shell's, and its parts are programs."""
        script = ('set -e; . "$R/etc/default/grub"; for x in "$R"/etc/default/grub.d/*.cfg; do '
                  '[ ! -e "$x" ] || . "$x"; done; export GRUB_CMDLINE_LINUX '
                  'GRUB_CMDLINE_LINUX_DEFAULT GRUB_DISTRIBUTOR; for x in "$R"/etc/grub.d/*; do '
                  '[ ! -x "$x" ] || "$x"; done')
        done = subprocess.run(["sh", "-c", script], env={**os.environ, "R": self.root}, text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise files.Failed(done.stderr.strip())
        self._write(path, done.stdout)

    def tool_grubby(self, *words):
        options = dict(zip(words[::2], words[1::2]))
        name = options["--update-kernel"].rpartition("/")[2]
        for path in self.glob("/boot/loader/entries/*.conf"):
            text = self.raw(path).decode()
            lines = text.splitlines()
            # All entries of a kernel, as the real one does.
            if not any(line.startswith("linux") and line.endswith(name) for line in lines):
                continue
            for at, line in enumerate(lines):
                if line.startswith("options"):
                    lines[at] = self._grubby_line(line, options)
            self._write(path, "\n".join(lines) + "\n")

    def _grubby_line(self, line, options):
        kept = firmware.split_cmdline(line)
        for word in options.get("--remove-args", "").split():
            kept = [k for k in kept if k != word and ("=" in word or k.partition("=")[0] != word)]
        adding = options.get("--args", "").split()
        keys = {word.partition("=")[0] for word in adding}
        kept = [word for word in kept if word.partition("=")[0] not in keys]
        return " ".join(kept + adding)
