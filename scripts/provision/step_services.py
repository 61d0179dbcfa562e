"""Steps on services, kernel modules and the account that the appliance runs under."""

import step
import system as files


def facts(system, unit):
    """What systemd knows of a unit; None where there is no such unit, or no systemd."""
    try:
        status, out, _ = system.answer("systemctl", "show", "-p",
                                       "LoadState,ActiveState,UnitFileState", unit)
    except files.Failed:
        return None
    values = dict(line.partition("=")[::2] for line in out.splitlines() if "=" in line)
    if status != 0 or values.get("LoadState") in (None, "", "not-found"):
        return None
    return {
        "enabled": values.get("UnitFileState") in ("enabled", "enabled-runtime", "generated"),
        "active": values.get("ActiveState") in ("active", "activating", "reloading"),
    }


class Service(step.Step):
    """A unit on or off. Fields: `unit`, `enabled`, `active`; a None is left as it is."""

    kind = "service"

    def _words(self, values):
        return ", ".join(("" if values[key] else "not ") + key for key in ("enabled", "active")
                         if values.get(key) is not None)

    def _wrong(self, there):
        return {key: self.fields[key] for key in ("enabled", "active")
                if self.fields[key] is not None and self.fields[key] != there[key]}

    def wanted(self, system):
        return self._words(self.fields)

    def found(self, system):
        there = facts(system, self.fields["unit"])
        return self._words(there) if there else "not installed"

    def status(self, system):
        there = facts(system, self.fields["unit"])
        if there is None:
            return step.Status(step.ABSENT, "not installed")
        wrong = self._wrong(there)
        if not wrong:
            return step.Status(step.OK, self._words(there))
        key, value = next(iter(wrong.items()))
        verb = {("enabled", True): "enable", ("enabled", False): "disable --now",
                ("active", True): "start", ("active", False): "stop"}[key, value]
        return step.Status(step.WRONG, self._words(there),
                           f"systemctl {verb} {self.fields['unit']}")

    def read(self, system):
        return facts(system, self.fields["unit"])

    def _set(self, system, wanted):
        unit, there = self.fields["unit"], facts(system, self.fields["unit"])
        if there is None:
            return
        for key, verbs in (("enabled", ("disable", "enable")), ("active", ("stop", "start"))):
            if wanted.get(key) is not None and wanted[key] != there[key]:
                system.run("systemctl", verbs[wanted[key]], unit)

    def apply(self, system):
        self._set(system, self.fields)

    def restore(self, system, before, same_boot):
        if before is not None:
            self._set(system, before)
        elif facts(system, self.fields["unit"]):
            # The unit is ours, and was not there; its file goes next.
            self._set(system, {"enabled": False, "active": False})
        return ""


class Module(step.Step):
    """A driver of the PCI bus, loaded. Fields: `module`, `driver`."""

    kind = "module"
    runtime = True

    def _loaded(self, system):
        return system.exists(f"/sys/bus/pci/drivers/{self.fields['driver']}")

    def wanted(self, system):
        return "loaded"

    def found(self, system):
        return "loaded" if self._loaded(system) else "not loaded"

    def status(self, system):
        if self._loaded(system):
            return step.Status(step.OK, "loaded")
        return step.Status(step.WRONG, "not loaded", f"modprobe {self.fields['module']}")

    def read(self, system):
        return self._loaded(system)

    def apply(self, system):
        system.run("modprobe", self.fields["module"])

    def restore(self, system, before, same_boot):
        if before or not self._loaded(system):
            return ""
        try:
            system.run("modprobe", "-r", self.fields["module"])
        except files.Failed as error:
            return f"it stays loaded until the next boot: {error}"
        return ""


class Account(step.Step):
    """A user without a login, and its group. Fields: `user`, `config`, a file of sysusers.d."""

    kind = "account"

    def _there(self, system):
        start = self.fields["user"] + ":"
        return any(line.startswith(start)
                   for line in (system.text("/etc/passwd") or "").splitlines())

    def wanted(self, system):
        return "there"

    def found(self, system):
        return "there" if self._there(system) else "no such user"

    def status(self, system):
        if self._there(system):
            return step.Status(step.OK, "there")
        return step.Status(step.WRONG, "no such user", f"systemd-sysusers {self.fields['config']}")

    def read(self, system):
        return self._there(system)

    def apply(self, system):
        system.run("systemd-sysusers", self.fields["config"])

    def restore(self, system, before, same_boot):
        if not before and self._there(system):
            system.run("userdel", self.fields["user"])
        return ""
