"""Drives the emulated host: starts and stops it, runs commands in it over ssh, cuts its power."""

import json
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import time

import machine

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Seconds. The guest is emulated, and so slow; these only end a wait for what never comes.
BOOT_S = 400
COMMAND_S = 300


class Failed(Exception):
    """The test bed did not do what was asked; the message says what and where to look."""


class Hung(Failed):
    """The guest answers no more. An emulator on a busy machine does that to it now and then."""


class Done:
    """A command that ran in the guest."""

    def __init__(self, command, status, out, err):
        self.command, self.status, self.out, self.err = command, status, out, err

    def __str__(self):
        return f"{self.command}\nstatus {self.status}\n{self.out}{self.err}"

    def json(self):
        return json.loads(self.out)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Bed:
    """`folder` has what image.sh made, and what a running guest leaves."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    # ---- the machine ---------------------------------------------------------------------------

    def pid(self):
        """Of the QEMU that runs, or 0."""
        try:
            pid = int((self.folder / "qemu.pid").read_text())
            name = pathlib.Path(f"/proc/{pid}/comm").read_text()
        except (OSError, ValueError):
            return 0
        return pid if name.startswith("qemu-system") else 0

    def up(self):
        """Boots a fresh copy of the disk; seconds until root can log in."""
        if self.pid():
            raise Failed(f"a guest runs already, process {self.pid()}: scripts/testbed.sh down")
        self._clear()
        (self.folder / "console.log").unlink(missing_ok=True)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", "base.img", "-F", "raw",
                        str(self.folder / "disk.qcow2")], check=True)
        port = free_port()
        (self.folder / "ssh.port").write_text(str(port))
        with open(self.folder / "qemu.log", "wb") as log:
            # In a session of its own, so that it stays when `up` has returned.
            subprocess.run(["setsid", "--fork", *machine.arguments(self.folder, port)],
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)
        return self.await_boot(None)

    def settle(self):
        """What is done once in a new guest: our files, and GRUB's own menu."""
        self.put_tree()
        self.must("update-grub")

    def put_tree(self):
        """The tree's scripts, configurations and data, and the binary."""
        self.put(ROOT, ["scripts", "config", "data"], "/opt/peregrine")
        self.put(self.folder / "bin", ["peregrine"], "/usr/local/bin")

    def down(self):
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 20
            while self.pid() and time.monotonic() < deadline:
                time.sleep(0.1)
        self._forget_connection()
        self._clear()

    def _clear(self):
        """What a guest leaves; its console's log stays until the next one."""
        for pattern in ("disk.qcow2", "qemu.pid", "*.sock", "ssh.port", "cable*"):
            for path in self.folder.glob(pattern):
                path.unlink()

    def await_boot(self, before):
        """Until the guest answers with another boot than `before`; returns the seconds it took."""
        started = time.monotonic()
        while time.monotonic() < started + BOOT_S:
            if started + 3 < time.monotonic() and not self.pid():
                raise Failed(f"QEMU has ended: {(self.folder / 'qemu.log').read_text().strip()}")
            self._forget_connection()
            try:
                if self.boot_id(10) not in ("", before):
                    return time.monotonic() - started
            except Failed:
                pass
            time.sleep(0.5)
        raise Hung(f"no login within {BOOT_S} s: see {self.folder / 'console.log'}")

    def boot_id(self, timeout_s=COMMAND_S):
        return self.run("cat /proc/sys/kernel/random/boot_id", timeout_s).out.strip()

    def reboot(self):
        before = self.boot_id()
        self.run("systemctl reboot")
        return self.await_boot(before)

    def cut_power(self):
        """As if the mains had failed, and come back: what was not on the disk is lost."""
        before = self.boot_id()
        self._monitor("system_reset")
        return self.await_boot(before)

    def _monitor(self, command):
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.folder / "qmp.sock"))
            with monitor.makefile("rw") as lines:
                lines.readline()
                for execute in ("qmp_capabilities", command):
                    lines.write(json.dumps({"execute": execute}) + "\n")
                    lines.flush()
                    answer = json.loads(lines.readline())
                    if "error" in answer:
                        raise Failed(f"QEMU refused {execute}: {answer['error']}")

    # ---- commands ------------------------------------------------------------------------------

    def ssh(self, *more):
        port = (self.folder / "ssh.port").read_text()
        options = {"UserKnownHostsFile": "/dev/null", "StrictHostKeyChecking": "no",
                   "LogLevel": "ERROR", "BatchMode": "yes", "ConnectTimeout": "10",
                   "ControlMaster": "auto", "ControlPersist": "600",
                   "ControlPath": str(self.folder / "ssh.sock"),
                   # An emulated CPU has no use for what needs another one's instructions.
                   "Compression": "no", "ServerAliveInterval": "15", "ServerAliveCountMax": "20"}
        words = ["ssh", "-i", str(self.folder / "key"), "-p", port]
        for key, value in options.items():
            words += ["-o", f"{key}={value}"]
        return [*words, *more, "root@127.0.0.1"]

    def _forget_connection(self):
        (self.folder / "ssh.sock").unlink(missing_ok=True)

    def run(self, command, timeout_s=COMMAND_S):
        """A shell command in the guest, as root. Its status is the caller's to judge."""
        try:
            done = subprocess.run([*self.ssh(), command], stdin=subprocess.DEVNULL, text=True,
                                  capture_output=True, timeout=timeout_s, errors="replace")
        except FileNotFoundError:
            raise Failed("no guest runs: scripts/testbed.sh up") from None
        except subprocess.TimeoutExpired:
            self._forget_connection()
            raise Hung(f"no answer within {timeout_s} s: {command}") from None
        if done.returncode == 255:
            raise Hung(f"the guest does not answer: {done.stderr.strip()}")
        return Done(command, done.returncode, done.stdout, done.stderr)

    def must(self, command, timeout_s=COMMAND_S, statuses=(0,)):
        done = self.run(command, timeout_s)
        if done.status not in statuses:
            raise Failed(str(done))
        return done

    def start(self, command):
        """The same, without waiting for its end: a process whose output can be read."""
        return subprocess.Popen([*self.ssh(), command], stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def put(self, folder, names, into):
        """Copies files and folders of `folder`, by name, into a folder of the guest."""
        packed = subprocess.run(["tar", "-C", str(folder), "-c", *names], capture_output=True)
        into = shlex.quote(into)
        done = subprocess.run([*self.ssh(), f"mkdir -p {into} && tar -C {into} -x"],
                              input=packed.stdout, capture_output=True)
        if packed.returncode or done.returncode:
            raise Failed(f"copying {names} into the guest failed: {packed.stderr + done.stderr}")
