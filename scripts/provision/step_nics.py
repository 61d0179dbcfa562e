"""Steps that give NICs to vfio-pci, and make VFs.

Over boots driverctl keeps the binding where it is installed. The binding itself is done here:
`driverctl set-override` leaves a NIC without any driver when vfio-pci does not take it, and
dpdk-devbind has nothing for the next boot.
"""

import step
import step_files
import system as files

PCI = "/sys/bus/pci"
VFIO = "vfio-pci"
NO_OVERRIDE = ("", "(null)")
# Where driverctl keeps what its udev rule does again at each boot.
DRIVERCTL = "/etc/driverctl.d/pci-{}"


def driver_of(system, address):
    return system.link(f"{PCI}/devices/{address}/driver") or ""


def override_of(system, address):
    text = system.text(f"{PCI}/devices/{address}/driver_override") or ""
    return "" if text in NO_OVERRIDE else text


def grouped(system, address):
    return system.exists(f"{PCI}/devices/{address}/iommu_group")


def bind(system, address, driver, override):
    """Gives a device to a driver ("": to none), and leaves an override ("": none) behind."""
    folder, now = f"{PCI}/devices/{address}", driver_of(system, address)
    try:
        if now and now != driver:
            system.write_knob(f"{PCI}/drivers/{now}/unbind", address)
        if override_of(system, address) != override:
            system.write_knob(f"{folder}/driver_override", override)
        if driver and now != driver:
            system.write_knob(f"{PCI}/drivers_probe", address)
    except OSError as error:
        raise files.Failed(f"{address}: {files.why(error)}") from None
    if driver and driver_of(system, address) != driver:
        raise files.Failed(f"{address}: {driver} did not take it; dmesg may say why")


def read_binding(system, address):
    return {"driver": driver_of(system, address), "override": override_of(system, address)}


def give(system, address):
    """To vfio-pci; if that fails, back to the driver that had it."""
    before = read_binding(system, address)
    try:
        bind(system, address, VFIO, VFIO)
    except files.Failed:
        bind(system, address, before["driver"], before["override"])
        raise


class Bind(step.Step):
    """A NIC under vfio-pci, now and after each boot.

    Fields: `address`; `driverctl`, whether that keeps it over boots (else a udev rule does);
    `needs_iommu`, False for no-IOMMU mode.
    """

    kind = "bind"
    runtime = True
    tolerant = True

    def _saved(self):
        return DRIVERCTL.format(self.fields["address"])

    def _must_wait(self, system):
        """Without a group vfio-pci does not take it: that of an IOMMU which a boot turns on."""
        return self.fields["needs_iommu"] and not grouped(system, self.fields["address"])

    def wanted(self, system):
        return VFIO

    def found(self, system):
        return driver_of(system, self.fields["address"]) or "no driver"

    def status(self, system):
        address, found = self.fields["address"], self.found(system)
        kept = not self.fields["driverctl"] or system.text(self._saved()) == VFIO
        if found == VFIO and kept:
            return step.Status(step.OK, found)
        if kept and self._must_wait(system) and self.fields["driverctl"]:
            return step.Status(step.REBOOT, f"{found}: the IOMMU is on after a boot")
        if self._must_wait(system) and self.refused:
            return step.Status(step.REBOOT, f"{found}: the IOMMU is on after a boot")
        mend = (f"driverctl set-override {address} {VFIO}" if self.fields["driverctl"] else
                f"dpdk-devbind.py --bind={VFIO} {address}")
        return step.Status(step.WRONG, found, mend)

    def read(self, system):
        before = read_binding(system, self.fields["address"])
        if self.fields["driverctl"]:
            before["saved"] = step_files.read(system, self._saved())
        return before

    def apply(self, system):
        self.refused = {}
        address = self.fields["address"]
        if self._must_wait(system):
            self.refused[address] = "no IOMMU group before the next boot"
        elif driver_of(system, address) != VFIO:
            give(system, address)
        if self.fields["driverctl"] and system.text(self._saved()) != VFIO:
            step_files.put(system, self._saved(), f"{VFIO}\n".encode(), 0o644)

    def restore(self, system, before, same_boot):
        address = self.fields["address"]
        if before.get("saved"):
            step_files.restore(system, self._saved(), before["saved"])
        if system.exists(f"{PCI}/devices/{address}"):
            bind(system, address, before["driver"], before["override"])
        return ""


class Vfs(step.Step):
    """So many VFs of a NIC, all of them under vfio-pci. Fields: `address`, `count`."""

    kind = "vfs"
    runtime = True
    tolerant = True

    def _folder(self):
        return f"{PCI}/devices/{self.fields['address']}"

    def _count(self, system):
        return system.number(f"{self._folder()}/sriov_numvfs", 0)

    def _vfs(self, system):
        names = [name for name in system.names(self._folder()) if name.startswith("virtfn")]
        names.sort(key=lambda name: int(name[len("virtfn"):]))
        return [system.link(f"{self._folder()}/{name}") for name in names]

    def wanted(self, system):
        return f"{self.fields['count']} VFs under {VFIO}"

    def found(self, system):
        bound = sum(driver_of(system, vf) == VFIO for vf in self._vfs(system))
        return f"{self._count(system)} VFs, {bound} under {VFIO}"

    def status(self, system):
        if not system.exists(f"{self._folder()}/sriov_numvfs"):
            return step.Status(step.ABSENT, "no SR-IOV")
        vfs, count = self._vfs(system), self.fields["count"]
        if len(vfs) == count and all(driver_of(system, vf) == VFIO for vf in vfs):
            return step.Status(step.OK, self.found(system))
        if self.refused:
            return step.Status(step.REBOOT, f"{self.found(system)}: the IOMMU is on after a boot")
        mend = ("" if self._count(system) else
                f"echo {count} > {self._folder()}/sriov_numvfs")
        return step.Status(step.WRONG, self.found(system), mend)

    def read(self, system):
        return {"count": self._count(system),
                "vfs": {vf: read_binding(system, vf) for vf in self._vfs(system)}}

    def _set(self, system, count):
        now = self._count(system)
        try:
            if now not in (0, count):
                system.write_knob(f"{self._folder()}/sriov_numvfs", "0")
            if now != count and count:
                system.write_knob(f"{self._folder()}/sriov_numvfs", str(count))
        except OSError as error:
            raise files.Failed(f"{self.fields['address']}: {files.why(error)}") from None

    def apply(self, system):
        self.refused = {}
        self._set(system, self.fields["count"])
        for vf in self._vfs(system):
            if not grouped(system, vf) and self.fields["needs_iommu"]:
                self.refused[vf] = "no IOMMU group before the next boot"
            elif driver_of(system, vf) != VFIO:
                give(system, vf)

    def restore(self, system, before, same_boot):
        self._set(system, before["count"])
        for vf, binding in before["vfs"].items():
            if system.exists(f"{PCI}/devices/{vf}"):
                bind(system, vf, binding["driver"], binding["override"])
        return ""
