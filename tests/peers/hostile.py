#!/usr/bin/env python3
"""Clients that mean harm: floods of odd, mutated and random OUCH, and all that SoupBinTCP forbids.

Standard library only. Four sessions send --messages between them as fast as they can: sound
messages of every kind, fields out of every range, wrong lengths, unknown types, mutated bytes,
numbers used before. Meanwhile a vandal logs in, breaks SoupBinTCP's rules one after the other and
comes back, and from the address --guess-from somebody guesses passwords. At the end each session
takes its orders back and logs out. Prints one JSON object with what the venue must have counted.
Exit status: 0, or 1 when the venue did not answer as it must.

What is sent is a pool of messages, made once from --seed, with each message's number put in.
"""

import argparse
import json
import random
import select
import socket
import struct
import sys
import time

import nasdaq
import soup_ouch

POOL = 20_000
# Messages that go to a session's socket at once.
BATCH = 400
DOLLAR = 10_000
SESSIONS = ("FLOOD1", "FLOOD2", "FLOOD3", "FLOOD4")
PASSWORD = "flood-pass"
VANDAL = ("VANDAL", "vandal-pas")
PATIENCE_SECONDS = 60.0
# Wrong logins that are looked at, from one address, before the others are not.
GUESSES_ALLOWED = 10

ODD_QUANTITIES = (0, 1, 999_999, 1_000_000, 1 << 31, (1 << 32) - 1)
ODD_PRICES = (0, 1, 99, 1_999_999_900, 1_999_999_999, 2_000_000_000, 0x7FFFFFFF, 1 << 32,
              (1 << 64) - 1)


