#!/usr/bin/env python3
"""A client that goes on trading while its venue dies and comes back. Standard library only.

Enters orders at one price, buying and selling in turn, with a window of unanswered ones. When the
connection breaks or falls silent it connects again, logs in from its next sequence number, and goes
on. What it hears is kept by sequence number, over all connections; a number that comes again, or
that a login skips, is held against that. Commands on standard input, one a line:

    pause    sends no more orders; says `paused` when all are answered, or after a while
    go       goes on
    check    reads the whole session again, from its first message, and compares
    end      waits for the end of the session; then, or when input ends, it ends

Prints JSON objects, one a line: `trading` at the first answer, `paused`, `checked`, `summary`. Exit
status: 0, or 1 when the venue contradicted itself.
"""

import argparse
import json
import select
import socket
import sys
import time

import nasdaq
from soup_ouch import login_request, packet

SILENCE_SECONDS = 2.5
CONNECT_SECONDS = 1.0
PAUSE_SECONDS = 5.0


class Wrong(Exception):
    """The venue contradicted itself."""


class Broken(Exception):
    """The connection is over."""


def tell(event, **fields):
    """Prints what happened."""
    print(json.dumps({"event": event, **fields}), flush=True)


class Link:
    """One connection, logged in from a sequence number."""

    def __init__(self, options, sequence):
        self.socket = socket.create_connection((options.host, options.port), CONNECT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.last_in = self.last_out = time.monotonic()
        self.over = False
        self.granted = None
        request = login_request(options.user, options.password, b" " * 10, sequence)
        self.socket.sendall(packet("L", request))

    def send(self, data):
        """Sends bytes."""
        try:
            self.socket.sendall(data)
        except OSError as failure:
            raise Broken(str(failure)) from failure
        self.last_out = time.monotonic()

    def take(self, seconds):
        """Sequenced messages that come within some time."""
        ready, _, _ = select.select([self.socket], [], [], seconds)
        now = time.monotonic()
        if ready:
            try:
                data = self.socket.recv(1 << 16)
            except OSError as failure:
                raise Broken(str(failure)) from failure
            if not data:
                raise Broken("closed")
            self.received += data
            self.last_in = now
        elif now - self.last_in > SILENCE_SECONDS:
            raise Broken("silent")
        if now - self.last_out > 0.5:
            self.send(packet("R"))
        return list(self.split())

    def split(self):
        """Takes whole packets off what was received."""
        at = 0
        while len(self.received) - at >= 3:
            length = int.from_bytes(self.received[at:at + 2], "big")
            if len(self.received) - at < 2 + length:
                break
            kind, payload = self.received[at + 2:at + 3], self.received[at + 3:at + 2 + length]
            at += 2 + length
            if kind == b"A":
                self.granted = int(payload[10:])
            elif kind == b"S":
                yield payload
            elif kind == b"Z":
                self.over = True
            elif kind == b"J":
                self.received = self.received[at:]
                raise Broken("login rejected " + payload.decode("ascii"))
        self.received = self.received[at:]


class Client:
    """One session over any number of connections."""

    def __init__(self, options):
        self.options = options
        self.heard = [None]
        self.refs = 0
        self.answered = 0
        self.accepted = set()
        self.connections = self.again = 0
        self.paused = False
        self.ended = False
        self.link = None

    def connect(self):
        """Connects, as often as it takes."""
        wanted = len(self.heard)
        try:
            link = Link(self.options, wanted)
            while link.granted is None:
                self.hear(link.take(0.05), link)
        except (OSError, Broken):
            time.sleep(0.05)
            return
        if link.granted != wanted:
            raise Wrong(f"asked for {wanted}, was given {link.granted}")
        self.connections += 1
        self.link = link
        # What was sent and not answered on the last connection may have come to nothing.
        self.answered = self.refs

    def hear(self, messages, link):
        """Takes messages in, under the numbers that follow."""
        for message in messages:
            self.heard.append(message)
            ref = int.from_bytes(message[9:13], "big")
            if message[:1] in b"AJ":
                if message[:1] == b"A":
                    self.accepted.add(ref)
                self.answered = max(self.answered, ref)
        self.ended = self.ended or link.over

    def enter(self):
        """As many orders as the window has room for."""
        orders = []
        while not self.paused and self.refs - self.answered < self.options.window:
            self.refs += 1
            side = "BS"[(self.refs + self.options.first) % 2]
            orders.append(packet("U", nasdaq.write(nasdaq.OUCH_IN, "O", {
                "user_ref_num": self.refs, "side": side, "quantity": 100, "symbol": "AAPL",
                "price": 1_000_000, "time_in_force": "0", "display": "Y", "capacity": "P",
                "inter_market_sweep_eligibility": "N", "cross_type": "N",
                "clordid": f"N{self.refs}"})))
        if orders:
            self.link.send(b"".join(orders))

    def check(self):
        """Reads the session again from its first message."""
        if self.link:
            self.link.socket.close()
            self.link = None
        until, again = time.monotonic() + 60, []
        while len(again) + 1 < len(self.heard):
            if time.monotonic() > until:
                raise Wrong(f"{len(again)} of {len(self.heard) - 1} messages came again")
            try:
                link, again = Link(self.options, 1), []
                while len(again) + 1 < len(self.heard):
                    again += link.take(0.05)
                link.socket.close()
            except (OSError, Broken):
                time.sleep(0.05)
        for number, (was, now) in enumerate(zip(self.heard[1:], again), 1):
            if was != now:
                raise Wrong(f"message {number} was {was.hex()} and is {now.hex()}")
        self.again += len(self.heard) - 1

    def turn(self):
        """One turn of the loop."""
        if self.link is None:
            self.connect()
            return
        try:
            self.enter()
            self.hear(self.link.take(0.005), self.link)
        except Broken:
            self.link.socket.close()
            self.link = None

    def summary(self):
        """Everything, for the last line."""
        return {"messages": len(self.heard) - 1, "sent": self.refs,
                "accepted": len(self.accepted), "connections": self.connections,
                "read_again": self.again, "ended": self.ended}


def run(client):
    """Trades, and does as it is told."""
    trading, pausing = False, None
    while True:
        ready, _, _ = select.select([sys.stdin], [], [], 0)
        word = sys.stdin.readline() if ready else None
        if word == "" or client.ended:
            return
        word = (word or "").strip()
        if word in ("pause", "end"):
            client.paused, pausing = True, time.monotonic() + PAUSE_SECONDS
        elif word == "go":
            client.paused = False
        elif word == "check":
            client.check()
            tell("checked", **client.summary())
        client.turn()
        if not trading and client.accepted:
            trading = True
            tell("trading")
        if pausing and (client.answered >= client.refs or time.monotonic() > pausing):
            pausing = None
            tell("paused", **client.summary())


def main():
    """Trades and tells; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--window", type=int, default=32, help="orders without an answer")
    parser.add_argument("--first", type=int, default=0, help="1 sells first")
    client = Client(parser.parse_args())
    try:
        run(client)
    except Wrong as wrong:
        tell("summary", wrong=str(wrong), **client.summary())
        return 1
    tell("summary", **client.summary())
    return 0


if __name__ == "__main__":
    sys.exit(main())
