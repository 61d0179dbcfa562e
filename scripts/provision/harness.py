"""What the tests share: hosts made once and copied, runs of the program, power cuts, boots."""

import contextlib
import io
import json
import os
import pathlib
import runpy
import shutil
import tempfile
import unittest

import firmware
import pretend
import trees

MAIN = runpy.run_path(str(pathlib.Path(__file__).with_name("__main__.py")))
# In memory where there is such a place: the tests sync as the program does.
WHERE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
CONFIG = """
[lcores]
count = 2
[[nic]]
device = "eth1"
"""


class PowerCut(BaseException):
    """The end of a run, at once: nothing may catch it."""


class Cut(pretend.Pretend):
    """A host whose power goes before the change of this number."""

    def __init__(self, root, at=None):
        super().__init__(root)
        self.left, self.count = at, 0

    def about_to(self, what):
        self.count += 1
        if self.left is not None:
            if self.left == 0:
                raise PowerCut(what)
            self.left -= 1


class Host(unittest.TestCase):
    """A test on a made host of its own."""

    made = staticmethod(trees.intel_two_nodes)

    def setUp(self):
        folder = tempfile.mkdtemp(dir=WHERE)
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.folder = pathlib.Path(folder)
        self.root = self.folder / "host"
        self.tree = self.made(self.root)
        self.config = self.folder / "host.toml"
        self.configure(CONFIG)
        self.addCleanup(os.environ.update, {k: os.environ[k] for k in ("SSH_CONNECTION",)
                                            if k in os.environ})
        os.environ.pop("SSH_CONNECTION", None)

    def configure(self, text):
        self.config.write_text(text, encoding="utf-8")

    def keep(self):
        """The host as it is now, to compare and to boot from."""
        self.pristine = self.folder / "pristine"
        shutil.rmtree(self.pristine, ignore_errors=True)
        shutil.copytree(self.root, self.pristine, symlinks=True)
        self.before = trees.snapshot(self.root)

    def system(self):
        return pretend.Pretend(self.root)

    def run_words(self, *words):
        """Status, output and errors of the program."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = MAIN["main"]([*words, "--root", str(self.root)])
        return status, out.getvalue(), err.getvalue()

    def run_verb(self, verb, *words):
        return self.run_words(verb, "--config", str(self.config), *words)

    def run_json(self, verb, *words):
        status, out, _ = self.run_verb(verb, "--json", *words)
        return status, json.loads(out)

    def ok(self, verb, *words, status=0):
        got, out, err = self.run_verb(verb, *words)
        self.assertEqual(got, status, f"{verb}: {out[-3000:]}{err}")
        return out

    def refused(self, *parts, verb="apply"):
        """The run is refused with all these words in one reason, and nothing has changed."""
        before = trees.snapshot(self.root)
        status, out, err = self.run_verb(verb)
        self.assertEqual(status, 2, out + err)
        self.assertTrue(any(all(part in line for part in parts) for line in err.splitlines()),
                        f"no line with all of {parts} in:\n{err}")
        self.assertEqual(trees.snapshot(self.root), before)
        return err

    @contextlib.contextmanager
    def power(self, system):
        """Runs of the program are on this system."""
        scope = MAIN["run"].__globals__
        kept, scope["open_system"] = scope["open_system"], lambda root: system
        try:
            yield
        finally:
            scope["open_system"] = kept

    def cut(self, verb, at):
        """A run whose power goes; True when it ended before that."""
        with self.power(Cut(self.root, at)):
            try:
                self.run_verb(verb)
            except PowerCut:
                return False
        return True

    def changes(self, verb):
        """How many changes a run makes."""
        system = Cut(self.root)
        with self.power(system):
            self.ok(verb)
        return system.count

    def unchanged(self, why=""):
        """The host is byte for byte what it was."""
        now = trees.snapshot(self.root)
        differ = sorted({path for path in {**now, **self.before}
                         if now.get(path) != self.before.get(path)})
        self.assertEqual(differ, [], why)

    # ---- a boot ----------------------------------------------------------------------------

    def boot(self, name="second-boot"):
        """What a boot keeps is on the disk; what it brings is the boot loader's and udev's."""
        for folder in ("sys", "proc", "run", ".pretend"):
            shutil.rmtree(self.root / folder)
            shutil.copytree(self.pristine / folder, self.root / folder, symlinks=True)
        system, tree = self.system(), trees.Tree(self.root)
        words = trees.default_entry_words(system)
        tree.put("/proc/cmdline", " ".join(words))
        tree.put("/proc/sys/kernel/random/boot_id", name)
        self._parameters(tree, words)
        self._services(system, tree)
        if "vfio-pci" in (system.text("/etc/modules-load.d/peregrine.conf") or ""):
            system.tool_modprobe("vfio-pci")
            for path in system.glob("/etc/driverctl.d/pci-*"):
                address = path.rpartition("/pci-")[2]
                self._override(system, address, system.text(path))
        if system.exists("/etc/systemd/system/multi-user.target.wants/peregrine-tune.service"):
            status, out, err = self.run_words(
                "apply", "--runtime", "--config", str(self.root / "etc/peregrine/host.toml"))
            self.assertEqual(status, 0, out + err)

    def _override(self, system, address, driver):
        folder = f"/sys/bus/pci/devices/{address}"
        system.write_knob(f"{folder}/driver_override", driver)
        now = system.link(f"{folder}/driver")
        system.write_knob(f"/sys/bus/pci/drivers/{now}/unbind", address)
        system.write_knob("/sys/bus/pci/drivers_probe", address)

    def _parameters(self, tree, words):
        size = 2048
        # What a made host was born with, its own command line asked for.
        tree.put("/sys/devices/system/cpu/isolated", "\n")
        for word in words:
            key, _, value = word.partition("=")
            if key == "isolcpus":
                tree.put("/sys/devices/system/cpu/isolated", value.rpartition("domain,")[2])
            elif key == "nohz_full":
                tree.put("/sys/devices/system/cpu/nohz_full", value)
            elif key == "hugepagesz":
                size = {"2M": 2048, "1G": 1048576}[value]
            elif key == "hugepages" and ":" in value:
                for part in value.split(","):
                    node, _, pages = part.partition(":")
                    tree.put(f"/sys/devices/system/node/node{node}/hugepages/"
                             f"hugepages-{size}kB/nr_hugepages", pages)

    def _services(self, system, tree):
        for unit in system.names("/run/active"):
            if not system.exists(f"/etc/systemd/system/multi-user.target.wants/{unit}"):
                os.unlink(system.at(f"/run/active/{unit}"))

    def words(self):
        """The running kernel's parameters."""
        return firmware.split_cmdline(self.system().text("/proc/cmdline"))
