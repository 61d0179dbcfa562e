"""What the steps that set the kernel's command line have in common."""

import cmdline
import step


class BootStep(step.Step):
    """Fields: `parameters`, a list of texts; `absent`, keys that must not be there, if any."""

    def absent(self):
        return self.fields.get("absent", [])

    def amiss(self, words):
        """In words: what a command line lacks, and has that it must not. Nothing: all is well."""
        lacks = cmdline.lacking(words, self.fields["parameters"])
        against = cmdline.of_keys(words, self.absent())
        return " and ".join(f"{what} {' '.join(found)}" for what, found in (
            ("lacking", lacks), ("with", against)) if found)

    def running(self, system):
        return self.amiss(cmdline.split(system.text("/proc/cmdline")))

    def configured(self, system):
        """Whether the boot loader will give them to the next kernel."""
        raise NotImplementedError

    def wanted(self, system):
        return " ".join([*self.fields["parameters"], *(f"(no {key})" for key in self.absent())])

    def found(self, system):
        return "given to the next kernel" if self.configured(system) else "not given"

    def status(self, system):
        amiss = self.running(system)
        if not self.configured(system):
            return step.Status(step.WRONG, "the boot loader does not give them")
        if amiss:
            return step.Status(step.REBOOT, f"set for the next boot; now {amiss}")
        return step.Status(step.OK, "the running kernel has them")


class NoLoader(BootStep):
    """A kernel that somebody else boots, as in a test bed: told, not done."""

    kind = "no-loader"
    applies = False

    def configured(self, system):
        return not self.running(system)

    def status(self, system):
        amiss = self.running(system)
        if not amiss:
            return step.Status(step.OK, "the running kernel has them")
        return step.Status(step.WRONG, amiss,
                           "change them where the kernel is started from; there is no boot loader "
                           "here that this script knows")
