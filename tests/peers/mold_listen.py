#!/usr/bin/env python3
"""A MoldUDP64 listener that reads ITCH 5.0. Standard library only.

Joins one group or more (lines A and B of one feed) on an interface, reads every packet, and prints
JSON objects, one a line, the last of which is a summary: messages by type, sequence gaps that no
line filled, duplicates, heartbeats, and what did not add up. With --recover it asks the
retransmission server for what is missing. With --each it prints every message, in order of arrival;
--save keeps them as a file of `length[2] message` in their own order.
Exit status: 0, or 1 when a gap stayed open, a message was malformed, or an order was touched that
was never added (with --orders, for feeds joined from their start).
"""

import argparse
import json
import select
import socket
import struct
import sys
import time

import nasdaq

HEADER = struct.Struct(">10sQH")
END_OF_SESSION = 0xFFFF
# As many messages as one request may ask for; a request is repeated until the gap is closed.
REQUEST_MESSAGES_MAX = 1000
REQUEST_EVERY_SECONDS = 0.05


def split(datagram):
    """Reads a downstream packet: (session, sequence, count, messages)."""
    if len(datagram) < HEADER.size:
        raise nasdaq.Malformed(f"a packet of {len(datagram)} bytes")
    session, sequence, count = HEADER.unpack_from(datagram)
    messages, at = [], HEADER.size
    for _ in range(0 if count == END_OF_SESSION else count):
        if at + 2 > len(datagram):
            raise nasdaq.Malformed("a packet ends within a message block")
        length = int.from_bytes(datagram[at:at + 2], "big")
        if at + 2 + length > len(datagram):
            raise nasdaq.Malformed("a message block is longer than its packet")
        messages.append(datagram[at + 2:at + 2 + length])
        at += 2 + length
    return session, sequence, count, messages


class Spans:
    """A set of sequence numbers, as sorted [first, end) spans that neither touch nor overlap."""

    def __init__(self):
        self.spans = []

    def add(self, sequence):
        """Adds one; returns whether it is new. New numbers come at the end nearly always."""
        index = len(self.spans)
        while index > 0 and self.spans[index - 1][0] > sequence:
            index -= 1
        if index > 0 and sequence < self.spans[index - 1][1]:
            return False
        if index > 0 and sequence == self.spans[index - 1][1]:
            self.spans[index - 1][1] += 1
            if index < len(self.spans) and self.spans[index][0] == sequence + 1:
                self.spans[index - 1][1] = self.spans.pop(index)[1]
        elif index < len(self.spans) and self.spans[index][0] == sequence + 1:
            self.spans[index][0] = sequence
        else:
            self.spans.insert(index, [sequence, sequence + 1])
        return True

    def gaps(self, first, end):
        """What is missing between `first` and `end`, as [first, end) pairs."""
        missing, at = [], first
        for low, high in self.spans:
            if low > at:
                missing.append([at, min(low, end)])
            at = max(at, high)
        if at < end:
            missing.append([at, end])
        return [gap for gap in missing if gap[0] < gap[1]]


class Feed:
    """What came over all lines together."""

    def __init__(self, first, emit, last=None):
        self.emit = emit
        # The last sequence number that counts; None: whatever comes.
        self.last = last
        # The first sequence number that counts; None: the first that comes.
        self.first = first
        # One past the highest number that any packet told of, heartbeats included.
        self.end = first or 0
        self.session = None
        self.seen = Spans()
        self.counts = {}
        self.lines = {}
        self.open_orders = {}
        # By sequence number, where they are to be kept.
        self.kept = None
        self.totals = {"packets": 0, "messages": 0, "bytes": 0, "duplicates": 0, "heartbeats": 0,
                       "malformed": 0, "unknown_orders": 0, "session_changes": 0,
                       "contradictions": 0}
        self.ended = False

    def on_datagram(self, datagram, line):
        """Takes one packet in; `line` says where it came from."""
        self.totals["packets"] += 1
        self.totals["bytes"] += len(datagram)
        self.lines[line] = self.lines.get(line, 0) + 1
        try:
            session, sequence, count, messages = split(datagram)
        except nasdaq.Malformed as failure:
            self.malformed(failure, datagram)
            return
        if self.session not in (None, session):
            self.totals["session_changes"] += 1
        self.session = session
        if self.first is None:
            self.first = sequence
        self.end = max(self.end, sequence + len(messages))
        if count == END_OF_SESSION:
            self.ended = True
        elif count == 0:
            self.totals["heartbeats"] += 1
        for offset, message in enumerate(messages):
            self.on_message(sequence + offset, message)

    def on_message(self, sequence, data):
        """Takes one message in, once."""
        if self.last is not None and sequence > self.last:
            return
        if sequence < self.first or not self.seen.add(sequence):
            self.totals["duplicates"] += 1
            if self.kept is not None and self.kept.get(sequence, data) != data:
                self.totals["contradictions"] += 1
            return
        self.totals["messages"] += 1
        if self.kept is not None:
            self.kept[sequence] = data
        try:
            message = nasdaq.read(nasdaq.ITCH, data)
        except nasdaq.Malformed as failure:
            self.malformed(failure, data)
            return
        kind = message["type"]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.emit(sequence, message)
        self.follow_order(kind, message)

    def malformed(self, failure, data):
        """Counts bytes that make no sense, and shows them."""
        self.totals["malformed"] += 1
        print(f"malformed: {failure}: {data.hex()}", file=sys.stderr)

    def follow_order(self, kind, message):
        """Keeps shares open by order reference number, as anybody who builds a book does."""
        orders = self.open_orders
        if kind in "AF":
            orders[message["order_reference_number"]] = message["shares"]
        elif kind in "ECX":
            took = message.get("executed_shares", message.get("canceled_shares"))
            left = orders.get(message["order_reference_number"], -1) - took
            if left < 0:
                self.totals["unknown_orders"] += 1
            elif left == 0:
                del orders[message["order_reference_number"]]
            else:
                orders[message["order_reference_number"]] = left
        elif kind == "D":
            if orders.pop(message["order_reference_number"], None) is None:
                self.totals["unknown_orders"] += 1
        elif kind == "U":
            if orders.pop(message["original_order_reference_number"], None) is None:
                self.totals["unknown_orders"] += 1
            orders[message["new_order_reference_number"]] = message["shares"]

    def gaps(self):
        """What is missing, as [first, end) pairs."""
        end = self.end if self.last is None else min(self.end, self.last + 1)
        return self.seen.gaps(self.first, end) if self.first is not None else []

    def has_last(self):
        """Whether the last number that counts was told of."""
        return self.last is not None and self.end > self.last

    def summary(self):
        """Everything, for the last line."""
        return {"event": "summary", **self.totals, "types": self.counts, "lines": self.lines,
                "session": self.session.decode("ascii") if self.session else None,
                "first": self.first, "next": self.end, "gaps": self.gaps(),
                "open_orders": len(self.open_orders), "ended": self.ended}


