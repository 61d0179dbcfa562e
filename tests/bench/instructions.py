#!/usr/bin/env python3
"""Instructions of the key paths, counted by callgrind and held against committed baselines.

  scripts/instructions.sh             counts, and fails when a path got dearer
  scripts/instructions.sh --update    counts, and writes the baselines anew
  scripts/instructions.sh --variant NAME    of a build of scripts/build.sh --benches: shows only

Time is noise on a shared machine; instructions of one binary over one input are the same on every
run. A path may come to TOLERANCE more than its baseline; one that got cheaper by more than that
asks for its baseline to be written anew, and does not fail. Instructions depend on the compiler:
with another release than the one that the baselines are of, figures are shown and not judged.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASELINES = ROOT / "tests" / "bench" / "instructions.json"
SAMPLE = ROOT / "data" / "sample" / "aapl.itch"
SAMPLE_MESSAGES = 49_947
TOLERANCE = 0.03

# One run of an example: its package, its arguments, and of each path the function that is counted
# (as callgrind names it) and how many operations it did: a number, or what to look for in the
# output. Toggles are switched on entry and off on return, so what is set up is not counted.
RUNS = [
    {
        "package": "market",
        "example": "market_ns",
        "arguments": [str(SAMPLE), "1"],
        "paths": {
            "itch parse, a message": ("market_ns::parsing", SAMPLE_MESSAGES),
            "books, a message": ("market_ns::books_warmed", SAMPLE_MESSAGES),
            "trader's market, a message": ("market_ns::market_warmed", SAMPLE_MESSAGES),
        },
    },
    {
        "package": "risk",
        "example": "gate_ns",
        "arguments": ["callgrind"],
        "paths": {"risk gate, an order": ("gate_ns::admit_all", r"of (\d+) passed")},
    },
    {
        "package": "engine",
        "example": "engine_scale",
        "arguments": ["--orders", "1000", "--symbols", "1", "--sessions", "1", "--ledger", "no",
                      "--rounds", "10"],
        "paths": {
            f"engine {kind}, a command": (
                f"engine_scale::timed::{kind}", r"(\d+) commands of each kind, one by one")
            for kind in ("add", "cancel", "replace", "keep", "cross")
        },
    },
    {
        "package": "lcore",
        "example": "venue_ns",
        "arguments": ["1", "1", "2000", "2"],
        "paths": {"venue's poll, an order": ("venue_ns::timed_poll", 4_000)},
    },
    {
        "package": "replica",
        "example": "cost",
        "arguments": ["4000", "1"],
        "paths": {
            f"replica, leader {what}": (f"cost::{function}", r"(\d+) proposals in all")
            for what, function in (("proposes", "lead"), ("polls", "leader_polls"),
                                   ("hears", "leader_hears"))
        },
    },
]


def compiler():
    said = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[1]


def target():
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def build(run):
    command = ["cargo", "build", "--release", "--locked", "--quiet", "-p", run["package"],
               "--example", run["example"]]
    subprocess.run(command, cwd=ROOT, check=True)
    return target() / "release" / "examples" / run["example"]


def inclusive(annotated, function):
    """The most instructions that a line of callgrind_annotate gives the function; 0 for none."""
    counts = [int(line.split()[0].replace(",", "")) for line in annotated.splitlines()
              if re.match(r"\s*[\d,]+ \(", line) and named(line, function)]
    return max(counts, default=0)


def named(line, function):
    return re.search(re.escape(function) + r"(\b|')", line) is not None


def operations(how, output):
    if isinstance(how, int):
        return how
    found = re.search(how, output)
    if not found:
        raise SystemExit(f"instructions: no {how!r} in what the example printed:\n{output}")
    return int(found.group(1))


def count(run, binary):
    """Instructions an operation of each path of a run."""
    toggles = [f"--toggle-collect={function}" for function, _ in run["paths"].values()]
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder) / "profile"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", *toggles,
                   str(binary), *run["arguments"]]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"instructions: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
        annotated = subprocess.run(
            ["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(profile)],
            capture_output=True, text=True, check=True).stdout
    counted = {}
    for name, (function, how) in run["paths"].items():
        total = inclusive(annotated, function)
        if total == 0:
            raise SystemExit(f"instructions: callgrind saw nothing of {function}: was it renamed?")
        counted[name] = round(total / operations(how, done.stdout), 1)
    return counted


def judge(counted, known):
    """Lines to print, and the paths that got dearer. Without a baseline a path is dearer."""
    lines, dearer = [], []
    for name, now in counted.items():
        was = known.get(name)
        if was is None:
            verdict = "no baseline"
            dearer.append(name)
        elif now > was * (1 + TOLERANCE):
            verdict = "DEARER"
            dearer.append(name)
        elif now < was * (1 - TOLERANCE):
            verdict = "cheaper: write the baseline anew"
        else:
            verdict = "ok"
        change = "" if was is None else f"{(now / was - 1) * 100:+6.1f} %"
        lines.append(f"{name:32} {was or 0:>10.1f} {now:>10.1f} {change:>9}  {verdict}")
    gone = [name for name in known if name not in counted]
    lines += [f"{name:32} has a baseline and is not counted any more" for name in gone]
    return lines, dearer + gone


def show(variant):
    """What another build takes, beside the baselines, which are of the default build."""
    known = json.loads(BASELINES.read_text("utf-8"))["paths"]
    programs = target() / "variants" / variant / "release" / "examples"
    print(f"{'path':32} {'default':>10} {variant:>10}")
    for run in RUNS:
        if not (programs / run["example"]).exists():
            print(f"{', '.join(run['paths']):32} {run['example']} is not built")
            continue
        for name, now in count(run, programs / run["example"]).items():
            print(f"{name:32} {known[name]:>10.1f} {now:>10.1f} {(now / known[name] - 1):+9.1%}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write the baselines anew")
    parser.add_argument("--variant", metavar="NAME", help="count this build; nothing is judged")
    arguments = parser.parse_args()
    if arguments.variant:
        return show(arguments.variant)
    baselines = json.loads(BASELINES.read_text("utf-8")) if BASELINES.exists() else {}
    release = compiler()
    counted = {}
    for run in RUNS:
        counted.update(count(run, build(run)))
    lines, dearer = judge(counted, baselines.get("paths", {}))
    print(f"{'path':32} {'baseline':>10} {'now':>10}")
    print("\n".join(lines))
    if arguments.update:
        known = {"rustc": release, "tolerance": TOLERANCE, "paths": counted}
        BASELINES.write_text(json.dumps(known, indent=2) + "\n", "utf-8")
        print(f"baselines written: {BASELINES.relative_to(ROOT)}, of rustc {release}")
    elif baselines.get("rustc") != release:
        print(f"not judged: the baselines are of rustc {baselines.get('rustc')}, this is {release}")
    elif dearer:
        print(f"{len(dearer)} path(s) take more than {TOLERANCE:.0%} more instructions than their"
              " baselines. Find out why (valgrind --tool=callgrind, callgrind_annotate); where the"
              " work is worth it, scripts/instructions.sh --update and say so in the commit.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
