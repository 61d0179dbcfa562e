"""Reading a host and a configuration, placing lcores, the kernel's command line, the picture."""

import os
import unittest

import cmdline
import config
import cpus
import harness
import host
import picture
import placement
import system
import trees


class Cpus(unittest.TestCase):
    def test_lists(self):
        for text, found in (("0-3,8", {0, 1, 2, 3, 8}), ("", set()), ("5\n", {5}),
                            ("0-7:2/4", {0, 1, 4, 5})):
            self.assertEqual(cpus.parse_list(text), found)
        for cpu_set, text in (({0, 1, 2, 8}, "0-2,8"), (set(), ""), ({3, 5, 6}, "3,5-6")):
            self.assertEqual(cpus.to_list(cpu_set), text)
            self.assertEqual(cpus.parse_list(text), cpu_set)
        for wrong in ("a", "3-1", "1-", "0-7:0/0"):
            with self.assertRaises(cpus.NotCpus, msg=wrong):
                cpus.parse_list(wrong)

    def test_masks(self):
        self.assertEqual(cpus.parse_mask("00000001,0000000f"), {0, 1, 2, 3, 32})
        self.assertEqual(cpus.to_mask({0, 32}), "1,00000001")
        self.assertEqual(cpus.to_mask({2}, "ff"), "04")
        self.assertEqual(cpus.to_mask({2}, "00000000,000000ff"), "00000000,00000004")
        with self.assertRaises(cpus.NotCpus):
            cpus.parse_mask("xyz")


class Configurations(unittest.TestCase):
    def wrong(self, text, *parts):
        with self.assertRaises(config.Wrong) as caught:
            config.parse(text.encode(), "x.toml")
        for part in parts:
            self.assertIn(part, str(caught.exception))
        return caught.exception.errors

    def test_defaults(self):
        found = config.parse(b"", "x.toml")
        self.assertEqual(found["lcores.count"], 1)
        self.assertEqual(found["frequency.turbo"], "off")
        self.assertEqual(found.hugepages, [{"size": "2M", "mb": 1024, "node": "auto"}])

    def test_unknown_keys_name_the_nearest(self):
        self.wrong("[lcore]\ncount = 1", "lcore: there is no such table; did you mean lcores?")
        self.wrong("[lcores]\ncounts = 1", "lcores.counts", "did you mean count?")
        self.wrong("[[nic]]\ndevice = 'eth1'\nvf = 1", "nic[0].vf", "did you mean vfs?")

    def test_values_say_field_value_and_what_is_right(self):
        for text, words in (
                ("[lcores]\ncount = 0", "lcores.count = 0: must be a whole number from 1 to 128"),
                ("[lcores]\ncount = true", "lcores.count = true: must be a whole number"),
                ("[lcores]\ncpus = [1, 1]", "lcores.cpus = [1, 1]: must be \"auto\" or a list"),
                ("[lcores]\nsmt = \"kep\"", '(nearest: "keep")'),
                ("[[nic]]\ndevice = \"a/b\"", 'must be a PCI address such as "0000:21:00.0"'),
                ("[[nic]]\nvfs = 1", "nic[0].device is missing"),
                ("[[hugepages]]\nsize = \"1G\"\nmb = 1500", "a multiple of the page, 1024 MB, such"
                                                           " as 2048"),
                ("[kernel]\nextra = [\"a b\"]", "kernel.extra = ['a b']: must be a list of kernel"),
                ("[kernel]\nextra = [\"x=$(reboot)\"]", "kernel.extra"),
                ("[frequency]\nlock_khz = 5", '"auto" or "keep" or a frequency in kHz'),
                ("[iommu]\nmode = \"no-iommu\"", '(nearest: "unsafe-no-iommu")'),
                ("lcores = 3", "lcores = 3: must be a table"),
                ("nic = 3", "nic = 3: must be a list of tables"),
                ("[[nic]]\ndevice = 'eth1'\n[[nic]]\ndevice = 'eth1'", "named once"),
                ("[lcores]\ncpus=[1]\nhouse_cpus=[0,1]", "[1] are in both"),
                ("x", "not TOML")):
            with self.subTest(text=text):
                self.wrong(text, words)

    def test_all_that_is_wrong_is_told_at_once(self):
        self.assertEqual(len(self.wrong("[lcores]\ncount=0\nx=1\n[irqs]\na=1\n", "")), 3)

    def test_pci_addresses_are_completed(self):
        found = config.parse(b'[[nic]]\ndevice = "21:00.0"', "x")
        self.assertEqual(found.nics[0]["device"], "0000:21:00.0")

    def test_the_examples_are_right_and_say_every_default(self):
        folder = os.path.join(os.path.dirname(config.__file__), "../../config/host")
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file:
                config.parse(file.read(), name)
        with open(os.path.join(folder, "example.toml"), encoding="utf-8") as file:
            text = file.read()
        for kinds in (config.TABLES, config.LISTS):
            for table, keys in kinds.items():
                self.assertIn(f"[{table}]", text)
                for key, (default, _) in keys.items():
                    told = f"[{default}]" if isinstance(default, str) else (
                        f"[{config.shown(default)}]")
                    lines = [line for line in text.splitlines()
                             if line.split("=")[0].strip("# ") == key]
                    self.assertTrue(lines, f"{table}.{key} is not in example.toml")
                    if default is not config.REQUIRED:
                        self.assertTrue(any(told in line for line in lines),
                                        f"{table}.{key}: no {told} in {lines}")


