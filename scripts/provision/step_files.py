"""Steps that are files of ours, and their folders."""

import base64
import hashlib

import step
import system as files

ASIDE = ".before-rollback"


def pack(data):
    """Bytes for JSON: as they are where they are text."""
    if data is None:
        return None
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def unpack(packed):
    if packed is None:
        return None
    return packed["text"].encode() if "text" in packed else base64.b64decode(packed["base64"])


def digest(data):
    return hashlib.sha256(data).hexdigest()


def read(system, path):
    """What it takes to put a file back."""
    there = system.raw(path)
    return {"data": pack(there), "mode": system.mode(path) if there is not None else 0,
            "dirs": system.missing_dirs(path)}


def put(system, path, data, mode):
    system.make_dirs(path)
    system.put(path, data, mode)


def restore(system, path, before, ours=()):
    """Puts it back. What somebody else wrote meanwhile is laid aside, not lost.

    `ours` are the digests of what we wrote.
    """
    there, was, told = system.raw(path), unpack(before["data"]), ""
    system.remove(path + files.UNFINISHED)
    if there is not None and ours and there != was and digest(there) not in ours:
        system.put(path + ASIDE, there, system.mode(path))
        told = f"{path} was changed by somebody else; that is now {path}{ASIDE}"
    if was is None:
        system.remove(path)
    elif there != was or system.mode(path) != before["mode"]:
        put(system, path, was, before["mode"])
    for folder in reversed(before["dirs"]):
        system.remove_dir(folder)
    return told


class File(step.Step):
    """A file that is ours alone. `notify` is a command that must run after it has changed.

    A plan's step has the `data`; one from a state file does not need them, only their digest.
    """

    kind = "file"
    data = b""

    def matches(self, system):
        path, there = self.fields["path"], system.raw(self.fields["path"])
        return (there is not None and digest(there) == self.fields["sha256"]
                and system.mode(path) == self.fields["mode"])

    def wanted(self, system):
        return f"{len(self.data)} bytes of ours"

    def found(self, system):
        there = system.raw(self.fields["path"])
        if there is None:
            return "no such file"
        return "as it should be" if self.matches(system) else f"{len(there)} bytes, not ours"

    def status(self, system):
        if self.matches(system):
            return step.Status(step.OK, self.found(system))
        return step.Status(step.WRONG, self.found(system))

    def read(self, system):
        return read(system, self.fields["path"])

    def _notify(self, system):
        command = self.fields.get("notify")
        if command and system.tool(command[0]):
            system.run(*command)

    def apply(self, system):
        put(system, self.fields["path"], self.data, self.fields["mode"])
        self._notify(system)

    def restore(self, system, before, same_boot):
        ours = [fields["sha256"] for fields in [self.fields, *self.former]]
        told = restore(system, self.fields["path"], before, ours)
        self._notify(system)
        return told


def file(path, text, what, why, mode=0o644, notify=None):
    data = text if isinstance(text, bytes) else text.encode()
    made = File(f"file {path}", what, why, path=path, sha256=digest(data), mode=mode,
                notify=notify)
    made.data = data
    return made
