#!/usr/bin/env python3
"""A second matching engine, small and slow, to hold `peregrine match` against.

Written from docs/match.md's promises and the rules of price and time, not from the engine: orders
are plain lists, every question is answered by looking at all of them. It makes up a script from a
seed, predicts every event, runs the script and compares what both say of session, ref, qty, price,
match, liq and reason.

    match_model.py BINARY [--seed N] [--commands N] [--firms]

Prints one JSON object and exits with 0 when all events agree; else shows the first that do not.
"""

import argparse
import json
import random
import subprocess
import sys
from dataclasses import dataclass

QTY_MAX = 999_999
PRICE_MAX = 1_999_999_900
MARKET = 0x7FFFFFFF
SELF_MATCH = "Self Match Prevention"
# The fields that are compared, an event at a time.
FIELDS = {
    "accepted": ("session", "ref", "side", "qty", "symbol", "price"),
    "executed": ("session", "ref", "match", "price", "qty", "liq"),
    "trade": ("symbol", "match", "price", "qty"),
    "canceled": ("session", "ref", "qty", "reason"),
    "replaced": ("session", "ref", "orig", "qty", "price"),
    "restated": ("session", "ref", "reason", "qty", "price"),
    "rejected": ("session", "ref", "reason"),
}


@dataclass
class Order:
    """An order that rests or comes in."""

    session: int
    ref: int
    side: str
    symbol: str
    price: int
    leaves: int
    firm: str = ""
    tif: str = "day"
    hidden: bool = False
    max_floor: int = 0
    min_qty: int = 0
    expire_s: int = 0
    executed: int = 0
    shown: int = 0  # what of `leaves` can be met before a refresh
    age: int = 0

    def buys(self):
        return self.side == "B"

    def reaches(self, price):
        """Whether the order's limit allows a price."""
        if self.price == MARKET:
            return True
        return price <= self.price if self.buys() else price >= self.price

    def turn(self):
        """Who is served first: price, shown before hidden, age."""
        return (-self.price if self.buys() else self.price, self.hidden, self.age)

    def show(self):
        self.shown = min(self.leaves, self.max_floor) if self.max_floor else self.leaves


