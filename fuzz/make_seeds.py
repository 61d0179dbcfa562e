#!/usr/bin/env python3
"""Cut the real captures into seeds for each fuzz target, one input a file: fuzz/seeds/TARGET/NAME.

Run it again after captures were added. Names say where a seed comes from; equal ones are kept once.
"""
import hashlib
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
CAPTURES = HERE.parent / "tests" / "data" / "captures"
seen = {}


def seed(target, name, data):
    key = (target, hashlib.sha256(data).digest())
    # One of a kind is enough: seeds of the same length and type teach the fuzzer nothing new.
    kind = (target, len(data), data[:1]) if target in ("itch", "mold", "ether") else key
    if key in seen or kind in seen:
        return
    seen[key] = seen[kind] = name
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def frames(data):
    at = 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16 : at + 16 + size]
        at += 16 + size


def payload(frame):
    at = 12
    while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8", b"\x91\x00"):
        at += 4
    at += 2
    total, protocol = struct.unpack_from(">H", frame, at + 2)[0], frame[at + 9]
    end, inner = at + total, at + 4 * (frame[at] & 15)
    head = 8 if protocol == 17 else 4 * (frame[inner + 12] >> 4)
    return protocol, frame[inner + head : end]


def mold(name, packet):
    seed("mold", name, packet)
    blocks = packet[20:]
    seed("itch", name + ".blocks", blocks)
    at = 0
    while at < len(blocks):
        size = struct.unpack_from(">H", blocks, at)[0]
        seed("itch", f"{name}.{at}", blocks[at + 2 : at + 2 + size])
        at += 2 + size


def soup(name, stream):
    seed("soup", name, stream)
    kind, message = stream[2:3], stream[3:]
    if kind in b"US" and message:
        seed("ouch_in" if kind == b"U" else "ouch_out", name, message)
        fixed = {(b"U", b"O"): 47, (b"S", b"A"): 64}.get((kind, message[:1]))
        if fixed and message[fixed:]:
            seed("appendage", name, message[fixed:])


for path in sorted(CAPTURES.glob("*.pcap")):
    data = path.read_bytes()
    stem = path.name.removesuffix(".pcap").replace("Nasdaq.Equities.TotalView.Itch.v5.0.", "itch.")
    stem = stem.replace("Nasdaq.Nsm.Ouch.v5.0.", "ouch.")
    whole = list(frames(data))
    # Two packets are enough of a capture to mutate; the many in some would only slow the fuzzer.
    first = data[: 24 + sum(16 + len(frame) for frame in whole[:2])]
    seed("capture", stem, first)
    for number, frame in enumerate(whole, 1):
        seed("ether", f"{stem}.{number}", frame)
        protocol, inner = payload(frame)
        (mold if protocol == 17 else soup)(f"{stem}.{number}", inner)

# Changes to a file that the target makes itself: none, and one.
for target in ("snapshot", "command_log", "journal"):
    seed(target, "untouched", b"\0")
    seed(target, "one_byte", b"\0\x10\0\xff")


def steps(*parts):
    """A run of `what[1] length[1] bytes[length]`."""
    return b"".join(bytes([what, len(data)]) + data for what, data in parts)


def messages(name, count):
    data = (HERE.parent / "data" / "sample" / f"{name}.itch").read_bytes()
    at = 0
    for _ in range(count):
        size = struct.unpack_from(">H", data, at)[0]
        yield data[at + 2 : at + 2 + size]
        at += 2 + size


# Listings and the first orders of a real morning; to one who came late, too, and twice in a day.
morning = list(messages("sod", 14)) + list(messages("aapl", 60))
told = steps(*((0, message) for message in morning))
seed("market", "morning", b"\x00" + told)
seed("market", "morning.late", b"\x02" + told)
seed("market", "morning.twice", b"\x01" + told[:1500] + steps((251, b"")) + told[:1500])

# Logged in and reconciled; two orders taken, one filled in part and broken, one canceled.
query = b"Q" + struct.pack(">QI", 1, 1)


def taken(number, side):
    head = struct.pack(">QIcI", 1, number, side, 50)
    return b"A" + head + b"AAPL    " + struct.pack(">Q", 9000) + b"0Y" + bytes(8) + b"PNNL" \
        + b" " * 14 + b"\0\0"


def traded(number, match):
    return b"E" + struct.pack(">QIIQcQH", 1, number, 20, 9000, b"A", match, 0)


desk = steps(
    (3, b""), (10, b""), (11, query), (10, b""),
    (0, bytes([0, 0, 50, 90])), (0, bytes([0, 2, 50, 100])),
    (11, taken(1, b"B")), (11, taken(2, b"T")), (11, traded(1, 7)),
    (2, bytes([2])), (11, b"C" + struct.pack(">QIIc", 1, 2, 50, b"U")),
    (11, b"B" + struct.pack(">QIQc", 1, 1, 7, b"E") + b" " * 14),
    (10, b""), (5, b""), (3, b""), (10, b""), (11, query), (10, b""),
)
seed("desk", "a_day", desk)


def said(kind, body, term=2, count=0, flags=0):
    """A datagram of node 1's, as the target completes it."""
    return 7, bytes([kind, flags, count, 1, term, 9, 0, 0]) + body


def entry(term, kind, data):
    return struct.pack("<QHBB", term, len(data), kind, 0) + data


# A follower is told entries, that they are committed, and that others take the place of one; then
# a snapshot comes; then nothing, so that it campaigns, and is elected.
TICK, DURABLE, APPLIED = (b"\0", b"\1", b"\3")
learner = struct.pack("<B7xQ", 2, 4)
first = entry(2, 0, b"") + entry(2, 1, b"an order") + entry(2, 2, learner)
second = entry(3, 0, b"") + entry(3, 1, b"another")
offer = struct.pack("<QQQQH6x4Q", 20, 3, 7, 1, 3, 1, 2, 3, 4)
life = b"".join([
    steps(said(1, struct.pack("<QQQ", 0, 0, 0) + first, count=3)), DURABLE,
    steps(said(3, struct.pack("<Q", 2))), APPLIED,
    steps(said(1, struct.pack("<QQQ", 2, 2, 2) + second, term=3, count=2)), DURABLE,
    steps(said(3, struct.pack("<Q", 4), term=3)), APPLIED,
    steps(said(10, offer, term=3, count=4)),
    steps(said(11, struct.pack("<QQQ", 20, 1, 0) + b"a state", term=3)), bytes([20]), DURABLE,
    TICK * 4, steps(said(8, struct.pack("<QQ", 0, 0), term=4)), DURABLE,
    steps(said(6, struct.pack("<QQ", 0, 0), term=4)), b"\2", DURABLE,
    steps(said(2, struct.pack("<QQQQQ", 21, 0, 20, 0, 0), term=4)), b"\2", DURABLE, APPLIED,
])
seed("replica", "a_follower_succeeds", life)
