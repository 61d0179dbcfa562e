"""Steps on CPUs and memory: siblings offline, frequencies held, hugepages by node."""

import cpus
import step
import step_knobs
import system as files

CPU = "/sys/devices/system/cpu"
POLICIES = f"{CPU}/cpufreq/policy*"
# acpi-cpufreq lists turbo as a frequency one MHz above the highest.
TURBO_MARK_KHZ = 1000


class Offline(step.Step):
    """Fields: `cpus`, which go offline."""

    kind = "offline"
    runtime = True

    def _paths(self):
        return {cpu: f"{CPU}/cpu{cpu}/online" for cpu in self.fields["cpus"]}

    def wanted(self, system):
        return f"CPUs {cpus.to_list(self.fields['cpus'])} offline"

    def found(self, system):
        online = [cpu for cpu, path in self._paths().items() if system.text(path) == "1"]
        return f"CPUs {cpus.to_list(online)} online" if online else "all offline"

    def status(self, system):
        paths = self._paths()
        if not any(system.exists(path) for path in paths.values()):
            return step.Status(step.ABSENT, "no CPU hotplug")
        wrong = [path for path in paths.values() if system.text(path) == "1"]
        if not wrong:
            return step.Status(step.OK, self.found(system))
        mend = f"echo 0 > {wrong[0]}" if len(wrong) == 1 else ""
        return step.Status(step.WRONG, self.found(system), mend)

    def read(self, system):
        return {path: system.text(path) for path in self._paths().values()
                if system.exists(path)}

    def apply(self, system):
        self.refused = {}
        for path in self._paths().values():
            if system.text(path) != "1":
                continue
            try:
                system.write_knob(path, "0")
            except OSError as error:
                self.refused[path] = files.why(error)

    def restore(self, system, before, same_boot):
        return "; ".join(filter(None, (
            step_knobs.restore_text(system, path, text + "\n") for path, text in before.items())))


def base_khz(system, policy):
    """The highest frequency that needs no turbo."""
    if (base := system.number(f"{policy}/base_frequency")) is not None:
        return base
    first = ((system.text(f"{policy}/affected_cpus") or "0").split() or ["0"])[0]
    nominal_mhz = system.number(f"{CPU}/cpu{first}/acpi_cppc/nominal_freq", 0)
    if nominal_mhz and (system.text(f"{policy}/scaling_driver") or "").startswith("amd"):
        return nominal_mhz * 1000
    steps = sorted(int(word) for word in
                   (system.text(f"{policy}/scaling_available_frequencies") or "").split())
    if len(steps) > 1 and steps[-1] - steps[-2] == TURBO_MARK_KHZ:
        return steps[-2]
    return system.number(f"{policy}/cpuinfo_max_freq", 0)


def turbo_is_on(system):
    if (no_turbo := system.text(f"{CPU}/intel_pstate/no_turbo")) is not None:
        return no_turbo == "0"
    return system.text(f"{CPU}/cpufreq/boost") == "1"


class Frequency(step.Step):
    """Lowest = highest frequency. Fields: `khz`, a number or "auto", and `turbo` as configured.

    What auto means is read when it is needed: turning turbo on or off moves the limits.
    """

    kind = "frequency"
    runtime = True

    def target(self, system, policy):
        if self.fields["khz"] != "auto":
            return self.fields["khz"]
        turbo = self.fields["turbo"]
        if turbo == "on" or turbo == "keep" and turbo_is_on(system):
            return system.number(f"{policy}/cpuinfo_max_freq", 0)
        return base_khz(system, policy)

    def _policies(self, system):
        """Policy: (target, lowest, highest)."""
        return {policy: (self.target(system, policy),
                         system.number(f"{policy}/scaling_min_freq", 0),
                         system.number(f"{policy}/scaling_max_freq", 0))
                for policy in system.glob(POLICIES)}

    def wanted(self, system):
        targets = [f"{target} kHz" for target, _, _ in self._policies(system).values()]
        return step_knobs.summed(targets) if targets else "locked"

    def found(self, system):
        ranges = [f"{low} kHz" if low == high else f"{low} to {high} kHz"
                  for _, low, high in self._policies(system).values()]
        return step_knobs.summed(ranges) if ranges else "no frequency driver"

    def status(self, system):
        policies = self._policies(system)
        if not policies:
            return step.Status(step.ABSENT, "no frequency driver")
        wrong = [policy for policy, (target, low, high) in policies.items()
                 if (low, high) != (target, target)]
        return step.Status(step.WRONG if wrong else step.OK, self.found(system))

    def read(self, system):
        return {policy: [low, high] for policy, (_, low, high) in self._policies(system).items()}

    def merge(self, before, system):
        return {**self.read(system), **before}

    def _set(self, system, policy, low, high):
        """The kernel wants lowest <= highest at every instant, so the order depends."""
        writes = [("max", high), ("min", low)]
        if high < system.number(f"{policy}/scaling_min_freq", 0):
            writes.reverse()
        for name, khz in writes:
            if system.number(f"{policy}/scaling_{name}_freq") != khz:
                system.write_knob(f"{policy}/scaling_{name}_freq", str(khz))

    def apply(self, system):
        self.refused = {}
        for policy, (target, low, high) in self._policies(system).items():
            try:
                self._set(system, policy, target, target)
            except OSError as error:
                self.refused[policy] = f"{target} kHz: {files.why(error)}"

    def restore(self, system, before, same_boot):
        told = []
        for policy, (low, high) in before.items():
            if not system.exists(policy):
                continue
            try:
                self._set(system, policy, low, high)
            except OSError as error:
                told.append(f"{policy}: {files.why(error)}")
        return "; ".join(told)


