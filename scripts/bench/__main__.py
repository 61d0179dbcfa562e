"""Runs benchmarks in turn with their peers, and writes one page and one JSON.

scripts/bench.sh calls this; docs/benchmarks.md tells how to read what it writes.
"""

import argparse
import dataclasses
import difflib
import json
import os
import pathlib
import shlex
import subprocess
import sys

import catalogue
import machine
import measure
import page
import peers
import results

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFAULT_BUILD = "{target}/release"


def refuse(message):
    print(f"bench: {message}", file=sys.stderr)
    sys.exit(2)


def say(message):
    print(f"bench: {message}", file=sys.stderr, flush=True)


def options(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/bench.sh", description=__doc__.splitlines()[0], allow_abbrev=False
    )
    parser.add_argument("--list", action="store_true", help="what there is; measures nothing")
    parser.add_argument(
        "--only", metavar="NAME,...", help="benchmarks or groups, as --list names them"
    )
    parser.add_argument("--quick", action="store_true", help="few short runs: does it work?")
    parser.add_argument("--rounds", type=int, metavar="N", help="runs of each [5; quick: 2]")
    parser.add_argument(
        "--itch", action="append", metavar="FILE", help="an ITCH file in place of ours, or several"
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="where a peer was built: " + ", ".join(sorted(peers.GIVEN)),
    )
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="NAME",
        help="a build of scripts/build.sh, or several, in turn with the default, without peers",
    )
    parser.add_argument("--out", metavar="DIR", help="for index.html and bench.json [target/bench]")
    return parser.parse_args(arguments)


def given_peers(wanted):
    """Peers' paths from the options and from PEREGRINE_PEER_NAME, checked."""
    given = {}
    for name in peers.GIVEN:
        value = os.environ.get("PEREGRINE_PEER_" + name.upper().replace("-", "_"))
        if value:
            given[name] = value
    for text in wanted:
        name, equals, path = text.partition("=")
        if not equals or not path:
            refuse(f"--peer {text}: must be NAME=PATH")
        given[name] = path
    for name, path in given.items():
        if name not in peers.GIVEN:
            refuse(f"--peer {name}: there is none of this name, only {', '.join(peers.GIVEN)}")
        if not os.path.exists(path):
            refuse(f"--peer {name}: there is no {path}")
        wrong = peers.GIVEN[name].lacks(path)
        if wrong:
            refuse(f"--peer {name}: {wrong}")
    return given


def chosen(benchmarks, only, quick):
    """Those that are asked for; a name that is none is refused, with the nearest one."""
    if only is None:
        return [b for b in benchmarks if b.quick or not quick]
    names = {}
    for benchmark in benchmarks:
        for name in (benchmark.id, benchmark.id.partition("@")[0], benchmark.group):
            names.setdefault(name.lower(), []).append(benchmark)
    picked = []
    for name in filter(None, (part.strip().lower() for part in only.split(","))):
        if name not in names:
            near = difflib.get_close_matches(name, names, 1, 0.4)
            hint = f"; did you mean {near[0]}?" if near else ""
            refuse(f"--only {name}: there is no such benchmark{hint} --list tells all")
        picked += names[name]
    return list(dict.fromkeys(picked))


def variants(benchmark, wanted, target):
    """The benchmark with ourselves as its only contenders, in the default build and in others."""
    ours = [c for c in benchmark.contenders if c.command and DEFAULT_BUILD in c.command]
    built = []
    for name in wanted:
        directory = target / "variants" / name / "release"
        if not (directory / "examples").is_dir():
            refuse(f"--variant {name}: make it first: scripts/build.sh --benches {name}")
        built += [of_build(contender, name, str(directory)) for contender in ours]
    steps = tuple(step for step in benchmark.build if step != catalogue.PEERS)
    figures = tuple(dataclasses.replace(figure, aim=None) for figure in benchmark.figures)
    return dataclasses.replace(
        benchmark, contenders=(*ours, *built), build=steps, figures=figures
    )


def of_build(contender, name, directory):
    """The contender's programs as another build has them."""
    commands = {
        key: text.replace(DEFAULT_BUILD, directory.replace("{", "{{").replace("}", "}}"))
        for key in ("command", "quick")
        if (text := getattr(contender, key))
    }
    return dataclasses.replace(contender, name=f"{contender.name}, {name}", **commands)


def expand(benchmark, files):
    """A benchmark that reads ITCH, once for each file."""
    if not benchmark.per_itch:
        return [(benchmark, None)]
    return [
        (dataclasses.replace(benchmark, id=f"{benchmark.id}@{label}"), path)
        for label, path in files.items()
    ]


