#!/usr/bin/env python3
"""A SoupBinTCP 4.0 client that speaks OUCH 5.0. Standard library only.

Reads commands as JSON objects, one a line, from standard input or --commands, and prints what
happens as JSON objects, one a line, the last of which is a summary. Commands:

    {"do": "enter", "side": "B", "quantity": 100, "symbol": "AAPL", "price": 1000000, ...}
    {"do": "cancel", "user_ref_num": 1, "quantity": 0}
    {"do": "replace", "orig_user_ref_num": 1, "quantity": 50, "price": 1000100, ...}
    {"do": "modify", "user_ref_num": 1, "side": "S", "quantity": 50}
    {"do": "query"}
    {"do": "raw", "hex": "4f00.."}         one unsequenced packet with these bytes
    {"do": "bytes", "hex": "ffff.."}       these bytes on the TCP stream, no packet around them
    {"do": "wait", "type": "A", "count": 1}   until so many of that type came since the last wait
    {"do": "sleep", "seconds": 0.5}        keeps answering heartbeats
    {"do": "drop"}                         breaks the connection without a logout
    {"do": "reconnect"}                    logs in again, from the next sequence number
    {"do": "logout"}

`enter` and `replace` take the next user_ref_num when none is given, and `clordid` counts with it.
Prices are in 1/10000 dollar. Exit status: 0, or 1 when a wait ran out, the login was refused, the
server broke a rule, or the connection ended before the commands did.
"""

import argparse
import json
import select
import socket
import sys
import time

import nasdaq

HEARTBEAT_SECONDS = 1.0
DEAD_SECONDS = 15.0
DEFAULTS = {"time_in_force": "0", "display": "Y", "inter_market_sweep_eligibility": "N"}
DEFAULTS_ENTER = {"capacity": "P", "cross_type": "N"}


class PeerError(Exception):
    """The peer did what it must not, or did not do what it must."""


def packet(kind, payload=b""):
    """One SoupBinTCP packet."""
    return (len(payload) + 1).to_bytes(2, "big") + kind.encode("ascii") + payload


def number(value, size):
    """A SoupBinTCP number: ASCII, right-justified."""
    return str(value).encode("ascii").rjust(size)


def login_request(user, password, session, sequence):
    """The payload of a login request."""
    return (user.encode("ascii").ljust(6) + password.encode("ascii").ljust(10)
            + session + number(sequence, 20))


