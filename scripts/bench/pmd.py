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
# Of a process that does not do what it should, so much is told.
LAST_LINES, LOG_CHARACTERS = 4, 20_000
# Before them, as many lines that complain: testpmd goes on without a port and says much after that.
COMPLAINT = re.compile(r"error|fail|cannot|not found|no such|invalid|did not", re.IGNORECASE)
# What moves a terminal's cursor or sets its colours.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# How long a whole measurement may take: less than measure.py gives it, which says less of it.
LIMIT_S = 100
# How long one that closed its terminal may take to be gone.
REAP_S = 2
# All that were started, the oldest first.
STARTED = []


class Trouble(Exception):
    """A process did not do what was asked of it."""


def cpus():
    """The first and the last CPU that may be used; the same one where there is but one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


class Process:
    """A process on a terminal of its own, since to a pipe testpmd writes its counters late."""

    def __init__(self, command):
        self.command, self.said, self.log = command, "", ""
        self.terminal, theirs = pty.openpty()
        tty.setraw(theirs)
        self.child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
        STARTED.append(self)
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
            if not self._more(max(deadline - time.monotonic(), 0)):
                raise Trouble(f"{self.name()} did not say '{pattern}'; {self.last_words()}")
        told, self.said = self.said[: match.end()], self.said[match.end() :]
        return told

    def _more(self, patience_s):
        """Takes what it wrote next; false when there is nothing."""
        try:
            piece = self.pieces.get(timeout=patience_s)
        except queue.Empty:
            return False
        if piece is None:
            self.pieces.put(None)
            self._reap()
            return False
        self.said += piece
        self.log = (self.log + piece)[-LOG_CHARACTERS:]
        return True

    def _reap(self):
        """Who closed its terminal has ended but for a moment, unless it goes on without one."""
        try:
            self.child.wait(REAP_S)
        except subprocess.TimeoutExpired:
            pass

    def name(self):
        return os.path.basename(self.command[0])

    def last_words(self):
        """How it fares, what it complained of and what it said last, on one line."""
        while self._more(0.1):
            pass
        status, state = self.child.poll(), "still runs"
        if status is not None:
            state = f"ended with {status}"
        elif any(name.endswith("-hot") for name in threads(self.child.pid)):
            state = "still runs, an lcore of it is hot,"
        lines = [line.strip() for line in CONTROL.sub("", self.log).splitlines()]
        lines = [line for line in lines if line]
        complaints = [line for line in lines[:-LAST_LINES] if COMPLAINT.search(line)]
        last = " | ".join(complaints[-LAST_LINES:] + lines[-LAST_LINES:]) or "nothing"
        return f"{self.name()} {state} and said last: {last}"

    def tell(self, line):
        os.write(self.terminal, (line + "\n").encode())

    def memory_mb(self):
        """The most memory that it had, hugepages included."""
        with open(f"/proc/{self.child.pid}/status", encoding="utf-8") as status:
            kb = dict(re.findall(r"^(\w+):\s+(\d+) kB", status.read(), re.MULTILINE))
        return (int(kb.get("VmHWM", 0)) + int(kb.get("HugetlbPages", 0))) / 1024

    def own_memory_mb(self):
        """What would be free without it: a page that others map too counts by its share."""
        with open(f"/proc/{self.child.pid}/smaps_rollup", encoding="utf-8") as rollup:
            kb = dict(re.findall(r"^(\w+):\s+(\d+) kB", rollup.read(), re.MULTILINE))
        return sum(int(kb.get(kind, 0)) for kind in ("Pss", "Private_Hugetlb")) / 1024

    def mapped_files(self):
        """The program and every library that it maps."""
        with open(f"/proc/{self.child.pid}/maps", encoding="utf-8") as maps:
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if " r-xp " in line}
        return sorted(path for path in paths if os.path.isfile(path))

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


def end_all():
    """Ends whatever still runs, the youngest first."""
    while STARTED:
        STARTED.pop().end()


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
            why = process.last_words()
            process.end()
            raise Trouble(f"no lcore forwards; {why}")
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
