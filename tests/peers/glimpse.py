#!/usr/bin/env python3
"""Reads a snapshot: SoupBinTCP login, ITCH messages as sequenced data, End of Snapshot, end.

Written from the tables of the wire formats. Prints one JSON object: how many messages of each type
came, the orders, and the sequence number at which the feed goes on.
"""

import argparse
import json
import socket
import struct
import sys


def take(stream, size):
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        if not more:
            raise EOFError(f"the server closed after {len(data)} of {size} bytes")
        data += more
    return data


def packets(stream):
    while True:
        (length,) = struct.unpack(">H", take(stream, 2))
        body = take(stream, length)
        yield chr(body[0]), body[1:]


def login(user, password):
    text = f"{user:<6}{password:<10}{'':10}{1:>20}".encode()
    return struct.pack(">Hc", 1 + len(text), b"L") + text


def add_order(message):
    reference, side, shares, stock, price = struct.unpack(">QcI8sI", message[11:36])
    return {
        "order": reference,
        "side": side.decode(),
        "qty": shares,
        "symbol": stock.decode().rstrip(),
        "price": price,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    options = parser.parse_args()
    told = {"types": {}, "orders": [], "next": None, "ended": False, "rejected": None}
    with socket.create_connection((options.host, options.port), timeout=20) as stream:
        stream.settimeout(20)
        stream.sendall(login(options.user, options.password))
        for kind, payload in packets(stream):
            if kind == "J":
                told["rejected"] = payload.decode()
                break
            if kind == "Z":
                told["ended"] = True
                break
            if kind != "S":
                continue
            letter = chr(payload[0])
            told["types"][letter] = told["types"].get(letter, 0) + 1
            if letter == "A":
                told["orders"].append(add_order(payload))
            if letter == "G":
                told["next"] = int(payload[1:21])
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
