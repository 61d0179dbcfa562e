#!/usr/bin/env python3
"""Counts the ITCH 5.0 messages of a file by the package `itchfeed`.

The file is a run of `length[2] message`. Every message must be read by the package, be of the
length that its class states, and be the same bytes again when the package writes it. Prints one
JSON object: messages by type, shares added and executed, and messages whose bytes differ.

What to know of itchfeed 1.6.4 (read before it was trusted): a length must be under 256, which all
messages of ITCH 5.0 are; it stops at the system event "C", which is the last one; and it tells any
failure to unpack as an unknown type, so that the type it names may well be known.
"""

import json
import os
import sys

# Its Python code, also where the C++ one is installed.
os.environ["ITCH_NO_CPP"] = "1"

from itch.parser import MessageParser  # noqa: E402 pylint: disable=wrong-import-position


def raw_messages(data):
    """The messages as they lie in the file."""
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at:at + 2], "big")
        yield data[at + 2:at + 2 + length]
        at += 2 + length


def main(path):
    """Counts; returns the exit status."""
    with open(path, "rb") as file:
        data = file.read()
    raw = list(raw_messages(data))
    types, differ, added, executed = {}, [], 0, 0
    with open(path, "rb") as file:
        for at, message in enumerate(MessageParser().parse_file(file)):
            kind = message.message_type.decode("ascii")
            types[kind] = types.get(kind, 0) + 1
            if message.to_bytes() != raw[at] or message.message_size != len(raw[at]):
                differ.append(raw[at].hex())
            message.decode()
            if kind in "AF":
                added += message.shares
            elif kind == "E" or (kind == "C" and message.printable == b"Y"):
                executed += message.executed_shares
            elif kind in "PQ":
                executed += message.shares
    counted = sum(types.values())
    print(json.dumps({"types": types, "raw": len(raw), "differ": differ, "shares_added": added,
                      "shares_executed": executed}))
    return 0 if counted == len(raw) and not differ else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
