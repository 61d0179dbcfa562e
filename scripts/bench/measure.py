"""Runs the contenders of a benchmark in turn, round after round."""

import os
import shlex
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

import conditions
import lines


# A pass over so many bytes takes longer than the kernel lets others have the core at a time.
LONG_BYTES = 16 << 20
# Of the output of who failed, so much is told: some lines of DPDK's.
TAIL_CHARACTERS = 900
# What a benchmark that is told to end may still take.
GRACE_S = 15


class Failed(Exception):
    """A contender ran and did not do what was asked; says how."""


@dataclass
class Run:
    """One run of a command. `share`: seconds of CPU it had, of each second by the clock."""

    figures: dict
    checks: dict
    wall_s: float
    peak_mb: float
    share: float


@dataclass
class Course:
    """How it went for one contender. `skipped`: why it was not run; `failed`: what went wrong."""

    contender: object
    command: list = field(default_factory=list)
    stdin: str = os.devnull
    runs: list = field(default_factory=list)
    skipped: str = ""
    failed: str = ""


def words(command, places):
    """A command's words with the placeholders filled in, whatever characters these hold."""
    return [word.format_map(places) for word in shlex.split(command)]


def cpus_for(count):
    """The last CPUs of those we may use: the first is where the kernel's own work tends to be."""
    return set(sorted(os.sched_getaffinity(0))[-count:])


def reaped(process, deadline):
    """Waits for the process until the deadline. Its status and usage; None when too late."""
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage
        time.sleep(0.005)
    return None


def end(process):
    """Ends the process and what it started; one that still runs is first told to, to tidy up."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if process.returncode is None:
        process.wait()


def run(command, cpus, timeout_s, stdin=os.devnull):
    """Runs to the end. Its output, seconds and usage; raises Failed."""
    pinned = cpus_for(cpus)
    with tempfile.TemporaryFile("w+", errors="replace") as out, open(stdin, "rb") as source:
        started = time.monotonic()
        try:
            process = subprocess.Popen(
                command,
                stdin=source,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, pinned),
            )
        except OSError as error:
            raise Failed(f"{command[0]} cannot be run: {error.strerror}") from error
        try:
            ended = reaped(process, started + timeout_s)
        finally:
            end(process)
        wall_s = time.monotonic() - started
        out.seek(0)
        output = out.read()
    if ended is None:
        raise Failed(f"not done after {timeout_s:g} s: {tail(output)}")
    if ended[0] != 0:
        raise Failed(f"ended with {ended[0]}: {tail(output)}")
    return output, wall_s, ended[1]


def tail(output):
    last = [line.strip() for line in output.splitlines() if line.strip()][-3:]
    return " / ".join(last)[-TAIL_CHARACTERS:] or "no output"


def read(contender, output, figures):
    """What the contender's output says of the benchmark's figures: {name: value}, checks."""
    try:
        told, checks = (contender.parse or lines.parse)(output)
    except lines.Unreadable as error:
        raise Failed(str(error)) from error
    values = {}
    for figure in figures:
        name = contender.names.get(figure.name, figure.name)
        if name not in told:
            continue
        value, unit = told[name]
        if unit != figure.unit:
            raise Failed(f"{name} comes in {unit}, not in {figure.unit}")
        values[figure.name] = value
    if not values:
        raise Failed(f"no figure in the output: {tail(output)}")
    return values, checks


def written(contender, places, output):
    """What is to be parsed: the output, or a file that the command wrote."""
    if contender.file is None:
        return output
    try:
        with open(contender.file.format_map(places), encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Failed(f"{error.filename}: {error.strerror}; {tail(output)}") from error


def told(contender, output, figures):
    """A run, from what the command said and used."""
    text, wall_s, usage = output
    values, checks = read(contender, text, figures)
    share = (usage.ru_utime + usage.ru_stime) / wall_s
    if contender.wall:
        values = {name: value * min(share, 1) for name, value in values.items()}
    return Run(values, checks, wall_s, usage.ru_maxrss / 1024, share)


def unready(contender, places, given):
    """Why the contender cannot be run; empty when it can."""
    if contender.given and contender.given not in given:
        return f"no path to it was given: --peer {contender.given}=PATH"
    if places.get("itch") and contender.wall and os.path.getsize(places["itch"]) < LONG_BYTES:
        return "it times one pass by the clock on the wall: this file is too short for that"
    return conditions.lacking(contender.needs)


def one_round(benchmark, courses, places, quick, note):
    """Each contender once."""
    output = None
    for course in courses:
        contender = course.contender
        if contender.command is not None:
            output = None
        if course.skipped or course.failed:
            continue
        note(contender.name)
        try:
            if contender.command is not None:
                command = (quick and contender.quick) or contender.command
                course.command = words(command, places)
                course.stdin = (contender.stdin or os.devnull).format_map(places)
                output = run(course.command, contender.cpus, benchmark.timeout_s, course.stdin)
                output = (written(contender, places, output[0]), *output[1:])
            if output is None:
                raise Failed("the run that measures it failed")
            course.runs.append(told(contender, output, benchmark.figures))
        except Failed as error:
            course.failed = str(error)


def compare_checks(courses):
    """Marks as failed who counts otherwise than the first that counts the same thing."""
    first = {}
    for course in courses:
        for run_ in course.runs:
            for name, value in run_.checks.items():
                who, expected = first.setdefault(name, (course.contender.name, value))
                if value != expected and not course.failed:
                    course.failed = f"did other work: {name} {value}, but {who} {expected}"


def measure(benchmark, places, rounds, quick, given, note=lambda name: None):
    """All rounds. The courses, in the order of the contenders."""
    courses = []
    for contender in benchmark.contenders:
        courses.append(Course(contender, skipped=unready(contender, places, given)))
    # Without ourselves there is nothing to compare the others with.
    if courses[0].skipped:
        for course in courses[1:]:
            course.skipped = course.skipped or "we could not be run"
    for _ in range(rounds):
        one_round(benchmark, courses, places, quick, note)
    compare_checks(courses)
    return courses
