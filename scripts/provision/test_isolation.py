"""Hosts whose lcores the scheduler is not to leave alone, as Kubernetes' CPU manager wants it."""

import cmdline
import config
import harness
import trees

WITHOUT = harness.CONFIG + "[kernel]\nisolcpus = false\n"


class Without:
    """On every boot loader. Mixed into a Host."""

    def setUp(self):
        super().setUp()
        self.configure(WITHOUT)

    def keys(self):
        return {word.partition("=")[0] for word in self.words()}

    def check(self):
        """As after a boot."""
        self.assertNotIn("isolcpus", self.keys())
        self.assertLessEqual({"nohz_full", "rcu_nocbs", "irqaffinity"}, self.keys())
        self.assertEqual(self.system().text("/sys/devices/system/cpu/isolated"), "")
        self.assertIn("0 wrong, 0 reboot", self.ok("verify"))

    def back(self):
        self.ok("rollback")
        self.boot("last-boot")
        for path in ("proc/cmdline", "proc/sys/kernel/random/boot_id"):
            (self.root / path).write_bytes((self.pristine / path).read_bytes())
        self.unchanged()

    def test_a_whole_life(self):
        self.keep()
        out = self.ok("plan")
        self.assertIn("no isolcpus ", out)
        self.assertIn("kernel.isolcpus = false: a kubelet", out)
        self.assertIn("CPUAffinity=", out)
        self.ok("apply")
        self.boot()
        self.check()
        self.assertIn("apply: 0 step(s) changed", self.ok("apply"))
        self.back()

    def test_after_a_life_with_it(self):
        self.keep()
        self.configure(harness.CONFIG)
        self.ok("apply")
        self.boot()
        self.assertIn("isolcpus", self.keys())
        self.configure(WITHOUT)
        out = self.ok("verify", status=1)
        self.assertIn("the boot loader does not give them", out)
        self.ok("apply")
        out = self.ok("verify", status=3)
        self.assertIn("now with isolcpus=", out)
        self.boot("third-boot")
        self.check()
        self.back()


class Grub(Without, harness.Host):
    """With an isolcpus of somebody else, which goes and comes back."""

    @staticmethod
    def made(root):
        tree = trees.intel_two_nodes(root, cmdline="ro isolcpus=3 quiet")
        tree.put("/sys/devices/system/cpu/isolated", "3")
        return tree


class Rhel(Without, harness.Host):
    made = staticmethod(trees.rhel)


class SystemdBoot(Without, harness.Host):
    made = staticmethod(trees.systemd_boot)


class Parameters(harness.Host):
    def test_an_isolcpus_of_the_operators_own(self):
        self.configure(harness.CONFIG + '[kernel]\nisolcpus = false\n'
                                        'extra = ["isolcpus=managed_irq,1,17"]\n')
        wanted = config.parse(self.config.read_bytes(), "x")
        self.assertEqual(list(cmdline.absent(wanted)), [])
        _, planned = self.run_json("plan")
        found = [parameter["text"] for parameter in planned["kernel_parameters"]
                 if parameter["text"].startswith("isolcpus")]
        self.assertEqual(found, ["isolcpus=managed_irq,1,17"])
        self.assertEqual(planned["kernel_parameters_absent"], [])

    def test_for_machines(self):
        self.configure(WITHOUT)
        _, planned = self.run_json("plan")
        self.assertEqual([p["text"] for p in planned["kernel_parameters_absent"]], ["isolcpus"])