class Client:
    """One session over any number of connections."""

    def __init__(self, options, emit):
        self.options = options
        self.emit = emit
        self.socket = None
        self.received = b""
        self.last_sent = self.last_received = 0.0
        # As ten bytes: a reconnect asks for what the server named, padded as it padded it.
        self.session = options.session.encode("ascii").ljust(10)
        # The sequence number of the next message; None until the server says so.
        self.next_sequence = options.sequence
        self.next_user_ref_num = options.user_ref_num
        self.counts = {}
        self.since_wait = {}
        self.ended = False
        self.connections = 0

    def connect(self):
        """Opens a connection and logs in, from the next sequence number on."""
        options = self.options
        source = (options.bind, 0) if options.bind else None
        self.socket = socket.create_connection((options.host, options.port), options.timeout,
                                               source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.connections += 1
        self.last_received = time.monotonic()
        asked = self.next_sequence
        self.send("L", login_request(options.user, options.password, self.session, asked))
        kind, payload = self.await_packet(lambda kind: kind in "AJ")
        if kind == "J":
            self.emit(event="login_rejected", reason=payload.decode("ascii"))
            raise PeerError("login rejected")
        if len(payload) != 30:
            raise PeerError(f"a login accepted of {len(payload)} bytes, 30 expected")
        self.session = payload[:10]
        granted = int(payload[10:].decode("ascii"))
        self.emit(event="login_accepted", session=self.session.decode("ascii"), sequence=granted)
        if asked and granted != asked:
            raise PeerError(f"asked for sequence {asked}, was given {granted}")
        self.next_sequence = granted

    def drop(self):
        """Breaks the connection: a reset, as after a crash."""
        linger = (1).to_bytes(4, sys.byteorder) + (0).to_bytes(4, sys.byteorder)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()
        self.socket = None
        self.emit(event="dropped", next_sequence=self.next_sequence)

    def send(self, kind, payload=b""):
        """Sends one packet."""
        self.send_bytes(packet(kind, payload))

    def send_bytes(self, data):
        """Sends bytes as they are."""
        if self.socket is None:
            raise PeerError("not connected")
        self.socket.sendall(data)
        self.last_sent = time.monotonic()

    def take_packet(self):
        """The next whole packet that was received, or None."""
        if len(self.received) < 2:
            return None
        length = int.from_bytes(self.received[:2], "big")
        if length == 0:
            raise PeerError("a packet of length 0")
        if len(self.received) < 2 + length:
            return None
        whole, self.received = self.received[2:2 + length], self.received[2 + length:]
        return chr(whole[0]), whole[1:]

    def poll(self, seconds):
        """Waits for bytes at most so long, keeps the connection alive, and returns one packet."""
        until = time.monotonic() + seconds
        while True:
            found = self.take_packet()
            if found is not None:
                return found
            now = time.monotonic()
            if now - self.last_received > DEAD_SECONDS:
                raise PeerError(f"nothing from the server for {DEAD_SECONDS:.0f} s")
            if now - self.last_sent >= HEARTBEAT_SECONDS:
                self.send("R")
            wait = min(until - now, self.last_sent + HEARTBEAT_SECONDS - now)
            ready, _, _ = select.select([self.socket], [], [], max(wait, 0.0))
            if ready:
                data = self.socket.recv(65536)
                if not data:
                    raise PeerError("the server closed the connection")
                self.received += data
                self.last_received = time.monotonic()
            elif time.monotonic() >= until:
                return None

    def await_packet(self, wanted):
        """Handles packets until one is wanted; returns that."""
        until = time.monotonic() + self.options.timeout
        while time.monotonic() < until:
            found = self.poll(until - time.monotonic())
            if found is None:
                break
            if wanted(found[0]):
                return found
            self.handle(*found)
        raise PeerError("timed out")

    def handle(self, kind, payload):
        """Does what a packet asks, and tells of it."""
        if kind == "S":
            message = nasdaq.read(nasdaq.OUCH_OUT, payload)
            for counter in (self.counts, self.since_wait):
                counter[message["type"]] = counter.get(message["type"], 0) + 1
            self.emit(event="message", sequence=self.next_sequence, t_ns=time.monotonic_ns(),
                      **message)
            self.next_sequence += 1
        elif kind == "Z":
            self.ended = True
            self.emit(event="end_of_session")
        elif kind == "+":
            self.emit(event="debug", text=payload.decode("ascii", "replace"))
        elif kind == "H":
            self.counts["heartbeat"] = self.counts.get("heartbeat", 0) + 1
        else:
            raise PeerError(f"a packet of type {kind!r} from the server")

    def run_for(self, seconds):
        """Handles whatever comes for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self.poll(until - time.monotonic())
            if found is not None:
                self.handle(*found)

    def wait_for(self, kind, count):
        """Handles packets until `count` messages of type `kind` came since the last wait."""
        until = time.monotonic() + self.options.timeout
        while self.since_wait.get(kind, 0) < count:
            found = self.poll(max(until - time.monotonic(), 0.0))
            if found is not None:
                self.handle(*found)
            elif time.monotonic() >= until:
                had = self.since_wait.get(kind, 0)
                raise PeerError(f"waited for {count} of type {kind}, {had} came")
        self.since_wait[kind] -= count

    def numbered(self, values):
        """Gives a new order its user_ref_num and client order id."""
        number_given = values.setdefault("user_ref_num", self.next_user_ref_num)
        self.next_user_ref_num = max(self.next_user_ref_num, number_given + 1)
        values.setdefault("clordid", f"PEER{number_given}")
        return values

    def command(self, values):
        """Carries out one command."""
        do = values.pop("do")
        if do == "enter":
            values = {**DEFAULTS, **DEFAULTS_ENTER, **self.numbered(values)}
            self.ouch("O", values)
        elif do == "replace":
            self.ouch("U", {**DEFAULTS, **self.numbered(values)})
        elif do in ("cancel", "modify", "query"):
            self.ouch({"cancel": "X", "modify": "M", "query": "Q"}[do], values)
        elif do == "raw":
            self.send("U", bytes.fromhex(values["hex"]))
        elif do == "bytes":
            self.send_bytes(bytes.fromhex(values["hex"]))
        elif do == "wait":
            self.wait_for(values["type"], values.get("count", 1))
        elif do == "sleep":
            self.run_for(values["seconds"])
        elif do == "drop":
            self.drop()
        elif do == "reconnect":
            self.connect()
        elif do == "logout":
            self.send("O")
        else:
            raise PeerError(f"no such command: {do}")

    def ouch(self, kind, values):
        """Sends an OUCH message, and tells of it."""
        if "appendage" in values:
            values["appendage"] = bytes.fromhex(values["appendage"])
        self.send("U", nasdaq.write(nasdaq.OUCH_IN, kind, values))
        self.emit(event="sent", t_ns=time.monotonic_ns(), type=kind,
                  user_ref_num=values.get("user_ref_num"))


def parse(arguments):
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bind", help="the local address to connect from")
    parser.add_argument("--user", default="", help="up to 6 characters")
    parser.add_argument("--password", default="", help="up to 10 characters")
    parser.add_argument("--session", default="", help="blank: the current one")
    parser.add_argument("--sequence", type=int, default=1,
                        help="the first message wanted; 1: from the start, 0: only new ones")
    parser.add_argument("--user-ref-num", type=int, default=1, help="of the first order")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds, for each wait")
    parser.add_argument("--commands", type=argparse.FileType("r"), default=sys.stdin)
    return parser.parse_args(arguments)


def main(arguments=None, out=sys.stdout):
    """Runs the commands; returns the exit status."""
    options = parse(arguments)

    def emit(**values):
        print(json.dumps(values), file=out, flush=True)

    client = Client(options, emit)
    error = None
    try:
        client.connect()
        for line in options.commands:
            if line.strip():
                client.command(json.loads(line))
    except (PeerError, nasdaq.Malformed, OSError, KeyError, ValueError) as failure:
        error = f"{type(failure).__name__}: {failure}"
    emit(event="summary", counts=client.counts, next_sequence=client.next_sequence,
         session=client.session.decode("ascii"), connections=client.connections,
         ended=client.ended, error=error)
    if client.socket is not None:
        client.socket.close()
    return 0 if error is None else 1


if __name__ == "__main__":
    sys.exit(main())
