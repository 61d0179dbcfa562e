"""An end for scripts that wait for other processes: by themselves, in time, and tidied up."""

import os
import signal
import sys
import time


def bound(seconds, error):
    """Raises `error` in the main thread when so much time has gone by; ends tidily when told to."""

    def late(*_):
        raise error(f"not done after {seconds:g} s")

    signal.signal(signal.SIGALRM, late)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.setitimer(signal.ITIMER_REAL, seconds)


def lift():
    """No bound any more: what is left is to tidy up."""
    signal.setitimer(signal.ITIMER_REAL, 0)


class Share:
    """How much of a CPU a process has from now on: one that polls and has less shares its CPU."""

    def __init__(self, pid):
        self.pid, self.began, self.had = pid, time.monotonic(), self.seconds(pid)

    @staticmethod
    def seconds(pid):
        """Seconds of CPU so far; None of a process that is gone."""
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                user, system = stat.read().rpartition(")")[2].split()[11:13]
        except OSError:
            return None
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def told(self):
        """The share in words."""
        now = self.seconds(self.pid)
        if now is None or self.had is None:
            return "it is gone"
        percent = 100 * (now - self.had) / max(time.monotonic() - self.began, 0.01)
        return f"it had {percent:.0f} % of a CPU"
