"""What a benchmark is: who is measured, what is read from their output, what is aimed at."""

from dataclasses import dataclass, field
from typing import Callable, Optional

OURS = "peregrine"


@dataclass(frozen=True)
class Aim:
    """What a figure should reach.

    kind "times":    at least `bound` times as good as the best peer
    kind "at-most":  at most `bound` times the best peer's figure (a cost that may exceed it a bit)
    kind "absolute": our own figure, at most `bound`; needs no peer
    """

    kind: str
    bound: float

    def text(self, unit):
        bound = f"{self.bound:g}"
        if self.bound == 1 and self.kind != "absolute":
            return "no worse than the best"
        if self.kind == "times":
            return f"at least {bound} times as good as the best"
        if self.kind == "at-most":
            return f"at most {bound} times the peer's"
        return f"at most {bound} {unit}"


def times(bound):
    return Aim("times", bound)


def at_most(bound):
    return Aim("at-most", bound)


def absolute(bound):
    return Aim("absolute", bound)


@dataclass(frozen=True)
class Figure:
    """A number that a run gives. `name` is that of the output's FIGURE line."""

    name: str
    unit: str
    what: str = ""
    higher_is_better: bool = False
    aim: Optional[Aim] = None


@dataclass(frozen=True, eq=False)
class Contender:
    """Somebody who is measured: ourselves, or a peer.

    command     split as a shell would, then {placeholders} filled in; None: the figures are in the
                output of the contender before it, which measures both
    quick       the same for a short run, where it differs
    parse       output -> (figures, checks); by default the lines FIGURE and CHECK
    file        a file that it writes and that is parsed in place of its output
    names       the output's names, by the figure's, where they differ
    cpus        how many CPUs it is pinned to, the last ones of those we may use
    given       the peer whose path must be given for this one to run
    needs       other conditions: names of checks in `conditions.py`
    judged      whether an aim is judged against it
    stdin       a file that it reads as its standard input
    wall        it times one pass over an ITCH file by the clock on the wall: the time is taken
                times the share of the core that it had, and the file must be a long one
    """

    name: str
    command: Optional[str] = None
    quick: Optional[str] = None
    parse: Optional[Callable] = None
    file: Optional[str] = None
    names: dict = field(default_factory=dict)
    cpus: int = 1
    given: Optional[str] = None
    needs: tuple = ()
    judged: bool = True
    stdin: Optional[str] = None
    wall: bool = False


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Contenders who do the same work, run in turn.

    build       what must be built before: shell-like commands
    per_itch    whether it is run once for each ITCH file
    quick       whether a quick run has it
    """

    id: str
    group: str
    what: str
    figures: tuple
    contenders: tuple
    build: tuple = ()
    per_itch: bool = False
    quick: bool = True
    rounds: Optional[int] = None
    timeout_s: float = 120.0
