"""Processes with DPDK ports: dpdk-testpmd, which is told what to do at its prompt, and ours."""

import os
import pty
import queue
import re
import signal
import subprocess
import tempfile
import threading
import time
import tty

PATIENCE_S = 60


class Trouble(Exception):
    """A process did not do what was asked of it."""


def cpus():
    """The first and the last CPU that may be used; the same one where there is but one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


class Process:
    """A process on a terminal of its own, since to a pipe testpmd writes its counters late."""

    def __init__(self, command):
        self.command, self.said = command, ""
        self.terminal, theirs = pty.openpty()
        tty.setraw(theirs)
        self.child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.pieces = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            while piece := os.read(self.terminal, 65536):
                self.pieces.put(piece.decode(errors="replace"))
        except OSError:
            pass  # how a terminal says that nobody is left at the other end
        self.pieces.put(None)

    def until(self, pattern, patience_s=PATIENCE_S):
        """Reads on to where this is; what was said up to there."""
        deadline = time.monotonic() + patience_s
        while not (match := re.search(pattern, self.said)):
            try:
                piece = self.pieces.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                piece = None
            if piece is None:
                raise Trouble(f"{self.command[0]} did not say '{pattern}': {self.said[-500:]}")
            self.said += piece
        told, self.said = self.said[: match.end()], self.said[match.end() :]
        return told

    def tell(self, line):
        os.write(self.terminal, (line + "\n").encode())

    def memory_mb(self):
        """The most memory that it had, hugepages included."""
        with open(f"/proc/{self.child.pid}/status", encoding="utf-8") as status:
            kb = dict(re.findall(r"^(\w+):\s+(\d+) kB", status.read(), re.MULTILINE))
        return (int(kb.get("VmHWM", 0)) + int(kb.get("HugetlbPages", 0))) / 1024

    def end(self, how=signal.SIGINT):
        """Asks it to end, and ends it when it does not."""
        if self.child.poll() is None:
            self.child.send_signal(how)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        return self.child.returncode


def testpmd(prefix, cpu, vdevs, mode, *more):
    """dpdk-testpmd at its prompt: one lcore waits there, one forwards, both on one CPU."""
    process = Process(
        ["dpdk-testpmd", "--no-pci", "--file-prefix", prefix, f"--lcores=0@{cpu},1@{cpu}"]
        + [f"--vdev={vdev}" for vdev in vdevs]
        + ["--log-level=*:error", "--no-telemetry", "--in-memory", "--single-file-segments"]
        + ["--", "-i", "--nb-cores=1", f"--forward-mode={mode}", "--total-num-mbufs=16384"]
        + list(more)
    )
    process.until(r"testpmd> ")
    return process


def peregrine(binary, cpu, vdevs, mode, *more):
    """Our loopback. It forwards when one of its lcores calls itself hot."""
    process = Process(
        [binary, "loopback", "--mode", mode, "--lcores", str(cpu)]
        + [word for vdev in vdevs for word in ("--vdev", vdev)]
        + list(more)
    )
    deadline = time.monotonic() + PATIENCE_S
    while not any(name.endswith("-hot") for name in threads(process.child.pid)):
        if process.child.poll() is not None or time.monotonic() > deadline:
            process.end()
            process.until("never said")
        time.sleep(0.02)
    return process


def threads(pid):
    """The names of a process's threads."""
    names = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/comm", encoding="utf-8") as comm:
                names.append(comm.read().strip())
    except OSError:
        pass
    return names


def socket_path():
    """A path for a socket that nobody has yet."""
    return os.path.join(tempfile.mkdtemp(prefix="bench-"), "socket")
