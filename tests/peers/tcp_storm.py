#!/usr/bin/env python3
"""Thousands of SoupBinTCP clients that connect, log in, drop and come back, all at once.

Standard library only. Connects --count sockets and logs each in as its own account (U0000, U0001,
...), then --rounds times drops all of them, those of even number by a FIN, those of odd number by
a reset, and connects and logs in all again at once. Those that reset come from the same source
ports; the kernel keeps those that sent a FIN in TIME-WAIT, so they come from others.

Prints one JSON object for each round: how many connected, logged in, were refused a login or reset,
and the seconds it took. When its input ends it drops all and prints {"event": "summary"}.
"""

import argparse
import errno
import json
import resource
import select
import socket
import sys
import time

# Outside the kernel's usual range of ephemeral ports, which the others come from.
FIRST_PORT = 20000


def emit(**event):
    print(json.dumps(event), flush=True)


def login(number):
    """A login request packet: into any session, from its next message on."""
    payload = (f"U{number:04}".encode("ascii").ljust(6) + b"storm".ljust(10) + b" " * 10
               + b"0".rjust(20))
    return (len(payload) + 1).to_bytes(2, "big") + b"L" + payload


class Storm:
    """All clients, over one epoll."""

    def __init__(self, options):
        self.options = options
        self.sockets = {}
        self.counts = {}

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def start(self, number):
        """Begins to connect."""
        client = socket.socket()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if number % 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind(("", FIRST_PORT + number))
        error = client.connect_ex((self.options.host, self.options.port))
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, f"client {number}: {errno.errorcode[error]}")
        self.sockets[number] = client
        return client

    def drop(self):
        """Drops all."""
        for number, client in self.sockets.items():
            if number % 2:
                linger = (1).to_bytes(4, sys.byteorder) + (0).to_bytes(4, sys.byteorder)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            else:
                try:
                    # Unread bytes would make a reset of the FIN.
                    client.recv(65536)
                except OSError:
                    pass
            client.close()
        self.sockets.clear()

    def come(self, number_of_round):
        """Connects and logs in all; tells how that went."""
        self.counts = {"connected": 0, "accepted": 0}
        began = time.monotonic()
        poll = select.epoll()
        states = {}
        for number in range(self.options.count):
            client = self.start(number)
            states[client.fileno()] = [number, client, b"", False]
            poll.register(client, select.EPOLLOUT)
        waiting = len(states)
        while waiting and time.monotonic() - began < self.options.seconds:
            for fd, _ in poll.poll(0.1):
                if self.serve(poll, states[fd]):
                    poll.unregister(fd)
                    waiting -= 1
        seconds = round(time.monotonic() - began, 3)
        emit(event="round", round=number_of_round, waiting=waiting, seconds=seconds, **self.counts)

    def serve(self, poll, state):
        """Goes on with a client; says whether it is done."""
        number, client, received, connected = state
        if not connected:
            error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self.count(errno.errorcode[error])
                return True
            self.count("connected")
            state[3] = True
            client.sendall(login(number))
            poll.modify(client, select.EPOLLIN)
            return False
        try:
            data = client.recv(4096)
        except OSError as error:
            self.count(errno.errorcode[error.errno])
            return True
        state[2] = received = received + data
        if not data:
            self.count("closed")
            return True
        if len(received) < 3:
            return False
        self.count({0x41: "accepted", 0x4A: "rejected"}.get(received[2], "strange"))
        return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    storm = Storm(options)
    storm.come(0)
    for number in range(1, options.rounds + 1):
        storm.drop()
        storm.come(number)
    sys.stdin.read()
    storm.drop()
    emit(event="summary")


if __name__ == "__main__":
    main()
