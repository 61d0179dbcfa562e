"""The peers' own tests: against real captures as an independent dissector reads them, and against
small servers on the loopback interface.
"""

import contextlib
import io
import json
import pathlib
import socket
import struct
import threading
import unittest

import mold_listen
import nasdaq
import soup_ouch

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"


def payloads(path):
    """UDP or TCP payloads of a classic little-endian pcap of Ethernet frames."""
    data = path.read_bytes()
    scheme = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<"}[data[:4]]
    at = 24
    while at < len(data):
        _, _, size, _ = struct.unpack_from(scheme + "IIII", data, at)
        yield transport(data[at + 16:at + 16 + size])
        at += 16 + size


def transport(frame):
    """What a frame's UDP or TCP carries."""
    at = 14
    while frame[at - 2:at] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    total = int.from_bytes(frame[at + 2:at + 4], "big")
    header = (frame[at] & 15) * 4
    end = at + total
    protocol = frame[at + 9]
    at += header
    size = 8 if protocol == 17 else (frame[at + 12] >> 4) * 4
    return frame[at + size:end]


def same(ours, theirs):
    """Whether a value of ours is what the dissector shows: prices may be scaled there."""
    if isinstance(ours, str):
        return ours == theirs.strip(" \0")
    try:
        shown = float(theirs)
    except ValueError:
        return False
    return any(abs(shown * scale - ours) < 0.5 for scale in (1, 10_000, 100_000_000))


class Captures(unittest.TestCase):
    """Every field of every captured message, against tests/data/decoded.jsonl."""

    def expected(self):
        """(capture, packet number, what the dissector says)."""
        for line in (DATA / "decoded.jsonl").read_text().splitlines():
            told = json.loads(line)
            yield told["file"], told["packet"], told

    def test_every_capture_is_read_as_the_dissector_reads_it(self):
        compared = 0
        for name, number, told in self.expected():
            payload = list(payloads(DATA / "captures" / name))[number - 1]
            reader = self.read_itch if "Itch" in name else self.read_ouch
            for ours, theirs in zip(reader(payload, told), told["messages"], strict=True):
                with self.subTest(capture=name, packet=number, type=ours.get("type")):
                    compared += self.compare(ours, theirs)
        self.assertGreater(compared, 500)

    def read_itch(self, payload, told):
        """The messages of a MoldUDP64 packet."""
        session, sequence, count, messages = mold_listen.split(payload)
        self.assertEqual(str(sequence), told["header"]["sequencenumber"])
        self.assertEqual(str(count), told["header"]["messagecount"])
        # A zeroed session has no text.
        shown = session.decode("ascii").strip(" \0")
        self.assertEqual(shown, told["header"].get("session", ""))
        return [nasdaq.read(nasdaq.ITCH, message) for message in messages]

    def read_ouch(self, payload, told):
        """The messages of SoupBinTCP packets."""
        messages = []
        while payload:
            length = int.from_bytes(payload[:2], "big")
            kind, data = chr(payload[2]), payload[3:2 + length]
            table = {"U": nasdaq.OUCH_IN, "S": nasdaq.OUCH_OUT}.get(kind)
            messages.append(nasdaq.read(table, data) if table else {})
            payload = payload[2 + length:]
        return messages

    def compare(self, ours, theirs):
        """Compares the fields that both name; returns how many."""
        theirs = {name.replace("_", ""): value for name, value in theirs.items()}
        compared = 0
        for name, value in ours.items():
            shown = theirs.get(name.replace("_", ""))
            if shown is not None and name not in ("type", "name"):
                self.assertTrue(same(value, shown), f"{name}: {value!r}, dissector {shown!r}")
                compared += 1
        return compared

    def test_ouch_is_written_as_it_is_read(self):
        for capture in ("EnterOrderMessage", "CancelOrderMessage"):
            path = DATA / "captures" / f"Nasdaq.Nsm.Ouch.v5.0.{capture}.pcap"
            data = next(iter(payloads(path)))[3:]
            message = nasdaq.read(nasdaq.OUCH_IN, data)
            kind = message["type"]
            values = {k: v for k, v in message.items()
                      if k not in ("type", "name", "appendage_length", "appendage")}
            if message.get("appendage_length"):
                values["appendage"] = data[-message["appendage_length"]:]
            self.assertEqual(nasdaq.write(nasdaq.OUCH_IN, kind, values), data)