def itch_files(wanted, places):
    """Labels and paths of the ITCH files; a label is the file's name without its ending."""
    paths = wanted.itch or [str(ROOT / "data/sample/aapl.itch")]
    for path in wanted.itch or ():
        if not os.path.isfile(path):
            refuse(f"--itch {path}: there is no such file")
    if not wanted.itch and not wanted.quick:
        paths.append(catalogue.MADE.format_map(places))
    return {pathlib.Path(path).name.partition(".")[0]: os.path.abspath(path) for path in paths}


def build(benchmarks, files, places):
    """What the chosen need built, each once, before anything is measured."""
    steps = [step for b in benchmarks for step in b.build]
    made = catalogue.MADE.format_map(places)
    if made in files.values() and any(b.per_itch for b in benchmarks):
        steps += catalogue.MAKE
    for command in dict.fromkeys(steps):
        say(shlex.join(measure.words(command, places)))
        done = subprocess.run(measure.words(command, places), cwd=ROOT, check=False)
        if done.returncode != 0:
            say(f"failed with status {done.returncode}")
            sys.exit(1)


def measured(benchmark, itch, places, wanted, given):
    """One benchmark, measured: what is written of it, and what failed."""
    rounds = wanted.rounds or (2 if wanted.quick else benchmark.rounds or 5)
    places = {**places, "itch": itch, **{f"peer_{k}": v for k, v in given.items()}}
    say(f"{benchmark.id}: {rounds} rounds of {len(benchmark.contenders)}")
    load = machine.load()
    courses = measure.measure(benchmark, places, rounds, wanted.quick, given)
    result = results.benchmark_result(benchmark, courses, load)
    itch_option = f" --itch {shlex.quote(itch)}" if itch and wanted.itch else ""
    name = benchmark.id.partition("@")[0]
    result["again"] = f"scripts/bench.sh --only {name}{itch_option}"
    result["failed"] = [
        (course.contender.name, course.failed) for course in courses if course.failed
    ]
    for figure in result["figures"]:
        tell(figure)
    return result


def tell(figure):
    """A figure's line on the terminal."""
    parts = []
    for contender in figure["contenders"]:
        value = page.number(contender["median"]) if "runs" in contender else "-"
        ratio = f" ({contender['ratio']['median']:.3f})" if "ratio" in contender else ""
        parts.append(f"{contender['name']} {value}{ratio}")
    aim = figure["aim"]
    verdict = f"  [{aim['text']}: {aim['verdict']}]" if aim else ""
    say(f"  {figure['name']}, {figure['unit']}: {', '.join(parts)}{verdict}")


def write(report, directory):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "bench.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    (directory / "index.html").write_text(page.page(report), encoding="utf-8")


def listed(benchmarks):
    for benchmark, _ in benchmarks:
        names = ", ".join(contender.name for contender in benchmark.contenders)
        print(f"{benchmark.id:<28}{benchmark.group}: {benchmark.what}\n{'':<28}{names}")


def main(arguments):
    wanted = options(arguments)
    if wanted.rounds is not None and wanted.rounds < 1:
        refuse(f"--rounds {wanted.rounds}: must be 1 or more")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
    given = given_peers(wanted.peer)
    picked = chosen(catalogue.BENCHMARKS, wanted.only, wanted.quick)
    if wanted.variant:
        picked = [variants(benchmark, wanted.variant, target) for benchmark in picked]
        picked = [benchmark for benchmark in picked if benchmark.contenders]
    directory = pathlib.Path(wanted.out or target / "bench").resolve()
    places = {"root": str(ROOT), "target": str(target), "out": str(directory)}
    files = itch_files(wanted, places)
    pairs = [pair for benchmark in picked for pair in expand(benchmark, files)]
    if wanted.list:
        listed(pairs)
        return 0
    (target / "bench").mkdir(parents=True, exist_ok=True)
    build(picked, files, places)
    done = []
    command = shlex.join(["scripts/bench.sh", *arguments])
    report = {"schema": 1, "command": command, "machine": machine.facts(ROOT), "benchmarks": done}
    for benchmark, itch in pairs:
        done.append(measured(benchmark, itch, places, wanted, given))
        # After each, so that a run that is broken off leaves what it had.
        write(report, directory)
    failed = results.failures(done)
    for identity, name, why in failed:
        say(f"FAILED {identity}, {name}: {why}")
    say(f"{directory / 'index.html'}, {directory / 'bench.json'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
