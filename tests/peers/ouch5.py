#!/usr/bin/env python3
"""Traders that speak OUCH 5.0 and hold the venue to its word. Standard library only.

Runs the scenarios of `ouch5_scenarios` on two sessions of one venue: each is a few orders and the
exact replies that must come, no other. Behind them every trader keeps its own account of each
order (entered = executed + canceled + open), so that a reply that does not add up fails whichever
scenario met it. Prints JSON objects, one a line, the last of which is a summary; --transcript
keeps every message for `itch5.py`, which compares them with the tape. Exit status: 0, or 1 when a
scenario failed.

A scenario that needs more than order entry (a halt, a cross) prints {"event": "operator", ...} and
waits for a line on standard input, which says that it was done. A scenario that names a feature is
run only when --features has it.
"""

import argparse
import json
import sys

import nasdaq
import soup_ouch

# The optional fields of an appendage by name: tag, and bytes ("a": ASCII, "s": signed).
OPTIONS = {
    "secondary_ord_ref_num": (1, "8"), "firm": (2, "a4"), "min_qty": (3, "4"),
    "customer_type": (4, "a1"), "max_floor": (5, "4"), "price_type": (6, "a1"),
    "peg_offset": (7, "s4"), "discretion_price": (9, "8"), "discretion_peg_type": (10, "a1"),
    "discretion_peg_offset": (11, "s4"), "post_only": (12, "a1"), "random_reserves": (13, "4"),
    "route": (14, "a4"), "expire_time": (15, "4"), "trade_now": (16, "a1"),
    "handle_inst": (17, "a1"), "bbo_weight": (18, "a1"), "reference_price": (19, "8"),
    "reference_price_type": (20, "a1"), "display_quantity": (22, "4"), "display_price": (23, "8"),
    "group_id": (24, "2"), "shares_located": (25, "a1"), "locate_broker": (26, "a4"),
    "side": (27, "a1"), "user_ref_index": (28, "1"),
}
NAMES = {tag: name for name, (tag, _) in OPTIONS.items()}
MARKET = 0x7FFFFFFF
DOLLAR = 10_000


class Broken(soup_ouch.PeerError):
    """The venue said what cannot be."""


def appendage(options):
    """The bytes of optional fields."""
    out = b""
    for name, value in options.items():
        tag, shape = OPTIONS[name]
        size = int(shape.lstrip("as"))
        if shape.startswith("a"):
            data = value.encode("ascii").ljust(size)
        else:
            data = value.to_bytes(size, "big", signed=shape.startswith("s"))
        out += bytes([len(data) + 1, tag]) + data
    return out


def told(message):
    """The optional fields of a message, by name; a tag that has none stays a number."""
    return {NAMES.get(tag, tag): value for tag, value in message["appendage"].items()}


class Order:
    """What a trader knows of one of its orders."""

    def __init__(self, accepted, before=None):
        self.side = accepted["side"]
        self.symbol = accepted["symbol"]
        self.price = accepted["price"]
        self.display = accepted["display"]
        self.reference = accepted["order_reference_number"]
        self.left = accepted["quantity"] if accepted["order_state"] == "L" else 0
        self.executed = before.executed if before else 0
        # Whether the book shows all of it that is open: no reserve, and not kept for a cross.
        self.whole = accepted["cross_type"] == "N" and "max_floor" not in told(accepted)

    def take(self, shares, what):
        """So many shares of it are no longer open."""
        if shares > self.left:
            raise Broken(f"{what} of {shares} shares, {self.left} were open")
        self.left -= shares


