#!/usr/bin/env python3
"""Rebuilds books from ITCH 5.0, and compares the tape with what OUCH told. Standard library only.

    itch5.py FILE [--transcript FILE] [--partial]

FILE is a run of `length[2] message`, as `mold_listen.py --save` keeps it; the transcript is what
`ouch5.py` keeps. Every order on the tape must be one that somebody entered and that OUCH accepted
with the same reference number, side, symbol and price at the same nanosecond; every execution must
have been told to both sides; and what is left in the book must be what OUCH says is open.
--partial: others traded, too, so that orders on the tape may be unknown to the transcript.

Prints one JSON object with what was counted and what is wrong. Exit status: 0, or 1 if anything is.
"""

import argparse
import json
import sys

import nasdaq
import ouch5

# Displays whose orders are on the tape.
SHOWN = "AYPL"
# Liquidity flags of an execution against an order that was shown, and against one that was not.
ADDED_SHOWN, ADDED_HIDDEN = "A78", "Jk"
# Liquidity flags of crosses: they are on the tape as one message for all.
CROSSES = "OCHKLMi0"


class Resting:
    """An order in a book."""

    def __init__(self, message, side, stock):
        self.side, self.stock = side, stock
        self.price, self.left = message["price"], message["shares"]
        self.added = message


class Books:
    """All books of a feed, from its first message on."""

    def __init__(self):
        self.orders = {}
        # Reference number: what was added, for orders that are no more, too.
        self.added = {}
        # (match number, reference number): shares.
        self.executions = {}
        self.hidden_trades = {}
        self.crosses = {}
        self.broken = set()
        self.counts = {}
        # Of trades, each once: one side of a cross is not printed, the cross itself is.
        self.shares_executed = 0
        self.wrong = []
        self.last_time = 0
        # Symbols where orders may cross each other: halted, or before the open.
        self.open_market = False
        self.not_trading = set()

    def complain(self, what, message):
        """Notes what is wrong."""
        self.wrong.append(f"{what}: {message}")

    def on_message(self, message):
        """Takes one message in."""
        kind = message["type"]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if message["timestamp"] < self.last_time:
            self.complain("the clock went back", message)
        self.last_time = message["timestamp"]
        self.shares_executed += printed(message)
        if kind in "AF":
            self.add(message["order_reference_number"], message, message["buy_sell_indicator"],
                     message["stock"])
        elif kind in "EC":
            self.take(message, message["executed_shares"])
            key = (message["match_number"], message["order_reference_number"])
            if key in self.executions:
                self.complain("a second execution of one match and order", message)
            self.executions[key] = message
        elif kind == "X":
            self.take(message, message["canceled_shares"])
            if message["order_reference_number"] not in self.orders:
                self.complain("a cancel of all that was left is a delete", message)
        elif kind == "D":
            if self.orders.pop(message["order_reference_number"], None) is None:
                self.complain("deletes what is not there", message)
        elif kind == "U":
            self.replace(message)
        elif kind == "P":
            self.hidden_trades[message["match_number"]] = message
        elif kind == "Q":
            self.crosses[message["match_number"]] = message
        elif kind == "B":
            self.broken.add(message["match_number"])
        elif kind == "S" and message["event_code"] in "QM":
            self.open_market = message["event_code"] == "Q"
        elif kind == "H":
            self.trading(message)

    def add(self, reference, message, side, stock):
        """An order comes to the back of its price."""
        if reference in self.added:
            self.complain("a reference number was used before", message)
        if message["shares"] == 0:
            self.complain("an order of nothing", message)
        order = Resting(message, side, stock)
        self.orders[reference] = self.added[reference] = order
        if self.open_market and stock not in self.not_trading:
            self.uncrossed(order, message)

    def uncrossed(self, new, message):
        """A new order does not meet one of the other side: they would have traded."""
        for order in self.orders.values():
            if order.stock == new.stock and order.side != new.side:
                buy, sell = (new, order) if new.side == "B" else (order, new)
                if buy.price >= sell.price:
                    self.complain("the book is crossed", message)
                    return

    def take(self, message, shares):
        """So many shares of an order are no longer there."""
        reference = message["order_reference_number"]
        order = self.orders.get(reference)
        if order is None or shares == 0 or shares > order.left:
            self.complain("takes what is not there", message)
            return
        order.left -= shares
        if order.left == 0:
            del self.orders[reference]

    def replace(self, message):
        """An order goes, another takes its side and symbol."""
        old = self.orders.pop(message["original_order_reference_number"], None)
        if old is None:
            self.complain("replaces what is not there", message)
            return
        self.add(message["new_order_reference_number"], message, old.side, old.stock)

    def trading(self, message):
        """A symbol is halted or trades again."""
        if message["trading_state"] == "T":
            self.not_trading.discard(message["stock"])
        else:
            self.not_trading.add(message["stock"])


def printed(message):
    """Shares that a message says were traded."""
    if message["type"] == "C" and message["printable"] == "N":
        return 0
    names = {"E": "executed_shares", "C": "executed_shares", "P": "shares", "Q": "cross_shares"}
    return message.get(names.get(message["type"]), 0)


