"""Steps that send interrupts and kernel threads to the house."""

import cpus
import step
import step_knobs
import system as files

# A thread whose CPUs the kernel itself has fixed, such as ksoftirqd/3.
PF_NO_SETAFFINITY = 0x04000000
KTHREADD = 2


def merged(before, now, same):
    """What was, with what has come since. A boot gives numbers to others: the first `same` words
    of an entry tell whether it still is the same thing."""
    return {**now, **{number: entry for number, entry in before.items()
                      if number not in now or now[number][:same] == entry[:same]}}


class Irqs(step.Step):
    """Every interrupt's CPUs are of the house. Fields: `house`."""

    kind = "irqs"
    runtime = True
    tolerant = True

    def _all(self, system):
        """Number: (name, text of its CPUs), of those that have a handler."""
        found = {}
        for irq in sorted(filter(str.isdigit, system.names("/proc/irq")), key=int):
            text = system.raw(f"/proc/irq/{irq}/smp_affinity_list")
            name = system.text(f"/sys/kernel/irq/{irq}/actions") or ",".join(
                entry for entry in system.names(f"/proc/irq/{irq}")
                if system.is_dir(f"/proc/irq/{irq}/{entry}"))
            if text is not None and name:
                found[irq] = (name, text.decode())
        return found

    def _target(self, text):
        """As near to what it was as the house allows, so that it stays on its node."""
        house = set(self.fields["house"])
        return (cpus.parse_list(text) & house) or house

    def _astray(self, system):
        """Number: text, of those that may fire on a CPU that is not of the house.

        `refused` knows them by name, as their numbers change from boot to boot.
        """
        house = set(self.fields["house"])
        return {irq: text for irq, (name, text) in self._all(system).items()
                if not cpus.parse_list(text) <= house and name not in self.refused}

    def wanted(self, system):
        return f"all on {cpus.to_list(self.fields['house'])}"

    def found(self, system):
        astray = self._astray(system)
        if not astray:
            return f"all {len(self._all(system))} on the house"
        return f"{len(astray)} of {len(self._all(system))} elsewhere too"

    def status(self, system):
        if not system.names("/proc/irq"):
            return step.Status(step.ABSENT, "no /proc/irq")
        astray = self._astray(system)
        told = f", but {len(self.refused)} that the kernel manages" if self.refused else ""
        if not astray:
            return step.Status(step.OK, self.found(system) + told)
        mend = ""
        if len(astray) == 1:
            (irq, text), = astray.items()
            mend = (f"echo {cpus.to_list(self._target(text))} > "
                    f"/proc/irq/{irq}/smp_affinity_list")
        return step.Status(step.WRONG, self.found(system) + told, mend)

    def read(self, system):
        return {irq: [name, text] for irq, (name, text) in self._all(system).items()}

    def merge(self, before, system):
        return merged(before, self.read(system), 1)

    def apply(self, system):
        self.refused = {}
        names = self._all(system)
        for irq, text in self._astray(system).items():
            target = cpus.to_list(self._target(text))
            try:
                system.write_knob(f"/proc/irq/{irq}/smp_affinity_list", target)
            except OSError as error:
                self.refused[names[irq][0]] = files.why(error)

    def restore(self, system, before, same_boot):
        now, told = self._all(system), []
        for irq, (name, text) in before.items():
            # After a boot a number may be another device's.
            if irq in now and now[irq][0] == name and name not in self.refused:
                path = f"/proc/irq/{irq}/smp_affinity_list"
                told.append(step_knobs.restore_text(system, path, text))
        return "; ".join(filter(None, told))


class Threads(step.Step):
    """Kernel threads that may move do so. Fields: `house`."""

    kind = "threads"
    runtime = True
    tolerant = True

    def _all(self, system):
        """Process: (name, start, CPUs)."""
        found = {}
        for pid in filter(str.isdigit, system.names("/proc")):
            stat = system.text(f"/proc/{pid}/stat") or ""
            head, _, rest = stat.rpartition(")")
            words = rest.split()
            if len(words) < 20:
                continue
            parent, flags, start = int(words[1]), int(words[6]), words[19]
            kernel = parent == KTHREADD or int(pid) == KTHREADD
            if not kernel or flags & PF_NO_SETAFFINITY:
                continue
            for line in (system.text(f"/proc/{pid}/status") or "").splitlines():
                if line.startswith("Cpus_allowed_list:"):
                    found[pid] = (head.partition("(")[2], start,
                                  sorted(cpus.parse_list(line.partition(":")[2])))
        return found

    def _astray(self, system):
        house = set(self.fields["house"])
        return {pid: facts for pid, facts in self._all(system).items()
                if not set(facts[2]) <= house and facts[0] not in self.refused}

    def wanted(self, system):
        return f"all on {cpus.to_list(self.fields['house'])}"

    def found(self, system):
        astray, count = self._astray(system), len(self._all(system))
        return f"{len(astray)} of {count} elsewhere too" if astray else f"all {count} on the house"

    def status(self, system):
        if not self._all(system):
            return step.Status(step.ABSENT, "no kernel threads to be seen")
        astray = self._astray(system)
        if not astray:
            return step.Status(step.OK, self.found(system))
        house = cpus.to_list(self.fields["house"])
        mend = f"taskset -pc {house} {next(iter(astray))}" if len(astray) == 1 else ""
        return step.Status(step.WRONG, self.found(system), mend)

    def read(self, system):
        return {pid: list(facts) for pid, facts in self._all(system).items()}

    def merge(self, before, system):
        return merged(before, self.read(system), 2)

    def apply(self, system):
        self.refused = {}
        house = set(self.fields["house"])
        for pid, (name, _, _) in self._astray(system).items():
            try:
                system.set_affinity(int(pid), house)
            except ProcessLookupError:
                continue
            except OSError as error:
                self.refused[name] = files.why(error)

    def restore(self, system, before, same_boot):
        if not same_boot:
            return "kernel threads keep to the house until the next boot"
        now, told = self._all(system), []
        for pid, (name, start, wanted) in before.items():
            if pid not in now or now[pid][:2] != (name, start) or now[pid][2] == wanted:
                continue
            try:
                system.set_affinity(int(pid), set(wanted))
            except OSError as error:
                told.append(f"{name}: {files.why(error)}")
        return "; ".join(told)