class Account:
    """A session's orders by user_ref_num, as its replies tell of them."""

    def __init__(self):
        self.orders = {}
        # By match number: shares of ours that were executed.
        self.matches = {}
        self.last_time = 0

    def of(self, message):
        """The order that a message is about."""
        order = self.orders.get(message["user_ref_num"])
        if order is None:
            raise Broken(f"of an order that was never accepted: {message}")
        return order

    def on_message(self, message):
        """Follows one reply; raises when it contradicts those before."""
        if message["timestamp"] < self.last_time:
            raise Broken(f"the clock went back: {message}")
        self.last_time = message["timestamp"]
        kind = message["type"]
        if kind == "A":
            self.open(message, None)
        elif kind == "U":
            before = self.orders.get(message["orig_user_ref_num"])
            if before is None or before.left == 0:
                raise Broken(f"replaces what was not open: {message}")
            self.open(message, before)
            before.left = 0
        elif kind == "E":
            order = self.of(message)
            self.within_limit(order, message)
            order.take(message["quantity"], "an execution")
            order.executed += message["quantity"]
            self.matches.setdefault(message["match_number"], []).append(message)
        elif kind == "C":
            self.of(message).take(message["quantity"], "a cancel")
        elif kind == "D":
            self.of(message).take(message["decrement_shares"], "a self-match decrement")
        elif kind == "M":
            order = self.of(message)
            order.side, order.left = message["side"], message["quantity"]
        elif kind == "R":
            order = self.of(message)
            order.reference = told(message).get("secondary_ord_ref_num", order.reference)
        elif kind == "T":
            order = self.of(message)
            order.reference, order.price = message["order_reference_number"], message["price"]
        elif kind == "B" and message["match_number"] not in self.matches:
            raise Broken(f"breaks a trade that there was not: {message}")

    def open(self, message, before):
        """A new order is accepted."""
        number = message["user_ref_num"]
        if number in self.orders:
            raise Broken(f"accepted twice: {message}")
        self.orders[number] = Order(message, before)

    def within_limit(self, order, message):
        """Nobody pays more than it said, or gets less."""
        if order.price == MARKET:
            return
        worse = message["price"] > order.price if order.side == "B" else (
            message["price"] < order.price)
        if worse:
            raise Broken(f"executed beyond its limit of {order.price}: {message}")

    def open_orders(self):
        """The user_ref_nums of orders with shares open."""
        return [number for number, order in self.orders.items() if order.left]


class Trader(soup_ouch.Client):
    """A session that scenarios drive: commands, and the replies in their order."""

    def __init__(self, options, user, password, note):
        values = argparse.Namespace(
            host=options.host, port=options.port, bind=None, user=user, password=password,
            session="", sequence=options.sequence, user_ref_num=1, timeout=options.timeout)
        super().__init__(values, lambda **event: note(user, event))
        self.user = user
        self.note = note
        self.account = Account()
        self.inbox = []
        # Queries that are not answered yet.
        self.asked = 0

    def log_in(self):
        """Connects, catches up with what this session did before, and says so."""
        self.connect()
        self.next_user_ref_num = self.catch_up()

    def query(self):
        """Asks for the next number."""
        self.ouch("Q", {})
        self.asked += 1

    def catch_up(self):
        """Forgets all that was said until now; returns the next number."""
        self.query()
        while self.asked:
            self.listen()
        last = self.inbox[-1]["next_user_ref_num"]
        self.inbox.clear()
        return last

    def handle(self, kind, payload):
        """Follows a reply and keeps it for the scenario."""
        if kind == "S":
            message = nasdaq.read(nasdaq.OUCH_OUT, payload)
            self.note(self.user, {"event": "message", "sequence": self.next_sequence, **message})
            self.next_sequence += 1
            if message["type"] != "S":
                if message["type"] == "Q":
                    self.asked = max(self.asked - 1, 0)
                self.account.on_message(message)
                self.inbox.append(message)
        else:
            super().handle(kind, payload)

    def listen(self):
        """Waits for one packet."""
        found = self.poll(self.options.timeout)
        if found is None:
            raise soup_ouch.PeerError(f"{self.user}: no reply")
        self.handle(*found)

    def hear(self, kind, **expected):
        """The next reply, which must be of this type and hold these values."""
        while not self.inbox:
            self.listen()
        message = self.inbox.pop(0)
        if message["type"] != kind:
            raise Broken(f"{self.user}: expected {kind} {expected}, heard {message}")
        shown = {**message, **told(message)} if "appendage" in message else message
        wrong = {name: value for name, value in expected.items() if shown.get(name) != value}
        if wrong:
            raise Broken(f"{self.user}: expected {wrong} in {message}")
        return message

    def quiet(self):
        """Nothing was said that nobody asked for: the next reply is the one to a query."""
        self.query()
        return self.hear("Q")["next_user_ref_num"]

    def send_order(self, kind, values, options):
        """Sends an Enter or Replace under the next number; returns that."""
        values = {**soup_ouch.DEFAULTS, **self.numbered(values)}
        if options:
            values["appendage"] = appendage(options).hex()
        self.ouch(kind, values)
        return values["user_ref_num"]

    def enter(self, side, quantity, price, options=None, **fields):
        """Enters an order; returns its number."""
        values = {**soup_ouch.DEFAULTS_ENTER, "side": side, "quantity": quantity,
                  "symbol": "AAPL", "price": price, **fields}
        return self.send_order("O", values, options)

    def rest(self, side, quantity, price, options=None, **fields):
        """Enters an order that is accepted as it is, and stays; returns its number."""
        number = self.enter(side, quantity, price, options, **fields)
        self.hear("A", user_ref_num=number, side=side, quantity=quantity, price=price,
                  order_state="L", **fields)
        return number

    def refused(self, side, quantity, price, reason, options=None, **fields):
        """Enters an order that must be rejected for this reason."""
        number = self.enter(side, quantity, price, options, **fields)
        self.hear("J", user_ref_num=number, rejected_order_reason=reason)
        return number

    def replace(self, number, quantity, price, options=None, **fields):
        """Replaces an order; returns the new number."""
        values = {"orig_user_ref_num": number, "quantity": quantity, "price": price, **fields}
        return self.send_order("U", values, options)

    def short(self, kind, options=None, **fields):
        """Sends one of the short messages."""
        if options:
            fields["appendage"] = appendage(options).hex()
        self.ouch(kind, fields)

    def cancel(self, number, quantity=0):
        """Cancels an order down to an intended size."""
        self.short("X", user_ref_num=number, quantity=quantity)

    def canceled(self, number, shares, quantity=0):
        """Cancels and hears how many shares that took."""
        self.cancel(number, quantity)
        return self.hear("C", user_ref_num=number, quantity=shares, cancel_order_reason="U")

    def flat(self):
        """Cancels whatever is open, and hears nothing else."""
        for number in self.account.open_orders():
            self.canceled(number, self.account.orders[number].left)
        self.quiet()
        self.inbox.clear()