class Pool:
    """Messages without their numbers."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        # (bytes before the number of an order of late or None, after it; those before a new
        # number or None, after it), as they go out: Soup header and all.
        self.messages = [self.forge() for _ in range(POOL)]

    def forge(self):
        """One message in pieces around its numbers."""
        kind = self.random.choice("OOOOOOOOOOOOUUUUXXXXMMCEDQ?")
        if kind == "D" and self.random.random() < 0.9:
            kind = "E"
        if kind == "?":
            data = self.random.randbytes(self.random.randrange(90))
        else:
            values = self.fields(kind)
            data = nasdaq.write(nasdaq.OUCH_IN, kind, values)
        spoiled = self.random.random()
        if spoiled < 0.15:
            data = self.spoil(data)
        kind = chr(data[0]) if data else ""
        packet = (len(data) + 1).to_bytes(2, "big") + b"U" + data
        # Where numbers are: of an older order at 1 in replaces, cancels and modifications.
        if kind == "U" and len(data) >= 9:
            return packet[:4], b"", packet[12:]
        if kind in "XM" and len(data) >= 5:
            return packet[:4], None, packet[8:]
        if kind in "OCDE" and len(data) >= 5:
            return None, packet[:4], packet[8:]
        return None, None, packet

    def fields(self, kind):
        """Values, some of them odd."""
        chance = self.random
        values = {
            "side": self.letter("BSBSBSTE", 50), "quantity": self.quantity(kind),
            "symbol": "AAPL" if chance.random() < 0.97 else chance.choice(("", "NOSUCH")),
            "price": self.price(), "time_in_force": self.letter("0000356", 50),
            "display": self.letter("YYYYYANPLMW", 30), "capacity": self.letter("AP", 50),
            "inter_market_sweep_eligibility": self.letter("NY", 50),
            "cross_type": "N" if chance.random() < 0.97 else self.letter("OCHSX", 5),
            "clordid": "HOSTILE", "firm": chance.choice(("", "EVIL", "GOOD")),
        }
        known = {name for name, _ in nasdaq.fields(nasdaq.OUCH_IN[kind][1])}
        values = {name: value for name, value in values.items() if name in known}
        if chance.random() < (0.3 if kind in "OU" else 0.1):
            values["appendage"] = self.appendage()
        return values

    def letter(self, usual, odd):
        """One of these, seldom another."""
        if self.random.randrange(odd) == 0:
            return chr(self.random.randrange(128))
        return self.random.choice(usual)

    def quantity(self, kind):
        """Shares; a cancel is mostly one of all."""
        if kind == "X" and self.random.random() < 0.5:
            return 0
        if self.random.random() < 0.03:
            return self.random.choice(ODD_QUANTITIES)
        return self.random.randrange(1, 300)

    def price(self):
        """Close to 100 dollars, with exceptions."""
        drawn = self.random.random()
        if drawn < 0.02:
            return self.random.choice(ODD_PRICES)
        if drawn < 0.04:
            return self.random.randrange(1 << 64)
        return 100 * DOLLAR + 100 * self.random.randrange(-10, 11)

    def appendage(self):
        """Some optional fields, sound or not."""
        out = b""
        for _ in range(self.random.randrange(1, 4)):
            tag, value = self.random.choice((
                (3, struct.pack(">I", self.random.randrange(400))),
                (5, struct.pack(">I", self.random.randrange(400))),
                (12, b"P"), (6, b"M"), (2, b"EVIL"), (2, b"GOOD"), (27, b"B"),
                (15, struct.pack(">I", self.random.randrange(86_400))),
                (self.random.randrange(256), self.random.randbytes(self.random.randrange(12)))))
            out += bytes([len(value) + 1, tag]) + value
        return out

    def spoil(self, data):
        """Bytes changed, lost or too many."""
        way = self.random.randrange(3)
        if way == 0:
            return data[:self.random.randrange(len(data) + 1)]
        if way == 1:
            return data + self.random.randbytes(self.random.randrange(1, 60))
        spoiled = bytearray(data)
        for _ in range(self.random.randrange(1, 5)):
            if spoiled:
                spoiled[self.random.randrange(len(spoiled))] = self.random.randrange(256)
        return bytes(spoiled)


class Flood:
    """One session that sends as fast as it can, and reads all that comes."""

    def __init__(self, options, user, pool, share):
        self.user, self.pool, self.left = user, pool, share
        self.random = random.Random(f"{options.seed} {user}")
        self.number = 0
        self.sent = self.heard = 0
        self.out = b""
        self.received = b""
        self.done = False
        self.next_number = None
        self.socket = log_in(options, user, PASSWORD)
        self.socket.setblocking(False)

    def more(self):
        """The next batch; after the last one a mass cancel, and a query to know that it is done."""
        parts = []
        draw = self.random.random
        messages = self.pool.messages
        for _ in range(min(BATCH, self.left)):
            older, newer, rest = messages[int(draw() * POOL)]
            if older is not None:
                back = int(draw() * 12)
                parts.append(older)
                parts.append(max(self.number - back, 0).to_bytes(4, "big"))
                if newer is None:
                    parts.append(rest)
                    continue
                newer = b""
            if newer is None:
                parts.append(rest)
                continue
            self.number += 1
            number, luck = self.number, draw()
            if luck < 0.02:
                number -= int(draw() * 5)
            elif luck < 0.03:
                self.number = number = number + int(draw() * 100)
            parts += (newer, max(number, 0).to_bytes(4, "big"), rest)
        count = min(BATCH, self.left)
        self.left -= count
        self.sent += count
        if self.left == 0:
            parts += [query(), mass_cancel(self.number + 1_000), query()]
            self.sent += 3
        self.out = b"".join(parts)

    def on_writable(self):
        """Sends what fits."""
        if not self.out and self.left:
            self.more()
        if self.out:
            self.out = self.out[self.socket.send(self.out):]

    def on_readable(self):
        """Counts what comes."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise soup_ouch.PeerError(f"{self.user}: the venue closed the connection")
        data = self.received + data
        at, end = 0, len(data)
        while at + 2 < end:
            length = data[at] << 8 | data[at + 1]
            if at + 2 + length > end:
                break
            if data[at + 2] == 0x53:
                self.heard += 1
                if data[at + 3] == 0x51:
                    self.next_number = int.from_bytes(data[at + 12:at + 16], "big")
                elif data[at + 3] == 0x58 and self.left == 0:
                    self.done = int.from_bytes(data[at + 12:at + 16], "big") >= self.number
            elif data[at + 2] != 0x48:
                raise soup_ouch.PeerError(f"{self.user}: a packet {data[at:at + 2 + length]!r}")
            at += 2 + length
        self.received = data[at:]


def query():
    """A packet with an account query."""
    return soup_ouch.packet("U", b"Q")


def mass_cancel(number):
    """A packet that takes all orders of the session off."""
    values = {"user_ref_num": number}
    return soup_ouch.packet("U", nasdaq.write(nasdaq.OUCH_IN, "C", values))


def connect(options, source=None):
    """A TCP connection."""
    address = (source, 0) if source else None
    return socket.create_connection((options.host, options.port), PATIENCE_SECONDS, address)


def login(user, password, session=b" " * 10, sequence=0):
    """A login request's packet."""
    return soup_ouch.packet("L", soup_ouch.login_request(user, password, session, sequence))


def log_in(options, user, password):
    """A session."""
    stream = connect(options)
    stream.sendall(login(user, password))
    answer = read_exactly(stream, 33)
    if answer[2:3] != b"A":
        raise soup_ouch.PeerError(f"{user} was not let in: {answer!r}")
    return stream


def read_exactly(stream, count):
    """So many bytes."""
    data = b""
    while len(data) < count:
        more = stream.recv(count - len(data))
        if not more:
            raise soup_ouch.PeerError(f"closed after {data!r}")
        data += more
    return data


def ended(stream):
    """Reads until the venue closes; what came."""
    data = b""
    try:
        while more := stream.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    stream.close()
    return data