def join(group, port, interface):
    """A socket that hears one group on one interface."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    # Bound to the group: another group on the same port stays out.
    listener.bind((group, port))
    index = socket.if_nametoindex(interface)
    mreqn = socket.inet_aton(group) + socket.inet_aton("0.0.0.0") + struct.pack("@i", index)
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, mreqn)
    listener.setblocking(False)
    return listener


def address(text):
    """`host:port` as a pair."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def listen(options, feed):
    """Hears until the time is up, the session ends, or enough messages came with no gap."""
    sockets = {join(*address(group), options.interface): group for group in options.group}
    requests = None
    if options.recover:
        requests = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        requests.setblocking(False)
        sockets[requests] = "recovery"
    print(json.dumps({"event": "joined", "groups": options.group}), flush=True)
    until = time.monotonic() + options.seconds
    next_request = 0.0
    while time.monotonic() < until:
        ready, _, _ = select.select(list(sockets), [], [], 0.02)
        for one in ready:
            drain(one, lambda datagram, line=sockets[one]: feed.on_datagram(datagram, line))
        gaps = feed.gaps()
        enough = feed.ended or feed.has_last() or 0 < options.count <= feed.totals["messages"]
        if not gaps and enough:
            return
        if requests and gaps and time.monotonic() >= next_request:
            for first, end in gaps[:16]:
                count = min(end - first, REQUEST_MESSAGES_MAX)
                requests.sendto(HEADER.pack(feed.session, first, count), address(options.recover))
            next_request = time.monotonic() + REQUEST_EVERY_SECONDS


def drain(one, take):
    """Takes every datagram that is there."""
    while True:
        try:
            take(one.recv(65536))
        except BlockingIOError:
            return


def parse(arguments):
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--group", action="append", required=True, metavar="GROUP:PORT",
                        help="give it twice for lines A and B")
    parser.add_argument("--interface", required=True, help="its name")
    parser.add_argument("--seconds", type=float, default=10.0, help="listen at most so long")
    parser.add_argument("--count", type=int, default=0, help="stop after so many messages")
    parser.add_argument("--first", type=int, help="the first sequence number that counts")
    parser.add_argument("--last", type=int, help="the last; the end, once all before it came")
    parser.add_argument("--recover", metavar="HOST:PORT", help="the retransmission server")
    parser.add_argument("--each", action="store_true", help="print every message")
    parser.add_argument("--save", metavar="FILE", help="keep the messages in a file")
    parser.add_argument("--orders", action="store_true", help="fail on orders never added")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Listens and tells; returns the exit status."""
    options = parse(arguments)

    def emit(sequence, message):
        if options.each:
            print(json.dumps({"event": "message", "sequence": sequence, **message}), flush=True)

    feed = Feed(options.first, emit, options.last)
    if options.save:
        feed.kept = {}
    listen(options, feed)
    if options.save:
        with open(options.save, "wb") as file:
            for _, message in sorted(feed.kept.items()):
                file.write(len(message).to_bytes(2, "big") + message)
    summary = feed.summary()
    print(json.dumps(summary), flush=True)
    wrong = summary["gaps"] or summary["malformed"] or summary["contradictions"]
    return 1 if wrong or (options.orders and summary["unknown_orders"]) else 0


if __name__ == "__main__":
    sys.exit(main())