class Layouts(unittest.TestCase):
    """Sizes that the specifications state."""

    def test_sizes(self):
        ouch_in = {"O": 47, "U": 40, "X": 9, "M": 10, "Q": 1, "C": 17, "D": 9, "E": 9}
        ouch_out = {"S": 10, "A": 64, "U": 68, "C": 18, "D": 31, "E": 36, "B": 36, "F": 49,
                    "J": 29, "P": 13, "I": 13, "T": 30, "M": 18, "R": 16, "Q": 13,
                    "X": 25, "G": 17, "K": 17}
        itch = {"S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "W": 12, "K": 28, "J": 35,
                "h": 21, "A": 36, "F": 40, "E": 31, "C": 36, "X": 23, "D": 19, "U": 35, "P": 44,
                "Q": 40, "B": 19, "I": 50, "N": 20, "O": 48}
        for table, sizes in ((nasdaq.OUCH_IN, ouch_in), (nasdaq.OUCH_OUT, ouch_out),
                             (nasdaq.ITCH, itch)):
            found = {kind: nasdaq.fixed_size(layout) for kind, (_, layout) in table.items()}
            self.assertEqual(found, sizes)

    def test_appendages(self):
        data = bytes([3, 4]) + b"R " + bytes([5, 7]) + (-5).to_bytes(4, "big", signed=True)
        self.assertEqual(nasdaq.read_appendage(data, len(data)), {4: "R", 7: -5})
        short = {"user_ref_num": 1, "quantity": 5}
        plain = nasdaq.write(nasdaq.OUCH_IN, "X", short)
        self.assertEqual(nasdaq.read(nasdaq.OUCH_IN, plain)["appendage"], {})
        told = nasdaq.write(nasdaq.OUCH_IN, "X", {**short, "appendage": bytes([2, 28, 7])})
        self.assertEqual(nasdaq.read(nasdaq.OUCH_IN, told)["appendage"], {28: 7})
        for bad in (plain + b"\0", told[:-1], told + b"\0"):
            with self.assertRaises(nasdaq.Malformed):
                nasdaq.read(nasdaq.OUCH_IN, bad)
        for bad in (b"\x00\x01", b"\x03\x01\x00", b"\x01"):
            with self.assertRaises(nasdaq.Malformed):
                nasdaq.read_appendage(bad, len(bad))


def mold(sequence, messages, session=b"TEST      ", count=None):
    """A downstream packet."""
    blocks = b"".join(len(m).to_bytes(2, "big") + m for m in messages)
    count = len(messages) if count is None else count
    return mold_listen.HEADER.pack(session, sequence, count) + blocks


def add(reference, shares=100):
    """An ITCH add order."""
    return nasdaq.write(nasdaq.ITCH, "A", {
        "order_reference_number": reference, "buy_sell_indicator": "B", "shares": shares,
        "stock": "AAPL", "price": 1_000_000})


def delete(reference):
    """An ITCH order delete."""
    return nasdaq.write(nasdaq.ITCH, "D", {"order_reference_number": reference})


class Mold(unittest.TestCase):
    """Sequence numbers, gaps and orders."""

    def feed(self, first=None):
        return mold_listen.Feed(first, lambda sequence, message: None)

    def test_gaps_are_found_and_filled_by_the_other_line(self):
        feed = self.feed()
        feed.on_datagram(mold(1, [add(1), add(2)]), "A")
        feed.on_datagram(mold(5, [add(5)]), "A")
        self.assertEqual(feed.gaps(), [[3, 5]])
        feed.on_datagram(mold(2, [add(2), add(3), add(4)]), "B")
        self.assertEqual(feed.gaps(), [])
        self.assertEqual(feed.totals["duplicates"], 1)
        self.assertEqual(feed.seen.spans, [[1, 6]])

    def test_a_heartbeat_shows_what_was_lost_at_the_end(self):
        feed = self.feed(first=1)
        feed.on_datagram(mold(4, []), "A")
        self.assertEqual(feed.gaps(), [[1, 4]])
        feed.on_datagram(mold(4, [], count=mold_listen.END_OF_SESSION), "A")
        self.assertTrue(feed.ended)
        self.assertEqual(feed.totals["heartbeats"], 1)

    def test_orders_are_followed(self):
        feed = self.feed()
        executed = nasdaq.write(nasdaq.ITCH, "E", {"order_reference_number": 1,
                                                   "executed_shares": 60})
        replaced = nasdaq.write(nasdaq.ITCH, "U", {"original_order_reference_number": 1,
                                                   "new_order_reference_number": 2, "shares": 5})
        feed.on_datagram(mold(1, [add(1), executed, replaced]), "A")
        self.assertEqual(feed.open_orders, {2: 5})
        feed.on_datagram(mold(4, [delete(2), delete(2)]), "A")
        self.assertEqual(feed.totals["unknown_orders"], 1)

    def test_what_does_not_add_up_is_counted_and_not_fatal(self):
        feed = self.feed()
        with contextlib.redirect_stderr(io.StringIO()) as told:
            for bad in (b"", b"x" * 19, mold(1, [b"A"]), mold(2, [add(1)])[:-1], mold(3, [b"~"])):
                feed.on_datagram(bad, "A")
        self.assertEqual(told.getvalue().count("malformed"), 5)
        self.assertEqual(feed.totals["malformed"], 5)

    def test_spans_agree_with_a_set(self):
        spans, naive, state = mold_listen.Spans(), set(), 1
        for _ in range(2000):
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            sequence = state >> 8 & 255
            self.assertEqual(spans.add(sequence), sequence not in naive)
            naive.add(sequence)
        missing = {n for low, high in spans.gaps(0, 256) for n in range(low, high)}
        self.assertEqual(missing, set(range(256)) - naive)