class Placed(harness.Host):
    def place(self, text=""):
        found = config.parse(text.encode(), "x")
        there = host.read(self.system(), "", None)
        return there, placement.place(there, found), found

    def impossible(self, text, *parts):
        with self.assertRaises(placement.Impossible) as caught:
            self.place(text)
        for part in parts:
            self.assertIn(part, str(caught.exception))

    def test_what_is_read(self):
        there, _, _ = self.place()
        self.assertEqual(sorted(there.nodes), [0, 1])
        self.assertEqual(there.cpus[17].siblings, [1, 17])
        self.assertEqual(there.nics["0000:41:00.0"].node, 1)
        self.assertEqual(there.nics["0000:22:00.0"].group, "11")
        self.assertEqual(there.nics["0000:21:00.0"].management, ["carries the default route"])
        self.assertEqual((there.iommu.kind, there.iommu.active), ("intel", True))
        self.assertEqual(there.platform.settings["turbo"], "on")

    def test_lcores_are_on_the_node_of_their_nic(self):
        _, found, _ = self.place(
            '[lcores]\ncount=4\n[[nic]]\ndevice="eth1"\n[[nic]]\ndevice="eth3"')
        self.assertEqual(found.lcores, [1, 9, 2, 10])
        self.assertEqual(found.siblings, [17, 18, 25, 26])
        self.assertEqual({pages["node"] for pages in found.hugepages}, {0, 1})
        self.assertNotIn(0, found.isolated())
        self.assertEqual(len(set(found.house) | set(found.isolated())), 32)

    def test_every_choice_has_a_reason(self):
        _, found, _ = self.place('[[nic]]\ndevice = "eth2"')
        told = {about for about, _ in found.reasons}
        self.assertTrue({"house", "lcores", "hugepages", "siblings"} <= told)
        self.assertTrue(all(nic["reason"] for nic in found.nics))

    def test_what_cannot_be(self):
        self.impossible("[lcores]\ncount = 8", "8 would lie on node 0", "at most 7")
        self.impossible("[lcores]\ncpus = [64]", "there is no CPU 64; this host has 0-31")
        self.impossible("[lcores]\ncpus = [0]", "CPU 0 is the boot CPU's core")
        self.impossible("[lcores]\ncpus = [16]", "CPU 16 is the boot CPU's core")
        self.impossible("[lcores]\ncpus = [1, 17]", "CPUs 1,17 are threads of one core")
        self.impossible("[lcores]\ncpus = [1]\ncount = 2", "must be 1")
        self.impossible("[lcores]\nhouse_cpus = [1]", "must have CPU 0")
        self.impossible("[lcores]\nhouse_cpus = [0, 99]", "there is no CPU 99")
        self.impossible("[lcores]\nnode = 5", "lcores.node = 5: there is no such node")
        self.impossible('[[nic]]\ndevice = "eth9"', 'nic[0].device = "eth9"', "0000:41:00.0 (eth2)")
        self.impossible('[[nic]]\ndevice="eth1"\nvfs=9', "offers 8 at most")
        self.impossible('[[nic]]\ndevice="eth1"\n[[nic]]\ndevice="22:00.0"', "named twice")
        self.impossible('[[hugepages]]\nsize="1G"\nmb=65536', "65536 MB are asked of node 0",
                        "at most 64512 MB")
        self.impossible("[[hugepages]]\nmb=2\nnode=7", "hugepages[0].node = 7")

    def test_cpus_as_configured(self):
        _, found, _ = self.place("[lcores]\ncpus = [12, 3]\nsmt = \"keep\"")
        self.assertEqual(found.lcores, [12, 3])
        self.assertFalse(found.siblings_off)
        self.assertEqual(found.isolated(), [3, 12, 19, 28])
        self.assertEqual({pages["node"] for pages in found.hugepages}, {0, 1})

    def test_the_picture(self):
        there, found, _ = self.place('[lcores]\ncount=2\n[[nic]]\ndevice="eth1"')
        lines = picture.draw(there, found)
        text = "\n".join(lines)
        self.assertTrue(all(len(line) <= 140 for line in lines))
        for part in ("house  lcore0 lcore1", "eth0 i40e group 10: management, never touched",
                     "eth1 i40e group 11: -> vfio-pci", "512 x 2 MB = 1024 MB", "off    off"):
            self.assertIn(part, text)

    def test_models_and_firmware(self):
        self.assertIn("0000:22:00.0  8086:1572\n", self.ok("plan"))
        for tool in ("lspci", "ethtool"):
            self.tree.put(f"/usr/sbin/{tool}", "", 0o755)
        self.assertIn("0000:22:00.0  Made Adapter 1, firmware 1.2.3 of eth1", self.ok("plan"))

    def test_warnings(self):
        self.tree.put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet")
        real = "/sys/bus/pci/devices/0000:22:00.0"
        for name, value in (("current_link_speed", "8.0 GT/s PCIe"), ("current_link_width", "4"),
                            ("max_link_speed", "8.0 GT/s PCIe"), ("max_link_width", "8")):
            self.tree.put(f"{real}/{name}", value)
        there, found, _ = self.place('[lcores]\nnode=1\n[[nic]]\ndevice="eth1"')
        told = "\n".join(placement.warnings(there, found))
        for part in ("0000:22:00.0 is on node 0, and no lcore is", "x4, of 8.0 GT/s PCIe x8",
                     "the kernel's clock is hpet"):
            self.assertIn(part, told)

    def parameters(self, text=""):
        there, found, wanted = self.place(text)
        return [parameter.text for parameter in cmdline.wanted(there, wanted, found)]

    def test_the_kernels_parameters(self):
        found = self.parameters('[[nic]]\ndevice = "eth1"\n[kernel]\nextra = ["mitigations=off"]')
        for text in ("isolcpus=managed_irq,domain,1,17", "nohz_full=1,17", "rcu_nocbs=1,17",
                     "irqaffinity=0,2-16,18-31", "hugepages=0:512", "intel_iommu=on", "iommu=pt",
                     "tsc=reliable", "skew_tick=1", "nosoftlockup", "mitigations=off"):
            self.assertIn(text, found)

    def test_parameters_that_are_not_offered(self):
        self.tree.put("/boot/config-6.1.0-2-amd64", "# CONFIG_NO_HZ_FULL is not set")
        self.tree.put("/proc/cpuinfo", "vendor_id : GenuineIntel\nflags : hypervisor constant_tsc")
        self.tree.put("/sys/devices/system/cpu/cpuidle/current_driver", "none")
        found = self.parameters()
        self.assertFalse([text for text in found if text.startswith(
            ("nohz_full", "rcu_nocbs", "tsc", "intel_idle", "processor", "intel_iommu"))])

    def test_pages_on_a_kernel_that_knows_no_nodes(self):
        self.tree.put("/proc/sys/kernel/osrelease", "5.10.0-1-amd64")
        self.assertIn("hugepages=1024", self.parameters())


