"""The kernel's command line through the distribution's own boot loader.

In each way the entries that were there stay in the menu, without our parameters, so that whoever
sits at the console can always boot what booted before:

* GRUB on Debian and Ubuntu: a file in /etc/default/grub.d; a script in /etc/grub.d writes the
  former entries again. The menu is made beside the old one and put in its place in one step:
  update-grub itself copies over it, which a power cut would leave half done.
* GRUB with entries after the Boot Loader Specification (RHEL and its kin): grubby.
* systemd-boot: /etc/kernel/cmdline, which kernel-install reads for new kernels, and the entries.
  kernel-install is not run: it would copy kernels again, which a full partition breaks off.
"""

from step_boot import NoLoader
from step_entries import BLS, Grubby, SystemdBoot, esp
from step_grub import GRUB_CFG, Grub

LOADER_INFO = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"


def detect(system, family, wanted="auto"):
    """grub | grubby | systemd-boot | none."""
    if wanted != "auto":
        return wanted
    told = (system.raw(LOADER_INFO) or b"")[4:].decode("utf-16-le", "replace")
    if told.startswith("systemd-boot") and esp(system):
        return "systemd-boot"
    if system.tool("grubby") and system.glob(f"{BLS}/*.conf"):
        return "grubby"
    if family == "debian" and system.tool("grub-mkconfig") and system.exists(GRUB_CFG):
        return "grub"
    return "systemd-boot" if esp(system) else "none"


LOADERS = {"grub": Grub, "grubby": Grubby, "systemd-boot": SystemdBoot, "none": NoLoader}


def boot_step(loader, parameters, absent=()):
    # Named only where there are any, as in states that were written before there were.
    fields = {"absent": list(absent)} if absent else {}
    return LOADERS[loader]("kernel command line", "kernel command line",
                           f"through {loader}" if loader != "none" else "nobody sets it here",
                           parameters=parameters, **fields)
