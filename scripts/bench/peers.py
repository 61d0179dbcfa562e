"""Peers that no registry offers: how the output of their own benchmarks is read.

They are run where --peer NAME=PATH says that somebody built them. Nothing of theirs is here.
"""

import json
import os
import re
from dataclasses import dataclass

from lines import Unreadable, number


@dataclass(frozen=True)
class Given:
    """A peer whose path is given: the programs that must be in that directory."""

    programs: tuple
    home: str

    def lacks(self, path):
        for program in self.programs:
            if not os.access(os.path.join(path, program), os.X_OK):
                return f"there is no program {program} in {path}"
        return ""


GIVEN = {
    "cpptrader": Given(
        (
            "cpptrader-performance-itch_handler",
            "cpptrader-performance-market_manager",
            "cpptrader-performance-market_manager_optimized",
            "cpptrader-performance-market_manager_optimized_aggressive",
            "cpptrader-performance-matching_engine",
        ),
        "https://github.com/chronoxor/CppTrader",
    ),
    "liquibook": Given(("pt_order_book",), "https://github.com/objectcomputing/liquibook"),
    "itch-order-book": Given(("a.out",), "https://github.com/charles-cooper/itch-order-book"),
}


def backtest(output):
    """Our own backtest's last line: `so many million a second`."""
    rate = found(r"([0-9.]+) million a second", output)
    return {"rate": (number(rate.group(1), rate.group(0)), "messages/us")}, {}


def quickstart(report):
    """Our own report.json: latencies in us from the roles' histograms."""
    figures = {}
    try:
        for role in json.loads(report)["roles"]:
            for latency in role["latencies"]:
                name = latency["name"].replace("_", "-")
                figures[f"{name}-p50"] = (latency["p50_ns"] / 1000, "us")
                figures[f"{name}-p99"] = (latency["p99_ns"] / 1000, "us")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"not a report of ours: {error}") from error
    return figures, {}


def found(pattern, output):
    match = re.search(pattern, output)
    if match is None:
        raise Unreadable(f"nothing like '{pattern}' in the output: {output[-200:]}")
    return match


def itch_figure(name):
    """CppTrader's programs: so many messages a second. Their errors must be 0."""

    def parse(output):
        errors = found(r"Errors: (\d+)", output).group(1)
        if errors != "0":
            raise Unreadable(f"{errors} messages were errors to it")
        rate = found(r"ITCH message throughput: (\d+) msg/s", output)
        messages = found(r"Total ITCH messages: (\d+)", output).group(1)
        per_second = number(rate.group(1), rate.group(0))
        return {name: (1e9 / per_second, "ns")}, {"messages": messages}

    return parse


def itch_order_book(output):
    """`N packets in M nanos , X nanos per packet`; it counts from the first order on."""
    match = found(r"packets in \d+ nanos , ([0-9.]+) nanos per packet", output)
    return {"books": (number(match.group(1), match.group(0)), "ns")}, {}


def liquibook(output):
    """The fastest of its three books, which is the one that keeps no depth."""
    seconds = number(found(r"(\d+) sec performance test", output).group(1), output)
    counts = [int(count) for count in re.findall(r"Inserted (\d+) orders", output)]
    if not counts:
        raise Unreadable(f"no insertions in the output: {output[-200:]}")
    return {"insert": (seconds * 1e9 / max(counts), "ns")}, {}
