"""The whole way of a host, in the emulated one: as it was, planned, cut off, applied, booted,
checked, traded on, put back, and again as it was.

scripts/testbed.sh test runs this. The methods of a class are steps of one story, in the order of
their names, and each needs those before it. Times are told and never judged: all is emulated.
"""

import json
import os
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts/testbed"))

import bed  # noqa: E402
import machine  # noqa: E402

FOLDER = os.environ.get("PEREGRINE_TESTBED", "")
SHORT = bool(os.environ.get("PEREGRINE_TESTBED_SHORT"))
PROVISION = "cd /opt/peregrine && scripts/provision.sh"
CONFIG = "--config config/host/testbed.toml"
MANAGEMENT = "0000:00:02.0"
# Exit status where nothing was found wrong, but the guest answered no more.
HUNG = 3

# What is printed at the end: (what, figure).
FIGURES = []


def timed(name, work, *arguments, **named):
    started = time.monotonic()
    result = work(*arguments, **named)
    FIGURES.append((name, f"{time.monotonic() - started:.1f} s"))
    return result


def tell_figures():
    print("\nmeasured in the guest:", flush=True)
    for name, figure in FIGURES:
        print(f"  {name:<48}{figure}", flush=True)


def differences(before, after):
    """Where two looks differ, one line each."""
    lines = []
    for part in before:
        for name in sorted(before[part].keys() | after[part].keys()):
            was, now = before[part].get(name), after[part].get(name)
            if was != now:
                lines.append(f"{part}: {name}: was {was}, is {now}")
    return lines


class Story(unittest.TestCase):
    """What the stories share: a fresh guest for each class."""

    @classmethod
    def setUpClass(cls):
        cls.bed = bed.Bed(FOLDER)
        # Also where what follows fails.
        cls.addClassCleanup(cls.bed.down)
        timed("boot, as installed", cls.bed.up)
        cls.bed.settle()
        cls.bed.put(HERE, ["look.py", "hosts"], "/opt/testbed")

    def provision(self, verb, config=CONFIG, statuses=(0,), name=None):
        done = timed(name or verb.split()[0], self.bed.run, f"{PROVISION} {verb} {config}")
        self.assertIn(done.status, statuses, str(done))
        return done

    def look(self):
        return self.bed.must("python3 /opt/testbed/look.py").json()

    def drivers(self):
        return {nic: driver for nic, (driver, _) in self.look()["drivers"].items()}

    def jitter(self, when):
        """What took the lcores' CPUs away; under an emulator this tells of its threads as well."""
        done = self.appliance("doctor --only jitter --cpus 1,3 --seconds 5 --json",
                              statuses=(0, 1))
        for cpu in done.json()["jitter"]:
            FIGURES.append((f"jitter of CPU {cpu['cpu']}, {when}",
                            f"{cpu['per_s']:.0f} interruptions a second, "
                            f"{cpu['stolen_ppm'] / 10000:.2f} % stolen, longest "
                            f"{cpu['longest_ns'] / 1e6:.2f} ms, "
                            f"{sum(i['count'] for i in cpu['interrupts'] or ())} interrupts"))
        return done.json()

    def appliance(self, words, timeout_s=300, statuses=(0,)):
        done = self.bed.run(f"cd /opt/peregrine && peregrine {words}", timeout_s)
        self.assertIn(done.status, statuses, str(done))
        return done


