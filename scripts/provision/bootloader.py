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

import re

import cmdline
import step
import step_files
import system as files

GRUB_CFG = "/boot/grub/grub.cfg"
GRUB_NEW = GRUB_CFG + files.UNFINISHED
# What grub-mkconfig makes, and what it makes it from.
GRUB_LEFTOVERS = (GRUB_NEW, GRUB_NEW + ".new")
GRUB_DEFAULTS = "/etc/default/grub.d/90-peregrine.cfg"
GRUB_BEFORE = "/etc/grub.d/11_peregrine_before"
BLS = "/boot/loader/entries"
# Sorts below every machine id in capitals and small letters, so that it is never the default.
BLS_BEFORE = "A-before-peregrine.conf"
KEPT = ".kept"
ESPS = ("/efi", "/boot/efi", "/boot")
KERNEL_CMDLINE = "/etc/kernel/cmdline"
LOADER_INFO = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
TITLE_BEFORE = "as before Peregrine"


def esp(system):
    """Where systemd-boot's entries are, or None."""
    for folder in ESPS:
        if system.glob(f"{folder}/loader/entries/*.conf") and system.exists(
                f"{folder}/loader/loader.conf"):
            return folder
    return None


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


# ---- GRUB with /etc/default/grub.d -------------------------------------------------------------

GRUB_DEFAULTS_TEXT = """\
# Written by scripts/provision.sh, which also takes it away again: provision.sh rollback.
# Last of the files that grub-mkconfig reads here, so that parameters of the same names go.
PEREGRINE_LINUX_BEFORE="$GRUB_CMDLINE_LINUX"
PEREGRINE_DEFAULT_BEFORE="$GRUB_CMDLINE_LINUX_DEFAULT"
export PEREGRINE_LINUX_BEFORE PEREGRINE_DEFAULT_BEFORE
peregrine_without_ours() {{
    for word in $1; do
        case "${{word%%=*}}" in
            {keys}) ;;
            *) printf '%s ' "$word" ;;
        esac
    done
}}
GRUB_CMDLINE_LINUX="$(peregrine_without_ours "$GRUB_CMDLINE_LINUX")"
GRUB_CMDLINE_LINUX_DEFAULT="$(peregrine_without_ours "$GRUB_CMDLINE_LINUX_DEFAULT"){ours}"
"""

GRUB_BEFORE_TEXT = """\
#!/bin/sh
# Written by scripts/provision.sh: the entries as they were before it, below those with its
# parameters, for a host that does not come up with them.
set -e
[ "${PEREGRINE_DEFAULT_BEFORE+set}" = set ] || exit 0
GRUB_CMDLINE_LINUX="$PEREGRINE_LINUX_BEFORE"
GRUB_CMDLINE_LINUX_DEFAULT="$PEREGRINE_DEFAULT_BEFORE"
GRUB_DISTRIBUTOR="${GRUB_DISTRIBUTOR:-Linux} (as before Peregrine)"
export GRUB_CMDLINE_LINUX GRUB_CMDLINE_LINUX_DEFAULT GRUB_DISTRIBUTOR
exec "$(dirname "$0")/10_linux"
"""


def grub_files(parameters):
    """Path: (bytes, mode)."""
    keys = "|".join(dict.fromkeys(text.partition("=")[0] for text in parameters))
    defaults = GRUB_DEFAULTS_TEXT.format(keys=keys, ours=" ".join(parameters))
    return {GRUB_DEFAULTS: (defaults.encode(), 0o644),
            GRUB_BEFORE: (GRUB_BEFORE_TEXT.encode(), 0o755)}


def menu_lines(text):
    """The command lines of a grub.cfg's entries."""
    return [cmdline.split(line)[2:] for line in text.splitlines()
            if re.match(r"\s*linux(efi|16)?\s", line)]


