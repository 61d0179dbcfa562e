"""What must not be done: each named before anything is changed."""

import os
import unittest.mock

import harness
import trees


class Nics(harness.Host):
    def test_the_management_nic(self):
        for name in ("eth0", "0000:21:00.0"):
            self.configure(f'[[nic]]\ndevice = "{name}"')
            self.refused("0000:21:00.0 (eth0) carries the default route", "never touched")

    def test_one_that_is_named_so(self):
        self.configure('[management]\ninterface = "eth1"\n[[nic]]\ndevice = "eth1"')
        self.refused("eth1) is management.interface of the configuration")

    def test_one_with_an_ssh_session(self):
        self.tree.network("eth0", [("eth1", "10.0.0.2")])
        self.tree.put("/proc/net/tcp", "sl local_address rem_address st\n"
                                       "0: 0200000A:0016 0300000A:C000 01\n")
        self.refused("0000:22:00.0 (eth1) carries an ssh session", "never touched")

    def test_one_with_our_own_session_on_another_port(self):
        self.tree.network("eth0", [("eth1", "10.0.0.2")])
        with unittest.mock.patch.dict(os.environ, SSH_CONNECTION="10.0.0.3 5000 10.0.0.2 2222"):
            self.refused("0000:22:00.0 (eth1) carries an ssh session")

    def test_one_below_a_bond_with_the_default_route(self):
        self.tree.network("bond0")
        self.tree.folder("/sys/class/net/bond0")
        self.tree.link("/sys/class/net/bond0/lower_eth1", "/sys/class/net/eth1")
        self.refused("0000:22:00.0 (eth1) carries the default route through bond0")

    def test_an_ipv6_default_route_counts(self):
        zeros = "0" * 32
        self.tree.put("/proc/net/ipv6_route",
                      f"{zeros} 00 {zeros} 00 fe80{'0' * 28} 0 0 0 00000003 eth1\n"
                      f"fe80{'0' * 28} 40 {zeros} 00 {zeros} 0 0 0 00000001 eth2\n")
        self.refused("0000:22:00.0 (eth1) carries the default route")
        self.configure('[[nic]]\ndevice = "eth2"')
        self.ok("apply")

    def test_one_with_addresses_and_routes(self):
        self.tree.network("eth0", [("eth1", "10.0.0.2")])
        self.refused("0000:22:00.0 (eth1) is in use: it has the address 10.0.0.2 and routes "
                     "10.0.0.0/8", "ip addr flush dev eth1")

    def test_one_in_a_bridge(self):
        self.tree.folder("/sys/class/net/br0")
        self.tree.link("/sys/bus/pci/devices/0000:22:00.0/net/eth1/upper_br0",
                       "/sys/class/net/br0")
        self.refused("0000:22:00.0 (eth1) carries br0", "nomaster")

    def test_a_virtio_nic_is_found_a_level_deeper(self):
        real = self.tree.device("0000:31:00.0", "pci0000:31", "0x020000", "virtio-pci", 0, 20)
        self.tree.put(f"{real}/virtio0/net/eth7/operstate", "up")
        self.tree.link("/sys/class/net/eth7", f"{real}/virtio0/net/eth7")
        self.tree.network("eth7")
        self.configure('[[nic]]\ndevice = "0000:31:00.0"')
        self.refused("0000:31:00.0 (eth7) carries the default route")

    def test_one_that_the_networks_configuration_names(self):
        self.tree.put("/etc/network/interfaces", "auto eth0\nauto eth1\niface eth1 inet dhcp\n")
        self.tree.put("/etc/netplan/a.yaml", "ethernets:\n  eth10:\n    dhcp4: true\n")
        out = self.ok("plan")
        self.assertIn("eth1 (0000:22:00.0) is named in /etc/network/interfaces", out)
        self.assertNotIn("netplan", out)

    def test_vfs_that_are_there(self):
        self.tree.put("/sys/bus/pci/devices/0000:22:00.0/sriov_numvfs", "2")
        self.configure('[[nic]]\ndevice = "eth1"\nvfs = 4')
        self.refused("has 2 VFs already, and 4 are asked for")

    def test_vfs_of_the_management_nic(self):
        self.configure('[[nic]]\ndevice = "eth0"\nvfs = 4')
        self.refused("0000:21:00.0 (eth0) carries the default route")

    def test_mlx5_by_force(self):
        self.tree.nic("0000:51:00.0", "eth8", "mlx5_core", 1, 30)
        self.configure('[[nic]]\ndevice = "eth8"\ndriver = "vfio-pci"')
        self.refused("0000:51:00.0", "would take it from mlx5_core", 'driver = "auto" or "keep"')


class Groups(harness.Host):
    @staticmethod
    def made(root):
        tree = trees.small(root)
        tree.nic("0000:22:00.0", "eth1", "igb", 0, 11)
        tree.nic("0000:22:00.1", "eth2", "igb", 0, 11)
        tree.device("0000:20:00.0", "pci0000:20", "0x060400", "pcieport", 0, 11)
        tree.network("eth0")
        return tree

    def test_a_shared_group(self):
        self.refused("0000:22:00.0 shares IOMMU group 11 with 0000:22:00.1 (igb, eth2)",
                     "configure both")

    def test_with_a_disk(self):
        self.tree.device("0000:23:00.0", "pci0000:23", "0x010802", "nvme", 0, 11)
        self.configure('[[nic]]\ndevice = "eth1"\n[[nic]]\ndevice = "eth2"')
        err = self.refused("0000:22:00.0 shares IOMMU group 11 with 0000:23:00.0 (nvme)")
        self.assertNotIn("with 0000:22:00.1", err)

    def test_whole_it_goes(self):
        self.configure('[[nic]]\ndevice = "eth1"\n[[nic]]\ndevice = "eth2"')
        self.keep()
        self.ok("apply")
        for address in ("0000:22:00.0", "0000:22:00.1"):
            self.assertEqual(self.system().link(f"/sys/bus/pci/devices/{address}/driver"),
                             "vfio-pci")
        self.ok("rollback")
        self.unchanged()


