"""What the steps that set the kernel's command line have in common."""

import cmdline
import step


class BootStep(step.Step):
    """Field: `parameters`, a list of texts."""

    def running(self, system):
        return cmdline.lacking(cmdline.split(system.text("/proc/cmdline")),
                               self.fields["parameters"])

    def configured(self, system):
        """Whether the boot loader will give them to the next kernel."""
        raise NotImplementedError

    def wanted(self, system):
        return " ".join(self.fields["parameters"])

    def found(self, system):
        return "given to the next kernel" if self.configured(system) else "not given"

    def status(self, system):
        lacks = self.running(system)
        if not self.configured(system):
            return step.Status(step.WRONG, "the boot loader does not give them")
        if lacks:
            return step.Status(step.REBOOT, f"set for the next boot; now lacking {' '.join(lacks)}")
        return step.Status(step.OK, "the running kernel has them")


class NoLoader(BootStep):
    """A kernel that somebody else boots, as in a test bed: told, not done."""

    kind = "no-loader"
    applies = False

    def configured(self, system):
        return not self.running(system)

    def status(self, system):
        lacks = self.running(system)
        if not lacks:
            return step.Status(step.OK, "the running kernel has them")
        return step.Status(step.WRONG, f"lacking {' '.join(lacks)}",
                           "add them where the kernel is started from; there is no boot loader "
                           "here that this script knows")
