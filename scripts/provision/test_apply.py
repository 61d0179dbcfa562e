"""apply, verify, apply again, boot, rollback: on every made host, with the power cut anywhere."""

import errno
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

import harness
import state
import step_entries
import step_grub
import step_house
import trees

# Of several hundred changes that a run makes, every so many-th is where the power goes. With
# PEREGRINE_CUTS=all it goes before each one in turn, on every host, which takes some minutes.
ALL = os.environ.get("PEREGRINE_CUTS") == "all"
STRIDE = 1 if ALL else 139
STRIDE_SMALL = 1 if ALL else 13


class Life:
    """What must hold on every host. Mixed into a Host."""

    reboot_needed = 3

    def test_apply_verify_apply_rollback(self):
        self.keep()
        out = self.ok("apply")
        self.assertIn("a reboot is due", out)
        self.ok("verify", status=self.reboot_needed)
        applied = trees.snapshot(self.root)
        out = self.ok("apply")
        self.assertIn("apply: 0 step(s) changed", out)
        self.assertEqual(trees.snapshot(self.root), applied)
        self.ok("rollback")
        self.unchanged()

    def test_a_boot_keeps_it_and_a_rollback_after_it_takes_it_back(self):
        self.keep()
        self.ok("apply")
        self.boot()
        out = self.ok("verify")
        self.assertIn("0 wrong, 0 reboot", out)
        self.assertIn("apply: 0 step(s) changed", self.ok("apply"))
        out = self.ok("rollback")
        self.assertIn("a reboot is due", out)
        self.boot("third-boot")
        self.tree_as_booted()
        self.unchanged()

    def tree_as_booted(self):
        """What differs from one boot to the next in any case."""
        for path in ("proc/cmdline", "proc/sys/kernel/random/boot_id"):
            (self.root / path).write_bytes((self.pristine / path).read_bytes())

    def test_dry_runs_change_nothing(self):
        self.keep()
        self.assertIn("would", self.ok("apply", "--dry-run"))
        self.unchanged()
        self.ok("apply")
        applied = trees.snapshot(self.root)
        self.ok("rollback", "--dry-run")
        self.assertEqual(trees.snapshot(self.root), applied)

    def test_a_power_cut_leads_on_or_back(self):
        self.keep()
        count = self.changes("apply")
        self.ok("rollback")
        for at in range(count % STRIDE, count, STRIDE):
            with self.subTest(at=at):
                self.assertFalse(self.cut("apply", at))
                self.ok("rollback")
                self.unchanged(f"cut at {at}, rolled back")
                self.assertFalse(self.cut("apply", at))
                self.ok("apply")
                self.ok("verify", status=self.reboot_needed)
                self.ok("rollback")
                self.unchanged(f"cut at {at}, gone on, rolled back")

    def test_a_power_cut_during_rollback(self):
        self.keep()
        self.ok("apply")
        applied = self.folder / "applied"
        os.rename(self.root, applied)
        subprocess.run(["cp", "-a", applied, self.root], check=True)
        count = self.changes("rollback")
        for at in range(count % STRIDE, count, STRIDE):
            with self.subTest(at=at):
                subprocess.run(["rm", "-rf", self.root], check=True)
                subprocess.run(["cp", "-a", applied, self.root], check=True)
                self.assertFalse(self.cut("rollback", at))
                self.ok("rollback")
                self.unchanged(f"cut at {at}")


class Intel(Life, harness.Host):
    """Two nodes, four NICs, GRUB; NICs of both nodes, both sizes of pages."""

    def setUp(self):
        super().setUp()
        self.configure(harness.CONFIG + """
            [[nic]]
            device = "0000:41:00.0"
            [[hugepages]]
            size = "2M"
            mb = 256
            [[hugepages]]
            size = "1G"
            mb = 2048
            node = 1
        """)


class IntelWithoutDriverctl(Life, harness.Host):
    @staticmethod
    def made(root):
        tree = trees.intel_two_nodes(root, driverctl=False, cmdline="ro isolcpus=3 quiet")
        tree.put("/sys/devices/system/cpu/isolated", "3")
        return tree

    def test_parameters_of_others_give_way_and_come_back(self):
        self.keep()
        self.ok("apply")
        self.boot()
        self.assertNotIn("isolcpus=3", self.words())
        self.assertIn("quiet", self.words())
        self.assertIn("isolcpus=managed_irq,domain,1-2,17-18", self.words())


class Vfs(Life, harness.Host):
    def setUp(self):
        super().setUp()
        self.configure('[irq]\nirqbalance = "ban"\n[[nic]]\ndevice = "eth2"\nvfs = 3\n')