class Model:
    """The market."""

    def __init__(self):
        self.live = {}
        self.last_ref = {}
        self.events = []
        self.matches = 0
        self.age = 0
        self.second = 0

    def tell(self, event, **fields):
        self.events.append({"event": event, **fields})

    def tell_of(self, event, order, **fields):
        self.tell(event, session=order.session, ref=order.ref, **fields)

    def apply(self, words):
        getattr(self, words["op"])(words)

    def is_new(self, words):
        if words["ref"] <= self.last_ref.get(words["session"], 0):
            return False
        self.last_ref[words["session"]] = words["ref"]
        return True

    def reject(self, words, reason):
        self.tell("rejected", session=words["session"], ref=words["ref"], reason=reason)

    def clock(self, words):
        self.second = max(self.second, words["t_ns"] // 10**9)
        due = [o for o in self.live.values() if o.expire_s and o.expire_s <= self.second]
        for order in sorted(due, key=lambda o: o.expire_s):
            self.take_off(order, order.leaves, "Timeout")

    def enter(self, words):
        if not self.is_new(words):
            return
        price = words.get("price", MARKET)
        qty = words["qty"]
        fault = None
        if words["side"] not in "BSTE":
            fault = "Invalid Side"
        elif len(words["symbol"]) > 8:
            fault = "Invalid Symbol"
        elif not 0 < qty <= QTY_MAX:
            fault = "Invalid Quantity"
        elif price != MARKET and not 0 < price <= PRICE_MAX:
            fault = "Invalid Price"
        elif words.get("max_floor", 0) > qty:
            fault = "Invalid Max Floor"
        elif words.get("min_qty", 0) > qty:
            fault = "Invalid Min Quantity"
        if fault:
            return self.reject(words, fault)
        order = Order(
            session=words["session"],
            ref=words["ref"],
            side="B" if words["side"] == "B" else "S",
            symbol=words["symbol"],
            price=price,
            leaves=qty,
            firm=words.get("firm", ""),
            tif=words.get("tif", "day"),
            hidden=words.get("display", "Y") == "N",
            max_floor=words.get("max_floor", 0),
            min_qty=words.get("min_qty", 0),
            expire_s=words.get("expire_s", 0),
        )
        told = {"side": words["side"], "symbol": order.symbol, "price": price}
        self.tell_of("accepted", order, qty=qty, **told)
        self.admit(order, words.get("post_only", False))

    def others(self, order):
        """What an order could meet, in the order it would."""
        met = [
            o
            for o in self.live.values()
            if o.symbol == order.symbol and o.side != order.side and order.reaches(o.price)
        ]
        return sorted(met, key=Order.turn)

    def admit(self, order, post_only):
        order.age = self.age = self.age + 1
        others = self.others(order)
        if post_only and others:
            shown = not others[0].hidden
            reason = "Post Only Cancel" + (" Contra Side Displayed" if shown else "")
            return self.tell_of("canceled", order, qty=order.leaves, reason=reason)
        if sum(o.leaves for o in others) >= order.min_qty:
            self.trade(order)
        if order.leaves == 0:
            return
        if order.tif == "ioc":
            reason = "Immediate Or Cancel Order"
        elif order.price == MARKET:
            reason = "This Order Cannot Be Executed"
        else:
            order.show()
            self.live[order.session, order.ref] = order
            return
        self.tell_of("canceled", order, qty=order.leaves, reason=reason)

    def trade(self, order):
        while order.leaves:
            others = self.others(order)
            if not others:
                return
            resting = others[0]
            if order.firm and order.firm == resting.firm:
                self.tell_of("canceled", order, qty=order.leaves, reason=SELF_MATCH)
                order.leaves = 0
                return
            qty = min(order.leaves, resting.shown)
            self.matches += 1
            told = {"match": self.matches, "price": resting.price, "qty": qty}
            self.tell_of("executed", resting, liq="A", **told)
            self.tell_of("executed", order, liq="R", **told)
            self.tell("trade", symbol=order.symbol, **told)
            for each in (order, resting):
                each.leaves -= qty
                each.executed += qty
            resting.shown -= qty
            if resting.leaves == 0:
                del self.live[resting.session, resting.ref]
            elif resting.shown == 0:
                resting.show()
                resting.age = self.age = self.age + 1
                told = {"qty": resting.shown, "price": resting.price}
                self.tell_of("restated", resting, reason="Refresh Of Display", **told)

    def reduce(self, order, off):
        """Shares that are not shown go first."""
        order.leaves -= off
        order.shown = min(order.shown, order.leaves)

    def take_off(self, order, off, reason):
        self.reduce(order, off)
        if order.leaves == 0:
            del self.live[order.session, order.ref]
        self.tell_of("canceled", order, qty=off, reason=reason)

    def cancel(self, words):
        order = self.live.get((words["session"], words["ref"]))
        if order is None:
            return
        stays = max(0, words.get("qty", 0) - order.executed)
        if stays < order.leaves:
            self.take_off(order, order.leaves - stays, "User Requested Cancel")

    def replace(self, words):
        if not self.is_new(words):
            return
        order = self.live.get((words["session"], words["orig"]))
        if order is None:
            return self.reject(words, "Replace Not Allowed")
        leaves = words["qty"] - order.executed
        if not 0 <= words["qty"] <= QTY_MAX:
            return self.reject(words, "Invalid Quantity")
        if leaves <= 0:
            return self.take_off(order, order.leaves, "User Requested Cancel")
        if not 0 < words["price"] <= PRICE_MAX:
            return self.reject(words, "Invalid Price")
        del self.live[order.session, order.ref]
        keeps = words["price"] == order.price and leaves <= order.leaves
        off = order.leaves - leaves
        order.ref, order.price = words["ref"], words["price"]
        told = {"orig": words["orig"], "qty": leaves, "price": order.price}
        self.tell_of("replaced", order, **told)
        if keeps:
            self.reduce(order, off)
            self.live[order.session, order.ref] = order
        else:
            order.leaves = leaves
            self.admit(order, False)


class Author:
    """Makes up commands, most of them sensible."""

    def __init__(self, seed, firms):
        self.random = random.Random(seed)
        self.firms = firms
        self.refs = {}
        self.expire_s = 100
        self.t_ns = 0

    def session(self):
        return self.random.choice([1, 2, 7, 4095])

    def ref(self, session):
        old = self.refs.get(session, 0)
        if old and self.random.random() < 0.01:
            return self.random.randint(1, old)
        self.refs[session] = old + self.random.choice([1, 1, 1, 5])
        return self.refs[session]

    def price(self):
        if self.random.random() < 0.01:
            return self.random.choice([0, -1, PRICE_MAX + 1, 10**12])
        return 1_000_000 + 100 * self.random.randint(-8, 8)

    def qty(self):
        if self.random.random() < 0.01:
            return self.random.choice([0, -5, QTY_MAX + 1, 10**12])
        return self.random.randint(1, 50) * 10

    def enter(self):
        dice = self.random
        session = self.session()
        words = {"op": "enter", "session": session, "ref": self.ref(session)}
        words["side"] = dice.choice("BBBBSSSTE") if dice.random() > 0.005 else "X"
        words["qty"] = self.qty()
        words["symbol"] = dice.choice(["AAPL", "MSFT"]) if dice.random() > 0.005 else "NINELONGS"
        if dice.random() > 0.03:
            words["price"] = self.price()
        kind = dice.random()
        if kind < 0.12:
            words["tif"] = "ioc"
            if not self.firms and dice.random() < 0.6 and words["qty"] > 0:
                words["min_qty"] = dice.choice([words["qty"], words["qty"] // 2, words["qty"] + 1])
        elif kind < 0.24:
            words["post_only"] = True
        elif kind < 0.36:
            words["max_floor"] = dice.choice([10, 50, 100])
        elif kind < 0.46:
            words["display"] = "N"
        elif kind < 0.52:
            self.expire_s += 1
            words["tif"], words["expire_s"] = "gtt", self.expire_s
        if self.firms and dice.random() < 0.7:
            words["firm"] = dice.choice(["ONE", "TWO"])
        return words

    def command(self, live):
        """The next one; `live` are the orders that there are, as (session, ref)."""
        dice = self.random
        kind = dice.random()
        if kind < 0.6 or not self.refs:
            return self.enter()
        session = dice.choice(sorted(self.refs))
        old = max(1, self.refs[session] - dice.randint(0, 60))
        if live and dice.random() < 0.8:
            session, old = dice.choice(live)
        if kind < 0.8:
            words = {"op": "cancel", "session": session, "ref": old}
            if dice.random() < 0.7:
                words["qty"] = dice.choice([0, 0, 30, 100, 200])
            return words
        if kind < 0.98:
            words = {"op": "replace", "session": session, "orig": old, "ref": self.ref(session)}
            return {**words, "qty": self.qty(), "price": self.price()}
        # Behind the expiries that are given out: some of them lie between two readings.
        self.t_ns = max(self.t_ns, (self.expire_s - dice.randint(1, 12)) * 10**9)
        return {"op": "clock", "t_ns": self.t_ns}


def seen(event):
    """The part of an event that is compared."""
    return {key: event.get(key) for key in ("event", *FIELDS.get(event["event"], ()))}


def main():
    parser = argparse.ArgumentParser(description="Hold `peregrine match` against a second engine.")
    parser.add_argument("binary")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--commands", type=int, default=3000)
    parser.add_argument("--firms", action="store_true", help="orders of one firm meet")
    args = parser.parse_args()
    author, model = Author(args.seed, args.firms), Model()
    lines, ends = [], []
    for _ in range(args.commands):
        words = author.command(list(model.live))
        lines.append(json.dumps(words))
        model.apply(words)
        ends.append(len(model.events))
    ran = subprocess.run(
        [args.binary, "match", "-"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    theirs = [seen(json.loads(line)) for line in ran.stdout.splitlines()]
    ours = [seen(event) for event in model.events]
    for at in range(max(len(ours), len(theirs))):
        pair = [events[at] if at < len(events) else None for events in (ours, theirs)]
        if pair[0] != pair[1]:
            line = next((i for i, end in enumerate(ends) if end > at), len(lines) - 1)
            print(f"seed {args.seed}, event {at}, about line {line + 1}: {lines[line]}")
            print(f"  predicted {pair[0]}\n  said      {pair[1]}")
            return 1
    if ran.returncode != 0:
        print(f"seed {args.seed}: exit status {ran.returncode}: {ran.stderr}")
        return 1
    counts = {}
    for event in ours:
        counts[event["event"]] = counts.get(event["event"], 0) + 1
    print(json.dumps({"seed": args.seed, "commands": len(lines), "events": counts}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
