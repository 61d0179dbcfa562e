"""Makes a host ready for Peregrine, checks it, and puts it back.

scripts/provision.sh calls this; docs/production-host.md tells the whole way.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import sys

import bootloader
import cmdline
import config as configuration
import host as hosts
import nics
import picture
import placement as placements
import plan as plans
import refusals
import runner
import state as states
import system as systems
import units
import verify

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130
AGAIN = "scripts/provision.sh apply"
# For the boot-time unit, which must not give way to a run of somebody else, and for those who look
# at a host while that unit is at work, seconds.
WAIT_S = 180


class Refused(Exception):
    """Nothing was changed; `reasons` says why."""

    def __init__(self, reasons):
        super().__init__("\n".join(reasons))
        self.reasons = reasons


def options(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/provision.sh", allow_abbrev=False, description=__doc__.splitlines()[0],
        epilog="Exit status: 0 done or fit; 1 something is wrong or failed; 2 refused, nothing was "
               "changed; 3 (verify) all is set, and a boot is needed.")
    parser.add_argument("verb", choices=("plan", "apply", "verify", "rollback"))
    parser.add_argument("--config", metavar="FILE",
                        help="config/host/NAME.toml [the one applied; else every default]")
    parser.add_argument("--dry-run", action="store_true", help="tell each step, change nothing")
    parser.add_argument("--json", action="store_true", help="for machines, on standard output")
    parser.add_argument("--root", default="/", metavar="DIR", help="a host's files below DIR [/]")
    parser.add_argument("--runtime", action="store_true",
                        help="apply only what a boot takes away, as the boot-time unit does")
    return parser.parse_args(arguments)


def open_system(root):
    if not pathlib.Path(root).is_dir():
        raise Refused([f"--root {root}: there is no such folder"])
    if not os.path.isdir(os.path.join(root, "var/lib")):
        raise Refused([f"--root {root}: there is no var/lib below, so these are no host's files"])
    if pathlib.Path(root).resolve() == pathlib.Path("/"):
        return systems.System()
    # Imported only here: the boot-time unit does not carry it.
    import pretend
    return pretend.Pretend(root)


def read_config(path, system):
    """Without a path, what this host was made ready with; on another, every default."""
    if path is None:
        applied = system.raw(units.HOST_CONFIG)
        if applied is None:
            return configuration.parse(b"", "no configuration")
        return configuration.parse(applied, units.HOST_CONFIG)
    try:
        return configuration.parse(pathlib.Path(path).read_bytes(), path)
    except OSError as error:
        raise Refused([f"--config {path}: {systems.why(error)}"]) from None


class Session:
    """A host, what is wanted of it, and what an earlier run left."""

    def __init__(self, wanted):
        self.system = open_system(wanted.root)
        self.state = states.State.load(self.system)
        self.config = read_config(wanted.config, self.system)
        named = self.config["management.interface"]
        self.host = hosts.read(self.system, "" if named == "auto" else named,
                               self.state.data["known"])
        self.host.loader = bootloader.detect(self.system, self.host.platform.family,
                                             self.config["boot.loader"])
        self.placement = placements.place(self.host, self.config)
        # The interpreter that has what is needed here; elsewhere, the one that there will be.
        python = sys.executable if self.system.real else "/usr/bin/python3"
        self.steps = plans.steps(self.system, self.host, self.config, self.placement, python)
        self.parameters = cmdline.wanted(self.host, self.config, self.placement)
        self.absent = list(cmdline.absent(self.config))
        taken = {record["fields"]["address"] for record in self.state.records
                 if record["kind"] == "bind"}
        self.against = refusals.check(self.system, self.host, self.config, self.placement, taken)
        # The boot-time unit leaves the boot loader alone.
        if not getattr(wanted, "runtime", False):
            self.against += bootloader.against(self.system, self.host.loader)
        self.notes = [*refusals.notes(self.system, self.host, self.config, self.placement),
                      *placements.warnings(self.host, self.placement)]


def say(*words):
    """Whoever reads may go away, as `head` does; a run that changes a host goes on all the same."""
    try:
        print(*words, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(value):
    say(json.dumps(value, indent=1))


# ---- plan --------------------------------------------------------------------------------------

def plan_json(session):
    rows = []
    for made in session.steps:
        status = made.status(session.system)
        rows.append({"id": made.id, "what": made.what, "why": made.why, "state": status.state,
                     "before": status.found, "wanted": made.wanted(session.system),
                     "after_boot_again": made.runtime})
    return {
        "schema": 1,
        "host": dataclasses.asdict(session.host),
        "placement": {**dataclasses.asdict(session.placement),
                      "isolated": session.placement.isolated()},
        "kernel_parameters": [dataclasses.asdict(p) for p in session.parameters],
        "kernel_parameters_absent": [dataclasses.asdict(p) for p in session.absent],
        "steps": rows,
        "refused": session.against,
        "notes": session.notes,
    }


def plan(wanted, session):
    if wanted.json:
        print_json(plan_json(session))
        return REFUSED if session.against else DONE
    platform = session.host.platform
    say(f"{session.host.name}: {platform.cpu_model}, {platform.pretty}, kernel {platform.kernel}, "
        f"IOMMU {session.host.iommu.kind or 'none'}, boot loader {session.host.loader}")
    for name, value in platform.settings.items():
        say(f"  {name:<18}{value}")
    say()
    say("\n".join(picture.draw(session.host, session.placement)))
    say("\nNICs")
    for nic in session.host.nics.values():
        say(f"  {nic.address}  {nics.describe(session.system, nic)}")
    say("\nkernel parameters")
    for parameter in session.parameters:
        say(f"  {parameter.text:<44}{parameter.why}")
    for parameter in session.absent:
        say(f"  {'no ' + parameter.text:<44}{parameter.why}")
    say("\nsteps")
    for made in session.steps:
        status = made.status(session.system)
        word = {"ok": "same", "wrong": "set", "reboot": "boot"}.get(status.state, "n/a")
        arrow = f" -> {made.wanted(session.system)}" if word == "set" else ""
        say(f"  {word:<6}{made.what:<44}{runner.shorten(status.found + arrow, 70)}")
        say(f"  {'':<6}{'':<44}{made.why}")
    tell_list("notes", session.notes)
    tell_list("refused: apply would change nothing", session.against)
    return REFUSED if session.against else DONE


def tell_list(title, lines):
    if lines:
        say(f"\n{title}")
        for line in lines:
            say(f"  * {line}")


# ---- apply, rollback ---------------------------------------------------------------------------

class Teller:
    """Prints steps as they are taken, or keeps them for JSON."""

    def __init__(self, as_json):
        self.as_json, self.rows = as_json, []

    def __call__(self, mark, what, words):
        self.rows.append({"mark": mark, "what": what, "words": words})
        if not self.as_json:
            say(f"{mark:<7}{what:<44}{words}")


def finish(wanted, teller, run, verb, reboot, error=""):
    """The end of apply and rollback; returns the exit status."""
    if wanted.json:
        print_json({"schema": 1, "verb": verb, "dry_run": wanted.dry_run, "changed": run.changed,
                    "steps": teller.rows, "refused": run.refused, "told": run.told,
                    "reboot": reboot, "error": error})
    else:
        tell_list("to know", run.told)
        tell_list("the kernel refused", run.refused)
        word = "would be changed" if wanted.dry_run else "changed"
        say(f"\n{verb}: {run.changed} step(s) {word}" + (", and a reboot is due" if reboot else ""))
        if error:
            say(f"FAILED: {error}")
    return FAILED if error or run.refused else DONE


def may_change(system, platform):
    against = list(refusals.standing(system, platform))
    if against:
        raise Refused(against)


def needs_reboot(session):
    return any(made.status(session.system).state == "reboot" for made in session.steps)


def apply(wanted, session):
    if session.against:
        raise Refused(session.against)
    if not wanted.dry_run:
        may_change(session.system, session.host.platform)
    if (broken := session.state.broken_off()) and not wanted.json:
        say(f"{broken}; going on from there")
    teller = Teller(wanted.json)
    run = runner.Runner(session.system, session.state, teller, wanted.dry_run)
    error = ""
    try:
        run.apply(session.steps, wanted.runtime, hosts.known(session.host),
                  {"source": session.config.source, "sha256": session.config.digest()})
    except runner.Stopped as stopped:
        error = str(stopped)
    return finish(wanted, teller, run, "apply", needs_reboot(session), error)


def rollback(wanted):
    system = open_system(wanted.root)
    if not wanted.dry_run:
        # Before the state file is looked for: not everybody may see it.
        may_change(system, hosts.firmware.read(system))
    state = states.State.load(system)
    teller = Teller(wanted.json)
    run = runner.Runner(system, state, teller, wanted.dry_run)
    if not state.there:
        if not wanted.dry_run:
            state.clean()
        if not wanted.json:
            say("nothing to put back: no run of apply has left a state here")
        return finish(wanted, teller, run, "rollback", False)
    if (broken := state.broken_off()) and not wanted.json:
        say(f"{broken}; putting back what is left")
    boot = next((r for r in state.records if r["id"] == "kernel command line"), None)
    before, error = system.text("/proc/cmdline", ""), ""
    try:
        run.rollback()
    except runner.Stopped as stopped:
        error = str(stopped)
    # The running kernel keeps what it was started with.
    ours = boot is not None and not all(
        text not in cmdline.split(before) for text in boot["fields"]["parameters"])
    return finish(wanted, teller, run, "rollback", ours, error)


# ---- verify ------------------------------------------------------------------------------------

def verified(wanted, session):
    again = AGAIN + (f" --config {wanted.config}" if wanted.config else "")
    found = verify.lines(session.system, session.host, session.placement, session.steps,
                         session.state, again)
    counts, status = verify.counts(found), verify.status(found)
    if wanted.json:
        print_json({"schema": 1, "lines": [dataclasses.asdict(line) for line in found],
                    "counts": counts, "broken_off": session.state.broken_off(),
                    "notes": session.notes, "exit": status})
        return status
    for line in found:
        say(f"{line.state:<17}{line.what:<44}{runner.shorten(line.found, 70)}")
        if line.mend:
            say(f"{'':<17}wanted: {line.wanted}")
            say(f"{'':<17}mend:   {line.mend}")
    if broken := session.state.broken_off():
        say(f"\n{broken}: provision.sh apply goes on, provision.sh rollback goes back")
    tell_list("notes", session.notes)
    say("\nverify: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    return status


def await_others(system):
    """A look in the middle of a run, as the unit's after a boot, would find half of it wrong."""
    try:
        with states.Lock(system, WAIT_S):
            pass
    except states.Busy:
        print(f"provision: another run has been under way for {WAIT_S} s: what it has not come to "
              "is wrong below", file=sys.stderr)


