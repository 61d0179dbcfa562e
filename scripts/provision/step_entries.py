"""Boot entries as files (Boot Loader Specification), by grubby or for systemd-boot."""

import cmdline
import step_files
import system as files
from step_boot import BootStep

BLS = "/boot/loader/entries"
# Sorts below every machine id, so that it is never the default: GRUB and systemd-boot both take
# digits for newer than letters, and small letters for newer than capitals.
BLS_BEFORE = "A-before-peregrine.conf"
KEPT = ".kept"
ESPS = ("/efi", "/boot/efi", "/boot")
KERNEL_CMDLINE = "/etc/kernel/cmdline"
GRUBENV = "/boot/grub2/grubenv"
GRUBENV_BYTES = 1024
TITLE_BEFORE = "as before Peregrine"


def esp(system):
    """Where systemd-boot's entries are, or None."""
    for folder in ESPS:
        if system.glob(f"{folder}/loader/entries/*.conf") and system.exists(
                f"{folder}/loader/loader.conf"):
            return folder
    return None


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
                for line in (system.text(GRUBENV) or "").splitlines()
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


def put_if_other(system, path, data):
    if data != system.raw(path):
        system.put(path, data, system.mode(path))


def restore_lines(system, path, was, start):
    """Of a file the lines that start so, as they were; what else has become of it stays."""
    old = [line for line in step_files.unpack(was["data"]).decode().splitlines()
           if line.startswith(start)]
    lines = []
    for line in (system.raw(path) or b"").decode().splitlines():
        if not line.startswith(start):
            lines.append(line)
        elif old:
            lines.append(old.pop(0))
    data = ("\n".join(lines) + "\n").encode()
    if path == GRUBENV and len(step_files.unpack(was["data"])) == GRUBENV_BYTES:
        # GRUB reads so many bytes, filled up with #.
        data = data.rstrip(b"\n#")[:GRUBENV_BYTES - 1] + b"\n"
        data += b"#" * (GRUBENV_BYTES - len(data))
    put_if_other(system, path, data)


class EntriesStep(BootStep):
    """What grubby and systemd-boot have in common: files whose options are changed."""

    # Files besides the entries, and how their lines with parameters start.
    OTHERS = {}

    def folder(self, system):
        raise NotImplementedError

    def change(self, system):
        raise NotImplementedError

    def change_newer(self, system, path, text):
        """Takes our parameters from an entry of a kernel that was installed after them."""
        raise NotImplementedError

    def words(self, words):
        """A command line's words as they are to be."""
        return cmdline.with_parameters(words, self.fields["parameters"], self.absent())

    def ours(self):
        """All parameters that we ever gave."""
        return {text for fields in [self.fields, *self.former] for text in fields["parameters"]}

    def configured(self, system):
        folder = self.folder(system)
        found = entries(system, folder)
        return bool(found) and system.exists(f"{folder}/{BLS_BEFORE}") and not any(
            self.amiss(options(system, text)) for text in found.values())

    def read(self, system):
        folder = self.folder(system)
        paths = [*entries(system, folder), *self.OTHERS, KERNEL_CMDLINE]
        return {"former": f"{folder}/{BLS_BEFORE}",
                "files": {path: step_files.read(system, path) for path in paths}}

    def apply(self, system):
        if self.before:
            # From what was, so that parameters of another configuration go.
            self.change_back(system, self.before)
        folder = self.folder(system)
        found = entries(system, folder)
        if not found:
            raise files.Failed(f"{folder} has no entries")
        former = f"{folder}/{BLS_BEFORE}"
        kept = former + KEPT
        # The mode of the others: a boot partition of FAT refuses any other.
        mode = system.mode(default_entry(system, found))
        # Out of sight of grubby, which changes all entries of a kernel.
        if not system.exists(kept):
            system.put(kept, system.raw(former) or former_entry(system, found), mode)
        system.remove(former)
        self.change(system)
        system.put(former, system.raw(kept), mode)
        system.remove(kept)
        system.settle(folder)
        if not self.configured(system):
            raise files.Failed("the boot loader's entries lack our parameters after all")

    def restore(self, system, before, same_boot):
        former = before["former"]
        for path in [former, former + KEPT]:
            system.remove(path)
        for path in [*before["files"], former, former + KEPT]:
            system.remove(path + files.UNFINISHED)
        self.change_back(system, before)
        system.settle(self.folder(system))
        return ""

    def change_back(self, system, before):
        """The parameters of each file as they were then, kernels and files as they are now."""
        for path, was in before["files"].items():
            if path == KERNEL_CMDLINE:
                self._restore_cmdline(system, was)
            elif was["data"] and system.exists(path):
                restore_lines(system, path, was, self.OTHERS.get(path, "options"))
        for path, text in entries(system, self.folder(system)).items():
            if path not in before["files"] and self.ours() & {*options(system, text)}:
                self.change_newer(system, path, text)

    def _restore_cmdline(self, system, was):
        words = cmdline.split(system.text(KERNEL_CMDLINE))
        theirs = [word for word in words if word not in self.ours()]
        old = cmdline.split((step_files.unpack(was["data"]) or b"").decode())
        # Ours are put in place of others of the same keys, so those that are left are some of old.
        if was["data"] is None or all(word in old for word in theirs):
            step_files.restore(system, KERNEL_CMDLINE, was)
        elif words:
            put_if_other(system, KERNEL_CMDLINE, (" ".join(theirs) + "\n").encode())