class Amd(Life, harness.Host):
    made = staticmethod(trees.amd_one_node)


class Entries(Life):
    """Hosts whose boot entries are files."""

    def options(self):
        """Parameters of each entry, by its file's name."""
        system = self.system()
        folder = next(f for f in (step_entries.BLS, "/boot/efi/loader/entries")
                      if system.is_dir(f))
        return {path.rpartition("/")[2]: step_entries.options(system, system.text(path))
                for path in system.glob(f"{folder}/*.conf")}

    def test_another_configuration_leaves_nothing_of_the_first(self):
        self.keep()
        plain = self.config.read_text(encoding="utf-8")
        self.configure(plain + '[kernel]\nextra = ["mitigations=off", "ro"]\n')
        self.ok("apply")
        self.assertTrue(all("mitigations=off" in words for name, words in self.options().items()
                            if name != step_entries.BLS_BEFORE))
        self.configure(plain)
        self.ok("apply")
        self.assertFalse([words for words in self.options().values()
                          if "mitigations=off" in words])
        self.ok("rollback")
        self.unchanged()

    def test_a_kernel_installed_since_and_one_removed(self):
        old = dict(self.options())
        self.ok("apply")
        names = sorted(name for name in self.options() if name != step_entries.BLS_BEFORE)
        folder = next(path for path in (self.root / "boot").rglob("entries"))
        text = (folder / names[0]).read_text(encoding="utf-8")
        kernel = names[0].removeprefix("0123456789abcdef-").removesuffix(".conf")
        (folder / "0123456789abcdef-9.9.conf").write_text(text.replace(kernel, "9.9"),
                                                          encoding="utf-8")
        (folder / names[0]).unlink()
        self.ok("rollback")
        found = self.options()
        self.assertNotIn(names[0], found)
        self.assertEqual(sorted(found["0123456789abcdef-9.9.conf"]), sorted(old[names[0]]))
        self.assertEqual(found[names[1]], old[names[1]])

    def test_the_former_entry_stays(self):
        old = trees.default_entry_words(self.system())
        self.ok("apply")
        self.assertEqual(self.options()[step_entries.BLS_BEFORE], old)
        path = next((self.root / "boot").rglob(step_entries.BLS_BEFORE))
        self.assertIn("(as before Peregrine)\n", path.read_text(encoding="utf-8"))


class Rhel(Entries, harness.Host):
    made = staticmethod(trees.rhel)

    def test_what_others_changed_meanwhile_stays(self):
        self.tree.put("/boot/grub2/grubenv",
                      "# GRUB Environment Block\nsaved_entry=a\n".ljust(1024, "#"))
        (self.root / "boot/grub2/grubenv").write_bytes(
            b"# GRUB Environment Block\nsaved_entry=a\n".ljust(1024, b"#"))
        self.ok("apply")
        other = b"# GRUB Environment Block\nsaved_entry=other\n".ljust(1024, b"#")
        (self.root / "boot/grub2/grubenv").write_bytes(other)
        self.tree.put("/etc/default/grub", 'GRUB_TIMEOUT=9\nGRUB_CMDLINE_LINUX="ours"')
        self.ok("rollback")
        self.assertEqual((self.root / "boot/grub2/grubenv").read_bytes(), other)
        self.assertEqual(self.system().text("/etc/default/grub"),
                         'GRUB_TIMEOUT=9\nGRUB_CMDLINE_LINUX="crashkernel=1G"')


class RhelWithVariable(Entries, harness.Host):
    @staticmethod
    def made(root):
        return trees.rhel(root, variable=True)


class SystemdBoot(Entries, harness.Host):
    made = staticmethod(trees.systemd_boot)


class Mlx5(Life, harness.Host):
    @staticmethod
    def made(root):
        tree = trees.small(root)
        tree.nic("0000:22:00.0", "eth1", "mlx5_core", 0, 11)
        tree.network("eth0", [("eth1", "10.0.0.2")])
        return tree

    def test_mlx5_keeps_its_driver_its_address_and_its_rights(self):
        self.ok("apply")
        self.assertEqual(self.system().link("/sys/bus/pci/devices/0000:22:00.0/driver"),
                         "mlx5_core")
        unit = self.system().text("/etc/systemd/system/peregrine@.service")
        self.assertIn("AmbientCapabilities=CAP_IPC_LOCK CAP_NET_ADMIN CAP_NET_RAW", unit)
        self.assertIn("char-infiniband", unit)