def read_file(path):
    """The messages of a file."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at:at + 2], "big")
        yield nasdaq.read(nasdaq.ITCH, data[at + 2:at + 2 + length])
        at += 2 + length


def read_transcript(path):
    """(accounts by user, their replies in order) of a transcript."""
    accounts, replies = {}, []
    with open(path, encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            if event["event"] == "message":
                account = accounts.setdefault(event["user"], ouch5.Account())
                if event["type"] not in "SQ":
                    # JSON has no numbers as keys: back to what `ouch5.told` reads.
                    tags = event.get("appendage", {})
                    event["appendage"] = {int(tag): value for tag, value in tags.items()}
                    account.on_message(event)
                    replies.append(event)
    return accounts, replies


class Comparison:
    """The tape beside the replies."""

    def __init__(self, books, accounts, replies, partial):
        self.books, self.accounts, self.replies = books, accounts, replies
        self.partial = partial
        self.compared = {"orders": 0, "executions": 0, "open": 0}
        self.known = set()
        # Match number: the replies that told of it.
        self.sides = {}

    def run(self):
        """Compares everything."""
        for message in self.replies:
            if message["type"] in "AUT":
                self.entered(message)
            elif message["type"] == "R":
                # A refreshed part of a reserve order is on the tape under a number of its own.
                self.known.add(ouch5.told(message).get("secondary_ord_ref_num"))
            elif message["type"] == "E":
                self.sides.setdefault(message["match_number"], []).append(message)
            elif message["type"] == "B" and message["match_number"] not in self.books.broken:
                self.books.complain("broken, but not on the tape", message)
        self.executions()
        self.left()
        if not self.partial:
            for reference in set(self.books.added) - self.known:
                self.books.complain("nobody entered", reference)

    def entered(self, message):
        """An order that was accepted: where it is on the tape it must be the same."""
        references = [message["order_reference_number"]]
        options = ouch5.told(message)
        if "secondary_ord_ref_num" in options:
            references.append(options["secondary_ord_ref_num"])
        for reference in references:
            self.known.add(reference)
            order = self.books.added.get(reference)
            if order is None:
                continue
            self.compared["orders"] += 1
            if message["display"] not in SHOWN or message.get("time_in_force") == "3":
                self.books.complain("is on the tape and must not be", message)
            side = message.get("side", order.side)
            same = (order.price == message["price"] and order.side == ("B" if side == "B" else "S")
                    and order.stock == message.get("symbol", order.stock)
                    and order.added["timestamp"] == message["timestamp"]
                    and order.added["shares"] <= message.get("quantity", 1 << 32))
            if not same:
                self.books.complain("differs from the tape", f"{message} {order.added}")

    def executions(self):
        """Every match was told to a buyer and a seller, and is on the tape once."""
        for match, sides in self.sides.items():
            if all(side["liquidity_flag"] in CROSSES for side in sides):
                continue
            self.compared["executions"] += 1
            buys = [side for side in sides if self.side_of(side) == "B"]
            whole = len(sides) == 2 and len(buys) == 1
            if not whole and not self.partial:
                self.books.complain("not told to a buyer and a seller", sides)
            if len({(side["quantity"], side["price"]) for side in sides}) != 1:
                self.books.complain("told otherwise to the other side", sides)
            for side in sides:
                self.on_tape(match, side)
        told = set(self.sides)
        taped = {match for match, _ in self.books.executions} | set(self.books.hidden_trades)
        if not self.partial and taped - told:
            self.books.complain("executed, but told to nobody", sorted(taped - told))

    def on_tape(self, match, side):
        """One side of an execution: the order that waited is on the tape."""
        flag = side["liquidity_flag"]
        order = self.accounts[side["user"]].orders[side["user_ref_num"]]
        if flag in ADDED_SHOWN:
            found = [message for (number, _), message in self.books.executions.items()
                     if number == match]
            shown = order.reference
            same = len(found) == 1 and found[0]["executed_shares"] == side["quantity"] and (
                found[0]["timestamp"] == side["timestamp"])
            if same and order.display != "Y":
                same = shown == found[0]["order_reference_number"]
            price = self.books.added.get(shown)
            if same and found[0]["type"] == "E" and price is not None:
                same = price.price == side["price"]
            if not same:
                self.books.complain("not so on the tape", f"{side} {found}")
        elif flag in ADDED_HIDDEN:
            found = self.books.hidden_trades.get(match)
            if found is None or (found["shares"], found["price"]) != (
                    side["quantity"], side["price"]):
                self.books.complain("not so on the tape", f"{side} {found}")

    def side_of(self, message):
        """The side of the order of an execution, as a book has it."""
        order = self.accounts[message["user"]].orders[message["user_ref_num"]]
        return "B" if order.side == "B" else "S"

    def left(self):
        """What is in the book is what is open."""
        for user, account in self.accounts.items():
            for number, order in account.orders.items():
                resting = self.books.orders.get(order.reference)
                self.compared["open"] += resting is not None
                there = resting.left if resting else 0
                shown = order.left if order.display in SHOWN else 0
                if there > shown or (there < shown and order.whole):
                    self.books.complain(
                        "left otherwise on the tape",
                        f"{user} {number}: {order.left} open, {there} on the tape")


def main(arguments=None, out=sys.stdout):
    """Reads, compares and tells; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--transcript")
    parser.add_argument("--partial", action="store_true")
    options = parser.parse_args(arguments)
    books = Books()
    for message in read_file(options.file):
        books.on_message(message)
    told = {"event": "summary", "types": books.counts, "resting": len(books.orders),
            "shares_executed": books.shares_executed}
    if options.transcript:
        accounts, replies = read_transcript(options.transcript)
        comparison = Comparison(books, accounts, replies, options.partial)
        comparison.run()
        told["compared"] = comparison.compared
    print(json.dumps({**told, "wrong": books.wrong}), file=out)
    return 1 if books.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
