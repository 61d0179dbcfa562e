"""GRUB on Debian and Ubuntu: a file in /etc/default/grub.d, and a menu put in place in one step."""

import re

import cmdline
import step_files
import system as files
from step_boot import BootStep

GRUB_CFG = "/boot/grub/grub.cfg"
GRUB_NEW = GRUB_CFG + files.UNFINISHED
# What grub-mkconfig makes, and what it makes it from.
GRUB_LEFTOVERS = (GRUB_NEW, GRUB_NEW + ".new")
GRUB_DEFAULTS = "/etc/default/grub.d/90-peregrine.cfg"
GRUB_BEFORE = "/etc/grub.d/11_peregrine_before"

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


def grub_files(fields):
    """Path: (bytes, mode)."""
    parameters = fields["parameters"]
    keys = [*(text.partition("=")[0] for text in parameters), *fields.get("absent", [])]
    defaults = GRUB_DEFAULTS_TEXT.format(keys="|".join(dict.fromkeys(keys)),
                                         ours=" ".join(parameters))
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
        return bool(lines) and not self.amiss(lines[0])

    def configured(self, system):
        ours = all(system.raw(path) == data and system.mode(path) == mode
                   for path, (data, mode) in grub_files(self.fields).items())
        return ours and self._menu_has_them(system.text(GRUB_CFG) or "")

    def read(self, system):
        menu = system.raw(GRUB_CFG) or b""
        before = {path: step_files.read(system, path)
                  for path in grub_files(self.fields)}
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
        system.settle(GRUB_CFG)

    def apply(self, system):
        wanted = grub_files(self.fields)
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
                 for path, (data, _) in grub_files(fields).items()}
                for fields in [self.fields, *self.former]]
        told = [step_files.restore(system, path, was, [each[path] for each in ours])
                for path, was in before["files"].items()]
        self._remove_leftovers(system)
        if step_files.digest(system.raw(GRUB_CFG) or b"") != before["menu"]:
            self._make_menu(system)
            self._take_menu(system)
        return "; ".join(filter(None, told))
