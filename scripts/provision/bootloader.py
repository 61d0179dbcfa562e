"""The kernel's command line through the distribution's own boot loader.

In each way the entries that were there stay in the menu, without our parameters, so that whoever
sits at the console can always boot what booted before:

* GRUB on Debian and Ubuntu: a file in /etc/default/grub.d; a script in /etc/grub.d writes the
  former entries again. The menu is made beside the old one and put in its place in one step:
  update-grub itself copies over it, which a power cut would leave half done.
* GRUB with entries after the Boot Loader Specification (RHEL and its kin): grubby.
* systemd-boot: /etc/kernel/cmdline, which kernel-install reads for new kernels, and the entries.
  kernel-install is not run: it would copy kernels again, which a full partition breaks off.

A unified kernel image has its command line inside, and may be signed: none is made here, and a host
that boots one is refused.
"""

import cmdline
from step_boot import NoLoader
from step_entries import BLS, ESPS, Grubby, SystemdBoot, esp
from step_grub import GRUB_CFG, Grub

VARIABLE = "/sys/firmware/efi/efivars/{}-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
LOADER_INFO = VARIABLE.format("LoaderInfo")
# Set anew in each boot, by what starts the kernel inside of a unified image.
STUB_INFO = VARIABLE.format("StubInfo")


def unified_images(system):
    return [path for folder in ESPS for path in system.glob(f"{folder}/EFI/Linux/*.[eE][fF][iI]")]


def boots_unified(system):
    """Whether the running kernel came out of a unified image."""
    if system.exists(STUB_INFO):
        return True
    # A real-time kernel shows no EFI variables. GRUB and systemd-boot leave these on the line.
    theirs = cmdline.of_keys(cmdline.split(system.text("/proc/cmdline")), ("BOOT_IMAGE", "initrd"))
    return bool(unified_images(system)) and not theirs


def detect(system, family, wanted="auto"):
    """grub | grubby | systemd-boot | unified | none."""
    if wanted != "auto":
        return wanted
    if boots_unified(system):
        return "unified"
    told = (system.raw(LOADER_INFO) or b"")[4:].decode("utf-16-le", "replace")
    if told.startswith("systemd-boot") and esp(system):
        return "systemd-boot"
    if system.tool("grubby") and system.glob(f"{BLS}/*.conf"):
        return "grubby"
    if family == "debian" and system.tool("grub-mkconfig") and system.exists(GRUB_CFG):
        return "grub"
    return "systemd-boot" if esp(system) else "none"


def against(system, loader):
    """Why the kernel's command line cannot be changed here, and what to do."""
    if loader != "unified":
        return
    images = unified_images(system)
    yield (f"this host boots a unified kernel image ({', '.join(images) or 'not mounted now'}), "
           "which has its command line inside and may be signed: it is not made anew here. Build "
           "a second one beside it, under another name, so that this one stays in the boot menu "
           "(ukify build --cmdline, or your distribution's way), with the kernel_parameters that "
           'plan --json lists; say loader = "none" under [boot], and apply does all the rest, and '
           "verify tells what the command line lacks")


# Of none and unified the parameters are told.
LOADERS = {"grub": Grub, "grubby": Grubby, "systemd-boot": SystemdBoot, "unified": NoLoader,
           "none": NoLoader}


def boot_step(loader, parameters, absent=()):
    # Named only where there are any, as in states that were written before there were.
    fields = {"absent": list(absent)} if absent else {}
    return LOADERS[loader]("kernel command line", "kernel command line",
                           "nobody sets it here" if LOADERS[loader] is NoLoader else
                           f"through {loader}",
                           parameters=parameters, **fields)
