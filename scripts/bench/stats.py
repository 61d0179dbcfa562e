"""Medians, spreads, and ratios of what was measured in turn."""

from dataclasses import dataclass


def median(values):
    ordered = sorted(values)
    if not ordered:
        raise ValueError("there is no median of nothing")
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


@dataclass(frozen=True)
class Spread:
    """Runs, their median, and the least and the greatest of them."""

    runs: tuple
    median: float
    low: float
    high: float

    @staticmethod
    def of(runs):
        return Spread(tuple(runs), median(runs), min(runs), max(runs))

    def to_json(self):
        return {
            "median": self.median,
            "low": self.low,
            "high": self.high,
            "runs": list(self.runs),
        }


def in_turn(tops, bottoms):
    """The ratio of each round, since what disturbs one round disturbs both sides of it.

    None where a side is missing or a bottom is zero.
    """
    pairs = [(t, b) for t, b in zip(tops, bottoms) if t is not None and b]
    return Spread.of([t / b for t, b in pairs]) if pairs else None


@dataclass(frozen=True)
class Verdict:
    """How a figure stands to its aim: "met", "missed", or "met within the noise" where some
    rounds say otherwise than the median ("missed within the noise" likewise)."""

    text: str
    met: bool


def judge(spread, bound, at_least):
    """Whether the median is at least (or at most) `bound`, and whether every round agrees."""

    def holds(value):
        return value >= bound if at_least else value <= bound

    met = holds(spread.median)
    unanimous = holds(spread.low) == holds(spread.high) == met
    return Verdict(("met" if met else "missed") + ("" if unanimous else ", within the noise"), met)