class Vandal:
    """Breaks SoupBinTCP's rules one after the other; each costs a connection."""

    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.counts = {}
        self.messages = 0
        self.step = 0

    def turn(self):
        """One outrage."""
        strangers = (
            ("zero_length", b"\0\0"), ("packet_too_long", b"\xff\xff" + b"L" * 100),
            ("unknown_type", b"\0\x01?"), ("packet_length", b"\0\x05LABCD"),
            ("not_login", b"\0\x01R"), ("not_login", b"\0\x02UQ"), ("not_login", b"\0\x01O"),
            ("login_number", login(*VANDAL, sequence=0)[:-1] + b"x"),
            ("unknown_session", login(*VANDAL, session=b"NOTHERE   ")),
            ("not_yet_sent", login(*VANDAL, sequence=10 ** 12)),
            ("session_in_use", login(SESSIONS[0], PASSWORD)),
            ("packet_too_long", self.random.randbytes(1).replace(b"\0", b"\1") + b"\xff" * 2000),
        )
        insiders = (
            ("zero_length", b"\0\0"), ("packet_too_long", b"\x7f\xffU" + b"O" * 2000),
            ("unknown_type", b"\0\x01\xff"), ("unexpected_packet", login(*VANDAL)),
            ("packet_length", b"\0\x02OO"), ("unexpected_packet", b"\0\x01Z"),
            ("logged_out", b"\0\x01O"), ("transport_closed", None),
            ("transport_closed", b"\0\x30U"),
        )
        all_of_them = [(None, *one) for one in strangers] + [(VANDAL, *one) for one in insiders]
        account, reason, data = all_of_them[self.step % len(all_of_them)]
        self.step += 1
        self.counts[reason] = self.counts.get(reason, 0) + 1
        if account is None:
            stream = connect(self.options)
            stream.sendall(data)
            ended(stream)
            return
        stream = log_in(self.options, *account)
        messages = self.random.randrange(1, 50)
        self.messages += messages
        stream.sendall(query() * messages + (data or b""))
        if reason == "transport_closed":
            for _ in range(messages):
                read_exactly(stream, 16)
            stream.close()
            # The next login must find the session free.
            time.sleep(0.02)
        else:
            ended(stream)


def guess(options):
    """Guesses a password from an address of its own; what the venue counts."""
    tries = 40
    for number in range(tries):
        stream = connect(options, options.guess_from)
        stream.sendall(login("VICTIM", f"guess{number}"))
        if (answer := ended(stream)) != b"\0\x02JA":
            raise soup_ouch.PeerError(f"a guess was answered by {answer!r}")
    # The right one is no better now, from there.
    stream = connect(options, options.guess_from)
    stream.sendall(login("VICTIM", "victim-pas"))
    if (answer := ended(stream)) != b"\0\x02JA":
        raise soup_ouch.PeerError(f"too many guesses, and then {answer!r}")
    return {"guesses": tries + 1, "guesses_allowed": GUESSES_ALLOWED}


def flood(floods, vandal):
    """All of them at once, the vandal now and then."""
    until = time.monotonic() + PATIENCE_SECONDS
    turns = 0
    while not all(one.done for one in floods):
        if time.monotonic() > until:
            states = [(one.user, one.left, one.heard) for one in floods]
            raise soup_ouch.PeerError(f"the venue takes no more: {states}")
        reads = [one for one in floods if not one.done]
        writes = [one for one in reads if one.out or one.left]
        sockets = {one.socket: one for one in reads}
        readable, writable, _ = select.select(
            list(sockets), [one.socket for one in writes], [], 1.0)
        for stream in readable:
            sockets[stream].on_readable()
        for stream in writable:
            sockets[stream].on_writable()
        turns += 1
        if turns % 5 == 0:
            vandal.turn()


def main():
    """Does all of it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guess-from", metavar="ADDRESS")
    options = parser.parse_args()
    started = time.monotonic()
    told, error = {}, None
    try:
        pool = Pool(options.seed)
        told.update(guess(options))
        share = options.messages // len(SESSIONS)
        floods = [Flood(options, user, pool, share) for user in SESSIONS]
        vandal = Vandal(options)
        flood(floods, vandal)
        for one in floods:
            one.socket.setblocking(True)
            one.socket.sendall(soup_ouch.packet("O"))
            ended(one.socket)
        told.update(
            sent=sum(one.sent for one in floods), heard=sum(one.heard for one in floods),
            numbers=[one.number for one in floods], vandal_messages=vandal.messages,
            disconnects=vandal.counts)
    except (soup_ouch.PeerError, OSError) as failure:
        error = f"{type(failure).__name__}: {failure}"
    told["seconds"] = round(time.monotonic() - started, 2)
    print(json.dumps({"event": "summary", "error": error, **told}), flush=True)
    return 0 if error is None else 1


if __name__ == "__main__":
    sys.exit(main())
