#!/usr/bin/env python3
"""Holds one thread of a process still, and lets it go: what SIGSTOP does to a whole process.

Seizes the thread with ptrace and says `held`. When its standard input ends, so does it, and the
thread is let go.
Needs the right to trace the process.
"""

import argparse
import ctypes
import os
import sys

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
WAIT_ANY_THREAD = 0x40000000


def trace(request, thread):
    """One ptrace call without arguments; an OSError when it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, thread, None, None) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def main():
    """Holds until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("thread", type=int, help="the thread's id; a process's is its first one's")
    thread = parser.parse_args().thread
    trace(PTRACE_SEIZE, thread)
    trace(PTRACE_INTERRUPT, thread)
    os.waitpid(thread, WAIT_ANY_THREAD)
    print("held", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