class SmallHost(harness.Host):
    """The power goes at closer intervals, on the smallest host that has every step."""

    @staticmethod
    def made(root):
        tree = trees.small(root, cores=2, smt=2)
        tree.nic("0000:22:00.0", "eth1", "igb", 0, 11)
        tree.network("eth0")
        return tree

    def setUp(self):
        super().setUp()
        self.configure('[[nic]]\ndevice = "eth1"\n')

    def test_back(self):
        self.keep()
        count = self.changes("apply")
        self.assertGreater(count, 200)
        self.ok("rollback")
        for at in range(0, count, STRIDE_SMALL):
            self.assertFalse(self.cut("apply", at))
            self.ok("rollback")
            self.unchanged(f"cut at {at}")

    def test_what_was_cut_is_named(self):
        self.keep()
        seen = 0
        for at in range(5, self.changes("apply"), 29):
            self.ok("rollback")
            self.cut("apply", at)
            out = self.run_verb("verify")[1]
            if state.State.load(self.system()).there:
                self.assertIn("an earlier run was broken off after", out)
                seen += "in the middle of" in out
                self.assertIn("going on from there", self.ok("apply"))
        self.assertGreater(seen, 3)

    def test_killed(self):
        """The same with a process that really dies."""
        self.keep()
        program = ("import sys, os, signal, harness, pretend\n"
                   "at = int(sys.argv[2])\n"
                   "class Killed(harness.Cut):\n"
                   "    def about_to(self, what):\n"
                   "        self.count += 1\n"
                   "        if self.count == at: os.kill(os.getpid(), signal.SIGKILL)\n"
                   "harness.MAIN['run'].__globals__['open_system'] = Killed\n"
                   "sys.exit(harness.MAIN['main'](sys.argv[3:] + ['--root', sys.argv[1]]))\n")
        for at in (60, 150):
            done = subprocess.run(
                [sys.executable, "-c", program, str(self.root), str(at), "apply", "--config",
                 str(self.config)], cwd=os.path.dirname(harness.__file__), check=False,
                capture_output=True)
            self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)
            self.ok("rollback")
            self.unchanged()


class Testbed(harness.Host):
    """What is not offered is told, and fails nothing."""

    made = staticmethod(trees.testbed)

    def setUp(self):
        super().setUp()
        self.config = pathlib.Path(harness.__file__).parents[2] / "config/host/testbed.toml"

    def test_a_whole_life(self):
        self.keep()
        _, planned = self.run_json("plan")
        parameters = [p["text"] for p in planned["kernel_parameters"]]
        self.assertIn("isolcpus=managed_irq,domain,1,3", parameters)
        self.assertIn("hugepages=0:192,1:192", parameters)
        self.assertFalse([text for text in parameters if "cstate" in text or "tsc" in text])
        self.ok("apply")
        system = self.system()
        for at in (21, 22, 23, 41, 42, 43):
            self.assertEqual(system.link(f"/sys/bus/pci/devices/0000:{at}:00.0/driver"),
                             "vfio-pci")
        self.assertIn("apply: 0 step(s) changed", self.ok("apply"))
        self.ok("verify", status=1)
        self.tree.put("/proc/cmdline", " ".join(["root=/dev/vda", *parameters]))
        for name in ("isolated", "nohz_full"):
            self.tree.put(f"/sys/devices/system/cpu/{name}", "1,3")
        status, found = self.run_json("verify")
        self.assertEqual(status, 0)
        absent = {line["what"] for line in found["lines"] if line["state"] == "not offered here"}
        self.assertIn("energy performance preference", absent)
        self.ok("rollback")
        for path in ("proc/cmdline", "sys/devices/system/cpu/isolated",
                     "sys/devices/system/cpu/nohz_full"):
            (self.root / path).write_bytes((self.pristine / path).read_bytes())
        self.unchanged()


