#!/usr/bin/env python3
"""Asks a host below its protocols. Standard library only; `ping` needs root.

    probe.py ping HOST COUNT SIZE       ICMP echoes of SIZE bytes; each must come back as it went
    probe.py rubbish HOST PORT HEX      these bytes over TCP; the host must close the connection

Exit status: 0, or 1 with a reason on stderr.
"""

import os
import socket
import struct
import sys
import time

PATIENCE_SECONDS = 10.0


def checksum(data):
    """The internet checksum."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def echo(kind, identifier, sequence, payload):
    """An ICMP echo request (8) or reply (0)."""
    head = struct.pack(">BBHHH", kind, 0, 0, identifier, sequence)
    return head[:2] + struct.pack(">H", checksum(head + payload)) + head[4:] + payload


def ping(host, count, size):
    """Sends echoes one by one; each is answered by the same bytes, with a right checksum."""
    identifier = os.getpid() & 0xFFFF
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.settimeout(PATIENCE_SECONDS)
        for sequence in range(count):
            payload = bytes((sequence + at) & 0xFF for at in range(size))
            raw.sendto(echo(8, identifier, sequence, payload), (host, 0))
            wanted = echo(0, identifier, sequence, payload)
            until = time.monotonic() + PATIENCE_SECONDS
            while raw.recv(65536)[20:] != wanted:
                if time.monotonic() > until:
                    raise TimeoutError(f"echo {sequence} did not come back as it went")


def rubbish(host, port, data):
    """Sends bytes; the other side must end the connection."""
    with socket.create_connection((host, port), PATIENCE_SECONDS) as stream:
        try:
            stream.sendall(data)
            while stream.recv(65536):
                pass
        except ConnectionResetError:
            pass


def main(arguments):
    """Does as it is told; returns the exit status."""
    do, host, first, second = arguments
    try:
        if do == "ping":
            ping(host, int(first), int(second))
        else:
            rubbish(host, int(first), bytes.fromhex(second))
    except OSError as failure:
        print(f"{do}: {type(failure).__name__}: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