class Floor:
    """What a scenario gets: the traders, and an operator for what is not order entry."""

    def __init__(self, maker, taker, emit):
        self.maker, self.taker, self.emit = maker, taker, emit

    def trade(self, quantity, price, removed="R", added="A"):
        """The next reply of both is one execution with each other; returns its match number."""
        took = self.taker.hear("E", quantity=quantity, price=price, liquidity_flag=removed)
        self.maker.hear("E", quantity=quantity, price=price, liquidity_flag=added,
                        match_number=took["match_number"])
        return took["match_number"]

    def operator(self, **words):
        """Asks whoever started this to tell the venue these words of its operator's (they are
        `peregrine tell`'s); waits until it is done."""
        self.emit(event="operator", tell=words)
        if not sys.stdin.readline():
            raise soup_ouch.PeerError("nobody operates the venue")


def run(options, table, floor):
    """Runs what is asked for; returns how many passed, failed and wait for a feature."""
    counts = {"passed": 0, "failed": 0, "waiting": 0}
    for name, (feature, scenario) in table.items():
        if options.scenario and name not in options.scenario:
            continue
        if feature and feature not in options.features and "all" not in options.features:
            counts["waiting"] += 1
            continue
        error = None
        try:
            scenario(floor)
            floor.maker.flat()
            floor.taker.flat()
        except (soup_ouch.PeerError, nasdaq.Malformed) as failure:
            error = f"{type(failure).__name__}: {failure}"
        floor.emit(event="scenario", name=name, passed=error is None, error=error)
        counts["failed" if error else "passed"] += 1
        if error:
            recover(floor)
    return counts


def recover(floor):
    """After a failure: nothing is left open or unheard, so that the next one starts afresh."""
    for trader in (floor.maker, floor.taker):
        for number in trader.account.open_orders():
            trader.cancel(number)
        trader.next_user_ref_num = trader.catch_up()


def parse(arguments):
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--maker", default="MAKER:maker-pass", metavar="USER:PASSWORD")
    parser.add_argument("--taker", default="TAKER:taker-pass", metavar="USER:PASSWORD")
    parser.add_argument("--sequence", type=int, default=1, help="the first message wanted")
    parser.add_argument("--scenario", action="append", help="only this one; may be repeated")
    parser.add_argument("--features", type=lambda text: text.split(","), default=[],
                        help="what the venue has, separated by commas, or all")
    parser.add_argument("--transcript", type=argparse.FileType("w"), help="every message")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds, for each reply")
    return parser.parse_args(arguments)


def main(arguments=None, out=sys.stdout):
    """Runs the scenarios; returns the exit status."""
    # The table builds on this module.
    from ouch5_scenarios import SCENARIOS  # pylint: disable=import-outside-toplevel
    options = parse(arguments)

    def emit(**values):
        print(json.dumps(values), file=out, flush=True)

    def note(user, event):
        if options.transcript:
            print(json.dumps({"user": user, **event}), file=options.transcript, flush=True)

    error, counts = None, {}
    traders = [Trader(options, *account.split(":"), note)
               for account in (options.maker, options.taker)]
    try:
        for trader in traders:
            trader.log_in()
        counts = run(options, SCENARIOS, Floor(*traders, emit))
        for trader in traders:
            trader.send("O")
    except (soup_ouch.PeerError, nasdaq.Malformed, OSError, ValueError) as failure:
        error = f"{type(failure).__name__}: {failure}"
    emit(event="summary", error=error, **counts, next_sequence={
        trader.user: trader.next_sequence for trader in traders})
    return 0 if error is None and not counts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