class Details(harness.Host):
    def test_another_configuration_puts_back_what_it_does_not_want(self):
        self.keep()
        self.ok("apply")
        self.configure('[lcores]\nsmt = "keep"\n[[nic]]\ndevice = "eth3"\n')
        out = self.ok("apply")
        self.assertIn("back   driver of 0000:22:00.0", out)
        self.assertEqual(self.system().link("/sys/bus/pci/devices/0000:22:00.0/driver"), "i40e")
        self.assertEqual(self.system().text("/sys/devices/system/cpu/cpu17/online"), "1")
        self.assertIn("isolcpus=managed_irq,domain,9,25", trees.default_entry_words(self.system()))
        self.ok("rollback")
        self.unchanged()

    def test_a_nic_that_a_boot_gave_an_address_is_taken_again(self):
        self.keep()
        self.ok("apply")
        # As if the kernel's driver, and a DHCP client, had been quicker than the boot-time unit.
        trees.Tree(self.pristine).network("eth0", [("eth1", "10.0.0.2")])
        (self.root / "etc/driverctl.d/pci-0000:22:00.0").unlink()
        self.boot()
        self.assertEqual(self.system().link("/sys/bus/pci/devices/0000:22:00.0/driver"),
                         "vfio-pci")

    def test_a_file_that_somebody_changed_is_laid_aside(self):
        self.ok("apply")
        path = self.root / "etc/sysctl.d/90-peregrine.conf"
        path.write_text("vm.swappiness = 7\n", encoding="utf-8")
        out = self.ok("rollback")
        self.assertIn("was changed by somebody else", out)
        self.assertFalse(path.exists())
        aside = path.with_name(path.name + ".before-rollback")
        self.assertEqual(aside.read_text(encoding="utf-8"), "vm.swappiness = 7\n")

    def test_the_old_boot_entries_stay(self):
        old = trees.default_entry_words(self.system())
        self.ok("apply")
        menu = self.system().text("/boot/grub/grub.cfg")
        self.assertIn("menuentry 'Debian (as before Peregrine) GNU/Linux, 6.1.0-2-amd64'", menu)
        lines = step_grub.menu_lines(menu)
        self.assertEqual(lines[2:], [old, old])
        self.assertEqual(self.system().mode("/boot/grub/grub.cfg"), 0o444)

    def test_a_boot_loader_that_fails_leaves_all_as_it_was(self):
        self.tree.put("/etc/grub.d/99_broken", "#!/bin/sh\nexit 1\n", 0o755)
        menu = self.system().raw("/boot/grub/grub.cfg")
        status, out, _ = self.run_verb("apply")
        self.assertEqual(status, 1)
        self.assertIn("FAILED: kernel command line: ", out)
        self.assertIn("step(s) were changed before it", out)
        self.assertEqual(self.system().raw("/boot/grub/grub.cfg"), menu)
        self.assertFalse(self.system().exists("/etc/default/grub.d/90-peregrine.cfg"))
        (self.root / "etc/grub.d/99_broken").unlink()
        self.ok("apply")

    def test_another_file_of_grub_that_overrides_ours_is_noticed(self):
        self.tree.put("/etc/default/grub.d/99-cloud.cfg", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"')
        status, out, _ = self.run_verb("apply")
        self.assertEqual(status, 1)
        self.assertIn("lacks our parameters", out)

    def test_pages_that_cannot_be_had_now_come_with_the_boot(self):
        self.tree.put("/.pretend/hugepages_max", "100")
        self.ok("apply")
        out = self.ok("verify", status=3)
        self.assertIn("100 pages: memory is in pieces", out)

    def test_what_the_kernel_refuses_is_told(self):
        out = self.ok("apply")
        self.assertIn("nvme0q1: Input/output error", out)
        governor = "/sys/devices/system/cpu/cpufreq/policy0/scaling_governor"
        self.ok("rollback")
        self.tree.put(governor, "[powersave] schedutil")
        status, out, _ = self.run_verb("apply")
        self.assertEqual(status, 1)
        self.assertIn(f"governor: {governor}: Invalid argument", out)
        self.assertIn("wrong", self.run_verb("verify")[1])

    def test_an_iommu_that_a_boot_turns_on(self):
        tree = trees.Tree(self.folder / "other")
        self.root = tree.root
        tree.processors(1, 4, 1, intel=True)
        tree.distribution("debian")
        tree.kernel(4, "root=/dev/sda1 ro quiet")
        tree.grub()
        tree.put("/sys/firmware/acpi/tables/DMAR", "")
        tree.nic("0000:21:00.0", "eth0", "igb")
        tree.nic("0000:22:00.0", "eth1", "igb")
        tree.network("eth0")
        self.keep()
        out = self.ok("apply")
        self.assertIn("no IOMMU group before the next boot", out)
        self.assertEqual(self.system().link("/sys/bus/pci/devices/0000:22:00.0/driver"), "igb")
        self.ok("verify", status=3)
        self.ok("rollback")
        self.unchanged()

    def test_a_host_without_a_boot_loader(self):
        (self.root / "boot/grub/grub.cfg").unlink()
        self.keep()
        out = self.ok("apply")
        self.assertIn("there is no boot loader here that this script knows", out)
        self.assertIn("apply: 0 step(s) changed", self.ok("apply"))
        _, found = self.run_json("verify")
        line = next(l for l in found["lines"] if l["id"] == "kernel command line")
        self.assertEqual(line["state"], "wrong")
        wanted = " ".join([self.system().text("/proc/cmdline"), line["wanted"]])
        self.tree.put("/proc/cmdline", wanted)
        for name in ("isolated", "nohz_full"):
            self.tree.put(f"/sys/devices/system/cpu/{name}", "1-2,17-18")
        self.ok("verify")

    def test_a_full_disk(self):
        """Nothing is changed that could not be written down before."""
        class Full(harness.Cut):
            def _write_whole(self, where, data, mode):
                if self.count >= self.full_from and where.startswith(self.root + "/var"):
                    open(where, "wb").close()
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                super()._write_whole(where, data, mode)

        self.keep()
        for full_from in (0, 120):
            system = Full(self.root)
            system.full_from = full_from
            with self.power(system):
                status, out, _ = self.run_verb("apply")
                self.assertEqual(status, 1)
                self.assertIn("No space left on device", out)
                self.ok("rollback")
            self.unchanged()

    def test_the_boot_time_unit_takes_what_it_can(self):
        self.ok("apply")
        self.tree.put("/proc/sys/kernel/random/boot_id", "another")
        self.tree.put("/proc/sys/vm/swappiness", "60")
        self.tree.put("/sys/devices/system/cpu/cpu17/online", "1")
        system = self.system()
        system.tool_modprobe("-r", "vfio-pci")
        (self.root / "usr/sbin/modprobe").unlink()
        status, out, _ = self.run_verb("apply", "--runtime")
        self.assertEqual(status, 1)
        self.assertIn("1 step(s) failed, and all others were taken: vfio-pci: modprobe is not "
                      "installed", out)
        self.assertEqual(system.text("/proc/sys/vm/swappiness"), "1")
        self.assertEqual(system.text("/sys/devices/system/cpu/cpu17/online"), "0")

    def test_threads_of_another_boot(self):
        now = {"12": ["rcu", "9", [0, 1]], "13": ["a", "1", [0]]}
        before = {"12": ["rcu", "5", [0]], "13": ["a", "1", [0, 1]], "14": ["b", "2", [1]]}
        self.assertEqual(step_house.merged(before, now, 2), {
            "12": ["rcu", "9", [0, 1]], "13": ["a", "1", [0, 1]], "14": ["b", "2", [1]]})

    def test_a_damaged_state_is_named_and_nothing_is_done(self):
        self.ok("apply")
        self.tree.put(state.PATH, "{")
        for verb in ("apply", "rollback", "verify"):
            self.refused("state.json cannot be read", verb=verb)

    def test_two_runs_at_once(self):
        with state.Lock(self.system()):
            self.refused("another run", "under way")

    def test_a_look_waits_for_the_run_that_is_under_way(self):
        self.ok("apply")
        seen = []
        with state.Lock(self.system()):
            looking = threading.Thread(target=lambda: seen.append(self.run_verb("verify")))
            looking.start()
            looking.join(0.3)
            self.assertTrue(looking.is_alive())
        looking.join()
        self.assertEqual(len(seen), 1)

    def test_without_a_configuration_it_is_the_one_applied(self):
        self.ok("apply")
        status, verified = self.run_json("verify")
        again, out, _ = self.run_words("verify", "--json")
        self.assertEqual((again, json.loads(out)["counts"]), (status, verified["counts"]))

    def test_json(self):
        status, planned = self.run_json("plan")
        self.assertEqual(status, 0)
        self.assertEqual(planned["placement"]["lcores"], [1, 2])
        self.assertEqual(planned["placement"]["isolated"], [1, 2, 17, 18])
        status, applied = self.run_json("apply")
        self.assertTrue(applied["reboot"])
        self.assertEqual(applied["changed"], sum(s["mark"] == "set" for s in applied["steps"]))
        status, verified = self.run_json("verify")
        self.assertEqual((status, verified["exit"]), (3, 3))
        self.assertEqual(verified["counts"]["wrong"], 0)
        self.tree.put("/proc/sys/vm/swappiness", "60")
        status, verified = self.run_json("verify")
        self.assertEqual(status, 1)
        wrong = [line for line in verified["lines"] if line["state"] == "wrong"]
        self.assertEqual([line["mend"] for line in wrong],
                         ["echo 1 > /proc/sys/vm/swappiness"])
        _, out, _ = self.run_verb("rollback", "--json")
        self.assertEqual(json.loads(out)["error"], "")