class Host(Story):
    """One NIC of each pair on each node; the kernel's parameters come from GRUB."""

    def test_01_plan_sees_the_host(self):
        Host.before = self.look()
        plan = self.provision("plan --json").json()
        self.assertEqual(plan["refused"], [])
        self.assertEqual(plan["placement"]["isolated"], [1, 3])
        self.assertEqual(plan["host"]["loader"], "grub")
        texts = [parameter["text"] for parameter in plan["kernel_parameters"]]
        for wanted in ("isolcpus=managed_irq,domain,1,3", "nohz_full=1,3", "intel_iommu=on",
                       "hugepages=0:192,1:192"):
            self.assertIn(wanted, texts)
        # The CPU promises no constant TSC, and there is a hypervisor.
        self.assertNotIn("tsc=reliable", texts)
        picture = self.provision("plan").out
        self.assertIn("management, never touched", picture)

    def test_02_what_must_not_be_is_refused(self):
        up = "ip link set enp33s0 up && ip address add 10.9.9.1/24 dev enp33s0"
        self.bed.must(up)
        for file, words in (
            ("management", MANAGEMENT),
            ("memory", "house_mb_min"),
            ("cpus", "17"),
            ("no-such-nic", "0000:99:00.0"),
            ("in-use", "10.9.9.1"),
        ):
            with self.subTest(file):
                done = self.provision("apply", f"--config /opt/testbed/hosts/{file}.toml", (2,),
                                      name=f"apply, refused: {file}")
                self.assertIn(words, done.out + done.err)
        self.bed.must("ip address flush dev enp33s0 && ip link set enp33s0 down")
        self.assertEqual(differences(Host.before, self.look()), [])

    def test_03_dry_run_changes_nothing(self):
        self.assertIn("would", self.provision("apply --dry-run").out)
        self.assertEqual(differences(Host.before, self.look()), [])

    def test_04_doctor_before(self):
        told = self.jitter("as installed")
        self.assertEqual([cpu["cpu"] for cpu in told["jitter"]], [1, 3])

    def apply_until(self, step):
        """The power fails when that step is told, and comes back."""
        running = self.bed.start(f"{PROVISION} apply {CONFIG}")
        for line in running.stdout:
            if line.startswith("set") and step in line:
                break
        else:
            self.fail("apply ended before its power could be cut")
        timed("boot, after the power failed", self.bed.cut_power)
        running.kill()
        running.communicate()

    @unittest.skipIf(SHORT, "--short")
    def test_05_power_fails_between_two_steps(self):
        self.apply_until("memory that may be locked")
        self.assertNotIn("isolcpus", self.bed.must("cat /proc/cmdline").out)
        verified = self.provision("verify --json", statuses=(1,), name="verify").json()
        self.assertIn("broken off", verified["broken_off"])
        # GRUB reads no journal: what it is to see must be in its place on the disk.
        self.apply_until("kernel command line")
        self.assertIn("isolcpus", self.bed.must("cat /proc/cmdline").out)
        # What a boot takes away, the boot-time unit has brought.
        self.provision("verify", name="verify")

    def test_06_apply_then_nothing_is_left_to_do(self):
        applied = self.provision("apply --json").json()
        self.assertEqual((applied["error"], applied["refused"]), ("", []))
        again = self.provision("apply --json", name="apply, once more").json()
        self.assertEqual(again["changed"], 0, again)

    def test_07_after_the_boot_all_is_as_planned(self):
        timed("boot, with our parameters", self.bed.reboot)
        verified = self.provision("verify --json").json()
        wrong = [line for line in verified["lines"] if line["state"] not in
                 ("ok", "not offered here")]
        self.assertEqual(wrong, [])
        drivers = self.drivers()
        for pair in machine.PAIRS:
            for nic in pair:
                self.assertEqual(drivers[nic], "vfio-pci")
        self.assertEqual(drivers[MANAGEMENT], "virtio-pci")

    def test_08_doctor_after(self):
        """Its settings are the plan's; emulated clocks and CPUs are not judged here."""
        # Spinning on isolated CPUs now and then stops an emulator that has one thread for all.
        if not SHORT:
            self.jitter("isolated")
        told = self.appliance("doctor --only plan,host --json", statuses=(0, 1)).json()
        states = {line["id"]: line["state"] for line in told["lines"] if line["section"] == "host"}
        for line in ("isolation", "tick", "governor", "frequency", "thp", "hugepages"):
            self.assertEqual(states.get(line), "ok", (line, told))
        # The disk's queues have interrupts that the kernel manages: they may only come to an lcore.
        self.assertIn(states["irqs"], ("ok", "warn"), told)
        plan = [line for line in told["lines"] if line["section"] == "plan"]
        self.assertGreater(len(plan), 40, told)
        self.assertEqual([line for line in plan
                          if line["state"] not in ("ok", "not offered here")], [])

    def test_09_frames_go_round_each_pair(self):
        for one, other in machine.PAIRS:
            with self.subTest(one):
                done = self.appliance(f"loopback --allow-pci {one} --allow-pci {other} --lcores 1 "
                                      "--tx-first 1 --duration 5s --json -")
                told = json.loads(done.out[done.out.index("{"):])
                totals, rates = told["totals"], told["rates"]
                names = "-".join(port["driver"] for port in told["snapshot"]["ports"])
                FIGURES.append((f"loopback {names}", f"{rates['rx_pps'] / 1000:.1f} kpps"))
                self.assertGreater(totals["rx_packets"], 64, told)
                self.assertEqual(totals["dropped"], 0)

    @unittest.skipIf(SHORT, "--short")
    def test_09_memory_is_on_the_lcores_node(self):
        """Which is not the house's first."""
        one, other = machine.PAIRS[0]
        running = self.bed.start(f"peregrine loopback --allow-pci {one} --allow-pci {other} "
                                 "--lcores 3 --tx-first 1 --duration 25s")
        time.sleep(12)
        told = self.appliance("doctor --only appliance --seconds 2 --json", statuses=(0, 1)).json()
        running.communicate()
        [process] = told["appliances"]
        self.assertEqual([lcore["node"] for lcore in process["lcores"]], [1], process)
        self.assertEqual(process["memory"]["away_count"], 0, process["memory"])

    def test_10_first_trade(self):
        done = timed("first trade over six NICs", self.appliance, "run config/testbed.toml")
        self.assertIn("all 10 checks passed", done.out)
        for line in done.out.splitlines():
            if "tick to trade p50" in line:
                FIGURES.append(("first trade", " ".join(line.split())))

    def _lcores_are_left_alone(self, pid):
        """Doctor, from outside: each on its own CPU, and every hot page on a node of theirs."""
        told = self.appliance(f"doctor --pid {pid} --only appliance --seconds 5 --json",
                              statuses=(0, 1)).json()
        [process] = told["appliances"]
        for lcore in process["lcores"]:
            FIGURES.append((f"{lcore['name']} on CPU {lcore['cpu']}, while it trades",
                            f"{lcore['voluntary_switches']} + {lcore['involuntary_switches']} "
                            f"switches, {lcore['minor_faults'] + lcore['major_faults']} faults, "
                            f"{sum(i['count'] for i in lcore['interrupts'] or ())} interrupts in "
                            f"{process['watched_ns'] / 1e9:.0f} s"))
            self.assertTrue(lcore["isolated"], lcore)
            self.assertEqual(lcore["others_count"], 0, lcore)
        self.assertEqual(process["memory"]["away_count"], 0, process["memory"])

    @unittest.skipIf(SHORT, "--short")
    def test_11_the_unit_trades_without_being_root(self):
        self.bed.must("mkdir -p /srv/peregrine && cp -r /opt/peregrine/data /srv/peregrine/ && "
                      "sed -e 's#\"[.][.]/data#\"/srv/peregrine/data#g' "
                      "-e 's/^stop = .*/stop = \"signal\"/' "
                      "/opt/peregrine/config/testbed.toml >/etc/peregrine/testbed.toml && "
                      "systemctl start peregrine@testbed")
        pid = self.bed.must("systemctl show -p MainPID --value peregrine@testbed").out.strip()
        time.sleep(20)
        status = self.bed.must(f"cat /proc/{pid}/status").out
        self.assertRegex(status, r"CapEff:\s+0000000000000000")
        self.assertNotRegex(status, r"Uid:\s+0\s")
        self._lcores_are_left_alone(pid)
        self.bed.must("systemctl stop peregrine@testbed")
        log = self.bed.must("journalctl -u peregrine@testbed --no-pager").out
        self.assertIn("all 10 checks passed", log)
        self.bed.must("rm -r /etc/peregrine/testbed.toml /srv/peregrine")

    def test_12_the_old_entry_boots_and_puts_all_back(self):
        """As somebody would whose host does not come up: the menu's other entry, and rollback."""
        if not SHORT:
            menu = self.bed.must("grep -E '^[[:space:]]*(menuentry|submenu) ' "
                                 "/boot/grub/grub.cfg").out
            old = [line for line in menu.splitlines() if "as before Peregrine" in line]
            self.assertTrue(old, menu)
            title = old[0].split("'")[1]
            self.bed.must(f"grub-reboot '{title}'")
            timed("boot, of the entry as before", self.bed.reboot)
            self.assertNotIn("isolcpus", self.bed.must("cat /proc/cmdline").out)
        rolled = self.provision("rollback --json", config="").json()
        self.assertEqual(rolled["error"], "")

    def test_13_all_is_as_it_was(self):
        timed("boot, put back", self.bed.reboot)
        self.assertEqual(differences(Host.before, self.look()), [])


def main():
    if not FOLDER:
        print("scripts/testbed.sh test runs this", file=sys.stderr)
        return 2
    program = unittest.main(exit=False)
    tell_figures()
    result = program.result
    hung = [text for _, text in result.errors if "bed.Hung" in text]
    if hung and len(hung) == len(result.errors) and not result.failures:
        return HUNG
    return not result.wasSuccessful()


if __name__ == "__main__":
    sys.exit(main())