def run(wanted):
    if wanted.verb == "plan":
        return plan(wanted, Session(wanted))
    system = open_system(wanted.root)
    if wanted.verb == "verify":
        await_others(system)
        return verified(wanted, Session(wanted))
    try:
        with states.Lock(system, WAIT_S if wanted.runtime else 1):
            return rollback(wanted) if wanted.verb == "rollback" else apply(wanted, Session(wanted))
    except states.Busy as error:
        raise Refused([str(error)]) from None


def main(arguments):
    wanted = options(arguments)
    try:
        return run(wanted)
    except KeyboardInterrupt:
        print("provision: interrupted; what was done is written down: provision.sh apply goes on, "
              "provision.sh rollback goes back", file=sys.stderr)
        return INTERRUPTED
    except (Refused, placements.Impossible, configuration.Wrong) as error:
        reasons = error.reasons if isinstance(error, Refused) else error.errors
    except states.Unusable as error:
        reasons = [str(error)]
    if wanted.json:
        print_json({"schema": 1, "verb": wanted.verb, "refused": reasons, "exit": REFUSED})
    for reason in reasons:
        print(f"provision: {reason}", file=sys.stderr)
    if wanted.verb in ("apply", "rollback"):
        print("provision: nothing was changed", file=sys.stderr)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