class Grubby(EntriesStep):
    kind = "grubby"
    OTHERS = {GRUBENV: "kernelopts=", "/etc/default/grub": "GRUB_CMDLINE_LINUX="}

    def folder(self, system):
        return BLS

    def change(self, system):
        keys = dict.fromkeys([*(text.partition("=")[0] for text in self.fields["parameters"]),
                              *self.absent()])
        # Not our copy: ALL would be it too.
        for text in entries(system, BLS).values():
            # An entry's path starts from the boot partition, grubby's from the root.
            kernel = kernel_path(text)
            if self.amiss(options(system, text)):
                system.run("grubby", "--update-kernel", kernel, "--remove-args", " ".join(keys))
                system.run("grubby", "--update-kernel", kernel, "--args",
                           " ".join(self.fields["parameters"]))
        self._for_new_kernels(system)

    def _for_new_kernels(self, system):
        """RHEL 9 reads /etc/kernel/cmdline when it installs a kernel."""
        text = system.text(KERNEL_CMDLINE)
        if text is not None:
            words = self.words(cmdline.split(text))
            put_if_other(system, KERNEL_CMDLINE, (" ".join(words) + "\n").encode())

    def change_newer(self, system, path, text):
        system.run("grubby", "--update-kernel", kernel_path(text), "--remove-args",
                   " ".join(sorted(self.ours() & {*options(system, text)})))


class SystemdBoot(EntriesStep):
    kind = "systemd-boot"

    def folder(self, system):
        return f"{esp(system) or '/boot'}/loader/entries"

    def change(self, system):
        found = entries(system, self.folder(system))
        words = cmdline.split(system.text(KERNEL_CMDLINE))
        if not words:
            # Without this file kernel-install takes the running kernel's, ours or not.
            words = options(system, found[default_entry(system, found)])
        data = " ".join(self.words(words)) + "\n"
        if system.raw(KERNEL_CMDLINE) != data.encode():
            step_files.put(system, KERNEL_CMDLINE, data.encode(), 0o644)
        for path, text in found.items():
            self._set(system, path, self.words(options(system, text)))

    def _set(self, system, path, words):
        lines = [f"options {' '.join(words)}" if line.split(None, 1)[:1] == ["options"] else line
                 for line in (system.text(path) or "").splitlines()]
        put_if_other(system, path, ("\n".join(lines) + "\n").encode())

    def change_newer(self, system, path, text):
        self._set(system, path, [word for word in options(system, text)
                                 if word not in self.ours()])