class Server(threading.Thread):
    """A scripted SoupBinTCP server for two connections."""

    def __init__(self, refuse=False):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.refuse = refuse
        self.logins, self.orders, self.sequenced = [], [], []

    def run(self):
        for _ in range(1 if self.refuse else 2):
            connection, _ = self.listener.accept()
            with connection:
                connection.settimeout(5)
                try:
                    self.serve(connection.makefile("rwb"))
                except ConnectionError:
                    continue
        self.listener.close()

    def serve(self, stream):
        """One connection."""
        while True:
            head = stream.read(2)
            if len(head) < 2:
                return
            body = stream.read(int.from_bytes(head, "big"))
            kind, payload = chr(body[0]), body[1:]
            if kind == "L":
                if self.refuse:
                    stream.write(soup_ouch.packet("J", b"A"))
                    stream.flush()
                    return
                self.login(stream, payload)
            elif kind == "U":
                self.order(stream, payload)
            elif kind == "O":
                stream.write(soup_ouch.packet("Z"))
            stream.flush()

    def login(self, stream, payload):
        """Grants the login and repeats what the client has not seen."""
        self.logins.append(payload)
        sequence = int(payload[26:46])
        granted = b"      1234" + soup_ouch.number(sequence, 20)
        stream.write(soup_ouch.packet("+", b"hello") + soup_ouch.packet("A", granted))
        for message in self.sequenced[sequence - 1:]:
            stream.write(soup_ouch.packet("S", message))

    def order(self, stream, payload):
        """Accepts an enter or cancels; answers in pieces to exercise the client's framing."""
        message = nasdaq.read(nasdaq.OUCH_IN, payload)
        self.orders.append(message)
        answer = {"O": "A", "X": "C"}[message["type"]]
        reply = nasdaq.write(nasdaq.OUCH_OUT, answer, {
            "timestamp": 1, "user_ref_num": message["user_ref_num"]})
        self.sequenced.append(reply)
        data = soup_ouch.packet("H") + soup_ouch.packet("S", reply)
        for at in range(0, len(data), 7):
            stream.write(data[at:at + 7])
            stream.flush()


class Soup(unittest.TestCase):
    """The client against the scripted server."""

    def run_client(self, server, commands):
        """Runs the client; returns its status and what it printed."""
        script = "\n".join(json.dumps(command) for command in commands)
        out = io.StringIO()
        server.start()
        arguments = ["--host", "127.0.0.1", "--port", str(server.port), "--user", "u",
                     "--password", "p", "--timeout", "5", "--commands", "/dev/null"]
        options_commands = soup_ouch.parse

        def parse(given):
            options = options_commands(given)
            options.commands.close()
            options.commands = script.splitlines()
            return options

        soup_ouch.parse = parse
        try:
            status = soup_ouch.main(arguments, out)
        finally:
            soup_ouch.parse = options_commands
        server.join(10)
        return status, [json.loads(line) for line in out.getvalue().splitlines()]

    def test_a_session_goes_on_after_a_break(self):
        server = Server()
        status, events = self.run_client(server, [
            {"do": "enter", "side": "B", "quantity": 100, "symbol": "AAPL", "price": 10000},
            {"do": "wait", "type": "A"},
            {"do": "drop"},
            {"do": "reconnect"},
            {"do": "cancel", "user_ref_num": 1, "quantity": 0},
            {"do": "wait", "type": "C"},
            {"do": "logout"},
            {"do": "sleep", "seconds": 0.2},
        ])
        self.assertEqual(status, 0, events[-1])
        self.assertEqual([order["type"] for order in server.orders], ["O", "X"])
        self.assertEqual(server.orders[0]["symbol"], "AAPL")
        self.assertEqual(server.logins[0][16:26], b" " * 10)
        self.assertEqual(server.logins[1][16:46], b"      1234" + b" " * 19 + b"2")
        sequences = [event["sequence"] for event in events if event["event"] == "message"]
        self.assertEqual(sequences, [1, 2])
        self.assertEqual(events[-1]["counts"], {"A": 1, "C": 1, "heartbeat": 2})
        self.assertTrue(events[-1]["ended"])

    def test_a_refused_login_is_an_error(self):
        status, events = self.run_client(Server(refuse=True), [])
        self.assertEqual(status, 1)
        self.assertEqual(events[0], {"event": "login_rejected", "reason": "A"})


if __name__ == "__main__":
    unittest.main()