class Uncore(step.Step):
    """The frequency of caches and interconnect: lowest raised to the highest."""

    kind = "uncore"
    runtime = True
    PATTERN = f"{CPU}/intel_uncore_frequency/*/min_freq_khz"

    def _pairs(self, system):
        """The file of the lowest: (it, the highest)."""
        return {path: (system.number(path, 0), system.number(path.replace("/min_", "/max_"), 0))
                for path in system.glob(self.PATTERN)}

    def wanted(self, system):
        return step_knobs.summed([f"{high} kHz" for _, high in self._pairs(system).values()]
                                 or ["highest"])

    def found(self, system):
        return step_knobs.summed([f"{low} to {high} kHz" if low != high else f"{low} kHz"
                                  for low, high in self._pairs(system).values()] or ["none"])

    def status(self, system):
        pairs = self._pairs(system)
        if not pairs:
            return step.Status(step.ABSENT, "no uncore frequency driver")
        wrong = [path for path, (low, high) in pairs.items() if low != high]
        return step.Status(step.WRONG if wrong else step.OK, self.found(system))

    def read(self, system):
        return {path: f"{low}\n" for path, (low, _) in self._pairs(system).items()}

    def apply(self, system):
        self.refused = {}
        for path, (_, high) in self._pairs(system).items():
            try:
                system.write_knob(path, str(high))
            except OSError as error:
                self.refused[path] = files.why(error)

    def restore(self, system, before, same_boot):
        return "; ".join(filter(None, (
            step_knobs.restore_text(system, path, text) for path, text in before.items())))


class Hugepages(step.Step):
    """At least so many pages on a node. Fields: `node`, `size_kb`, `pages`."""

    kind = "hugepages"
    runtime = True
    tolerant = True

    def _path(self, system):
        size = f"hugepages/hugepages-{self.fields['size_kb']}kB/nr_hugepages"
        by_node = f"/sys/devices/system/node/node{self.fields['node']}/{size}"
        return by_node if system.exists(by_node) else f"/sys/kernel/mm/{size}"

    def _pages(self, system):
        return system.number(self._path(system), 0)

    def wanted(self, system):
        return f"{self.fields['pages']} pages"

    def found(self, system):
        return f"{self._pages(system)} pages"

    def status(self, system):
        if not system.exists(self._path(system)):
            return step.Status(step.ABSENT, "no pages of this size")
        if self._pages(system) >= self.fields["pages"]:
            return step.Status(step.OK, self.found(system))
        if self.refused and "hugepages=" not in (system.text("/proc/cmdline") or ""):
            return step.Status(step.REBOOT, f"{self.found(system)}: memory is in pieces; a boot "
                                            "takes them before it is")
        return step.Status(step.WRONG, self.found(system),
                           f"echo {self.fields['pages']} > {self._path(system)}")

    def read(self, system):
        path = self._path(system)
        return {path: f"{self._pages(system)}\n"}

    def apply(self, system):
        self.refused = {}
        path, pages = self._path(system), self.fields["pages"]
        if self._pages(system) >= pages:
            return
        try:
            system.write_knob(path, str(pages))
        except OSError as error:
            self.refused[path] = files.why(error)
        if self._pages(system) < pages:
            self.refused[path] = f"{self._pages(system)} of {pages} could be had"

    def restore(self, system, before, same_boot):
        return "; ".join(filter(None, (
            step_knobs.restore_text(system, path, text) for path, text in before.items())))