class NoIommu(harness.Host):
    @staticmethod
    def made(root):
        tree = trees.small(root, iommu=False)
        tree.nic("0000:22:00.0", "eth1", "igb")
        tree.network("eth0")
        return tree

    UNSAFE = '[iommu]\nmode = "unsafe-no-iommu"\n[[nic]]\ndevice = "eth1"'

    def test_none(self):
        self.refused("there is no IOMMU, and 0000:22:00.0 would go to vfio-pci", "VT-d or AMD-Vi")

    def test_asked_for_by_name(self):
        self.configure(self.UNSAFE)
        self.keep()
        self.ok("apply")
        system = self.system()
        self.assertEqual(system.link("/sys/bus/pci/devices/0000:22:00.0/driver"), "vfio-pci")
        self.assertIn("CAP_SYS_RAWIO", system.text("/etc/systemd/system/peregrine@.service"))
        self.assertNotIn("iommu", " ".join(trees.default_entry_words(system)))
        self.assertIn("enable_unsafe_noiommu_mode=1",
                      system.text("/etc/modprobe.d/peregrine.conf"))
        self.ok("rollback")
        self.unchanged()

    def test_lockdown(self):
        self.configure(self.UNSAFE)
        self.tree.put("/sys/kernel/security/lockdown", "none [integrity] confidentiality")
        self.tree.put_bytes("/sys/firmware/efi/efivars/"
                            "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", b"\6\0\0\0\1")
        self.refused("under lockdown=integrity, which Secure Boot brings")

    def test_where_there_is_one(self):
        self.tree.folder("/sys/kernel/iommu_groups/1")
        self.tree.iommu("intel")
        self.configure(self.UNSAFE)
        self.refused("this host has an IOMMU that works")


class Others(harness.Host):
    def test_a_container(self):
        self.tree.put("/run/systemd/container", "lxc")
        self.refused("this is a container (lxc)", "run this there")
        self.ok("plan")
        self.ok("apply", "--dry-run")

    def test_containers_by_other_signs(self):
        for path, text, kind in (("/.dockerenv", "", "docker"),
                                 ("/run/.containerenv", "", "podman"),
                                 ("/proc/1/cgroup", "0::/kubepods/x", "kubepods")):
            self.tree.put(path, text)
            self.refused(f"this is a container ({kind})")
            (self.root / path.lstrip("/")).unlink()

    def test_lockdown_is_told_and_not_in_the_way(self):
        self.tree.put("/sys/kernel/security/lockdown", "none [integrity] confidentiality")
        self.assertIn("lockdown=integrity: MSRs, debugfs and unsigned modules are closed",
                      self.ok("plan"))
        self.keep()
        self.ok("apply")
        self.ok("rollback")
        self.unchanged()

    def test_too_little_memory(self):
        self.configure('[[hugepages]]\nsize = "1G"\nmb = 65536')
        self.refused("65536 MB are asked of node 0, which has 65536 MB", "at most 64512 MB")

    def test_cores_that_do_not_exist(self):
        self.configure("[lcores]\ncpus = [40]")
        self.refused("lcores.cpus = [40]: there is no CPU 40; this host has 0-31")

    def test_a_frequency_out_of_range(self):
        self.configure("[frequency]\nlock_khz = 9000000")
        self.refused("frequency.lock_khz = 9000000: must be from 800000 to 3600000")

    def test_a_tsc_that_is_not_reliable(self):
        self.tree.put("/proc/cpuinfo", "vendor_id : GenuineIntel\nflags : none")
        self.configure('[kernel]\ntsc_reliable = "on"')
        self.refused('kernel.tsc_reliable = "on": must be "auto" or "off"')

    def test_a_configuration_that_is_not_there(self):
        self.config.unlink()
        self.refused("--config", "No such file")

    def test_a_root_that_leads_out(self):
        outside = self.folder / "outside"
        outside.mkdir()
        target = self.root / "etc/sysctl.d"
        target.rmdir()
        target.symlink_to(outside)
        status, out, _ = self.run_verb("apply")
        self.assertEqual(status, 1)
        self.assertIn("leads out of", out)
        self.assertEqual(list(outside.iterdir()), [])

    def test_a_folder_that_is_no_host(self):
        self.root = self.folder
        self.refused("there is no var/lib below")

    def test_a_plan_that_is_refused_says_so(self):
        self.configure('[[nic]]\ndevice = "eth0"')
        status, planned = self.run_json("plan")
        self.assertEqual(status, 2)
        self.assertIn("never touched", planned["refused"][0])

    def test_nothing_to_roll_back(self):
        self.keep()
        self.assertIn("nothing to put back", self.ok("rollback"))
        self.unchanged()
