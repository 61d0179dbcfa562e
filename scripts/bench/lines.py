"""What a benchmark's program prints for us: the lines FIGURE and CHECK.

    FIGURE <name> <value> <unit>     a number measured
    CHECK <name> <value>             what must be equal for all who did the same work

Everything else is for people. tests/bench/README.md tells the same to those who write one.
"""

import math


class Unreadable(Exception):
    """The output is not what it should be; says the line."""


def number(text, line):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise Unreadable(f"'{text}' is not a number from 0 up, in: {line.strip()[:200]}")
    return value


def parse(output):
    """Figures as {name: (value, unit)}, checks as {name: value}."""
    figures, checks = {}, {}
    for line in output.splitlines():
        words = line.split()
        if words[:1] == ["FIGURE"]:
            if len(words) != 4:
                raise Unreadable(f"not FIGURE name value unit: {line.strip()[:200]}")
            name, value, unit = words[1:]
            if name in figures:
                raise Unreadable(f"FIGURE {name} is there twice")
            figures[name] = (number(value, line), unit)
        elif words[:1] == ["CHECK"]:
            if len(words) != 3:
                raise Unreadable(f"not CHECK name value: {line.strip()[:200]}")
            checks[words[1]] = words[2]
    return figures, checks