class Grub(BootStep):
    kind = "grub"

    def _menu_has_them(self, text):
        lines = menu_lines(text)
        return bool(lines) and not cmdline.lacking(lines[0], self.fields["parameters"])

    def configured(self, system):
        ours = all(system.raw(path) == data and system.mode(path) == mode
                   for path, (data, mode) in grub_files(self.fields["parameters"]).items())
        return ours and self._menu_has_them(system.text(GRUB_CFG) or "")

    def read(self, system):
        menu = system.raw(GRUB_CFG) or b""
        before = {path: step_files.read(system, path)
                  for path in grub_files(self.fields["parameters"])}
        return {"files": before, "menu": step_files.digest(menu)}

    def _make_menu(self, system):
        """The menu from the files that are there; returns its text once it is checked."""
        system.run("grub-mkconfig", "-o", GRUB_NEW)
        text = system.text(GRUB_NEW) or ""
        if not menu_lines(text):
            self._remove_leftovers(system)
            raise files.Failed("grub-mkconfig made a menu without entries; the old one stays")
        if system.tool("grub-script-check"):
            system.run("grub-script-check", GRUB_NEW)
        return text

    def _remove_leftovers(self, system):
        for path in GRUB_LEFTOVERS:
            system.remove(path)

    def _take_menu(self, system):
        """With the mode of the one before; put writes the same name, then renames."""
        data = system.raw(GRUB_NEW)
        mode = system.mode(GRUB_CFG) if system.exists(GRUB_CFG) else 0o600
        system.put(GRUB_CFG, data, mode)

    def apply(self, system):
        wanted = grub_files(self.fields["parameters"])
        before = {path: step_files.read(system, path) for path in wanted}
        try:
            for path, (data, mode) in wanted.items():
                step_files.put(system, path, data, mode)
            if not self._menu_has_them(self._make_menu(system)):
                raise files.Failed("the new menu's first entry lacks our parameters: something "
                                   f"read after {GRUB_DEFAULTS} sets them otherwise")
        except files.Failed:
            self._remove_leftovers(system)
            for path in wanted:
                step_files.restore(system, path, before[path])
            raise
        self._take_menu(system)

    def restore(self, system, before, same_boot):
        ours = [{path: step_files.digest(data)
                 for path, (data, _) in grub_files(fields["parameters"]).items()}
                for fields in [self.fields, *self.former]]
        told = [step_files.restore(system, path, was, [each[path] for each in ours])
                for path, was in before["files"].items()]
        self._remove_leftovers(system)
        if step_files.digest(system.raw(GRUB_CFG) or b"") != before["menu"]:
            self._make_menu(system)
            self._take_menu(system)
        return "; ".join(filter(None, told))


# ---- entries after the Boot Loader Specification -----------------------------------------------

def entry_fields(text):
    """An entry's keys and values."""
    return dict(line.split(None, 1) for line in text.splitlines()
                if len(line.split(None, 1)) == 2 and not line.startswith("#"))


def entries(system, folder):
    """Path: text, of those that boot a kernel; without the one that we keep, and rescue's."""
    found = {path: system.text(path) or "" for path in system.glob(f"{folder}/*.conf")
             if not path.endswith("/" + BLS_BEFORE) and "-rescue" not in path}
    return {path: text for path, text in found.items() if "linux" in entry_fields(text)}


def grubenv(system):
    """GRUB's variables."""
    return dict(line.partition("=")[::2]
                for line in (system.text("/boot/grub2/grubenv") or "").splitlines()
                if "=" in line and not line.startswith("#"))


def default_entry(system, found):
    """The entry of the running kernel, or else the last."""
    kernel = system.text("/proc/sys/kernel/osrelease", "")
    for path, text in found.items():
        if entry_fields(text).get("version") == kernel:
            return path
    return sorted(found)[-1]


def former_entry(system, found):
    """A copy of the default entry under a title that tells it apart."""
    lines = []
    for line in found[default_entry(system, found)].splitlines():
        key = line.split(None, 1)[0] if line.split() else ""
        if key == "title":
            line = f"{line} ({TITLE_BEFORE})"
        elif key == "options":
            # What grubby changes behind a variable must not change this entry.
            line = line.replace("$kernelopts", grubenv(system).get("kernelopts", "").strip())
        if key != "sort-key":
            lines.append(line)
    return ("\n".join(lines) + "\n").encode()


def options(system, text):
    words = entry_fields(text).get("options", "")
    return cmdline.split(words.replace("$kernelopts", grubenv(system).get("kernelopts", "")))


def kernel_path(text):
    return "/boot/" + entry_fields(text)["linux"].rpartition("/")[2]


