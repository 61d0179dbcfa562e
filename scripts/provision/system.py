"""The host's files and tools, below a root that may be another than /.

Everything that changes something goes through the methods at the end, so that there is one place
to see what can happen to a host, and one place where a test can cut the power.
"""

import errno
import fcntl
import glob
import os
import stat
import struct
import subprocess

# What a file is called until it is whole. A leftover of it tells of a power cut.
UNFINISHED = ".peregrine-new"
COMMAND_SECONDS_MAX = 300
# _IOW('f', 43, __u32) of linux/ext4.h: the whole journal, into its place.
EXT4_IOC_CHECKPOINT = 0x4004662B
SEARCH = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")


class Failed(Exception):
    """The host refused something; says what and why."""


def why(error):
    """An OSError in words, without the path, which the caller tells."""
    return os.strerror(error.errno) if error.errno else str(error)


class System:
    def __init__(self, root="/"):
        self.root = os.path.realpath(root)
        # Whether there is a kernel behind the files.
        self.real = self.root == "/"

    def at(self, path):
        """Where a path of the host is for us."""
        return path if self.real else os.path.join(self.root, path.lstrip("/"))

    # ---- reading -------------------------------------------------------------------------------

    def raw(self, path):
        """A file's bytes; None where it is not there or does not let itself be read."""
        try:
            with open(self.at(path), "rb") as file:
                return file.read()
        except OSError:
            return None

    def text(self, path, default=None):
        """A file's text without white space at its ends."""
        data = self.raw(path)
        return default if data is None else data.decode("utf-8", "replace").strip("\0 \t\r\n")

    def number(self, path, default=None):
        try:
            return int(self.text(path, ""), 0)
        except ValueError:
            return default

    def exists(self, path):
        return os.path.lexists(self.at(path))

    def is_dir(self, path):
        return os.path.isdir(self.at(path))

    def names(self, path):
        try:
            return sorted(os.listdir(self.at(path)))
        except OSError:
            return []

    def link(self, path):
        """The last part of what a link points to, which is what sysfs says with links."""
        try:
            return os.path.basename(os.readlink(self.at(path)))
        except OSError:
            return None

    def glob(self, pattern):
        found = sorted(glob.glob(self.at(pattern)))
        return found if self.real else [path[len(self.root):] for path in found]

    def mode(self, path):
        return stat.S_IMODE(os.lstat(self.at(path)).st_mode)

    def tool(self, name):
        """A tool's path on the host, or None. Not from PATH: that of sudo or of a unit differs."""
        for folder in SEARCH:
            path = f"{folder}/{name}"
            if os.access(self.at(path), os.X_OK):
                return path
        return None

    def boot_id(self):
        return self.text("/proc/sys/kernel/random/boot_id", "")

    def missing_dirs(self, path):
        """The folders above a path that are not there, the outermost first."""
        missing, folder = [], os.path.dirname(path)
        while folder != "/" and not self.exists(folder):
            missing.insert(0, folder)
            folder = os.path.dirname(folder)
        return missing

    # ---- changing ------------------------------------------------------------------------------

    def about_to(self, what):
        """Called before each change."""

    def _inside(self, path):
        """A link in another root must not lead out of it, onto this machine."""
        where = os.path.realpath(os.path.dirname(self.at(path)))
        if not self.real and where != self.root and not where.startswith(self.root + os.sep):
            raise Failed(f"{path}: leads out of {self.root}")
        return self.at(path)

    def write_knob(self, path, value):
        """Into a file of sysfs or procfs, which is there already; an OSError is the kernel's no."""
        self.about_to(f"write {path}")
        where = self._inside(path)
        # No O_CREAT and no O_TRUNC: the kernel's files know neither.
        handle = os.open(where, os.O_WRONLY)
        try:
            os.write(handle, value.encode() + b"\n")
        finally:
            os.close(handle)

    def put(self, path, data, mode=0o644):
        """A whole file: after a power cut there is the old or the new one, never a half."""
        where = self._inside(path)
        self.about_to(f"write {path}{UNFINISHED}")
        try:
            self._write_whole(where + UNFINISHED, data, mode)
        except OSError:
            if os.path.lexists(where + UNFINISHED):
                os.unlink(where + UNFINISHED)
            raise
        self.about_to(f"rename to {path}")
        os.replace(where + UNFINISHED, where)
        self._sync_dir(where)

    def settle(self, path):
        """Puts what a file system has of a path in its journal alone in its place on the disk.

        Boot loaders read no journal: after a power cut GRUB would find what was there before, whose
        blocks may have other contents by then. ext4 offers this; others have no such call.
        """
        if not self.real:
            return
        handle = os.open(self.at(path), os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_CHECKPOINT, struct.pack("I", 0))
        except OSError:
            os.sync()
        finally:
            os.close(handle)

    def _write_whole(self, where, data, mode):
        handle = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            if os.write(handle, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fchmod(handle, mode)
            os.fsync(handle)
        finally:
            os.close(handle)

    def remove(self, path):
        where = self._inside(path)
        if os.path.lexists(where):
            self.about_to(f"remove {path}")
            os.unlink(where)
            self._sync_dir(where)

    def make_dirs(self, path):
        """The folders above a path."""
        for folder in self.missing_dirs(path):
            self.about_to(f"make {folder}")
            os.mkdir(self._inside(folder), 0o755)

    def remove_dir(self, path):
        """If it is there and empty."""
        try:
            self.about_to(f"remove {path}")
            os.rmdir(self._inside(path))
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise Failed(f"{path}: {why(error)}") from None

    def _sync_dir(self, where):
        handle = os.open(os.path.dirname(where), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def set_affinity(self, pid, cpus):
        self.about_to(f"move {pid}")
        os.sched_setaffinity(pid, cpus)

    def run(self, *command):
        """Runs a tool and returns what it printed; one that fails is a Failed with its words."""
        self.about_to(" ".join(command))
        return self.ask(*command)

    def ask(self, *command):
        """The same for a tool that changes nothing."""
        status, out, err = self.answer(*command)
        if status != 0:
            words = (err.strip() or out.strip()).splitlines()[-3:]
            raise Failed(f"{' '.join(command)}: status {status}: {' / '.join(words)}")
        return out

    def answer(self, *command):
        """Status, output and errors of a tool whose status is an answer too."""
        path = self.tool(command[0])
        if path is None:
            raise Failed(f"{command[0]} is not installed")
        environment = {**os.environ, "LC_ALL": "C", "PATH": ":".join(SEARCH)}
        try:
            done = subprocess.run([path, *command[1:]], capture_output=True, text=True,
                                  timeout=COMMAND_SECONDS_MAX, check=False, env=environment)
        except subprocess.TimeoutExpired:
            raise Failed(f"{' '.join(command)}: not done in {COMMAND_SECONDS_MAX} s") from None
        return done.returncode, done.stdout, done.stderr