class AmdPlaced(harness.Host):
    made = staticmethod(trees.amd_one_node)

    def test_lcores_share_a_cache_that_the_house_does_not_use(self):
        there = host.read(self.system())
        wanted = config.parse(b'[lcores]\ncount = 4\n[[nic]]\ndevice = "eth1"', "x")
        found = placement.place(there, wanted)
        self.assertEqual(found.lcores, [4, 5, 6, 7])
        self.assertIn(("lcores", "those of a node share one last cache, which the house does not "
                                 "use"), found.reasons)
        texts = [parameter.text for parameter in cmdline.wanted(there, wanted, found)]
        self.assertIn("iommu=pt", texts)
        self.assertFalse([text for text in texts if text.startswith(("amd_iommu", "intel_"))])


class Parameters(unittest.TestCase):
    def test_ours_take_the_place_of_others_before_what_init_gets(self):
        self.assertEqual(
            cmdline.with_parameters(["ro", "isolcpus=1", "quiet", "--", "isolcpus=2"],
                                    ["isolcpus=3"]),
            ["ro", "quiet", "isolcpus=3", "--", "isolcpus=2"])

    def test_the_last_of_a_key_counts(self):
        self.assertEqual(cmdline.lacking(["a=1", "a=2"], ["a=1"]), ["a=1"])
        self.assertEqual(cmdline.lacking(["a=1", "a=2"], ["a=2"]), [])
        self.assertEqual(cmdline.lacking(
            ["hugepagesz=1G", "hugepages=1", "hugepagesz=2M", "hugepages=5"],
            ["hugepages=1", "hugepagesz=1G"]), [])

    def test_quotes(self):
        self.assertEqual(cmdline.split('a="b c" d'), ['a="b c"', "d"])


class ThisMachine(unittest.TestCase):
    """Whatever it is, it can be read."""

    def test_read(self):
        there = host.read(system.System())
        self.assertIn(0, there.cpus)
        self.assertTrue(there.nodes)
