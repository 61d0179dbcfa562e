"""Units and files of ours, and the program as one file."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import archive
import harness
import trees


class Units(harness.Host):
    def unit(self, path):
        """A unit's settings, as a list of pairs."""
        text = self.system().text(path)
        return [tuple(line.partition("=")[::2]) for line in text.splitlines()
                if "=" in line and not line.startswith("#")]

    def test_the_appliance_is_not_root_and_may_do_little(self):
        self.ok("apply")
        unit = self.unit("/etc/systemd/system/peregrine@.service")
        settings = dict(unit)
        self.assertEqual(settings["User"], "peregrine")
        self.assertEqual(settings["CapabilityBoundingSet"], "")
        self.assertEqual(settings["NoNewPrivileges"], "yes")
        self.assertEqual([value for key, value in unit if key == "DeviceAllow"],
                         ["/dev/vfio/vfio rw", "char-vfio rw"])
        affinity = set(map(int, settings["CPUAffinity"].split()))
        self.assertTrue({1, 2} <= affinity)
        self.assertFalse({17, 18} & affinity)
        self.assertIn("peregrine:x:", self.system().text("/etc/passwd"))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
    def test_systemd_reads_them(self):
        self.ok("apply")
        with tempfile.TemporaryDirectory() as folder:
            # Programs that are not here are no fault of the units.
            for name in ("peregrine@.service", "peregrine-tune.service"):
                text = self.system().text(f"/etc/systemd/system/{name}")
                lines = ["ExecStart=/bin/true" if line.startswith("ExecStart=") else line
                         for line in text.splitlines()]
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write("\n".join(lines) + "\n")
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no",
                 os.path.join(folder, "peregrine@venue.service"),
                 os.path.join(folder, "peregrine-tune.service")],
                capture_output=True, text=True, check=False,
                env={**os.environ, "SYSTEMD_UNIT_PATH": folder + ":"})
        # It may have complaints about this machine; none may be about ours.
        ours = [line for line in done.stderr.splitlines() if "peregrine" in line]
        self.assertEqual(ours, [])

    def test_the_script(self):
        script = pathlib.Path(archive.__file__).parents[1] / "provision.sh"

        def run(*words):
            done = subprocess.run([script, *words, "--root", self.root], capture_output=True,
                                  text=True, check=False)
            return done.returncode, done.stdout + done.stderr

        self.keep()
        self.assertEqual(run("plan", "--config", self.config)[0], 0)
        self.assertEqual(run("apply", "--config", self.config)[0], 0)
        self.assertEqual(run("verify", "--config", self.config)[0], 3)
        self.assertEqual(run("rollback")[0], 0)
        self.unchanged()
        status, told = run("apply", "--config", self.folder / "none.toml")
        self.assertEqual(status, 2)
        self.assertIn("nothing was changed", told)

    def test_without_the_appliances_unit(self):
        self.configure(harness.CONFIG + "[service]\ninstall = false\n")
        self.ok("apply")
        system = self.system()
        self.assertFalse(system.exists("/etc/systemd/system/peregrine@.service"))
        self.assertTrue(system.exists("/etc/systemd/system/peregrine-tune.service"))
        self.assertNotIn("peregrine", system.text("/etc/passwd"))

    def test_the_one_file_runs_and_carries_itself(self):
        self.ok("apply")
        path = self.root / "usr/local/lib/peregrine/provision.pyz"
        self.assertEqual(archive.made(path), archive.made())
        done = subprocess.run([sys.executable, path, "plan", "--json"], capture_output=True,
                              text=True, check=False)
        self.assertIn('"schema": 1', done.stdout, done.stderr)


class WithoutDriverctl(harness.Host):
    @staticmethod
    def made(root):
        return trees.intel_two_nodes(root, driverctl=False)

    def test_a_udev_rule_keeps_the_binding(self):
        self.ok("apply")
        rule = self.system().text("/etc/udev/rules.d/05-peregrine-vfio.rules")
        self.assertIn('KERNEL=="0000:22:00.0", ATTR{driver_override}="vfio-pci"', rule)