class EntriesStep(BootStep):
    """What grubby and systemd-boot have in common: files whose options are changed."""

    def folder(self, system):
        raise NotImplementedError

    def others(self):
        """Files besides the entries that change."""
        return []

    def change(self, system):
        raise NotImplementedError

    def configured(self, system):
        folder = self.folder(system)
        found = entries(system, folder)
        return bool(found) and system.exists(f"{folder}/{BLS_BEFORE}") and not any(
            cmdline.lacking(options(system, text), self.fields["parameters"])
            for text in found.values())

    def read(self, system):
        folder = self.folder(system)
        paths = [*entries(system, folder), *self.others()]
        return {"former": f"{folder}/{BLS_BEFORE}",
                "files": {path: step_files.read(system, path) for path in paths}}

    def apply(self, system):
        folder = self.folder(system)
        found = entries(system, folder)
        if not found:
            raise files.Failed(f"{folder} has no entries")
        former = f"{folder}/{BLS_BEFORE}"
        kept = former + KEPT
        # Made while no entry has our parameters, and out of sight of grubby, which changes all
        # entries of a kernel.
        # The mode of the others: a boot partition of FAT refuses any other.
        mode = system.mode(default_entry(system, found))
        if not system.exists(kept):
            system.put(kept, system.raw(former) or former_entry(system, found), mode)
        system.remove(former)
        self.change(system)
        system.put(former, system.raw(kept), mode)
        system.remove(kept)
        if not self.configured(system):
            raise files.Failed("the boot loader's entries lack our parameters after all")

    def restore(self, system, before, same_boot):
        former = before["former"]
        for path in [former, former + KEPT]:
            system.remove(path)
        for path in [*before["files"], former, former + KEPT]:
            system.remove(path + files.UNFINISHED)
        self.change_back(system, before)
        return ""

    def change_back(self, system, before):
        """Files that were there then and are there now, as they were then."""
        for path, was in before["files"].items():
            if system.exists(path) or path in self.others():
                step_files.restore(system, path, was)


class Grubby(EntriesStep):
    kind = "grubby"

    def folder(self, system):
        return BLS

    def others(self):
        return ["/boot/grub2/grubenv", "/etc/default/grub", KERNEL_CMDLINE]

    def change(self, system):
        keys = dict.fromkeys(text.partition("=")[0] for text in self.fields["parameters"])
        # Not our copy: ALL would be it too.
        for text in entries(system, BLS).values():
            # An entry's path starts from the boot partition, grubby's from the root.
            kernel = kernel_path(text)
            if cmdline.lacking(options(system, text), self.fields["parameters"]):
                system.run("grubby", "--update-kernel", kernel, "--remove-args", " ".join(keys))
                system.run("grubby", "--update-kernel", kernel, "--args",
                           " ".join(self.fields["parameters"]))
        self._for_new_kernels(system)

    def _for_new_kernels(self, system):
        """RHEL 9 reads /etc/kernel/cmdline when it installs a kernel."""
        text = system.text(KERNEL_CMDLINE)
        if text is not None:
            words = cmdline.with_parameters(cmdline.split(text), self.fields["parameters"])
            data = (" ".join(words) + "\n").encode()
            if data != system.raw(KERNEL_CMDLINE):
                system.put(KERNEL_CMDLINE, data, system.mode(KERNEL_CMDLINE))

    def change_back(self, system, before):
        super().change_back(system, before)
        # Kernels that were installed since.
        for path, text in entries(system, BLS).items():
            mine = [word for word in options(system, text) if word in self.fields["parameters"]]
            if path not in before["files"] and mine:
                system.run("grubby", "--update-kernel", kernel_path(text), "--remove-args",
                           " ".join(mine))


class SystemdBoot(EntriesStep):
    kind = "systemd-boot"

    def folder(self, system):
        return f"{esp(system) or '/boot'}/loader/entries"

    def others(self):
        return [KERNEL_CMDLINE]

    def change(self, system):
        found = entries(system, self.folder(system))
        words = cmdline.split(system.text(KERNEL_CMDLINE))
        if not words:
            # Without this file kernel-install takes the running kernel's, ours or not.
            words = options(system, found[default_entry(system, found)])
        data = " ".join(cmdline.with_parameters(words, self.fields["parameters"])) + "\n"
        if system.raw(KERNEL_CMDLINE) != data.encode():
            step_files.put(system, KERNEL_CMDLINE, data.encode(), 0o644)
        for path, text in found.items():
            self._set(system, path, cmdline.with_parameters(
                options(system, text), self.fields["parameters"]))

    def _set(self, system, path, words):
        lines = [f"options {' '.join(words)}" if line.split(None, 1)[:1] == ["options"] else line
                 for line in (system.text(path) or "").splitlines()]
        data = ("\n".join(lines) + "\n").encode()
        if data != system.raw(path):
            system.put(path, data, system.mode(path))

    def change_back(self, system, before):
        super().change_back(system, before)
        for path, text in entries(system, self.folder(system)).items():
            words = options(system, text)
            if path not in before["files"]:
                self._set(system, path, [word for word in words
                                         if word not in self.fields["parameters"]])


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


LOADERS = {"grub": Grub, "grubby": Grubby, "systemd-boot": SystemdBoot, "none": NoLoader}


def boot_step(loader, parameters):
    return LOADERS[loader]("kernel command line", "kernel command line",
                           f"through {loader}" if loader != "none" else "nobody sets it here",
                           parameters=parameters)
